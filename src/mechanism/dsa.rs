//! DSA (PKCS#11 v3.2, section 6 "DSA"): for keys and signatures of the past.
//!
//! A signature is r || s, each as long as the subprime.

use crate::crypto::{self, DsaGroup, DsaPrivate, DsaPublic, Hash, PrivateKey, PublicKey};
use crate::error::Result;
use crate::object::Attributes;
use crate::types::{ck, length};

use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::key::{Key, wrong_type};
use super::material;
use super::params::{ParamKind, Params};
use super::shapes::{Checker, Hashing, HashingCheck, Signer, SinglePart, SinglePartCheck};

macro_rules! row {
    ($kind:ident, { $($op:ident: $function:expr),* $(,)? }) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: &[ck::CKK_DSA],
            min_key_size: 512,
            max_key_size: 3072,
            param: ParamKind::None,
            ops: Ops { $($op: Some($function),)* ..Ops::NONE },
            extra_flags: 0,
            legacy: true,
            fips: false,
            provider: Provider::OfBuild,
            vectors: "Wycheproof",
        }
    };
}

macro_rules! hashed {
    ($kind:ident, $hash:expr) => {
        row!($kind, {
            sign: |key, _| Ok(Box::new(Hashing::new($hash, Dsa(private(key)?)))),
            verify: |key, _| Ok(Box::new(HashingCheck(Hashing::new($hash, Dsa(public(key)?))))),
        })
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    Descriptor {
        vectors: "OpenSSL takes them",
        ..row!(CKM_DSA_KEY_PAIR_GEN, {
            generate_pair: |_, public, _| {
                let group = material::dsa_group(public)?;
                DsaPrivate::generate(&group).map(PrivateKey::Dsa).map_err(errors::template)
            },
        })
    },
    Descriptor {
        min_key_size: 1024,
        vectors: "OpenSSL takes them",
        ..row!(CKM_DSA_PARAMETER_GEN, { generate_parameters: parameters })
    },
    row!(CKM_DSA, {
        sign: |key, _| Ok(Box::new(SinglePart(Digested(Dsa(private(key)?))))),
        verify: |key, _| Ok(Box::new(SinglePartCheck(Digested(Dsa(public(key)?))))),
    })
    .single_part(),
    Descriptor { vectors: "OpenSSL", ..hashed!(CKM_DSA_SHA1, Hash::Sha1) },
    hashed!(CKM_DSA_SHA224, Hash::Sha224),
    hashed!(CKM_DSA_SHA256, Hash::Sha256),
    Descriptor { vectors: "OpenSSL", ..hashed!(CKM_DSA_SHA384, Hash::Sha384) },
    Descriptor { vectors: "OpenSSL", ..hashed!(CKM_DSA_SHA512, Hash::Sha512) },
];

/// Without CKA_SUBPRIME_BITS the subprime has the specification's size for its prime.
fn parameters(_: &Params, template: &Attributes) -> Result<Attributes> {
    let bits = template.ulong(ck::CKA_PRIME_BITS).map_or(0, length);
    let q_bits = template.ulong(ck::CKA_SUBPRIME_BITS).map(length).unwrap_or(match bits {
        0..=1024 => 160,
        1025..=2048 => 224,
        _ => 256,
    });
    let group = DsaGroup::generate(bits, q_bits).map_err(errors::template)?;
    let number = |number: crypto::Result<Vec<u8>>| number.map_err(errors::data);
    Ok(Attributes::new()
        .with(ck::CKA_PRIME, number(group.p())?)
        .with(ck::CKA_SUBPRIME, number(group.q())?)
        .with(ck::CKA_BASE, number(group.g())?))
}

fn private(key: &Key) -> Result<DsaPrivate> {
    match key {
        Key::Private(PrivateKey::Dsa(key)) => Ok(key.clone()),
        _ => Err(wrong_type()),
    }
}

fn public(key: &Key) -> Result<DsaPublic> {
    match key {
        Key::Public(PublicKey::Dsa(key)) => Ok(key.clone()),
        _ => Err(wrong_type()),
    }
}

struct Dsa<K>(K);

impl Signer for Dsa<DsaPrivate> {
    fn signature_len(&self) -> usize {
        2 * self.0.public().group().order_len()
    }
    fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<()> {
        self.0.sign(digest, out).map_err(errors::data)
    }
}

impl Checker for Dsa<DsaPublic> {
    fn check(&self, digest: &[u8], signature: &[u8]) -> Result<()> {
        self.0.verify(digest, signature).map_err(errors::verify)
    }
}

/// The data is a digest already: CKR_DATA_LEN_RANGE for a length that no hash of this mechanism has.
struct Digested<P>(P);

fn expect_digest(data: &[u8]) -> Result<()> {
    match data.len() {
        20 | 28 | 32 | 48 | 64 => Ok(()),
        _ => Err(errors::data(crypto::Error::DataLength)),
    }
}

impl<P: Signer> Signer for Digested<P> {
    fn signature_len(&self) -> usize {
        self.0.signature_len()
    }
    fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<()> {
        expect_digest(digest)?;
        self.0.sign(digest, out)
    }
}

impl<P: Checker> Checker for Digested<P> {
    fn check(&self, digest: &[u8], signature: &[u8]) -> Result<()> {
        expect_digest(digest)?;
        self.0.check(digest, signature)
    }
}
