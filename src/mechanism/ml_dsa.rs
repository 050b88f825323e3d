//! ML-DSA (PKCS#11 v3.2, section 6 "ML-DSA"): generation, the pure scheme of FIPS 204 and the pre-hashed
//! one.
//!
//! The message goes to the primitive whole, so its parts are kept until the end.

use crate::crypto::{Hedge, MlDsaPrivate, MlDsaPublic, MlDsaSet, PreHash, PrivateKey};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{ck, ulong};

use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::material;
use super::params::{ParamKind, Params};
use super::prehash;
use super::shapes::{Checker, Gathering, GatheringCheck, Signer};

macro_rules! row {
    ($kind:ident, $param:ident, { $($op:ident: $function:expr),* $(,)? }) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: &[ck::CKK_ML_DSA],
            // Lengths of public keys in bytes.
            min_key_size: ulong(MlDsaSet::MlDsa44.public_len()),
            max_key_size: ulong(MlDsaSet::MlDsa87.public_len()),
            param: ParamKind::$param,
            ops: Ops { $($op: Some($function),)* ..Ops::NONE },
            extra_flags: 0,
            legacy: false,
            fips: true,
            provider: Provider::OfBuild,
            vectors: "ACVP, Wycheproof",
        }
    };
}

/// HashML-DSA with the hashing done here: SHA-2 by AWS-LC, the rest by the RustCrypto crates. µ is theirs in any case,
/// so that none of them is AWS-LC's alone.
macro_rules! hashed {
    ($kind:ident, $hash:ident) => {
        Descriptor {
            fips: false,
            vectors: "ACVP, dilithium-py",
            ..row!($kind, SignContext, {
                sign: |key, params| prehash::signing(key.ml_dsa_private()?.clone(), PreHash::$hash, params),
                verify: |key, params| prehash::verifying(key.ml_dsa_public()?.clone(), PreHash::$hash, params),
            })
        }
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    row!(CKM_ML_DSA_KEY_PAIR_GEN, None, {
        generate_pair: |_, public, _| {
            let set = material::parameter_set(public)?;
            MlDsaPrivate::generate(set).map(PrivateKey::MlDsa).map_err(errors::template)
        },
    }),
    row!(CKM_ML_DSA, SignContext, {
        sign: |key, params| {
            let (hedge, context) = signing_context(params)?;
            Ok(Box::new(Gathering::new(Pure { key: key.ml_dsa_private()?.clone(), context, hedge })))
        },
        verify: |key, params| {
            let (hedge, context) = context(params)?;
            Ok(Box::new(GatheringCheck(Gathering::new(Pure { key: key.ml_dsa_public()?.clone(), context, hedge }))))
        },
    }),
    Descriptor {
        fips: false,
        vectors: "ACVP, dilithium-py",
        ..row!(CKM_HASH_ML_DSA, HashSignContext, {
            sign: |key, params| prehash::signing_digests(key.ml_dsa_private()?.clone(), params),
            verify: |key, params| prehash::verifying_digests(key.ml_dsa_public()?.clone(), params),
        })
    },
    hashed!(CKM_HASH_ML_DSA_SHA224, Sha224),
    hashed!(CKM_HASH_ML_DSA_SHA256, Sha256),
    hashed!(CKM_HASH_ML_DSA_SHA384, Sha384),
    hashed!(CKM_HASH_ML_DSA_SHA512, Sha512),
    hashed!(CKM_HASH_ML_DSA_SHA3_224, Sha3_224),
    hashed!(CKM_HASH_ML_DSA_SHA3_256, Sha3_256),
    hashed!(CKM_HASH_ML_DSA_SHA3_384, Sha3_384),
    hashed!(CKM_HASH_ML_DSA_SHA3_512, Sha3_512),
    hashed!(CKM_HASH_ML_DSA_SHAKE128, Shake128),
    hashed!(CKM_HASH_ML_DSA_SHAKE256, Shake256),
];

struct Pure<K> {
    key: K,
    context: Vec<u8>,
    hedge: Hedge,
}

impl Signer for Pure<MlDsaPrivate> {
    fn signature_len(&self) -> usize {
        self.key.set().signature_len()
    }
    fn sign(&self, message: &[u8], out: &mut [u8]) -> Result<()> {
        self.key.sign(message, &self.context, self.hedge, out).map_err(errors::data)
    }
}

impl Checker for Pure<MlDsaPublic> {
    fn check(&self, message: &[u8], signature: &[u8]) -> Result<()> {
        self.key.verify(message, &self.context, signature).map_err(errors::verify)
    }
}

const HEDGES: &[(ck::CK_HEDGE_TYPE, Hedge)] = &[
    (ck::CKH_HEDGE_PREFERRED, Hedge::Preferred),
    (ck::CKH_HEDGE_REQUIRED, Hedge::Required),
    (ck::CKH_DETERMINISTIC_REQUIRED, Hedge::Deterministic),
];

/// An optional CK_SIGN_ADDITIONAL_CONTEXT. CKR_MECHANISM_PARAM_INVALID.
pub(super) fn context(params: &Params) -> Result<(Hedge, Vec<u8>)> {
    match params {
        Params::None => Ok((Hedge::Preferred, Vec::new())),
        Params::SignContext { hedge, context } => context_of(*hedge, context),
        _ => Err(errors::wrong_param()),
    }
}

/// The same for a signature: the FIPS module makes hedged ones only.
fn signing_context(params: &Params) -> Result<(Hedge, Vec<u8>)> {
    match context(params)? {
        (Hedge::Deterministic, _) if cfg!(feature = "fips") => Err(Error::new(
            ErrorKind::MechanismParamInvalid,
            "hedgeVariant: AWS-LC's FIPS module makes no deterministic signatures",
        )),
        context => Ok(context),
    }
}

/// What the structures of both kinds say alike. CKR_MECHANISM_PARAM_INVALID.
pub(super) fn context_of(hedge: ck::CK_HEDGE_TYPE, context: &[u8]) -> Result<(Hedge, Vec<u8>)> {
    if context.len() > 255 {
        return Err(Error::new(ErrorKind::MechanismParamInvalid, "ulContextLen is above 255"));
    }
    let known = HEDGES.iter().find(|(number, _)| *number == hedge);
    let (_, hedge) =
        known.ok_or_else(|| Error::new(ErrorKind::MechanismParamInvalid, "hedgeVariant is not a CKH_"))?;
    Ok((*hedge, context.to_vec()))
}

/// The context for a key that is elsewhere, which hedges as it does. CKR_MECHANISM_PARAM_INVALID.
pub(super) fn external_context(params: &Params) -> Result<Vec<u8>> {
    match context(params)? {
        (Hedge::Deterministic, _) => Err(Error::new(
            ErrorKind::MechanismParamInvalid,
            "hedgeVariant: where this key is, signatures are hedged",
        )),
        (_, context) => Ok(context),
    }
}
