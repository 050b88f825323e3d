//! Operations with keys that are in this process, whoever keeps them: a token file, or a session.

use std::sync::Arc;

use super::object::{
    Object, caller, check_strength, expect_no_pin_wanted, expect_usable, no_object_as, operation,
    wrong_type_as,
};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::{Descriptor, Key, Mechanism, Ops, Params, material};
use crate::object::{self, Attributes, Inherit, Template, Usage};
use crate::token::{Access, ObjectHandle, Prepared};
use crate::types::ck;

/// Who keeps the objects.
pub trait Keeper {
    /// The configuration in force.
    fn config(&self) -> &Config;
    /// The row of a mechanism that is offered. CKR_MECHANISM_INVALID.
    fn row(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<&'static Descriptor>;
    /// The object of a handle, if the caller may see it. CKR_OBJECT_HANDLE_INVALID.
    fn object(&self, access: Access, handle: ObjectHandle) -> Result<Arc<Object>>;
    /// Adds new objects after the last check of what the caller may make. Handles in the same order.
    fn add(&mut self, access: Access, objects: Vec<Attributes>) -> Result<Vec<ObjectHandle>>;
}

/// What a mechanism's row has for an operation with a key.
type Start<T> = fn(&Key, &Params) -> Result<Box<T>>;

/// The key of a handle, allowed for this usage. `invalid` is the CKR of a handle that leads to no key.
pub fn key_for<K: Keeper>(
    keeper: &K,
    access: Access,
    row: &'static Descriptor,
    handle: ObjectHandle,
    usage: Usage,
    invalid: ErrorKind,
) -> Result<Arc<Object>> {
    let key = keeper.object(access, handle).map_err(no_object_as(invalid))?;
    expect_usable(&key.attributes, row, usage, invalid)?;
    check_strength(keeper.config(), row, &key.attributes)?;
    Ok(key)
}

/// A keyed operation: the mechanism has it, the key may be used for it, and both fit together.
pub fn prepare<K: Keeper, T: ?Sized>(
    keeper: &K,
    access: Access,
    mechanism: &Mechanism,
    key: ObjectHandle,
    usage: Usage,
    pick: fn(&Ops) -> Option<Start<T>>,
) -> Result<Prepared<T>> {
    let row = keeper.row(mechanism.kind)?;
    let start = operation(row, pick(&row.ops), usage)?;
    let key = key_for(keeper, access, row, key, usage, ErrorKind::KeyHandleInvalid)?;
    // The public half of a pair never asks (private key objects, common attributes).
    let authenticate = key.attributes.flag(ck::CKA_ALWAYS_AUTHENTICATE);
    Ok(Prepared { operation: start(key.key()?, &mechanism.params)?, authenticate })
}

/// Adds one new object.
pub fn add_one<K: Keeper>(keeper: &mut K, access: Access, attributes: Attributes) -> Result<ObjectHandle> {
    keeper.add(access, vec![attributes])?.pop().ok_or_else(|| ErrorKind::DeviceError.into())
}

/// C_GenerateKey: a secret key, or domain parameters.
pub fn make_key<K: Keeper>(
    keeper: &mut K,
    access: Access,
    mechanism: &Mechanism,
    template: Template,
) -> Result<ObjectHandle> {
    let row = keeper.row(mechanism.kind)?;
    if let Some(generate) = row.ops.generate_parameters {
        let mut parameters = object::generate_parameters(template, row.key_types, &caller(access))?;
        object::may_write(&parameters, &caller(access), access.read_write)?;
        for (kind, number) in generate(&parameters)? {
            parameters.set(kind, number);
        }
        material::complete_created(&mut parameters)?;
        return add_one(keeper, access, parameters);
    }
    let generate = operation(row, row.ops.generate, "generating keys")?;
    let mut key = object::generate_secret(template, mechanism.kind, row.key_types, &caller(access))?;
    object::may_write(&key, &caller(access), access.read_write)?;
    let value = generate(&mechanism.params, &key)?;
    material::fill_secret(&mut key, value)?;
    add_one(keeper, access, key)
}

/// C_GenerateKeyPair: both halves in one transaction, so that a crash leaves both or none.
pub fn make_key_pair<K: Keeper>(
    keeper: &mut K,
    access: Access,
    mechanism: &Mechanism,
    public: Template,
    private: Template,
) -> Result<(ObjectHandle, ObjectHandle)> {
    let row = keeper.row(mechanism.kind)?;
    let generate = operation(row, row.ops.generate_pair, "generating key pairs")?;
    let who = caller(access);
    let (mut public, mut private) =
        object::generate_pair(public, private, mechanism.kind, row.key_types, &who)?;
    // Rights are checked before the expensive part, not only when the objects are added.
    object::may_write(&public, &who, access.read_write)?;
    object::may_write(&private, &who, access.read_write)?;
    let key = generate(&mechanism.params, &public, &private)?;
    material::fill_pair(&mut public, &mut private, &key)?;
    check_strength(keeper.config(), row, &public)?;
    match keeper.add(access, vec![public, private])?[..] {
        [public, private] => Ok((public, private)),
        _ => Err(Error::new(ErrorKind::DeviceError, "the store kept another number of objects")),
    }
}

/// C_WrapKey.
pub fn wrap<K: Keeper>(
    keeper: &mut K,
    access: Access,
    mechanism: &Mechanism,
    wrapping_key: ObjectHandle,
    key: ObjectHandle,
) -> Result<Vec<u8>> {
    let row = keeper.row(mechanism.kind)?;
    let wrap = operation(row, row.ops.wrap, Usage::Wrap)?;
    let invalid = ErrorKind::WrappingKeyHandleInvalid;
    let wrapping_key = key_for(keeper, access, row, wrapping_key, Usage::Wrap, invalid)
        .map_err(wrong_type_as(ErrorKind::WrappingKeyTypeInconsistent))?;
    let key = keeper.object(access, key).map_err(no_object_as(ErrorKind::KeyHandleInvalid))?;
    object::wrappable(&key.attributes, &wrapping_key.attributes)?;
    wrap(wrapping_key.key()?, &mechanism.params, &material::wrap_encoding(&key.attributes)?)
}

/// C_UnwrapKey.
pub fn unwrap<K: Keeper>(
    keeper: &mut K,
    access: Access,
    mechanism: &Mechanism,
    unwrapping_key: ObjectHandle,
    wrapped: &[u8],
    template: Template,
) -> Result<ObjectHandle> {
    let invalid = ErrorKind::UnwrappingKeyHandleInvalid;
    let row = keeper.row(mechanism.kind)?;
    let unwrap = operation(row, row.ops.unwrap, Usage::Unwrap)?;
    let unwrapping_key = key_for(keeper, access, row, unwrapping_key, Usage::Unwrap, invalid)
        .map_err(wrong_type_as(ErrorKind::UnwrappingKeyTypeInconsistent))?;
    expect_no_pin_wanted(&unwrapping_key, "C_UnwrapKey")?;
    let mut key = object::unwrap(template, &unwrapping_key.attributes, &caller(access))?;
    object::may_write(&key, &caller(access), access.read_write)?;
    let wanted = material::wanted_len(&key)?;
    let encoding = unwrap(unwrapping_key.key()?, &mechanism.params, wrapped, wanted)?;
    material::unwrap_into(&mut key, encoding)?;
    add_one(keeper, access, key)
}

/// C_DeriveKey.
pub fn derive<K: Keeper>(
    keeper: &mut K,
    access: Access,
    mechanism: &Mechanism,
    base_key: ObjectHandle,
    template: Template,
) -> Result<ObjectHandle> {
    let row = keeper.row(mechanism.kind)?;
    let derive = operation(row, row.ops.derive, Usage::Derive)?;
    let base_key = key_for(keeper, access, row, base_key, Usage::Derive, ErrorKind::KeyHandleInvalid)?;
    expect_no_pin_wanted(&base_key, "C_DeriveKey")?;
    let mut key = object::derive(template, &base_key.attributes, Inherit::Template, &caller(access))?;
    object::may_write(&key, &caller(access), access.read_write)?;
    let value = derive(base_key.key()?, &mechanism.params, material::wanted_len(&key)?)?;
    material::fill_secret(&mut key, value)?;
    add_one(keeper, access, key)
}
