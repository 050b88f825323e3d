//! Which attributes objects are found by without a look into each.

use std::borrow::Cow;

use crate::object::Value;
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
