//! What a `[[slot]]` says of a device.

use std::process::Command;

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech};

use crate::desk::*;

#[test]
fn a_gate_asks_for_a_pin() {
    let desk = Desk::idle("ZYMKEY4");
    std::fs::write(desk.path("pin"), "7531\nnot the PIN\n").unwrap();
    desk.start("pin = \"gate\"\npin_file = \"pin\"\n").unwrap();
    let slot = desk.slot().unwrap();
    let flags = desk.module.token_info(slot).unwrap().flags;
    assert_eq!(
        flags & (CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED),
        CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED
    );
    let session = desk.session();
    assert!(session.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap().is_empty());
    let public = public(&session, 0);
    assert_eq!(session.login(CKU_USER, "7532").unwrap_err(), CKR_PIN_INCORRECT);
    assert_eq!(session.login(CKU_SO, "7531").unwrap_err(), CKR_USER_TYPE_INVALID);
    session.login(CKU_USER, "7531").unwrap();
    let key = private(&session, 0);
    assert!(session.get_bool(key, CKA_PRIVATE).unwrap());
    let signature = session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32]).unwrap();
    session.verify(&Mech::new(CKM_ECDSA), public, &[7; 32], &signature).unwrap();
    assert_eq!(session.set_pin("7531", "1234").unwrap_err(), CKR_TOKEN_WRITE_PROTECTED);
    session.logout().unwrap();
    assert_eq!(session.sign_init(&Mech::new(CKM_ECDSA), key).unwrap_err(), CKR_KEY_HANDLE_INVALID);
}

#[test]
fn names_and_certificates_come_from_the_configuration() {
    let desk = Desk::idle("HSM6");
    let certificate = desk.path("tls.pem");
    // Any certificate: what counts is its form and its name.
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=tls",
        ])
        .args(["-keyout", "/dev/null", "-out"])
        .arg(&certificate)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("skipped: no openssl");
        return;
    }
    desk.start(
        "label = \"front door\"\n[[slot.key]]\nslot = 3\nlabel = \"tls\"\nid = \"0a0B\"\ncertificate = \"tls.pem\"\n\
         [[slot.key]]\nslot = 4\ncertificate = \"missing.pem\"\n",
    )
    .unwrap();
    assert_eq!(desk.module.slot_of("front door").unwrap(), desk.slot());
    let session = desk.session();
    let key = one(&session, &[Attr::class(CKO_PRIVATE_KEY), Attr::label("tls")]);
    assert_eq!(session.get(key, CKA_ID).unwrap(), [0x0a, 0x0b]);
    let found = one(&session, &[Attr::class(CKO_CERTIFICATE)]);
    assert_eq!(session.get(found, CKA_ID).unwrap(), [0x0a, 0x0b]);
    assert_eq!(session.get(found, CKA_SUBJECT).unwrap(), session.get(found, CKA_ISSUER).unwrap());
    assert_eq!(session.get(found, CKA_VALUE).unwrap()[0], 0x30);
    assert_eq!(session.destroy(found).unwrap_err(), CKR_ACTION_PROHIBITED);
    assert!(desk.log().contains("missing.pem"), "{}", desk.log());
}

#[test]
fn a_bad_entry_is_refused_with_its_line() {
    let wrong = [
        ("labl = \"x\"\n", "unknown key labl"),
        ("tamper = 1\n", "tamper has to be true or false"),
        ("tamper_interval_s = -1\n", "tamper_interval_s has to be a number"),
        ("pin = \"maybe\"\n", "is none of none, gate"),
        ("pin = \"gate\"\n", "needs one of pin_hash, pin_env and pin_file"),
        ("pin_env = \"PIN\"\n", "are for pin = \"gate\""),
        ("pin = \"gate\"\npin_hash = \"1234\"\n", "no Argon2id hash"),
        ("[[slot.key]]\nlabel = \"x\"\n", "lacks slot = N"),
        ("[[slot.key]]\nslot = 1\nid = \"abc\"\n", "even number of hexadecimal digits"),
        ("[[slot.key]]\nslot = 1\n[[slot.key]]\nslot = 1\n", "two [[slot.key]] tables for slot 1"),
        ("[[slot.key]]\nslot = 1\nname = \"x\"\n", "unknown key name"),
    ];
    let desk = Desk::idle("HSM6");
    for (keys, why) in wrong {
        assert_eq!(desk.start(keys).unwrap_err(), CKR_FUNCTION_FAILED, "{keys}");
        let told = std::fs::read_to_string(desk.path("keyward.toml")).unwrap();
        let line = told.lines().position(|line| line == "[[slot]]").unwrap() + 1;
        let run = Command::new(env!("CARGO_BIN_EXE_keyward"))
            .env_clear()
            .env("HOME", desk.dir.path())
            .env("KEYWARD_CONF", desk.path("keyward.toml"))
            .args(["slot", "list"])
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(error.contains(why) && error.contains(&format!("keyward.toml:{line}:")), "{keys}: {error}");
    }
    assert!(desk.simulator.calls().unwrap_or_default().is_empty());
}

#[test]
fn policy_applies() {
    let desk = Desk::idle("HSM6");
    desk.start("").unwrap();
    desk.module.finalize().unwrap();
    let text = std::fs::read_to_string(desk.path("keyward.toml")).unwrap();
    std::fs::write(desk.path("keyward.toml"), format!("[slots]\nmechanisms = \"-CKM_ECDSA\"\n{text}"))
        .unwrap();
    desk.module.initialize(Some(&desk.configuration())).unwrap();
    let session = desk.session();
    assert!(!desk.module.mechanisms(desk.slot().unwrap()).unwrap().contains(&CKM_ECDSA));
    let key = private(&session, 0);
    assert_eq!(session.sign_init(&Mech::new(CKM_ECDSA), key).unwrap_err(), CKR_MECHANISM_INVALID);
    session.sign(&Mech::new(CKM_ECDSA_SHA256), key, b"x").unwrap();
}
