//! A simulated device with keyward on it.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Module, Object, RW, Rv, Session};
use tempfile::TempDir;
use zk_app_utils_simulator::Simulator;

use crate::common;

pub const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
pub const SECP256K1: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a];
pub const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
pub const X25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x6e];

/// What keyward must never call by itself.
pub const FORBIDDEN: [&str; 4] = ["zkLockBinding", "zkClearPerimeterDetectEvents", "zkSet", "zkDisable"];

/// A device, and the library that is configured for it.
pub struct Desk {
    pub dir: TempDir,
    pub simulator: Simulator,
    pub library: PathBuf,
    pub module: Module,
}

impl Desk {
    /// A device of this model; tamper detection asks before each operation.
    pub fn new(model: &str) -> Desk {
        Desk::with(model, "tamper_interval_s = 0\n")
    }

    /// The same with further keys of the entry.
    pub fn with(model: &str, keys: &str) -> Desk {
        let desk = Desk::idle(model);
        desk.start(keys).unwrap();
        desk
    }

    pub fn idle(model: &str) -> Desk {
        let dir = TempDir::new().unwrap();
        let simulator = Simulator::new(&dir.path().join("device"), model).unwrap();
        let library = simulator.install().unwrap();
        let module = Module::load_private(common::library()).unwrap();
        Desk { dir, simulator, library, module }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// C_Initialize with a `[[slot]]` of these keys.
    pub fn start(&self, keys: &str) -> Result<(), Rv> {
        let mut text = format!("[log]\ntarget = \"file:{}\"\nlevel = \"info\"\n", self.path("log").display());
        writeln!(text, "[soft]\ndir = \"{}\"\nkdf = \"fast\"", self.path("soft").display()).unwrap();
        writeln!(text, "[[slot]]\nbackend = \"zymbit\"\nlibrary = \"{}\"", self.library.display()).unwrap();
        text.push_str(keys);
        std::fs::write(self.path("keyward.toml"), text).unwrap();
        self.module.initialize(Some(&self.configuration()))
    }

    pub fn configuration(&self) -> String {
        self.path("keyward.toml").display().to_string()
    }

    pub fn slot(&self) -> Option<CK_SLOT_ID> {
        hardware_slot(&self.module)
    }

    pub fn session(&self) -> Session {
        self.module.open_session(self.slot().unwrap(), RW).unwrap()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// `keyward device ...` on this device.
    pub fn tool(&self, arguments: &[&str]) {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_keyward"));
        tool.env_clear().env("HOME", self.dir.path()).arg("device").args(arguments);
        assert!(tool.arg("--library").arg(&self.library).status().unwrap().success());
    }

    #[track_caller]
    pub fn harmless(&self) {
        let calls = self.simulator.calls().unwrap();
        let bad = |name: &&String| FORBIDDEN.iter().any(|forbidden| name.starts_with(forbidden));
        assert_eq!(calls.iter().find(bad), None);
    }
}

/// The slot of a device among those with a token.
pub fn hardware_slot(module: &Module) -> Option<CK_SLOT_ID> {
    let is_hardware = |slot: &CK_SLOT_ID| module.slot_info(*slot).unwrap().flags & CKF_HW_SLOT != 0;
    module.slots(true).unwrap().into_iter().find(is_hardware)
}

pub fn one(session: &Session, template: &[Attr]) -> Object {
    let found = session.find(template).unwrap();
    assert_eq!(found.len(), 1, "{template:?}");
    found[0]
}

pub fn private(session: &Session, slot: u8) -> Object {
    one(session, &[Attr::class(CKO_PRIVATE_KEY), Attr::id(&[slot])])
}

pub fn public(session: &Session, slot: u8) -> Object {
    one(session, &[Attr::class(CKO_PUBLIC_KEY), Attr::id(&[slot])])
}

/// The point of a CKA_EC_POINT in DER.
pub fn point(session: &Session, key: Object) -> Vec<u8> {
    session.get(key, CKA_EC_POINT).unwrap()[2..].to_vec()
}

pub fn pair(
    session: &Session,
    mechanism: CK_MECHANISM_TYPE,
    params: &[u8],
    id: &[u8],
) -> Result<(Object, Object), Rv> {
    pair_with(session, &Mech::new(mechanism), params, id)
}

pub fn pair_with(session: &Session, mech: &Mech, params: &[u8], id: &[u8]) -> Result<(Object, Object), Rv> {
    session.generate_pair(
        mech,
        &[Attr::token(true), Attr::id(id), Attr::label("made"), Attr::bytes(CKA_EC_PARAMS, params)],
        &[Attr::token(true), Attr::id(id), Attr::label("made")],
    )
}
