//! Triple DES.

use super::super::super::Error;
use super::{Cipher, Result};
use crate::crypto::aws_lc::raw::sys;
use crate::crypto::modes::BlockMode;

impl Cipher {
    /// Triple DES under three keys, without padding, in ECB (which ignores the IV) or CBC. Parity bits count nothing.
    pub(in crate::crypto::aws_lc) fn des3(
        mode: BlockMode,
        encrypt: bool,
        key: &[u8; 24],
        iv: &[u8; 8],
    ) -> Result<Cipher> {
        // SAFETY: these take nothing and return pointers to static tables.
        let table = unsafe {
            match mode {
                BlockMode::Ecb => sys::EVP_des_ede3_ecb(),
                BlockMode::Cbc => sys::EVP_des_ede3_cbc(),
                BlockMode::Ctr => return Err(Error::Internal("triple DES has no such mode here")),
            }
        };
        // SAFETY: both tables have keys of 24 bytes and IVs of 8 or none.
        unsafe { Cipher::start(table, encrypt, key, iv) }
    }
}
