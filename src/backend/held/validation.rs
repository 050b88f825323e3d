//! Validations by third parties that this build has (PKCS#11 v3.2, "Validation objects").

use crate::object::Attributes;

/// The CKO_VALIDATION objects of this build: none, as long as no build of keyward is validated. The one object of a
/// validated build belongs here, made by `object::builtin`; its CKA_VALIDATION_FLAG is then what sessions and keys
/// show, which is 0 until then.
pub fn validations() -> Vec<Attributes> {
    Vec::new()
}
