//! The blind index: which attributes a row is found by, and how a search template becomes tags.

use std::borrow::Cow;

use crate::object::{Attributes, Template, Value};
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

/// The indexed attributes of an object or a template, with the bytes that they are found by. Empty values are not worth
/// an entry.
pub fn indexed<'a>(
    get: impl Fn(ck::CK_ATTRIBUTE_TYPE) -> Option<&'a Value>,
) -> impl Iterator<Item = (ck::CK_ATTRIBUTE_TYPE, Cow<'a, [u8]>)> {
    INDEXED.iter().filter_map(move |&kind| {
        let value = get(kind).filter(|value| !value.is_empty())?;
        Some((kind, value.to_bytes()))
    })
}

/// The tags that an object's row is stored under.
pub fn tags(keys: &TokenKeys, attributes: &Attributes) -> Vec<Tag> {
    indexed(|kind| attributes.get(kind)).map(|(kind, value)| keys.tag(kind, &value)).collect()
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
    let tags = |(kind, value): (_, Cow<[u8]>)| keys.iter().map(|keys| keys.tag(kind, &value)).collect();
    let all_of: Vec<Vec<Tag>> = indexed(|kind| template.get(kind)).map(tags).collect();
    // CKA_TOKEN is true for every row.
    let answered = all_of.len() + usize::from(template.get(ck::CKA_TOKEN).is_some());
    Query { complete: answered == template.len(), all_of }
}
