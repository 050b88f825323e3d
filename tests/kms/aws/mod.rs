//! AWS KMS: on ministack what that has, on a mock what no emulator has, and moto as a judge of signatures.

mod credentials;
mod emulated;
mod faults;
mod judged;
mod trouble;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use keyward::cloud::aws::{Aws, KMS, Settings};
use keyward::cloud::{Connection, Environment, Error, Repeat};
use keyward_conformance::{Object, Session};
use serde_json::{Value, json};

use crate::support::desk::{Desk, private, public};
use crate::support::python_server::{PythonServer, python, venv};

/// A user of every server here.
const KEY: &str = "AKIDSTATIC";
const SECRET: &str = "static-PLANTED/+";

/// One for all tests: each uses a region of its own.
static MINISTACK: LazyLock<PythonServer> = LazyLock::new(|| {
    PythonServer::run(|port| {
        let bind = format!("127.0.0.1:{port}");
        let command = [venv("hypercorn").into(), "ministack.app:app".into(), "-b".into(), bind.into()];
        (command.to_vec(), vec![("SERVICES", "kms,sts"), ("IOT_MTLS_ENABLED", "0")])
    })
});

/// An emulated region with nothing in it.
struct Region {
    url: String,
    name: String,
}

impl Region {
    fn new() -> Region {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("eu-test-{}", MADE.fetch_add(1, Ordering::Relaxed) + 10);
        Region { url: MINISTACK.url(), name }
    }

    /// An operation as an administrator asks for it.
    fn ask(&self, operation: &str, request: Value) -> Value {
        ask(&client(&self.url, &self.name, &[]), operation, request).unwrap()
    }

    /// A key made by an administrator, with an alias: its ID.
    fn key(&self, spec: &str, usage: &str, alias: &str) -> String {
        let made = self.ask("CreateKey", json!({ "KeySpec": spec, "KeyUsage": usage }));
        let id = made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
        if !alias.is_empty() {
            self.ask("CreateAlias", json!({ "AliasName": format!("alias/{alias}"), "TargetKeyId": id }));
        }
        id
    }

    fn desk(&self, more: &str) -> Desk {
        desk(&self.url, &self.name, more)
    }
}

/// A slot with the label `aws` at a server, with credentials from a file.
fn desk(url: &str, region: &str, more: &str) -> Desk {
    let keys = format!("[test]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n");
    let slot = format!(
        "[[slot]]\nbackend = \"kms\"\nprovider = \"aws\"\nlabel = \"aws\"\naddress = \"{url}\"\nregion = \"{region}\"\n\
         profile = \"test\"\ncredentials_file = \"credentials\"\n{more}"
    );
    let desk = Desk::idle(&slot);
    std::fs::write(desk.path("credentials"), keys).unwrap();
    desk.initialize().unwrap();
    desk
}

/// Both halves of a pair.
#[track_caller]
fn pair(session: &Session, label: &str) -> (Object, Object) {
    (public(session, label), private(session, label))
}

/// A client without a slot, which knows these variables beside the user's keys.
fn client(url: &str, region: &str, variables: &[(&str, &str)]) -> Aws {
    let keys = [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let settings = Settings { region: Some(region.to_owned()), ..Settings::default() };
    let connection = Connection { address: Some(url.to_owned()), ..Connection::default() };
    Aws::new(settings, connection, Environment::fixed(&[&keys, variables].concat()))
}

fn ask(aws: &Aws, operation: &str, request: Value) -> Result<Value, Error> {
    let body = serde_json::to_vec(&request).unwrap();
    let answer = aws.call(&KMS, operation, &body, Repeat::Always, aws.deadline())?;
    Ok(serde_json::from_slice(&answer.body).unwrap())
}

/// The mock, which boto3 was satisfied with.
struct Mock {
    server: PythonServer,
}

const MOCK_REGION: &str = "eu-test-1";

impl Mock {
    fn start() -> Mock {
        static HONEST: LazyLock<()> = LazyLock::new(|| {
            let server = PythonServer::start("aws_mock.py", &[]);
            assert_eq!(python("aws_mock_check.py", &[&server.url()]), "honest\n");
        });
        LazyLock::force(&HONEST);
        Mock { server: PythonServer::start("aws_mock.py", &[]) }
    }

    fn url(&self) -> String {
        self.server.url()
    }

    fn desk(&self, more: &str) -> Desk {
        desk(&self.url(), MOCK_REGION, more)
    }

    fn ask(&self, operation: &str, request: Value) -> Value {
        ask(&client(&self.url(), MOCK_REGION, &[]), operation, request).unwrap()
    }

    fn key(&self, spec: &str, usage: &str, alias: &str) -> String {
        let made = self.ask("CreateKey", json!({ "KeySpec": spec, "KeyUsage": usage }));
        let id = made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
        if !alias.is_empty() {
            self.ask("CreateAlias", json!({ "AliasName": format!("alias/{alias}"), "TargetKeyId": id }));
        }
        id
    }

    /// Makes trouble, as aws_mock.py describes.
    fn control(&self, told: Value) {
        self.control_request("POST", told.to_string().as_bytes());
    }

    /// How often an operation was asked for.
    fn asked(&self, operation: &str) -> u64 {
        let counts: Value = serde_json::from_slice(&self.control_request("GET", &[])).unwrap();
        counts[operation].as_u64().unwrap_or(0)
    }

    fn control_request(&self, method: &'static str, body: &[u8]) -> Vec<u8> {
        let url = format!("{}/control", self.url());
        let http = keyward::cloud::Http::new(keyward::cloud::HttpSettings::default());
        let request = keyward::cloud::Request::new(method, &url, body);
        http.send(&request, std::time::Duration::from_secs(20)).unwrap().body.to_vec()
    }
}
