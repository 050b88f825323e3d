//! Loads any PKCS#11 module by path and judges it.
//!
//! Two uses. As a program, `keyward-conformance --module PATH` runs the [`suites`] and prints what passed,
//! failed and was skipped. As a library it is a harness for tests: [`Module`], [`Session`], [`Attr`],
//! [`Mech`] wrap the C ABI in owned Rust values, and [`TestToken`] prepares a token in a temporary
//! directory. Nothing here links a module: everything goes through the functions that the module exports.
//!
//! ```no_run
//! use keyward_conformance::{Attr, Mech, TestToken, ck};
//!
//! let token = TestToken::new("target/debug/libkeyward.so")?;
//! let session = token.user_session()?;
//! let key = session.generate_key(
//!     &Mech::new(ck::CKM_AES_KEY_GEN),
//!     &[Attr::value_len(32), Attr::bool(ck::CKA_ENCRYPT, true)],
//! )?;
//! let sealed = session.encrypt(&Mech::gcm(&[0; 12], b"header", 128), key, b"message")?;
//! assert_eq!(sealed.len(), 7 + 16);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod answers;
pub mod attr;
pub mod der;
pub mod functions;
pub mod kind;
pub mod mech;
pub mod module;
pub mod names;

pub mod runner;
pub mod rv;
pub mod scale;
pub mod service;
pub mod session;

pub mod suites;
pub mod token;

pub use cryptoki_sys as ck;

pub use attr::{Attr, Fetched, RawTemplate};
pub use kind::{Kind, Lower};
pub use mech::{Mech, mgf1};
pub use module::{Module, RO, RW, text};
pub use rv::Rv;
pub use session::{Object, Session};
pub use token::TestToken;

use cryptoki_sys::CK_ULONG;

/// CK_UNAVAILABLE_INFORMATION: all bits set.
pub const UNAVAILABLE: CK_ULONG = CK_ULONG::MAX;

/// A length as the C ABI wants it.
pub fn ulen(length: usize) -> CK_ULONG {
    CK_ULONG::try_from(length).unwrap_or(CK_ULONG::MAX)
}

/// A length as Rust wants it; `usize::MAX` where it does not fit.
pub fn size(length: CK_ULONG) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a hexadecimal string; `None` where it is not one.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    digits
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect()
}
