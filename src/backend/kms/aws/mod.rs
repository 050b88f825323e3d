//! AWS KMS. A key has one version, and one public key for ever: its ARN is its name.

mod specs;
mod words;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::specs::ML_DSA;
pub use self::specs::SERVICE;
use self::words::{
    Aliases, Created, Decrypted, Described, Keys, Maced, PublicKey, Random, Request, Secret, Signed,
};
use super::client::{
    Cipher, KeyVersion, KmsClient, Listed, Material, NewKey, Service, Signing, Traits, ecdsa_from_der,
};
use crate::cloud::aws::{Aws, KMS};
use crate::cloud::text::{base64, from_base64, from_json};
use crate::cloud::{Connection, Deadline, Error, Kind, Repeat, Result};
use crate::config::{self, SlotReader};
use crate::types::{SecretBytes, ck};

/// Bytes of a message that Sign and GenerateMac take.
const MAX_MESSAGE: usize = 4096;
/// Bytes of one GenerateRandom.
const MAX_RANDOM: usize = 1024;
/// The most aliases and keys of a page.
const PAGE_OF_ALIASES: u32 = 100;
const PAGE_OF_KEYS: u32 = 1000;
/// A key that was just made may not be known everywhere at once.
const SETTLES: Duration = Duration::from_millis(500);
const SETTLE_TRIES: u32 = 10;

/// Reads the provider's own keys of the entry. No network.
pub fn open(reader: &mut SlotReader<'_>, connection: Connection) -> config::Result<Arc<dyn KmsClient>> {
    let pending_days = reader.number("pending_days", 7, 30, 30)?;
    Ok(Arc::new(AwsKms { aws: Aws::read(reader, connection)?, pending_days }))
}

/// The keys of one account's region.
struct AwsKms {
    aws: Aws,
    /// How long a key waits to be destroyed.
    pending_days: u32,
}

impl AwsKms {
    fn ask<T: DeserializeOwned>(
        &self,
        operation: &str,
        request: &Request<'_>,
        repeat: Repeat,
        deadline: Deadline,
    ) -> Result<T> {
        let response = self.aws.call(&KMS, operation, &body(request)?, repeat, deadline)?;
        from_json(operation, &response.body)
    }

    /// An operation that answers nothing that matters.
    fn tell(&self, operation: &str, request: &Request<'_>, repeat: Repeat, deadline: Deadline) -> Result<()> {
        self.aws.call(&KMS, operation, &body(request)?, repeat, deadline).map(drop)
    }

    /// The aliases and keys of the account, page by page.
    fn pages<T: DeserializeOwned + words::Page>(
        &self,
        operation: &str,
        limit: u32,
        deadline: Deadline,
    ) -> Result<Vec<T::Item>> {
        let mut items = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let request = Request { limit: Some(limit), marker: marker.as_deref(), ..Request::default() };
            let page: T = self.ask(operation, &request, Repeat::Always, deadline)?;
            let (found, next) = page.parts();
            items.extend(found);
            match next {
                None => return Ok(items),
                Some(next) if Some(&next) == marker.as_ref() => {
                    return Err(Error::new(Kind::Corrupt, format!("AWS {operation}: the same page again")));
                }
                next => marker = next,
            }
        }
    }

    /// A key of which there is no public one to get: an HMAC key, or one of no use here.
    fn describe(&self, name: &str, why: Error, deadline: Deadline) -> Result<Vec<KeyVersion>> {
        let request = Request::of_key(name);
        let described: Described = match self.ask("DescribeKey", &request, Repeat::Always, deadline) {
            // What was said first is what the key lacks.
            Err(error) if error.kind() == Kind::Denied => return Err(why),
            other => other?,
        };
        let key = described.key_metadata;
        match specs::secret(&key.key_spec) {
            Some((len, mechanism)) if key.key_state == "Enabled" => Ok(vec![KeyVersion {
                resource: key.arn.clone(),
                name: key.arn,
                version: String::new(),
                material: Material::Secret(ck::CKK_GENERIC_SECRET, len),
                mechanisms: vec![mechanism],
                usage: ck::CKF_SIGN | ck::CKF_VERIFY,
                raw_pkcs1: false,
                mu: false,
                algorithm: key.key_spec,
                created: key.creation_date.and_then(specs::seconds),
            }]),
            // A pair whose public key exists and may not be read.
            None if specs::is_pair(&key.key_spec) && key.key_state == "Enabled" => Err(why),
            _ => Ok(Vec::new()),
        }
    }

    /// Gives a new key its name.
    fn name_key(&self, alias: &str, key: &str, deadline: Deadline) -> Result<()> {
        let request = Request { alias_name: Some(alias), target_key_id: Some(key), ..Request::default() };
        for _ in 1..SETTLE_TRIES {
            match self.tell("CreateAlias", &request, Repeat::Unsent, deadline) {
                Err(error) if error.kind() == Kind::NotFound && deadline.left() > SETTLES => {
                    std::thread::sleep(SETTLES);
                }
                other => return other,
            }
        }
        self.tell("CreateAlias", &request, Repeat::Unsent, deadline)
    }

    fn schedule_deletion(&self, key: &str, days: u32, deadline: Deadline) -> Result<()> {
        let request = Request { pending_window_in_days: Some(days), ..Request::of_key(key) };
        self.tell("ScheduleKeyDeletion", &request, Repeat::Unsent, deadline)
    }
}

fn body(request: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(request).map_err(|_| Error::new(Kind::Refused, "no request can be made of this"))
}

fn refused(why: &str) -> Error {
    Error::new(Kind::Refused, format!("AWS KMS: {why}"))
}

/// What requests name a key by: an ARN, an ID or an alias. A word that is none of them is an alias without its prefix.
fn key_id(name: &str) -> String {
    let is_uuid = || name.len() == 36 && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    match name.starts_with("arn:") || name.starts_with("alias/") || name.starts_with("mrk-") || is_uuid() {
        true => name.to_owned(),
        false => format!("alias/{name}"),
    }
}

/// An alias for a label. [`Kind::Refused`].
fn alias_for(label: &str) -> Result<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-');
    match (1..=250).contains(&label.len()) && label.chars().all(fits) && !label.starts_with("aws/") {
        true => Ok(format!("alias/{label}")),
        false => Err(refused(
            "the label becomes an alias: letters, digits, / _ and -, at most 250, and not aws/ at its beginning",
        )),
    }
}

impl KmsClient for AwsKms {
    fn service(&self) -> &'static Service {
        &SERVICE
    }

    fn traits(&self) -> Traits {
        Traits {
            any_pss_salt: false,
            max_message: MAX_MESSAGE,
            max_data: 0,
            max_random: MAX_RANDOM,
            secret_pin: false,
        }
    }

    fn identity(&self) -> String {
        self.aws.identity()
    }

    /// A key with several aliases is called by the first one.
    fn list(&self, deadline: Deadline) -> Result<Vec<Listed>> {
        let aliases = self.pages::<Aliases>("ListAliases", PAGE_OF_ALIASES, deadline)?;
        let mut listed: Vec<Listed> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for alias in aliases {
            // An alias of AWS's own may have no key yet.
            let Some(key) = alias.target_key_id else { continue };
            let label = alias.alias_name.strip_prefix("alias/").unwrap_or(&alias.alias_name);
            if seen.insert(key.clone()) && !label.starts_with("aws/") {
                listed.push(Listed { name: key, label: label.to_owned() });
            }
        }
        let keys = match self.pages::<Keys>("ListKeys", PAGE_OF_KEYS, deadline) {
            Err(error) if error.kind() == Kind::Denied => {
                tracing::debug!("only keys with an alias are listed: {error}");
                return Ok(listed);
            }
            other => other?,
        };
        let nameless = keys.into_iter().map(|key| key.key_id).filter(|key| !seen.contains(key));
        listed.extend(nameless.map(|key| Listed { label: key.clone(), name: key }));
        Ok(listed)
    }

    fn read(&self, name: &str, deadline: Deadline) -> Result<Vec<KeyVersion>> {
        let name = key_id(name);
        if let Some(region) = name.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2)) {
            self.aws.suggest_region(region);
        }
        let request = Request::of_key(&name);
        let key: PublicKey = match self.ask("GetPublicKey", &request, Repeat::Always, deadline) {
            Ok(key) => key,
            Err(error) if matches!(error.kind(), Kind::Refused | Kind::Denied) => {
                return self.describe(&name, error, deadline);
            }
            Err(error) if error.kind() == Kind::Disabled => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let (mechanisms, usage) = specs::uses(&key);
        if mechanisms.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![KeyVersion {
            resource: key.key_id.clone(),
            name: key.key_id,
            version: String::new(),
            material: Material::Pair(from_base64("PublicKey", &key.public_key)?.to_vec()),
            mechanisms,
            usage,
            raw_pkcs1: false,
            mu: key.key_spec.starts_with(ML_DSA),
            algorithm: key.key_spec,
            created: None,
        }])
    }

    fn sign(&self, key: &KeyVersion, signing: Signing<'_>, deadline: Deadline) -> Result<Vec<u8>> {
        let way = specs::signing(signing)?;
        let message = base64(way.message);
        let request = Request { message: Some(&message), ..Request::of_key(&key.name) };
        if let Signing::Hmac { .. } = signing {
            let request = Request { mac_algorithm: Some(way.algorithm), ..request };
            let maced: Maced = self.ask("GenerateMac", &request, Repeat::Always, deadline)?;
            return Ok(from_base64("Mac", &maced.mac)?.to_vec());
        }
        let request = Request {
            message_type: Some(way.message_type),
            signing_algorithm: Some(way.algorithm),
            ..request
        };
        let signed: Signed = self.ask("Sign", &request, Repeat::Always, deadline)?;
        let signature = from_base64("Signature", &signed.signature)?;
        match (signing, specs::order_len(&key.algorithm)) {
            (Signing::Ecdsa { .. }, Some(len)) => ecdsa_from_der(&signature, len),
            (Signing::Ecdsa { .. }, None) => Err(refused("the key is on no curve that is known here")),
            _ => Ok(signature.to_vec()),
        }
    }

    fn expect_cipher(&self, _key: &KeyVersion, cipher: Cipher<'_>) -> Result<()> {
        specs::decryption(cipher).map(drop)
    }

    fn decrypt(
        &self,
        key: &KeyVersion,
        cipher: Cipher<'_>,
        ciphertext: &[u8],
        deadline: Deadline,
    ) -> Result<SecretBytes> {
        let ciphertext = base64(ciphertext);
        let request = Request {
            ciphertext_blob: Some(&ciphertext),
            encryption_algorithm: Some(specs::decryption(cipher)?),
            ..Request::of_key(&key.name)
        };
        let decrypted: Decrypted = self.ask("Decrypt", &request, Repeat::Unanswered, deadline)?;
        from_base64("Plaintext", &decrypted.plaintext)
    }

    fn encrypt(&self, _: &KeyVersion, _: Cipher<'_>, _: &[u8], _: Deadline) -> Result<Vec<u8>> {
        Err(refused("its secret keys make blobs of its own, and no ciphertext of a standard"))
    }

    fn agree(&self, key: &KeyVersion, peer_spki: &[u8], deadline: Deadline) -> Result<SecretBytes> {
        let peer = base64(peer_spki);
        let request = Request {
            key_agreement_algorithm: Some("ECDH"),
            public_key: Some(&peer),
            ..Request::of_key(&key.name)
        };
        let secret: Secret = self.ask("DeriveSharedSecret", &request, Repeat::Always, deadline)?;
        from_base64("SharedSecret", &secret.shared_secret)
    }

    fn decapsulate(&self, key: &KeyVersion, ciphertext: &[u8], deadline: Deadline) -> Result<SecretBytes> {
        let ciphertext = base64(ciphertext);
        let request = Request {
            shared_secret_ciphertext_blob: Some(&ciphertext),
            encapsulation_algorithm: Some("ML_KEM"),
            ..Request::of_key(&key.name)
        };
        let secret: Secret = self.ask("Decapsulate", &request, Repeat::Always, deadline)?;
        from_base64("SharedSecret", &secret.shared_secret)
    }

    fn random(&self, out: &mut [u8], deadline: Deadline) -> Result<()> {
        let request = Request { number_of_bytes: Some(out.len()), ..Request::default() };
        let random: Random = self.ask("GenerateRandom", &request, Repeat::Always, deadline)?;
        let bytes = from_base64("Plaintext", &random.plaintext)?;
        if bytes.len() != out.len() {
            return Err(Error::new(Kind::Corrupt, "AWS GenerateRandom: another number of bytes"));
        }
        out.copy_from_slice(&bytes);
        Ok(())
    }

    fn create(&self, key: &NewKey, deadline: Deadline) -> Result<Listed> {
        let alias = alias_for(&key.label)?;
        let (spec, usage) = specs::to_make(key)?;
        let found: Result<Described> =
            self.ask("DescribeKey", &Request::of_key(&alias), Repeat::Always, deadline);
        match found {
            Ok(_) => return Err(Error::new(Kind::Conflict, format!("AWS KMS: {alias} is there already"))),
            // Whoever may not look is told by CreateAlias.
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Denied) => {}
            Err(error) => return Err(error),
        }
        let request = Request {
            key_spec: Some(spec),
            key_usage: Some(usage),
            description: Some(&key.label),
            ..Request::default()
        };
        let created: Created = self.ask("CreateKey", &request, Repeat::Unsent, deadline)?;
        let id = created.key_metadata.key_id;
        if let Err(error) = self.name_key(&alias, &id, deadline) {
            // A key that nobody can name is of no use, and costs.
            if let Err(left) = self.schedule_deletion(&id, 7, self.aws.deadline()) {
                tracing::warn!("the key {id} was made, got no alias, and is still there: {left}");
            }
            return Err(error);
        }
        Ok(Listed { name: id, label: key.label.clone() })
    }

    fn destroy(&self, key: &KeyVersion, deadline: Deadline) -> Result<()> {
        self.schedule_deletion(&key.name, self.pending_days, deadline)
    }

    fn authenticate(&self, _: &[u8], _: Deadline) -> Result<()> {
        Err(refused("no PIN is a secret of AWS"))
    }

    fn forget(&self) {}
}
