//! Operations: digest, sign, verify, encrypt, decrypt, their recover and dual forms, and C_VerifySignature.

use std::ffi::c_void;

use cryptoki_sys::*;

use crate::memory::{R, answer, read, slice, slice_mut};
use crate::mixing::{cipher, mix};
use crate::object::visible;
use crate::slot::VENDOR;
use crate::state::{Kind, Op, State};

/// The length of every signature.
pub const SIGNATURE: usize = 64;
const DIGEST: usize = 32;

/// The parameter of [`VENDOR`]: pointers that are followed, and written through.
#[repr(C)]
#[derive(Clone, Copy)]
struct Vendor {
    input: *const CK_BYTE,
    input_len: CK_ULONG,
    /// Room for `input_len` bytes, into which the library writes each byte of `input` xor 0x5a.
    echo: *mut CK_BYTE,
    /// Into which it writes where it saw this structure.
    seen: *mut *mut c_void,
}

/// Takes a mechanism apart: its type, and what its parameter adds to the result.
pub fn take(mechanism: *mut CK_MECHANISM) -> Result<(CK_MECHANISM_TYPE, Vec<u8>), CK_RV> {
    let mechanism = read(mechanism)?;
    if mechanism.mechanism != VENDOR {
        let parameter = slice(mechanism.pParameter.cast::<u8>(), mechanism.ulParameterLen);
        // Structures hold addresses, which are not the same twice; byte strings are short.
        let used = if parameter.len() <= 16 { parameter.to_vec() } else { Vec::new() };
        return Ok((mechanism.mechanism, used));
    }
    if mechanism.ulParameterLen != crate::memory::ulen(size_of::<Vendor>()) {
        return Err(CKR_MECHANISM_PARAM_INVALID);
    }
    let vendor = read(mechanism.pParameter.cast::<Vendor>())?;
    let input = slice(vendor.input, vendor.input_len);
    for (to, from) in slice_mut(vendor.echo, vendor.input_len).iter_mut().zip(input) {
        *to = from ^ 0x5a;
    }
    crate::memory::put(vendor.seen, mechanism.pParameter)?;
    Ok((mechanism.mechanism, input.to_vec()))
}

/// Begins an operation.
pub fn init(
    state: &mut State,
    kind: Kind,
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: Option<CK_OBJECT_HANDLE>,
) -> R {
    if mechanism.is_null() {
        return state.session(session)?.ops.remove(&kind).map(|_| ()).ok_or(CKR_OPERATION_NOT_INITIALIZED);
    }
    if state.session(session)?.ops.contains_key(&kind) {
        return Err(CKR_OPERATION_ACTIVE);
    }
    let (mechanism, data) = take(mechanism)?;
    let seed = match key {
        None => 0,
        Some(key) => visible(state, session, key).map_err(|_| CKR_KEY_HANDLE_INVALID)?.seed,
    };
    let op = Op { mechanism, seed, data, ..Op::default() };
    state.session(session)?.ops.insert(kind, op);
    Ok(())
}

/// The operation under way.
pub fn running(state: &mut State, session: CK_SESSION_HANDLE, kind: Kind) -> Result<&mut Op, CK_RV> {
    state.session(session)?.ops.get_mut(&kind).ok_or(CKR_OPERATION_NOT_INITIALIZED)
}

/// The result of what was fed and `last`.
pub fn result(op: &Op, kind: Kind, last: &[u8]) -> Vec<u8> {
    let data = [op.data.as_slice(), last].concat();
    match kind {
        Kind::Digest => mix(op.mechanism, &[&data], DIGEST),
        Kind::Encrypt | Kind::Decrypt => cipher(op.seed, op.position, last),
        Kind::SignRecover | Kind::VerifyRecover => cipher(op.seed, 0, last),
        _ => mix(op.seed ^ op.mechanism, &[&data], SIGNATURE),
    }
}

/// Output that ends the operation, unless it was a size query or the buffer too small.
pub fn finish(
    state: &mut State,
    kind: Kind,
    session: CK_SESSION_HANDLE,
    bytes: &[u8],
    out: *mut CK_BYTE,
    len: *mut CK_ULONG,
) -> R {
    let done = answer(state.lies, bytes, out, len)?;
    if done {
        state.session(session)?.ops.remove(&kind);
    }
    Ok(())
}

/// The single call with an output.
pub fn once(
    state: &mut State,
    kind: Kind,
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
    out: *mut CK_BYTE,
    len: *mut CK_ULONG,
) -> R {
    let bytes = result(running(state, session, kind)?, kind, slice(data, data_len));
    finish(state, kind, session, &bytes, out, len)
}

/// A part that only goes in.
pub fn feed(
    state: &mut State,
    kind: Kind,
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    len: CK_ULONG,
) -> R {
    running(state, session, kind)?.data.extend_from_slice(slice(data, len));
    Ok(())
}

/// A part that comes out again at once.
pub fn pass(
    state: &mut State,
    kind: Kind,
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
    out: *mut CK_BYTE,
    len: *mut CK_ULONG,
) -> R {
    let lies = state.lies;
    let op = running(state, session, kind)?;
    let bytes = result(op, kind, slice(data, data_len));
    if answer(lies, &bytes, out, len)? {
        op.position += bytes.len();
    }
    Ok(())
}

/// The last call of a multi-part operation with an output.
pub fn close(
    state: &mut State,
    kind: Kind,
    session: CK_SESSION_HANDLE,
    out: *mut CK_BYTE,
    len: *mut CK_ULONG,
) -> R {
    once(state, kind, session, std::ptr::null_mut(), 0, out, len)
}

/// The single call of a verification, or the last of several.
pub fn check(
    state: &mut State,
    kind: Kind,
    session: CK_SESSION_HANDLE,
    data: &[u8],
    signature: Option<&[u8]>,
) -> R {
    running(state, session, kind)?;
    let Some(op) = state.session(session)?.ops.remove(&kind) else {
        return Err(CKR_OPERATION_NOT_INITIALIZED);
    };
    let right = result(&op, kind, data);
    if signature.unwrap_or(&op.signature) == right { Ok(()) } else { Err(CKR_SIGNATURE_INVALID) }
}

pub fn digest_key(state: &mut State, session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) -> R {
    let seed = visible(state, session, key).map_err(|_| CKR_KEY_HANDLE_INVALID)?.seed;
    running(state, session, Kind::Digest)?.data.extend(seed.to_le_bytes());
    Ok(())
}

pub fn verify_signature_init(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
    signature: *mut CK_BYTE,
    len: CK_ULONG,
) -> R {
    init(state, Kind::VerifySignature, session, mechanism, Some(key))?;
    running(state, session, Kind::VerifySignature)?.signature = slice(signature, len).to_vec();
    Ok(())
}

/// The dual functions: one operation takes the plaintext, the other makes or takes the ciphertext.
#[allow(clippy::too_many_arguments)]
pub fn dual(
    state: &mut State,
    fed: Kind,
    through: Kind,
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
    out: *mut CK_BYTE,
    len: *mut CK_ULONG,
) -> R {
    running(state, session, fed)?;
    pass(state, through, session, data, data_len, out, len)?;
    if !out.is_null() {
        let plain = if through == Kind::Encrypt { data } else { out };
        feed(state, fed, session, plain, data_len)?;
    }
    Ok(())
}
