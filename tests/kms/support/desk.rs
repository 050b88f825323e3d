//! keyward on a cloud slot, through the C ABI.

use std::path::PathBuf;

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Module, Object, RW, Rv, Session};
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

/// A secret is encapsulated here to the public half of an ML-KEM key, and found in the service by the private one.
#[track_caller]
pub fn decapsulates(session: &Session, public: Object, private: Object) {
    assert!(session.get_bool(public, CKA_ENCAPSULATE).unwrap());
    assert!(session.get_bool(private, CKA_DECAPSULATE).unwrap());
    assert!(!session.get_bool(private, CKA_SIGN).unwrap());
    let open = [
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_GENERIC_SECRET),
        Attr::bool(CKA_EXTRACTABLE, true),
        Attr::bool(CKA_SENSITIVE, false),
    ];
    let mech = Mech::new(CKM_ML_KEM);
    let (ciphertext, sent) = session.encapsulate(&mech, public, &open).unwrap();
    let found = session.decapsulate(&mech, private, &ciphertext, &open).unwrap();
    assert_eq!(session.get(found, CKA_VALUE).unwrap(), session.get(sent, CKA_VALUE).unwrap());
    assert!(!session.get_bool(found, CKA_ALWAYS_SENSITIVE).unwrap());
    let short = session.decapsulate(&mech, private, &ciphertext[1..], &open).unwrap_err();
    assert_eq!(short, CKR_WRAPPED_KEY_LEN_RANGE);
    let stored = [open.to_vec(), vec![Attr::token(true)]].concat();
    let refused = session.decapsulate(&mech, private, &ciphertext, &stored).unwrap_err();
    assert_eq!(refused, CKR_TEMPLATE_INCONSISTENT);
    let other = session.decapsulate(&Mech::new(CKM_ML_KEM), public, &ciphertext, &open).unwrap_err();
    assert_eq!(other, CKR_KEY_FUNCTION_NOT_PERMITTED);
}
