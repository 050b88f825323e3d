//! A token in a directory that outlives the process, and its objects.

use std::path::Path;
use std::time::{Duration, Instant};

use keyward_conformance::ck::*;
use keyward_conformance::token::{LABEL, SO_PIN, USER_PIN};
use keyward_conformance::{Attr, Kind, Mech, Module, Object, RW, Rv, Session};

const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const SIGNER: &str = "signer";

/// pReserved parameters of keyward for filling a token: no wait for the disk.
pub const UNSYNCHRONIZED: &str = "soft.synchronous=normal";

/// A module that is told to keep its tokens in a directory.
pub struct Place {
    /// The module, not initialized.
    pub module: Module,
    kind: Kind,
    reserved: Option<String>,
}

impl Place {
    /// Loads the module at `path`; `extra` are parameters of pReserved.
    pub fn new(path: &Path, directory: &Path, extra: &str) -> Result<Self, String> {
        let kind = Kind::guess(path);
        let setup = kind.prepare(directory, extra).map_err(|error| error.to_string())?;
        setup.export();
        Ok(Self { module: Module::load(path)?, kind, reserved: setup.reserved })
    }

    /// C_Initialize.
    pub fn initialize(&self) -> Result<(), Rv> {
        self.module.initialize(self.reserved.as_deref())
    }

    /// A token with PINs and the key pair that signs; the module is initialized afterwards.
    pub fn create(&self) -> Result<(), Rv> {
        self.initialize()?;
        let slot = self.module.slots(false)?.get(usize::from(self.kind == Kind::Nss)).copied();
        let slot = slot.ok_or(Rv(CKR_TOKEN_NOT_PRESENT))?;
        if self.kind != Kind::Nss {
            self.module.init_token(slot, SO_PIN, LABEL)?;
        }
        let session = self.module.open_session(self.slot()?, RW)?;
        session.login(CKU_SO, self.kind.so_pin())?;
        session.init_pin(USER_PIN)?;
        session.logout()?;
        session.login(CKU_USER, USER_PIN)?;
        let common = [Attr::token(true), Attr::label(SIGNER)];
        let public = [&common[..], &[Attr::bytes(CKA_EC_PARAMS, P256)]].concat();
        let private = [&common[..], &[Attr::private(true), Attr::bool(CKA_SIGN, true)]].concat();
        session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &private).map(drop)
    }

    /// The token's slot.
    pub fn slot(&self) -> Result<CK_SLOT_ID, Rv> {
        let slot = match self.kind {
            Kind::Nss => self.module.slots(true)?.get(1).copied(),
            _ => self.module.slot_of(LABEL)?,
        };
        slot.ok_or(Rv(CKR_TOKEN_NOT_PRESENT))
    }

    /// C_Initialize, a session, C_Login.
    pub fn user_session(&self) -> Result<Session, Rv> {
        self.initialize()?;
        let session = self.module.open_session(self.slot()?, RW)?;
        login(&session)?;
        Ok(session)
    }
}

/// C_Login of the user.
pub fn login(session: &Session) -> Result<(), Rv> {
    session.login(CKU_USER, USER_PIN)
}

/// The private key that signs.
pub fn signer(session: &Session) -> Result<Object, Rv> {
    let found = session.find(&[Attr::class(CKO_PRIVATE_KEY), Attr::label(SIGNER)])?;
    found.first().copied().ok_or(Rv(CKR_OBJECT_HANDLE_INVALID))
}

/// A private, sensitive AES-256 key; its CKA_VALUE, CKA_ID and CKA_LABEL come from its number.
pub fn create(session: &Session, number: u32) -> Result<Object, Rv> {
    let mut value = [0x5a; 32];
    value[..4].copy_from_slice(&number.to_be_bytes());
    session.create(&[
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_AES),
        Attr::token(true),
        Attr::private(true),
        Attr::bool(CKA_SENSITIVE, true),
        Attr::bool(CKA_ENCRYPT, true),
        Attr::bool(CKA_DECRYPT, true),
        Attr::value(&value),
        by_id(number),
        by_label(number),
    ])
}

/// The CKA_ID of the key with this number.
pub fn by_id(number: u32) -> Attr {
    Attr::id(&u64::from(number).to_be_bytes())
}

/// The CKA_LABEL of the key with this number.
pub fn by_label(number: u32) -> Attr {
    Attr::label(&format!("key {number}"))
}

/// A search that finds one key, and how long its three calls took.
pub fn find(session: &Session, wanted: Attr) -> Result<Duration, Rv> {
    let template = [Attr::class(CKO_SECRET_KEY), wanted];
    let start = Instant::now();
    session.find_init(&template)?;
    let found = session.find_next(2)?;
    session.find_final()?;
    let elapsed = start.elapsed();
    if found.len() == 1 { Ok(elapsed) } else { Err(Rv(CKR_OBJECT_HANDLE_INVALID)) }
}
