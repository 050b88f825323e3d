//! Sessions, logins, operation states.

use std::collections::HashMap;
use std::ffi::c_void;

use cryptoki_sys::*;

use crate::memory::{R, answer, put, slice};
use crate::state::{Kind, Op, Session, State};

pub fn open(
    state: &mut State,
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    _application: *mut c_void,
    _notify: CK_NOTIFY,
    session: *mut CK_SESSION_HANDLE,
) -> R {
    let token = state.in_slot(slot)?;
    if flags & CKF_SERIAL_SESSION == 0 {
        return Err(CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    }
    if state.sessions.len() >= 64 {
        return Err(CKR_SESSION_COUNT);
    }
    if flags & CKF_RW_SESSION == 0 && state.tokens.get(&token).is_some_and(|it| it.login == Some(CKU_SO)) {
        return Err(CKR_SESSION_READ_WRITE_SO_EXISTS);
    }
    let handle = state.number();
    state.sessions.insert(handle, Session { slot, token, flags, find: None, ops: HashMap::new() });
    put(session, handle)
}

pub fn close(state: &mut State, session: CK_SESSION_HANDLE) -> R {
    state.close(session)
}

pub fn close_all(state: &mut State, slot: CK_SLOT_ID) -> R {
    if !state.slots.iter().any(|(id, _)| *id == slot) {
        return Err(CKR_SLOT_ID_INVALID);
    }
    let all: Vec<_> = state
        .sessions
        .iter()
        .filter(|(_, session)| session.slot == slot)
        .map(|(handle, _)| *handle)
        .collect();
    all.into_iter().try_for_each(|handle| state.close(handle))
}

pub fn info(state: &mut State, handle: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO) -> R {
    let login = state.token_of(handle)?.login;
    let session = state.session(handle)?;
    let read_write = session.flags & CKF_RW_SESSION != 0;
    let current = match (login, read_write) {
        (Some(CKU_SO), _) => CKS_RW_SO_FUNCTIONS,
        (Some(_), true) => CKS_RW_USER_FUNCTIONS,
        (Some(_), false) => CKS_RO_USER_FUNCTIONS,
        (None, true) => CKS_RW_PUBLIC_SESSION,
        (None, false) => CKS_RO_PUBLIC_SESSION,
    };
    let (slot, flags) = (session.slot, session.flags);
    put(info, CK_SESSION_INFO { slotID: slot, state: current, flags, ulDeviceError: 0x77 })
}

pub fn login(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: *mut CK_UTF8CHAR,
    len: CK_ULONG,
) -> R {
    let token = state.token_of(session)?;
    let right = if user == CKU_SO { &token.so_pin } else { &token.user_pin };
    if right != slice(pin, len) {
        return Err(CKR_PIN_INCORRECT);
    }
    match token.login {
        _ if user == CKU_CONTEXT_SPECIFIC => Ok(()),
        Some(who) if who == user => Err(CKR_USER_ALREADY_LOGGED_IN),
        Some(_) => Err(CKR_USER_ANOTHER_ALREADY_LOGGED_IN),
        None => {
            token.login = Some(user);
            Ok(())
        }
    }
}

#[allow(clippy::too_many_arguments)]
pub fn login_user(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: *mut CK_UTF8CHAR,
    len: CK_ULONG,
    _name: *mut CK_UTF8CHAR,
    _name_len: CK_ULONG,
) -> R {
    login(state, session, user, pin, len)
}

pub fn logout(state: &mut State, session: CK_SESSION_HANDLE) -> R {
    let token = state.token_of(session)?;
    token.login.take().map(|_| ()).ok_or(CKR_USER_NOT_LOGGED_IN)
}

pub fn operation_state(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    out: *mut CK_BYTE,
    len: *mut CK_ULONG,
) -> R {
    let lies = state.lies;
    let op = state.session(session)?.ops.get(&Kind::Digest).ok_or(CKR_OPERATION_NOT_INITIALIZED)?;
    let saved = [&op.mechanism.to_ne_bytes(), op.data.as_slice()].concat();
    answer(lies, &saved, out, len).map(|_| ())
}

pub fn set_operation_state(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    saved: *mut CK_BYTE,
    len: CK_ULONG,
    _encryption: CK_OBJECT_HANDLE,
    _authentication: CK_OBJECT_HANDLE,
) -> R {
    let (mechanism, data) = slice(saved, len).split_first_chunk().ok_or(CKR_SAVED_STATE_INVALID)?;
    let op = Op { mechanism: CK_ULONG::from_ne_bytes(*mechanism), data: data.to_vec(), ..Op::default() };
    state.session(session)?.ops.insert(Kind::Digest, op);
    Ok(())
}

pub fn cancel(state: &mut State, session: CK_SESSION_HANDLE, flags: CK_FLAGS) -> R {
    const KINDS: &[(CK_FLAGS, Kind)] = &[
        (CKF_DIGEST, Kind::Digest),
        (CKF_SIGN, Kind::Sign),
        (CKF_VERIFY, Kind::Verify),
        (CKF_ENCRYPT, Kind::Encrypt),
        (CKF_DECRYPT, Kind::Decrypt),
        (CKF_SIGN_RECOVER, Kind::SignRecover),
        (CKF_VERIFY_RECOVER, Kind::VerifyRecover),
        (CKF_MESSAGE_ENCRYPT, Kind::MessageEncrypt),
        (CKF_MESSAGE_DECRYPT, Kind::MessageDecrypt),
        (CKF_MESSAGE_SIGN, Kind::MessageSign),
        (CKF_MESSAGE_VERIFY, Kind::MessageVerify),
    ];
    let session = state.session(session)?;
    for (flag, kind) in KINDS {
        if flags & flag != 0 {
            session.ops.remove(kind);
        }
    }
    if flags & CKF_FIND_OBJECTS != 0 {
        session.find = None;
    }
    Ok(())
}

pub fn not_parallel(state: &mut State, session: CK_SESSION_HANDLE) -> R {
    state.session(session)?;
    Err(CKR_FUNCTION_NOT_PARALLEL)
}

pub fn validation_flags(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    _kind: CK_SESSION_VALIDATION_FLAGS_TYPE,
    flags: *mut CK_FLAGS,
) -> R {
    state.session(session)?;
    put(flags, 0x5)
}

pub fn async_complete(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    _name: *mut CK_UTF8CHAR,
    _result: *mut CK_ASYNC_DATA,
) -> R {
    state.session(session)?;
    Err(CKR_OPERATION_NOT_INITIALIZED)
}

pub fn async_id(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    _name: *mut CK_UTF8CHAR,
    id: *mut CK_ULONG,
) -> R {
    state.session(session)?;
    put(id, 42)
}

pub fn async_join(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    _name: *mut CK_UTF8CHAR,
    _id: CK_ULONG,
    _data: *mut CK_BYTE,
    _len: CK_ULONG,
) -> R {
    state.session(session)?;
    Err(CKR_SAVED_STATE_INVALID)
}
