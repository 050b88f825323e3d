//! The session itself: which half of a call is outside's, and which is `held`'s.

use std::sync::Arc;

use super::super::object::{
    FIRST_SESSION_OBJECT, Object, caller, no_object_as, operation, revealed, unique_id, visible,
};
use super::super::operations::{
    Keeper, add_one, decapsulate, derive, digest_key, encapsulate, make_key, prepare, prepare_signature,
    unwrap, wrap,
};
use super::super::policy::Admitted;
use super::{Outside, Target};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::op::{Cipher, Counter, Producer, Verifier};
use crate::mechanism::{Descriptor, Mechanism, material};
use crate::object::{self, Template, Usage};
use crate::token::{Access, Encapsulated, Foreign, ObjectHandle, Prepared, Revealed, TokenSession};
use crate::types::ck;

/// One session.
pub struct OutsideSession<T: Outside> {
    /// Its token.
    pub token: Arc<T>,
    /// The session's own objects, destroyed with it.
    owned: Vec<ObjectHandle>,
}

impl<T: Outside> Drop for OutsideSession<T> {
    fn drop(&mut self) {
        let mut objects = self.token.session_objects().write();
        for handle in &self.owned {
            objects.remove(*handle);
        }
    }
}

impl<T: Outside> OutsideSession<T> {
    /// A session without objects.
    pub fn new(token: Arc<T>) -> Self {
        OutsideSession { token, owned: Vec::new() }
    }

    /// What a handle leads to, if the caller may see it. CKR_OBJECT_HANDLE_INVALID.
    fn target(&self, access: Access, handle: ObjectHandle) -> Result<Target<T::Entry>> {
        if handle < FIRST_SESSION_OBJECT {
            return self.token.get(access, handle);
        }
        let found = self.token.session_objects().read().get(handle).cloned();
        let visible = found.filter(|object| visible(&object.attributes, access));
        visible.map(Target::here).ok_or_else(|| ErrorKind::ObjectHandleInvalid.into())
    }

    /// The target of a key's handle, with the error that fits one.
    fn key_target(
        &self,
        access: Access,
        handle: ObjectHandle,
        invalid: ErrorKind,
    ) -> Result<Target<T::Entry>> {
        self.target(access, handle).map_err(no_object_as(invalid))
    }
}

/// That no private key comes in from elsewhere.
fn expect_not_private<T: Outside>(class: Option<ck::CK_OBJECT_CLASS>, how: &str) -> Result<()> {
    if class != Some(ck::CKO_PRIVATE_KEY) {
        return Ok(());
    }
    let why = format!("private keys of this token are {}'s: none is {how} into it", T::OWNER);
    Err(Error::new(ErrorKind::TemplateInconsistent, why))
}

impl<T: Outside> Keeper for OutsideSession<T> {
    fn config(&self) -> &Config {
        self.token.config()
    }

    fn row(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<&'static Descriptor> {
        self.token.row(kind)
    }

    fn object(&self, access: Access, handle: ObjectHandle) -> Result<Arc<Object>> {
        self.target(access, handle).map(|target| target.object)
    }

    fn counter(&self, _key: ObjectHandle) -> Result<Box<dyn Counter>> {
        Err(Error::new(ErrorKind::MechanismInvalid, "no key of this slot counts its uses"))
    }

    fn keep(&mut self, access: Access, objects: Vec<Admitted>) -> Result<Vec<ObjectHandle>> {
        let mut objects: Vec<_> = objects.into_iter().map(Admitted::into_attributes).collect();
        for attributes in &mut objects {
            object::may_write(attributes, &caller(access), access.read_write)?;
            self.token.expect_session_object(attributes)?;
            object::finish(attributes, &unique_id()?);
        }
        let mut kept = self.token.session_objects().write();
        let handles: Vec<_> = objects.into_iter().map(|attributes| kept.add(attributes)).collect();
        self.owned.extend(&handles);
        Ok(handles)
    }
}

impl<T: Outside> TokenSession for OutsideSession<T> {
    fn foreign(&mut self) -> Option<&mut dyn Foreign> {
        None
    }

    fn create_object(&mut self, access: Access, template: Template) -> Result<ObjectHandle> {
        let access = self.token.access(access);
        let mut attributes = object::create(template, &caller(access))?;
        object::may_write(&attributes, &caller(access), access.read_write)?;
        expect_not_private::<T>(Some(attributes.class()), "brought")?;
        let stores = object::is_token(&attributes) && self.token.stores(&attributes);
        if !stores {
            self.token.expect_session_object(&attributes)?;
        }
        material::complete_created(&mut attributes)?;
        match stores {
            true => self.token.store(&Admitted::new(self.config(), attributes)?.into_attributes()),
            false => add_one(self, access, attributes),
        }
    }

    fn copy_object(
        &mut self,
        access: Access,
        object: ObjectHandle,
        template: Template,
    ) -> Result<ObjectHandle> {
        let access = self.token.access(access);
        let source = self.object(access, object)?;
        let copy = object::copy(&source.attributes, template, &caller(access))?;
        add_one(self, access, copy)
    }

    fn destroy_object(&mut self, access: Access, object: ObjectHandle) -> Result<()> {
        let access = self.token.access(access);
        let target = self.target(access, object)?;
        if !object::is_destroyable(&target.object.attributes) {
            return Err(Error::new(ErrorKind::ActionProhibited, T::NOT_DESTROYABLE));
        }
        object::may_write(&target.object.attributes, &caller(access), access.read_write)?;
        if let Some(entry) = &target.entry {
            return self.token.destroy(entry);
        }
        self.token.session_objects().write().remove(object);
        self.owned.retain(|&owned| owned != object);
        Ok(())
    }

    fn object_size(&mut self, access: Access, object: ObjectHandle) -> Result<usize> {
        Ok(self.object(self.token.access(access), object)?.attributes.encode().len())
    }

    fn attributes(
        &mut self,
        access: Access,
        object: ObjectHandle,
        wanted: &[ck::CK_ATTRIBUTE_TYPE],
    ) -> Result<Vec<Revealed>> {
        let object = self.object(self.token.access(access), object)?;
        Ok(revealed(self.config(), &object, wanted))
    }

    fn set_attributes(&mut self, access: Access, object: ObjectHandle, template: Template) -> Result<()> {
        let access = self.token.access(access);
        let found = self.object(access, object)?;
        object::may_write(&found.attributes, &caller(access), access.read_write)?;
        // What is outside is not modifiable.
        let changed = object::modify(&found.attributes, template, &caller(access))?;
        self.token.session_objects().write().put(object, changed);
        Ok(())
    }

    fn find_objects(&mut self, access: Access, template: &Template) -> Result<Vec<ObjectHandle>> {
        let access = self.token.access(access);
        let wanted = template.flag(ck::CKA_TOKEN);
        let mut found = Vec::new();
        if template.is_impossible() {
            return Ok(found);
        }
        if wanted != Some(false) {
            found = self.token.find(access, template)?;
        }
        if wanted != Some(true) {
            let session = self.token.session_objects().read();
            let seen = session.find(template).filter(|object| visible(&object.attributes, access));
            found.extend(seen.map(|object| object.handle));
        }
        Ok(found)
    }

    fn digest(&mut self, mechanism: &Mechanism) -> Result<Box<dyn Producer>> {
        let row = self.token.row(mechanism.kind)?;
        operation(row, row.ops.digest, "digests")?(&mechanism.params)
    }

    fn sign(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Producer>> {
        let access = self.token.access(access);
        self.token.row_for(mechanism.kind, ck::CKF_SIGN)?;
        match self.key_target(access, key, ErrorKind::KeyHandleInvalid)?.kept() {
            Some(kept) => T::sign(self, mechanism, kept),
            None => prepare_signature(self, access, mechanism, key),
        }
    }

    fn verify(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Verifier>> {
        let access = self.token.access(access);
        match self.key_target(access, key, ErrorKind::KeyHandleInvalid)?.kept() {
            Some(kept) => T::verify(self, access, mechanism, kept),
            None => prepare(self, access, mechanism, key, Usage::Verify, |ops| ops.verify),
        }
    }

    fn encrypt(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Cipher>> {
        let access = self.token.access(access);
        match self.key_target(access, key, ErrorKind::KeyHandleInvalid)?.kept() {
            Some(kept) => T::encrypt(self, access, mechanism, kept),
            None => prepare(self, access, mechanism, key, Usage::Encrypt, |ops| ops.encrypt),
        }
    }

    fn decrypt(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Cipher>> {
        let access = self.token.access(access);
        match self.key_target(access, key, ErrorKind::KeyHandleInvalid)?.kept() {
            Some(kept) => T::decrypt(self, access, mechanism, kept),
            None => prepare(self, access, mechanism, key, Usage::Decrypt, |ops| ops.decrypt),
        }
    }

    fn digest_key(
        &mut self,
        access: Access,
        mechanism: ck::CK_MECHANISM_TYPE,
        key: ObjectHandle,
        digest: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        digest_key(self, self.token.access(access), mechanism, key, digest)
    }

    fn sign_recover(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Producer>> {
        let access = self.token.access(access);
        prepare(self, access, mechanism, key, Usage::SignRecover, |ops| ops.sign_recover)
    }

    fn verify_recover(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Cipher>> {
        let access = self.token.access(access);
        prepare(self, access, mechanism, key, Usage::VerifyRecover, |ops| ops.verify_recover)
    }

    fn generate_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        template: Template,
    ) -> Result<ObjectHandle> {
        let access = self.token.access(access);
        match template.flag(ck::CKA_TOKEN) {
            Some(true) => T::generate_key(self, access, mechanism, template),
            _ => make_key(self, access, mechanism, template),
        }
    }

    fn generate_key_pair(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        public: Template,
        private: Template,
    ) -> Result<(ObjectHandle, ObjectHandle)> {
        let access = self.token.access(access);
        T::generate_key_pair(self, access, mechanism, public, private)
    }

    fn wrap_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        wrapping_key: ObjectHandle,
        key: ObjectHandle,
    ) -> Result<Vec<u8>> {
        wrap(self, self.token.access(access), mechanism, wrapping_key, key)
    }

    fn unwrap_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        unwrapping_key: ObjectHandle,
        wrapped: &[u8],
        template: Template,
    ) -> Result<ObjectHandle> {
        let access = self.token.access(access);
        expect_not_private::<T>(template.ulong(ck::CKA_CLASS), "unwrapped")?;
        let invalid = ErrorKind::UnwrappingKeyHandleInvalid;
        match self.key_target(access, unwrapping_key, invalid)?.kept() {
            Some(kept) => T::unwrap(self, access, mechanism, kept, wrapped, template),
            None => unwrap(self, access, mechanism, unwrapping_key, wrapped, template),
        }
    }

    fn derive_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        base_key: ObjectHandle,
        template: Template,
    ) -> Result<ObjectHandle> {
        let access = self.token.access(access);
        self.token.row_for(mechanism.kind, ck::CKF_DERIVE)?;
        match self.key_target(access, base_key, ErrorKind::KeyHandleInvalid)?.kept() {
            Some(kept) => T::derive(self, access, mechanism, kept, template),
            None => derive(self, access, mechanism, base_key, template),
        }
    }

    fn encapsulate_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        public_key: ObjectHandle,
        template: Template,
        ciphertext: Option<&mut [u8]>,
    ) -> Result<Encapsulated> {
        let access = self.token.access(access);
        self.token.row_for(mechanism.kind, ck::CKF_ENCAPSULATE)?;
        encapsulate(self, access, mechanism, public_key, template, ciphertext)
    }

    fn decapsulate_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        private_key: ObjectHandle,
        ciphertext: &[u8],
        template: Template,
    ) -> Result<ObjectHandle> {
        let access = self.token.access(access);
        self.token.row_for(mechanism.kind, ck::CKF_DECAPSULATE)?;
        let invalid = ErrorKind::UnwrappingKeyHandleInvalid;
        match self.key_target(access, private_key, invalid)?.kept() {
            Some(kept) => T::decapsulate(self, access, mechanism, kept, ciphertext, template),
            None => decapsulate(self, access, mechanism, private_key, ciphertext, template),
        }
    }

    fn random(&mut self, out: &mut [u8]) -> Result<()> {
        self.token.random(out)
    }

    fn seed_random(&mut self, _seed: &[u8]) -> Result<()> {
        let why = format!("the generator of {} takes no seed", T::OWNER);
        Err(Error::new(ErrorKind::RandomSeedNotSupported, why))
    }
}
