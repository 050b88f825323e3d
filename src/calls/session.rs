//! Session management (PKCS#11 v3.2, section 5.6).

use crate::error::{Error, ErrorKind, Result};
use crate::module::Module;
use crate::token::{Access, Login, User};
use crate::types::ck;

/// C_OpenSession. CKR_SESSION_PARALLEL_NOT_SUPPORTED without CKF_SERIAL_SESSION.
pub fn open(module: &Module, slot: ck::CK_SLOT_ID, flags: ck::CK_FLAGS) -> Result<ck::CK_SESSION_HANDLE> {
    if flags & ck::CKF_SERIAL_SESSION == 0 {
        return Err(ErrorKind::SessionParallelNotSupported.into());
    }
    if flags & ck::CKF_ASYNC_SESSION != 0 {
        return Err(ErrorKind::SessionAsyncNotSupported.into());
    }
    let slot = module.slot_with_token(slot)?;
    module.open_session(&slot, flags & ck::CKF_RW_SESSION != 0)
}

/// C_CloseSession.
pub fn close(module: &Module, session: ck::CK_SESSION_HANDLE) -> Result<()> {
    module.close_session(session)
}

/// C_CloseAllSessions.
pub fn close_all(module: &Module, slot: ck::CK_SLOT_ID) -> Result<()> {
    let slot = module.slot_with_token(slot)?;
    module.close_all_sessions(&slot);
    Ok(())
}

/// C_GetSessionInfo.
pub fn info(module: &Module, session: ck::CK_SESSION_HANDLE) -> Result<ck::CK_SESSION_INFO> {
    let session = module.session(session)?;
    let access = session.access();
    let read_write = if access.read_write { ck::CKF_RW_SESSION } else { 0 };
    Ok(ck::CK_SESSION_INFO {
        slotID: session.slot().id(),
        state: state(access),
        flags: ck::CKF_SERIAL_SESSION | read_write,
        ulDeviceError: 0,
    })
}

pub(super) fn state(access: Access) -> ck::CK_STATE {
    match (access.login, access.read_write) {
        (Login::Public, false) => ck::CKS_RO_PUBLIC_SESSION,
        (Login::Public, true) => ck::CKS_RW_PUBLIC_SESSION,
        (Login::User, false) => ck::CKS_RO_USER_FUNCTIONS,
        (Login::User, true) => ck::CKS_RW_USER_FUNCTIONS,
        (Login::So, _) => ck::CKS_RW_SO_FUNCTIONS,
    }
}

/// C_Login and C_LoginUser for CKU_SO and CKU_USER.
pub fn login(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    user: User,
    pin: Option<&[u8]>,
    name: Option<&[u8]>,
) -> Result<()> {
    module.session(session)?.slot().log_in(user, pin, name)
}

/// C_Login for CKU_CONTEXT_SPECIFIC: lets the operation go on that waits for it (CKA_ALWAYS_AUTHENTICATE). Of two,
/// the one that began last: a PIN is for one use of one key.
pub fn authenticate_again(module: &Module, session: ck::CK_SESSION_HANDLE, pin: Option<&[u8]>) -> Result<()> {
    let session = module.session(session)?;
    let mut state = session.lock()?;
    if let Some(foreign) = state.backend.foreign() {
        return foreign.authenticate_again(session.access(), pin);
    }
    let tell = state.waiting().ok_or_else(|| {
        let why = "CKU_CONTEXT_SPECIFIC: no operation of this session waits for the PIN";
        Error::new(ErrorKind::OperationNotInitialized, why)
    })?;
    let user = match session.access().login {
        Login::User => User::User,
        Login::So => User::So,
        Login::Public => return Err(ErrorKind::UserNotLoggedIn.into()),
    };
    if let Err(error) = session.slot().token().authenticate_again(user, pin) {
        drop(state);
        if error.kind() == ErrorKind::PinLocked {
            // Section 4.11: this also logs the user out. Another thread may have done so.
            let _ = module.log_out(session.slot());
        }
        return Err(error);
    }
    tell(&mut state);
    Ok(())
}

/// C_GetSessionValidationFlags: the flag of the build's validation where its module does the work, since no mechanism is
/// offered there that does not meet its requirements; else 0.
pub fn validation_flags(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    kind: ck::CK_SESSION_VALIDATION_FLAGS_TYPE,
) -> Result<ck::CK_FLAGS> {
    let session = module.session(session)?;
    match kind {
        ck::CKS_LAST_VALIDATION_OK => Ok(session.slot().token().validation_flags()),
        _ => Err(Error::new(ErrorKind::ArgumentsBad, "the type is not CKS_LAST_VALIDATION_OK")),
    }
}

/// C_AsyncComplete, C_AsyncGetID: no function of this session runs on. CKR_OPERATION_NOT_INITIALIZED.
pub fn expect_pending(module: &Module, session: ck::CK_SESSION_HANDLE) -> Result<()> {
    module.session(session)?;
    let why = "no session here is asynchronous: every function has done its work when it returns";
    Err(Error::new(ErrorKind::OperationNotInitialized, why))
}

/// C_AsyncJoin: no C_AsyncGetID has answered with an identifier. CKR_SAVED_STATE_INVALID.
pub fn join(module: &Module, session: ck::CK_SESSION_HANDLE) -> Result<()> {
    module.session(session)?;
    Err(Error::new(ErrorKind::SavedStateInvalid, "the identifier is not one that C_AsyncGetID gave"))
}

/// C_Logout.
pub fn logout(module: &Module, session: ck::CK_SESSION_HANDLE) -> Result<()> {
    module.log_out(module.session(session)?.slot())
}

/// What becomes of the session after a call with bad arguments: `operations`, named as C_SessionCancel does, end.
/// CKR_SESSION_HANDLE_INVALID.
pub fn refused(module: &Module, session: ck::CK_SESSION_HANDLE, operations: ck::CK_FLAGS) -> Result<()> {
    let session = module.session(session)?;
    if operations != 0 {
        session.lock()?.refuse(operations);
    }
    Ok(())
}

/// C_SessionCancel. Flags of operations that are not active, or that don't exist here, change nothing.
pub fn cancel(module: &Module, session: ck::CK_SESSION_HANDLE, flags: ck::CK_FLAGS) -> Result<()> {
    let session = module.session(session)?;
    let mut state = session.lock()?;
    state.cancel(flags);
    match state.backend.foreign() {
        Some(foreign) => foreign.cancel(session.access(), flags),
        None => Ok(()),
    }
}
