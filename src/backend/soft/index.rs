//! The blind index: which attributes a row is found by, and how a search template becomes tags.

use crate::backend::held::indexed;
use crate::object::{Attributes, Template};
use crate::store::{Tag, TokenKeys};
use crate::types::ck;

/// The tags that an object's row is stored under.
pub fn tags(keys: &TokenKeys, attributes: &Attributes) -> Vec<Tag> {
    indexed(|kind| attributes.get(kind)).map(|(kind, value)| keys.tag(kind, &value)).collect()
}

/// A search by tags, and whether it is the whole of the template.
pub struct Query {
    /// For [`crate::store::Store::find`]: the tags under each key.
    pub any_of: Vec<Vec<Tag>>,
    /// False where matches must still be compared with the template.
    pub complete: bool,
}

/// The tags of a template, under every set of keys: those of CKA_PRIVATE's value, if the template has it.
pub fn query(keys: &[&TokenKeys], template: &Template) -> Query {
    let indexed: Vec<_> = indexed(|kind| template.get(kind)).collect();
    let tags = |keys: &&TokenKeys| indexed.iter().map(|(kind, value)| keys.tag(*kind, value)).collect();
    // CKA_TOKEN is true for every row. Which keys a tag is under says CKA_PRIVATE; where no tag is asked for, nothing.
    let known = |kind| usize::from(template.get(kind).is_some());
    let private = if indexed.is_empty() { 0 } else { known(ck::CKA_PRIVATE) };
    let answered = indexed.len() + known(ck::CKA_TOKEN) + private;
    Query { complete: answered == template.len(), any_of: keys.iter().map(tags).collect() }
}
