//! ECDSA (FIPS 186-5) and ECDH (SP 800-56A) on P-256, P-384, P-521, secp256k1 and three Brainpool curves.
//!
//! A key holds what its provider made of it, so a signature parses nothing and threads share a key freely.

use super::super::{Curve, Error, Result};
use super::raw;
use crate::types::SecretBytes;
use std::fmt;
use std::sync::Arc;

/// A public key on a short Weierstrass curve. Cloning shares it.
#[derive(Clone)]
pub struct EcPublic(Arc<Public>);

struct Public {
    curve: Curve,
    key: raw::EcKey,
    point: Vec<u8>,
}

/// A private key on a short Weierstrass curve. Cloning shares it; the last clone wipes it.
#[derive(Clone)]
pub struct EcPrivate(Arc<Private>);

struct Private {
    key: raw::EcKey,
    scalar: SecretBytes,
    public: EcPublic,
}

impl fmt::Debug for EcPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EcPublic({})", self.curve().name())
    }
}

impl fmt::Debug for EcPrivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EcPrivate({})", self.curve().name())
    }
}

impl EcPublic {
    /// From a SEC 1 point, compressed or not. A point that is not on the curve, the point at infinity and the hybrid
    /// form are [`Error::Key`].
    pub fn from_point(curve: Curve, point: &[u8]) -> Result<EcPublic> {
        let key = raw::EcKey::public(curve, point)?;
        let point = key.point(curve)?;
        Ok(EcPublic(Arc::new(Public { curve, key, point })))
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.0.curve
    }

    /// The uncompressed SEC 1 point, of `1 + 2 * field_len()` bytes.
    pub fn point(&self) -> Vec<u8> {
        self.0.point.clone()
    }

    /// Checks r || s, each of `order_len()` bytes ([`Error::SignatureLength`]), over a digest of any length, of which
    /// the leftmost bits count, as many as the order has.
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<()> {
        let len = self.curve().order_len();
        if signature.len() != 2 * len {
            return Err(Error::SignatureLength);
        }
        let (r, s) = signature.split_at_checked(len).ok_or(Error::SignatureLength)?;
        self.0.key.verify(digest, r, s)
    }

    /// Checks r || s || recovery ID over a digest as long as the order ([`Error::DataLength`]): the signature, and that
    /// this key is the one that is recovered from it.
    pub fn verify_recoverable(&self, digest: &[u8], signature: &[u8]) -> Result<()> {
        let len = self.curve().order_len();
        if digest.len() != len {
            return Err(Error::DataLength);
        }
        let Some((id, rest)) = signature.split_last().filter(|(_, rest)| rest.len() == 2 * len) else {
            return Err(Error::SignatureLength);
        };
        let (r, s) = rest.split_at_checked(len).ok_or(Error::SignatureLength)?;
        match self.0.key.recovery_id(digest, r, s)? == *id {
            true => Ok(()),
            false => Err(Error::Signature),
        }
    }
}

impl EcPrivate {
    /// A random key.
    pub fn generate(curve: Curve) -> Result<EcPrivate> {
        EcPrivate::wrap(curve, raw::EcKey::generate(curve)?)
    }

    /// From a big-endian scalar between 1 and the order minus 1 ([`Error::Key`]); leading zeros may be too many or
    /// missing.
    pub fn from_scalar(curve: Curve, scalar: &[u8]) -> Result<EcPrivate> {
        let zeros = scalar.iter().take_while(|byte| **byte == 0).count();
        let digits = scalar.get(zeros..).unwrap_or_default();
        if digits.is_empty() || digits.len() > curve.order_len() {
            return Err(Error::Key("EC: the private scalar is zero or longer than the order"));
        }
        EcPrivate::wrap(curve, raw::EcKey::private(curve, digits)?)
    }

    fn wrap(curve: Curve, key: raw::EcKey) -> Result<EcPrivate> {
        // A key of its own for the public half, so that it never keeps the scalar alive.
        let public = EcPublic::from_point(curve, &key.point(curve)?)?;
        let scalar = SecretBytes::from(key.scalar(curve)?);
        Ok(EcPrivate(Arc::new(Private { key, scalar, public })))
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.0.public.curve()
    }

    /// The scalar, big-endian, of `order_len()` bytes.
    pub fn scalar(&self) -> SecretBytes {
        self.0.scalar.clone()
    }

    /// The public half.
    pub fn public(&self) -> EcPublic {
        self.0.public.clone()
    }

    /// Signs a digest of any length, of which the leftmost bits count, into `out` of exactly `2 * order_len()` bytes:
    /// r || s. The nonce is random, hardened with key and digest.
    pub fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<()> {
        const WRONG: Error = Error::Param("output buffer must be exactly as long as the signature");
        let len = self.curve().order_len();
        if out.len() != 2 * len {
            return Err(WRONG);
        }
        let (r, s) = out.split_at_mut_checked(len).ok_or(WRONG)?;
        self.0.key.sign(digest, r, s)
    }

    /// Signs a digest as long as the order ([`Error::DataLength`]) into `out` of exactly `2 * order_len() + 1` bytes:
    /// r || s || recovery ID, with s in the order's lower half.
    pub fn sign_recoverable(&self, digest: &[u8], out: &mut [u8]) -> Result<()> {
        const WRONG: Error = Error::Param("output buffer must be exactly as long as the signature");
        let len = self.curve().order_len();
        if digest.len() != len {
            return Err(Error::DataLength);
        }
        let (id, rest) = out.split_last_mut().filter(|(_, rest)| rest.len() == 2 * len).ok_or(WRONG)?;
        let (r, s) = rest.split_at_mut_checked(len).ok_or(WRONG)?;
        *id = self.0.key.sign_recoverable(digest, r, s)?;
        Ok(())
    }

    /// The key whose scalar is this one's plus a big-endian number of `order_len()` bytes, modulo the order, in time
    /// independent of both. [`Error::Key`] for a number from the order on, and where the sum is 0.
    pub fn plus(&self, number: &[u8]) -> Result<EcPrivate> {
        EcPrivate::wrap(self.curve(), self.0.key.plus(self.curve(), number)?)
    }

    /// The x coordinate shared with a peer's SEC 1 point (compressed or not; [`Error::Key`] if it is not on the
    /// curve), of `field_len()` bytes. The curves have cofactor 1, so this is also the cofactor product.
    pub fn ecdh(&self, peer: &[u8]) -> Result<SecretBytes> {
        let mut out = SecretBytes::from(raw::buffer(self.curve().field_len())?);
        self.0.key.ecdh(peer, &mut out)?;
        Ok(out)
    }
}
