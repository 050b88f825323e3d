//! Opening what others have sealed.

use crate::crypto::aes::{AesCipher, Direction, Mode};
use crate::crypto::{Error, Result, SecretKey};
use crate::types::SecretBytes;

fn secret(key: &[u8]) -> SecretKey {
    SecretKey::from(SecretBytes::from(key.to_vec()))
}

/// AES-CBC with PKCS#7 padding over `IV (16) || ciphertext`. [`Error::Ciphertext`] for wrong padding, which is what a
/// wrong key leads to nearly always.
pub fn cbc_pad(key: &[u8], sealed: &[u8]) -> Result<SecretBytes> {
    let (iv, ciphertext) = sealed.split_first_chunk::<16>().ok_or(Error::CiphertextLength)?;
    let mut cipher = AesCipher::new(Mode::CbcPad { iv }, Direction::Decrypt, &secret(key))?;
    let mut plain = SecretBytes::zeroed(ciphertext.len()).map_err(|_| Error::Memory)?;
    let len = cipher.once(ciphertext, &mut plain)?;
    plain.truncate(len);
    Ok(plain)
}

/// AES-GCM over `ciphertext || tag`, the tag's length as told. [`Error::Ciphertext`] for a wrong key or a change.
pub fn gcm(key: &[u8], iv: &[u8], aad: &[u8], tag_len: usize, sealed: &[u8]) -> Result<SecretBytes> {
    let mut cipher = AesCipher::new(Mode::Gcm { iv, aad, tag_len }, Direction::Decrypt, &secret(key))?;
    let mut plain = SecretBytes::zeroed(cipher.once_len(sealed.len())).map_err(|_| Error::Memory)?;
    let len = cipher.once(sealed, &mut plain)?;
    plain.truncate(len);
    Ok(plain)
}
