//! Sessions and logins.

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, RO, RW};

use crate::support::{Lower, SO, USER, Upper, pair, sign};

#[test]
fn nothing_is_loaded_before_it_is_needed() {
    let upper = Upper::new();
    assert!(upper.lower.calls().is_empty(), "{:?}", upper.lower.calls());
    upper.slot();
    assert_eq!(upper.lower.called("C_Initialize"), 1);
    let arguments = upper.lower.calls().into_iter().find(|call| call.starts_with("ARGUMENTS")).unwrap();
    assert!(arguments.ends_with("reserved="), "{arguments}");
}

#[test]
fn init_args_arrive_in_p_reserved() {
    let upper = Upper::with(Lower::new(), "init_args = \"configdir='/x' flags=readOnly\"");
    upper.slot();
    let calls = upper.lower.calls();
    assert!(calls.iter().any(|call| call.ends_with("reserved=configdir='/x' flags=readOnly")), "{calls:?}");
}

#[test]
fn lower_sessions_are_pooled_and_reused() {
    let upper = Upper::new();
    let keeper = upper.user();
    let (_, private) = pair(&keeper, b"k").unwrap();
    upper.lower.forget();
    for _ in 0..20 {
        let session = upper.module.open_session(upper.slot(), RW).unwrap();
        sign(&session, private).unwrap();
        session.close().unwrap();
    }
    let opened = upper.lower.called("C_OpenSession");
    assert!(opened <= 2, "{opened} lower sessions for one at a time");
    // What was left unfinished does not show in the next session.
    let session = upper.session();
    session.sign_init(&Mech::new(CKM_ECDSA), private).unwrap();
    session.find_init(&[]).unwrap();
    session.digest_init(&Mech::new(CKM_SHA256)).unwrap();
    session.close().unwrap();
    let session = upper.session();
    assert_eq!(session.sign_once(b"data").unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
    assert_eq!(session.digest_final().unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
    session.find_init(&[]).unwrap();
    sign(&session, private).unwrap();
}

#[test]
fn sessions_that_work_at_once_have_lower_sessions_of_their_own() {
    let upper = Upper::new();
    let keeper = upper.user();
    let (_, private) = pair(&keeper, b"k").unwrap();
    let sessions: Vec<_> = (0..5).map(|_| upper.session()).collect();
    for session in &sessions {
        session.sign_init(&Mech::new(CKM_ECDSA), private).unwrap();
    }
    let signatures: Vec<_> = sessions.iter().map(|session| session.sign_once(&[7; 32]).unwrap()).collect();
    assert!(signatures.iter().all(|signature| *signature == signatures[0]));
}

#[test]
fn read_only_sessions_stay_read_only() {
    let upper = Upper::new();
    let writer = upper.user();
    let session = upper.module.open_session(upper.slot(), RO).unwrap();
    assert_eq!(session.info().unwrap().state, CKS_RO_USER_FUNCTIONS);
    assert_eq!(session.create(&[Attr::token(true)]).unwrap_err(), CKR_SESSION_READ_ONLY);
    session.create(&[Attr::token(false)]).unwrap();
    writer.create(&[Attr::token(true)]).unwrap();
    assert_eq!(
        upper.module.open_session(upper.slot(), 0).map(|_| ()).unwrap_err(),
        CKR_SESSION_PARALLEL_NOT_SUPPORTED
    );
}

#[test]
fn the_login_is_shared_and_ends_with_the_last_session() {
    let upper = Upper::new();
    let first = upper.user();
    let second = upper.session();
    assert_eq!(second.info().unwrap().state, CKS_RW_USER_FUNCTIONS);
    assert_eq!(second.login(CKU_USER, USER).unwrap_err(), CKR_USER_ALREADY_LOGGED_IN);
    assert_eq!(second.login(CKU_SO, SO).unwrap_err(), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
    assert_eq!(upper.lower.called("C_Login"), 1);
    let (_, private) = pair(&first, b"k").unwrap();
    first.close().unwrap();
    sign(&second, private).unwrap();
    second.close().unwrap();
    // Pooled lower sessions must not keep anyone logged in.
    let third = upper.session();
    assert_eq!(third.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
    assert!(third.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap().is_empty());
    third.login(CKU_USER, USER).unwrap();
    assert_eq!(third.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap().len(), 1);
}

#[test]
fn a_logout_is_everyones() {
    let upper = Upper::new();
    let (first, second) = (upper.user(), upper.session());
    second.logout().unwrap();
    assert_eq!(first.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
    assert_eq!(first.logout().unwrap_err(), CKR_USER_NOT_LOGGED_IN);
    assert_eq!(upper.lower.called("C_Logout"), 1);
}

#[test]
fn wrong_pins_are_answered_by_the_lower_token() {
    let upper = Upper::new();
    let session = upper.session();
    assert_eq!(session.login(CKU_USER, "0000").unwrap_err(), CKR_PIN_INCORRECT);
    upper.lower.control("C_Login = CKR_PIN_LOCKED");
    assert_eq!(session.login(CKU_USER, USER).unwrap_err(), CKR_PIN_LOCKED);
    upper.lower.control("");
    session.login(CKU_USER, USER).unwrap();
    let log = upper.log();
    assert!(!log.contains("0000") && !log.contains(USER), "a PIN is in the log:\n{log}");
}

#[test]
fn finalize_arrives_and_everything_starts_anew() {
    let upper = Upper::new();
    let session = upper.user();
    let (_, private) = pair(&session, b"k").unwrap();
    let slot = upper.slot();
    upper.module.finalize().unwrap();
    assert_eq!(upper.lower.called("C_Finalize"), 1);
    assert_eq!(session.info().unwrap_err(), CKR_CRYPTOKI_NOT_INITIALIZED);
    upper.module.initialize(Some(&upper.configuration())).unwrap();
    assert_eq!(upper.slot(), slot);
    assert_eq!(upper.lower.called("C_Initialize"), 2);
    let again = upper.user();
    assert_eq!(again.find(&[Attr::id(b"k"), Attr::class(CKO_PRIVATE_KEY)]).unwrap().len(), 1);
    let _ = private;
}

#[test]
fn close_all_sessions_is_one_tokens() {
    let lower = Lower::new();
    lower.control("slots = 7:first 9:second");
    let upper = Upper::with(lower, "");
    let one = upper.module.open_session(upper.slot_of("first"), RW).unwrap();
    let other = upper.module.open_session(upper.slot_of("second"), RW).unwrap();
    one.login(CKU_USER, USER).unwrap();
    assert_eq!(other.info().unwrap().state, CKS_RW_PUBLIC_SESSION, "each token has its own login");
    upper.module.close_all_sessions(upper.slot_of("first")).unwrap();
    assert_eq!(one.info().map(|_| ()).unwrap_err(), CKR_SESSION_HANDLE_INVALID);
    other.info().unwrap();
    assert_eq!(upper.session().info().unwrap().state, CKS_RW_PUBLIC_SESSION);
}
