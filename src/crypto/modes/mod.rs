//! The modes of block ciphers, whatever provider lends the ciphers.
//!
//! A provider names itself by a type that implements [`Ciphers`]; everything here is compiled for each provider that
//! is built, so that nothing is looked up at run time. Partial blocks and padding are handled here, so that what is
//! written, and when, is exact, and the output goes straight into the caller's buffer.

mod aes;
mod block_mac;
mod blocks;
mod ccm;
mod collected;
mod counter;
mod des;
mod feedback;
mod gcm;
mod stealing;
mod tail;
pub(super) mod wrap;
mod xts;

pub use aes::{AesCipher, Mode};
pub use block_mac::BlockMac;
pub use ccm::{Ccm, CcmParts};
pub(super) use collected::{Collected, Message};
pub use des::{Des3, Des3Mode};
pub(super) use feedback::Shifted;
pub use feedback::{Feedback, Segment};
pub use stealing::Cts;
pub(super) use wrap::key_wrap;
pub use xts::Xts;

use super::{Error, Result};
use crate::types::SecretBytes;

/// Which way a cipher runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Plaintext to ciphertext.
    Encrypt,
    /// Ciphertext to plaintext.
    Decrypt,
}

/// The modes in which a provider lends a block cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockMode {
    /// Each block by itself; there is no IV.
    Ecb,
    /// Chained.
    Cbc,
    /// Counting in all bits of a block. AES only.
    Ctr,
}

/// A cipher in the middle of a message.
pub trait Running: Send {
    /// Runs `input` (whole blocks, where the mode has them) into the front of `out`, which is at least as long.
    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<()>;
}

/// A block cipher in a mode.
pub trait Chain: Running {
    /// Runs `data`, whole blocks, in its own place.
    fn update_in_place(&mut self, data: &mut [u8]) -> Result<()>;
    /// Starts over with the same key and another IV, of AES, after whole blocks.
    fn set_iv(&mut self, iv: &[u8; 16]) -> Result<()>;
}

/// An encryption that makes a tag.
pub trait Tagging: Running {
    /// Ends the message and writes as much of the tag as `tag` takes, at most 16 bytes. Nothing may follow.
    fn tag(&mut self, tag: &mut [u8]) -> Result<()>;
}

/// The bare AES permutation under one key, in both directions.
pub trait Block: Send {
    /// Encrypts one block in place.
    fn encrypt(&self, block: &mut [u8; 16]);
    /// Decrypts one block in place.
    fn decrypt(&self, block: &mut [u8; 16]);
}

/// A secret key that keeps what GCM expands of it. A clone shares it.
///
/// An IV has 1 byte to [`MAX_GCM_IV`]: whoever calls has looked.
pub trait GcmKey: Clone + Send {
    /// An encryption in parts.
    type Running: Tagging;
    /// The value as it is.
    fn value(&self) -> &SecretBytes;
    /// Expands the key now: [`Error::KeySize`] unless it has 16, 24 or 32 bytes.
    fn expand(&self) -> Result<()>;
    /// Begins an encryption in parts.
    fn begin(&self, iv: &[u8], aad: &[u8]) -> Result<Self::Running>;
    /// Takes back what [`GcmKey::begin`] gave, however its message ended; `iv_len` is what its IV had in bytes.
    fn give_back(&self, running: Self::Running, iv_len: usize);
    /// Encrypts `input` into `out`, which is as long, and answers the tag.
    fn seal(&self, iv: &[u8], aad: &[u8], input: &[u8], out: &mut [u8]) -> Result<[u8; 16]>;
    /// Decrypts `input` into `out`, which is as long; `tag` has 4 to 16 bytes. [`Error::Ciphertext`] if the tag is
    /// wrong: then the caller wipes `out`.
    fn open(&self, iv: &[u8], aad: &[u8], input: &[u8], tag: &[u8], out: &mut [u8]) -> Result<()>;
}

/// What a provider lends to the modes. A key of a wrong length is [`Error::KeySize`] everywhere.
pub trait Ciphers: Send + 'static {
    /// AES or triple DES in a mode.
    type Chain: Chain;
    /// AES block by block.
    type Block: Block;
    /// A mode with feedback.
    type Feedback: Running;
    /// An AES key.
    type Key: GcmKey;

    /// AES under a key of 16, 24 or 32 bytes; ECB ignores the IV.
    fn aes(mode: BlockMode, direction: Direction, key: &[u8], iv: &[u8; 16]) -> Result<Self::Chain>;
    /// Triple DES under three keys, in ECB (which ignores the IV) or CBC. Parity bits count nothing.
    fn des3(mode: BlockMode, direction: Direction, key: &[u8; 24], iv: &[u8; 8]) -> Result<Self::Chain>;
    /// AES under a key of 16, 24 or 32 bytes.
    fn block(key: &[u8]) -> Result<Self::Block>;
    /// AES under a key of 16, 24 or 32 bytes, with feedback: takes any length.
    fn feedback(segment: Segment, direction: Direction, key: &[u8], iv: &[u8; 16]) -> Result<Self::Feedback>;
    /// Encrypts `input` with AES-CCM into `out`, which is as long, and fills `tag`: 4 to 16 bytes, an even number.
    fn ccm_seal(parts: CcmParts<'_>, input: &[u8], out: &mut [u8], tag: &mut [u8]) -> Result<()>;
    /// Decrypts `input` with AES-CCM into `out`, which is as long. [`Error::Ciphertext`] if the tag is wrong: then the
    /// caller wipes `out`.
    fn ccm_open(parts: CcmParts<'_>, input: &[u8], tag: &[u8], out: &mut [u8]) -> Result<()>;
}

/// The longest IV in bytes that GCM takes here.
pub(super) const MAX_GCM_IV: usize = 1 << 28;

/// What an AES key of another length is answered with.
pub(super) const AES_KEY_SIZE: Error = Error::KeySize("an AES key has 16, 24 or 32 bytes");

/// A cipher that is what it holds.
macro_rules! crypter_within {
    ($name:ident $(<$provider:ident>)?) => {
        impl $(<$provider: $crate::crypto::modes::Ciphers>)? $crate::crypto::Crypter for $name $(<$provider>)? {
            fn update_len(&self, input: usize) -> usize {
                self.0.update_len(input)
            }
            fn finish_len(&self) -> usize {
                self.0.finish_len()
            }
            fn once_len(&self, input: usize) -> usize {
                self.0.once_len(input)
            }
            fn update(&mut self, input: &[u8], out: &mut [u8]) -> $crate::crypto::Result<usize> {
                self.0.update(input, out)
            }
            fn finish(&mut self, out: &mut [u8]) -> $crate::crypto::Result<usize> {
                self.0.finish(out)
            }
            fn once(&mut self, input: &[u8], out: &mut [u8]) -> $crate::crypto::Result<usize> {
                self.0.once(input, out)
            }
        }
    };
}
pub(super) use crypter_within;

pub(super) const SHORT: Error = Error::Internal("cipher output buffer is too short");

/// A length that this direction does not take.
fn wrong_len(encrypt: bool) -> Error {
    if encrypt { Error::DataLength } else { Error::CiphertextLength }
}

/// Writes `a` XOR `b` to `out`, as far as the shortest reaches.
pub(super) fn xor(out: &mut [u8], a: &[u8], b: &[u8]) {
    for ((to, a), b) in out.iter_mut().zip(a).zip(b) {
        *to = a ^ b;
    }
}

/// XORs `mask` onto `data`, as far as the shorter reaches.
pub(super) fn xor_onto(data: &mut [u8], mask: &[u8]) {
    for (to, from) in data.iter_mut().zip(mask) {
        *to ^= from;
    }
}

/// A zeroed buffer of `len` bytes, or [`Error::Memory`].
pub(super) fn buffer(len: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Error::Memory)?;
    bytes.resize(len, 0);
    Ok(bytes)
}
