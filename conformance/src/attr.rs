//! Attributes and templates: owned values, lent to a call as an array of `CK_ATTRIBUTE`.

use std::ffi::c_void;
use std::marker::PhantomData;

use cryptoki_sys::*;

use crate::{names, size, ulen};

/// One attribute of a template: a type and an owned value.
#[derive(Clone, PartialEq, Eq)]
pub struct Attr {
    kind: CK_ATTRIBUTE_TYPE,
    value: Value,
}

#[derive(Clone, PartialEq, Eq)]
enum Value {
    Bytes(Vec<u8>),
    Template(Vec<Attr>),
}

impl Attr {
    /// A CK_BBOOL attribute.
    pub fn bool(kind: CK_ATTRIBUTE_TYPE, value: bool) -> Self {
        Self::bytes(kind, &[u8::from(value)])
    }

    /// A CK_ULONG attribute in native byte order.
    pub fn ulong(kind: CK_ATTRIBUTE_TYPE, value: CK_ULONG) -> Self {
        Self::bytes(kind, &value.to_ne_bytes())
    }

    /// A byte array, big integer or any other encoding, as is.
    pub fn bytes(kind: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Self {
        Self { kind, value: Value::Bytes(value.to_vec()) }
    }

    /// An RFC 2279 string without terminator.
    pub fn string(kind: CK_ATTRIBUTE_TYPE, value: &str) -> Self {
        Self::bytes(kind, value.as_bytes())
    }

    /// An array of mechanism types, such as CKA_ALLOWED_MECHANISMS.
    pub fn mechanisms(kind: CK_ATTRIBUTE_TYPE, value: &[CK_MECHANISM_TYPE]) -> Self {
        let bytes: Vec<u8> = value.iter().flat_map(|mechanism| mechanism.to_ne_bytes()).collect();
        Self::bytes(kind, &bytes)
    }

    /// A nested template, such as CKA_WRAP_TEMPLATE.
    pub fn template(kind: CK_ATTRIBUTE_TYPE, value: Vec<Attr>) -> Self {
        Self { kind, value: Value::Template(value) }
    }

    /// CKA_CLASS.
    pub fn class(value: CK_OBJECT_CLASS) -> Self {
        Self::ulong(CKA_CLASS, value)
    }

    /// CKA_KEY_TYPE.
    pub fn key_type(value: CK_KEY_TYPE) -> Self {
        Self::ulong(CKA_KEY_TYPE, value)
    }

    /// CKA_TOKEN.
    pub fn token(value: bool) -> Self {
        Self::bool(CKA_TOKEN, value)
    }

    /// CKA_PRIVATE.
    pub fn private(value: bool) -> Self {
        Self::bool(CKA_PRIVATE, value)
    }

    /// CKA_LABEL.
    pub fn label(value: &str) -> Self {
        Self::string(CKA_LABEL, value)
    }

    /// CKA_ID.
    pub fn id(value: &[u8]) -> Self {
        Self::bytes(CKA_ID, value)
    }

    /// CKA_VALUE.
    pub fn value(value: &[u8]) -> Self {
        Self::bytes(CKA_VALUE, value)
    }

    /// CKA_VALUE_LEN in bytes.
    pub fn value_len(value: usize) -> Self {
        Self::ulong(CKA_VALUE_LEN, ulen(value))
    }

    /// The attribute's type.
    pub fn kind(&self) -> CK_ATTRIBUTE_TYPE {
        self.kind
    }
}

impl std::fmt::Debug for Attr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = names::name(names::CKA, self.kind);
        match &self.value {
            Value::Bytes(bytes) => write!(f, "{name}={}", crate::hex(bytes)),
            Value::Template(attributes) => write!(f, "{name}={attributes:?}"),
        }
    }
}

/// A template as the C ABI wants it. Borrows the values; keeps the arrays of nested templates alive.
pub struct RawTemplate<'a> {
    attributes: Vec<CK_ATTRIBUTE>,
    _nested: Vec<RawTemplate<'a>>,
    _values: PhantomData<&'a [Attr]>,
}

impl<'a> RawTemplate<'a> {
    /// Lends `attributes` in their order.
    pub fn new(attributes: &'a [Attr]) -> Self {
        let mut nested = Vec::new();
        let attributes = attributes
            .iter()
            .map(|attribute| match &attribute.value {
                Value::Bytes(bytes) => CK_ATTRIBUTE {
                    type_: attribute.kind,
                    pValue: bytes.as_ptr().cast_mut().cast::<c_void>(),
                    ulValueLen: ulen(bytes.len()),
                },
                Value::Template(inner) => {
                    let mut inner = RawTemplate::new(inner);
                    let (pointer, count) = (inner.as_mut_ptr(), inner.attributes.len());
                    nested.push(inner);
                    CK_ATTRIBUTE {
                        type_: attribute.kind,
                        pValue: pointer.cast::<c_void>(),
                        ulValueLen: ulen(count * size_of::<CK_ATTRIBUTE>()),
                    }
                }
            })
            .collect();
        Self { attributes, _nested: nested, _values: PhantomData }
    }

    /// The array's address; null where it is empty.
    pub fn as_mut_ptr(&mut self) -> *mut CK_ATTRIBUTE {
        if self.attributes.is_empty() { std::ptr::null_mut() } else { self.attributes.as_mut_ptr() }
    }

    /// The number of attributes.
    pub fn count(&self) -> CK_ULONG {
        ulen(self.attributes.len())
    }

    /// The array, for a test that wants to spoil it.
    pub fn attributes_mut(&mut self) -> &mut [CK_ATTRIBUTE] {
        &mut self.attributes
    }
}

/// What C_GetAttributeValue left in a template, one row per requested attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The requested type.
    pub kind: CK_ATTRIBUTE_TYPE,
    /// `ulValueLen` after the call.
    pub len: CK_ULONG,
    /// The bytes written; empty where `len` is CK_UNAVAILABLE_INFORMATION.
    pub value: Vec<u8>,
}

impl Fetched {
    /// Whether the module marked the attribute as unavailable.
    pub fn unavailable(&self) -> bool {
        self.len == crate::UNAVAILABLE
    }
}

/// Buffers for a C_GetAttributeValue call: one of `capacity` bytes per type.
pub(crate) struct Request {
    buffers: Vec<Vec<u8>>,
    pub(crate) attributes: Vec<CK_ATTRIBUTE>,
}

impl Request {
    pub(crate) fn new(wanted: &[(CK_ATTRIBUTE_TYPE, usize)]) -> Self {
        let mut buffers: Vec<Vec<u8>> = wanted.iter().map(|(_, capacity)| vec![0; *capacity]).collect();
        let attributes = wanted
            .iter()
            .zip(&mut buffers)
            .map(|((kind, capacity), buffer)| CK_ATTRIBUTE {
                type_: *kind,
                pValue: if *capacity == 0 { std::ptr::null_mut() } else { buffer.as_mut_ptr().cast() },
                ulValueLen: ulen(*capacity),
            })
            .collect();
        Self { buffers, attributes }
    }

    pub(crate) fn finish(self) -> Vec<Fetched> {
        self.attributes
            .into_iter()
            .zip(self.buffers)
            .map(|(attribute, mut value)| {
                value.truncate(if attribute.ulValueLen == crate::UNAVAILABLE {
                    0
                } else {
                    size(attribute.ulValueLen)
                });
                Fetched { kind: attribute.type_, len: attribute.ulValueLen, value }
            })
            .collect()
    }
}
