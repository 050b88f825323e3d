//! Connects soft tokens whose PIN lies encrypted with the cloud slots that decrypt it. They know each other by the
//! traits of `token` only.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use base64ct::{Base64, Encoding};

use crate::config::PinEntry;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::{Mechanism, Params};
use crate::object::Template;
use crate::token::{Access, Login, ObjectHandle, PinSource, Token, TokenSession, UserPin};
use crate::types::{SecretBytes, ck};

/// The largest file with a ciphertext.
const MAX_FILE: u64 = 64 << 10;

/// Whoever decrypts a PIN is not logged in there: the slot asks for none.
const NOBODY: Access = Access { read_write: false, login: Login::Public };

/// The cloud slots by their labels.
#[derive(Default)]
pub struct Slots(BTreeMap<String, Arc<dyn Token>>);

impl Slots {
    /// Adds a slot under its token's label.
    pub fn add(&mut self, token: Arc<dyn Token>) -> Result<()> {
        let info = token.info()?;
        let label = String::from_utf8_lossy(&info.label).trim_end_matches(' ').to_owned();
        self.0.entry(label).or_insert(token);
        Ok(())
    }

    /// The PIN of an entry. An error where there is no such slot, or one that wants a PIN itself.
    pub fn pin(&self, entry: &PinEntry) -> Result<UserPin> {
        let token = self
            .0
            .get(&entry.kms)
            .ok_or_else(|| entry.refuse("no [[slot]] with backend = \"kms\" or \"group\" has this label"))?;
        if token.info()?.flags & ck::CKF_LOGIN_REQUIRED != 0 {
            return Err(entry.refuse("that slot asks for a PIN itself; it needs pin = \"none\"").into());
        }
        let source = KeyOfSlot { token: token.clone(), entry: entry.clone() };
        Ok(UserPin::new(entry.token.clone(), Arc::new(source), entry.by_itself))
    }
}

/// A key that decrypts.
struct KeyOfSlot {
    token: Arc<dyn Token>,
    entry: PinEntry,
}

impl KeyOfSlot {
    fn error(&self, kind: ErrorKind, why: impl std::fmt::Display) -> Error {
        Error::new(kind, format!("the PIN from slot {:?}: {why}", self.entry.kms))
    }

    /// The versions of the key, the newest first.
    fn keys(&self, session: &mut dyn TokenSession) -> Result<Vec<ObjectHandle>> {
        let mut template = Template::new()
            .with(ck::CKA_CLASS, ck::CKO_PRIVATE_KEY)
            .with(ck::CKA_KEY_TYPE, ck::CKK_RSA)
            .with(ck::CKA_DECRYPT, true);
        if let Some(label) = &self.entry.key {
            template = template.with(ck::CKA_LABEL, label.as_bytes());
        }
        let keys = session.find_objects(NOBODY, &template)?;
        match (&self.entry.key, keys.len()) {
            (Some(label), 0) => {
                Err(self.error(ErrorKind::DeviceError, format!("no RSA key {label:?} that decrypts")))
            }
            (None, 0) => Err(self.error(ErrorKind::DeviceError, "no RSA key that decrypts")),
            (None, 2..) => {
                Err(self.error(ErrorKind::DeviceError, "several keys decrypt: say which with key"))
            }
            _ => Ok(keys),
        }
    }

    fn decrypt_with(
        &self,
        session: &mut dyn TokenSession,
        key: ObjectHandle,
        ciphertext: &[u8],
    ) -> Result<SecretBytes> {
        let (hash, mgf) = self.entry.hash;
        let params = Params::Oaep { hash, mgf, label: Vec::new() };
        let mechanism = Mechanism { kind: ck::CKM_RSA_PKCS_OAEP, params };
        let mut cipher = session.decrypt(NOBODY, &mechanism, key)?.operation;
        let mut pin = SecretBytes::from(vec![0; cipher.once_len(ciphertext.len())]);
        let len = cipher.once(ciphertext, &mut pin)?;
        Ok(SecretBytes::from(pin.get(..len).unwrap_or_default()))
    }
}

impl PinSource for KeyOfSlot {
    fn ciphertext(&self) -> Result<Vec<u8>> {
        let path = &self.entry.ciphertext;
        let fail = |why: String| self.error(ErrorKind::FunctionFailed, format!("{}: {why}", path.display()));
        let mut content = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut content));
        read.map_err(|error| fail(error.to_string()))?;
        if u64::try_from(content.len()).is_ok_and(|len| len > MAX_FILE) {
            return Err(fail("larger than a ciphertext can be".to_owned()));
        }
        Ok(decoded(content))
    }

    fn decrypt(&self, ciphertext: &[u8]) -> Result<SecretBytes> {
        let mut session = self.token.clone().open_session(false)?;
        let keys = self.keys(&mut *session)?;
        let mut last = None;
        for key in keys {
            match self.decrypt_with(&mut *session, key, ciphertext) {
                Ok(pin) => return Ok(pin),
                // Another version of the key may have been the newest when it was encrypted.
                Err(error) if is_of_another_key(&error) => last = Some(error),
                Err(error) => return Err(self.error(error.kind(), error)),
            }
        }
        let why = last.map(|error| error.to_string()).unwrap_or_default();
        Err(self.error(ErrorKind::FunctionFailed, format!("its key does not decrypt the file: {why}")))
    }
}

fn is_of_another_key(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::EncryptedDataInvalid | ErrorKind::EncryptedDataLenRange)
}

/// The bytes of a file: Base64, in lines or not, also as Vault writes it with `vault:v1:` before; or the bytes as they
/// are.
fn decoded(content: Vec<u8>) -> Vec<u8> {
    let text: String = match std::str::from_utf8(&content) {
        Ok(text) => text.split_ascii_whitespace().collect(),
        Err(_) => return content,
    };
    let bare = match text.strip_prefix("vault:v").and_then(|rest| rest.split_once(':')) {
        Some((version, bare)) if version.bytes().all(|byte| byte.is_ascii_digit()) => bare,
        _ => &text,
    };
    Base64::decode_vec(bare).unwrap_or(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphertexts_are_raw_or_base64() {
        for text in ["AQID\n", "AQ\nID", "vault:v12:AQID", " AQID "] {
            assert_eq!(decoded(text.into()), [1, 2, 3]);
        }
        for raw in [&b"\xff\x00"[..], b"not base64!", b"vault:vx:AQID"] {
            assert_eq!(decoded(raw.to_vec()), raw);
        }
    }
}
