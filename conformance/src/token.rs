//! A token prepared for a test, in a directory that vanishes with it.

use std::path::Path;

use cryptoki_sys::*;
use tempfile::TempDir;

use crate::kind::{Lower, Setup};
use crate::{Kind, Module, RW, Rv, Session};

/// The SO PIN of every [`TestToken`]: the one that openCryptoki's token has before anyone sets one.
pub const SO_PIN: &str = "87654321";
/// The user PIN of every [`TestToken`]: 8 characters are what openCryptoki takes at most.
pub const USER_PIN: &str = "user0815";
/// The label of every [`TestToken`].
pub const LABEL: &str = "conformance";

/// A module together with a private directory: configured, not initialized.
pub struct Bench {
    /// The module.
    pub module: Module,
    /// How its tokens behave: configured by itself or, through keyward, the library below.
    pub kind: Kind,
    setup: Setup,
    dir: TempDir,
}

impl Bench {
    /// Prepares a directory for `module`. Modules configured by the environment make this process-wide.
    pub fn new(module: Module, kind: Kind, extra: &str) -> Result<Self, String> {
        Self::prepare(module, kind, |dir| kind.prepare(dir, extra))
    }

    /// Prepares a directory for keyward, `module`, with one slot over `lower` and nothing else.
    pub fn over(module: Module, lower: &Lower, extra: &str) -> Result<Self, String> {
        Self::prepare(module, lower.kind, |dir| lower.prepare(dir, extra))
    }

    fn prepare(
        module: Module,
        kind: Kind,
        prepare: impl FnOnce(&Path) -> std::io::Result<Setup>,
    ) -> Result<Self, String> {
        let dir = tempfile::Builder::new().prefix("token-").tempdir().map_err(|error| error.to_string())?;
        let setup = prepare(dir.path()).map_err(|error| error.to_string())?;
        setup.export();
        Ok(Self { module, kind, setup, dir })
    }

    /// The directory that the module keeps its tokens in.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What C_Initialize gets in pReserved.
    pub fn reserved(&self) -> Option<&str> {
        self.setup.reserved.as_deref()
    }

    /// C_Initialize as this module wants it.
    pub fn initialize(&self) -> Result<(), Rv> {
        self.module.initialize(self.reserved())
    }

    /// The slot to put a token into: NSS has a fixed one, others list it first.
    pub fn free_slot(&self) -> Result<CK_SLOT_ID, Rv> {
        let slots = self.module.slots(false)?;
        let suits = |info: CK_TOKEN_INFO| match self.kind {
            Kind::Nss => info.flags & CKF_LOGIN_REQUIRED != 0,
            _ => info.flags & CKF_TOKEN_INITIALIZED == 0,
        };
        let slot = slots.iter().copied().find(|slot| self.module.token_info(*slot).is_ok_and(suits));
        slot.or_else(|| slots.first().copied()).ok_or(Rv(CKR_TOKEN_NOT_PRESENT))
    }
}

/// An initialized token with an SO PIN and a user PIN. Finalizes the module on drop.
pub struct TestToken {
    /// The module, initialized.
    pub module: Module,
    /// The token's slot.
    pub slot: CK_SLOT_ID,
    bench: Bench,
}

impl TestToken {
    /// A token of the module at `path`: keyward in a private instance, others as they are.
    pub fn new(path: impl AsRef<Path>) -> Result<Self, String> {
        Self::with(path, "")
    }

    /// The same, with further pReserved parameters such as `soft.max_pin_failures=3`.
    pub fn with(path: impl AsRef<Path>, extra: &str) -> Result<Self, String> {
        let path = path.as_ref();
        let kind = Kind::guess(path);
        let module = if kind == Kind::Keyward { Module::load_private(path) } else { Module::load(path) }?;
        Self::on(Bench::new(module, kind, extra)?)
    }

    /// Initializes the module on a bench, and a token in its free slot.
    pub fn on(bench: Bench) -> Result<Self, String> {
        let failed = |rv: Rv| format!("{} answers {rv} while preparing a token", crate::rv::last_call());
        bench.initialize().map_err(failed)?;
        let mut token = Self { module: bench.module.clone(), slot: 0, bench };
        token.set_up().map_err(failed)?;
        Ok(token)
    }

    fn set_up(&mut self) -> Result<(), Rv> {
        self.slot = self.bench.free_slot()?;
        if self.bench.kind != Kind::Nss {
            self.module.init_token(self.slot, SO_PIN, LABEL)?;
            // SoftHSM moves a token to another slot once it has a serial number.
            self.slot = self.module.slot_of(LABEL)?.ok_or(Rv(CKR_TOKEN_NOT_PRESENT))?;
        }
        let session = self.module.open_session(self.slot, RW)?;
        session.login(CKU_SO, self.bench.kind.so_pin())?;
        session.init_pin(USER_PIN)?;
        session.logout()
    }

    /// The directory that holds the token.
    pub fn dir(&self) -> &Path {
        self.bench.dir()
    }

    /// How the module is configured.
    pub fn kind(&self) -> Kind {
        self.bench.kind
    }

    /// What C_Initialize gets in pReserved.
    pub fn reserved(&self) -> Option<&str> {
        self.bench.reserved()
    }

    /// A session with the given flags, nobody logged in by it.
    pub fn session(&self, flags: CK_FLAGS) -> Result<Session, Rv> {
        self.module.open_session(self.slot, flags)
    }

    /// A read-write session, with the user logged in (also where he was already).
    pub fn user_session(&self) -> Result<Session, Rv> {
        let session = self.session(RW)?;
        match session.login(CKU_USER, USER_PIN) {
            Err(rv) if rv != CKR_USER_ALREADY_LOGGED_IN => Err(rv),
            _ => Ok(session),
        }
    }

    /// A read-write session with the security officer logged in.
    pub fn so_session(&self) -> Result<Session, Rv> {
        let session = self.session(RW)?;
        session.login(CKU_SO, self.bench.kind.so_pin())?;
        Ok(session)
    }

    /// C_Finalize and C_Initialize: every handle is dead, token objects remain.
    pub fn restart(&mut self) -> Result<(), Rv> {
        self.module.finalize()?;
        self.bench.initialize()?;
        if self.bench.kind != Kind::Nss {
            self.slot = self.module.slot_of(LABEL)?.ok_or(Rv(CKR_TOKEN_NOT_PRESENT))?;
        }
        Ok(())
    }

    /// Whether the token offers `mechanism` with all of `flags`.
    pub fn offers(&self, mechanism: CK_MECHANISM_TYPE, flags: CK_FLAGS) -> bool {
        self.module.offers(self.slot, mechanism, flags)
    }
}

impl Drop for TestToken {
    fn drop(&mut self) {
        // The module may be finalized already; there is nobody to tell.
        let _ = self.module.finalize();
    }
}
