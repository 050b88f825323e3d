//! AES-XTS (IEEE 1619, SP 800-38E), in parts and with both sizes of key: no provider has it but for whole data units,
//! so that AES in ECB mode is what they lend here.

use super::tail::{BLOCK, Engine, Tailed};
use super::{
    BlockMode, Chain, Ciphers, Direction, Error, Result, SHORT, crypter_within, wrong_len, xor, xor_onto,
};
use crate::crypto::equal;
use zeroize::Zeroizing;

/// A running data unit of at least 16 bytes and at most 2^20 blocks.
pub struct Xts<P: Ciphers>(Tailed<Tweaked<P::Chain>>);

struct Tweaked<C> {
    aes: C,
    encrypt: bool,
    /// Of the next block; the lowest byte of the block is the lowest of the number.
    tweak: u128,
    /// Blocks that the data unit may still have.
    left: usize,
}

/// SP 800-38E, section 4.
const MAX_BLOCKS: usize = 1 << 20;

/// Blocks that go through AES at once.
const BATCH: usize = 64;

impl<P: Ciphers> Xts<P> {
    /// Starts under a key of 32 or 64 bytes ([`Error::KeySize`]), whose halves differ ([`Error::Key`]). `unit` is the
    /// number of the data unit, lowest byte first.
    pub fn new(direction: Direction, key: &[u8], unit: &[u8; 16]) -> Result<Self> {
        let (data_key, tweak_key) = halves(key)?;
        let encrypt = direction == Direction::Encrypt;
        let mut tweak = *unit;
        P::aes(BlockMode::Ecb, Direction::Encrypt, tweak_key, &[0; 16])?.update_in_place(&mut tweak)?;
        let aes = P::aes(BlockMode::Ecb, direction, data_key, &[0; 16])?;
        let tweak = u128::from_le_bytes(tweak);
        Ok(Xts(Tailed::new(Tweaked { aes, encrypt, tweak, left: MAX_BLOCKS })))
    }

    /// Whether this is a key: the errors of [`Xts::new`].
    pub fn check_key(key: &[u8]) -> Result<()> {
        halves(key).map(|_| ())
    }
}

/// The keys of data and tweak. Were they the same, chosen ciphertexts would tell about the tweaks (FIPS 140-3
/// implementation guidance, C.I).
fn halves(key: &[u8]) -> Result<(&[u8], &[u8])> {
    if !matches!(key.len(), 32 | 64) {
        return Err(Error::KeySize("an AES-XTS key has 32 or 64 bytes"));
    }
    let (data_key, tweak_key) = key.split_at_checked(key.len() / 2).ok_or(SHORT)?;
    match equal(data_key, tweak_key) {
        true => Err(Error::Key("the halves of an AES-XTS key must differ")),
        false => Ok((data_key, tweak_key)),
    }
}

/// The tweak of the block after: times x in GF(2^128).
fn next(tweak: u128) -> u128 {
    (tweak << 1) ^ (0x87 * (tweak >> 127))
}

impl<C: Chain> Tweaked<C> {
    fn count(&mut self, bytes: usize) -> Result<()> {
        let left = self.left.checked_sub(bytes.div_ceil(BLOCK));
        self.left = left.ok_or_else(|| wrong_len(self.encrypt))?;
        Ok(())
    }

    /// One block under a tweak of its own.
    fn block(&mut self, tweak: u128, block: &mut [u8; BLOCK]) -> Result<()> {
        xor_onto(block, &tweak.to_le_bytes());
        self.aes.update_in_place(block)?;
        xor_onto(block, &tweak.to_le_bytes());
        Ok(())
    }
}

impl<C: Chain> Engine for Tweaked<C> {
    fn encrypts(&self) -> bool {
        self.encrypt
    }

    fn blocks(&mut self, input: &[u8], out: &mut [u8]) -> Result<()> {
        self.count(input.len())?;
        let mut tweaks = Zeroizing::new([0; BATCH * BLOCK]);
        for (piece, to) in input.chunks(BATCH * BLOCK).zip(out.chunks_mut(BATCH * BLOCK)) {
            for place in tweaks.chunks_exact_mut(BLOCK).take(piece.len() / BLOCK) {
                place.copy_from_slice(&self.tweak.to_le_bytes());
                self.tweak = next(self.tweak);
            }
            xor(to, piece, &*tweaks);
            self.aes.update_in_place(to)?;
            xor_onto(to, &*tweaks);
        }
        Ok(())
    }

    fn last(&mut self, input: &[u8], out: &mut [u8]) -> Result<()> {
        let partial = input.len() - BLOCK;
        if partial == 0 || partial == BLOCK {
            return self.blocks(input, out);
        }
        self.count(input.len())?;
        // A block and a partial one: decryption takes their tweaks in reverse.
        let (mut first, mut second) = (self.tweak, next(self.tweak));
        if !self.encrypt {
            (first, second) = (second, first);
        }
        let (whole, rest) = input.split_at_checked(BLOCK).ok_or(SHORT)?;
        let (whole_out, rest_out) = out.split_at_mut_checked(BLOCK).ok_or(SHORT)?;
        let mut block = Zeroizing::new([0; BLOCK]);
        block.copy_from_slice(whole);
        self.block(first, &mut block)?;
        // The partial block's output is the front of this one; its input takes that place.
        rest_out.copy_from_slice(block.get(..partial).ok_or(SHORT)?);
        block.get_mut(..partial).ok_or(SHORT)?.copy_from_slice(rest);
        self.block(second, &mut block)?;
        whole_out.copy_from_slice(&*block);
        Ok(())
    }
}

crypter_within!(Xts<P>);
