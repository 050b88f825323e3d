//! Message functions. An encrypted message carries nothing more than its bytes; a GCM parameter gets IV and tag.

use std::ffi::c_void;

use cryptoki_sys::*;

use crate::memory::{R, answer, copy, read, size, slice, slice_mut};
use crate::mixing::{cipher, mix};
use crate::operation::{SIGNATURE, running};
use crate::state::{Kind, State};

/// Writes the IV and the tag of a GCM parameter, or compares the tag.
fn gcm(kind: Kind, seed: u64, parameter: *mut c_void, len: CK_ULONG, aad: &[u8], plain: &[u8]) -> R {
    if size(len) != size_of::<CK_GCM_MESSAGE_PARAMS>() {
        return Ok(());
    }
    let gcm = read(parameter.cast::<CK_GCM_MESSAGE_PARAMS>())?;
    let iv = slice_mut(gcm.pIv, gcm.ulIvLen);
    if kind == Kind::MessageEncrypt && gcm.ivGenerator != CKG_NO_GENERATE {
        iv.copy_from_slice(&mix(seed, &[plain], iv.len()));
    }
    let tag = slice_mut(gcm.pTag, gcm.ulTagBits / 8);
    let right = mix(seed, &[iv, aad, plain], tag.len());
    match kind {
        Kind::MessageEncrypt => tag.copy_from_slice(&right),
        _ if *tag != right => return Err(CKR_ENCRYPTED_DATA_INVALID),
        _ => {}
    }
    Ok(())
}

/// C_EncryptMessage and C_DecryptMessage.
#[allow(clippy::too_many_arguments)]
pub fn crypt(
    state: &mut State,
    kind: Kind,
    session: CK_SESSION_HANDLE,
    parameter: *mut c_void,
    parameter_len: CK_ULONG,
    aad: *mut CK_BYTE,
    aad_len: CK_ULONG,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
    out: *mut CK_BYTE,
    len: *mut CK_ULONG,
) -> R {
    let lies = state.lies;
    let seed = running(state, session, kind)?.seed;
    let (aad, data) = (slice(aad, aad_len), slice(data, data_len));
    let bytes = cipher(seed, 0, data);
    let plain = if kind == Kind::MessageEncrypt { data } else { &bytes };
    if !out.is_null() {
        gcm(kind, seed, parameter, parameter_len, aad, plain)?;
    }
    answer(lies, &bytes, out, len).map(|_| ())
}

/// C_EncryptMessageBegin and C_DecryptMessageBegin.
pub fn begin(
    state: &mut State,
    kind: Kind,
    session: CK_SESSION_HANDLE,
    aad: *mut CK_BYTE,
    aad_len: CK_ULONG,
) -> R {
    let op = running(state, session, kind)?;
    op.position = 0;
    op.signature = slice(aad, aad_len).to_vec();
    op.data.clear();
    Ok(())
}

/// C_EncryptMessageNext and C_DecryptMessageNext.
#[allow(clippy::too_many_arguments)]
pub fn next(
    state: &mut State,
    kind: Kind,
    session: CK_SESSION_HANDLE,
    parameter: *mut c_void,
    parameter_len: CK_ULONG,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
    out: *mut CK_BYTE,
    len: *mut CK_ULONG,
    flags: CK_FLAGS,
) -> R {
    let lies = state.lies;
    let op = running(state, session, kind)?;
    let data = slice(data, data_len);
    let bytes = cipher(op.seed, op.position, data);
    if answer(lies, &bytes, out, len)? {
        op.position += bytes.len();
        op.data.extend_from_slice(if kind == Kind::MessageEncrypt { data } else { &bytes });
        if flags & CKF_END_OF_MESSAGE != 0 {
            gcm(kind, op.seed, parameter, parameter_len, &op.signature, &op.data)?;
        }
    }
    Ok(())
}

/// C_SignMessage, and C_SignMessageNext where it is the last: `out_len` is null before.
pub fn sign(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
    out: *mut CK_BYTE,
    len: *mut CK_ULONG,
) -> R {
    let lies = state.lies;
    let op = running(state, session, Kind::MessageSign)?;
    let data = slice(data, data_len);
    if len.is_null() {
        op.data.extend_from_slice(data);
        return Ok(());
    }
    let bytes = mix(op.seed, &[&[op.data.as_slice(), data].concat()], SIGNATURE);
    if answer(lies, &bytes, out, len)? {
        op.data.clear();
    }
    Ok(())
}

/// C_VerifyMessage, and C_VerifyMessageNext where it is the last: `signature` is null before.
pub fn verify(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
    signature: *mut CK_BYTE,
    len: CK_ULONG,
) -> R {
    let op = running(state, session, Kind::MessageVerify)?;
    op.data.extend_from_slice(slice(data, data_len));
    if signature.is_null() {
        return Ok(());
    }
    let right = mix(op.seed, &[&op.data], SIGNATURE);
    op.data.clear();
    if slice(signature, len) == right { Ok(()) } else { Err(CKR_SIGNATURE_INVALID) }
}

/// The start of a signature or its verification in parts.
pub fn restart(state: &mut State, kind: Kind, session: CK_SESSION_HANDLE) -> R {
    running(state, session, kind)?.data.clear();
    Ok(())
}

/// The end of all messages.
pub fn end(state: &mut State, kind: Kind, session: CK_SESSION_HANDLE) -> R {
    running(state, session, kind)?;
    state.session(session)?.ops.remove(&kind);
    Ok(())
}

/// Random bytes; not random, but never the same twice.
pub fn random(state: &mut State, session: CK_SESSION_HANDLE, out: *mut CK_BYTE, len: CK_ULONG) -> R {
    state.session(session)?;
    let seed = crate::object::new_seed(state);
    let bytes = mix(seed, &[b"random"], size(len));
    copy(&bytes, out)
}
