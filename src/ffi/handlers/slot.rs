//! Slots and tokens (PKCS#11 v3.2, section 5.5).

use std::ffi::c_void;

use crate::calls;
use crate::error::{Error, ErrorKind, Result};
use crate::ffi::{memory, state};
use crate::token::User;
use crate::types::ck;

pub(in crate::ffi) unsafe fn list(
    token_present: ck::CK_BBOOL,
    list: *mut ck::CK_SLOT_ID,
    count: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    memory::check_target(count)?;
    let ids = calls::slot::list(module, token_present != ck::CK_FALSE)?;
    // SAFETY: the host vouches for the targets.
    unsafe { memory::write_list(list, count, &ids) }
}

pub(in crate::ffi) unsafe fn slot_info(slot: ck::CK_SLOT_ID, info: *mut ck::CK_SLOT_INFO) -> Result<()> {
    let module = state::module()?;
    memory::check_target(info)?;
    // SAFETY: the host vouches for the target.
    unsafe { memory::write(info, calls::slot::slot_info(module, slot)?) }
}

pub(in crate::ffi) unsafe fn token_info(slot: ck::CK_SLOT_ID, info: *mut ck::CK_TOKEN_INFO) -> Result<()> {
    let module = state::module()?;
    memory::check_target(info)?;
    // SAFETY: the host vouches for the target.
    unsafe { memory::write(info, calls::slot::token_info(module, slot)?) }
}

pub(in crate::ffi) unsafe fn mechanism_list(
    slot: ck::CK_SLOT_ID,
    list: *mut ck::CK_MECHANISM_TYPE,
    count: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    memory::check_target(count)?;
    let kinds = calls::slot::mechanisms(module, slot)?;
    // SAFETY: the host vouches for the targets.
    unsafe { memory::write_list(list, count, &kinds) }
}

pub(in crate::ffi) unsafe fn mechanism_info(
    slot: ck::CK_SLOT_ID,
    kind: ck::CK_MECHANISM_TYPE,
    info: *mut ck::CK_MECHANISM_INFO,
) -> Result<()> {
    let module = state::module()?;
    memory::check_target(info)?;
    // SAFETY: the host vouches for the target.
    unsafe { memory::write(info, calls::slot::mechanism_info(module, slot, kind)?) }
}

pub(in crate::ffi) unsafe fn init_token(
    slot: ck::CK_SLOT_ID,
    pin: *mut u8,
    pin_len: ck::CK_ULONG,
    label: *mut u8,
) -> Result<()> {
    let module = state::module()?;
    memory::check_target(label)?;
    // SAFETY: the host vouches for the PIN; a label has 32 bytes (section 5.5.7).
    let (pin, label) = unsafe { (memory::optional_input(pin, pin_len)?, label.cast::<[u8; 32]>().read()) };
    calls::slot::init_token(module, slot, pin, label)
}

pub(in crate::ffi) unsafe fn init_pin(
    session: ck::CK_SESSION_HANDLE,
    pin: *mut u8,
    pin_len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the PIN.
    let pin = unsafe { memory::optional_input(pin, pin_len) }?;
    calls::slot::init_pin(module, session, pin)
}

pub(in crate::ffi) unsafe fn set_pin(
    session: ck::CK_SESSION_HANDLE,
    old: *mut u8,
    old_len: ck::CK_ULONG,
    new: *mut u8,
    new_len: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for both PINs.
    let (old, new) =
        unsafe { (memory::optional_input(old, old_len)?, memory::optional_input(new, new_len)?) };
    calls::slot::set_pin(module, session, old, new)
}

pub(in crate::ffi) unsafe fn wait_for_event(
    flags: ck::CK_FLAGS,
    slot: *mut ck::CK_SLOT_ID,
    reserved: *mut c_void,
) -> Result<()> {
    let module = state::module()?;
    if !reserved.is_null() {
        return Err(Error::new(ErrorKind::ArgumentsBad, "C_WaitForSlotEvent: pReserved must be null"));
    }
    memory::check_target(slot)?;
    // SAFETY: the host vouches for the target.
    unsafe { memory::write(slot, calls::slot::wait_for_event(module, flags)?) }
}

/// C_Login's user types, but for the context-specific one.
pub(in crate::ffi) fn user(kind: ck::CK_USER_TYPE) -> Result<User> {
    match kind {
        ck::CKU_SO => Ok(User::So),
        ck::CKU_USER => Ok(User::User),
        _ => Err(ErrorKind::UserTypeInvalid.into()),
    }
}
