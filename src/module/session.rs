//! A session: its mode, its slot, and behind one mutex the operations that run in it.

use std::sync::Arc;

use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};

use crate::error::{ErrorKind, Result};
use crate::mechanism::op::{Cipher, Producer, Verifier};
use crate::module::operation;
use crate::module::slot::Slot;
use crate::token::{Access, ObjectHandle, TokenSession};

/// An open session.
pub struct Session {
    slot: Arc<Slot>,
    read_write: bool,
    /// `None` once the session is closed: a call that was waiting for the mutex finds no session any more.
    state: Mutex<Option<SessionState>>,
}

/// What runs in a session. One thread at a time works in it.
pub struct SessionState {
    /// The way to the token.
    pub backend: Box<dyn TokenSession>,
    /// How many operations have begun.
    begun: u64,
    /// C_FindObjects' position.
    pub find: Option<FindCursor>,
    /// C_Digest...
    pub digest: operation::Slot<dyn Producer>,
    /// C_Sign...
    pub sign: operation::Slot<dyn Producer>,
    /// C_Verify...
    pub verify: operation::Slot<dyn Verifier>,
    /// C_Encrypt...
    pub encrypt: operation::Slot<dyn Cipher>,
    /// C_Decrypt...
    pub decrypt: operation::Slot<dyn Cipher>,
}

/// The matches of C_FindObjectsInit that C_FindObjects has not handed out yet.
pub struct FindCursor {
    matches: std::vec::IntoIter<ObjectHandle>,
}

impl FindCursor {
    /// A cursor over all matches.
    pub fn new(matches: Vec<ObjectHandle>) -> Self {
        FindCursor { matches: matches.into_iter() }
    }

    /// The next matches, at most `out.len()`; answers how many.
    pub fn next_into(&mut self, out: &mut [ObjectHandle]) -> usize {
        let mut found = 0;
        for (target, handle) in out.iter_mut().zip(&mut self.matches) {
            *target = handle;
            found += 1;
        }
        found
    }
}

impl SessionState {
    /// The number of the operation that begins now.
    pub fn next_operation(&mut self) -> u64 {
        self.begun += 1;
        self.begun
    }
}

impl Session {
    pub(super) fn new(slot: Arc<Slot>, read_write: bool, backend: Box<dyn TokenSession>) -> Self {
        let state = SessionState {
            backend,
            begun: 0,
            find: None,
            digest: Default::default(),
            sign: Default::default(),
            verify: Default::default(),
            encrypt: Default::default(),
            decrypt: Default::default(),
        };
        Session { slot, read_write, state: Mutex::new(Some(state)) }
    }

    /// The slot the session was opened on.
    pub fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    /// True for a read-write session.
    pub fn read_write(&self) -> bool {
        self.read_write
    }

    /// What the session may do now.
    pub fn access(&self) -> Access {
        Access { read_write: self.read_write, login: self.slot.login_state() }
    }

    /// The session's state, for this thread alone. CKR_SESSION_HANDLE_INVALID if it was closed in the meantime.
    pub fn lock(&self) -> Result<MappedMutexGuard<'_, SessionState>> {
        MutexGuard::try_map(self.state.lock(), Option::as_mut)
            .map_err(|_| ErrorKind::SessionHandleInvalid.into())
    }

    /// Ends what was begun under a login: searches, and operations with a key.
    pub(super) fn end_operations(&self) {
        if let Ok(mut state) = self.lock() {
            state.find = None;
            state.sign.cancel();
            state.verify.cancel();
            state.encrypt.cancel();
            state.decrypt.cancel();
        }
    }

    /// Drops the state, and with it the session's objects and operations.
    pub(super) fn close(&self) {
        *self.state.lock() = None;
    }
}
