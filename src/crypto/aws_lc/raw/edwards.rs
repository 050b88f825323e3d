//! Ed25519 and X25519: plain functions over byte arrays, without an object of AWS-LC's.

use super::sys;
use super::{Error, Result, check};

const SIGN_FAILED: Error = Error::Param(
    "Ed25519: the context is not acceptable (Ed25519ctx: 1 to 255 bytes; Ed25519ph: at most 255)",
);

/// Seed and public key, one behind the other, which AWS-LC signs with.
pub(in crate::crypto::aws_lc) fn ed25519_expand(
    seed: &[u8; 32],
    public: &mut [u8; 32],
    private: &mut [u8; 64],
) {
    // SAFETY: buffers of exactly the lengths that AWS-LC reads and writes.
    unsafe { sys::ED25519_keypair_from_seed(public.as_mut_ptr(), private.as_mut_ptr(), seed.as_ptr()) }
}

pub(in crate::crypto::aws_lc) fn ed25519_sign(private: &[u8; 64], message: &[u8]) -> Result<[u8; 64]> {
    let mut out = [0; 64];
    // SAFETY: buffers of exactly the lengths that AWS-LC reads and writes.
    let status =
        unsafe { sys::ED25519_sign(out.as_mut_ptr(), message.as_ptr(), message.len(), private.as_ptr()) };
    check(status, Error::Internal("Ed25519 signature"))?;
    Ok(out)
}

pub(in crate::crypto::aws_lc) fn ed25519_sign_ctx(
    private: &[u8; 64],
    message: &[u8],
    context: &[u8],
) -> Result<[u8; 64]> {
    let mut out = [0; 64];
    // SAFETY: buffers of exactly the lengths that AWS-LC reads and writes; it bounds the context itself.
    let status = unsafe {
        sys::ED25519ctx_sign(
            out.as_mut_ptr(),
            message.as_ptr(),
            message.len(),
            private.as_ptr(),
            context.as_ptr(),
            context.len(),
        )
    };
    check(status, SIGN_FAILED)?;
    Ok(out)
}

pub(in crate::crypto::aws_lc) fn ed25519_sign_ph(
    private: &[u8; 64],
    digest: &[u8; 64],
    context: &[u8],
) -> Result<[u8; 64]> {
    let mut out = [0; 64];
    // SAFETY: buffers of exactly the lengths that AWS-LC reads and writes; it bounds the context itself.
    let status = unsafe {
        sys::ED25519ph_sign_digest(
            out.as_mut_ptr(),
            digest.as_ptr(),
            private.as_ptr(),
            context.as_ptr(),
            context.len(),
        )
    };
    check(status, SIGN_FAILED)?;
    Ok(out)
}

pub(in crate::crypto::aws_lc) fn ed25519_verify(
    public: &[u8; 32],
    message: &[u8],
    signature: &[u8; 64],
) -> Result<()> {
    // SAFETY: buffers of exactly the lengths that AWS-LC reads.
    let status =
        unsafe { sys::ED25519_verify(message.as_ptr(), message.len(), signature.as_ptr(), public.as_ptr()) };
    check(status, Error::Signature)
}

pub(in crate::crypto::aws_lc) fn ed25519_verify_ctx(
    public: &[u8; 32],
    message: &[u8],
    context: &[u8],
    signature: &[u8; 64],
) -> Result<()> {
    // SAFETY: buffers of exactly the lengths that AWS-LC reads; it bounds the context itself.
    let status = unsafe {
        sys::ED25519ctx_verify(
            message.as_ptr(),
            message.len(),
            signature.as_ptr(),
            public.as_ptr(),
            context.as_ptr(),
            context.len(),
        )
    };
    check(status, Error::Signature)
}

pub(in crate::crypto::aws_lc) fn ed25519_verify_ph(
    public: &[u8; 32],
    digest: &[u8; 64],
    context: &[u8],
    signature: &[u8; 64],
) -> Result<()> {
    // SAFETY: buffers of exactly the lengths that AWS-LC reads; it bounds the context itself.
    let status = unsafe {
        sys::ED25519ph_verify_digest(
            digest.as_ptr(),
            signature.as_ptr(),
            public.as_ptr(),
            context.as_ptr(),
            context.len(),
        )
    };
    check(status, Error::Signature)
}

pub(in crate::crypto::aws_lc) fn x25519_public(private: &[u8; 32]) -> [u8; 32] {
    let mut out = [0; 32];
    // SAFETY: buffers of exactly the lengths that AWS-LC reads and writes.
    unsafe { sys::X25519_public_from_private(out.as_mut_ptr(), private.as_ptr()) };
    out
}

/// The shared value into `out`; an all-zero one is refused.
pub(in crate::crypto::aws_lc) fn x25519(
    private: &[u8; 32],
    peer: &[u8; 32],
    out: &mut [u8; 32],
) -> Result<()> {
    // SAFETY: buffers of exactly the lengths that AWS-LC reads and writes.
    let status = unsafe { sys::X25519(out.as_mut_ptr(), private.as_ptr(), peer.as_ptr()) };
    check(status, Error::Key("X25519: the peer's public value has small order"))
}
