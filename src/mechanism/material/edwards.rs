//! CKK_EC_EDWARDS (Ed25519) and CKK_EC_MONTGOMERY (X25519).
//!
//! CKA_EC_POINT is kept raw, in the little-endian order of RFC 8032 and RFC 7748, as v3.x writes it; the DER OCTET
//! STRING of earlier practice is taken too. CKA_VALUE is the 32-byte private key of the same RFCs.

use zeroize::Zeroizing;

use crate::crypto::{
    Ed25519Private, Ed25519Public, OkpCurve, PrivateKey, PublicKey, X25519Private, X25519Public,
};
use crate::error::Result;
use crate::object::Attributes;
use crate::types::ck;

use super::{Asymmetric, fill, incomplete, invalid, okp, optional, raw_point, required};
use crate::mechanism::errors;
use crate::mechanism::key::wrong_type;

pub(super) const EDWARDS: Asymmetric = Asymmetric {
    key_type: ck::CKK_EC_EDWARDS,
    public: |attributes| {
        let point = required_point(attributes, OkpCurve::Ed25519)?;
        Ed25519Public::new(&point).map(PublicKey::Ed25519).map_err(errors::template)
    },
    private: |attributes| {
        let seed = value(attributes, OkpCurve::Ed25519)?;
        let key = Ed25519Private::from_seed(&seed[..]).map_err(errors::template)?;
        agree(attributes, PrivateKey::Ed25519(key))
    },
    write_public: |attributes, key| match key {
        PublicKey::Ed25519(key) => write_point(attributes, OkpCurve::Ed25519, key.bytes()),
        _ => Err(wrong_type()),
    },
    write_private: |attributes, key| match key {
        PrivateKey::Ed25519(key) => {
            fill(attributes, ck::CKA_VALUE, key.seed());
            write_point(attributes, OkpCurve::Ed25519, key.public().bytes())
        }
        _ => Err(wrong_type()),
    },
};

pub(super) const MONTGOMERY: Asymmetric = Asymmetric {
    key_type: ck::CKK_EC_MONTGOMERY,
    public: |attributes| {
        let point = required_point(attributes, OkpCurve::X25519)?;
        X25519Public::new(&point).map(PublicKey::X25519).map_err(errors::template)
    },
    private: |attributes| {
        let value = value(attributes, OkpCurve::X25519)?;
        let key = X25519Private::from_bytes(&value[..]).map_err(errors::template)?;
        agree(attributes, PrivateKey::X25519(key))
    },
    write_public: |attributes, key| match key {
        PublicKey::X25519(key) => write_point(attributes, OkpCurve::X25519, key.bytes()),
        _ => Err(wrong_type()),
    },
    write_private: |attributes, key| match key {
        PrivateKey::X25519(key) => {
            fill(attributes, ck::CKA_VALUE, key.bytes());
            write_point(attributes, OkpCurve::X25519, key.public().bytes())
        }
        _ => Err(wrong_type()),
    },
};

/// The point of CKA_EC_POINT, if there is one.
fn point(attributes: &Attributes) -> Result<Option<[u8; 32]>> {
    let Some(encoding) = optional(attributes, ck::CKA_EC_POINT) else { return Ok(None) };
    let point = raw_point(encoding, &[32]).and_then(|point| point.try_into().ok());
    point
        .map(Some)
        .ok_or_else(|| invalid("CKA_EC_POINT is neither 32 bytes nor a DER OCTET STRING of 32 bytes"))
}

fn required_point(attributes: &Attributes, curve: OkpCurve) -> Result<[u8; 32]> {
    okp(attributes, curve)?;
    point(attributes)?.ok_or_else(|| incomplete("CKA_EC_POINT is missing"))
}

fn value(attributes: &Attributes, curve: OkpCurve) -> Result<Zeroizing<[u8; 32]>> {
    okp(attributes, curve)?;
    let value = required(attributes, ck::CKA_VALUE, "CKA_VALUE is missing: the private key")?;
    let value =
        value.try_into().map_err(|_| invalid("CKA_VALUE: a private key of this curve has 32 bytes"))?;
    Ok(Zeroizing::new(value))
}

/// The key, unless the attributes carry a CKA_EC_POINT of another one.
fn agree(attributes: &Attributes, key: PrivateKey) -> Result<PrivateKey> {
    let own = match key.public() {
        PublicKey::Ed25519(public) => *public.bytes(),
        PublicKey::X25519(public) => *public.bytes(),
        _ => return Err(wrong_type()),
    };
    match point(attributes)? {
        Some(given) if given != own => Err(invalid("CKA_EC_POINT is not the public key of CKA_VALUE")),
        _ => Ok(key),
    }
}

fn write_point(attributes: &mut Attributes, curve: OkpCurve, point: &[u8; 32]) -> Result<()> {
    fill(attributes, ck::CKA_EC_PARAMS, curve.oid_der());
    okp(attributes, curve)?;
    attributes.set(ck::CKA_EC_POINT, point);
    Ok(())
}
