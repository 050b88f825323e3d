//! CKK_EC_EDWARDS (Ed25519, Ed448) and CKK_EC_MONTGOMERY (X25519, X448).
//!
//! CKA_EC_POINT is kept raw, in the little-endian order of RFC 8032 and RFC 7748, as v3.x writes it; the DER OCTET
//! STRING of earlier practice is taken too. CKA_VALUE is the private key of the same RFCs, as many bytes long.

use crate::crypto::{OkpCurve, PrivateKey, PublicKey};
use crate::error::Result;
use crate::object::Attributes;
use crate::types::ck;

use super::{Asymmetric, fill, incomplete, invalid, okp, optional, raw_point, required};
use crate::mechanism::errors;
use crate::mechanism::key::wrong_type;

pub(super) const EDWARDS: Asymmetric = Asymmetric {
    key_type: ck::CKK_EC_EDWARDS,
    public: |attributes| public(attributes, okp(attributes, &OkpCurve::EDWARDS)?),
    private: |attributes| private(attributes, okp(attributes, &OkpCurve::EDWARDS)?),
    write_public: |attributes, key| write_public(attributes, key, &OkpCurve::EDWARDS),
    write_private: |attributes, key| write_private(attributes, key, &OkpCurve::EDWARDS),
};

pub(super) const MONTGOMERY: Asymmetric = Asymmetric {
    key_type: ck::CKK_EC_MONTGOMERY,
    public: |attributes| public(attributes, okp(attributes, &OkpCurve::MONTGOMERY)?),
    private: |attributes| private(attributes, okp(attributes, &OkpCurve::MONTGOMERY)?),
    write_public: |attributes, key| write_public(attributes, key, &OkpCurve::MONTGOMERY),
    write_private: |attributes, key| write_private(attributes, key, &OkpCurve::MONTGOMERY),
};

/// The point of CKA_EC_POINT, if there is one.
fn point(attributes: &Attributes, curve: OkpCurve) -> Result<Option<&[u8]>> {
    let Some(encoding) = optional(attributes, ck::CKA_EC_POINT) else { return Ok(None) };
    let point = raw_point(encoding, &[curve.key_len()]);
    point.map(Some).ok_or_else(|| {
        invalid("CKA_EC_POINT has neither the length of the curve's keys nor is it a DER OCTET STRING of it")
    })
}

fn public(attributes: &Attributes, curve: OkpCurve) -> Result<PublicKey> {
    let point = point(attributes, curve)?.ok_or_else(|| incomplete("CKA_EC_POINT is missing"))?;
    PublicKey::okp(curve, point).map_err(errors::template)
}

/// The key, unless the attributes carry a CKA_EC_POINT of another one.
fn private(attributes: &Attributes, curve: OkpCurve) -> Result<PrivateKey> {
    let value = required(attributes, ck::CKA_VALUE, "CKA_VALUE is missing: the private key")?;
    let key = PrivateKey::okp(curve, value).map_err(errors::template)?;
    let public = key.public();
    let (_, own) = public.as_okp().ok_or_else(wrong_type)?;
    match point(attributes, curve)? {
        Some(given) if given != own => Err(invalid("CKA_EC_POINT is not the public key of CKA_VALUE")),
        _ => Ok(key),
    }
}

fn write_public(attributes: &mut Attributes, key: &PublicKey, family: &[OkpCurve]) -> Result<()> {
    let (curve, point) = key.as_okp().filter(|(curve, _)| family.contains(curve)).ok_or_else(wrong_type)?;
    fill(attributes, ck::CKA_EC_PARAMS, curve.oid_der());
    okp(attributes, &[curve])?;
    attributes.set(ck::CKA_EC_POINT, point);
    Ok(())
}

fn write_private(attributes: &mut Attributes, key: &PrivateKey, family: &[OkpCurve]) -> Result<()> {
    let value = key.okp_bytes().ok_or_else(wrong_type)?;
    write_public(attributes, &key.public(), family)?;
    fill(attributes, ck::CKA_VALUE, value);
    Ok(())
}
