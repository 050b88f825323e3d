//! Big numbers, as far as importing keys, moving curve scalars and recovery IDs need them.

use super::sys;
use super::{Error, Result, buffer, check, fresh, owned};
use std::cmp::Ordering;
use std::ffi::CStr;
use std::ptr::{null, null_mut};

owned!(
    /// A non-negative number.
    Bn, BIGNUM, BN_clear_free
);
owned!(
    /// Scratch space of a computation.
    Scratch, BN_CTX, BN_CTX_free
);

// SAFETY: a BIGNUM has no thread affinity; whoever owns it may use it from any thread.
unsafe impl Send for Bn {}
// SAFETY: a shared number is only read: what writes to one here owns it or has it alone, and AWS-LC leaves numbers that
// it takes as `const` untouched.
unsafe impl Sync for Bn {}

impl Scratch {
    pub(super) fn new() -> Result<Scratch> {
        // SAFETY: takes nothing; null means out of memory.
        Ok(Scratch(fresh(unsafe { sys::BN_CTX_new() }, Error::Memory)?))
    }

    /// The C object, which stays ours.
    pub(super) fn as_ptr(&self) -> *mut sys::BN_CTX {
        self.raw()
    }
}

const FAILED: Error = Error::Internal("big number arithmetic");

impl Bn {
    /// Whether the number is prime, with an error below 2^-100 for one that somebody chose.
    pub(in crate::crypto::aws_lc) fn is_prime(&self) -> Result<bool> {
        const ROUNDS: std::ffi::c_int = 64;
        let scratch = Scratch::new()?;
        let mut prime = 0;
        // SAFETY: live objects, a place for the verdict, and no callback.
        let status =
            unsafe { sys::BN_primality_test(&mut prime, self.raw(), ROUNDS, scratch.raw(), 1, null_mut()) };
        check(status, FAILED)?;
        Ok(prime == 1)
    }

    /// Takes over a fresh number, which is null where there was no memory.
    pub(super) fn own(number: *mut sys::BIGNUM) -> Result<Bn> {
        fresh(number, Error::Memory).map(Bn)
    }

    /// A copy of a number of C code's.
    ///
    /// # Safety
    /// `number` is live.
    pub(super) unsafe fn copy_of(number: *const sys::BIGNUM) -> Result<Bn> {
        // SAFETY: the caller's promise.
        Bn::own(unsafe { sys::BN_dup(number) })
    }

    /// A copy.
    pub(super) fn copy(&self) -> Result<Bn> {
        // SAFETY: the number lives as long as `self`.
        unsafe { Bn::copy_of(self.raw()) }
    }

    /// Big-endian bytes without leading zeros.
    pub(in crate::crypto::aws_lc) fn to_bytes(&self) -> Result<Vec<u8>> {
        // SAFETY: the number lives as long as `self`.
        unsafe { to_vec(self.raw()) }
    }

    /// 0.
    pub(super) fn zero() -> Result<Bn> {
        // SAFETY: takes nothing; null means out of memory.
        Ok(Bn(fresh(unsafe { sys::BN_new() }, Error::Memory)?))
    }

    /// From big-endian bytes.
    pub(in crate::crypto::aws_lc) fn from_bytes(bytes: &[u8]) -> Result<Bn> {
        // SAFETY: reads `bytes`; a null third argument asks for a fresh number.
        Ok(Bn(fresh(unsafe { sys::BN_bin2bn(bytes.as_ptr(), bytes.len(), null_mut()) }, Error::Memory)?))
    }

    /// From hexadecimal digits.
    pub(super) fn from_hex(digits: &CStr) -> Result<Bn> {
        let mut number = null_mut();
        // SAFETY: a terminated string; a null number asks for a fresh one, which is ours.
        let read = unsafe { sys::BN_hex2bn(&mut number, digits.as_ptr()) };
        let number = Bn(fresh(number, FAILED)?);
        if read == 0 { Err(FAILED) } else { Ok(number) }
    }

    /// From a small number.
    pub(in crate::crypto::aws_lc) fn from_u64(value: u64) -> Result<Bn> {
        Bn::from_bytes(&value.to_be_bytes())
    }

    /// Gives the number up to C code.
    pub(super) fn release(self) -> *mut sys::BIGNUM {
        let bn = self.raw();
        std::mem::forget(self);
        bn
    }

    /// The C object, which stays ours.
    pub(super) fn as_ptr(&self) -> *const sys::BIGNUM {
        self.raw()
    }

    /// The same, for C code to write to.
    pub(super) fn as_mut_ptr(&mut self) -> *mut sys::BIGNUM {
        self.raw()
    }

    /// Size in bits.
    pub(in crate::crypto::aws_lc) fn bits(&self) -> usize {
        // SAFETY: the number lives as long as `self`.
        unsafe { sys::BN_num_bits(self.raw()) as usize }
    }

    /// True for 1, 3, 5 ...
    pub(in crate::crypto::aws_lc) fn is_odd(&self) -> bool {
        // SAFETY: the number lives as long as `self`.
        unsafe { sys::BN_is_odd(self.raw()) == 1 }
    }

    /// True for 1.
    pub(in crate::crypto::aws_lc) fn is_one(&self) -> bool {
        // SAFETY: the number lives as long as `self`.
        unsafe { sys::BN_is_one(self.raw()) == 1 }
    }

    /// Orders by value.
    pub(in crate::crypto::aws_lc) fn cmp(&self, other: &Bn) -> Ordering {
        // SAFETY: both numbers live as long as their owners.
        unsafe { sys::BN_ucmp(self.raw(), other.raw()) }.cmp(&0)
    }

    /// self - 1, for a number of at least 1.
    pub(in crate::crypto::aws_lc) fn minus_one(&self) -> Result<Bn> {
        let one = Bn::from_u64(1)?;
        let r = Bn::zero()?;
        // SAFETY: three distinct live numbers.
        check(unsafe { sys::BN_sub(r.raw(), self.raw(), one.raw()) }, FAILED)?;
        Ok(r)
    }

    /// self - other, for a number of at least `other`.
    pub(in crate::crypto::aws_lc) fn minus(&self, other: &Bn) -> Result<Bn> {
        let r = Bn::zero()?;
        // SAFETY: three live numbers.
        check(unsafe { sys::BN_sub(r.raw(), self.raw(), other.raw()) }, FAILED)?;
        Ok(r)
    }

    /// self * other.
    pub(in crate::crypto::aws_lc) fn times(&self, other: &Bn) -> Result<Bn> {
        let (r, scratch) = (Bn::zero()?, Scratch::new()?);
        // SAFETY: live numbers and scratch space.
        check(unsafe { sys::BN_mul(r.raw(), self.raw(), other.raw(), scratch.raw()) }, FAILED)?;
        Ok(r)
    }

    /// self / other and self mod other; `other` must not be 0.
    pub(in crate::crypto::aws_lc) fn div_rem(&self, other: &Bn) -> Result<(Bn, Bn)> {
        let (q, r, scratch) = (Bn::zero()?, Bn::zero()?, Scratch::new()?);
        // SAFETY: live, distinct numbers and scratch space; division by 0 is reported, not undefined.
        check(unsafe { sys::BN_div(q.raw(), r.raw(), self.raw(), other.raw(), scratch.raw()) }, FAILED)?;
        Ok((q, r))
    }

    /// self >> n.
    pub(in crate::crypto::aws_lc) fn shifted(&self, n: u32) -> Result<Bn> {
        let r = Bn::zero()?;
        let n = i32::try_from(n).map_err(|_| FAILED)?;
        // SAFETY: live, distinct numbers.
        check(unsafe { sys::BN_rshift(r.raw(), self.raw(), n) }, FAILED)?;
        Ok(r)
    }

    /// How many low bits are 0.
    pub(in crate::crypto::aws_lc) fn trailing_zeros(&self) -> u32 {
        // SAFETY: the number lives as long as `self`.
        u32::try_from(unsafe { sys::BN_count_low_zero_bits(self.raw()) }).unwrap_or(0)
    }

    /// self ^ exponent mod modulus, in time independent of the exponent's value; `modulus` is odd, self below it.
    pub(in crate::crypto::aws_lc) fn power(&self, exponent: &Bn, modulus: &Bn) -> Result<Bn> {
        let (r, scratch) = (Bn::zero()?, Scratch::new()?);
        // SAFETY: live numbers and scratch space; a null Montgomery context makes AWS-LC compute one.
        let status = unsafe {
            sys::BN_mod_exp_mont_consttime(
                r.raw(),
                self.raw(),
                exponent.raw(),
                modulus.raw(),
                scratch.raw(),
                null(),
            )
        };
        check(status, FAILED)?;
        Ok(r)
    }

    /// self * other mod modulus.
    pub(in crate::crypto::aws_lc) fn times_mod(&self, other: &Bn, modulus: &Bn) -> Result<Bn> {
        let (r, scratch) = (Bn::zero()?, Scratch::new()?);
        // SAFETY: live numbers and scratch space.
        let status =
            unsafe { sys::BN_mod_mul(r.raw(), self.raw(), other.raw(), modulus.raw(), scratch.raw()) };
        check(status, FAILED)?;
        Ok(r)
    }

    /// self + other mod modulus, in time independent of both numbers' values; self is below the modulus. [`Error::Key`]
    /// for another number that is not.
    pub(in crate::crypto::aws_lc) fn plus_mod(&self, other: &Bn, modulus: &Bn) -> Result<Bn> {
        if other.cmp(modulus) != Ordering::Less {
            return Err(Error::Key("a number is not below the order"));
        }
        let r = Bn::zero()?;
        // SAFETY: live numbers, neither of them negative, both below the modulus.
        check(unsafe { sys::BN_mod_add_quick(r.raw(), self.raw(), other.raw(), modulus.raw()) }, FAILED)?;
        Ok(r)
    }

    /// The greatest common divisor.
    pub(in crate::crypto::aws_lc) fn gcd(&self, other: &Bn) -> Result<Bn> {
        let (r, scratch) = (Bn::zero()?, Scratch::new()?);
        // SAFETY: live numbers and scratch space.
        check(unsafe { sys::BN_gcd(r.raw(), self.raw(), other.raw(), scratch.raw()) }, FAILED)?;
        Ok(r)
    }

    /// The inverse mod `modulus`; [`Error::Key`] if there is none.
    pub(in crate::crypto::aws_lc) fn inverse(&self, modulus: &Bn) -> Result<Bn> {
        let scratch = Scratch::new()?;
        // SAFETY: live numbers and scratch space; a null first argument asks for a fresh number.
        let r = unsafe { sys::BN_mod_inverse(null_mut(), self.raw(), modulus.raw(), scratch.raw()) };
        Ok(Bn(fresh(r, Error::Key("a number that must be invertible is not"))?))
    }
}

/// Big-endian bytes without leading zeros.
///
/// # Safety
/// `bn` is a live number.
pub(super) unsafe fn to_vec(bn: *const sys::BIGNUM) -> Result<Vec<u8>> {
    // SAFETY: `bn` is live, says the caller.
    let len = unsafe { sys::BN_num_bytes(bn) } as usize;
    let mut out = buffer(len)?;
    // SAFETY: as above.
    unsafe { to_padded(bn, &mut out) }?;
    Ok(out)
}

/// Big-endian bytes with leading zeros, as many as `out` takes.
///
/// # Safety
/// `bn` is a live number.
pub(super) unsafe fn to_padded(bn: *const sys::BIGNUM, out: &mut [u8]) -> Result<()> {
    // SAFETY: `bn` is live, says the caller; AWS-LC writes exactly `out.len()` bytes or refuses.
    check(unsafe { sys::BN_bn2bin_padded(out.as_mut_ptr(), out.len(), bn) }, FAILED)
}
