//! Handles and searches.

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech};

use crate::support::{Lower, Upper, pair, sign};

fn by_id(id: &[u8]) -> [Attr; 2] {
    [Attr::id(id), Attr::class(CKO_PRIVATE_KEY)]
}

#[test]
fn handles_are_the_same_in_every_session() {
    let lower = Lower::new();
    lower.control("handles = 64bit");
    let upper = Upper::with(lower, "");
    let one = upper.user();
    let other = upper.session();
    let (public, private) = pair(&one, b"k").unwrap();
    assert!([one.handle(), other.handle()].iter().all(|handle| *handle <= 0xffff_ffff));
    assert_ne!(public, private);
    assert_eq!(other.find(&by_id(b"k")).unwrap(), [private]);
    assert_eq!(sign(&one, private).unwrap(), sign(&other, private).unwrap());
    assert_eq!(sign(&one, private + 1000).unwrap_err(), CKR_KEY_HANDLE_INVALID);
    assert_eq!(one.get(private + 1000, CKA_ID).unwrap_err(), CKR_OBJECT_HANDLE_INVALID);
}

#[test]
fn a_find_goes_down_once_per_template_and_change() {
    let upper = Upper::with(Lower::new(), "find_cache_ms = 600000");
    let session = upper.user();
    let (_, private) = pair(&session, b"a").unwrap();
    upper.lower.forget();
    for _ in 0..5 {
        assert_eq!(session.find(&by_id(b"a")).unwrap(), [private]);
        assert!(session.find(&by_id(b"b")).unwrap().is_empty());
    }
    assert_eq!(upper.lower.called("C_FindObjectsInit"), 2);
    // Another session of the token has the same cache.
    assert_eq!(upper.session().find(&by_id(b"a")).unwrap(), [private]);
    assert_eq!(upper.lower.called("C_FindObjectsInit"), 2);
    // Each own change makes the next search go down again.
    let (_, second) = pair(&session, b"b").unwrap();
    assert_eq!(session.find(&by_id(b"b")).unwrap(), [second]);
    assert_eq!(upper.lower.called("C_FindObjectsInit"), 3);
    session.set(second, &[Attr::id(b"c")]).unwrap();
    assert!(session.find(&by_id(b"b")).unwrap().is_empty());
    assert_eq!(session.find(&by_id(b"c")).unwrap(), [second]);
    session.destroy(second).unwrap();
    assert!(session.find(&by_id(b"c")).unwrap().is_empty());
    let copy = session.copy(private, &[Attr::id(b"d")]).unwrap();
    assert_eq!(session.find(&by_id(b"d")).unwrap(), [copy]);
}

#[test]
fn what_can_be_seen_follows_the_login_and_not_the_cache() {
    let upper = Upper::with(Lower::new(), "find_cache_ms = 600000");
    let session = upper.user();
    let (_, private) = pair(&session, b"a").unwrap();
    assert_eq!(session.find(&by_id(b"a")).unwrap(), [private]);
    session.logout().unwrap();
    assert!(session.find(&by_id(b"a")).unwrap().is_empty());
    session.login(CKU_USER, crate::support::USER).unwrap();
    assert_eq!(session.find(&by_id(b"a")).unwrap(), [private]);
}

#[test]
fn session_objects_are_found_and_end_with_their_session() {
    let upper = Upper::with(Lower::new(), "find_cache_ms = 600000");
    let (keeper, session) = (upper.user(), upper.session());
    let template = [Attr::label("short-lived")];
    let object = session.create(&template).unwrap();
    assert_eq!(keeper.find(&template).unwrap(), [object]);
    // Its lower session goes back to the pool, but what it made must not outlive it.
    session.close().unwrap();
    assert!(keeper.find(&template).unwrap().is_empty());
    assert_eq!(keeper.get(object, CKA_LABEL).unwrap_err(), CKR_OBJECT_HANDLE_INVALID);
}

#[test]
fn without_a_cache_every_find_goes_down() {
    let upper = Upper::with(Lower::new(), "find_cache_ms = 0");
    let session = upper.user();
    let (_, private) = pair(&session, b"a").unwrap();
    upper.lower.forget();
    for _ in 0..5 {
        assert_eq!(session.find(&by_id(b"a")).unwrap(), [private]);
    }
    assert_eq!(upper.lower.called("C_FindObjectsInit"), 5);
}

#[test]
fn a_search_can_be_read_in_parts_left_and_cancelled() {
    let upper = Upper::new();
    let session = upper.user();
    let all: Vec<_> =
        (0..7).map(|n| session.create(&[Attr::label("many"), Attr::id(&[n])]).unwrap()).collect();
    for _ in 0..2 {
        session.find_init(&[Attr::label("many")]).unwrap();
        assert_eq!(session.find_init(&[]).unwrap_err(), CKR_OPERATION_ACTIVE);
        let mut found = session.find_next(3).unwrap();
        found.extend(session.find_next(1).unwrap());
        session.find_final().unwrap();
        assert_eq!(found, all[..4]);
        assert_eq!(session.find_final().unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
    }
    session.find_init(&[Attr::label("many")]).unwrap();
    session.cancel(CKF_FIND_OBJECTS).unwrap();
    assert_eq!(session.find_next(1).unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
}

#[test]
fn handles_keep_their_object_when_the_lower_ones_change() {
    let lower = Lower::new();
    lower.control("renumber");
    let upper = Upper::with(lower, "hold_pin = true");
    let session = upper.user();
    let (_, first) = pair(&session, b"one").unwrap();
    let (_, second) = pair(&session, b"two").unwrap();
    let signature = sign(&session, first).unwrap();
    upper.lower.control("renumber\nsessions-lost = 1");
    // Never another key under the same number: the right signature, or an invalid handle until it is found again.
    match sign(&session, first) {
        Ok(again) => assert_eq!(again, signature),
        Err(rv) => assert!(rv == CKR_KEY_HANDLE_INVALID || rv == CKR_OBJECT_HANDLE_INVALID, "{rv}"),
    }
    let found = session.find(&by_id(b"one")).unwrap();
    assert_eq!(session.sign(&Mech::new(CKM_ECDSA), found[0], &[7; 32]).unwrap(), signature);
    let found = session.find(&by_id(b"two")).unwrap();
    assert_ne!(session.sign(&Mech::new(CKM_ECDSA), found[0], &[7; 32]).unwrap(), signature);
    let _ = second;
}
