//! Containers of secrets.

/// Owned secret bytes.
#[derive(Clone)]
pub struct SecretBytes(zeroize::Zeroizing<Vec<u8>>);

impl From<Vec<u8>> for SecretBytes {
    fn from(v: Vec<u8>) -> Self {
        SecretBytes(zeroize::Zeroizing::new(v))
    }
}
impl std::ops::Deref for SecretBytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}
impl std::fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.len())
    }
}

/// A 32-byte key.
pub struct LockedKey([u8; 32]);

impl LockedKey {
    /// The key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
