//! A key of the service as operations use it, and how the service makes one.

use std::sync::Arc;
use std::time::Instant;

use super::client::{KeyVersion, KmsClient, Listed, NewKey};
use super::errors::Asked;
use super::objects::{Entry, Name};
use super::offer;
use super::token::KmsToken;
use crate::backend::held::{Object, expect_usable};
use crate::cloud::{self, Deadline, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::external::{Cipher, Limits, Remote, Signing};
use crate::mechanism::{Descriptor, Mechanism};
use crate::object::Usage;
use crate::token::Access;
use crate::types::{SecretBytes, ck};

/// A version's private or secret key, for an operation to use.
#[derive(Clone)]
pub(super) struct RemoteKey {
    token: Arc<KmsToken>,
    entry: Arc<Entry>,
}

impl RemoteKey {
    /// One use: asks the service, says so in the log, and forgets a key that turned out to be gone.
    pub(super) fn ask<T>(
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

impl KmsToken {
    /// A key, for an operation to use.
    pub(super) fn remote(self: &Arc<Self>, entry: &Arc<Entry>) -> RemoteKey {
        RemoteKey { token: self.clone(), entry: entry.clone() }
    }

    /// The row of what the service has to do. CKR_MECHANISM_INVALID.
    pub(super) fn row_in_service(
        &self,
        mechanism: &Mechanism,
        flag: ck::CK_FLAGS,
    ) -> Result<&'static Descriptor> {
        offer::row_in_service(&self.offer()?, self.service(), mechanism.kind, flag)
    }

    /// The same for a use of a key, with every check that can be made before the service is asked.
    pub(super) fn expect_offered(
        &self,
        mechanism: &Mechanism,
        object: &Object,
        flag: ck::CK_FLAGS,
        usage: Usage,
    ) -> Result<&'static Descriptor> {
        let row = self.row_in_service(mechanism, flag)?;
        expect_usable(&self.config, &object.attributes, row, usage, ErrorKind::KeyHandleInvalid)?;
        Ok(row)
    }

    /// Lets the service make a key, under the label and this ID.
    pub(super) fn make(&self, access: Access, key: NewKey, id: Option<Vec<u8>>) -> Result<Arc<Entry>> {
        if !self.settings.create {
            let why = "create = false in [[slot]]: no key is made in the service";
            return Err(Error::new(ErrorKind::ActionProhibited, why));
        }
        if !access.read_write {
            return Err(Error::new(ErrorKind::SessionReadOnly, "a key of the service is a token object"));
        }
        let place = self.place();
        let made = self.client.create(&key, place.deadline());
        let outcome = if made.is_ok() { "done" } else { "failed" };
        tracing::info!(target: "keyward::audit", what = "create", key = key.label, "{outcome}");
        let listed: Listed = self.answer(Asked::Change, made)?;
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
        self.catalogue.add(&listed, Name { label: listed.label.clone(), id });
        let versions = self.catalogue.versions(&place, &listed.name);
        let versions = self.answer(Asked::Look, versions)?;
        versions.first().cloned().ok_or_else(|| {
            let why =
                format!("{}: made, but the service does not show it yet; look for it later", listed.label);
            Error::new(ErrorKind::DeviceError, why)
        })
    }
}
