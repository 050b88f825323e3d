//! Slots and the token's file: the contract of DESIGN section 1.

#![allow(clippy::unwrap_used)]

mod common;

use std::os::unix::fs::PermissionsExt;

use common::{ec_pair, second_instance, sign, token, token_file, user_session};
use keyward_conformance::ck::*;
use keyward_conformance::token::{LABEL, SO_PIN};
use keyward_conformance::{Attr, Module, TestToken, text};

fn fresh(dir: &std::path::Path, extra: &str) -> Module {
    let module = Module::load_private(common::library()).unwrap();
    module.initialize(Some(&format!("dir='{}' kdf=fast {extra}", dir.display()))).unwrap();
    module
}

#[test]
fn a_slot_id_outlives_initialisation_and_process() {
    let dir = tempfile::tempdir().unwrap();
    let module = fresh(dir.path(), "");
    let before = module.slots(true).unwrap();
    assert_eq!(before.len(), 1);
    assert!(before[0] > 0 && before[0] <= 0x7fff_ffff);
    // Another process sees the same free slot before the token exists, and the same token after.
    assert_eq!(second_instance(dir.path()).slots(true).unwrap(), before);
    module.init_token(before[0], SO_PIN, "first").unwrap();
    assert_eq!(module.slots(true).unwrap(), before);
    let other = second_instance(dir.path());
    assert_eq!(other.slots(true).unwrap(), before);
    assert_eq!(text(&other.token_info(before[0]).unwrap().label), "first");
}

#[test]
fn the_free_slot_hides_once_a_token_exists() {
    let dir = tempfile::tempdir().unwrap();
    let module = fresh(dir.path(), "");
    assert_eq!(module.slots(true).unwrap().len(), 1);
    let slot = module.slots(true).unwrap()[0];
    module.init_token(slot, SO_PIN, "one").unwrap();
    assert_eq!(module.slots(true).unwrap(), [slot]);
    let all = module.slots(false).unwrap();
    assert_eq!(all.len(), 2);
    let free = all.into_iter().find(|&id| id != slot).unwrap();
    assert_eq!(module.token_info(free).unwrap().flags & CKF_TOKEN_INITIALIZED, 0);
    module.init_token(free, SO_PIN, "two").unwrap();
    assert_eq!(module.slots(true).unwrap().len(), 2);
}

#[test]
fn the_free_slot_follows_its_setting() {
    let dir = tempfile::tempdir().unwrap();
    assert!(fresh(dir.path(), "slots.free=never").slots(false).unwrap().is_empty());
    let always = fresh(dir.path(), "slots.free=always");
    always.init_token(always.slots(true).unwrap()[0], SO_PIN, "one").unwrap();
    assert_eq!(always.slots(true).unwrap().len(), 2);
}

#[test]
fn a_token_is_one_file_that_can_be_moved() {
    let mut token = token();
    let session = token.user_session().unwrap();
    let (_, key) = ec_pair(&session, b"moved").unwrap();
    sign(&session, key).unwrap();
    drop(session);
    let file = token_file(token.dir());
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    let serial = text(&token.module.token_info(token.slot).unwrap().serialNumber);
    assert_eq!(file.file_name().unwrap().to_str().unwrap(), format!("{serial}.token"));
    token.restart().unwrap();
    token.module.finalize().unwrap();

    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(&file, elsewhere.path().join(file.file_name().unwrap())).unwrap();
    let module = second_instance(elsewhere.path());
    assert_eq!(module.slots(true).unwrap(), [token.slot]);
    let session = user_session(&module);
    let found = session.find(&[Attr::id(b"moved"), Attr::class(CKO_PRIVATE_KEY)]).unwrap();
    sign(&session, found[0]).unwrap();
}

#[test]
fn initialising_again_asks_for_the_so_pin_and_drops_the_objects() {
    let token: TestToken = token();
    let session = token.user_session().unwrap();
    ec_pair(&session, b"gone").unwrap();
    assert_eq!(token.module.init_token(token.slot, SO_PIN, LABEL).unwrap_err(), CKR_SESSION_EXISTS);
    drop(session);
    assert_eq!(token.module.init_token(token.slot, "wrong pin", LABEL).unwrap_err(), CKR_PIN_INCORRECT);
    token.module.init_token(token.slot, SO_PIN, "again").unwrap();
    let so = token.so_session().unwrap();
    so.init_pin("new user pin").unwrap();
    so.logout().unwrap();
    so.login(CKU_USER, "new user pin").unwrap();
    assert!(so.find(&[Attr::id(b"gone")]).unwrap().is_empty());
    ec_pair(&so, b"new").unwrap();
}

#[test]
fn processes_that_replace_the_free_slot_at_once_agree_on_it() {
    let token = token();
    let used = text(&token.module.token_info(token.slot).unwrap().serialNumber);
    let others: Vec<Module> = (0..4).map(|_| second_instance(token.dir())).collect();
    let barrier = std::sync::Barrier::new(others.len());
    let free = |module: &Module| module.slots(false).unwrap().into_iter().find(|&id| id != token.slot);
    for round in 0..200 {
        // As after C_InitToken of the free slot: its serial is used up, and everybody finds out.
        let fresh = token.dir().join("fresh");
        std::fs::write(&fresh, &used).unwrap();
        std::fs::rename(fresh, token.dir().join("free-slot")).unwrap();
        let seen: Vec<_> = std::thread::scope(|scope| {
            let look = |module| {
                barrier.wait();
                free(module)
            };
            let threads: Vec<_> = others.iter().map(|module| scope.spawn(move || look(module))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(seen.iter().all(|slot| slot.is_some() && *slot == seen[0]), "round {round}: {seen:?}");
    }
    let names = std::fs::read_dir(token.dir()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name.to_str().unwrap().starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn directories_are_made_for_the_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("tokens");
    let module = fresh(&dir, "");
    module.init_token(module.slots(true).unwrap()[0], SO_PIN, "one").unwrap();
    assert_eq!(dir.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}
