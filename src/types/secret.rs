//! Containers of secrets: zeroized on drop, compared in constant time, silent in `Debug`.
//!
//! `SecretBytes` is for anything secret of any size (key material in transit, PINs). `LockedKey` is for the few
//! keys that live as long as a login: its page is never swapped out, dumped, or handed to a forked child.

use std::collections::TryReserveError;
use std::fmt;
use std::hint::black_box;
use std::ops::{Deref, DerefMut};

use zeroize::{Zeroize, Zeroizing};

use super::pages::Pages;

/// Owned secret bytes.
#[derive(Clone, Default)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// `len` zero bytes, or an error where the memory is not there: for lengths that a caller chose.
    pub fn zeroed(len: usize) -> Result<Self, TryReserveError> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len)?;
        bytes.resize(len, 0);
        Ok(SecretBytes(Zeroizing::new(bytes)))
    }

    /// A copy of `bytes`, or an error where the memory is not there: for lengths that a caller chose.
    pub fn copied(bytes: &[u8]) -> Result<Self, TryReserveError> {
        let mut own = Self::zeroed(bytes.len())?;
        own.copy_from_slice(bytes);
        Ok(own)
    }

    /// Keeps the first `len` bytes and wipes the rest.
    pub fn truncate(&mut self, len: usize) {
        if let Some(rest) = self.0.get_mut(len..) {
            rest.zeroize();
        }
        self.0.truncate(len);
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(v: Vec<u8>) -> Self {
        SecretBytes(Zeroizing::new(v))
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(v: &[u8]) -> Self {
        SecretBytes(Zeroizing::new(v.to_vec()))
    }
}

impl Deref for SecretBytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for SecretBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl AsRef<[u8]> for SecretBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for SecretBytes {
    /// In constant time for equal lengths; the length is no secret.
    fn eq(&self, other: &Self) -> bool {
        let difference = self.iter().zip(other.iter()).fold(0u8, |d, (a, b)| black_box(d | (a ^ b)));
        self.len() == other.len() && black_box(difference) == 0
    }
}

impl Eq for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.len())
    }
}

/// A 32-byte key in a page of its own: locked in memory, left out of core dumps, wiped in forked children.
///
/// Each of the three is best effort (a low RLIMIT_MEMLOCK, an old kernel): the key works without them. In a forked
/// child the bytes read as zeros, so a child must log in anew, which the specification asks of it anyway.
pub struct LockedKey(Pages);

impl LockedKey {
    /// A key that `fill` writes (a random generator, a derivation) straight into the locked page.
    pub fn random<E>(fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut key = LockedKey(Pages::locked(32));
        fill(&mut key.0)?;
        Ok(key)
    }

    /// A copy of `bytes`, which the caller wipes.
    pub fn from_slice(bytes: &[u8; 32]) -> Self {
        let mut key = LockedKey(Pages::locked(32));
        key.0.copy_from_slice(bytes);
        key
    }

    /// The key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        const NONE: &[u8; 32] = &[0; 32];
        self.0.as_array().unwrap_or(NONE)
    }
}

impl fmt::Debug for LockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockedKey(32 bytes)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_looks_at_length_and_every_byte() {
        let a = SecretBytes::from(&b"secret"[..]);
        assert_eq!(a, SecretBytes::from(b"secret".to_vec()));
        assert_ne!(a, SecretBytes::from(&b"secreT"[..]));
        assert_ne!(a, SecretBytes::from(&b"secre"[..]));
        assert_ne!(a, SecretBytes::default());
    }

    #[test]
    fn debug_shows_no_content() {
        let key = LockedKey::from_slice(&[0x41; 32]);
        assert!(!format!("{key:?}{:?}", SecretBytes::from(&b"AAAA"[..])).contains("AA"));
    }

    #[test]
    fn an_impossible_length_is_an_error_not_an_abort() {
        assert!(SecretBytes::zeroed(usize::MAX).is_err());
        let mut bytes = SecretBytes::copied(b"0123456789").unwrap();
        bytes.truncate(3);
        assert_eq!(&*bytes, b"012");
    }

    #[test]
    fn a_locked_key_holds_what_was_filled_in_and_moves_between_threads() {
        let key = LockedKey::random(|out| {
            out.fill(7);
            Ok::<(), ()>(())
        })
        .unwrap();
        let key = std::thread::spawn(move || {
            assert_eq!(key.as_bytes(), &[7; 32]);
            key
        })
        .join()
        .unwrap();
        assert_eq!(key.as_bytes(), LockedKey::from_slice(&[7; 32]).as_bytes());
        assert!(LockedKey::random(|_| Err(1)).is_err());
    }
}
