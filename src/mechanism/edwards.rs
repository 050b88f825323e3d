//! Edwards and Montgomery curves: generation, and EdDSA (PKCS#11 v3.2, section 6 "Elliptic Curve").
//!
//! The pure schemes read the message twice, so its parts are kept until the end. Ed25519ph hashes them as they come;
//! Ed448ph keeps them, too, which makes no difference to its result.

use crate::crypto::{
    Ed448Private, Ed448Public, Ed25519Private, Ed25519Public, Hash, OkpCurve, PrivateKey, PublicKey,
};
use crate::error::{Error, ErrorKind, Result};
use crate::types::ck;

use super::descriptor::{Descriptor, Ops, Provider};
use super::ec::FLAGS;
use super::errors;
use super::key::{Key, wrong_type};
use super::material;
use super::op::{Producer, Verifier};
use super::params::{ParamKind, Params};
use super::shapes::{Checker, Gathering, GatheringCheck, Hashing, HashingCheck, Signer, put};

/// Field sizes in bits: 25519 and 448.
pub(super) const BITS: (ck::CK_ULONG, ck::CK_ULONG) = (255, 448);

macro_rules! row {
    ($kind:ident, $key_type:ident, $param:ident, { $($op:ident: $function:expr),* $(,)? }) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: &[ck::$key_type],
            min_key_size: BITS.0,
            max_key_size: BITS.1,
            param: ParamKind::$param,
            ops: Ops { $($op: Some($function),)* ..Ops::NONE },
            // Points of these curves have one form: which of the two flags it is, the specification leaves open.
            extra_flags: FLAGS & !ck::CKF_EC_UNCOMPRESS,
            legacy: false,
            fips: ck::$key_type == ck::CKK_EC_EDWARDS,
            // Of Ed25519 and X25519; the curves of 448 bits are the RustCrypto crates'.
            provider: Provider::OfBuild,
            vectors: "Wycheproof",
        }
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    row!(CKM_EC_EDWARDS_KEY_PAIR_GEN, CKK_EC_EDWARDS, None, {
        generate_pair: |_, public, _| {
            PrivateKey::generate_okp(material::okp(public, &OkpCurve::EDWARDS)?).map_err(errors::template)
        },
    }),
    row!(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKK_EC_MONTGOMERY, None, {
        generate_pair: |_, public, _| {
            PrivateKey::generate_okp(material::okp(public, &OkpCurve::MONTGOMERY)?).map_err(errors::template)
        },
    }),
    row!(CKM_EDDSA, CKK_EC_EDWARDS, Eddsa, { sign: sign, verify: verify }),
];

/// Length of an Ed25519 signature in bytes.
pub(super) const SIGNATURE_LEN: usize = 64;

fn sign(key: &Key, params: &Params) -> Result<Box<dyn Producer>> {
    let scheme = Scheme::new(params)?;
    match (key, &scheme) {
        (Key::Private(PrivateKey::Ed25519(key)), Scheme::Prehash(_)) => {
            Ok(Box::new(Hashing::new(Hash::Sha512, Eddsa { key: key.clone(), scheme })))
        }
        (Key::Private(PrivateKey::Ed25519(key)), _) => {
            Ok(Box::new(Gathering::new(Eddsa { key: key.clone(), scheme })))
        }
        (Key::Private(PrivateKey::Ed448(key)), _) => {
            Ok(Box::new(Gathering::new(Eddsa { key: key.clone(), scheme })))
        }
        _ => Err(wrong_type()),
    }
}

fn verify(key: &Key, params: &Params) -> Result<Box<dyn Verifier>> {
    let scheme = Scheme::new(params)?;
    match (key, &scheme) {
        (Key::Public(PublicKey::Ed25519(key)), Scheme::Prehash(_)) => {
            Ok(Box::new(HashingCheck(Hashing::new(Hash::Sha512, Eddsa { key: key.clone(), scheme }))))
        }
        (Key::Public(PublicKey::Ed25519(key)), _) => {
            Ok(Box::new(GatheringCheck(Gathering::new(Eddsa { key: key.clone(), scheme }))))
        }
        (Key::Public(PublicKey::Ed448(key)), _) => {
            Ok(Box::new(GatheringCheck(Gathering::new(Eddsa { key: key.clone(), scheme }))))
        }
        _ => Err(wrong_type()),
    }
}

/// The schemes of RFC 8032, with their contexts.
enum Scheme {
    Pure,
    Context(Vec<u8>),
    Prehash(Vec<u8>),
}

impl Scheme {
    /// Without prehash, an empty context means the pure scheme: RFC 8032 advises against an empty one in Ed25519ctx,
    /// and callers that always send the structure mean the plain scheme. Ed448 takes the same absent parameter,
    /// although the specification asks for one there: it can mean nothing else.
    fn new(params: &Params) -> Result<Self> {
        match params {
            Params::None => Ok(Scheme::Pure),
            Params::Eddsa { context, .. } if context.len() > 255 => {
                Err(Error::new(ErrorKind::MechanismParamInvalid, "ulContextDataLen is above 255"))
            }
            Params::Eddsa { prehash: true, context } => Ok(Scheme::Prehash(context.clone())),
            Params::Eddsa { prehash: false, context } if context.is_empty() => Ok(Scheme::Pure),
            Params::Eddsa { prehash: false, .. } if cfg!(feature = "fips") => {
                let why = "FIPS 186-5 has Ed25519 and Ed25519ph, but no Ed25519ctx";
                Err(Error::new(ErrorKind::MechanismParamInvalid, why))
            }
            Params::Eddsa { prehash: false, context } => Ok(Scheme::Context(context.clone())),
            _ => Err(errors::wrong_param()),
        }
    }

    /// The context; empty in the pure scheme.
    fn context(&self) -> &[u8] {
        match self {
            Scheme::Pure => &[],
            Scheme::Context(context) | Scheme::Prehash(context) => context,
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

impl Signer for Eddsa<Ed448Private> {
    fn signature_len(&self) -> usize {
        2 * OkpCurve::Ed448.key_len()
    }
    fn sign(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let signature = match &self.scheme {
            Scheme::Prehash(context) => self.key.sign_ph(data, context),
            pure => self.key.sign(data, pure.context()),
        };
        put(&signature.map_err(errors::data)?, out).map(|_| ())
    }
}

impl Checker for Eddsa<Ed448Public> {
    fn check(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        let verdict = match &self.scheme {
            Scheme::Prehash(context) => self.key.verify_ph(data, context, signature),
            pure => self.key.verify(data, pure.context(), signature),
        };
        verdict.map_err(errors::verify)
    }
}
