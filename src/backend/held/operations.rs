//! Operations with keys that are in this process, whoever keeps them: a token file, or a session.

use std::sync::Arc;

use super::object::{Object, caller, expect_no_pin_wanted, no_object_as, operation, wrong_type_as};
use super::policy::{Admitted, UsableKey, expect_digestible, expect_strong};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::op::{Counter, Producer};
use crate::mechanism::{
    Base, Derivation, Descriptor, Key, MadePair, Mechanism, Ops, Params, Source, material,
};
use crate::object::{self, Attributes, Template, Usage};
use crate::token::{Access, Encapsulated, ObjectHandle, Prepared};
use crate::types::ck;

/// Who keeps the objects.
pub trait Keeper {
    /// The configuration in force.
    fn config(&self) -> &Config;
    /// The row of a mechanism that is offered. CKR_MECHANISM_INVALID.
    fn row(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<&'static Descriptor>;
    /// The object of a handle, if the caller may see it. CKR_OBJECT_HANDLE_INVALID.
    fn object(&self, access: Access, handle: ObjectHandle) -> Result<Arc<Object>>;
    /// What counts the uses of a key that counts them. CKR_MECHANISM_INVALID where nothing here does.
    fn counter(&self, key: ObjectHandle) -> Result<Box<dyn Counter>>;
    /// Keeps new objects after the last check of what the caller may make. Handles in the same order.
    fn keep(&mut self, access: Access, objects: Vec<Admitted>) -> Result<Vec<ObjectHandle>>;
    /// Adds new objects, if the configuration lets all of them in.
    fn add(&mut self, access: Access, objects: Vec<Attributes>) -> Result<Vec<ObjectHandle>> {
        let admit = |attributes| Admitted::new(self.config(), attributes);
        let objects = objects.into_iter().map(admit).collect::<Result<_>>()?;
        self.keep(access, objects)
    }
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
) -> Result<UsableKey> {
    let key = keeper.object(access, handle).map_err(no_object_as(invalid))?;
    UsableKey::new(keeper.config(), key, row, usage, invalid)
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

/// C_SignInit. A key that counts its uses gets its counter along.
pub fn prepare_signature<K: Keeper>(
    keeper: &K,
    access: Access,
    mechanism: &Mechanism,
    key: ObjectHandle,
) -> Result<Prepared<dyn Producer>> {
    let row = keeper.row(mechanism.kind)?;
    let Some(start) = row.ops.sign_counting else {
        return prepare(keeper, access, mechanism, key, Usage::Sign, |ops| ops.sign);
    };
    let found = key_for(keeper, access, row, key, Usage::Sign, ErrorKind::KeyHandleInvalid)?;
    let operation = start(found.key()?, &mechanism.params, keeper.counter(key)?)?;
    Ok(Prepared { operation, authenticate: found.attributes.flag(ck::CKA_ALWAYS_AUTHENTICATE) })
}

/// C_DigestKey: the value of a secret key that the caller may see, sensitive or not: what leaves is its digest.
pub fn digest_key<K: Keeper>(
    keeper: &K,
    access: Access,
    mechanism: ck::CK_MECHANISM_TYPE,
    key: ObjectHandle,
    digest: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let invalid = ErrorKind::KeyHandleInvalid;
    let key = keeper.object(access, key).map_err(no_object_as(invalid))?;
    if key.attributes.key_type().is_none() {
        return Err(Error::new(invalid, "the object is not a key"));
    }
    expect_digestible(keeper.config(), &key.attributes, mechanism)?;
    let value = key.attributes.bytes(ck::CKA_VALUE).filter(|_| key.attributes.class() == ck::CKO_SECRET_KEY);
    digest(value.ok_or_else(|| {
        Error::new(ErrorKind::KeyIndigestible, "only secret keys whose value is in this process are digested")
    })?)
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
        expect_strong(keeper.config(), &parameters)?;
        let made = generate(&mechanism.params, &parameters)?;
        material::fill_parameters(&mut parameters, made)?;
        return add_one(keeper, access, parameters);
    }
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
    if row.ops.generate_node.is_none() {
        operation(row, row.ops.generate_pair, "generating key pairs")?;
    }
    let who = caller(access);
    let (mut public, mut private) =
        object::generate_pair(public, private, mechanism.kind, row.key_types, &who)?;
    // Rights are checked before the expensive part, not only when the objects are added.
    object::may_write(&public, &who, access.read_write)?;
    object::may_write(&private, &who, access.read_write)?;
    expect_strong(keeper.config(), &public)?;
    let made = make_pair(row, &mechanism.params, &public, &private)?;
    material::fill_pair(&mut public, &mut private, &made.key)?;
    for (object, more) in [(&mut public, &made.public), (&mut private, &made.private)] {
        for (id, value) in more.iter() {
            object.set(id, value.clone());
        }
    }
    match keeper.add(access, vec![public, private])?[..] {
        [public, private] => Ok((public, private)),
        _ => Err(Error::new(ErrorKind::DeviceError, "the store kept another number of objects")),
    }
}

/// The pair, by whichever of its functions the row has.
fn make_pair(
    row: &Descriptor,
    params: &Params,
    public: &Attributes,
    private: &Attributes,
) -> Result<MadePair> {
    match row.ops.generate_node {
        Some(generate) => generate(params, public, private),
        None => {
            let generate = operation(row, row.ops.generate_pair, "generating key pairs")?;
            generate(params, public, private).map(MadePair::from)
        }
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
    let base = base_for(keeper, access, row, derive.base(), base_key)?;
    let other = |handle| key_for(keeper, access, row, handle, Usage::Derive, ErrorKind::KeyHandleInvalid);
    let others = mechanism.params.keys().into_iter().map(other).collect::<Result<Vec<_>>>()?;
    let derivation = Derivation {
        base: base.source()?,
        others: &others.iter().map(source).collect::<Result<Vec<_>>>()?,
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

fn source(key: &UsableKey) -> Result<Source<'_>> {
    Ok(Source { key: key.key()?, attributes: &key.attributes })
}

/// What a derivation starts from.
enum BaseObject {
    Key(UsableKey),
    /// A data object, and its value as a generic secret.
    Data(Arc<Object>, Key),
}

impl BaseObject {
    fn source(&self) -> Result<Source<'_>> {
        match self {
            BaseObject::Key(key) => source(key),
            BaseObject::Data(object, key) => Ok(Source { key, attributes: &object.attributes }),
        }
    }
}

/// The base key of a derivation, if the mechanism takes it and it may be used so.
fn base_for<K: Keeper>(
    keeper: &K,
    access: Access,
    row: &'static Descriptor,
    base: Base,
    handle: ObjectHandle,
) -> Result<BaseObject> {
    let invalid = ErrorKind::KeyHandleInvalid;
    let object = keeper.object(access, handle).map_err(no_object_as(invalid))?;
    let key = match (base, object.attributes.class()) {
        (Base::KeyOrData, ck::CKO_DATA) => {
            let value = material::data(&object.attributes)?;
            return Ok(BaseObject::Data(object, value));
        }
        // Only what is public of it comes out: no PIN is asked for.
        (Base::Private, _) => UsableKey::for_public_half(keeper.config(), object, row)?,
        (Base::Key | Base::KeyOrData, _) => {
            let key = UsableKey::new(keeper.config(), object, row, Usage::Derive, invalid)?;
            expect_no_pin_wanted(&key, "C_DeriveKey")?;
            key
        }
    };
    Ok(BaseObject::Key(key))
}

/// C_EncapsulateKey. The template is looked at only once there is room for the ciphertext: its size depends on the
/// public key and the mechanism alone.
pub fn encapsulate<K: Keeper>(
    keeper: &mut K,
    access: Access,
    mechanism: &Mechanism,
    public_key: ObjectHandle,
    template: Template,
    ciphertext: Option<&mut [u8]>,
) -> Result<Encapsulated> {
    let row = keeper.row(mechanism.kind)?;
    let encapsulate = operation(row, row.ops.encapsulate, Usage::Encapsulate)?;
    let invalid = ErrorKind::KeyHandleInvalid;
    let public_key = key_for(keeper, access, row, public_key, Usage::Encapsulate, invalid)?;
    let encapsulation = encapsulate(public_key.key()?, &mechanism.params)?;
    let ciphertext_len = encapsulation.ciphertext_len();
    let Some(ciphertext) = ciphertext.and_then(|room| room.get_mut(..ciphertext_len)) else {
        return Ok(Encapsulated::Needs(ciphertext_len));
    };
    let mut key = object::encapsulate(template, &public_key.attributes, &caller(access))?;
    object::may_write(&key, &caller(access), access.read_write)?;
    let value = encapsulation.run(material::wanted_len(&key)?, ciphertext)?;
    material::fill_secret(&mut key, value)?;
    Ok(Encapsulated::Made { key: add_one(keeper, access, key)?, ciphertext_len })
}

/// C_DecapsulateKey.
pub fn decapsulate<K: Keeper>(
    keeper: &mut K,
    access: Access,
    mechanism: &Mechanism,
    private_key: ObjectHandle,
    ciphertext: &[u8],
    template: Template,
) -> Result<ObjectHandle> {
    let invalid = ErrorKind::UnwrappingKeyHandleInvalid;
    let row = keeper.row(mechanism.kind)?;
    let decapsulate = operation(row, row.ops.decapsulate, Usage::Decapsulate)?;
    let private_key = key_for(keeper, access, row, private_key, Usage::Decapsulate, invalid)
        .map_err(wrong_type_as(ErrorKind::UnwrappingKeyTypeInconsistent))?;
    expect_no_pin_wanted(&private_key, "C_DecapsulateKey")?;
    let mut key = object::decapsulate(template, &private_key.attributes, &caller(access))?;
    object::may_write(&key, &caller(access), access.read_write)?;
    let wanted = material::wanted_len(&key)?;
    let value = decapsulate(private_key.key()?, &mechanism.params, ciphertext, wanted)?;
    // As the other side's C_EncapsulateKey made a key of it: the parity of DES keys is set, not asked for.
    material::fill_secret(&mut key, value).map_err(|error| match error.kind() {
        ErrorKind::KeySizeRange => error.with_kind(ErrorKind::WrappedKeyInvalid),
        _ => error,
    })?;
    add_one(keeper, access, key)
}
