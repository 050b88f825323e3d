//! A session and the typed form of every function that takes one.
//!
//! Dropping a [`Session`] closes it. Handles are plain numbers, so a test can use a stale one on purpose.

mod message;
mod objects;
mod operations;

use cryptoki_sys::*;

use crate::{Module, Rv, call, size, ulen};

/// An object handle.
pub type Object = CK_OBJECT_HANDLE;

/// An open session; closed on drop.
pub struct Session {
    module: Module,
    handle: CK_SESSION_HANDLE,
    owned: bool,
}

/// The longest output that a module may ask a buffer for.
const OUTPUT_LIMIT: usize = 1 << 26;

impl Session {
    /// Wraps a handle and closes it on drop.
    pub fn from_handle(module: Module, handle: CK_SESSION_HANDLE) -> Self {
        Self { module, handle, owned: true }
    }

    /// Wraps any number as a session handle, valid or not, and never closes it.
    pub fn borrowed(module: Module, handle: CK_SESSION_HANDLE) -> Self {
        Self { module, handle, owned: false }
    }

    /// The handle.
    pub fn handle(&self) -> CK_SESSION_HANDLE {
        self.handle
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// C_CloseSession.
    pub fn close(mut self) -> Result<(), Rv> {
        self.owned = false;
        Rv::check(call!(self.module, C_CloseSession(self.handle)).0)
    }

    /// C_GetSessionInfo.
    pub fn info(&self) -> Result<CK_SESSION_INFO, Rv> {
        let mut info = CK_SESSION_INFO::default();
        Rv::check(call!(self.module, C_GetSessionInfo(self.handle, &mut info)).0).map(|()| info)
    }

    /// C_Login.
    pub fn login(&self, user: CK_USER_TYPE, pin: &str) -> Result<(), Rv> {
        let (pin, len) = input(pin.as_bytes());
        Rv::check(call!(self.module, C_Login(self.handle, user, pin, len)).0)
    }

    /// C_LoginUser.
    pub fn login_user(&self, user: CK_USER_TYPE, pin: &str, name: &str) -> Result<(), Rv> {
        let ((pin, pin_len), (name, name_len)) = (input(pin.as_bytes()), input(name.as_bytes()));
        Rv::check(call!(self.module, C_LoginUser(self.handle, user, pin, pin_len, name, name_len)).0)
    }

    /// C_Logout.
    pub fn logout(&self) -> Result<(), Rv> {
        Rv::check(call!(self.module, C_Logout(self.handle)).0)
    }

    /// C_InitPIN.
    pub fn init_pin(&self, pin: &str) -> Result<(), Rv> {
        let (pin, len) = input(pin.as_bytes());
        Rv::check(call!(self.module, C_InitPIN(self.handle, pin, len)).0)
    }

    /// C_SetPIN.
    pub fn set_pin(&self, old: &str, new: &str) -> Result<(), Rv> {
        let ((old, old_len), (new, new_len)) = (input(old.as_bytes()), input(new.as_bytes()));
        Rv::check(call!(self.module, C_SetPIN(self.handle, old, old_len, new, new_len)).0)
    }

    /// C_GetOperationState.
    pub fn operation_state(&self) -> Result<Vec<u8>, Rv> {
        output(0, |data, len| call!(self.module, C_GetOperationState(self.handle, data, len)))
    }

    /// C_SetOperationState; 0 for a key that is not needed.
    pub fn set_operation_state(&self, state: &[u8], encryption: Object, signing: Object) -> Result<(), Rv> {
        let (state, len) = input(state);
        Rv::check(call!(self.module, C_SetOperationState(self.handle, state, len, encryption, signing)).0)
    }

    /// C_SessionCancel; `flags` name the operations (CKF_SIGN, CKF_FIND_OBJECTS, ...).
    pub fn cancel(&self, flags: CK_FLAGS) -> Result<(), Rv> {
        Rv::check(call!(self.module, C_SessionCancel(self.handle, flags)).0)
    }

    /// C_GenerateRandom.
    pub fn random(&self, length: usize) -> Result<Vec<u8>, Rv> {
        let mut bytes = vec![0; length];
        let rv = call!(self.module, C_GenerateRandom(self.handle, bytes.as_mut_ptr(), ulen(length)));
        Rv::check(rv.0).map(|()| bytes)
    }

    /// C_SeedRandom.
    pub fn seed_random(&self, seed: &[u8]) -> Result<(), Rv> {
        let (seed, len) = input(seed);
        Rv::check(call!(self.module, C_SeedRandom(self.handle, seed, len)).0)
    }

    /// C_GetSessionValidationFlags.
    pub fn validation_flags(&self, kind: CK_ULONG) -> Result<CK_FLAGS, Rv> {
        let mut flags = 0;
        let rv = call!(self.module, C_GetSessionValidationFlags(self.handle, kind, &mut flags));
        Rv::check(rv.0).map(|()| flags)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.owned {
            call!(self.module, C_CloseSession(self.handle));
        }
    }
}

/// A buffer that a call only reads: its address (never null, unless empty) and length.
pub(crate) fn input(bytes: &[u8]) -> (*mut CK_BYTE, CK_ULONG) {
    // An empty message is not a null pointer: modules may tell them apart.
    (bytes.as_ptr().cast_mut(), ulen(bytes.len()))
}

/// Runs a call that fills a buffer: once with room for `guess` bytes and some kilobytes, and once more with
/// the room it asks for where that was too small.
pub(crate) fn output(guess: usize, call: impl Fn(*mut CK_BYTE, *mut CK_ULONG) -> Rv) -> Result<Vec<u8>, Rv> {
    let mut buffer = vec![0_u8; guess.saturating_add(4096)];
    for _ in 0..2 {
        let mut len = ulen(buffer.len());
        let rv = call(buffer.as_mut_ptr(), &mut len);
        if rv == CKR_BUFFER_TOO_SMALL && size(len) > buffer.len() && size(len) <= OUTPUT_LIMIT {
            buffer.resize(size(len), 0);
            continue;
        }
        Rv::check(rv.0)?;
        buffer.truncate(size(len));
        return Ok(buffer);
    }
    Err(Rv(CKR_BUFFER_TOO_SMALL))
}
