//! CKA_EC_PARAMS: which curve it names (PKCS#11 v3.2, section 6 "Elliptic Curve").
//!
//! A curve is named by its OID or by a string; explicit parameters and implicitlyCA are not taken.

use crate::crypto::{Curve, OkpCurve};
use crate::error::{Error, ErrorKind, Result};
use crate::object::Attributes;
use crate::types::ck;

use super::required;

const OID: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;

/// The curve of a CKK_EC key. CKR_TEMPLATE_INCOMPLETE, CKR_DOMAIN_PARAMS_INVALID, CKR_CURVE_NOT_SUPPORTED.
pub fn weierstrass(attributes: &Attributes) -> Result<Curve> {
    Curve::from_oid_der(params(attributes)?).map_err(|_| not_supported())
}

/// The curve of a CKK_EC_EDWARDS or CKK_EC_MONTGOMERY key, one of `family`. Errors as above.
pub(in crate::mechanism) fn okp(attributes: &Attributes, family: &[OkpCurve]) -> Result<OkpCurve> {
    match OkpCurve::from_oid_der(params(attributes)?) {
        Ok(named) if family.contains(&named) => Ok(named),
        _ => Err(not_supported()),
    }
}

/// CKA_EC_PARAMS, if it is one well-formed OID or string.
fn params(attributes: &Attributes) -> Result<&[u8]> {
    let params = required(attributes, ck::CKA_EC_PARAMS, "CKA_EC_PARAMS is missing: it names the curve")?;
    match params {
        [OID | UTF8_STRING | PRINTABLE_STRING, len @ 0..=0x7f, name @ ..]
            if name.len() == usize::from(*len) =>
        {
            Ok(params)
        }
        _ => Err(Error::new(
            ErrorKind::DomainParamsInvalid,
            "CKA_EC_PARAMS is neither the OID nor the name of a curve",
        )),
    }
}

fn not_supported() -> Error {
    Error::new(
        ErrorKind::CurveNotSupported,
        "CKA_EC_PARAMS names no curve that this token has for this type of key",
    )
}
