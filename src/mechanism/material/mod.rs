//! Attributes to keys and keys to attributes: the one place that knows how each type of key is written down.
//!
//! [`complete_created`] checks imported material and fills in what follows from it; the `fill_` functions write
//! material that was made here; [`key`] parses what the other two left. All of it is pure: no store, no session.

use crate::crypto::PrivateKey;
use crate::error::Result;
use crate::object::Attributes;
use crate::types::SecretBytes;

use super::key::Key;

/// Parses the key out of a complete object's attributes. Cache the answer: this validates and precomputes.
pub fn key(attributes: &Attributes) -> Result<Key> {
    todo!()
}

/// Checks the material of an object that C_CreateObject was given, and fills in what follows from it:
/// CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE, CKA_VALUE_LEN, CKA_MODULUS_BITS, CKA_EC_POINT, the CRT parts of RSA.
///
/// CKR_ATTRIBUTE_VALUE_INVALID for material that is wrong or contradicts itself, CKR_TEMPLATE_INCOMPLETE where
/// something is missing, CKR_CURVE_NOT_SUPPORTED, CKR_DOMAIN_PARAMS_INVALID, CKR_PARAMETER_SET_NOT_SUPPORTED.
pub fn complete_created(attributes: &mut Attributes) -> Result<()> {
    todo!()
}

/// Writes a generated key pair into its two objects.
pub fn fill_pair(public: &mut Attributes, private: &mut Attributes, key: &PrivateKey) -> Result<()> {
    todo!()
}

/// Writes a generated, unwrapped or derived secret key's value, its length and its check value.
pub fn fill_secret(attributes: &mut Attributes, value: SecretBytes) -> Result<()> {
    todo!()
}

/// What a wrapping mechanism encrypts: CKA_VALUE of a secret key, the PKCS#8 PrivateKeyInfo of a private key.
/// CKR_KEY_NOT_WRAPPABLE for anything else.
pub fn wrap_encoding(attributes: &Attributes) -> Result<SecretBytes> {
    todo!()
}

/// The reverse: fills a new object, whose class and key type the template gave, from an unwrapped encoding.
/// CKR_WRAPPED_KEY_INVALID where the encoding does not parse or holds another type of key.
pub fn unwrap_into(attributes: &mut Attributes, encoding: SecretBytes) -> Result<()> {
    todo!()
}

/// The length in bytes that a template asks of an unwrapped or derived secret key: CKA_VALUE_LEN, or the one length
/// of its key type; `None` for private keys and where the template leaves it open.
pub fn wanted_len(attributes: &Attributes) -> Result<Option<usize>> {
    todo!()
}
