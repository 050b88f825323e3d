//! Messages of any length from one block, whose last block or two are treated otherwise: ciphertext stealing.

use super::{Result, SHORT, wrong_len};
use crate::crypto::Crypter;
use zeroize::Zeroize;

pub(super) const BLOCK: usize = 16;

/// The longest tail: a whole block and the last one, which may be whole too.
const TAIL: usize = 2 * BLOCK;

/// What happens to the blocks.
pub(super) trait Engine: Send {
    fn encrypts(&self) -> bool;
    /// Whole blocks that are followed by more than one other; `out` is as long as `input`.
    fn blocks(&mut self, input: &[u8], out: &mut [u8]) -> Result<()>;
    /// The end of the message: 16 to 32 bytes; `out` is as long as `input`.
    fn last(&mut self, input: &[u8], out: &mut [u8]) -> Result<()>;
}

/// Feeds an engine, and keeps back what may be the end.
pub(super) struct Tailed<E> {
    engine: E,
    held: [u8; TAIL],
    held_len: usize,
}

impl<E> Drop for Tailed<E> {
    fn drop(&mut self) {
        self.held.zeroize();
    }
}

impl<E: Engine> Tailed<E> {
    pub(super) fn new(engine: E) -> Self {
        Tailed { engine, held: [0; TAIL], held_len: 0 }
    }

    /// How much of `total` bytes goes through before the end: 17 to 32 of them wait.
    fn through(total: usize) -> usize {
        total.saturating_sub(BLOCK + 1) / BLOCK * BLOCK
    }

    /// Appends to what waits; there is room for it.
    fn hold(&mut self, input: &[u8]) {
        for (to, from) in self.held.iter_mut().skip(self.held_len).zip(input) {
            *to = *from;
            self.held_len += 1;
        }
    }
}

impl<E: Engine> Crypter for Tailed<E> {
    fn update_len(&self, input: usize) -> usize {
        Self::through(self.held_len.saturating_add(input))
    }
    fn finish_len(&self) -> usize {
        self.held_len
    }
    fn once_len(&self, input: usize) -> usize {
        input
    }

    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        let through = self.update_len(input.len());
        let out = out.get_mut(..through).ok_or(SHORT)?;
        if through == 0 {
            self.hold(input);
            return Ok(0);
        }
        // What waits is filled up to whole blocks, if so much goes through; else the first of its two blocks goes.
        let filled = self.held_len.next_multiple_of(BLOCK);
        let first = filled.min(through);
        let (head, rest) = input.split_at_checked(first.saturating_sub(self.held_len)).ok_or(SHORT)?;
        self.hold(head);
        let (first_out, out) = out.split_at_mut_checked(first).ok_or(SHORT)?;
        if first > 0 {
            self.engine.blocks(self.held.get(..first).ok_or(SHORT)?, first_out)?;
        }
        self.held.copy_within(first.., 0);
        self.held_len -= first;
        // Nothing waits any more, unless all that goes through was waiting.
        let (whole, rest) = rest.split_at_checked(out.len()).ok_or(SHORT)?;
        self.engine.blocks(whole, out)?;
        self.hold(rest);
        Ok(through)
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        let len = self.held_len;
        if len < BLOCK {
            return Err(wrong_len(self.engine.encrypts()));
        }
        let (tail, out) = (self.held.get(..len).ok_or(SHORT)?, out.get_mut(..len).ok_or(SHORT)?);
        self.engine.last(tail, out)?;
        Ok(len)
    }
}
