//! Digests, signatures and MACs, verification (PKCS#11 v3.2, sections 5.12 to 5.15).

use crate::calls::sign as call;
use crate::error::Result;
use crate::ffi::memory::{self, Buffer};
use crate::ffi::{params, state};
use crate::types::ck;

pub(in crate::ffi) unsafe fn digest_init(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the mechanism.
    let mechanism = unsafe { params::optional_mechanism(mechanism) }?;
    call::digest_init(&module, session, mechanism.as_ref())
}

pub(in crate::ffi) unsafe fn digest(
    session: ck::CK_SESSION_HANDLE,
    data: *mut u8,
    data_len: ck::CK_ULONG,
    result: *mut u8,
    result_len: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for input and buffer.
    let (input, buffer) = unsafe { (memory::input(data, data_len)?, Buffer::new(result, result_len)?) };
    let input = buffer.apart_from(input)?;
    buffer.fill(|output| call::digest(&module, session, &input, output))
}

pub(in crate::ffi) unsafe fn digest_update(
    session: ck::CK_SESSION_HANDLE,
    part: *mut u8,
    part_len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the part.
    call::digest_update(&module, session, unsafe { memory::input(part, part_len) }?)
}

pub(in crate::ffi) unsafe fn digest_final(
    session: ck::CK_SESSION_HANDLE,
    digest: *mut u8,
    digest_len: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the buffer.
    let buffer = unsafe { Buffer::new(digest, digest_len) }?;
    buffer.fill(|output| call::digest_final(&module, session, output))
}

pub(in crate::ffi) unsafe fn sign_init(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    key: ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the mechanism.
    let mechanism = unsafe { params::optional_mechanism(mechanism) }?;
    call::sign_init(&module, session, mechanism.as_ref(), key)
}

pub(in crate::ffi) unsafe fn sign(
    session: ck::CK_SESSION_HANDLE,
    data: *mut u8,
    data_len: ck::CK_ULONG,
    signature: *mut u8,
    signature_len: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for input and buffer.
    let (input, buffer) = unsafe { (memory::input(data, data_len)?, Buffer::new(signature, signature_len)?) };
    let input = buffer.apart_from(input)?;
    buffer.fill(|output| call::sign(&module, session, &input, output))
}

pub(in crate::ffi) unsafe fn sign_update(
    session: ck::CK_SESSION_HANDLE,
    part: *mut u8,
    part_len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the part.
    call::sign_update(&module, session, unsafe { memory::input(part, part_len) }?)
}

pub(in crate::ffi) unsafe fn sign_final(
    session: ck::CK_SESSION_HANDLE,
    signature: *mut u8,
    signature_len: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the buffer.
    let buffer = unsafe { Buffer::new(signature, signature_len) }?;
    buffer.fill(|output| call::sign_final(&module, session, output))
}

pub(in crate::ffi) unsafe fn verify_init(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    key: ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the mechanism.
    let mechanism = unsafe { params::optional_mechanism(mechanism) }?;
    call::verify_init(&module, session, mechanism.as_ref(), key)
}

pub(in crate::ffi) unsafe fn verify(
    session: ck::CK_SESSION_HANDLE,
    data: *mut u8,
    data_len: ck::CK_ULONG,
    signature: *mut u8,
    signature_len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for both inputs.
    let (data, signature) =
        unsafe { (memory::input(data, data_len)?, memory::input(signature, signature_len)?) };
    call::verify(&module, session, data, signature)
}

pub(in crate::ffi) unsafe fn verify_update(
    session: ck::CK_SESSION_HANDLE,
    part: *mut u8,
    part_len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the part.
    call::verify_update(&module, session, unsafe { memory::input(part, part_len) }?)
}

pub(in crate::ffi) unsafe fn verify_final(
    session: ck::CK_SESSION_HANDLE,
    signature: *mut u8,
    signature_len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the signature.
    call::verify_final(&module, session, unsafe { memory::input(signature, signature_len) }?)
}
