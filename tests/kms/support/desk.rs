//! A library of its own with a configuration, as a consumer sees it.

use std::path::PathBuf;

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Module, Object, RW, Session};
use tempfile::TempDir;

use crate::common;

/// The library, started with some `[[slot]]`s; it logs all that it can.
pub struct Desk {
    pub dir: TempDir,
    pub module: Module,
}

impl Desk {
    /// C_Initialize with these tables after `[log]` and `[soft]`. `files` are made first, beside the configuration.
    pub fn new(files: &[(&str, &str)], slots: &str) -> Desk {
        let dir = TempDir::new().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let path = |name: &str| dir.path().join(name).display().to_string();
        let head = format!("[log]\ntarget = \"file:{}\"\nlevel = \"trace\"\n", path("log"));
        let soft = format!("[soft]\ndir = \"{}\"\nkdf = \"fast\"\n", path("soft"));
        std::fs::write(dir.path().join("keyward.toml"), format!("{head}{soft}{slots}")).unwrap();
        let module = Module::load_private(common::library()).unwrap();
        module.initialize(Some(&path("keyward.toml"))).unwrap();
        Desk { dir, module }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A read-write session on the slot whose token has this label.
    pub fn session(&self, label: &str) -> Session {
        let slot = self.module.slot_of(label).unwrap().expect("a slot with this label");
        self.module.open_session(slot, RW).unwrap()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

/// The one object that matches.
#[track_caller]
pub fn one(session: &Session, class: CK_OBJECT_CLASS, label: &str) -> Object {
    let found = session.find(&[Attr::class(class), Attr::label(label)]).unwrap();
    assert_eq!(found.len(), 1, "{label}");
    found[0]
}

/// Both halves of a pair.
#[track_caller]
pub fn pair(session: &Session, label: &str) -> (Object, Object) {
    (one(session, CKO_PUBLIC_KEY, label), one(session, CKO_PRIVATE_KEY, label))
}
