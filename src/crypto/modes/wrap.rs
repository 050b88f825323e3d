//! AES key wrap without (RFC 3394) and with padding (RFC 5649), with any initial value: what providers have fixes the
//! one of RFC 5649, which PKCS#11 lets the caller choose.

use super::{Block, Ciphers, Error, Result, buffer};
use crate::crypto::equal;
use crate::types::SecretBytes;
use zeroize::{Zeroize, Zeroizing};

/// Declares the functions of this file for one provider.
macro_rules! key_wrap {
    ($provider:ty) => {
        /// Wraps `data` (a multiple of 8 bytes, at least 16; [`crate::crypto::Error::DataLength`]) with RFC 3394; 8
        /// bytes longer. `iv` is A6A6A6A6A6A6A6A6 unless given.
        pub fn wrap(key: &[u8], iv: Option<[u8; 8]>, data: &[u8]) -> Result<Vec<u8>> {
            $crate::crypto::modes::wrap::wrap::<$provider>(key, iv, data)
        }

        /// Undoes [`wrap`]: [`crate::crypto::Error::CiphertextLength`] unless `wrapped` is a multiple of 8 bytes, at
        /// least 24; [`crate::crypto::Error::Ciphertext`] if it was made with another key or initial value, or
        /// changed.
        pub fn unwrap(key: &[u8], iv: Option<[u8; 8]>, wrapped: &[u8]) -> Result<SecretBytes> {
            $crate::crypto::modes::wrap::unwrap::<$provider>(key, iv, wrapped)
        }

        /// Wraps `data` (1 byte to 4 GiB; [`crate::crypto::Error::DataLength`]) with RFC 5649; 8 bytes longer than
        /// `data` padded to a multiple of 8. `iv`, the first half of the initial value, is A65959A6 unless given.
        pub fn wrap_pad(key: &[u8], iv: Option<[u8; 4]>, data: &[u8]) -> Result<Vec<u8>> {
            $crate::crypto::modes::wrap::wrap_pad::<$provider>(key, iv, data)
        }

        /// Undoes [`wrap_pad`]: [`crate::crypto::Error::CiphertextLength`] unless `wrapped` is a multiple of 8 bytes,
        /// at least 16; [`crate::crypto::Error::Ciphertext`] if it was made with another key or initial value, or
        /// changed.
        pub fn unwrap_pad(key: &[u8], iv: Option<[u8; 4]>, wrapped: &[u8]) -> Result<SecretBytes> {
            $crate::crypto::modes::wrap::unwrap_pad::<$provider>(key, iv, wrapped)
        }
    };
}
pub(in crate::crypto) use key_wrap;

const SEMIBLOCK: usize = 8;
const DEFAULT_IV: [u8; 8] = [0xa6; 8];
const DEFAULT_PAD_IV: [u8; 4] = [0xa6, 0x59, 0x59, 0xa6];

pub(in crate::crypto) fn wrap<P: Ciphers>(key: &[u8], iv: Option<[u8; 8]>, data: &[u8]) -> Result<Vec<u8>> {
    if data.len() < 2 * SEMIBLOCK || !data.len().is_multiple_of(SEMIBLOCK) {
        return Err(Error::DataLength);
    }
    let mut out = laid_out(data, data.len())?;
    forward(&P::block(key)?, iv.unwrap_or(DEFAULT_IV), &mut out)?;
    Ok(out)
}

pub(in crate::crypto) fn unwrap<P: Ciphers>(
    key: &[u8],
    iv: Option<[u8; 8]>,
    wrapped: &[u8],
) -> Result<SecretBytes> {
    if wrapped.len() < 3 * SEMIBLOCK || !wrapped.len().is_multiple_of(SEMIBLOCK) {
        return Err(Error::CiphertextLength);
    }
    let (found, data) = backward(&P::block(key)?, wrapped)?;
    if equal(&found, &iv.unwrap_or(DEFAULT_IV)) { Ok(data) } else { Err(Error::Ciphertext) }
}

pub(in crate::crypto) fn wrap_pad<P: Ciphers>(
    key: &[u8],
    iv: Option<[u8; 4]>,
    data: &[u8],
) -> Result<Vec<u8>> {
    let len = u32::try_from(data.len()).ok().filter(|len| *len > 0).ok_or(Error::DataLength)?;
    let aes = P::block(key)?;
    let mut out = laid_out(data, data.len().next_multiple_of(SEMIBLOCK))?;
    let initial = pad_iv(iv, len);
    if let Ok(single) = <&mut [u8; 16]>::try_from(out.as_mut_slice()) {
        for (to, from) in single.iter_mut().zip(initial) {
            *to = from;
        }
        aes.encrypt(single);
    } else {
        forward(&aes, initial, &mut out)?;
    }
    Ok(out)
}

pub(in crate::crypto) fn unwrap_pad<P: Ciphers>(
    key: &[u8],
    iv: Option<[u8; 4]>,
    wrapped: &[u8],
) -> Result<SecretBytes> {
    if wrapped.len() < 2 * SEMIBLOCK || !wrapped.len().is_multiple_of(SEMIBLOCK) {
        return Err(Error::CiphertextLength);
    }
    let aes = P::block(key)?;
    let (found, data) = if let Ok(single) = <[u8; 16]>::try_from(wrapped) {
        let mut single = Zeroizing::new(single);
        aes.decrypt(&mut single);
        split_initial(&*single)?
    } else {
        backward(&aes, wrapped)?
    };
    // One verdict over all checks: which of them failed is an oracle (RFC 5649, section 3).
    let [.., a, b, c, d] = found;
    let len = u32::from_be_bytes([a, b, c, d]);
    let right_iv = equal(&found, &pad_iv(iv, len));
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let right_len = len <= data.len() && data.len() - len < SEMIBLOCK && len > 0;
    let zeros = data.iter().skip(len).fold(0, |sum, byte| sum | byte) == 0;
    if !(right_iv & right_len & zeros) {
        return Err(Error::Ciphertext);
    }
    let mut data = data;
    data.truncate(len);
    Ok(data)
}

fn pad_iv(iv: Option<[u8; 4]>, len: u32) -> [u8; 8] {
    let ([a, b, c, d], [e, f, g, h]) = (iv.unwrap_or(DEFAULT_PAD_IV), len.to_be_bytes());
    [a, b, c, d, e, f, g, h]
}

/// Room for the initial value, then `data`, then zeros up to `padded` bytes.
fn laid_out(data: &[u8], padded: usize) -> Result<Vec<u8>> {
    let mut out = buffer(padded + SEMIBLOCK)?;
    for (to, from) in out.iter_mut().skip(SEMIBLOCK).zip(data) {
        *to = *from;
    }
    Ok(out)
}

/// RFC 3394, section 2.2.1, over `out` = room for A, then R\[1\] to R\[n\].
fn forward(aes: &impl Block, initial: [u8; 8], out: &mut [u8]) -> Result<()> {
    let (first, rest) = out.split_at_mut_checked(SEMIBLOCK).ok_or(Error::DataLength)?;
    let mut block = Zeroizing::new([0; 16]);
    let mut a = initial;
    let mut t = 0u64;
    for _ in 0..6 {
        for r in rest.chunks_exact_mut(SEMIBLOCK) {
            t += 1;
            join(&mut block, &a, r);
            aes.encrypt(&mut block);
            let (left, right) = halves(&block);
            a = (u64::from_be_bytes(left) ^ t).to_be_bytes();
            r.copy_from_slice(&right);
        }
    }
    first.copy_from_slice(&a);
    Ok(())
}

/// RFC 3394, section 2.2.2: A and R\[1\] to R\[n\].
fn backward(aes: &impl Block, wrapped: &[u8]) -> Result<([u8; 8], SecretBytes)> {
    let mut work = Zeroizing::new(buffer(wrapped.len())?);
    work.copy_from_slice(wrapped);
    let (first, rest) = work.split_at_mut_checked(SEMIBLOCK).ok_or(Error::CiphertextLength)?;
    let mut block = Zeroizing::new([0; 16]);
    let mut a = <[u8; 8]>::try_from(&*first).map_err(|_| Error::CiphertextLength)?;
    let mut t = 6 * (rest.len() / SEMIBLOCK) as u64;
    for _ in 0..6 {
        for r in rest.chunks_exact_mut(SEMIBLOCK).rev() {
            join(&mut block, &(u64::from_be_bytes(a) ^ t).to_be_bytes(), r);
            aes.decrypt(&mut block);
            let (left, mut right) = halves(&block);
            a = left;
            r.copy_from_slice(&right);
            right.zeroize();
            t -= 1;
        }
    }
    first.copy_from_slice(&a);
    split_initial(&work)
}

/// Takes the initial value off.
fn split_initial(unwrapped: &[u8]) -> Result<([u8; 8], SecretBytes)> {
    let (initial, data) = unwrapped.split_first_chunk::<SEMIBLOCK>().ok_or(Error::CiphertextLength)?;
    let mut out = buffer(data.len())?;
    out.copy_from_slice(data);
    Ok((*initial, SecretBytes::from(out)))
}

fn join(block: &mut [u8; 16], left: &[u8; 8], right: &[u8]) {
    for (to, from) in block.iter_mut().zip(left.iter().chain(right)) {
        *to = *from;
    }
}

fn halves(block: &[u8; 16]) -> ([u8; 8], [u8; 8]) {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *block;
    ([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p])
}
