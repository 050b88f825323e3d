//! CKK_RSA: big integers, most significant byte first.

use crate::crypto::{PrivateKey, PublicKey, RsaComponents, RsaPrivate, RsaPublic};
use crate::error::Result;
use crate::object::Attributes;
use crate::types::{SecretBytes, ck, ulong};

use super::{Asymmetric, fill, optional, required};
use crate::mechanism::errors;
use crate::mechanism::key::wrong_type;

pub(super) const TYPE: Asymmetric =
    Asymmetric { key_type: ck::CKK_RSA, public, private, write_public, write_private };

fn public(attributes: &Attributes) -> Result<PublicKey> {
    let n = required(attributes, ck::CKA_MODULUS, "CKA_MODULUS is missing")?;
    let e = required(attributes, ck::CKA_PUBLIC_EXPONENT, "CKA_PUBLIC_EXPONENT is missing")?;
    RsaPublic::new(n, e).map(PublicKey::Rsa).map_err(errors::template)
}

/// Modulus and private exponent are needed; what else is there must fit, what is not is computed.
fn private(attributes: &Attributes) -> Result<PrivateKey> {
    let part = |kind| optional(attributes, kind).map(SecretBytes::from);
    let modulus = required(attributes, ck::CKA_MODULUS, "CKA_MODULUS is missing")?;
    let d = required(attributes, ck::CKA_PRIVATE_EXPONENT, "CKA_PRIVATE_EXPONENT is missing")?;
    let components = RsaComponents {
        n: modulus.to_vec(),
        e: optional(attributes, ck::CKA_PUBLIC_EXPONENT).map(<[u8]>::to_vec),
        d: d.into(),
        p: part(ck::CKA_PRIME_1),
        q: part(ck::CKA_PRIME_2),
        dp: part(ck::CKA_EXPONENT_1),
        dq: part(ck::CKA_EXPONENT_2),
        qi: part(ck::CKA_COEFFICIENT),
    };
    RsaPrivate::from_components(&components).map(PrivateKey::Rsa).map_err(errors::template)
}

fn write_public(attributes: &mut Attributes, key: &PublicKey) -> Result<()> {
    let PublicKey::Rsa(key) = key else { return Err(wrong_type()) };
    fill(attributes, ck::CKA_MODULUS, key.n());
    fill(attributes, ck::CKA_PUBLIC_EXPONENT, key.e());
    attributes.set(ck::CKA_MODULUS_BITS, ulong(key.bits()));
    Ok(())
}

fn write_private(attributes: &mut Attributes, key: &PrivateKey) -> Result<()> {
    let PrivateKey::Rsa(key) = key else { return Err(wrong_type()) };
    let parts = key.components().map_err(errors::data)?;
    fill(attributes, ck::CKA_MODULUS, parts.n);
    fill(attributes, ck::CKA_PRIVATE_EXPONENT, parts.d);
    if let Some(e) = parts.e {
        fill(attributes, ck::CKA_PUBLIC_EXPONENT, e);
    }
    let optional = [
        (ck::CKA_PRIME_1, parts.p),
        (ck::CKA_PRIME_2, parts.q),
        (ck::CKA_EXPONENT_1, parts.dp),
        (ck::CKA_EXPONENT_2, parts.dq),
        (ck::CKA_COEFFICIENT, parts.qi),
    ];
    for (kind, part) in optional {
        if let Some(part) = part {
            fill(attributes, kind, part);
        }
    }
    Ok(())
}
