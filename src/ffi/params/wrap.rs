//! The parameters of Diffie-Hellman in prime fields, and of wrapping under a key made for one use.

use super::{MAX_SMALL, bytes, invalid, oaep, structure};
use crate::error::Result;
use crate::mechanism::Params;
use crate::types::{ck, ulong};

/// CKM_DH_PKCS_DERIVE: the other party's public value.
///
/// # Safety
/// As `super::mechanism`.
pub(super) unsafe fn public_value(raw: &ck::CK_MECHANISM) -> Result<Params> {
    const WHY: &str = "the other party's public value is missing or too long";
    if raw.ulParameterLen == 0 {
        return Err(invalid(WHY));
    }
    // SAFETY: the caller's promise.
    unsafe { bytes(raw.pParameter.cast(), raw.ulParameterLen, MAX_SMALL, WHY) }.map(Params::PublicValue)
}

/// `CK_RSA_AES_KEY_WRAP_PARAMS`, with the OAEP parameters that it points to.
///
/// # Safety
/// As `super::mechanism`.
pub(super) unsafe fn rsa_aes_wrap(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_RSA_AES_KEY_WRAP_PARAMS = unsafe { structure(raw) }?;
    if p.pOAEPParams.is_null() {
        return Err(invalid("pOAEPParams is null"));
    }
    let inner = ck::CK_MECHANISM {
        mechanism: ck::CKM_RSA_PKCS_OAEP,
        pParameter: p.pOAEPParams.cast(),
        ulParameterLen: ulong(size_of::<ck::CK_RSA_PKCS_OAEP_PARAMS>()),
    };
    // SAFETY: the caller vouches for the structure behind a pointer of its type.
    let oaep = unsafe { oaep(&inner) }?;
    Ok(Params::RsaAesWrap { aes_bits: p.ulAESKeyBits, oaep: Box::new(oaep) })
}

/// `CK_ECDH_AES_KEY_WRAP_PARAMS`.
///
/// # Safety
/// As `super::mechanism`.
pub(super) unsafe fn ecdh_aes_wrap(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_ECDH_AES_KEY_WRAP_PARAMS = unsafe { structure(raw) }?;
    // SAFETY: the caller's promise.
    let shared = unsafe {
        bytes(p.pSharedData, p.ulSharedDataLen, MAX_SMALL, "ECDH: the shared data is null or too long")
    }?;
    Ok(Params::EcdhAesWrap { aes_bits: p.ulAESKeyBits, kdf: p.kdf, shared })
}
