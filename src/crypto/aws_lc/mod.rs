//! The provider on AWS-LC: aws-lc-rs where its safe interface reaches, `raw` over aws-lc-sys for the rest.
//!
//! `unsafe` is in `raw/` only.

pub mod aes;
mod digest;
mod ec;
mod edwards;
mod ml_dsa;
mod raw;
mod rsa;

pub use digest::{Cmac, Digest, Hmac, digest, hmac_sha256};
pub use ec::{EcPrivate, EcPublic};
pub use edwards::{Ed25519Private, Ed25519Public, X25519Private, X25519Public};
pub use ml_dsa::{MlDsaPrivate, MlDsaPublic};
pub use rsa::{RsaPrivate, RsaPublic};

use super::{Error, Result};

/// Fills `out` with random bytes from AWS-LC's DRBG, which reseeds itself in a forked child.
pub fn random(out: &mut [u8]) -> Result<()> {
    aws_lc_rs::rand::fill(out).map_err(|_| Error::Random)
}

/// Compares in time that depends on the lengths only.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}
