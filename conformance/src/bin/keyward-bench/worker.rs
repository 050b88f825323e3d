//! One module in a process of its own: a token, the keys that rows ask for, and a stopwatch.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Module, Object, RW, Rv, Session, TestToken, call, ulen};

use crate::rows::ROWS;

/// Answers each row's name on standard input with one measurement on standard output, until the end of input.
pub fn serve(path: &Path, pairs: usize, millis: u64) -> Result<(), String> {
    let mut worker = Worker::new(path, pairs, Duration::from_millis(millis))?;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let name = line.map_err(|error| error.to_string())?;
        let row = ROWS.iter().find(|row| row.name == name).ok_or("no such row")?;
        match (row.work)(&mut worker) {
            Ok(value) => writeln!(out, "{value}"),
            Err(rv) => writeln!(out, "{rv}"),
        }
        .and_then(|()| out.flush())
        .map_err(|error| error.to_string())?;
    }
    Ok(())
}

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
    keys: HashMap<&'static str, Object>,
}

impl Worker {
    fn new(path: &Path, pairs: usize, duration: Duration) -> Result<Self, String> {
        let token = TestToken::new(path)?;
        let session = token.user_session().map_err(|rv| rv.to_string())?;
        Ok(Self { path: path.into(), token, session, pairs, duration, stored: 0, keys: HashMap::new() })
    }

    /// The key of that name, made by `make` the first time that a row asks for it.
    pub fn key(
        &mut self,
        name: &'static str,
        make: impl FnOnce(&Session) -> Result<Object, Rv>,
    ) -> Result<Object, Rv> {
        if let Some(key) = self.keys.get(name) {
            return Ok(*key);
        }
        let key = make(&self.session)?;
        self.keys.insert(name, key);
        Ok(key)
    }

    /// One more durable P-256 pair; its CKA_ID is its number.
    pub fn store_pair(&mut self) -> Result<(), Rv> {
        pair_p256(&self.session, true, &id(self.stored))?;
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

/// The CKA_ID of the durable pair with this number.
pub fn id(number: usize) -> [u8; 8] {
    u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes()
}

/// Microseconds per call of `work`, repeated for `duration` after one call that does not count.
pub fn time(duration: Duration, mut work: impl FnMut() -> Result<(), Rv>) -> Result<f64, Rv> {
    work()?;
    let (start, mut calls) = (Instant::now(), 0.0_f64);
    loop {
        work()?;
        calls += 1.0;
        let elapsed = start.elapsed();
        if elapsed >= duration {
            return Ok(elapsed.as_secs_f64() * 1e6 / calls);
        }
    }
}

/// C_SignInit and C_Sign into a buffer that is large enough: two calls, no size query.
pub fn sign(session: &Session, mech: &Mech, key: Object, data: &[u8]) -> Result<(), Rv> {
    let (mut raw, mut out) = (mech.raw(), [0_u8; 4096]);
    let mut length = ulen(out.len());
    let (module, handle) = (session.module(), session.handle());
    Rv::check(call!(module, C_SignInit(handle, &mut raw, key)).0)?;
    let rv = call!(
        module,
        C_Sign(handle, data.as_ptr().cast_mut(), ulen(data.len()), out.as_mut_ptr(), &mut length)
    );
    Rv::check(rv.0)
}

/// A P-256 pair; its private half.
pub fn pair_p256(session: &Session, token: bool, id: &[u8]) -> Result<Object, Rv> {
    let curve = Attr::bytes(CKA_EC_PARAMS, &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]);
    pair(session, CKM_EC_KEY_PAIR_GEN, vec![curve], token, id)
}

/// A key pair that signs; its private half.
pub fn pair(
    session: &Session,
    generation: CK_MECHANISM_TYPE,
    mut public: Vec<Attr>,
    token: bool,
    id: &[u8],
) -> Result<Object, Rv> {
    public.extend([Attr::token(token), Attr::id(id), Attr::bool(CKA_VERIFY, true)]);
    let private = [Attr::token(token), Attr::id(id), Attr::private(true), Attr::bool(CKA_SIGN, true)];
    session.generate_pair(&Mech::new(generation), &public, &private).map(|(_, private)| private)
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
