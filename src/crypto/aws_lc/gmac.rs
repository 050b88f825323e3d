//! GMAC by AWS-LC.

use super::raw::Cipher;
use super::{Error, Result};

/// A running GMAC (SP 800-38D): GCM of no data, with the message as its associated data.
pub struct Gmac {
    gcm: Cipher,
    tag_len: usize,
}

impl Gmac {
    /// Starts under a key of 16, 24 or 32 bytes ([`Error::KeySize`]) with an IV of 1 byte to 256 MiB and a tag of 4 to
    /// 16 bytes ([`Error::Param`]).
    pub fn new(key: &[u8], iv: &[u8], tag_len: usize) -> Result<Gmac> {
        if !(4..=16).contains(&tag_len) {
            return Err(Error::Param("GMAC: the tag has 4 to 16 bytes"));
        }
        let mut gcm = Cipher::gcm(true, key)?;
        gcm.begin_gcm(iv, &[])?;
        Ok(Gmac { gcm, tag_len })
    }

    /// Appends to the message.
    pub fn update(&mut self, part: &[u8]) -> Result<()> {
        self.gcm.authenticate(part)
    }

    /// The tag of the message, then zeros. Nothing may follow.
    pub fn finish(&mut self) -> Result<[u8; 16]> {
        let mut tag = [0; 16];
        self.gcm.tag(tag.get_mut(..self.tag_len).ok_or(Error::Internal("GMAC"))?)?;
        Ok(tag)
    }
}
