//! How SoftHSM seals: the token key under a PIN, and strings of bytes under the token key.

use zeroize::Zeroizing;

use crate::cli::migrate::open::cbc_pad;
use crate::cli::migrate::source::Damage;
use crate::crypto::{Hash, digest, equal};
use crate::object::{Attributes, Value};
use crate::types::{SecretBytes, ck};

const SALT: usize = 8;
/// What the token key follows, once it is opened with the right PIN.
const MAGIC: &[u8] = b"RJR";
const KEY: usize = 32;
/// A PIN is hashed so many times, and once more for each unit of the salt's last byte.
const ROUNDS: u32 = 1500;

/// Strings that SoftHSM writes in the clear in private objects, too.
const CLEAR: [ck::CK_ATTRIBUTE_TYPE; 2] = [ck::CKA_START_DATE, ck::CKA_END_DATE];

/// The key that seals a token's private objects.
#[derive(Debug)]
pub struct TokenKey(SecretBytes);

impl TokenKey {
    /// Opens `salt (8) || IV (16) || ciphertext`. `None` for a wrong PIN.
    pub fn open(sealed: &[u8], pin: &[u8]) -> Result<Option<TokenKey>, Damage> {
        let (salt, sealed) = sealed.split_at_checked(SALT).ok_or("the token key is cut off")?;
        let key = stretched(salt, pin);
        // A wrong PIN makes wrong padding, or else no magic.
        let opened = match cbc_pad(&key, sealed) {
            Ok(opened) => opened,
            Err(crate::crypto::Error::Ciphertext) => return Ok(None),
            Err(_) => return Err("the token key has an impossible length".into()),
        };
        match opened.split_at_checked(MAGIC.len()) {
            Some((magic, key)) if equal(magic, MAGIC) && key.len() == KEY => {
                Ok(Some(TokenKey(SecretBytes::from(key))))
            }
            _ => Ok(None),
        }
    }

    fn unseal(&self, sealed: &[u8]) -> Result<SecretBytes, Damage> {
        cbc_pad(&self.0, sealed).map_err(|_| "a sealed attribute does not open: it was damaged".into())
    }
}

/// SHA-256 over salt and PIN, then over its own result.
fn stretched(salt: &[u8], pin: &[u8]) -> Zeroizing<Vec<u8>> {
    let rounds = ROUNDS + salt.last().copied().map_or(0, u32::from);
    let first = Zeroizing::new([salt, pin].concat());
    let hash = (1..rounds).fold(digest(Hash::Sha256, &first), |hash, _| digest(Hash::Sha256, &hash));
    Zeroizing::new(hash.to_vec())
}

/// The object in the clear. Without a key, only public objects are.
pub fn unseal(mut object: Attributes, key: Option<&TokenKey>) -> Result<Attributes, Damage> {
    if !object.flag(ck::CKA_PRIVATE) {
        return Ok(object);
    }
    let Some(key) = key else { return Err("it is private, and the token has no user PIN".into()) };
    let sealed = object.iter().filter_map(|(id, value)| match value {
        Value::Bytes(bytes) if !bytes.is_empty() && !CLEAR.contains(&id) => Some((id, bytes.clone())),
        _ => None,
    });
    for (id, bytes) in sealed.collect::<Vec<_>>() {
        object.set(id, key.unseal(&bytes)?);
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::aes::{AesCipher, Direction, Mode};

    fn sealed(key: &[u8], plain: &[u8]) -> Vec<u8> {
        let iv = [9; 16];
        let mut cipher = AesCipher::new(
            Mode::CbcPad { iv: &iv },
            Direction::Encrypt,
            &SecretBytes::from(key.to_vec()).into(),
        )
        .unwrap();
        let mut out = vec![0; cipher.once_len(plain.len())];
        cipher.once(plain, &mut out).unwrap();
        [&iv[..], &out].concat()
    }

    fn blob(pin: &[u8]) -> Vec<u8> {
        let salt = [1, 2, 3, 4, 5, 6, 7, 200];
        let plain = [MAGIC, &[5; KEY]].concat();
        [&salt[..], &sealed(&stretched(&salt, pin), &plain)].concat()
    }

    #[test]
    fn the_right_pin_opens_the_token_key() {
        let blob = blob(b"1234");
        assert_eq!(*TokenKey::open(&blob, b"1234").unwrap().unwrap().0, [5; KEY]);
        assert!(TokenKey::open(&blob, b"1235").unwrap().is_none());
        for end in 0..blob.len() {
            assert!(!matches!(TokenKey::open(&blob[..end], b"1234"), Ok(Some(_))), "cut at {end}");
        }
    }

    #[test]
    fn strings_of_private_objects_are_opened_and_dates_left() {
        let key = TokenKey(SecretBytes::from(vec![5; KEY]));
        let object = Attributes::new()
            .with(ck::CKA_PRIVATE, true)
            .with(ck::CKA_LABEL, sealed(&[5; KEY], b"label"))
            .with(ck::CKA_ID, b"")
            .with(ck::CKA_START_DATE, b"20260101");
        let opened = unseal(object.clone(), Some(&key)).unwrap();
        assert_eq!(opened.bytes(ck::CKA_LABEL), Some(&b"label"[..]));
        assert_eq!(opened.bytes(ck::CKA_START_DATE), Some(&b"20260101"[..]));
        assert!(unseal(object.clone(), None).is_err());
        assert!(unseal(object.with(ck::CKA_LABEL, b"not sealed"), Some(&key)).is_err());
    }
}
