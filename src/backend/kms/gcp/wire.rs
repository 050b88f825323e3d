//! The JSON that Google Cloud KMS speaks: proto3's, where a field with its default value is left out.

use serde::{Deserialize, Serialize};

use crate::cloud::gcp::checksum::{Checksum, crc32c};
use crate::cloud::text::{base64, from_base64};
use crate::cloud::{Error, Kind, Result, SecretText};
use crate::types::SecretBytes;

/// Whether the service got a checksum and found it right; it says nothing where it did not.
fn arrived(verified: bool, field: &str) -> Result<()> {
    match verified {
        true => Ok(()),
        false => Err(Error::new(Kind::Corrupt, format!("the service did not check the CRC32C of {field}"))),
    }
}

/// The answer speaks of what was asked for. A project may be named by its number in one and by its ID in the other.
/// [`Kind::Corrupt`].
fn same(name: &str, wanted: &str) -> Result<()> {
    let within = |name: &'_ str| name.find("/locations/").and_then(|at| name.get(at..)).map(str::to_owned);
    match name == wanted || within(name).is_some_and(|part| within(wanted) == Some(part)) {
        true => Ok(()),
        false => {
            Err(Error::new(Kind::Corrupt, format!("the answer is about {name}, and not about {wanted}")))
        }
    }
}

/// The bytes of a field and their checksum.
fn checked(field: &str, text: &str, sum: Option<Checksum>) -> Result<SecretBytes> {
    let bytes = from_base64(field, text)?;
    Checksum::check(sum, field, &bytes)?;
    Ok(bytes)
}

/// Bytes in Base64 that may be secret.
pub(super) fn encoded(bytes: &[u8]) -> SecretText {
    SecretText::from(base64(bytes))
}

/// A checksum in a request.
pub(super) fn sum(bytes: &[u8]) -> String {
    crc32c(bytes).to_string()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Keys {
    #[serde(default)]
    pub(super) crypto_keys: Vec<Key>,
    #[serde(default)]
    pub(super) next_page_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Key {
    pub(super) name: String,
    #[serde(default)]
    pub(super) purpose: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Versions {
    #[serde(default)]
    pub(super) crypto_key_versions: Vec<Version>,
    #[serde(default)]
    pub(super) next_page_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Version {
    pub(super) name: String,
    #[serde(default)]
    pub(super) state: String,
    #[serde(default)]
    pub(super) algorithm: String,
    #[serde(default)]
    pub(super) create_time: String,
}

impl Version {
    /// When it was made, in seconds since 1970.
    pub(super) fn created(&self) -> Option<u64> {
        let seconds = self.create_time.get(..19)?;
        let time: der::DateTime = format!("{seconds}Z").parse().ok()?;
        Some(time.unix_duration().as_secs())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PublicKey {
    #[serde(default)]
    name: String,
    #[serde(default)]
    pub(super) algorithm: String,
    #[serde(default)]
    pem: String,
    pem_crc32c: Option<Checksum>,
    public_key: Option<Checksummed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checksummed {
    #[serde(default)]
    data: String,
    crc32c_checksum: Option<Checksum>,
}

impl PublicKey {
    /// The PEM that is answered without a format. [`Kind::Corrupt`].
    pub(super) fn pem(&self, name: &str) -> Result<&str> {
        same(&self.name, name)?;
        Checksum::check(self.pem_crc32c, "pem", self.pem.as_bytes())?;
        Ok(&self.pem)
    }

    /// The bytes that are answered with one. [`Kind::Corrupt`].
    pub(super) fn bytes(&self, name: &str) -> Result<SecretBytes> {
        same(&self.name, name)?;
        let key = self.public_key.as_ref();
        let key = key.ok_or_else(|| Error::new(Kind::Corrupt, "the answer has no publicKey"))?;
        checked("publicKey", &key.data, key.crc32c_checksum)
    }
}

/// `asymmetricSign`: a digest or data.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sign {
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest_crc32c: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_crc32c: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Digest {
    Sha256(String),
    Sha384(String),
    Sha512(String),
    ExternalMu(String),
}

impl Sign {
    pub(super) fn data(data: &[u8]) -> Sign {
        Sign { data: Some(base64(data)), data_crc32c: Some(sum(data)), ..Sign::default() }
    }

    /// A digest, whose length says which of the three it is.
    pub(super) fn digest(digest: &[u8]) -> Result<Sign> {
        let text = base64(digest);
        Ok(Sign::of(
            digest,
            match digest.len() {
                32 => Digest::Sha256(text),
                48 => Digest::Sha384(text),
                64 => Digest::Sha512(text),
                _ => return Err(Error::new(Kind::Refused, "Google signs digests of 32, 48 and 64 bytes")),
            },
        ))
    }

    pub(super) fn mu(mu: &[u8; 64]) -> Sign {
        Sign::of(mu, Digest::ExternalMu(base64(mu)))
    }

    fn of(bytes: &[u8], digest: Digest) -> Sign {
        Sign { digest: Some(digest), digest_crc32c: Some(sum(bytes)), ..Sign::default() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Signed {
    #[serde(default)]
    signature: String,
    signature_crc32c: Option<Checksum>,
    #[serde(default)]
    verified_digest_crc32c: bool,
    #[serde(default)]
    verified_data_crc32c: bool,
    #[serde(default)]
    name: String,
}

impl Signed {
    /// [`Kind::Corrupt`]
    pub(super) fn signature(&self, name: &str) -> Result<Vec<u8>> {
        same(&self.name, name)?;
        arrived(self.verified_digest_crc32c || self.verified_data_crc32c, "what was to be signed")?;
        Ok(checked("signature", &self.signature, self.signature_crc32c)?.to_vec())
    }
}

/// `macSign`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mac {
    data: String,
    data_crc32c: String,
}

impl Mac {
    pub(super) fn new(data: &[u8]) -> Mac {
        Mac { data: base64(data), data_crc32c: sum(data) }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Maced {
    #[serde(default)]
    mac: String,
    mac_crc32c: Option<Checksum>,
    #[serde(default)]
    verified_data_crc32c: bool,
    #[serde(default)]
    name: String,
}

impl Maced {
    /// [`Kind::Corrupt`]
    pub(super) fn mac(&self, name: &str) -> Result<Vec<u8>> {
        same(&self.name, name)?;
        arrived(self.verified_data_crc32c, "what was to be MACed")?;
        Ok(checked("mac", &self.mac, self.mac_crc32c)?.to_vec())
    }
}

/// `asymmetricDecrypt` and `decapsulate`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Decrypt {
    ciphertext: String,
    ciphertext_crc32c: String,
}

/// `rawDecrypt`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawDecrypt {
    #[serde(flatten)]
    decrypt: Decrypt,
    #[serde(flatten)]
    surroundings: Surroundings,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_length: Option<usize>,
}

/// The IV, and what is authenticated beside the text.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Surroundings {
    initialization_vector: String,
    initialization_vector_crc32c: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_authenticated_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_authenticated_data_crc32c: Option<String>,
}

impl Surroundings {
    pub(super) fn new(iv: &[u8], aad: &[u8]) -> Surroundings {
        let aad = Some(aad).filter(|aad| !aad.is_empty());
        Surroundings {
            initialization_vector: base64(iv),
            initialization_vector_crc32c: sum(iv),
            additional_authenticated_data: aad.map(base64),
            additional_authenticated_data_crc32c: aad.map(sum),
        }
    }
}

impl Decrypt {
    pub(super) fn new(ciphertext: &[u8]) -> Decrypt {
        Decrypt { ciphertext: base64(ciphertext), ciphertext_crc32c: sum(ciphertext) }
    }

    pub(super) fn raw(self, surroundings: Surroundings, tag_length: Option<usize>) -> RawDecrypt {
        RawDecrypt { decrypt: self, surroundings, tag_length }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Decrypted {
    #[serde(default)]
    plaintext: SecretText,
    plaintext_crc32c: Option<Checksum>,
    #[serde(default)]
    verified_ciphertext_crc32c: bool,
}

impl Decrypted {
    /// [`Kind::Corrupt`]
    pub(super) fn plaintext(&self) -> Result<SecretBytes> {
        arrived(self.verified_ciphertext_crc32c, "the ciphertext")?;
        checked("plaintext", &self.plaintext, self.plaintext_crc32c)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Decapsulated {
    #[serde(default)]
    shared_secret: SecretText,
    shared_secret_crc32c: Option<Checksum>,
    #[serde(default)]
    verified_ciphertext_crc32c: bool,
    #[serde(default)]
    name: String,
}

impl Decapsulated {
    /// [`Kind::Corrupt`]
    pub(super) fn secret(&self, name: &str) -> Result<SecretBytes> {
        same(&self.name, name)?;
        arrived(self.verified_ciphertext_crc32c, "the ciphertext")?;
        checked("sharedSecret", &self.shared_secret, self.shared_secret_crc32c)
    }
}

/// `rawEncrypt`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawEncrypt<'a> {
    pub(super) plaintext: &'a str,
    pub(super) plaintext_crc32c: String,
    #[serde(flatten)]
    pub(super) surroundings: Surroundings,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Encrypted {
    #[serde(default)]
    ciphertext: String,
    ciphertext_crc32c: Option<Checksum>,
    #[serde(default)]
    verified_plaintext_crc32c: bool,
    #[serde(default)]
    verified_initialization_vector_crc32c: bool,
    #[serde(default)]
    name: String,
}

impl Encrypted {
    /// [`Kind::Corrupt`]
    pub(super) fn ciphertext(&self, name: &str) -> Result<Vec<u8>> {
        same(&self.name, name)?;
        arrived(self.verified_plaintext_crc32c, "the plaintext")?;
        arrived(self.verified_initialization_vector_crc32c, "the IV")?;
        Ok(checked("ciphertext", &self.ciphertext, self.ciphertext_crc32c)?.to_vec())
    }
}

/// `generateRandomBytes`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Random {
    pub(super) length_bytes: usize,
    pub(super) protection_level: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RandomBytes {
    #[serde(default)]
    data: SecretText,
    data_crc32c: Option<Checksum>,
}

impl RandomBytes {
    /// [`Kind::Corrupt`]
    pub(super) fn bytes(&self) -> Result<SecretBytes> {
        checked("data", &self.data, self.data_crc32c)
    }
}

/// A key to make.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewKey {
    pub(super) purpose: &'static str,
    pub(super) version_template: Template,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Template {
    pub(super) algorithm: String,
    pub(super) protection_level: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_about_what_was_asked_for() {
        let version = |project: &str, at: u32| {
            format!("projects/{project}/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/{at}")
        };
        assert!(same(&version("p", 1), &version("p", 1)).is_ok());
        assert!(same(&version("p", 1), &version("123", 1)).is_ok());
        for other in [version("p", 2), String::new(), "k".to_owned()] {
            assert_eq!(same(&other, &version("p", 1)).unwrap_err().kind(), Kind::Corrupt, "{other}");
        }
    }

    #[test]
    fn times_are_read() {
        let created = |time: &str| {
            let json = format!(r#"{{"name": "n", "createTime": "{time}"}}"#);
            serde_json::from_str::<Version>(&json).unwrap().created()
        };
        assert_eq!(created("2024-02-29T12:34:56.789Z"), Some(1_709_210_096));
        assert_eq!(created("2024-02-29T12:34:56Z"), Some(1_709_210_096));
        assert_eq!([created(""), created("yesterday"), created("2024-02-30T00:00:00Z")], [None; 3]);
    }
}
