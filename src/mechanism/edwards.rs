//! Edwards and Montgomery curves: generation, and EdDSA (PKCS#11 v3.2, section 6 "Elliptic Curve").
//!
//! Pure Ed25519 reads the message twice, so its parts are kept until the end; Ed25519ph hashes them as they come.

use crate::crypto::{Ed25519Private, Ed25519Public, Hash, OkpCurve, PrivateKey, X25519Private};
use crate::error::{Error, ErrorKind, Result};
use crate::types::ck;

use super::descriptor::{Descriptor, Ops, Provider};
use super::ec::FLAGS;
use super::errors;
use super::key::Key;
use super::material;
use super::op::{Producer, Verifier};
use super::params::{ParamKind, Params};
use super::shapes::{Checker, Gathering, GatheringCheck, Hashing, HashingCheck, Signer, put};

/// Field size in bits of both curves.
pub(super) const BITS: ck::CK_ULONG = 255;

macro_rules! row {
    ($kind:ident, $key_type:ident, $param:ident, { $($op:ident: $function:expr),* $(,)? }) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: &[ck::$key_type],
            min_key_size: BITS,
            max_key_size: BITS,
            param: ParamKind::$param,
            ops: Ops { $($op: Some($function),)* ..Ops::NONE },
            // Points of these curves have one form: which of the two flags it is, the specification leaves open.
            extra_flags: FLAGS & !ck::CKF_EC_UNCOMPRESS,
            legacy: false,
            fips: ck::$key_type == ck::CKK_EC_EDWARDS,
            provider: Provider::AwsLc,
            vectors: "Wycheproof",
        }
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    row!(CKM_EC_EDWARDS_KEY_PAIR_GEN, CKK_EC_EDWARDS, None, {
        generate_pair: |_, public, _| {
            material::okp(public, OkpCurve::Ed25519)?;
            Ed25519Private::generate().map(PrivateKey::Ed25519).map_err(errors::template)
        },
    }),
    row!(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKK_EC_MONTGOMERY, None, {
        generate_pair: |_, public, _| {
            material::okp(public, OkpCurve::X25519)?;
            X25519Private::generate().map(PrivateKey::X25519).map_err(errors::template)
        },
    }),
    row!(CKM_EDDSA, CKK_EC_EDWARDS, Eddsa, { sign: sign, verify: verify }),
];

pub(super) const SIGNATURE_LEN: usize = 64;

fn sign(key: &Key, params: &Params) -> Result<Box<dyn Producer>> {
    let key = key.ed25519_private()?.clone();
    let scheme = Scheme::new(params)?;
    Ok(match scheme {
        Scheme::Prehash(_) => Box::new(Hashing::new(Hash::Sha512, Eddsa { key, scheme })),
        _ => Box::new(Gathering::new(Eddsa { key, scheme })),
    })
}

fn verify(key: &Key, params: &Params) -> Result<Box<dyn Verifier>> {
    let key = key.ed25519_public()?.clone();
    let scheme = Scheme::new(params)?;
    Ok(match scheme {
        Scheme::Prehash(_) => Box::new(HashingCheck(Hashing::new(Hash::Sha512, Eddsa { key, scheme }))),
        _ => Box::new(GatheringCheck(Gathering::new(Eddsa { key, scheme }))),
    })
}

/// The schemes of RFC 8032, with their contexts.
enum Scheme {
    Pure,
    Context(Vec<u8>),
    Prehash(Vec<u8>),
}

impl Scheme {
    /// Without prehash, an empty context means pure Ed25519: RFC 8032 advises against an empty one in Ed25519ctx, and
    /// callers that always send the structure mean the plain scheme.
    fn new(params: &Params) -> Result<Self> {
        match params {
            Params::None => Ok(Scheme::Pure),
            Params::Eddsa { context, .. } if context.len() > 255 => {
                Err(Error::new(ErrorKind::MechanismParamInvalid, "ulContextDataLen is above 255"))
            }
            Params::Eddsa { prehash: true, context } => Ok(Scheme::Prehash(context.clone())),
            Params::Eddsa { prehash: false, context } if context.is_empty() => Ok(Scheme::Pure),
            Params::Eddsa { prehash: false, context } => Ok(Scheme::Context(context.clone())),
            _ => Err(errors::wrong_param()),
        }
    }
}

/// CKR_MECHANISM_PARAM_INVALID for anything but pure Ed25519, the one scheme of keys that are elsewhere.
pub(super) fn expect_pure(params: &Params) -> Result<()> {
    match Scheme::new(params)? {
        Scheme::Pure => Ok(()),
        _ => Err(Error::new(
            ErrorKind::MechanismParamInvalid,
            "where this key is, Ed25519 is pure: without prehash and context",
        )),
    }
}

struct Eddsa<K> {
    key: K,
    scheme: Scheme,
}

impl Signer for Eddsa<Ed25519Private> {
    fn signature_len(&self) -> usize {
        SIGNATURE_LEN
    }
    fn sign(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let signature = match &self.scheme {
            Scheme::Pure => self.key.sign(data),
            Scheme::Context(context) => self.key.sign_ctx(data, context),
            Scheme::Prehash(context) => self.key.sign_ph(data, context),
        };
        put(&signature.map_err(errors::data)?, out).map(|_| ())
    }
}

impl Checker for Eddsa<Ed25519Public> {
    fn check(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        let verdict = match &self.scheme {
            Scheme::Pure => self.key.verify(data, signature),
            Scheme::Context(context) => self.key.verify_ctx(data, context, signature),
            Scheme::Prehash(context) => self.key.verify_ph(data, context, signature),
        };
        verdict.map_err(errors::verify)
    }
}
