//! `EVP_CIPHER` for the modes of AES and what else comes as one (in the files beneath), and single blocks of AES.

mod ccm;
mod chacha;
mod des;
mod feedback;

pub(in crate::crypto::aws_lc) use ccm::{ccm_open, ccm_seal};
pub(in crate::crypto::aws_lc) use feedback::FeedbackMode;

use super::sys;
use super::{Error, Result, check, fresh, owned};
pub(super) use crate::crypto::modes::AES_KEY_SIZE as KEY_SIZE;
use crate::crypto::modes::{BlockMode, MAX_GCM_IV};
use std::ffi::c_int;
use std::ptr::{null, null_mut};
use zeroize::Zeroize;

owned!(
    /// A cipher with its expanded key, in the middle of a message.
    Cipher, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free
);

// SAFETY: a cipher context has no thread affinity, and `&mut` keeps it to one thread at a time.
unsafe impl Send for Cipher {}

/// AWS-LC counts in `int`: longer input goes in pieces of this many bytes, a multiple of every block.
const PIECE: usize = 1 << 30;

const FAILED: Error = Error::Internal("AES");

fn block_cipher(mode: BlockMode, key_len: usize) -> Result<*const sys::EVP_CIPHER> {
    use BlockMode::{Cbc, Ctr, Ecb};
    // SAFETY: these take nothing and return pointers to static tables.
    Ok(unsafe {
        match (mode, key_len) {
            (Ecb, 16) => sys::EVP_aes_128_ecb(),
            (Ecb, 24) => sys::EVP_aes_192_ecb(),
            (Ecb, 32) => sys::EVP_aes_256_ecb(),
            (Cbc, 16) => sys::EVP_aes_128_cbc(),
            (Cbc, 24) => sys::EVP_aes_192_cbc(),
            (Cbc, 32) => sys::EVP_aes_256_cbc(),
            (Ctr, 16) => sys::EVP_aes_128_ctr(),
            (Ctr, 24) => sys::EVP_aes_192_ctr(),
            (Ctr, 32) => sys::EVP_aes_256_ctr(),
            _ => return Err(KEY_SIZE),
        }
    })
}

fn gcm_cipher(key_len: usize) -> Result<*const sys::EVP_CIPHER> {
    // SAFETY: these take nothing and return pointers to static tables.
    Ok(unsafe {
        match key_len {
            16 => sys::EVP_aes_128_gcm(),
            24 => sys::EVP_aes_192_gcm(),
            32 => sys::EVP_aes_256_gcm(),
            _ => return Err(KEY_SIZE),
        }
    })
}

impl Cipher {
    fn empty() -> Result<Cipher> {
        // SAFETY: takes nothing; null means out of memory.
        Ok(Cipher(fresh(unsafe { sys::EVP_CIPHER_CTX_new() }, Error::Memory)?))
    }

    /// A fresh context with key and IV.
    ///
    /// # Safety
    /// `table` is a static table of AWS-LC whose key has `key.len()` bytes, and whose IV at most `iv.len()`.
    unsafe fn start(table: *const sys::EVP_CIPHER, encrypt: bool, key: &[u8], iv: &[u8]) -> Result<Cipher> {
        let cipher = Cipher::empty()?;
        let encrypt = c_int::from(encrypt);
        // SAFETY: a live context; AWS-LC reads as much of key and IV as `table` says, and the caller vouches for both.
        let status = unsafe {
            sys::EVP_CipherInit_ex(cipher.raw(), table, null_mut(), key.as_ptr(), iv.as_ptr(), encrypt)
        };
        check(status, FAILED)?;
        // SAFETY: a live context.
        check(unsafe { sys::EVP_CIPHER_CTX_set_padding(cipher.raw(), 0) }, FAILED)?;
        Ok(cipher)
    }

    /// A mode without authentication and without padding; ECB ignores the IV.
    pub(in crate::crypto::aws_lc) fn block(
        mode: BlockMode,
        encrypt: bool,
        key: &[u8],
        iv: &[u8; 16],
    ) -> Result<Cipher> {
        let table = block_cipher(mode, key.len())?;
        // SAFETY: `table` was chosen by the key's length, and its IV has 16 bytes or none.
        unsafe { Cipher::start(table, encrypt, key, iv) }
    }

    /// GCM under a key of 16, 24 or 32 bytes. [`Cipher::begin_gcm`] comes next.
    pub(in crate::crypto::aws_lc) fn gcm(encrypt: bool, key: &[u8]) -> Result<Cipher> {
        let table = gcm_cipher(key.len())?;
        let cipher = Cipher::empty()?;
        let encrypt = c_int::from(encrypt);
        // SAFETY: a live context whose table was chosen by the key's length; no IV yet.
        let status =
            unsafe { sys::EVP_CipherInit_ex(cipher.raw(), table, null_mut(), key.as_ptr(), null(), encrypt) };
        check(status, FAILED)?;
        Ok(cipher)
    }

    /// Begins a GCM message with an IV of any length from 1 byte; whatever the context did before is forgotten.
    pub(in crate::crypto::aws_lc) fn begin_gcm(&mut self, iv: &[u8], aad: &[u8]) -> Result<()> {
        const IV: Error = Error::Param("GCM: the IV has 1 byte to 256 MiB");
        if iv.is_empty() || iv.len() > MAX_GCM_IV {
            return Err(IV);
        }
        let iv_len = c_int::try_from(iv.len()).map_err(|_| IV)?;
        // SAFETY: a live context; this makes room for the IV, and a context of another mode refuses it.
        let status =
            unsafe { sys::EVP_CIPHER_CTX_ctrl(self.raw(), sys::EVP_CTRL_AEAD_SET_IVLEN, iv_len, null_mut()) };
        check(status, IV)?;
        // SAFETY: a live GCM context with a key, whose IV has the length that was just set; -1 keeps the direction.
        let status =
            unsafe { sys::EVP_CipherInit_ex(self.raw(), null(), null_mut(), null(), iv.as_ptr(), -1) };
        check(status, FAILED)?;
        self.authenticate(aad)
    }

    /// Feeds additional authenticated data.
    pub(in crate::crypto::aws_lc) fn authenticate(&mut self, aad: &[u8]) -> Result<()> {
        for piece in aad.chunks(PIECE) {
            let len = c_int::try_from(piece.len()).map_err(|_| FAILED)?;
            let mut written = 0;
            // SAFETY: a live context; AWS-LC reads `piece`; a null output says that it is associated data.
            let status =
                unsafe { sys::EVP_CipherUpdate(self.raw(), null_mut(), &mut written, piece.as_ptr(), len) };
            check(status, Error::Param("the associated data is too long"))?;
        }
        Ok(())
    }

    /// Starts over with the same key and another IV.
    pub(in crate::crypto::aws_lc) fn set_iv(&mut self, iv: &[u8; 16]) -> Result<()> {
        // SAFETY: a live context of a block mode, whose IV has 16 bytes; -1 keeps the direction.
        let status =
            unsafe { sys::EVP_CipherInit_ex(self.raw(), null(), null_mut(), null(), iv.as_ptr(), -1) };
        check(status, FAILED)
    }

    /// Runs `input` (whole blocks, where the mode has them) into the front of `out`, which is at least as long.
    pub(in crate::crypto::aws_lc) fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<()> {
        if out.len() < input.len() {
            return Err(Error::Internal("AES output buffer is too short"));
        }
        for (piece, to) in input.chunks(PIECE).zip(out.chunks_mut(PIECE)) {
            let len = c_int::try_from(piece.len()).map_err(|_| FAILED)?;
            let mut written = 0;
            // SAFETY: a live context without padding, that holds no partial block: AWS-LC reads `len` bytes of
            // `piece` and writes as many to `to`, which is as long.
            let status = unsafe {
                sys::EVP_CipherUpdate(self.raw(), to.as_mut_ptr(), &mut written, piece.as_ptr(), len)
            };
            check(status, Error::DataLength)?;
            if written != len {
                return Err(FAILED);
            }
        }
        Ok(())
    }

    /// Runs `data` (whole blocks, where the mode has them) in its own place.
    pub(in crate::crypto::aws_lc) fn update_in_place(&mut self, data: &mut [u8]) -> Result<()> {
        for piece in data.chunks_mut(PIECE) {
            let len = c_int::try_from(piece.len()).map_err(|_| FAILED)?;
            let place = piece.as_mut_ptr();
            let mut written = 0;
            // SAFETY: a live context without padding, that holds no partial block: AWS-LC reads and writes `len` bytes
            // of `piece`, and allows input and output to be the same.
            let status = unsafe { sys::EVP_CipherUpdate(self.raw(), place, &mut written, place, len) };
            check(status, Error::DataLength)?;
            if written != len {
                return Err(FAILED);
            }
        }
        Ok(())
    }

    /// Ends an encryption with GCM or ChaCha20-Poly1305 and writes as much of the tag as `tag` takes, at most 16 bytes.
    pub(in crate::crypto::aws_lc) fn tag(&mut self, tag: &mut [u8]) -> Result<()> {
        self.end()?;
        let len = c_int::try_from(tag.len()).map_err(|_| FAILED)?;
        // SAFETY: a live GCM context that ended encrypting; AWS-LC writes `len` bytes, at most 16, or refuses.
        let status = unsafe {
            sys::EVP_CIPHER_CTX_ctrl(self.raw(), sys::EVP_CTRL_AEAD_GET_TAG, len, tag.as_mut_ptr().cast())
        };
        check(status, FAILED)
    }

    /// Ends a decryption, likewise: [`Error::Ciphertext`] if `tag` (at most 16 bytes) is wrong.
    pub(in crate::crypto::aws_lc) fn check_tag(&mut self, tag: &[u8]) -> Result<()> {
        let len = c_int::try_from(tag.len()).map_err(|_| FAILED)?;
        // SAFETY: a live GCM context; AWS-LC copies `len` bytes, at most 16, or refuses; it does not write to `tag`.
        let status = unsafe {
            sys::EVP_CIPHER_CTX_ctrl(
                self.raw(),
                sys::EVP_CTRL_AEAD_SET_TAG,
                len,
                tag.as_ptr().cast_mut().cast(),
            )
        };
        check(status, FAILED)?;
        self.end().map_err(|_| Error::Ciphertext)
    }

    fn end(&mut self) -> Result<()> {
        let mut rest = [0; 16];
        let mut written = 0;
        // SAFETY: a live context; GCM writes nothing here, and no mode more than a block.
        check(unsafe { sys::EVP_CipherFinal_ex(self.raw(), rest.as_mut_ptr(), &mut written) }, FAILED)
    }
}

/// The bare AES permutation under one key, in both directions.
pub struct AesBlock {
    encrypt: Box<sys::AES_KEY>,
    decrypt: Box<sys::AES_KEY>,
}

impl AesBlock {
    /// Expands a key of 16, 24 or 32 bytes.
    pub(in crate::crypto::aws_lc) fn new(key: &[u8]) -> Result<AesBlock> {
        let bits = match key.len() {
            16 => 128,
            24 => 192,
            32 => 256,
            _ => return Err(KEY_SIZE),
        };
        let empty = sys::AES_KEY { rd_key: [0; 60], rounds: 0 };
        let mut block = AesBlock { encrypt: Box::new(empty), decrypt: Box::new(empty) };
        // SAFETY: `key` has `bits` bits; both schedules are ours. Unlike the rest of AWS-LC these return 0 for success.
        let failed = unsafe {
            sys::AES_set_encrypt_key(key.as_ptr(), bits, &mut *block.encrypt)
                | sys::AES_set_decrypt_key(key.as_ptr(), bits, &mut *block.decrypt)
        };
        if failed == 0 { Ok(block) } else { Err(FAILED) }
    }

    /// Encrypts one block in place.
    pub(in crate::crypto::aws_lc) fn encrypt(&self, block: &mut [u8; 16]) {
        let block = block.as_mut_ptr();
        // SAFETY: an expanded key and one block, which AWS-LC may read and write in place.
        unsafe { sys::AES_encrypt(block, block, &*self.encrypt) }
    }

    /// Decrypts one block in place.
    pub(in crate::crypto::aws_lc) fn decrypt(&self, block: &mut [u8; 16]) {
        let block = block.as_mut_ptr();
        // SAFETY: an expanded key and one block, which AWS-LC may read and write in place.
        unsafe { sys::AES_decrypt(block, block, &*self.decrypt) }
    }
}

impl Drop for AesBlock {
    fn drop(&mut self) {
        self.encrypt.rd_key.zeroize();
        self.decrypt.rd_key.zeroize();
    }
}
