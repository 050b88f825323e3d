//! The transit engine of HashiCorp Vault and OpenBao.
//!
//! `keys` knows what a key of each type is, `requests` says signatures and ciphertexts in transit's words. What is
//! relied on was seen on a server (tests/kms/vault), not only read.

mod keys;
mod requests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::client::{Act, Cipher, KeySpec, KeyVersion, KmsClient, Listed, NewKey, Service, Signing, Traits};
use crate::cloud::vault::{Vault, body, data, mount_path};
use crate::cloud::{Connection, Deadline, Error, Kind, Repeat, Response, Result, SecretText, text};
use crate::config::{self, SlotReader};
use crate::crypto::Curve;
use crate::types::SecretBytes;
use keys::{KeyInfo, OFFERS};

/// What transit is.
pub static SERVICE: Service = Service {
    provider: "vault",
    manufacturer: "HashiCorp Vault, OpenBao",
    model: "transit",
    offers: &OFFERS,
    permissions: &[
        (Act::Read, "read on MOUNT/keys/NAME"),
        (Act::Sign, "update on MOUNT/sign/NAME"),
        (Act::Mac, "update on MOUNT/hmac/NAME"),
        (Act::Decrypt, "update on MOUNT/decrypt/NAME"),
        (Act::List, "list on MOUNT/keys, unless [[slot.key]] names the keys"),
        (Act::Random, "update on MOUNT/random/*, unless random = \"local\""),
        (Act::Create, "update on MOUNT/keys/*"),
        (Act::Destroy, "update on MOUNT/keys/NAME/config, delete on MOUNT/keys/NAME"),
    ],
};

/// A request may have 32 MiB, in Base64 and with some words around it.
const MAX_MESSAGE: usize = (24 << 20) - 4096;
/// A plaintext's answer, in Base64, has to fit into ours of 16 MiB.
const MAX_DATA: usize = 11 << 20;
/// Half of what the server gives at once.
const MAX_RANDOM: usize = 64 << 10;

/// A mount of the transit engine.
struct Transit {
    vault: Vault,
    mount: String,
}

/// Reads `mount`, and where the server is and how one logs in.
pub fn open(reader: &mut SlotReader<'_>, connection: Connection) -> config::Result<Arc<dyn KmsClient>> {
    let mount = mount_path(reader.text("mount")?.unwrap_or("transit"));
    Ok(Arc::new(Transit { vault: Vault::read(reader, connection)?, mount }))
}

impl Transit {
    fn key_path(&self, name: &str) -> String {
        format!("{}/keys/{}", self.mount, text::percent(name))
    }

    fn info(&self, name: &str, deadline: Deadline) -> Result<KeyInfo> {
        let path = self.key_path(name);
        let answer = self.vault.call("GET", &path, None, Repeat::Always, deadline)?;
        data(&path, &answer)
    }

    /// POST to `MOUNT/what/NAME`; `size` bounds the body.
    fn post(
        &self,
        what: &str,
        name: &str,
        value: &impl Serialize,
        size: usize,
        repeat: Repeat,
        deadline: Deadline,
    ) -> Result<Response> {
        let path = format!("{}/{what}/{}", self.mount, text::percent(name));
        self.vault.call("POST", &path, Some(&body(value, size)?), repeat, deadline)
    }
}

fn refused(why: impl Into<String>) -> Error {
    Error::new(Kind::Refused, why)
}

impl KmsClient for Transit {
    fn service(&self) -> &'static Service {
        &SERVICE
    }

    fn traits(&self) -> Traits {
        Traits {
            any_pss_salt: true,
            max_message: MAX_MESSAGE,
            max_data: MAX_DATA,
            max_random: MAX_RANDOM,
            secret_pin: true,
        }
    }

    fn identity(&self) -> String {
        format!("{} {}", self.vault.identity(), self.mount)
    }

    fn list(&self, deadline: Deadline) -> Result<Vec<Listed>> {
        let names = self.vault.list(&format!("{}/keys", self.mount), deadline)?;
        let key = |name: String| Listed { label: name.clone(), name };
        Ok(names.into_iter().filter(|name| !name.ends_with('/')).map(key).collect())
    }

    fn read(&self, name: &str, deadline: Deadline) -> Result<Vec<KeyVersion>> {
        self.info(name, deadline)?.versions(&self.mount, name)
    }

    fn sign(&self, key: &KeyVersion, signing: Signing<'_>, deadline: Deadline) -> Result<Vec<u8>> {
        let request = requests::sign(key, signing)?;
        let size = request.size();
        let answer = self.post(request.what(), &key.name, &request, size, Repeat::Always, deadline)?;
        requests::signature(key, &answer)
    }

    fn expect_cipher(&self, _key: &KeyVersion, cipher: Cipher<'_>) -> Result<()> {
        requests::expect_cipher(cipher)
    }

    fn decrypt(
        &self,
        key: &KeyVersion,
        cipher: Cipher<'_>,
        ciphertext: &[u8],
        deadline: Deadline,
    ) -> Result<SecretBytes> {
        #[derive(Deserialize)]
        struct Decrypted {
            plaintext: SecretText,
        }
        let request = requests::decrypt(key, cipher, ciphertext)?;
        let size = request.size();
        // A failure is an answer: trying again would count as another ciphertext.
        let answer = self.post("decrypt", &key.name, &request, size, Repeat::Unanswered, deadline)?;
        text::from_base64("plaintext", &data::<Decrypted>("decrypt", &answer)?.plaintext)
    }

    fn encrypt(
        &self,
        _key: &KeyVersion,
        _cipher: Cipher<'_>,
        _plaintext: &[u8],
        _deadline: Deadline,
    ) -> Result<Vec<u8>> {
        Err(refused("transit draws the IV of an encryption itself, and takes none"))
    }

    fn agree(&self, _key: &KeyVersion, _peer_spki: &[u8], _deadline: Deadline) -> Result<SecretBytes> {
        Err(refused("transit does not agree on secrets"))
    }

    fn decapsulate(&self, _: &KeyVersion, _: &[u8], _: Deadline) -> Result<SecretBytes> {
        Err(refused("transit has no key that decapsulates"))
    }

    fn random(&self, out: &mut [u8], deadline: Deadline) -> Result<()> {
        #[derive(Deserialize)]
        struct Random {
            random_bytes: SecretText,
        }
        let path = format!("{}/random/{}", self.mount, out.len());
        let answer = self.vault.call("POST", &path, Some(b"{}"), Repeat::Always, deadline)?;
        let bytes = text::from_base64("random_bytes", &data::<Random>("random", &answer)?.random_bytes)?;
        if bytes.len() != out.len() {
            return Err(Error::new(Kind::Corrupt, "random: the answer has another length"));
        }
        out.copy_from_slice(&bytes);
        Ok(())
    }

    fn create(&self, key: &NewKey, deadline: Deadline) -> Result<Listed> {
        #[derive(Serialize)]
        struct Create<'a> {
            r#type: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            key_size: Option<usize>,
            exportable: bool,
        }
        #[derive(Deserialize)]
        struct Made {
            r#type: String,
            latest_version: u64,
        }
        let (r#type, key_size) = type_of(key)?;
        if !is_name(&key.label) {
            return Err(refused(
                "CKA_LABEL: transit names keys with ASCII letters, digits, _, - and ., with - and . only within",
            ));
        }
        let taken = || Error::new(Kind::Conflict, format!("{}: there is a key of this name", key.label));
        match self.info(&key.label, deadline) {
            Ok(_) => return Err(taken()),
            Err(error) if error.kind() == Kind::NotFound => {}
            Err(error) => return Err(error),
        }
        let create = Create { r#type, key_size, exportable: false };
        let answer = self.post("keys", &key.label, &create, 512, Repeat::Unsent, deadline)?;
        // Whoever comes second is given the first one's key, so one of another kind was made by somebody since we looked.
        // Older servers answer nothing.
        if !answer.body.is_empty() {
            let made: Made = data("keys", &answer)?;
            if made.r#type != r#type || made.latest_version != 1 {
                return Err(taken());
            }
        }
        Ok(Listed { name: key.label.clone(), label: key.label.clone() })
    }

    /// The whole key: transit destroys no single version. So it has to be the newest one that is destroyed.
    fn destroy(&self, key: &KeyVersion, deadline: Deadline) -> Result<()> {
        #[derive(Serialize)]
        struct Config {
            deletion_allowed: bool,
        }
        if self.info(&key.name, deadline)?.latest_version.to_string() != key.version {
            let why = "transit destroys a key with all its versions: only the newest object stands for that";
            return Err(Error::new(Kind::Denied, why));
        }
        let config = format!("{}/config", self.key_path(&key.name));
        let allowed = body(&Config { deletion_allowed: true }, 64)?;
        self.vault.call("POST", &config, Some(&allowed), Repeat::Always, deadline)?;
        self.vault.call("DELETE", &self.key_path(&key.name), None, Repeat::Unsent, deadline)?;
        Ok(())
    }

    fn authenticate(&self, secret: &[u8], deadline: Deadline) -> Result<()> {
        self.vault.authenticate(secret, deadline)
    }

    fn forget(&self) {
        self.vault.forget();
    }
}

/// Transit's type for a new key, and its `key_size` where it takes one. [`Kind::Refused`].
fn type_of(key: &NewKey) -> Result<(&'static str, Option<usize>)> {
    if key.derives {
        return Err(refused("transit's keys don't agree on secrets"));
    }
    match key.spec {
        KeySpec::Rsa(2048) => Ok(("rsa-2048", None)),
        KeySpec::Rsa(3072) => Ok(("rsa-3072", None)),
        KeySpec::Rsa(4096) => Ok(("rsa-4096", None)),
        KeySpec::Ec(Curve::P256) => Ok(("ecdsa-p256", None)),
        KeySpec::Ec(Curve::P384) => Ok(("ecdsa-p384", None)),
        KeySpec::Ec(Curve::P521) => Ok(("ecdsa-p521", None)),
        KeySpec::Ed25519 => Ok(("ed25519", None)),
        KeySpec::Aes(16) => Ok(("aes128-gcm96", None)),
        KeySpec::Aes(32) => Ok(("aes256-gcm96", None)),
        KeySpec::Hmac(_, len @ 32..=512) => Ok(("hmac", Some(len))),
        KeySpec::Hmac(..) => Err(refused("transit's HMAC keys have 32 to 512 bytes")),
        KeySpec::Rsa(_) => Err(refused("transit's RSA keys have 2048, 3072 or 4096 bits")),
        KeySpec::Aes(_) => Err(refused("transit's AES keys have 16 or 32 bytes")),
        KeySpec::Ec(_) | KeySpec::MlDsa(_) | KeySpec::MlKem(_) => {
            Err(refused("transit makes no keys of this type"))
        }
    }
}

/// What the server takes for a key's name.
fn is_name(text: &str) -> bool {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let ends = [text.as_bytes().first(), text.as_bytes().last()];
    ends.into_iter().all(|end| end.is_some_and(word))
        && text.bytes().all(|byte| word(&byte) || b"-.".contains(&byte))
}
