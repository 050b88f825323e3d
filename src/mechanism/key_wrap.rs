//! AES key wrap (PKCS#11 v3.2, section 6 "AES Key Wrap"): SP 800-38F's KW and KWP.
//!
//! CKM_AES_KEY_WRAP_PAD is deprecated, and implementations differ in what it does; keyward's is KWP, as SoftHSM's.

use zeroize::Zeroizing;

use crate::crypto::{self, aes};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{SecretBytes, ck};

use super::aes::row;
use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::key::Key;
use super::params::{ParamKind, Params};
use super::shapes::{SinglePartCipher, Transform, put};

const SEMIBLOCK: usize = 8;

macro_rules! wrapping {
    ($kind:ident, $iv_len:literal, $scheme:ident) => {
        row!($kind, ParamKind::OptionalIv($iv_len), {
            encrypt: |key, params| Ok(Box::new(SinglePartCipher(Encrypt($scheme::new(key, params)?)))),
            decrypt: |key, params| Ok(Box::new(SinglePartCipher(Decrypt($scheme::new(key, params)?)))),
            wrap: |key, params, encoding| {
                $scheme::new(key, params).and_then(|scheme| scheme.wrap_key(encoding)).map_err(errors::wrap)
            },
            unwrap: |key, params, wrapped, wanted| {
                $scheme::new(key, params).and_then(|scheme| scheme.unwrap_key(wrapped, wanted)).map_err(errors::unwrap)
            },
        })
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    wrapping!(CKM_AES_KEY_WRAP, 8, Kw),
    wrapping!(CKM_AES_KEY_WRAP_PAD, 4, Kwp),
    wrapping!(CKM_AES_KEY_WRAP_KWP, 4, Kwp),
];

/// One of the two schemes, with its key and initial value.
trait Scheme: Send + 'static {
    fn wrap(&self, data: &[u8]) -> crypto::Result<Vec<u8>>;
    fn unwrap(&self, wrapped: &[u8]) -> crypto::Result<SecretBytes>;
}

/// The key, shared with the cache it came from, and the caller's initial value or none for the standard one.
struct Kw {
    key: Key,
    iv: Option<[u8; 8]>,
}

struct Kwp {
    key: Key,
    iv: Option<[u8; 4]>,
}

fn iv<const N: usize>(params: &Params) -> Result<Option<[u8; N]>> {
    match params {
        Params::None => Ok(None),
        Params::Iv(iv) => iv.as_slice().try_into().map(Some).map_err(|_| {
            Error::new(
                ErrorKind::MechanismParamInvalid,
                "the initial value has another length than this mechanism's",
            )
        }),
        _ => Err(errors::wrong_param()),
    }
}

/// The value of a key that `new` has found to be a secret one.
fn value(key: &Key) -> &[u8] {
    key.secret().map(|value| &value[..]).unwrap_or_default()
}

impl Kw {
    fn new(key: &Key, params: &Params) -> Result<Self> {
        key.secret()?;
        Ok(Kw { key: key.clone(), iv: iv(params)? })
    }

    /// Keys of other lengths are filled up with zeros; data is not.
    fn wrap_key(&self, encoding: &[u8]) -> Result<Vec<u8>> {
        let zeros = encoding.len().next_multiple_of(SEMIBLOCK) - encoding.len();
        let padded = Zeroizing::new([encoding, [0; SEMIBLOCK].get(..zeros).unwrap_or_default()].concat());
        self.wrap(&padded).map_err(errors::data)
    }

    /// The template may ask for up to 7 bytes less than there are, if those are zeros.
    fn unwrap_key(&self, wrapped: &[u8], wanted: Option<usize>) -> Result<SecretBytes> {
        let key = self.unwrap(wrapped).map_err(errors::decrypt)?;
        let Some(wanted) = wanted else { return Ok(key) };
        let (value, rest) =
            key.split_at_checked(wanted).filter(|(_, rest)| rest.len() < SEMIBLOCK).ok_or_else(|| {
                Error::new(
                    ErrorKind::WrappedKeyLenRange,
                    "the wrapped key does not have the length of CKA_VALUE_LEN",
                )
            })?;
        match rest.iter().all(|byte| *byte == 0) {
            true => Ok(SecretBytes::from(value)),
            false => Err(ErrorKind::WrappedKeyInvalid.into()),
        }
    }
}

impl Scheme for Kw {
    fn wrap(&self, data: &[u8]) -> crypto::Result<Vec<u8>> {
        aes::wrap(value(&self.key), self.iv, data)
    }
    fn unwrap(&self, wrapped: &[u8]) -> crypto::Result<SecretBytes> {
        aes::unwrap(value(&self.key), self.iv, wrapped)
    }
}

impl Kwp {
    fn new(key: &Key, params: &Params) -> Result<Self> {
        key.secret()?;
        Ok(Kwp { key: key.clone(), iv: iv(params)? })
    }

    fn wrap_key(&self, encoding: &[u8]) -> Result<Vec<u8>> {
        self.wrap(encoding).map_err(errors::data)
    }

    /// The wrapped key carries its own length.
    fn unwrap_key(&self, wrapped: &[u8], _wanted: Option<usize>) -> Result<SecretBytes> {
        self.unwrap(wrapped).map_err(errors::decrypt)
    }
}

impl Scheme for Kwp {
    fn wrap(&self, data: &[u8]) -> crypto::Result<Vec<u8>> {
        aes::wrap_pad(value(&self.key), self.iv, data)
    }
    fn unwrap(&self, wrapped: &[u8]) -> crypto::Result<SecretBytes> {
        aes::unwrap_pad(value(&self.key), self.iv, wrapped)
    }
}

/// Encryption of data by the same schemes.
struct Encrypt<S>(S);
struct Decrypt<S>(S);

impl<S: Scheme> Transform for Encrypt<S> {
    fn bound(&self, input: usize) -> usize {
        input.saturating_add(2 * SEMIBLOCK - 1) / SEMIBLOCK * SEMIBLOCK
    }
    fn run(&self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        put(&self.0.wrap(data).map_err(errors::data)?, out)
    }
}

impl<S: Scheme> Transform for Decrypt<S> {
    fn bound(&self, input: usize) -> usize {
        input.saturating_sub(SEMIBLOCK)
    }
    fn run(&self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        put(&self.0.unwrap(data).map_err(errors::decrypt)?, out)
    }
}
