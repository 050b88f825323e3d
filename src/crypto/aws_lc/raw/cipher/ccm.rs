//! AES-CCM of whole messages: its first block holds the message's length, and AWS-LC takes the message in one piece.

use super::{Cipher, FAILED, KEY_SIZE, Result, check};
use crate::crypto::Error;
use crate::crypto::aws_lc::raw::sys;
use crate::crypto::modes::CcmParts;
use std::ffi::c_int;
use std::ptr::{null, null_mut};

fn table(key_len: usize) -> Result<*const sys::EVP_CIPHER> {
    // SAFETY: these take nothing and return pointers to static tables.
    Ok(unsafe {
        match key_len {
            16 => sys::EVP_aes_128_ccm(),
            24 => sys::EVP_aes_192_ccm(),
            32 => sys::EVP_aes_256_ccm(),
            _ => return Err(KEY_SIZE),
        }
    })
}

/// A length as AWS-LC counts.
fn int(len: usize) -> Result<c_int> {
    c_int::try_from(len).map_err(|_| Error::DataLength)
}

/// Encrypts `input` into `out`, which is as long, and fills `tag`: 4 to 16 bytes, an even number.
/// [`Error::DataLength`] for more than 2 GiB, or more than a nonce of this length leaves room to count.
pub(in crate::crypto::aws_lc) fn ccm_seal(
    parts: CcmParts<'_>,
    input: &[u8],
    out: &mut [u8],
    tag: &mut [u8],
) -> Result<()> {
    let mut cipher = Cipher::ccm(parts, true, tag.len(), null_mut(), input.len())?;
    cipher.update_whole(input, out, Error::DataLength)?;
    let len = int(tag.len())?;
    // SAFETY: a live CCM context that encrypted its message; AWS-LC writes `len` bytes, the length set before.
    let status = unsafe {
        sys::EVP_CIPHER_CTX_ctrl(cipher.raw(), sys::EVP_CTRL_AEAD_GET_TAG, len, tag.as_mut_ptr().cast())
    };
    check(status, FAILED)
}

/// Decrypts `input` into `out`, which is as long. [`Error::Ciphertext`] if the tag is wrong: `out` holds nothing of
/// the plaintext then.
pub(in crate::crypto::aws_lc) fn ccm_open(
    parts: CcmParts<'_>,
    input: &[u8],
    tag: &[u8],
    out: &mut [u8],
) -> Result<()> {
    let mut cipher = Cipher::ccm(parts, false, tag.len(), tag.as_ptr().cast_mut(), input.len())?;
    cipher.update_whole(input, out, Error::Ciphertext)
}

impl Cipher {
    /// A context that waits for a message of `len` bytes. `tag` is null, or leads to the `tag_len` bytes to check.
    fn ccm(parts: CcmParts<'_>, encrypt: bool, tag_len: usize, tag: *mut u8, len: usize) -> Result<Cipher> {
        let (table, cipher) = (table(parts.key.len())?, Cipher::empty()?);
        let (nonce_len, tag_len, len, encrypt) =
            (int(parts.nonce.len())?, int(tag_len)?, int(len)?, c_int::from(encrypt));
        // SAFETY: a live context; no key and no IV yet.
        let status =
            unsafe { sys::EVP_CipherInit_ex(cipher.raw(), table, null_mut(), null(), null(), encrypt) };
        check(status, FAILED)?;
        // SAFETY: a live CCM context, which takes 7 to 13 bytes or refuses.
        let status = unsafe {
            sys::EVP_CIPHER_CTX_ctrl(cipher.raw(), sys::EVP_CTRL_AEAD_SET_IVLEN, nonce_len, null_mut())
        };
        check(status, Error::Param("CCM: the nonce has 7 to 13 bytes"))?;
        // SAFETY: a live CCM context, which takes an even length from 4 to 16 or refuses; it reads `tag_len` bytes of
        // `tag` unless that is null, and does not write to it.
        let status = unsafe {
            sys::EVP_CIPHER_CTX_ctrl(cipher.raw(), sys::EVP_CTRL_AEAD_SET_TAG, tag_len, tag.cast())
        };
        check(status, Error::Param("CCM: the tag has 4, 6, 8, 10, 12, 14 or 16 bytes"))?;
        let (key, nonce) = (parts.key.as_ptr(), parts.nonce.as_ptr());
        // SAFETY: a live context whose table was chosen by the key's length, and whose IV has the length that was set.
        let status = unsafe { sys::EVP_CipherInit_ex(cipher.raw(), null(), null_mut(), key, nonce, encrypt) };
        check(status, FAILED)?;
        let mut written = 0;
        // SAFETY: a live CCM context; without input and output this only says how long the message will be.
        let status = unsafe { sys::EVP_CipherUpdate(cipher.raw(), null_mut(), &mut written, null(), len) };
        check(status, Error::DataLength)?;
        if !parts.aad.is_empty() {
            let aad_len = c_int::try_from(parts.aad.len())
                .map_err(|_| Error::Param("CCM: the associated data is too long"))?;
            // SAFETY: a live CCM context; AWS-LC reads `aad`, which a null output says it is.
            let status = unsafe {
                sys::EVP_CipherUpdate(cipher.raw(), null_mut(), &mut written, parts.aad.as_ptr(), aad_len)
            };
            // The length was noted unchecked: here is where a nonce too long to count it is found.
            check(status, Error::DataLength)?;
        }
        Ok(cipher)
    }

    /// The whole message, which may be empty.
    fn update_whole(&mut self, input: &[u8], out: &mut [u8], otherwise: Error) -> Result<()> {
        let len = int(input.len())?;
        if out.len() != input.len() {
            return Err(FAILED);
        }
        let mut written = 0;
        // SAFETY: a live CCM context that expects `len` bytes: AWS-LC reads as many of `input` and writes as many to
        // `out`, which is as long. Neither pointer is null, even where the slice is empty.
        let status =
            unsafe { sys::EVP_CipherUpdate(self.raw(), out.as_mut_ptr(), &mut written, input.as_ptr(), len) };
        check(status, otherwise)
    }
}
