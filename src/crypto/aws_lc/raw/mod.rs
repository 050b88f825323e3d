//! AWS-LC's C interface behind safe types: the only `unsafe` of this room.
//!
//! Every C object is owned by one Rust value that frees it (AWS-LC wipes what it frees). Lengths are checked here, so
//! that no safe caller can make C code read or write out of bounds. A failed call leaves AWS-LC's thread-local error
//! queue empty.

mod bn;
mod brainpool;
mod chacha;
mod cipher;
mod dh;
mod digest;
mod dsa;
mod ec;
mod edwards;
mod gcm;
mod hmac;
mod kdf;
mod pkey;
mod rsa;
mod sha;

pub(super) use bn::Bn;
pub(super) use chacha::{Poly1305, chacha20};
pub(super) use cipher::{AesBlock, Cipher, FeedbackMode, ccm_open, ccm_seal};
pub(super) use dh::{Dh, modp_prime, named_group};
pub(super) use digest::Md5;
pub(super) use dsa::Dsa;
pub(super) use ec::EcKey;
pub(super) use edwards::{
    ed25519_expand, ed25519_sign, ed25519_sign_ctx, ed25519_sign_ph, ed25519_verify, ed25519_verify_ctx,
    ed25519_verify_ph, x25519, x25519_public,
};
pub(super) use gcm::Gcm;
pub(super) use hmac::HmacContext;
pub(super) use kdf::{hkdf_expand, hkdf_extract, pbkdf2, tls_prf};
pub(super) use pkey::{Pkey as MlDsaKey, Pkey as MlKemKey, Pkey as OaepKey};
pub(super) use rsa::{CrtParts, Part, Rsa};
pub(super) use sha::Sha;

pub(super) use super::super::modes::buffer;
use super::super::{DigestValue, Error, Hash, Result};
#[cfg(feature = "fips")]
use aws_lc_fips_sys as sys;
#[cfg(not(feature = "fips"))]
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

/// Declares a type that owns a C object and frees it. It is as public as the traits of the modes, in a private room.
macro_rules! owned {
    ($(#[$doc:meta])* $name:ident, $object:ident, $free:ident) => {
        $(#[$doc])*
        pub struct $name(std::ptr::NonNull<super::sys::$object>);

        impl $name {
            /// The C object, valid while `self` lives.
            #[allow(dead_code)]
            fn raw(&self) -> *mut super::sys::$object {
                self.0.as_ptr()
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: `self` owns this reference to the object and nothing uses it afterwards.
                unsafe { super::sys::$free(self.0.as_ptr()) }
            }
        }
    };
}
use owned;

/// AWS-LC's static description of a hash. [`Error::Param`] for one that it lacks, or has only as a hash by itself.
fn md(hash: Hash) -> Result<*const sys::EVP_MD> {
    const NOT_HERE: Error = Error::Param("the hash is not one that HMAC and RSA can be made of here");
    // SAFETY: these take nothing and return pointers to static tables.
    unsafe {
        Ok(match hash {
            Hash::Sha1 => sys::EVP_sha1(),
            Hash::Sha224 => sys::EVP_sha224(),
            Hash::Sha256 => sys::EVP_sha256(),
            Hash::Sha384 => sys::EVP_sha384(),
            Hash::Sha512 => sys::EVP_sha512(),
            Hash::Sha512_224 => sys::EVP_sha512_224(),
            Hash::Sha512_256 => sys::EVP_sha512_256(),
            Hash::Sha3_224 => sys::EVP_sha3_224(),
            Hash::Sha3_256 => sys::EVP_sha3_256(),
            Hash::Sha3_384 => sys::EVP_sha3_384(),
            Hash::Sha3_512 => sys::EVP_sha3_512(),
            Hash::Md5 => sys::EVP_md5(),
            Hash::Blake2b160
            | Hash::Blake2b256
            | Hash::Blake2b384
            | Hash::Blake2b512
            | Hash::Keccak256
            | Hash::Blake3 => return Err(NOT_HERE),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Curve;

    #[test]
    fn failures_leave_no_errors_behind() {
        assert!(EcKey::public(Curve::P256, &[4; 65]).is_err());
        assert!(EcKey::private(Curve::P256, &[255; 32]).is_err());
        assert!(MlDsaKey::ml_dsa_public(crate::crypto::MlDsaSet::MlDsa44, b"short").is_err());
        let (n, e) = (Bn::from_u64(15).unwrap(), Bn::from_u64(2).unwrap());
        assert!(Rsa::public(&n, &e).is_err());
        // SAFETY: reads AWS-LC's own thread-local state.
        assert_eq!(unsafe { sys::ERR_peek_error() }, 0);
    }
}
