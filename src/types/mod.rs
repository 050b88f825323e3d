//! What every layer may use: the C types of the specification and the containers of secrets.

pub mod functions;

mod kdf;
mod pages;
mod secret;
mod vendor;
#[cfg(feature = "kms")]
mod wiping;

pub use kdf::{Kdf, KdfError};
pub use pages::Pages;
pub use secret::{LockedKey, SecretBytes};
#[cfg(feature = "kms")]
pub use wiping::{Wiping, wiping};

/// The C types and constants of PKCS#11 v3.2 and keyward's own, under one name.
pub mod ck {
    pub use super::vendor::*;
    pub use cryptoki_sys::*;
}

/// A `CK_ULONG` from a length in memory. Lossless: `CK_ULONG` is as wide as a pointer on every supported target.
pub const fn ulong(n: usize) -> ck::CK_ULONG {
    n as ck::CK_ULONG
}

/// A length in memory from a `CK_ULONG`. Lossless, as [`ulong`]; says nothing about whether it is sane.
#[allow(clippy::cast_possible_truncation)]
pub const fn length(n: ck::CK_ULONG) -> usize {
    n as usize
}

/// Seconds since 1970; zero for a clock before that.
pub fn unix_now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// `text` in a fixed field, blank-padded and cut at a character's end (PKCS#11 v3.2, section 3.1).
pub fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    let end = text.floor_char_boundary(N);
    for (target, byte) in field.iter_mut().zip(text.as_bytes().iter().take(end)) {
        *target = *byte;
    }
    field
}

/// Shown as manufacturer of the library and of what is made of software.
pub const MANUFACTURER: &str = "keyward";

/// The crate's version as PKCS#11 tells it.
pub const VERSION: ck::CK_VERSION = ck::CK_VERSION {
    major: version_part(env!("CARGO_PKG_VERSION_MAJOR")),
    minor: version_part(env!("CARGO_PKG_VERSION_MINOR")),
};

const fn version_part(digits: &str) -> u8 {
    let digits = digits.as_bytes();
    let mut value = 0;
    let mut at = 0;
    while at < digits.len() {
        value = value * 10 + (digits[at] - b'0');
        at += 1;
    }
    value
}
