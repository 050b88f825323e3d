//! Ed25519 and X25519 by the dalek crates. ed25519-dalek makes pure signatures; what puts a prefix before each hash
//! (RFC 8032's dom2: Ed25519ctx and Ed25519ph) it has for messages only that it hashes itself, so that is done here with
//! the same arithmetic.

use super::{Error, Result};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;
use x25519_dalek::{X25519_BASEPOINT_BYTES, x25519 as multiply};
use zeroize::Zeroizing;

const SIGN_FAILED: Error = Error::Param(
    "Ed25519: the context is not acceptable (Ed25519ctx: 1 to 255 bytes; Ed25519ph: at most 255)",
);
const FAILED: Error = Error::Internal("Ed25519 key");

/// Seed and public key, one behind the other.
pub(in crate::crypto::rustcrypto) fn ed25519_expand(
    seed: &[u8; 32],
    public: &mut [u8; 32],
    private: &mut [u8; 64],
) {
    *public = VerifyingKey::from(&ExpandedSecretKey::from(seed)).to_bytes();
    let (head, tail) = private.split_at_mut(32);
    head.copy_from_slice(seed);
    tail.copy_from_slice(public);
}

/// The two halves of what `ed25519_expand` made.
fn halves(private: &[u8; 64]) -> Result<(ExpandedSecretKey, &[u8; 32])> {
    let (seed, public) = private.split_first_chunk::<32>().ok_or(FAILED)?;
    Ok((ExpandedSecretKey::from(seed), public.first_chunk().ok_or(FAILED)?))
}

pub(in crate::crypto::rustcrypto) fn ed25519_sign(private: &[u8; 64], message: &[u8]) -> Result<[u8; 64]> {
    let (key, public) = halves(private)?;
    let public = VerifyingKey::from_bytes(public).map_err(|_| FAILED)?;
    Ok(raw_sign::<Sha512>(&key, message, &public).to_bytes())
}

/// RFC 8032, section 2: what stands before everything that is hashed.
struct Dom2<'a> {
    prehashed: u8,
    context: &'a [u8],
}

impl<'a> Dom2<'a> {
    fn new(prehashed: bool, context: &'a [u8]) -> Option<Self> {
        let shortest = if prehashed { 0 } else { 1 };
        let fits = (shortest..=255).contains(&context.len());
        fits.then_some(Dom2 { prehashed: u8::from(prehashed), context })
    }

    /// The scalar that the hash of these parts stands for.
    fn scalar(&self, parts: [&[u8]; 3]) -> Scalar {
        let mut hash = Sha512::new();
        hash.update(b"SigEd25519 no Ed25519 collisions");
        hash.update([self.prehashed, u8::try_from(self.context.len()).unwrap_or(u8::MAX)]);
        hash.update(self.context);
        parts.into_iter().for_each(|part| hash.update(part));
        let hash = Zeroizing::new(<[u8; 64]>::from(hash.finalize()));
        Scalar::from_bytes_mod_order_wide(&hash)
    }

    /// RFC 8032, section 5.1.6.
    fn sign(&self, private: &[u8; 64], message: &[u8]) -> Result<[u8; 64]> {
        let (key, public) = halves(private)?;
        let nonce = Zeroizing::new(self.scalar([&key.hash_prefix, message, &[]]));
        let point = EdwardsPoint::mul_base(&nonce).compress();
        let s = self.scalar([point.as_bytes(), public, message]) * key.scalar + *nonce;
        let mut out = [0; 64];
        let (head, tail) = out.split_at_mut(32);
        head.copy_from_slice(point.as_bytes());
        tail.copy_from_slice(s.as_bytes());
        Ok(out)
    }

    /// RFC 8032, section 5.1.7, without the cofactor.
    fn verify(&self, public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Option<()> {
        let key = decoded(public)?;
        let (point, s) = signature.split_first_chunk::<32>()?;
        let s = Scalar::from_canonical_bytes(*s.first_chunk::<32>()?).into_option()?;
        let k = self.scalar([point, public, message]);
        let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(&k, &-key, &s);
        (expected.compress().as_bytes() == point).then_some(())
    }
}

/// The point of an encoding, if it is the one that this point has (RFC 8032, section 5.1.3).
fn decoded(public: &[u8; 32]) -> Option<EdwardsPoint> {
    let point = CompressedEdwardsY(*public).decompress()?;
    (point.compress().as_bytes() == public).then_some(point)
}

pub(in crate::crypto::rustcrypto) fn ed25519_sign_ctx(
    private: &[u8; 64],
    message: &[u8],
    context: &[u8],
) -> Result<[u8; 64]> {
    Dom2::new(false, context).ok_or(SIGN_FAILED)?.sign(private, message)
}

pub(in crate::crypto::rustcrypto) fn ed25519_sign_ph(
    private: &[u8; 64],
    digest: &[u8; 64],
    context: &[u8],
) -> Result<[u8; 64]> {
    Dom2::new(true, context).ok_or(SIGN_FAILED)?.sign(private, digest)
}

pub(in crate::crypto::rustcrypto) fn ed25519_verify(
    public: &[u8; 32],
    message: &[u8],
    signature: &[u8; 64],
) -> Result<()> {
    // ed25519-dalek takes a key in any encoding.
    decoded(public).ok_or(Error::Signature)?;
    let key = VerifyingKey::from_bytes(public).map_err(|_| Error::Signature)?;
    key.verify(message, &Signature::from_bytes(signature)).map_err(|_| Error::Signature)
}

pub(in crate::crypto::rustcrypto) fn ed25519_verify_ctx(
    public: &[u8; 32],
    message: &[u8],
    context: &[u8],
    signature: &[u8; 64],
) -> Result<()> {
    let dom = Dom2::new(false, context).ok_or(Error::Signature)?;
    dom.verify(public, message, signature).ok_or(Error::Signature)
}

pub(in crate::crypto::rustcrypto) fn ed25519_verify_ph(
    public: &[u8; 32],
    digest: &[u8; 64],
    context: &[u8],
    signature: &[u8; 64],
) -> Result<()> {
    let dom = Dom2::new(true, context).ok_or(Error::Signature)?;
    dom.verify(public, digest, signature).ok_or(Error::Signature)
}

pub(in crate::crypto::rustcrypto) fn x25519_public(private: &[u8; 32]) -> [u8; 32] {
    multiply(*private, X25519_BASEPOINT_BYTES)
}

/// The shared value into `out`; an all-zero one is refused.
pub(in crate::crypto::rustcrypto) fn x25519(
    private: &[u8; 32],
    peer: &[u8; 32],
    out: &mut [u8; 32],
) -> Result<()> {
    *out = multiply(*private, *peer);
    match bool::from(out.ct_eq(&[0; 32])) {
        true => Err(Error::Key("X25519: the peer's public value has small order")),
        false => Ok(()),
    }
}
