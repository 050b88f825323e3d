//! Sealing of rows, and the blind index.
//!
//! A row is sealed with AES-256-GCM under a key derived from the token key (private rows) or from the header's public
//! key (public rows). The associated data is the format, the token's serial, the row's number and its private flag:
//! a row that is edited, swapped with another or moved to another token does not open. A row put back in an older
//! version of itself does, as for every store without a trusted counter.

use zeroize::Zeroize;

use super::error::{Error, Result};
use super::{Header, MAX_SEALED, NewRow, Row, RowId, Tag};
use crate::crypto::{self, SealKey};
use crate::types::{LockedKey, SecretBytes};

/// The layout of a sealed row, bound into each. It is not the file's schema version, which counts changes of the
/// tables: those happen without a login, when no private row could be sealed anew.
const FORMAT: u8 = 1;

/// First in every row's associated data.
const MAGIC: &[u8; 12] = b"keyward/row\0";

/// The keys that seal and find one kind of row of one token.
pub struct TokenKeys {
    serial: String,
    private: bool,
    seal: SealKey,
    index: LockedKey,
}

impl TokenKeys {
    /// For public rows. No login needed: integrity against damage, not secrecy.
    pub fn public(header: &Header) -> Result<TokenKeys> {
        Self::derive(&header.serial, false, &LockedKey::from_slice(&header.public_key))
    }

    /// For private rows, from the token key that a PIN opened.
    pub fn private(header: &Header, token_key: &LockedKey) -> Result<TokenKeys> {
        Self::derive(&header.serial, true, token_key)
    }

    fn derive(serial: &str, private: bool, key: &LockedKey) -> Result<TokenKeys> {
        Ok(TokenKeys {
            serial: serial.to_owned(),
            private,
            seal: SealKey::new(&subkey(key, b"keyward row sealing v1"))?,
            index: subkey(key, b"keyward blind index v1"),
        })
    }

    /// Whether these are the keys of private rows.
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// Seals an object as row `id`. [`Error::TooLarge`] above [`MAX_SEALED`].
    pub fn seal(&self, id: RowId, plain: &[u8]) -> Result<Vec<u8>> {
        if plain.len() > MAX_SEALED - 64 {
            return Err(Error::TooLarge { size: plain.len(), most: MAX_SEALED - 64 });
        }
        let body = self.seal.seal(&self.associated(id), plain)?;
        let mut sealed = Vec::with_capacity(1 + body.len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// Opens a row. [`Error::Unsealed`] where it is not exactly what was sealed under its number.
    pub fn open(&self, row: &Row) -> Result<SecretBytes> {
        let unsealed = || Error::Unsealed { serial: self.serial.clone(), what: format!("object {}", row.id) };
        match row.sealed.split_first() {
            Some((&FORMAT, body)) if row.private == self.private => {
                self.seal.open(&self.associated(row.id), body).map_err(|error| match error {
                    crypto::Error::Ciphertext | crypto::Error::CiphertextLength => unsealed(),
                    other => other.into(),
                })
            }
            _ => Err(unsealed()),
        }
    }

    /// What a row is found by: the keyed hash of one attribute's type and value.
    pub fn tag(&self, attribute_type: u64, value: &[u8]) -> Tag {
        let mut mac = crypto::hmac_sha256(self.index.as_bytes(), &[&attribute_type.to_be_bytes(), value]);
        let mut tag = [0; 16];
        for (to, from) in tag.iter_mut().zip(mac) {
            *to = from;
        }
        mac.zeroize();
        tag
    }

    /// A whole row, ready for [`Store::insert`](super::Store::insert).
    pub fn row(&self, id: RowId, plain: &[u8], tags: Vec<Tag>) -> Result<NewRow> {
        Ok(NewRow { id, private: self.private, sealed: self.seal(id, plain)?, tags })
    }

    /// Fixed length but for the serial, which comes last: no two rows share it.
    fn associated(&self, id: RowId) -> Vec<u8> {
        let mut aad = Vec::with_capacity(MAGIC.len() + 10 + self.serial.len());
        aad.extend_from_slice(MAGIC);
        aad.push(FORMAT);
        aad.push(u8::from(self.private));
        aad.extend_from_slice(&id.to_be_bytes());
        aad.extend_from_slice(self.serial.as_bytes());
        aad
    }
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenKeys").field("serial", &self.serial).field("private", &self.private).finish()
    }
}

/// A key for one purpose. One block of HMAC suffices: the input key is uniform already (HKDF's expand step).
fn subkey(key: &LockedKey, purpose: &[u8]) -> LockedKey {
    let mut mac = crypto::hmac_sha256(key.as_bytes(), &[purpose]);
    let derived = LockedKey::from_slice(&mac);
    mac.zeroize();
    derived
}
