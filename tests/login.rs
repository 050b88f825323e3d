//! Logins under stress: what C_Logout ends, what races with it, and what another process does meanwhile.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{ec_pair, second_instance, sign, token, token_file, token_with, user_session};
use keyward_conformance::ck::*;
use keyward_conformance::token::{SO_PIN, USER_PIN};
use keyward_conformance::{Attr, Mech, RW};

#[test]
fn a_login_does_not_outlive_the_session_that_asked_for_it() {
    let token = token_with("soft.pin_delay=true");
    // A wrong PIN makes the next login wait: time to close the session under it.
    let session = token.session(RW).unwrap();
    for _ in 0..3 {
        assert_eq!(session.login(CKU_USER, "wrong").unwrap_err(), CKR_PIN_INCORRECT);
    }
    std::thread::scope(|scope| {
        let login = scope.spawn(|| session.login(CKU_USER, USER_PIN));
        std::thread::sleep(Duration::from_millis(100));
        token.module.close_all_sessions(token.slot).unwrap();
        assert_eq!(login.join().unwrap().unwrap_err(), CKR_SESSION_CLOSED);
    });
    let next = token.session(RW).unwrap();
    assert_eq!(next.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
    next.login(CKU_USER, USER_PIN).unwrap();
}

#[test]
fn logout_ends_operations_of_every_session() {
    let token = token();
    let (session, other) = (token.user_session().unwrap(), token.session(RW).unwrap());
    let (_, key) = ec_pair(&session, b"k").unwrap();
    other.sign_init(&Mech::new(CKM_ECDSA), key).unwrap();
    other.find_init(&[]).unwrap();
    session.logout().unwrap();
    assert_eq!(other.sign_once(&[7; 32]).unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
    assert_eq!(other.find_next(1).unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
}

#[test]
fn a_token_made_anew_by_another_process_takes_no_objects_of_the_old() {
    let token = token();
    let session = token.user_session().unwrap();
    ec_pair(&session, b"old").unwrap();
    let other = second_instance(token.dir());
    other.init_token(token.slot, SO_PIN, "anew").unwrap();
    assert_eq!(ec_pair(&session, b"lost").unwrap_err(), CKR_DEVICE_REMOVED);
    assert_eq!(session.find(&[]).unwrap_err(), CKR_DEVICE_REMOVED);
    let so = other.open_session(token.slot, RW).unwrap();
    assert!(so.find(&[]).unwrap().is_empty());
}

#[test]
fn a_renamed_token_keeps_its_pins_when_they_change() {
    let token = token();
    ec_pair(&token.user_session().unwrap(), b"kept").unwrap();
    token.module.finalize().unwrap();
    let file = token_file(token.dir());
    std::fs::rename(&file, file.with_file_name("00000000deadbeef.token")).unwrap();

    let module = second_instance(token.dir());
    let slot = module.slots(true).unwrap()[0];
    let session = module.open_session(slot, RW).unwrap();
    session.set_pin(USER_PIN, "another user pin").unwrap();
    session.login(CKU_USER, "another user pin").unwrap();
    let found = session.find(&[Attr::id(b"kept"), Attr::class(CKO_PRIVATE_KEY)]).unwrap();
    sign(&session, found[0]).unwrap();
    session.logout().unwrap();
    session.login(CKU_SO, SO_PIN).unwrap();
    session.init_pin("a third user pin").unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, "a third user pin").unwrap();
}

#[test]
fn a_file_that_is_put_back_is_taken_up_by_the_next_session() {
    let token = token();
    let session = token.user_session().unwrap();
    ec_pair(&session, b"old").unwrap();
    drop(session);
    token.module.finalize().unwrap();
    let file = token_file(token.dir());
    let copy = file.with_extension("copy");
    std::fs::copy(&file, &copy).unwrap();

    let module = second_instance(token.dir());
    let session = user_session(&module);
    ec_pair(&session, b"new").unwrap();
    std::fs::rename(&copy, &file).unwrap();
    for side in ["token-wal", "token-shm"] {
        let _ = std::fs::remove_file(file.with_extension(side));
    }
    assert_eq!(ec_pair(&session, b"lost").unwrap_err(), CKR_DEVICE_REMOVED);
    drop(session);
    let session = user_session(&module);
    assert!(session.find(&[Attr::id(b"new")]).unwrap().is_empty());
    let found = session.find(&[Attr::id(b"old"), Attr::class(CKO_PRIVATE_KEY)]).unwrap();
    sign(&session, found[0]).unwrap();
    ec_pair(&session, b"newer").unwrap();
}
