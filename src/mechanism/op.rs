//! The traits of a running operation, which every backend hands to the session that holds it.
//!
//! An operation is made by `*Init`, owned by one session and dropped when it ends. It never sees a size query: the
//! session's lifetime rule (`module::operation`) asks for bounds first and calls once. Output goes straight into the
//! caller's buffer where the bound fits, so bulk work costs no copy.

use crate::error::{ErrorKind, Result};
use crate::types::SecretBytes;

/// Digest, sign and MAC: bytes in, one result out.
pub trait Producer: Send {
    /// The exact size of the result in bytes.
    fn output_len(&self) -> usize;
    /// Feeds a part. CKR_OPERATION_NOT_INITIALIZED where the mechanism is single-part only.
    fn update(&mut self, part: &[u8]) -> Result<()>;
    /// Writes the result of all parts; `out` is exactly `output_len()` bytes.
    fn finish(&mut self, out: &mut [u8]) -> Result<()>;
    /// The whole in one call; `out` is exactly `output_len()` bytes.
    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<()> {
        self.update(data)?;
        self.finish(out)
    }
    /// Whether C_DigestKey may feed the value of a sensitive key: only a digest that hides what went in says so.
    fn takes_keys(&self) -> bool {
        false
    }
    /// What C_GetOperationState saves; `None` where the state can't be taken out.
    fn save(&self) -> Option<SecretBytes> {
        None
    }
    /// Goes on from what [`Producer::save`] gave, in a fresh operation of the same mechanism.
    /// CKR_SAVED_STATE_INVALID.
    fn restore(&mut self, _saved: &[u8]) -> Result<()> {
        Err(ErrorKind::SavedStateInvalid.into())
    }
}

/// Counts the uses of a key.
pub trait Counter: Send {
    /// The number of this use, which is nobody else's: the next one is kept, as durably as the key, before this returns.
    fn next(&mut self) -> Result<u64>;
}

/// Verification: bytes in, then a signature or MAC to judge.
pub trait Verifier: Send {
    /// Feeds a part. CKR_OPERATION_NOT_INITIALIZED where the mechanism is single-part only.
    fn update(&mut self, part: &[u8]) -> Result<()>;
    /// CKR_SIGNATURE_LEN_RANGE for a wrong length, CKR_SIGNATURE_INVALID for a wrong signature, nothing else for either.
    fn finish(&mut self, signature: &[u8]) -> Result<()>;
    /// The whole in one call.
    fn once(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.update(data)?;
        self.finish(signature)
    }
}

/// Encryption and decryption: bytes in, bytes out.
///
/// Every `out` is at least as long as the matching bound; the methods return how much was written.
pub trait Cipher: Send {
    /// Exact output of an `update` with `input` more bytes, in bytes.
    fn update_len(&self, input: usize) -> usize;
    /// Upper bound of what `finish` writes, in bytes.
    fn finish_len(&self) -> usize;
    /// Upper bound of what `once` writes for `input` bytes. Exact wherever the plaintext's length decides it.
    fn once_len(&self, input: usize) -> usize;
    /// Feeds a part. CKR_OPERATION_NOT_INITIALIZED where the mechanism is single-part only.
    fn update(&mut self, part: &[u8], out: &mut [u8]) -> Result<usize>;
    /// Ends the operation. Nothing unauthenticated leaves an AEAD before this.
    fn finish(&mut self, out: &mut [u8]) -> Result<usize>;
    /// The whole in one call.
    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        let n = self.update(data, out)?;
        let m = self.finish(out.get_mut(n..).unwrap_or_default())?;
        Ok(n + m)
    }
}

/// A key encapsulation with the public key and parameter of one call. Nothing is computed before [`Encapsulation::run`],
/// so that a size query costs nothing.
pub trait Encapsulation: Send {
    /// The exact size of the ciphertext in bytes.
    fn ciphertext_len(&self) -> usize;
    /// Makes a secret, and writes into `ciphertext` what leads the private key's owner to it: exactly
    /// `ciphertext_len()` bytes. `wanted` is the length in bytes that the template asks for (`material::wanted_len`).
    fn run(&self, wanted: Option<usize>, ciphertext: &mut [u8]) -> Result<SecretBytes>;
}
