//! CKK_EC: short Weierstrass keys.
//!
//! CKA_EC_POINT is kept as the specification writes it, a DER OCTET STRING around the uncompressed point; a raw or a
//! compressed point is taken too. Private keys carry it as well: consumers ask for it there, and it is no secret.

use std::borrow::Cow;

use crate::crypto::{Curve, EcPrivate, EcPublic, PrivateKey, PublicKey};
use crate::error::Result;
use crate::object::Attributes;
use crate::types::ck;

use super::{Asymmetric, fill, inconsistent, invalid, optional, required, weierstrass};
use crate::mechanism::errors;
use crate::mechanism::key::wrong_type;

pub(super) const TYPE: Asymmetric =
    Asymmetric { key_type: ck::CKK_EC, public, private, write_public, write_private };

const OCTET_STRING: u8 = 0x04;

/// The point inside a DER OCTET STRING, or the raw point itself, where `raw_lens` are the lengths of raw points.
/// A point starts with the octet of an OCTET STRING (04), so only the length can tell: no raw point of a curve is as
/// long as a wrapped one of the same curve.
pub(in crate::mechanism) fn raw_point<'a>(encoding: &'a [u8], raw_lens: &[usize]) -> Option<&'a [u8]> {
    if raw_lens.contains(&encoding.len()) {
        return Some(encoding);
    }
    let content = match encoding {
        [OCTET_STRING, 0x81, len @ 0x80..=0xff, rest @ ..] if rest.len() == usize::from(*len) => rest,
        [OCTET_STRING, len @ 0..=0x7f, rest @ ..] if rest.len() == usize::from(*len) => rest,
        _ => return None,
    };
    raw_lens.contains(&content.len()).then_some(content)
}

/// The lengths of a raw point: compressed and uncompressed.
pub(in crate::mechanism) fn point_lens(curve: Curve) -> [usize; 2] {
    [1 + curve.field_len(), 1 + 2 * curve.field_len()]
}

/// A DER OCTET STRING around a point of less than 256 bytes.
pub(in crate::mechanism) fn octet_string(point: &[u8]) -> Vec<u8> {
    // Every point of keyward's curves is that short: the longest is P-521's, 133 bytes.
    let len = u8::try_from(point.len()).unwrap_or(u8::MAX);
    let header: Cow<'_, [u8]> = match len {
        0..0x80 => Cow::Owned(vec![OCTET_STRING, len]),
        _ => Cow::Owned(vec![OCTET_STRING, 0x81, len]),
    };
    [&header, point].concat()
}

fn point(curve: Curve, encoding: &[u8]) -> Result<EcPublic> {
    let point = raw_point(encoding, &point_lens(curve))
        .ok_or_else(|| invalid("CKA_EC_POINT is no point of the curve that CKA_EC_PARAMS names"))?;
    EcPublic::from_point(curve, point).map_err(errors::template)
}

fn public(attributes: &Attributes) -> Result<PublicKey> {
    let curve = weierstrass(attributes)?;
    let encoding = required(attributes, ck::CKA_EC_POINT, "CKA_EC_POINT is missing")?;
    Ok(PublicKey::Ec(point(curve, encoding)?))
}

fn private(attributes: &Attributes) -> Result<PrivateKey> {
    let curve = weierstrass(attributes)?;
    let scalar = required(attributes, ck::CKA_VALUE, "CKA_VALUE is missing: the private value d")?;
    let key = EcPrivate::from_scalar(curve, scalar).map_err(errors::template)?;
    if let Some(encoding) = optional(attributes, ck::CKA_EC_POINT)
        && point(curve, encoding)?.point() != key.public().point()
    {
        return Err(invalid("CKA_EC_POINT is not the public point of CKA_VALUE"));
    }
    Ok(PrivateKey::Ec(key))
}

fn write_public(attributes: &mut Attributes, key: &PublicKey) -> Result<()> {
    let PublicKey::Ec(key) = key else { return Err(wrong_type()) };
    fill(attributes, ck::CKA_EC_PARAMS, key.curve().oid_der());
    if weierstrass(attributes)? != key.curve() {
        return Err(inconsistent("CKA_EC_PARAMS names another curve than the key's"));
    }
    attributes.set(ck::CKA_EC_POINT, octet_string(&key.point()));
    Ok(())
}

fn write_private(attributes: &mut Attributes, key: &PrivateKey) -> Result<()> {
    let PrivateKey::Ec(private) = key else { return Err(wrong_type()) };
    fill(attributes, ck::CKA_VALUE, private.scalar());
    write_public(attributes, &key.public())
}
