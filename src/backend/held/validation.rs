//! Validations by third parties that this build has (PKCS#11 v3.2, "Validation objects").

use crate::object::Attributes;
use crate::types::ck;

/// What identifies the validation of this build in sessions: 0 where there is none.
pub const VALIDATION_FLAG: ck::CK_FLAGS = if cfg!(feature = "fips") { 1 } else { 0 };

/// The CKO_VALIDATION objects of this build: with the feature `fips` the one of AWS-LC's FIPS module, else none.
///
/// Its certificate identifier is empty: which certificate covers the version that is linked, and whether one does yet,
/// only the authority's list can tell.
pub fn validations() -> Vec<Attributes> {
    #[cfg(feature = "fips")]
    return vec![module()];
    #[cfg(not(feature = "fips"))]
    Vec::new()
}

#[cfg(feature = "fips")]
fn module() -> Attributes {
    use crate::object::{self, Value};

    let number = Value::Ulong;
    let text = |text: &str| Value::Bytes(text.as_bytes().to_vec().into());
    let module_id = format!("AWS-LC Cryptographic Module {}", crate::crypto::module_id());
    // FIPS 140-3.
    let version = Value::Bytes(vec![3, 0].into());
    object::builtin(
        ck::CKO_VALIDATION,
        [
            (ck::CKA_VALIDATION_TYPE, number(ck::CKV_TYPE_SOFTWARE)),
            (ck::CKA_VALIDATION_VERSION, version),
            (ck::CKA_VALIDATION_LEVEL, number(1)),
            (ck::CKA_VALIDATION_MODULE_ID, text(&module_id)),
            (ck::CKA_VALIDATION_FLAG, number(VALIDATION_FLAG)),
            (ck::CKA_VALIDATION_AUTHORITY_TYPE, number(ck::CKV_AUTHORITY_TYPE_NIST_CMVP)),
            (ck::CKA_VALIDATION_COUNTRY, text("US")),
            (ck::CKA_VALIDATION_CERTIFICATE_IDENTIFIER, text("")),
            (ck::CKA_VALIDATION_VENDOR_URI, text("https://github.com/aws/aws-lc")),
        ],
    )
}
