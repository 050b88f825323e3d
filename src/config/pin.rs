//! Where a soft token's user PIN lies encrypted: `[[soft.pin]]`, or `pin = {...}` of a `[[slot]]`.

use std::path::PathBuf;

use super::{Error, Origin, Result, SlotReader};
use crate::types::ck;

/// A PIN that a cloud slot decrypts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinEntry {
    /// `token`: label or serial number; `None` in a `[[slot]]`, which has one token.
    pub token: Option<String>,
    /// `kms`: the label of the `[[slot]]` that decrypts.
    pub kms: String,
    /// `key`: the label of its key. `None`: there is only one that decrypts.
    pub key: Option<String>,
    /// `ciphertext`: the file; raw bytes or Base64.
    pub ciphertext: PathBuf,
    /// `hash`: OAEP's, with the CKG_MGF1_ of it.
    pub hash: (ck::CK_MECHANISM_TYPE, ck::CK_RSA_PKCS_MGF_TYPE),
    /// Where the entry is.
    pub origin: Origin,
    /// `login`: "auto" (true) logs in at C_OpenSession, "null" (false) at a C_Login without a PIN.
    pub by_itself: bool,
}

/// OAEP's hashes as the configuration and the command line name them.
pub const OAEP_HASHES: &[(&str, (ck::CK_MECHANISM_TYPE, ck::CK_RSA_PKCS_MGF_TYPE))] = &[
    ("sha256", (ck::CKM_SHA256, ck::CKG_MGF1_SHA256)),
    ("sha1", (ck::CKM_SHA_1, ck::CKG_MGF1_SHA1)),
    ("sha384", (ck::CKM_SHA384, ck::CKG_MGF1_SHA384)),
    ("sha512", (ck::CKM_SHA512, ck::CKG_MGF1_SHA512)),
];

impl PinEntry {
    /// Reads the table. `of_token`: whether it says which token is meant.
    pub fn read(mut reader: SlotReader<'_>, of_token: bool) -> Result<PinEntry> {
        let default = (ck::CKM_SHA256, ck::CKG_MGF1_SHA256);
        let entry = PinEntry {
            token: match of_token {
                true => Some(reader.required_text("token")?.to_owned()),
                false => None,
            },
            kms: reader.required_text("kms")?.to_owned(),
            key: reader.text("key")?.map(str::to_owned),
            ciphertext: match reader.path("ciphertext")? {
                Some(path) => path,
                None => return Err(reader.refuse("lacks ciphertext = \"FILE\"")),
            },
            hash: reader.one_of("hash", OAEP_HASHES)?.unwrap_or(default),
            origin: reader.origin().clone(),
            by_itself: reader.one_of("login", &[("null", false), ("auto", true)])?.unwrap_or(false),
        };
        reader.finish()?;
        Ok(entry)
    }

    /// An error about the entry, with its place.
    pub fn refuse(&self, why: impl std::fmt::Display) -> Error {
        Error::at(&self.origin, format!("the PIN from kms = {:?}: {why}", self.kms))
    }
}
