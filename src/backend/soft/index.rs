//! The blind index: which attributes a row is found by, and how a search template becomes tags.

use crate::object::{Attributes, Template};
use crate::store::{Tag, TokenKeys};
use crate::types::ck;

/// Indexed attributes, the most selective first: the store walks the rows of a search's first tag only.
const INDEXED: &[ck::CK_ATTRIBUTE_TYPE] = &[
    ck::CKA_UNIQUE_ID,
    ck::CKA_ID,
    ck::CKA_PUBLIC_KEY_INFO,
    ck::CKA_SUBJECT,
    ck::CKA_SERIAL_NUMBER,
    ck::CKA_OBJECT_ID,
    ck::CKA_LABEL,
    ck::CKA_ISSUER,
    ck::CKA_APPLICATION,
    ck::CKA_KEY_TYPE,
    ck::CKA_CLASS,
];

/// The tags that an object's row is stored under. Empty values are not worth a tag.
pub fn tags(keys: &TokenKeys, attributes: &Attributes) -> Vec<Tag> {
    INDEXED
        .iter()
        .filter_map(|&kind| {
            let value = attributes.get(kind).filter(|value| !value.is_empty())?;
            Some(keys.tag(kind, &value.to_bytes()))
        })
        .collect()
}

/// A search by tags, and whether it is the whole of the template.
pub struct Query {
    /// For [`crate::store::Store::find`]: each element's alternatives are the public and the private tag.
    pub all_of: Vec<Vec<Tag>>,
    /// False where matches must still be compared with the template.
    pub complete: bool,
}

/// The tags of a template, under every set of keys that is at hand.
pub fn query(keys: &[&TokenKeys], template: &Template) -> Query {
    let mut all_of = Vec::new();
    for &kind in INDEXED {
        if let Some(value) = template.get(kind).filter(|value| !value.is_empty()) {
            let value = value.to_bytes();
            all_of.push(keys.iter().map(|keys| keys.tag(kind, &value)).collect());
        }
    }
    // CKA_TOKEN is true for every row.
    let answered = all_of.len() + usize::from(template.get(ck::CKA_TOKEN).is_some());
    Query { complete: answered == template.len(), all_of }
}
