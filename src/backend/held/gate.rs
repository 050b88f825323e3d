//! The PIN gate: a PIN that this process asks for before it uses keys that lie
//! elsewhere and ask for none.
//!
//! It keeps keyward's callers from the keys, not whoever can talk to the device or service itself.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::config::{self, SlotReader};
use crate::crypto;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Kdf, SecretBytes};

/// The longest PIN in bytes.
pub const MAX_PIN_LEN: usize = 255;
/// What the first wrong PIN costs the next try; each further one doubles it.
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// How often it doubles: to 8 seconds.
const DOUBLINGS: u32 = 5;

/// What a PIN is held against.
enum Secret {
    /// An Argon2id hash in the PHC format, as `argon2 SALT -id -e` prints it.
    Hash {
        /// What it costs.
        kdf: Kdf,
        /// Its salt.
        salt: Vec<u8>,
        /// The 32 bytes.
        hash: [u8; 32],
    },
    /// An environment variable with the PIN.
    Variable(String),
    /// A file with the PIN in its first line.
    File(PathBuf),
}

/// A PIN and who tried it in vain.
pub struct Gate {
    secret: Secret,
    failures: Mutex<u32>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

impl Secret {
    /// `$argon2id$v=19$m=...,t=...,p=...$SALT$HASH`.
    fn parse_hash(text: &str) -> Option<Secret> {
        let mut fields = text.split('$');
        let ("", "argon2id", "v=19") = (fields.next()?, fields.next()?, fields.next()?) else { return None };
        let (costs, salt, hash, None) = (fields.next()?, fields.next()?, fields.next()?, fields.next())
        else {
            return None;
        };
        let mut costs = costs
            .split(',')
            .zip(["m=", "t=", "p="])
            .map(|(cost, name)| cost.strip_prefix(name)?.parse::<u32>().ok());
        let kdf = Kdf::new(costs.next()??, costs.next()??, costs.next()??).ok()?;
        Some(Secret::Hash { kdf, salt: base64(salt)?, hash: base64(hash)?.try_into().ok()? })
    }

    /// Whether this is the PIN. CKR_FUNCTION_FAILED where there is nothing to hold it against.
    fn is(&self, pin: &[u8]) -> Result<bool> {
        let failed = |why: String| Error::new(ErrorKind::FunctionFailed, why);
        let wanted = match self {
            Secret::Hash { kdf, salt, hash } => {
                let key = crypto::argon2id(pin, salt, kdf.m_kib(), kdf.t(), kdf.p())
                    .map_err(|_| failed("pin_hash: its salt or costs can't be computed with".to_owned()))?;
                return Ok(crypto::equal(key.as_bytes(), hash));
            }
            // Whoever starts a privileged program must not choose the PIN that opens its slot.
            Secret::Variable(name) => std::env::var(name)
                .ok()
                .filter(|_| !config::is_privileged())
                .map(|pin| SecretBytes::from(pin.into_bytes()))
                .ok_or_else(|| failed(format!("pin_env: the environment variable {name} is not set"))),
            Secret::File(path) => {
                first_line(path).map_err(|error| failed(format!("pin_file: {}: {error}", path.display())))
            }
        }?;
        match wanted.is_empty() {
            true => Err(failed("pin_env or pin_file: an empty PIN opens nothing".to_owned())),
            false => Ok(crypto::equal(&wanted, pin)),
        }
    }
}

fn first_line(path: &std::path::Path) -> std::io::Result<SecretBytes> {
    let text = Zeroizing::new(std::fs::read(path)?);
    let line = text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    Ok(SecretBytes::from(line))
}

impl Gate {
    /// `pin_hash`, `pin_env` and `pin_file` of a `[[slot]]`, of which a gated slot has one and another one none.
    pub fn read(reader: &mut SlotReader<'_>, gated: bool) -> config::Result<Option<Gate>> {
        let hash = reader.text("pin_hash")?;
        let variable = reader.text("pin_env")?;
        let file = reader.path("pin_file")?;
        let secret = match (hash, variable, file) {
            (None, None, None) if !gated => return Ok(None),
            _ if !gated => {
                return Err(reader.refuse("pin_hash, pin_env and pin_file are for pin = \"gate\""));
            }
            (Some(hash), None, None) => Secret::parse_hash(hash)
                .ok_or_else(|| reader.refuse("pin_hash is no Argon2id hash of 32 bytes"))?,
            (None, Some(variable), None) => Secret::Variable(variable.to_owned()),
            (None, None, Some(file)) => Secret::File(file),
            _ => return Err(reader.refuse("pin = \"gate\" needs one of pin_hash, pin_env and pin_file")),
        };
        Ok(Some(Gate::new(secret)))
    }

    /// A gate that nobody tried yet.
    fn new(secret: Secret) -> Self {
        Gate { secret, failures: Mutex::new(0) }
    }

    /// Checks a PIN, after a wait that earlier wrong ones cost. CKR_PIN_INCORRECT.
    pub fn check(&self, pin: Option<&[u8]>) -> Result<()> {
        let pin = pin.ok_or_else(|| Error::new(ErrorKind::ArgumentsBad, "no PIN: there is no PIN pad"))?;
        // Counted as wrong before it is known: several at once don't get the wait of one.
        let failures = {
            let mut failures = self.failures.lock();
            *failures = failures.saturating_add(1);
            *failures - 1
        };
        if failures > 0 {
            std::thread::sleep(FIRST_DELAY * (1 << (failures - 1).min(DOUBLINGS)));
        }
        match self.secret.is(pin) {
            Ok(true) => {
                *self.failures.lock() = 0;
                Ok(())
            }
            Ok(false) => Err(ErrorKind::PinIncorrect.into()),
            Err(error) => {
                *self.failures.lock() = failures;
                Err(error)
            }
        }
    }
}

/// Base64 without padding, as the PHC format has it.
fn base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for character in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == character)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    // What is left over has to be zeros of less than a character.
    (count < 6 && bits == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the reference implementation: `printf 1234 | argon2 somesalt -id -v 13 -t 2 -k 256 -p 1 -l 32 -e`, checked
    /// against the crate below.
    fn hash_of(pin: &[u8]) -> Gate {
        let key = crypto::argon2id(pin, b"somesalt", 256, 2, 1).unwrap();
        Gate::new(Secret::Hash {
            kdf: Kdf::new(256, 2, 1).unwrap(),
            salt: b"somesalt".to_vec(),
            hash: *key.as_bytes(),
        })
    }

    #[test]
    fn hashes_are_read() {
        let text = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        let Some(Secret::Hash { salt, hash, .. }) = Secret::parse_hash(text) else { panic!() };
        assert_eq!(salt, b"somesalt");
        assert_eq!(hash, std::array::from_fn(|at| u8::try_from(at).unwrap()));
        for wrong in [
            "",
            "1234",
            "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            "$argon2id$v=19$m=256,t=2$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$AAEC",
            "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        ] {
            assert!(Secret::parse_hash(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_pin_is_counted_and_a_right_one_forgets_it() {
        let gate = hash_of(b"1234");
        assert_eq!(gate.check(Some(b"1235")).unwrap_err().kind(), ErrorKind::PinIncorrect);
        assert_eq!(*gate.failures.lock(), 1);
        gate.check(Some(b"1234")).unwrap();
        assert_eq!(*gate.failures.lock(), 0);
        assert_eq!(gate.check(None).unwrap_err().kind(), ErrorKind::ArgumentsBad);
    }

    #[test]
    fn nothing_to_compare_with_opens_nothing() {
        let gate = Gate::new(Secret::File("/nonexistent".into()));
        assert_eq!(gate.check(Some(b"")).unwrap_err().kind(), ErrorKind::FunctionFailed);
        let gate = Gate::new(Secret::Variable("KEYWARD_TEST_UNSET_PIN".to_owned()));
        assert_eq!(gate.check(Some(b"")).unwrap_err().kind(), ErrorKind::FunctionFailed);
    }
}
