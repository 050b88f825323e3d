//! The recovery ID of an ECDSA signature, which tells the signer's public key from the few others that the signature
//! would hold for (SEC 1, section 4.1.6). Everything in it is public.

use super::super::bn::{Bn, Scratch, to_padded};
use super::{EcKey, FAILED, Signature};
use super::{Error, Result, check, fresh};
use crate::crypto::aws_lc::raw::sys;
use std::cmp::Ordering;
use std::ptr::null;

impl EcKey {
    /// Signs into r and s, each as long as the order, with s in the order's lower half. Returns the recovery ID.
    pub(in crate::crypto::aws_lc) fn sign_recoverable(
        &self,
        digest: &[u8],
        r: &mut [u8],
        s: &mut [u8],
    ) -> Result<u8> {
        const FAILED: Error = Error::Internal("recoverable ECDSA signature");
        // SAFETY: a live private key; AWS-LC reads `digest`.
        let signature = unsafe { sys::ECDSA_do_sign(digest.as_ptr(), digest.len(), self.raw()) };
        let signature = Signature(fresh(signature, FAILED)?);
        let (mut r_bn, mut s_bn) = (null(), null());
        // SAFETY: a live signature; its numbers live as long.
        unsafe {
            sys::ECDSA_SIG_get0(signature.raw(), &mut r_bn, &mut s_bn);
            to_padded(r_bn, r)?;
            to_padded(s_bn, s)?;
        }
        let id = self.recovery_id(digest, r, s)?;
        let (s_bn, order) = (Bn::from_bytes(s)?, self.order()?);
        let other = order.minus(&s_bn)?;
        if other.cmp(&s_bn) != Ordering::Less {
            return Ok(id);
        }
        // The other signature for the same digest: its point is the negative of this one's.
        // SAFETY: the number is live.
        unsafe { to_padded(other.as_ptr(), s) }?;
        Ok(id ^ 1)
    }

    /// The recovery ID of a signature over a digest as long as the order: bit 0 is the parity of the ephemeral
    /// point's y, bit 1 says that its x is not below the order. [`Error::Signature`] where the signature does not
    /// hold for this key.
    pub(in crate::crypto::aws_lc) fn recovery_id(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Result<u8> {
        self.verify(digest, r, s)?;
        let order = self.order()?;
        let inverse = Bn::from_bytes(s)?.inverse(&order)?;
        let for_generator = Bn::from_bytes(digest)?.times_mod(&inverse, &order)?;
        let for_key = Bn::from_bytes(r)?.times_mod(&inverse, &order)?;
        let (point, scratch) = (self.new_point()?, Scratch::new()?);
        let (mut x, mut y) = (Bn::zero()?, Bn::zero()?);
        // SAFETY: live objects of one group, live numbers and scratch space.
        unsafe {
            let status = sys::EC_POINT_mul(
                self.group(),
                point.raw(),
                for_generator.as_ptr(),
                sys::EC_KEY_get0_public_key(self.raw()),
                for_key.as_ptr(),
                scratch.as_ptr(),
            );
            check(status, FAILED)?;
            let status = sys::EC_POINT_get_affine_coordinates_GFp(
                self.group(),
                point.raw(),
                x.as_mut_ptr(),
                y.as_mut_ptr(),
                scratch.as_ptr(),
            );
            check(status, FAILED)?;
        }
        Ok(u8::from(y.is_odd()) | u8::from(x.cmp(&order) != Ordering::Less) << 1)
    }

    /// The group's order.
    pub(super) fn order(&self) -> Result<Bn> {
        // SAFETY: the group is live, and so is its order.
        unsafe { Bn::copy_of(sys::EC_GROUP_get0_order(self.group())) }
    }
}
