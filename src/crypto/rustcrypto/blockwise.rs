//! Universal hashes over parts of any length: the crates take whole blocks.

use ghash::universal_hash::UniversalHash;
use ghash::universal_hash::array::Array;
use ghash::universal_hash::consts::U16;
use zeroize::Zeroizing;

const BLOCK: usize = 16;

/// A running hash, and less than a block that waits for more.
pub(super) struct Blockwise<H> {
    hash: H,
    held: Zeroizing<[u8; BLOCK]>,
    held_len: usize,
}

impl<H: UniversalHash<BlockSize = U16>> Blockwise<H> {
    pub(super) fn new(hash: H) -> Self {
        Blockwise { hash, held: Zeroizing::new([0; BLOCK]), held_len: 0 }
    }

    /// Appends to the message.
    pub(super) fn update(&mut self, part: &[u8]) {
        let mut part = part;
        if self.held_len > 0 {
            let (head, rest) = part.split_at(part.len().min(BLOCK - self.held_len));
            self.hold(head);
            part = rest;
            if self.held_len < BLOCK {
                return;
            }
            self.flush();
        }
        let (blocks, rest) = Array::<u8, U16>::slice_as_chunks(part);
        self.hash.update(blocks);
        self.hold(rest);
    }

    /// Fills the message up with zeros to whole blocks.
    pub(super) fn pad(&mut self) {
        if self.held_len > 0 {
            self.held.iter_mut().skip(self.held_len).for_each(|byte| *byte = 0);
            self.flush();
        }
    }

    /// The hash, and the bytes that wait.
    pub(super) fn into_parts(self) -> (H, Zeroizing<[u8; BLOCK]>, usize) {
        (self.hash, self.held, self.held_len)
    }

    /// Appends to the waiting block, which has room for it.
    fn hold(&mut self, part: &[u8]) {
        for (to, from) in self.held.iter_mut().skip(self.held_len).zip(part) {
            *to = *from;
            self.held_len += 1;
        }
    }

    fn flush(&mut self) {
        self.hash.update(std::slice::from_ref((&*self.held).into()));
        self.held_len = 0;
    }
}
