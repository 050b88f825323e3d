//! AES-GCM of whole messages: `EVP_AEAD`, which expands a key once for any number of messages and threads.

use super::sys;
use super::{Error, Result, check, fresh, owned};
use std::ptr::null;

owned!(
    /// A key expanded for GCM, never changed.
    Gcm, EVP_AEAD_CTX, EVP_AEAD_CTX_free
);

// SAFETY: sealing and opening take the context as const, and AWS-LC allows them at once in many threads for AES-GCM
// (aead.h); nothing here changes it after construction.
unsafe impl Send for Gcm {}
// SAFETY: as above.
unsafe impl Sync for Gcm {}

impl Gcm {
    /// The tag's length in bytes.
    pub(in crate::crypto::aws_lc) const TAG_LEN: usize = 16;

    /// Expands a key of 16, 24 or 32 bytes.
    pub(in crate::crypto::aws_lc) fn new(key: &[u8]) -> Result<Gcm> {
        // SAFETY: these take nothing and return pointers to static tables.
        let table = unsafe {
            match key.len() {
                16 => sys::EVP_aead_aes_128_gcm(),
                24 => sys::EVP_aead_aes_192_gcm(),
                32 => sys::EVP_aead_aes_256_gcm(),
                _ => return Err(super::cipher::KEY_SIZE),
            }
        };
        // SAFETY: AWS-LC reads `key`, by whose length `table` was chosen.
        let gcm = unsafe { sys::EVP_AEAD_CTX_new(table, key.as_ptr(), key.len(), Self::TAG_LEN) };
        Ok(Gcm(fresh(gcm, Error::Memory)?))
    }

    /// Encrypts `input` into `out`, which is as long, and answers the tag.
    pub(in crate::crypto::aws_lc) fn seal(
        &self,
        iv: &[u8],
        aad: &[u8],
        input: &[u8],
        out: &mut [u8],
    ) -> Result<[u8; Self::TAG_LEN]> {
        const FAILED: Error = Error::Internal("GCM encryption");
        if out.len() != input.len() {
            return Err(FAILED);
        }
        let (mut tag, mut tag_len) = ([0; Self::TAG_LEN], 0);
        // SAFETY: a live context; AWS-LC reads `iv`, `aad` and `input`, writes `input.len()` bytes to `out`, which has
        // as many, and at most `tag.len()` to `tag`.
        let status = unsafe {
            sys::EVP_AEAD_CTX_seal_scatter(
                self.raw(),
                out.as_mut_ptr(),
                tag.as_mut_ptr(),
                &mut tag_len,
                tag.len(),
                iv.as_ptr(),
                iv.len(),
                input.as_ptr(),
                input.len(),
                null(),
                0,
                aad.as_ptr(),
                aad.len(),
            )
        };
        check(status, Error::DataLength)?;
        if tag_len == tag.len() { Ok(tag) } else { Err(FAILED) }
    }

    /// Decrypts `input` into `out`, which is as long. [`Error::Ciphertext`] if the tag is not that of all the rest;
    /// `out` is zeros then.
    pub(in crate::crypto::aws_lc) fn open(
        &self,
        iv: &[u8],
        aad: &[u8],
        input: &[u8],
        tag: &[u8],
        out: &mut [u8],
    ) -> Result<()> {
        if out.len() != input.len() {
            return Err(Error::Internal("GCM decryption"));
        }
        // SAFETY: a live context; AWS-LC reads `iv`, `aad`, `input` and `tag`, and writes `input.len()` bytes to
        // `out`, which has as many.
        let status = unsafe {
            sys::EVP_AEAD_CTX_open_gather(
                self.raw(),
                out.as_mut_ptr(),
                iv.as_ptr(),
                iv.len(),
                input.as_ptr(),
                input.len(),
                tag.as_ptr(),
                tag.len(),
                aad.as_ptr(),
                aad.len(),
            )
        };
        check(status, Error::Ciphertext)
    }
}
