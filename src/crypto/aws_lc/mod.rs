//! The provider on AWS-LC: aws-lc-rs where its safe interface reaches, `raw` over aws-lc-sys for the rest.
//!
//! `unsafe` is in `raw/` only.

pub mod aes;
mod chacha;
mod ciphers;
mod digest;
mod gmac;
mod kdf;
mod raw;

// The files of key pairs are compiled once for each provider, over its own `raw`.
#[path = "../pairs/dh.rs"]
mod dh;
#[path = "../pairs/dsa.rs"]
mod dsa;
#[path = "../pairs/ec.rs"]
mod ec;
#[path = "../pairs/edwards.rs"]
mod edwards;
#[path = "../pairs/ml_dsa.rs"]
mod ml_dsa;
#[path = "../pairs/ml_kem.rs"]
mod ml_kem;
#[path = "../pairs/rsa/mod.rs"]
mod rsa;

pub use aes::SecretKey;
pub use chacha::{ChaCha20, ChaChaOpen, ChaChaSeal, Poly1305};
pub use ciphers::{BlockMac, Ccm, Cts, Des3, Feedback, Xts};
pub use dh::{DhGroup, DhPrivate, DhPublic};
pub use digest::{Cmac, Digest, Hmac, digest, hmac_sha256};
pub use dsa::{DsaGroup, DsaPrivate, DsaPublic};
pub use ec::{EcPrivate, EcPublic};
pub use edwards::{Ed25519Private, Ed25519Public, X25519Private, X25519Public};
pub use gmac::Gmac;
pub use kdf::{hkdf_expand, hkdf_expand_into, hkdf_extract, pbkdf2, tls_prf};
pub use ml_dsa::{MlDsaPrivate, MlDsaPublic};
pub use ml_kem::{MlKemPrivate, MlKemPublic};
pub use rsa::{RsaPrivate, RsaPublic};

use super::{Error, Result};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// The version of AWS-LC that is linked, as its validation documents call it.
#[cfg(feature = "fips")]
pub fn module_id() -> &'static str {
    aws_lc_rs::awslc_version()
}

/// Whether AWS-LC runs as a FIPS module, whose self-test has passed: without that it would not.
#[cfg(feature = "fips")]
pub fn is_self_tested() -> bool {
    aws_lc_rs::try_fips_mode().is_ok()
}

/// Fills `out` with random bytes from AWS-LC's DRBG, which reseeds itself in a forked child.
pub fn random(out: &mut [u8]) -> Result<()> {
    aws_lc_rs::rand::fill(out).map_err(|_| Error::Random)
}

/// Compares in time that depends on the lengths only.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// AES-256-GCM with 12-byte nonces and 16-byte tags, expanded once and shared by threads: what `SealKey` rests on.
pub(super) struct SealCipher(LessSafeKey);

impl SealCipher {
    pub(super) fn new(key: &[u8; 32]) -> Result<SealCipher> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Error::Internal("sealing key"))?;
        Ok(SealCipher(LessSafeKey::new(key)))
    }

    /// Encrypts in place and returns the tag.
    pub(super) fn seal(&self, nonce: [u8; 12], aad: &[u8], body: &mut [u8]) -> Result<[u8; 16]> {
        const FAILED: Error = Error::Internal("sealing");
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), body).map_err(|_| FAILED)?;
        tag.as_ref().try_into().map_err(|_| FAILED)
    }

    /// Decrypts ciphertext || tag in place.
    pub(super) fn open(&self, nonce: [u8; 12], aad: &[u8], body: &mut [u8]) -> Result<()> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.open_in_place(nonce, Aad::from(aad), body).map(|_| ()).map_err(|_| Error::Ciphertext)
    }
}
