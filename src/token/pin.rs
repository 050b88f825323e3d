//! A user PIN that nobody types: it lies encrypted somewhere, and something else decrypts it.
//!
//! Which backend that is, a token does not know: `backend` connects them.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::crypto::{self, Hash};
use crate::error::{Error, ErrorKind, Result};
use crate::types::SecretBytes;

/// Where a PIN comes from.
pub trait PinSource: Send + Sync {
    /// The PIN's ciphertext as it lies there now.
    fn ciphertext(&self) -> Result<Vec<u8>>;
    /// The PIN. May ask a service, and take as long as that does.
    fn decrypt(&self, ciphertext: &[u8]) -> Result<SecretBytes>;
}

/// The PIN of a token's user.
pub struct UserPin {
    /// The token's label or serial number; `None` where it is clear which one is meant.
    token: Option<String>,
    source: Arc<dyn PinSource>,
    /// Whether a session logs in without C_Login.
    pub by_itself: bool,
    /// What did not open the token last. Tried again and again, it would lock the PIN.
    refused: Mutex<Option<[u8; 32]>>,
}

impl fmt::Debug for UserPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserPin").field("token", &self.token).finish()
    }
}

impl UserPin {
    /// The PIN of the token with this label or serial number.
    pub fn new(token: Option<String>, source: Arc<dyn PinSource>, by_itself: bool) -> UserPin {
        UserPin { token, source, by_itself, refused: Mutex::new(None) }
    }

    /// Whether it is this token's.
    pub fn is_of(&self, label: &str, serial: &str) -> bool {
        self.token.as_deref().is_none_or(|token| token == label || token == serial)
    }

    /// Gets the PIN for as long as `f` runs. `lock` is what the PIN has to open: a ciphertext whose PIN does not, is not
    /// tried on it again. CKR_PIN_INCORRECT.
    pub fn with<T>(&self, lock: &[u8], f: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        let ciphertext = self.source.ciphertext()?;
        let tried = attempt(lock, &ciphertext);
        if *self.refused.lock() == Some(tried) {
            return Err(Error::new(
                ErrorKind::PinIncorrect,
                "the PIN in the configured file was wrong before, and is not tried again until one of them changes",
            ));
        }
        let pin = self.source.decrypt(&ciphertext)?;
        let answer = f(line(&pin));
        if answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::PinIncorrect) {
            *self.refused.lock() = Some(tried);
        }
        answer
    }
}

fn attempt(lock: &[u8], ciphertext: &[u8]) -> [u8; 32] {
    let digest = crypto::digest(Hash::Sha256, &[lock, ciphertext].concat());
    let mut attempt = [0; 32];
    attempt.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
    attempt
}

/// Without the line's end that a shell may have put there before it was encrypted.
fn line(pin: &[u8]) -> &[u8] {
    let pin = pin.strip_suffix(b"\n").unwrap_or(pin);
    pin.strip_suffix(b"\r").unwrap_or(pin)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// "Decrypts" by turning bytes round.
    struct Source {
        ciphertext: Mutex<Vec<u8>>,
        asked: AtomicU32,
    }

    impl PinSource for Source {
        fn ciphertext(&self) -> Result<Vec<u8>> {
            Ok(self.ciphertext.lock().clone())
        }

        fn decrypt(&self, ciphertext: &[u8]) -> Result<SecretBytes> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Ok(SecretBytes::from(ciphertext.iter().rev().copied().collect::<Vec<_>>()))
        }
    }

    #[test]
    fn a_wrong_pin_is_tried_once() {
        let source =
            Arc::new(Source { ciphertext: Mutex::new(b"\n\r4321".to_vec()), asked: AtomicU32::new(0) });
        let pin = UserPin::new(Some("web".to_owned()), source.clone(), false);
        assert!(pin.is_of("web", "1") && pin.is_of("", "web") && !pin.is_of("other", "1"));
        let open = |lock: &[u8]| {
            pin.with(lock, |pin| if pin == lock { Ok(()) } else { Err(ErrorKind::PinIncorrect.into()) })
        };
        open(b"1234").unwrap();
        open(b"1234").unwrap();
        assert_eq!(source.asked.load(Ordering::Relaxed), 2);
        for _ in 0..3 {
            assert_eq!(open(b"5678").unwrap_err().kind(), ErrorKind::PinIncorrect);
        }
        assert_eq!(source.asked.load(Ordering::Relaxed), 3);
        // Either may change.
        open(b"1234").unwrap();
        *source.ciphertext.lock() = b"8765".to_vec();
        open(b"5678").unwrap();
        // What is wrong with the source is not the PIN's fault.
        let failing = pin.with(b"", |_| -> Result<()> { Err(ErrorKind::DeviceError.into()) });
        assert_eq!(failing.unwrap_err().kind(), ErrorKind::DeviceError);
        open(b"5678").unwrap();
    }
}
