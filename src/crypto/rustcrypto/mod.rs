//! The provider of pure Rust, on the RustCrypto and dalek crates: what keyward is built on where AWS-LC can't be, and
//! the second opinion that differential tests ask where it is.

pub mod aes;
mod blockwise;
mod ccm;
mod chacha;
mod ciphers;
mod digest;
mod gcm;
mod kdf;
mod raw;

// The files of key pairs are compiled once for each provider, over its own `raw`.
#[path = "../pairs/dh.rs"]
mod dh;
#[path = "../pairs/dsa.rs"]
mod dsa;
#[path = "../pairs/ec.rs"]
mod ec;
#[path = "../pairs/edwards.rs"]
mod edwards;
#[path = "../pairs/ml_dsa.rs"]
mod ml_dsa;
#[path = "../pairs/ml_kem.rs"]
mod ml_kem;
#[path = "../pairs/rsa/mod.rs"]
mod rsa;

pub use aes::SecretKey;
pub use chacha::{ChaCha20, ChaChaOpen, ChaChaSeal, Poly1305};
pub use ciphers::{BlockMac, Ccm, Cmac, Cts, Des3, Feedback, Xts};
pub use dh::{DhGroup, DhPrivate, DhPublic};
pub use digest::{Digest, Hmac, digest, hmac_sha256};
pub use dsa::{DsaGroup, DsaPrivate, DsaPublic};
pub use ec::{EcPrivate, EcPublic};
pub use edwards::{Ed25519Private, Ed25519Public, X25519Private, X25519Public};
pub use gcm::Gmac;
pub(super) use gcm::SealCipher;
pub use kdf::{hkdf_expand, hkdf_expand_into, hkdf_extract, pbkdf2, tls_prf};
pub use ml_dsa::{MlDsaPrivate, MlDsaPublic};
pub use ml_kem::{MlKemPrivate, MlKemPublic};
pub use rsa::{RsaPrivate, RsaPublic};

use super::{Error, Result};
use getrandom::SysRng;
use getrandom::rand_core::TryRng;
use subtle::ConstantTimeEq;

/// Fills `out` with random bytes from the operating system, which keeps no state in this process that a fork could
/// double.
pub fn random(out: &mut [u8]) -> Result<()> {
    SysRng.try_fill_bytes(out).map_err(|_| Error::Random)
}

/// Compares in time that depends on the lengths only.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}
