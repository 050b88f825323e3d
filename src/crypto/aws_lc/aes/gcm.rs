//! GCM. Encryption streams; decryption keeps the ciphertext until the tag was checked.

use super::super::raw::Cipher;
use super::{Error, Result, SHORT};
use zeroize::Zeroize;

fn checked_tag_len(tag_len: usize) -> Result<usize> {
    if (4..=16).contains(&tag_len) {
        Ok(tag_len)
    } else {
        Err(Error::Param("GCM: the tag has 4 to 16 bytes"))
    }
}

pub(super) struct GcmEncrypt {
    cipher: Cipher,
    tag_len: usize,
}

impl GcmEncrypt {
    pub(super) fn new(key: &[u8], iv: &[u8], aad: &[u8], tag_len: usize) -> Result<GcmEncrypt> {
        Ok(GcmEncrypt { tag_len: checked_tag_len(tag_len)?, cipher: Cipher::gcm(true, key, iv, aad)? })
    }

    pub(super) fn tag_len(&self) -> usize {
        self.tag_len
    }

    pub(super) fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        self.cipher.update(input, out.get_mut(..input.len()).ok_or(SHORT)?)?;
        Ok(input.len())
    }

    pub(super) fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        self.cipher.tag(out.get_mut(..self.tag_len).ok_or(SHORT)?)?;
        Ok(self.tag_len)
    }
}

pub(super) struct GcmDecrypt {
    cipher: Cipher,
    tag_len: usize,
    /// Ciphertext and tag so far: nothing secret.
    held: Vec<u8>,
}

impl GcmDecrypt {
    pub(super) fn new(key: &[u8], iv: &[u8], aad: &[u8], tag_len: usize) -> Result<GcmDecrypt> {
        let tag_len = checked_tag_len(tag_len)?;
        Ok(GcmDecrypt { cipher: Cipher::gcm(false, key, iv, aad)?, tag_len, held: Vec::new() })
    }

    pub(super) fn tag_len(&self) -> usize {
        self.tag_len
    }

    pub(super) fn finish_len(&self) -> usize {
        self.held.len().saturating_sub(self.tag_len)
    }

    pub(super) fn update(&mut self, input: &[u8]) -> Result<usize> {
        self.held.try_reserve(input.len()).map_err(|_| Error::Memory)?;
        self.held.extend_from_slice(input);
        Ok(0)
    }

    pub(super) fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        let held = std::mem::take(&mut self.held);
        self.once(&held, out)
    }

    /// Decrypts into the caller's buffer, and wipes it again if the tag is wrong.
    pub(super) fn once(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        let len = input.len().checked_sub(self.tag_len).ok_or(Error::CiphertextLength)?;
        let (ciphertext, tag) = input.split_at_checked(len).ok_or(SHORT)?;
        let out = out.get_mut(..len).ok_or(SHORT)?;
        let opened = self.cipher.update(ciphertext, out).and_then(|()| self.cipher.check_tag(tag));
        if opened.is_err() {
            out.zeroize();
        }
        opened.map(|()| len)
    }
}
