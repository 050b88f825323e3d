//! AES by AWS-LC.

mod key;

pub use crate::crypto::modes::{Direction, Mode};
pub use key::SecretKey;

use super::super::{Result, modes};
use super::ciphers::AwsLc;
use crate::types::SecretBytes;

/// A running encryption or decryption.
pub type AesCipher = modes::AesCipher<AwsLc>;

modes::key_wrap!(AwsLc);
