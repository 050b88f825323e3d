//! RSA keys at the level of AWS-LC's `RSA`, which keeps Montgomery contexts and a pool of blindings per key: one key
//! signs on many threads at once.

use super::bn::{Bn, to_vec};
use super::sys;
use super::{Error, Hash, Result, check, forget_errors, fresh, md, owned};
use std::ffi::c_int;
use std::ptr::null_mut;

owned!(
    /// An RSA key, public or private, immutable once made.
    Rsa, RSA, RSA_free
);

// SAFETY: AWS-LC lets threads share an RSA object as long as none of them changes the key (rsa.h), and nothing here
// does after construction; its reference count and caches are locked or atomic.
unsafe impl Send for Rsa {}
// SAFETY: as above.
unsafe impl Sync for Rsa {}

/// The parts of a private key beside n and e.
pub(in crate::crypto::aws_lc) struct CrtParts {
    pub(in crate::crypto::aws_lc) d: Bn,
    pub(in crate::crypto::aws_lc) p: Bn,
    pub(in crate::crypto::aws_lc) q: Bn,
    pub(in crate::crypto::aws_lc) dp: Bn,
    pub(in crate::crypto::aws_lc) dq: Bn,
    pub(in crate::crypto::aws_lc) qi: Bn,
}

/// A number of a key.
#[derive(Clone, Copy)]
pub(in crate::crypto::aws_lc) enum Part {
    N,
    E,
    D,
    P,
    Q,
    Dp,
    Dq,
    Qi,
}

/// Public exponents above this many bits need AWS-LC's explicit consent.
const LARGE_E_BITS: usize = 33;

const BAD_PUBLIC: Error = Error::Key("RSA: modulus or public exponent is even, too small or too large");
const BAD_PRIVATE: Error = Error::Key("RSA: the components do not belong together");

impl Rsa {
    /// A public key.
    pub(in crate::crypto::aws_lc) fn public(n: &Bn, e: &Bn) -> Result<Rsa> {
        let (n, large) = (n.as_ptr(), e.bits() > LARGE_E_BITS);
        let e = e.as_ptr();
        // SAFETY: live numbers, which AWS-LC copies.
        let rsa = unsafe {
            if large { sys::RSA_new_public_key_large_e(n, e) } else { sys::RSA_new_public_key(n, e) }
        };
        Ok(Rsa(fresh(rsa, BAD_PUBLIC)?))
    }

    /// A private key; AWS-LC checks that all numbers belong together.
    pub(in crate::crypto::aws_lc) fn private(n: &Bn, e: &Bn, parts: &CrtParts) -> Result<Rsa> {
        let new =
            if e.bits() > LARGE_E_BITS { sys::RSA_new_private_key_large_e } else { sys::RSA_new_private_key };
        let CrtParts { d, p, q, dp, dq, qi } = parts;
        // SAFETY: live numbers, which AWS-LC copies.
        let rsa = unsafe {
            new(
                n.as_ptr(),
                e.as_ptr(),
                d.as_ptr(),
                p.as_ptr(),
                q.as_ptr(),
                dp.as_ptr(),
                dq.as_ptr(),
                qi.as_ptr(),
            )
        };
        Ok(Rsa(fresh(rsa, BAD_PRIVATE)?))
    }

    /// A random key of `bits`, a multiple of 128.
    pub(in crate::crypto::aws_lc) fn generate(bits: usize, e: &Bn) -> Result<Rsa> {
        let bits = c_int::try_from(bits).map_err(|_| BAD_PUBLIC)?;
        // SAFETY: takes nothing; null means out of memory.
        let rsa = Rsa(fresh(unsafe { sys::RSA_new() }, Error::Memory)?);
        // SAFETY: a fresh object that nobody shares yet and a live number; no callback.
        let status = unsafe { sys::RSA_generate_key_ex(rsa.raw(), bits, e.as_ptr(), null_mut()) };
        // Retries leave errors behind even where the key came out well.
        forget_errors();
        check(status, Error::Param("RSA: no key could be generated for this public exponent"))?;
        Ok(rsa)
    }

    /// The C object, which stays ours.
    pub(super) fn as_ptr(&self) -> *mut sys::RSA {
        self.raw()
    }

    /// Size of the modulus in bits.
    pub(in crate::crypto::aws_lc) fn bits(&self) -> usize {
        // SAFETY: the object is live.
        unsafe { sys::RSA_bits(self.raw()) as usize }
    }

    /// A number of the key as big-endian bytes; `None` if the key lacks it.
    pub(in crate::crypto::aws_lc) fn part(&self, part: Part) -> Result<Option<Vec<u8>>> {
        let rsa = self.raw();
        // SAFETY: the object is live, and its numbers live as long and never change.
        unsafe {
            let bn = match part {
                Part::N => sys::RSA_get0_n(rsa),
                Part::E => sys::RSA_get0_e(rsa),
                Part::D => sys::RSA_get0_d(rsa),
                Part::P => sys::RSA_get0_p(rsa),
                Part::Q => sys::RSA_get0_q(rsa),
                Part::Dp => sys::RSA_get0_dmp1(rsa),
                Part::Dq => sys::RSA_get0_dmq1(rsa),
                Part::Qi => sys::RSA_get0_iqmp(rsa),
            };
            if bn.is_null() { Ok(None) } else { to_vec(bn).map(Some) }
        }
    }

    /// x^d mod n after padding of type 1 (`pkcs1`) or of a block as long as the modulus.
    pub(in crate::crypto::aws_lc) fn sign(&self, pkcs1: bool, data: &[u8], out: &mut [u8]) -> Result<()> {
        let padding = if pkcs1 { sys::RSA_PKCS1_PADDING } else { sys::RSA_NO_PADDING };
        let mut written = 0;
        // SAFETY: a live key; AWS-LC reads `data` and writes at most `out.len()` bytes.
        let status = unsafe {
            sys::RSA_sign_raw(
                self.raw(),
                &mut written,
                out.as_mut_ptr(),
                out.len(),
                data.as_ptr(),
                data.len(),
                padding,
            )
        };
        check(status, Error::Internal("RSA private operation"))
    }

    /// s^e mod n; with `pkcs1`, checks padding of type 1 and strips it. Returns how much of `out` (as long as the
    /// modulus) holds the result. Every failure is [`Error::Signature`].
    pub(in crate::crypto::aws_lc) fn recover(
        &self,
        pkcs1: bool,
        signature: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        let padding = if pkcs1 { sys::RSA_PKCS1_PADDING } else { sys::RSA_NO_PADDING };
        let mut written = 0;
        // SAFETY: a live key; AWS-LC reads `signature` and writes at most `out.len()` bytes.
        let status = unsafe {
            sys::RSA_verify_raw(
                self.raw(),
                &mut written,
                out.as_mut_ptr(),
                out.len(),
                signature.as_ptr(),
                signature.len(),
                padding,
            )
        };
        check(status, Error::Signature)?;
        Ok(written)
    }

    /// x^e mod n after padding of type 2 (`pkcs1`) or of a block as long as the modulus.
    pub(in crate::crypto::aws_lc) fn encrypt(&self, pkcs1: bool, data: &[u8], out: &mut [u8]) -> Result<()> {
        let padding = if pkcs1 { sys::RSA_PKCS1_PADDING } else { sys::RSA_NO_PADDING };
        let mut written = 0;
        // SAFETY: a live key; AWS-LC reads `data` and writes at most `out.len()` bytes.
        let status = unsafe {
            sys::RSA_encrypt(
                self.raw(),
                &mut written,
                out.as_mut_ptr(),
                out.len(),
                data.as_ptr(),
                data.len(),
                padding,
            )
        };
        check(status, Error::Data)
    }

    /// Strips padding of type 2 from c^d mod n. Returns how much of `out` (as long as the modulus) holds the
    /// plaintext. Every failure is [`Error::Ciphertext`].
    pub(in crate::crypto::aws_lc) fn decrypt(&self, ciphertext: &[u8], out: &mut [u8]) -> Result<usize> {
        let mut written = 0;
        // SAFETY: a live key; AWS-LC reads `ciphertext` and writes at most `out.len()` bytes.
        let status = unsafe {
            sys::RSA_decrypt(
                self.raw(),
                &mut written,
                out.as_mut_ptr(),
                out.len(),
                ciphertext.as_ptr(),
                ciphertext.len(),
                sys::RSA_PKCS1_PADDING,
            )
        };
        check(status, Error::Ciphertext)?;
        Ok(written)
    }

    /// RSASSA-PSS; `digest` has the length of `hash`.
    pub(in crate::crypto::aws_lc) fn sign_pss(
        &self,
        digest: &[u8],
        hash: Hash,
        mgf: Hash,
        salt_len: usize,
        out: &mut [u8],
    ) -> Result<()> {
        const WHY: Error = Error::Param("PSS: the salt does not fit the key");
        let salt_len = c_int::try_from(salt_len).map_err(|_| WHY)?;
        let (hash, mgf) = (md(hash)?, md(mgf)?);
        let mut written = 0;
        // SAFETY: a live key and static hash tables; AWS-LC checks the digest's length and writes at most
        // `out.len()` bytes.
        let status = unsafe {
            sys::RSA_sign_pss_mgf1(
                self.raw(),
                &mut written,
                out.as_mut_ptr(),
                out.len(),
                digest.as_ptr(),
                digest.len(),
                hash,
                mgf,
                salt_len,
            )
        };
        check(status, WHY)
    }

    /// RSASSA-PSS; every failure is [`Error::Signature`], but for a hash that AWS-LC lacks ([`Error::Param`]).
    pub(in crate::crypto::aws_lc) fn verify_pss(
        &self,
        digest: &[u8],
        hash: Hash,
        mgf: Hash,
        salt_len: usize,
        signature: &[u8],
    ) -> Result<()> {
        // A salt beyond `c_int` fits no key; negative numbers would have special meanings to AWS-LC.
        let salt_len = c_int::try_from(salt_len).map_err(|_| Error::Signature)?;
        let (hash, mgf) = (md(hash)?, md(mgf)?);
        // SAFETY: a live key and static hash tables; AWS-LC checks both lengths.
        let status = unsafe {
            sys::RSA_verify_pss_mgf1(
                self.raw(),
                digest.as_ptr(),
                digest.len(),
                hash,
                mgf,
                salt_len,
                signature.as_ptr(),
                signature.len(),
            )
        };
        check(status, Error::Signature)
    }
}
