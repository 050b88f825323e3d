//! Message digests (PKCS#11 v3.2, section 6 "Digests"). Also the one place that pairs CKM_, CKG_ and CKD_ with a hash.

use crate::crypto::{Digest, Hash};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{SecretBytes, ck};

use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::op::Producer;
use super::params::ParamKind;

macro_rules! row {
    ($kind:ident, $hash:expr) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: &[],
            min_key_size: 0,
            max_key_size: 0,
            param: ParamKind::None,
            ops: Ops { digest: Some(|_| Ok(Box::new(Running(Digest::new($hash))))), ..Ops::NONE },
            extra_flags: 0,
            legacy: false,
            fips: true,
            provider: Provider::AwsLc,
            vectors: "FIPS 180-4",
        }
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    row!(CKM_SHA_1, Hash::Sha1),
    row!(CKM_SHA224, Hash::Sha224),
    row!(CKM_SHA256, Hash::Sha256),
    row!(CKM_SHA384, Hash::Sha384),
    row!(CKM_SHA512, Hash::Sha512),
];

struct Running(Digest);

impl Producer for Running {
    fn output_len(&self) -> usize {
        self.0.hash().len()
    }
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.0.update(part);
        Ok(())
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        self.0.finish(out).map_err(errors::data)
    }
    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<()> {
        self.0.finish_with(data, out).map_err(errors::data)
    }
    fn takes_keys(&self) -> bool {
        true
    }
    fn save(&self) -> Option<SecretBytes> {
        self.0.save()
    }
    fn restore(&mut self, saved: &[u8]) -> Result<()> {
        self.0 = Digest::restore(self.0.hash(), saved).ok_or(ErrorKind::SavedStateInvalid)?;
        Ok(())
    }
}

/// A hash and the numbers by which parameters name it: digest mechanism, MGF1, X9.63 KDF, SP 800-56A KDF.
type Names = (Hash, ck::CK_MECHANISM_TYPE, ck::CK_RSA_PKCS_MGF_TYPE, ck::CK_EC_KDF_TYPE, ck::CK_EC_KDF_TYPE);

const NAMES: &[Names] = &[
    (Hash::Sha1, ck::CKM_SHA_1, ck::CKG_MGF1_SHA1, ck::CKD_SHA1_KDF, ck::CKD_SHA1_KDF_SP800),
    (Hash::Sha224, ck::CKM_SHA224, ck::CKG_MGF1_SHA224, ck::CKD_SHA224_KDF, ck::CKD_SHA224_KDF_SP800),
    (Hash::Sha256, ck::CKM_SHA256, ck::CKG_MGF1_SHA256, ck::CKD_SHA256_KDF, ck::CKD_SHA256_KDF_SP800),
    (Hash::Sha384, ck::CKM_SHA384, ck::CKG_MGF1_SHA384, ck::CKD_SHA384_KDF, ck::CKD_SHA384_KDF_SP800),
    (Hash::Sha512, ck::CKM_SHA512, ck::CKG_MGF1_SHA512, ck::CKD_SHA512_KDF, ck::CKD_SHA512_KDF_SP800),
];

/// The hash that a parameter's `hashAlg` names.
pub(super) fn by_mechanism(kind: ck::CK_MECHANISM_TYPE) -> Result<Hash> {
    by(|names| names.1 == kind, "hashAlg names no hash of this token")
}

/// The hash under an MGF1.
pub(super) fn by_mgf(mgf: ck::CK_RSA_PKCS_MGF_TYPE) -> Result<Hash> {
    by(|names| names.2 == mgf, "mgf names no mask generation function of this token")
}

/// The hash under a key derivation function, and whether the function is SP 800-56A's (else X9.63's).
pub(super) fn by_kdf(kdf: ck::CK_EC_KDF_TYPE) -> Result<(Hash, bool)> {
    let hash =
        by(|names| names.3 == kdf || names.4 == kdf, "kdf names no key derivation function of this token")?;
    Ok((hash, NAMES.iter().any(|names| names.4 == kdf)))
}

fn by(is: impl Fn(&Names) -> bool, otherwise: &'static str) -> Result<Hash> {
    let found = NAMES.iter().find(|names| is(names)).map(|names| names.0);
    found.ok_or_else(|| Error::new(ErrorKind::MechanismParamInvalid, otherwise))
}
