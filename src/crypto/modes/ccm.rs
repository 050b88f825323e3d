//! AES-CCM (RFC 3610, SP 800-38C). Nothing comes out before the end: the first block authenticated holds the length.

use super::{
    AES_KEY_SIZE, Ciphers, Collected, Direction, Error, GcmKey, Message, Result, SHORT, buffer,
    crypter_within, wrong_len,
};
use smallvec::SmallVec;
use zeroize::Zeroize;

/// A running message. The ciphertext ends with the tag.
pub struct Ccm<P: Ciphers>(Collected<Sealed<P>>);

/// What a message is sealed with.
#[derive(Clone, Copy)]
pub struct CcmParts<'a> {
    /// 16, 24 or 32 bytes.
    pub key: &'a [u8],
    /// 7 to 13 bytes.
    pub nonce: &'a [u8],
    /// Additional authenticated data, at most 2 GiB.
    pub aad: &'a [u8],
}

struct Sealed<P: Ciphers> {
    encrypt: bool,
    key: P::Key,
    nonce: SmallVec<[u8; 16]>,
    aad: Vec<u8>,
    tag_len: usize,
    /// The length of the plaintext, if that was said before.
    data_len: Option<usize>,
}

impl<P: Ciphers> Ccm<P> {
    /// Starts under a key of 16, 24 or 32 bytes ([`Error::KeySize`]), with a nonce of 7 to 13 bytes and a tag of 4 to
    /// 16, an even number, and at most 2 GiB of associated data ([`Error::Param`]). `data_len` is the plaintext's
    /// length where it is known: any other is [`Error::DataLength`] (encrypting) or [`Error::CiphertextLength`]
    /// (decrypting) then. So is more than 2 GiB, or 64 KiB with a nonce of 13 bytes, 16 MiB with one of 12.
    pub fn new(
        direction: Direction,
        key: &P::Key,
        nonce: &[u8],
        aad: &[u8],
        tag_len: usize,
        data_len: Option<usize>,
    ) -> Result<Self> {
        if !matches!(key.value().len(), 16 | 24 | 32) {
            return Err(AES_KEY_SIZE);
        }
        if !(7..=13).contains(&nonce.len()) {
            return Err(Error::Param("CCM: the nonce has 7 to 13 bytes"));
        }
        if !(4..=16).contains(&tag_len) || !tag_len.is_multiple_of(2) {
            return Err(Error::Param("CCM: the tag has 4, 6, 8, 10, 12, 14 or 16 bytes"));
        }
        if aad.len() > MAX_LEN {
            return Err(Error::Param("CCM: the associated data is too long"));
        }
        let mut own_aad = buffer(aad.len())?;
        own_aad.copy_from_slice(aad);
        let sealed = Sealed {
            encrypt: direction == Direction::Encrypt,
            key: key.clone(),
            nonce: SmallVec::from_slice(nonce),
            aad: own_aad,
            tag_len,
            data_len,
        };
        if data_len.is_some_and(|len| len > sealed.max_len()) {
            return Err(Error::Param("CCM: a nonce of this length leaves no room to count so much data"));
        }
        Ok(Ccm(Collected::new(sealed)))
    }
}

impl<P: Ciphers> Sealed<P> {
    /// The longest plaintext: what the bytes beside the nonce can count, and what AWS-LC can:
    /// every provider takes the same.
    fn max_len(&self) -> usize {
        match self.nonce.len() {
            13 => (1 << 16) - 1,
            12 => (1 << 24) - 1,
            _ => MAX_LEN,
        }
    }

    fn wrong_len(&self) -> Error {
        wrong_len(self.encrypt)
    }

    /// What of the input is no plaintext.
    fn overhead(&self) -> usize {
        if self.encrypt { 0 } else { self.tag_len }
    }
}

const MAX_LEN: usize = i32::MAX as usize;

impl<P: Ciphers> Message for Sealed<P> {
    fn out_len(&self, input: usize) -> usize {
        match self.encrypt {
            true => input.saturating_add(self.tag_len),
            false => input.saturating_sub(self.tag_len),
        }
    }

    fn allow(&self, input: usize) -> Result<()> {
        let most = self.data_len.unwrap_or(self.max_len()).saturating_add(self.overhead());
        if input > most { Err(self.wrong_len()) } else { Ok(()) }
    }

    fn run(&self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        self.allow(input.len())?;
        let len = input.len().checked_sub(self.overhead()).ok_or_else(|| self.wrong_len())?;
        if self.data_len.is_some_and(|wanted| wanted != len) {
            return Err(self.wrong_len());
        }
        let parts = CcmParts { key: self.key.value(), nonce: &self.nonce, aad: &self.aad };
        let total = self.out_len(input.len());
        let out = out.get_mut(..total).ok_or(SHORT)?;
        if self.encrypt {
            let (ciphertext, tag) = out.split_at_mut_checked(len).ok_or(SHORT)?;
            P::ccm_seal(parts, input, ciphertext, tag)?;
            return Ok(total);
        }
        let (ciphertext, tag) = input.split_at_checked(len).ok_or(SHORT)?;
        let opened = P::ccm_open(parts, ciphertext, tag, out);
        if opened.is_err() {
            out.zeroize();
        }
        opened.map(|()| total)
    }
}

crypter_within!(Ccm<P>);
