//! Key pairs of any algorithm, and their standard encodings.

use super::{
    EcPrivate, EcPublic, Ed25519Private, Ed25519Public, Error, MlDsaPrivate, MlDsaPublic, Result, RsaPrivate,
    RsaPublic, X25519Private, X25519Public,
};
use crate::types::SecretBytes;

/// A public key. Cloning shares it.
#[derive(Debug, Clone)]
pub enum PublicKey {
    /// RSA.
    Rsa(RsaPublic),
    /// A short Weierstrass curve.
    Ec(EcPublic),
    /// Ed25519.
    Ed25519(Ed25519Public),
    /// X25519.
    X25519(X25519Public),
    /// ML-DSA.
    MlDsa(MlDsaPublic),
}

/// A private key. Cloning shares it; the last clone wipes it.
#[derive(Debug, Clone)]
pub enum PrivateKey {
    /// RSA.
    Rsa(RsaPrivate),
    /// A short Weierstrass curve.
    Ec(EcPrivate),
    /// Ed25519.
    Ed25519(Ed25519Private),
    /// X25519.
    X25519(X25519Private),
    /// ML-DSA.
    MlDsa(MlDsaPrivate),
}

impl PublicKey {
    /// Parses a DER SubjectPublicKeyInfo.
    pub fn from_spki(der: &[u8]) -> Result<PublicKey> {
        let _ = der;
        Err(Error::Internal("unfinished"))
    }

    /// The DER SubjectPublicKeyInfo.
    pub fn to_spki(&self) -> Result<Vec<u8>> {
        Err(Error::Internal("unfinished"))
    }
}

impl PrivateKey {
    /// Parses and validates a DER PKCS#8 PrivateKeyInfo (not encrypted).
    pub fn from_pkcs8(der: &[u8]) -> Result<PrivateKey> {
        let _ = der;
        Err(Error::Internal("unfinished"))
    }

    /// The DER PKCS#8 PrivateKeyInfo. ML-DSA is written as its seed if that is known, else expanded.
    pub fn to_pkcs8(&self) -> Result<SecretBytes> {
        Err(Error::Internal("unfinished"))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        match self {
            PrivateKey::Rsa(key) => PublicKey::Rsa(key.public()),
            PrivateKey::Ec(key) => PublicKey::Ec(key.public()),
            PrivateKey::Ed25519(key) => PublicKey::Ed25519(key.public()),
            PrivateKey::X25519(key) => PublicKey::X25519(key.public()),
            PrivateKey::MlDsa(key) => PublicKey::MlDsa(key.public()),
        }
    }
}
