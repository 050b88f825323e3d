//! Sealing of what is stored: AES-256-GCM.

use super::{Error, Result};
use crate::types::{LockedKey, SecretBytes};

/// An AES-256-GCM key, expanded once.
pub struct SealKey(());

impl SealKey {
    /// Expands `key`.
    pub fn new(key: &LockedKey) -> Result<SealKey> {
        let _ = key;
        Ok(SealKey(()))
    }
    /// nonce (12) || ciphertext || tag (16), under a fresh random nonce.
    pub fn seal(&self, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let _ = (aad, plain);
        Err(Error::Internal("unfinished"))
    }
    /// The plaintext of [`SealKey::seal`]. [`Error::Ciphertext`] if anything, `aad` included, was changed.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<SecretBytes> {
        let _ = (aad, sealed);
        Err(Error::Internal("unfinished"))
    }
}
