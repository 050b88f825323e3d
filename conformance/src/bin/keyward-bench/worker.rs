//! One module in a process of its own: a token, and the keys that rows ask for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Object, Rv, Session, TestToken};

use crate::algorithm::{P256, Signature, pair};
use crate::errand::{self, Errand};
use crate::fault::Fault;
use crate::rows::{Fixture, Work};
use crate::stopwatch::time;
use crate::{bulk, signatures};

/// A module, its token, and what rows have made in it.
pub struct Worker {
    /// Where the module was loaded from.
    pub path: PathBuf,
    /// The token; its module is initialized.
    pub token: TestToken,
    /// A read-write session of the logged-in user.
    pub session: Session,
    /// How many key pairs the token has; or half the number of session objects.
    pub pairs: usize,
    /// How long one measurement lasts.
    pub duration: Duration,
    /// How many objects other processes have made on behalf of rows.
    pub foreign: usize,
    keys: HashMap<(Signature, usize), (Object, Object)>,
    /// Has the session objects.
    _holder: Option<Session>,
}

impl Worker {
    /// A fresh token of the module at `path`, filled as the fixture says.
    pub fn new(path: &Path, fixture: Fixture, pairs: usize, duration: Duration) -> Result<Self, Fault> {
        let pairs = if fixture == Fixture::DefaultKdf { Fixture::SMALLEST } else { pairs };
        // What other modules derive keys from PINs with cannot be chosen alike.
        let extra = if fixture == Fixture::DefaultKdf { "kdf=argon2id" } else { "" };
        let token = TestToken::with(path, extra)?;
        if matches!(fixture, Fixture::Pairs | Fixture::DefaultKdf) {
            errand::ask(Errand::Fill.command(path, token.reserved(), pairs)?)?;
        }
        let session = token.user_session()?;
        let holder = match fixture {
            Fixture::SessionObjects => Some(session_objects(&token, 2 * pairs)?),
            _ => None,
        };
        let path = path.into();
        Ok(Self { path, token, session, pairs, duration, foreign: 0, keys: HashMap::new(), _holder: holder })
    }

    /// One measurement in the row's unit.
    pub fn measure(&mut self, work: Work) -> Result<f64, Fault> {
        match work {
            Work::Sign(signature) => signatures::sign(self, signature),
            Work::Verify(signature) => signatures::verify(self, signature),
            Work::Threads(signature, sharing) => signatures::threads(self, signature, sharing),
            Work::Bulk(bulk, len, parts) => bulk::run(self, bulk, len, parts),
            Work::Token(work, _) => work(self),
        }
    }

    /// One of the durable pairs of that type, made the first time that a row asks for it.
    pub fn pair(&mut self, signature: Signature, number: usize) -> Result<(Object, Object), Rv> {
        if let Some(pair) = self.keys.get(&(signature, number)) {
            return Ok(*pair);
        }
        let pair = signature.pair(&self.session)?;
        self.keys.insert((signature, number), pair);
        Ok(pair)
    }

    /// Forgets the session and the keys of a module that is about to be finalized: the session's number may soon be
    /// another session's.
    pub fn forget(&mut self) {
        self.keys.clear();
        self.session = Session::borrowed(self.token.module.clone(), CK_INVALID_HANDLE);
    }

    /// C_Finalize, C_Initialize, login: every handle is new.
    pub fn reopen(&mut self) -> Result<(), Rv> {
        self.forget();
        self.token.restart()?;
        self.session = self.token.user_session()?;
        Ok(())
    }

    /// Microseconds per call of `work`, which runs again and again for one measurement.
    pub fn time(&self, mut work: impl FnMut(&Session) -> Result<(), Rv>) -> Result<f64, Rv> {
        time(self.duration, || work(&self.session))
    }

    /// An errand for a process of its own, on this worker's token.
    pub fn errand(&self, errand: Errand, number: usize) -> Result<Command, Fault> {
        errand.command(&self.path, self.token.reserved(), number)
    }
}

/// The CKA_ID of the pair, or session object, with this number.
pub fn id(number: usize) -> [u8; 8] {
    u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes()
}

/// The CKA_LABEL of the pair, or session object, with this number.
pub fn label(number: usize) -> String {
    format!("key {number}")
}

/// A durable P-256 pair.
pub fn store_pair(session: &Session, number: usize) -> Result<(Object, Object), Rv> {
    let common = [Attr::token(true), Attr::id(&id(number)), Attr::label(&label(number))];
    pair(session, CKM_EC_KEY_PAIR_GEN, vec![Attr::bytes(CKA_EC_PARAMS, P256)], &common)
}

/// A session that holds so many secret keys, half of them private.
fn session_objects(token: &TestToken, count: usize) -> Result<Session, Rv> {
    let holder = token.user_session()?;
    for number in 0..count {
        holder.create(&[
            Attr::class(CKO_SECRET_KEY),
            Attr::key_type(CKK_GENERIC_SECRET),
            Attr::private(number.is_multiple_of(2)),
            Attr::id(&id(number)),
            Attr::label(&label(number)),
            Attr::value(&[0x5a; 32]),
        ])?;
    }
    Ok(holder)
}
