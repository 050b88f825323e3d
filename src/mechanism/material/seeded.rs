//! Private keys that are a seed, its expansion, or both: ML-DSA and ML-KEM.

use crate::crypto;
use crate::error::Result;
use crate::mechanism::errors;
use crate::object::Attributes;
use crate::types::{SecretBytes, ck};

use super::{incomplete, invalid, optional};

/// The key of CKA_SEED and CKA_VALUE, of which one is enough and both must agree. CKR_ATTRIBUTE_VALUE_INVALID,
/// CKR_TEMPLATE_INCOMPLETE.
pub(super) fn key<K>(
    attributes: &Attributes,
    from_seed: impl FnOnce(&[u8]) -> crypto::Result<K>,
    from_expanded: impl FnOnce(&[u8]) -> crypto::Result<K>,
    expanded: impl FnOnce(&K) -> crypto::Result<SecretBytes>,
) -> Result<K> {
    match (optional(attributes, ck::CKA_SEED), optional(attributes, ck::CKA_VALUE)) {
        (Some(seed), value) => {
            let key = from_seed(seed).map_err(errors::template)?;
            match value {
                Some(value) if !crypto::equal(value, &expanded(&key).map_err(errors::data)?) => {
                    Err(invalid("CKA_VALUE is not the key that CKA_SEED expands to"))
                }
                _ => Ok(key),
            }
        }
        (None, Some(value)) => from_expanded(value).map_err(errors::template),
        (None, None) if attributes.contains(ck::CKA_SEED) || attributes.contains(ck::CKA_VALUE) => {
            Err(invalid("CKA_SEED and CKA_VALUE are empty"))
        }
        (None, None) => Err(incomplete("CKA_SEED and CKA_VALUE are missing: one of them is needed")),
    }
}
