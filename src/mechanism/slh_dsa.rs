//! SLH-DSA (PKCS#11 v3.2, section 6 "SLH-DSA"): generation, the pure scheme of FIPS 205 and the pre-hashed one.
//!
//! The message goes to the primitive whole, as for ML-DSA; it is passed over twice.

use crate::crypto::{Hedge, PreHash, PrivateKey, SlhDsaPrivate, SlhDsaPublic, SlhDsaSet};
use crate::error::Result;
use crate::types::{ck, ulong};

use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::material;
use super::ml_dsa::context;
use super::params::ParamKind;
use super::prehash;
use super::shapes::{Checker, Gathering, GatheringCheck, Signer};

macro_rules! row {
    ($kind:ident, $param:ident, $vectors:literal, { $($op:ident: $function:expr),* $(,)? }) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: &[ck::CKK_SLH_DSA],
            // Lengths of public keys in bytes.
            min_key_size: ulong(SlhDsaSet::Sha2_128s.public_len()),
            max_key_size: ulong(SlhDsaSet::Sha2_256s.public_len()),
            param: ParamKind::$param,
            ops: Ops { $($op: Some($function),)* ..Ops::NONE },
            extra_flags: 0,
            legacy: false,
            // AWS-LC has none.
            fips: false,
            provider: Provider::RustCrypto,
            vectors: $vectors,
        }
    };
}

/// HashSLH-DSA with the hashing done here.
macro_rules! hashed {
    ($kind:ident, $hash:ident) => {
        row!($kind, SignContext, "ACVP, slh-dsa of PyPI", {
            sign: |key, params| prehash::signing(key.slh_dsa_private()?.clone(), PreHash::$hash, params),
            verify: |key, params| prehash::verifying(key.slh_dsa_public()?.clone(), PreHash::$hash, params),
        })
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    row!(CKM_SLH_DSA_KEY_PAIR_GEN, None, "ACVP", {
        generate_pair: |_, public, _| {
            let set = material::slh_dsa_set(public)?;
            SlhDsaPrivate::generate(set).map(PrivateKey::SlhDsa).map_err(errors::template)
        },
    }),
    row!(CKM_SLH_DSA, SignContext, "ACVP, slh-dsa of PyPI", {
        sign: |key, params| {
            let (hedge, context) = context(params)?;
            Ok(Box::new(Gathering::new(Pure { key: key.slh_dsa_private()?.clone(), context, hedge })))
        },
        verify: |key, params| {
            let (hedge, context) = context(params)?;
            let pure = Pure { key: key.slh_dsa_public()?.clone(), context, hedge };
            Ok(Box::new(GatheringCheck(Gathering::new(pure))))
        },
    }),
    row!(CKM_HASH_SLH_DSA, HashSignContext, "ACVP, slh-dsa of PyPI", {
        sign: |key, params| prehash::signing_digests(key.slh_dsa_private()?.clone(), params),
        verify: |key, params| prehash::verifying_digests(key.slh_dsa_public()?.clone(), params),
    }),
    hashed!(CKM_HASH_SLH_DSA_SHA224, Sha224),
    hashed!(CKM_HASH_SLH_DSA_SHA256, Sha256),
    hashed!(CKM_HASH_SLH_DSA_SHA384, Sha384),
    hashed!(CKM_HASH_SLH_DSA_SHA512, Sha512),
    hashed!(CKM_HASH_SLH_DSA_SHA3_224, Sha3_224),
    hashed!(CKM_HASH_SLH_DSA_SHA3_256, Sha3_256),
    hashed!(CKM_HASH_SLH_DSA_SHA3_384, Sha3_384),
    hashed!(CKM_HASH_SLH_DSA_SHA3_512, Sha3_512),
    hashed!(CKM_HASH_SLH_DSA_SHAKE128, Shake128),
    hashed!(CKM_HASH_SLH_DSA_SHAKE256, Shake256),
];

struct Pure<K> {
    key: K,
    context: Vec<u8>,
    hedge: Hedge,
}

impl Signer for Pure<SlhDsaPrivate> {
    fn signature_len(&self) -> usize {
        self.key.set().signature_len()
    }
    fn sign(&self, message: &[u8], out: &mut [u8]) -> Result<()> {
        self.key.sign(message, &self.context, self.hedge, out).map_err(errors::data)
    }
}

impl Checker for Pure<SlhDsaPublic> {
    fn check(&self, message: &[u8], signature: &[u8]) -> Result<()> {
        self.key.verify(message, &self.context, signature).map_err(errors::verify)
    }
}
