//! Keys made, wrapped, unwrapped and derived (PKCS#11 v3.2, section 5.18).

use super::session::SoftSession;
use crate::backend::held::{caller, expect_no_pin_wanted, operation, wrong_type_as};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::{Mechanism, material};
use crate::object::{self, Inherit, Template, Usage};
use crate::token::{Access, ObjectHandle};

impl SoftSession {
    /// C_GenerateKey.
    pub(super) fn make_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        template: Template,
    ) -> Result<ObjectHandle> {
        let row = self.token.row(mechanism.kind)?;
        let generate = operation(row, row.ops.generate, "generating keys")?;
        let mut key = object::generate_secret(template, mechanism.kind, row.key_types, &caller(access))?;
        object::may_write(&key, &caller(access), access.read_write)?;
        let value = generate(&mechanism.params, &key)?;
        material::fill_secret(&mut key, value)?;
        self.add_one(access, key)
    }

    /// C_GenerateKeyPair: both halves in one transaction, so that a crash leaves both or none.
    pub(super) fn make_key_pair(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        public: Template,
        private: Template,
    ) -> Result<(ObjectHandle, ObjectHandle)> {
        let row = self.token.row(mechanism.kind)?;
        let generate = operation(row, row.ops.generate_pair, "generating key pairs")?;
        let who = caller(access);
        let (mut public, mut private) =
            object::generate_pair(public, private, mechanism.kind, row.key_types, &who)?;
        // Rights are checked before the expensive part, not only when the objects are added.
        object::may_write(&public, &who, access.read_write)?;
        object::may_write(&private, &who, access.read_write)?;
        let key = generate(&mechanism.params, &public, &private)?;
        material::fill_pair(&mut public, &mut private, &key)?;
        self.token.check_strength(row, &public)?;
        match self.add(access, vec![public, private])?[..] {
            [public, private] => Ok((public, private)),
            _ => Err(Error::new(ErrorKind::DeviceError, "the store kept another number of objects")),
        }
    }

    /// C_WrapKey.
    pub(super) fn wrap(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        wrapping_key: ObjectHandle,
        key: ObjectHandle,
    ) -> Result<Vec<u8>> {
        let row = self.token.row(mechanism.kind)?;
        let wrap = operation(row, row.ops.wrap, Usage::Wrap)?;
        let invalid = ErrorKind::WrappingKeyHandleInvalid;
        let wrapping_key = self
            .key_for(access, row, wrapping_key, Usage::Wrap, invalid)
            .map_err(wrong_type_as(ErrorKind::WrappingKeyTypeInconsistent))?;
        let key = self.open()?.object(access, key).map_err(|error| match error.kind() {
            ErrorKind::ObjectHandleInvalid => error.with_kind(ErrorKind::KeyHandleInvalid),
            _ => error,
        })?;
        object::wrappable(&key.attributes, &wrapping_key.attributes)?;
        wrap(wrapping_key.key()?, &mechanism.params, &material::wrap_encoding(&key.attributes)?)
    }

    /// C_UnwrapKey.
    pub(super) fn unwrap(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        unwrapping_key: ObjectHandle,
        wrapped: &[u8],
        template: Template,
    ) -> Result<ObjectHandle> {
        let invalid = ErrorKind::UnwrappingKeyHandleInvalid;
        let row = self.token.row(mechanism.kind)?;
        let unwrap = operation(row, row.ops.unwrap, Usage::Unwrap)?;
        let unwrapping_key = self
            .key_for(access, row, unwrapping_key, Usage::Unwrap, invalid)
            .map_err(wrong_type_as(ErrorKind::UnwrappingKeyTypeInconsistent))?;
        expect_no_pin_wanted(&unwrapping_key, "C_UnwrapKey")?;
        let mut key = object::unwrap(template, &unwrapping_key.attributes, &caller(access))?;
        object::may_write(&key, &caller(access), access.read_write)?;
        let wanted = material::wanted_len(&key)?;
        let encoding = unwrap(unwrapping_key.key()?, &mechanism.params, wrapped, wanted)?;
        material::unwrap_into(&mut key, encoding)?;
        self.add_one(access, key)
    }

    /// C_DeriveKey.
    pub(super) fn derive(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        base_key: ObjectHandle,
        template: Template,
    ) -> Result<ObjectHandle> {
        let row = self.token.row(mechanism.kind)?;
        let derive = operation(row, row.ops.derive, Usage::Derive)?;
        let base_key = self.key_for(access, row, base_key, Usage::Derive, ErrorKind::KeyHandleInvalid)?;
        expect_no_pin_wanted(&base_key, "C_DeriveKey")?;
        let mut key = object::derive(template, &base_key.attributes, Inherit::Template, &caller(access))?;
        object::may_write(&key, &caller(access), access.read_write)?;
        let value = derive(base_key.key()?, &mechanism.params, material::wanted_len(&key)?)?;
        material::fill_secret(&mut key, value)?;
        self.add_one(access, key)
    }
}
