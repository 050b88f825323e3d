//! HMAC, in a context of its own heap memory: aws-lc-rs copies its contexts, of a kilobyte each, from place to place.

use super::sys;
use super::{Error, Hash, Result, check, fresh, md, owned};
use std::ffi::c_uint;
use std::ptr::{null, null_mut};

owned!(
    /// A key and the message so far.
    HmacContext, HMAC_CTX, HMAC_CTX_free
);

// SAFETY: an HMAC context has no thread affinity, and `&mut` keeps it to one thread at a time.
unsafe impl Send for HmacContext {}

const FAILED: Error = Error::Internal("HMAC");

impl HmacContext {
    /// An empty message under a key of any length. [`Error::Param`] for a hash that AWS-LC has no HMAC of.
    pub(in crate::crypto::aws_lc) fn new(hash: Hash, key: &[u8]) -> Result<HmacContext> {
        let md = md(hash)?;
        // SAFETY: takes nothing; null means out of memory.
        let context = HmacContext(fresh(unsafe { sys::HMAC_CTX_new() }, Error::Memory)?);
        // SAFETY: a fresh context; AWS-LC reads `key`, whose pointer is not null even where it is empty.
        let status =
            unsafe { sys::HMAC_Init_ex(context.raw(), key.as_ptr().cast(), key.len(), md, null_mut()) };
        check(status, FAILED)?;
        Ok(context)
    }

    /// Appends to the message.
    pub(in crate::crypto::aws_lc) fn update(&mut self, part: &[u8]) -> Result<()> {
        // SAFETY: a live context with a key; AWS-LC reads `part`.
        check(unsafe { sys::HMAC_Update(self.raw(), part.as_ptr(), part.len()) }, FAILED)
    }

    /// Writes the MAC of the message so far into `out`, exactly as long as the hash. The next message starts empty,
    /// under the same key.
    pub(in crate::crypto::aws_lc) fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        // SAFETY: a live context with a key, whose hash has a length.
        let len = unsafe { sys::HMAC_size(self.raw()) };
        if out.len() != len {
            return Err(Error::Param("output buffer must be exactly as long as the result"));
        }
        let mut written: c_uint = 0;
        // SAFETY: a live context with a key; AWS-LC writes as many bytes as its hash has, and `out` has as many.
        check(unsafe { sys::HMAC_Final(self.raw(), out.as_mut_ptr(), &mut written) }, FAILED)?;
        // SAFETY: a live context, which keeps its key and hash where none are named.
        check(unsafe { sys::HMAC_Init_ex(self.raw(), null(), 0, null(), null_mut()) }, FAILED)
    }
}
