//! Triple DES (SP 800-67), for keys of the past: ECB and CBC.

use super::blocks::Blocks;
use super::{BlockMode, Ciphers, Direction, Error, Result, crypter_within};
use zeroize::Zeroizing;

/// A mode with its parameters.
#[derive(Debug, Clone, Copy)]
pub enum Des3Mode<'a> {
    /// Electronic codebook: whole blocks of 8 bytes.
    Ecb,
    /// Cipher block chaining: whole blocks of 8 bytes.
    Cbc(&'a [u8; 8]),
    /// Cipher block chaining with PKCS#7 padding: any length.
    CbcPad(&'a [u8; 8]),
}

/// A running encryption or decryption.
pub struct Des3<P: Ciphers>(Blocks<P::Chain, 8>);

impl<P: Ciphers> Des3<P> {
    /// Starts under a key of 16 bytes, where the first half serves again as the third key, or 24 ([`Error::KeySize`]).
    /// Parity bits count nothing.
    pub fn new(mode: Des3Mode<'_>, direction: Direction, key: &[u8]) -> Result<Self> {
        let (block_mode, iv, pad) = match mode {
            Des3Mode::Ecb => (BlockMode::Ecb, &[0; 8], false),
            Des3Mode::Cbc(iv) => (BlockMode::Cbc, iv, false),
            Des3Mode::CbcPad(iv) => (BlockMode::Cbc, iv, true),
        };
        let cipher = P::des3(block_mode, direction, &*three_keys(key)?, iv)?;
        Ok(Des3(Blocks::new(cipher, direction, pad)))
    }
}

crypter_within!(Des3<P>);

/// Two keys or three as three.
pub(super) fn three_keys(key: &[u8]) -> Result<Zeroizing<[u8; 24]>> {
    if !matches!(key.len(), 16 | 24) {
        return Err(Error::KeySize("a triple DES key has 16 or 24 bytes"));
    }
    let mut keys = Zeroizing::new([0; 24]);
    keys.iter_mut().zip(key.iter().cycle()).for_each(|(to, from)| *to = *from);
    Ok(keys)
}
