//! Sealed rows in, sealed rows out: what a soft token keeps, and where.
//!
//! A store holds one token: a [`Header`] in clear (label, PIN records, failure counts) and rows sealed by [`seal`].
//! It never sees an object in plain: rows are found through keyed hashes ([`Tag`]) that the owner of the keys makes.
//! [`SqliteStore`] keeps a token in one file that several processes use at once, `RemoteStore` in a service that many
//! machines share; [`MemoryStore`] is for tests.
//!
//! Locks: a store's own locks are the last in the lock order, and none of them is held while a PIN is stretched.
//! The closures of the writing methods run inside a transaction that keeps other writers out, in this process and in
//! others: they should seal and return. They may read from the same store, and must not write to it. The generation
//! that they see is the one before the commit; the one that [follows](Generation::follows) it is their own. Where
//! others can't be kept out, and one of them commits first, a closure runs again on what is stored then.

mod error;
mod memory;
pub mod pin;
#[cfg(feature = "kms")]
pub mod remote;
mod rows;
pub mod seal;
mod sqlite;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroize;

use crate::types::padded;
pub use crate::types::unix_now;

pub use error::{Error, Result};
pub use memory::MemoryStore;
pub use pin::{PinPolicy, PinRecord, PinState, Role};
#[cfg(feature = "kms")]
pub use remote::RemoteStore;
pub use seal::TokenKeys;
pub use sqlite::{Options, SqliteStore};

/// A row's number: from 1 to [`LAST_ROW`], unique for the life of the file, never used twice.
pub type RowId = u64;

/// A keyed hash of one attribute's type and value: what rows are found by.
pub type Tag = [u8; 16];

/// The largest sealed row in bytes: far above any object, far below what could hurt a host.
pub const MAX_SEALED: usize = 8 << 20;

/// The state of a store between two commits: equal where nobody, in any process, has committed in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Generation {
    /// How many commits there were, where that is known; wraps.
    commits: Option<u32>,
    state: u64,
}

impl Generation {
    /// Whether exactly one commit lies between `earlier` and this. False where that is not known.
    pub fn follows(self, earlier: Generation) -> bool {
        match (earlier.commits, self.commits) {
            (Some(before), Some(after)) => after == before.wrapping_add(1),
            _ => false,
        }
    }
}

/// A stored row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub id: RowId,
    /// Whether the private key of the token seals it: without a login it cannot be opened.
    pub private: bool,
    /// The sealed object, as [`TokenKeys::seal`] made it.
    pub sealed: Vec<u8>,
}

/// A row to store, with everything it shall be found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRow {
    /// Its number, one of those that the store handed out.
    pub id: RowId,
    /// As [`Row::private`].
    pub private: bool,
    /// As [`Row::sealed`]; at most [`MAX_SEALED`] bytes.
    pub sealed: Vec<u8>,
    /// One tag for each attribute that a search may ask for.
    pub tags: Vec<Tag>,
}

/// Wrong PINs in a row for one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failures {
    /// How many since the last right one.
    pub count: u32,
    /// When the last one was, in seconds since 1970.
    pub last: u64,
}

/// What a token says about itself without a login. Not sealed: whoever can write the file can change it.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    /// 16 hexadecimal digits; also the file's name.
    pub serial: String,
    /// CKA-style label: 32 bytes of UTF-8, padded with blanks.
    pub label: [u8; 32],
    /// The token key under the SO's PIN.
    pub so: PinRecord,
    /// The token key under the user's PIN; `None` until C_InitPIN.
    pub user: Option<PinRecord>,
    /// Wrong SO PINs.
    pub so_failures: Failures,
    /// Wrong user PINs.
    pub user_failures: Failures,
    /// Seals public objects. In clear on purpose: it detects damage and hides nothing.
    pub public_key: [u8; 32],
    /// When the token was first initialised, in seconds since 1970.
    pub created: u64,
    /// Whether CKF_LOGIN_REQUIRED is set.
    pub login_required: bool,
    /// Whether CKF_USER_PIN_TO_BE_CHANGED is set.
    pub user_pin_to_be_changed: bool,
}

impl Header {
    /// A token without a user PIN, created now; draws the public sealing key. `label` is cut to 32 bytes at a
    /// character's boundary and padded with blanks.
    pub fn new(serial: String, label: &str, so: PinRecord) -> Result<Header> {
        let mut public_key = [0; 32];
        crate::crypto::random(&mut public_key)?;
        Ok(Header {
            serial,
            label: padded(label),
            so,
            user: None,
            so_failures: Failures::default(),
            user_failures: Failures::default(),
            public_key,
            created: unix_now(),
            login_required: true,
            user_pin_to_be_changed: false,
        })
    }

    /// A fresh serial: 16 random hexadecimal digits.
    pub fn random_serial() -> Result<String> {
        let mut bytes = [0; 8];
        crate::crypto::random(&mut bytes)?;
        Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
    }

    /// The label without its padding; bytes that are no UTF-8 are replaced.
    pub fn label_text(&self) -> String {
        String::from_utf8_lossy(&self.label).trim_end_matches(' ').to_owned()
    }

    /// The PIN record of a role; `None` for a user whose PIN is not set.
    pub fn pin(&self, role: Role) -> Option<&PinRecord> {
        match role {
            Role::So => Some(&self.so),
            Role::User => self.user.as_ref(),
        }
    }

    /// The failures of a role.
    pub fn failures(&self, role: Role) -> Failures {
        match role {
            Role::So => self.so_failures,
            Role::User => self.user_failures,
        }
    }

    /// The failures of a role, to change.
    pub fn failures_mut(&mut self, role: Role) -> &mut Failures {
        match role {
            Role::So => &mut self.so_failures,
            Role::User => &mut self.user_failures,
        }
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("serial", &self.serial)
            .field("label", &self.label_text())
            .field("user_pin_set", &self.user.is_some())
            .finish_non_exhaustive()
    }
}

impl Drop for Header {
    fn drop(&mut self) {
        self.public_key.zeroize();
    }
}

/// The highest row number: the handles above it are other objects' (`backend::soft`).
pub const LAST_ROW: RowId = 0x7eff_ffff;

/// The number after `count` fresh ones from `first` on; `None` where they go beyond [`LAST_ROW`].
fn numbers_after(first: RowId, count: usize) -> Option<RowId> {
    let after = first.checked_add(u64::try_from(count).ok()?)?;
    (after <= LAST_ROW + 1).then_some(after)
}

/// One token's storage. Safe to share between threads; every method may be called at any time.
///
/// A closure's error rolls the transaction back and is returned as it is; [`Error::Caller`] carries any other
/// layer's. What a writing method returned `Ok` for is on disk.
pub trait Store: Send + Sync {
    /// The header as of now. Cheap: kept in memory until the generation changes.
    fn header(&self) -> Result<Arc<Header>>;

    /// Changes the header in one transaction that starts from what is stored now, whoever wrote it.
    fn update_header(&self, f: &mut dyn FnMut(&mut Header) -> Result<()>) -> Result<()>;

    /// Changes whenever anyone, in any process, has committed. Some nanoseconds, or about a microsecond where the
    /// file has to be asked.
    fn generation(&self) -> Result<Generation>;

    /// Hands `count` fresh numbers to `make` and stores the rows it returns, in one durable transaction.
    fn insert(
        &self,
        count: usize,
        make: &mut dyn FnMut(&[RowId]) -> Result<Vec<NewRow>>,
    ) -> Result<Vec<RowId>>;

    /// One row; `None` where it is gone.
    fn get(&self, id: RowId) -> Result<Option<Row>>;

    /// Replaces one row by what `f` makes of it, in one transaction. [`Error::NotFound`] where it is gone.
    fn modify(&self, id: RowId, f: &mut dyn FnMut(Row) -> Result<NewRow>) -> Result<()>;

    /// Removes one row and its tags, in one transaction that `check` may still refuse. [`Error::NotFound`] where it is
    /// gone.
    fn delete(&self, id: RowId, check: &mut dyn FnMut() -> Result<()>) -> Result<()>;

    /// The rows that have every tag of one element of `any_of`, in ascending order; private rows only if `private`.
    ///
    /// An element is a search under one key, the public or the private one. Give the tag that the fewest rows have
    /// first: the search walks its rows only. No elements, or one without tags: every row.
    fn find(&self, any_of: &[Vec<Tag>], private: bool) -> Result<Vec<RowId>> {
        Ok(self.find_and_get(any_of, private, &mut |_| Vec::new())?.0)
    }

    /// As [`Store::find`], and of what was found the rows that `wanted` picks: all of one committed state.
    fn find_and_get(
        &self,
        any_of: &[Vec<Tag>],
        private: bool,
        wanted: &mut dyn FnMut(&[RowId]) -> Vec<RowId>,
    ) -> Result<(Vec<RowId>, Vec<Row>)>;

    /// Several rows of one committed state, in the order asked for. Those that are gone are left out; one whose row is
    /// damaged comes out empty, which no key opens.
    fn get_all(&self, ids: &[RowId]) -> Result<Vec<Row>>;

    /// How many rows there are.
    fn count(&self) -> Result<u64>;

    /// Replaces the header and drops every row, in one transaction: C_InitToken on a token that exists. Numbers of
    /// dropped rows are not used again.
    fn reset(&self, header: &Header) -> Result<()>;

    /// Replaces the header, then each row, in one transaction: a change of the token key.
    fn rewrite(
        &self,
        header: &mut dyn FnMut(&mut Header) -> Result<()>,
        row: &mut dyn FnMut(Row) -> Result<NewRow>,
    ) -> Result<()>;

    /// Whether nothing can be written: a read-only file or directory, a service that did not permit it.
    fn read_only(&self) -> bool;

    /// In a forked child: gives up what was inherited, touching neither the file nor its locks. Every later call
    /// answers [`Error::Abandoned`].
    fn abandon(&self);
}
