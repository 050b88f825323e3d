//! MACs made of a block cipher's chain: CBC-MAC (FIPS 113), CMAC over triple DES (SP 800-38B) and AES-XCBC-MAC
//! (RFC 3566). AES-CMAC and GMAC are the providers' own.

use super::des::three_keys;
use super::{BlockMode, Chain, Ciphers, Direction, Error, Result, Running, xor_onto};
use zeroize::{Zeroize, Zeroizing};

/// The longest block in bytes.
const LONGEST: usize = 16;
/// A multiple of every block.
const BATCH: usize = 1024;

/// A running MAC. The last block waits, because it is treated otherwise.
pub struct BlockMac<P: Ciphers> {
    /// CBC with an IV of zeros, whose last block of output is the MAC.
    chain: P::Chain,
    block: usize,
    held: Zeroizing<[u8; LONGEST]>,
    held_len: usize,
    end: End,
}

/// How the last block is made.
enum End {
    /// Filled up with zeros. An empty message is one block of them.
    Zeros,
    /// XORed with the first mask where it is whole; else filled up with a one bit and zeros, and XORed with the second.
    Masks(Zeroizing<[u8; LONGEST]>, Zeroizing<[u8; LONGEST]>),
}

impl<P: Ciphers> BlockMac<P> {
    /// CBC-MAC over AES, under a key of 16, 24 or 32 bytes ([`Error::KeySize`]).
    pub fn aes_cbc(key: &[u8]) -> Result<Self> {
        Ok(BlockMac::new(P::aes(BlockMode::Cbc, Direction::Encrypt, key, &[0; 16])?, 16, End::Zeros))
    }

    /// AES-XCBC-MAC, under a key of 16 bytes ([`Error::KeySize`]).
    pub fn aes_xcbc(key: &[u8]) -> Result<Self> {
        if key.len() != 16 {
            return Err(Error::KeySize("AES-XCBC-MAC takes a key of 16 bytes"));
        }
        let mut aes = P::aes(BlockMode::Ecb, Direction::Encrypt, key, &[0; 16])?;
        let mut subkey = |number| -> Result<Zeroizing<[u8; 16]>> {
            let mut subkey = Zeroizing::new([number; 16]);
            aes.update_in_place(&mut *subkey)?;
            Ok(subkey)
        };
        let chain = P::aes(BlockMode::Cbc, Direction::Encrypt, &*subkey(1)?, &[0; 16])?;
        Ok(BlockMac::new(chain, 16, End::Masks(subkey(2)?, subkey(3)?)))
    }

    /// CBC-MAC over triple DES, under a key of 16 or 24 bytes ([`Error::KeySize`]).
    pub fn des3_cbc(key: &[u8]) -> Result<Self> {
        Ok(BlockMac::new(
            P::des3(BlockMode::Cbc, Direction::Encrypt, &*three_keys(key)?, &[0; 8])?,
            8,
            End::Zeros,
        ))
    }

    /// CMAC over triple DES, under a key of 16 or 24 bytes ([`Error::KeySize`]).
    pub fn des3_cmac(key: &[u8]) -> Result<Self> {
        let key = three_keys(key)?;
        let mut start = Zeroizing::new([0; 8]);
        P::des3(BlockMode::Ecb, Direction::Encrypt, &key, &[0; 8])?.update_in_place(&mut *start)?;
        // SP 800-38B, section 6.1: times x in GF(2^64), once and twice.
        let double = |number: u64| (number << 1) ^ (0x1b * (number >> 63));
        let mask = |number: u64| {
            let mut mask = Zeroizing::new([0; LONGEST]);
            mask.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
            mask
        };
        let first = double(u64::from_be_bytes(*start));
        let chain = P::des3(BlockMode::Cbc, Direction::Encrypt, &key, &[0; 8])?;
        Ok(BlockMac::new(chain, 8, End::Masks(mask(first), mask(double(first)))))
    }

    fn new(chain: P::Chain, block: usize, end: End) -> Self {
        BlockMac { chain, block, held: Zeroizing::new([0; LONGEST]), held_len: 0, end }
    }

    /// Appends to the message.
    pub fn update(&mut self, part: &[u8]) -> Result<()> {
        const LOST: Error = Error::Internal("MAC");
        // Of what there is, at least a byte and at most a block waits.
        let total = self.held_len.saturating_add(part.len());
        let mut through = total.saturating_sub(1) / self.block * self.block;
        let mut rest = part;
        if self.held_len > 0 && through > 0 {
            let (head, tail) = part.split_at_checked(self.block - self.held_len).ok_or(LOST)?;
            self.hold(head);
            let mut first = Zeroizing::new([0; LONGEST]);
            let (held, first) = (self.held.get(..self.block), first.get_mut(..self.block));
            self.chain.update(held.ok_or(LOST)?, first.ok_or(LOST)?)?;
            self.held_len = 0;
            through -= self.block;
            rest = tail;
        }
        let (whole, rest) = rest.split_at_checked(through).ok_or(LOST)?;
        let mut out = Zeroizing::new([0; BATCH]);
        for piece in whole.chunks(BATCH) {
            self.chain.update(piece, &mut *out)?;
        }
        self.hold(rest);
        Ok(())
    }

    /// Appends to the waiting block, which has room for it.
    fn hold(&mut self, part: &[u8]) {
        for (to, from) in self.held.iter_mut().skip(self.held_len).zip(part) {
            *to = *from;
            self.held_len += 1;
        }
    }

    /// The MAC of the message: as many bytes as the cipher's block has, then zeros. Nothing may follow.
    pub fn finish(&mut self) -> Result<[u8; LONGEST]> {
        let (block, len) = (self.block, self.held_len);
        self.held.iter_mut().skip(len).for_each(|byte| *byte = 0);
        if let End::Masks(whole, partial) = &self.end {
            let mask = if len == block { whole } else { partial };
            if let Some(byte) = self.held.get_mut(len).filter(|_| len < block) {
                *byte = 0x80;
            }
            xor_onto(&mut *self.held, &**mask);
        }
        let mut mac = [0; LONGEST];
        let (last, out) = (self.held.get(..block), mac.get_mut(..block));
        let (Some(last), Some(out)) = (last, out) else { return Err(Error::Internal("MAC")) };
        self.chain.update(last, out)?;
        self.held.zeroize();
        Ok(mac)
    }
}
