//! Slot and token management (PKCS#11 v3.2, section 5.5).

use crate::calls::general::{MANUFACTURER, VERSION};
use crate::error::{Error, ErrorKind, Result};
use crate::module::Module;
use crate::token::{Login, User};
use crate::types::{ck, padded, ulong};

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
        slotDescription: padded(&info.description),
        manufacturerID: padded(MANUFACTURER),
        flags: info.flags | present,
        hardwareVersion: VERSION,
        firmwareVersion: VERSION,
    })
}

/// C_GetTokenInfo.
pub fn token_info(module: &Module, id: ck::CK_SLOT_ID) -> Result<ck::CK_TOKEN_INFO> {
    let slot = module.slot_with_token(id)?;
    let info = slot.token().info()?;
    let (sessions, read_write) = slot.session_counts();
    Ok(ck::CK_TOKEN_INFO {
        label: info.label,
        manufacturerID: padded(MANUFACTURER),
        model: padded(&info.model),
        serialNumber: padded(&info.serial),
        flags: info.flags,
        ulMaxSessionCount: ck::CK_EFFECTIVELY_INFINITE,
        ulSessionCount: ulong(sessions),
        ulMaxRwSessionCount: ck::CK_EFFECTIVELY_INFINITE,
        ulRwSessionCount: ulong(read_write),
        ulMaxPinLen: ulong(info.max_pin_len),
        ulMinPinLen: ulong(info.min_pin_len),
        ulTotalPublicMemory: ck::CK_UNAVAILABLE_INFORMATION,
        ulFreePublicMemory: ck::CK_UNAVAILABLE_INFORMATION,
        ulTotalPrivateMemory: ck::CK_UNAVAILABLE_INFORMATION,
        ulFreePrivateMemory: ck::CK_UNAVAILABLE_INFORMATION,
        hardwareVersion: VERSION,
        firmwareVersion: VERSION,
        // Only a token with CKF_CLOCK_ON_TOKEN tells the time; the field is then to be ignored.
        utcTime: [b' '; 16],
    })
}

/// C_GetMechanismList.
pub fn mechanisms(module: &Module, id: ck::CK_SLOT_ID) -> Result<Vec<ck::CK_MECHANISM_TYPE>> {
    Ok(module.slot_with_token(id)?.token().mechanisms())
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

/// C_WaitForSlotEvent without blocking: soft tokens don't come and go while a process looks on.
pub fn wait_for_event(_module: &Module, flags: ck::CK_FLAGS) -> Result<()> {
    if flags & ck::CKF_DONT_BLOCK == 0 {
        return Err(Error::new(
            ErrorKind::FunctionNotSupported,
            "C_WaitForSlotEvent: only with CKF_DONT_BLOCK",
        ));
    }
    Err(ErrorKind::NoEvent.into())
}
