//! `CK_MECHANISM` and the parameter structures, read by the kind that the mechanism's row names.

mod kdf;
pub(super) mod message;
mod otp;
mod symmetric;
mod vendor;
mod wrap;

use super::memory;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::{self, Iv, Mechanism, ParamKind, Params};
use crate::types::{ck, length};

fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::MechanismParamInvalid, why)
}

/// The mechanism behind a pointer. CKR_ARGUMENTS_BAD for null, CKR_MECHANISM_INVALID for one that has no row,
/// CKR_MECHANISM_PARAM_INVALID for a parameter of the wrong shape.
///
/// # Safety
/// `pointer` is null or leads to a mechanism whose parameter has the length it says, and what that points to in turn.
pub(super) unsafe fn mechanism(pointer: *const ck::CK_MECHANISM) -> Result<Mechanism> {
    // SAFETY: the caller's promise.
    match unsafe { optional_mechanism(pointer) }? {
        Some(mechanism) => Ok(mechanism),
        None => Err(Error::new(ErrorKind::ArgumentsBad, "no mechanism")),
    }
}

/// The same where null is allowed: an `*Init` that ends the active operation (PKCS#11 v3.0 and later).
///
/// # Safety
/// As [`mechanism`].
pub(super) unsafe fn optional_mechanism(pointer: *const ck::CK_MECHANISM) -> Result<Option<Mechanism>> {
    if pointer.is_null() {
        return Ok(None);
    }
    memory::check_target(pointer)?;
    // SAFETY: not null and aligned; the caller vouches for the memory.
    let raw = unsafe { pointer.read() };
    let row = mechanism::descriptor(raw.mechanism).ok_or_else(|| {
        Error::new(ErrorKind::MechanismInvalid, format!("mechanism {:#x} is not here", raw.mechanism))
    })?;
    // SAFETY: the caller's promise.
    let params = unsafe { params(row.param, &raw) }?;
    Ok(Some(Mechanism { kind: raw.mechanism, params }))
}

unsafe fn params(kind: ParamKind, raw: &ck::CK_MECHANISM) -> Result<Params> {
    let absent = raw.pParameter.is_null() || raw.ulParameterLen == 0;
    // SAFETY: throughout, the caller of `mechanism` vouches for the parameter and for what it points to.
    unsafe {
        match kind {
            ParamKind::None if absent => Ok(Params::None),
            ParamKind::None => Err(invalid("this mechanism takes no parameter")),
            ParamKind::OptionalIv(_) | ParamKind::Eddsa | ParamKind::SignContext | ParamKind::Bip32Master
                if absent =>
            {
                Ok(Params::None)
            }
            ParamKind::Iv(len) | ParamKind::OptionalIv(len) => iv(raw, len),
            ParamKind::Ctr => ctr(raw),
            ParamKind::Gcm => gcm(raw),
            ParamKind::Pss => pss(raw),
            ParamKind::Oaep => oaep(raw),
            ParamKind::Ecdh => ecdh(raw),
            ParamKind::Eddsa => eddsa(raw),
            ParamKind::SignContext => sign_context(raw),
            ParamKind::HashSignContext => hash_sign_context(raw),
            ParamKind::Bip32Master => vendor::bip32_master(raw),
            ParamKind::Bip32Child => vendor::bip32_child(raw),
            ParamKind::Kdf(kind) => kdf::read(kind, raw).map(|kdf| Params::Kdf(Box::new(kdf))),
            ParamKind::PublicValue => wrap::public_value(raw),
            ParamKind::RsaAesWrap => wrap::rsa_aes_wrap(raw),
            ParamKind::EcdhAesWrap => wrap::ecdh_aes_wrap(raw),
            ParamKind::MacGeneral => symmetric::mac_general(raw),
            ParamKind::Ccm => symmetric::ccm(raw),
            ParamKind::Gmac => symmetric::gmac(raw),
            ParamKind::AesCbcData => symmetric::aes_cbc_data(raw),
            ParamKind::DesCbcData => symmetric::des_cbc_data(raw),
            ParamKind::ChaCha20 => symmetric::chacha20(raw),
            ParamKind::ChaCha20Poly1305 => symmetric::chacha20_poly1305(raw),
            ParamKind::Otp if absent => Ok(Params::None),
            ParamKind::Otp => otp::otp(raw),
        }
    }
}

/// A parameter structure, whatever its alignment: `pParameter` is a `void *`, and bindings pack their own buffers.
unsafe fn structure<T: Copy>(raw: &ck::CK_MECHANISM) -> Result<T> {
    if raw.pParameter.is_null() || length(raw.ulParameterLen) != size_of::<T>() {
        return Err(invalid("the parameter structure has the wrong length"));
    }
    // SAFETY: the caller vouches for `ulParameterLen` readable bytes, which are a whole `T` of plain C data.
    Ok(unsafe { raw.pParameter.cast::<T>().read_unaligned() })
}

/// Bytes that a parameter structure points to. At most `limit`, so that a stray length allocates nothing.
unsafe fn slice<'a>(
    pointer: *const u8,
    len: ck::CK_ULONG,
    limit: usize,
    what: &'static str,
) -> Result<&'a [u8]> {
    if length(len) > limit {
        return Err(invalid(what));
    }
    // SAFETY: the caller's promise.
    unsafe { memory::input(pointer, len) }.map_err(|_| invalid(what))
}

/// The same, copied.
unsafe fn bytes(pointer: *const u8, len: ck::CK_ULONG, limit: usize, what: &'static str) -> Result<Vec<u8>> {
    // SAFETY: the caller's promise.
    let data = unsafe { slice(pointer, len, limit, what) }?;
    let mut copy = Vec::new();
    copy.try_reserve_exact(data.len()).map_err(|_| ErrorKind::HostMemory)?;
    copy.extend_from_slice(data);
    Ok(copy)
}

/// The same for an IV.
unsafe fn iv_bytes(pointer: *const u8, len: ck::CK_ULONG, limit: usize, what: &'static str) -> Result<Iv> {
    // SAFETY: the caller's promise.
    let data = unsafe { slice(pointer, len, limit, what) }?;
    let mut copy = Iv::new();
    copy.try_reserve_exact(data.len()).map_err(|_| ErrorKind::HostMemory)?;
    copy.extend_from_slice(data);
    Ok(copy)
}

/// AAD and labels beyond this are no use of PKCS#11, but a stray length.
const MAX_DATA: usize = 1 << 30;
/// IVs, contexts, public values and shared data are small.
const MAX_SMALL: usize = 1 << 20;

unsafe fn iv(raw: &ck::CK_MECHANISM, len: usize) -> Result<Params> {
    if length(raw.ulParameterLen) != len {
        return Err(invalid("the IV has the wrong length"));
    }
    // SAFETY: the caller's promise.
    unsafe { iv_bytes(raw.pParameter.cast(), raw.ulParameterLen, len, "the IV is not readable") }
        .map(Params::Iv)
}

unsafe fn ctr(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_AES_CTR_PARAMS = unsafe { structure(raw) }?;
    Ok(Params::Ctr { counter_bits: p.ulCounterBits, block: p.cb })
}

/// `CK_GCM_PARAMS` as PKCS#11 before 2.40 had it, without `ulIvBits`; Java and older headers still send it.
#[repr(C)]
#[derive(Clone, Copy)]
struct OldGcmParams {
    iv: *mut u8,
    iv_len: ck::CK_ULONG,
    aad: *mut u8,
    aad_len: ck::CK_ULONG,
    tag_bits: ck::CK_ULONG,
}

unsafe fn gcm(raw: &ck::CK_MECHANISM) -> Result<Params> {
    let p = if length(raw.ulParameterLen) == size_of::<OldGcmParams>() {
        // SAFETY: the caller's promise.
        unsafe { structure::<OldGcmParams>(raw) }?
    } else {
        // SAFETY: the caller's promise.
        let p: ck::CK_GCM_PARAMS = unsafe { structure(raw) }?;
        OldGcmParams { iv: p.pIv, iv_len: p.ulIvLen, aad: p.pAAD, aad_len: p.ulAADLen, tag_bits: p.ulTagBits }
    };
    // SAFETY: the caller's promise, for both.
    unsafe {
        Ok(Params::Gcm {
            iv: iv_bytes(p.iv, p.iv_len, MAX_SMALL, "the IV is null or too long")?,
            aad: bytes(p.aad, p.aad_len, MAX_DATA, "the AAD is null or too long")?,
            tag_bits: p.tag_bits,
        })
    }
}

unsafe fn pss(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_RSA_PKCS_PSS_PARAMS = unsafe { structure(raw) }?;
    Ok(Params::Pss { hash: p.hashAlg, mgf: p.mgf, salt_len: p.sLen })
}

unsafe fn oaep(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_RSA_PKCS_OAEP_PARAMS = unsafe { structure(raw) }?;
    let labelled = match p.source {
        ck::CKZ_DATA_SPECIFIED => true,
        // Some clients leave the source at 0 where they give no label.
        0 if p.ulSourceDataLen == 0 => false,
        _ => return Err(invalid("OAEP: the label's source must be CKZ_DATA_SPECIFIED")),
    };
    let len = if labelled { p.ulSourceDataLen } else { 0 };
    // SAFETY: the caller's promise.
    let label = unsafe { bytes(p.pSourceData.cast(), len, MAX_DATA, "OAEP: the label is null or too long") }?;
    Ok(Params::Oaep { hash: p.hashAlg, mgf: p.mgf, label })
}

unsafe fn ecdh(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_ECDH1_DERIVE_PARAMS = unsafe { structure(raw) }?;
    // SAFETY: the caller's promise, for both.
    unsafe {
        Ok(Params::Ecdh {
            kdf: p.kdf,
            shared: bytes(
                p.pSharedData,
                p.ulSharedDataLen,
                MAX_SMALL,
                "ECDH: the shared data is null or too long",
            )?,
            public: bytes(
                p.pPublicData,
                p.ulPublicDataLen,
                MAX_SMALL,
                "ECDH: the public data is null or too long",
            )?,
        })
    }
}

unsafe fn eddsa(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_EDDSA_PARAMS = unsafe { structure(raw) }?;
    // SAFETY: the caller's promise.
    let context = unsafe {
        bytes(p.pContextData, p.ulContextDataLen, 255, "EdDSA: the context is null or over 255 bytes")
    }?;
    Ok(Params::Eddsa { prehash: p.phFlag != 0, context })
}

unsafe fn sign_context(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_SIGN_ADDITIONAL_CONTEXT = unsafe { structure(raw) }?;
    // SAFETY: the caller's promise.
    let context = unsafe { bytes(p.pContext, p.ulContextLen, 255, "the context is null or over 255 bytes") }?;
    Ok(Params::SignContext { hedge: p.hedgeVariant, context })
}

unsafe fn hash_sign_context(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_HASH_SIGN_ADDITIONAL_CONTEXT = unsafe { structure(raw) }?;
    // SAFETY: the caller's promise.
    let context = unsafe { bytes(p.pContext, p.ulContextLen, 255, "the context is null or over 255 bytes") }?;
    Ok(Params::HashSignContext { hedge: p.hedgeVariant, context, hash: p.hash })
}

/// Writes what a mechanism's parameter asked to get back, once the call is done.
///
/// # Safety
/// `pointer` is the mechanism that `mechanism` was read from, in the same call.
pub(super) unsafe fn write_back(pointer: *mut ck::CK_MECHANISM, mechanism: &Mechanism) -> Result<()> {
    if let Params::Kdf(params) = &mechanism.params {
        // SAFETY: the caller's promise.
        return unsafe { kdf::write_back(pointer, params) };
    }
    // SAFETY: the caller's promise.
    unsafe { vendor::write_back(pointer, &mechanism.params) }
}

/// After a call that failed: marks the template inside the parameter that was to blame, if one was.
///
/// # Safety
/// As [`write_back`].
pub(super) unsafe fn write_offender(pointer: *mut ck::CK_MECHANISM, mechanism: &Mechanism) {
    if let Params::Kdf(params) = &mechanism.params {
        // SAFETY: the caller's promise.
        unsafe { kdf::write_offender(pointer, params) };
    }
}
