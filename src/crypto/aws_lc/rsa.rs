//! RSA (RFC 8017).

use super::super::{Error, Oaep, Pss, Result, RsaComponents};
use crate::types::SecretBytes;

/// An RSA public key.
#[derive(Debug, Clone)]
pub struct RsaPublic(());

/// An RSA private key.
#[derive(Debug, Clone)]
pub struct RsaPrivate(());

impl RsaPublic {
    /// From big-endian numbers; leading zeros are tolerated.
    pub fn new(n: &[u8], e: &[u8]) -> Result<RsaPublic> {
        let _ = (n, e);
        Err(Error::Internal("unfinished"))
    }
    /// The modulus, without leading zeros.
    pub fn n(&self) -> Vec<u8> {
        Vec::new()
    }
    /// The public exponent, without leading zeros.
    pub fn e(&self) -> Vec<u8> {
        Vec::new()
    }
    /// Size of the modulus in bits.
    pub fn bits(&self) -> usize {
        0
    }
    /// Length of the modulus, and so of signatures and ciphertexts, in bytes.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        0
    }
    /// x^e mod n of `data` (at most `len()` bytes, as a number below n) into `out` of `len()` bytes.
    pub fn raw(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let _ = (data, out);
        Err(Error::Internal("unfinished"))
    }
    /// PKCS#1 v1.5: `data` is what was signed, as a rule a DER DigestInfo.
    pub fn pkcs1_verify(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        let _ = (data, signature);
        Err(Error::Internal("unfinished"))
    }
    /// Checks that `signature`^e mod n is the number `data`.
    pub fn raw_verify(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        let _ = (data, signature);
        Err(Error::Internal("unfinished"))
    }
    /// Recovers what a PKCS#1 v1.5 signature signed.
    pub fn pkcs1_recover(&self, signature: &[u8]) -> Result<Vec<u8>> {
        let _ = signature;
        Err(Error::Internal("unfinished"))
    }
    /// RSASSA-PSS over a digest of `pss.hash`.
    pub fn pss_verify(&self, pss: &Pss, digest: &[u8], signature: &[u8]) -> Result<()> {
        let _ = (pss, digest, signature);
        Err(Error::Internal("unfinished"))
    }
    /// PKCS#1 v1.5 encryption of at most `len() - 11` bytes into `out` of `len()` bytes.
    pub fn pkcs1_encrypt(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let _ = (data, out);
        Err(Error::Internal("unfinished"))
    }
    /// RSAES-OAEP encryption of at most `len() - 2 * hash - 2` bytes into `out` of `len()` bytes.
    pub fn oaep_encrypt(&self, oaep: &Oaep<'_>, data: &[u8], out: &mut [u8]) -> Result<()> {
        let _ = (oaep, data, out);
        Err(Error::Internal("unfinished"))
    }
}

impl RsaPrivate {
    /// Generates a key; `e` is big-endian.
    pub fn generate(bits: usize, e: &[u8]) -> Result<RsaPrivate> {
        let _ = (bits, e);
        Err(Error::Internal("unfinished"))
    }
    /// Validates and completes imported components.
    pub fn from_components(parts: &RsaComponents) -> Result<RsaPrivate> {
        let _ = parts;
        Err(Error::Internal("unfinished"))
    }
    /// Every component.
    pub fn components(&self) -> Result<RsaComponents> {
        Err(Error::Internal("unfinished"))
    }
    /// The public half.
    pub fn public(&self) -> RsaPublic {
        RsaPublic(())
    }
    /// Size of the modulus in bits.
    pub fn bits(&self) -> usize {
        0
    }
    /// Length of the modulus, and so of signatures and ciphertexts, in bytes.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        0
    }
    /// x^d mod n of `data` (at most `len()` bytes, as a number below n) into `out` of `len()` bytes.
    pub fn raw(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let _ = (data, out);
        Err(Error::Internal("unfinished"))
    }
    /// PKCS#1 v1.5 over at most `len() - 11` bytes, as a rule a DER DigestInfo, into `out` of `len()` bytes.
    pub fn pkcs1_sign(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let _ = (data, out);
        Err(Error::Internal("unfinished"))
    }
    /// RSASSA-PSS over a digest of `pss.hash` into `out` of `len()` bytes.
    pub fn pss_sign(&self, pss: &Pss, digest: &[u8], out: &mut [u8]) -> Result<()> {
        let _ = (pss, digest, out);
        Err(Error::Internal("unfinished"))
    }
    /// PKCS#1 v1.5 decryption. Every failure of the padding is the same [`Error::Ciphertext`].
    pub fn pkcs1_decrypt(&self, ciphertext: &[u8]) -> Result<SecretBytes> {
        let _ = ciphertext;
        Err(Error::Internal("unfinished"))
    }
    /// RSAES-OAEP decryption. Every failure of the padding is the same [`Error::Ciphertext`].
    pub fn oaep_decrypt(&self, oaep: &Oaep<'_>, ciphertext: &[u8]) -> Result<SecretBytes> {
        let _ = (oaep, ciphertext);
        Err(Error::Internal("unfinished"))
    }
}
