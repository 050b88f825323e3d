//! Breaches, lost devices, missing libraries, forks.

use keyward::crypto::{Curve, EcPrivate};
use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Module, RW};
use zk_app_utils_simulator::Simulator;

use crate::common;
use crate::desk::*;

#[test]
fn a_breach_stops_private_keys_until_a_person_clears_it() {
    let desk = Desk::new("HSM6");
    let session = desk.session();
    let (_, made) = pair(&session, CKM_EC_KEY_PAIR_GEN, &P256, b"made").unwrap();
    let key = private(&session, 0);
    session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap();
    assert_eq!(desk.module.poll_slot_event().unwrap_err(), CKR_NO_EVENT);

    desk.simulator.breach(1, 1_700_000_000).unwrap();
    for _ in 0..3 {
        assert_eq!(session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap_err(), CKR_DEVICE_ERROR);
    }
    assert_eq!(pair(&session, CKM_EC_KEY_PAIR_GEN, &P256, b"x").unwrap_err(), CKR_DEVICE_ERROR);
    assert_eq!(session.destroy(made).unwrap_err(), CKR_DEVICE_ERROR);
    let peer = EcPrivate::generate(Curve::P256).unwrap().public().point();
    let mech = Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, &[], &peer);
    let secret = [Attr::class(CKO_SECRET_KEY), Attr::key_type(CKK_GENERIC_SECRET)];
    assert_eq!(session.derive(&mech, made, &secret).unwrap_err(), CKR_DEVICE_ERROR);
    // What needs no private key works on.
    session.random(16).unwrap();
    session.digest(&Mech::new(CKM_SHA256), b"x").unwrap();
    let log = desk.log();
    assert_eq!(log.matches("PERIMETER BREACH on channel 1 at 1700000000").count(), 1, "{log}");
    assert!(log.contains("keyward device clear"), "{log}");
    // Told once.
    assert_eq!(desk.module.poll_slot_event().unwrap(), desk.slot().unwrap());
    assert_eq!(desk.module.poll_slot_event().unwrap_err(), CKR_NO_EVENT);
    desk.harmless();

    let serial = desk.simulator.serial().unwrap();
    desk.tool(&["clear", "--yes", "--serial", serial.trim()]);
    session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap();
    desk.simulator.breach(0, 1_700_000_001).unwrap();
    assert_eq!(desk.module.poll_slot_event().unwrap(), desk.slot().unwrap());
    assert_eq!(session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap_err(), CKR_DEVICE_ERROR);
}

#[test]
fn the_perimeter_is_asked_about_as_configured() {
    let desk = Desk::with("HSM6", "tamper_interval_s = 3600\n");
    let session = desk.session();
    let key = private(&session, 0);
    for _ in 0..5 {
        session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap();
    }
    assert_eq!(desk.simulator.count("zkGetPerimeterDetectInfo").unwrap(), 1);
    // A login asks anew, whatever was asked before.
    desk.simulator.breach(0, 1_700_000_000).unwrap();
    session.login(CKU_USER, "whatever").unwrap();
    assert_eq!(session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap_err(), CKR_DEVICE_ERROR);

    let desk = Desk::with("HSM6", "tamper = false\n");
    desk.simulator.breach(0, 1_700_000_000).unwrap();
    let session = desk.session();
    session.sign(&Mech::new(CKM_ECDSA), private(&session, 0), &[7; 32]).unwrap();
    assert_eq!(desk.simulator.count("zkGetPerimeterDetectInfo").unwrap(), 0);
}

#[test]
fn a_perimeter_that_cannot_be_read_stops_private_keys() {
    let desk = Desk::new("HSM6");
    let session = desk.session();
    let key = private(&session, 0);
    desk.simulator.fail("zkGetPerimeterDetectInfo", libc::EPERM, 2).unwrap();
    assert_eq!(session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap_err(), CKR_DEVICE_ERROR);
    assert_eq!(session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap_err(), CKR_DEVICE_ERROR);
    assert_eq!(desk.log().matches("perimeter can't be read, so").count(), 1, "{}", desk.log());
    session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap();
}

#[test]
fn a_lost_connection_is_opened_anew() {
    let desk = Desk::new("HSM6");
    let session = desk.session();
    let key = private(&session, 0);
    desk.simulator.fail("zkGenECDSASigFromDigest", libc::EIO, 1).unwrap();
    session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap();
    assert_eq!(desk.simulator.count("zkOpen").unwrap(), 2);
    desk.simulator.fail("zkGenECDSASigFromDigest", libc::EIO, 2).unwrap();
    assert_eq!(session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap_err(), CKR_DEVICE_ERROR);
    session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap();
    // What may have been done is not done twice.
    let before = desk.simulator.count("zkGenKeyPair").unwrap();
    desk.simulator.fail("zkGenKeyPair", libc::EIO, 1).unwrap();
    assert_eq!(pair(&session, CKM_EC_KEY_PAIR_GEN, &P256, b"x").unwrap_err(), CKR_DEVICE_ERROR);
    assert_eq!(desk.simulator.count("zkGenKeyPair").unwrap(), before + 1);
}

#[test]
fn a_device_that_goes_and_comes_keeps_its_slot() {
    let desk = Desk::new("HSM6");
    let slot = desk.slot().unwrap();
    let session = desk.session();
    let key = private(&session, 0);
    desk.simulator.unplug().unwrap();
    assert_eq!(session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap_err(), CKR_DEVICE_REMOVED);
    assert_eq!(desk.module.poll_slot_event().unwrap(), slot);
    assert!(desk.slot().is_none());
    assert!(desk.module.slots(false).unwrap().contains(&slot));
    assert_eq!(session.info().unwrap_err(), CKR_SESSION_HANDLE_INVALID);
    assert_eq!(desk.module.open_session(slot, RW).map(drop).unwrap_err(), CKR_TOKEN_NOT_PRESENT);
    desk.simulator.plug().unwrap();
    assert_eq!(desk.slot(), Some(slot));
    assert_eq!(desk.module.poll_slot_event().unwrap(), slot);
    let session = desk.session();
    session.sign(&Mech::new(CKM_ECDSA), private(&session, 0), &[7; 32]).unwrap();
    let log = desk.log();
    assert!(log.contains("is gone") && log.contains("is back"), "{log}");
}

#[test]
fn without_a_library_or_a_device_the_other_slots_work() {
    let desk = Desk::idle("HSM6");
    desk.simulator.unplug().unwrap();
    desk.start("").unwrap();
    assert_eq!(desk.simulator.calls().unwrap_or_default().len(), 0);
    assert!(desk.slot().is_none() && !desk.module.slots(true).unwrap().is_empty());
    assert_eq!(desk.log().matches("no Zymbit slot").count(), 1, "{}", desk.log());
    desk.simulator.plug().unwrap();
    assert!(desk.slot().is_some());
    desk.module.finalize().unwrap();

    let module = Module::load_private(common::library()).unwrap();
    let text = std::fs::read_to_string(desk.path("keyward.toml")).unwrap();
    let text = text.replace(&desk.library.display().to_string(), "/nonexistent/libzk_app_utils.so");
    std::fs::write(desk.path("keyward.toml"), text).unwrap();
    module.initialize(Some(&desk.configuration())).unwrap();
    assert!(hardware_slot(&module).is_none() && hardware_slot(&module).is_none());
    assert!(!module.slots(true).unwrap().is_empty());
    assert_eq!(desk.log().matches("/nonexistent/libzk_app_utils.so").count(), 1, "{}", desk.log());
}

#[test]
fn a_forked_child_starts_afresh() {
    let desk = Desk::new("HSM6");
    let session = desk.session();
    let key = private(&session, 0);
    session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap();
    let configuration = desk.configuration();
    // SAFETY: the child calls the library and `_exit`, nothing of the test harness.
    let code = unsafe {
        let pid = libc::fork();
        assert!(pid >= 0);
        if pid == 0 {
            let child = || {
                assert_eq!(session.info().unwrap_err(), CKR_CRYPTOKI_NOT_INITIALIZED);
                desk.module.initialize(Some(&configuration)).unwrap();
                let own = desk.session();
                own.sign(&Mech::new(CKM_ECDSA), private(&own, 0), &[7; 32]).unwrap();
                own.close().unwrap();
                desk.module.finalize().unwrap();
            };
            libc::_exit(std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).is_err().into());
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(pid, &mut status, 0), pid);
        status
    };
    assert_eq!(code, 0);
    session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap();
    // The child closed its own context, not the parent's.
    let log = std::fs::read_to_string(desk.simulator.dir().join("calls.log")).unwrap();
    assert!(!log.contains("-107"), "{log}");
}

#[test]
fn garbled_answers_are_noticed() {
    let desk = Desk::new("HSM6");
    let session = desk.session();
    let key = private(&session, 0);
    for fault in [Simulator::garble, Simulator::shorten] {
        fault(&desk.simulator, "zkGenECDSASigFromDigest", 1).unwrap();
        let key = session.find(&[Attr::class(CKO_PRIVATE_KEY), Attr::id(&[0])]).unwrap()[0];
        assert_eq!(session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap_err(), CKR_DEVICE_ERROR);
    }
    // The key was taken up anew: the old handle is dead, the new one works.
    assert_eq!(session.sign_init(&Mech::new(CKM_ECDSA), key).unwrap_err(), CKR_KEY_HANDLE_INVALID);
    session.sign(&Mech::new(CKM_ECDSA), private(&session, 0), &[7; 32]).unwrap();
    desk.simulator.garble("zkExportPubKey", 1).unwrap();
    assert!(session.find(&[Attr::class(CKO_PRIVATE_KEY), Attr::id(&[1])]).unwrap().is_empty());
}
