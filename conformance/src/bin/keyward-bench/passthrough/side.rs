//! A logged-in session on a lower token, with keyward between or without, and a key pair.

use std::path::{Path, PathBuf};

use keyward_conformance::ck::*;
use keyward_conformance::token::{LABEL, USER_PIN};
use keyward_conformance::{Attr, Kind, Module, Object, RW, Session, TestToken};
use tempfile::TempDir;

use crate::algorithm::{P256, pair};
use crate::fault::Fault;

/// The CKA_ID of the pair.
pub const ID: &[u8] = b"benchmark";

/// One side of the comparison.
pub struct Side {
    /// The module that is called.
    pub module: Module,
    /// The token's slot.
    pub slot: CK_SLOT_ID,
    /// A read-write session of the user.
    pub session: Session,
    /// P-256, on the token.
    pub private: Object,
    _keep: (Option<TestToken>, TempDir),
}

/// A lower library that can be started: where, and with what.
struct Prepared {
    library: PathBuf,
    reserved: Option<String>,
    label: &'static str,
    pin: &'static str,
    token: Option<TestToken>,
    dir: TempDir,
}

impl Prepared {
    /// Has the library make a token, and stops it again. The library of the tests has one.
    fn new(lower: &Path) -> Result<Self, Fault> {
        let dir = tempfile::Builder::new().prefix("bench-").tempdir()?;
        if lower.file_name().is_some_and(|name| name.to_string_lossy().contains("faulty")) {
            // Without a control file beside it, it neither looks for one nor writes a log.
            let library = dir.path().join("trivial.so");
            std::fs::copy(lower, &library)?;
            return Ok(Self { library, reserved: None, label: "first", pin: "1234", token: None, dir });
        }
        let token = TestToken::new(lower)?;
        token.module.finalize()?;
        let library = match token.kind() {
            // Not the file of the keyward above, which would be one and the same to the dynamic linker.
            Kind::Keyward => {
                let copy = dir.path().join("below.so");
                std::fs::copy(lower, &copy)?;
                copy
            }
            _ => lower.to_path_buf(),
        };
        let reserved = token.reserved().map(str::to_owned);
        Ok(Self { library, reserved, label: LABEL, pin: USER_PIN, token: Some(token), dir })
    }

    fn begin(self, module: Module) -> Result<Side, Fault> {
        let slot = module.slot_of(self.label)?.ok_or(format!("no token {:?}", self.label))?;
        let session = module.open_session(slot, RW)?;
        session.login(CKU_USER, self.pin)?;
        let common = [Attr::token(true), Attr::id(ID), Attr::label("benchmark")];
        let curve = vec![Attr::bytes(CKA_EC_PARAMS, P256)];
        let (_, private) = pair(&session, CKM_EC_KEY_PAIR_GEN, curve, &common)?;
        Ok(Side { module, slot, session, private, _keep: (self.token, self.dir) })
    }
}

impl Side {
    /// The library itself.
    pub fn direct(lower: &Path) -> Result<Self, Fault> {
        let prepared = Prepared::new(lower)?;
        let module = Module::load(&prepared.library)?;
        module.initialize(prepared.reserved.as_deref())?;
        prepared.begin(module)
    }

    /// keyward above it, as configured when nothing is said but the library.
    pub fn through(lower: &Path, keyward: &Path) -> Result<Self, Fault> {
        let prepared = Prepared::new(lower)?;
        let (dir, library) = (prepared.dir.path().display(), prepared.library.display());
        let arguments = match &prepared.reserved {
            Some(reserved) => format!("init_args = \"{reserved}\"\n"),
            None => String::new(),
        };
        let text = format!(
            "[soft]\ndir = '{dir}/soft'\n[slots]\nfree = 'never'\n\
             [[slot]]\nbackend = 'passthrough'\nlibrary = '{library}'\n{arguments}"
        );
        let path = prepared.dir.path().join("keyward.toml");
        std::fs::write(&path, text)?;
        let module = Module::load_private(keyward)?;
        module.initialize(Some(&path.display().to_string()))?;
        prepared.begin(module)
    }
}
