//! Slots: which tokens are shown, that they keep their numbers, and what becomes of those that come and go.

use std::time::Duration;

use keyward_conformance::ck::*;
use keyward_conformance::{RW, call, text};

use crate::support::{Lower, Upper, pair, sign};

#[test]
fn lower_tokens_are_shown_under_our_slot_ids() {
    let lower = Lower::new();
    lower.control("slots = 7:first 9:second 11:- 4294967299:far");
    let upper = Upper::with(lower, "");
    let slots = upper.module.slots(true).unwrap();
    assert_eq!(slots.len(), 3, "{slots:?}");
    assert!(slots.iter().all(|slot| *slot <= 0x7fff_ffff));
    for label in ["first", "second", "far"] {
        let info = upper.module.token_info(upper.slot_of(label)).unwrap();
        assert_eq!(text(&info.serialNumber), format!("SN-{label}"));
        assert_eq!(text(&info.manufacturerID), "faulty tokens");
        assert_eq!(text(&info.model), "faulty 1");
        assert_eq!((info.ulMaxPinLen, info.ulMinPinLen), (16, 4));
        assert_eq!(info.firmwareVersion.major, 7);
    }
    let info = upper.module.slot_info(upper.slot()).unwrap();
    assert_ne!(info.flags & CKF_TOKEN_PRESENT, 0);
    assert_ne!(info.flags & CKF_HW_SLOT, 0);
}

#[test]
fn slot_ids_are_the_same_in_every_instance() {
    let ids = || {
        let lower = Lower::new();
        lower.control("slots = 7:first 9:second");
        let upper = Upper::with(lower, "");
        (upper.slot_of("first"), upper.slot_of("second"))
    };
    // The library lies elsewhere the second time, and nothing was kept.
    assert_eq!(ids(), ids());
}

#[test]
fn the_filter_takes_labels_and_serial_numbers() {
    for (filter, expected) in [("'second'", vec!["second"]), ("'SN-first', 'third'", vec!["first", "third"])]
    {
        let lower = Lower::new();
        lower.control("slots = 7:first 9:second 11:third");
        let upper = Upper::with(lower, &format!("tokens = [{filter}]"));
        let slots = upper.module.slots(true).unwrap();
        let labels: Vec<_> =
            slots.iter().map(|slot| text(&upper.module.token_info(*slot).unwrap().label)).collect();
        assert_eq!(labels.len(), expected.len(), "{labels:?}");
        assert!(expected.iter().all(|label| labels.iter().any(|own| own == label)), "{labels:?}");
    }
}

#[test]
fn a_lower_slot_id_that_changes_is_hidden() {
    let lower = Lower::new();
    lower.control("slots = 7:first 9:second");
    let upper = Upper::with(lower, "hold_pin = true");
    let slot = upper.slot();
    let session = upper.user();
    let (_, private) = pair(&session, b"k").unwrap();
    let signature = sign(&session, private).unwrap();
    upper.lower.control("slots = 9:first 7:second");
    assert_eq!(upper.slot(), slot);
    let info = upper.module.token_info(slot).unwrap();
    assert_eq!(text(&info.serialNumber), "SN-first");
    let new = upper.module.open_session(slot, RW).unwrap();
    let _ = new.login(CKU_USER, crate::support::USER);
    let key = new
        .find(&[keyward_conformance::Attr::id(b"k"), keyward_conformance::Attr::class(CKO_PRIVATE_KEY)])
        .unwrap();
    assert_eq!(sign(&new, key[0]).unwrap(), signature);
}

#[test]
fn a_token_that_goes_and_comes_back_keeps_its_slot_and_loses_its_sessions() {
    let upper = Upper::new();
    let slot = upper.slot();
    let session = upper.user();
    pair(&session, b"k").unwrap();
    upper.lower.control("present = no");
    let gone = session.random(16).unwrap_err();
    assert!(
        gone.is_one_of(&[CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_SESSION_HANDLE_INVALID]),
        "{gone}"
    );
    assert!(!upper.module.slots(true).unwrap().contains(&slot));
    assert!(upper.module.slots(false).unwrap().contains(&slot), "its slot stays");
    assert_eq!(upper.module.slot_info(slot).unwrap().flags & CKF_TOKEN_PRESENT, 0);
    assert_eq!(upper.module.token_info(slot).map(|_| ()).unwrap_err(), CKR_TOKEN_NOT_PRESENT);
    assert_eq!(upper.module.open_session(slot, RW).map(|_| ()).unwrap_err(), CKR_TOKEN_NOT_PRESENT);
    upper.lower.control("");
    assert_eq!(upper.slot(), slot);
    assert_eq!(session.info().map(|_| ()).unwrap_err(), CKR_SESSION_HANDLE_INVALID);
    let again = upper.session();
    assert_eq!(again.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
    again.login(CKU_USER, crate::support::USER).unwrap();
    assert_eq!(again.find(&[keyward_conformance::Attr::class(CKO_PRIVATE_KEY)]).unwrap().len(), 1);
}

#[test]
fn a_token_that_appears_later_is_listed() {
    let lower = Lower::new();
    lower.control("slots = 7:-");
    let upper = Upper::with(lower, "");
    assert!(upper.module.slots(true).unwrap().is_empty());
    upper.lower.control("slots = 7:first 9:second");
    assert_eq!(upper.module.slots(true).unwrap().len(), 2);
}

#[test]
fn events_are_told_without_blocking() {
    let upper = Upper::new();
    let slot = upper.slot();
    assert_eq!(upper.module.poll_slot_event().unwrap_err(), CKR_NO_EVENT);
    upper.lower.control("present = no");
    assert_eq!(upper.module.poll_slot_event().unwrap(), slot);
    assert_eq!(upper.module.poll_slot_event().unwrap_err(), CKR_NO_EVENT);
    upper.lower.control("");
    assert_eq!(upper.module.poll_slot_event().unwrap(), slot);
    assert_eq!(upper.module.poll_slot_event().unwrap_err(), CKR_NO_EVENT);
}

/// C_WaitForSlotEvent that blocks, in a thread of its own.
fn wait(upper: &Upper) -> std::thread::JoinHandle<(keyward_conformance::Rv, CK_SLOT_ID)> {
    let module = upper.module.clone();
    std::thread::spawn(move || {
        let mut slot = 0;
        (call!(module, C_WaitForSlotEvent(0, &mut slot, std::ptr::null_mut())), slot)
    })
}

#[test]
fn a_wait_ends_when_a_token_goes_and_when_it_comes() {
    let upper = Upper::new();
    let slot = upper.slot();
    for lines in ["present = no", ""] {
        let waiting = wait(&upper);
        std::thread::sleep(Duration::from_millis(50));
        upper.lower.control(lines);
        assert_eq!(waiting.join().unwrap(), (keyward_conformance::Rv(CKR_OK), slot));
    }
}

#[test]
fn a_wait_ends_with_c_finalize() {
    let upper = Upper::new();
    upper.slot();
    let waiting = wait(&upper);
    std::thread::sleep(Duration::from_millis(100));
    upper.module.finalize().unwrap();
    assert_eq!(waiting.join().unwrap().0, CKR_CRYPTOKI_NOT_INITIALIZED);
}
