//! Google Cloud KMS: the keys of one key ring.
//!
//! A version of a key has one algorithm, so a pair of objects has one mechanism or a family that comes to it. Everything
//! is sent and checked with its CRC32C; what comes damaged is asked for once more.

mod algorithms;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use self::algorithms::{Does, OFFERS, RsaPadding, does, to_make};
use super::client::{
    Act, Cipher, KeyVersion, KmsClient, Listed, Material, NewKey, Service, Signing, Traits, ecdsa_from_der,
};
use crate::cloud::gcp::Google;
use crate::cloud::oauth::pem_block;
use crate::cloud::text::percent;
use crate::cloud::{Connection, Deadline, Error, Kind, Repeat, Result};
use crate::config::{self, SlotReader};
use crate::types::SecretBytes;

const HOST: &str = "cloudkms.googleapis.com";
/// What a page of a list may hold.
const PAGE: usize = 1000;
/// Bytes of one request; software keys take more than HSMs do.
const MAX_DATA: usize = 64 << 10;
/// Random bytes of one request.
const RANDOM: std::ops::RangeInclusive<usize> = 8..=1024;
/// Between two looks at a version that is being generated.
const GENERATION: Duration = Duration::from_millis(300);

/// What is known of it before anybody asks.
pub static SERVICE: Service = Service {
    provider: "gcp",
    manufacturer: "Google",
    model: "Cloud KMS",
    offers: OFFERS,
    permissions: &[
        (Act::Read, "cloudkms.cryptoKeyVersions.viewPublicKey"),
        (Act::Read, "cloudkms.cryptoKeyVersions.get"),
        (Act::Read, "cloudkms.cryptoKeyVersions.list"),
        (Act::List, "cloudkms.cryptoKeys.list"),
        (Act::Sign, "cloudkms.cryptoKeyVersions.useToSign"),
        (Act::Mac, "cloudkms.cryptoKeyVersions.useToSign"),
        (Act::Decrypt, "cloudkms.cryptoKeyVersions.useToDecrypt"),
        (Act::Encrypt, "cloudkms.cryptoKeyVersions.useToEncrypt"),
        (Act::Decapsulate, "cloudkms.cryptoKeyVersions.useToDecapsulate"),
        (Act::Random, "cloudkms.locations.generateRandomBytes"),
        (Act::Create, "cloudkms.cryptoKeys.create"),
        (Act::Destroy, "cloudkms.cryptoKeyVersions.destroy"),
    ],
};

/// Reads the entry's own keys: `key_ring`, `protection_level`, `rsa_padding`, and what [`Google::read`] does.
pub fn open(reader: &mut SlotReader<'_>, connection: Connection) -> config::Result<Arc<dyn KmsClient>> {
    let ring = reader.required_text("key_ring")?;
    let parts: Vec<&str> = ring.split('/').collect();
    let ["projects", project, "locations", location, "keyRings", name] = parts[..] else {
        return Err(reader.refuse("key_ring has to be projects/PROJECT/locations/LOCATION/keyRings/NAME"));
    };
    if [project, location, name].iter().any(|part| part.is_empty()) {
        return Err(reader.refuse("key_ring has an empty part"));
    }
    let levels = [("SOFTWARE", "SOFTWARE"), ("HSM", "HSM")];
    let paddings =
        [("PKCS1", RsaPadding::Pkcs1), ("RAW_PKCS1", RsaPadding::RawPkcs1), ("PSS", RsaPadding::Pss)];
    Ok(Arc::new(CloudKms {
        ring: ring.to_owned(),
        location: format!("projects/{project}/locations/{location}"),
        level: reader.one_of("protection_level", &levels)?.unwrap_or("SOFTWARE"),
        rsa: reader.one_of("rsa_padding", &paddings)?.unwrap_or(RsaPadding::Pkcs1),
        google: Google::read(reader, connection, HOST)?,
    }))
}

struct CloudKms {
    ring: String,
    /// What random bytes are asked of.
    location: String,
    /// Of keys that are made.
    level: &'static str,
    rsa: RsaPadding,
    google: Google,
}

fn refused(why: &str) -> Error {
    Error::new(Kind::Refused, why)
}

fn corrupt(why: &str) -> Error {
    Error::new(Kind::Corrupt, why)
}

/// Once more for an answer that came damaged.
fn twice<T>(ask: impl Fn() -> Result<T>) -> Result<T> {
    match ask() {
        Err(error) if error.kind() == Kind::Corrupt => {
            tracing::warn!("asking once more: {error}");
            ask()
        }
        answer => answer,
    }
}

/// A body that may hold a secret.
fn body(request: &impl Serialize, room: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut json = Zeroizing::new(Vec::with_capacity(room.saturating_mul(3) + 1024));
    serde_json::to_writer(&mut *json, request).map_err(|_| refused("the request can't be written"))?;
    Ok(json)
}

/// A resource name as a path: its slashes divide segments.
fn path(name: &str) -> String {
    let segments: Vec<_> = name.split('/').map(percent).collect();
    format!("/v1/{}", segments.join("/"))
}

/// The last segment.
fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

impl CloudKms {
    /// The full name of a key or a version, from one or from what follows the ring: `KEY`, `KEY/VERSION`,
    /// `KEY/cryptoKeyVersions/VERSION`.
    fn full_name(&self, name: &str) -> String {
        if name.starts_with("projects/") {
            return name.to_owned();
        }
        let parts: Vec<&str> = name.trim_start_matches("cryptoKeys/").split('/').collect();
        match parts[..] {
            [key, version] | [key, "cryptoKeyVersions", version] => {
                format!("{}/cryptoKeys/{key}/cryptoKeyVersions/{version}", self.ring)
            }
            _ => format!("{}/cryptoKeys/{}", self.ring, parts.join("/")),
        }
    }

    fn pages<P: DeserializeOwned>(
        &self,
        what: &str,
        deadline: Deadline,
        mut take: impl FnMut(P) -> String,
    ) -> Result<()> {
        let mut token = String::new();
        loop {
            let next = if token.is_empty() { token } else { format!("&pageToken={}", percent(&token)) };
            let page: P = self.google.get(&format!("{what}?pageSize={PAGE}{next}"), deadline)?;
            token = take(page);
            if token.is_empty() {
                return Ok(());
            }
        }
    }

    fn versions(&self, key: &str, deadline: Deadline) -> Result<Vec<wire::Version>> {
        let mut versions = Vec::new();
        self.pages(&format!("{}/cryptoKeyVersions", path(key)), deadline, |page: wire::Versions| {
            versions.extend(page.crypto_key_versions);
            page.next_page_token
        })?;
        Ok(versions)
    }

    /// A version whose state and algorithm are known. `None` where it is of no use.
    fn version(&self, version: &wire::Version, deadline: Deadline) -> Result<Option<KeyVersion>> {
        let Some(does) = does(&version.algorithm).filter(|_| version.state == "ENABLED") else {
            return Ok(None);
        };
        let material = match does.secret() {
            Some((kind, len)) => Material::Secret(kind, len),
            None if does.is_post_quantum() => {
                let url = format!("{}/publicKey?publicKeyFormat=NIST_PQC", path(&version.name));
                let public = || self.google.get::<wire::PublicKey>(&url, deadline)?.bytes(&version.name);
                let spki = does.public(&twice(public)?).and_then(|public| public.to_spki());
                Material::Pair(spki.map_err(|_| corrupt("the public key is none of its algorithm"))?)
            }
            None => Material::Pair(self.public(&version.name, deadline)?.1),
        };
        Ok(Some(key_version(&version.name, &version.algorithm, does, material, version.created())))
    }

    /// Algorithm and SubjectPublicKeyInfo of a version whose public key comes in PEM.
    fn public(&self, name: &str, deadline: Deadline) -> Result<(String, Vec<u8>)> {
        twice(|| {
            let public: wire::PublicKey = self.google.get(&format!("{}/publicKey", path(name)), deadline)?;
            let spki = pem_block(public.pem(name)?, "PUBLIC KEY");
            let spki = spki.ok_or_else(|| corrupt("the public key is not in PEM"))?;
            Ok((public.algorithm, spki.to_vec()))
        })
    }

    /// One version by its name: in one request if it is a pair that is exported in PEM, as most are.
    fn read_version(&self, name: &str, deadline: Deadline) -> Result<Option<KeyVersion>> {
        match self.public(name, deadline) {
            Ok((algorithm, spki)) => {
                Ok(does(&algorithm)
                    .map(|does| key_version(name, &algorithm, does, Material::Pair(spki), None)))
            }
            // A secret key, a post-quantum one, or not enabled.
            Err(error) if matches!(error.kind(), Kind::Refused | Kind::Disabled) => {
                self.version(&self.google.get(&path(name), deadline)?, deadline)
            }
            Err(error) => Err(error),
        }
    }

    fn post<T: DeserializeOwned>(
        &self,
        key: &KeyVersion,
        method: &str,
        body: &[u8],
        repeat: Repeat,
        deadline: Deadline,
    ) -> Result<T> {
        self.google.post(&format!("{}:{method}", path(&key.resource)), body, repeat, deadline)
    }

    fn signature(&self, key: &KeyVersion, request: &wire::Sign, deadline: Deadline) -> Result<Vec<u8>> {
        let body = body(request, 0)?;
        twice(|| {
            let signed: wire::Signed = self.post(key, "asymmetricSign", &body, Repeat::Always, deadline)?;
            signed.signature(&key.resource)
        })
    }
}

fn key_version(
    name: &str,
    algorithm: &str,
    does: Does,
    material: Material,
    created: Option<u64>,
) -> KeyVersion {
    KeyVersion {
        resource: name.to_owned(),
        name: name.split("/cryptoKeyVersions/").next().unwrap_or(name).to_owned(),
        version: last(name).to_owned(),
        material,
        mechanisms: does.mechanisms().to_vec(),
        usage: does.usage(),
        raw_pkcs1: matches!(does, Does::Pkcs1Any),
        mu: matches!(does, Does::MlDsaMu(_)),
        algorithm: algorithm.to_owned(),
        created,
    }
}

/// What the service would refuse in words of its own, or worse, would not.
fn fits(does: Does, signing: &Signing<'_>) -> bool {
    match (does, signing) {
        (Does::Pkcs1(own), Signing::RsaPkcs1 { hash, .. }) => own == *hash,
        (Does::Pkcs1Any, Signing::RsaPkcs1 { .. } | Signing::RsaPkcs1Raw { .. }) => true,
        (Does::Pss(own), Signing::RsaPss { hash, salt_len, .. }) => own == *hash && *salt_len == own.len(),
        (Does::Ecdsa(len), Signing::Ecdsa { digest }) => digest.len() == len,
        (Does::Ed25519, Signing::Ed25519 { .. }) => true,
        (Does::MlDsa(_), Signing::MlDsa { .. }) => true,
        (Does::MlDsaMu(_), Signing::MlDsaMu { .. }) => true,
        (Does::Hmac(own), Signing::Hmac { hash, .. }) => own == *hash,
        _ => false,
    }
}

impl KmsClient for CloudKms {
    fn service(&self) -> &'static Service {
        &SERVICE
    }

    fn traits(&self) -> Traits {
        Traits {
            any_pss_salt: false,
            max_message: MAX_DATA,
            max_data: MAX_DATA,
            max_random: *RANDOM.end(),
            secret_pin: false,
        }
    }

    fn identity(&self) -> String {
        format!("gcp:{}", self.ring)
    }

    fn list(&self, deadline: Deadline) -> Result<Vec<Listed>> {
        const PURPOSES: [&str; 5] =
            ["ASYMMETRIC_SIGN", "ASYMMETRIC_DECRYPT", "MAC", "RAW_ENCRYPT_DECRYPT", "KEY_ENCAPSULATION"];
        let mut listed = Vec::new();
        self.pages(&format!("{}/cryptoKeys", path(&self.ring)), deadline, |page: wire::Keys| {
            let useful = page.crypto_keys.into_iter().filter(|key| PURPOSES.contains(&&*key.purpose));
            listed.extend(useful.map(|key| Listed { label: last(&key.name).to_owned(), name: key.name }));
            page.next_page_token
        })?;
        Ok(listed)
    }

    fn read(&self, name: &str, deadline: Deadline) -> Result<Vec<KeyVersion>> {
        let name = self.full_name(name);
        if name.contains("/cryptoKeyVersions/") {
            return Ok(self.read_version(&name, deadline)?.into_iter().collect());
        }
        let mut versions = self.versions(&name, deadline)?;
        let number = |version: &wire::Version| last(&version.name).parse::<u64>().unwrap_or(0);
        versions.sort_by_key(|version| std::cmp::Reverse(number(version)));
        let mut found = Vec::new();
        for version in &versions {
            match self.version(version, deadline) {
                Ok(known) => found.extend(known),
                // It changed since it was listed, or is damaged: the others are none the worse.
                Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Disabled | Kind::Corrupt) => {
                    tracing::warn!("{} is left out: {error}", version.name);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn sign(&self, key: &KeyVersion, signing: Signing<'_>, deadline: Deadline) -> Result<Vec<u8>> {
        let does = does(&key.algorithm).filter(|does| fits(*does, &signing));
        if does.is_none() {
            return Err(refused(&format!("a key of {} does not sign this", key.algorithm)));
        }
        match signing {
            Signing::RsaPkcs1 { hash, digest } if does == Some(Does::Pkcs1Any) => {
                let info = [hash.digest_info_prefix(), digest].concat();
                self.signature(key, &wire::Sign::data(&info), deadline)
            }
            Signing::RsaPkcs1Raw { data } => self.signature(key, &wire::Sign::data(data), deadline),
            Signing::RsaPkcs1 { digest, .. } | Signing::RsaPss { digest, .. } => {
                self.signature(key, &wire::Sign::digest(digest)?, deadline)
            }
            Signing::Ecdsa { digest } => {
                let signature = self.signature(key, &wire::Sign::digest(digest)?, deadline)?;
                // The two curves' orders are as long as the digests that belong to them.
                ecdsa_from_der(&signature, digest.len())
            }
            Signing::Ed25519 { message } | Signing::MlDsa { message } => {
                self.signature(key, &wire::Sign::data(message), deadline)
            }
            Signing::MlDsaMu { mu } => self.signature(key, &wire::Sign::mu(mu), deadline),
            Signing::Hmac { message, .. } => {
                let body = body(&wire::Mac::new(message), 0)?;
                twice(|| {
                    let maced: wire::Maced = self.post(key, "macSign", &body, Repeat::Always, deadline)?;
                    maced.mac(&key.resource)
                })
            }
        }
    }

    fn expect_cipher(&self, key: &KeyVersion, cipher: Cipher<'_>) -> Result<()> {
        let fits = match (does(&key.algorithm), cipher) {
            (Some(Does::Oaep(own)), Cipher::RsaOaep { hash }) => own == hash,
            (Some(Does::Gcm(_)), Cipher::AesGcm { .. })
            | (Some(Does::Cbc(_)), Cipher::AesCbc { .. })
            | (Some(Does::Ctr(_)), Cipher::AesCtr { .. }) => true,
            _ => false,
        };
        match fits {
            true => Ok(()),
            false => Err(refused(&format!("a key of {} does nothing with these parameters", key.algorithm))),
        }
    }

    fn decrypt(
        &self,
        key: &KeyVersion,
        cipher: Cipher<'_>,
        ciphertext: &[u8],
        deadline: Deadline,
    ) -> Result<SecretBytes> {
        let given = wire::Decrypt::new(ciphertext);
        let (method, body) = match (does(&key.algorithm), cipher) {
            (Some(Does::Oaep(own)), Cipher::RsaOaep { hash }) if own == hash => {
                ("asymmetricDecrypt", body(&given, 0)?)
            }
            (Some(Does::Gcm(_)), Cipher::AesGcm { iv, aad, tag_len }) => {
                let around = wire::Surroundings::new(iv, aad);
                ("rawDecrypt", body(&given.raw(around, Some(tag_len)), 0)?)
            }
            (Some(Does::Cbc(_)), Cipher::AesCbc { iv }) | (Some(Does::Ctr(_)), Cipher::AesCtr { iv }) => {
                ("rawDecrypt", body(&given.raw(wire::Surroundings::new(iv, &[]), None), 0)?)
            }
            _ => return Err(refused(&format!("a key of {} does not decrypt this", key.algorithm))),
        };
        twice(|| {
            let answer = self.post::<wire::Decrypted>(key, method, &body, Repeat::Unanswered, deadline);
            let answer = answer.map_err(|error| match error.kind() {
                Kind::Refused => error.with_kind(Kind::BadCiphertext),
                _ => error,
            })?;
            answer.plaintext()
        })
    }

    fn encrypt(
        &self,
        key: &KeyVersion,
        cipher: Cipher<'_>,
        plaintext: &[u8],
        deadline: Deadline,
    ) -> Result<Vec<u8>> {
        let iv = match (does(&key.algorithm), cipher) {
            (Some(Does::Cbc(_)), Cipher::AesCbc { iv }) | (Some(Does::Ctr(_)), Cipher::AesCtr { iv }) => iv,
            (Some(Does::Gcm(_)), _) => {
                return Err(refused("Google chooses the nonce of AES-GCM: such keys only decrypt here"));
            }
            _ => return Err(refused(&format!("a key of {} does not encrypt this", key.algorithm))),
        };
        let request = wire::RawEncrypt {
            plaintext: &wire::encoded(plaintext),
            plaintext_crc32c: wire::sum(plaintext),
            surroundings: wire::Surroundings::new(iv, &[]),
        };
        let body = body(&request, plaintext.len())?;
        twice(|| {
            let encrypted: wire::Encrypted = self.post(key, "rawEncrypt", &body, Repeat::Always, deadline)?;
            encrypted.ciphertext(&key.resource)
        })
    }

    fn agree(&self, _key: &KeyVersion, _peer_spki: &[u8], _deadline: Deadline) -> Result<SecretBytes> {
        Err(refused("Google has no key that derives"))
    }

    fn decapsulate(&self, key: &KeyVersion, ciphertext: &[u8], deadline: Deadline) -> Result<SecretBytes> {
        if !matches!(does(&key.algorithm), Some(Does::MlKem(_))) {
            return Err(refused(&format!("a key of {} does not decapsulate", key.algorithm)));
        }
        let body = body(&wire::Decrypt::new(ciphertext), 0)?;
        twice(|| {
            let answer =
                self.post::<wire::Decapsulated>(key, "decapsulate", &body, Repeat::Always, deadline)?;
            answer.secret(&key.resource)
        })
    }

    fn random(&self, out: &mut [u8], deadline: Deadline) -> Result<()> {
        let wanted = out.len().max(*RANDOM.start());
        let body = body(&wire::Random { length_bytes: wanted, protection_level: "HSM" }, 0)?;
        let url = format!("{}:generateRandomBytes", path(&self.location));
        let bytes =
            twice(|| self.google.post::<wire::RandomBytes>(&url, &body, Repeat::Always, deadline)?.bytes())?;
        let given = bytes.get(..out.len()).filter(|_| bytes.len() == wanted);
        out.copy_from_slice(given.ok_or_else(|| corrupt("another number of random bytes came"))?);
        Ok(())
    }

    fn create(&self, key: &NewKey, deadline: Deadline) -> Result<Listed> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if !(1..=63).contains(&key.label.len()) || !key.label.bytes().all(allowed) {
            return Err(refused("a name of Google's has 1 to 63 of a-z, A-Z, 0-9, _ and -"));
        }
        let (purpose, algorithm, only_hsm) = to_make(key, self.rsa).map_err(refused)?;
        let protection_level = if only_hsm { "HSM" } else { self.level };
        let template = wire::Template { algorithm, protection_level };
        let body = body(&wire::NewKey { purpose, version_template: template }, 0)?;
        let url = format!("{}/cryptoKeys?cryptoKeyId={}", path(&self.ring), percent(&key.label));
        let made: wire::Key = self.google.post(&url, &body, Repeat::Unsent, deadline)?;
        self.wait_until_made(&made.name, deadline)?;
        Ok(Listed { label: key.label.clone(), name: made.name })
    }

    fn destroy(&self, key: &KeyVersion, deadline: Deadline) -> Result<()> {
        self.post::<wire::Version>(key, "destroy", b"{}", Repeat::Unsent, deadline).map(|_| ())
    }

    fn authenticate(&self, _secret: &[u8], _deadline: Deadline) -> Result<()> {
        Err(Error::new(Kind::Configuration, "provider gcp has no secret for a PIN"))
    }

    fn forget(&self) {}
}

impl CloudKms {
    /// HSMs take seconds to generate a key, during which the service refuses to use it.
    fn wait_until_made(&self, key: &str, deadline: Deadline) -> Result<()> {
        loop {
            let versions = self.versions(key, deadline)?;
            match versions.first().map(|version| version.state.as_str()) {
                Some("PENDING_GENERATION") | None => {}
                Some("ENABLED") => return Ok(()),
                Some(state) => return Err(Error::new(Kind::Disabled, format!("{key} is made, and {state}"))),
            }
            if deadline.left() <= GENERATION {
                let why = format!("{key} is made, and still being generated");
                return Err(Error::new(Kind::Unavailable, why));
            }
            std::thread::sleep(GENERATION);
        }
    }
}
