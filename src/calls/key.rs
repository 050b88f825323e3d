//! Key management and random numbers (PKCS#11 v3.2, sections 5.18 and 5.19).

use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::{Iv, Mechanism, Message};
use crate::module::Module;
use crate::module::message::ordinary;
use crate::module::operation::{Answer, Output};
use crate::object::Template;
use crate::token::{Encapsulated, ObjectHandle};
use crate::types::ck;

/// C_GenerateKey.
pub fn generate(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    mechanism: &Mechanism,
    template: Template,
) -> Result<ObjectHandle> {
    let session = module.session(session)?;
    session.lock()?.backend.generate_key(session.access(), mechanism, template)
}

/// C_GenerateKeyPair: public key first.
pub fn generate_pair(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    mechanism: &Mechanism,
    public: Template,
    private: Template,
) -> Result<(ObjectHandle, ObjectHandle)> {
    let session = module.session(session)?;
    session.lock()?.backend.generate_key_pair(session.access(), mechanism, public, private)
}

/// C_WrapKey. There is no operation to keep between a size query and the call, so both wrap.
pub fn wrap(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    mechanism: &Mechanism,
    wrapping_key: ObjectHandle,
    key: ObjectHandle,
    output: Output<'_>,
) -> Result<Answer> {
    let session = module.session(session)?;
    let wrapped = session.lock()?.backend.wrap_key(session.access(), mechanism, wrapping_key, key)?;
    Ok(match output {
        Output::Size => Answer::Size(wrapped.len()),
        Output::Buffer(buffer) => match buffer.get_mut(..wrapped.len()) {
            Some(target) => {
                target.copy_from_slice(&wrapped);
                Answer::Written(wrapped.len())
            }
            None => Answer::TooSmall(wrapped.len()),
        },
    })
}

/// C_WrapKeyAuthenticated: leaves IV and tag in `message`; C_WrapKey with an IV that the token makes leaves the tag
/// behind the wrapped key instead. Nothing is kept of a size query, no IV is used up by it.
#[allow(clippy::too_many_arguments)]
pub fn wrap_authenticated(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    (kind, message, tag_apart): (ck::CK_MECHANISM_TYPE, &mut Message, bool),
    wrapping_key: ObjectHandle,
    key: ObjectHandle,
    aad: &[u8],
    output: Output<'_>,
) -> Result<Answer> {
    // There is no Init at which a counter could begin once for the key: each session's would count the same IVs.
    if matches!(message.generator, ck::CKG_GENERATE_COUNTER | ck::CKG_GENERATE_COUNTER_XOR) {
        let why = "ivGenerator: to wrap keys, CKG_NO_GENERATE, CKG_GENERATE or CKG_GENERATE_RANDOM";
        return Err(Error::new(ErrorKind::MechanismParamInvalid, why));
    }
    let session = module.session(session)?;
    let state = &mut *session.lock()?;
    let mut ivs = state.wrapping_ivs.clone();
    ivs.make(message)?;
    let mechanism = ordinary(kind, message, aad)?;
    let wrapped = state.backend.wrap_key(session.access(), &mechanism, wrapping_key, key)?;
    let len = wrapped.len().saturating_sub(if tag_apart { message.tag_len } else { 0 });
    let (ciphertext, tag) = wrapped.split_at_checked(len).unwrap_or_default();
    Ok(match output {
        Output::Size => Answer::Size(len),
        Output::Buffer(buffer) => match buffer.get_mut(..len) {
            Some(target) => {
                target.copy_from_slice(ciphertext);
                message.tag = Iv::from_slice(tag);
                state.wrapping_ivs = ivs;
                Answer::Written(len)
            }
            None => Answer::TooSmall(len),
        },
    })
}

/// C_UnwrapKeyAuthenticated.
#[allow(clippy::too_many_arguments)]
pub fn unwrap_authenticated(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    (kind, message): (ck::CK_MECHANISM_TYPE, &Message),
    unwrapping_key: ObjectHandle,
    wrapped: &[u8],
    template: Template,
    aad: &[u8],
) -> Result<ObjectHandle> {
    let mut whole = Vec::new();
    whole
        .try_reserve_exact(wrapped.len().saturating_add(message.tag.len()))
        .map_err(|_| ErrorKind::HostMemory)?;
    whole.extend_from_slice(wrapped);
    whole.extend_from_slice(&message.tag);
    unwrap(module, session, &ordinary(kind, message, aad)?, unwrapping_key, &whole, template)
}

/// C_UnwrapKey.
pub fn unwrap(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    mechanism: &Mechanism,
    unwrapping_key: ObjectHandle,
    wrapped: &[u8],
    template: Template,
) -> Result<ObjectHandle> {
    let session = module.session(session)?;
    session.lock()?.backend.unwrap_key(session.access(), mechanism, unwrapping_key, wrapped, template)
}

/// C_DeriveKey.
pub fn derive(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    mechanism: &Mechanism,
    base_key: ObjectHandle,
    template: Template,
) -> Result<ObjectHandle> {
    let session = module.session(session)?;
    session.lock()?.backend.derive_key(session.access(), mechanism, base_key, template)
}

/// C_EncapsulateKey: the new key beside the answer about its ciphertext, if one was made. A size query makes none.
pub fn encapsulate(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    mechanism: &Mechanism,
    public_key: ObjectHandle,
    template: Template,
    output: Output<'_>,
) -> Result<(Answer, Option<ObjectHandle>)> {
    let session = module.session(session)?;
    let (ciphertext, too_small): (_, fn(usize) -> Answer) = match output {
        Output::Size => (None, Answer::Size),
        Output::Buffer(buffer) => (Some(buffer), Answer::TooSmall),
    };
    let mut state = session.lock()?;
    let access = session.access();
    let made = state.backend.encapsulate_key(access, mechanism, public_key, template, ciphertext)?;
    Ok(match made {
        Encapsulated::Needs(len) => (too_small(len), None),
        Encapsulated::Made { key, ciphertext_len } => (Answer::Written(ciphertext_len), Some(key)),
    })
}

/// C_DecapsulateKey.
pub fn decapsulate(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    mechanism: &Mechanism,
    private_key: ObjectHandle,
    ciphertext: &[u8],
    template: Template,
) -> Result<ObjectHandle> {
    let session = module.session(session)?;
    session.lock()?.backend.decapsulate_key(session.access(), mechanism, private_key, ciphertext, template)
}

/// C_SeedRandom.
pub fn seed_random(module: &Module, session: ck::CK_SESSION_HANDLE, seed: &[u8]) -> Result<()> {
    module.session(session)?.lock()?.backend.seed_random(seed)
}

/// C_GenerateRandom.
pub fn random(module: &Module, session: ck::CK_SESSION_HANDLE, out: &mut [u8]) -> Result<()> {
    module.session(session)?.lock()?.backend.random(out)
}
