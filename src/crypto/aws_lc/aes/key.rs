//! A secret key's value, beside what GCM expands of it.

use super::super::raw::{Cipher, Gcm};
use super::Result;
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

    /// The key expanded for whole GCM messages; it has 16, 24 or 32 bytes ([`super::Error::KeySize`]).
    pub(super) fn gcm(&self) -> Result<&Gcm> {
        if let Some(gcm) = self.0.gcm.get() {
            return Ok(gcm);
        }
        let gcm = Gcm::new(&self.0.value)?;
        Ok(self.0.gcm.get_or_init(|| gcm))
    }

    /// A context for a GCM encryption in parts, not begun yet; the same sizes. Nobody waits for a spare one: another
    /// costs less, and in a forked child the lock may never be let go.
    pub(super) fn take_gcm(&self) -> Result<Cipher> {
        let spare = self.0.spare.try_lock().and_then(|mut spare| spare.pop());
        spare.map_or_else(|| Cipher::gcm(true, &self.0.value), Ok)
    }

    /// Keeps what [`SecretKey::take_gcm`] gave for the next message.
    pub(super) fn keep_gcm(&self, cipher: Cipher) {
        if let Some(mut spare) = self.0.spare.try_lock()
            && spare.len() < SPARE
        {
            spare.push(cipher);
        }
    }
}
