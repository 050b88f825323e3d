//! Attributes to keys and keys to attributes: the one place that knows how each type of key is written down.
//!
//! [`complete_created`] checks imported material and fills in what follows from it; the `fill_` functions write
//! material that was made here; [`key`] parses what the other two left. All of it is pure: no store, no session.
//! The attributes are those of PKCS#11 v3.2, section 4 (classes) and section 6 (each type of key).

mod approved;
mod certificate;
mod curve;
mod domain;
mod ec;
mod edwards;
mod finite;
mod ml_dsa;
mod ml_kem;
mod otp;
mod rsa;
mod secret;
mod seeded;
mod size;
mod slh_dsa;

pub use approved::expect_approved;
pub use certificate::CertificateFields;
pub(super) use curve::okp;
pub use curve::weierstrass;
pub(super) use ec::{octet_string, point_lens, raw_point};
pub(super) use finite::{dh_group, dsa_group};
pub use ml_dsa::{parameter_set, parameter_set_number};
pub use ml_kem::{ml_kem_set, ml_kem_set_number};
pub use otp::count;
pub(super) use secret::TYPES as SECRET_TYPES;
pub use size::{Size, size};
pub use slh_dsa::{slh_dsa_set, slh_dsa_set_number};

use crate::crypto::{OkpCurve, PrivateKey, PublicKey, WalletKey};
use crate::error::{Error, ErrorKind, Result};
use crate::object::{Attributes, Value};
use crate::types::{SecretBytes, ck};

use super::errors;
use super::key::Key;

/// Length of CKA_KEYWARD_CHAIN_CODE in bytes.
const CHAIN_CODE_LEN: usize = WalletKey::CHAIN_CODE_LEN;

/// How one type of key pair is written as attributes.
struct Asymmetric {
    key_type: ck::CK_KEY_TYPE,
    /// Parses a public key's attributes.
    public: fn(&Attributes) -> Result<PublicKey>,
    /// Parses a private key's attributes; they must agree with each other.
    private: fn(&Attributes) -> Result<PrivateKey>,
    /// Completes a public key's attributes. CKR_KEY_TYPE_INCONSISTENT for another type of key.
    write_public: fn(&mut Attributes, &PublicKey) -> Result<()>,
    /// Completes a private key's attributes. CKR_KEY_TYPE_INCONSISTENT for another type of key.
    write_private: fn(&mut Attributes, &PrivateKey) -> Result<()>,
}

const ASYMMETRIC: &[Asymmetric] = &[
    rsa::TYPE,
    ec::TYPE,
    edwards::EDWARDS,
    edwards::MONTGOMERY,
    ml_dsa::TYPE,
    ml_kem::TYPE,
    slh_dsa::TYPE,
    finite::DH,
    finite::DSA,
];

/// Every type of key pair.
pub(super) const PAIR_TYPES: [ck::CK_KEY_TYPE; ASYMMETRIC.len()] = {
    let mut types = [0; ASYMMETRIC.len()];
    let mut at = 0;
    while at < ASYMMETRIC.len() {
        types[at] = ASYMMETRIC[at].key_type;
        at += 1;
    }
    types
};

fn asymmetric(attributes: &Attributes) -> Result<&'static Asymmetric> {
    let key_type = attributes.key_type().ok_or_else(|| incomplete("CKA_KEY_TYPE is missing"))?;
    let found = ASYMMETRIC.iter().find(|known| known.key_type == key_type);
    found.ok_or_else(|| invalid("CKA_KEY_TYPE names no type of key pair that this token has"))
}

/// False for a key of a type that this token can't use; true for objects that are no keys.
pub fn has_type(attributes: &Attributes) -> bool {
    match attributes.class() {
        ck::CKO_SECRET_KEY => secret::has_type(attributes),
        ck::CKO_PRIVATE_KEY | ck::CKO_PUBLIC_KEY => asymmetric(attributes).is_ok(),
        _ => true,
    }
}

/// Parses the key out of a complete object's attributes. Cache the answer: this validates and precomputes.
///
/// CKR_KEY_HANDLE_INVALID for an object that is no key; otherwise the errors of [`complete_created`].
pub fn key(attributes: &Attributes) -> Result<Key> {
    match attributes.class() {
        ck::CKO_SECRET_KEY => Ok(Key::Secret {
            key_type: attributes.key_type().ok_or_else(|| incomplete("CKA_KEY_TYPE is missing"))?,
            value: SecretBytes::from(required(attributes, ck::CKA_VALUE, "CKA_VALUE is missing")?).into(),
        }),
        ck::CKO_OTP_KEY => Ok(Key::Otp(otp::key(attributes)?)),
        ck::CKO_PRIVATE_KEY => Ok(Key::Private((asymmetric(attributes)?.private)(attributes)?)),
        ck::CKO_PUBLIC_KEY => Ok(Key::Public((asymmetric(attributes)?.public)(attributes)?)),
        _ => Err(Error::new(ErrorKind::KeyHandleInvalid, "the object is not a key")),
    }
}

/// Checks the material of an object that C_CreateObject was given, and fills in what follows from it:
/// CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE, CKA_VALUE_LEN, CKA_MODULUS_BITS, CKA_EC_POINT, the CRT parts of RSA.
/// Of domain parameters, CKA_PRIME_BITS and CKA_SUBPRIME_BITS. Other objects pass untouched.
///
/// CKR_ATTRIBUTE_VALUE_INVALID for material that is wrong or contradicts itself, CKR_TEMPLATE_INCOMPLETE where
/// something is missing, CKR_CURVE_NOT_SUPPORTED, CKR_DOMAIN_PARAMS_INVALID, CKR_PARAMETER_SET_NOT_SUPPORTED.
pub fn complete_created(attributes: &mut Attributes) -> Result<()> {
    match attributes.class() {
        ck::CKO_SECRET_KEY => secret::complete(attributes),
        ck::CKO_OTP_KEY => otp::complete(attributes).and_then(|()| secret::complete(attributes)),
        ck::CKO_PRIVATE_KEY => {
            if attributes.bytes(ck::CKA_KEYWARD_CHAIN_CODE).is_some_and(|code| code.len() != CHAIN_CODE_LEN) {
                return Err(invalid("CKA_KEYWARD_CHAIN_CODE has 32 bytes"));
            }
            let key = (asymmetric(attributes)?.private)(attributes)?;
            write_private(attributes, &key)
        }
        ck::CKO_PUBLIC_KEY => {
            let key = (asymmetric(attributes)?.public)(attributes)?;
            write_public(attributes, &key)
        }
        ck::CKO_CERTIFICATE => certificate::complete(attributes),
        ck::CKO_DOMAIN_PARAMETERS => domain::complete(attributes),
        _ => Ok(()),
    }
}

/// Writes a generated key pair into its two objects, whose CKA_KEY_TYPE is set.
/// CKR_TEMPLATE_INCONSISTENT where that is another type than the key's.
pub fn fill_pair(public: &mut Attributes, private: &mut Attributes, key: &PrivateKey) -> Result<()> {
    // A curve can be named in several ways: the private key keeps the way the public template chose.
    if let (Some(params), None) = (public.get(ck::CKA_EC_PARAMS), private.get(ck::CKA_EC_PARAMS)) {
        let params = params.clone();
        private.set(ck::CKA_EC_PARAMS, params);
    }
    write_public(public, &key.public()).and_then(|()| write_private(private, key)).map_err(|e| {
        match e.kind() {
            ErrorKind::KeyTypeInconsistent => e.with_kind(ErrorKind::TemplateInconsistent),
            _ => e,
        }
    })
}

/// Writes a generated or derived secret key's value, its length and its check value.
/// CKR_KEY_SIZE_RANGE where the type of key has no such length or value.
pub fn fill_secret(attributes: &mut Attributes, value: SecretBytes) -> Result<()> {
    let value = secret::made(attributes, value).map_err(|e| e.with_kind(ErrorKind::KeySizeRange))?;
    if attributes.class() == ck::CKO_OTP_KEY {
        otp::complete(attributes)?;
    }
    secret::write(attributes, value)
}

/// Writes a public key that was made here into its object. CKR_TEMPLATE_INCONSISTENT where the template described
/// another key.
pub fn fill_public(attributes: &mut Attributes, key: &PublicKey) -> Result<()> {
    write_public(attributes, key).map_err(|e| e.with_kind(ErrorKind::TemplateInconsistent))?;
    // What the template gave of the material stayed as it was given.
    let spki = |key: &PublicKey| key.to_spki().map_err(errors::data);
    match self::key(attributes)? {
        Key::Public(written) if spki(&written)? == spki(key)? => Ok(()),
        _ => Err(inconsistent("the template's key material is not that of the public key")),
    }
}

/// Writes a private key that was made here into its object. CKR_TEMPLATE_INCONSISTENT where the template described
/// another type of key.
pub fn fill_private(attributes: &mut Attributes, key: &PrivateKey) -> Result<()> {
    write_private(attributes, key).map_err(|e| match e.kind() {
        ErrorKind::KeyTypeInconsistent => e.with_kind(ErrorKind::TemplateInconsistent),
        _ => e,
    })
}

/// The value of a data object, as a generic secret. CKR_KEY_HANDLE_INVALID for any other class.
pub fn data(attributes: &Attributes) -> Result<Key> {
    match (attributes.class(), attributes.bytes(ck::CKA_VALUE)) {
        (ck::CKO_DATA, Some(value)) => Ok(Key::Secret {
            key_type: ck::CKK_GENERIC_SECRET,
            value: SecretBytes::copied(value).map_err(|_| ErrorKind::HostMemory)?.into(),
        }),
        _ => Err(Error::new(ErrorKind::KeyHandleInvalid, "the object is neither a key nor data")),
    }
}

/// Writes generated domain parameters into their object. CKR_FUNCTION_FAILED where they are none.
pub fn fill_parameters(attributes: &mut Attributes, made: Attributes) -> Result<()> {
    for (id, value) in made.iter() {
        attributes.set(id, value.clone());
    }
    domain::complete(attributes).map_err(|error| error.with_kind(ErrorKind::FunctionFailed))
}

/// What a wrapping mechanism encrypts: CKA_VALUE of a secret key, the PKCS#8 PrivateKeyInfo of a private key.
/// CKR_KEY_NOT_WRAPPABLE for anything else.
pub fn wrap_encoding(attributes: &Attributes) -> Result<SecretBytes> {
    match key(attributes)? {
        Key::Secret { value, .. } => Ok(value.value().clone()),
        Key::Private(key) => key.to_pkcs8().map_err(errors::data),
        Key::Public(_) | Key::Otp(_) => {
            Err(Error::new(ErrorKind::KeyNotWrappable, "only secret and private keys can be wrapped"))
        }
    }
}

/// The reverse: fills a new object, whose class and key type the template gave, from an unwrapped encoding.
///
/// CKR_WRAPPED_KEY_INVALID where the encoding does not parse or holds another type or length of key: one answer for
/// all, so that unwrapping tells a forger nothing about the plaintext.
pub fn unwrap_into(attributes: &mut Attributes, encoding: SecretBytes) -> Result<()> {
    match attributes.class() {
        ck::CKO_SECRET_KEY => {
            secret::check_given(attributes, &encoding)
                .map_err(|e| e.with_kind(ErrorKind::WrappedKeyInvalid))?;
            secret::write(attributes, encoding)
        }
        ck::CKO_PRIVATE_KEY => {
            let refused = |why| Error::new(ErrorKind::WrappedKeyInvalid, why);
            let encoding = without_zero_padding(&encoding)
                .ok_or_else(|| refused("the wrapped private key is not a PKCS#8 PrivateKeyInfo"))?;
            let key = PrivateKey::from_pkcs8(encoding)
                .map_err(|_| refused("the wrapped private key is not one this token can read"))?;
            write_private(attributes, &key).map_err(|e| match e.kind() {
                ErrorKind::KeyTypeInconsistent => {
                    refused("the wrapped key is not of the template's CKA_KEY_TYPE")
                }
                _ => e,
            })
        }
        _ => Err(Error::new(
            ErrorKind::TemplateInconsistent,
            "CKA_CLASS: only secret and private keys can be unwrapped",
        )),
    }
}

/// The length in bytes that a template asks of an unwrapped or derived secret key, or that its type of key has alone;
/// `None` for private keys and where both leave it open. CKR_ATTRIBUTE_VALUE_INVALID for a length the type of key cannot have.
pub fn wanted_len(attributes: &Attributes) -> Result<Option<usize>> {
    match attributes.class() {
        ck::CKO_SECRET_KEY => secret::wanted_len(attributes),
        _ => Ok(None),
    }
}

/// Whether CKA_EC_PARAMS names edwards25519 for an Edwards key, or curve25519 for a Montgomery key: what devices and
/// services have.
pub fn is_okp(attributes: &Attributes) -> bool {
    match attributes.key_type() {
        Some(ck::CKK_EC_EDWARDS) => okp(attributes, &[OkpCurve::Ed25519]).is_ok(),
        Some(ck::CKK_EC_MONTGOMERY) => okp(attributes, &[OkpCurve::X25519]).is_ok(),
        _ => false,
    }
}

/// Writes a public key into its object, whose CKA_KEY_TYPE is set. CKR_KEY_TYPE_INCONSISTENT for another type of key.
pub fn write_public(attributes: &mut Attributes, key: &PublicKey) -> Result<()> {
    (asymmetric(attributes)?.write_public)(attributes, key)?;
    public_key_info(attributes, key)
}

fn write_private(attributes: &mut Attributes, key: &PrivateKey) -> Result<()> {
    (asymmetric(attributes)?.write_private)(attributes, key)?;
    public_key_info(attributes, &key.public())
}

/// Fills CKA_PUBLIC_KEY_INFO, or holds a given one against the key ("Private key objects").
fn public_key_info(attributes: &mut Attributes, key: &PublicKey) -> Result<()> {
    let info = key.to_spki().map_err(errors::data)?;
    match attributes.bytes(ck::CKA_PUBLIC_KEY_INFO) {
        Some(given) if given.is_empty() || given == info => {}
        None => {}
        // Encodings of one key may differ (a compressed point): what counts is the key.
        Some(given) => match PublicKey::from_spki(given) {
            Ok(other) if other.to_spki().is_ok_and(|other| other == info) => return Ok(()),
            _ => return Err(invalid("CKA_PUBLIC_KEY_INFO does not belong to this key")),
        },
    }
    attributes.set(ck::CKA_PUBLIC_KEY_INFO, info);
    Ok(())
}

/// A PrivateKeyInfo without the zeros that block modes and AES key wrap append; `None` where the rest is anything else.
fn without_zero_padding(encoding: &[u8]) -> Option<&[u8]> {
    let header = encoding.get(..encoding.len().min(6))?;
    let (first, length_octets) = (*header.get(1)?, header.get(2..)?);
    let len = match first {
        0..=0x7f => 2 + usize::from(first),
        0x81..=0x84 => {
            let count = usize::from(first & 0x7f);
            let octets = length_octets.get(..count)?;
            let content = octets.iter().fold(0, |len: usize, octet| len << 8 | usize::from(*octet));
            content.checked_add(2 + count)?
        }
        _ => return None,
    };
    let (key, padding) = encoding.split_at_checked(len)?;
    padding.iter().all(|byte| *byte == 0).then_some(key)
}

fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::AttributeValueInvalid, why)
}

fn inconsistent(why: &'static str) -> Error {
    Error::new(ErrorKind::TemplateInconsistent, why)
}

fn incomplete(why: &'static str) -> Error {
    Error::new(ErrorKind::TemplateIncomplete, why)
}

/// An attribute's bytes; an empty value counts as missing.
fn optional(attributes: &Attributes, kind: ck::CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
    attributes.bytes(kind).filter(|value| !value.is_empty())
}

fn required<'a>(
    attributes: &'a Attributes,
    kind: ck::CK_ATTRIBUTE_TYPE,
    missing: &'static str,
) -> Result<&'a [u8]> {
    match attributes.bytes(kind) {
        Some([]) => Err(invalid("an attribute that the key is made of is empty")),
        Some(value) => Ok(value),
        None => Err(incomplete(missing)),
    }
}

/// Sets an attribute that is missing or empty; a given value stays as its owner wrote it.
fn fill(attributes: &mut Attributes, kind: ck::CK_ATTRIBUTE_TYPE, value: impl Into<Value>) {
    if optional(attributes, kind).is_none() {
        attributes.set(kind, value);
    }
}
