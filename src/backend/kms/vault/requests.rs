//! Signatures and ciphertexts as transit writes them: `vault:v3:` and Base64.

use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use super::{refused, text};
use crate::backend::kms::client::{Cipher, KeyVersion, Signing};
use crate::cloud::vault::data;
use crate::cloud::{Error, Kind, Response, Result};
use crate::crypto::Hash;

/// Enough for a body without its Base64.
const AROUND: usize = 512;
const GCM_IV: usize = 12;
const GCM_TAG: usize = 16;

/// A body for `sign` or `hmac`. What is not set is left out: the server warns of what it does not know.
#[derive(Serialize)]
pub(super) struct Sign {
    #[serde(skip)]
    what: &'static str,
    #[serde(serialize_with = "revealed")]
    input: Zeroizing<String>,
    key_version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    prehashed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash_algorithm: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature_algorithm: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    salt_length: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marshaling_algorithm: Option<&'static str>,
    /// The hash of an HMAC.
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<&'static str>,
}

/// Into a buffer that is wiped.
fn revealed<S: Serializer>(text: &str, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.serialize_str(text)
}

impl Sign {
    /// The endpoint.
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// A bound of the body's length.
    pub fn size(&self) -> usize {
        AROUND + self.input.len()
    }
}

/// A body for `decrypt`.
#[derive(Serialize)]
pub(super) struct Decrypt {
    #[serde(serialize_with = "revealed")]
    ciphertext: Zeroizing<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    associated_data: Option<String>,
}

impl Decrypt {
    /// A bound of the body's length.
    pub fn size(&self) -> usize {
        AROUND + self.ciphertext.len() + self.associated_data.as_deref().map_or(0, str::len)
    }
}

/// [`Kind::Refused`] for a hash whose mechanisms are not offered here.
fn hash_name(hash: Hash) -> Result<&'static str> {
    Ok(match hash {
        Hash::Sha1 => "sha1",
        Hash::Sha224 => "sha2-224",
        Hash::Sha256 => "sha2-256",
        Hash::Sha384 => "sha2-384",
        Hash::Sha512 => "sha2-512",
        _ => return Err(refused("transit signs here with SHA-1 and SHA-2 only")),
    })
}

fn number(key: &KeyVersion) -> Result<u64> {
    key.version.parse().map_err(|_| refused("the key's version is no number"))
}

/// The server takes a digest of any length for any hash: not from here.
fn expect_len(digest: &[u8], hash: Hash) -> Result<()> {
    match digest.len() == hash.len() {
        true => Ok(()),
        false => Err(refused("the digest has not the hash's length")),
    }
}

/// [`Kind::Refused`] for what transit does not sign.
pub(super) fn sign(key: &KeyVersion, signing: Signing<'_>) -> Result<Sign> {
    let base = |input: &[u8]| -> Result<Sign> {
        Ok(Sign {
            what: "sign",
            input: Zeroizing::new(text::base64(input)),
            key_version: number(key)?,
            prehashed: None,
            hash_algorithm: None,
            signature_algorithm: None,
            salt_length: None,
            marshaling_algorithm: None,
            algorithm: None,
        })
    };
    let digested = |digest: &[u8], hash: Hash| -> Result<Sign> {
        expect_len(digest, hash)?;
        Ok(Sign { prehashed: Some(true), hash_algorithm: Some(hash_name(hash)?), ..base(digest)? })
    };
    Ok(match signing {
        Signing::RsaPkcs1 { hash, digest } => {
            Sign { signature_algorithm: Some("pkcs1v15"), ..digested(digest, hash)? }
        }
        Signing::RsaPkcs1Raw { data } => Sign {
            prehashed: Some(true),
            hash_algorithm: Some("none"),
            signature_algorithm: Some("pkcs1v15"),
            ..base(data)?
        },
        // The server takes zero for the longest that fits.
        Signing::RsaPss { salt_len: 0, .. } => return Err(refused("transit's PSS has a salt")),
        Signing::RsaPss { hash, digest, salt_len } => Sign {
            signature_algorithm: Some("pss"),
            // Without it the salt is as long as fits, too.
            salt_length: Some(salt_len.to_string()),
            ..digested(digest, hash)?
        },
        Signing::Ecdsa { digest } => {
            let fitting = [Hash::Sha256, Hash::Sha384, Hash::Sha512].into_iter();
            let hash = fitting.into_iter().find(|hash| hash.len() == digest.len());
            let hash = hash.ok_or_else(|| refused("ECDSA here signs digests of 32, 48 or 64 bytes"))?;
            // r and s, each padded to the order's length.
            Sign { marshaling_algorithm: Some("jws"), ..digested(digest, hash)? }
        }
        Signing::Ed25519 { message } => base(message)?,
        Signing::Hmac { hash, message } => {
            Sign { what: "hmac", algorithm: Some(hash_name(hash)?), ..base(message)? }
        }
        Signing::MlDsa { .. } | Signing::MlDsaMu { .. } => return Err(refused("transit has no ML-DSA")),
    })
}

/// The bytes of an answer to [`sign`]. [`Kind::Corrupt`] for another version's, or no Base64.
pub(super) fn signature(key: &KeyVersion, answer: &Response) -> Result<Vec<u8>> {
    #[derive(Deserialize)]
    struct Signed {
        #[serde(alias = "hmac")]
        signature: String,
    }
    let signed = data::<Signed>("sign", answer)?.signature;
    let prefix = format!("vault:v{}:", key.version);
    let signature = signed.strip_prefix(&prefix).ok_or_else(|| {
        Error::new(Kind::Corrupt, format!("the signature is not one of version {}", key.version))
    })?;
    // ECDSA's jws is in the alphabet for URLs, and nothing else is.
    let bytes = match key.algorithm.starts_with("ecdsa-") {
        true => text::from_base64_url("signature", signature),
        false => text::from_base64("signature", signature),
    };
    Ok(bytes?.to_vec())
}

/// [`Kind::Refused`] for what transit does not decrypt.
pub(super) fn expect_cipher(cipher: Cipher<'_>) -> Result<()> {
    match cipher {
        Cipher::RsaOaep { hash: Hash::Sha256 } => Ok(()),
        Cipher::AesGcm { iv, tag_len: GCM_TAG, .. } if iv.len() == GCM_IV => Ok(()),
        Cipher::AesGcm { .. } => Err(refused("transit's AES-GCM has an IV of 12 bytes and a tag of 16")),
        Cipher::RsaOaep { .. } | Cipher::RsaPkcs1 => {
            Err(refused("transit's RSA keys decrypt OAEP with SHA-256 only"))
        }
        Cipher::AesCbc { .. } | Cipher::AesCtr { .. } => Err(refused("transit's AES keys do GCM only")),
    }
}

/// [`Kind::Refused`] for what transit does not decrypt, [`Kind::BadCiphertext`] for what can't be one.
pub(super) fn decrypt(key: &KeyVersion, cipher: Cipher<'_>, ciphertext: &[u8]) -> Result<Decrypt> {
    expect_cipher(cipher)?;
    let prefix = format!("vault:v{}:", number(key)?);
    let (sealed, associated_data) = match cipher {
        Cipher::AesGcm { iv, aad, .. } => {
            if ciphertext.len() < GCM_TAG {
                return Err(Error::new(Kind::BadCiphertext, "the ciphertext is shorter than its tag"));
            }
            let associated_data = (!aad.is_empty()).then(|| text::base64(aad));
            (text::base64(&[iv, ciphertext].concat()), associated_data)
        }
        _ => (text::base64(ciphertext), None),
    };
    Ok(Decrypt { ciphertext: Zeroizing::new(prefix + &sealed), associated_data })
}
