//! A cloud slot as a token with keys outside: what the service's keys do is in `keys`, the rest is software's.

use std::collections::HashSet;

use parking_lot::RwLock;

use super::errors::Asked;
use super::objects::{Entry, Name};
use super::offer;
use super::settings::Pin;
use super::template;
use super::token::KmsToken;
use crate::backend::held::{self, Kept, Object, Outside, OutsideSession, SessionObjects, Target, caller};
use crate::config::Config;
use crate::crypto;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::op::{Cipher, Producer, Verifier};
use crate::mechanism::{Descriptor, Mechanism, external, material};
use crate::object::{self, Attributes, Inherit, Template, Usage};
use crate::token::{Access, Login, ObjectHandle, Prepared};
use crate::types::ck;

/// One session.
pub type KmsSession = OutsideSession<KmsToken>;

impl Outside for KmsToken {
    type Entry = Entry;

    const OWNER: &'static str = "the service";
    const NOT_DESTROYABLE: &'static str = "CKA_DESTROYABLE is false: keys of the service need destroy = true in \
                                           [[slot]], and a pair goes by its private key";

    fn config(&self) -> &Config {
        &self.config
    }

    fn session_objects(&self) -> &RwLock<SessionObjects> {
        &self.session_objects
    }

    fn login_required(&self) -> bool {
        !matches!(self.settings.pin, Pin::None)
    }

    fn row(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<&'static Descriptor> {
        offer::row(&self.offer()?, self.service(), kind)
    }

    fn row_for(&self, kind: ck::CK_MECHANISM_TYPE, flag: ck::CK_FLAGS) -> Result<&'static Descriptor> {
        offer::row_for(&self.offer()?, self.service(), kind, flag)
    }

    fn expect_session_object(&self, object: &Attributes) -> Result<()> {
        template::expect_session_object(object)
    }

    fn get(&self, access: Access, handle: ObjectHandle) -> Result<Target<Entry>> {
        let found = match self.catalogue.get(handle) {
            Some((entry, object)) => Some(Target::half(entry, object)),
            None => {
                let mut certificates = self.certificates().iter();
                certificates.find(|object| object.handle == handle).cloned().map(Target::here)
            }
        };
        let visible = found.filter(|target| held::visible(&target.object.attributes, access));
        visible.ok_or_else(|| ErrorKind::ObjectHandleInvalid.into())
    }

    /// The service's objects that match: keys in the order of the list, the newest version first. A key is read only
    /// where its name and the class that is looked for don't already exclude it.
    fn find(&self, access: Access, template: &Template) -> Result<Vec<ObjectHandle>> {
        let (mut found, mut shown) = (Vec::new(), HashSet::new());
        if is_about_keys(template) && !self.lacks_credentials(access) {
            let place = self.place();
            let names = self.answer(Asked::Look, self.catalogue.names(&place))?;
            // Keys that the configuration names go first, and are read anyway where others are listed: what they
            // show, the list does not show again under another name.
            let named = if self.settings.list { self.settings.keys.len() } else { 0 };
            let meant = names
                .iter()
                .enumerate()
                .filter(|(at, (_, called))| *at < named || may_match(called, template));
            for (_, (name, _)) in meant {
                let versions = match self.catalogue.versions(&place, name) {
                    Err(error) if !super::errors::is_general(error.kind()) => {
                        tracing::warn!("{name} is left out: {error}");
                        continue;
                    }
                    answer => self.answer(Asked::Look, answer)?,
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
        let certificates = self.certificates().iter().filter(|object| matches(object, access, template));
        found.extend(certificates.map(|object| object.handle));
        Ok(found)
    }

    fn stores(&self, _object: &Attributes) -> bool {
        false
    }

    fn store(&self, object: &Attributes) -> Result<ObjectHandle> {
        template::expect_session_object(object).and(Err(ErrorKind::TemplateInconsistent.into()))
    }

    fn destroy(&self, entry: &Entry) -> Result<()> {
        let answer = self.client.destroy(&entry.version, self.deadline());
        let outcome = if answer.is_ok() { "done" } else { "failed" };
        tracing::info!(target: "keyward::audit", what = "destroy", key = %entry.version.resource, "{outcome}");
        self.answer(Asked::Change, answer)?;
        self.catalogue.evict(entry);
        self.catalogue.refresh();
        Ok(())
    }

    fn random(&self, out: &mut [u8]) -> Result<()> {
        let most = self.client.traits().max_random;
        if !self.settings.service_random || most == 0 {
            return crypto::random(out).map_err(|_| ErrorKind::RandomNoRng.into());
        }
        let deadline = self.deadline();
        for chunk in out.chunks_mut(most) {
            self.answer(Asked::Look, self.client.random(chunk, deadline))?;
        }
        Ok(())
    }

    /// C_SignInit.
    fn sign(
        session: &KmsSession,
        mechanism: &Mechanism,
        (entry, object): Kept<'_, Entry>,
    ) -> Result<Prepared<dyn Producer>> {
        let row = session.token.expect_offered(mechanism, object, ck::CKF_SIGN, Usage::Sign)?;
        let remote = session.token.remote(entry);
        let operation = match &entry.public {
            Some((public, _)) => external::signature(mechanism.kind, &mechanism.params, public, remote)?,
            None => external::mac(mechanism.kind, remote),
        };
        Ok(Prepared { operation: held::operation(row, operation, Usage::Sign)?, authenticate: false })
    }

    /// C_VerifyInit with a secret key.
    fn verify(
        session: &KmsSession,
        _access: Access,
        mechanism: &Mechanism,
        (entry, object): Kept<'_, Entry>,
    ) -> Result<Prepared<dyn Verifier>> {
        let row = session.token.expect_offered(mechanism, object, ck::CKF_VERIFY, Usage::Verify)?;
        let operation = external::mac_check(mechanism.kind, session.token.remote(entry));
        Ok(Prepared { operation: held::operation(row, operation, Usage::Verify)?, authenticate: false })
    }

    /// C_EncryptInit with a secret key.
    fn encrypt(
        session: &KmsSession,
        _access: Access,
        mechanism: &Mechanism,
        (entry, object): Kept<'_, Entry>,
    ) -> Result<Prepared<dyn Cipher>> {
        let row = session.token.expect_offered(mechanism, object, ck::CKF_ENCRYPT, Usage::Encrypt)?;
        let operation =
            external::secret(mechanism.kind, &mechanism.params, true, session.token.remote(entry))?;
        Ok(Prepared { operation: held::operation(row, operation, Usage::Encrypt)?, authenticate: false })
    }

    /// C_DecryptInit.
    fn decrypt(
        session: &KmsSession,
        _access: Access,
        mechanism: &Mechanism,
        (entry, object): Kept<'_, Entry>,
    ) -> Result<Prepared<dyn Cipher>> {
        let row = session.token.expect_offered(mechanism, object, ck::CKF_DECRYPT, Usage::Decrypt)?;
        let remote = session.token.remote(entry);
        let operation = match &entry.public {
            Some((public, _)) => external::decryption(mechanism.kind, &mechanism.params, public, remote)?,
            None => external::secret(mechanism.kind, &mechanism.params, false, remote)?,
        };
        Ok(Prepared { operation: held::operation(row, operation, Usage::Decrypt)?, authenticate: false })
    }

    /// C_UnwrapKey: the service decrypts, the key becomes a session object.
    fn unwrap(
        session: &mut KmsSession,
        access: Access,
        mechanism: &Mechanism,
        (entry, object): Kept<'_, Entry>,
        wrapped: &[u8],
        template: Template,
    ) -> Result<ObjectHandle> {
        let row = session
            .token
            .expect_offered(mechanism, object, ck::CKF_UNWRAP, Usage::Unwrap)
            .map_err(held::wrong_type_as(ErrorKind::UnwrappingKeyTypeInconsistent))?;
        let mut key = object::unwrap(template, &object.attributes, &caller(access))?;
        object::may_write(&key, &caller(access), access.read_write)?;
        template::expect_session_object(&key)?;
        let public = entry.public.as_ref().map(|(key, _)| key);
        let value = external::unwrapping(
            mechanism.kind,
            &mechanism.params,
            public,
            &session.token.remote(entry),
            wrapped,
        )?;
        material::unwrap_into(&mut key, held::operation(row, value, Usage::Unwrap)?)?;
        held::add_one(session, access, key)
    }

    /// C_DeriveKey.
    fn derive(
        session: &mut KmsSession,
        access: Access,
        mechanism: &Mechanism,
        (entry, object): Kept<'_, Entry>,
        template: Template,
    ) -> Result<ObjectHandle> {
        session.token.expect_offered(mechanism, object, ck::CKF_DERIVE, Usage::Derive)?;
        let Some((public, _)) = &entry.public else { return Err(ErrorKind::KeyTypeInconsistent.into()) };
        let mut key = object::derive(template, &object.attributes, &[], Inherit::Template, &caller(access))?;
        object::may_write(&key, &caller(access), access.read_write)?;
        template::expect_session_object(&key)?;
        let wanted = material::wanted_len(&key)?;
        let remote = session.token.remote(entry);
        let value = external::ecdh(public, &mechanism.params, wanted, |peer| {
            let peer = peer.to_spki().map_err(|_| ErrorKind::PublicKeyInvalid)?;
            remote.ask("agree", |client, key, deadline| client.agree(key, &peer, deadline))
        })?;
        material::fill_secret(&mut key, value)?;
        held::add_one(session, access, key)
    }

    /// C_DecapsulateKey: the service finds the secret, the key becomes a session object.
    fn decapsulate(
        session: &mut KmsSession,
        access: Access,
        mechanism: &Mechanism,
        (entry, object): Kept<'_, Entry>,
        ciphertext: &[u8],
        template: Template,
    ) -> Result<ObjectHandle> {
        let row = session
            .token
            .expect_offered(mechanism, object, ck::CKF_DECAPSULATE, Usage::Decapsulate)
            .map_err(held::wrong_type_as(ErrorKind::UnwrappingKeyTypeInconsistent))?;
        let Some((public, _)) = &entry.public else {
            return Err(ErrorKind::UnwrappingKeyTypeInconsistent.into());
        };
        let mut key = object::decapsulate(template, &object.attributes, &caller(access))?;
        object::may_write(&key, &caller(access), access.read_write)?;
        template::expect_session_object(&key)?;
        let wanted = material::wanted_len(&key)?;
        let remote = session.token.remote(entry);
        let value = external::decapsulation(mechanism.kind, public, ciphertext, wanted, || {
            remote.ask("decapsulate", |client, key, deadline| client.decapsulate(key, ciphertext, deadline))
        });
        material::unwrap_into(&mut key, held::operation(row, value, Usage::Decapsulate)??)?;
        held::add_one(session, access, key)
    }

    /// C_GenerateKeyPair: the service makes the key, under the template's label.
    fn generate_key_pair(
        session: &mut KmsSession,
        access: Access,
        mechanism: &Mechanism,
        public: Template,
        private: Template,
    ) -> Result<(ObjectHandle, ObjectHandle)> {
        let row = session.token.row_in_service(mechanism, ck::CKF_GENERATE_KEY_PAIR)?;
        let who = caller(access);
        let id = private.bytes(ck::CKA_ID).or(public.bytes(ck::CKA_ID)).map(<[u8]>::to_vec);
        let asked = private.clone();
        let (public, private) = object::generate_pair(public, private, mechanism.kind, row.key_types, &who)?;
        object::may_write(&private, &who, access.read_write)?;
        held::expect_strong(&session.token.config, &public)?;
        let key = template::pair(&public, &private, &asked)?;
        let entry = session.token.make(access, key, id)?;
        match &entry.public {
            Some((_, public)) => Ok((public.handle, entry.own.handle)),
            None => Err(Error::new(ErrorKind::DeviceError, "the service made a key of another class")),
        }
    }

    /// C_GenerateKey for a token object.
    fn generate_key(
        session: &mut KmsSession,
        access: Access,
        mechanism: &Mechanism,
        template: Template,
    ) -> Result<ObjectHandle> {
        let row = session.token.row_in_service(mechanism, ck::CKF_GENERATE)?;
        let id = template.bytes(ck::CKA_ID).map(<[u8]>::to_vec);
        let asked = template.clone();
        let key = object::generate_secret(template, mechanism.kind, row.key_types, &caller(access))?;
        object::may_write(&key, &caller(access), access.read_write)?;
        held::expect_strong(&session.token.config, &key)?;
        let entry = session.token.make(access, template::secret(&key, &asked)?, id)?;
        Ok(entry.own.handle)
    }
}

impl KmsToken {
    /// Before C_Login where the PIN is what the service wants.
    fn lacks_credentials(&self, access: Access) -> bool {
        matches!(self.settings.pin, Pin::Secret) && access.login != Login::User
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
