//! Sessions and login (PKCS#11 v3.2, section 5.6), and the relics of parallel functions (section 5.21).

use std::ffi::c_void;

use super::slot::user;
use crate::calls;
use crate::error::{Error, ErrorKind, Result};
use crate::ffi::{memory, state};
use crate::types::ck;

pub(in crate::ffi) unsafe fn open(
    slot: ck::CK_SLOT_ID,
    flags: ck::CK_FLAGS,
    _application: *mut c_void,
    _notify: ck::CK_NOTIFY,
    session: *mut ck::CK_SESSION_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    memory::check_target(session)?;
    // SAFETY: the host vouches for the target.
    unsafe { memory::write(session, calls::session::open(module, slot, flags)?) }
}

pub(in crate::ffi) unsafe fn close(session: ck::CK_SESSION_HANDLE) -> Result<()> {
    calls::session::close(state::module()?, session)
}

pub(in crate::ffi) unsafe fn close_all(slot: ck::CK_SLOT_ID) -> Result<()> {
    calls::session::close_all(state::module()?, slot)
}

pub(in crate::ffi) unsafe fn info(
    session: ck::CK_SESSION_HANDLE,
    info: *mut ck::CK_SESSION_INFO,
) -> Result<()> {
    let module = state::module()?;
    memory::check_target(info)?;
    // SAFETY: the host vouches for the target.
    unsafe { memory::write(info, calls::session::info(module, session)?) }
}

pub(in crate::ffi) unsafe fn login(
    session: ck::CK_SESSION_HANDLE,
    user_type: ck::CK_USER_TYPE,
    pin: *mut u8,
    pin_len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the PIN.
    let pin = unsafe { memory::optional_input(pin, pin_len) }?;
    match user_type {
        ck::CKU_CONTEXT_SPECIFIC => calls::session::authenticate_again(module, session, pin),
        _ => calls::session::login(module, session, user(user_type)?, pin, None),
    }
}

pub(in crate::ffi) unsafe fn login_user(
    session: ck::CK_SESSION_HANDLE,
    user_type: ck::CK_USER_TYPE,
    pin_pointer: *mut u8,
    pin_len: ck::CK_ULONG,
    username: *mut u8,
    username_len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the PIN and the name.
    let (pin, name) = unsafe {
        (memory::optional_input(pin_pointer, pin_len)?, memory::optional_input(username, username_len)?)
    };
    match name.filter(|name| !name.is_empty()) {
        Some(name) => calls::session::login(module, session, user(user_type)?, pin, Some(name)),
        // SAFETY: passed on.
        None => unsafe { login(session, user_type, pin_pointer, pin_len) },
    }
}

pub(in crate::ffi) unsafe fn logout(session: ck::CK_SESSION_HANDLE) -> Result<()> {
    calls::session::logout(state::module()?, session)
}

pub(in crate::ffi) unsafe fn cancel(session: ck::CK_SESSION_HANDLE, flags: ck::CK_FLAGS) -> Result<()> {
    calls::session::cancel(state::module()?, session, flags)
}

pub(in crate::ffi) unsafe fn validation_flags(
    session: ck::CK_SESSION_HANDLE,
    kind: ck::CK_SESSION_VALIDATION_FLAGS_TYPE,
    flags: *mut ck::CK_FLAGS,
) -> Result<()> {
    let module = state::module()?;
    memory::check_target(flags)?;
    // SAFETY: the host vouches for the target.
    unsafe { memory::write(flags, calls::session::validation_flags(module, session, kind)?) }
}

/// CKR_ARGUMENTS_BAD for a null name. What it says does not matter where no function is asynchronous.
fn expect_name(name: *const ck::CK_UTF8CHAR) -> Result<()> {
    match name.is_null() {
        false => Ok(()),
        true => Err(Error::new(ErrorKind::ArgumentsBad, "no name of a function")),
    }
}

pub(in crate::ffi) unsafe fn async_complete(
    session: ck::CK_SESSION_HANDLE,
    function_name: *mut ck::CK_UTF8CHAR,
    _result: *mut ck::CK_ASYNC_DATA,
) -> Result<()> {
    let module = state::module()?;
    expect_name(function_name)?;
    calls::session::expect_pending(module, session)
}

pub(in crate::ffi) unsafe fn async_id(
    session: ck::CK_SESSION_HANDLE,
    function_name: *mut ck::CK_UTF8CHAR,
    id: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    expect_name(function_name)?;
    memory::check_target(id)?;
    calls::session::expect_pending(module, session)
}

pub(in crate::ffi) unsafe fn async_join(
    session: ck::CK_SESSION_HANDLE,
    function_name: *mut ck::CK_UTF8CHAR,
    _id: ck::CK_ULONG,
    _data: *mut u8,
    _len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    expect_name(function_name)?;
    calls::session::join(module, session)
}

pub(in crate::ffi) unsafe fn not_parallel(session: ck::CK_SESSION_HANDLE) -> Result<()> {
    state::module()?.session(session)?;
    Err(ErrorKind::FunctionNotParallel.into())
}
