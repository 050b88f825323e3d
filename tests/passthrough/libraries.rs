//! Libraries that cannot be had: said in the log, and the other slots go on.

use keyward_conformance::ck::*;
use keyward_conformance::{Mech, Module, TestToken};

use crate::common;
use crate::support::{Lower, Upper, pair, sign};

/// A soft token, and a passthrough slot over `library` with further lines.
fn beside(library: &str, keys: &str) -> Upper {
    let lines =
        format!("free = 'always'\n[[slot]]\nbackend = 'passthrough'\nlibrary = '{library}'\n{keys}\n");
    let upper = Upper::stopped(Lower::new(), "");
    let path = upper.configuration();
    let text = std::fs::read_to_string(&path).unwrap().replace("free = 'never'\n", "") + &lines;
    // The free slot's key belongs to the table that is open before [log].
    let text = text.replace("free = 'always'\n", "").replace("[slots]\n", "[slots]\nfree = 'always'\n");
    std::fs::write(&path, text).unwrap();
    upper.module.initialize(Some(&path)).unwrap();
    upper
}

/// The soft token's slot is there and the only one, and the log names the library.
fn only_soft(upper: &Upper, library: &str) {
    let slots = upper.module.slots(true).unwrap();
    assert_eq!(slots.len(), 1, "{slots:?}");
    upper.module.init_token(slots[0], "so-pin-4711", "soft").unwrap();
    let log = upper.log();
    let line = log.lines().find(|line| line.contains(library));
    assert!(line.is_some(), "no line names {library}:\n{log}");
    // Not at every call again.
    let times =
        |log: &str| log.lines().filter(|line| line.contains(library) && !line.contains("debug")).count();
    let before = times(&log);
    for _ in 0..5 {
        upper.module.slots(false).unwrap();
    }
    assert!(times(&upper.log()) <= before + 1, "{}", upper.log());
}

#[test]
fn a_missing_library_is_said_and_the_others_go_on() {
    only_soft(&beside("/nonexistent/lib.so", ""), "/nonexistent/lib.so");
}

#[test]
fn a_file_that_is_no_library_is_said() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "not a library").unwrap();
    let path = file.path().display().to_string();
    only_soft(&beside(&path, ""), &path);
}

#[test]
fn a_library_that_is_not_pkcs11_is_said() {
    let lower = Lower::new();
    let mut bytes = std::fs::read(lower.library()).unwrap();
    let name = b"C_GetFunctionList";
    let places: Vec<_> = bytes
        .windows(name.len())
        .enumerate()
        .filter(|(_, window)| window == name)
        .map(|(at, _)| at)
        .collect();
    places.into_iter().for_each(|at| bytes[at] = b'X');
    std::fs::write(lower.library(), bytes).unwrap();
    let path = lower.library().display().to_string();
    only_soft(&beside(&path, ""), &path);
}

#[test]
fn a_library_that_will_not_start_is_said() {
    let lower = Lower::new();
    lower.control("C_Initialize = CKR_DEVICE_ERROR");
    let path = lower.library().display().to_string();
    only_soft(&beside(&path, ""), &path);
}

#[test]
fn keyward_does_not_load_itself() {
    let lower = Lower::new();
    let own = lower.dir().join("own.so");
    std::fs::copy(common::library(), &own).unwrap();
    let mut upper = beside(&own.display().to_string(), "");
    upper.module.finalize().unwrap();
    upper.module = Module::load(&own).unwrap();
    upper.module.initialize(Some(&upper.configuration())).unwrap();
    only_soft(&upper, &own.display().to_string());
}

#[test]
fn a_wrong_key_in_the_entry_stops_c_initialize_with_its_line() {
    let lower = Lower::new();
    let library = lower.library().display().to_string();
    for wrong in ["librray = 'x'", "timeout_ms = 'soon'", "tokens = 1", "quirks = ['no-such-quirk']"] {
        let lines = format!("[[slot]]\nbackend = 'passthrough'\nlibrary = '{library}'\n{wrong}\n");
        let upper = Upper::stopped(Lower::new(), &lines);
        let rv = upper.module.initialize(Some(&upper.configuration())).unwrap_err();
        assert!(
            rv == CKR_FUNCTION_FAILED || rv == CKR_ARGUMENTS_BAD || rv == CKR_GENERAL_ERROR,
            "{wrong}: {rv}"
        );
    }
}

#[test]
fn another_keyward_can_be_below() {
    // Its own file, so its own state; it takes its parameters from init_args.
    let below = tempfile::tempdir().unwrap();
    let library = below.path().join("libkeyward-below.so");
    std::fs::copy(common::library(), &library).unwrap();
    let tokens = below.path().join("tokens");
    let parameters = format!("dir={} kdf=fast", tokens.display());
    {
        let token = Module::load_private(common::library()).unwrap();
        token.initialize(Some(&parameters)).unwrap();
        let slot = token.slots(true).unwrap()[0];
        token.init_token(slot, "so-pin-4711", "first").unwrap();
        let session = token.open_session(slot, keyward_conformance::RW).unwrap();
        session.login(CKU_SO, "so-pin-4711").unwrap();
        session.init_pin("1234").unwrap();
        drop(session);
        token.finalize().unwrap();
    }
    let slot = format!(
        "[[slot]]\nbackend = 'passthrough'\nlibrary = '{}'\ninit_args = \"{parameters}\"\n",
        library.display()
    );
    let upper = Upper::configured(Lower::new(), &slot);
    let session = upper.user();
    let (public, private) = pair(&session, b"real").unwrap();
    let signature = sign(&session, private).unwrap();
    session.verify(&Mech::new(CKM_ECDSA), public, &[7; 32], &signature).unwrap();
    let sealing = session
        .generate_key(&Mech::new(CKM_AES_KEY_GEN), &[keyward_conformance::Attr::value_len(32)])
        .unwrap();
    let mech = Mech::gcm(&[1; 12], b"aad", 128);
    let sealed = session.encrypt(&mech, sealing, b"message").unwrap();
    assert_eq!(session.decrypt(&mech, sealing, &sealed).unwrap(), b"message");
}

#[test]
fn softhsm_can_be_below() {
    const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";
    if !std::path::Path::new(SOFTHSM).exists() {
        eprintln!("SKIPPED: no {SOFTHSM}");
        return;
    }
    // Prepared by itself, in this process, whose environment it reads; keyward then finds it initialised.
    let token = TestToken::new(SOFTHSM).unwrap();
    token.module.finalize().unwrap();
    let slot =
        format!("[[slot]]\nbackend = 'passthrough'\nlibrary = '{SOFTHSM}'\ntokens = ['conformance']\n");
    let upper = Upper::configured(Lower::new(), &slot);
    let session = upper.module.open_session(upper.slot_of("conformance"), keyward_conformance::RW).unwrap();
    session.login(CKU_USER, keyward_conformance::token::USER_PIN).unwrap();
    let (public, private) = pair(&session, b"real").unwrap();
    let signature = sign(&session, private).unwrap();
    session.verify(&Mech::new(CKM_ECDSA), public, &[7; 32], &signature).unwrap();
    upper.module.finalize().unwrap();
}
