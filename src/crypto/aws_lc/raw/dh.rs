//! Diffie-Hellman in a prime field at the level of AWS-LC's `DH`.

use super::bn::Bn;
use super::sys;
use super::{Error, Result, check, forget_errors, fresh, owned};
use std::ffi::{c_int, c_uint};
use std::ptr::{null, null_mut};

owned!(
    /// A group, with a private key or without one; immutable once made.
    Dh, DH, DH_free
);

// SAFETY: a DH changes after construction only in its Montgomery context, which AWS-LC makes under a lock of the
// object's; its reference count is atomic.
unsafe impl Send for Dh {}
// SAFETY: as above.
unsafe impl Sync for Dh {}

const FAILED: Error = Error::Internal("Diffie-Hellman");

impl Dh {
    /// A group of prime, order of the base (where it is known) and base.
    pub(in crate::crypto::aws_lc) fn group(p: &Bn, q: Option<&Bn>, g: &Bn) -> Result<Dh> {
        // SAFETY: takes nothing; null means out of memory.
        let dh = Dh(fresh(unsafe { sys::DH_new() }, Error::Memory)?);
        let (p, g) = (p.copy()?, g.copy()?);
        let q = q.map(Bn::copy).transpose()?.map_or(null_mut(), Bn::release);
        // SAFETY: a fresh object that nobody shares yet; it takes the numbers over, and fails only if p or g is null.
        check(unsafe { sys::DH_set0_pqg(dh.raw(), p.release(), q, g.release()) }, FAILED)?;
        Ok(dh)
    }

    /// The group with a private value and the public value that belongs to it.
    pub(in crate::crypto::aws_lc) fn with_key(self, y: &Bn, x: &Bn) -> Result<Dh> {
        let (y, x) = (y.copy()?, x.copy()?);
        // SAFETY: an object that nobody shares yet; it takes the numbers over and can't fail.
        check(unsafe { sys::DH_set0_key(self.raw(), y.release(), x.release()) }, FAILED)?;
        Ok(self)
    }

    /// A random key pair of the group: the public and the private value, the latter of at most so many bits, or below
    /// half of p.
    pub(in crate::crypto::aws_lc) fn generate(self, bits: Option<usize>) -> Result<(Bn, Bn)> {
        if let Some(bits) = bits {
            let bits = c_uint::try_from(bits).map_err(|_| FAILED)?;
            // SAFETY: an object that nobody shares yet.
            check(unsafe { sys::DH_set_length(self.raw(), bits) }, FAILED)?;
        }
        // SAFETY: as above.
        check(unsafe { sys::DH_generate_key(self.raw()) }, Error::Internal("Diffie-Hellman key generation"))?;
        let (mut y, mut x) = (null(), null());
        // SAFETY: a live object; its numbers live as long, and are copied.
        unsafe {
            sys::DH_get0_key(self.raw(), &mut y, &mut x);
            Ok((Bn::copy_of(y)?, Bn::copy_of(x)?))
        }
    }

    /// Whether p is prime and, where the order of the base is given, that is one, too, and the base's. Long work for
    /// a group that no RFC names.
    pub(in crate::crypto::aws_lc) fn is_sound(&self) -> Result<bool> {
        let mut flags = 0;
        // SAFETY: a live object, and a place for the flags.
        check(unsafe { sys::DH_check(self.raw(), &mut flags) }, FAILED)?;
        // A prime that is not a safe one is a group of RFC 5114's kind.
        Ok(flags & !sys::DH_CHECK_P_NOT_SAFE_PRIME == 0)
    }

    /// A group of a fresh safe prime with the base 2: p and g. It may take minutes.
    pub(in crate::crypto::aws_lc) fn parameters(bits: usize) -> Result<(Bn, Bn)> {
        let bits = c_int::try_from(bits).map_err(|_| FAILED)?;
        // SAFETY: takes nothing; null means out of memory.
        let dh = Dh(fresh(unsafe { sys::DH_new() }, Error::Memory)?);
        // SAFETY: a fresh object that nobody shares yet; no callback.
        let status = unsafe { sys::DH_generate_parameters_ex(dh.raw(), bits, 2, null_mut()) };
        check(status, Error::Internal("Diffie-Hellman parameters"))?;
        let (mut p, mut g) = (null(), null());
        // SAFETY: a live object; its numbers live as long, and are copied.
        unsafe {
            sys::DH_get0_pqg(dh.raw(), &mut p, null_mut(), &mut g);
            Ok((Bn::copy_of(p)?, Bn::copy_of(g)?))
        }
    }

    /// The value shared with a peer's, into `out`, which is as long as p. [`Error::Key`] for a peer that is not
    /// between 1 and p - 1 or outside the base's subgroup, and for a shared value that is 1 or p - 1.
    pub(in crate::crypto::aws_lc) fn agree(&self, peer: &Bn, out: &mut [u8]) -> Result<()> {
        // SAFETY: the object is live.
        let len = unsafe { sys::DH_size(self.raw()) };
        if usize::try_from(len) != Ok(out.len()) {
            return Err(FAILED);
        }
        // SAFETY: a live private key and number; AWS-LC writes exactly `DH_size` bytes, which `out` has.
        let written = unsafe { sys::DH_compute_key_padded(out.as_mut_ptr(), peer.as_ptr(), self.raw()) };
        if written != len {
            forget_errors();
            return Err(Error::Key("Diffie-Hellman: the peer's public value is not one of this group"));
        }
        Ok(())
    }
}

/// Prime and base of the standard group of a prime of so many bits. `None` where there is none.
pub(in crate::crypto::aws_lc) fn named_group(bits: usize) -> Result<Option<(Bn, Bn)>> {
    let number = match bits {
        2048 => sys::NID_ffdhe2048,
        3072 => sys::NID_ffdhe3072,
        4096 => sys::NID_ffdhe4096,
        8192 => sys::NID_ffdhe8192,
        // AWS-LC gives away no group of RFC 7919 of this size.
        6144 => {
            // SAFETY: a null number asks for a fresh one; null means out of memory.
            let p = Bn::own(unsafe { sys::BN_get_rfc3526_prime_6144(null_mut()) })?;
            return Ok(Some((p, Bn::from_u64(2)?)));
        }
        _ => return Ok(None),
    };
    // SAFETY: takes a number; null means out of memory.
    let group = Dh(fresh(unsafe { sys::DH_new_by_nid(number) }, Error::Memory)?);
    let (mut p, mut g) = (null(), null());
    // SAFETY: a live object; its numbers live as long, and are copied.
    unsafe {
        sys::DH_get0_pqg(group.raw(), &mut p, null_mut(), &mut g);
        Ok(Some((Bn::copy_of(p)?, Bn::copy_of(g)?)))
    }
}

/// The prime of RFC 3526's group of this size, whose generator is 2.
pub(in crate::crypto::aws_lc) fn modp_prime(bits: usize) -> Result<Option<Bn>> {
    let prime = match bits {
        2048 => sys::BN_get_rfc3526_prime_2048,
        3072 => sys::BN_get_rfc3526_prime_3072,
        4096 => sys::BN_get_rfc3526_prime_4096,
        6144 => sys::BN_get_rfc3526_prime_6144,
        8192 => sys::BN_get_rfc3526_prime_8192,
        _ => return Ok(None),
    };
    // SAFETY: a null number asks for a fresh one; null means out of memory.
    Bn::own(unsafe { prime(null_mut()) }).map(Some)
}
