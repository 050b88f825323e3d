//! C_DeriveKey as a mechanism sees it (PKCS#11 v3.2, section 5.18.5): what goes into a derivation, and the objects
//! that come out of it, which all go into the store in one transaction.

use crate::crypto::{PrivateKey, PublicKey};
use crate::error::{Error, ErrorKind, Result};
use crate::object::{self, Attributes, Caller, Inherit, Template, Value};
use crate::types::{SecretBytes, ck, length};

use super::key::Key;
use super::material;
use super::params::{Params, Reply};

/// How a mechanism derives.
#[derive(Debug, Clone, Copy)]
pub enum Derive {
    /// One secret key, whose value follows from the base key and the parameter alone. The last argument is the
    /// wanted length in bytes (`material::wanted_len`).
    Secret(Inherit, fn(&Key, &Params, Option<usize>) -> Result<SecretBytes>),
    /// Whatever else: see the methods of [`Derivation`].
    Objects(Base, fn(&Derivation<'_>, &Params) -> Result<Vec<Derived>>),
    /// One private key, out of a key of the row's types: see [`Derivation::private`].
    Private(fn(&Derivation<'_>, &Params) -> Result<Attributes>),
}

/// Which objects a mechanism takes as its base key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// A key of the row's types with CKA_DERIVE.
    Key,
    /// The same, or a data object, whose value then counts as a generic secret.
    KeyOrData,
    /// A private key of the row's types, whatever its CKA_DERIVE: only what is public of it comes out.
    Private,
}

/// A key that goes into a derivation.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The parsed key.
    pub key: &'a Key,
    /// All of the object's attributes.
    pub attributes: &'a Attributes,
}

/// Everything that a derivation may look at.
pub struct Derivation<'a> {
    /// The base key, which may be used so.
    pub base: Source<'a>,
    /// The keys that the parameter names by handle, in the order of [`Params::keys`]. The caller sees them, and each
    /// may derive by this mechanism; their types are for the mechanism to check.
    pub others: &'a [Source<'a>],
    /// The template of C_DeriveKey.
    pub template: &'a Template,
    /// Who asks.
    pub caller: Caller,
    /// Whether the session may write token objects.
    pub read_write: bool,
}

/// A new object, complete but for its CKA_UNIQUE_ID.
#[derive(Debug)]
pub struct Derived {
    /// Its attributes.
    pub object: Attributes,
    /// The place in the parameter for its handle; `None` for the object whose handle C_DeriveKey itself gives.
    pub handle: Option<Reply<ck::CK_OBJECT_HANDLE>>,
}

impl From<Attributes> for Derived {
    fn from(object: Attributes) -> Self {
        Derived { object, handle: None }
    }
}

impl Derive {
    /// Which objects may be the base key.
    pub fn base(self) -> Base {
        match self {
            Derive::Secret(..) | Derive::Private(_) => Base::Key,
            Derive::Objects(base, _) => base,
        }
    }

    /// Derives.
    pub fn run(self, derivation: &Derivation<'_>, params: &Params) -> Result<Vec<Derived>> {
        match self {
            Derive::Secret(inherit, value) => {
                derivation.secret(inherit, |_, wanted| value(derivation.base.key, params, wanted))
            }
            Derive::Objects(_, derive) => derive(derivation, params),
            Derive::Private(derive) => Ok(vec![derive(derivation, params)?.into()]),
        }
    }
}

/// The least length in bytes of what is cut out of keys that must not be read: shorter pieces could be guessed one by
/// one, by their check values or by what they compute.
const LEAST_PIECE: usize = 14;

/// CKR_KEY_SIZE_RANGE for a piece of protected keys that is short enough to be guessed.
fn expect_no_piece(key: &Attributes, value: &SecretBytes) -> Result<()> {
    let is_protected = key.flag(ck::CKA_SENSITIVE) || !key.flag(ck::CKA_EXTRACTABLE);
    match is_protected && value.len() < LEAST_PIECE {
        false => Ok(()),
        true => Err(Error::new(
            ErrorKind::KeySizeRange,
            "of sensitive or unextractable keys, no piece below 112 bits becomes a key of its own",
        )),
    }
}

impl Derivation<'_> {
    /// The value of the n-th further key. CKR_KEY_TYPE_INCONSISTENT for one that is no secret key.
    pub fn other(&self, n: usize) -> Result<&SecretBytes> {
        let none = || Error::new(ErrorKind::MechanismParamInvalid, "the parameter names no such key");
        self.others.get(n).ok_or_else(none)?.key.secret()
    }

    /// The template of C_DeriveKey with what it leaves out.
    pub fn template_or(&self, defaults: &[(ck::CK_ATTRIBUTE_TYPE, Value)]) -> Template {
        let missing = defaults.iter().filter(|(id, _)| self.template.get(*id).is_none());
        missing.fold(self.template.clone(), |template, (id, value)| template.with(*id, value.clone()))
    }

    /// The attributes of a secret key by this template, without the value: to be made before anything is computed,
    /// because it checks rights.
    pub fn plan(&self, template: &Template, inherit: Inherit) -> Result<Attributes> {
        let others: Vec<&Attributes> = self.others.iter().map(|other| other.attributes).collect();
        let key = object::derive(template.clone(), self.base.attributes, &others, inherit, &self.caller)?;
        self.may_write(key)
    }

    /// One secret key by the template of C_DeriveKey. `value` is given its attributes and the wanted length in bytes.
    pub fn secret(
        &self,
        inherit: Inherit,
        value: impl FnOnce(&Attributes, Option<usize>) -> Result<SecretBytes>,
    ) -> Result<Vec<Derived>> {
        Ok(vec![self.secret_by(self.template, inherit, value)?.into()])
    }

    /// The same by another template.
    pub fn secret_by(
        &self,
        template: &Template,
        inherit: Inherit,
        value: impl FnOnce(&Attributes, Option<usize>) -> Result<SecretBytes>,
    ) -> Result<Attributes> {
        let mut key = self.plan(template, inherit)?;
        let value = value(&key, material::wanted_len(&key)?)?;
        if inherit == Inherit::Base {
            expect_no_piece(&key, &value)?;
        }
        material::fill_secret(&mut key, value)?;
        Ok(key)
    }

    /// One data object by the template of C_DeriveKey. `value` is given the wanted length in bytes.
    pub fn data(&self, value: impl FnOnce(Option<usize>) -> Result<SecretBytes>) -> Result<Vec<Derived>> {
        let (data, wanted) = object::derive_data(self.template.clone(), self.base.attributes, &self.caller)?;
        let mut data = self.may_write(data)?;
        data.set(ck::CKA_VALUE, value(wanted.map(length))?);
        Ok(vec![data.into()])
    }

    /// The public key of the base key.
    pub fn public(&self, key: &PublicKey) -> Result<Vec<Derived>> {
        let public = object::derive_public(self.template.clone(), self.base.attributes, &self.caller)?;
        let mut public = self.may_write(public)?;
        material::fill_public(&mut public, key)?;
        Ok(vec![public.into()])
    }

    /// A private key of this type by the template of C_DeriveKey. `key` is made once the caller's rights are checked;
    /// further attributes go into the answer's objects.
    pub fn private(
        &self,
        key_type: ck::CK_KEY_TYPE,
        inherit: Inherit,
        key: impl FnOnce() -> Result<PrivateKey>,
    ) -> Result<Attributes> {
        let (template, base) = (self.template.clone(), self.base.attributes);
        let private = object::derive_private(template, base, key_type, inherit, &self.caller)?;
        let mut private = self.may_write(private)?;
        material::fill_private(&mut private, &key()?)?;
        Ok(private)
    }

    fn may_write(&self, object: Attributes) -> Result<Attributes> {
        object::may_write(&object, &self.caller, self.read_write)?;
        Ok(object)
    }
}
