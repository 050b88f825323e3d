//! Ed25519 (RFC 8032: pure, with context, prehashed) and X25519 (RFC 7748).

use super::super::{Error, Result, random};
use super::raw;
use crate::types::SecretBytes;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

const ED_PUBLIC_LEN: Error = Error::Key("Ed25519: a public key has 32 bytes");
const ED_SEED_LEN: Error = Error::Key("Ed25519: a private key (seed) has 32 bytes");
const X_LEN: Error = Error::Key("X25519: a key has 32 bytes");
const DIGEST_LEN: Error = Error::DataLength;

/// An Ed25519 public key.
#[derive(Debug, Clone)]
pub struct Ed25519Public([u8; 32]);

/// An Ed25519 private key. Cloning shares it; the last clone wipes it.
#[derive(Clone)]
pub struct Ed25519Private {
    /// The seed and, behind it, the public key: what providers sign with.
    expanded: Arc<Zeroizing<[u8; 64]>>,
    public: Ed25519Public,
}

/// An X25519 public key.
#[derive(Debug, Clone)]
pub struct X25519Public([u8; 32]);

/// An X25519 private key. Cloning shares it; the last clone wipes it.
#[derive(Clone)]
pub struct X25519Private {
    key: Arc<Zeroizing<[u8; 32]>>,
    public: X25519Public,
}

impl fmt::Debug for Ed25519Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519Private")
    }
}

impl fmt::Debug for X25519Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("X25519Private")
    }
}

fn signature(bytes: &[u8]) -> Result<&[u8; 64]> {
    bytes.try_into().map_err(|_| Error::SignatureLength)
}

impl Ed25519Public {
    /// Length of a signature in bytes.
    pub const SIGNATURE_LEN: usize = 64;

    /// From the 32 bytes of RFC 8032 ([`Error::Key`]). Whether they are a point shows at the first verification.
    pub fn new(key: &[u8]) -> Result<Ed25519Public> {
        key.try_into().map(Ed25519Public).map_err(|_| ED_PUBLIC_LEN)
    }

    /// The 32 bytes of RFC 8032.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Pure Ed25519.
    pub fn verify(&self, message: &[u8], signature_bytes: &[u8]) -> Result<()> {
        raw::ed25519_verify(&self.0, message, signature(signature_bytes)?)
    }

    /// Ed25519ctx, with a context of 1 to 255 bytes.
    pub fn verify_ctx(&self, message: &[u8], context: &[u8], signature_bytes: &[u8]) -> Result<()> {
        raw::ed25519_verify_ctx(&self.0, message, context, signature(signature_bytes)?)
    }

    /// Ed25519ph over the SHA-512 of the message (64 bytes, [`Error::DataLength`]), with a context of 0 to 255 bytes.
    pub fn verify_ph(&self, digest: &[u8], context: &[u8], signature_bytes: &[u8]) -> Result<()> {
        let digest = digest.try_into().map_err(|_| DIGEST_LEN)?;
        raw::ed25519_verify_ph(&self.0, digest, context, signature(signature_bytes)?)
    }
}

impl Ed25519Private {
    /// A random key.
    pub fn generate() -> Result<Ed25519Private> {
        let mut seed = Zeroizing::new([0; 32]);
        random(&mut *seed)?;
        Ed25519Private::from_seed(&*seed)
    }

    /// From the 32-byte seed, RFC 8032's private key ([`Error::Key`]).
    pub fn from_seed(seed: &[u8]) -> Result<Ed25519Private> {
        let seed: &[u8; 32] = seed.try_into().map_err(|_| ED_SEED_LEN)?;
        let mut public = [0; 32];
        let mut expanded = Zeroizing::new([0; 64]);
        raw::ed25519_expand(seed, &mut public, &mut expanded);
        Ok(Ed25519Private { expanded: Arc::new(expanded), public: Ed25519Public(public) })
    }

    /// The seed, 32 bytes.
    pub fn seed(&self) -> SecretBytes {
        SecretBytes::from(self.expanded.iter().take(32).copied().collect::<Vec<u8>>())
    }

    /// The public half.
    pub fn public(&self) -> Ed25519Public {
        self.public.clone()
    }

    /// Pure Ed25519.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64]> {
        raw::ed25519_sign(&self.expanded, message)
    }

    /// Ed25519ctx, with a context of 1 to 255 bytes ([`Error::Param`]).
    pub fn sign_ctx(&self, message: &[u8], context: &[u8]) -> Result<[u8; 64]> {
        raw::ed25519_sign_ctx(&self.expanded, message, context)
    }

    /// Ed25519ph over the SHA-512 of the message (64 bytes, [`Error::DataLength`]), with a context of 0 to 255 bytes
    /// ([`Error::Param`]).
    pub fn sign_ph(&self, digest: &[u8], context: &[u8]) -> Result<[u8; 64]> {
        let digest = digest.try_into().map_err(|_| DIGEST_LEN)?;
        raw::ed25519_sign_ph(&self.expanded, digest, context)
    }
}

impl X25519Public {
    /// From the 32 bytes of RFC 7748 ([`Error::Key`]); every value is one.
    pub fn new(key: &[u8]) -> Result<X25519Public> {
        key.try_into().map(X25519Public).map_err(|_| X_LEN)
    }

    /// The 32 bytes of RFC 7748.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl X25519Private {
    /// A random key.
    pub fn generate() -> Result<X25519Private> {
        let mut key = Zeroizing::new([0; 32]);
        random(&mut *key)?;
        X25519Private::from_bytes(&*key)
    }

    /// From 32 bytes ([`Error::Key`]), which are kept as given and clamped where they are used.
    pub fn from_bytes(key: &[u8]) -> Result<X25519Private> {
        let key = Zeroizing::new(<[u8; 32]>::try_from(key).map_err(|_| X_LEN)?);
        let public = X25519Public(raw::x25519_public(&key));
        Ok(X25519Private { key: Arc::new(key), public })
    }

    /// The 32 bytes as given.
    pub fn bytes(&self) -> SecretBytes {
        SecretBytes::from(self.key.to_vec())
    }

    /// The public half.
    pub fn public(&self) -> X25519Public {
        self.public.clone()
    }

    /// The 32 bytes shared with a peer's public key. All zero (a peer of small order) is [`Error::Key`].
    pub fn agree(&self, peer: &[u8]) -> Result<SecretBytes> {
        let peer = peer.try_into().map_err(|_| X_LEN)?;
        let mut shared = Zeroizing::new([0; 32]);
        raw::x25519(&self.key, peer, &mut shared)?;
        Ok(SecretBytes::from(shared.to_vec()))
    }
}
