//! C_GetOperationState and C_SetOperationState (PKCS#11 v3.2, section 5.6): running digests.
//!
//! A saved state is sealed under a key of this process, which nothing writes down, and bound to its token and to who is
//! logged in: what comes back is what was saved, or nothing. It is as good as the process that made it.
//! Operations with a key are not saved: their state is as secret as the key, and a caller would keep it anywhere.

use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::{Mechanism, Params};
use crate::module::operation::{Answer, Output, Saved};
use crate::module::{Module, Session};
use crate::token::{Access, ObjectHandle};
use crate::types::{SecretBytes, ck};

/// C_GetOperationState. CKR_OPERATION_NOT_INITIALIZED where nothing runs that could be saved, CKR_STATE_UNSAVEABLE.
pub fn save(module: &Module, session: ck::CK_SESSION_HANDLE, output: Output<'_>) -> Result<Answer> {
    let session = module.session(session)?;
    let state = session.lock()?;
    if state.has_unsaveable() {
        let why = "operations with a key are not saved: a digest alone can be";
        return Err(Error::new(ErrorKind::StateUnsaveable, why));
    }
    let saved = state.digest.save()?;
    let plain = encode(state.digests_with, &saved);
    let key = module.state_key()?;
    let len = plain.len() + crate::crypto::SealKey::OVERHEAD;
    Ok(match output {
        Output::Size => Answer::Size(len),
        Output::Buffer(buffer) => match buffer.get_mut(..len) {
            Some(target) => {
                let sealed = key.seal(&bound_to(&session), &plain).map_err(|_| ErrorKind::FunctionFailed)?;
                target.copy_from_slice(&sealed);
                Answer::Written(len)
            }
            None => Answer::TooSmall(len),
        },
    })
}

/// C_SetOperationState. CKR_SAVED_STATE_INVALID; CKR_KEY_NOT_NEEDED for any key, as a digest has none. What runs in the
/// session is cancelled once the state has been found good.
pub fn restore(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    sealed: &[u8],
    keys: [ObjectHandle; 2],
) -> Result<()> {
    let session = module.session(session)?;
    let mut state = session.lock()?;
    let invalid = || {
        let why = "not a state that this process saved on this token with the same login";
        Error::new(ErrorKind::SavedStateInvalid, why)
    };
    let plain = module.state_key()?.open(&bound_to(&session), sealed).map_err(|_| invalid())?;
    let (kind, saved) = decode(&plain).ok_or_else(invalid)?;
    if keys.iter().any(|key| *key != ck::CK_INVALID_HANDLE) {
        return Err(Error::new(ErrorKind::KeyNotNeeded, "a digest needs no key"));
    }
    // By way of the token, so that what was switched off meanwhile does not come back.
    let operation = state.backend.digest(&Mechanism { kind, params: Params::None })?;
    let number = state.next_operation();
    let mut fresh = crate::module::operation::Slot::default();
    fresh.restore(operation, &saved, number)?;
    state.cancel(ck::CK_FLAGS::MAX);
    (state.digest, state.digests_with) = (fresh, kind);
    Ok(())
}

/// What a state is for: a token, and whoever is logged in, as the digest may hold a key. Whether sessions may write is
/// nothing to a digest, and pkcs11-provider 1.3 copies one from a read-write session into a read-only one.
fn bound_to(session: &Session) -> Vec<u8> {
    let login = super::session::state(Access { read_write: false, ..session.access() });
    [session.slot().id(), login].iter().flat_map(|part| part.to_be_bytes()).collect()
}

fn encode(kind: ck::CK_MECHANISM_TYPE, saved: &Saved) -> SecretBytes {
    let mut plain = Vec::with_capacity(16 + saved.state.len());
    plain.push(u8::from(saved.streaming));
    plain.extend_from_slice(&kind.to_be_bytes());
    plain.extend_from_slice(&saved.state);
    SecretBytes::from(plain)
}

fn decode(plain: &[u8]) -> Option<(ck::CK_MECHANISM_TYPE, Saved)> {
    let (streaming, rest) = plain.split_first()?;
    let (kind, state) = rest.split_first_chunk()?;
    let saved = Saved { streaming: *streaming != 0, state: SecretBytes::copied(state).ok()? };
    Some((ck::CK_MECHANISM_TYPE::from_be_bytes(*kind), saved))
}
