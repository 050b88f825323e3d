//! AES: modes (SP 800-38A, 38D) and key wrap (RFC 3394, RFC 5649).

use super::super::{Error, Result};
use crate::types::SecretBytes;

/// Which way a cipher runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Plaintext to ciphertext.
    Encrypt,
    /// Ciphertext to plaintext.
    Decrypt,
}

/// A mode with its parameters.
#[derive(Debug, Clone, Copy)]
pub enum Mode<'a> {
    /// Whole blocks.
    Ecb,
    /// Whole blocks.
    Cbc {
        /// The IV.
        iv: &'a [u8; 16],
    },
    /// CBC with PKCS#7 padding.
    CbcPad {
        /// The IV.
        iv: &'a [u8; 16],
    },
    /// Counter mode.
    Ctr {
        /// The first counter block.
        block: &'a [u8; 16],
        /// How many low bits of the block count, 1 to 128. More than 2^bits blocks are [`Error::DataLength`].
        counter_bits: u32,
    },
    /// Galois/counter mode. The ciphertext ends with the tag.
    Gcm {
        /// The nonce, from 1 byte.
        iv: &'a [u8],
        /// Additional authenticated data.
        aad: &'a [u8],
        /// Tag length in bytes, 4 to 16.
        tag_len: usize,
    },
}

/// A running cipher.
pub struct AesCipher(());

impl AesCipher {
    /// Starts under a key of 16, 24 or 32 bytes ([`Error::KeySize`]); parameters out of range are [`Error::Param`].
    pub fn new(mode: Mode<'_>, direction: Direction, key: &[u8]) -> Result<AesCipher> {
        let _ = (mode, direction, key);
        Err(Error::Internal("unfinished"))
    }

    /// Exactly how many bytes [`AesCipher::update`] writes for `input` more bytes.
    pub fn update_len(&self, input: usize) -> usize {
        input
    }

    /// The most that [`AesCipher::finish`] writes, in bytes; exact but for CBC decryption with padding.
    pub fn finish_len(&self) -> usize {
        0
    }

    /// The most that [`AesCipher::once`] writes for `input` bytes; exact but for CBC decryption with padding.
    pub fn once_len(&self, input: usize) -> usize {
        input
    }

    /// Feeds a part; `out` takes at least `update_len(input.len())` bytes. Returns how many were written.
    pub fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        let _ = (input, out);
        Err(Error::Internal("unfinished"))
    }

    /// Ends the message; `out` takes at least `finish_len()` bytes, or as many as the plaintext turns out to have.
    pub fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        let _ = out;
        Err(Error::Internal("unfinished"))
    }

    /// The whole message in one call, instead of `update` and `finish`.
    pub fn once(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        let _ = (input, out);
        Err(Error::Internal("unfinished"))
    }
}

/// Wraps `data` (a multiple of 8 bytes, at least 16) with RFC 3394; 8 bytes longer.
pub fn wrap(key: &[u8], iv: Option<[u8; 8]>, data: &[u8]) -> Result<Vec<u8>> {
    let _ = (key, iv, data);
    Err(Error::Internal("unfinished"))
}

/// Undoes [`wrap`].
pub fn unwrap(key: &[u8], iv: Option<[u8; 8]>, wrapped: &[u8]) -> Result<SecretBytes> {
    let _ = (key, iv, wrapped);
    Err(Error::Internal("unfinished"))
}

/// Wraps `data` (1 byte or more) with RFC 5649.
pub fn wrap_pad(key: &[u8], iv: Option<[u8; 4]>, data: &[u8]) -> Result<Vec<u8>> {
    let _ = (key, iv, data);
    Err(Error::Internal("unfinished"))
}

/// Undoes [`wrap_pad`].
pub fn unwrap_pad(key: &[u8], iv: Option<[u8; 4]>, wrapped: &[u8]) -> Result<SecretBytes> {
    let _ = (key, iv, wrapped);
    Err(Error::Internal("unfinished"))
}
