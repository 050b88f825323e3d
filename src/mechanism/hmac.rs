//! HMAC (PKCS#11 v3.2, section 6 "Hash-Based Message Authentication Codes"): full-length codes.

use crate::crypto::{Hash, Hmac};
use crate::error::Result;
use crate::types::ck;

use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::key::Key;
use super::op::Producer;
use super::params::ParamKind;
use super::secret::MAX_BYTES;
use super::shapes::MacCheck;

/// The specification gives no unit for these; bytes, as for the `_KEY_GEN` that makes their keys.
macro_rules! row {
    ($kind:ident, $key_type:ident, $hash:expr) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: &[ck::CKK_GENERIC_SECRET, ck::$key_type],
            min_key_size: 1,
            max_key_size: MAX_BYTES,
            param: ParamKind::None,
            ops: Ops {
                sign: Some(|key, _| Ok(Box::new(Running::new($hash, key)?))),
                verify: Some(|key, _| Ok(Box::new(MacCheck(Running::new($hash, key)?)))),
                ..Ops::NONE
            },
            extra_flags: 0,
            legacy: false,
            fips: true,
            provider: Provider::AwsLc,
            vectors: "Wycheproof",
        }
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    row!(CKM_SHA_1_HMAC, CKK_SHA_1_HMAC, Hash::Sha1),
    row!(CKM_SHA224_HMAC, CKK_SHA224_HMAC, Hash::Sha224),
    row!(CKM_SHA256_HMAC, CKK_SHA256_HMAC, Hash::Sha256),
    row!(CKM_SHA384_HMAC, CKK_SHA384_HMAC, Hash::Sha384),
    row!(CKM_SHA512_HMAC, CKK_SHA512_HMAC, Hash::Sha512),
];

struct Running(Hmac);

impl Running {
    fn new(hash: Hash, key: &Key) -> Result<Self> {
        Hmac::new(hash, key.secret()?).map(Running).map_err(errors::data)
    }
}

impl Producer for Running {
    fn output_len(&self) -> usize {
        self.0.len()
    }
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.0.update(part).map_err(errors::data)
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        self.0.finish(out).map_err(errors::data)
    }
}
