//! What the service does with its keys: signatures, MACs, ciphers, agreement, decapsulation, making and destroying.

use std::sync::Arc;
use std::time::Instant;

use super::client::{KeyVersion, KmsClient, Listed, NewKey};
use super::errors::Asked;
use super::objects::{Entry, Name};
use super::session::KmsSession;
use super::template;
use super::token::KmsToken;
use crate::backend::held::{self, Object, caller, expect_usable};
use crate::cloud::{self, Deadline, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::external::{self, Cipher, Limits, Remote, Signing};
use crate::mechanism::op::{self, Producer, Verifier};
use crate::mechanism::{Mechanism, material};
use crate::object::{self, Inherit, Template, Usage};
use crate::token::{Access, ObjectHandle, Prepared};
use crate::types::{SecretBytes, ck};

/// A version's private or secret key, for an operation to use.
#[derive(Clone)]
pub(super) struct RemoteKey {
    token: Arc<KmsToken>,
    entry: Arc<Entry>,
}

impl RemoteKey {
    /// One use: asks the service, says so in the log, and forgets a key that turned out to be gone.
    fn ask<T>(
        &self,
        what: &'static str,
        ask: impl FnOnce(&dyn KmsClient, &KeyVersion, Deadline) -> cloud::Result<T>,
    ) -> Result<T> {
        let (token, version) = (&self.token, &self.entry.version);
        let start = Instant::now();
        let answer = ask(&*token.client, version, token.deadline());
        let ms = start.elapsed().as_millis();
        match &answer {
            Ok(_) => tracing::info!(target: "keyward::audit", what, key = %version.resource, ms, "done"),
            Err(error) => {
                tracing::info!(target: "keyward::audit", what, key = %version.resource, ms, "failed: {error}");
                if matches!(error.kind(), Kind::NotFound | Kind::Disabled) {
                    token.catalogue.evict(&self.entry);
                }
            }
        }
        token.answer(Asked::Use, answer)
    }
}

impl Remote for RemoteKey {
    fn limits(&self) -> Limits {
        let traits = self.token.client.traits();
        Limits {
            any_pss_salt: traits.any_pss_salt,
            raw_pkcs1: self.entry.version.raw_pkcs1,
            mu: self.entry.version.mu,
            max_message: traits.max_message,
            max_data: traits.max_data,
        }
    }

    fn allows(&self, kind: ck::CK_MECHANISM_TYPE) -> bool {
        self.entry.version.mechanisms.contains(&kind)
    }

    fn expect_cipher(&self, cipher: Cipher<'_>) -> Result<()> {
        self.token
            .client
            .expect_cipher(&self.entry.version, cipher)
            .map_err(|error| Error::new(ErrorKind::MechanismParamInvalid, error.to_string()))
    }

    fn sign(&self, signing: Signing<'_>) -> Result<Vec<u8>> {
        self.ask("sign", |client, key, deadline| client.sign(key, signing, deadline))
    }

    fn decrypt(&self, cipher: Cipher<'_>, ciphertext: &[u8]) -> Result<SecretBytes> {
        self.ask("decrypt", |client, key, deadline| client.decrypt(key, cipher, ciphertext, deadline))
    }

    fn encrypt(&self, cipher: Cipher<'_>, plaintext: &[u8]) -> Result<Vec<u8>> {
        self.ask("encrypt", |client, key, deadline| client.encrypt(key, cipher, plaintext, deadline))
    }
}

/// A key of the service that a call names: what it is, and the object.
pub(super) type Kept<'a> = (&'a Arc<Entry>, &'a Arc<Object>);

impl KmsSession {
    fn remote(&self, entry: &Arc<Entry>) -> RemoteKey {
        RemoteKey { token: self.token.clone(), entry: entry.clone() }
    }

    /// The row, with every check that can be made before the service is asked.
    fn expect_offered(
        &self,
        mechanism: &Mechanism,
        object: &Object,
        flag: ck::CK_FLAGS,
        usage: Usage,
    ) -> Result<&'static crate::mechanism::Descriptor> {
        let row = self.row_for(mechanism, flag)?;
        expect_usable(&self.token.config, &object.attributes, row, usage, ErrorKind::KeyHandleInvalid)?;
        Ok(row)
    }

    /// C_SignInit.
    pub(super) fn sign_in_service(
        &self,
        mechanism: &Mechanism,
        (entry, object): Kept<'_>,
    ) -> Result<Prepared<dyn Producer>> {
        let row = self.expect_offered(mechanism, object, ck::CKF_SIGN, Usage::Sign)?;
        let remote = self.remote(entry);
        let operation = match &entry.public {
            Some((public, _)) => external::signature(mechanism.kind, &mechanism.params, public, remote)?,
            None => external::mac(mechanism.kind, remote),
        };
        Ok(Prepared { operation: held::operation(row, operation, Usage::Sign)?, authenticate: false })
    }

    /// C_VerifyInit with a secret key.
    pub(super) fn verify_in_service(
        &self,
        mechanism: &Mechanism,
        (entry, object): Kept<'_>,
    ) -> Result<Prepared<dyn Verifier>> {
        let row = self.expect_offered(mechanism, object, ck::CKF_VERIFY, Usage::Verify)?;
        let operation = external::mac_check(mechanism.kind, self.remote(entry));
        Ok(Prepared { operation: held::operation(row, operation, Usage::Verify)?, authenticate: false })
    }

    /// C_EncryptInit with a secret key.
    pub(super) fn encrypt_in_service(
        &self,
        mechanism: &Mechanism,
        (entry, object): Kept<'_>,
    ) -> Result<Prepared<dyn op::Cipher>> {
        let row = self.expect_offered(mechanism, object, ck::CKF_ENCRYPT, Usage::Encrypt)?;
        let operation = external::secret(mechanism.kind, &mechanism.params, true, self.remote(entry))?;
        Ok(Prepared { operation: held::operation(row, operation, Usage::Encrypt)?, authenticate: false })
    }

    /// C_DecryptInit.
    pub(super) fn decrypt_in_service(
        &self,
        mechanism: &Mechanism,
        (entry, object): Kept<'_>,
    ) -> Result<Prepared<dyn op::Cipher>> {
        let row = self.expect_offered(mechanism, object, ck::CKF_DECRYPT, Usage::Decrypt)?;
        let remote = self.remote(entry);
        let operation = match &entry.public {
            Some((public, _)) => external::decryption(mechanism.kind, &mechanism.params, public, remote)?,
            None => external::secret(mechanism.kind, &mechanism.params, false, remote)?,
        };
        Ok(Prepared { operation: held::operation(row, operation, Usage::Decrypt)?, authenticate: false })
    }

    /// C_UnwrapKey: the service decrypts, the key becomes a session object.
    pub(super) fn unwrap_in_service(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        (entry, object): Kept<'_>,
        wrapped: &[u8],
        template: Template,
    ) -> Result<ObjectHandle> {
        let row = self
            .expect_offered(mechanism, object, ck::CKF_UNWRAP, Usage::Unwrap)
            .map_err(held::wrong_type_as(ErrorKind::UnwrappingKeyTypeInconsistent))?;
        let mut key = object::unwrap(template, &object.attributes, &caller(access))?;
        object::may_write(&key, &caller(access), access.read_write)?;
        template::expect_session_object(&key)?;
        let public = entry.public.as_ref().map(|(key, _)| key);
        let value =
            external::unwrapping(mechanism.kind, &mechanism.params, public, &self.remote(entry), wrapped)?;
        material::unwrap_into(&mut key, held::operation(row, value, Usage::Unwrap)?)?;
        held::add_one(self, access, key)
    }

    /// C_DeriveKey.
    pub(super) fn derive_in_service(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        (entry, object): Kept<'_>,
        template: Template,
    ) -> Result<ObjectHandle> {
        self.expect_offered(mechanism, object, ck::CKF_DERIVE, Usage::Derive)?;
        let Some((public, _)) = &entry.public else { return Err(ErrorKind::KeyTypeInconsistent.into()) };
        let mut key = object::derive(template, &object.attributes, &[], Inherit::Template, &caller(access))?;
        object::may_write(&key, &caller(access), access.read_write)?;
        template::expect_session_object(&key)?;
        let wanted = material::wanted_len(&key)?;
        let remote = self.remote(entry);
        let value = external::ecdh(public, &mechanism.params, wanted, |peer| {
            let peer = peer.to_spki().map_err(|_| ErrorKind::PublicKeyInvalid)?;
            remote.ask("agree", |client, key, deadline| client.agree(key, &peer, deadline))
        })?;
        material::fill_secret(&mut key, value)?;
        held::add_one(self, access, key)
    }

    /// C_DecapsulateKey: the service finds the secret, the key becomes a session object.
    pub(super) fn decapsulate_in_service(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        (entry, object): Kept<'_>,
        ciphertext: &[u8],
        template: Template,
    ) -> Result<ObjectHandle> {
        let row = self
            .expect_offered(mechanism, object, ck::CKF_DECAPSULATE, Usage::Decapsulate)
            .map_err(held::wrong_type_as(ErrorKind::UnwrappingKeyTypeInconsistent))?;
        let Some((public, _)) = &entry.public else {
            return Err(ErrorKind::UnwrappingKeyTypeInconsistent.into());
        };
        let mut key = object::decapsulate(template, &object.attributes, &caller(access))?;
        object::may_write(&key, &caller(access), access.read_write)?;
        template::expect_session_object(&key)?;
        let wanted = material::wanted_len(&key)?;
        let remote = self.remote(entry);
        let value = external::decapsulation(mechanism.kind, public, ciphertext, wanted, || {
            remote.ask("decapsulate", |client, key, deadline| client.decapsulate(key, ciphertext, deadline))
        });
        material::unwrap_into(&mut key, held::operation(row, value, Usage::Decapsulate)??)?;
        held::add_one(self, access, key)
    }

    /// C_GenerateKeyPair: the service makes the key, under the template's label.
    pub(super) fn generate_pair_in_service(
        &self,
        access: Access,
        mechanism: &Mechanism,
        public: Template,
        private: Template,
    ) -> Result<(ObjectHandle, ObjectHandle)> {
        let row = self.row_for(mechanism, ck::CKF_GENERATE_KEY_PAIR)?;
        let who = caller(access);
        let id = private.bytes(ck::CKA_ID).or(public.bytes(ck::CKA_ID)).map(<[u8]>::to_vec);
        let asked = private.clone();
        let (public, private) = object::generate_pair(public, private, mechanism.kind, row.key_types, &who)?;
        object::may_write(&private, &who, access.read_write)?;
        held::expect_strong(&self.token.config, &public)?;
        let key = template::pair(&public, &private, &asked)?;
        let entry = self.make(access, key, id)?;
        match &entry.public {
            Some((_, public)) => Ok((public.handle, entry.own.handle)),
            None => Err(Error::new(ErrorKind::DeviceError, "the service made a key of another class")),
        }
    }

    /// C_GenerateKey for a token object.
    pub(super) fn generate_key_in_service(
        &self,
        access: Access,
        mechanism: &Mechanism,
        template: Template,
    ) -> Result<ObjectHandle> {
        let row = self.row_for(mechanism, ck::CKF_GENERATE)?;
        let id = template.bytes(ck::CKA_ID).map(<[u8]>::to_vec);
        let asked = template.clone();
        let key = object::generate_secret(template, mechanism.kind, row.key_types, &caller(access))?;
        object::may_write(&key, &caller(access), access.read_write)?;
        held::expect_strong(&self.token.config, &key)?;
        let entry = self.make(access, template::secret(&key, &asked)?, id)?;
        Ok(entry.own.handle)
    }

    fn make(&self, access: Access, key: NewKey, id: Option<Vec<u8>>) -> Result<Arc<Entry>> {
        if !self.token.settings.create {
            let why = "create = false in [[slot]]: no key is made in the service";
            return Err(Error::new(ErrorKind::ActionProhibited, why));
        }
        if !access.read_write {
            return Err(Error::new(ErrorKind::SessionReadOnly, "a key of the service is a token object"));
        }
        let token = &self.token;
        let place = token.place();
        let made = token.client.create(&key, place.deadline());
        let outcome = if made.is_ok() { "done" } else { "failed" };
        tracing::info!(target: "keyward::audit", what = "create", key = key.label, "{outcome}");
        let listed: Listed = token.answer(Asked::Change, made)?;
        if let Some(id) = id.as_ref().filter(|id| !id.is_empty()) {
            let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
            tracing::warn!(
                "{}: the service keeps no CKA_ID, so this one lasts as long as the process; to keep it: [[slot.key]] \
                 name = {:?}, id = \"{id}\"",
                listed.label,
                listed.name,
            );
        }
        let id = id.filter(|id| !id.is_empty());
        token.catalogue.add(&listed, Name { label: listed.label.clone(), id });
        let versions = token.catalogue.versions(&place, &listed.name);
        let versions = token.answer(Asked::Look, versions)?;
        versions.first().cloned().ok_or_else(|| {
            let why =
                format!("{}: made, but the service does not show it yet; look for it later", listed.label);
            Error::new(ErrorKind::DeviceError, why)
        })
    }

    /// C_DestroyObject.
    pub(super) fn destroy_in_service(&self, entry: &Entry) -> Result<()> {
        let token = &self.token;
        let answer = token.client.destroy(&entry.version, token.deadline());
        let outcome = if answer.is_ok() { "done" } else { "failed" };
        tracing::info!(target: "keyward::audit", what = "destroy", key = %entry.version.resource, "{outcome}");
        token.answer(Asked::Change, answer)?;
        token.catalogue.evict(entry);
        token.catalogue.refresh();
        Ok(())
    }
}

/// Whether this is the private or secret half, which the service keeps.
pub(super) fn is_kept(object: &Object) -> bool {
    object.attributes.class() != ck::CKO_PUBLIC_KEY
}
