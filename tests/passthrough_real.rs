//! Passthrough slots over real libraries: what depends on how SoftHSM and tpm2-pkcs11 number and name their tokens.
//! `scripts/passthrough` judges everything else on them.
//!
//! Both libraries have one state per process and read its environment, so the tests take turns.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use keyward_conformance::ck::*;
use keyward_conformance::token::Bench;
use keyward_conformance::token::{LABEL, SO_PIN, USER_PIN};
use keyward_conformance::{Attr, Kind, Lower, Module, RW, TestToken, text};

const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// keyward over the library, for one test; `None`, said, where the library is not there.
fn bench(kind: Kind, path: &Path, lines: &str) -> Option<Bench> {
    let swtpm = || std::process::Command::new("swtpm").arg("--version").output().is_ok();
    if !path.exists() || (kind == Kind::Tpm2 && !swtpm()) {
        eprintln!("SKIPPED: no {} or no swtpm", path.display());
        return None;
    }
    let lower = Lower { path: path.to_owned(), kind, lines: lines.to_owned() };
    let module = Module::load_private(common::library()).unwrap();
    Some(Bench::over(module, &lower, "").unwrap())
}

fn tpm2() -> PathBuf {
    format!("/usr/lib/{}-linux-gnu/pkcs11/libtpm2_pkcs11.so", std::env::consts::ARCH).into()
}

/// Another copy of keyward on the same configuration: a second process, as far as keyward's own state goes.
fn another(token: &TestToken) -> Module {
    let module = Module::load_private(common::library()).unwrap();
    module.initialize(token.reserved()).unwrap();
    module
}

/// Labels and slot IDs of the initialised tokens, sorted.
fn tokens(module: &Module) -> Vec<(String, CK_SLOT_ID)> {
    let slots = module.slots(true).unwrap();
    let named = |slot| {
        let info = module.token_info(slot).unwrap();
        (info.flags & CKF_TOKEN_INITIALIZED != 0).then(|| (text(&info.label), slot))
    };
    let mut tokens: Vec<_> = slots.into_iter().filter_map(named).collect();
    tokens.sort();
    tokens
}

/// Initialises the first blank token and gives its slot.
fn initialise(bench: &Module, label: &str) -> CK_SLOT_ID {
    let blank = |slot: &CK_SLOT_ID| bench.token_info(*slot).unwrap().flags & CKF_TOKEN_INITIALIZED == 0;
    let slot = bench.slots(true).unwrap().into_iter().find(blank).unwrap();
    bench.init_token(slot, SO_PIN, label).unwrap();
    slot
}

#[test]
fn softhsms_slot_id_changes_and_ours_does_not() {
    let _turn = turn();
    let Some(bench) = bench(Kind::Softhsm, SOFTHSM.as_ref(), "") else { return };
    bench.initialize().unwrap();
    let module = bench.module.clone();
    let slot = initialise(&module, LABEL);
    // SoftHSM lists the token elsewhere from here on; a session opens in the slot that was initialised.
    let session = module.open_session(slot, RW).unwrap();
    session.login(CKU_SO, SO_PIN).unwrap();
    session.init_pin(USER_PIN).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, USER_PIN).unwrap();
    let (_, key) = common::ec_pair(&session, b"1").unwrap();
    common::sign(&session, key).unwrap();
    assert_eq!(tokens(&module), [(LABEL.to_owned(), slot)]);
    module.finalize().unwrap();

    // From the next start on the ID follows from the token, whatever SoftHSM's is.
    let seen: Vec<_> = (0..2)
        .map(|_| {
            bench.initialize().unwrap();
            let seen = tokens(&module);
            module.finalize().unwrap();
            seen
        })
        .collect();
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0][0].0, LABEL);
}

#[test]
fn the_login_of_a_real_token_is_shared() {
    let _turn = turn();
    let Some(bench) = bench(Kind::Softhsm, SOFTHSM.as_ref(), "") else { return };
    let token = TestToken::on(bench).unwrap();
    let (first, second) = (token.user_session().unwrap(), token.session(RW).unwrap());
    let (_, key) = common::ec_pair(&first, b"1").unwrap();
    common::sign(&second, key).unwrap();
    second.logout().unwrap();
    // SoftHSM forgets the handles of private objects at logout.
    let rv = common::sign(&first, key).unwrap_err();
    assert!(
        rv.is_one_of(&[CKR_USER_NOT_LOGGED_IN, CKR_OBJECT_HANDLE_INVALID, CKR_KEY_HANDLE_INVALID]),
        "{rv}"
    );
    first.login(CKU_USER, USER_PIN).unwrap();
    let again = second.find(&[Attr::id(b"1"), Attr::class(CKO_PRIVATE_KEY)]).unwrap();
    common::sign(&second, again[0]).unwrap();
}

#[test]
fn real_tokens_are_chosen_by_label_or_serial_number() {
    let _turn = turn();
    let Some(all) = bench(Kind::Softhsm, SOFTHSM.as_ref(), "") else { return };
    all.initialize().unwrap();
    initialise(&all.module, "one");
    initialise(&all.module, "two");
    initialise(&all.module, "three");
    all.module.finalize().unwrap();
    all.initialize().unwrap();
    let listed = tokens(&all.module);
    assert_eq!(listed.len(), 3);
    let serial = text(&all.module.token_info(listed[2].1).unwrap().serialNumber);
    all.module.finalize().unwrap();

    let file = all.reserved().unwrap();
    let filtered = std::fs::read_to_string(file).unwrap() + &format!("tokens = ['one', '{serial}']\n");
    std::fs::write(file, filtered).unwrap();
    all.initialize().unwrap();
    // The IDs do not depend on what else is shown.
    assert_eq!(tokens(&all.module), [listed[0].clone(), listed[2].clone()]);
    assert_eq!(all.module.slots(true).unwrap().len(), 2);
    all.module.finalize().unwrap();
}

#[test]
fn soft_tokens_are_listed_beside_and_work() {
    let _turn = turn();
    let Some(bench) = bench(Kind::Softhsm, SOFTHSM.as_ref(), "") else { return };
    let file = bench.reserved().unwrap();
    let changed = std::fs::read_to_string(file).unwrap().replace("\"never\"", "\"always\"");
    std::fs::write(file, changed).unwrap();
    bench.initialize().unwrap();
    let module = &bench.module;
    let maker = |slot: CK_SLOT_ID| text(&module.token_info(slot).unwrap().manufacturerID);
    let blank = module.slots(true).unwrap();
    let found = |name: &str| blank.iter().copied().find(|slot| maker(*slot).contains(name)).unwrap();
    let (first, second) = (found("keyward"), found("SoftHSM"));
    module.init_token(first, SO_PIN, "first").unwrap();
    module.init_token(second, SO_PIN, "second").unwrap();
    for slot in [first, second] {
        let session = module.open_session(slot, RW).unwrap();
        session.login(CKU_SO, SO_PIN).unwrap();
        session.init_pin(USER_PIN).unwrap();
        session.logout().unwrap();
        session.login(CKU_USER, USER_PIN).unwrap();
        let (_, key) = common::ec_pair(&session, b"1").unwrap();
        common::sign(&session, key).unwrap();
    }
    module.finalize().unwrap();
}

#[test]
fn two_copies_of_keyward_work_on_one_library() {
    let _turn = turn();
    let Some(bench) = bench(Kind::Softhsm, SOFTHSM.as_ref(), "") else { return };
    let mut token = TestToken::on(bench).unwrap();
    token.restart().unwrap();
    let session = token.user_session().unwrap();
    let (_, key) = common::ec_pair(&session, b"1").unwrap();
    let other = another(&token);
    assert_eq!(tokens(&other), tokens(&token.module));
    let theirs = other.open_session(token.slot, RW).unwrap();
    common::sign(&theirs, theirs.find(&[Attr::id(b"1"), Attr::bool(CKA_SIGN, true)]).unwrap()[0]).unwrap();
    drop(theirs);
    // It found the library initialised, so that it is not its to end.
    other.finalize().unwrap();
    common::sign(&session, key).unwrap();
}

#[test]
fn tokens_that_share_a_serial_number_are_told_apart() {
    let _turn = turn();
    let Some(bench) = bench(Kind::Tpm2, &tpm2(), "") else { return };
    bench.initialize().unwrap();
    let module = &bench.module;
    let (first, second) = (initialise(module, "first"), initialise(module, "second"));
    assert_ne!(first, second);
    assert_eq!(tokens(module), [("first".to_owned(), first), ("second".to_owned(), second)]);
    module.finalize().unwrap();
    bench.initialize().unwrap();
    let listed = tokens(module);
    let labels: Vec<_> = listed.iter().map(|(label, _)| label.as_str()).collect();
    assert_eq!(labels, ["first", "second"]);
    for (_, slot) in &listed {
        let session = module.open_session(*slot, RW).unwrap();
        session.login(CKU_SO, SO_PIN).unwrap();
        session.init_pin(USER_PIN).unwrap();
        session.logout().unwrap();
    }
    module.finalize().unwrap();
    bench.initialize().unwrap();
    assert_eq!(tokens(module), listed);
    module.finalize().unwrap();
}
