//! Slots, tokens, mechanisms, PINs.

use cryptoki_sys::*;

use crate::memory::{R, list, padded, put, size, slice, ulen};
use crate::state::State;

/// A mechanism that only this library has; README.md shows its parameter.
pub const VENDOR: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED | 0x4b57;

const MECHANISMS: &[(CK_MECHANISM_TYPE, CK_FLAGS)] = &[
    (CKM_EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR | CKF_HW),
    (CKM_ECDSA, CKF_SIGN | CKF_VERIFY | CKF_HW),
    (CKM_ECDSA_SHA256, CKF_SIGN | CKF_VERIFY | CKF_HW),
    (CKM_ECDSA_SHA1, CKF_SIGN | CKF_VERIFY),
    (CKM_ECDH1_DERIVE, CKF_DERIVE),
    (CKM_RSA_PKCS, CKF_SIGN | CKF_VERIFY | CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER),
    (CKM_SHA1_RSA_PKCS, CKF_SIGN | CKF_VERIFY),
    (CKM_MD5_RSA_PKCS, CKF_SIGN | CKF_VERIFY),
    (CKM_SHA256_RSA_PKCS, CKF_SIGN | CKF_VERIFY),
    (CKM_SHA256, CKF_DIGEST),
    (CKM_MD5, CKF_DIGEST),
    (CKM_DES3_CBC, CKF_ENCRYPT | CKF_DECRYPT),
    (CKM_AES_KEY_GEN, CKF_GENERATE),
    (CKM_AES_CTR, CKF_ENCRYPT | CKF_DECRYPT),
    (CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT | CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT),
    (CKM_AES_KEY_WRAP, CKF_WRAP | CKF_UNWRAP),
    (CKM_ML_KEM_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR),
    (CKM_ML_KEM, CKF_ENCAPSULATE | CKF_DECAPSULATE),
    (VENDOR, CKF_SIGN | CKF_VERIFY | CKF_DIGEST | CKF_DERIVE | CKF_HW),
];

pub fn slots(state: &mut State, present: CK_BBOOL, out: *mut CK_SLOT_ID, count: *mut CK_ULONG) -> R {
    let wanted = state.slots.iter().filter(|(_, token)| present == 0 || token.is_some());
    list(&wanted.map(|(id, _)| *id).collect::<Vec<_>>(), out, count)
}

pub fn slot_info(state: &mut State, id: CK_SLOT_ID, info: *mut CK_SLOT_INFO) -> R {
    let present = match state.in_slot(id) {
        Ok(_) => CKF_TOKEN_PRESENT,
        Err(CKR_TOKEN_NOT_PRESENT) => 0,
        Err(rv) => return Err(rv),
    };
    put(
        info,
        CK_SLOT_INFO {
            slotDescription: padded(&format!("faulty slot {id}")),
            manufacturerID: padded("faulty slots"),
            flags: present | CKF_REMOVABLE_DEVICE | CKF_HW_SLOT,
            hardwareVersion: CK_VERSION { major: 1, minor: 2 },
            firmwareVersion: CK_VERSION { major: 3, minor: 4 },
        },
    )
}

pub fn token_info(state: &mut State, id: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> R {
    let name = state.in_slot(id)?;
    let sessions = state.sessions.values().filter(|session| session.token == name).count();
    let token = state.tokens.get(&name).ok_or(CKR_TOKEN_NOT_PRESENT)?;
    put(
        info,
        CK_TOKEN_INFO {
            label: padded(&token.label),
            manufacturerID: padded("faulty tokens"),
            model: padded("faulty 1"),
            serialNumber: padded(&format!("SN-{name}")),
            flags: CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED,
            ulMaxSessionCount: 64,
            ulSessionCount: ulen(sessions),
            ulMaxRwSessionCount: 64,
            ulRwSessionCount: ulen(sessions),
            ulMaxPinLen: 16,
            ulMinPinLen: 4,
            ulTotalPublicMemory: 65536,
            ulFreePublicMemory: 4096,
            ulTotalPrivateMemory: 32768,
            ulFreePrivateMemory: 2048,
            hardwareVersion: CK_VERSION { major: 5, minor: 6 },
            firmwareVersion: CK_VERSION { major: 7, minor: 8 },
            utcTime: *b"2026010203040500",
        },
    )
}

pub fn mechanisms(state: &mut State, id: CK_SLOT_ID, out: *mut CK_MECHANISM_TYPE, count: *mut CK_ULONG) -> R {
    state.in_slot(id)?;
    list(&MECHANISMS.iter().map(|(mechanism, _)| *mechanism).collect::<Vec<_>>(), out, count)
}

pub fn mechanism_info(
    state: &mut State,
    id: CK_SLOT_ID,
    mechanism: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> R {
    state.in_slot(id)?;
    let row = MECHANISMS.iter().find(|(known, _)| *known == mechanism).ok_or(CKR_MECHANISM_INVALID)?;
    put(info, CK_MECHANISM_INFO { ulMinKeySize: 17, ulMaxKeySize: 4711, flags: row.1 })
}

pub fn init_token(
    state: &mut State,
    id: CK_SLOT_ID,
    pin: *mut CK_UTF8CHAR,
    len: CK_ULONG,
    label: *mut CK_UTF8CHAR,
) -> R {
    let name = state.in_slot(id)?;
    if state.sessions.values().any(|session| session.token == name) {
        return Err(CKR_SESSION_EXISTS);
    }
    let token = state.tokens.get_mut(&name).ok_or(CKR_TOKEN_NOT_PRESENT)?;
    if token.so_pin != slice(pin, len) {
        return Err(CKR_PIN_INCORRECT);
    }
    token.label = String::from_utf8_lossy(slice(label, 32)).trim_end().to_owned();
    state.objects.retain(|_, object| object.token != name);
    Ok(())
}

pub fn init_pin(state: &mut State, session: CK_SESSION_HANDLE, pin: *mut CK_UTF8CHAR, len: CK_ULONG) -> R {
    let token = state.token_of(session)?;
    if token.login != Some(CKU_SO) {
        return Err(CKR_USER_NOT_LOGGED_IN);
    }
    token.user_pin = slice(pin, len).to_vec();
    Ok(())
}

pub fn set_pin(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    old: *mut CK_UTF8CHAR,
    old_len: CK_ULONG,
    new: *mut CK_UTF8CHAR,
    new_len: CK_ULONG,
) -> R {
    let token = state.token_of(session)?;
    let (old, new) = (slice(old, old_len), slice(new, new_len).to_vec());
    let so = token.login == Some(CKU_SO);
    let pin = if so { &mut token.so_pin } else { &mut token.user_pin };
    if *pin != old {
        return Err(CKR_PIN_INCORRECT);
    }
    if size(new_len) < 4 {
        return Err(CKR_PIN_LEN_RANGE);
    }
    *pin = new;
    Ok(())
}
