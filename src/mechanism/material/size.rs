//! How large a key is, in the unit that people compare keys by: for a policy that wants them larger.

use crate::crypto::OkpCurve;
use crate::object::Attributes;
use crate::types::{ck, length};

use super::{curve, domain, optional};

/// A size in bits, and what of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// The modulus of an RSA key.
    Rsa(usize),
    /// The prime of a DSA or Diffie-Hellman key, or of domain parameters.
    Prime(usize),
    /// The field of an elliptic curve; of an Edwards or Montgomery curve, its encoding: 256 for Ed25519.
    Curve(usize),
    /// A secret key's value.
    Secret(usize),
}

/// The size of a key or of domain parameters: of its material, or of what its template asks for. `None` for other
/// objects, for keys whose size is a parameter set, and where it can't be told.
pub fn size(attributes: &Attributes) -> Option<Size> {
    let key_type = attributes.key_type()?;
    if matches!(attributes.class(), ck::CKO_SECRET_KEY | ck::CKO_OTP_KEY) {
        let value = optional(attributes, ck::CKA_VALUE).map(|value| value.len());
        let bytes = value.or_else(|| attributes.ulong(ck::CKA_VALUE_LEN).map(length))?;
        return Some(Size::Secret(bytes.saturating_mul(8)));
    }
    match key_type {
        ck::CKK_RSA => number(attributes, ck::CKA_MODULUS, ck::CKA_MODULUS_BITS).map(Size::Rsa),
        ck::CKK_DSA | ck::CKK_DH | ck::CKK_X9_42_DH => {
            number(attributes, ck::CKA_PRIME, ck::CKA_PRIME_BITS).map(Size::Prime)
        }
        ck::CKK_EC => weierstrass(attributes).map(Size::Curve),
        ck::CKK_EC_EDWARDS | ck::CKK_EC_MONTGOMERY => okp(attributes).map(Size::Curve),
        _ => None,
    }
}

fn number(
    attributes: &Attributes,
    number: ck::CK_ATTRIBUTE_TYPE,
    wanted: ck::CK_ATTRIBUTE_TYPE,
) -> Option<usize> {
    let given = optional(attributes, number).map(|number| domain::bits(domain::significant(number)));
    given.or_else(|| attributes.ulong(wanted).map(length))
}

/// By the curve's name; by its point where the name is another library's.
fn weierstrass(attributes: &Attributes) -> Option<usize> {
    if let Ok(curve) = curve::weierstrass(attributes) {
        return Some(curve.bits());
    }
    let point = point(optional(attributes, ck::CKA_EC_POINT)?);
    match point {
        [0x04, coordinates @ ..] => Some(coordinates.len() / 2 * 8),
        [0x02 | 0x03, x @ ..] => Some(x.len() * 8),
        _ => None,
    }
}

/// By the length of the encoding, which is that of public and private values alike; before there is one, by the
/// curve's name.
fn okp(attributes: &Attributes) -> Option<usize> {
    let value = optional(attributes, ck::CKA_EC_POINT).map(point);
    match value.or_else(|| optional(attributes, ck::CKA_VALUE)) {
        Some(value) => Some(value.len() * 8),
        None => curve::okp(attributes, &OkpCurve::ALL).ok().map(|curve| curve.key_len() * 8),
    }
}

/// A point without the DER OCTET STRING around it.
fn point(encoded: &[u8]) -> &[u8] {
    match encoded {
        [0x04, 0x81, len, point @ ..] if point.len() == usize::from(*len) => point,
        [0x04, len, point @ ..] if *len < 0x80 && point.len() == usize::from(*len) => point,
        _ => encoded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(class: ck::CK_OBJECT_CLASS, key_type: ck::CK_KEY_TYPE) -> Attributes {
        Attributes::new().with(ck::CKA_CLASS, class).with(ck::CKA_KEY_TYPE, key_type)
    }

    #[test]
    fn sizes_are_told_of_keys_and_templates() {
        let public = |key_type| of(ck::CKO_PUBLIC_KEY, key_type);
        let rsa = public(ck::CKK_RSA).with(ck::CKA_MODULUS, [&[0u8, 0x7f][..], &[1; 127]].concat());
        assert_eq!(size(&rsa), Some(Size::Rsa(1023)));
        let wanted = public(ck::CKK_RSA).with(ck::CKA_MODULUS_BITS, 3072 as ck::CK_ULONG);
        assert_eq!(size(&wanted), Some(Size::Rsa(3072)));
        let domain = of(ck::CKO_DOMAIN_PARAMETERS, ck::CKK_DH).with(ck::CKA_PRIME, &[0x80; 128]);
        assert_eq!(size(&domain), Some(Size::Prime(1024)));
        let p521: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23];
        assert_eq!(size(&public(ck::CKK_EC).with(ck::CKA_EC_PARAMS, p521)), Some(Size::Curve(521)));
        // A curve that only another library knows, its point in an OCTET STRING or bare.
        let elsewhere = public(ck::CKK_EC).with(ck::CKA_EC_PARAMS, &[0x06, 0x01, 0x00]);
        let bare = [&[4u8][..], &[1; 40]].concat();
        let wrapped = [&[4u8, 41][..], &bare].concat();
        for point in [bare, wrapped, [&[3u8][..], &[1; 20]].concat()] {
            assert_eq!(size(&elsewhere.clone().with(ck::CKA_EC_POINT, point)), Some(Size::Curve(160)));
        }
        let ed448 = public(ck::CKK_EC_EDWARDS).with(ck::CKA_EC_POINT, &[9; 57]);
        assert_eq!(size(&ed448), Some(Size::Curve(456)));
        let ed25519 = public(ck::CKK_EC_EDWARDS).with(ck::CKA_EC_PARAMS, &[0x06, 0x03, 0x2b, 0x65, 0x70]);
        assert_eq!(size(&ed25519), Some(Size::Curve(256)));
        let aes = of(ck::CKO_SECRET_KEY, ck::CKK_AES);
        assert_eq!(size(&aes.clone().with(ck::CKA_VALUE_LEN, 32 as ck::CK_ULONG)), Some(Size::Secret(256)));
        assert_eq!(size(&aes.with(ck::CKA_VALUE, &[1; 16])), Some(Size::Secret(128)));
        assert_eq!(size(&public(ck::CKK_ML_DSA)), None);
        assert_eq!(size(&Attributes::new().with(ck::CKA_CLASS, ck::CKO_DATA)), None);
    }
}
