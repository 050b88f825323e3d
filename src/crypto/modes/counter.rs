//! CTR with a counter of any width. Providers always count in all 128 bits, so the wrap within fewer is done here.

use super::{BlockMode, Chain, Ciphers, Direction, Error, Result, SHORT};

const BLOCK: u128 = 16;

/// A keystream that knows how far it may go.
pub(super) struct Counter<C> {
    cipher: C,
    /// The counter block where the low bits are all zero again; used once, at the wrap.
    wrapped: [u8; 16],
    /// Bytes until the low bits wrap.
    to_wrap: u128,
    /// Bytes until the keystream would repeat.
    left: u128,
}

impl<C: Chain> Counter<C> {
    pub(super) fn new<P: Ciphers<Chain = C>>(key: &[u8], block: &[u8; 16], bits: u32) -> Result<Self> {
        if !(1..=128).contains(&bits) {
            return Err(Error::Param("CTR: the counter has 1 to 128 bits"));
        }
        let cipher = P::aes(BlockMode::Ctr, Direction::Encrypt, key, block)?;
        let start = u128::from_be_bytes(*block);
        // 128 bits wrap in the provider as they should, and 2^128 blocks are out of reach.
        let Some(blocks) = 1u128.checked_shl(bits) else {
            return Ok(Counter { cipher, wrapped: [0; 16], to_wrap: u128::MAX, left: u128::MAX });
        };
        let low = start & (blocks - 1);
        Ok(Counter {
            cipher,
            wrapped: (start - low).to_be_bytes(),
            to_wrap: (blocks - low).saturating_mul(BLOCK),
            left: blocks.saturating_mul(BLOCK),
        })
    }

    pub(super) fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        let out = out.get_mut(..input.len()).ok_or(SHORT)?;
        let len = input.len() as u128;
        self.left = self.left.checked_sub(len).ok_or(Error::DataLength)?;
        if len < self.to_wrap {
            self.to_wrap -= len;
            self.cipher.update(input, out)?;
            return Ok(input.len());
        }
        // `to_wrap` is at most `len` here, so it fits; it ends on a block, where the cipher may take another IV.
        let before = usize::try_from(self.to_wrap).map_err(|_| SHORT)?;
        let (head, tail) = input.split_at_checked(before).ok_or(SHORT)?;
        let (head_out, tail_out) = out.split_at_mut_checked(before).ok_or(SHORT)?;
        self.cipher.update(head, head_out)?;
        self.cipher.set_iv(&self.wrapped)?;
        self.to_wrap = u128::MAX;
        self.cipher.update(tail, tail_out)?;
        Ok(input.len())
    }
}
