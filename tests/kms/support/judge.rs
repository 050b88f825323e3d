//! Signatures are verified by somebody else: `cryptography`, in one run for many.

use serde_json::{Value, json};

use super::python_server::python;

/// Signatures to verify.
#[derive(Default)]
pub struct Judge(Vec<Value>);

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Judge {
    /// A signature by the key of this SubjectPublicKeyInfo. `terms` holds `scheme`, and `hash`, `salt`, `prehashed` where
    /// the scheme has them (`tests/support/kms/verify.py`).
    pub fn add(&mut self, name: &str, terms: Value, spki: &[u8], data: &[u8], signature: &[u8]) {
        let mut case = terms;
        case["name"] = json!(name);
        for (key, bytes) in [("spki", spki), ("data", data), ("signature", signature)] {
            case[key] = json!(hex(bytes));
        }
        self.0.push(case);
    }

    /// Verifies them all. Panics with the first wrong one.
    pub fn verify(self) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), Value::from(self.0.clone()).to_string()).unwrap();
        let verified = python("verify.py", &[file.path().to_str().unwrap()]);
        assert_eq!(verified.trim(), self.0.len().to_string());
    }
}
