//! Processes of the tool that share a token, and die while they write.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use keyward_conformance::ck::*;
use keyward_conformance::token::USER_PIN;
use keyward_conformance::{Attr, RW};

use super::Service;
use super::fleet::{initialize_token, slot};
use crate::common::sign;
use crate::support::desk::Desk;

fn tool(desk: &Desk, arguments: &[&str]) -> Child {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_keyward"));
    tool.env_clear().env("HOME", desk.dir.path()).env("KEYWARD_CONF", desk.configuration());
    tool.env("PIN", USER_PIN).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    tool.spawn().unwrap()
}

fn generate(desk: &Desk, label: &str) -> Child {
    let arguments = ["key", "generate", "--token", "fleet", "--pin-env", "PIN", "--type", "ec:p256"];
    tool(desk, &[&arguments[..], &["--label", label]].concat())
}

fn pairs(desk: &Desk) -> (usize, usize) {
    let session = desk.module.open_session(slot(desk), RW).unwrap();
    session.login(CKU_USER, USER_PIN).unwrap();
    let count = |class| session.find(&[Attr::class(class)]).unwrap().len();
    let found = (count(CKO_PRIVATE_KEY), count(CKO_PUBLIC_KEY));
    for key in session.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap() {
        sign(&session, key).unwrap();
    }
    found
}

fn share(service: &Service) {
    let desk = Desk::start(&service.entry("refresh_ms = 0\n"));
    initialize_token(&desk);
    let mut children: Vec<_> = (0..8).map(|n| generate(&desk, &format!("key {n}"))).collect();
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(pairs(&desk), (8, 8));
}

#[test]
fn processes_share_a_vault_token() {
    share(&Service::vault());
}

#[test]
fn processes_share_an_aws_token() {
    share(&Service::moto());
}

#[test]
fn a_killed_writer_leaves_a_token_that_opens() {
    let service = Service::vault();
    let desk = Desk::start(&service.entry("refresh_ms = 0\n"));
    initialize_token(&desk);
    let mut done = 0;
    for n in 0..40_u64 {
        let mut child = generate(&desk, "killed");
        std::thread::sleep(Duration::from_millis(5 + 3 * n));
        let _ = child.kill();
        done += usize::from(child.wait().unwrap().success());
    }
    assert!(generate(&desk, "last").wait().unwrap().success());
    let (private, public) = pairs(&desk);
    assert!(private == public && private > done, "{private} {public} {done}");
}
