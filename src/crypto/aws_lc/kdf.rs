//! Key derivation functions over HMAC.

use super::super::{DigestValue, Error, Hash, MAX_DIGEST_LEN, Result};
use super::raw;
use crate::types::SecretBytes;
use zeroize::Zeroizing;

/// PBKDF2 with HMAC (RFC 8018), for the passwords of others: keyward's own PINs go through Argon2id. Fills `out`.
/// [`Error::Param`] for no iteration or no output.
pub fn pbkdf2(hash: Hash, password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) -> Result<()> {
    if iterations == 0 || out.is_empty() {
        return Err(Error::Param("PBKDF2: at least one iteration and one byte of output"));
    }
    raw::pbkdf2(hash, password, salt, iterations, out)
}

/// HKDF-Extract (RFC 5869, section 2.2). An empty salt is as good as none.
pub fn hkdf_extract(hash: Hash, secret: &[u8], salt: &[u8]) -> Result<DigestValue> {
    let mut key = Zeroizing::new([0; MAX_DIGEST_LEN]);
    let key = key.get_mut(..hash.len()).ok_or(Error::Internal("HKDF-Extract"))?;
    raw::hkdf_extract(hash, secret, salt, key)?;
    Ok(DigestValue::new(key))
}

/// HKDF-Expand (RFC 5869, section 2.3). Fills `out`. [`Error::Param`] for more than 255 digests.
pub fn hkdf_expand_into(hash: Hash, key: &[u8], info: &[u8], out: &mut [u8]) -> Result<()> {
    if out.len() > 255 * hash.len() {
        return Err(Error::Param("HKDF gives at most 255 digests"));
    }
    raw::hkdf_expand(hash, key, info, out)
}

/// The second half of HKDF-SHA-256 (RFC 5869, section 2.3): 32 bytes out of a key that is uniform already. Not
/// aws-lc-rs's own, which panics for a key of more than 64 bytes.
pub fn hkdf_expand(key: &[u8], info: &[u8]) -> Result<SecretBytes> {
    let mut out = SecretBytes::zeroed(32).map_err(|_| Error::Memory)?;
    hkdf_expand_into(Hash::Sha256, key, info, &mut out)?;
    Ok(out)
}

/// The PRF of TLS 1.2 (RFC 5246, section 5) with this hash, or without one that of TLS 1.0 and 1.1 (RFC 2246, section
/// 5). Fills `out`.
pub fn tls_prf(hash: Option<Hash>, secret: &[u8], label: &[u8], seed: &[u8], out: &mut [u8]) -> Result<()> {
    raw::tls_prf(hash, secret, label, seed, out)
}
