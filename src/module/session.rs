//! A session: its mode, its slot, and behind one mutex the operations that run in it.

use std::sync::Arc;

use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};

use crate::error::{ErrorKind, Result};
use crate::mechanism::IvGenerator;
use crate::mechanism::op::{Cipher, Producer, Verifier};
use crate::module::message::Messages;
use crate::module::operation::{self, Judgement};
use crate::module::slot::Slot;
use crate::token::{Access, ObjectHandle, TokenSession};
use crate::types::ck;

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
    /// What the running digest is, for C_GetOperationState.
    pub digests_with: ck::CK_MECHANISM_TYPE,
    /// C_SignRecover
    pub sign_recover: operation::Slot<dyn Producer>,
    /// C_VerifyRecover
    pub verify_recover: operation::Slot<dyn Cipher>,
    /// C_VerifySignature...
    pub verify_signature: operation::Slot<Judgement>,
    /// C_SignMessage...
    pub message_sign: Messages<dyn Producer>,
    /// C_VerifyMessage...
    pub message_verify: Messages<dyn Verifier>,
    /// C_EncryptMessage...
    pub message_encrypt: Messages<dyn Cipher>,
    /// C_DecryptMessage...
    pub message_decrypt: Messages<dyn Cipher>,
    /// What makes the IVs of C_WrapKeyAuthenticated.
    pub wrapping_ivs: IvGenerator,
}

/// A kind of operation: how C_SessionCancel names it, whether it works with a key, and how it ends.
struct Kind {
    flag: ck::CK_FLAGS,
    keyed: bool,
    cancel: fn(&mut SessionState),
}

const KINDS: [Kind; 13] = {
    const fn kind(flag: ck::CK_FLAGS, keyed: bool, cancel: fn(&mut SessionState)) -> Kind {
        Kind { flag, keyed, cancel }
    }
    [
        // What was found was found under a login.
        kind(ck::CKF_FIND_OBJECTS, true, |state| state.find = None),
        kind(ck::CKF_DIGEST, false, |state| state.digest.cancel()),
        kind(ck::CKF_SIGN, true, |state| state.sign.cancel()),
        kind(ck::CKF_SIGN_RECOVER, true, |state| state.sign_recover.cancel()),
        kind(ck::CKF_VERIFY, true, |state| state.verify.cancel()),
        kind(ck::CKF_VERIFY, true, |state| state.verify_signature.cancel()),
        kind(ck::CKF_VERIFY_RECOVER, true, |state| state.verify_recover.cancel()),
        kind(ck::CKF_ENCRYPT, true, |state| state.encrypt.cancel()),
        kind(ck::CKF_DECRYPT, true, |state| state.decrypt.cancel()),
        kind(ck::CKF_MESSAGE_SIGN, true, |state| state.message_sign.cancel()),
        kind(ck::CKF_MESSAGE_VERIFY, true, |state| state.message_verify.cancel()),
        kind(ck::CKF_MESSAGE_ENCRYPT, true, |state| state.message_encrypt.cancel()),
        kind(ck::CKF_MESSAGE_DECRYPT, true, |state| state.message_decrypt.cancel()),
    ]
};

/// A process of messages: its flag, and how the running message ends.
type Abandon = (ck::CK_FLAGS, fn(&mut SessionState));

/// The processes of messages among [`KINDS`].
const MESSAGE_KINDS: [Abandon; 4] = [
    (ck::CKF_MESSAGE_SIGN, |state| state.message_sign.abandon()),
    (ck::CKF_MESSAGE_VERIFY, |state| state.message_verify.abandon()),
    (ck::CKF_MESSAGE_ENCRYPT, |state| state.message_encrypt.abandon()),
    (ck::CKF_MESSAGE_DECRYPT, |state| state.message_decrypt.abandon()),
];
const MESSAGES: ck::CK_FLAGS =
    ck::CKF_MESSAGE_SIGN | ck::CKF_MESSAGE_VERIFY | ck::CKF_MESSAGE_ENCRYPT | ck::CKF_MESSAGE_DECRYPT;

/// A kind of operation that may wait for C_Login(CKU_CONTEXT_SPECIFIC): since when, and how it is told of that login.
type Waits = (fn(&SessionState) -> Option<u64>, fn(&mut SessionState));

const WAITS: [Waits; 5] = [
    (|state| state.sign.wants_authentication(), |state| state.sign.authenticated()),
    (|state| state.decrypt.wants_authentication(), |state| state.decrypt.authenticated()),
    (|state| state.sign_recover.wants_authentication(), |state| state.sign_recover.authenticated()),
    (|state| state.message_sign.wants_authentication(), |state| state.message_sign.authenticated()),
    (|state| state.message_decrypt.wants_authentication(), |state| state.message_decrypt.authenticated()),
];

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

    /// C_SessionCancel: flags of operations that are not active change nothing.
    pub fn cancel(&mut self, flags: ck::CK_FLAGS) {
        KINDS.iter().filter(|kind| kind.flag & flags != 0).for_each(|kind| (kind.cancel)(self));
    }

    /// A call with bad arguments ends the operation that it was for; of a process of messages, the running message.
    pub fn refuse(&mut self, operations: ck::CK_FLAGS) {
        self.cancel(operations & !MESSAGES);
        MESSAGE_KINDS
            .iter()
            .filter(|(flag, _)| flag & operations != 0)
            .for_each(|(_, abandon)| abandon(self));
    }

    /// How to tell the operation of C_Login(CKU_CONTEXT_SPECIFIC) that waits for it. Of several, the one that began
    /// last: a PIN is for one use of one key.
    pub fn waiting(&self) -> Option<fn(&mut SessionState)> {
        let waiting = WAITS.iter().filter_map(|(since, told)| Some((since(self)?, told)));
        waiting.max_by_key(|(since, _)| *since).map(|(_, told)| *told)
    }

    /// What C_GetOperationState would have to save beside a digest.
    pub fn has_unsaveable(&self) -> bool {
        self.sign.is_active()
            || self.verify.is_active()
            || self.verify_signature.is_active()
            || self.encrypt.is_active()
            || self.decrypt.is_active()
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
            digests_with: 0,
            sign_recover: Default::default(),
            verify_recover: Default::default(),
            verify_signature: Default::default(),
            message_sign: Default::default(),
            message_verify: Default::default(),
            message_encrypt: Default::default(),
            message_decrypt: Default::default(),
            wrapping_ivs: IvGenerator::default(),
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
            KINDS.iter().filter(|kind| kind.keyed).for_each(|kind| (kind.cancel)(&mut state));
        }
    }

    /// Drops the state, and with it the session's objects and operations.
    pub(super) fn close(&self) {
        *self.state.lock() = None;
    }
}
