//! What the integration tests share. Each test loads its own copy of the shared library, so that every one has the
//! library's one static for itself and they run side by side.

#![allow(dead_code, clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use keyward_conformance::ck::*;
use keyward_conformance::token::{SO_PIN, USER_PIN};
use keyward_conformance::{Attr, Mech, Module, Object, RW, Rv, Session, TestToken};

/// A fresh token with both PINs set.
pub fn token() -> TestToken {
    token_with("")
}

/// The same with further `key=value` parameters.
pub fn token_with(extra: &str) -> TestToken {
    TestToken::with(library(), extra).unwrap()
}

/// The shared library that cargo built beside this test.
pub fn library() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_keyward")).parent().unwrap().join("deps/libkeyward.so")
}

/// A second process, as far as the library can tell: another copy of it on the same directory.
pub fn second_instance(dir: &Path) -> Module {
    let module = Module::load_private(library()).unwrap();
    module.initialize(Some(&format!("dir='{}' kdf=fast", dir.display()))).unwrap();
    module
}

/// A P-256 key pair on the token.
pub fn ec_pair(session: &Session, id: &[u8]) -> Result<(Object, Object), Rv> {
    const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    session.generate_pair(
        &Mech::new(CKM_EC_KEY_PAIR_GEN),
        &[Attr::token(true), Attr::id(id), Attr::label("pair"), Attr::bytes(CKA_EC_PARAMS, &P256)],
        &[Attr::token(true), Attr::id(id), Attr::label("pair"), Attr::bool(CKA_SIGN, true)],
    )
}

/// Signs a digest with a P-256 key.
pub fn sign(session: &Session, key: Object) -> Result<Vec<u8>, Rv> {
    session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32])
}

/// The one token file in a directory.
pub fn token_file(dir: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "token"))
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.pop().unwrap()
}

/// A read-write session of the user on the only initialised token that `module` lists.
pub fn user_session(module: &Module) -> Session {
    let slot = module.slots(true).unwrap()[0];
    let session = module.open_session(slot, RW).unwrap();
    session.login(CKU_USER, USER_PIN).unwrap();
    session
}

/// The SO's PIN of every test token.
pub fn so_pin() -> &'static str {
    SO_PIN
}
