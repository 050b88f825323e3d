//! Key derivation by data encryption (PKCS#11 v3.2, section 6 "Key derivation by data encryption – DES & AES"): the
//! ciphertext of the caller's data is the key, cut at its trailing end.
//!
//! Whoever may also encrypt with the base key can compute such keys; the base key's usage attributes decide.

use crate::crypto::aes::{AesCipher, Direction, Mode};
use crate::crypto::{self, Crypter, Des3, Des3Mode, SecretKey};
use crate::error::{Error, ErrorKind, Result};
use crate::object::Inherit;
use crate::types::{SecretBytes, ck};

use super::aes::invalid;
use super::derivation::Derive;
use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::key::Key;
use super::params::{Kdf, KdfKind, ParamKind, Params};
use super::shapes::zeroed;

macro_rules! row {
    ($kind:ident, $keys:expr, $min:literal..=$max:literal, $param:expr, $encrypt:ident, legacy: $legacy:literal) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: $keys,
            min_key_size: $min,
            max_key_size: $max,
            param: $param,
            ops: Ops {
                derive: Some(Derive::Secret(Inherit::Template, |key, params, wanted| {
                    derive($encrypt, key, params, wanted)
                })),
                ..Ops::NONE
            },
            extra_flags: 0,
            legacy: $legacy,
            fips: false,
            provider: Provider::OfBuild,
            vectors: "OpenSSL",
        }
    };
}

const STRING: ParamKind = ParamKind::Kdf(KdfKind::StringData);

pub(super) const ROWS: &[Descriptor] = &[
    row!(CKM_AES_ECB_ENCRYPT_DATA, &[ck::CKK_AES], 16..=32, STRING, aes, legacy: false),
    row!(CKM_AES_CBC_ENCRYPT_DATA, &[ck::CKK_AES], 16..=32, ParamKind::AesCbcData, aes, legacy: false),
    row!(CKM_DES3_ECB_ENCRYPT_DATA, &[ck::CKK_DES2, ck::CKK_DES3], 16..=24, STRING, des3, legacy: true),
    row!(CKM_DES3_CBC_ENCRYPT_DATA, &[ck::CKK_DES2, ck::CKK_DES3], 16..=24, ParamKind::DesCbcData, des3, legacy: true),
];

/// Encrypts data in ECB mode, or in CBC mode with an IV; `out` is as long. [`crypto::Error::DataLength`] for partial
/// blocks, [`crypto::Error::Param`] for an IV of another length.
type EncryptFn = fn(&SecretKey, Option<&[u8]>, &[u8], &mut [u8]) -> crypto::Result<usize>;

const IV: crypto::Error = crypto::Error::Param("the IV has another length than the cipher's block");

fn aes(key: &SecretKey, iv: Option<&[u8]>, data: &[u8], out: &mut [u8]) -> crypto::Result<usize> {
    let mode = match iv {
        None => Mode::Ecb,
        Some(iv) => Mode::Cbc { iv: iv.try_into().map_err(|_| IV)? },
    };
    AesCipher::new(mode, Direction::Encrypt, key)?.once(data, out)
}

fn des3(key: &SecretKey, iv: Option<&[u8]>, data: &[u8], out: &mut [u8]) -> crypto::Result<usize> {
    let mode = match iv {
        None => Des3Mode::Ecb,
        Some(iv) => Des3Mode::Cbc(iv.try_into().map_err(|_| IV)?),
    };
    Des3::new(mode, Direction::Encrypt, key.value())?.once(data, out)
}

fn derive(encrypt: EncryptFn, key: &Key, params: &Params, wanted: Option<usize>) -> Result<SecretBytes> {
    let (iv, data): (_, &[u8]) = match params {
        Params::CbcData { iv, data } => (Some(iv.as_slice()), data),
        Params::Kdf(kdf) => match &**kdf {
            Kdf::StringData(data) => (None, data),
            _ => return Err(errors::wrong_param()),
        },
        _ => return Err(errors::wrong_param()),
    };
    let wanted = wanted.unwrap_or(data.len());
    if data.is_empty() || wanted > data.len() {
        return Err(Error::new(ErrorKind::DataLenRange, "the data is shorter than the key to be derived"));
    }
    let mut derived = zeroed(data.len())?;
    encrypt(key.secret_key()?, iv, data, &mut derived).map_err(|e| match e {
        crypto::Error::DataLength => invalid("the data is not a multiple of the cipher's block"),
        other => errors::data(other),
    })?;
    derived.truncate(wanted);
    Ok(derived)
}
