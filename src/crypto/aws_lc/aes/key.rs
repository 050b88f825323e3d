//! A secret key's value, beside what GCM expands of it.

use super::super::raw::Gcm;
use super::Result;
use crate::types::SecretBytes;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A secret key. A clone shares it; the last one wipes it.
///
/// GCM's expansion, the round keys and the hash key's powers, takes longer than a kilobyte of data: it is made when
/// first used and kept with the value, from which anyone could make it anew.
#[derive(Clone)]
pub struct SecretKey(Arc<Material>);

struct Material {
    value: SecretBytes,
    gcm: OnceLock<Gcm>,
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

    /// The key expanded for GCM; it has 16, 24 or 32 bytes ([`super::Error::KeySize`]).
    pub(super) fn gcm(&self) -> Result<&Gcm> {
        if let Some(gcm) = self.0.gcm.get() {
            return Ok(gcm);
        }
        let gcm = Gcm::new(&self.0.value)?;
        Ok(self.0.gcm.get_or_init(|| gcm))
    }
}
