//! Sealing of what is stored: AES-256-GCM under a fresh random nonce, with associated data.

use super::{Error, Result, SealCipher, random};
use crate::types::{LockedKey, SecretBytes};

const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// An AES-256-GCM key, expanded once; threads may share it.
///
/// Random nonces of 96 bits are safe for 2^32 seals under one key: a token would have to write for decades.
pub struct SealKey(SealCipher);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey")
    }
}

impl SealKey {
    /// What sealing adds to the plaintext, in bytes.
    pub const OVERHEAD: usize = NONCE_LEN + TAG_LEN;

    /// Expands `key`.
    pub fn new(key: &LockedKey) -> Result<SealKey> {
        SealCipher::new(key.as_bytes()).map(SealKey)
    }

    /// nonce (12) || ciphertext || tag (16), under a fresh random nonce. `aad` is authenticated, not included.
    pub fn seal(&self, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce)?;
        let mut sealed = Vec::new();
        sealed.try_reserve_exact(plain.len().saturating_add(SealKey::OVERHEAD)).map_err(|_| Error::Memory)?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let body = sealed.get_mut(NONCE_LEN..).unwrap_or_default();
        let tag = self.0.seal(nonce, aad, body)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// The plaintext of [`SealKey::seal`]. [`Error::CiphertextLength`] if `sealed` is too short to be one,
    /// [`Error::Ciphertext`] if anything, `aad` included, was changed.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<SecretBytes> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Error::CiphertextLength)?;
        let len = body.len().checked_sub(TAG_LEN).ok_or(Error::CiphertextLength)?;
        let mut plain = SecretBytes::copied(body).map_err(|_| Error::Memory)?;
        self.0.open(*nonce, aad, &mut plain)?;
        plain.truncate(len);
        Ok(plain)
    }
}
