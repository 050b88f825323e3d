//! Encryption and decryption (PKCS#11 v3.2, sections 5.8 and 5.10).

use crate::calls::cipher as call;
use crate::error::Result;
use crate::ffi::memory::{self, Buffer};
use crate::ffi::{params, state};
use crate::types::ck;

pub(in crate::ffi) unsafe fn encrypt_init(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    key: ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the mechanism.
    let mechanism = unsafe { params::optional_mechanism(mechanism) }?;
    call::encrypt_init(&module, session, mechanism.as_ref(), key)
}

pub(in crate::ffi) unsafe fn encrypt(
    session: ck::CK_SESSION_HANDLE,
    data: *mut u8,
    data_len: ck::CK_ULONG,
    encrypted: *mut u8,
    encrypted_len: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for input and buffer.
    let (input, buffer) = unsafe { (memory::input(data, data_len)?, Buffer::new(encrypted, encrypted_len)?) };
    let input = buffer.apart_from(input)?;
    buffer.fill(|output| call::encrypt(&module, session, &input, output))
}

pub(in crate::ffi) unsafe fn encrypt_update(
    session: ck::CK_SESSION_HANDLE,
    part: *mut u8,
    part_len: ck::CK_ULONG,
    encrypted: *mut u8,
    encrypted_len: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for input and buffer.
    let (input, buffer) = unsafe { (memory::input(part, part_len)?, Buffer::new(encrypted, encrypted_len)?) };
    let input = buffer.apart_from(input)?;
    buffer.fill(|output| call::encrypt_update(&module, session, &input, output))
}

pub(in crate::ffi) unsafe fn encrypt_final(
    session: ck::CK_SESSION_HANDLE,
    encrypted: *mut u8,
    encrypted_len: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the buffer.
    let buffer = unsafe { Buffer::new(encrypted, encrypted_len) }?;
    buffer.fill(|output| call::encrypt_final(&module, session, output))
}

pub(in crate::ffi) unsafe fn decrypt_init(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    key: ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the mechanism.
    let mechanism = unsafe { params::optional_mechanism(mechanism) }?;
    call::decrypt_init(&module, session, mechanism.as_ref(), key)
}

pub(in crate::ffi) unsafe fn decrypt(
    session: ck::CK_SESSION_HANDLE,
    encrypted: *mut u8,
    encrypted_len: ck::CK_ULONG,
    data: *mut u8,
    data_len: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for input and buffer.
    let (input, buffer) = unsafe { (memory::input(encrypted, encrypted_len)?, Buffer::new(data, data_len)?) };
    let input = buffer.apart_from(input)?;
    buffer.fill(|output| call::decrypt(&module, session, &input, output))
}

pub(in crate::ffi) unsafe fn decrypt_update(
    session: ck::CK_SESSION_HANDLE,
    encrypted: *mut u8,
    encrypted_len: ck::CK_ULONG,
    part: *mut u8,
    part_len: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for input and buffer.
    let (input, buffer) = unsafe { (memory::input(encrypted, encrypted_len)?, Buffer::new(part, part_len)?) };
    let input = buffer.apart_from(input)?;
    buffer.fill(|output| call::decrypt_update(&module, session, &input, output))
}

pub(in crate::ffi) unsafe fn decrypt_final(
    session: ck::CK_SESSION_HANDLE,
    part: *mut u8,
    part_len: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the buffer.
    let buffer = unsafe { Buffer::new(part, part_len) }?;
    buffer.fill(|output| call::decrypt_final(&module, session, output))
}
