//! A session on a device: what its keys do is in `keys`, the rest is software's.

use std::sync::Arc;

use super::link::Repeat;
use super::objects::to_device;
use super::offer;
use super::ring::{Entry, Found};
use super::token::ZymbitToken;
use crate::backend::held::{self, Admitted, FIRST_SESSION_OBJECT, Keeper, Object, caller};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::op::{Cipher, Counter, Producer, Verifier};
use crate::mechanism::{Descriptor, Key, Mechanism, material};
use crate::object::{self, Attributes, Template, Usage};
use crate::token::{Access, Encapsulated, Foreign, ObjectHandle, Prepared, Revealed, TokenSession};
use crate::types::{SecretBytes, ck};

/// Random bytes that are fetched at a time: what a caller asks for is not allocated at once.
const RANDOM_CHUNK: usize = 4096;

/// One session.
pub struct ZymbitSession {
    pub(super) token: Arc<ZymbitToken>,
    /// The session's own objects, destroyed with it.
    owned: Vec<ObjectHandle>,
}

impl Drop for ZymbitSession {
    fn drop(&mut self) {
        let mut objects = self.token.session_objects.write();
        for handle in &self.owned {
            objects.remove(*handle);
        }
    }
}

/// What a handle leads to.
pub(super) enum Target {
    /// In the device, or in its configuration.
    Device(Found),
    /// A session object.
    Session(Arc<Object>),
}

impl Target {
    fn object(&self) -> &Arc<Object> {
        match self {
            Target::Device(found) => found.object(),
            Target::Session(object) => object,
        }
    }

    /// The device's key, if this is its private half.
    pub(super) fn private_key(&self) -> Option<(&Arc<Entry>, &Arc<Object>)> {
        match self {
            Target::Device(Found::Key(entry, object)) if object.attributes.class() == ck::CKO_PRIVATE_KEY => {
                Some((entry, object))
            }
            _ => None,
        }
    }
}

impl ZymbitSession {
    /// A session without objects.
    pub(super) fn new(token: Arc<ZymbitToken>) -> Self {
        ZymbitSession { token, owned: Vec::new() }
    }

    /// What a handle leads to, if the caller may see it. CKR_OBJECT_HANDLE_INVALID.
    pub(super) fn target(&self, access: Access, handle: ObjectHandle) -> Result<Target> {
        if handle < FIRST_SESSION_OBJECT {
            return self.token.with_ring(|ring, device| ring.get(device, access, handle)).map(Target::Device);
        }
        let found = self.token.session_objects.read().get(handle).cloned();
        let visible = found.filter(|object| held::visible(&object.attributes, access));
        visible.map(Target::Session).ok_or_else(|| ErrorKind::ObjectHandleInvalid.into())
    }

    /// The target of a key's handle, with the error that fits one.
    pub(super) fn key_target(&self, access: Access, handle: ObjectHandle) -> Result<Target> {
        self.target(access, handle).map_err(held::no_object_as(ErrorKind::KeyHandleInvalid))
    }

    pub(super) fn row_for(&self, mechanism: &Mechanism, flag: ck::CK_FLAGS) -> Result<&'static Descriptor> {
        offer::row_for(&self.token.offer()?, self.token.model, mechanism.kind, flag)
    }

    /// Somebody else's public key into the device.
    fn store_foreign(&self, attributes: &Attributes) -> Result<ObjectHandle> {
        let Key::Public(key) = material::key(attributes)? else { return Err(not_stored()) };
        let (key_type, bytes) = to_device(&key).ok_or_else(not_stored)?;
        let slot = self.token.link.call(Repeat::No, |device| device.store_foreign_key(key_type, &bytes))?;
        let named = [ck::CKA_LABEL, ck::CKA_ID]
            .iter()
            .any(|id| attributes.bytes(*id).is_some_and(|value| !value.is_empty()));
        if named {
            tracing::warn!(
                "foreign key slot {slot}: a device keeps no names; [[slot.key]] slot = {slot}, foreign = true gives it \
                 label and id"
            );
        }
        let entry = self.token.with_ring(|ring, device| ring.add(device, true, slot, key_type, None))?;
        Ok(entry.pair.public.handle)
    }
}

fn not_stored() -> Error {
    Error::new(
        ErrorKind::TokenWriteProtected,
        "this device stores no such object: key pairs are made in it by C_GenerateKeyPair, public keys of its types can \
         be stored by models that make keys, certificates are named in [[slot.key]]; CKA_TOKEN false makes a session \
         object",
    )
}

impl Keeper for ZymbitSession {
    fn config(&self) -> &Config {
        &self.token.config
    }

    fn row(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<&'static Descriptor> {
        offer::row(&self.token.offer()?, self.token.model, kind)
    }

    fn object(&self, access: Access, handle: ObjectHandle) -> Result<Arc<Object>> {
        self.target(access, handle).map(|target| target.object().clone())
    }

    fn counter(&self, _key: ObjectHandle) -> Result<Box<dyn Counter>> {
        Err(Error::new(ErrorKind::MechanismInvalid, "no key of this slot counts its uses"))
    }

    fn keep(&mut self, access: Access, objects: Vec<Admitted>) -> Result<Vec<ObjectHandle>> {
        let mut objects: Vec<_> = objects.into_iter().map(Admitted::into_attributes).collect();
        for attributes in &mut objects {
            object::may_write(attributes, &caller(access), access.read_write)?;
            if object::is_token(attributes) {
                return Err(not_stored());
            }
            object::finish(attributes, &held::unique_id()?);
        }
        let mut kept = self.token.session_objects.write();
        let handles: Vec<_> = objects.into_iter().map(|attributes| kept.add(attributes)).collect();
        self.owned.extend(&handles);
        Ok(handles)
    }
}

impl TokenSession for ZymbitSession {
    fn foreign(&mut self) -> Option<&mut dyn Foreign> {
        None
    }

    fn create_object(&mut self, access: Access, template: Template) -> Result<ObjectHandle> {
        let access = self.token.access(access);
        let mut attributes = object::create(template, &caller(access))?;
        object::may_write(&attributes, &caller(access), access.read_write)?;
        if attributes.class() == ck::CKO_PRIVATE_KEY {
            let why = "private keys of this token are in the device: none is brought into it";
            return Err(Error::new(ErrorKind::TemplateInconsistent, why));
        }
        material::complete_created(&mut attributes)?;
        let stored = object::is_token(&attributes) && attributes.class() == ck::CKO_PUBLIC_KEY;
        match stored && self.token.model.rich {
            true => self.store_foreign(&Admitted::new(self.config(), attributes)?.into_attributes()),
            false => held::add_one(self, access, attributes),
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
        held::add_one(self, access, copy)
    }

    fn destroy_object(&mut self, access: Access, object: ObjectHandle) -> Result<()> {
        let access = self.token.access(access);
        let target = self.target(access, object)?;
        if !object::is_destroyable(&target.object().attributes) {
            let why = "CKA_DESTROYABLE is false: factory keys stay, and a pair goes by its private key";
            return Err(Error::new(ErrorKind::ActionProhibited, why));
        }
        object::may_write(&target.object().attributes, &caller(access), access.read_write)?;
        match target {
            Target::Device(Found::Key(entry, _)) => self.remove_key(&entry),
            _ => {
                self.token.session_objects.write().remove(object);
                self.owned.retain(|&owned| owned != object);
                Ok(())
            }
        }
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
        Ok(held::revealed(&self.token.config, &object, wanted))
    }

    fn set_attributes(&mut self, access: Access, object: ObjectHandle, template: Template) -> Result<()> {
        let access = self.token.access(access);
        let found = self.object(access, object)?;
        object::may_write(&found.attributes, &caller(access), access.read_write)?;
        // The device's own are not modifiable.
        let changed = object::modify(&found.attributes, template, &caller(access))?;
        self.token.session_objects.write().put(object, changed);
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
            found = self.token.with_ring(|ring, device| ring.find(device, access, template))?;
        }
        if wanted != Some(true) {
            let session = self.token.session_objects.read();
            let seen = session.find(template).filter(|object| held::visible(&object.attributes, access));
            found.extend(seen.map(|object| object.handle));
        }
        Ok(found)
    }

    fn digest(&mut self, mechanism: &Mechanism) -> Result<Box<dyn Producer>> {
        let row = self.row(mechanism.kind)?;
        held::operation(row, row.ops.digest, "digests")?(&mechanism.params)
    }

    fn sign(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Producer>> {
        let access = self.token.access(access);
        self.row_for(mechanism, ck::CKF_SIGN)?;
        match self.key_target(access, key)?.private_key() {
            Some((entry, object)) => self.sign_in_device(mechanism, entry, object),
            None => held::prepare_signature(self, access, mechanism, key),
        }
    }

    fn verify(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Verifier>> {
        held::prepare(self, self.token.access(access), mechanism, key, Usage::Verify, |ops| ops.verify)
    }

    fn encrypt(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Cipher>> {
        held::prepare(self, self.token.access(access), mechanism, key, Usage::Encrypt, |ops| ops.encrypt)
    }

    fn decrypt(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Cipher>> {
        held::prepare(self, self.token.access(access), mechanism, key, Usage::Decrypt, |ops| ops.decrypt)
    }

    fn digest_key(
        &mut self,
        access: Access,
        mechanism: ck::CK_MECHANISM_TYPE,
        key: ObjectHandle,
        digest: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        held::digest_key(self, self.token.access(access), mechanism, key, digest)
    }

    fn sign_recover(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Producer>> {
        held::prepare(self, self.token.access(access), mechanism, key, Usage::SignRecover, |ops| {
            ops.sign_recover
        })
    }

    fn verify_recover(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Cipher>> {
        held::prepare(self, self.token.access(access), mechanism, key, Usage::VerifyRecover, |ops| {
            ops.verify_recover
        })
    }

    fn generate_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        template: Template,
    ) -> Result<ObjectHandle> {
        let access = self.token.access(access);
        held::make_key(self, access, mechanism, template)
    }

    fn generate_key_pair(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        public: Template,
        private: Template,
    ) -> Result<(ObjectHandle, ObjectHandle)> {
        self.generate_in_device(self.token.access(access), mechanism, public, private)
    }

    fn wrap_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        wrapping_key: ObjectHandle,
        key: ObjectHandle,
    ) -> Result<Vec<u8>> {
        held::wrap(self, self.token.access(access), mechanism, wrapping_key, key)
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
        if template.ulong(ck::CKA_CLASS) == Some(ck::CKO_PRIVATE_KEY) {
            let why = "private keys of this token are in the device: none is unwrapped into it";
            return Err(Error::new(ErrorKind::TemplateInconsistent, why));
        }
        held::unwrap(self, access, mechanism, unwrapping_key, wrapped, template)
    }

    fn derive_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        base_key: ObjectHandle,
        template: Template,
    ) -> Result<ObjectHandle> {
        let access = self.token.access(access);
        self.row_for(mechanism, ck::CKF_DERIVE)?;
        match self.key_target(access, base_key)?.private_key() {
            Some((entry, object)) => self.derive_in_device(access, mechanism, entry, object, template),
            None => held::derive(self, access, mechanism, base_key, template),
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
        self.row_for(mechanism, ck::CKF_ENCAPSULATE)?;
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
        let access = self.token.access(access);
        self.row_for(mechanism, ck::CKF_DECAPSULATE)?;
        held::decapsulate(self, access, mechanism, private_key, ciphertext, template)
    }

    fn random(&mut self, out: &mut [u8]) -> Result<()> {
        for chunk in out.chunks_mut(RANDOM_CHUNK) {
            let bytes = self.token.link.call(Repeat::Yes, |device| {
                let mut bytes = SecretBytes::from(vec![0; chunk.len()]);
                device.random(&mut bytes)?;
                Ok(bytes)
            })?;
            chunk.copy_from_slice(&bytes);
        }
        Ok(())
    }

    fn seed_random(&mut self, _seed: &[u8]) -> Result<()> {
        Err(Error::new(ErrorKind::RandomSeedNotSupported, "the device's generator takes no seed"))
    }
}
