//! Key derivation functions in one call each.

use super::sys;
use super::{Error, Hash, Result, check, md};

/// PBKDF2 with HMAC (RFC 8018); `iterations` is not 0.
pub(in crate::crypto::aws_lc) fn pbkdf2(
    hash: Hash,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    out: &mut [u8],
) -> Result<()> {
    // SAFETY: AWS-LC reads `password` and `salt` and writes all of `out`, each with its own length.
    let status = unsafe {
        sys::PKCS5_PBKDF2_HMAC(
            password.as_ptr().cast(),
            password.len(),
            salt.as_ptr(),
            salt.len(),
            iterations,
            md(hash)?,
            out.len(),
            out.as_mut_ptr(),
        )
    };
    check(status, Error::Internal("PBKDF2"))
}

/// HKDF-Extract (RFC 5869) into a buffer of exactly the hash's length.
pub(in crate::crypto::aws_lc) fn hkdf_extract(
    hash: Hash,
    secret: &[u8],
    salt: &[u8],
    out: &mut [u8],
) -> Result<()> {
    if out.len() != hash.len() {
        return Err(Error::Param("output buffer must be exactly as long as the result"));
    }
    let mut written = 0;
    // SAFETY: AWS-LC reads `secret` and `salt` and writes as many bytes as the hash has, which `out` has room for.
    let status = unsafe {
        sys::HKDF_extract(
            out.as_mut_ptr(),
            &mut written,
            md(hash)?,
            secret.as_ptr(),
            secret.len(),
            salt.as_ptr(),
            salt.len(),
        )
    };
    check(status, Error::Internal("HKDF-Extract"))
}

/// HKDF-Expand (RFC 5869); `out` is at most 255 digests long.
pub(in crate::crypto::aws_lc) fn hkdf_expand(
    hash: Hash,
    key: &[u8],
    info: &[u8],
    out: &mut [u8],
) -> Result<()> {
    // SAFETY: AWS-LC reads `key` and `info` and writes all of `out`, each with its own length.
    let status = unsafe {
        sys::HKDF_expand(
            out.as_mut_ptr(),
            out.len(),
            md(hash)?,
            key.as_ptr(),
            key.len(),
            info.as_ptr(),
            info.len(),
        )
    };
    check(status, Error::Internal("HKDF-Expand"))
}

/// The PRF of TLS 1.2 (RFC 5246, section 5), or of TLS 1.0 and 1.1 where no hash is named.
pub(in crate::crypto::aws_lc) fn tls_prf(
    hash: Option<Hash>,
    secret: &[u8],
    label: &[u8],
    seed: &[u8],
    out: &mut [u8],
) -> Result<()> {
    // SAFETY: takes nothing and returns a pointer to a static table.
    let both = || Ok(unsafe { sys::EVP_md5_sha1() });
    let digest = hash.map_or_else(both, md)?;
    // SAFETY: AWS-LC reads `secret`, `label` and `seed` and writes all of `out`, each with its own length; there is no
    // second seed.
    let status = unsafe {
        sys::CRYPTO_tls1_prf(
            digest,
            out.as_mut_ptr(),
            out.len(),
            secret.as_ptr(),
            secret.len(),
            label.as_ptr().cast(),
            label.len(),
            seed.as_ptr(),
            seed.len(),
            std::ptr::null(),
            0,
        )
    };
    check(status, Error::Internal("TLS PRF"))
}
