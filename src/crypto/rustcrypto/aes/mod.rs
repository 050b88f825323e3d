//! AES by the `aes` crate.

mod key;

pub use crate::crypto::modes::{Direction, Mode};
pub use key::SecretKey;

use super::super::{Result, modes};
use super::ciphers::RustCrypto;
use crate::types::SecretBytes;

/// A running encryption or decryption.
pub type AesCipher = modes::AesCipher<RustCrypto>;

modes::key_wrap!(RustCrypto);
