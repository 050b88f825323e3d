//! One module in a process of its own: a token, and the keys that rows ask for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Module, Object, RW, Rv, Session, TestToken, call, ulen};

use crate::algorithm::{Bulk, P256, Signature, pair};
use crate::rows::Work;
use crate::stopwatch::{scaling, time};

/// A module, its token, and what rows have made in it.
pub struct Worker {
    /// Where the module was loaded from.
    pub path: PathBuf,
    /// The token; its module is initialized.
    pub token: TestToken,
    /// A read-write session of the logged-in user.
    pub session: Session,
    /// How many key pairs the large token has.
    pub pairs: usize,
    /// How long one measurement lasts.
    pub duration: Duration,
    stored: usize,
    keys: HashMap<Signature, (Object, Object)>,
}

impl Worker {
    /// A fresh token of the module at `path`.
    pub fn new(path: &Path, pairs: usize, duration: Duration) -> Result<Self, String> {
        let token = TestToken::new(path)?;
        let session = token.user_session().map_err(|rv| rv.to_string())?;
        Ok(Self { path: path.into(), token, session, pairs, duration, stored: 0, keys: HashMap::new() })
    }

    /// One measurement in the row's unit.
    pub fn measure(&mut self, work: Work) -> Result<f64, Rv> {
        match work {
            Work::Sign(signature) => self.sign(signature),
            Work::Verify(signature) => self.verify(signature),
            Work::Threads(signature) => self.threads(signature),
            Work::Bulk(bulk, len) => self.bulk(bulk, len),
            Work::Token(work) => work(self),
        }
    }

    /// The pair of that type, made the first time that a row asks for it.
    fn pair(&mut self, signature: Signature) -> Result<(Object, Object), Rv> {
        if let Some(pair) = self.keys.get(&signature) {
            return Ok(*pair);
        }
        let pair = signature.pair(&self.session)?;
        self.keys.insert(signature, pair);
        Ok(pair)
    }

    fn sign(&mut self, signature: Signature) -> Result<f64, Rv> {
        let (_, key) = self.pair(signature)?;
        let mut signer = Signer::new(signature, key);
        self.time(|session| signer.sign(session))
    }

    fn verify(&mut self, signature: Signature) -> Result<f64, Rv> {
        let (public, private) = self.pair(signature)?;
        let mut mechanism = signature.mechanism();
        let bytes = self.session.sign(&Mech::new(mechanism.mechanism), private, &MESSAGE)?;
        let (data, data_len) = (MESSAGE.as_ptr().cast_mut(), ulen(MESSAGE.len()));
        let (signed, signed_len) = (bytes.as_ptr().cast_mut(), ulen(bytes.len()));
        self.time(|session| {
            let (module, handle) = (session.module(), session.handle());
            Rv::check(call!(module, C_VerifyInit(handle, &mut mechanism, public)).0)?;
            Rv::check(call!(module, C_Verify(handle, data, data_len, signed, signed_len)).0)
        })
    }

    fn threads(&mut self, signature: Signature) -> Result<f64, Rv> {
        let (_, key) = self.pair(signature)?;
        let (one, two) = (self.token.session(RW)?, self.token.session(RW)?);
        let (mut first, mut second) = (Signer::new(signature, key), Signer::new(signature, key));
        scaling(self.duration, || first.sign(&one), || second.sign(&two))
    }

    fn bulk(&mut self, bulk: Bulk, len: usize) -> Result<f64, Rv> {
        let key = bulk.key(&self.session)?;
        let mechanism = bulk.mechanism();
        let (mut data, mut out) = (vec![0x5a_u8; len], vec![0_u8; bulk.room(len)]);
        let micros = self.time(|session| {
            let (module, handle, mut raw) = (session.module(), session.handle(), mechanism.raw());
            let (input, input_len) = (data.as_mut_ptr(), ulen(data.len()));
            let (output, mut output_len) = (out.as_mut_ptr(), ulen(out.len()));
            match (bulk, key) {
                (Bulk::Sha256, _) => {
                    Rv::check(call!(module, C_DigestInit(handle, &mut raw)).0)?;
                    Rv::check(call!(module, C_Digest(handle, input, input_len, output, &mut output_len)).0)
                }
                (Bulk::HmacSha256, Some(key)) => {
                    Rv::check(call!(module, C_SignInit(handle, &mut raw, key)).0)?;
                    Rv::check(call!(module, C_Sign(handle, input, input_len, output, &mut output_len)).0)
                }
                (_, Some(key)) => {
                    Rv::check(call!(module, C_EncryptInit(handle, &mut raw, key)).0)?;
                    Rv::check(call!(module, C_Encrypt(handle, input, input_len, output, &mut output_len)).0)
                }
                (_, None) => Err(Rv(CKR_KEY_HANDLE_INVALID)),
            }
        });
        if let Some(key) = key {
            self.session.destroy(key)?;
        }
        Ok(throughput(len, micros?))
    }

    /// One more durable P-256 pair; its CKA_ID and CKA_LABEL come from its number.
    pub fn store_pair(&mut self) -> Result<(), Rv> {
        let common = [Attr::token(true), Attr::id(&id(self.stored)), Attr::label(&label(self.stored))];
        let curve = vec![Attr::bytes(CKA_EC_PARAMS, P256)];
        pair(&self.session, CKM_EC_KEY_PAIR_GEN, curve, &common)?;
        self.stored += 1;
        Ok(())
    }

    /// At least `count` durable pairs in the token.
    pub fn store_pairs(&mut self, count: usize) -> Result<(), Rv> {
        while self.stored < count {
            self.store_pair()?;
        }
        Ok(())
    }

    /// How many durable pairs there are.
    pub fn stored(&self) -> usize {
        self.stored
    }

    /// C_Finalize, C_Initialize, login: every handle is new.
    pub fn reopen(&mut self) -> Result<(), Rv> {
        self.keys.clear();
        // Closed before the restart: afterwards the old handle may be the new session's.
        self.session = Session::borrowed(self.token.module.clone(), CK_INVALID_HANDLE);
        self.token.restart()?;
        self.session = self.token.user_session()?;
        Ok(())
    }

    /// Microseconds per call of `work`, which runs again and again for one measurement.
    pub fn time(&self, mut work: impl FnMut(&Session) -> Result<(), Rv>) -> Result<f64, Rv> {
        time(self.duration, || work(&self.session))
    }
}

/// What is signed.
pub const MESSAGE: [u8; 32] = [0x5a; 32];

/// Megabytes per second, from the microseconds that `len` bytes take.
pub fn throughput(len: usize, micros: f64) -> f64 {
    f64::from(u32::try_from(len).unwrap_or(u32::MAX)) / micros
}

/// C_SignInit and C_Sign into a buffer that is large enough: two calls, no size query.
struct Signer {
    signature: Signature,
    key: Object,
    out: Vec<u8>,
}

impl Signer {
    fn new(signature: Signature, key: Object) -> Self {
        Self { signature, key, out: vec![0; 4096] }
    }

    fn sign(&mut self, session: &Session) -> Result<(), Rv> {
        let (mut mechanism, mut length) = (self.signature.mechanism(), ulen(self.out.len()));
        let (module, handle) = (session.module(), session.handle());
        let (data, data_len) = (MESSAGE.as_ptr().cast_mut(), ulen(MESSAGE.len()));
        Rv::check(call!(module, C_SignInit(handle, &mut mechanism, self.key)).0)?;
        Rv::check(call!(module, C_Sign(handle, data, data_len, self.out.as_mut_ptr(), &mut length)).0)
    }
}

/// The CKA_ID of the durable pair with this number.
pub fn id(number: usize) -> [u8; 8] {
    u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes()
}

/// The CKA_LABEL of the durable pair with this number.
pub fn label(number: usize) -> String {
    format!("key pair {number}")
}

/// A token of keyward with its default, costly PIN derivation; of others, as they are.
pub fn default_token(path: &Path) -> Result<(Module, CK_SLOT_ID, tempfile::TempDir), String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let module = Module::load_private(path)?;
    let make = || -> Result<CK_SLOT_ID, Rv> {
        module.initialize(Some(&format!("dir='{}'", dir.path().display())))?;
        let slot = module.slots(false)?.first().copied().ok_or(Rv(CKR_TOKEN_NOT_PRESENT))?;
        module.init_token(slot, "so-pin", "default")?;
        let session = module.open_session(slot, RW)?;
        session.login(CKU_SO, "so-pin")?;
        session.init_pin("user-pin")?;
        session.logout()?;
        Ok(slot)
    };
    let slot = make().map_err(|rv| rv.to_string())?;
    Ok((module, slot, dir))
}
