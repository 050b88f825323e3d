//! Hashes and CMAC, by aws-lc-rs's safe interface, and HMAC.

use super::super::{DigestValue, Error, Hash, Result};
use super::raw::HmacContext;
use crate::types::SecretBytes;
use aws_lc_rs::{cmac, digest as lc, hkdf, hmac};

const fn algorithm(hash: Hash) -> &'static lc::Algorithm {
    match hash {
        Hash::Sha1 => &lc::SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha224 => &lc::SHA224,
        Hash::Sha256 => &lc::SHA256,
        Hash::Sha384 => &lc::SHA384,
        Hash::Sha512 => &lc::SHA512,
    }
}

/// Copies a result into the caller's buffer of exactly its length.
fn give(out: &mut [u8], value: &[u8]) -> Result<()> {
    if out.len() != value.len() {
        return Err(Error::Param("output buffer must be exactly as long as the result"));
    }
    out.copy_from_slice(value);
    Ok(())
}

/// The digest of `data`.
pub fn digest(hash: Hash, data: &[u8]) -> DigestValue {
    DigestValue::new(lc::digest(algorithm(hash), data).as_ref())
}

/// A running hash.
#[derive(Clone)]
pub struct Digest {
    hash: Hash,
    /// `None` while the message is empty: a message that comes in one piece needs no context.
    context: Option<lc::Context>,
}

impl Digest {
    /// An empty message.
    pub fn new(hash: Hash) -> Digest {
        Digest { hash, context: None }
    }

    /// Which hash this is.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Appends to the message.
    pub fn update(&mut self, part: &[u8]) {
        self.context.get_or_insert_with(|| lc::Context::new(algorithm(self.hash))).update(part);
    }

    /// The digest of the message so far; the next message starts empty.
    pub fn value(&mut self) -> DigestValue {
        self.value_with(&[])
    }

    /// The same with a last part.
    pub fn value_with(&mut self, part: &[u8]) -> DigestValue {
        DigestValue::new(self.end(part).as_ref())
    }

    fn end(&mut self, part: &[u8]) -> lc::Digest {
        match self.context.take() {
            None => lc::digest(algorithm(self.hash), part),
            Some(mut context) => {
                context.update(part);
                context.finish()
            }
        }
    }

    /// [`Digest::value`] into a buffer of exactly `hash.len()` bytes ([`Error::Param`] otherwise).
    pub fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        give(out, self.end(&[]).as_ref())
    }

    /// [`Digest::value_with`], likewise.
    pub fn finish_with(&mut self, part: &[u8], out: &mut [u8]) -> Result<()> {
        give(out, self.end(part).as_ref())
    }
}

/// A running HMAC (RFC 2104). The key may have any length, none included.
pub struct Hmac {
    hash: Hash,
    context: HmacContext,
}

impl Hmac {
    /// An empty message under `key`. [`Error::Memory`].
    pub fn new(hash: Hash, key: &[u8]) -> Result<Hmac> {
        Ok(Hmac { hash, context: HmacContext::new(hash, key)? })
    }

    /// Length of the MAC in bytes.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.hash.len()
    }

    /// Appends to the message.
    pub fn update(&mut self, part: &[u8]) -> Result<()> {
        self.context.update(part)
    }

    /// The MAC of the message so far into a buffer of exactly [`Hmac::len`] bytes ([`Error::Param`] otherwise); the
    /// next message starts empty, under the same key.
    pub fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        self.context.finish(out)
    }
}

/// HMAC-SHA-256 over the concatenation of `parts`.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        mac.update(part);
    }
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(mac.sign().as_ref()) {
        *to = *from;
    }
    out
}

/// The second half of HKDF-SHA-256 (RFC 5869, section 2.3): 32 bytes out of a key that is uniform already.
pub fn hkdf_expand(key: &[u8], info: &[u8]) -> Result<SecretBytes> {
    const FAILED: Error = Error::Internal("HKDF");
    let key = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, key);
    let mut out = SecretBytes::zeroed(32).map_err(|_| Error::Memory)?;
    let expanded = [info];
    let okm = key.expand(&expanded, hkdf::HKDF_SHA256).map_err(|_| FAILED)?;
    okm.fill(&mut out).map_err(|_| FAILED)?;
    Ok(out)
}

/// A running AES-CMAC (RFC 4493, SP 800-38B).
#[derive(Clone)]
pub struct Cmac {
    key: cmac::Key,
    context: cmac::Context,
}

impl Cmac {
    /// Length of the MAC in bytes.
    pub const LEN: usize = 16;

    /// An empty message under an AES key of 16, 24 or 32 bytes ([`Error::KeySize`] otherwise).
    pub fn new(key: &[u8]) -> Result<Cmac> {
        let algorithm = match key.len() {
            16 => cmac::AES_128,
            24 => cmac::AES_192,
            32 => cmac::AES_256,
            _ => return Err(Error::KeySize("an AES key has 16, 24 or 32 bytes")),
        };
        let key = cmac::Key::new(algorithm, key).map_err(|_| Error::Internal("CMAC key"))?;
        let context = cmac::Context::with_key(&key);
        Ok(Cmac { key, context })
    }

    /// Appends to the message.
    pub fn update(&mut self, part: &[u8]) -> Result<()> {
        self.context.update(part).map_err(|_| Error::Internal("CMAC update"))
    }

    /// The MAC of the message so far; the next message starts empty, under the same key.
    pub fn finish(&mut self) -> Result<[u8; Cmac::LEN]> {
        let done = std::mem::replace(&mut self.context, cmac::Context::with_key(&self.key));
        let tag = done.sign().map_err(|_| Error::Internal("CMAC"))?;
        tag.as_ref().try_into().map_err(|_| Error::Internal("CMAC length"))
    }
}
