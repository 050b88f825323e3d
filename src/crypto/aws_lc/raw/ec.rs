//! Curve keys at the level of AWS-LC's `EC_KEY`: signing parses and allocates nothing but the two result numbers.

use super::bn::{Bn, to_padded};
use super::brainpool;
use super::sys;
use super::{Error, Result, buffer, check, forget_errors, fresh, owned};
use crate::crypto::Curve;
use std::ffi::c_int;
use std::ptr::{null, null_mut};
use zeroize::Zeroizing;

mod recovery;

owned!(
    /// A key with its public point, and its scalar if it is private; immutable once made.
    EcKey, EC_KEY, EC_KEY_free
);
owned!(
    /// A point on a curve.
    Point, EC_POINT, EC_POINT_free
);

impl Point {
    /// The point at infinity.
    ///
    /// # Safety
    /// `group` is live.
    pub(super) unsafe fn new(group: *const sys::EC_GROUP) -> Result<Point> {
        // SAFETY: the group is live, says the caller.
        Ok(Point(fresh(unsafe { sys::EC_POINT_new(group) }, Error::Memory)?))
    }

    /// The C object, which stays ours.
    pub(super) fn as_ptr(&self) -> *mut sys::EC_POINT {
        self.raw()
    }
}

owned!(
    /// r and s.
    Signature, ECDSA_SIG, ECDSA_SIG_free
);

// SAFETY: AWS-LC lets threads share an EC_KEY as long as none of them changes it (ec_key.h), and nothing here does
// after construction; its reference count is atomic.
unsafe impl Send for EcKey {}
// SAFETY: as above.
unsafe impl Sync for EcKey {}

const BAD_POINT: Error = Error::Key("EC: the point is not on the curve, or not in SEC 1 form");
const BAD_SCALAR: Error = Error::Key("EC: the private scalar is not between 1 and the order minus 1");
const FAILED: Error = Error::Internal("EC key");

/// AWS-LC's number of a curve, where it has one.
fn nid(curve: Curve) -> c_int {
    match curve {
        Curve::P256 => sys::NID_X9_62_prime256v1,
        Curve::P384 => sys::NID_secp384r1,
        Curve::P521 => sys::NID_secp521r1,
        Curve::Secp256k1 => sys::NID_secp256k1,
        Curve::BrainpoolP256r1 | Curve::BrainpoolP384r1 | Curve::BrainpoolP512r1 => sys::NID_undef,
    }
}

impl EcKey {
    fn empty(curve: Curve) -> Result<EcKey> {
        if let Some(group) = brainpool::group(curve)? {
            // SAFETY: takes nothing; null means out of memory.
            let key = EcKey(fresh(unsafe { sys::EC_KEY_new() }, Error::Memory)?);
            // SAFETY: a fresh object that nobody shares yet, and a live group, which it copies.
            check(unsafe { sys::EC_KEY_set_group(key.raw(), group.as_ptr()) }, Error::Memory)?;
            return Ok(key);
        }
        // SAFETY: takes a number; the groups behind these are static.
        Ok(EcKey(fresh(unsafe { sys::EC_KEY_new_by_curve_name(nid(curve)) }, Error::Memory)?))
    }

    fn group(&self) -> *const sys::EC_GROUP {
        // SAFETY: the object is live and keeps its group.
        unsafe { sys::EC_KEY_get0_group(self.raw()) }
    }

    fn new_point(&self) -> Result<Point> {
        // SAFETY: the group lives as long as the key.
        unsafe { Point::new(self.group()) }
    }

    /// Parses a compressed or uncompressed SEC 1 point and checks that it is on the curve. The hybrid form and the
    /// point at infinity are refused.
    fn parse_point(&self, bytes: &[u8]) -> Result<Point> {
        if !matches!(bytes.first(), Some(2..=4)) {
            return Err(BAD_POINT);
        }
        let point = self.new_point()?;
        // SAFETY: a live group and point; AWS-LC reads `bytes`; a null scratch space makes it allocate its own.
        let status = unsafe {
            sys::EC_POINT_oct2point(self.group(), point.raw(), bytes.as_ptr(), bytes.len(), null_mut())
        };
        check(status, BAD_POINT)?;
        Ok(point)
    }

    /// A random private key.
    pub(in crate::crypto::aws_lc) fn generate(curve: Curve) -> Result<EcKey> {
        let key = EcKey::empty(curve)?;
        // SAFETY: a fresh object that nobody shares yet.
        check(unsafe { sys::EC_KEY_generate_key(key.raw()) }, Error::Internal("EC key generation"))?;
        Ok(key)
    }

    /// A private key from its big-endian scalar; computes the public point.
    pub(in crate::crypto::aws_lc) fn private(curve: Curve, scalar: &[u8]) -> Result<EcKey> {
        let key = EcKey::empty(curve)?;
        let scalar = Bn::from_bytes(scalar)?;
        // SAFETY: a fresh object that nobody shares yet, and a number that it copies; it refuses 0 and numbers from
        // the order on.
        check(unsafe { sys::EC_KEY_set_private_key(key.raw(), scalar.as_ptr()) }, BAD_SCALAR)?;
        let point = key.new_point()?;
        // SAFETY: live objects of one group; the null arguments ask for scalar * generator.
        let status = unsafe {
            sys::EC_POINT_mul(key.group(), point.raw(), scalar.as_ptr(), null(), null(), null_mut())
        };
        check(status, BAD_SCALAR)?;
        key.with_point(&point)
    }

    /// A public key from a SEC 1 point.
    pub(in crate::crypto::aws_lc) fn public(curve: Curve, point: &[u8]) -> Result<EcKey> {
        let key = EcKey::empty(curve)?;
        let point = key.parse_point(point)?;
        key.with_point(&point)
    }

    /// Completes a key that nobody shares yet, and checks it.
    fn with_point(self, point: &Point) -> Result<EcKey> {
        // SAFETY: live objects of one group; the key copies the point.
        check(unsafe { sys::EC_KEY_set_public_key(self.raw(), point.raw()) }, FAILED)?;
        // SAFETY: the object is live.
        check(unsafe { sys::EC_KEY_check_key(self.raw()) }, BAD_POINT)?;
        Ok(self)
    }

    /// The uncompressed SEC 1 point, of `1 + 2 * field_len` bytes.
    pub(in crate::crypto::aws_lc) fn point(&self, curve: Curve) -> Result<Vec<u8>> {
        let mut out = buffer(1 + 2 * curve.field_len())?;
        // SAFETY: the key is live, and so is the point it keeps; AWS-LC writes at most `out.len()` bytes.
        let written = unsafe {
            sys::EC_POINT_point2oct(
                self.group(),
                sys::EC_KEY_get0_public_key(self.raw()),
                sys::point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED,
                out.as_mut_ptr(),
                out.len(),
                null_mut(),
            )
        };
        if written != out.len() {
            forget_errors();
            return Err(FAILED);
        }
        Ok(out)
    }

    /// The scalar, big-endian, of `order_len` bytes.
    pub(in crate::crypto::aws_lc) fn scalar(&self, curve: Curve) -> Result<Vec<u8>> {
        let mut out = buffer(curve.order_len())?;
        // SAFETY: the key is live and private, and so its number is.
        unsafe {
            let scalar = sys::EC_KEY_get0_private_key(self.raw());
            if scalar.is_null() {
                return Err(FAILED);
            }
            to_padded(scalar, &mut out)?;
        }
        Ok(out)
    }

    /// The private key of this one's scalar plus `number`, modulo the order. [`Error::Key`] for a number from the order
    /// on, and where the sum is 0.
    pub(in crate::crypto::aws_lc) fn plus(&self, curve: Curve, number: &[u8]) -> Result<EcKey> {
        let (scalar, order) = (Zeroizing::new(self.scalar(curve)?), self.order()?);
        let sum = Bn::from_bytes(&scalar)?.plus_mod(&Bn::from_bytes(number)?, &order)?;
        let mut bytes = Zeroizing::new(buffer(curve.order_len())?);
        // SAFETY: the number is live.
        unsafe { to_padded(sum.as_ptr(), &mut bytes) }?;
        EcKey::private(curve, &bytes)
    }

    /// Signs into r and s, each as long as the order.
    pub(in crate::crypto::aws_lc) fn sign(&self, digest: &[u8], r: &mut [u8], s: &mut [u8]) -> Result<()> {
        const FAILED: Error = Error::Internal("ECDSA signature");
        // SAFETY: a live private key; AWS-LC reads `digest`.
        let signature = unsafe { sys::ECDSA_do_sign(digest.as_ptr(), digest.len(), self.raw()) };
        let signature = Signature(fresh(signature, FAILED)?);
        let (mut r_bn, mut s_bn) = (null(), null());
        // SAFETY: a live signature; its numbers live as long.
        unsafe {
            sys::ECDSA_SIG_get0(signature.raw(), &mut r_bn, &mut s_bn);
            to_padded(r_bn, r)?;
            to_padded(s_bn, s)
        }
    }

    /// Checks r and s; every failure is [`Error::Signature`].
    pub(in crate::crypto::aws_lc) fn verify(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Result<()> {
        // SAFETY: takes nothing; null means out of memory.
        let signature = Signature(fresh(unsafe { sys::ECDSA_SIG_new() }, Error::Memory)?);
        let (r, s) = (Bn::from_bytes(r)?, Bn::from_bytes(s)?);
        // SAFETY: the signature takes both numbers over, and fails only if one is null.
        check(unsafe { sys::ECDSA_SIG_set0(signature.raw(), r.release(), s.release()) }, FAILED)?;
        // SAFETY: a live key and signature; AWS-LC reads `digest`.
        let status =
            unsafe { sys::ECDSA_do_verify(digest.as_ptr(), digest.len(), signature.raw(), self.raw()) };
        check(status, Error::Signature)
    }

    /// The x coordinate shared with a peer's SEC 1 point, into `out` of `field_len` bytes.
    pub(in crate::crypto::aws_lc) fn ecdh(&self, peer: &[u8], out: &mut [u8]) -> Result<()> {
        let peer = self.parse_point(peer)?;
        // SAFETY: a live private key and a point of its group; AWS-LC writes at most `out.len()` bytes; no KDF.
        let written = unsafe {
            sys::ECDH_compute_key(out.as_mut_ptr().cast(), out.len(), peer.raw(), self.raw(), None)
        };
        if usize::try_from(written) != Ok(out.len()) {
            forget_errors();
            return Err(BAD_POINT);
        }
        Ok(())
    }
}
