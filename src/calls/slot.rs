//! Slot and token management (PKCS#11 v3.2, section 5.5).

use crate::error::{Error, ErrorKind, Result};
use crate::module::Module;
use crate::token::{Login, User};
use crate::types::{ck, ulong};

/// C_GetSlotList.
pub fn list(module: &Module, present_only: bool) -> Result<Vec<ck::CK_SLOT_ID>> {
    Ok(module.listed_slots(present_only)?.iter().map(|slot| slot.id()).collect())
}

/// C_GetSlotInfo.
pub fn slot_info(module: &Module, id: ck::CK_SLOT_ID) -> Result<ck::CK_SLOT_INFO> {
    let slot = module.slot(id)?;
    let info = slot.token().slot_info();
    let present = if slot.token().present() { ck::CKF_TOKEN_PRESENT } else { 0 };
    Ok(ck::CK_SLOT_INFO {
        slotDescription: info.description,
        manufacturerID: info.manufacturer,
        flags: info.flags | present,
        hardwareVersion: info.hardware_version,
        firmwareVersion: info.firmware_version,
    })
}

/// C_GetTokenInfo.
pub fn token_info(module: &Module, id: ck::CK_SLOT_ID) -> Result<ck::CK_TOKEN_INFO> {
    let slot = module.slot_with_token(id)?;
    let info = slot.token().info()?;
    let (sessions, read_write) = slot.session_counts();
    let limits = info.limits;
    let [total_public, free_public] = limits.public_memory;
    let [total_private, free_private] = limits.private_memory;
    Ok(ck::CK_TOKEN_INFO {
        label: info.label,
        manufacturerID: info.manufacturer,
        model: info.model,
        serialNumber: info.serial,
        flags: info.flags,
        ulMaxSessionCount: limits.sessions,
        ulSessionCount: ulong(sessions),
        ulMaxRwSessionCount: limits.read_write_sessions,
        ulRwSessionCount: ulong(read_write),
        ulMaxPinLen: ulong(info.max_pin_len),
        ulMinPinLen: ulong(info.min_pin_len),
        ulTotalPublicMemory: total_public,
        ulFreePublicMemory: free_public,
        ulTotalPrivateMemory: total_private,
        ulFreePrivateMemory: free_private,
        hardwareVersion: info.hardware_version,
        firmwareVersion: info.firmware_version,
        utcTime: limits.utc_time,
    })
}

/// C_GetMechanismList.
pub fn mechanisms(module: &Module, id: ck::CK_SLOT_ID) -> Result<Vec<ck::CK_MECHANISM_TYPE>> {
    module.slot_with_token(id)?.token().mechanisms()
}

/// C_GetMechanismInfo.
pub fn mechanism_info(
    module: &Module,
    id: ck::CK_SLOT_ID,
    kind: ck::CK_MECHANISM_TYPE,
) -> Result<ck::CK_MECHANISM_INFO> {
    let info = module.slot_with_token(id)?.token().mechanism_info(kind)?;
    Ok(ck::CK_MECHANISM_INFO {
        ulMinKeySize: info.min_key_size,
        ulMaxKeySize: info.max_key_size,
        flags: info.flags,
    })
}

/// C_InitToken. CKR_SESSION_EXISTS while a session of this process is open on the token.
pub fn init_token(module: &Module, id: ck::CK_SLOT_ID, so_pin: Option<&[u8]>, label: [u8; 32]) -> Result<()> {
    let slot = module.slot_with_token(id)?;
    if slot.session_counts().0 > 0 {
        return Err(ErrorKind::SessionExists.into());
    }
    slot.token().init_token(so_pin, label)
}

/// C_InitPIN: only in the SO's session.
pub fn init_pin(module: &Module, session: ck::CK_SESSION_HANDLE, pin: Option<&[u8]>) -> Result<()> {
    let session = module.session(session)?;
    if session.access().login != Login::So {
        return Err(Error::new(ErrorKind::UserNotLoggedIn, "C_InitPIN: the SO must be logged in"));
    }
    session.slot().token().init_pin(pin)
}

/// C_SetPIN: the SO's PIN while the SO is logged in, the user's otherwise.
pub fn set_pin(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    old: Option<&[u8]>,
    new: Option<&[u8]>,
) -> Result<()> {
    let session = module.session(session)?;
    let access = session.access();
    crate::module::need_read_write(access.read_write, "C_SetPIN needs a read-write session")?;
    let user = if access.login == Login::So { User::So } else { User::User };
    session.slot().token().set_pin(user, old, new)
}

/// C_WaitForSlotEvent: the slot in which something happened. CKR_NO_EVENT with CKF_DONT_BLOCK;
/// CKR_CRYPTOKI_NOT_INITIALIZED once C_Finalize in another thread ended the wait. That is the only end where tokens
/// neither come nor go, as soft tokens don't.
pub fn wait_for_event(module: &Module, flags: ck::CK_FLAGS) -> Result<ck::CK_SLOT_ID> {
    let events = module.events()?;
    loop {
        match events.next()? {
            Some(slot) => return Ok(slot.id()),
            None if flags & ck::CKF_DONT_BLOCK != 0 => return Err(ErrorKind::NoEvent.into()),
            None => events.wait(),
        }
    }
}
