//! A session on a soft token: its objects; the operations with them are `held`'s.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use super::builtin;
use super::token::{Opened, SoftToken};
use crate::backend::held::{
    self, Admitted, FIRST_SESSION_OBJECT, Keeper, Object, caller, operation, unique_id,
};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::op::{Cipher, Counter, Producer, Verifier};
use crate::mechanism::{Descriptor, Mechanism, material};
use crate::object::{self, Attributes, Template, Usage};
use crate::token::{Access, Encapsulated, Foreign, ObjectHandle, Prepared, Revealed, TokenSession};
use crate::types::ck;

/// One session.
pub struct SoftSession {
    pub(super) token: Arc<SoftToken>,
    /// The token's file as it was at the session's first use of it.
    open: OnceCell<Arc<Opened>>,
    /// The session's own objects, destroyed with it.
    owned: Vec<ObjectHandle>,
}

impl Drop for SoftSession {
    fn drop(&mut self) {
        if let Some(open) = self.open.get() {
            open.objects.remove_session_objects(&self.owned);
        }
    }
}

impl SoftSession {
    pub(super) fn new(token: Arc<SoftToken>) -> Self {
        SoftSession { token, open: OnceCell::new(), owned: Vec::new() }
    }

    /// The token's file, one and the same for the session's whole life. CKR_DEVICE_REMOVED where it is gone.
    pub(super) fn open(&self) -> Result<&Arc<Opened>> {
        if let Some(open) = self.open.get() {
            return Ok(open);
        }
        let open = self.token.open().map_err(|error| match error.kind() {
            ErrorKind::TokenNotRecognized => {
                Error::new(ErrorKind::DeviceRemoved, "the token's file is gone, or another is in its place")
            }
            _ => error,
        })?;
        Ok(self.open.get_or_init(|| open))
    }
}

/// Counts in the key's own attribute: for a token object, a durable transaction of its own for each use, so that no
/// process and no crash makes two uses of one number.
struct KeyCounter {
    open: Arc<Opened>,
    key: ObjectHandle,
}

impl Counter for KeyCounter {
    fn next(&mut self) -> Result<u64> {
        let used = Cell::new(0);
        self.open.change(self.key, &|key| {
            let (number, counted) = material::count(key)?;
            used.set(number);
            Ok(counted)
        })?;
        Ok(used.get())
    }
}

impl Keeper for SoftSession {
    fn config(&self) -> &Config {
        self.token.config()
    }

    fn row(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<&'static Descriptor> {
        self.token.row(kind)
    }

    fn object(&self, access: Access, handle: ObjectHandle) -> Result<Arc<Object>> {
        match builtin::get(&self.token, handle) {
            Some(object) => Ok(object),
            None => self.open()?.object(access, handle),
        }
    }

    fn counter(&self, key: ObjectHandle) -> Result<Box<dyn Counter>> {
        Ok(Box::new(KeyCounter { open: self.open()?.clone(), key }))
    }

    fn keep(&mut self, access: Access, objects: Vec<Admitted>) -> Result<Vec<ObjectHandle>> {
        let mut objects: Vec<Attributes> = objects.into_iter().map(Admitted::into_attributes).collect();
        for attributes in &mut objects {
            object::may_write(attributes, &caller(access), access.read_write)?;
            object::finish(attributes, &unique_id()?);
        }
        let handles = self.open()?.add(objects)?;
        self.owned.extend(handles.iter().filter(|&&handle| handle >= FIRST_SESSION_OBJECT));
        Ok(handles)
    }
}

impl TokenSession for SoftSession {
    fn foreign(&mut self) -> Option<&mut dyn Foreign> {
        None
    }

    fn create_object(&mut self, access: Access, template: Template) -> Result<ObjectHandle> {
        let mut attributes = object::create(template, &caller(access))?;
        object::may_write(&attributes, &caller(access), access.read_write)?;
        material::complete_created(&mut attributes)?;
        held::add_one(self, access, attributes)
    }

    fn copy_object(
        &mut self,
        access: Access,
        object: ObjectHandle,
        template: Template,
    ) -> Result<ObjectHandle> {
        let source = self.object(access, object)?;
        let copy = object::copy(&source.attributes, template, &caller(access))?;
        held::add_one(self, access, copy)
    }

    fn destroy_object(&mut self, access: Access, object: ObjectHandle) -> Result<()> {
        let found = self.object(access, object)?;
        if builtin::is_builtin(object) || !object::is_destroyable(&found.attributes) {
            return Err(Error::new(ErrorKind::ActionProhibited, "CKA_DESTROYABLE is false"));
        }
        object::may_write(&found.attributes, &caller(access), access.read_write)?;
        self.open()?.destroy(object)?;
        self.owned.retain(|&owned| owned != object);
        Ok(())
    }

    fn object_size(&mut self, access: Access, object: ObjectHandle) -> Result<usize> {
        Ok(self.object(access, object)?.attributes.encode().len())
    }

    fn attributes(
        &mut self,
        access: Access,
        object: ObjectHandle,
        wanted: &[ck::CK_ATTRIBUTE_TYPE],
    ) -> Result<Vec<Revealed>> {
        let object = self.object(access, object)?;
        Ok(held::revealed(self.token.config(), &object, wanted))
    }

    fn set_attributes(&mut self, access: Access, object: ObjectHandle, template: Template) -> Result<()> {
        let found = self.object(access, object)?;
        if builtin::is_builtin(object) {
            return Err(Error::new(ErrorKind::ActionProhibited, "the token's own objects can't be changed"));
        }
        object::may_write(&found.attributes, &caller(access), access.read_write)?;
        self.open()?.change(object, &|old| object::modify(old, template.clone(), &caller(access)))
    }

    fn find_objects(&mut self, access: Access, template: &Template) -> Result<Vec<ObjectHandle>> {
        let mut found = self.open()?.find(access, template)?;
        found.extend(builtin::find(&self.token, template));
        Ok(found)
    }

    fn digest(&mut self, mechanism: &Mechanism) -> Result<Box<dyn Producer>> {
        let row = self.row(mechanism.kind)?;
        operation(row, row.ops.digest, "digests")?(&mechanism.params)
    }

    fn sign(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Producer>> {
        held::prepare_signature(self, access, mechanism, key)
    }

    fn verify(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Verifier>> {
        held::prepare(self, access, mechanism, key, Usage::Verify, |ops| ops.verify)
    }

    fn encrypt(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Cipher>> {
        held::prepare(self, access, mechanism, key, Usage::Encrypt, |ops| ops.encrypt)
    }

    fn decrypt(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Cipher>> {
        held::prepare(self, access, mechanism, key, Usage::Decrypt, |ops| ops.decrypt)
    }

    fn digest_key(
        &mut self,
        access: Access,
        mechanism: ck::CK_MECHANISM_TYPE,
        key: ObjectHandle,
        digest: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        held::digest_key(self, access, mechanism, key, digest)
    }

    fn sign_recover(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Producer>> {
        held::prepare(self, access, mechanism, key, Usage::SignRecover, |ops| ops.sign_recover)
    }

    fn verify_recover(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Cipher>> {
        held::prepare(self, access, mechanism, key, Usage::VerifyRecover, |ops| ops.verify_recover)
    }

    fn generate_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        template: Template,
    ) -> Result<ObjectHandle> {
        held::make_key(self, access, mechanism, template)
    }

    fn generate_key_pair(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        public: Template,
        private: Template,
    ) -> Result<(ObjectHandle, ObjectHandle)> {
        held::make_key_pair(self, access, mechanism, public, private)
    }

    fn wrap_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        wrapping_key: ObjectHandle,
        key: ObjectHandle,
    ) -> Result<Vec<u8>> {
        held::wrap(self, access, mechanism, wrapping_key, key)
    }

    fn unwrap_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        unwrapping_key: ObjectHandle,
        wrapped: &[u8],
        template: Template,
    ) -> Result<ObjectHandle> {
        held::unwrap(self, access, mechanism, unwrapping_key, wrapped, template)
    }

    fn derive_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        base_key: ObjectHandle,
        template: Template,
    ) -> Result<ObjectHandle> {
        held::derive(self, access, mechanism, base_key, template)
    }

    fn encapsulate_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        public_key: ObjectHandle,
        template: Template,
        ciphertext: Option<&mut [u8]>,
    ) -> Result<Encapsulated> {
        held::encapsulate(self, access, mechanism, public_key, template, ciphertext)
    }

    fn decapsulate_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        private_key: ObjectHandle,
        ciphertext: &[u8],
        template: Template,
    ) -> Result<ObjectHandle> {
        held::decapsulate(self, access, mechanism, private_key, ciphertext, template)
    }

    fn random(&mut self, out: &mut [u8]) -> Result<()> {
        crate::crypto::random(out)
            .map_err(|_| Error::new(ErrorKind::RandomNoRng, "the random generator failed"))
    }

    fn seed_random(&mut self, _seed: &[u8]) -> Result<()> {
        // The generator seeds itself from the system; a caller's seed could only be mixed in, and is not needed.
        Ok(())
    }
}
