//! What a caller gave: the attributes of a `CK_ATTRIBUTE` array, checked for type, size and repetition.
//!
//! Section 4.1.1 of PKCS#11 v3.2. A parsed template holds well-formed values of known attributes; whether an
//! object may have them is decided by `create` and `change`.

use std::fmt::Display;

use super::attribute::{self, Kind};
use super::date::Date;
use super::{Attributes, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{SecretBytes, ck, ulong};

/// Templates within templates: CKA_UNWRAP_TEMPLATE in a CKA_UNWRAP_TEMPLATE and so on, the outermost
/// included.
pub(super) const MAX_DEPTH: usize = 4;
/// Attributes in one template: far above what any class has, low enough to bound the work.
const MAX_ATTRIBUTES: usize = 512;
/// Bytes of one value. Certificates and data objects stay far below.
const MAX_VALUE: usize = 64 << 20;

/// A caller's attribute as it lies in memory: its type and its bytes.
#[derive(Debug, Clone)]
pub struct RawAttribute<'a> {
    /// The attribute's type.
    pub kind: ck::CK_ATTRIBUTE_TYPE,
    /// Its value.
    pub value: RawValue<'a>,
}

/// A caller's value: bytes, or the array that `attribute::kind` says lies behind an attribute of
/// `Kind::Template`.
#[derive(Clone)]
pub enum RawValue<'a> {
    /// `ulValueLen` bytes at `pValue`.
    Bytes(&'a [u8]),
    /// The attributes of a nested template.
    Nested(Vec<RawAttribute<'a>>),
}

impl std::fmt::Debug for RawValue<'_> {
    /// Never the bytes, which may be a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RawValue::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            RawValue::Nested(list) => f.debug_tuple("Nested").field(list).finish(),
        }
    }
}

/// A caller's template in the caller's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Template {
    entries: Vec<(ck::CK_ATTRIBUTE_TYPE, Value)>,
    /// A search template asked for something no object can have.
    impossible: bool,
}

impl Template {
    /// An empty template.
    pub const fn new() -> Self {
        Template { entries: Vec::new(), impossible: false }
    }

    /// Checks a template for creating, copying or changing an object.
    ///
    /// # Errors
    /// CKR_ATTRIBUTE_TYPE_INVALID for a type keyward does not know, CKR_ATTRIBUTE_VALUE_INVALID for a value
    /// of the wrong size or form, CKR_TEMPLATE_INCONSISTENT for a type with two values or templates nested
    /// too deeply, CKR_HOST_MEMORY where there is no memory for a value.
    pub fn parse(raw: Vec<RawAttribute<'_>>) -> Result<Template> {
        parse_level(raw, 1)
    }

    /// Reads a template for C_FindObjectsInit: an unknown type or a malformed value matches nothing, rather
    /// than failing a search that an application makes to learn what the token knows.
    ///
    /// # Errors
    /// CKR_HOST_MEMORY where there is no memory for a value.
    pub fn parse_search(raw: Vec<RawAttribute<'_>>) -> Result<Template> {
        let mut template = Template::new();
        for RawAttribute { kind: id, value } in raw {
            let parsed = attribute::kind(id).map(|kind| parse_value(id, kind, value, 1));
            match parsed {
                Some(Ok(value)) => template.entries.push((id, value)),
                Some(Err(error)) if error.kind() == ErrorKind::HostMemory => return Err(error),
                _ => template.impossible = true,
            }
        }
        Ok(template)
    }

    /// Adds an attribute, for callers inside the library.
    #[must_use]
    pub fn with(mut self, id: ck::CK_ATTRIBUTE_TYPE, value: impl Into<Value>) -> Self {
        self.entries.push((id, value.into()));
        self
    }

    /// The first value given for an attribute.
    pub fn get(&self, id: ck::CK_ATTRIBUTE_TYPE) -> Option<&Value> {
        self.entries.iter().find(|(given, _)| *given == id).map(|(_, value)| value)
    }

    /// A `CK_BBOOL` the caller gave.
    pub fn flag(&self, id: ck::CK_ATTRIBUTE_TYPE) -> Option<bool> {
        match self.get(id) {
            Some(Value::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// A `CK_ULONG` the caller gave.
    pub fn ulong(&self, id: ck::CK_ATTRIBUTE_TYPE) -> Option<ck::CK_ULONG> {
        match self.get(id) {
            Some(Value::Ulong(n)) => Some(*n),
            _ => None,
        }
    }

    /// A string of bytes the caller gave.
    pub fn bytes(&self, id: ck::CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
        match self.get(id) {
            Some(Value::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// What was given, in the caller's order.
    pub fn iter(&self) -> impl Iterator<Item = (ck::CK_ATTRIBUTE_TYPE, &Value)> {
        self.entries.iter().map(|(id, value)| (*id, value))
    }

    /// How many attributes were given.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if nothing was given; such a search template matches every object, unless it `is_impossible`.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// True for a search template that asks for an unknown attribute or a value it cannot have.
    pub fn is_impossible(&self) -> bool {
        self.impossible
    }

    /// Sets a value that was not given; a value that was given stays.
    pub(super) fn set_default(&mut self, id: ck::CK_ATTRIBUTE_TYPE, value: impl Into<Value>) {
        if self.get(id).is_none() {
            self.entries.push((id, value.into()));
        }
    }

    /// Takes every attribute out for which `drop` says so.
    pub(super) fn discard(&mut self, mut drop: impl FnMut(ck::CK_ATTRIBUTE_TYPE, &Value) -> bool) {
        self.entries.retain(|(id, value)| !drop(*id, value));
    }

    /// Adds an attribute; the same value again is taken once.
    pub(super) fn add(&mut self, id: ck::CK_ATTRIBUTE_TYPE, value: Value) -> Result<()> {
        match self.get(id) {
            None => self.entries.push((id, value)),
            Some(given) if *given == value => {}
            Some(_) => {
                return Err(fault(
                    ErrorKind::TemplateInconsistent,
                    id,
                    "is given twice with different values",
                ));
            }
        }
        Ok(())
    }
}

impl IntoIterator for Template {
    type Item = (ck::CK_ATTRIBUTE_TYPE, Value);
    type IntoIter = std::vec::IntoIter<Self::Item>;
    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

/// An error whose detail begins with the attribute's name.
pub(super) fn fault(kind: ErrorKind, id: ck::CK_ATTRIBUTE_TYPE, why: impl Display) -> Error {
    Error::new(kind, format!("{} {why}", attribute::name(id)))
}

fn parse_level(raw: Vec<RawAttribute<'_>>, depth: usize) -> Result<Template> {
    if raw.len() > MAX_ATTRIBUTES {
        return Err(Error::new(
            ErrorKind::TemplateInconsistent,
            format!("the template has {} attributes, at most {MAX_ATTRIBUTES} are taken", raw.len()),
        ));
    }
    let mut template = Template::new();
    for RawAttribute { kind: id, value } in raw {
        let kind = attribute::kind(id)
            .ok_or_else(|| fault(ErrorKind::AttributeTypeInvalid, id, "is not known to keyward"))?;
        template.add(id, parse_value(id, kind, value, depth)?)?;
    }
    Ok(template)
}

fn parse_value(id: ck::CK_ATTRIBUTE_TYPE, kind: Kind, value: RawValue<'_>, depth: usize) -> Result<Value> {
    let bytes = match value {
        RawValue::Bytes(bytes) => bytes,
        RawValue::Nested(_) if kind != Kind::Template => {
            return Err(wrong(id, "is not an array of attributes"));
        }
        RawValue::Nested(_) if depth >= MAX_DEPTH => {
            let why = format!("nests templates deeper than {MAX_DEPTH}");
            return Err(fault(ErrorKind::TemplateInconsistent, id, why));
        }
        RawValue::Nested(raw) => {
            return Ok(Value::Template(parse_level(raw, depth + 1)?.into_iter().collect::<Attributes>()));
        }
    };
    match kind {
        Kind::Bool => parse_bool(id, bytes),
        Kind::Ulong => match bytes.try_into() {
            Ok(native) => Ok(Value::Ulong(ck::CK_ULONG::from_ne_bytes(native))),
            Err(_) => Err(wrong_size(id, bytes.len(), size_of::<ck::CK_ULONG>())),
        },
        Kind::Bytes | Kind::Text | Kind::BigInteger => copy(id, bytes),
        Kind::Version if bytes.len() == 2 => copy(id, bytes),
        Kind::Version => Err(wrong_size(id, bytes.len(), 2)),
        Kind::Date if bytes.is_empty() || Date::parse(bytes).is_some() => copy(id, bytes),
        Kind::Date => Err(wrong(id, "must be empty or the eight digits of a date, YYYYMMDD")),
        Kind::Ulongs => parse_ulongs(id, bytes),
        Kind::Template if bytes.is_empty() => Ok(Value::Template(Attributes::new())),
        Kind::Template => Err(wrong(id, "must be an array of attributes")),
    }
}

fn parse_bool(id: ck::CK_ATTRIBUTE_TYPE, bytes: &[u8]) -> Result<Value> {
    match bytes {
        [ck::CK_FALSE] => Ok(Value::Bool(false)),
        [ck::CK_TRUE] => Ok(Value::Bool(true)),
        [_] => Err(wrong(id, "must be CK_TRUE (1) or CK_FALSE (0)")),
        _ => Err(wrong_size(id, bytes.len(), 1)),
    }
}

fn parse_ulongs(id: ck::CK_ATTRIBUTE_TYPE, bytes: &[u8]) -> Result<Value> {
    const WIDTH: usize = size_of::<ck::CK_ULONG>();
    let (chunks, rest) = bytes.as_chunks::<WIDTH>();
    if !rest.is_empty() || bytes.len() > MAX_VALUE {
        return Err(wrong(
            id,
            format_args!("must be an array of {WIDTH}-byte CK_ULONGs, not {} bytes", bytes.len()),
        ));
    }
    let mut list = Vec::new();
    list.try_reserve_exact(chunks.len()).map_err(|_| no_memory(id, bytes.len()))?;
    list.extend(chunks.iter().map(|native| ck::CK_ULONG::from_ne_bytes(*native)));
    Ok(Value::Mechanisms(list))
}

fn copy(id: ck::CK_ATTRIBUTE_TYPE, bytes: &[u8]) -> Result<Value> {
    if bytes.len() > MAX_VALUE {
        let why = format!("has {} bytes, at most {MAX_VALUE} are taken", ulong(bytes.len()));
        return Err(wrong(id, why));
    }
    let mut owned = Vec::new();
    owned.try_reserve_exact(bytes.len()).map_err(|_| no_memory(id, bytes.len()))?;
    owned.extend_from_slice(bytes);
    Ok(Value::Bytes(SecretBytes::from(owned)))
}

fn wrong(id: ck::CK_ATTRIBUTE_TYPE, why: impl Display) -> Error {
    fault(ErrorKind::AttributeValueInvalid, id, why)
}

fn wrong_size(id: ck::CK_ATTRIBUTE_TYPE, given: usize, wanted: usize) -> Error {
    wrong(id, format_args!("has {given} bytes where its type has {wanted}"))
}

fn no_memory(id: ck::CK_ATTRIBUTE_TYPE, bytes: usize) -> Error {
    fault(ErrorKind::HostMemory, id, format_args!("needs {bytes} bytes that the system does not give"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(kind: ck::CK_ATTRIBUTE_TYPE, value: &[u8]) -> RawAttribute<'_> {
        RawAttribute { kind, value: RawValue::Bytes(value) }
    }

    fn error(attributes: Vec<RawAttribute<'_>>) -> ErrorKind {
        Template::parse(attributes).unwrap_err().kind()
    }

    #[test]
    fn values_have_their_types_size_and_form() {
        let one = 1 as ck::CK_ULONG;
        let template = Template::parse(vec![
            raw(ck::CKA_CLASS, &one.to_ne_bytes()),
            raw(ck::CKA_TOKEN, &[1]),
            raw(ck::CKA_START_DATE, b""),
            raw(ck::CKA_END_DATE, b"20261231"),
            raw(ck::CKA_SERIAL_NUMBER, b"\x00\xff not DER"),
            raw(ck::CKA_ALLOWED_MECHANISMS, &one.to_ne_bytes()),
            raw(ck::CKA_WRAP_TEMPLATE, b""),
        ])
        .unwrap();
        assert_eq!(template.ulong(ck::CKA_CLASS), Some(1));
        assert_eq!(template.flag(ck::CKA_TOKEN), Some(true));
        assert_eq!(template.get(ck::CKA_ALLOWED_MECHANISMS), Some(&Value::Mechanisms(vec![1])));
        assert_eq!(template.get(ck::CKA_WRAP_TEMPLATE), Some(&Value::Template(Attributes::new())));
        for wrong in [
            raw(ck::CKA_TOKEN, &[2]),
            raw(ck::CKA_TOKEN, &[]),
            raw(ck::CKA_TOKEN, &[1, 0, 0, 0]),
            raw(ck::CKA_CLASS, &[1, 0, 0, 0]),
            raw(ck::CKA_START_DATE, b"2026-1-1"),
            raw(ck::CKA_ALLOWED_MECHANISMS, &[1; 9]),
            raw(ck::CKA_WRAP_TEMPLATE, &[0; 24]),
            RawAttribute { kind: ck::CKA_LABEL, value: RawValue::Nested(vec![]) },
        ] {
            assert_eq!(error(vec![wrong]), ErrorKind::AttributeValueInvalid);
        }
        assert_eq!(error(vec![raw(ck::CKA_VENDOR_DEFINED | 1, b"")]), ErrorKind::AttributeTypeInvalid);
    }

    #[test]
    fn repetition_must_agree() {
        let twice = vec![raw(ck::CKA_ID, b"a"), raw(ck::CKA_LABEL, b"l"), raw(ck::CKA_ID, b"a")];
        assert_eq!(Template::parse(twice).unwrap().len(), 2);
        assert_eq!(
            error(vec![raw(ck::CKA_ID, b"a"), raw(ck::CKA_ID, b"b")]),
            ErrorKind::TemplateInconsistent
        );
        assert_eq!(error(vec![raw(ck::CKA_ID, b""); MAX_ATTRIBUTES + 1]), ErrorKind::TemplateInconsistent);
    }

    #[test]
    fn templates_nest_to_a_depth() {
        let nest = |levels: usize| {
            (1..levels).fold(vec![raw(ck::CKA_ID, b"a")], |inner, _| {
                vec![RawAttribute { kind: ck::CKA_UNWRAP_TEMPLATE, value: RawValue::Nested(inner) }]
            })
        };
        let deepest = Template::parse(nest(MAX_DEPTH)).unwrap();
        let object: Attributes = deepest.into_iter().collect();
        assert_eq!(Attributes::decode(&object.encode()).unwrap(), object);
        assert_eq!(error(nest(MAX_DEPTH + 1)), ErrorKind::TemplateInconsistent);
    }

    #[test]
    fn values_stay_out_of_messages() {
        let secret = raw(ck::CKA_VALUE, b"hunter2");
        let shown = format!("{secret:?}");
        let template = Template::parse(vec![secret]).unwrap();
        let shown = format!("{shown} {template:?} {:?}", template.get(ck::CKA_VALUE));
        assert!(!shown.contains("hunter2") && !shown.contains("104"), "{shown}");
    }
}
