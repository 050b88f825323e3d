//! `CK_OTP_PARAMS` (PKCS#11 v3.2, "OTP").

use super::{invalid, slice, structure};
use crate::error::Result;
use crate::mechanism::{OtpParams, Params};
use crate::types::{ck, length};

/// There are eight types of parameter.
const MAX_PARAMS: usize = 8;
/// PINs and challenges, which nobody reads, may be this long.
const MAX_VALUE: usize = 1 << 16;

/// Reads the parameters that mechanisms here look at; a PIN, a challenge and a time are let pass, since
/// CKA_OTP_X_REQUIREMENT of every key says that they are ignored.
pub(super) unsafe fn otp(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let list: ck::CK_OTP_PARAMS = unsafe { structure(raw) }?;
    let count = length(list.ulCount);
    if count > MAX_PARAMS || (count > 0 && list.pParams.is_null()) {
        return Err(invalid("OTP: the list of parameters is null or too long"));
    }
    let mut params = OtpParams::default();
    for at in 0..count {
        // SAFETY: the caller vouches for `ulCount` parameters, and `at` is below it; their alignment is not relied on.
        let param = unsafe { list.pParams.add(at).read_unaligned() };
        let why = "OTP: the value of a parameter is null or too long";
        // SAFETY: the caller vouches for the value's bytes.
        let value = unsafe { slice(param.pValue.cast::<u8>(), param.ulValueLen, MAX_VALUE, why) }?;
        match param.type_ {
            ck::CK_OTP_COUNTER => params.counter = Some(counter(value)?),
            ck::CK_OTP_FLAGS => params.flags = number(value)?,
            ck::CK_OTP_OUTPUT_LENGTH => params.length = Some(number(value)?),
            ck::CK_OTP_OUTPUT_FORMAT => params.format = Some(number(value)?),
            ck::CK_OTP_PIN | ck::CK_OTP_CHALLENGE | ck::CK_OTP_TIME => {}
            _ => {
                return Err(invalid(
                    "OTP: a parameter of another type than C_SignInit and C_VerifyInit take",
                ));
            }
        }
    }
    Ok(Params::Otp(params))
}

fn counter(value: &[u8]) -> Result<u64> {
    let bytes = value.try_into().map_err(|_| invalid("OTP: CK_OTP_COUNTER has 8 bytes"))?;
    Ok(u64::from_be_bytes(bytes))
}

fn number(value: &[u8]) -> Result<ck::CK_ULONG> {
    let bytes = value.try_into().map_err(|_| invalid("OTP: flags, length and format are a CK_ULONG each"))?;
    Ok(ck::CK_ULONG::from_ne_bytes(bytes))
}
