//! GCM. Encryption streams; decryption keeps the ciphertext until the tag was checked.
//!
//! A message in one piece goes through the key's shared expansion. Parts need a context of their own, which goes back
//! to the key when the message is over.

use super::super::raw::{Cipher, Gcm, MAX_GCM_IV, buffer};
use super::{Error, Result, SHORT, SecretKey};
use smallvec::SmallVec;
use zeroize::Zeroize;

/// The longest IV in bytes whose context is kept: AWS-LC holds longer ones on the heap, up to 256 MiB each.
const KEPT_IV: usize = 16;

/// What a message begins with.
struct Start {
    key: SecretKey,
    /// Usually 12 bytes.
    iv: SmallVec<[u8; 16]>,
    aad: Vec<u8>,
    tag_len: usize,
}

impl Start {
    fn new(key: &SecretKey, iv: &[u8], aad: &[u8], tag_len: usize) -> Result<Start> {
        if !(4..=Gcm::TAG_LEN).contains(&tag_len) {
            return Err(Error::Param("GCM: the tag has 4 to 16 bytes"));
        }
        if iv.is_empty() || iv.len() > MAX_GCM_IV {
            return Err(Error::Param("GCM: the IV has 1 byte to 256 MiB"));
        }
        key.gcm()?;
        let (mut own_iv, mut own_aad) = (SmallVec::new(), buffer(aad.len())?);
        own_iv.try_reserve_exact(iv.len()).map_err(|_| Error::Memory)?;
        own_iv.extend_from_slice(iv);
        own_aad.copy_from_slice(aad);
        Ok(Start { key: key.clone(), iv: own_iv, aad: own_aad, tag_len })
    }

    fn begin(&self, cipher: &mut Cipher) -> Result<()> {
        cipher.begin_gcm(&self.iv, &self.aad)
    }
}

pub(super) struct GcmEncrypt {
    start: Start,
    /// `None` until the first part.
    cipher: Option<Cipher>,
}

/// The context goes back to the key however the message ended: the next one's IV makes it forget this one. It does so here and
/// not in `finish`, lest a part that is fed afterwards begin the message again under the same IV.
impl Drop for GcmEncrypt {
    fn drop(&mut self) {
        if let Some(cipher) = self.cipher.take()
            && self.start.iv.len() <= KEPT_IV
        {
            self.start.key.keep_gcm(cipher);
        }
    }
}

impl GcmEncrypt {
    pub(super) fn new(key: &SecretKey, iv: &[u8], aad: &[u8], tag_len: usize) -> Result<GcmEncrypt> {
        Ok(GcmEncrypt { start: Start::new(key, iv, aad, tag_len)?, cipher: None })
    }

    pub(super) fn tag_len(&self) -> usize {
        self.start.tag_len
    }

    fn cipher(&mut self) -> Result<&mut Cipher> {
        if self.cipher.is_none() {
            let mut cipher = self.start.key.take_gcm()?;
            self.start.begin(&mut cipher)?;
            self.cipher = Some(cipher);
        }
        self.cipher.as_mut().ok_or(Error::Internal("GCM"))
    }

    pub(super) fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        self.cipher()?.update(input, out.get_mut(..input.len()).ok_or(SHORT)?)?;
        Ok(input.len())
    }

    pub(super) fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        let tag_len = self.start.tag_len;
        self.cipher()?.tag(out.get_mut(..tag_len).ok_or(SHORT)?)?;
        Ok(tag_len)
    }

    /// The whole message, of which no part was fed before.
    pub(super) fn once(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        let Start { key, iv, aad, tag_len } = &self.start;
        let (ciphertext, rest) = out.split_at_mut_checked(input.len()).ok_or(SHORT)?;
        let place = rest.get_mut(..*tag_len).ok_or(SHORT)?;
        let tag = key.gcm()?.seal(iv, aad, input, ciphertext)?;
        place.copy_from_slice(tag.get(..*tag_len).ok_or(SHORT)?);
        Ok(input.len() + tag_len)
    }
}

pub(super) struct GcmDecrypt {
    start: Start,
    /// Ciphertext and tag so far: nothing secret.
    held: Vec<u8>,
}

impl GcmDecrypt {
    pub(super) fn new(key: &SecretKey, iv: &[u8], aad: &[u8], tag_len: usize) -> Result<GcmDecrypt> {
        Ok(GcmDecrypt { start: Start::new(key, iv, aad, tag_len)?, held: Vec::new() })
    }

    pub(super) fn tag_len(&self) -> usize {
        self.start.tag_len
    }

    pub(super) fn finish_len(&self) -> usize {
        self.held.len().saturating_sub(self.start.tag_len)
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
        let Start { key, iv, aad, tag_len } = &self.start;
        let len = input.len().checked_sub(*tag_len).ok_or(Error::CiphertextLength)?;
        let (ciphertext, tag) = input.split_at_checked(len).ok_or(SHORT)?;
        let out = out.get_mut(..len).ok_or(SHORT)?;
        let opened = match *tag_len {
            Gcm::TAG_LEN => key.gcm()?.open(iv, aad, ciphertext, tag, out),
            // The shared expansion knows whole tags only.
            _ => Cipher::gcm(false, key.value()).and_then(|mut cipher| {
                self.start.begin(&mut cipher)?;
                cipher.update(ciphertext, out)?;
                cipher.check_tag(tag)
            }),
        };
        if opened.is_err() {
            out.zeroize();
        }
        opened.map(|()| len)
    }
}
