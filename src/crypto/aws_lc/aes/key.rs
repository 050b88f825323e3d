//! A secret key's value, beside what GCM expands of it.

use super::super::raw::{Cipher, Gcm};
use super::Result;
use crate::crypto::modes::GcmKey;
use crate::types::SecretBytes;
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A secret key. A clone shares it; the last one wipes it.
///
/// GCM's expansion, the round keys and the hash key's powers, takes longer than a kilobyte of data: it is made when
/// first used and kept with the value, from which anyone could make it anew. So are the contexts of messages in parts,
/// each with an expansion of its own: a message takes one that another has done with.
#[derive(Clone)]
pub struct SecretKey(Arc<Material>);

struct Material {
    value: SecretBytes,
    gcm: OnceLock<Gcm>,
    /// GCM contexts for encryption that no message uses, at most [`SPARE`].
    spare: Mutex<SmallVec<[Cipher; 1]>>,
}

/// As many messages in parts as usually run at once under one key; a context takes about a kilobyte.
const SPARE: usize = 8;

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

impl From<SecretBytes> for SecretKey {
    fn from(value: SecretBytes) -> Self {
        SecretKey(Arc::new(Material { value, gcm: OnceLock::new(), spare: Mutex::default() }))
    }
}

impl SecretKey {
    /// The value as it is.
    pub fn value(&self) -> &SecretBytes {
        &self.0.value
    }

    fn gcm(&self) -> Result<&Gcm> {
        if let Some(gcm) = self.0.gcm.get() {
            return Ok(gcm);
        }
        let gcm = Gcm::new(&self.0.value)?;
        Ok(self.0.gcm.get_or_init(|| gcm))
    }
}

/// The longest IV in bytes whose context is kept: AWS-LC holds longer ones on the heap, up to 256 MiB each.
const KEPT_IV: usize = 16;

impl GcmKey for SecretKey {
    type Running = Cipher;

    fn value(&self) -> &SecretBytes {
        &self.0.value
    }

    fn expand(&self) -> Result<()> {
        self.gcm().map(|_| ())
    }

    /// Nobody waits for a spare context: another costs less, and in a forked child the lock may never be let go. A spare
    /// one's IV makes it forget the message before.
    fn begin(&self, iv: &[u8], aad: &[u8]) -> Result<Cipher> {
        let spare = self.0.spare.try_lock().and_then(|mut spare| spare.pop());
        let mut cipher = spare.map_or_else(|| Cipher::gcm(true, &self.0.value), Ok)?;
        cipher.begin_gcm(iv, aad)?;
        Ok(cipher)
    }

    fn give_back(&self, cipher: Cipher, iv_len: usize) {
        if iv_len <= KEPT_IV
            && let Some(mut spare) = self.0.spare.try_lock()
            && spare.len() < SPARE
        {
            spare.push(cipher);
        }
    }

    fn seal(&self, iv: &[u8], aad: &[u8], input: &[u8], out: &mut [u8]) -> Result<[u8; Gcm::TAG_LEN]> {
        self.gcm()?.seal(iv, aad, input, out)
    }

    fn open(&self, iv: &[u8], aad: &[u8], input: &[u8], tag: &[u8], out: &mut [u8]) -> Result<()> {
        if tag.len() == Gcm::TAG_LEN {
            return self.gcm()?.open(iv, aad, input, tag, out);
        }
        // The shared expansion knows whole tags only.
        let mut cipher = Cipher::gcm(false, &self.0.value)?;
        cipher.begin_gcm(iv, aad)?;
        cipher.update(input, out)?;
        cipher.check_tag(tag)
    }
}
