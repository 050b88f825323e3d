//! AES in the modes of SP 800-38A and 38D. A cipher belongs to one operation; a key may be shared by many.

use super::blocks::Blocks;
use super::counter::Counter;
use super::gcm::{GcmDecrypt, GcmEncrypt};
use super::{BlockMode, Ciphers, Direction, GcmKey, Result};
use crate::crypto::Crypter;

/// A mode with its parameters.
#[derive(Debug, Clone, Copy)]
pub enum Mode<'a> {
    /// Electronic codebook: whole blocks of 16 bytes.
    Ecb,
    /// Cipher block chaining: whole blocks of 16 bytes.
    Cbc {
        /// The IV.
        iv: &'a [u8; 16],
    },
    /// Cipher block chaining with PKCS#7 padding: any length.
    CbcPad {
        /// The IV.
        iv: &'a [u8; 16],
    },
    /// Counter mode: any length.
    Ctr {
        /// The first counter block.
        block: &'a [u8; 16],
        /// How many low bits of the block count, 1 to 128. They wrap without touching the others; more than 2^bits
        /// blocks would repeat the keystream and are [`Error::DataLength`].
        counter_bits: u32,
    },
    /// Galois/counter mode: any length. The ciphertext ends with the tag.
    Gcm {
        /// The nonce, from 1 byte to 256 MiB; 12 bytes are the fast and usual case.
        iv: &'a [u8],
        /// Additional authenticated data.
        aad: &'a [u8],
        /// Tag length in bytes, 4 to 16.
        tag_len: usize,
    },
}

/// A running encryption or decryption.
pub struct AesCipher<P: Ciphers>(State<P>);

enum State<P: Ciphers> {
    Blocks(Blocks<P::Chain, 16>),
    Counter(Counter<P::Chain>),
    GcmEncrypt(GcmEncrypt<P::Key>),
    GcmDecrypt(GcmDecrypt<P::Key>),
}

impl<P: Ciphers> AesCipher<P> {
    /// Starts under a key of 16, 24 or 32 bytes ([`crate::crypto::Error::KeySize`]); parameters out of range are
    /// [`crate::crypto::Error::Param`].
    pub fn new(mode: Mode<'_>, direction: Direction, key: &P::Key) -> Result<Self> {
        let value = key.value();
        let blocks = |mode, iv: &[u8; 16], pad| -> Result<State<P>> {
            Ok(State::Blocks(Blocks::new(P::aes(mode, direction, value, iv)?, direction, pad)))
        };
        Ok(AesCipher(match mode {
            Mode::Ecb => blocks(BlockMode::Ecb, &[0; 16], false)?,
            Mode::Cbc { iv } => blocks(BlockMode::Cbc, iv, false)?,
            Mode::CbcPad { iv } => blocks(BlockMode::Cbc, iv, true)?,
            Mode::Ctr { block, counter_bits } => {
                State::Counter(Counter::new::<P>(value, block, counter_bits)?)
            }
            Mode::Gcm { iv, aad, tag_len } => match direction {
                Direction::Encrypt => State::GcmEncrypt(GcmEncrypt::new(key, iv, aad, tag_len)?),
                Direction::Decrypt => State::GcmDecrypt(GcmDecrypt::new(key, iv, aad, tag_len)?),
            },
        }))
    }

    /// Exactly how many bytes [`AesCipher::update`] writes for `input` more bytes.
    pub fn update_len(&self, input: usize) -> usize {
        match &self.0 {
            State::Blocks(blocks) => blocks.update_len(input),
            State::Counter(_) | State::GcmEncrypt(_) => input,
            State::GcmDecrypt(_) => 0,
        }
    }

    /// The most that [`AesCipher::finish`] writes, in bytes; exact but for CBC decryption with padding.
    pub fn finish_len(&self) -> usize {
        match &self.0 {
            State::Blocks(blocks) => blocks.finish_len(),
            State::Counter(_) => 0,
            State::GcmEncrypt(gcm) => gcm.tag_len(),
            State::GcmDecrypt(gcm) => gcm.finish_len(),
        }
    }

    /// The most that [`AesCipher::once`] writes for `input` bytes; exact but for CBC decryption with padding.
    pub fn once_len(&self, input: usize) -> usize {
        match &self.0 {
            State::Blocks(blocks) => blocks.once_len(input),
            State::Counter(_) => input,
            State::GcmEncrypt(gcm) => input.saturating_add(gcm.tag_len()),
            State::GcmDecrypt(gcm) => input.saturating_sub(gcm.tag_len()),
        }
    }

    /// Feeds a part; `out` takes at least `update_len(input.len())` bytes. Returns how many were written.
    ///
    /// GCM decryption only collects here: nothing comes out before the tag was checked.
    pub fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        match &mut self.0 {
            State::Blocks(blocks) => blocks.update(input, out),
            State::Counter(counter) => counter.update(input, out),
            State::GcmEncrypt(gcm) => gcm.update(input, out),
            State::GcmDecrypt(gcm) => gcm.update(input),
        }
    }

    /// Ends the message; `out` takes at least `finish_len()` bytes, or as many as the plaintext turns out to have.
    ///
    /// A message that is no whole number of blocks is [`crate::crypto::Error::DataLength`] (encrypting) or
    /// [`crate::crypto::Error::CiphertextLength`] (decrypting); wrong padding or a wrong tag is
    /// [`crate::crypto::Error::Ciphertext`].
    pub fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        match &mut self.0 {
            State::Blocks(blocks) => blocks.finish(out),
            State::Counter(_) => Ok(0),
            State::GcmEncrypt(gcm) => gcm.finish(out),
            State::GcmDecrypt(gcm) => gcm.finish(out),
        }
    }

    /// The whole message in one call, instead of `update` and `finish`; `out` takes at least `once_len` bytes, or as
    /// many as the plaintext turns out to have. GCM decryption wipes `out` if the tag is wrong.
    pub fn once(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        match &mut self.0 {
            State::GcmEncrypt(gcm) => return gcm.once(input, out),
            State::GcmDecrypt(gcm) => return gcm.once(input, out),
            State::Blocks(_) | State::Counter(_) => {}
        }
        let written = self.update(input, out)?;
        let rest = out.get_mut(written..).unwrap_or_default();
        Ok(written + self.finish(rest)?)
    }
}
