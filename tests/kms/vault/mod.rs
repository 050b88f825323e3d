//! Vault: a real OpenBao server, through the C ABI.

mod keys;
mod logins;
mod trouble;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use keyward_conformance::ck::*;
use keyward_conformance::{Object, Session};
use serde_json::{Value, json};

use crate::support::desk::Desk;
use crate::support::openbao::OpenBao;

/// One server over TLS for all tests that leave it as it is.
fn server() -> &'static OpenBao {
    static SERVER: OnceLock<OpenBao> = OnceLock::new();
    SERVER.get_or_init(OpenBao::start_tls)
}

/// A transit engine of a test's own.
struct Transit<'a> {
    bao: &'a OpenBao,
    mount: String,
}

impl<'a> Transit<'a> {
    fn new(bao: &'a OpenBao) -> Transit<'a> {
        static MOUNTS: AtomicU32 = AtomicU32::new(0);
        let mount = format!("transit-{}", MOUNTS.fetch_add(1, Ordering::Relaxed));
        bao.write(&format!("sys/mounts/{mount}"), json!({ "type": "transit" }));
        Transit { bao, mount }
    }

    /// A path within it.
    fn path(&self, path: &str) -> String {
        format!("{}/{path}", self.mount)
    }

    fn write(&self, path: &str, body: Value) -> Value {
        self.bao.write(&self.path(path), body)
    }

    fn key(&self, name: &str, r#type: &str) {
        self.write(&format!("keys/{name}"), json!({ "type": r#type }));
    }

    /// What the server tells of a key.
    fn read(&self, name: &str) -> Value {
        self.bao.read(&self.path(&format!("keys/{name}")))["data"].clone()
    }

    /// A `[[slot]]` for this mount with further lines, at the server's own address.
    fn slot(&self, lines: &str) -> String {
        let ca_file = format!("ca_file = {:?}\n", self.bao.ca_file());
        let ca_file = if self.bao.address().starts_with("https:") { &*ca_file } else { "" };
        self.slot_at(&self.bao.address(), &format!("{ca_file}{lines}"))
    }

    fn slot_at(&self, address: &str, lines: &str) -> String {
        format!(
            "[[slot]]\nbackend = \"kms\"\nprovider = \"vault\"\nlabel = \"vault\"\naddress = \"{address}\"\n\
             mount = \"{}\"\n{lines}\n",
            self.mount,
        )
    }

    /// A line for a token file with the root token.
    fn root(&self) -> String {
        format!("token_file = {:?}\n", self.bao.write_file("root", self.bao.root_token()))
    }

    /// A desk with the root token.
    fn desk(&self, lines: &str) -> Desk {
        Desk::start(&self.slot(&(self.root() + lines)))
    }
}

fn spki(session: &Session, key: Object) -> Vec<u8> {
    session.get(key, CKA_PUBLIC_KEY_INFO).unwrap()
}

fn base64(bytes: &[u8]) -> String {
    keyward::cloud::text::base64(bytes)
}

fn from_base64(text: &Value) -> Vec<u8> {
    keyward::cloud::text::from_base64("test", text.as_str().unwrap()).unwrap().to_vec()
}
