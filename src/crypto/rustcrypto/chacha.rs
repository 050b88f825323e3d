//! ChaCha20 in its three variants, ChaCha20-Poly1305 in two, and Poly1305.

use super::super::modes::{Collected, Message, SHORT, buffer, crypter_within};
use super::blockwise::Blockwise;
use super::{Error, Result};
use crate::crypto::Crypter;
use ::aes::cipher::inout::InOutBuf;
use ::aes::cipher::{KeyIvInit, StreamCipher, StreamCipherCoreWrapper};
use chacha20::variants::Ietf;
use chacha20::{ChaCha20LegacyCore, ChaChaCore, R20, hchacha};
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use zeroize::{Zeroize, Zeroizing};

const BLOCK: usize = 64;
/// Length of a key in bytes.
const KEY: usize = 32;

const KEY_SIZE: Error = Error::KeySize("a ChaCha20 or Poly1305 key has 32 bytes");

fn key_of(key: &[u8]) -> Result<Zeroizing<[u8; KEY]>> {
    key.try_into().map(Zeroizing::new).map_err(|_| KEY_SIZE)
}

/// Subkey of the variant with a nonce of 24 bytes, and the nonce's 8 bytes that are left.
fn extended(key: &[u8; KEY], nonce: &[u8; 24]) -> Result<(Zeroizing<[u8; KEY]>, [u8; 8])> {
    let (first, last) = (nonce.first_chunk::<16>().ok_or(SHORT)?, nonce.last_chunk::<8>().ok_or(SHORT)?);
    Ok((Zeroizing::new(hchacha::<R20>(key.into(), first.into()).into()), *last))
}

/// Zeros, then 8 bytes of nonce.
fn padded([a, b, c, d, e, f, g, h]: [u8; 8]) -> [u8; 12] {
    [0, 0, 0, 0, a, b, c, d, e, f, g, h]
}

/// A keystream, by the bits of its block counter. What may come out of it is counted here: the crate stops a block
/// early.
enum Stream {
    Narrow(StreamCipherCoreWrapper<ChaChaCore<R20, Ietf>>),
    Wide(StreamCipherCoreWrapper<ChaCha20LegacyCore>),
}

impl Stream {
    fn narrow(key: &[u8; KEY], nonce: &[u8; 12], counter: u32) -> Stream {
        let mut core = ChaChaCore::<R20, Ietf>::new(key.into(), nonce.into());
        core.set_block_pos(counter);
        Stream::Narrow(StreamCipherCoreWrapper::from_core(core))
    }

    fn wide(key: &[u8; KEY], nonce: &[u8; 8], counter: u64) -> Stream {
        let mut core = ChaCha20LegacyCore::new(key.into(), nonce.into());
        core.set_block_pos(counter);
        Stream::Wide(StreamCipherCoreWrapper::from_core(core))
    }

    /// XORs the keystream over `input` into `out`, which is as long.
    fn run(&mut self, input: &[u8], out: &mut [u8]) -> Result<()> {
        let data = InOutBuf::new(input, out).map_err(|_| SHORT)?;
        match self {
            Stream::Narrow(stream) => stream.unchecked_apply_keystream_inout(data),
            Stream::Wide(stream) => stream.unchecked_apply_keystream_inout(data),
        }
        Ok(())
    }
}

/// A running ChaCha20, the same in both directions.
pub struct ChaCha20 {
    stream: Stream,
    /// Bytes until the counter would wrap.
    left: u128,
}

impl ChaCha20 {
    /// Starts at block `counter` under a key of 32 bytes ([`Error::KeySize`]). The nonce has 12 bytes, with a counter
    /// of 32 bits (RFC 8439), or 8 (Bernstein's original) or 24 (XChaCha20), with one of 64 ([`Error::Param`]).
    pub fn new(key: &[u8], nonce: &[u8], counter: u64) -> Result<ChaCha20> {
        let key = key_of(key)?;
        let (stream, blocks) = if let Ok(nonce) = <[u8; 12]>::try_from(nonce) {
            const WRONG: Error = Error::Param("ChaCha20: the block counter has 32 bits");
            (Stream::narrow(&key, &nonce, u32::try_from(counter).map_err(|_| WRONG)?), 1 << 32)
        } else if let Ok(nonce) = <[u8; 8]>::try_from(nonce) {
            (Stream::wide(&key, &nonce, counter), 1 << 64)
        } else if let Ok(nonce) = <[u8; 24]>::try_from(nonce) {
            let (subkey, nonce) = extended(&key, &nonce)?;
            (Stream::wide(&subkey, &nonce, counter), 1 << 64)
        } else {
            return Err(Error::Param("ChaCha20: the nonce has 8, 12 or 24 bytes"));
        };
        let blocks: u128 = blocks;
        Ok(ChaCha20 { stream, left: (blocks - u128::from(counter)) * (BLOCK as u128) })
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
        self.stream.run(input, out)?;
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
    let (subkey, rest) = extended(&key, &nonce?)?;
    Ok((subkey, padded(rest)))
}

/// A running encryption with ChaCha20-Poly1305 (RFC 8439), which streams, as the crate does not; the ciphertext ends
/// with the tag.
pub struct ChaChaSeal {
    stream: Stream,
    /// `None` after the end.
    mac: Option<Blockwise<poly1305::Poly1305>>,
    aad_len: u64,
    /// Bytes until the block counter would wrap.
    left: u64,
}

/// RFC 8439, section 2.8: 2^32 blocks but the first, which makes the key of Poly1305.
const MAX_SEALED: u64 = ((1 << 32) - 1) * 64;

impl ChaChaSeal {
    /// Starts under a key of 32 bytes ([`Error::KeySize`]) with a nonce of 12, or 24 for XChaCha20-Poly1305
    /// ([`Error::Param`]).
    pub fn new(key: &[u8], nonce: &[u8], aad: &[u8]) -> Result<ChaChaSeal> {
        let (key, nonce) = aead_key(key, nonce)?;
        let mut stream = Stream::narrow(&key, &nonce, 0);
        let mut first = Zeroizing::new([0; BLOCK]);
        stream.run(&[0; BLOCK], &mut *first)?;
        let mac_key = first.first_chunk::<KEY>().ok_or(SHORT)?;
        let mut mac = Blockwise::new(poly1305::Poly1305::new(mac_key.into()));
        mac.update(aad);
        mac.pad();
        Ok(ChaChaSeal { stream, mac: Some(mac), aad_len: aad.len() as u64, left: MAX_SEALED })
    }
}

const OVER: Error = Error::Internal("ChaCha20-Poly1305: the message is over");

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
        let mac = self.mac.as_mut().ok_or(OVER)?;
        let out = out.get_mut(..input.len()).ok_or(SHORT)?;
        self.left = self.left.checked_sub(input.len() as u64).ok_or(Error::DataLength)?;
        self.stream.run(input, out)?;
        mac.update(out);
        Ok(input.len())
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        let place = out.get_mut(..TAG).ok_or(SHORT)?;
        let mut mac = self.mac.take().ok_or(OVER)?;
        mac.pad();
        mac.update(&self.aad_len.to_le_bytes());
        mac.update(&(MAX_SEALED - self.left).to_le_bytes());
        place.copy_from_slice(&tag(mac));
        Ok(TAG)
    }
}

/// The tag, of a message that may end within a block.
fn tag(mac: Blockwise<poly1305::Poly1305>) -> [u8; TAG] {
    let (mac, held, len) = mac.into_parts();
    mac.compute_unpadded(held.get(..len).unwrap_or_default()).into()
}

/// A running decryption with ChaCha20-Poly1305, which keeps the ciphertext until the tag was checked.
pub struct ChaChaOpen(Collected<Sealed>);

struct Sealed {
    cipher: ChaCha20Poly1305,
    nonce: [u8; 12],
    aad: Vec<u8>,
}

impl ChaChaOpen {
    /// Starts, as [`ChaChaSeal::new`].
    pub fn new(key: &[u8], nonce: &[u8], aad: &[u8]) -> Result<ChaChaOpen> {
        let (key, nonce) = aead_key(key, nonce)?;
        let mut own_aad = buffer(aad.len())?;
        own_aad.copy_from_slice(aad);
        let cipher = ChaCha20Poly1305::new((&*key).into());
        Ok(ChaChaOpen(Collected::new(Sealed { cipher, nonce, aad: own_aad })))
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
        let (ciphertext, tag) = input.split_last_chunk::<TAG>().ok_or(Error::CiphertextLength)?;
        let out = out.get_mut(..ciphertext.len()).ok_or(SHORT)?;
        let data = InOutBuf::new(ciphertext, &mut *out).map_err(|_| SHORT)?;
        let opened = self.cipher.decrypt_inout_detached(&self.nonce.into(), &self.aad, data, tag.into());
        if opened.is_err() {
            out.zeroize();
            return Err(Error::Ciphertext);
        }
        Ok(ciphertext.len())
    }
}

crypter_within!(ChaChaOpen);

/// A running Poly1305 (RFC 8439, section 2.5). A key that serves two messages lets anyone forge a third.
pub struct Poly1305(Blockwise<poly1305::Poly1305>);

impl Poly1305 {
    /// Starts under a key of 32 bytes ([`Error::KeySize`]).
    pub fn new(key: &[u8]) -> Result<Poly1305> {
        Ok(Poly1305(Blockwise::new(poly1305::Poly1305::new((&*key_of(key)?).into()))))
    }

    /// Appends to the message.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// The tag of the message.
    pub fn finish(self) -> [u8; TAG] {
        tag(self.0)
    }
}
