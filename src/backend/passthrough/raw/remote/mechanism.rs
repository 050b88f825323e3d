//! Mechanisms: which parameters cross, and in what form.
//!
//! A structure that holds pointers crosses only if the server's version of the protocol knows how to take it apart.
//! What holds none crosses as its bytes, since both processes run on one machine. A parameter whose shape is not
//! known here is refused: a pointer of ours would mean nothing in the helper, or something wrong.

use std::ffi::c_void;

use crate::types::{ck, length};

use super::wire::{Result, Stop, Writer};

/// Sent instead of a mechanism's number to cancel an operation.
const NO_MECHANISM: u32 = u32::MAX;

/// What a parameter looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// No pointer in it: its bytes.
    Flat,
    /// An initialisation vector of this length, or what else has exactly this length, as its bytes.
    Exactly(usize),
    /// A `CK_ULONG` that travels as a number.
    Count,
    /// `CK_RSA_PKCS_PSS_PARAMS`.
    Pss,
    /// `CK_RSA_PKCS_OAEP_PARAMS`.
    Oaep,
    /// `CK_ECDH1_DERIVE_PARAMS`.
    Ecdh,
    /// `CK_AES_CTR_PARAMS`.
    Counter,
    /// `CK_GCM_PARAMS`.
    Gcm,
    /// `CK_EDDSA_PARAMS`: its bytes, as long as there is no context data.
    Edwards,
    /// `CK_SIGN_ADDITIONAL_CONTEXT`: its bytes, as long as there is no context.
    Context,
    /// Pointers in it that the protocol cannot carry.
    Pointers,
}

/// Shapes since version 0 (p11-kit 0.24). A mechanism that is not listed has no parameter, or one of unknown shape.
const SHAPES: &[(Shape, &[ck::CK_MECHANISM_TYPE])] = &[
    (Shape::Pss, &[ck::CKM_RSA_PKCS_PSS]),
    (Shape::Oaep, &[ck::CKM_RSA_PKCS_OAEP]),
    (
        Shape::Exactly(16),
        &[
            ck::CKM_AES_CBC,
            ck::CKM_AES_CBC_PAD,
            ck::CKM_AES_OFB,
            ck::CKM_AES_CFB1,
            ck::CKM_AES_CFB8,
            ck::CKM_AES_CFB64,
            ck::CKM_AES_CFB128,
            ck::CKM_AES_CTS,
        ],
    ),
    (
        Shape::Exactly(8),
        &[
            ck::CKM_DES_CBC,
            ck::CKM_DES_CBC_PAD,
            ck::CKM_DES3_CBC,
            ck::CKM_DES3_CBC_PAD,
            ck::CKM_DES_CFB8,
            ck::CKM_DES_CFB64,
            ck::CKM_DES_OFB64,
        ],
    ),
    (
        Shape::Exactly(size_of::<ck::CK_RSA_PKCS_PSS_PARAMS>()),
        &[
            ck::CKM_SHA1_RSA_PKCS_PSS,
            ck::CKM_SHA224_RSA_PKCS_PSS,
            ck::CKM_SHA256_RSA_PKCS_PSS,
            ck::CKM_SHA384_RSA_PKCS_PSS,
            ck::CKM_SHA512_RSA_PKCS_PSS,
            ck::CKM_SHA3_224_RSA_PKCS_PSS,
            ck::CKM_SHA3_256_RSA_PKCS_PSS,
            ck::CKM_SHA3_384_RSA_PKCS_PSS,
            ck::CKM_SHA3_512_RSA_PKCS_PSS,
        ],
    ),
    (Shape::Exactly(size_of::<ck::CK_AES_CTR_PARAMS>()), &[ck::CKM_AES_CTR, ck::CKM_CAMELLIA_CTR]),
    (
        Shape::Exactly(size_of::<ck::CK_ULONG>()),
        &[
            ck::CKM_MD5_HMAC_GENERAL,
            ck::CKM_SHA_1_HMAC_GENERAL,
            ck::CKM_SHA224_HMAC_GENERAL,
            ck::CKM_SHA256_HMAC_GENERAL,
            ck::CKM_SHA384_HMAC_GENERAL,
            ck::CKM_SHA512_HMAC_GENERAL,
            ck::CKM_SHA512_224_HMAC_GENERAL,
            ck::CKM_SHA512_256_HMAC_GENERAL,
            ck::CKM_SHA512_T,
            ck::CKM_SHA512_T_HMAC,
            ck::CKM_SHA3_224_HMAC_GENERAL,
            ck::CKM_SHA3_256_HMAC_GENERAL,
            ck::CKM_SHA3_384_HMAC_GENERAL,
            ck::CKM_SHA3_512_HMAC_GENERAL,
            ck::CKM_RIPEMD160_HMAC_GENERAL,
            ck::CKM_BLAKE2B_160_HMAC_GENERAL,
            ck::CKM_BLAKE2B_256_HMAC_GENERAL,
            ck::CKM_BLAKE2B_384_HMAC_GENERAL,
            ck::CKM_BLAKE2B_512_HMAC_GENERAL,
            ck::CKM_AES_MAC_GENERAL,
            ck::CKM_AES_CMAC_GENERAL,
            ck::CKM_DES_MAC_GENERAL,
            ck::CKM_DES3_MAC_GENERAL,
            ck::CKM_DES3_CMAC_GENERAL,
            ck::CKM_CAMELLIA_MAC_GENERAL,
            ck::CKM_CONCATENATE_BASE_AND_KEY,
            ck::CKM_EXTRACT_KEY_FROM_KEY,
            ck::CKM_XEDDSA,
        ],
    ),
    (
        Shape::Flat,
        &[
            ck::CKM_DH_PKCS_DERIVE,
            ck::CKM_AES_KEY_WRAP,
            ck::CKM_AES_KEY_WRAP_PAD,
            ck::CKM_AES_KEY_WRAP_KWP,
            ck::CKM_AES_KEY_WRAP_PKCS7,
            ck::CKM_AES_XTS,
            ck::CKM_DES_OFB8,
            ck::CKM_CAMELLIA_CBC,
            ck::CKM_CAMELLIA_CBC_PAD,
            ck::CKM_ARIA_CBC,
            ck::CKM_ARIA_CBC_PAD,
            ck::CKM_SEED_CBC,
            ck::CKM_SEED_CBC_PAD,
            ck::CKM_BLOWFISH_CBC,
            ck::CKM_BLOWFISH_CBC_PAD,
            ck::CKM_TWOFISH_CBC,
            ck::CKM_TWOFISH_CBC_PAD,
            ck::CKM_CAST128_CBC,
            ck::CKM_CAST128_CBC_PAD,
            ck::CKM_IDEA_CBC,
            ck::CKM_IDEA_CBC_PAD,
            ck::CKM_GOSTR3410_WITH_GOSTR3411,
            ck::CKM_GOST28147,
        ],
    ),
    (Shape::Edwards, &[ck::CKM_EDDSA]),
    (
        Shape::Context,
        &[
            ck::CKM_ML_DSA,
            ck::CKM_HASH_ML_DSA_SHA224,
            ck::CKM_HASH_ML_DSA_SHA256,
            ck::CKM_HASH_ML_DSA_SHA384,
            ck::CKM_HASH_ML_DSA_SHA512,
            ck::CKM_SLH_DSA,
            ck::CKM_HASH_SLH_DSA_SHA256,
            ck::CKM_HASH_SLH_DSA_SHA512,
        ],
    ),
    (
        Shape::Pointers,
        &[
            ck::CKM_AES_GCM,
            ck::CKM_AES_CCM,
            ck::CKM_AES_CBC_ENCRYPT_DATA,
            ck::CKM_AES_ECB_ENCRYPT_DATA,
            ck::CKM_DES_CBC_ENCRYPT_DATA,
            ck::CKM_DES_ECB_ENCRYPT_DATA,
            ck::CKM_DES3_CBC_ENCRYPT_DATA,
            ck::CKM_DES3_ECB_ENCRYPT_DATA,
            ck::CKM_CHACHA20,
            ck::CKM_SALSA20,
            ck::CKM_CHACHA20_POLY1305,
            ck::CKM_SALSA20_POLY1305,
            ck::CKM_ECDH1_DERIVE,
            ck::CKM_ECDH1_COFACTOR_DERIVE,
            ck::CKM_ECMQV_DERIVE,
            ck::CKM_ECDH_AES_KEY_WRAP,
            ck::CKM_RSA_AES_KEY_WRAP,
            ck::CKM_X9_42_DH_DERIVE,
            ck::CKM_CONCATENATE_BASE_AND_DATA,
            ck::CKM_CONCATENATE_DATA_AND_BASE,
            ck::CKM_XOR_BASE_AND_DATA,
            ck::CKM_HKDF_DERIVE,
            ck::CKM_HKDF_DATA,
            ck::CKM_SP800_108_COUNTER_KDF,
            ck::CKM_SP800_108_FEEDBACK_KDF,
            ck::CKM_SP800_108_DOUBLE_PIPELINE_KDF,
            ck::CKM_PKCS5_PBKD2,
            ck::CKM_TLS12_MASTER_KEY_DERIVE,
            ck::CKM_TLS12_KEY_AND_MAC_DERIVE,
            ck::CKM_TLS_MASTER_KEY_DERIVE,
            ck::CKM_TLS_KEY_AND_MAC_DERIVE,
            ck::CKM_SSL3_MASTER_KEY_DERIVE,
            ck::CKM_SSL3_KEY_AND_MAC_DERIVE,
        ],
    ),
];

/// What version 1 (p11-kit 0.25) carries in another form.
const SHAPES_1: &[(Shape, &[ck::CK_MECHANISM_TYPE])] = &[
    (
        Shape::Pss,
        &[
            ck::CKM_SHA1_RSA_PKCS_PSS,
            ck::CKM_SHA224_RSA_PKCS_PSS,
            ck::CKM_SHA256_RSA_PKCS_PSS,
            ck::CKM_SHA384_RSA_PKCS_PSS,
            ck::CKM_SHA512_RSA_PKCS_PSS,
        ],
    ),
    (Shape::Ecdh, &[ck::CKM_ECDH1_DERIVE, VENDOR_X25519, VENDOR_X448]),
    (Shape::Counter, &[ck::CKM_AES_CTR]),
    (Shape::Gcm, &[ck::CKM_AES_GCM]),
    (
        Shape::Count,
        &[
            ck::CKM_SHA_1_HMAC_GENERAL,
            ck::CKM_SHA224_HMAC_GENERAL,
            ck::CKM_SHA256_HMAC_GENERAL,
            ck::CKM_SHA384_HMAC_GENERAL,
            ck::CKM_SHA512_HMAC_GENERAL,
            ck::CKM_SHA512_224_HMAC_GENERAL,
            ck::CKM_SHA512_256_HMAC_GENERAL,
            ck::CKM_AES_MAC_GENERAL,
            ck::CKM_AES_CMAC_GENERAL,
            ck::CKM_DES3_MAC_GENERAL,
            ck::CKM_DES3_CMAC_GENERAL,
            VENDOR_ATTRIBUTE_BOUND_WRAP,
        ],
    ),
];

// Mechanisms of one vendor (IBM) that version 1 knows by their numbers.
const VENDOR_X25519: ck::CK_MECHANISM_TYPE = 0x8001_001b;
const VENDOR_X448: ck::CK_MECHANISM_TYPE = 0x8001_001e;
const VENDOR_ATTRIBUTE_BOUND_WRAP: ck::CK_MECHANISM_TYPE = 0x8002_0004;

fn shape_of(mechanism: ck::CK_MECHANISM_TYPE, version: u8) -> Option<Shape> {
    let newer = if version >= 1 { SHAPES_1 } else { &[] };
    newer.iter().chain(SHAPES).find(|(_, listed)| listed.contains(&mechanism)).map(|(shape, _)| *shape)
}

/// False for a mechanism that needs a parameter which cannot cross: it is not listed for the slot.
pub(super) fn can_cross(mechanism: ck::CK_MECHANISM_TYPE, version: u8) -> bool {
    u32::try_from(mechanism).is_ok_and(|number| number != NO_MECHANISM)
        && shape_of(mechanism, version) != Some(Shape::Pointers)
}

/// Writes the mechanism that a C call points to.
///
/// # Safety
/// A pointer that is not null leads to a `CK_MECHANISM` whose parameter is valid for its mechanism.
pub(super) unsafe fn write(pointer: *const c_void, version: u8, message: &mut Writer) -> Result<()> {
    if pointer.is_null() {
        return match version {
            0 => Err(Stop::Answer(ck::CKR_ARGUMENTS_BAD)),
            _ => message.word(NO_MECHANISM),
        };
    }
    // SAFETY: not null, so a mechanism by the caller's promise; read bytewise, so its alignment does not matter.
    let mechanism = unsafe { pointer.cast::<ck::CK_MECHANISM>().read_unaligned() };
    let number = u32::try_from(mechanism.mechanism).ok().filter(|number| *number != NO_MECHANISM);
    message.word(number.ok_or(Stop::Answer(ck::CKR_MECHANISM_INVALID))?)?;
    let shape = shape_of(mechanism.mechanism, version);
    let parameter = mechanism.pParameter.cast_const();
    let size = length(mechanism.ulParameterLen);
    if size == 0 {
        return absent(mechanism.mechanism, shape, message);
    }
    if parameter.is_null() {
        return Err(Stop::Answer(ck::CKR_MECHANISM_PARAM_INVALID));
    }
    let Some(shape) = shape else {
        return Err(refusal(mechanism.mechanism, "the shape of its parameter is not known"));
    };
    // SAFETY: the caller's promise: `size` bytes of this mechanism's parameter.
    unsafe { write_parameter(mechanism.mechanism, shape, parameter, size, message) }
}

/// No parameter: most mechanisms have none, and some may do without.
fn absent(mechanism: ck::CK_MECHANISM_TYPE, shape: Option<Shape>, message: &mut Writer) -> Result<()> {
    match shape {
        None | Some(Shape::Flat | Shape::Edwards | Shape::Context | Shape::Pointers) => message.array(None),
        // The server would take the next argument for the parameter, or give up.
        Some(_) => Err(refusal(mechanism, "its parameter is missing")),
    }
}

fn refusal(mechanism: ck::CK_MECHANISM_TYPE, why: &str) -> Stop {
    tracing::debug!("mechanism {mechanism:#x} does not cross to the isolated library: {why}");
    Stop::Answer(ck::CKR_MECHANISM_PARAM_INVALID)
}

/// # Safety
/// `parameter` leads to `size` bytes, which are the structure of `shape` where it has one.
unsafe fn write_parameter(
    mechanism: ck::CK_MECHANISM_TYPE,
    shape: Shape,
    parameter: *const c_void,
    size: usize,
    message: &mut Writer,
) -> Result<()> {
    // SAFETY: the caller's promise of `size` readable bytes; a valid C call has no length beyond isize::MAX.
    let bytes = unsafe { std::slice::from_raw_parts(parameter.cast::<u8>(), size) };
    let wrong = || refusal(mechanism, "its parameter has the wrong length");
    match shape {
        Shape::Flat => message.array(Some(bytes)),
        Shape::Exactly(expected) if size == expected => message.array(Some(bytes)),
        Shape::Exactly(_) => Err(wrong()),
        Shape::Pointers => Err(refusal(mechanism, "the protocol cannot carry the pointers in its parameter")),
        Shape::Edwards | Shape::Context => write_without_context(mechanism, shape, bytes, message),
        // SAFETY: the caller's promise that the bytes are the structure of this shape.
        Shape::Count | Shape::Pss | Shape::Counter | Shape::Oaep | Shape::Ecdh | Shape::Gcm => unsafe {
            write_structure(shape, bytes, message).unwrap_or_else(|| Err(wrong()))
        },
    }
}

/// The structures that a server takes apart. `None` if the length is not the structure's.
///
/// # Safety
/// If `bytes` is as long as the structure of `shape`, its pointers lead to as many bytes as the lengths beside them.
unsafe fn write_structure(shape: Shape, bytes: &[u8], message: &mut Writer) -> Option<Result<()>> {
    // SAFETY: the caller's promise about the pointers, with their lengths.
    let field = |pointer: *const c_void, size: ck::CK_ULONG| unsafe { pointed(pointer, size) };
    let mut write = || -> std::result::Result<(), Option<Stop>> {
        match shape {
            Shape::Pss => {
                let value: ck::CK_RSA_PKCS_PSS_PARAMS = structure(bytes).ok_or(None)?;
                message.number(value.hashAlg)?;
                message.number(value.mgf)?;
                message.number(value.sLen)?;
            }
            Shape::Oaep => {
                let value: ck::CK_RSA_PKCS_OAEP_PARAMS = structure(bytes).ok_or(None)?;
                message.number(value.hashAlg)?;
                message.number(value.mgf)?;
                message.number(value.source)?;
                message.array(field(value.pSourceData, value.ulSourceDataLen)?)?;
            }
            Shape::Ecdh => {
                let value: ck::CK_ECDH1_DERIVE_PARAMS = structure(bytes).ok_or(None)?;
                message.number(value.kdf)?;
                message.array(field(value.pSharedData.cast(), value.ulSharedDataLen)?)?;
                message.array(field(value.pPublicData.cast(), value.ulPublicDataLen)?)?;
            }
            Shape::Counter => {
                let value: ck::CK_AES_CTR_PARAMS = structure(bytes).ok_or(None)?;
                message.number(value.ulCounterBits)?;
                message.array(Some(&value.cb))?;
            }
            Shape::Gcm => {
                let value: ck::CK_GCM_PARAMS = structure(bytes).ok_or(None)?;
                message.array(field(value.pIv.cast(), value.ulIvLen)?)?;
                message.number(value.ulIvBits)?;
                message.array(field(value.pAAD.cast(), value.ulAADLen)?)?;
                message.number(value.ulTagBits)?;
            }
            _ => message.number(structure(bytes).ok_or(None)?)?,
        }
        Ok(())
    };
    match write() {
        Ok(()) => Some(Ok(())),
        Err(Some(stop)) => Some(Err(stop)),
        Err(None) => None,
    }
}

/// A structure whose one pointer is allowed to lead to nothing, and then crosses as its bytes.
fn write_without_context(
    mechanism: ck::CK_MECHANISM_TYPE,
    shape: Shape,
    bytes: &[u8],
    message: &mut Writer,
) -> Result<()> {
    let context = match shape {
        Shape::Edwards => structure::<ck::CK_EDDSA_PARAMS>(bytes).map(|value| value.ulContextDataLen),
        _ => structure::<ck::CK_SIGN_ADDITIONAL_CONTEXT>(bytes).map(|value| value.ulContextLen),
    };
    match context {
        Some(0) => message.array(Some(bytes)),
        Some(_) => Err(refusal(mechanism, "the protocol cannot carry its context")),
        None => Err(refusal(mechanism, "its parameter has the wrong length")),
    }
}

/// The parameter structures of the C API, in which any bytes are a value.
trait Plain: Copy {}
impl Plain for ck::CK_ULONG {}
impl Plain for ck::CK_RSA_PKCS_PSS_PARAMS {}
impl Plain for ck::CK_RSA_PKCS_OAEP_PARAMS {}
impl Plain for ck::CK_ECDH1_DERIVE_PARAMS {}
impl Plain for ck::CK_AES_CTR_PARAMS {}
impl Plain for ck::CK_GCM_PARAMS {}
impl Plain for ck::CK_EDDSA_PARAMS {}
impl Plain for ck::CK_SIGN_ADDITIONAL_CONTEXT {}

/// The structure that `bytes` are, if their length is its.
fn structure<T: Plain>(bytes: &[u8]) -> Option<T> {
    if bytes.len() != size_of::<T>() {
        return None;
    }
    // SAFETY: as many bytes as the structure has, all of which are values; read without asking for alignment.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

/// The bytes of a field. Nothing for a null pointer without a length.
///
/// # Safety
/// A pointer that is not null leads to `size` bytes that outlive their use.
unsafe fn pointed<'a>(pointer: *const c_void, size: ck::CK_ULONG) -> Result<Option<&'a [u8]>> {
    // SAFETY: passed on.
    unsafe { super::memory::input(pointer, size) }
}
