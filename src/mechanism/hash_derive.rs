//! Keys that are the hash of another key (PKCS#11 v3.2, section 6 "Hash-based Key Derivation").
//!
//! The derived key is the start of the digest of the base key's value, in the length that CKA_VALUE_LEN or the type of
//! key gives. A template that gives neither, nor a type, gets the whole digest as a generic secret.

use crate::crypto::{Hash, digest, shake128, shake256};
use crate::error::{Error, ErrorKind, Result};
use crate::object::{Attributes, Inherit};
use crate::types::{SecretBytes, ck};

use super::derivation::{Base, Derive};
use super::descriptor::{Descriptor, Ops, Provider};
use super::key::Key;
use super::params::ParamKind;
use super::secret::MAX_BYTES;
use super::shapes::zeroed;

/// Every type of secret key has a value to digest.
const SECRETS: &[ck::CK_KEY_TYPE] = &[
    ck::CKK_GENERIC_SECRET,
    ck::CKK_AES,
    ck::CKK_AES_XTS,
    ck::CKK_DES,
    ck::CKK_DES2,
    ck::CKK_DES3,
    ck::CKK_CHACHA20,
    ck::CKK_POLY1305,
    ck::CKK_HKDF,
    ck::CKK_HOTP,
    ck::CKK_MD5_HMAC,
    ck::CKK_SHA_1_HMAC,
    ck::CKK_SHA224_HMAC,
    ck::CKK_SHA256_HMAC,
    ck::CKK_SHA384_HMAC,
    ck::CKK_SHA512_HMAC,
    ck::CKK_SHA512_224_HMAC,
    ck::CKK_SHA512_256_HMAC,
    ck::CKK_SHA3_224_HMAC,
    ck::CKK_SHA3_256_HMAC,
    ck::CKK_SHA3_384_HMAC,
    ck::CKK_SHA3_512_HMAC,
    ck::CKK_BLAKE2B_160_HMAC,
    ck::CKK_BLAKE2B_256_HMAC,
    ck::CKK_BLAKE2B_384_HMAC,
    ck::CKK_BLAKE2B_512_HMAC,
];

macro_rules! row {
    ($kind:ident, $vectors:expr, $provider:ident, $value:expr) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: SECRETS,
            min_key_size: 1,
            max_key_size: MAX_BYTES,
            param: ParamKind::None,
            ops: Ops {
                derive: Some(Derive::Objects(Base::Key, |derivation, _| {
                    derivation.secret(Inherit::Template, |template, wanted| {
                        check_template(template, wanted)?;
                        let value: Result<SecretBytes> = ($value)(derivation.base.key);
                        start(value?, wanted)
                    })
                })),
                ..Ops::NONE
            },
            extra_flags: 0,
            legacy: false,
            // A hash by itself is no key derivation that SP 800-108 or SP 800-56C has.
            fips: false,
            provider: Provider::$provider,
            vectors: $vectors,
        }
    };
}

macro_rules! hashed {
    ($kind:ident, $hash:expr, $vectors:expr, $provider:ident) => {
        row!($kind, $vectors, $provider, |key: &Key| Ok(SecretBytes::from(&*digest($hash, key.secret()?))))
    };
}

/// SHAKE, in the length that the specification calls its digest's.
macro_rules! expanded {
    ($kind:ident, $function:ident, $len:expr) => {
        row!($kind, "CAVP, Python hashlib", RustCrypto, |key: &Key| {
            let mut value = zeroed($len)?;
            $function(key.secret()?, &mut value);
            Ok(value)
        })
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    hashed!(CKM_SHA1_KEY_DERIVATION, Hash::Sha1, "FIPS 180-4", OfBuild),
    hashed!(CKM_SHA224_KEY_DERIVATION, Hash::Sha224, "FIPS 180-4", OfBuild),
    hashed!(CKM_SHA256_KEY_DERIVATION, Hash::Sha256, "FIPS 180-4", OfBuild),
    hashed!(CKM_SHA384_KEY_DERIVATION, Hash::Sha384, "FIPS 180-4", OfBuild),
    hashed!(CKM_SHA512_KEY_DERIVATION, Hash::Sha512, "FIPS 180-4", OfBuild),
    hashed!(CKM_SHA512_224_KEY_DERIVATION, Hash::Sha512_224, "FIPS 180-4", OfBuild),
    hashed!(CKM_SHA512_256_KEY_DERIVATION, Hash::Sha512_256, "FIPS 180-4", OfBuild),
    hashed!(CKM_SHA3_224_KEY_DERIVATION, Hash::Sha3_224, "FIPS 202", RustCrypto),
    hashed!(CKM_SHA3_256_KEY_DERIVATION, Hash::Sha3_256, "FIPS 202", OfBuild),
    hashed!(CKM_SHA3_384_KEY_DERIVATION, Hash::Sha3_384, "FIPS 202", OfBuild),
    hashed!(CKM_SHA3_512_KEY_DERIVATION, Hash::Sha3_512, "FIPS 202", OfBuild),
    expanded!(CKM_SHAKE_128_KEY_DERIVATION, shake128, 32),
    expanded!(CKM_SHAKE_256_KEY_DERIVATION, shake256, 64),
    hashed!(CKM_BLAKE2B_160_KEY_DERIVE, Hash::Blake2b160, "Python hashlib", RustCrypto),
    hashed!(CKM_BLAKE2B_256_KEY_DERIVE, Hash::Blake2b256, "Python hashlib", RustCrypto),
    hashed!(CKM_BLAKE2B_384_KEY_DERIVE, Hash::Blake2b384, "Python hashlib", RustCrypto),
    hashed!(CKM_BLAKE2B_512_KEY_DERIVE, Hash::Blake2b512, "RFC 7693", RustCrypto),
];

/// The first `wanted` bytes, or all of them.
fn start(mut value: SecretBytes, wanted: Option<usize>) -> Result<SecretBytes> {
    match wanted {
        Some(wanted) if wanted > value.len() => {
            Err(Error::new(ErrorKind::KeySizeRange, "the template wants a longer key than the hash's digest"))
        }
        Some(wanted) => {
            value.truncate(wanted);
            Ok(value)
        }
        None => Ok(value),
    }
}

/// Whether a derived key's template, completed, says how long the key is to be; `wanted` is what
/// `material::wanted_len` found. CKR_TEMPLATE_INCOMPLETE for a type of key that has several lengths, without
/// CKA_VALUE_LEN: the digest's length must not choose among them by chance.
fn check_template(template: &Attributes, wanted: Option<usize>) -> Result<()> {
    let is_generic = template.key_type() == Some(ck::CKK_GENERIC_SECRET);
    match is_generic || wanted.is_some() {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::TemplateIncomplete,
            "CKA_VALUE_LEN is missing: a key of this type may have several lengths",
        )),
    }
}
