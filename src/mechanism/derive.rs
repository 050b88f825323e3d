//! ECDH (PKCS#11 v3.2, section 6 "Elliptic Curve Diffie-Hellman key derivation") on CKK_EC and CKK_EC_MONTGOMERY keys.
//!
//! CKD_NULL gives the shared x coordinate, cut at its leading end to the wanted length; the key derivation functions
//! give exactly the wanted length, which the template therefore has to name.

use crate::crypto::{Digest, EcPublic, Hash, OkpCurve, PrivateKey, PublicKey};
use crate::error::{Error, ErrorKind, Result};
use crate::object::Inherit;
use crate::types::{SecretBytes, ck};

use super::derivation::Derive;
use super::descriptor::{Descriptor, Ops, Provider};
use super::digest::by_kdf;
use super::ec::{BITS, FLAGS};
use super::encapsulation::{decapsulate, encapsulate};
use super::errors;
use super::key::{Key, wrong_type};
use super::material::{point_lens, raw_point};
use super::params::{ParamKind, Params};

const ECDH1: Descriptor = Descriptor {
    kind: ck::CKM_ECDH1_DERIVE,
    name: "CKM_ECDH1_DERIVE",
    key_types: &[ck::CKK_EC, ck::CKK_EC_MONTGOMERY],
    min_key_size: super::edwards::BITS.0,
    max_key_size: BITS.1,
    param: ParamKind::Ecdh,
    ops: Ops {
        derive: Some(Derive::Secret(Inherit::Template, derive)),
        encapsulate: Some(encapsulate),
        decapsulate: Some(decapsulate),
        ..Ops::NONE
    },
    extra_flags: FLAGS,
    legacy: false,
    fips: true,
    provider: Provider::OfBuild,
    vectors: "Wycheproof",
};

pub(super) const ROWS: &[Descriptor] = &[
    ECDH1,
    // Every curve of CKK_EC here has cofactor 1, so that both mechanisms are the same.
    Descriptor {
        kind: ck::CKM_ECDH1_COFACTOR_DERIVE,
        name: "CKM_ECDH1_COFACTOR_DERIVE",
        key_types: &[ck::CKK_EC],
        min_key_size: BITS.0,
        ..ECDH1
    },
];

pub(super) fn derive(key: &Key, params: &Params, wanted: Option<usize>) -> Result<SecretBytes> {
    with(params, wanted, |public| agree(key, public))
}

/// The derivation around an agreement with the other party's value, raw or in DER.
pub(super) fn with(
    params: &Params,
    wanted: Option<usize>,
    agree: impl FnOnce(&[u8]) -> Result<SecretBytes>,
) -> Result<SecretBytes> {
    let Params::Ecdh { kdf, shared, public } = params else { return Err(errors::wrong_param()) };
    if *kdf == ck::CKD_NULL {
        if !shared.is_empty() {
            return Err(Error::new(ErrorKind::MechanismParamInvalid, "CKD_NULL takes no shared data"));
        }
        return cut(&agree(public)?, wanted);
    }
    let (hash, sp800_56a) = by_kdf(*kdf)?;
    let wanted = wanted.ok_or_else(|| {
        Error::new(
            ErrorKind::TemplateIncomplete,
            "CKA_VALUE_LEN is missing: a key derivation function gives any length",
        )
    })?;
    let secret = agree(public)?;
    Ok(if sp800_56a {
        expand(hash, wanted, |digest, counter| [counter, &secret[..], shared].map(|part| digest.update(part)))
    } else {
        expand(hash, wanted, |digest, counter| [&secret[..], counter, shared].map(|part| digest.update(part)))
    })
}

/// The other party's value, of one of these lengths, out of its DER or raw.
fn peer_value<'a>(public: &'a [u8], lens: &[usize]) -> Result<&'a [u8]> {
    raw_point(public, lens).ok_or_else(|| {
        Error::new(
            ErrorKind::MechanismParamInvalid,
            "pPublicData is not a public value of the base key's curve",
        )
    })
}

/// The other party's key, on the curve of the own public key. CKR_PUBLIC_KEY_INVALID for no point of the curve.
pub(super) fn peer(own: &PublicKey, public: &[u8]) -> Result<PublicKey> {
    match own {
        PublicKey::Ec(own) => {
            let point = peer_value(public, &point_lens(own.curve()))?;
            EcPublic::from_point(own.curve(), point).map(PublicKey::Ec)
        }
        own => match own.as_okp() {
            Some((curve, _)) if OkpCurve::MONTGOMERY.contains(&curve) => {
                PublicKey::okp(curve, peer_value(public, &[curve.key_len()])?)
            }
            _ => return Err(wrong_type()),
        },
    }
    .map_err(errors::derive)
}

/// The shared secret with the other party's value, raw or in DER.
pub(super) fn agree(key: &Key, public: &[u8]) -> Result<SecretBytes> {
    let Key::Private(key) = key else { return Err(wrong_type()) };
    let peer = |lens: &[usize]| peer_value(public, lens);
    match key {
        PrivateKey::Ec(key) => key.ecdh(peer(&point_lens(key.curve()))?),
        PrivateKey::X25519(key) => key.agree(peer(&[OkpCurve::X25519.key_len()])?),
        PrivateKey::X448(key) => key.agree(peer(&[OkpCurve::X448.key_len()])?),
        _ => return Err(wrong_type()),
    }
    .map_err(errors::derive)
}

/// The wanted length from the trailing end.
pub(super) fn cut(secret: &[u8], wanted: Option<usize>) -> Result<SecretBytes> {
    let start = secret.len().checked_sub(wanted.unwrap_or(secret.len()));
    let key = start.and_then(|start| secret.get(start..));
    key.map(SecretBytes::from).ok_or_else(|| {
        Error::new(ErrorKind::KeySizeRange, "CKA_VALUE_LEN is more than the shared secret has")
    })
}

/// The counter-mode expansion that X9.63 and SP 800-56A share; `feed` puts the parts of a block in order.
/// `wanted` is bounded by the key types (`material::wanted_len`), so the counter cannot wrap.
fn expand(hash: Hash, wanted: usize, feed: impl Fn(&mut Digest, &[u8]) -> [(); 3]) -> SecretBytes {
    let mut key = Vec::with_capacity(wanted);
    for counter in 1u32.. {
        if key.len() == wanted {
            break;
        }
        let mut digest = Digest::new(hash);
        feed(&mut digest, &counter.to_be_bytes());
        let missing = wanted - key.len();
        key.extend(digest.value().iter().take(missing));
    }
    SecretBytes::from(key)
}
