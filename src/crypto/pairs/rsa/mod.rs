//! RSA (RFC 8017): keys of 512 to 16384 bits, signatures and encryption. `import` completes and validates components.
//!
//! A key holds what its provider made of it, Montgomery parameters among it, so that one key signs on many threads at
//! once. Providers blind every private operation, and check it against the public exponent before the result leaves.

mod import;

use super::super::{Error, Oaep, Pss, Result, RsaComponents, equal};
use super::raw::{self, Part};
use crate::types::SecretBytes;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Modulus sizes in bits that providers take.
const MIN_BITS: usize = 512;
const MAX_BITS: usize = 16384;
const SIZE: Error = Error::KeySize("RSA: the modulus has 512 to 16384 bits");
const GENERATE_SIZE: Error =
    Error::KeySize("RSA: keys are generated with 512 to 16384 bits, in steps of 128");

/// What PKCS#1 v1.5 padding adds at least, in bytes.
const PKCS1_OVERHEAD: usize = 11;

/// An RSA public key. Cloning shares it.
#[derive(Clone)]
pub struct RsaPublic(Arc<Public>);

struct Public {
    rsa: raw::Rsa,
    oaep_key: raw::OaepKey,
    n: Vec<u8>,
    e: Vec<u8>,
}

/// An RSA private key. Cloning shares it; the last clone wipes it.
#[derive(Clone)]
pub struct RsaPrivate(Arc<Private>);

struct Private {
    rsa: raw::Rsa,
    oaep_key: raw::OaepKey,
    public: RsaPublic,
}

impl fmt::Debug for RsaPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPublic({} bits)", self.bits())
    }
}

impl fmt::Debug for RsaPrivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPrivate({} bits)", self.bits())
    }
}

/// Refuses an output buffer that is not exactly as long as the modulus.
fn exact(out: &[u8], len: usize) -> Result<()> {
    if out.len() == len {
        Ok(())
    } else {
        Err(Error::Param("output buffer must be exactly as long as the modulus"))
    }
}

/// A block as long as the modulus with `data` at its end: raw RSA takes numbers.
fn left_padded(data: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>> {
    let zeros = len.checked_sub(data.len()).ok_or(Error::DataLength)?;
    let mut block = Zeroizing::new(raw::buffer(len)?);
    for (to, from) in block.iter_mut().skip(zeros).zip(data) {
        *to = *from;
    }
    Ok(block)
}

impl RsaPublic {
    /// From big-endian numbers; leading zeros are tolerated. The modulus has 512 to 16384 bits ([`Error::KeySize`]),
    /// the exponent is odd, at least 3 and below the modulus ([`Error::Key`]).
    pub fn new(n: &[u8], e: &[u8]) -> Result<RsaPublic> {
        let n = import::modulus(n)?;
        let e = import::bounded(e, n.bits())?;
        RsaPublic::wrap(raw::Rsa::public(&n, &e)?)
    }

    fn wrap(rsa: raw::Rsa) -> Result<RsaPublic> {
        const MISSING: Error = Error::Key("RSA: modulus or public exponent is missing");
        let n = rsa.part(Part::N)?.ok_or(MISSING)?;
        let e = rsa.part(Part::E)?.ok_or(MISSING)?;
        Ok(RsaPublic(Arc::new(Public { oaep_key: raw::OaepKey::from_rsa(&rsa)?, rsa, n, e })))
    }

    /// The modulus, big-endian without leading zeros.
    pub fn n(&self) -> Vec<u8> {
        self.0.n.clone()
    }

    /// The public exponent, big-endian without leading zeros.
    pub fn e(&self) -> Vec<u8> {
        self.0.e.clone()
    }

    /// Size of the modulus in bits.
    pub fn bits(&self) -> usize {
        self.0.rsa.bits()
    }

    /// Length of the modulus, and so of signatures and ciphertexts, in bytes.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.0.n.len()
    }

    /// x^e mod n of `data` (at most `len()` bytes, [`Error::DataLength`]; below n, [`Error::Data`]) into `out` of
    /// exactly `len()` bytes.
    pub fn raw(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        exact(out, self.len())?;
        self.0.rsa.encrypt(false, &left_padded(data, self.len())?, out)
    }

    /// PKCS#1 v1.5: `data` is what was signed, as a rule a DER DigestInfo.
    pub fn pkcs1_verify(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        if data.len() > self.len().saturating_sub(PKCS1_OVERHEAD) {
            return Err(Error::DataLength);
        }
        let signed = self.pkcs1_recover(signature)?;
        if equal(&signed, data) { Ok(()) } else { Err(Error::Signature) }
    }

    /// Recovers what a PKCS#1 v1.5 signature signed.
    pub fn pkcs1_recover(&self, signature: &[u8]) -> Result<Vec<u8>> {
        self.recover(true, signature)
    }

    /// `signature`^e mod n: `len()` bytes. [`Error::Signature`] for a number that is not below n.
    pub fn raw_recover(&self, signature: &[u8]) -> Result<Vec<u8>> {
        self.recover(false, signature)
    }

    /// Checks that `signature`^e mod n is the number `data`.
    pub fn raw_verify(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        let block = left_padded(data, self.len())?;
        let signed = self.recover(false, signature)?;
        if equal(&signed, &block) { Ok(()) } else { Err(Error::Signature) }
    }

    fn recover(&self, pkcs1: bool, signature: &[u8]) -> Result<Vec<u8>> {
        if signature.len() != self.len() {
            return Err(Error::SignatureLength);
        }
        let mut out = raw::buffer(self.len())?;
        let len = self.0.rsa.recover(pkcs1, signature, &mut out)?;
        out.truncate(len);
        Ok(out)
    }

    /// RSASSA-PSS over a digest of `pss.hash` ([`Error::DataLength`] for another length). A signature with another
    /// salt length is a wrong one.
    pub fn pss_verify(&self, pss: &Pss, digest: &[u8], signature: &[u8]) -> Result<()> {
        if digest.len() != pss.hash.len() {
            return Err(Error::DataLength);
        }
        if signature.len() != self.len() {
            return Err(Error::SignatureLength);
        }
        self.0.rsa.verify_pss(digest, pss.hash, pss.mgf_hash, pss.salt_len, signature)
    }

    /// PKCS#1 v1.5 encryption of at most `len() - 11` bytes ([`Error::DataLength`]) into `out` of exactly `len()`.
    pub fn pkcs1_encrypt(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        exact(out, self.len())?;
        if data.len() > self.len().saturating_sub(PKCS1_OVERHEAD) {
            return Err(Error::DataLength);
        }
        self.0.rsa.encrypt(true, data, out)
    }

    /// RSAES-OAEP encryption of at most `len() - 2 * hash length - 2` bytes ([`Error::DataLength`]) into `out` of
    /// exactly `len()`.
    pub fn oaep_encrypt(&self, oaep: &Oaep<'_>, data: &[u8], out: &mut [u8]) -> Result<()> {
        exact(out, self.len())?;
        let room = self.len().checked_sub(2 * oaep.hash.len() + 2);
        if room.is_none_or(|room| data.len() > room) {
            return Err(Error::DataLength);
        }
        self.0.oaep_key.oaep_encrypt(oaep.hash, oaep.mgf_hash, oaep.label, data, out).map(|_| ())
    }
}

impl RsaPrivate {
    /// Generates a key of 512 to 16384 bits in steps of 128 ([`Error::KeySize`]); `e` is big-endian, odd and from 3
    /// to 2^32 - 1 ([`Error::Param`]).
    pub fn generate(bits: usize, e: &[u8]) -> Result<RsaPrivate> {
        if !(MIN_BITS..=MAX_BITS).contains(&bits) || !bits.is_multiple_of(128) {
            return Err(GENERATE_SIZE);
        }
        RsaPrivate::wrap(raw::Rsa::generate(bits, &import::generator_exponent(e)?)?)
    }

    /// Validates imported components and computes the missing ones: e from the primes and d, or by trial of the usual
    /// ones; the primes from n, e and d; the rest from those. Anything inconsistent is [`Error::Key`].
    pub fn from_components(parts: &RsaComponents) -> Result<RsaPrivate> {
        RsaPrivate::wrap(import::private(parts)?)
    }

    fn wrap(rsa: raw::Rsa) -> Result<RsaPrivate> {
        let number = |part| rsa.part(part).map(Option::unwrap_or_default);
        // A key of its own for the public half, so that it never keeps the private numbers alive.
        let public = RsaPublic::new(&number(Part::N)?, &number(Part::E)?)?;
        Ok(RsaPrivate(Arc::new(Private { oaep_key: raw::OaepKey::from_rsa(&rsa)?, rsa, public })))
    }

    /// Every component.
    pub fn components(&self) -> Result<RsaComponents> {
        let secret = |part| Ok::<_, Error>(self.0.rsa.part(part)?.map(SecretBytes::from));
        Ok(RsaComponents {
            n: self.0.public.n(),
            e: Some(self.0.public.e()),
            d: secret(Part::D)?.ok_or(Error::Internal("RSA key without d"))?,
            p: secret(Part::P)?,
            q: secret(Part::Q)?,
            dp: secret(Part::Dp)?,
            dq: secret(Part::Dq)?,
            qi: secret(Part::Qi)?,
        })
    }

    /// The public half.
    pub fn public(&self) -> RsaPublic {
        self.0.public.clone()
    }

    /// Size of the modulus in bits.
    pub fn bits(&self) -> usize {
        self.0.public.bits()
    }

    /// Length of the modulus, and so of signatures and ciphertexts, in bytes.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.0.public.len()
    }

    /// x^d mod n of `data` (at most `len()` bytes, [`Error::DataLength`]; below n, [`Error::Data`]) into `out` of
    /// exactly `len()` bytes.
    pub fn raw(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        exact(out, self.len())?;
        let block = left_padded(data, self.len())?;
        if *block.as_slice() >= *self.0.public.0.n {
            return Err(Error::Data);
        }
        if self.is_fixed_point(&block) {
            out.copy_from_slice(&block);
            return Ok(());
        }
        self.0.rsa.sign(false, &block, out)
    }

    /// True for 0, 1 and n - 1, whose power with an odd exponent is the number itself; AWS-LC refuses
    /// them.
    fn is_fixed_point(&self, block: &[u8]) -> bool {
        let Some((last, head)) = block.split_last() else { return true };
        let Some((n_last, n_head)) = self.0.public.0.n.split_last() else { return true };
        // n is odd, so n - 1 differs from it in the last byte only.
        (*last <= 1 && head.iter().all(|byte| *byte == 0)) || (*last == n_last - 1 && head == n_head)
    }

    /// PKCS#1 v1.5 over at most `len() - 11` bytes ([`Error::DataLength`]), as a rule a DER DigestInfo, into `out` of
    /// exactly `len()` bytes.
    pub fn pkcs1_sign(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        exact(out, self.len())?;
        if data.len() > self.len().saturating_sub(PKCS1_OVERHEAD) {
            return Err(Error::DataLength);
        }
        self.0.rsa.sign(true, data, out)
    }

    /// RSASSA-PSS over a digest of `pss.hash` ([`Error::DataLength`] for another length) into `out` of exactly
    /// `len()` bytes. A salt that does not fit is [`Error::Param`].
    pub fn pss_sign(&self, pss: &Pss, digest: &[u8], out: &mut [u8]) -> Result<()> {
        exact(out, self.len())?;
        if digest.len() != pss.hash.len() {
            return Err(Error::DataLength);
        }
        if pss.max_salt_len(self.bits()).is_none_or(|max| pss.salt_len > max) {
            return Err(Error::Param("PSS: hash and salt do not fit the key"));
        }
        self.0.rsa.sign_pss(digest, pss.hash, pss.mgf_hash, pss.salt_len, out)
    }

    /// PKCS#1 v1.5 decryption. Whatever is wrong with the padding is the same [`Error::Ciphertext`]; that an attacker
    /// who may ask often still learns from it is in the nature of this padding.
    pub fn pkcs1_decrypt(&self, ciphertext: &[u8]) -> Result<SecretBytes> {
        self.decrypt(ciphertext, |out| self.0.rsa.decrypt(ciphertext, out))
    }

    /// RSAES-OAEP decryption. Whatever is wrong with the padding is the same [`Error::Ciphertext`].
    pub fn oaep_decrypt(&self, oaep: &Oaep<'_>, ciphertext: &[u8]) -> Result<SecretBytes> {
        self.decrypt(ciphertext, |out| {
            self.0.oaep_key.oaep_decrypt(oaep.hash, oaep.mgf_hash, oaep.label, ciphertext, out)
        })
    }

    fn decrypt(
        &self,
        ciphertext: &[u8],
        run: impl FnOnce(&mut [u8]) -> Result<usize>,
    ) -> Result<SecretBytes> {
        if ciphertext.len() != self.len() {
            return Err(Error::CiphertextLength);
        }
        let mut out = SecretBytes::from(raw::buffer(self.len())?);
        let len = run(&mut out)?;
        out.truncate(len);
        Ok(out)
    }
}
