//! DSA at the level of AWS-LC's `DSA`.

use super::bn::{Bn, to_padded};
use super::sys;
use super::{Error, Hash, Result, check, fresh, md, owned};
use std::ffi::c_int;
use std::ptr::{null, null_mut};

owned!(
    /// A key, public or private; immutable once made.
    Dsa, DSA, DSA_free
);
owned!(
    /// r and s.
    Signature, DSA_SIG, DSA_SIG_free
);
owned!(
    /// Settings for making parameters.
    Context, EVP_PKEY_CTX, EVP_PKEY_CTX_free
);
owned!(
    /// Parameters as AWS-LC makes them.
    Parameters, EVP_PKEY, EVP_PKEY_free
);

// SAFETY: a DSA changes after construction only in its Montgomery contexts, which AWS-LC makes under a lock of the
// object's; its reference count is atomic.
unsafe impl Send for Dsa {}
// SAFETY: as above.
unsafe impl Sync for Dsa {}

const FAILED: Error = Error::Internal("DSA");

impl Dsa {
    /// A group of prime, order of the base and base, which were checked.
    pub(in crate::crypto::aws_lc) fn group(p: &Bn, q: &Bn, g: &Bn) -> Result<Dsa> {
        // SAFETY: takes nothing; null means out of memory.
        let dsa = Dsa(fresh(unsafe { sys::DSA_new() }, Error::Memory)?);
        let (p, q, g) = (p.copy()?, q.copy()?, g.copy()?);
        // SAFETY: a fresh object that nobody shares yet; it takes the numbers over, and fails only if one is null.
        check(unsafe { sys::DSA_set0_pqg(dsa.raw(), p.release(), q.release(), g.release()) }, FAILED)?;
        Ok(dsa)
    }

    /// The group with a public value and, in a private key, the private one.
    pub(in crate::crypto::aws_lc) fn with_key(self, y: &Bn, x: Option<&Bn>) -> Result<Dsa> {
        let y = y.copy()?;
        let x = x.map(Bn::copy).transpose()?.map_or(null_mut(), Bn::release);
        // SAFETY: an object that nobody shares yet; it takes the numbers over, and fails only without a public one.
        check(unsafe { sys::DSA_set0_key(self.raw(), y.release(), x) }, FAILED)?;
        Ok(self)
    }

    /// A random key pair of the group: the public and the private value.
    pub(in crate::crypto::aws_lc) fn generate(self) -> Result<(Bn, Bn)> {
        // SAFETY: an object that nobody shares yet.
        check(unsafe { sys::DSA_generate_key(self.raw()) }, Error::Internal("DSA key generation"))?;
        let (mut y, mut x) = (null(), null());
        // SAFETY: a live object; its numbers live as long, and are copied.
        unsafe {
            sys::DSA_get0_key(self.raw(), &mut y, &mut x);
            Ok((Bn::copy_of(y)?, Bn::copy_of(x)?))
        }
    }

    /// Fresh parameters p, q and g (FIPS 186-4, appendix A.1.1.2), of these sizes in bits.
    pub(in crate::crypto::aws_lc) fn parameters(bits: usize, q_bits: usize) -> Result<[Bn; 3]> {
        let size = |bits| c_int::try_from(bits).map_err(|_| FAILED);
        let (bits, size_of_q) = (size(bits)?, size(q_bits)?);
        let hash = match q_bits {
            160 => Hash::Sha1,
            224 => Hash::Sha224,
            _ => Hash::Sha256,
        };
        // SAFETY: takes a number; null means out of memory.
        let context = unsafe { sys::EVP_PKEY_CTX_new_id(sys::EVP_PKEY_DSA, null_mut()) };
        let context = Context(fresh(context, Error::Memory)?);
        let mut made = null_mut();
        // SAFETY: a live object of DSA, a static hash table, and a place for what is made.
        let status = unsafe {
            check(sys::EVP_PKEY_paramgen_init(context.raw()), FAILED)?;
            check(sys::EVP_PKEY_CTX_set_dsa_paramgen_bits(context.raw(), bits), FAILED)?;
            check(sys::EVP_PKEY_CTX_set_dsa_paramgen_q_bits(context.raw(), size_of_q), FAILED)?;
            check(sys::EVP_PKEY_CTX_set_dsa_paramgen_md(context.raw(), md(hash)?), FAILED)?;
            sys::EVP_PKEY_paramgen(context.raw(), &mut made)
        };
        check(status, Error::Internal("DSA parameters"))?;
        let made = Parameters(fresh(made, FAILED)?);
        let (mut p, mut q, mut g) = (null(), null(), null());
        // SAFETY: a live object of DSA; its numbers live as long, and are copied.
        unsafe {
            sys::DSA_get0_pqg(sys::EVP_PKEY_get0_DSA(made.raw()), &mut p, &mut q, &mut g);
            Ok([Bn::copy_of(p)?, Bn::copy_of(q)?, Bn::copy_of(g)?])
        }
    }

    /// Signs into r and s, each as long as q. Of a digest that is longer than q the leftmost bits count.
    pub(in crate::crypto::aws_lc) fn sign(&self, digest: &[u8], r: &mut [u8], s: &mut [u8]) -> Result<()> {
        // SAFETY: a live private key; AWS-LC reads `digest`.
        let signature = unsafe { sys::DSA_do_sign(digest.as_ptr(), digest.len(), self.raw()) };
        let signature = Signature(fresh(signature, Error::Internal("DSA signature"))?);
        let (mut r_bn, mut s_bn) = (null(), null());
        // SAFETY: a live signature; its numbers live as long.
        unsafe {
            sys::DSA_SIG_get0(signature.raw(), &mut r_bn, &mut s_bn);
            to_padded(r_bn, r)?;
            to_padded(s_bn, s)
        }
    }

    /// Checks r and s; every failure is [`Error::Signature`].
    pub(in crate::crypto::aws_lc) fn verify(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Result<()> {
        // SAFETY: takes nothing; null means out of memory.
        let signature = Signature(fresh(unsafe { sys::DSA_SIG_new() }, Error::Memory)?);
        let (r, s) = (Bn::from_bytes(r)?, Bn::from_bytes(s)?);
        // SAFETY: the signature takes both numbers over, and fails only if one is null.
        check(unsafe { sys::DSA_SIG_set0(signature.raw(), r.release(), s.release()) }, FAILED)?;
        // SAFETY: a live key and signature; AWS-LC reads `digest`.
        let status =
            unsafe { sys::DSA_do_verify(digest.as_ptr(), digest.len(), signature.raw(), self.raw()) };
        check(status, Error::Signature)
    }
}
