//! Soft tokens that are kept in secret stores: a real OpenBao, and moto for AWS Secrets Manager.
//!
//! moto compares the content of versions with the same ID, as AWS does, if it is asked one thing after another. ministack
//! overwrites them, so that two writers may both believe to be first: only what one writer does is tried on it.

mod documents;
mod fleet;
mod processes;

pub use fleet::initialize_token;

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward::config::{Origin, SlotEntry};
use keyward::store::remote::{self, Documents};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::openbao::OpenBao;
use crate::support::python_server::{PythonServer, python, script, venv};

/// A service that keeps tokens.
pub enum Service {
    Vault(Box<OpenBao>),
    Aws(PythonServer, TempDir),
}

/// The permissions that docs/secret-stores.md asks for, and no other.
const POLICY: [(&str, &str); 2] = [
    ("secret/data/keyward/fleet/*", "create,update,read"),
    ("secret/metadata/keyward/fleet/*", "create,update,delete"),
];

impl Service {
    pub fn vault() -> Service {
        let bao = OpenBao::start();
        bao.write("sys/mounts/secret", json!({ "type": "kv", "options": { "version": "2" } }));
        // For a moment it refuses everything (400): "upgrading from non-versioned to versioned data".
        let end = Instant::now() + Duration::from_secs(60);
        while bao.request("GET", "secret/config", Value::Null).unwrap().0 != 200 {
            assert!(Instant::now() < end, "the engine does not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
        bao.policy("fleet", &POLICY);
        bao.write_file("token", &bao.token(&["fleet"], "1h"));
        Service::Vault(Box::new(bao))
    }

    pub fn moto() -> Service {
        Service::aws(
            |port| {
                let server = script("moto_one_by_one.py");
                vec![
                    venv("python").into(),
                    server.into(),
                    "-H".into(),
                    "127.0.0.1".into(),
                    "-p".into(),
                    port.into(),
                ]
            },
            vec![],
        )
    }

    pub fn ministack() -> Service {
        let variables = vec![("SERVICES", "secretsmanager"), ("IOT_MTLS_ENABLED", "0")];
        Service::aws(
            |port| {
                let bind = format!("127.0.0.1:{port}");
                vec![venv("hypercorn").into(), "ministack.app:app".into(), "-b".into(), bind.into()]
            },
            variables,
        )
    }

    fn aws(
        command: impl FnOnce(String) -> Vec<std::ffi::OsString>,
        variables: Vec<(&'static str, &'static str)>,
    ) -> Service {
        let dir = TempDir::new().unwrap();
        let keys = "[default]\naws_access_key_id = AKIAKEYWARD\naws_secret_access_key = secret\n";
        std::fs::write(dir.path().join("credentials"), keys).unwrap();
        std::fs::write(dir.path().join("config"), "").unwrap();
        Service::Aws(PythonServer::run(|port| (command(port.to_string()), variables)), dir)
    }

    pub fn address(&self) -> String {
        match self {
            Service::Vault(bao) => bao.address(),
            Service::Aws(server, _) => server.url(),
        }
    }

    /// The keys of a `[[slot]]`, without `backend`, at this address.
    pub fn keys_at(&self, address: &str) -> String {
        match self {
            Service::Vault(bao) => format!(
                "store = \"vault\"\naddress = \"{address}\"\npath = \"keyward/fleet\"\ntoken_file = \"{}\"\n",
                bao.file("token").display()
            ),
            Service::Aws(_, dir) => format!(
                "store = \"aws\"\naddress = \"{address}\"\nprefix = \"keyward/fleet/\"\nregion = \"eu-central-1\"\n\
                 profile = \"default\"\ncredentials_file = \"{}\"\nconfig_file = \"{}\"\n",
                dir.path().join("credentials").display(),
                dir.path().join("config").display()
            ),
        }
    }

    /// The same as an entry, with further keys.
    pub fn entry(&self, keys: &str) -> String {
        format!("[[slot]]\nbackend = \"soft\"\n{}{keys}", self.keys_at(&self.address()))
    }

    pub fn documents(&self) -> Arc<dyn Documents> {
        self.documents_at(&self.address())
    }

    pub fn documents_at(&self, address: &str) -> Arc<dyn Documents> {
        let table = self.keys_at(address).parse().unwrap();
        let entry = SlotEntry::new("soft".to_owned(), table, Origin::Default);
        remote::documents(&mut entry.reader()).unwrap()
    }

    /// Everything that the service holds, its history included: names, and contents as bytes.
    pub fn dump(&self) -> Vec<(String, Vec<u8>)> {
        match self {
            Service::Vault(bao) => dump_vault(bao),
            Service::Aws(server, _) => {
                let read = |line: &str| {
                    let [name, _, content] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
                    (name.to_owned(), keyward_conformance::unhex(content).unwrap())
                };
                python("held_secrets.py", &[&server.url()]).lines().map(read).collect()
            }
        }
    }
}

fn dump_vault(bao: &OpenBao) -> Vec<(String, Vec<u8>)> {
    let names = bao.read("secret/metadata/keyward/fleet?list=true")["data"]["keys"].clone();
    let mut all = Vec::new();
    for name in names.as_array().unwrap() {
        let name = name.as_str().unwrap();
        let versions = bao.read(&format!("secret/metadata/keyward/fleet/{name}"))["data"]["versions"].clone();
        for version in versions.as_object().unwrap().keys() {
            let path = format!("secret/data/keyward/fleet/{name}?version={version}");
            let (_, answer) = bao.request("GET", &path, json!(null)).unwrap();
            if let Some(text) = answer["data"]["data"]["document"].as_str() {
                all.push((
                    name.to_owned(),
                    keyward::cloud::text::from_base64("document", text).unwrap().to_vec(),
                ));
            }
        }
    }
    all
}
