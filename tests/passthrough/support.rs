//! A lower library in a directory of its own, and keyward above it.

use std::path::{Path, PathBuf};

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Module, Object, RW, Rv, Session};
use tempfile::TempDir;

use crate::common;

/// The user's PIN of every lower token.
pub const USER: &str = "1234";
/// The security officer's PIN of every lower token.
pub const SO: &str = "5678";
/// The mechanism that only the lower library knows.
pub const VENDOR: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED | 0x4b57;
/// The DER of the curve's name.
pub const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// A copy of the faulty library, with its control file and log.
pub struct Lower {
    dir: TempDir,
}

impl Lower {
    pub fn new() -> Self {
        let lower = Self { dir: tempfile::Builder::new().prefix("lower-").tempdir().unwrap() };
        let built = common::library().with_file_name("libkeyward_faulty.so");
        std::fs::copy(built, lower.library()).unwrap();
        lower.control("");
        lower
    }

    /// Without the symbols of v3.0, as libraries are that know nothing of it.
    pub fn without_interfaces() -> Self {
        let lower = Self::new();
        let mut bytes = std::fs::read(lower.library()).unwrap();
        let name = b"C_GetInterface";
        let places: Vec<_> = bytes.windows(name.len()).enumerate().filter(|(_, at)| at == name).collect();
        let places: Vec<_> = places.into_iter().map(|(at, _)| at).collect();
        // Another name of the same length: the symbol's hash does not fit any more, so nobody finds it.
        places.into_iter().for_each(|at| bytes[at] = b'X');
        std::fs::write(lower.library(), bytes).unwrap();
        lower
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn library(&self) -> PathBuf {
        self.dir.path().join("lower.so")
    }

    /// What the library does from now on.
    pub fn control(&self, lines: &str) {
        // In one step, so that no call reads half of it.
        let new = self.dir.path().join("control.new");
        std::fs::write(&new, lines).unwrap();
        std::fs::rename(new, self.dir.path().join("lower.control")).unwrap();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("lower.log")).unwrap_or_default()
    }

    /// Function and arguments of every call since [`Lower::forget`].
    pub fn calls(&self) -> Vec<String> {
        self.log().lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
    }

    /// The processes that called.
    pub fn processes(&self) -> Vec<u32> {
        let mut all: Vec<u32> =
            self.log().lines().map(|line| line.split_once(' ').unwrap().0.parse().unwrap()).collect();
        all.dedup();
        all
    }

    pub fn called(&self, name: &str) -> usize {
        self.calls().iter().filter(|line| line.split(' ').next() == Some(name)).count()
    }

    pub fn forget(&self) {
        std::fs::write(self.dir.path().join("lower.log"), "").unwrap();
    }

    /// The library itself, without keyward.
    pub fn direct(&self) -> Module {
        let module = Module::load(self.library()).unwrap();
        module.initialize(None).unwrap();
        module
    }
}

/// keyward with a passthrough slot.
pub struct Upper {
    pub module: Module,
    pub lower: Lower,
    dir: TempDir,
}

impl Upper {
    /// Over the lower library, with further lines in `[[slot]]`.
    pub fn with(lower: Lower, keys: &str) -> Self {
        let slot =
            format!("[[slot]]\nbackend = 'passthrough'\nlibrary = '{}'\n{keys}\n", lower.library().display());
        Self::configured(lower, &slot)
    }

    pub fn new() -> Self {
        Self::with(Lower::new(), "")
    }

    /// With these lines as the end of the configuration.
    pub fn configured(lower: Lower, lines: &str) -> Self {
        let upper = Self::stopped(lower, lines);
        upper.module.initialize(Some(&upper.configuration())).unwrap();
        upper
    }

    /// The same, before C_Initialize.
    pub fn stopped(lower: Lower, lines: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("upper-").tempdir().unwrap();
        let at = dir.path().display();
        let text = format!(
            "[soft]\ndir = '{at}/tokens'\nkdf = 'fast'\n[slots]\nfree = 'never'\n\
             [log]\nlevel = 'debug'\ntarget = 'file:{at}/keyward.log'\n{lines}\n"
        );
        std::fs::write(dir.path().join("keyward.toml"), text).unwrap();
        let module = Module::load_private(common::library()).unwrap();
        Self { module, lower, dir }
    }

    /// The configuration's path.
    pub fn configuration(&self) -> String {
        self.dir.path().join("keyward.toml").display().to_string()
    }

    /// What keyward has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("keyward.log")).unwrap_or_default()
    }

    /// The slot of a lower token.
    pub fn slot_of(&self, label: &str) -> CK_SLOT_ID {
        self.module
            .slot_of(label)
            .unwrap()
            .unwrap_or_else(|| panic!("no token {label:?}; log:\n{}", self.log()))
    }

    pub fn slot(&self) -> CK_SLOT_ID {
        self.slot_of("first")
    }

    /// A read-write session, nobody logged in.
    pub fn session(&self) -> Session {
        self.module.open_session(self.slot(), RW).unwrap()
    }

    /// A read-write session of the user.
    pub fn user(&self) -> Session {
        let session = self.session();
        session.login(CKU_USER, USER).unwrap();
        session
    }
}

impl Drop for Upper {
    fn drop(&mut self) {
        // Nothing may be left that hangs on what the control file says.
        self.lower.control("");
        let _ = self.module.finalize();
    }
}

/// A key pair on the token: public, private.
pub fn pair(session: &Session, id: &[u8]) -> Result<(Object, Object), Rv> {
    session.generate_pair(
        &Mech::new(CKM_EC_KEY_PAIR_GEN),
        &[Attr::token(true), Attr::id(id), Attr::bytes(CKA_EC_PARAMS, &P256)],
        &[Attr::token(true), Attr::id(id), Attr::bool(CKA_SIGN, true)],
    )
}

/// Signs with such a key.
pub fn sign(session: &Session, key: Object) -> Result<Vec<u8>, Rv> {
    session.sign(&Mech::new(CKM_ECDSA), key, &[7; 32])
}
