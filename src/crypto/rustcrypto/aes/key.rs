//! A secret key's value, beside what GCM expands of it.

use super::super::gcm::{Expanded, Stream};
use super::Result;
use crate::crypto::modes::GcmKey;
use crate::types::SecretBytes;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A secret key. A clone shares it; the last one wipes it.
///
/// GCM's expansion, the round keys and the hash key's powers, is made when first used and kept with the value, from
/// which anyone could make it anew.
#[derive(Clone)]
pub struct SecretKey(Arc<Material>);

struct Material {
    value: SecretBytes,
    gcm: OnceLock<Expanded>,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

impl From<SecretBytes> for SecretKey {
    fn from(value: SecretBytes) -> Self {
        SecretKey(Arc::new(Material { value, gcm: OnceLock::new() }))
    }
}

impl SecretKey {
    /// The value as it is.
    pub fn value(&self) -> &SecretBytes {
        &self.0.value
    }

    fn gcm(&self) -> Result<&Expanded> {
        if let Some(gcm) = self.0.gcm.get() {
            return Ok(gcm);
        }
        let gcm = Expanded::new(&self.0.value)?;
        Ok(self.0.gcm.get_or_init(|| gcm))
    }
}

impl GcmKey for SecretKey {
    type Running = Stream;

    fn value(&self) -> &SecretBytes {
        &self.0.value
    }

    fn expand(&self) -> Result<()> {
        self.gcm().map(|_| ())
    }

    fn begin(&self, iv: &[u8], aad: &[u8]) -> Result<Stream> {
        Stream::new(self.gcm()?, iv, aad)
    }

    /// A message's own state is small: nothing is worth keeping.
    fn give_back(&self, _running: Stream, _iv_len: usize) {}

    fn seal(&self, iv: &[u8], aad: &[u8], input: &[u8], out: &mut [u8]) -> Result<[u8; 16]> {
        self.gcm()?.seal(iv, aad, input, out)
    }

    fn open(&self, iv: &[u8], aad: &[u8], input: &[u8], tag: &[u8], out: &mut [u8]) -> Result<()> {
        self.gcm()?.open(iv, aad, input, tag, out)
    }
}
