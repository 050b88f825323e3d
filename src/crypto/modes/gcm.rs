//! GCM. Encryption streams; decryption keeps the ciphertext until the tag was checked.
//!
//! A message in one piece goes through the key's shared expansion. Parts need a context of their own, which goes back
//! to the key when the message is over.

use super::{Error, GcmKey, MAX_GCM_IV, Result, Running, SHORT, Tagging, buffer};
use smallvec::SmallVec;
use zeroize::Zeroize;

/// What a message begins with.
struct Start<K> {
    key: K,
    /// Usually 12 bytes.
    iv: SmallVec<[u8; 16]>,
    aad: Vec<u8>,
    tag_len: usize,
}

impl<K: GcmKey> Start<K> {
    fn new(key: &K, iv: &[u8], aad: &[u8], tag_len: usize) -> Result<Self> {
        if !(4..=16).contains(&tag_len) {
            return Err(Error::Param("GCM: the tag has 4 to 16 bytes"));
        }
        if iv.is_empty() || iv.len() > MAX_GCM_IV {
            return Err(Error::Param("GCM: the IV has 1 byte to 256 MiB"));
        }
        key.expand()?;
        let (mut own_iv, mut own_aad) = (SmallVec::new(), buffer(aad.len())?);
        own_iv.try_reserve_exact(iv.len()).map_err(|_| Error::Memory)?;
        own_iv.extend_from_slice(iv);
        own_aad.copy_from_slice(aad);
        Ok(Start { key: key.clone(), iv: own_iv, aad: own_aad, tag_len })
    }
}

pub(super) struct GcmEncrypt<K: GcmKey> {
    start: Start<K>,
    /// `None` until the first part.
    running: Option<K::Running>,
}

/// The context goes back to the key however the message ended. It does so here and not in `finish`, lest a part that is
/// fed afterwards begin the message again under the same IV.
impl<K: GcmKey> Drop for GcmEncrypt<K> {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.start.key.give_back(running, self.start.iv.len());
        }
    }
}

impl<K: GcmKey> GcmEncrypt<K> {
    pub(super) fn new(key: &K, iv: &[u8], aad: &[u8], tag_len: usize) -> Result<Self> {
        Ok(GcmEncrypt { start: Start::new(key, iv, aad, tag_len)?, running: None })
    }

    pub(super) fn tag_len(&self) -> usize {
        self.start.tag_len
    }

    fn running(&mut self) -> Result<&mut K::Running> {
        if self.running.is_none() {
            self.running = Some(self.start.key.begin(&self.start.iv, &self.start.aad)?);
        }
        self.running.as_mut().ok_or(Error::Internal("GCM"))
    }

    pub(super) fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        self.running()?.update(input, out.get_mut(..input.len()).ok_or(SHORT)?)?;
        Ok(input.len())
    }

    pub(super) fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        let tag_len = self.start.tag_len;
        self.running()?.tag(out.get_mut(..tag_len).ok_or(SHORT)?)?;
        Ok(tag_len)
    }

    /// The whole message, of which no part was fed before.
    pub(super) fn once(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        let Start { key, iv, aad, tag_len } = &self.start;
        let (ciphertext, rest) = out.split_at_mut_checked(input.len()).ok_or(SHORT)?;
        let place = rest.get_mut(..*tag_len).ok_or(SHORT)?;
        let tag = key.seal(iv, aad, input, ciphertext)?;
        place.copy_from_slice(tag.get(..*tag_len).ok_or(SHORT)?);
        Ok(input.len() + tag_len)
    }
}

pub(super) struct GcmDecrypt<K> {
    start: Start<K>,
    /// Ciphertext and tag so far: nothing secret.
    held: Vec<u8>,
}

impl<K: GcmKey> GcmDecrypt<K> {
    pub(super) fn new(key: &K, iv: &[u8], aad: &[u8], tag_len: usize) -> Result<Self> {
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
        let opened = key.open(iv, aad, ciphertext, tag, out);
        if opened.is_err() {
            out.zeroize();
        }
        opened.map(|()| len)
    }
}
