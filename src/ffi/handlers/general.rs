//! C_Initialize, C_Finalize, C_GetInfo (PKCS#11 v3.2, section 5.4).

use std::ffi::{CStr, c_void};

use crate::calls;
use crate::error::{Error, ErrorKind, Result};
use crate::ffi::{memory, state};
use crate::types::ck;

pub(in crate::ffi) unsafe fn initialize(args: *mut c_void) -> Result<()> {
    // SAFETY: the host vouches for the arguments (see `handlers`).
    let reserved = unsafe { reserved_parameters(args.cast()) }?;
    calls::general::initialize(state::module_in_any_state(), reserved)
}

/// What `pReserved` says, after the flags and callbacks were checked. We lock with the system's mutexes whatever the
/// flags say, so CKF_LIBRARY_CANT_CREATE_OS_THREADS and the callbacks change nothing.
unsafe fn reserved_parameters<'a>(args: *const ck::CK_C_INITIALIZE_ARGS) -> Result<Option<&'a str>> {
    if args.is_null() {
        return Ok(None);
    }
    memory::check_target(args)?;
    // SAFETY: not null and aligned; the host vouches for the structure.
    let args = unsafe { args.read() };
    let callbacks = [
        args.CreateMutex.is_some(),
        args.DestroyMutex.is_some(),
        args.LockMutex.is_some(),
        args.UnlockMutex.is_some(),
    ];
    if callbacks.contains(&true) && callbacks.contains(&false) {
        return Err(Error::new(ErrorKind::ArgumentsBad, "mutex callbacks: all four or none"));
    }
    if args.pReserved.is_null() {
        return Ok(None);
    }
    // SAFETY: as NSS does it, pReserved is a C string of parameters.
    let text = unsafe { CStr::from_ptr(args.pReserved.cast()) };
    text.to_str().map(Some).map_err(|_| Error::new(ErrorKind::ArgumentsBad, "pReserved: not UTF-8"))
}

pub(in crate::ffi) unsafe fn finalize(reserved: *mut c_void) -> Result<()> {
    if !reserved.is_null() {
        return Err(Error::new(ErrorKind::ArgumentsBad, "C_Finalize: pReserved must be null"));
    }
    calls::general::finalize(state::module_in_any_state())
}

pub(in crate::ffi) unsafe fn info(info: *mut ck::CK_INFO) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the target.
    unsafe { memory::write(info, calls::general::info(module)) }
}
