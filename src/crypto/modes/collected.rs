//! Messages that go through in one piece: their parts are kept until the end.

use super::{Error, Result};
use crate::crypto::Crypter;
use zeroize::Zeroize;

/// What happens to a whole message.
pub(in crate::crypto) trait Message: Send {
    /// How long the output is for `input` bytes; 0 for fewer than there must be.
    fn out_len(&self, input: usize) -> usize;
    /// Whether so many bytes may come: asked before they are kept.
    fn allow(&self, input: usize) -> Result<()>;
    /// Writes the output, `out_len` bytes of `out`, or nothing.
    fn run(&self, input: &[u8], out: &mut [u8]) -> Result<usize>;
}

/// Keeps the parts of a message.
pub(in crate::crypto) struct Collected<M> {
    message: M,
    held: Vec<u8>,
}

impl<M> Drop for Collected<M> {
    fn drop(&mut self) {
        self.held.zeroize();
    }
}

impl<M> Collected<M> {
    pub(in crate::crypto) fn new(message: M) -> Self {
        Collected { message, held: Vec::new() }
    }

    /// Appends a part. What grows moves, and leaves nothing behind.
    fn hold(&mut self, part: &[u8]) -> Result<()> {
        if self.held.capacity() - self.held.len() < part.len() {
            let needed = self.held.len().saturating_add(part.len());
            let mut grown = Vec::new();
            grown
                .try_reserve_exact(needed.max(self.held.capacity().saturating_mul(2)))
                .map_err(|_| Error::Memory)?;
            grown.extend_from_slice(&self.held);
            self.held.zeroize();
            self.held = grown;
        }
        self.held.extend_from_slice(part);
        Ok(())
    }
}

impl<M: Message> Crypter for Collected<M> {
    fn update_len(&self, _input: usize) -> usize {
        0
    }
    fn finish_len(&self) -> usize {
        self.message.out_len(self.held.len())
    }
    fn once_len(&self, input: usize) -> usize {
        self.message.out_len(input)
    }
    fn update(&mut self, input: &[u8], _out: &mut [u8]) -> Result<usize> {
        self.message.allow(self.held.len().saturating_add(input.len()))?;
        self.hold(input)?;
        Ok(0)
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        let written = self.message.run(&self.held, out);
        self.held.zeroize();
        written
    }
    fn once(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        self.message.run(input, out)
    }
}
