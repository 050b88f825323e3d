//! keyward on a cloud slot, through the C ABI.

use std::path::PathBuf;

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Module, Object, RW, Rv, Session};
use tempfile::TempDir;

use crate::common;

/// A configuration, and the library that has it.
pub struct Desk {
    pub dir: TempDir,
    pub module: Module,
}

impl Desk {
    /// C_Initialize with these `[[slot]]` entries, in TOML.
    pub fn start(slots: &str) -> Desk {
        let desk = Desk::idle(slots);
        desk.initialize().unwrap();
        desk
    }

    /// The same before C_Initialize.
    pub fn idle(slots: &str) -> Desk {
        let dir = TempDir::new().unwrap();
        let module = Module::load_private(common::library()).unwrap();
        let desk = Desk { dir, module };
        let log = format!("[log]\ntarget = \"file:{}\"\nlevel = \"trace\"\n", desk.path("log").display());
        let soft = format!("[soft]\ndir = \"{}\"\nkdf = \"fast\"\n", desk.path("soft").display());
        std::fs::write(desk.configuration(), log + &soft + slots).unwrap();
        desk
    }

    pub fn initialize(&self) -> Result<(), Rv> {
        self.module.initialize(Some(self.configuration().to_str().unwrap()))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn configuration(&self) -> PathBuf {
        self.path("keyward.toml")
    }

    /// The slot whose token has this label.
    pub fn slot(&self, label: &str) -> CK_SLOT_ID {
        let text = keyward_conformance::module::text;
        let has =
            |slot: &CK_SLOT_ID| self.module.token_info(*slot).is_ok_and(|info| text(&info.label) == label);
        self.module.slots(true).unwrap().into_iter().find(has).unwrap()
    }

    pub fn session(&self, label: &str) -> Session {
        self.module.open_session(self.slot(label), RW).unwrap()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

/// The only object that matches.
#[track_caller]
pub fn one(session: &Session, template: &[Attr]) -> Object {
    let found = session.find(template).unwrap();
    assert_eq!(found.len(), 1, "{template:?}");
    found[0]
}

/// The private key of this label; the newest version.
#[track_caller]
pub fn private(session: &Session, label: &str) -> Object {
    session.find(&[Attr::class(CKO_PRIVATE_KEY), Attr::label(label)]).unwrap()[0]
}

/// The public key of this label; the newest version.
#[track_caller]
pub fn public(session: &Session, label: &str) -> Object {
    session.find(&[Attr::class(CKO_PUBLIC_KEY), Attr::label(label)]).unwrap()[0]
}
