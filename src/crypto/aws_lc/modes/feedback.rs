//! OFB and CFB (SP 800-38A, sections 6.3 and 6.4): any length, byte for byte.

use super::super::aes::Direction;
use super::super::raw::{AesBlock, Cipher, FeedbackMode};
use super::{Result, SHORT};
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
pub struct Feedback(State);

enum State {
    Provider(Cipher),
    Half(Cfb64),
}

impl Feedback {
    /// Starts under a key of 16, 24 or 32 bytes ([`crate::crypto::Error::KeySize`]).
    pub fn new(segment: Segment, direction: Direction, key: &[u8], iv: &[u8; 16]) -> Result<Feedback> {
        let encrypt = direction == Direction::Encrypt;
        let mode = match segment {
            Segment::Output => FeedbackMode::Ofb,
            Segment::Bit => FeedbackMode::Cfb1,
            Segment::Byte => FeedbackMode::Cfb8,
            Segment::Block => FeedbackMode::Cfb128,
            Segment::Half => return Ok(Feedback(State::Half(Cfb64::new(encrypt, key, iv)?))),
        };
        Ok(Feedback(State::Provider(Cipher::feedback(mode, encrypt, key, iv)?)))
    }
}

impl Crypter for Feedback {
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
        let out = out.get_mut(..input.len()).ok_or(SHORT)?;
        match &mut self.0 {
            State::Provider(cipher) => cipher.update(input, out)?,
            State::Half(cfb) => cfb.update(input, out),
        }
        Ok(input.len())
    }
    fn finish(&mut self, _out: &mut [u8]) -> Result<usize> {
        Ok(0)
    }
}

/// CFB with segments of half a block, which AWS-LC lacks.
struct Cfb64 {
    aes: AesBlock,
    encrypt: bool,
    /// The last 128 bits of IV and ciphertext; the second half fills up while a segment runs.
    register: [u8; 16],
    /// Keystream of the segment.
    stream: [u8; 16],
    /// Bytes of the segment that are done, below 8 between calls.
    done: usize,
}

const SEGMENT: usize = 8;

impl Cfb64 {
    fn new(encrypt: bool, key: &[u8], iv: &[u8; 16]) -> Result<Cfb64> {
        Ok(Cfb64 { aes: AesBlock::new(key)?, encrypt, register: *iv, stream: [0; 16], done: 0 })
    }

    fn update(&mut self, input: &[u8], out: &mut [u8]) {
        for (from, to) in input.iter().zip(out) {
            if self.done == 0 {
                self.stream = self.register;
                self.aes.encrypt(&mut self.stream);
                self.register.rotate_left(SEGMENT);
            }
            let (stream, register) = (self.stream.get(self.done), self.register.get_mut(SEGMENT + self.done));
            // Both are there: `done` is below a segment.
            let (Some(stream), Some(register)) = (stream, register) else { return };
            *to = from ^ stream;
            *register = if self.encrypt { *to } else { *from };
            self.done = (self.done + 1) % SEGMENT;
        }
    }
}

impl Drop for Cfb64 {
    fn drop(&mut self) {
        self.stream.zeroize();
    }
}
