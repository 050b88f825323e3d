//! ECB and CBC, with or without PKCS#7 padding, over blocks of 16 bytes (AES) or 8 (DES).

use super::{Direction, Error, Result, Running, SHORT, wrong_len};
use crate::crypto::Crypter;
use zeroize::Zeroize;

/// A cipher that takes whole blocks, and up to one block that waits for more.
pub(super) struct Blocks<C, const BLOCK: usize> {
    cipher: C,
    encrypt: bool,
    pad: bool,
    held: [u8; BLOCK],
    held_len: usize,
}

impl<C, const BLOCK: usize> Drop for Blocks<C, BLOCK> {
    fn drop(&mut self) {
        self.held.zeroize();
    }
}

impl<C: Running, const BLOCK: usize> Blocks<C, BLOCK> {
    /// Over a cipher of this block size, in ECB or CBC and in this direction.
    pub(super) fn new(cipher: C, direction: Direction, pad: bool) -> Self {
        let encrypt = direction == Direction::Encrypt;
        Blocks { cipher, encrypt, pad, held: [0; BLOCK], held_len: 0 }
    }

    /// How much of `total` bytes goes through before the end: whole blocks, but the last one of a padded ciphertext
    /// waits, because it may be the one with the padding.
    fn through(&self, total: usize) -> usize {
        let waits = usize::from(self.pad && !self.encrypt && total > 0);
        (total - waits) / BLOCK * BLOCK
    }

    /// Appends to the waiting block, which has room for it.
    fn hold(&mut self, input: &[u8]) {
        for (to, from) in self.held.iter_mut().skip(self.held_len).zip(input) {
            *to = *from;
            self.held_len += 1;
        }
    }

    fn finish_padded(&mut self, out: &mut [u8]) -> Result<usize> {
        let out = out.get_mut(..BLOCK).ok_or(SHORT)?;
        // 1 to a block, because a full block never waits while encrypting.
        let padding = u8::try_from(BLOCK - self.held_len).unwrap_or_default();
        for byte in self.held.iter_mut().skip(self.held_len) {
            *byte = padding;
        }
        self.cipher.update(&self.held, out)?;
        Ok(BLOCK)
    }

    fn finish_unpadded(&mut self, out: &mut [u8]) -> Result<usize> {
        if self.held_len != BLOCK {
            return Err(Error::CiphertextLength);
        }
        let mut last = zeroize::Zeroizing::new([0; BLOCK]);
        self.cipher.update(&self.held, &mut *last)?;
        let len = unpadded_len(&last).ok_or(Error::Ciphertext)?;
        let out = out.get_mut(..len).ok_or(SHORT)?;
        out.copy_from_slice(last.get(..len).unwrap_or_default());
        Ok(len)
    }
}

impl<C: Running, const BLOCK: usize> Crypter for Blocks<C, BLOCK> {
    fn update_len(&self, input: usize) -> usize {
        self.through(self.held_len.saturating_add(input))
    }

    fn finish_len(&self) -> usize {
        if self.pad { BLOCK } else { 0 }
    }

    fn once_len(&self, input: usize) -> usize {
        match (self.pad, self.encrypt) {
            (true, true) => (input / BLOCK * BLOCK).saturating_add(BLOCK),
            // Padding is at least one byte, so the caller's buffer may be that much shorter than the ciphertext.
            (true, false) => input.saturating_sub(1),
            (false, _) => input,
        }
    }

    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        let written = self.update_len(input.len());
        let out = out.get_mut(..written).ok_or(SHORT)?;
        if written == 0 {
            self.hold(input);
            return Ok(0);
        }
        let (mut input, mut out) = (input, out);
        if self.held_len > 0 {
            let (head, tail) = input.split_at_checked(BLOCK - self.held_len).ok_or(SHORT)?;
            self.hold(head);
            let (first, rest) = out.split_at_mut_checked(BLOCK).ok_or(SHORT)?;
            self.cipher.update(&self.held, first)?;
            self.held_len = 0;
            (input, out) = (tail, rest);
        }
        let (whole, rest) = input.split_at_checked(out.len()).ok_or(SHORT)?;
        self.cipher.update(whole, out)?;
        self.hold(rest);
        Ok(written)
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        match (self.pad, self.encrypt) {
            (false, encrypt) if self.held_len > 0 => Err(wrong_len(encrypt)),
            (false, _) => Ok(0),
            (true, true) => self.finish_padded(out),
            (true, false) => self.finish_unpadded(out),
        }
    }
}

/// How many bytes precede PKCS#7 padding, in time that does not depend on the block's content; whether the padding is
/// right at all is what the answer tells anyway.
fn unpadded_len<const BLOCK: usize>(block: &[u8; BLOCK]) -> Option<usize> {
    let most = u8::try_from(BLOCK).ok()?;
    let padding = *block.last()?;
    // Each flag is 1 for a fault; the borrow of a subtraction compares without a branch.
    let less = |a: u8, b: u8| (u32::from(a).wrapping_sub(u32::from(b)) >> 31) & 1;
    let mut faults = less(padding, 1) | less(most, padding);
    for (distance, byte) in (1..=most).zip(block.iter().rev()) {
        let covered = 1 ^ less(padding, distance);
        let differs = less(0, byte ^ padding);
        faults |= covered & differs;
    }
    let len = BLOCK.checked_sub(usize::from(padding))?;
    (std::hint::black_box(faults) == 0).then_some(len)
}
