//! ChaCha20-Poly1305 in parts.

use super::{Cipher, Result};
use crate::crypto::aws_lc::raw::sys;

impl Cipher {
    /// ChaCha20-Poly1305 (RFC 8439), begun with its associated data. [`Cipher::tag`] or [`Cipher::check_tag`] ends it.
    pub(in crate::crypto::aws_lc) fn chacha20_poly1305(
        encrypt: bool,
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
    ) -> Result<Cipher> {
        // SAFETY: the table is static, and has keys of 32 bytes and nonces of 12.
        let mut cipher = unsafe { Cipher::start(sys::EVP_chacha20_poly1305(), encrypt, key, nonce) }?;
        cipher.authenticate(aad)?;
        Ok(cipher)
    }
}
