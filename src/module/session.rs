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
    /// Whether it has taken a key.
    pub digests_key: bool,
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
    is_active: fn(&SessionState) -> bool,
    cancel: fn(&mut SessionState),
}

/// The rows of [`KINDS`] that are kept alike.
macro_rules! kind {
    ($flag:ident, $keyed:literal, $slot:ident) => {
        Kind {
            flag: ck::$flag,
            keyed: $keyed,
            is_active: |state| state.$slot.is_active(),
            cancel: |state| state.$slot.cancel(),
        }
    };
}

const KINDS: [Kind; 13] = [
    Kind {
        flag: ck::CKF_FIND_OBJECTS,
        // What was found was found under a login.
        keyed: true,
        is_active: |state| state.find.is_some(),
        cancel: |state| state.find = None,
    },
    kind!(CKF_DIGEST, false, digest),
    kind!(CKF_SIGN, true, sign),
    kind!(CKF_SIGN_RECOVER, true, sign_recover),
    kind!(CKF_VERIFY, true, verify),
    kind!(CKF_VERIFY, true, verify_signature),
    kind!(CKF_VERIFY_RECOVER, true, verify_recover),
    kind!(CKF_ENCRYPT, true, encrypt),
    kind!(CKF_DECRYPT, true, decrypt),
    kind!(CKF_MESSAGE_SIGN, true, message_sign),
    kind!(CKF_MESSAGE_VERIFY, true, message_verify),
    kind!(CKF_MESSAGE_ENCRYPT, true, message_encrypt),
    kind!(CKF_MESSAGE_DECRYPT, true, message_decrypt),
];

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

    /// A call that no operation was asked about ends those that it was for; one that names several, where all are there.
    pub fn refuse(&mut self, operations: ck::CK_FLAGS) {
        let active =
            KINDS.iter().filter(|kind| (kind.is_active)(self)).fold(0, |flags, kind| flags | kind.flag);
        if active & operations == operations {
            self.cancel(operations);
        }
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
            digests_key: false,
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

    /// Ends what was begun under a login: searches, operations with a key, and a digest that has taken one.
    pub(super) fn end_operations(&self) {
        if let Ok(mut state) = self.lock() {
            let digests_key = state.digests_key;
            let under_login = |kind: &&Kind| kind.keyed || (digests_key && kind.flag == ck::CKF_DIGEST);
            KINDS.iter().filter(under_login).for_each(|kind| (kind.cancel)(&mut state));
        }
    }

    /// Drops the state, and with it the session's objects and operations.
    pub(super) fn close(&self) {
        *self.state.lock() = None;
    }
}
