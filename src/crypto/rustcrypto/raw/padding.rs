//! RSA's paddings (RFC 8017): PKCS#1 v1.5, PSS and OAEP, over any of the hashes that they are made of.
//!
//! What is stripped from a decrypted block is found in time that does not depend on the block, up to the one outcome
//! that the caller sees anyway.

use super::{Error, Hash, Result, buffer, fill};
use crate::crypto::digest;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeLess};
use zeroize::Zeroizing;

/// The fewest bytes of random padding before a PKCS#1 v1.5 message, and where they begin.
const MIN_FILL: usize = 8;
const FILL_AT: usize = 2;

const LONG: Error = Error::DataLength;

/// A block's length as what numbers are selected from in constant time.
fn index(at: usize) -> u64 {
    at as u64
}

/// 0, 1, ones, 0, and the data.
pub(super) fn signed(data: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>> {
    let fill = len.checked_sub(data.len() + FILL_AT + 1).filter(|fill| *fill >= MIN_FILL).ok_or(LONG)?;
    let mut block = Zeroizing::new(Vec::new());
    block.try_reserve_exact(len).map_err(|_| Error::Memory)?;
    block.extend_from_slice(&[0, 1]);
    block.resize(FILL_AT + fill, 0xff);
    block.push(0);
    block.extend_from_slice(data);
    Ok(block)
}

/// Moves what `signed` padded to the front of a public block, and returns its length.
pub(super) fn strip_signed(block: &mut [u8]) -> Result<usize> {
    let Some(([0, 1], rest)) = block.split_first_chunk::<FILL_AT>() else { return Err(Error::Signature) };
    let fill = rest.iter().take_while(|byte| **byte == 0xff).count();
    if fill < MIN_FILL || rest.get(fill) != Some(&0) {
        return Err(Error::Signature);
    }
    let start = FILL_AT + fill + 1;
    block.copy_within(start.., 0);
    Ok(block.len() - start)
}

/// 0, 2, random bytes other than 0, 0, and the data.
pub(super) fn encrypted(data: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>> {
    let room = len.checked_sub(data.len() + FILL_AT + 1).filter(|room| *room >= MIN_FILL).ok_or(LONG)?;
    let mut block = Zeroizing::new(Vec::new());
    block.try_reserve_exact(len).map_err(|_| Error::Memory)?;
    block.extend_from_slice(&[0, 2]);
    let mut bytes = Zeroizing::new([0; 64]);
    while block.len() < FILL_AT + room {
        fill(&mut *bytes)?;
        let wanted = FILL_AT + room - block.len();
        block.extend(bytes.iter().filter(|byte| **byte != 0).take(wanted));
    }
    block.push(0);
    block.extend_from_slice(data);
    Ok(block)
}

/// Copies what `encrypted` padded into `out`, and returns its length. Every failure is [`Error::Ciphertext`].
pub(super) fn strip_encrypted(block: &[u8], out: &mut [u8]) -> Result<usize> {
    let Some((head, rest)) = block.split_first_chunk::<FILL_AT>() else { return Err(Error::Ciphertext) };
    let mut good = head.ct_eq(&[0, 2]);
    let (found, at) = first(rest, Choice::from(1), |byte| byte.ct_eq(&0));
    good &= found & !at.ct_lt(&index(MIN_FILL));
    finish(good, rest, at, out)
}

/// The place of the first byte that `is` it, and whether there is one; `search` says whether to look at all.
fn first(bytes: &[u8], mut search: Choice, is: impl Fn(&u8) -> Choice) -> (Choice, u64) {
    let (mut found, mut place) = (Choice::from(0), 0u64);
    for (at, byte) in bytes.iter().enumerate() {
        let here = search & is(byte);
        place.conditional_assign(&index(at), here);
        found |= here;
        search &= !here;
    }
    (found, place)
}

/// Copies what follows the byte at `at`.
fn finish(good: Choice, bytes: &[u8], at: u64, out: &mut [u8]) -> Result<usize> {
    if !bool::from(good) {
        return Err(Error::Ciphertext);
    }
    let start = usize::try_from(at).map_err(|_| Error::Ciphertext)?;
    let plain = bytes.get(start + 1..).unwrap_or_default();
    out.get_mut(..plain.len()).ok_or(Error::Ciphertext)?.copy_from_slice(plain);
    Ok(plain.len())
}

/// The hash of a padding and the one of its mask.
#[derive(Clone, Copy)]
pub(super) struct Mgf {
    hash: Hash,
    mask: Hash,
}

impl Mgf {
    /// [`Error::Param`] for a hash that RSA's padding is not made of.
    pub(super) fn new(hash: Hash, mask: Hash) -> Result<Mgf> {
        match [hash, mask].iter().any(|hash| hash.digest_info_prefix().is_empty()) {
            true => Err(Error::Param("the hash is not one that HMAC and RSA can be made of here")),
            false => Ok(Mgf { hash, mask }),
        }
    }

    /// MGF1 of the seed, added to `out`.
    fn mask(self, seed: &[u8], out: &mut [u8]) {
        let mut input = Zeroizing::new([seed, &[0; 4]].concat());
        for (counter, part) in (0u32..).zip(out.chunks_mut(self.mask.len())) {
            if let Some(end) = input.last_chunk_mut() {
                *end = counter.to_be_bytes();
            }
            let block = digest(self.mask, &input);
            part.iter_mut().zip(block.iter()).for_each(|(to, from)| *to ^= from);
        }
    }
}

/// What PSS hashes: eight zeros, the digest and the salt.
fn pss_hash(mgf: Mgf, value: &[u8], salt: &[u8]) -> crate::crypto::DigestValue {
    digest(mgf.hash, &Zeroizing::new([&[0; 8], value, salt].concat()))
}

/// EMSA-PSS in a block as long as a modulus of `bits`.
pub(super) fn pss(mgf: Mgf, value: &[u8], salt_len: usize, bits: usize) -> Result<Vec<u8>> {
    const WHY: Error = Error::Param("PSS: the salt does not fit the key");
    let hash_len = mgf.hash.len();
    let len = bits.saturating_sub(1).div_ceil(8);
    let db_len = len.checked_sub(hash_len + 1).ok_or(WHY)?;
    let zeros = salt_len.checked_add(1).and_then(|end| db_len.checked_sub(end)).ok_or(WHY)?;
    let mut db = buffer(db_len)?;
    let (head, salt) = db.split_at_mut_checked(zeros + 1).ok_or(WHY)?;
    fill(salt)?;
    let value = pss_hash(mgf, value, salt);
    if let Some(end) = head.last_mut() {
        *end = 1;
    }
    mgf.mask(&value, &mut db);
    clear_top(&mut db, len, bits);
    // A modulus of 8n + 1 bits has a byte more than the encoding.
    let lead = vec![0; bits.div_ceil(8) - len];
    Ok([&lead[..], &db, &value, &[0xbc]].concat())
}

/// Clears the bits of the first byte that a number below the modulus can't have.
fn clear_top(db: &mut [u8], len: usize, bits: usize) {
    if let Some(first) = db.first_mut() {
        *first &= 0xff >> (8 * len + 1 - bits);
    }
}

/// Checks EMSA-PSS in a block as long as a modulus of `bits`; every failure is [`Error::Signature`].
pub(super) fn check_pss(mgf: Mgf, value: &[u8], salt_len: usize, bits: usize, block: &[u8]) -> Result<()> {
    pss_holds(mgf, value, salt_len, bits, block).filter(|holds| *holds).map(|_| ()).ok_or(Error::Signature)
}

fn pss_holds(mgf: Mgf, value: &[u8], salt_len: usize, bits: usize, block: &[u8]) -> Option<bool> {
    let len = bits.saturating_sub(1).div_ceil(8);
    let (lead, encoded) = block.split_at_checked(block.len().checked_sub(len)?)?;
    let (end, encoded) = encoded.split_last()?;
    let (db, hash) = encoded.split_at_checked(encoded.len().checked_sub(mgf.hash.len())?)?;
    let mut db = db.to_vec();
    let mut cleared = db.clone();
    clear_top(&mut cleared, len, bits);
    if lead.iter().any(|byte| *byte != 0) || *end != 0xbc || cleared != db {
        return Some(false);
    }
    mgf.mask(hash, &mut db);
    clear_top(&mut db, len, bits);
    let (head, salt) = db.split_at_checked(db.len().checked_sub(salt_len)?)?;
    let (one, zeros) = head.split_last()?;
    Some(*one == 1 && zeros.iter().all(|byte| *byte == 0) && *pss_hash(mgf, value, salt) == *hash)
}

/// EME-OAEP in a block of `len` bytes. [`Error::DataLength`] for what does not fit.
pub(super) fn oaep(mgf: Mgf, label: &[u8], data: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>> {
    let hash_len = mgf.hash.len();
    let zeros =
        len.checked_sub(2 * hash_len + 2).and_then(|room| room.checked_sub(data.len())).ok_or(LONG)?;
    let mut seed = Zeroizing::new(buffer(hash_len)?);
    fill(&mut seed)?;
    let label = digest(mgf.hash, label);
    let mut db = Zeroizing::new([&label[..], &buffer(zeros)?, &[1], data].concat());
    mgf.mask(&seed, &mut db);
    mgf.mask(&db, &mut seed);
    Ok(Zeroizing::new([&[0], &seed[..], &db[..]].concat()))
}

/// Copies what `oaep` padded into `out`, and returns its length. Every failure is [`Error::Ciphertext`].
pub(super) fn strip_oaep(mgf: Mgf, label: &[u8], block: &[u8], out: &mut [u8]) -> Result<usize> {
    let hash_len = mgf.hash.len();
    // Lengths are no secret.
    if block.len() < 2 * hash_len + 2 {
        return Err(Error::Ciphertext);
    }
    let (zero, rest) = block.split_at_checked(1).ok_or(Error::Ciphertext)?;
    let (seed, db) = rest.split_at_checked(hash_len).ok_or(Error::Ciphertext)?;
    let (mut seed, mut db) = (Zeroizing::new(seed.to_vec()), Zeroizing::new(db.to_vec()));
    mgf.mask(&db, &mut seed);
    mgf.mask(&seed, &mut db);
    let (own_label, rest) = db.split_at_checked(hash_len).ok_or(Error::Ciphertext)?;
    let mut good = zero.ct_eq(&[0]) & own_label.ct_eq(&digest(mgf.hash, label));
    let (found, at) = first(rest, Choice::from(1), |byte| !byte.ct_eq(&0));
    let one = rest
        .iter()
        .enumerate()
        .fold(0, |byte, (here, value)| u8::conditional_select(&byte, value, index(here).ct_eq(&at)));
    good &= found & one.ct_eq(&1);
    finish(good, rest, at, out)
}
