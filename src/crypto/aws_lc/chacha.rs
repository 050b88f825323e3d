//! ChaCha20 in its three variants, ChaCha20-Poly1305 in two, and Poly1305.

use super::super::modes::{Collected, Message, SHORT, buffer, crypter_within, xor_onto};
use super::raw::{self, Cipher, chacha20};
use super::{Error, Result};
use crate::crypto::Crypter;
use zeroize::{Zeroize, Zeroizing};

const BLOCK: usize = 64;
/// Length of a key in bytes.
const KEY: usize = 32;

const KEY_SIZE: Error = Error::KeySize("a ChaCha20 or Poly1305 key has 32 bytes");

fn key_of(key: &[u8]) -> Result<Zeroizing<[u8; KEY]>> {
    key.try_into().map(Zeroizing::new).map_err(|_| KEY_SIZE)
}

/// HChaCha20 (draft-irtf-cfrg-xchacha): the rounds of ChaCha20 without the addition of the input at the end. A block
/// of the keystream minus that input gives it.
fn hchacha20(key: &[u8; KEY], nonce: &[u8; 16]) -> Zeroizing<[u8; KEY]> {
    const SIGMA: [u8; 16] = *b"expand 32-byte k";
    let [a, b, c, d, rest @ ..] = *nonce;
    let mut block = Zeroizing::new([0; BLOCK]);
    chacha20(key, &rest, u32::from_le_bytes([a, b, c, d]), &[0; BLOCK], &mut *block);
    let mut subkey = Zeroizing::new([0; KEY]);
    let (first, last) = (block.chunks_exact(4).take(4), block.chunks_exact(4).skip(12));
    let input = SIGMA.chunks_exact(4).chain(nonce.chunks_exact(4));
    for ((to, sum), input) in subkey.chunks_exact_mut(4).zip(first.chain(last)).zip(input) {
        to.copy_from_slice(&word(sum).wrapping_sub(word(input)).to_le_bytes());
    }
    subkey
}

fn word(bytes: &[u8]) -> u32 {
    bytes.try_into().map(u32::from_le_bytes).unwrap_or_default()
}

/// Zeros, then 8 bytes of nonce.
fn padded(nonce: &[u8; 8]) -> [u8; 12] {
    let mut out = [0; 12];
    out.iter_mut().skip(4).zip(nonce).for_each(|(to, from)| *to = *from);
    out
}

/// Subkey and nonce of the variant with a nonce of 24 bytes.
fn extended(key: &[u8; KEY], nonce: &[u8; 24]) -> Result<(Zeroizing<[u8; KEY]>, [u8; 12])> {
    let (first, last) = (nonce.first_chunk::<16>().ok_or(SHORT)?, nonce.last_chunk::<8>().ok_or(SHORT)?);
    Ok((hchacha20(key, first), padded(last)))
}

/// A running ChaCha20, the same in both directions.
pub struct ChaCha20 {
    key: Zeroizing<[u8; KEY]>,
    nonce: [u8; 12],
    /// Of the next block.
    counter: u64,
    /// Whether the counter has 64 bits, of which the nonce's first four bytes hold the upper half.
    wide: bool,
    /// Bytes until the counter would wrap.
    left: u128,
    /// Keystream of a block that was begun.
    stream: Zeroizing<[u8; BLOCK]>,
    /// Bytes of it that are used.
    used: usize,
}

impl ChaCha20 {
    /// Starts at block `counter` under a key of 32 bytes ([`Error::KeySize`]). The nonce has 12 bytes, with a counter
    /// of 32 bits (RFC 8439), or 8 (Bernstein's original) or 24 (XChaCha20), with one of 64 ([`Error::Param`]).
    pub fn new(key: &[u8], nonce: &[u8], counter: u64) -> Result<ChaCha20> {
        let key = key_of(key)?;
        let (key, nonce, wide) = if let Ok(nonce) = <[u8; 12]>::try_from(nonce) {
            (key, nonce, false)
        } else if let Ok(nonce) = <[u8; 8]>::try_from(nonce) {
            (key, padded(&nonce), true)
        } else if let Ok(nonce) = <[u8; 24]>::try_from(nonce) {
            let (subkey, nonce) = extended(&key, &nonce)?;
            (subkey, nonce, true)
        } else {
            return Err(Error::Param("ChaCha20: the nonce has 8, 12 or 24 bytes"));
        };
        let blocks: u128 = if wide { 1 << 64 } else { 1 << 32 };
        let blocks = blocks.checked_sub(u128::from(counter)).filter(|blocks| *blocks > 0);
        let blocks = blocks.ok_or(Error::Param("ChaCha20: the block counter has 32 bits"))?;
        let left = blocks * (BLOCK as u128);
        Ok(ChaCha20 { key, nonce, counter, wide, left, stream: Zeroizing::new([0; BLOCK]), used: BLOCK })
    }

    /// The counter's lower half, and the nonce with its upper half.
    fn place(&self) -> (u32, [u8; 12]) {
        let [a, b, c, d, high @ ..] = self.counter.to_le_bytes();
        let mut nonce = self.nonce;
        if self.wide {
            nonce.iter_mut().zip(high).for_each(|(to, from)| *to = from);
        }
        (u32::from_le_bytes([a, b, c, d]), nonce)
    }

    /// Whole blocks; `out` is as long as `input`.
    fn blocks(&mut self, input: &[u8], out: &mut [u8]) {
        let (mut input, mut out) = (input, out);
        while !input.is_empty() {
            let (low, nonce) = self.place();
            // No further than the lower half of the counter goes.
            let room = (1u64 << 32) - u64::from(low);
            let blocks = (input.len() / BLOCK).min(usize::try_from(room).unwrap_or(usize::MAX));
            let (now, later) = input.split_at(blocks * BLOCK);
            let (now_out, later_out) = out.split_at_mut(blocks * BLOCK);
            chacha20(&self.key, &nonce, low, now, now_out);
            self.counter = self.counter.wrapping_add(blocks as u64);
            (input, out) = (later, later_out);
        }
    }

    /// As much of the block that was begun as there is data for.
    fn use_up(&mut self, input: &[u8], out: &mut [u8]) {
        out.copy_from_slice(input);
        let stream = self.stream.get(self.used..).unwrap_or_default();
        xor_onto(out, stream);
        self.used += input.len();
    }
}

impl Crypter for ChaCha20 {
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
        self.left = self.left.checked_sub(input.len() as u128).ok_or(Error::DataLength)?;
        let begun = (BLOCK - self.used).min(input.len());
        let (head, rest) = input.split_at_checked(begun).ok_or(SHORT)?;
        let (head_out, rest_out) = out.split_at_mut_checked(begun).ok_or(SHORT)?;
        self.use_up(head, head_out);
        let whole = rest.len() / BLOCK * BLOCK;
        let (blocks, tail) = rest.split_at_checked(whole).ok_or(SHORT)?;
        let (blocks_out, tail_out) = rest_out.split_at_mut_checked(whole).ok_or(SHORT)?;
        self.blocks(blocks, blocks_out);
        if !tail.is_empty() {
            let mut stream = Zeroizing::new([0; BLOCK]);
            self.blocks(&[0; BLOCK], &mut *stream);
            (self.stream, self.used) = (stream, 0);
            self.use_up(tail, tail_out);
        }
        Ok(input.len())
    }

    fn finish(&mut self, _out: &mut [u8]) -> Result<usize> {
        Ok(0)
    }
}

/// Length of the tag in bytes.
const TAG: usize = 16;

/// Key and nonce of RFC 8439, from a nonce of 12 or 24 bytes.
fn aead_key(key: &[u8], nonce: &[u8]) -> Result<(Zeroizing<[u8; KEY]>, [u8; 12])> {
    let key = key_of(key)?;
    if let Ok(nonce) = <[u8; 12]>::try_from(nonce) {
        return Ok((key, nonce));
    }
    let nonce = nonce.try_into().map_err(|_| Error::Param("ChaCha20-Poly1305: the nonce has 12 or 24 bytes"));
    extended(&key, &nonce?)
}

/// A running encryption with ChaCha20-Poly1305 (RFC 8439), which streams; the ciphertext ends with the tag.
pub struct ChaChaSeal {
    cipher: Cipher,
    /// Bytes until the block counter would wrap, which AWS-LC lets happen.
    left: u64,
}

/// RFC 8439, section 2.8: 2^32 blocks but the first, which makes the key of Poly1305.
const MAX_SEALED: u64 = ((1 << 32) - 1) * 64;

impl ChaChaSeal {
    /// Starts under a key of 32 bytes ([`Error::KeySize`]) with a nonce of 12, or 24 for XChaCha20-Poly1305
    /// ([`Error::Param`]).
    pub fn new(key: &[u8], nonce: &[u8], aad: &[u8]) -> Result<ChaChaSeal> {
        let (key, nonce) = aead_key(key, nonce)?;
        let cipher = Cipher::chacha20_poly1305(true, &key, &nonce, aad)?;
        Ok(ChaChaSeal { cipher, left: MAX_SEALED })
    }
}

impl Crypter for ChaChaSeal {
    fn update_len(&self, input: usize) -> usize {
        input
    }
    fn finish_len(&self) -> usize {
        TAG
    }
    fn once_len(&self, input: usize) -> usize {
        input.saturating_add(TAG)
    }
    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        self.left = self.left.checked_sub(input.len() as u64).ok_or(Error::DataLength)?;
        self.cipher.update(input, out.get_mut(..input.len()).ok_or(SHORT)?)?;
        Ok(input.len())
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        self.cipher.tag(out.get_mut(..TAG).ok_or(SHORT)?)?;
        Ok(TAG)
    }
}

/// A running decryption with ChaCha20-Poly1305, which keeps the ciphertext until the tag was checked.
pub struct ChaChaOpen(Collected<Sealed>);

struct Sealed {
    key: Zeroizing<[u8; KEY]>,
    nonce: [u8; 12],
    aad: Vec<u8>,
}

impl ChaChaOpen {
    /// Starts, as [`ChaChaSeal::new`].
    pub fn new(key: &[u8], nonce: &[u8], aad: &[u8]) -> Result<ChaChaOpen> {
        let (key, nonce) = aead_key(key, nonce)?;
        let mut own_aad = buffer(aad.len())?;
        own_aad.copy_from_slice(aad);
        Ok(ChaChaOpen(Collected::new(Sealed { key, nonce, aad: own_aad })))
    }
}

impl Message for Sealed {
    fn out_len(&self, input: usize) -> usize {
        input.saturating_sub(TAG)
    }
    fn allow(&self, _input: usize) -> Result<()> {
        Ok(())
    }
    fn run(&self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        let len = input.len().checked_sub(TAG).ok_or(Error::CiphertextLength)?;
        let (ciphertext, tag) = input.split_at_checked(len).ok_or(SHORT)?;
        let out = out.get_mut(..len).ok_or(SHORT)?;
        let open = |out: &mut [u8]| {
            let mut cipher = Cipher::chacha20_poly1305(false, &self.key, &self.nonce, &self.aad)?;
            cipher.update(ciphertext, out)?;
            cipher.check_tag(tag)
        };
        let opened = open(out);
        if opened.is_err() {
            out.zeroize();
        }
        opened.map(|()| len)
    }
}

crypter_within!(ChaChaOpen);

/// A running Poly1305 (RFC 8439, section 2.5). A key that serves two messages lets anyone forge a third.
pub struct Poly1305(raw::Poly1305);

impl Poly1305 {
    /// Starts under a key of 32 bytes ([`Error::KeySize`]).
    pub fn new(key: &[u8]) -> Result<Poly1305> {
        Ok(Poly1305(raw::Poly1305::new(&*key_of(key)?)))
    }

    /// Appends to the message.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// The tag of the message.
    pub fn finish(self) -> [u8; TAG] {
        self.0.finish()
    }
}
