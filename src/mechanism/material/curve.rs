//! CKA_EC_PARAMS: which curve it names (PKCS#11 v3.2, section 6 "Elliptic Curve").
//!
//! A curve is named by its OID or by a PrintableString; explicit parameters and implicitlyCA are not taken.

use crate::crypto::Curve;
use crate::error::{Error, ErrorKind, Result};
use crate::object::Attributes;
use crate::types::ck;

use super::required;

const OID: u8 = 0x06;
const PRINTABLE_STRING: u8 = 0x13;

/// A curve for EdDSA or X25519/X448 key agreement: not `crypto`'s `Curve`, for these keys have types of their own.
struct Named {
    key_type: ck::CK_KEY_TYPE,
    /// OIDs in DER; the first is the one of RFC 8410, which keyward writes.
    oids: &'static [&'static [u8]],
    names: &'static [&'static str],
}

/// The second OIDs are those GnuPG and OpenSC's pkcs11-tool use.
const NAMED: &[Named] = &[
    Named {
        key_type: ck::CKK_EC_EDWARDS,
        oids: &[&[OID, 3, 0x2b, 0x65, 0x70], &[OID, 9, 0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1]],
        names: &["edwards25519", "Ed25519", "id-Ed25519"],
    },
    Named {
        key_type: ck::CKK_EC_MONTGOMERY,
        oids: &[&[OID, 3, 0x2b, 0x65, 0x6e], &[OID, 10, 0x2b, 6, 1, 4, 1, 0x97, 0x55, 1, 5, 1]],
        names: &["curve25519", "X25519", "id-X25519"],
    },
];

/// CKA_EC_PARAMS of a new Edwards or Montgomery key: the OID of RFC 8410.
pub(super) fn oid(key_type: ck::CK_KEY_TYPE) -> &'static [u8] {
    let curve = NAMED.iter().find(|curve| curve.key_type == key_type);
    curve.and_then(|curve| curve.oids.first()).copied().unwrap_or_default()
}

/// The curve of a CKK_EC key. CKR_TEMPLATE_INCOMPLETE, CKR_DOMAIN_PARAMS_INVALID, CKR_CURVE_NOT_SUPPORTED.
pub(in crate::mechanism) fn weierstrass(attributes: &Attributes) -> Result<Curve> {
    let params = params(attributes)?;
    Curve::from_oid_der(params).map_err(|_| not_supported())
}

/// That CKA_EC_PARAMS names the one curve keyward has for CKK_EC_EDWARDS or CKK_EC_MONTGOMERY. Errors as above.
pub(in crate::mechanism) fn montgomery_or_edwards(attributes: &Attributes, key_type: ck::CK_KEY_TYPE) -> Result<()> {
    let params = params(attributes)?;
    let name = params.get(2..).unwrap_or_default();
    let is = |curve: &&Named| match params.first() {
        Some(&OID) => curve.oids.contains(&params),
        _ => curve.names.iter().any(|known| known.as_bytes() == name),
    };
    match NAMED.iter().find(is) {
        Some(curve) if curve.key_type == key_type => Ok(()),
        _ => Err(not_supported()),
    }
}

/// CKA_EC_PARAMS, if it is one well-formed OID or PrintableString.
fn params(attributes: &Attributes) -> Result<&[u8]> {
    let params = required(attributes, ck::CKA_EC_PARAMS, "CKA_EC_PARAMS is missing: it names the curve")?;
    match params {
        [OID | PRINTABLE_STRING, len, name @ ..] if *len < 0x80 && name.len() == usize::from(*len) => Ok(params),
        _ => Err(Error::new(
            ErrorKind::DomainParamsInvalid,
            "CKA_EC_PARAMS is neither the OID nor the PrintableString of a curve",
        )),
    }
}

fn not_supported() -> Error {
    Error::new(ErrorKind::CurveNotSupported, "CKA_EC_PARAMS names no curve that this token has for this type of key")
}
