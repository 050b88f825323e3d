//! Hashes, HMAC and CMAC by AWS-LC; hashes that it lacks, by other crates.

use super::super::soft_hash::{Hashing, SoftDigest, SoftHash, SoftHmac};
use super::super::{DigestValue, Error, Hash, Result};
use super::raw::{HmacContext, Md5, Sha};
use crate::types::SecretBytes;
use aws_lc_rs::{cmac, digest as lc, hmac};

/// Where a hash is.
enum Source {
    Lc(&'static lc::Algorithm),
    Md5,
    /// In `raw` only.
    Sha,
    Soft(SoftHash),
}

const fn source(hash: Hash) -> Source {
    match hash {
        Hash::Sha1 => Source::Lc(&lc::SHA1_FOR_LEGACY_USE_ONLY),
        Hash::Sha224 => Source::Lc(&lc::SHA224),
        Hash::Sha256 => Source::Lc(&lc::SHA256),
        Hash::Sha384 => Source::Lc(&lc::SHA384),
        Hash::Sha512 => Source::Lc(&lc::SHA512),
        Hash::Sha512_224 => Source::Sha,
        Hash::Sha512_256 => Source::Lc(&lc::SHA512_256),
        // AWS-LC hashes with it inside of others only.
        Hash::Sha3_224 => Source::Soft(SoftHash::Sha3_224),
        Hash::Sha3_256 => Source::Lc(&lc::SHA3_256),
        Hash::Sha3_384 => Source::Lc(&lc::SHA3_384),
        Hash::Sha3_512 => Source::Lc(&lc::SHA3_512),
        Hash::Md5 => Source::Md5,
        Hash::Blake2b160 => Source::Soft(SoftHash::Blake2b160),
        Hash::Blake2b256 => Source::Soft(SoftHash::Blake2b256),
        Hash::Blake2b384 => Source::Soft(SoftHash::Blake2b384),
        Hash::Blake2b512 => Source::Soft(SoftHash::Blake2b512),
        Hash::Keccak256 => Source::Soft(SoftHash::Keccak256),
        Hash::Blake3 => Source::Soft(SoftHash::Blake3),
    }
}

/// A message under way.
#[derive(Clone)]
enum Context {
    /// Whose state can be taken out.
    Sha(Box<Sha>),
    Lc(lc::Context),
    Md5(Box<Md5>),
    Soft(Box<SoftDigest>),
}

impl Context {
    fn new(hash: Hash) -> Context {
        if let Some(sha) = Sha::new(hash) {
            return Context::Sha(Box::new(sha));
        }
        match source(hash) {
            Source::Lc(algorithm) => Context::Lc(lc::Context::new(algorithm)),
            Source::Soft(hash) => Context::Soft(Box::new(SoftDigest::new(hash))),
            Source::Md5 | Source::Sha => Context::Md5(Box::new(Md5::new())),
        }
    }

    fn update(&mut self, part: &[u8]) {
        match self {
            Context::Sha(context) => context.update(part),
            Context::Lc(context) => context.update(part),
            Context::Md5(context) => context.update(part),
            Context::Soft(context) => context.update(part),
        }
    }

    /// Hands over the digest.
    fn finish<T>(self, take: impl FnOnce(&[u8]) -> T) -> T {
        match self {
            Context::Sha(context) => take(&context.finish()),
            Context::Lc(context) => take(context.finish().as_ref()),
            Context::Md5(context) => take(&context.finish()),
            Context::Soft(context) => take(&context.value()),
        }
    }
}

/// Hands over the digest of a message in one piece.
fn whole<T>(hash: Hash, data: &[u8], take: impl FnOnce(&[u8]) -> T) -> T {
    if let Source::Lc(algorithm) = source(hash) {
        return take(lc::digest(algorithm, data).as_ref());
    }
    let mut context = Context::new(hash);
    context.update(data);
    context.finish(take)
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
    whole(hash, data, DigestValue::new)
}

/// A running hash.
#[derive(Clone)]
pub struct Digest {
    hash: Hash,
    /// `None` while the message is empty: a message that comes in one piece needs no context.
    context: Option<Context>,
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
        self.context.get_or_insert_with(|| Context::new(self.hash)).update(part);
    }

    /// The digest of the message so far; the next message starts empty.
    pub fn value(&mut self) -> DigestValue {
        self.value_with(&[])
    }

    /// The same with a last part.
    pub fn value_with(&mut self, part: &[u8]) -> DigestValue {
        self.end(part, DigestValue::new)
    }

    fn end<T>(&mut self, part: &[u8], take: impl FnOnce(&[u8]) -> T) -> T {
        match self.context.take() {
            None => whole(self.hash, part, take),
            Some(mut context) => {
                context.update(part);
                context.finish(take)
            }
        }
    }

    /// The message so far, in a form that [`Digest::restore`] takes; as secret as the message. `None` for a hash whose
    /// state can't be taken out.
    pub fn save(&self) -> Option<SecretBytes> {
        match &self.context {
            None => Sha::new(self.hash).map(|sha| sha.save()),
            Some(Context::Sha(sha)) => Some(sha.save()),
            Some(_) => None,
        }
    }

    /// The message that was saved; `None` for what [`Digest::save`] did not make with this hash.
    pub fn restore(hash: Hash, saved: &[u8]) -> Option<Digest> {
        let sha = Sha::restore(hash, saved)?;
        Some(Digest { hash, context: Some(Context::Sha(Box::new(sha))) })
    }

    /// [`Digest::value`] into a buffer of exactly `hash.len()` bytes ([`Error::Param`] otherwise).
    pub fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        self.end(&[], |digest| give(out, digest))
    }

    /// [`Digest::value_with`], likewise.
    pub fn finish_with(&mut self, part: &[u8], out: &mut [u8]) -> Result<()> {
        self.end(part, |digest| give(out, digest))
    }
}

/// A running HMAC (RFC 2104). The key may have any length, none included.
pub struct Hmac {
    hash: Hash,
    context: MacContext,
}

/// AWS-LC's HMAC, or one over a hash that AWS-LC lacks.
enum MacContext {
    Lc(HmacContext),
    Soft(Box<SoftHmac>),
}

impl Hmac {
    /// An empty message under `key`. [`Error::Memory`].
    pub fn new(hash: Hash, key: &[u8]) -> Result<Hmac> {
        let context = match source(hash) {
            Source::Lc(_) | Source::Md5 | Source::Sha | Source::Soft(SoftHash::Sha3_224) => {
                MacContext::Lc(HmacContext::new(hash, key)?)
            }
            Source::Soft(soft) => {
                MacContext::Soft(Box::new(SoftHmac::new(SoftDigest::new(soft), hash.block_len(), key)?))
            }
        };
        Ok(Hmac { hash, context })
    }

    /// Length of the MAC in bytes.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.hash.len()
    }

    /// Appends to the message.
    pub fn update(&mut self, part: &[u8]) -> Result<()> {
        match &mut self.context {
            MacContext::Lc(context) => context.update(part),
            MacContext::Soft(context) => {
                context.update(part);
                Ok(())
            }
        }
    }

    /// The MAC of the message so far into a buffer of exactly [`Hmac::len`] bytes ([`Error::Param`] otherwise); the
    /// next message starts empty, under the same key.
    pub fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        match &mut self.context {
            MacContext::Lc(context) => context.finish(out),
            MacContext::Soft(context) => give(out, &context.finish()),
        }
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
