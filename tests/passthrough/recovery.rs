//! Sessions and devices that are lost below: opened anew, logged in again where the PIN may be held, tried once more.

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech};

use crate::support::{Lower, USER, Upper, pair, sign};

const LOSSES: &[&str] = &["CKR_SESSION_HANDLE_INVALID", "CKR_DEVICE_REMOVED", "CKR_DEVICE_ERROR"];

fn held() -> Upper {
    Upper::with(Lower::new(), "hold_pin = true")
}

#[test]
fn a_loss_is_hidden_where_the_pin_is_held() {
    let upper = held();
    let session = upper.user();
    let (_, private) = pair(&session, b"k").unwrap();
    let signature = sign(&session, private).unwrap();
    for (number, loss) in LOSSES.iter().enumerate() {
        // With the answer the library loses everything, as one does whose device was reset.
        upper.lower.control(&format!("C_SignInit = {loss} once\nsessions-lost = {number}"));
        assert_eq!(sign(&session, private).unwrap(), signature, "{loss}");
        upper.lower.control(&format!("sessions-lost = {number}"));
        assert_eq!(session.info().unwrap().state, CKS_RW_USER_FUNCTIONS);
    }
    assert!(upper.lower.called("C_Login") >= 2);
}

#[test]
fn lost_sessions_alone_are_hidden_too() {
    let upper = held();
    let sessions = [upper.user(), upper.session(), upper.session()];
    let (_, private) = pair(&sessions[0], b"k").unwrap();
    let signature = sign(&sessions[0], private).unwrap();
    for session in &sessions {
        sign(session, private).unwrap();
    }
    upper.lower.control("sessions-lost = 1");
    upper.lower.forget();
    for session in &sessions {
        assert_eq!(sign(session, private).unwrap(), signature);
    }
    assert_eq!(upper.lower.called("C_Login"), 1, "one login for all of them");
}

#[test]
fn without_the_pin_a_loss_ends_the_login() {
    let upper = Upper::new();
    let session = upper.user();
    let (_, private) = pair(&session, b"k").unwrap();
    let public = session.create(&[Attr::label("open"), Attr::token(true)]).unwrap();
    upper.lower.forget();
    upper.lower.control("sessions-lost = 1");
    let rv = sign(&session, private).unwrap_err();
    assert!(
        rv.is_one_of(&[
            CKR_SESSION_HANDLE_INVALID,
            CKR_USER_NOT_LOGGED_IN,
            CKR_KEY_HANDLE_INVALID,
            CKR_OBJECT_HANDLE_INVALID
        ]),
        "{rv}"
    );
    assert_eq!(upper.lower.called("C_Login"), 0);
    // A new session and a new login always help.
    let again = upper.session();
    assert_eq!(again.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
    again.login(CKU_USER, USER).unwrap();
    let keys = again.find(&[Attr::id(b"k"), Attr::class(CKO_PRIVATE_KEY)]).unwrap();
    sign(&again, keys[0]).unwrap();
    let _ = public;
}

#[test]
fn what_needs_no_login_goes_on_without_one() {
    let upper = Upper::new();
    let session = upper.session();
    let object = session.create(&[Attr::label("open"), Attr::token(true), Attr::value(b"v")]).unwrap();
    upper.lower.control("sessions-lost = 1");
    session.random(16).unwrap();
    // Handles that no operation used are void, since they could mean another object now.
    match session.get(object, CKA_VALUE) {
        Ok(value) => assert_eq!(value, b"v"),
        Err(rv) => assert_eq!(rv, CKR_OBJECT_HANDLE_INVALID),
    }
    let found = session.find(&[Attr::label("open")]).unwrap();
    assert_eq!(session.get(found[0], CKA_VALUE).unwrap(), b"v");
    assert_eq!(session.digest(&Mech::new(CKM_SHA256), b"data").unwrap().len(), 32);
}

#[test]
fn a_trouble_that_stays_is_answered_exactly_after_one_more_try() {
    let upper = held();
    let session = upper.user();
    let (_, private) = pair(&session, b"k").unwrap();
    for (name, rv) in [("CKR_DEVICE_ERROR", CKR_DEVICE_ERROR), ("CKR_DEVICE_REMOVED", CKR_DEVICE_REMOVED)] {
        upper.lower.control(&format!("C_SignInit = {name}"));
        upper.lower.forget();
        assert_eq!(sign(&session, private).unwrap_err(), rv);
        assert_eq!(upper.lower.called("C_SignInit"), 2, "{name}");
    }
    upper.lower.control("");
    // Whatever was given up, the application can start again.
    let session = match session.info() {
        Ok(info) if info.state == CKS_RW_USER_FUNCTIONS => session,
        _ => upper.user(),
    };
    let keys = session.find(&[Attr::id(b"k"), Attr::class(CKO_PRIVATE_KEY)]).unwrap();
    sign(&session, keys[0]).unwrap();
}

#[test]
fn no_operation_is_done_twice_half_way() {
    let upper = held();
    let session = upper.user();
    let (_, private) = pair(&session, b"k").unwrap();
    let whole = session.sign(&Mech::new(CKM_ECDSA), private, b"message").unwrap();
    session.sign_init(&Mech::new(CKM_ECDSA), private).unwrap();
    session.sign_update(b"mess").unwrap();
    // What was fed is lost with the session: never a signature of the rest alone.
    upper.lower.control("sessions-lost = 1");
    match session.sign_update(b"age").and_then(|()| session.sign_final()) {
        Ok(signature) => assert_eq!(signature, whole),
        Err(rv) => assert!(
            rv.is_one_of(&[CKR_OPERATION_NOT_INITIALIZED, CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_REMOVED]),
            "{rv}"
        ),
    }
    assert_eq!(session.sign(&Mech::new(CKM_ECDSA), private, b"message").unwrap(), whole);
    // The single call, too, is the whole or an error.
    session.sign_init(&Mech::new(CKM_ECDSA), private).unwrap();
    upper.lower.control("C_Sign = CKR_DEVICE_ERROR once\nsessions-lost = 2");
    match session.sign_once(b"message") {
        Ok(signature) => assert_eq!(signature, whole),
        Err(rv) => assert!(
            rv.is_one_of(&[CKR_OPERATION_NOT_INITIALIZED, CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_ERROR]),
            "{rv}"
        ),
    }
}

#[test]
fn a_key_generation_is_not_done_twice() {
    let upper = held();
    let session = upper.user();
    // The device did it and then failed to say so, for all that keyward knows.
    upper.lower.control("C_GenerateKeyPair = CKR_DEVICE_ERROR once");
    let answer = pair(&session, b"maybe");
    upper.lower.control("");
    let there = session.find(&[Attr::id(b"maybe"), Attr::class(CKO_PRIVATE_KEY)]).unwrap().len();
    match answer {
        Ok(_) => assert_eq!(there, 1),
        Err(rv) => assert!(rv == CKR_DEVICE_ERROR && there == 0, "{rv}"),
    }
}

#[test]
fn a_changed_pin_is_not_tried_again_and_again() {
    let upper = held();
    let session = upper.user();
    session.set_pin(USER, "9999").unwrap();
    upper.lower.control("sessions-lost = 1");
    let object = session.create(&[Attr::label("x"), Attr::private(true)]);
    // The new PIN is the one that is held.
    object.unwrap();
    session.logout().unwrap();
    upper.lower.forget();
    upper.lower.control("sessions-lost = 2");
    session.random(16).unwrap();
    assert_eq!(upper.lower.called("C_Login"), 0, "after a logout there is no PIN any more");
}

#[test]
fn a_held_pin_that_is_wrong_is_given_up_at_once() {
    let upper = held();
    let session = upper.user();
    upper.lower.forget();
    upper.lower.control("sessions-lost = 1\nC_Login = 0xa0");
    for _ in 0..4 {
        let _ = session.create(&[Attr::label("x"), Attr::private(true)]);
    }
    let tried = upper.lower.called("C_Login");
    assert!(tried <= 1, "the wrong PIN was tried {tried} times: the token would lock itself");
}
