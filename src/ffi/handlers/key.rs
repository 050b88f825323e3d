//! Key management and random numbers (PKCS#11 v3.2, sections 5.18 and 5.19).

use crate::calls;
use crate::error::{ErrorKind, Result};
use crate::ffi::memory::{self, Buffer};
use crate::ffi::params::message::Raw;
use crate::ffi::{params, state, templates};
use crate::module::message::ordinary;
use crate::module::operation::Answer;
use crate::types::{ck, length};

pub(in crate::ffi) unsafe fn generate(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
    key: *mut ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    memory::check_target(key)?;
    // SAFETY: the host vouches for mechanism, template and target.
    unsafe {
        let mechanism = params::mechanism(mechanism)?;
        let template = templates::template(template, count)?;
        memory::write(key, calls::key::generate(module, session, &mechanism, template)?)
    }
}

#[allow(clippy::too_many_arguments)]
pub(in crate::ffi) unsafe fn generate_pair(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    public_template: *mut ck::CK_ATTRIBUTE,
    public_count: ck::CK_ULONG,
    private_template: *mut ck::CK_ATTRIBUTE,
    private_count: ck::CK_ULONG,
    public_key: *mut ck::CK_OBJECT_HANDLE,
    private_key: *mut ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    memory::check_target(public_key)?;
    memory::check_target(private_key)?;
    // SAFETY: the host vouches for mechanism, templates and targets.
    unsafe {
        let raw = mechanism;
        let mechanism = params::mechanism(raw)?;
        let public = templates::template(public_template, public_count)?;
        let private = templates::template(private_template, private_count)?;
        let (public, private) = calls::key::generate_pair(module, session, &mechanism, public, private)?;
        memory::write(public_key, public)?;
        memory::write(private_key, private)?;
        params::write_back(raw, &mechanism)
    }
}

pub(in crate::ffi) unsafe fn wrap(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    wrapping_key: ck::CK_OBJECT_HANDLE,
    key: ck::CK_OBJECT_HANDLE,
    wrapped: *mut u8,
    wrapped_len: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for mechanism and buffer, and for the places in the parameter.
    unsafe {
        if let Some((kind, mut raw, aad)) = params::message::of_wrapping(mechanism)? {
            let buffer = Buffer::new(wrapped, wrapped_len)?;
            let keys = (wrapping_key, key);
            return match wrap_with(session, (kind, &mut raw, false), keys, &aad, buffer)? {
                true => raw.write_iv(),
                false => Ok(()),
            };
        }
        let (mechanism, buffer) = (params::mechanism(mechanism)?, Buffer::new(wrapped, wrapped_len)?);
        buffer.fill(|output| calls::key::wrap(module, session, &mechanism, wrapping_key, key, output))
    }
}

/// Wraps with a parameter in which the IV, and with `tag_apart` the tag, is given back. Answers whether it was done.
fn wrap_with(
    session: ck::CK_SESSION_HANDLE,
    (kind, raw, tag_apart): (ck::CK_MECHANISM_TYPE, &mut Raw, bool),
    (wrapping_key, key): (ck::CK_OBJECT_HANDLE, ck::CK_OBJECT_HANDLE),
    aad: &[u8],
    buffer: Buffer,
) -> Result<bool> {
    let module = state::module()?;
    let mut made = false;
    buffer.fill(|output| {
        let message = (kind, &mut raw.message, tag_apart);
        let answer =
            calls::key::wrap_authenticated(module, session, message, wrapping_key, key, aad, output)?;
        made = matches!(answer, Answer::Written(_));
        Ok(answer)
    })?;
    Ok(made)
}

#[allow(clippy::too_many_arguments)]
pub(in crate::ffi) unsafe fn unwrap(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    unwrapping_key: ck::CK_OBJECT_HANDLE,
    wrapped: *mut u8,
    wrapped_len: ck::CK_ULONG,
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
    key: *mut ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    memory::check_target(key)?;
    // SAFETY: the host vouches for mechanism, input, template and target.
    unsafe {
        let mechanism = match params::message::of_wrapping(mechanism)? {
            // The IV is there, whoever made it.
            Some((kind, raw, aad)) => ordinary(kind, &raw.message, &aad)?,
            None => params::mechanism(mechanism)?,
        };
        let wrapped = memory::input(wrapped, wrapped_len)?;
        let template = templates::template(template, count)?;
        memory::write(
            key,
            calls::key::unwrap(module, session, &mechanism, unwrapping_key, wrapped, template)?,
        )
    }
}

#[allow(clippy::too_many_arguments)]
pub(in crate::ffi) unsafe fn wrap_authenticated(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    wrapping_key: ck::CK_OBJECT_HANDLE,
    key: ck::CK_OBJECT_HANDLE,
    aad: *mut u8,
    aad_len: ck::CK_ULONG,
    wrapped: *mut u8,
    wrapped_len: *mut ck::CK_ULONG,
) -> Result<()> {
    state::module()?.session(session)?;
    // SAFETY: the host vouches for mechanism, input and buffer, and for the places in the parameter.
    unsafe {
        let (kind, mut raw) = params::message::of_mechanism(mechanism)?;
        let (aad, buffer) = (memory::input(aad, aad_len)?, Buffer::new(wrapped, wrapped_len)?);
        if !wrapped.is_null() {
            raw.expect_room_for_tag()?;
        }
        let aad = buffer.apart_from(aad)?;
        if wrap_with(session, (kind, &mut raw, true), (wrapping_key, key), &aad, buffer)? {
            raw.write_iv()?;
            raw.write_tag()?;
        }
        Ok(())
    }
}

#[allow(clippy::too_many_arguments)]
pub(in crate::ffi) unsafe fn unwrap_authenticated(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    unwrapping_key: ck::CK_OBJECT_HANDLE,
    wrapped: *mut u8,
    wrapped_len: ck::CK_ULONG,
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
    aad: *mut u8,
    aad_len: ck::CK_ULONG,
    key: *mut ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    module.session(session)?;
    memory::check_target(key)?;
    // SAFETY: the host vouches for mechanism, inputs, template and target.
    unsafe {
        let (kind, mut raw) = params::message::of_mechanism(mechanism)?;
        raw.read_tag()?;
        let (wrapped, aad) = (memory::input(wrapped, wrapped_len)?, memory::input(aad, aad_len)?);
        let template = templates::template(template, count)?;
        let message = (kind, &raw.message);
        let new = calls::key::unwrap_authenticated(
            module,
            session,
            message,
            unwrapping_key,
            wrapped,
            template,
            aad,
        )?;
        memory::write(key, new)
    }
}

pub(in crate::ffi) unsafe fn derive(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    base_key: ck::CK_OBJECT_HANDLE,
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
    key: *mut ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for mechanism, template and target.
    unsafe {
        let raw = mechanism;
        let mechanism = params::mechanism(raw)?;
        // Where the parameter takes every handle, the caller gives no place for one.
        let elsewhere = key.is_null() && mechanism.params.takes_handles();
        if !elsewhere {
            memory::check_target(key)?;
        }
        let template = templates::template(template, count)?;
        let derived = match calls::key::derive(module, session, &mechanism, base_key, template) {
            Ok(derived) => derived,
            Err(error) => {
                params::write_offender(raw, &mechanism);
                return Err(error);
            }
        };
        if !elsewhere {
            memory::write(key, derived)?;
        }
        params::write_back(raw, &mechanism)
    }
}

#[allow(clippy::too_many_arguments)]
pub(in crate::ffi) unsafe fn encapsulate(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    public_key: ck::CK_OBJECT_HANDLE,
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
    ciphertext: *mut u8,
    ciphertext_len: *mut ck::CK_ULONG,
    key: *mut ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    // A size query makes no key, so nobody needs to have a place for its handle yet.
    if !ciphertext.is_null() {
        memory::check_target(key)?;
    }
    // SAFETY: the host vouches for mechanism, template and buffer.
    let (mechanism, template, buffer) = unsafe {
        (
            params::mechanism(mechanism)?,
            templates::template(template, count)?,
            Buffer::new(ciphertext, ciphertext_len)?,
        )
    };
    let mut made = None;
    buffer.fill(|output| {
        let (answer, key) =
            calls::key::encapsulate(module, session, &mechanism, public_key, template, output)?;
        made = key;
        Ok(answer)
    })?;
    match made {
        // SAFETY: the host vouches for the target.
        Some(made) => unsafe { memory::write(key, made) },
        None => Ok(()),
    }
}

#[allow(clippy::too_many_arguments)]
pub(in crate::ffi) unsafe fn decapsulate(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    private_key: ck::CK_OBJECT_HANDLE,
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
    ciphertext: *mut u8,
    ciphertext_len: ck::CK_ULONG,
    key: *mut ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    memory::check_target(key)?;
    // SAFETY: the host vouches for mechanism, input, template and target.
    unsafe {
        let mechanism = params::mechanism(mechanism)?;
        let ciphertext = memory::input(ciphertext, ciphertext_len)?;
        let template = templates::template(template, count)?;
        memory::write(
            key,
            calls::key::decapsulate(module, session, &mechanism, private_key, ciphertext, template)?,
        )
    }
}

pub(in crate::ffi) unsafe fn seed_random(
    session: ck::CK_SESSION_HANDLE,
    seed: *mut u8,
    seed_len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the seed.
    calls::key::seed_random(module, session, unsafe { memory::input(seed, seed_len) }?)
}

pub(in crate::ffi) unsafe fn random(
    session: ck::CK_SESSION_HANDLE,
    data: *mut u8,
    len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    if data.is_null() && length(len) > 0 {
        return Err(ErrorKind::ArgumentsBad.into());
    }
    // SAFETY: the host vouches for the buffer.
    calls::key::random(module, session, unsafe { memory::output_array(data, len) }?)
}
