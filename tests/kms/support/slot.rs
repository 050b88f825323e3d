//! The shared library with a `[[slot]]` of a provider.

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Module, Object, RW, Session};
use tempfile::TempDir;

use crate::common;

pub struct Slot {
    pub module: Module,
    pub dir: TempDir,
    label: String,
}

impl Slot {
    /// C_Initialize with one slot of a provider that has these keys.
    pub fn start(provider: &str, label: &str, keys: &str) -> Slot {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let text = format!(
            "[log]\ntarget = \"file:{}\"\nlevel = \"trace\"\n[soft]\ndir = \"{}\"\nkdf = \"fast\"\n\
             [[slot]]\nbackend = \"kms\"\nprovider = \"{provider}\"\nlabel = \"{label}\"\n{keys}",
            path("log"),
            path("soft")
        );
        std::fs::write(path("keyward.toml"), text).unwrap();
        let module = Module::load_private(common::library()).unwrap();
        module.initialize(Some(&path("keyward.toml"))).unwrap();
        Slot { module, dir, label: label.to_owned() }
    }

    pub fn id(&self) -> CK_SLOT_ID {
        self.module.slot_of(&self.label).unwrap().unwrap()
    }

    pub fn session(&self) -> Session {
        self.module.open_session(self.id(), RW).unwrap()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

/// The newest object of a class with a label.
#[track_caller]
pub fn object(session: &Session, class: CK_OBJECT_CLASS, label: &str) -> Object {
    let found = session.find(&[Attr::class(class), Attr::label(label)]).unwrap();
    assert!(!found.is_empty(), "{label}");
    found[0]
}
