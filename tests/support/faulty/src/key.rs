//! Keys: generation, wrapping, derivation, encapsulation.

use cryptoki_sys::*;

use crate::memory::{R, answer, put, slice};
use crate::mixing::mix;
use crate::object::{add, new_seed, template, visible};
use crate::operation::take;
use crate::state::State;

const SECRET: CK_OBJECT_CLASS = CKO_SECRET_KEY;

fn key_type(mechanism: CK_MECHANISM_TYPE) -> CK_KEY_TYPE {
    match mechanism {
        CKM_EC_KEY_PAIR_GEN => CKK_EC,
        CKM_AES_KEY_GEN => CKK_AES,
        CKM_ML_KEM_KEY_PAIR_GEN => CKK_ML_KEM,
        _ => CKK_GENERIC_SECRET,
    }
}

fn secret(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    given: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    kind: CK_KEY_TYPE,
    seed: u64,
) -> Result<CK_OBJECT_HANDLE, CK_RV> {
    let value = mix(seed, &[b"value"], 32);
    let defaults: &[(CK_ATTRIBUTE_TYPE, &[u8])] = &[
        (CKA_CLASS, &SECRET.to_ne_bytes()),
        (CKA_KEY_TYPE, &kind.to_ne_bytes()),
        (CKA_SENSITIVE, &[0]),
        (CKA_VALUE, &value),
    ];
    add(state, session, template(given, count), defaults, seed)
}

pub fn generate(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    given: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    key: *mut CK_OBJECT_HANDLE,
) -> R {
    let (mechanism, _) = take(mechanism)?;
    let seed = new_seed(state);
    let handle = secret(state, session, given, count, key_type(mechanism), seed)?;
    put(key, handle)
}

#[allow(clippy::too_many_arguments)]
pub fn generate_pair(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    public: *mut CK_ATTRIBUTE,
    public_count: CK_ULONG,
    private: *mut CK_ATTRIBUTE,
    private_count: CK_ULONG,
    public_key: *mut CK_OBJECT_HANDLE,
    private_key: *mut CK_OBJECT_HANDLE,
) -> R {
    let (mechanism, _) = take(mechanism)?;
    let (seed, kind) = (new_seed(state), key_type(mechanism));
    let point = mix(seed, &[b"point"], 64);
    let point = [&[0x04, 0x41, 0x04], point.as_slice()].concat();
    let private = add(
        state,
        session,
        template(private, private_count),
        &[
            (CKA_CLASS, &CKO_PRIVATE_KEY.to_ne_bytes()),
            (CKA_KEY_TYPE, &kind.to_ne_bytes()),
            (CKA_PRIVATE, &[1]),
            (CKA_SENSITIVE, &[1]),
            (CKA_VALUE, &mix(seed, &[b"value"], 32)),
        ],
        seed,
    )?;
    let public = add(
        state,
        session,
        template(public, public_count),
        &[
            (CKA_CLASS, &CKO_PUBLIC_KEY.to_ne_bytes()),
            (CKA_KEY_TYPE, &kind.to_ne_bytes()),
            (CKA_EC_POINT, &point),
        ],
        seed,
    )?;
    put(private_key, private)?;
    put(public_key, public)
}

pub fn wrap(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    wrapping: CK_OBJECT_HANDLE,
    key: CK_OBJECT_HANDLE,
    aad: &[u8],
    out: (*mut CK_BYTE, *mut CK_ULONG),
) -> R {
    take(mechanism)?;
    let lies = state.lies;
    let pad = visible(state, session, wrapping).map_err(|_| CKR_WRAPPING_KEY_HANDLE_INVALID)?.seed;
    let seed = visible(state, session, key).map_err(|_| CKR_KEY_HANDLE_INVALID)?.seed;
    let wrapped = [&(seed ^ pad).to_le_bytes(), mix(pad, &[aad], 8).as_slice()].concat();
    answer(lies, &wrapped, out.0, out.1).map(|_| ())
}

#[allow(clippy::too_many_arguments)]
pub fn unwrap(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    unwrapping: CK_OBJECT_HANDLE,
    wrapped: &[u8],
    given: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    aad: &[u8],
    key: *mut CK_OBJECT_HANDLE,
) -> R {
    take(mechanism)?;
    let pad = visible(state, session, unwrapping).map_err(|_| CKR_UNWRAPPING_KEY_HANDLE_INVALID)?.seed;
    let (seed, check) = wrapped.split_first_chunk().ok_or(CKR_WRAPPED_KEY_LEN_RANGE)?;
    if check != mix(pad, &[aad], 8) {
        return Err(CKR_WRAPPED_KEY_INVALID);
    }
    let seed = u64::from_le_bytes(*seed) ^ pad;
    let handle = secret(state, session, given, count, CKK_GENERIC_SECRET, seed)?;
    put(key, handle)
}

pub fn derive(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    base: CK_OBJECT_HANDLE,
    given: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    key: *mut CK_OBJECT_HANDLE,
) -> R {
    let (_, data) = take(mechanism)?;
    let seed = visible(state, session, base).map_err(|_| CKR_KEY_HANDLE_INVALID)?.seed;
    let derived = mix(seed, &[b"derive", &data], 8).iter().fold(0, |seed, byte| seed << 8 | u64::from(*byte));
    let handle = secret(state, session, given, count, CKK_GENERIC_SECRET, derived)?;
    put(key, handle)
}

fn shared(seed: u64) -> u64 {
    seed.rotate_left(17) ^ 0x5e_c2e7
}

#[allow(clippy::too_many_arguments)]
pub fn encapsulate(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    public: CK_OBJECT_HANDLE,
    given: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    out: *mut CK_BYTE,
    len: *mut CK_ULONG,
    key: *mut CK_OBJECT_HANDLE,
) -> R {
    take(mechanism)?;
    let lies = state.lies;
    let seed = visible(state, session, public).map_err(|_| CKR_KEY_HANDLE_INVALID)?.seed;
    if answer(lies, &mix(seed, &[b"capsule"], 48), out, len)? {
        let handle = secret(state, session, given, count, CKK_GENERIC_SECRET, shared(seed))?;
        put(key, handle)?;
    }
    Ok(())
}

#[allow(clippy::too_many_arguments)]
pub fn decapsulate(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    private: CK_OBJECT_HANDLE,
    given: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    capsule: *mut CK_BYTE,
    len: CK_ULONG,
    key: *mut CK_OBJECT_HANDLE,
) -> R {
    take(mechanism)?;
    let seed = visible(state, session, private).map_err(|_| CKR_KEY_HANDLE_INVALID)?.seed;
    if slice(capsule, len) != mix(seed, &[b"capsule"], 48) {
        return Err(CKR_ENCRYPTED_DATA_INVALID);
    }
    let handle = secret(state, session, given, count, CKK_GENERIC_SECRET, shared(seed))?;
    put(key, handle)
}
