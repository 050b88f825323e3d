//! Message-based functions (PKCS#11 v3.2, sections 5.9, 5.11, 5.14 and 5.16).
//!
//! What `pParameter` of an encrypted message points to depends on the mechanism of the session's process, which is
//! asked for first. Signatures have no mechanism with such a parameter here.

use std::ffi::c_void;

use crate::calls::message as call;
use crate::error::{Error, ErrorKind, Result};
use crate::ffi::memory::{self, Buffer};
use crate::ffi::params::{self, message::Raw};
use crate::ffi::state;
use crate::module::Module;
use crate::module::message::Direction;
use crate::module::operation::Answer;
use crate::types::ck;

/// The Init functions of signatures, with the mechanism's own parameter.
macro_rules! init {
    ($($name:ident)*) => { $(
        pub(in crate::ffi) unsafe fn $name(
            session: ck::CK_SESSION_HANDLE,
            mechanism: *mut ck::CK_MECHANISM,
            key: ck::CK_OBJECT_HANDLE,
        ) -> Result<()> {
            let module = state::module()?;
            // SAFETY: the host vouches for the mechanism.
            let mechanism = unsafe { params::optional_mechanism(mechanism) }?;
            call::$name(module, session, mechanism.as_ref(), key)
        }
    )* };
}

macro_rules! finish {
    ($($name:ident)*) => { $(
        pub(in crate::ffi) unsafe fn $name(session: ck::CK_SESSION_HANDLE) -> Result<()> {
            call::$name(state::module()?, session)
        }
    )* };
}

init! { sign_init verify_init }
finish! { encrypt_final decrypt_final sign_final verify_final }

/// C_MessageEncryptInit, C_MessageDecryptInit. The parameter comes with each message; what is given here already, as the
/// specification's example does, is not looked at.
unsafe fn cipher_init(
    session: ck::CK_SESSION_HANDLE,
    direction: Direction,
    mechanism: *const ck::CK_MECHANISM,
    key: ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    if mechanism.is_null() {
        return call::cipher_init(module, session, direction, None, key);
    }
    memory::check_target(mechanism)?;
    // SAFETY: not null and aligned; the host vouches for the mechanism.
    let kind = unsafe { (*mechanism).mechanism };
    call::cipher_init(module, session, direction, Some(kind), key)
}

pub(in crate::ffi) unsafe fn encrypt_init(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    key: ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    // SAFETY: passed on.
    unsafe { cipher_init(session, Direction::Encrypt, mechanism, key) }
}

pub(in crate::ffi) unsafe fn decrypt_init(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    key: ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    // SAFETY: passed on.
    unsafe { cipher_init(session, Direction::Decrypt, mechanism, key) }
}

/// A message's parameter, by the mechanism of the session's process.
unsafe fn read(
    session: ck::CK_SESSION_HANDLE,
    direction: Direction,
    parameter: *mut c_void,
    len: ck::CK_ULONG,
) -> Result<Raw> {
    let kind = call::message_kind(state::module()?, session, direction)?;
    // SAFETY: the caller of the handler vouches for the parameter.
    unsafe { Raw::read(kind, parameter, len) }
}

#[allow(clippy::too_many_arguments)]
pub(in crate::ffi) unsafe fn encrypt(
    session: ck::CK_SESSION_HANDLE,
    parameter: *mut c_void,
    parameter_len: ck::CK_ULONG,
    aad: *mut u8,
    aad_len: ck::CK_ULONG,
    input: *mut u8,
    input_len: ck::CK_ULONG,
    output: *mut u8,
    output_len: *mut ck::CK_ULONG,
) -> Result<()> {
    // SAFETY: the host vouches for parameter, inputs and buffer, and for the places in the parameter.
    unsafe {
        let mut raw = read(session, Direction::Encrypt, parameter, parameter_len)?;
        let (aad, input) = (memory::input(aad, aad_len)?, memory::input(input, input_len)?);
        let buffer = Buffer::new(output, output_len)?;
        if !output.is_null() {
            raw.expect_room_for_tag()?;
        }
        let (aad, input) = (buffer.apart_from(aad)?, buffer.apart_from(input)?);
        let mut made = false;
        buffer.fill(|output| {
            let answer = call::encrypt(state::module()?, session, &mut raw.message, &aad, &input, output)?;
            made = matches!(answer, Answer::Written(_));
            Ok(answer)
        })?;
        if made {
            raw.write_iv()?;
            raw.write_tag()?;
        }
        Ok(())
    }
}

pub(in crate::ffi) unsafe fn encrypt_begin(
    session: ck::CK_SESSION_HANDLE,
    parameter: *mut c_void,
    parameter_len: ck::CK_ULONG,
    aad: *mut u8,
    aad_len: ck::CK_ULONG,
) -> Result<()> {
    // SAFETY: the host vouches for parameter and input, and for the places in the parameter.
    unsafe {
        let mut raw = read(session, Direction::Encrypt, parameter, parameter_len)?;
        call::encrypt_begin(state::module()?, session, &mut raw.message, memory::input(aad, aad_len)?)?;
        raw.write_iv()
    }
}

#[allow(clippy::too_many_arguments)]
pub(in crate::ffi) unsafe fn encrypt_next(
    session: ck::CK_SESSION_HANDLE,
    parameter: *mut c_void,
    parameter_len: ck::CK_ULONG,
    input: *mut u8,
    input_len: ck::CK_ULONG,
    output: *mut u8,
    output_len: *mut ck::CK_ULONG,
    flags: ck::CK_FLAGS,
) -> Result<()> {
    // SAFETY: the host vouches for parameter, input and buffer, and for the places in the parameter.
    going_on(session, call::abandon_encrypt, || unsafe {
        let mut last = match ends(flags)? {
            // Only the last part has a use for the parameter.
            false => call::message_kind(state::module()?, session, Direction::Encrypt).map(|_| None)?,
            true => Some(read(session, Direction::Encrypt, parameter, parameter_len)?),
        };
        let (input, buffer) = (memory::input(input, input_len)?, Buffer::new(output, output_len)?);
        if let Some(raw) = last.as_ref().filter(|_| !output.is_null()) {
            raw.expect_room_for_tag()?;
        }
        let input = buffer.apart_from(input)?;
        let mut made = false;
        buffer.fill(|output| {
            let message = last.as_mut().map(|raw| &mut raw.message);
            let answer = call::encrypt_next(state::module()?, session, &input, output, message)?;
            made = matches!(answer, Answer::Written(_));
            Ok(answer)
        })?;
        match last.filter(|_| made) {
            Some(raw) => raw.write_tag(),
            None => Ok(()),
        }
    })
}

#[allow(clippy::too_many_arguments)]
pub(in crate::ffi) unsafe fn decrypt(
    session: ck::CK_SESSION_HANDLE,
    parameter: *mut c_void,
    parameter_len: ck::CK_ULONG,
    aad: *mut u8,
    aad_len: ck::CK_ULONG,
    input: *mut u8,
    input_len: ck::CK_ULONG,
    output: *mut u8,
    output_len: *mut ck::CK_ULONG,
) -> Result<()> {
    // SAFETY: the host vouches for parameter, inputs and buffer.
    unsafe {
        let mut raw = read(session, Direction::Decrypt, parameter, parameter_len)?;
        let (aad, input) = (memory::input(aad, aad_len)?, memory::input(input, input_len)?);
        let buffer = Buffer::new(output, output_len)?;
        if !output.is_null() {
            raw.read_tag()?;
        }
        let (aad, input) = (buffer.apart_from(aad)?, buffer.apart_from(input)?);
        buffer.fill(|output| call::decrypt(state::module()?, session, &raw.message, &aad, &input, output))
    }
}

pub(in crate::ffi) unsafe fn decrypt_begin(
    session: ck::CK_SESSION_HANDLE,
    parameter: *mut c_void,
    parameter_len: ck::CK_ULONG,
    aad: *mut u8,
    aad_len: ck::CK_ULONG,
) -> Result<()> {
    // SAFETY: the host vouches for parameter and input.
    unsafe {
        let raw = read(session, Direction::Decrypt, parameter, parameter_len)?;
        call::decrypt_begin(state::module()?, session, &raw.message, memory::input(aad, aad_len)?)
    }
}

#[allow(clippy::too_many_arguments)]
pub(in crate::ffi) unsafe fn decrypt_next(
    session: ck::CK_SESSION_HANDLE,
    parameter: *mut c_void,
    parameter_len: ck::CK_ULONG,
    input: *mut u8,
    input_len: ck::CK_ULONG,
    output: *mut u8,
    output_len: *mut ck::CK_ULONG,
    flags: ck::CK_FLAGS,
) -> Result<()> {
    // SAFETY: the host vouches for parameter, input and buffer.
    going_on(session, call::abandon_decrypt, || unsafe {
        let mut last = match ends(flags)? {
            false => call::message_kind(state::module()?, session, Direction::Decrypt).map(|_| None)?,
            true => Some(read(session, Direction::Decrypt, parameter, parameter_len)?),
        };
        let (input, buffer) = (memory::input(input, input_len)?, Buffer::new(output, output_len)?);
        if let Some(raw) = last.as_mut().filter(|_| !output.is_null()) {
            raw.read_tag()?;
        }
        let input = buffer.apart_from(input)?;
        let message = last.as_ref().map(|raw| &raw.message);
        buffer.fill(|output| call::decrypt_next(state::module()?, session, &input, output, message))
    })
}

/// A call that goes on with a message: any error but CKR_BUFFER_TOO_SMALL ends the message, wherever it was found.
fn going_on(
    session: ck::CK_SESSION_HANDLE,
    abandon: fn(&Module, ck::CK_SESSION_HANDLE) -> Result<()>,
    call: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let answer = call();
    if answer.as_ref().is_err_and(|error| error.kind() != ErrorKind::BufferTooSmall) {
        // Without a session or a process there is no message to end.
        let _ = state::module().and_then(|module| abandon(module, session));
    }
    answer
}

/// Whether the part is the message's last. CKR_ARGUMENTS_BAD for flags that do not exist.
fn ends(flags: ck::CK_FLAGS) -> Result<bool> {
    match flags {
        0 => Ok(false),
        ck::CKF_END_OF_MESSAGE => Ok(true),
        _ => Err(Error::new(ErrorKind::ArgumentsBad, "flags: 0 or CKF_END_OF_MESSAGE")),
    }
}

/// CKR_MECHANISM_PARAM_INVALID for a parameter of a signed message: no mechanism here takes one, and what it asks for
/// would not be done.
fn expect_no_parameter(parameter: *const c_void, len: ck::CK_ULONG) -> Result<()> {
    match parameter.is_null() || len == 0 {
        true => Ok(()),
        false => {
            Err(Error::new(ErrorKind::MechanismParamInvalid, "messages of this mechanism take no parameter"))
        }
    }
}

pub(in crate::ffi) unsafe fn sign(
    session: ck::CK_SESSION_HANDLE,
    parameter: *mut c_void,
    parameter_len: ck::CK_ULONG,
    data: *mut u8,
    data_len: ck::CK_ULONG,
    signature: *mut u8,
    signature_len: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    call::expect_signing(module, session)?;
    expect_no_parameter(parameter, parameter_len)?;
    // SAFETY: the host vouches for input and buffer.
    let (data, buffer) = unsafe { (memory::input(data, data_len)?, Buffer::new(signature, signature_len)?) };
    let data = buffer.apart_from(data)?;
    buffer.fill(|output| call::sign(module, session, &data, output))
}

pub(in crate::ffi) unsafe fn sign_begin(
    session: ck::CK_SESSION_HANDLE,
    parameter: *mut c_void,
    parameter_len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    call::expect_signing(module, session)?;
    expect_no_parameter(parameter, parameter_len)?;
    call::sign_begin(module, session)
}

pub(in crate::ffi) unsafe fn sign_next(
    session: ck::CK_SESSION_HANDLE,
    parameter: *mut c_void,
    parameter_len: ck::CK_ULONG,
    data: *mut u8,
    data_len: ck::CK_ULONG,
    signature: *mut u8,
    signature_len: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    call::expect_signing(module, session)?;
    going_on(session, call::abandon_sign, || {
        expect_no_parameter(parameter, parameter_len)?;
        // SAFETY: the host vouches for the input.
        let data = unsafe { memory::input(data, data_len) }?;
        if signature_len.is_null() {
            return call::sign_next(module, session, data, None).map(drop);
        }
        // SAFETY: the host vouches for the buffer.
        let buffer = unsafe { Buffer::new(signature, signature_len) }?;
        let data = buffer.apart_from(data)?;
        buffer.fill(|output| call::sign_next(module, session, &data, Some(output)))
    })
}

pub(in crate::ffi) unsafe fn verify(
    session: ck::CK_SESSION_HANDLE,
    parameter: *mut c_void,
    parameter_len: ck::CK_ULONG,
    data: *mut u8,
    data_len: ck::CK_ULONG,
    signature: *mut u8,
    signature_len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    call::expect_verifying(module, session)?;
    expect_no_parameter(parameter, parameter_len)?;
    // SAFETY: the host vouches for both inputs.
    let (data, signature) =
        unsafe { (memory::input(data, data_len)?, memory::input(signature, signature_len)?) };
    call::verify(module, session, data, signature)
}

pub(in crate::ffi) unsafe fn verify_begin(
    session: ck::CK_SESSION_HANDLE,
    parameter: *mut c_void,
    parameter_len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    call::expect_verifying(module, session)?;
    expect_no_parameter(parameter, parameter_len)?;
    call::verify_begin(module, session)
}

pub(in crate::ffi) unsafe fn verify_next(
    session: ck::CK_SESSION_HANDLE,
    parameter: *mut c_void,
    parameter_len: ck::CK_ULONG,
    data: *mut u8,
    data_len: ck::CK_ULONG,
    signature: *mut u8,
    signature_len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    call::expect_verifying(module, session)?;
    going_on(session, call::abandon_verify, || {
        expect_no_parameter(parameter, parameter_len)?;
        // SAFETY: the host vouches for both inputs.
        let (data, signature) =
            unsafe { (memory::input(data, data_len)?, memory::optional_input(signature, signature_len)?) };
        call::verify_next(module, session, data, signature)
    })
}
