//! Operations with keys that are in this process, whoever keeps them: a token file, or a session.

use std::sync::Arc;

use super::object::{
    Object, caller, check_strength, expect_no_pin_wanted, expect_usable, no_object_as, operation,
    wrong_type_as,
};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::{Base, Derivation, Descriptor, Key, Mechanism, Ops, Params, Source, material};
use crate::object::{self, Attributes, Template, Usage};
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

/// C_GenerateKey.
pub fn make_key<K: Keeper>(
    keeper: &mut K,
    access: Access,
    mechanism: &Mechanism,
    template: Template,
) -> Result<ObjectHandle> {
    let row = keeper.row(mechanism.kind)?;
    let generate = operation(row, row.ops.generate, "generating keys")?;
    let template = with_only_len(template, row);
    let mut key = object::generate_secret(template, mechanism.kind, row.key_types, &caller(access))?;
    object::may_write(&key, &caller(access), access.read_write)?;
    let value = generate(&mechanism.params, &key)?;
    material::fill_secret(&mut key, value)?;
    add_one(keeper, access, key)
}

/// A mechanism that makes generic secrets of one length only (a TLS pre-master secret) is not told the length.
fn with_only_len(template: Template, row: &Descriptor) -> Template {
    let only = row.min_key_size == row.max_key_size && row.key_types == [ck::CKK_GENERIC_SECRET];
    match only && template.get(ck::CKA_VALUE_LEN).is_none() {
        true => template.with(ck::CKA_VALUE_LEN, row.min_key_size),
        false => template,
    }
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

/// C_DeriveKey. The handle is CK_INVALID_HANDLE where all go into the mechanism's parameter.
pub fn derive<K: Keeper>(
    keeper: &mut K,
    access: Access,
    mechanism: &Mechanism,
    base_key: ObjectHandle,
    template: Template,
) -> Result<ObjectHandle> {
    let row = keeper.row(mechanism.kind)?;
    let derive = operation(row, row.ops.derive, Usage::Derive)?;
    let base_key = base_for(keeper, access, row, derive.base(), base_key)?;
    let other = |handle| key_for(keeper, access, row, handle, Usage::Derive, ErrorKind::KeyHandleInvalid);
    let others = mechanism.params.keys().into_iter().map(other).collect::<Result<Vec<_>>>()?;

    let data = is_data(&base_key).then(|| material::data(&base_key.attributes)).transpose()?;
    let key = data.as_ref().map_or_else(|| base_key.key(), Ok)?;
    let derivation = Derivation {
        base: Source { key, attributes: &base_key.attributes },
        others: &others.iter().map(|other| source(other)).collect::<Result<Vec<_>>>()?,
        template: &template,
        caller: caller(access),
        read_write: access.read_write,
    };
    let derived = derive.run(&derivation, &mechanism.params)?;

    let (objects, places): (Vec<_>, Vec<_>) =
        derived.into_iter().map(|derived| (derived.object, derived.handle)).unzip();
    let mut own = ck::CK_INVALID_HANDLE;
    for (handle, place) in keeper.add(access, objects)?.into_iter().zip(places) {
        match place {
            Some(place) => place.put(handle),
            None => own = handle,
        }
    }
    Ok(own)
}

fn source(object: &Object) -> Result<Source<'_>> {
    Ok(Source { key: object.key()?, attributes: &object.attributes })
}

fn is_data(object: &Object) -> bool {
    object.attributes.class() == ck::CKO_DATA
}

/// The base key of a derivation, if the mechanism takes it and it may be used so.
fn base_for<K: Keeper>(
    keeper: &K,
    access: Access,
    row: &'static Descriptor,
    base: Base,
    handle: ObjectHandle,
) -> Result<Arc<Object>> {
    let invalid = ErrorKind::KeyHandleInvalid;
    let key = keeper.object(access, handle).map_err(no_object_as(invalid))?;
    match base {
        Base::KeyOrData if is_data(&key) => return Ok(key),
        Base::Private if key.attributes.class() == ck::CKO_PRIVATE_KEY => {
            object::expect_allowed(&key.attributes, row.kind)?;
            return match key.attributes.key_type().is_some_and(|key_type| row.takes(key_type)) {
                true => Ok(key),
                false => Err(ErrorKind::KeyTypeInconsistent.into()),
            };
        }
        Base::Private => {
            return Err(Error::new(
                ErrorKind::KeyTypeInconsistent,
                format!("{} takes a private key", row.name),
            ));
        }
        Base::Key | Base::KeyOrData => {}
    }
    expect_usable(&key.attributes, row, Usage::Derive, invalid)?;
    check_strength(keeper.config(), row, &key.attributes)?;
    expect_no_pin_wanted(&key, "C_DeriveKey")?;
    Ok(key)
}
