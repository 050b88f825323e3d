//! Short Weierstrass curves: generation and ECDSA (PKCS#11 v3.2, section 6 "Elliptic Curve").
//!
//! A signature is r || s, each as long as the order. The specification lets an application hand over a shorter one
//! with the leading zeros of both halves left out; keyward does not take it, so that every signature has one
//! encoding: CKR_SIGNATURE_LEN_RANGE.

use crate::crypto::{Curve, EcPrivate, EcPublic, Hash, PrivateKey};
use crate::error::{Error, ErrorKind, Result};
use crate::types::ck;

use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::material;
use super::params::ParamKind;
use super::shapes::{Checker, Hashing, HashingCheck, Signer, SinglePart, SinglePartCheck};

/// Field sizes in bits, P-256 to P-521.
pub(super) const BITS: (ck::CK_ULONG, ck::CK_ULONG) = (256, 521);

/// Named curves over prime fields, with points in either form.
pub(super) const FLAGS: ck::CK_FLAGS =
    ck::CKF_EC_F_P | ck::CKF_EC_OID | ck::CKF_EC_CURVENAME | ck::CKF_EC_UNCOMPRESS | ck::CKF_EC_COMPRESS;

macro_rules! row {
    ($kind:ident, { $($op:ident: $function:expr),* $(,)? }) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: &[ck::CKK_EC],
            min_key_size: BITS.0,
            max_key_size: BITS.1,
            param: ParamKind::None,
            ops: Ops { $($op: Some($function),)* ..Ops::NONE },
            extra_flags: FLAGS,
            legacy: false,
            fips: true,
            provider: Provider::OfBuild,
            vectors: "Wycheproof",
        }
    };
}

macro_rules! hashed {
    ($kind:ident, $hash:expr) => {
        Descriptor {
            legacy: matches!($hash, Hash::Sha1),
            // SHA3-224 is another crate's.
            fips: !matches!($hash, Hash::Sha1 | Hash::Sha3_224),
            ..row!($kind, {
                sign: |key, _| Ok(Box::new(Hashing::new($hash, Ecdsa(key.ec_private()?.clone())))),
                verify: |key, _| Ok(Box::new(HashingCheck(Hashing::new($hash, Ecdsa(key.ec_public()?.clone()))))),
            })
        }
    };
}

/// The signature mechanisms and what they hash with.
pub(super) const SCHEMES: &[(ck::CK_MECHANISM_TYPE, Option<Hash>)] = &[
    (ck::CKM_ECDSA, None),
    (ck::CKM_ECDSA_SHA1, Some(Hash::Sha1)),
    (ck::CKM_ECDSA_SHA224, Some(Hash::Sha224)),
    (ck::CKM_ECDSA_SHA256, Some(Hash::Sha256)),
    (ck::CKM_ECDSA_SHA384, Some(Hash::Sha384)),
    (ck::CKM_ECDSA_SHA512, Some(Hash::Sha512)),
    (ck::CKM_ECDSA_SHA3_224, Some(Hash::Sha3_224)),
    (ck::CKM_ECDSA_SHA3_256, Some(Hash::Sha3_256)),
    (ck::CKM_ECDSA_SHA3_384, Some(Hash::Sha3_384)),
    (ck::CKM_ECDSA_SHA3_512, Some(Hash::Sha3_512)),
    (ck::CKM_KEYWARD_ECDSA_RECOVERABLE, None),
];

pub(super) const ROWS: &[Descriptor] = &[
    row!(CKM_EC_KEY_PAIR_GEN, {
        generate_pair: |_, public, _| {
            let curve = material::weierstrass(public)?;
            EcPrivate::generate(curve).map(PrivateKey::Ec).map_err(errors::template)
        },
    }),
    row!(CKM_ECDSA, {
        sign: |key, _| Ok(Box::new(SinglePart(Ecdsa(key.ec_private()?.clone())))),
        verify: |key, _| Ok(Box::new(SinglePartCheck(Ecdsa(key.ec_public()?.clone())))),
    })
    .single_part(),
    Descriptor { vectors: "OpenSSL", ..hashed!(CKM_ECDSA_SHA1, Hash::Sha1) },
    Descriptor { vectors: "OpenSSL", ..hashed!(CKM_ECDSA_SHA224, Hash::Sha224) },
    hashed!(CKM_ECDSA_SHA256, Hash::Sha256),
    hashed!(CKM_ECDSA_SHA384, Hash::Sha384),
    hashed!(CKM_ECDSA_SHA512, Hash::Sha512),
    Descriptor {
        min_key_size: 256,
        max_key_size: 256,
        fips: false,
        vectors: "EIP-155",
        ..row!(CKM_KEYWARD_ECDSA_RECOVERABLE, {
            sign: |key, _| Ok(Box::new(SinglePart(Recoverable(on_secp256k1(key.ec_private()?, EcPrivate::curve)?)))),
            verify: |key, _| Ok(Box::new(SinglePartCheck(Recoverable(on_secp256k1(key.ec_public()?, EcPublic::curve)?)))),
        })
        .single_part()
    },
    Descriptor { vectors: "OpenSSL", ..hashed!(CKM_ECDSA_SHA3_224, Hash::Sha3_224) },
    hashed!(CKM_ECDSA_SHA3_256, Hash::Sha3_256),
    hashed!(CKM_ECDSA_SHA3_384, Hash::Sha3_384),
    hashed!(CKM_ECDSA_SHA3_512, Hash::Sha3_512),
];

struct Ecdsa<K>(K);

impl Signer for Ecdsa<EcPrivate> {
    fn signature_len(&self) -> usize {
        2 * self.0.curve().order_len()
    }
    fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<()> {
        self.0.sign(digest, out).map_err(errors::data)
    }
}

impl Checker for Ecdsa<EcPublic> {
    fn check(&self, digest: &[u8], signature: &[u8]) -> Result<()> {
        self.0.verify(digest, signature).map_err(errors::verify)
    }
}

/// ECDSA over secp256k1 as blockchains have it: a digest of 32 bytes, r || s || recovery ID with s in the order's lower
/// half. Verification takes an s of either half, and the recovery ID that belongs to it.
struct Recoverable<K>(K);

/// CKR_KEY_TYPE_INCONSISTENT for a key on another curve.
fn on_secp256k1<K: Clone>(key: &K, curve: fn(&K) -> Curve) -> Result<K> {
    match curve(key) {
        Curve::Secp256k1 => Ok(key.clone()),
        _ => Err(Error::new(ErrorKind::KeyTypeInconsistent, "the mechanism is for keys on secp256k1")),
    }
}

impl Signer for Recoverable<EcPrivate> {
    fn signature_len(&self) -> usize {
        2 * self.0.curve().order_len() + 1
    }
    fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<()> {
        self.0.sign_recoverable(digest, out).map_err(errors::data)
    }
}

impl Checker for Recoverable<EcPublic> {
    fn check(&self, digest: &[u8], signature: &[u8]) -> Result<()> {
        self.0.verify_recoverable(digest, signature).map_err(errors::verify)
    }
}
