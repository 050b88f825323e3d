//! What mechanisms come to where the key is elsewhere: requests that fit a service.

use std::fmt;

use crate::crypto::Hash;
use crate::error::Result;
use crate::types::{SecretBytes, ck};

/// What is to be signed or MACed, and how.
#[derive(Clone, Copy)]
pub enum Signing<'a> {
    /// PKCS #1 v1.5 over a digest of this hash, which has the hash's length.
    RsaPkcs1 {
        /// The hash.
        hash: Hash,
        /// The digest.
        digest: &'a [u8],
    },
    /// PKCS #1 v1.5 over bytes that are no known DigestInfo: padded as they are.
    RsaPkcs1Raw {
        /// At most 11 bytes less than the modulus.
        data: &'a [u8],
    },
    /// PSS over a digest, with MGF1 of the same hash.
    RsaPss {
        /// The hash.
        hash: Hash,
        /// The digest.
        digest: &'a [u8],
        /// Bytes. Who has a fixed length is asked for the hash's only ([`Limits::any_pss_salt`]).
        salt_len: usize,
    },
    /// ECDSA over a digest that was cut or padded to 32, 48 or 64 bytes: SHA-256's, SHA-384's or SHA-512's length, the
    /// one that belongs to the curve.
    Ecdsa {
        /// The digest.
        digest: &'a [u8],
    },
    /// Ed25519 over a message.
    Ed25519 {
        /// The message.
        message: &'a [u8],
    },
    /// ML-DSA over a message, without a context.
    MlDsa {
        /// The message.
        message: &'a [u8],
    },
    /// ML-DSA over the 64 bytes of µ (FIPS 204, algorithm 7, line 6).
    MlDsaMu {
        /// The representative.
        mu: &'a [u8; 64],
    },
    /// HMAC.
    Hmac {
        /// The hash.
        hash: Hash,
        /// The message.
        message: &'a [u8],
    },
}

impl fmt::Debug for Signing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signing::RsaPkcs1 { .. } => "RsaPkcs1",
            Signing::RsaPkcs1Raw { .. } => "RsaPkcs1Raw",
            Signing::RsaPss { .. } => "RsaPss",
            Signing::Ecdsa { .. } => "Ecdsa",
            Signing::Ed25519 { .. } => "Ed25519",
            Signing::MlDsa { .. } => "MlDsa",
            Signing::MlDsaMu { .. } => "MlDsaMu",
            Signing::Hmac { .. } => "Hmac",
        })
    }
}

/// How a ciphertext was made, or a plaintext is to be encrypted under a secret key.
#[derive(Debug, Clone, Copy)]
pub enum Cipher<'a> {
    /// RSA, PKCS #1 v1.5. Decryption only.
    RsaPkcs1,
    /// RSA, OAEP with MGF1 of the same hash and no label. Decryption only.
    RsaOaep {
        /// The hash.
        hash: Hash,
    },
    /// AES-GCM; the ciphertext ends with the tag.
    AesGcm {
        /// The nonce.
        iv: &'a [u8],
        /// Additional authenticated data.
        aad: &'a [u8],
        /// Bytes of the tag.
        tag_len: usize,
    },
    /// AES-CBC of whole blocks.
    AesCbc {
        /// The IV.
        iv: &'a [u8],
    },
    /// AES-CTR with all 128 bits counting.
    AesCtr {
        /// The first counter block.
        iv: &'a [u8],
    },
}

/// What the place of a key takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// PSS with any salt length but zero, not only the hash's.
    pub any_pss_salt: bool,
    /// [`Signing::RsaPkcs1Raw`].
    pub raw_pkcs1: bool,
    /// ML-DSA by [`Signing::MlDsaMu`], and not by [`Signing::MlDsa`].
    pub mu: bool,
    /// The longest message of [`Signing::Ed25519`], [`Signing::MlDsa`] and [`Signing::Hmac`] in bytes.
    pub max_message: usize,
    /// The longest plaintext or ciphertext of secret keys in bytes.
    pub max_data: usize,
}

/// A private or secret key that is elsewhere. Every call goes there.
pub trait Remote: Send + 'static {
    /// What its place takes.
    fn limits(&self) -> Limits;
    /// Whether the key may be used with this mechanism.
    fn allows(&self, kind: ck::CK_MECHANISM_TYPE) -> bool;
    /// Signs or MACs.
    fn sign(&self, signing: Signing<'_>) -> Result<Vec<u8>>;
    /// Whether a cipher's parameters are ones that the key takes: nothing goes there for it.
    /// CKR_MECHANISM_PARAM_INVALID.
    fn expect_cipher(&self, cipher: Cipher<'_>) -> Result<()>;
    /// Decrypts.
    fn decrypt(&self, cipher: Cipher<'_>, ciphertext: &[u8]) -> Result<SecretBytes>;
    /// Encrypts with a secret key.
    fn encrypt(&self, cipher: Cipher<'_>, plaintext: &[u8]) -> Result<Vec<u8>>;
}
