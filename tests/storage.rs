//! What the disk shows, and what damage to it costs.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};

use common::{ec_pair, second_instance, sign, token, token_file, user_session};
use keyward_conformance::ck::*;
use keyward_conformance::token::{SO_PIN, USER_PIN};
use keyward_conformance::{Attr, Module, RO, TestToken};

/// A token with one pair and one private secret, closed.
fn closed_token() -> (TestToken, PathBuf) {
    let token = token();
    let session = token.user_session().unwrap();
    ec_pair(&session, b"an id").unwrap();
    session
        .create(&[
            Attr::class(CKO_SECRET_KEY),
            Attr::key_type(CKK_GENERIC_SECRET),
            Attr::token(true),
            Attr::private(true),
            Attr::label("a very private label"),
            Attr::id(b"a very private id"),
            Attr::value(b"a very private value, long enough to be found"),
        ])
        .unwrap();
    drop(session);
    token.module.finalize().unwrap();
    let file = token_file(token.dir());
    (token, file)
}

fn edit(file: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.execute_batch(sql).unwrap();
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn private_objects_show_nothing_on_disk() {
    let (_token, file) = closed_token();
    let bytes = std::fs::read(&file).unwrap();
    for secret in ["a very private label", "a very private id", "a very private value"] {
        assert!(!contains(&bytes, secret.as_bytes()), "{secret} is on disk");
    }
}

#[test]
fn an_edited_row_is_noticed_and_the_others_live_on() {
    let (token, file) = closed_token();
    edit(
        &file,
        "UPDATE object SET sealed = CAST(sealed || x'00' AS BLOB) WHERE id = (SELECT max(id) FROM object)",
    );
    let module = second_instance(token.dir());
    let session = user_session(&module);
    let damaged = session.find(&[Attr::id(b"a very private id")]).unwrap();
    assert_eq!(session.get(damaged[0], CKA_LABEL).unwrap_err(), CKR_DEVICE_ERROR);
    let keys = session.find(&[Attr::id(b"an id"), Attr::class(CKO_PRIVATE_KEY)]).unwrap();
    sign(&session, keys[0]).unwrap();
    // A search that must look into objects passes over the damaged one.
    assert_eq!(session.find(&[Attr::bool(CKA_SIGN, true), Attr::class(CKO_PRIVATE_KEY)]).unwrap().len(), 1);
}

#[test]
fn swapped_rows_are_noticed() {
    let (token, file) = closed_token();
    edit(
        &file,
        "CREATE TEMP TABLE s AS SELECT id, sealed FROM object WHERE private = 1;
         UPDATE object SET sealed = (SELECT sealed FROM s WHERE s.id <> object.id LIMIT 1) WHERE private = 1;",
    );
    let module = second_instance(token.dir());
    let session = user_session(&module);
    let found = session.find(&[Attr::id(b"a very private id")]).unwrap();
    assert_eq!(session.get(found[0], CKA_LABEL).unwrap_err(), CKR_DEVICE_ERROR);
}

#[test]
fn a_file_from_the_future_is_refused_unharmed() {
    let (token, file) = closed_token();
    edit(&file, "PRAGMA user_version = 4711");
    let before = std::fs::read(&file).unwrap();
    let module = second_instance(token.dir());
    let slot = module.slots(true).unwrap()[0];
    assert_eq!(module.token_info(slot).unwrap_err(), CKR_TOKEN_NOT_RECOGNIZED);
    assert_eq!(module.open_session(slot, RO).err().unwrap(), CKR_TOKEN_NOT_RECOGNIZED);
    module.finalize().unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn damaged_files_leave_the_other_tokens_served() {
    type Damage = (&'static str, fn(&Path));
    let damages: [Damage; 4] = [
        ("empty", |file| std::fs::write(file, b"").unwrap()),
        ("truncated", |file| {
            let bytes = std::fs::read(file).unwrap();
            std::fs::write(file, &bytes[..bytes.len() / 3]).unwrap();
        }),
        ("garbage", |file| std::fs::write(file, vec![0x5a; 8192]).unwrap()),
        ("another program's database", |file| {
            std::fs::remove_file(file).unwrap();
            edit(file, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
        }),
    ];
    for (name, damage) in damages {
        let (token, file) = closed_token();
        let module = second_instance(token.dir());
        let free = free_slot(&module);
        module.init_token(free, SO_PIN, "healthy").unwrap();
        module.finalize().unwrap();
        damage(&file);
        let module = second_instance(token.dir());
        let slots = module.slots(true).unwrap();
        assert_eq!(slots.len(), 2, "{name}");
        let refused = module.token_info(token.slot).unwrap_err();
        assert!(refused.is_one_of(&[CKR_TOKEN_NOT_RECOGNIZED, CKR_DEVICE_ERROR]), "{name}: {refused}");
        let so = module.open_session(free, keyward_conformance::RW).unwrap();
        so.login(CKU_SO, SO_PIN).unwrap();
    }
}

fn free_slot(module: &Module) -> CK_SLOT_ID {
    let uninitialized =
        |slot: &CK_SLOT_ID| module.token_info(*slot).unwrap().flags & CKF_TOKEN_INITIALIZED == 0;
    module.slots(false).unwrap().into_iter().find(uninitialized).unwrap()
}

#[test]
fn an_so_reset_of_the_user_pin_keeps_the_objects() {
    let token = token();
    let session = token.user_session().unwrap();
    let (_, key) = ec_pair(&session, b"kept").unwrap();
    session.logout().unwrap();
    session.login(CKU_SO, SO_PIN).unwrap();
    session.init_pin("another pin").unwrap();
    session.logout().unwrap();
    assert_eq!(session.login(CKU_USER, USER_PIN).unwrap_err(), CKR_PIN_INCORRECT);
    session.login(CKU_USER, "another pin").unwrap();
    sign(&session, key).unwrap();
}

#[test]
fn wrong_pins_are_counted_on_disk_until_they_lock() {
    let token = common::token_with("soft.max_pin_failures=3 soft.pin_delay=false");
    let flags = |module: &Module| module.token_info(token.slot).unwrap().flags;
    let session = token.session(keyward_conformance::RW).unwrap();
    assert_eq!(session.login(CKU_USER, "wrong").unwrap_err(), CKR_PIN_INCORRECT);
    assert_ne!(flags(&token.module) & CKF_USER_PIN_COUNT_LOW, 0);
    assert_eq!(session.login(CKU_USER, "wrong").unwrap_err(), CKR_PIN_INCORRECT);
    assert_ne!(flags(&token.module) & CKF_USER_PIN_FINAL_TRY, 0);
    assert_eq!(session.login(CKU_USER, "wrong").unwrap_err(), CKR_PIN_INCORRECT);
    assert_ne!(flags(&token.module) & CKF_USER_PIN_LOCKED, 0);
    assert_eq!(session.login(CKU_USER, USER_PIN).unwrap_err(), CKR_PIN_LOCKED);
    session.login(CKU_SO, SO_PIN).unwrap();
    session.init_pin(USER_PIN).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, USER_PIN).unwrap();
    assert_eq!(flags(&token.module) & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED), 0);
}

#[test]
fn an_edited_index_leads_to_no_other_key() {
    let (token, file) = closed_token();
    // The private key's tags now lead to the secret's row, and the other way round.
    edit(
        &file,
        "CREATE TEMP TABLE t AS SELECT tag, row FROM tag;
         DELETE FROM tag;
         INSERT INTO tag SELECT tag, CASE row
            WHEN (SELECT min(id) FROM object WHERE private = 1) THEN (SELECT max(id) FROM object WHERE private = 1)
            WHEN (SELECT max(id) FROM object WHERE private = 1) THEN (SELECT min(id) FROM object WHERE private = 1)
            ELSE row END FROM t;",
    );
    let module = second_instance(token.dir());
    let session = user_session(&module);
    assert!(session.find(&[Attr::id(b"a very private id")]).unwrap().is_empty());
    assert!(session.find(&[Attr::id(b"an id"), Attr::class(CKO_PRIVATE_KEY)]).unwrap().is_empty());
}

/// Puts another file where a token's is, in a directory `tokens` beside which `other` holds it.
type Replacement = fn(base: &Path, name: &std::ffi::OsStr);

const REPLACEMENTS: [(&str, Replacement); 5] = [
    ("renamed over", |base, name| {
        std::fs::rename(base.join("other").join(name), base.join("tokens").join(name)).unwrap();
    }),
    ("deleted and copied", |base, name| {
        std::fs::remove_file(base.join("tokens").join(name)).unwrap();
        std::fs::copy(base.join("other").join(name), base.join("tokens").join(name)).unwrap();
    }),
    ("moved away and copied", |base, name| {
        std::fs::rename(base.join("tokens").join(name), base.join("kept")).unwrap();
        std::fs::copy(base.join("other").join(name), base.join("tokens").join(name)).unwrap();
    }),
    ("its directory exchanged", |base, _| {
        std::fs::rename(base.join("tokens"), base.join("old")).unwrap();
        std::fs::rename(base.join("other"), base.join("tokens")).unwrap();
    }),
    ("its directory a link to another", |base, _| {
        std::fs::rename(base.join("tokens"), base.join("old")).unwrap();
        std::os::unix::fs::symlink(base.join("other"), base.join("tokens")).unwrap();
    }),
];

/// A directory with `tokens`, where the token has a pair "new", and `other`, where it has none. Its module, with a
/// session that keeps the token open.
fn replaceable() -> (tempfile::TempDir, std::ffi::OsString, Module, keyward_conformance::Session) {
    let (_token, file) = closed_token();
    let base = tempfile::tempdir().unwrap();
    let name = file.file_name().unwrap().to_owned();
    for dir in ["tokens", "other"] {
        std::fs::create_dir(base.path().join(dir)).unwrap();
        std::fs::copy(&file, base.path().join(dir).join(&name)).unwrap();
    }
    let module = second_instance(&base.path().join("tokens"));
    let session = user_session(&module);
    ec_pair(&session, b"new").unwrap();
    (base, name, module, session)
}

fn without_log(base: &Path, name: &std::ffi::OsStr) {
    for side in ["token-wal", "token-shm"] {
        let _ = std::fs::remove_file(base.join("tokens").join(name).with_extension(side));
    }
}

#[test]
fn a_file_replaced_in_any_way_is_noticed_by_the_next_session() {
    for (how, replace) in REPLACEMENTS {
        let (base, name, module, session) = replaceable();
        let slot = module.slots(true).unwrap()[0];
        let before = module.open_session(slot, RO).unwrap();
        assert_eq!(before.find(&[Attr::id(b"new"), Attr::class(CKO_PUBLIC_KEY)]).unwrap().len(), 1, "{how}");
        // As fresh as a look at the file can be.
        module.open_session(slot, RO).unwrap().close().unwrap();
        replace(base.path(), &name);
        without_log(base.path(), &name);
        let after = module.open_session(slot, RO).unwrap();
        assert!(after.find(&[Attr::id(b"new")]).unwrap().is_empty(), "{how}");
        assert_eq!(after.find(&[Attr::id(b"an id"), Attr::class(CKO_PUBLIC_KEY)]).unwrap().len(), 1, "{how}");
        assert_eq!(ec_pair(&session, b"lost").unwrap_err(), CKR_DEVICE_REMOVED, "{how}");
    }
}

#[test]
fn a_session_works_on_the_file_that_is_there_at_its_first_use() {
    for (how, replace) in REPLACEMENTS {
        let (base, name, module, _session) = replaceable();
        let slot = module.slots(true).unwrap()[0];
        let unused = module.open_session(slot, RO).unwrap();
        replace(base.path(), &name);
        without_log(base.path(), &name);
        assert!(unused.find(&[Attr::id(b"new")]).unwrap().is_empty(), "{how}");
    }
}

#[test]
fn a_deleted_file_is_missed_by_the_next_session() {
    let (base, name, module, _session) = replaceable();
    let slot = module.slots(true).unwrap()[0];
    module.open_session(slot, RO).unwrap().close().unwrap();
    std::fs::remove_file(base.path().join("tokens").join(&name)).unwrap();
    let answer = module.open_session(slot, RO).and_then(|session| session.find(&[]));
    let refused = answer.unwrap_err();
    // C_OpenSession may rely on a look a moment ago; the session's first use does not.
    assert!(refused.is_one_of(&[CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_RECOGNIZED]), "{refused}");
    assert_eq!(module.open_session(slot, RO).err().unwrap(), CKR_TOKEN_NOT_RECOGNIZED);
}
