//! C_GetOperationState and C_SetOperationState (PKCS#11 v3.2, section 5.6).

use crate::calls::operation_state as call;
use crate::error::{Error, ErrorKind, Result};
use crate::ffi::memory::{self, Buffer};
use crate::ffi::state;
use crate::types::ck;

pub(in crate::ffi) unsafe fn save(
    session: ck::CK_SESSION_HANDLE,
    output: *mut u8,
    output_len: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the buffer.
    let buffer = unsafe { Buffer::new(output, output_len) }?;
    buffer.fill(|output| call::save(module, session, output))
}

pub(in crate::ffi) unsafe fn restore(
    session: ck::CK_SESSION_HANDLE,
    saved: *mut u8,
    saved_len: ck::CK_ULONG,
    encryption_key: ck::CK_OBJECT_HANDLE,
    authentication_key: ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    if saved.is_null() {
        return Err(Error::new(ErrorKind::ArgumentsBad, "no saved state"));
    }
    // SAFETY: the host vouches for the input.
    let saved = unsafe { memory::input(saved, saved_len) }?;
    call::restore(module, session, saved, [encryption_key, authentication_key])
}
