//! An object's attributes: the values, and the container every layer above passes around.
//!
//! `Attributes` owns its values; secrets among them are `SecretBytes` and are zeroized when dropped. No
//! locks.

use std::borrow::Cow;

use crate::types::{SecretBytes, ck};

/// An attribute's value.
#[derive(Debug, Clone)]
pub enum Value {
    /// `CK_BBOOL`.
    Bool(bool),
    /// `CK_ULONG` and its synonyms.
    Ulong(ck::CK_ULONG),
    /// Strings, dates, big integers, DER, key values. All of them in the container for secrets, so that
    /// nobody has to decide which of them are.
    Bytes(SecretBytes),
    /// An array of `CK_ULONG`: CKA_ALLOWED_MECHANISMS and its like.
    Mechanisms(Vec<ck::CK_MECHANISM_TYPE>),
    /// An array of attributes: CKA_WRAP_TEMPLATE and its like.
    Template(Attributes),
}

impl Value {
    /// The encoding that crosses the ABI: `CK_BBOOL` is one byte, `CK_ULONG`s are native. Empty for a
    /// template, whose encoding holds pointers and is written by `ffi`.
    pub fn to_bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Value::Bool(true) => Cow::Borrowed(&[ck::CK_TRUE]),
            Value::Bool(false) => Cow::Borrowed(&[ck::CK_FALSE]),
            Value::Ulong(n) => Cow::Owned(n.to_ne_bytes().to_vec()),
            Value::Bytes(bytes) => Cow::Borrowed(bytes),
            Value::Mechanisms(list) => Cow::Owned(list.iter().flat_map(|n| n.to_ne_bytes()).collect()),
            Value::Template(_) => Cow::Borrowed(&[]),
        }
    }

    /// True for an empty string, list or template.
    pub fn is_empty(&self) -> bool {
        match self {
            Value::Bool(_) | Value::Ulong(_) => false,
            Value::Bytes(bytes) => bytes.is_empty(),
            Value::Mechanisms(list) => list.is_empty(),
            Value::Template(attributes) => attributes.is_empty(),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Ulong(a), Value::Ulong(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => **a == **b,
            (Value::Mechanisms(a), Value::Mechanisms(b)) => a == b,
            (Value::Template(a), Value::Template(b)) => a == b,
            _ => false,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<ck::CK_ULONG> for Value {
    fn from(value: ck::CK_ULONG) -> Self {
        Value::Ulong(value)
    }
}

impl From<SecretBytes> for Value {
    fn from(value: SecretBytes) -> Self {
        Value::Bytes(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Value::Bytes(SecretBytes::from(value))
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Value::Bytes(SecretBytes::from(value.to_vec()))
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(value: &[u8; N]) -> Self {
        Value::from(value.as_slice())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::from(value.as_bytes())
    }
}

impl From<Vec<ck::CK_MECHANISM_TYPE>> for Value {
    fn from(value: Vec<ck::CK_MECHANISM_TYPE>) -> Self {
        Value::Mechanisms(value)
    }
}

impl From<Attributes> for Value {
    fn from(value: Attributes) -> Self {
        Value::Template(value)
    }
}

/// The attributes of one object, sorted by identifier, each at most once. A look-up is a binary search
/// without allocation, because flags are read at every operation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes(Vec<(ck::CK_ATTRIBUTE_TYPE, Value)>);

impl Attributes {
    /// No attributes.
    pub const fn new() -> Self {
        Attributes(Vec::new())
    }

    /// No attributes, with room for some.
    pub(super) fn with_capacity(count: usize) -> Self {
        Attributes(Vec::with_capacity(count))
    }

    /// Appends an attribute whose identifier is above all others.
    pub(super) fn push_last(&mut self, id: ck::CK_ATTRIBUTE_TYPE, value: Value) {
        debug_assert!(self.0.last().is_none_or(|(last, _)| *last < id));
        self.0.push((id, value));
    }

    fn position(&self, id: ck::CK_ATTRIBUTE_TYPE) -> Result<usize, usize> {
        self.0.binary_search_by_key(&id, |(id, _)| *id)
    }

    /// The value of an attribute. For code that computes with it; what leaves the token goes through
    /// `reveal`.
    pub fn get(&self, id: ck::CK_ATTRIBUTE_TYPE) -> Option<&Value> {
        let at = self.position(id).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// True if the object has this attribute.
    pub fn contains(&self, id: ck::CK_ATTRIBUTE_TYPE) -> bool {
        self.position(id).is_ok()
    }

    /// Sets or replaces an attribute. Checks nothing: templates are checked on their way in.
    pub fn set(&mut self, id: ck::CK_ATTRIBUTE_TYPE, value: impl Into<Value>) {
        let entry = (id, value.into());
        match self.position(id) {
            Ok(at) => self.0[at] = entry,
            Err(at) => self.0.insert(at, entry),
        }
    }

    /// The same, for building in one expression.
    #[must_use]
    pub fn with(mut self, id: ck::CK_ATTRIBUTE_TYPE, value: impl Into<Value>) -> Self {
        self.set(id, value);
        self
    }

    /// Takes an attribute out.
    pub fn remove(&mut self, id: ck::CK_ATTRIBUTE_TYPE) -> Option<Value> {
        let at = self.position(id).ok()?;
        Some(self.0.remove(at).1)
    }

    /// The attributes in the order of their identifiers, secrets included.
    pub fn iter(&self) -> impl Iterator<Item = (ck::CK_ATTRIBUTE_TYPE, &Value)> {
        self.0.iter().map(|(id, value)| (*id, value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A `CK_BBOOL` attribute; false where absent.
    pub fn flag(&self, id: ck::CK_ATTRIBUTE_TYPE) -> bool {
        matches!(self.get(id), Some(Value::Bool(true)))
    }

    /// A `CK_ULONG` attribute.
    pub fn ulong(&self, id: ck::CK_ATTRIBUTE_TYPE) -> Option<ck::CK_ULONG> {
        match self.get(id) {
            Some(Value::Ulong(n)) => Some(*n),
            _ => None,
        }
    }

    /// A string of bytes.
    pub fn bytes(&self, id: ck::CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
        match self.get(id) {
            Some(Value::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// An array of mechanisms or other `CK_ULONG`s.
    pub fn mechanisms(&self, id: ck::CK_ATTRIBUTE_TYPE) -> Option<&[ck::CK_MECHANISM_TYPE]> {
        match self.get(id) {
            Some(Value::Mechanisms(list)) => Some(list),
            _ => None,
        }
    }

    /// An array of attributes.
    pub fn template(&self, id: ck::CK_ATTRIBUTE_TYPE) -> Option<&Attributes> {
        match self.get(id) {
            Some(Value::Template(attributes)) => Some(attributes),
            _ => None,
        }
    }

    /// CKA_CLASS; every object of a token has one, CK_UNAVAILABLE_INFORMATION stands for none.
    pub fn class(&self) -> ck::CK_OBJECT_CLASS {
        self.ulong(ck::CKA_CLASS).unwrap_or(ck::CK_UNAVAILABLE_INFORMATION)
    }

    /// CKA_KEY_TYPE, of keys and domain parameters.
    pub fn key_type(&self) -> Option<ck::CK_KEY_TYPE> {
        self.ulong(ck::CKA_KEY_TYPE)
    }
}

impl FromIterator<(ck::CK_ATTRIBUTE_TYPE, Value)> for Attributes {
    /// The last value wins where a type comes twice.
    fn from_iter<I: IntoIterator<Item = (ck::CK_ATTRIBUTE_TYPE, Value)>>(entries: I) -> Self {
        let mut attributes = Attributes::new();
        for (id, value) in entries {
            attributes.set(id, value);
        }
        attributes
    }
}
