//! Argon2id (RFC 9106): PINs into keys.

use super::{Error, Result};
use crate::types::LockedKey;

/// Derives a 32-byte key.
pub fn argon2id(pin: &[u8], salt: &[u8], m_kib: u32, t: u32, p: u32) -> Result<LockedKey> {
    let _ = (pin, salt, m_kib, t, p);
    Err(Error::Internal("unfinished"))
}
