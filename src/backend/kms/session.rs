//! A session on a cloud slot: what the service's keys do is in `keys`, the rest is software's.

use std::collections::HashSet;
use std::sync::Arc;

use super::errors::Asked;
use super::keys::{Kept, is_kept};
use super::objects::{Entry, Name};
use super::offer;
use super::settings::Pin;
use super::template;
use super::token::KmsToken;
use crate::backend::held::{self, Admitted, FIRST_SESSION_OBJECT, Keeper, Object, caller};
use crate::config::Config;
use crate::crypto;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::op::{Cipher, Counter, Producer, Verifier};
use crate::mechanism::{Descriptor, Mechanism, material};
use crate::object::{self, Attributes, Template, Usage};
use crate::token::{Access, Encapsulated, Foreign, Login, ObjectHandle, Prepared, Revealed, TokenSession};
use crate::types::ck;

/// One session.
pub struct KmsSession {
    pub(super) token: Arc<KmsToken>,
    /// The session's own objects, destroyed with it.
    owned: Vec<ObjectHandle>,
}

impl Drop for KmsSession {
    fn drop(&mut self) {
        let mut objects = self.token.session_objects.write();
        for handle in &self.owned {
            objects.remove(*handle);
        }
    }
}

/// What a handle leads to.
pub(super) enum Target {
    /// A half of a key of the service.
    Key(Arc<Entry>, Arc<Object>),
    /// A certificate of the configuration, or a session object.
    Here(Arc<Object>),
}

impl Target {
    fn object(&self) -> &Arc<Object> {
        match self {
            Target::Key(_, object) | Target::Here(object) => object,
        }
    }

    /// What the service keeps: the private half of a pair, or a secret key.
    fn kept(&self) -> Option<Kept<'_>> {
        match self {
            Target::Key(entry, object) if is_kept(object) => Some((entry, object)),
            _ => None,
        }
    }
}

impl KmsSession {
    /// A session without objects.
    pub(super) fn new(token: Arc<KmsToken>) -> Self {
        KmsSession { token, owned: Vec::new() }
    }

    /// What a handle leads to, if the caller may see it. CKR_OBJECT_HANDLE_INVALID.
    fn target(&self, access: Access, handle: ObjectHandle) -> Result<Target> {
        let found = match handle < FIRST_SESSION_OBJECT {
            false => self.token.session_objects.read().get(handle).cloned().map(Target::Here),
            true => match self.token.catalogue.get(handle) {
                Some((entry, object)) => Some(Target::Key(entry, object)),
                None => {
                    let mut certificates = self.token.certificates().iter();
                    certificates.find(|object| object.handle == handle).cloned().map(Target::Here)
                }
            },
        };
        let visible = found.filter(|target| held::visible(&target.object().attributes, access));
        visible.ok_or_else(|| ErrorKind::ObjectHandleInvalid.into())
    }

    /// The target of a key's handle, with the error that fits one.
    fn key_target(&self, access: Access, handle: ObjectHandle, invalid: ErrorKind) -> Result<Target> {
        self.target(access, handle).map_err(held::no_object_as(invalid))
    }

    pub(super) fn row_for(&self, mechanism: &Mechanism, flag: ck::CK_FLAGS) -> Result<&'static Descriptor> {
        offer::row_for(&self.token.offer()?, self.token.service(), mechanism.kind, flag)
    }

    /// The service's objects that match: keys in the order of the list, the newest version first. A key is read only
    /// where its name and the class that is looked for don't already exclude it.
    fn find_kept(&self, access: Access, template: &Template) -> Result<Vec<ObjectHandle>> {
        let token = &self.token;
        let (mut found, mut shown) = (Vec::new(), HashSet::new());
        if is_about_keys(template) && !self.lacks_credentials(access) {
            let place = token.place();
            let names = token.answer(Asked::Look, token.catalogue.names(&place))?;
            // Keys that the configuration names go first, and are read anyway where others are listed: what they
            // show, the list does not show again under another name.
            let named = if token.settings.list { token.settings.keys.len() } else { 0 };
            let meant = names
                .iter()
                .enumerate()
                .filter(|(at, (_, called))| *at < named || may_match(called, template));
            for (_, (name, _)) in meant {
                let versions = match token.catalogue.versions(&place, name) {
                    Err(error) if !super::errors::is_general(error.kind()) => {
                        tracing::warn!("{name} is left out: {error}");
                        continue;
                    }
                    answer => token.answer(Asked::Look, answer)?,
                };
                for entry in versions {
                    if !shown.insert(entry.version.resource.clone()) {
                        continue;
                    }
                    let halves = [entry.public.as_ref().map(|(_, object)| object), Some(&entry.own)];
                    let matching =
                        halves.into_iter().flatten().filter(|object| matches(object, access, template));
                    found.extend(matching.map(|object| object.handle));
                }
            }
        }
        let certificates = token.certificates().iter().filter(|object| matches(object, access, template));
        found.extend(certificates.map(|object| object.handle));
        Ok(found)
    }

    /// Before C_Login where the PIN is what the service wants.
    fn lacks_credentials(&self, access: Access) -> bool {
        matches!(self.token.settings.pin, Pin::Secret) && access.login != Login::User
    }
}

fn matches(object: &Object, access: Access, template: &Template) -> bool {
    held::visible(&object.attributes, access) && object::matches(&object.attributes, template)
}

/// Whether a key can be meant at all.
fn is_about_keys(template: &Template) -> bool {
    let classes = [ck::CKO_PUBLIC_KEY, ck::CKO_PRIVATE_KEY, ck::CKO_SECRET_KEY];
    template.ulong(ck::CKA_CLASS).is_none_or(|class| classes.contains(&class))
}

/// Whether a key that was not read yet may be meant: by what is known without it.
fn may_match(called: &Name, template: &Template) -> bool {
    let mut outline = Attributes::new().with(ck::CKA_TOKEN, true).with(ck::CKA_LABEL, called.label.as_str());
    if let Some(id) = &called.id {
        outline.set(ck::CKA_ID, id.as_slice());
    }
    template.iter().all(|(id, wanted)| outline.get(id).is_none_or(|value| value == wanted))
}

impl Keeper for KmsSession {
    fn config(&self) -> &Config {
        &self.token.config
    }

    fn row(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<&'static Descriptor> {
        offer::row(&self.token.offer()?, self.token.service(), kind)
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
            template::expect_session_object(attributes)?;
            object::finish(attributes, &held::unique_id()?);
        }
        let mut kept = self.token.session_objects.write();
        let handles: Vec<_> = objects.into_iter().map(|attributes| kept.add(attributes)).collect();
        self.owned.extend(&handles);
        Ok(handles)
    }
}

impl TokenSession for KmsSession {
    fn foreign(&mut self) -> Option<&mut dyn Foreign> {
        None
    }

    fn create_object(&mut self, access: Access, template: Template) -> Result<ObjectHandle> {
        let access = self.token.access(access);
        let mut attributes = object::create(template, &caller(access))?;
        object::may_write(&attributes, &caller(access), access.read_write)?;
        if attributes.class() == ck::CKO_PRIVATE_KEY {
            let why = "private keys of this slot are the service's: none is brought into it";
            return Err(Error::new(ErrorKind::TemplateInconsistent, why));
        }
        template::expect_session_object(&attributes)?;
        material::complete_created(&mut attributes)?;
        held::add_one(self, access, attributes)
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
            let why = "CKA_DESTROYABLE is false: keys of the service need destroy = true in [[slot]], and a pair goes by its private key";
            return Err(Error::new(ErrorKind::ActionProhibited, why));
        }
        object::may_write(&target.object().attributes, &caller(access), access.read_write)?;
        match target {
            Target::Key(entry, _) => self.destroy_in_service(&entry),
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
        // The service's own are not modifiable.
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
            found = self.find_kept(access, template)?;
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
        match self.key_target(access, key, ErrorKind::KeyHandleInvalid)?.kept() {
            Some(kept) => self.sign_in_service(mechanism, kept),
            None => held::prepare_signature(self, access, mechanism, key),
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
            Some(kept) => self.verify_in_service(mechanism, kept),
            None => held::prepare(self, access, mechanism, key, Usage::Verify, |ops| ops.verify),
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
            Some(kept) => self.encrypt_in_service(mechanism, kept),
            None => held::prepare(self, access, mechanism, key, Usage::Encrypt, |ops| ops.encrypt),
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
            Some(kept) => self.decrypt_in_service(mechanism, kept),
            None => held::prepare(self, access, mechanism, key, Usage::Decrypt, |ops| ops.decrypt),
        }
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
        match template.flag(ck::CKA_TOKEN) {
            Some(true) => self.generate_key_in_service(access, mechanism, template),
            _ => held::make_key(self, access, mechanism, template),
        }
    }

    fn generate_key_pair(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        public: Template,
        private: Template,
    ) -> Result<(ObjectHandle, ObjectHandle)> {
        self.generate_pair_in_service(self.token.access(access), mechanism, public, private)
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
            let why = "private keys of this slot are the service's: none is unwrapped into it";
            return Err(Error::new(ErrorKind::TemplateInconsistent, why));
        }
        let invalid = ErrorKind::UnwrappingKeyHandleInvalid;
        match self.key_target(access, unwrapping_key, invalid)?.kept() {
            Some(kept) => self.unwrap_in_service(access, mechanism, kept, wrapped, template),
            None => held::unwrap(self, access, mechanism, unwrapping_key, wrapped, template),
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
        match self.key_target(access, base_key, ErrorKind::KeyHandleInvalid)?.kept() {
            Some(kept) => self.derive_in_service(access, mechanism, kept, template),
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
        self.row_for(mechanism, ck::CKF_DECAPSULATE)?;
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
        let invalid = ErrorKind::UnwrappingKeyHandleInvalid;
        match self.key_target(access, private_key, invalid)?.kept() {
            Some(kept) => self.decapsulate_in_service(access, mechanism, kept, ciphertext, template),
            None => held::decapsulate(self, access, mechanism, private_key, ciphertext, template),
        }
    }

    fn random(&mut self, out: &mut [u8]) -> Result<()> {
        let token = &self.token;
        let most = token.client.traits().max_random;
        if !token.settings.service_random || most == 0 {
            return crypto::random(out).map_err(|_| ErrorKind::RandomNoRng.into());
        }
        let deadline = token.deadline();
        for chunk in out.chunks_mut(most) {
            token.answer(Asked::Look, token.client.random(chunk, deadline))?;
        }
        Ok(())
    }

    fn seed_random(&mut self, _seed: &[u8]) -> Result<()> {
        Err(Error::new(ErrorKind::RandomSeedNotSupported, "the service's generator takes no seed"))
    }
}
