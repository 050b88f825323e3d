//! ECDSA and ECDH (FIPS 186-5, SP 800-56A).

use super::super::{Curve, Error, Result};
use crate::types::SecretBytes;

/// A public key on a short Weierstrass curve.
#[derive(Debug, Clone)]
pub struct EcPublic(Curve);

/// A private key on a short Weierstrass curve.
#[derive(Debug, Clone)]
pub struct EcPrivate(Curve);

impl EcPublic {
    /// From a SEC 1 point, compressed or not.
    pub fn from_point(curve: Curve, point: &[u8]) -> Result<EcPublic> {
        let _ = (curve, point);
        Err(Error::Internal("unfinished"))
    }
    /// The curve.
    pub fn curve(&self) -> Curve {
        self.0
    }
    /// The uncompressed SEC 1 point.
    pub fn point(&self) -> Vec<u8> {
        Vec::new()
    }
    /// Checks r || s over a digest of any length; only the order's length of it counts.
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<()> {
        let _ = (digest, signature);
        Err(Error::Internal("unfinished"))
    }
}

impl EcPrivate {
    /// A random key.
    pub fn generate(curve: Curve) -> Result<EcPrivate> {
        let _ = curve;
        Err(Error::Internal("unfinished"))
    }
    /// From a big-endian scalar in 1..order; leading zeros may be too many or missing.
    pub fn from_scalar(curve: Curve, scalar: &[u8]) -> Result<EcPrivate> {
        let _ = (curve, scalar);
        Err(Error::Internal("unfinished"))
    }
    /// The curve.
    pub fn curve(&self) -> Curve {
        self.0
    }
    /// The scalar, big-endian, of `order_len()` bytes.
    pub fn scalar(&self) -> SecretBytes {
        SecretBytes::from(Vec::new())
    }
    /// The public half.
    pub fn public(&self) -> EcPublic {
        EcPublic(self.0)
    }
    /// Signs a digest of any length into `out` of exactly `2 * order_len()` bytes: r || s.
    pub fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<()> {
        let _ = (digest, out);
        Err(Error::Internal("unfinished"))
    }
    /// The x coordinate shared with a peer's SEC 1 point, of `field_len()` bytes.
    pub fn ecdh(&self, peer: &[u8]) -> Result<SecretBytes> {
        let _ = peer;
        Err(Error::Internal("unfinished"))
    }
}
