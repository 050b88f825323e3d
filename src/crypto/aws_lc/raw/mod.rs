//! AWS-LC's C interface behind safe types: the only `unsafe` of this room.
//!
//! Every C object is owned by one Rust value that frees it (AWS-LC wipes what it frees). Lengths are checked here, so
//! that no safe caller can make C code read or write out of bounds. A failed call leaves AWS-LC's thread-local error
//! queue empty.

mod bn;
mod cipher;
mod ec;
mod edwards;
mod gcm;
mod hmac;
mod kdf;
mod pkey;
mod rsa;

pub(super) use bn::Bn;
pub(super) use cipher::{AesBlock, BlockMode, Cipher, MAX_GCM_IV};
pub(super) use ec::EcKey;
pub(super) use edwards::{
    ed25519_expand, ed25519_sign, ed25519_sign_ctx, ed25519_sign_ph, ed25519_verify, ed25519_verify_ctx,
    ed25519_verify_ph, x25519, x25519_public,
};
pub(super) use gcm::Gcm;
pub(super) use hmac::HmacContext;
pub(super) use kdf::{hkdf_expand, hkdf_extract, pbkdf2, tls_prf};
pub(super) use pkey::Pkey;
pub(super) use rsa::{CrtParts, Part, Rsa};

use super::super::{Error, Hash, Result};
use aws_lc_sys as sys;
use std::ffi::c_int;
use std::ptr::NonNull;

/// Empties this thread's error queue, which a failed call fills and nobody else would.
fn forget_errors() {
    // SAFETY: touches only AWS-LC's own thread-local state.
    unsafe { sys::ERR_clear_error() }
}

/// Turns AWS-LC's 1 for success into a `Result`.
fn check(status: c_int, otherwise: Error) -> Result<()> {
    if status == 1 {
        return Ok(());
    }
    forget_errors();
    Err(otherwise)
}

/// Takes a fresh object, which is null if the call failed.
fn fresh<T>(object: *mut T, otherwise: Error) -> Result<NonNull<T>> {
    NonNull::new(object).ok_or_else(|| {
        forget_errors();
        otherwise
    })
}

/// Declares a type that owns a C object and frees it.
macro_rules! owned {
    ($(#[$doc:meta])* $name:ident, $object:ident, $free:ident) => {
        $(#[$doc])*
        pub(in crate::crypto::aws_lc) struct $name(std::ptr::NonNull<aws_lc_sys::$object>);

        impl $name {
            /// The C object, valid while `self` lives.
            #[allow(dead_code)]
            fn raw(&self) -> *mut aws_lc_sys::$object {
                self.0.as_ptr()
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: `self` owns this reference to the object and nothing uses it afterwards.
                unsafe { aws_lc_sys::$free(self.0.as_ptr()) }
            }
        }
    };
}
use owned;

/// AWS-LC's static description of a hash.
fn md(hash: Hash) -> *const sys::EVP_MD {
    // SAFETY: these take nothing and return pointers to static tables.
    unsafe {
        match hash {
            Hash::Sha1 => sys::EVP_sha1(),
            Hash::Sha224 => sys::EVP_sha224(),
            Hash::Sha256 => sys::EVP_sha256(),
            Hash::Sha384 => sys::EVP_sha384(),
            Hash::Sha512 => sys::EVP_sha512(),
        }
    }
}

/// A zeroed buffer of `len` bytes, or [`Error::Memory`].
pub(in crate::crypto) fn buffer(len: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Error::Memory)?;
    bytes.resize(len, 0);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Curve;

    #[test]
    fn failures_leave_no_errors_behind() {
        assert!(EcKey::public(Curve::P256, &[4; 65]).is_err());
        assert!(EcKey::private(Curve::P256, &[255; 32]).is_err());
        assert!(Pkey::ml_dsa_public(crate::crypto::MlDsaSet::MlDsa44, b"short").is_err());
        let (n, e) = (Bn::from_u64(15).unwrap(), Bn::from_u64(2).unwrap());
        assert!(Rsa::public(&n, &e).is_err());
        // SAFETY: reads AWS-LC's own thread-local state.
        assert_eq!(unsafe { sys::ERR_peek_error() }, 0);
    }
}
