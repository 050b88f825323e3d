//! Key derivation functions: one file per family. The shared pieces are here.

pub(super) mod argon2;
pub(super) mod hkdf;
pub(super) mod ike;
pub(super) mod pbkdf2;
mod prf;
pub(super) mod simple;
pub(super) mod sp800_108;
pub(super) mod tls;
pub(super) mod tls_keys;

use crate::error::{Error, ErrorKind, Result};
use crate::types::{SecretBytes, ck};

use super::derivation::Derive;
use super::descriptor::{Descriptor, Ops, Provider};
use super::material;
use super::params::ParamKind;

/// A row of a mechanism that derives; `sizes` are the base key's, in the unit that the specification gives.
const fn row(
    (kind, name): (ck::CK_MECHANISM_TYPE, &'static str),
    key_types: &'static [ck::CK_KEY_TYPE],
    sizes: (ck::CK_ULONG, ck::CK_ULONG),
    param: ParamKind,
    derive: Derive,
    fips: bool,
    vectors: &'static str,
) -> Descriptor {
    Descriptor {
        kind,
        name,
        key_types,
        min_key_size: sizes.0,
        max_key_size: sizes.1,
        param,
        ops: Ops { derive: Some(derive), ..Ops::NONE },
        extra_flags: 0,
        legacy: false,
        fips,
        provider: Provider::OfBuild,
        vectors,
    }
}

/// A mechanism's number and name.
macro_rules! named {
    ($kind:ident) => {
        (crate::types::ck::$kind, stringify!($kind))
    };
}
use named;

/// The parameter structure of a mechanism, which its row names.
macro_rules! structure {
    ($params:expr, $kind:ident) => {
        match $params {
            $crate::mechanism::params::Params::Kdf(kdf) => match &**kdf {
                $crate::mechanism::params::Kdf::$kind(inner) => Ok(inner),
                _ => Err($crate::mechanism::errors::wrong_param()),
            },
            _ => Err($crate::mechanism::errors::wrong_param()),
        }
    };
}
pub(super) use structure;

/// Every type of secret key: what concatenation, extraction and password-based generation take or make.
const ANY_SECRET: &[ck::CK_KEY_TYPE] = &material::SECRET_TYPES;

fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::MechanismParamInvalid, why)
}

/// The wanted length, where the mechanism gives any: CKR_TEMPLATE_INCOMPLETE without one.
fn any_len(wanted: Option<usize>) -> Result<usize> {
    wanted.ok_or_else(|| {
        let why = "CKA_VALUE_LEN is missing: the key derivation function gives any length";
        Error::new(ErrorKind::TemplateIncomplete, why)
    })
}

/// Room for so many bytes of output. CKR_HOST_MEMORY.
fn zeroed(len: usize) -> Result<SecretBytes> {
    SecretBytes::zeroed(len).map_err(|_| ErrorKind::HostMemory.into())
}
