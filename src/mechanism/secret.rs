//! Generation of secret keys: generic ones and AES (PKCS#11 v3.2, section 6 "Generic secret key" and "AES").

use crate::error::{Error, ErrorKind, Result};
use crate::object::Attributes;
use crate::types::{SecretBytes, ck, length};

use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::params::ParamKind;

/// The largest secret key in bytes: a bound on what a template can make us allocate, far above any key in use.
pub(super) const MAX_BYTES: ck::CK_ULONG = 64 * 1024;

pub(super) const ROWS: &[Descriptor] = &[
    Descriptor {
        kind: ck::CKM_GENERIC_SECRET_KEY_GEN,
        name: "CKM_GENERIC_SECRET_KEY_GEN",
        key_types: &[ck::CKK_GENERIC_SECRET],
        // In bits, alone among the secret keys.
        min_key_size: 8,
        max_key_size: MAX_BYTES * 8,
        param: ParamKind::None,
        ops: Ops { generate: Some(|_, template| random(value_len(template, 1..=MAX_BYTES)?)), ..Ops::NONE },
        extra_flags: 0,
        legacy: false,
        fips: true,
        provider: Provider::OfBuild,
        vectors: "OpenSSL takes them",
    },
    Descriptor {
        kind: ck::CKM_AES_KEY_GEN,
        name: "CKM_AES_KEY_GEN",
        key_types: &[ck::CKK_AES],
        min_key_size: 16,
        max_key_size: 32,
        param: ParamKind::None,
        ops: Ops {
            generate: Some(|_, template| match value_len(template, 16..=32)? {
                len @ (16 | 24 | 32) => random(len),
                _ => Err(bad_len("CKA_VALUE_LEN of an AES key is 16, 24 or 32")),
            }),
            ..Ops::NONE
        },
        extra_flags: 0,
        legacy: false,
        fips: true,
        provider: Provider::OfBuild,
        vectors: "OpenSSL takes them",
    },
];

/// CKA_VALUE_LEN of the template, in bytes. CKR_TEMPLATE_INCOMPLETE, CKR_ATTRIBUTE_VALUE_INVALID.
pub(super) fn value_len(
    template: &Attributes,
    range: std::ops::RangeInclusive<ck::CK_ULONG>,
) -> Result<usize> {
    match template.ulong(ck::CKA_VALUE_LEN) {
        Some(len) if range.contains(&len) => Ok(length(len)),
        Some(_) => Err(bad_len("CKA_VALUE_LEN is outside the key sizes of this mechanism")),
        None => Err(Error::new(
            ErrorKind::TemplateIncomplete,
            "CKA_VALUE_LEN is missing: it gives the key's length in bytes",
        )),
    }
}

pub(super) fn bad_len(why: &'static str) -> Error {
    Error::new(ErrorKind::AttributeValueInvalid, why)
}

/// The one length in bytes that a type of key has. CKA_VALUE_LEN may say so too.
pub(super) fn fixed_len(template: &Attributes, len: usize) -> Result<usize> {
    match template.ulong(ck::CKA_VALUE_LEN) {
        Some(wanted) if length(wanted) != len => {
            Err(bad_len("CKA_VALUE_LEN is not the length that keys of this type have"))
        }
        _ => Ok(len),
    }
}

/// A random value of a checked length.
pub(super) fn random(len: usize) -> Result<SecretBytes> {
    let mut value = vec![0; len];
    crate::crypto::random(&mut value).map_err(errors::template)?;
    Ok(value.into())
}
