//! New objects: from a template to the attributes of an object.

use super::{Attributes, Caller, Template, Value};
use crate::error::{ErrorKind, Result};
use crate::types::ck;

/// How a derived key's CKA_SENSITIVE and CKA_EXTRACTABLE follow from its base key's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inherit {
    /// The template decides (key agreement, HKDF, key derivation by encryption).
    Template,
    /// A sensitive or unextractable base key makes the derived key so too (concatenation, XOR, extraction of
    /// bits), because the derived value gives the base key's away.
    Base,
}

/// C_CreateObject.
pub fn create(template: Template, caller: &Caller) -> Result<Attributes> {
    let _ = (template, caller);
    Err(ErrorKind::FunctionNotSupported.into())
}

/// C_GenerateKey; the first of `key_types` is the default.
pub fn generate_secret(
    template: Template,
    mechanism: ck::CK_MECHANISM_TYPE,
    key_types: &[ck::CK_KEY_TYPE],
    caller: &Caller,
) -> Result<Attributes> {
    let _ = (template, mechanism, key_types, caller);
    Err(ErrorKind::FunctionNotSupported.into())
}

/// C_GenerateKeyPair: the public and the private key's attributes.
pub fn generate_pair(
    public: Template,
    private: Template,
    mechanism: ck::CK_MECHANISM_TYPE,
    key_types: &[ck::CK_KEY_TYPE],
    caller: &Caller,
) -> Result<(Attributes, Attributes)> {
    let _ = (public, private, mechanism, key_types, caller);
    Err(ErrorKind::FunctionNotSupported.into())
}

/// C_UnwrapKey.
pub fn unwrap(template: Template, unwrapping_key: &Attributes, caller: &Caller) -> Result<Attributes> {
    let _ = (template, unwrapping_key, caller);
    Err(ErrorKind::FunctionNotSupported.into())
}

/// C_DeriveKey.
pub fn derive(
    template: Template,
    base: &Attributes,
    inherit: Inherit,
    caller: &Caller,
) -> Result<Attributes> {
    let _ = (template, base, inherit, caller);
    Err(ErrorKind::FunctionNotSupported.into())
}

/// C_EncapsulateKey.
pub fn encapsulate(template: Template, public_key: &Attributes, caller: &Caller) -> Result<Attributes> {
    let _ = (template, public_key, caller);
    Err(ErrorKind::FunctionNotSupported.into())
}

/// C_DecapsulateKey.
pub fn decapsulate(template: Template, private_key: &Attributes, caller: &Caller) -> Result<Attributes> {
    let _ = (template, private_key, caller);
    Err(ErrorKind::FunctionNotSupported.into())
}

/// An object the token brings along: public, read-only, not to be copied or destroyed.
pub fn builtin(
    class: ck::CK_OBJECT_CLASS,
    attributes: impl IntoIterator<Item = (ck::CK_ATTRIBUTE_TYPE, Value)>,
) -> Attributes {
    attributes.into_iter().collect::<Attributes>().with(ck::CKA_CLASS, class)
}

/// Completes a new object whose material is there.
pub fn finish(attributes: &mut Attributes, unique_id: &str) {
    attributes.set(ck::CKA_UNIQUE_ID, unique_id);
}
