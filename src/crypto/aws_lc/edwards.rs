//! Ed25519 (RFC 8032) and X25519 (RFC 7748).

use super::super::{Error, Result};
use crate::types::SecretBytes;

/// An Ed25519 public key.
#[derive(Debug, Clone)]
pub struct Ed25519Public(());
/// An Ed25519 private key.
#[derive(Debug, Clone)]
pub struct Ed25519Private(());
/// An X25519 public key.
#[derive(Debug, Clone)]
pub struct X25519Public(());
/// An X25519 private key.
#[derive(Debug, Clone)]
pub struct X25519Private(());

impl Ed25519Public {
    /// From the 32 bytes of RFC 8032.
    pub fn new(key: &[u8]) -> Result<Ed25519Public> {
        let _ = key;
        Err(Error::Internal("unfinished"))
    }
    /// The 32 bytes of RFC 8032.
    pub fn bytes(&self) -> &[u8; 32] {
        &[0; 32]
    }
    /// Pure Ed25519.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<()> {
        let _ = (message, signature);
        Err(Error::Internal("unfinished"))
    }
    /// Ed25519ctx.
    pub fn verify_ctx(&self, message: &[u8], context: &[u8], signature: &[u8]) -> Result<()> {
        let _ = (message, context, signature);
        Err(Error::Internal("unfinished"))
    }
    /// Ed25519ph over the SHA-512 of the message.
    pub fn verify_ph(&self, digest: &[u8], context: &[u8], signature: &[u8]) -> Result<()> {
        let _ = (digest, context, signature);
        Err(Error::Internal("unfinished"))
    }
}

impl Ed25519Private {
    /// A random key.
    pub fn generate() -> Result<Ed25519Private> {
        Err(Error::Internal("unfinished"))
    }
    /// From the 32-byte seed, RFC 8032's private key.
    pub fn from_seed(seed: &[u8]) -> Result<Ed25519Private> {
        let _ = seed;
        Err(Error::Internal("unfinished"))
    }
    /// The seed.
    pub fn seed(&self) -> SecretBytes {
        SecretBytes::from(Vec::new())
    }
    /// The public half.
    pub fn public(&self) -> Ed25519Public {
        Ed25519Public(())
    }
    /// Pure Ed25519.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64]> {
        let _ = message;
        Err(Error::Internal("unfinished"))
    }
    /// Ed25519ctx, with a context of 1 to 255 bytes.
    pub fn sign_ctx(&self, message: &[u8], context: &[u8]) -> Result<[u8; 64]> {
        let _ = (message, context);
        Err(Error::Internal("unfinished"))
    }
    /// Ed25519ph over the SHA-512 of the message, with a context of 0 to 255 bytes.
    pub fn sign_ph(&self, digest: &[u8], context: &[u8]) -> Result<[u8; 64]> {
        let _ = (digest, context);
        Err(Error::Internal("unfinished"))
    }
}

impl X25519Public {
    /// From the 32 bytes of RFC 7748.
    pub fn new(key: &[u8]) -> Result<X25519Public> {
        let _ = key;
        Err(Error::Internal("unfinished"))
    }
    /// The 32 bytes of RFC 7748.
    pub fn bytes(&self) -> &[u8; 32] {
        &[0; 32]
    }
}

impl X25519Private {
    /// A random key.
    pub fn generate() -> Result<X25519Private> {
        Err(Error::Internal("unfinished"))
    }
    /// From 32 bytes, not clamped yet.
    pub fn from_bytes(key: &[u8]) -> Result<X25519Private> {
        let _ = key;
        Err(Error::Internal("unfinished"))
    }
    /// The 32 bytes as given.
    pub fn bytes(&self) -> SecretBytes {
        SecretBytes::from(Vec::new())
    }
    /// The public half.
    pub fn public(&self) -> X25519Public {
        X25519Public(())
    }
    /// The 32 shared bytes. All zero (a peer of small order) is [`Error::Key`].
    pub fn agree(&self, peer: &[u8]) -> Result<SecretBytes> {
        let _ = peer;
        Err(Error::Internal("unfinished"))
    }
}
