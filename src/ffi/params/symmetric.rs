//! The parameters of symmetric ciphers, of their MACs and of derivation by them.

use super::{MAX_DATA, MAX_SMALL, bytes, gcm, invalid, iv, iv_bytes, slice, structure};
use crate::error::Result;
use crate::mechanism::{Iv, Params};
use crate::types::{ck, length};

pub(super) unsafe fn mac_general(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    unsafe { structure::<ck::CK_MAC_GENERAL_PARAMS>(raw) }.map(Params::MacGeneral)
}

pub(super) unsafe fn ccm(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_CCM_PARAMS = unsafe { structure(raw) }?;
    // SAFETY: the caller's promise, for both.
    unsafe {
        Ok(Params::Ccm {
            data_len: p.ulDataLen,
            nonce: iv_bytes(p.pNonce, p.ulNonceLen, 13, "CCM: the nonce is null or longer than 13 bytes")?,
            aad: bytes(p.pAAD, p.ulAADLen, MAX_DATA, "CCM: the AAD is null or too long")?,
            mac_len: p.ulMACLen,
        })
    }
}

/// Tag length of GMAC in bits where the parameter is an IV only.
const WHOLE_TAG: ck::CK_ULONG = 128;
/// IV of GMAC as PKCS#11 v2.40 had it.
const PLAIN_IV: usize = 12;

pub(super) unsafe fn gmac(raw: &ck::CK_MECHANISM) -> Result<Params> {
    if length(raw.ulParameterLen) != PLAIN_IV {
        // SAFETY: the caller's promise.
        return unsafe { gcm(raw) };
    }
    // SAFETY: the caller's promise.
    match unsafe { iv(raw, PLAIN_IV) }? {
        Params::Iv(iv) => Ok(Params::Gcm { iv, aad: Vec::new(), tag_bits: WHOLE_TAG }),
        other => Ok(other),
    }
}

pub(super) unsafe fn aes_cbc_data(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_AES_CBC_ENCRYPT_DATA_PARAMS = unsafe { structure(raw) }?;
    // SAFETY: the caller's promise.
    unsafe { cbc_data(&p.iv, p.pData, p.length) }
}

pub(super) unsafe fn des_cbc_data(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_DES_CBC_ENCRYPT_DATA_PARAMS = unsafe { structure(raw) }?;
    // SAFETY: the caller's promise.
    unsafe { cbc_data(&p.iv, p.pData, p.length) }
}

unsafe fn cbc_data(iv: &[u8], data: *const u8, len: ck::CK_ULONG) -> Result<Params> {
    // SAFETY: the caller's promise.
    let data = unsafe { bytes(data, len, MAX_SMALL, "the data is null or too long") }?;
    Ok(Params::CbcData { iv: Iv::from_slice(iv), data })
}

pub(super) unsafe fn chacha20(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_CHACHA20_PARAMS = unsafe { structure(raw) }?;
    let counter_len: ck::CK_ULONG = match p.blockCounterBits {
        32 => 4,
        64 => 8,
        _ => return Err(invalid("ChaCha20: the block counter has 32 or 64 bits")),
    };
    let nonce_len: ck::CK_ULONG = match p.ulNonceBits {
        64 => 8,
        96 => 12,
        192 => 24,
        _ => return Err(invalid("ChaCha20: the nonce has 64, 96 or 192 bits")),
    };
    // SAFETY: the caller's promise.
    let block = unsafe { slice(p.pBlockCounter, counter_len, 8, "ChaCha20: the block counter is null") }?;
    let mut counter = [0; 8];
    counter.iter_mut().zip(block).for_each(|(to, from)| *to = *from);
    // SAFETY: the caller's promise.
    let nonce = unsafe { iv_bytes(p.pNonce, nonce_len, 24, "ChaCha20: the nonce is null") }?;
    // Lowest byte first, as it lies in the cipher's state.
    Ok(Params::ChaCha20 { counter: u64::from_le_bytes(counter), counter_bits: p.blockCounterBits, nonce })
}

/// The bytes of a nonce of ChaCha20-Poly1305. CKR_MECHANISM_PARAM_INVALID.
pub(super) fn poly1305_nonce(len: ck::CK_ULONG) -> Result<ck::CK_ULONG> {
    match len {
        // In bits, as the specification has it.
        96 => Ok(12),
        192 => Ok(24),
        // In bytes, as NSS and its callers have it: no nonce is that short in bits.
        len @ (12 | 24) => Ok(len),
        _ => Err(invalid("ChaCha20-Poly1305: the nonce has 96 or 192 bits")),
    }
}

pub(super) unsafe fn chacha20_poly1305(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_SALSA20_CHACHA20_POLY1305_PARAMS = unsafe { structure(raw) }?;
    let nonce_len = poly1305_nonce(p.ulNonceLen)?;
    // SAFETY: the caller's promise, for both.
    unsafe {
        Ok(Params::ChaCha20Poly1305 {
            nonce: iv_bytes(p.pNonce, nonce_len, 24, "ChaCha20-Poly1305: the nonce is null")?,
            aad: bytes(p.pAAD, p.ulAADLen, MAX_DATA, "ChaCha20-Poly1305: the AAD is null or too long")?,
        })
    }
}
