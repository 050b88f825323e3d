//! PINs: the token key wrapped under each, wrong ones counted, delayed and locked out.
//!
//! Argon2id turns a PIN into a key that seals the token key. The record carries its own parameters and salt, and is
//! bound to its role and to the token's serial: an SO record put in the user's place does not open.
//!
//! Counting. A wrong PIN is written down in a transaction that starts from what is on disk, so none is lost between
//! processes. A right PIN is accepted only after a second look at the count: of many guesses made at once, those
//! that finish after the lock fell are refused even where they were right.

use std::time::Duration;

use super::error::{Error, Result};
use super::{Failures, Header, Store, unix_now};
use crate::crypto::{self, SealKey};
use crate::types::{Kdf, LockedKey};

/// Whose PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The security officer.
    So,
    /// The normal user.
    User,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Role::So => "SO",
            Role::User => "user",
        }
    }
}

const VERSION: u8 = 1;
const SALT_LEN: usize = 16;
/// Nonce, key, tag.
const SEALED_LEN: usize = 12 + 32 + 16;
const MAGIC: &[u8; 12] = b"keyward/pin\0";

/// The token key under one PIN. Secret only as far as the PIN is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinRecord {
    kdf: Kdf,
    salt: [u8; SALT_LEN],
    sealed: [u8; SEALED_LEN],
}

impl PinRecord {
    /// The length of [`PinRecord::encode`]'s result.
    pub const ENCODED_LEN: usize = 1 + 12 + SALT_LEN + SEALED_LEN;

    /// Wraps `token_key` under a new PIN with a fresh salt. Takes the derivation's time and memory.
    pub fn new(pin: &[u8], kdf: Kdf, token_key: &LockedKey, role: Role, serial: &str) -> Result<PinRecord> {
        let mut salt = [0; SALT_LEN];
        crypto::random(&mut salt)?;
        let key = stretch(pin, &salt, kdf)?;
        let sealed = SealKey::new(&key)?.seal(&associated(role, serial), token_key.as_bytes())?;
        let sealed = <[u8; SEALED_LEN]>::try_from(sealed.as_slice())
            .map_err(|_| Error::Crypto(format!("sealing a key gave {} bytes", sealed.len())))?;
        Ok(PinRecord { kdf, salt, sealed })
    }

    /// The token key, or [`Error::WrongPin`]: a wrong PIN and a damaged record cannot be told apart.
    pub fn open(&self, pin: &[u8], role: Role, serial: &str) -> Result<LockedKey> {
        let key = stretch(pin, &self.salt, self.kdf)?;
        let opened = SealKey::new(&key)?.open(&associated(role, serial), &self.sealed);
        let plain = opened.map_err(|error| match error {
            crypto::Error::Ciphertext => Error::WrongPin,
            other => other.into(),
        })?;
        LockedKey::random(|out| match out.len() == plain.len() {
            true => {
                out.copy_from_slice(&plain);
                Ok(())
            }
            false => Err(Error::Unsealed {
                serial: serial.to_owned(),
                what: format!("the {} PIN record", role.name()),
            }),
        })
    }

    /// What one try costs.
    pub fn kdf(&self) -> Kdf {
        self.kdf
    }

    /// The record as stored.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::ENCODED_LEN);
        out.push(VERSION);
        for n in [self.kdf.m_kib(), self.kdf.t(), self.kdf.p()] {
            out.extend_from_slice(&n.to_le_bytes());
        }
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.sealed);
        out
    }

    /// The record from storage; `Err` says why not. Bounds the derivation's cost: the file is input from outside.
    pub fn decode(bytes: &[u8]) -> std::result::Result<PinRecord, String> {
        let short = || format!("a PIN record of {} bytes", bytes.len());
        if bytes.len() != Self::ENCODED_LEN {
            return Err(short());
        }
        let (&version, rest) = bytes.split_first().ok_or_else(short)?;
        if version != VERSION {
            return Err(format!("a PIN record of version {version}"));
        }
        let (m, rest) = rest.split_first_chunk().ok_or_else(short)?;
        let (t, rest) = rest.split_first_chunk().ok_or_else(short)?;
        let (p, rest) = rest.split_first_chunk().ok_or_else(short)?;
        let (salt, rest) = rest.split_first_chunk().ok_or_else(short)?;
        let sealed = <[u8; SEALED_LEN]>::try_from(rest).map_err(|_| short())?;
        let kdf = Kdf::new(u32::from_le_bytes(*m), u32::from_le_bytes(*t), u32::from_le_bytes(*p))
            .map_err(|e| format!("a PIN record with {e}"))?;
        Ok(PinRecord { kdf, salt: *salt, sealed })
    }
}

fn stretch(pin: &[u8], salt: &[u8], kdf: Kdf) -> Result<LockedKey> {
    Ok(crypto::argon2id(pin, salt, kdf.m_kib(), kdf.t(), kdf.p())?)
}

fn associated(role: Role, serial: &str) -> Vec<u8> {
    let role = match role {
        Role::So => 0,
        Role::User => 1,
    };
    [&MAGIC[..], &[VERSION, role], serial.as_bytes()].concat()
}

/// What wrong PINs lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinPolicy {
    /// The PIN locks at this many wrong ones in a row; 0: never.
    pub max_failures: u32,
    /// Whether a try after wrong ones has to wait.
    pub delay: bool,
}

impl Default for PinPolicy {
    fn default() -> Self {
        PinPolicy { max_failures: 10, delay: true }
    }
}

/// What CKF_(USER|SO)_PIN_* tell, and how long the next try waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PinState {
    /// CKF_..._PIN_COUNT_LOW: a wrong PIN was entered since the last right one.
    pub count_low: bool,
    /// CKF_..._PIN_FINAL_TRY: one more wrong PIN locks it.
    pub final_try: bool,
    /// CKF_..._PIN_LOCKED: no PIN is tried any more.
    pub locked: bool,
    /// How long the caller has to sleep, holding no lock, before the next try. At most 2 s.
    pub delay: Duration,
}

impl PinPolicy {
    const FIRST_DELAY_MS: u64 = 100;
    const LONGEST_DELAY_MS: u64 = 2000;

    /// The state after `failures`, at `now` (seconds since 1970). A clock that was set back costs the whole delay.
    pub fn state(&self, failures: Failures, now: u64) -> PinState {
        let limited = self.max_failures > 0;
        let rested = now.checked_sub(failures.last).is_some_and(|s| s * 1000 > Self::LONGEST_DELAY_MS);
        let delay = match (self.delay && !rested, failures.count.checked_sub(1)) {
            (true, Some(doublings)) => {
                (Self::FIRST_DELAY_MS << doublings.min(10)).min(Self::LONGEST_DELAY_MS)
            }
            _ => 0,
        };
        PinState {
            count_low: failures.count > 0,
            final_try: limited && failures.count.checked_add(1) == Some(self.max_failures),
            locked: limited && failures.count >= self.max_failures,
            delay: Duration::from_millis(delay),
        }
    }

    /// The same for a token's role, now.
    pub fn state_of(&self, header: &Header, role: Role) -> PinState {
        self.state(header.failures(role), unix_now())
    }
}

/// Tries a PIN and counts it: the token key, [`Error::WrongPin`], [`Error::Locked`] or [`Error::NoPin`].
///
/// Does not sleep: the caller sleeps for [`PinState::delay`] first. A right PIN on a clean count writes nothing; on a
/// read-only token wrong ones cannot be counted.
pub fn authenticate(store: &dyn Store, policy: PinPolicy, role: Role, pin: &[u8]) -> Result<LockedKey> {
    let header = store.header()?;
    let record = header.pin(role).ok_or(Error::NoPin)?;
    if policy.state_of(&header, role).locked {
        return Err(Error::Locked);
    }
    match record.open(pin, role, &header.serial) {
        Ok(key) => accept(store, policy, role).map(|()| key),
        Err(Error::WrongPin) => Err(count(store, role)?),
        Err(error) => Err(error),
    }
}

fn accept(store: &dyn Store, policy: PinPolicy, role: Role) -> Result<()> {
    let failures = store.header()?.failures(role);
    if policy.state(failures, failures.last).locked {
        return Err(Error::Locked);
    }
    if failures.count == 0 || store.read_only() {
        return Ok(());
    }
    unless_read_only(store.update_header(&mut |header| {
        let failures = header.failures_mut(role);
        if policy.state(*failures, failures.last).locked {
            return Err(Error::Locked);
        }
        *failures = Failures::default();
        Ok(())
    }))
}

/// That nothing can be written is learnt by trying, where a service decides.
fn unless_read_only(written: Result<()>) -> Result<()> {
    match written {
        Err(Error::ReadOnly { .. }) => Ok(()),
        other => other,
    }
}

/// Writes a wrong PIN down and returns what to answer.
fn count(store: &dyn Store, role: Role) -> Result<Error> {
    if store.read_only() {
        return Ok(Error::WrongPin);
    }
    unless_read_only(store.update_header(&mut |header| {
        let failures = header.failures_mut(role);
        *failures = Failures { count: failures.count.saturating_add(1), last: unix_now() };
        Ok(())
    }))?;
    Ok(Error::WrongPin)
}
