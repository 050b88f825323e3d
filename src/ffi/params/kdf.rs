//! The parameters of key derivation functions, read from the caller's memory and answered there.
//!
//! Every structure is read again when it is answered: nothing holds on to a pointer between the two.

use super::super::{memory, templates};
use super::{MAX_SMALL, bytes, invalid, slice, structure, vendor};
use crate::error::{ErrorKind, Result};
use crate::mechanism::params::{
    AdditionalKey, Hkdf, Ike1Extended, Ike1Prf, Ike2PrfPlus, IkePrf, Kdf, KdfKind, NumberFormat, Pbkdf2,
    Randoms, Reply, Salt, Segment, Sp800108, TlsExtendedMaster, TlsKdf, TlsKeyMaterial, TlsMac, TlsMaster,
};
use crate::types::{SecretBytes, ck, length};

/// More segments of a PRF's input than any protocol has.
const MAX_SEGMENTS: usize = 256;
/// Bytes of all segments together: they go into the PRF again for every block of output.
const MAX_SEGMENT_BYTES: usize = 64 << 10;
/// More keys than one derivation is asked for.
const MAX_KEYS: usize = 64;
/// A longer password is a stray length, or a pointer to a length.
pub(super) const MAX_PASSWORD: usize = 64 << 10;

/// The structure of this kind.
///
/// # Safety
/// As `params::mechanism`.
pub(super) unsafe fn read(kind: KdfKind, raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    // SAFETY: throughout, the caller of `params::mechanism` vouches for the parameter and for what it points to.
    unsafe {
        match kind {
            KdfKind::KeyHandle => structure(raw).map(Kdf::KeyHandle),
            KdfKind::StringData => string_data(raw),
            KdfKind::ExtractBit => structure(raw).map(Kdf::ExtractBit),
            KdfKind::Hkdf => hkdf(raw),
            KdfKind::Pbkdf2 => pbkdf2(raw),
            KdfKind::Sp800108 => sp800_108(raw),
            KdfKind::Sp800108Feedback => sp800_108_feedback(raw),
            KdfKind::TlsVersion => {
                structure(raw).map(|p: ck::CK_VERSION| Kdf::TlsVersion([p.major, p.minor]))
            }
            KdfKind::TlsMaster => tls_master(raw),
            KdfKind::TlsExtendedMaster => tls_extended_master(raw),
            KdfKind::TlsKeyMaterial => tls_key_material(raw),
            KdfKind::TlsKdf => tls_kdf(raw),
            KdfKind::TlsMac => tls_mac(raw),
            KdfKind::IkePrf => ike_prf(raw),
            KdfKind::Ike1Prf => ike1_prf(raw),
            KdfKind::Ike1Extended => ike1_extended(raw),
            KdfKind::Ike2PrfPlus => ike2_prf_plus(raw),
            KdfKind::Argon2id => vendor::argon2id(raw),
            KdfKind::Bip39Seed => vendor::bip39_seed(raw),
        }
    }
}

/// Bytes that may be a secret.
pub(super) unsafe fn secret(
    pointer: *const u8,
    len: ck::CK_ULONG,
    limit: usize,
    what: &'static str,
) -> Result<SecretBytes> {
    // SAFETY: the caller's promise.
    let data = unsafe { slice(pointer, len, limit, what) }?;
    SecretBytes::copied(data).map_err(|_| ErrorKind::HostMemory.into())
}

unsafe fn string_data(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    // SAFETY: the caller's promise, here and below.
    let p: ck::CK_KEY_DERIVATION_STRING_DATA = unsafe { structure(raw) }?;
    // SAFETY: as above.
    unsafe { secret(p.pData, p.ulLen, MAX_SMALL, "the data is null or too long") }.map(Kdf::StringData)
}

unsafe fn hkdf(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    // SAFETY: the caller's promise, here and below.
    let p: ck::CK_HKDF_PARAMS = unsafe { structure(raw) }?;
    let (extract, expand) = (p.bExtract != ck::CK_FALSE, p.bExpand != ck::CK_FALSE);
    let salt = match p.ulSaltType {
        // What is not extracted is not salted, whatever the fields say.
        _ if !extract => Salt::Null,
        ck::CKF_HKDF_SALT_NULL => Salt::Null,
        ck::CKF_HKDF_SALT_DATA => Salt::Data(
            // SAFETY: as above.
            unsafe { bytes(p.pSalt, p.ulSaltLen, MAX_SMALL, "HKDF: the salt is null or too long") }?,
        ),
        ck::CKF_HKDF_SALT_KEY => Salt::Key(p.hSaltKey),
        _ => return Err(invalid("HKDF: ulSaltType is none of the three")),
    };
    let info_len = if expand { p.ulInfoLen } else { 0 };
    // SAFETY: as above.
    let info = unsafe { bytes(p.pInfo, info_len, MAX_SMALL, "HKDF: the info is null or too long") }?;
    Ok(Kdf::Hkdf(Hkdf { extract, expand, hash: p.prfHashMechanism, salt, info }))
}

unsafe fn pbkdf2(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    // SAFETY: the caller's promise, here and below.
    let p: ck::CK_PKCS5_PBKD2_PARAMS2 = unsafe { structure(raw) }?;
    if p.saltSource != ck::CKZ_SALT_SPECIFIED {
        return Err(invalid("PBKDF2: the salt's source must be CKZ_SALT_SPECIFIED"));
    }
    if p.ulPrfDataLen != 0 {
        return Err(invalid("PBKDF2: the pseudo-random function takes no data of its own"));
    }
    let salt = p.pSaltSourceData.cast();
    // In CK_PKCS5_PBKD2_PARAMS, which NSS sends and which has the same size, the length is behind a pointer. No password
    // is as long as an address is high.
    let password_len = match length(p.ulPasswordLen) > MAX_PASSWORD {
        true => memory::peek(p.ulPasswordLen).unwrap_or(p.ulPasswordLen),
        false => p.ulPasswordLen,
    };
    // SAFETY: as above, for both.
    unsafe {
        Ok(Kdf::Pbkdf2(Pbkdf2 {
            salt: bytes(salt, p.ulSaltSourceDataLen, MAX_SMALL, "PBKDF2: the salt is null or too long")?,
            iterations: p.iterations,
            prf: p.prf,
            password: secret(
                p.pPassword,
                password_len,
                MAX_PASSWORD,
                "PBKDF2: the password is null or over 64 KiB",
            )?,
        }))
    }
}

unsafe fn sp800_108(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    // SAFETY: the caller's promise, here and below.
    let p: ck::CK_SP800_108_KDF_PARAMS = unsafe { structure(raw) }?;
    // SAFETY: as above.
    unsafe {
        Ok(Kdf::Sp800108(Sp800108 {
            prf: p.prfType,
            segments: segments(p.pDataParams, p.ulNumberOfDataParams)?,
            iv: Vec::new(),
            additional: additional_keys(p.pAdditionalDerivedKeys, p.ulAdditionalDerivedKeys)?,
        }))
    }
}

unsafe fn sp800_108_feedback(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    // SAFETY: the caller's promise, here and below.
    let p: ck::CK_SP800_108_FEEDBACK_KDF_PARAMS = unsafe { structure(raw) }?;
    // SAFETY: as above.
    unsafe {
        Ok(Kdf::Sp800108(Sp800108 {
            prf: p.prfType,
            segments: segments(p.pDataParams, p.ulNumberOfDataParams)?,
            iv: bytes(p.pIV, p.ulIVLen, MAX_SEGMENT_BYTES, "SP 800-108: the IV is null or over 64 KiB")?,
            additional: additional_keys(p.pAdditionalDerivedKeys, p.ulAdditionalDerivedKeys)?,
        }))
    }
}

/// An array of at most `limit` elements.
unsafe fn array<'a, T: Copy>(
    first: *const T,
    count: ck::CK_ULONG,
    limit: usize,
    what: &'static str,
) -> Result<&'a [T]> {
    if length(count) > limit {
        return Err(invalid(what));
    }
    // SAFETY: the caller's promise.
    unsafe { memory::input_array(first, count) }.map_err(|_| invalid(what))
}

unsafe fn segments(first: *const ck::CK_PRF_DATA_PARAM, count: ck::CK_ULONG) -> Result<Vec<Segment>> {
    const WHAT: &str = "SP 800-108: the data parameters are null or too many";
    // SAFETY: the caller's promise, here and below.
    let segments = unsafe { array(first, count, MAX_SEGMENTS, WHAT) }?;
    let mut left = MAX_SEGMENT_BYTES;
    // SAFETY: as above.
    segments.iter().map(|segment| unsafe { self::segment(segment, &mut left) }).collect()
}

unsafe fn segment(segment: &ck::CK_PRF_DATA_PARAM, left: &mut usize) -> Result<Segment> {
    const BYTES: &str = "SP 800-108: a byte array is null, or all are over 64 KiB together";
    // SAFETY: the caller's promise, here and below.
    unsafe {
        match segment.type_ {
            ck::CK_SP800_108_ITERATION_VARIABLE if segment.pValue.is_null() && segment.ulValueLen == 0 => {
                Ok(Segment::Iteration(None))
            }
            ck::CK_SP800_108_ITERATION_VARIABLE => {
                counter(segment).map(|format| Segment::Iteration(Some(format)))
            }
            ck::CK_SP800_108_COUNTER => counter(segment).map(Segment::Counter),
            ck::CK_SP800_108_DKM_LENGTH => {
                let p: ck::CK_SP800_108_DKM_LENGTH_FORMAT = value(segment)?;
                let format =
                    NumberFormat { little_endian: p.bLittleEndian != ck::CK_FALSE, bits: p.ulWidthInBits };
                Ok(Segment::Length { method: p.dkmLengthMethod, format })
            }
            ck::CK_SP800_108_BYTE_ARRAY => {
                let data = bytes(segment.pValue.cast(), segment.ulValueLen, *left, BYTES)?;
                *left -= data.len();
                Ok(Segment::Bytes(data))
            }
            ck::CK_SP800_108_KEY_HANDLE => value(segment).map(Segment::Key),
            _ => Err(invalid("SP 800-108: a data parameter of an unknown type")),
        }
    }
}

unsafe fn counter(segment: &ck::CK_PRF_DATA_PARAM) -> Result<NumberFormat> {
    // SAFETY: the caller's promise.
    let p: ck::CK_SP800_108_COUNTER_FORMAT = unsafe { value(segment) }?;
    Ok(NumberFormat { little_endian: p.bLittleEndian != ck::CK_FALSE, bits: p.ulWidthInBits })
}

/// What a segment's `pValue` points to, whatever its alignment.
unsafe fn value<T: Copy>(segment: &ck::CK_PRF_DATA_PARAM) -> Result<T> {
    if segment.pValue.is_null() || length(segment.ulValueLen) != size_of::<T>() {
        return Err(invalid("SP 800-108: a data parameter's value has the wrong length"));
    }
    // SAFETY: the caller vouches for `ulValueLen` readable bytes, which are a whole `T` of plain C data.
    Ok(unsafe { segment.pValue.cast::<T>().read_unaligned() })
}

unsafe fn additional_keys(
    first: *const ck::CK_DERIVED_KEY,
    count: ck::CK_ULONG,
) -> Result<Vec<AdditionalKey>> {
    const WHAT: &str = "SP 800-108: the additional keys are null or too many";
    // SAFETY: the caller's promise, here and below.
    let keys = unsafe { array(first, count, MAX_KEYS, WHAT) }?;
    let read = |key: &ck::CK_DERIVED_KEY| {
        memory::check_target(key.phKey).map_err(|_| invalid("SP 800-108: no place for a key's handle"))?;
        // SAFETY: as above.
        let template = unsafe { templates::template(key.pTemplate, key.ulAttributeCount) }?;
        Ok(AdditionalKey { template, handle: Reply::default() })
    };
    keys.iter().map(read).collect()
}

unsafe fn randoms(p: &ck::CK_SSL3_RANDOM_DATA) -> Result<Randoms> {
    const WHAT: &str = "TLS: a random value is null or too long";
    // SAFETY: the caller's promise, for both.
    unsafe {
        Ok(Randoms {
            client: bytes(p.pClientRandom, p.ulClientRandomLen, MAX_SMALL, WHAT)?,
            server: bytes(p.pServerRandom, p.ulServerRandomLen, MAX_SMALL, WHAT)?,
        })
    }
}

fn version(place: *const ck::CK_VERSION) -> Option<Reply<[u8; 2]>> {
    (!place.is_null()).then(Reply::default)
}

unsafe fn tls_master(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    // SAFETY: the caller's promise, here and below.
    let p: ck::CK_TLS12_MASTER_KEY_DERIVE_PARAMS = unsafe { structure(raw) }?;
    Ok(Kdf::TlsMaster(TlsMaster {
        hash: p.prfHashMechanism,
        // SAFETY: as above.
        randoms: unsafe { randoms(&p.RandomInfo) }?,
        version: version(p.pVersion),
    }))
}

unsafe fn tls_extended_master(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    const WHAT: &str = "TLS: the session hash is null or too long";
    // SAFETY: the caller's promise, here and below.
    let p: ck::CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS = unsafe { structure(raw) }?;
    Ok(Kdf::TlsExtendedMaster(TlsExtendedMaster {
        hash: p.prfHashMechanism,
        // SAFETY: as above.
        session_hash: unsafe { bytes(p.pSessionHash, p.ulSessionHashLen, MAX_SMALL, WHAT) }?,
        version: version(p.pVersion),
    }))
}

unsafe fn tls_key_material(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    // SAFETY: the caller's promise, here and below.
    let p: ck::CK_TLS12_KEY_MAT_PARAMS = unsafe { structure(raw) }?;
    if p.pReturnedKeyMaterial.is_null() {
        return Err(invalid("TLS: pReturnedKeyMaterial is null"));
    }
    // SAFETY: as above; not null, whatever its alignment.
    let out = unsafe { p.pReturnedKeyMaterial.read_unaligned() };
    // CKM_TLS12_KEY_SAFE_DERIVE makes no IV, whatever the structure says of its length.
    let iv = raw.mechanism != ck::CKM_TLS12_KEY_SAFE_DERIVE && p.ulIVSizeInBits != 0;
    if iv && (out.pIVClient.is_null() || out.pIVServer.is_null()) {
        return Err(invalid("TLS: no place for the IVs"));
    }
    Ok(Kdf::TlsKeyMaterial(TlsKeyMaterial {
        hash: p.prfHashMechanism,
        mac_bits: p.ulMacSizeInBits,
        key_bits: p.ulKeySizeInBits,
        iv_bits: if iv { p.ulIVSizeInBits } else { 0 },
        export: p.bIsExport != ck::CK_FALSE,
        // SAFETY: as above.
        randoms: unsafe { randoms(&p.RandomInfo) }?,
        macs: Default::default(),
        keys: Default::default(),
        ivs: Default::default(),
    }))
}

unsafe fn tls_kdf(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    // SAFETY: the caller's promise, here and below.
    let p: ck::CK_TLS_KDF_PARAMS = unsafe { structure(raw) }?;
    // SAFETY: as above.
    unsafe {
        let context =
            bytes(p.pContextData, p.ulContextDataLength, MAX_SMALL, "TLS: the context is null or too long")?;
        Ok(Kdf::TlsKdf(TlsKdf {
            prf: p.prfMechanism,
            label: bytes(p.pLabel, p.ulLabelLength, MAX_SMALL, "TLS: the label is null or too long")?,
            randoms: randoms(&p.RandomInfo)?,
            context: (!p.pContextData.is_null()).then_some(context),
        }))
    }
}

unsafe fn tls_mac(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    // SAFETY: the caller's promise.
    let p: ck::CK_TLS_MAC_PARAMS = unsafe { structure(raw) }?;
    Ok(Kdf::TlsMac(TlsMac { prf: p.prfHashMechanism, len: p.ulMacLength, side: p.ulServerOrClient }))
}

unsafe fn ike_prf(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    const WHAT: &str = "IKE: a nonce is null or too long";
    // SAFETY: the caller's promise, here and below.
    let p: ck::CK_IKE_PRF_DERIVE_PARAMS = unsafe { structure(raw) }?;
    let (data_as_key, rekey) = (p.bDataAsKey != ck::CK_FALSE, p.bRekey != ck::CK_FALSE);
    if data_as_key && rekey {
        let why = "IKE: bDataAsKey and bRekey exclude each other";
        return Err(crate::error::Error::new(ErrorKind::ArgumentsBad, why));
    }
    // SAFETY: as above.
    let nonces =
        unsafe { [bytes(p.pNi, p.ulNiLen, MAX_SMALL, WHAT)?, bytes(p.pNr, p.ulNrLen, MAX_SMALL, WHAT)?] };
    let new_key = rekey.then_some(p.hNewKey);
    Ok(Kdf::IkePrf(IkePrf { prf: p.prfMechanism, data_as_key, nonces, new_key }))
}

unsafe fn ike1_prf(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    const WHAT: &str = "IKE: a cookie is null or too long";
    // SAFETY: the caller's promise, here and below.
    let p: ck::CK_IKE1_PRF_DERIVE_PARAMS = unsafe { structure(raw) }?;
    Ok(Kdf::Ike1Prf(Ike1Prf {
        prf: p.prfMechanism,
        shared: p.hKeygxy,
        previous: (p.bHasPrevKey != ck::CK_FALSE).then_some(p.hPrevKey),
        // SAFETY: as above.
        cookies: unsafe {
            [bytes(p.pCKYi, p.ulCKYiLen, MAX_SMALL, WHAT)?, bytes(p.pCKYr, p.ulCKYrLen, MAX_SMALL, WHAT)?]
        },
        number: p.keyNumber,
    }))
}

unsafe fn ike1_extended(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    const WHAT: &str = "IKE: the extra data is null or too long";
    // SAFETY: the caller's promise, here and below.
    let p: ck::CK_IKE1_EXTENDED_DERIVE_PARAMS = unsafe { structure(raw) }?;
    Ok(Kdf::Ike1Extended(Ike1Extended {
        prf: p.prfMechanism,
        shared: (p.bHasKeygxy != ck::CK_FALSE).then_some(p.hKeygxy),
        // SAFETY: as above.
        extra: unsafe { bytes(p.pExtraData, p.ulExtraDataLen, MAX_SMALL, WHAT) }?,
    }))
}

unsafe fn ike2_prf_plus(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    const WHAT: &str = "IKE: the seed is null or too long";
    // SAFETY: the caller's promise, here and below.
    let p: ck::CK_IKE2_PRF_PLUS_DERIVE_PARAMS = unsafe { structure(raw) }?;
    Ok(Kdf::Ike2PrfPlus(Ike2PrfPlus {
        prf: p.prfMechanism,
        seed_key: (p.bHasSeedKey != ck::CK_FALSE).then_some(p.hSeedKey),
        // SAFETY: as above.
        seed: unsafe { bytes(p.pSeedData, p.ulSeedDataLen, MAX_SMALL, WHAT) }?,
    }))
}

/// Writes what a derivation gives back, once its keys are there.
///
/// # Safety
/// As `params::write_back`.
pub(super) unsafe fn write_back(pointer: *mut ck::CK_MECHANISM, params: &Kdf) -> Result<()> {
    // SAFETY: throughout, not null and aligned, or `params` had not been read from it; the caller vouches for what the
    // structures point to, as when they were read.
    unsafe {
        let raw = pointer.read();
        match params {
            Kdf::Sp800108(params) => write_additional(&raw, &params.additional),
            Kdf::TlsMaster(TlsMaster { version: Some(version), .. }) => {
                let p: ck::CK_TLS12_MASTER_KEY_DERIVE_PARAMS = structure(&raw)?;
                write_version(p.pVersion, version)
            }
            Kdf::TlsExtendedMaster(TlsExtendedMaster { version: Some(version), .. }) => {
                let p: ck::CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS = structure(&raw)?;
                write_version(p.pVersion, version)
            }
            Kdf::TlsKeyMaterial(params) => {
                let p: ck::CK_TLS12_KEY_MAT_PARAMS = structure(&raw)?;
                write_key_material(p.pReturnedKeyMaterial, params)
            }
            _ => Ok(()),
        }
    }
}

/// Marks the additional key whose template was to blame for a failure.
///
/// # Safety
/// As `params::write_back`.
pub(super) unsafe fn write_offender(pointer: *mut ck::CK_MECHANISM, params: &Kdf) {
    if let Kdf::Sp800108(params) = params {
        // SAFETY: as `write_back`. The call failed for another reason than a place that can't be written.
        let _ = unsafe { write_additional(&pointer.read(), &params.additional) };
    }
}

/// Writes the handles that are there.
unsafe fn write_additional(raw: &ck::CK_MECHANISM, keys: &[AdditionalKey]) -> Result<()> {
    // SAFETY: the caller's promise, for structure, array and places.
    unsafe {
        let first = if length(raw.ulParameterLen) == size_of::<ck::CK_SP800_108_KDF_PARAMS>() {
            structure::<ck::CK_SP800_108_KDF_PARAMS>(raw)?.pAdditionalDerivedKeys
        } else {
            structure::<ck::CK_SP800_108_FEEDBACK_KDF_PARAMS>(raw)?.pAdditionalDerivedKeys
        };
        for (at, key) in keys.iter().enumerate() {
            if let Some(handle) = key.handle.take() {
                memory::write((*first.add(at)).phKey, handle)?;
            }
        }
    }
    Ok(())
}

unsafe fn write_version(place: *mut ck::CK_VERSION, version: &Reply<[u8; 2]>) -> Result<()> {
    match version.take() {
        // SAFETY: the caller's promise.
        Some([major, minor]) => unsafe { memory::write(place, ck::CK_VERSION { major, minor }) },
        None => Ok(()),
    }
}

unsafe fn write_key_material(place: *mut ck::CK_SSL3_KEY_MAT_OUT, params: &TlsKeyMaterial) -> Result<()> {
    let handle = |reply: &Reply<_>| reply.take().unwrap_or(ck::CK_INVALID_HANDLE);
    // SAFETY: the caller's promise: it is not null, or it had not been read.
    let mut out = unsafe { place.read_unaligned() };
    for (target, iv) in [out.pIVClient, out.pIVServer].into_iter().zip(&params.ivs) {
        if let Some(iv) = iv.take() {
            // SAFETY: the caller vouches for as many bytes as it said an IV has.
            unsafe { memory::output_array(target, crate::types::ulong(iv.len())) }?.copy_from_slice(&iv);
        }
    }
    [out.hClientMacSecret, out.hServerMacSecret] = [handle(&params.macs[0]), handle(&params.macs[1])];
    [out.hClientKey, out.hServerKey] = [handle(&params.keys[0]), handle(&params.keys[1])];
    // SAFETY: as above, whatever its alignment.
    unsafe { place.write_unaligned(out) };
    Ok(())
}
