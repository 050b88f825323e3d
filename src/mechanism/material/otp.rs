//! OTP keys: what their attributes say of passwords, and the counter (PKCS#11 v3.2, section 6 "OTP Key objects" and
//! "OATH HOTP secret key objects").

use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::key::OtpKey;
use crate::object::Attributes;
use crate::types::{SecretBytes, ck, length};

use super::{invalid, optional, required};

/// Parses an OTP key.
pub(super) fn key(attributes: &Attributes) -> Result<OtpKey> {
    let value = SecretBytes::from(required(attributes, ck::CKA_VALUE, "CKA_VALUE is missing")?);
    let number = |id, default| attributes.ulong(id).unwrap_or(default);
    Ok(OtpKey {
        value: value.into(),
        digits: length(number(ck::CKA_OTP_LENGTH, 6)),
        counter_requirement: number(ck::CKA_OTP_COUNTER_REQUIREMENT, ck::CK_OTP_PARAM_OPTIONAL),
        user_friendly: attributes.flag(ck::CKA_OTP_USER_FRIENDLY_MODE),
    })
}

/// Checks what a template says of a key's passwords, and starts its counter. CKR_ATTRIBUTE_VALUE_INVALID.
pub(super) fn complete(attributes: &mut Attributes) -> Result<()> {
    let is = |id, allowed: &[ck::CK_ULONG]| attributes.ulong(id).is_none_or(|given| allowed.contains(&given));
    if !is(ck::CKA_OTP_FORMAT, &[ck::CK_OTP_FORMAT_DECIMAL]) {
        return Err(invalid("CKA_OTP_FORMAT: an HOTP is decimal"));
    }
    if !is(ck::CKA_OTP_LENGTH, &[6, 7, 8]) {
        return Err(invalid("CKA_OTP_LENGTH: an HOTP has 6 to 8 digits"));
    }
    let any = [ck::CK_OTP_PARAM_IGNORED, ck::CK_OTP_PARAM_OPTIONAL, ck::CK_OTP_PARAM_MANDATORY];
    if !is(ck::CKA_OTP_COUNTER_REQUIREMENT, &any) {
        return Err(invalid("CKA_OTP_COUNTER_REQUIREMENT is none of ignored, optional and mandatory"));
    }
    for id in [ck::CKA_OTP_CHALLENGE_REQUIREMENT, ck::CKA_OTP_TIME_REQUIREMENT, ck::CKA_OTP_PIN_REQUIREMENT] {
        if !is(id, &[ck::CK_OTP_PARAM_IGNORED]) {
            return Err(invalid("an HOTP is of a counter alone: challenge, time and PIN are ignored"));
        }
    }
    if optional(attributes, ck::CKA_OTP_TIME).is_some() {
        return Err(invalid("CKA_OTP_TIME: an HOTP key has no clock"));
    }
    match optional(attributes, ck::CKA_OTP_COUNTER).map(<[u8]>::len) {
        None => attributes.set(ck::CKA_OTP_COUNTER, &[0; 8]),
        Some(8) => {}
        Some(_) => return Err(invalid("CKA_OTP_COUNTER has 8 bytes, the most significant first")),
    }
    Ok(())
}

/// The counter that an OTP key stands at, and the key as it is after its use. CKR_KEY_HANDLE_INVALID for an object that
/// has none, CKR_KEY_EXHAUSTED at the last one.
pub fn count(attributes: &Attributes) -> Result<(u64, Attributes)> {
    let counter = attributes.bytes(ck::CKA_OTP_COUNTER).and_then(|bytes| bytes.try_into().ok());
    let counter = counter.map(u64::from_be_bytes).filter(|_| attributes.class() == ck::CKO_OTP_KEY);
    let counter = counter.ok_or(ErrorKind::KeyHandleInvalid)?;
    let next = counter.checked_add(1).ok_or_else(|| {
        Error::new(ErrorKind::KeyExhausted, "CKA_OTP_COUNTER is at its end: no counter is used twice")
    })?;
    Ok((counter, attributes.clone().with(ck::CKA_OTP_COUNTER, &next.to_be_bytes())))
}
