//! OFB and CFB: AES as a stream cipher. AWS-LC keeps the place within a block.

use super::{Cipher, KEY_SIZE, Result};
use crate::crypto::aws_lc::raw::sys;

/// The modes of SP 800-38A that feed back, by the bits of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::crypto::aws_lc) enum FeedbackMode {
    Ofb,
    Cfb1,
    Cfb8,
    Cfb128,
}

fn table(mode: FeedbackMode, key_len: usize) -> Result<*const sys::EVP_CIPHER> {
    use FeedbackMode::{Cfb1, Cfb8, Cfb128, Ofb};
    // SAFETY: these take nothing and return pointers to static tables.
    Ok(unsafe {
        match (mode, key_len) {
            (Ofb, 16) => sys::EVP_aes_128_ofb(),
            (Ofb, 24) => sys::EVP_aes_192_ofb(),
            (Ofb, 32) => sys::EVP_aes_256_ofb(),
            (Cfb1, 16) => sys::EVP_aes_128_cfb1(),
            (Cfb1, 24) => sys::EVP_aes_192_cfb1(),
            (Cfb1, 32) => sys::EVP_aes_256_cfb1(),
            (Cfb8, 16) => sys::EVP_aes_128_cfb8(),
            (Cfb8, 24) => sys::EVP_aes_192_cfb8(),
            (Cfb8, 32) => sys::EVP_aes_256_cfb8(),
            (Cfb128, 16) => sys::EVP_aes_128_cfb128(),
            (Cfb128, 24) => sys::EVP_aes_192_cfb128(),
            (Cfb128, 32) => sys::EVP_aes_256_cfb128(),
            _ => return Err(KEY_SIZE),
        }
    })
}

impl Cipher {
    /// A mode with feedback under a key of 16, 24 or 32 bytes; [`Cipher::update`] takes any length.
    pub(in crate::crypto::aws_lc) fn feedback(
        mode: FeedbackMode,
        encrypt: bool,
        key: &[u8],
        iv: &[u8; 16],
    ) -> Result<Cipher> {
        let table = table(mode, key.len())?;
        // SAFETY: `table` was chosen by the key's length, and its IV has 16 bytes.
        unsafe { Cipher::start(table, encrypt, key, iv) }
    }
}
