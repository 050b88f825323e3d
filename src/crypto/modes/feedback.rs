//! OFB and CFB (SP 800-38A, sections 6.3 and 6.4): any length, byte for byte.

use super::{Block, Ciphers, Direction, Result, Running, SHORT};
use crate::crypto::Crypter;
use zeroize::Zeroize;

/// What is fed back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// The keystream: OFB.
    Output,
    /// Ciphertext, bit by bit: CFB1.
    Bit,
    /// Ciphertext, byte by byte: CFB8.
    Byte,
    /// Ciphertext in segments of 64 bits: CFB64.
    Half,
    /// Ciphertext block by block: CFB128.
    Block,
}

/// A running message.
pub struct Feedback<P: Ciphers>(P::Feedback);

impl<P: Ciphers> Feedback<P> {
    /// Starts under a key of 16, 24 or 32 bytes ([`crate::crypto::Error::KeySize`]).
    pub fn new(segment: Segment, direction: Direction, key: &[u8], iv: &[u8; 16]) -> Result<Self> {
        P::feedback(segment, direction, key, iv).map(Feedback)
    }
}

impl<P: Ciphers> Crypter for Feedback<P> {
    fn update_len(&self, input: usize) -> usize {
        input
    }
    fn finish_len(&self) -> usize {
        0
    }
    fn once_len(&self, input: usize) -> usize {
        input
    }
    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        self.0.update(input, out.get_mut(..input.len()).ok_or(SHORT)?)?;
        Ok(input.len())
    }
    fn finish(&mut self, _out: &mut [u8]) -> Result<usize> {
        Ok(0)
    }
}

const BLOCK: usize = 16;

/// Feedback of every kind over a block cipher, for what a provider has no stream of.
pub struct Shifted<B> {
    aes: B,
    segment: Segment,
    encrypt: bool,
    /// The last 128 bits of the IV and what was fed back; its end fills up while a segment runs.
    register: [u8; BLOCK],
    /// Keystream of the segment.
    stream: [u8; BLOCK],
    /// Bytes of the segment that are done, below its length between calls.
    done: usize,
}

impl<B: Block> Shifted<B> {
    pub(in crate::crypto) fn new(aes: B, segment: Segment, direction: Direction, iv: &[u8; BLOCK]) -> Self {
        let encrypt = direction == Direction::Encrypt;
        Shifted { aes, segment, encrypt, register: *iv, stream: [0; BLOCK], done: 0 }
    }

    fn refill(&mut self) {
        self.stream = self.register;
        self.aes.encrypt(&mut self.stream);
    }

    /// CFB1 over the bits of a byte, the highest first.
    fn bits(&mut self, from: u8) -> u8 {
        let mut to = 0;
        for place in (0..8).rev() {
            self.refill();
            let [first, ..] = self.stream;
            let plain = (from >> place) & 1;
            let bit = plain ^ (first >> 7);
            to |= bit << place;
            let fed = if self.encrypt { bit } else { plain };
            self.register = ((u128::from_be_bytes(self.register) << 1) | u128::from(fed)).to_be_bytes();
        }
        to
    }

    /// A byte in segments of `len` bytes. `None` can't be: `done` is below `len`, which is a block at most.
    fn byte(&mut self, len: usize, from: u8) -> Option<u8> {
        if self.done == 0 {
            self.refill();
            self.register.rotate_left(len);
        }
        let stream = *self.stream.get(self.done)?;
        let to = from ^ stream;
        *self.register.get_mut(BLOCK - len + self.done)? = match (self.segment, self.encrypt) {
            (Segment::Output, _) => stream,
            (_, true) => to,
            (_, false) => from,
        };
        self.done += 1;
        if self.done == len {
            self.done = 0;
        }
        Some(to)
    }
}

impl<B: Block> Running for Shifted<B> {
    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<()> {
        let len = match self.segment {
            Segment::Bit => 0,
            Segment::Byte => 1,
            Segment::Half => BLOCK / 2,
            Segment::Output | Segment::Block => BLOCK,
        };
        for (from, to) in input.iter().zip(out) {
            *to = if len == 0 { self.bits(*from) } else { self.byte(len, *from).ok_or(SHORT)? };
        }
        Ok(())
    }
}

impl<B> Drop for Shifted<B> {
    fn drop(&mut self) {
        self.stream.zeroize();
        self.register.zeroize();
    }
}
