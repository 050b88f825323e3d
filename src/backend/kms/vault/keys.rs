//! Types of keys: what transit tells of them, and what they do.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::backend::kms::client::{KeyVersion, Material, Offer};
use crate::cloud::{Error, Kind, Result, text};
use crate::crypto::{Ed25519Public, PublicKey};
use crate::types::ck;

const SIGN: ck::CK_FLAGS = ck::CKF_SIGN;
const MAC: ck::CK_FLAGS = ck::CKF_SIGN | ck::CKF_VERIFY;
const DECRYPT: ck::CK_FLAGS = ck::CKF_DECRYPT;
const UNWRAP: ck::CK_FLAGS = ck::CKF_DECRYPT | ck::CKF_UNWRAP;
const PAIR: ck::CK_FLAGS = ck::CKF_GENERATE_KEY_PAIR;
const KEY: ck::CK_FLAGS = ck::CKF_GENERATE;

const RSA: &str = "RSA 2048, 3072, 4096";
const EC: &str = "P-256, P-384, P-521";
const ED25519: &str = "Ed25519 without context; messages below 24 MiB";
const HMAC: &str = "`hmac` keys; messages below 24 MiB";

const fn offer(mechanism: ck::CK_MECHANISM_TYPE, flags: ck::CK_FLAGS, limits: &'static str) -> Offer {
    Offer { mechanism, flags, limits }
}

/// What transit does with PKCS#11's mechanisms.
pub(super) const OFFERS: [Offer; 31] = [
    offer(ck::CKM_RSA_PKCS, SIGN, "RSA 2048, 3072, 4096; any data that fits, a DigestInfo or not"),
    offer(ck::CKM_SHA1_RSA_PKCS, SIGN, RSA),
    offer(ck::CKM_SHA224_RSA_PKCS, SIGN, RSA),
    offer(ck::CKM_SHA256_RSA_PKCS, SIGN, RSA),
    offer(ck::CKM_SHA384_RSA_PKCS, SIGN, RSA),
    offer(ck::CKM_SHA512_RSA_PKCS, SIGN, RSA),
    offer(
        ck::CKM_RSA_PKCS_PSS,
        SIGN,
        "RSA 2048, 3072, 4096; any salt but an empty one, MGF1 of the same hash",
    ),
    offer(ck::CKM_SHA1_RSA_PKCS_PSS, SIGN, RSA),
    offer(ck::CKM_SHA224_RSA_PKCS_PSS, SIGN, RSA),
    offer(ck::CKM_SHA256_RSA_PKCS_PSS, SIGN, RSA),
    offer(ck::CKM_SHA384_RSA_PKCS_PSS, SIGN, RSA),
    offer(ck::CKM_SHA512_RSA_PKCS_PSS, SIGN, RSA),
    offer(ck::CKM_RSA_PKCS_OAEP, UNWRAP, "RSA 2048, 3072, 4096; SHA-256 with MGF1 of SHA-256, no label"),
    offer(ck::CKM_ECDSA, SIGN, "P-256, P-384, P-521; digests of 1 to 64 bytes"),
    offer(ck::CKM_ECDSA_SHA1, SIGN, EC),
    offer(ck::CKM_ECDSA_SHA224, SIGN, EC),
    offer(ck::CKM_ECDSA_SHA256, SIGN, EC),
    offer(ck::CKM_ECDSA_SHA384, SIGN, EC),
    offer(ck::CKM_ECDSA_SHA512, SIGN, EC),
    offer(ck::CKM_EDDSA, SIGN, ED25519),
    offer(ck::CKM_SHA_1_HMAC, MAC, HMAC),
    offer(ck::CKM_SHA224_HMAC, MAC, HMAC),
    offer(ck::CKM_SHA256_HMAC, MAC, HMAC),
    offer(ck::CKM_SHA384_HMAC, MAC, HMAC),
    offer(ck::CKM_SHA512_HMAC, MAC, HMAC),
    offer(ck::CKM_AES_GCM, DECRYPT, "AES-128, AES-256; an IV of 12 bytes, a tag of 16; up to 11 MiB"),
    offer(ck::CKM_RSA_PKCS_KEY_PAIR_GEN, PAIR, RSA),
    offer(ck::CKM_EC_KEY_PAIR_GEN, PAIR, EC),
    offer(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, PAIR, "Ed25519"),
    offer(ck::CKM_AES_KEY_GEN, KEY, "AES-128, AES-256"),
    offer(ck::CKM_GENERIC_SECRET_KEY_GEN, KEY, "`hmac` keys of 32 to 512 bytes"),
];

const RSA_SIGNS: [ck::CK_MECHANISM_TYPE; 12] = [
    ck::CKM_RSA_PKCS,
    ck::CKM_SHA1_RSA_PKCS,
    ck::CKM_SHA224_RSA_PKCS,
    ck::CKM_SHA256_RSA_PKCS,
    ck::CKM_SHA384_RSA_PKCS,
    ck::CKM_SHA512_RSA_PKCS,
    ck::CKM_RSA_PKCS_PSS,
    ck::CKM_SHA1_RSA_PKCS_PSS,
    ck::CKM_SHA224_RSA_PKCS_PSS,
    ck::CKM_SHA256_RSA_PKCS_PSS,
    ck::CKM_SHA384_RSA_PKCS_PSS,
    ck::CKM_SHA512_RSA_PKCS_PSS,
];
const ECDSA: [ck::CK_MECHANISM_TYPE; 6] = [
    ck::CKM_ECDSA,
    ck::CKM_ECDSA_SHA1,
    ck::CKM_ECDSA_SHA224,
    ck::CKM_ECDSA_SHA256,
    ck::CKM_ECDSA_SHA384,
    ck::CKM_ECDSA_SHA512,
];
const HMACS: [ck::CK_MECHANISM_TYPE; 5] =
    [ck::CKM_SHA_1_HMAC, ck::CKM_SHA224_HMAC, ck::CKM_SHA256_HMAC, ck::CKM_SHA384_HMAC, ck::CKM_SHA512_HMAC];

/// A type of transit's: what makes signatures and MACs (the newer versions only), and what reads what was made before.
struct Type {
    name: &'static str,
    kind: KeyKind,
    signs: (&'static [ck::CK_MECHANISM_TYPE], ck::CK_FLAGS),
    decrypts: (&'static [ck::CK_MECHANISM_TYPE], ck::CK_FLAGS),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    /// Its public key is in PEM.
    Pem,
    /// Its public key is 32 bytes in Base64.
    Ed25519,
    /// AES, with its bytes.
    Aes(usize),
    Hmac,
}

const NOTHING: (&[ck::CK_MECHANISM_TYPE], ck::CK_FLAGS) = (&[], 0);
const OAEP: (&[ck::CK_MECHANISM_TYPE], ck::CK_FLAGS) = (&[ck::CKM_RSA_PKCS_OAEP], UNWRAP);
const GCM: (&[ck::CK_MECHANISM_TYPE], ck::CK_FLAGS) = (&[ck::CKM_AES_GCM], DECRYPT);

const fn rsa(name: &'static str) -> Type {
    Type { name, kind: KeyKind::Pem, signs: (&RSA_SIGNS, SIGN), decrypts: OAEP }
}

const fn ecdsa(name: &'static str) -> Type {
    Type { name, kind: KeyKind::Pem, signs: (&ECDSA, SIGN), decrypts: NOTHING }
}

/// Types that some mechanism fits.
const TYPES: [Type; 10] = [
    rsa("rsa-2048"),
    rsa("rsa-3072"),
    rsa("rsa-4096"),
    ecdsa("ecdsa-p256"),
    ecdsa("ecdsa-p384"),
    ecdsa("ecdsa-p521"),
    Type { name: "ed25519", kind: KeyKind::Ed25519, signs: (&[ck::CKM_EDDSA], SIGN), decrypts: NOTHING },
    Type { name: "aes128-gcm96", kind: KeyKind::Aes(16), signs: NOTHING, decrypts: GCM },
    Type { name: "aes256-gcm96", kind: KeyKind::Aes(32), signs: NOTHING, decrypts: GCM },
    Type { name: "hmac", kind: KeyKind::Hmac, signs: (&HMACS, MAC), decrypts: NOTHING },
];

/// Versions that are shown of a key.
const MAX_VERSIONS: usize = 10_000;

/// What the server tells of a key.
#[derive(Deserialize)]
pub(super) struct KeyInfo {
    r#type: String,
    pub latest_version: u64,
    min_decryption_version: u64,
    min_encryption_version: u64,
    /// Needs a context with each request, which PKCS#11 has no place for.
    #[serde(default)]
    derived: bool,
    #[serde(default)]
    soft_deleted: bool,
    /// Of an HMAC key, in bytes.
    #[serde(default)]
    key_size: usize,
    /// Not for HMAC keys.
    #[serde(default)]
    keys: BTreeMap<String, VersionInfo>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum VersionInfo {
    Secret(u64),
    Pair {
        public_key: String,
        #[serde(default)]
        creation_time: String,
    },
}

impl VersionInfo {
    fn created(&self) -> Option<u64> {
        match self {
            VersionInfo::Secret(seconds) => Some(*seconds),
            VersionInfo::Pair { creation_time, .. } => {
                let seconds = creation_time.ends_with('Z').then(|| creation_time.get(..19)).flatten()?;
                let time: der::DateTime = format!("{seconds}Z").parse().ok()?;
                Some(time.unix_duration().as_secs())
            }
        }
    }
}

impl KeyInfo {
    /// The versions that the server still uses for something, the newest first; at most [`MAX_VERSIONS`].
    pub fn versions(&self, mount: &str, name: &str) -> Result<Vec<KeyVersion>> {
        let Some(of) = TYPES.iter().find(|of| of.name == self.r#type) else { return Ok(Vec::new()) };
        if self.derived || self.soft_deleted {
            return Ok(Vec::new());
        }
        let mut versions = Vec::new();
        for number in (self.min_decryption_version.max(1)..=self.latest_version).rev().take(MAX_VERSIONS) {
            let version = number.to_string();
            let info = self.keys.get(&version);
            let (mut mechanisms, mut usage) = (of.decrypts.0.to_vec(), of.decrypts.1);
            if number >= self.min_encryption_version {
                mechanisms.extend(of.signs.0);
                usage |= of.signs.1;
            }
            let Some(material) = self.material(of.kind, info)?.filter(|_| usage != 0) else { continue };
            versions.push(KeyVersion {
                resource: format!("{mount}/keys/{name}:{version}"),
                name: name.to_owned(),
                version,
                material,
                mechanisms,
                usage,
                raw_pkcs1: self.r#type.starts_with("rsa-"),
                mu: false,
                algorithm: self.r#type.clone(),
                created: info.and_then(VersionInfo::created),
            });
        }
        Ok(versions)
    }

    /// `None` for a version that the server does not show.
    fn material(&self, kind: KeyKind, info: Option<&VersionInfo>) -> Result<Option<Material>> {
        Ok(match (kind, info) {
            (KeyKind::Hmac, _) => {
                // Servers before key_size had but one.
                let len = if self.key_size == 0 { 32 } else { self.key_size };
                Some(Material::Secret(ck::CKK_GENERIC_SECRET, len))
            }
            (KeyKind::Aes(len), Some(_)) => Some(Material::Secret(ck::CKK_AES, len)),
            (KeyKind::Pem, Some(VersionInfo::Pair { public_key, .. })) => {
                Some(Material::Pair(spki(public_key)?))
            }
            (KeyKind::Ed25519, Some(VersionInfo::Pair { public_key, .. })) => {
                Some(Material::Pair(ed25519_spki(public_key)?))
            }
            _ => None,
        })
    }
}

fn unreadable() -> Error {
    Error::new(Kind::Corrupt, "the answer's public_key can't be read")
}

fn spki(pem: &str) -> Result<Vec<u8>> {
    let (_, der) = der::pem::decode_vec(pem.as_bytes()).map_err(|_| unreadable())?;
    Ok(der)
}

fn ed25519_spki(base64: &str) -> Result<Vec<u8>> {
    let key = Ed25519Public::new(&text::from_base64("public_key", base64)?).map_err(|_| unreadable())?;
    PublicKey::Ed25519(key).to_spki().map_err(|_| unreadable())
}
