//! Encryption, decryption, digests, signatures and verification (PKCS#11 v3.2, sections 5.8 to 5.15).
//!
//! The functions of these families differ in nothing but the operation they drive, so each shape is written once and
//! the functions are named below it.

use crate::calls::operation as call;
use crate::error::Result;
use crate::ffi::memory::{self, Buffer};
use crate::ffi::{params, state};
use crate::types::ck;

/// `*Init` with a key.
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

/// Input to output: the single-part functions and the updates of ciphers.
macro_rules! transform {
    ($($name:ident)*) => { $(
        pub(in crate::ffi) unsafe fn $name(
            session: ck::CK_SESSION_HANDLE,
            input: *mut u8,
            input_len: ck::CK_ULONG,
            output: *mut u8,
            output_len: *mut ck::CK_ULONG,
        ) -> Result<()> {
            let module = state::module()?;
            // SAFETY: the host vouches for input and buffer.
            let (input, buffer) = unsafe { (memory::input(input, input_len)?, Buffer::new(output, output_len)?) };
            let input = buffer.apart_from(input)?;
            buffer.fill(|output| call::$name(module, session, &input, output))
        }
    )* };
}

/// Input alone: the updates of digests, signatures and verification.
macro_rules! feed {
    ($($name:ident)*) => { $(
        pub(in crate::ffi) unsafe fn $name(
            session: ck::CK_SESSION_HANDLE,
            input: *mut u8,
            input_len: ck::CK_ULONG,
        ) -> Result<()> {
            let module = state::module()?;
            // SAFETY: the host vouches for the input.
            call::$name(module, session, unsafe { memory::input(input, input_len) }?)
        }
    )* };
}

/// Output alone: the end of a multi-part operation.
macro_rules! finish {
    ($($name:ident)*) => { $(
        pub(in crate::ffi) unsafe fn $name(
            session: ck::CK_SESSION_HANDLE,
            output: *mut u8,
            output_len: *mut ck::CK_ULONG,
        ) -> Result<()> {
            let module = state::module()?;
            // SAFETY: the host vouches for the buffer.
            let buffer = unsafe { Buffer::new(output, output_len) }?;
            buffer.fill(|output| call::$name(module, session, output))
        }
    )* };
}

init! { encrypt_init decrypt_init sign_init verify_init sign_recover_init verify_recover_init }
transform! {
    encrypt encrypt_update decrypt decrypt_update digest sign sign_recover verify_recover
    digest_encrypt_update decrypt_digest_update sign_encrypt_update decrypt_verify_update
}
feed! { digest_update sign_update verify_update verify_final verify_signature verify_signature_update }
finish! { encrypt_final decrypt_final digest_final sign_final }

pub(in crate::ffi) unsafe fn digest_init(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the mechanism.
    let mechanism = unsafe { params::optional_mechanism(mechanism) }?;
    call::digest_init(module, session, mechanism.as_ref())
}

pub(in crate::ffi) unsafe fn digest_key(
    session: ck::CK_SESSION_HANDLE,
    key: ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    call::digest_key(state::module()?, session, key)
}

pub(in crate::ffi) unsafe fn verify_signature_init(
    session: ck::CK_SESSION_HANDLE,
    mechanism: *mut ck::CK_MECHANISM,
    key: ck::CK_OBJECT_HANDLE,
    signature: *mut u8,
    signature_len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for mechanism and signature.
    let (mechanism, signature) =
        unsafe { (params::optional_mechanism(mechanism)?, memory::input(signature, signature_len)?) };
    call::verify_signature_init(module, session, mechanism.as_ref(), key, signature)
}

pub(in crate::ffi) unsafe fn verify_signature_final(session: ck::CK_SESSION_HANDLE) -> Result<()> {
    call::verify_signature_final(state::module()?, session)
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
    call::verify(module, session, data, signature)
}
