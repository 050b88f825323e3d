//! Which keys are approved under FIPS 140-3, for the build with the feature `fips`.

use crate::crypto::{Curve, OkpCurve};
use crate::error::{Error, ErrorKind, Result};
use crate::object::Attributes;
use crate::types::ck;

use super::{Size, curve, dh_group, errors, size};

/// SP 800-131A: 112 bits of strength, which RSA and Diffie-Hellman have from 2048 bits on.
const LEAST_BITS: usize = 2048;
const LEAST_SECRET_BITS: usize = 112;

/// That a key or its domain parameters are approved, as far as the attributes tell: a template may name neither curve
/// nor size. CKR_CURVE_NOT_SUPPORTED for curves that SP 800-186 does not have for signatures and key agreement,
/// CKR_KEY_SIZE_RANGE for keys of less than 112 bits of strength, CKR_DOMAIN_PARAMS_INVALID for Diffie-Hellman in
/// groups of one's own (SP 800-56A, appendix D) and for malformed CKA_EC_PARAMS.
pub fn expect_approved(key: &Attributes) -> Result<()> {
    let Some(key_type) = key.key_type() else { return Ok(()) };
    let on_approved_curve = match key_type {
        ck::CKK_EC_MONTGOMERY => false,
        ck::CKK_EC | ck::CKK_EC_EDWARDS if key.get(ck::CKA_EC_PARAMS).is_none() => true,
        ck::CKK_EC => matches!(curve::weierstrass(key)?, Curve::P256 | Curve::P384 | Curve::P521),
        ck::CKK_EC_EDWARDS => curve::okp(key, &OkpCurve::EDWARDS)? == OkpCurve::Ed25519,
        _ => true,
    };
    if !on_approved_curve {
        let why = "FIPS 140-3 has P-256, P-384, P-521 and Ed25519 of the curves here";
        return Err(Error::new(ErrorKind::CurveNotSupported, why));
    }
    let enough = match size(key) {
        Some(Size::Rsa(bits) | Size::Prime(bits)) => bits >= LEAST_BITS,
        Some(Size::Secret(bits)) => bits >= LEAST_SECRET_BITS,
        Some(Size::Curve(_)) | None => true,
    };
    if !enough {
        let why = "FIPS 140-3 wants 2048 bits of RSA keys and primes, 112 bits of secret keys";
        return Err(Error::new(ErrorKind::KeySizeRange, why));
    }
    let has_group = key.get(ck::CKA_PRIME).is_some() && key.get(ck::CKA_BASE).is_some();
    if key_type == ck::CKK_DH && has_group && !is_named(key)? {
        let why = "FIPS 140-3 wants Diffie-Hellman in a named group of RFC 7919 or RFC 3526";
        return Err(Error::new(ErrorKind::DomainParamsInvalid, why));
    }
    Ok(())
}

fn is_named(key: &Attributes) -> Result<bool> {
    dh_group(key)?.is_named().map_err(errors::data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(key_type: ck::CK_KEY_TYPE) -> Attributes {
        Attributes::new().with(ck::CKA_CLASS, ck::CKO_PUBLIC_KEY).with(ck::CKA_KEY_TYPE, key_type)
    }

    fn refusal(key: &Attributes) -> Option<ErrorKind> {
        expect_approved(key).err().map(|error| error.kind())
    }

    #[test]
    fn curves_sizes_and_groups_are_judged() {
        let ec = |oid: &[u8]| public(ck::CKK_EC).with(ck::CKA_EC_PARAMS, oid);
        let edwards = |oid: &[u8]| public(ck::CKK_EC_EDWARDS).with(ck::CKA_EC_PARAMS, oid);
        let (p521, secp256k1) = ([6, 5, 0x2b, 0x81, 4, 0, 0x23], [6, 5, 0x2b, 0x81, 4, 0, 0x0a]);
        let (ed25519, ed448) = ([6, 3, 0x2b, 0x65, 0x70], [6, 3, 0x2b, 0x65, 0x71]);
        assert_eq!(refusal(&ec(&p521)), None);
        assert_eq!(refusal(&ec(&secp256k1)), Some(ErrorKind::CurveNotSupported));
        assert_eq!(refusal(&edwards(&ed25519)), None);
        assert_eq!(refusal(&edwards(&ed448)), Some(ErrorKind::CurveNotSupported));
        assert_eq!(refusal(&public(ck::CKK_EC_MONTGOMERY)), Some(ErrorKind::CurveNotSupported));
        let rsa = |bits: ck::CK_ULONG| public(ck::CKK_RSA).with(ck::CKA_MODULUS_BITS, bits);
        assert_eq!(refusal(&rsa(2048)), None);
        assert_eq!(refusal(&rsa(2040)), Some(ErrorKind::KeySizeRange));
        let secret = |len: usize| {
            let key = Attributes::new().with(ck::CKA_CLASS, ck::CKO_SECRET_KEY);
            key.with(ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET).with(ck::CKA_VALUE, vec![1u8; len])
        };
        assert_eq!(refusal(&secret(14)), None);
        assert_eq!(refusal(&secret(13)), Some(ErrorKind::KeySizeRange));
        let group = crate::crypto::DhGroup::of_size(2048).unwrap();
        let (mut p, g) = (group.p().unwrap(), group.g().unwrap());
        let dh = |p: &[u8]| public(ck::CKK_DH).with(ck::CKA_PRIME, p).with(ck::CKA_BASE, g.as_slice());
        assert_eq!(refusal(&dh(&p)), None);
        p[100] ^= 1;
        assert_eq!(refusal(&dh(&p)), Some(ErrorKind::DomainParamsInvalid));
    }
}
