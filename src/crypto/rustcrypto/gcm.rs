//! AES-GCM (SP 800-38D): whole messages with an IV of 12 bytes by the `aes-gcm` crate; messages in parts, and with IVs
//! and tags of other lengths, out of the GHASH and the CTR that the crate is made of.

use super::super::modes::{MAX_GCM_IV, Running, SHORT, Tagging};
use super::blockwise::Blockwise;
use super::ciphers::Aes;
use super::{Error, Result, equal};
use ::aes::cipher::BlockCipherEncrypt;
use ::aes::cipher::StreamCipher;
use ::aes::cipher::common::InnerIvInit;
use ::aes::cipher::consts::U12;
use ::aes::cipher::inout::InOutBuf;
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, AesGcm, KeyInit};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use ghash::universal_hash::array::Array;
use zeroize::{Zeroize, Zeroizing};

/// The IV's usual length in bytes.
const IV: usize = 12;
const TAG: usize = 16;

/// A key expanded for GCM, shared by messages and threads.
pub struct Expanded {
    aes: Aes,
    ghash: GHash,
    whole: AesGcm<Aes, U12>,
}

impl Expanded {
    /// Expands a key of 16, 24 or 32 bytes ([`Error::KeySize`]).
    pub(super) fn new(key: &[u8]) -> Result<Expanded> {
        let aes = Aes::new(key)?;
        let mut hash_key = Zeroizing::new([0; 16]);
        aes.encrypt_block((&mut *hash_key).into());
        let ghash = GHash::new((&*hash_key).into());
        Ok(Expanded { whole: aes.clone().into(), aes, ghash })
    }

    /// Encrypts `input` into `out`, which is as long, and answers the tag.
    pub(super) fn seal(&self, iv: &[u8], aad: &[u8], input: &[u8], out: &mut [u8]) -> Result<[u8; TAG]> {
        if let Ok(iv) = <&[u8; IV]>::try_from(iv) {
            let data = InOutBuf::new(input, out).map_err(|_| SHORT)?;
            let tag =
                self.whole.encrypt_inout_detached(iv.into(), aad, data).map_err(|_| Error::DataLength)?;
            return Ok(tag.into());
        }
        let (mut stream, mut tag) = (Stream::new(self, iv, aad)?, [0; TAG]);
        stream.update(input, out)?;
        stream.tag(&mut tag)?;
        Ok(tag)
    }

    /// Decrypts `input` into `out`, which is as long. [`Error::Ciphertext`] if the tag is wrong.
    pub(super) fn open(&self, iv: &[u8], aad: &[u8], input: &[u8], tag: &[u8], out: &mut [u8]) -> Result<()> {
        let data = InOutBuf::new(input, out).map_err(|_| SHORT)?;
        if let (Ok(iv), Ok(tag)) = (<&[u8; IV]>::try_from(iv), <&[u8; TAG]>::try_from(tag)) {
            let opened = self.whole.decrypt_inout_detached(iv.into(), aad, data, tag.into());
            return opened.map_err(|_| Error::Ciphertext);
        }
        let mut stream = Stream::new(self, iv, aad)?;
        stream.authenticate(input);
        let mut expected = Zeroizing::new([0; TAG]);
        stream.tag(expected.get_mut(..tag.len()).ok_or(SHORT)?)?;
        if !expected.get(..tag.len()).is_some_and(|expected| equal(expected, tag)) {
            return Err(Error::Ciphertext);
        }
        stream.keystream.try_apply_keystream_inout(data).map_err(|_| Error::CiphertextLength)
    }

    /// SP 800-38D, section 7.1, steps 2 and 3: the counter block before the first one of the message.
    fn first_block(&self, iv: &[u8]) -> Array<u8, ghash::universal_hash::consts::U16> {
        if let Ok(iv) = <[u8; IV]>::try_from(iv) {
            let [a, b, c, d, e, f, g, h, i, j, k, l] = iv;
            return Array([a, b, c, d, e, f, g, h, i, j, k, l, 0, 0, 0, 1]);
        }
        let mut hash = self.ghash.clone();
        hash.update_padded(iv);
        hash.update(&[lengths(0, iv.len() as u64)]);
        hash.finalize()
    }
}

/// The block of both lengths, in bits.
fn lengths(aad: u64, data: u64) -> Array<u8, ghash::universal_hash::consts::U16> {
    let bits = (u128::from(aad) << 67) | (u128::from(data) << 3);
    Array(bits.to_be_bytes())
}

/// A message in parts.
pub struct Stream {
    /// Counts in the last 32 bits of the block, as long as they last.
    keystream: ctr::Ctr32BE<Aes>,
    /// What hides the hash.
    mask: Zeroizing<[u8; TAG]>,
    /// `None` after the end.
    hash: Option<Blockwise<GHash>>,
    /// Bytes of associated data and of ciphertext.
    aad_len: u64,
    len: u64,
}

impl Stream {
    /// Begins. [`Error::Param`] unless the IV has 1 byte to 256 MiB.
    pub(super) fn new(key: &Expanded, iv: &[u8], aad: &[u8]) -> Result<Stream> {
        if iv.is_empty() || iv.len() > MAX_GCM_IV {
            return Err(Error::Param("GCM: the IV has 1 byte to 256 MiB"));
        }
        let mut keystream =
            ctr::Ctr32BE::from_core(ctr::CtrCore::inner_iv_init(key.aes.clone(), &key.first_block(iv)));
        let mut mask = Zeroizing::new([0; TAG]);
        keystream.apply_keystream(&mut *mask);
        let mut hash = Blockwise::new(key.ghash.clone());
        hash.update(aad);
        hash.pad();
        Ok(Stream { keystream, mask, hash: Some(hash), aad_len: aad.len() as u64, len: 0 })
    }

    /// Takes a part of the ciphertext into the tag.
    fn authenticate(&mut self, ciphertext: &[u8]) {
        if let Some(hash) = &mut self.hash {
            hash.update(ciphertext);
            self.len = self.len.saturating_add(ciphertext.len() as u64);
        }
    }
}

impl Running for Stream {
    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<()> {
        if self.hash.is_none() {
            return Err(Error::Internal("GCM: the message is over"));
        }
        let out = out.get_mut(..input.len()).ok_or(SHORT)?;
        // The counter's end is GCM's: 2^32 blocks but two.
        let data = InOutBuf::new(input, &mut *out).map_err(|_| SHORT)?;
        self.keystream.try_apply_keystream_inout(data).map_err(|_| Error::DataLength)?;
        self.authenticate(out);
        Ok(())
    }
}

impl Tagging for Stream {
    fn tag(&mut self, tag: &mut [u8]) -> Result<()> {
        let mut hash = self.hash.take().ok_or(Error::Internal("GCM: the message is over"))?;
        hash.pad();
        let (mut hash, ..) = hash.into_parts();
        hash.update(&[lengths(self.aad_len, self.len)]);
        let mut whole = hash.finalize();
        for ((to, hash), mask) in tag.iter_mut().zip(&whole).zip(&*self.mask) {
            *to = hash ^ mask;
        }
        whole.zeroize();
        Ok(())
    }
}

/// A running GMAC (SP 800-38D): GCM of no data, with the message as its associated data.
pub struct Gmac {
    stream: Stream,
    tag_len: usize,
}

impl Gmac {
    /// Starts under a key of 16, 24 or 32 bytes ([`Error::KeySize`]) with an IV of 1 byte to 256 MiB and a tag of 4 to
    /// 16 bytes ([`Error::Param`]).
    pub fn new(key: &[u8], iv: &[u8], tag_len: usize) -> Result<Gmac> {
        if !(4..=TAG).contains(&tag_len) {
            return Err(Error::Param("GMAC: the tag has 4 to 16 bytes"));
        }
        Ok(Gmac { stream: Stream::new(&Expanded::new(key)?, iv, &[])?, tag_len })
    }

    /// Appends to the message.
    pub fn update(&mut self, part: &[u8]) -> Result<()> {
        let hash = self.stream.hash.as_mut().ok_or(Error::Internal("GMAC: the message is over"))?;
        hash.update(part);
        self.stream.aad_len = self.stream.aad_len.saturating_add(part.len() as u64);
        Ok(())
    }

    /// The tag of the message, then zeros. Nothing may follow.
    pub fn finish(&mut self) -> Result<[u8; TAG]> {
        let mut tag = [0; TAG];
        self.stream.tag(tag.get_mut(..self.tag_len).ok_or(SHORT)?)?;
        Ok(tag)
    }
}

/// AES-256-GCM with 12-byte nonces and 16-byte tags, expanded once and shared by threads: what `SealKey` rests on.
pub(in crate::crypto) struct SealCipher(Aes256Gcm);

impl SealCipher {
    pub(in crate::crypto) fn new(key: &[u8; 32]) -> Result<SealCipher> {
        Ok(SealCipher(Aes256Gcm::new(key.into())))
    }

    /// Encrypts in place and returns the tag.
    pub(in crate::crypto) fn seal(&self, nonce: [u8; IV], aad: &[u8], body: &mut [u8]) -> Result<[u8; TAG]> {
        let sealed = self.0.encrypt_inout_detached(&nonce.into(), aad, body.into());
        sealed.map(Into::into).map_err(|_| Error::Internal("sealing"))
    }

    /// Decrypts ciphertext || tag in place.
    pub(in crate::crypto) fn open(&self, nonce: [u8; IV], aad: &[u8], body: &mut [u8]) -> Result<()> {
        let (body, tag) = body.split_last_chunk_mut::<TAG>().ok_or(Error::Ciphertext)?;
        let opened = self.0.decrypt_inout_detached(&nonce.into(), aad, body.into(), (&*tag).into());
        opened.map_err(|_| Error::Ciphertext)
    }
}
