//! RSAES-OAEP with any hashes and label.

use super::padding::{self, Mgf};
use super::rsa::Rsa;
use super::{Error, Hash, Result, buffer};
use zeroize::Zeroizing;

/// An RSA key, shared with what it was made of.
pub(in crate::crypto::rustcrypto) struct OaepKey(Rsa);

impl OaepKey {
    /// The same RSA key, shared.
    pub(in crate::crypto::rustcrypto) fn from_rsa(rsa: &Rsa) -> Result<OaepKey> {
        Ok(OaepKey(rsa.clone()))
    }

    /// RSAES-OAEP encryption into `out`, as long as the modulus.
    pub(in crate::crypto::rustcrypto) fn oaep_encrypt(
        &self,
        hash: Hash,
        mgf: Hash,
        label: &[u8],
        data: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        let block = padding::oaep(Mgf::new(hash, mgf)?, label, data, self.0.len())?;
        self.0.public_power(&block, out, Error::DataLength)?;
        Ok(out.len())
    }

    /// RSAES-OAEP decryption into `out`, as long as the modulus; returns the plaintext's length. Every failure is
    /// [`Error::Ciphertext`].
    pub(in crate::crypto::rustcrypto) fn oaep_decrypt(
        &self,
        hash: Hash,
        mgf: Hash,
        label: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        let mgf = Mgf::new(hash, mgf)?;
        let mut block = Zeroizing::new(buffer(self.0.len())?);
        self.0.private_power(ciphertext, &mut block, Error::Ciphertext)?;
        padding::strip_oaep(mgf, label, &block, out)
    }
}
