//! Hashes that AWS-LC lacks or hides, from the RustCrypto crates and BLAKE3's own, and what is made of them: HMAC and
//! BLAKE3's keyed mode.

use blake2::Blake2b;
use blake2::digest::consts::{U20, U32, U48, U64};
use blake2::digest::{FixedOutput, Update};
use sha3::{Keccak256, Sha3_224};
use zeroize::{Zeroize, Zeroizing};

use super::{DigestValue, Error, Result};

/// The longest input block in bytes, SHA3-224's.
const MAX_BLOCK_LEN: usize = 144;

/// A hash of this file.
#[derive(Clone, Copy)]
pub(super) enum SoftHash {
    Sha3_224,
    Keccak256,
    Blake2b160,
    Blake2b256,
    Blake2b384,
    Blake2b512,
    Blake3,
}

/// A running hash. What it holds is wiped when it is dropped.
#[derive(Clone)]
pub(super) enum SoftDigest {
    Sha3_224(Sha3_224),
    Keccak256(Keccak256),
    Blake2b160(Blake2b<U20>),
    Blake2b256(Blake2b<U32>),
    Blake2b384(Blake2b<U48>),
    Blake2b512(Blake2b<U64>),
    Blake3(Blake3),
}

/// BLAKE3's state, of two kilobytes, wiped when dropped.
#[derive(Clone)]
pub(super) struct Blake3(Box<blake3::Hasher>);

impl Drop for Blake3 {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Runs one expression over whichever hash it is.
macro_rules! each {
    ($digest:expr, $inner:ident => $what:expr, $blake3:ident => $what_blake3:expr) => {
        match $digest {
            SoftDigest::Sha3_224($inner) => $what,
            SoftDigest::Keccak256($inner) => $what,
            SoftDigest::Blake2b160($inner) => $what,
            SoftDigest::Blake2b256($inner) => $what,
            SoftDigest::Blake2b384($inner) => $what,
            SoftDigest::Blake2b512($inner) => $what,
            SoftDigest::Blake3($blake3) => $what_blake3,
        }
    };
}

/// A hash in the middle of a message.
pub(super) trait Hashing: Clone {
    /// Appends to the message.
    fn update(&mut self, part: &[u8]);
    /// The digest of the message so far.
    fn value(&self) -> DigestValue;
}

impl SoftDigest {
    /// An empty message.
    pub(super) fn new(hash: SoftHash) -> SoftDigest {
        match hash {
            SoftHash::Sha3_224 => SoftDigest::Sha3_224(Sha3_224::default()),
            SoftHash::Keccak256 => SoftDigest::Keccak256(Keccak256::default()),
            SoftHash::Blake2b160 => SoftDigest::Blake2b160(Blake2b::default()),
            SoftHash::Blake2b256 => SoftDigest::Blake2b256(Blake2b::default()),
            SoftHash::Blake2b384 => SoftDigest::Blake2b384(Blake2b::default()),
            SoftHash::Blake2b512 => SoftDigest::Blake2b512(Blake2b::default()),
            SoftHash::Blake3 => SoftDigest::Blake3(Blake3(Box::new(blake3::Hasher::new()))),
        }
    }
}

impl Hashing for SoftDigest {
    fn update(&mut self, part: &[u8]) {
        each!(self, hash => hash.update(part), blake3 => { blake3.0.update(part); });
    }

    fn value(&self) -> DigestValue {
        each!(
            self,
            hash => DigestValue::new(&hash.clone().finalize_fixed()),
            blake3 => DigestValue::new(blake3.0.finalize().as_bytes())
        )
    }
}

/// HMAC (RFC 2104) over a hash: the two keyed states, and the message under the inner one.
pub(super) struct SoftHmac<H = SoftDigest> {
    inner: H,
    outer: H,
    running: H,
}

impl<H: Hashing> SoftHmac<H> {
    /// An empty message under a key of any length, for a hash whose input block has `block_len` bytes. `empty` is that
    /// hash of nothing.
    pub(super) fn new(empty: H, block_len: usize, key: &[u8]) -> Result<Self> {
        let mut block = Zeroizing::new([0; MAX_BLOCK_LEN]);
        let block =
            block.get_mut(..block_len).ok_or(Error::Internal("HMAC: the hash's block is too long"))?;
        match block.get_mut(..key.len()) {
            Some(place) => place.copy_from_slice(key),
            None => {
                let mut hashed_key = empty.clone();
                hashed_key.update(key);
                block.iter_mut().zip(hashed_key.value().iter()).for_each(|(to, from)| *to = *from);
            }
        }
        let (mut inner, mut outer) = (empty.clone(), empty);
        block.iter_mut().for_each(|byte| *byte ^= 0x36);
        inner.update(block);
        block.iter_mut().for_each(|byte| *byte ^= 0x36 ^ 0x5c);
        outer.update(block);
        Ok(SoftHmac { running: inner.clone(), inner, outer })
    }

    /// Appends to the message.
    pub(super) fn update(&mut self, part: &[u8]) {
        self.running.update(part);
    }

    /// The MAC of the message so far; the next message starts empty, under the same key.
    pub(super) fn finish(&mut self) -> DigestValue {
        let message = std::mem::replace(&mut self.running, self.inner.clone());
        let mut outer = self.outer.clone();
        outer.update(&message.value());
        outer.value()
    }
}

/// A running MAC: BLAKE3's keyed mode.
pub struct Blake3Mac(Blake3);

impl Blake3Mac {
    /// Length of the MAC in bytes.
    pub const LEN: usize = 32;

    /// An empty message under a key of exactly 32 bytes ([`Error::KeySize`] otherwise).
    pub fn new(key: &[u8]) -> Result<Blake3Mac> {
        let key = <&[u8; 32]>::try_from(key).map_err(|_| Error::KeySize("BLAKE3's keys have 32 bytes"))?;
        Ok(Blake3Mac(Blake3(Box::new(blake3::Hasher::new_keyed(key)))))
    }

    /// Appends to the message.
    pub fn update(&mut self, part: &[u8]) {
        self.0.0.update(part);
    }

    /// The MAC of the message so far; the next message starts empty, under the same key.
    pub fn finish(&mut self) -> [u8; Blake3Mac::LEN] {
        let mac = *self.0.0.finalize().as_bytes();
        self.0.0.reset();
        mac
    }
}

/// The first `out.len()` bytes that SHAKE128 makes of `data`.
pub fn shake128(data: &[u8], out: &mut [u8]) {
    use shake::{ExtendableOutput, Update};
    let mut hash = shake::Shake128::default();
    hash.update(data);
    hash.finalize_xof_into(out);
}

/// The first `out.len()` bytes that SHAKE256 makes of `data`.
pub fn shake256(data: &[u8], out: &mut [u8]) {
    use shake::{ExtendableOutput, Update};
    let mut hash = shake::Shake256::default();
    hash.update(data);
    hash.finalize_xof_into(out);
}
