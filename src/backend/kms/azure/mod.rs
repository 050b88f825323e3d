//! Azure Key Vault and Managed HSM: the keys of one vault.
//!
//! A key signs digests only, so that everything is hashed here. What it may do is in its `key_ops`; when, in its
//! attributes. Keys are destroyed whole, every version, and can be recovered for some days.

mod algorithms;
mod wire;

use std::sync::Arc;

use serde::Serialize;
use zeroize::Zeroizing;

use self::algorithms::{AES, EC_SIGN, OFFERS, RSA_DECRYPT, RSA_SIGN};
use super::client::{
    Act, Cipher, KeySpec, KeyVersion, KmsClient, Listed, Material, NewKey, Service, Signing, Traits,
};
use crate::cloud::azure::Azure;
use crate::cloud::text::{base64_url, from_base64_url, percent};
use crate::cloud::{Connection, Deadline, Error, Kind, Repeat, Result, SecretText};
use crate::config::{self, SlotReader};
use crate::types::{SecretBytes, ck};

/// What a page of a list may hold.
const PAGE: usize = 25;
/// Random bytes of one request.
const MAX_RANDOM: usize = 128;
/// Bytes of one request with an AES key; the service's own limit is not published.
const MAX_DATA: usize = 64 << 10;
/// An AES key whose answer does not say its size has the usual one.
const AES_BITS: usize = 256;

/// What is known of it before anybody asks.
pub static SERVICE: Service = Service {
    provider: "azure",
    manufacturer: "Microsoft",
    model: "Azure Key Vault",
    offers: OFFERS,
    permissions: &[
        (Act::Read, "Microsoft.KeyVault/vaults/keys/read"),
        (Act::List, "Microsoft.KeyVault/vaults/keys/read"),
        (Act::Sign, "Microsoft.KeyVault/vaults/keys/sign/action"),
        (Act::Decrypt, "Microsoft.KeyVault/vaults/keys/decrypt/action"),
        (Act::Decrypt, "Microsoft.KeyVault/vaults/keys/unwrap/action"),
        (Act::Create, "Microsoft.KeyVault/vaults/keys/create/action"),
        (Act::Destroy, "Microsoft.KeyVault/vaults/keys/delete"),
    ],
};

/// The same of a managed HSM, whose roles are its own.
static HSM: Service = Service {
    model: "Managed HSM",
    permissions: &[
        (Act::Read, "Microsoft.KeyVault/managedHsm/keys/read/action"),
        (Act::List, "Microsoft.KeyVault/managedHsm/keys/read/action"),
        (Act::Sign, "Microsoft.KeyVault/managedHsm/keys/sign/action"),
        (Act::Decrypt, "Microsoft.KeyVault/managedHsm/keys/decrypt/action"),
        (Act::Decrypt, "Microsoft.KeyVault/managedHsm/keys/unwrap/action"),
        (Act::Encrypt, "Microsoft.KeyVault/managedHsm/keys/encrypt/action"),
        (Act::Random, "Microsoft.KeyVault/managedHsm/rng/action"),
        (Act::Create, "Microsoft.KeyVault/managedHsm/keys/create"),
        (Act::Destroy, "Microsoft.KeyVault/managedHsm/keys/delete"),
    ],
    provider: "azure",
    manufacturer: "Microsoft",
    offers: OFFERS,
};

/// Reads the entry's own keys: `hsm`, and what [`Azure::read`] does.
pub fn open(reader: &mut SlotReader<'_>, connection: Connection) -> config::Result<Arc<dyn KmsClient>> {
    let azure = Azure::read(reader, connection)?;
    let hsm = reader.flag("hsm", azure.is_hsm())?;
    if azure.is_hsm() && !hsm {
        return Err(reader.refuse("hsm = false: a managed HSM has no other keys"));
    }
    Ok(Arc::new(KeyVault { azure, hsm }))
}

struct KeyVault {
    azure: Azure,
    /// Whether keys that are made are an HSM's.
    hsm: bool,
}

fn refused(why: impl Into<String>) -> Error {
    Error::new(Kind::Refused, why)
}

fn corrupt(why: &str) -> Error {
    Error::new(Kind::Corrupt, why)
}

/// A body that may hold a secret.
fn body(request: &impl Serialize, room: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut json = Zeroizing::new(Vec::with_capacity(room.saturating_mul(3) + 1024));
    serde_json::to_writer(&mut *json, request).map_err(|_| refused("the request can't be written"))?;
    Ok(json)
}

/// A key's name as Azure has them. [`Kind::Refused`].
fn expect_name(name: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    match (1..=127).contains(&name.len()) && name.bytes().all(allowed) {
        true => Ok(()),
        false => Err(refused(format!("{name:?} is no name of Azure's: 1 to 127 of a-z, A-Z, 0-9 and -"))),
    }
}

/// What a key is, in [`KeyVersion::algorithm`]: the words of the service that its requests need.
enum Kept<'a> {
    /// With the operation that decrypts.
    Rsa(Option<&'a str>),
    Ec(crate::crypto::Curve),
    /// With its bits.
    Aes(&'a str),
}

fn kept(key: &KeyVersion) -> Result<Kept<'_>> {
    let (kind, word) = key.algorithm.split_once(' ').unwrap_or((&*key.algorithm, ""));
    match kind {
        "RSA" => Ok(Kept::Rsa(Some(word).filter(|word| !word.is_empty()))),
        "EC" => algorithms::curve(word).map(Kept::Ec).ok_or_else(|| refused("no known curve")),
        "oct" => Ok(Kept::Aes(word)),
        _ => Err(refused("no known kind of key")),
    }
}

impl KeyVault {
    fn pages(&self, path: &str, deadline: Deadline) -> Result<Vec<wire::Item>> {
        let mut page: wire::Page = self.azure.get(&format!("{path}?maxresults={PAGE}"), deadline)?;
        let mut items = page.value;
        while let Some(link) = page.next_link.filter(|link| !link.is_empty()) {
            page = self.azure.get_page(&link, deadline)?;
            items.append(&mut page.value);
        }
        Ok(items)
    }

    /// A version of a key. `None` where it is of no use, or not now.
    fn version(&self, name: &str, version: &str, deadline: Deadline) -> Result<Option<KeyVersion>> {
        let path = format!("/keys/{}/{}", percent(name), percent(version));
        let bundle: wire::Bundle = self.azure.get(&path, deadline)?;
        match bundle.attributes.is_usable() {
            true => describe(&bundle, name),
            false => Ok(None),
        }
    }

    /// One operation with a key.
    fn operate(
        &self,
        key: &KeyVersion,
        operation: &str,
        request: &wire::Operation<'_>,
        repeat: Repeat,
        deadline: Deadline,
    ) -> Result<SecretBytes> {
        let path = format!("/keys/{}/{}/{operation}", percent(&key.name), percent(&key.version));
        let body = body(request, request.value.len())?;
        let done: wire::Done = self.azure.post(&path, &body, repeat, deadline)?;
        done.result(&key.name, &key.version)
    }
}

/// A key as the catalogue knows it. `None` for one that no mechanism fits.
fn describe(bundle: &wire::Bundle, name: &str) -> Result<Option<KeyVersion>> {
    let key = &bundle.key;
    let (of, version) = wire::parts(&key.kid).ok_or_else(|| corrupt("the key has no identifier"))?;
    if !of.eq_ignore_ascii_case(name) {
        return Err(corrupt("the answer is about another key"));
    }
    let flag = |may: bool, flags: ck::CK_FLAGS| if may { flags } else { 0 };
    let sign = flag(key.may("sign"), ck::CKF_SIGN);
    let decrypts = ["decrypt", "unwrapKey"].into_iter().find(|operation| key.may(operation));
    let (material, mechanisms, usage, algorithm) = match key.kty.trim_end_matches("-HSM") {
        "RSA" => {
            let ways = [flag_list(sign != 0, RSA_SIGN), flag_list(decrypts.is_some(), RSA_DECRYPT)];
            let usage = sign | flag(decrypts.is_some(), ck::CKF_DECRYPT | ck::CKF_UNWRAP);
            let word = decrypts.map(|operation| format!("RSA {operation}")).unwrap_or("RSA".to_owned());
            (Material::Pair(key.rsa_spki()?), ways.concat(), usage, word)
        }
        "EC" => match key.ec_spki()? {
            Some((curve, spki)) => (Material::Pair(spki), EC_SIGN.to_vec(), sign, format!("EC {curve}")),
            None => return Ok(None),
        },
        "oct" => {
            let bits = key.key_size.unwrap_or(AES_BITS);
            let usage = flag(key.may("encrypt"), ck::CKF_ENCRYPT) | flag(key.may("decrypt"), ck::CKF_DECRYPT);
            (Material::Secret(ck::CKK_AES, bits / 8), AES.to_vec(), usage, format!("oct {bits}"))
        }
        _ => return Ok(None),
    };
    let mut mechanisms = mechanisms;
    mechanisms.sort_unstable();
    mechanisms.dedup();
    Ok((usage != 0).then(|| KeyVersion {
        resource: key.kid.clone(),
        name: of.to_owned(),
        version: version.to_owned(),
        material,
        mechanisms,
        usage,
        raw_pkcs1: false,
        mu: false,
        algorithm,
        created: bundle.attributes.created,
    }))
}

fn flag_list(may: bool, list: &'static [ck::CK_MECHANISM_TYPE]) -> &'static [ck::CK_MECHANISM_TYPE] {
    if may { list } else { &[] }
}

impl KmsClient for KeyVault {
    fn service(&self) -> &'static Service {
        if self.azure.is_hsm() { &HSM } else { &SERVICE }
    }

    fn traits(&self) -> Traits {
        Traits {
            any_pss_salt: false,
            max_message: 0,
            max_data: MAX_DATA,
            max_random: if self.azure.is_hsm() { MAX_RANDOM } else { 0 },
            secret_pin: true,
        }
    }

    fn identity(&self) -> String {
        format!("azure:{}", self.azure.base())
    }

    fn list(&self, deadline: Deadline) -> Result<Vec<Listed>> {
        let items = self.pages("/keys", deadline)?;
        let name = |item: &wire::Item| wire::parts(&item.kid).map(|(name, _)| name.to_owned());
        Ok(items.iter().filter_map(name).map(|name| Listed { label: name.clone(), name }).collect())
    }

    fn read(&self, name: &str, deadline: Deadline) -> Result<Vec<KeyVersion>> {
        if let Some((name, version)) = name.split_once('/') {
            return Ok(self.version(name, version, deadline)?.into_iter().collect());
        }
        let mut items = self.pages(&format!("/keys/{}/versions", percent(name)), deadline)?;
        items.sort_by_key(|item| std::cmp::Reverse(item.attributes.created));
        if items.is_empty() {
            return Err(Error::new(Kind::NotFound, format!("there is no key {name}")));
        }
        let mut found = Vec::new();
        for item in items.iter().filter(|item| item.attributes.is_usable()) {
            let (_, version) =
                wire::parts(&item.kid).ok_or_else(|| corrupt("a version has no identifier"))?;
            match self.version(name, version, deadline) {
                Ok(known) => found.extend(known),
                // It changed since it was listed, or is damaged: the others are none the worse.
                Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Disabled | Kind::Corrupt) => {
                    tracing::warn!("{} is left out: {error}", item.kid);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn sign(&self, key: &KeyVersion, signing: Signing<'_>, deadline: Deadline) -> Result<Vec<u8>> {
        let none = || refused("Azure's keys don't sign this");
        let (alg, digest, expected) = match (kept(key)?, signing) {
            (Kept::Rsa(_), Signing::RsaPkcs1 { hash, digest }) => {
                (algorithms::pkcs1(hash).ok_or_else(none)?, digest, None)
            }
            (Kept::Rsa(_), Signing::RsaPss { hash, digest, salt_len }) if salt_len == hash.len() => {
                (algorithms::pss(hash).ok_or_else(none)?, digest, None)
            }
            (Kept::Ec(curve), Signing::Ecdsa { digest }) => {
                let (alg, len) = algorithms::ecdsa(curve).ok_or_else(none)?;
                if digest.len() != len {
                    return Err(refused(format!("{alg} signs digests of {len} bytes")));
                }
                (alg, digest, Some(2 * curve.order_len()))
            }
            _ => return Err(none()),
        };
        let request = wire::Operation { alg, value: &base64_url(digest), iv: None, aad: None, tag: None };
        let signature = self.operate(key, "sign", &request, Repeat::Always, deadline)?;
        match expected.is_none_or(|len| signature.len() == len) {
            true => Ok(signature.to_vec()),
            false => Err(corrupt("the signature has another length")),
        }
    }

    fn expect_cipher(&self, key: &KeyVersion, cipher: Cipher<'_>) -> Result<()> {
        let fits = match (kept(key)?, cipher) {
            (Kept::Rsa(_), Cipher::RsaPkcs1) => true,
            (Kept::Rsa(_), Cipher::RsaOaep { hash }) => algorithms::oaep(hash).is_some(),
            (Kept::Aes(_), Cipher::AesCbc { .. } | Cipher::AesGcm { tag_len: 16, .. }) => true,
            _ => false,
        };
        match fits {
            true => Ok(()),
            false => Err(refused("Azure takes OAEP with SHA-1 or SHA-256, and GCM with tags of 16 bytes")),
        }
    }

    fn decrypt(
        &self,
        key: &KeyVersion,
        cipher: Cipher<'_>,
        ciphertext: &[u8],
        deadline: Deadline,
    ) -> Result<SecretBytes> {
        let none = || refused("this key of Azure's does not decrypt this");
        let kept = kept(key)?;
        let text = |bytes: &[u8]| Some(base64_url(bytes));
        let (operation, alg, parts) = match (&kept, cipher) {
            (Kept::Rsa(Some(operation)), Cipher::RsaPkcs1) => (*operation, "RSA1_5".to_owned(), None),
            (Kept::Rsa(Some(operation)), Cipher::RsaOaep { hash }) => {
                (*operation, algorithms::oaep(hash).ok_or_else(none)?.to_owned(), None)
            }
            (Kept::Aes(bits), Cipher::AesCbc { iv }) => {
                ("decrypt", format!("A{bits}CBC"), Some((ciphertext, text(iv), None, None)))
            }
            (Kept::Aes(bits), Cipher::AesGcm { iv, aad, tag_len: 16 }) => {
                let at = ciphertext.len().checked_sub(16).ok_or_else(none)?;
                let (sealed, tag) = ciphertext.split_at_checked(at).ok_or_else(none)?;
                let aad = text(aad).filter(|aad| !aad.is_empty());
                ("decrypt", format!("A{bits}GCM"), Some((sealed, text(iv), aad, text(tag))))
            }
            _ => return Err(none()),
        };
        let (sealed, iv, aad, tag) = parts.unwrap_or((ciphertext, None, None, None));
        let request = wire::Operation { alg: &alg, value: &base64_url(sealed), iv, aad, tag };
        // As paths are written.
        let operation = operation.to_ascii_lowercase();
        self.operate(key, &operation, &request, Repeat::Unanswered, deadline).map_err(|error| {
            match error.kind() {
                Kind::Refused => error.with_kind(Kind::BadCiphertext),
                _ => error,
            }
        })
    }

    fn encrypt(
        &self,
        key: &KeyVersion,
        cipher: Cipher<'_>,
        plaintext: &[u8],
        deadline: Deadline,
    ) -> Result<Vec<u8>> {
        let (Kept::Aes(bits), Cipher::AesCbc { iv }) = (kept(key)?, cipher) else {
            return Err(refused("AES keys of Azure's encrypt with CBC: the HSM chooses GCM's nonce itself"));
        };
        let value = SecretText::from(base64_url(plaintext));
        let alg = format!("A{bits}CBC");
        let request =
            wire::Operation { alg: &alg, value: &value, iv: Some(base64_url(iv)), aad: None, tag: None };
        Ok(self.operate(key, "encrypt", &request, Repeat::Always, deadline)?.to_vec())
    }

    fn agree(&self, _key: &KeyVersion, _peer_spki: &[u8], _deadline: Deadline) -> Result<SecretBytes> {
        Err(refused("Azure has no key that derives"))
    }

    fn decapsulate(&self, _: &KeyVersion, _: &[u8], _: Deadline) -> Result<SecretBytes> {
        Err(refused("Azure has no key that decapsulates"))
    }

    fn random(&self, out: &mut [u8], deadline: Deadline) -> Result<()> {
        if !self.azure.is_hsm() {
            return Err(refused("a vault gives no random bytes"));
        }
        let body = body(&wire::Count { count: out.len() }, 0)?;
        let random: wire::Random = self.azure.post("/rng", &body, Repeat::Always, deadline)?;
        let bytes = from_base64_url("value", &random.value)?;
        if bytes.len() != out.len() {
            return Err(corrupt("another number of random bytes came"));
        }
        out.copy_from_slice(&bytes);
        Ok(())
    }

    fn create(&self, key: &NewKey, deadline: Deadline) -> Result<Listed> {
        expect_name(&key.label)?;
        let request = to_make(key, self.hsm, self.azure.is_hsm())?;
        // What there is already would get another version.
        let path = format!("/keys/{}", percent(&key.label));
        match self.azure.get::<wire::Bundle>(&path, deadline) {
            Ok(_) => return Err(Error::new(Kind::Conflict, format!("there is a key {}", key.label))),
            Err(error) if error.kind() == Kind::NotFound => {}
            // It is there, whether or not it may be used.
            Err(error) if error.kind() == Kind::Disabled => return Err(error.with_kind(Kind::Conflict)),
            Err(error) => return Err(error),
        }
        let body = body(&request, 0)?;
        let made: wire::Bundle =
            self.azure.post(&format!("{path}/create"), &body, Repeat::Unsent, deadline)?;
        let (name, _) = wire::parts(&made.key.kid).ok_or_else(|| corrupt("the key has no identifier"))?;
        Ok(Listed { name: name.to_owned(), label: name.to_owned() })
    }

    fn destroy(&self, key: &KeyVersion, deadline: Deadline) -> Result<()> {
        // A version that is not the newest stands for itself alone, and Azure deletes no single one.
        let newest: wire::Bundle = self.azure.get(&format!("/keys/{}", percent(&key.name)), deadline)?;
        if wire::parts(&newest.key.kid).is_none_or(|(_, version)| version != key.version) {
            let why = "Azure deletes a key with all its versions: only the newest object stands for that";
            return Err(Error::new(Kind::Denied, why));
        }
        self.azure.delete::<wire::Bundle>(&format!("/keys/{}", percent(&key.name)), deadline).map(|_| ())
    }

    fn authenticate(&self, secret: &[u8], deadline: Deadline) -> Result<()> {
        let secret = std::str::from_utf8(secret);
        let secret = secret.map_err(|_| Error::new(Kind::Unauthenticated, "the secret is not UTF-8"))?;
        self.azure.authenticate(secret, deadline)
    }

    fn forget(&self) {
        self.azure.forget();
    }
}

/// [`Kind::Refused`]
fn to_make(key: &NewKey, hsm: bool, managed: bool) -> Result<wire::Create> {
    let (kty, key_size, crv) = match key.spec {
        _ if key.derives => return Err(refused("Azure has no key that derives")),
        KeySpec::Rsa(bits @ (2048 | 3072 | 4096)) => {
            (if hsm { "RSA-HSM" } else { "RSA" }, usize::try_from(bits).ok(), None)
        }
        KeySpec::Rsa(_) => return Err(refused("Azure makes RSA keys of 2048, 3072 and 4096 bits")),
        KeySpec::Ec(_) if key.decrypts => return Err(refused("EC keys of Azure's sign only")),
        KeySpec::Ec(curve) => {
            let name = algorithms::curve_name(curve)
                .ok_or_else(|| refused("Azure has EC keys on P-256, P-384, P-521 and secp256k1"))?;
            (if hsm { "EC-HSM" } else { "EC" }, None, Some(name))
        }
        // Others are made as well, and then no answer says which they are.
        KeySpec::Aes(32) if managed => ("oct-HSM", Some(AES_BITS), None),
        KeySpec::Aes(_) if managed => return Err(refused("AES keys are made with 256 bits")),
        KeySpec::Aes(_) => return Err(refused("a vault has no AES keys: a managed HSM has")),
        KeySpec::Ed25519 | KeySpec::MlDsa(_) | KeySpec::MlKem(_) | KeySpec::Hmac(..) => {
            return Err(refused("Azure has RSA keys, and EC keys on P-256, P-384, P-521 and secp256k1"));
        }
    };
    let mut key_ops = Vec::new();
    if kty == "oct-HSM" {
        key_ops.extend(["encrypt", "decrypt"]);
    } else {
        key_ops.extend(key.signs.then_some(["sign", "verify"]).into_iter().flatten());
        key_ops.extend(
            key.decrypts.then_some(["decrypt", "encrypt", "unwrapKey", "wrapKey"]).into_iter().flatten(),
        );
    }
    Ok(wire::Create { kty, key_size, crv, key_ops })
}
