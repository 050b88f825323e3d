//! Key derivation functions over HMAC. The `hkdf` crate refuses keys that are shorter than a digest, which PKCS#11
//! allows, and no crate has TLS's.

use super::super::{DigestValue, Error, Hash, Result};
use super::digest::Hmac;
use crate::types::SecretBytes;
use ::hmac::digest::{FixedOutput, Update};
use ::hmac::{Hmac as CrateHmac, KeyInit, SimpleHmac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};
use sha3::{Sha3_224, Sha3_256, Sha3_384, Sha3_512};

const NOT_HERE: Error = Error::Param("the hash is not one that keys are derived with here");

/// HMAC over a hash that keys are derived with: the same ones by every provider.
fn prf(hash: Hash, key: &[u8]) -> Result<Hmac> {
    match hash {
        Hash::Blake2b160
        | Hash::Blake2b256
        | Hash::Blake2b384
        | Hash::Blake2b512
        | Hash::Keccak256
        | Hash::Blake3 => Err(NOT_HERE),
        _ => Hmac::new(hash, key),
    }
}

/// PBKDF2 with HMAC (RFC 8018), for the passwords of others: keyward's own PINs go through Argon2id. Fills `out`.
/// [`Error::Param`] for no iteration or no output.
pub fn pbkdf2(hash: Hash, password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) -> Result<()> {
    if iterations == 0 || out.is_empty() {
        return Err(Error::Param("PBKDF2: at least one iteration and one byte of output"));
    }
    let derive = match hash {
        Hash::Sha1 => pbkdf2_with::<CrateHmac<Sha1>>,
        Hash::Sha224 => pbkdf2_with::<CrateHmac<Sha224>>,
        Hash::Sha256 => pbkdf2_with::<CrateHmac<Sha256>>,
        Hash::Sha384 => pbkdf2_with::<CrateHmac<Sha384>>,
        Hash::Sha512 => pbkdf2_with::<CrateHmac<Sha512>>,
        Hash::Sha512_224 => pbkdf2_with::<CrateHmac<Sha512_224>>,
        Hash::Sha512_256 => pbkdf2_with::<CrateHmac<Sha512_256>>,
        Hash::Sha3_224 => pbkdf2_with::<SimpleHmac<Sha3_224>>,
        Hash::Sha3_256 => pbkdf2_with::<SimpleHmac<Sha3_256>>,
        Hash::Sha3_384 => pbkdf2_with::<SimpleHmac<Sha3_384>>,
        Hash::Sha3_512 => pbkdf2_with::<SimpleHmac<Sha3_512>>,
        Hash::Md5 => pbkdf2_with::<CrateHmac<Md5>>,
        _ => return Err(NOT_HERE),
    };
    derive(password, salt, iterations, out)
}

fn pbkdf2_with<M: KeyInit + Update + FixedOutput + Clone>(
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    out: &mut [u8],
) -> Result<()> {
    ::pbkdf2::pbkdf2::<M>(password, salt, iterations, out).map_err(|_| Error::Internal("PBKDF2"))
}

/// HKDF-Extract (RFC 5869, section 2.2). An empty salt is as good as none.
pub fn hkdf_extract(hash: Hash, secret: &[u8], salt: &[u8]) -> Result<DigestValue> {
    let mut mac = prf(hash, salt)?;
    mac.update(secret)?;
    Ok(mac.value())
}

/// HKDF-Expand (RFC 5869, section 2.3). Fills `out`. [`Error::Param`] for more than 255 digests.
pub fn hkdf_expand_into(hash: Hash, key: &[u8], info: &[u8], out: &mut [u8]) -> Result<()> {
    if out.len() > 255 * hash.len() {
        return Err(Error::Param("HKDF gives at most 255 digests"));
    }
    let mut mac = prf(hash, key)?;
    let mut before: Option<DigestValue> = None;
    for (number, place) in (1..=u8::MAX).zip(out.chunks_mut(hash.len())) {
        mac.update(before.as_deref().unwrap_or_default())?;
        mac.update(info)?;
        mac.update(&[number])?;
        let value = mac.value();
        place.iter_mut().zip(value.iter()).for_each(|(to, from)| *to = *from);
        before = Some(value);
    }
    Ok(())
}

/// The second half of HKDF-SHA-256 (RFC 5869, section 2.3): 32 bytes out of a key that is uniform already.
pub fn hkdf_expand(key: &[u8], info: &[u8]) -> Result<SecretBytes> {
    let mut out = SecretBytes::zeroed(32).map_err(|_| Error::Memory)?;
    hkdf_expand_into(Hash::Sha256, key, info, &mut out)?;
    Ok(out)
}

/// The PRF of TLS 1.2 (RFC 5246, section 5) with this hash, or without one that of TLS 1.0 and 1.1 (RFC 2246, section
/// 5). Fills `out`.
pub fn tls_prf(hash: Option<Hash>, secret: &[u8], label: &[u8], seed: &[u8], out: &mut [u8]) -> Result<()> {
    out.fill(0);
    if let Some(hash) = hash {
        return p_hash(hash, secret, label, seed, out);
    }
    // Two halves, which share the middle byte where there is one.
    let half = secret.len().div_ceil(2);
    let (first, last) = (secret.get(..half), secret.get(secret.len() - half..));
    p_hash(Hash::Md5, first.unwrap_or_default(), label, seed, out)?;
    p_hash(Hash::Sha1, last.unwrap_or_default(), label, seed, out)
}

/// P_hash (RFC 5246, section 5), XORed onto `out`.
fn p_hash(hash: Hash, secret: &[u8], label: &[u8], seed: &[u8], out: &mut [u8]) -> Result<()> {
    let mut mac = prf(hash, secret)?;
    mac.update(label)?;
    mac.update(seed)?;
    let mut a = mac.value();
    for place in out.chunks_mut(hash.len()) {
        mac.update(&a)?;
        mac.update(label)?;
        mac.update(seed)?;
        super::super::modes::xor_onto(place, &mac.value());
        mac.update(&a)?;
        a = mac.value();
    }
    Ok(())
}
