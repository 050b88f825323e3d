//! AES-CCM (RFC 3610, SP 800-38C) out of CBC-MAC and CTR: the `ccm` crate has the lengths of nonce and tag in its
//! types, which would be 49 of them.

use super::super::modes::{CcmParts, SHORT};
use super::ciphers::{Aes, BlockMac, Ctr128, counting};
use super::{Error, Result, equal};
use ::aes::cipher::StreamCipher;
use ::aes::cipher::inout::InOutBuf;
use zeroize::Zeroizing;

const BLOCK: usize = 16;

pub(super) fn seal(parts: CcmParts<'_>, input: &[u8], out: &mut [u8], tag: &mut [u8]) -> Result<()> {
    let whole = mac(parts, input, tag.len())?;
    let (mut keystream, mask) = begin(parts)?;
    keystream.apply_keystream_inout(InOutBuf::new(input, &mut *out).map_err(|_| SHORT)?);
    for ((to, mac), mask) in tag.iter_mut().zip(&*whole).zip(&*mask) {
        *to = mac ^ mask;
    }
    Ok(())
}

pub(super) fn open(parts: CcmParts<'_>, input: &[u8], tag: &[u8], out: &mut [u8]) -> Result<()> {
    let (mut keystream, mask) = begin(parts)?;
    keystream.apply_keystream_inout(InOutBuf::new(input, &mut *out).map_err(|_| SHORT)?);
    let mut expected = mac(parts, out, tag.len())?;
    expected.iter_mut().zip(&*mask).for_each(|(to, mask)| *to ^= mask);
    let right = expected.get(..tag.len()).is_some_and(|expected| equal(expected, tag));
    if right { Ok(()) } else { Err(Error::Ciphertext) }
}

/// The bytes that count beside the nonce, less one.
fn count_len(parts: CcmParts<'_>) -> Result<u8> {
    let len = (BLOCK - 2).checked_sub(parts.nonce.len());
    len.and_then(|len| u8::try_from(len).ok()).ok_or(Error::Param("CCM: the nonce has 7 to 13 bytes"))
}

/// SP 800-38C, appendix A.3: the keystream from block 1, and block 0, which hides the MAC.
fn begin(parts: CcmParts<'_>) -> Result<(Ctr128, Zeroizing<[u8; BLOCK]>)> {
    let mut block = [0; BLOCK];
    let fields = std::iter::once(count_len(parts)?).chain(parts.nonce.iter().copied());
    block.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
    let mut keystream = counting(Aes::new(parts.key)?, &block);
    let mut mask = Zeroizing::new([0; BLOCK]);
    keystream.apply_keystream(&mut *mask);
    Ok((keystream, mask))
}

/// SP 800-38C, appendix A.2: the CBC-MAC of the first block, the associated data and the plaintext.
fn mac(parts: CcmParts<'_>, plain: &[u8], tag_len: usize) -> Result<Zeroizing<[u8; BLOCK]>> {
    const TAG: Error = Error::Param("CCM: the tag has 4, 6, 8, 10, 12, 14 or 16 bytes");
    let has_aad = u8::from(!parts.aad.is_empty()) << 6;
    let tag_field = tag_len.checked_sub(2).and_then(|len| u8::try_from(len / 2).ok()).ok_or(TAG)? << 3;
    let mut first = [0; BLOCK];
    // The length takes what the nonce leaves; that it fits was checked where the message came from.
    first.iter_mut().rev().zip((plain.len() as u64).to_le_bytes()).for_each(|(to, from)| *to = from);
    let fields = std::iter::once(has_aad | tag_field | count_len(parts)?).chain(parts.nonce.iter().copied());
    first.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
    let mut mac = BlockMac::aes_cbc(parts.key)?;
    mac.update(&first)?;
    if !parts.aad.is_empty() {
        let prefix = aad_len(parts.aad.len())?;
        mac.update(&prefix)?;
        mac.update(parts.aad)?;
        let beyond = (prefix.len() + parts.aad.len()) % BLOCK;
        mac.update([0; BLOCK].get(..(BLOCK - beyond) % BLOCK).ok_or(SHORT)?)?;
    }
    mac.update(plain)?;
    mac.finish().map(Zeroizing::new)
}

/// How the length of the associated data is written before it.
fn aad_len(len: usize) -> Result<Vec<u8>> {
    let len = u32::try_from(len).map_err(|_| Error::Param("CCM: the associated data is too long"))?;
    Ok(match u16::try_from(len) {
        Ok(short) if short < 0xff00 => short.to_be_bytes().to_vec(),
        _ => [&[0xff, 0xfe], &len.to_be_bytes()[..]].concat(),
    })
}
