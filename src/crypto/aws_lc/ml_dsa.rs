//! ML-DSA (FIPS 204).

use super::super::{Error, Hedge, MlDsaSet, Result};
use crate::types::SecretBytes;

/// An ML-DSA public key.
#[derive(Debug, Clone)]
pub struct MlDsaPublic(MlDsaSet);
/// An ML-DSA private key.
#[derive(Debug, Clone)]
pub struct MlDsaPrivate(MlDsaSet);

impl MlDsaPublic {
    /// From FIPS 204's encoding.
    pub fn new(set: MlDsaSet, key: &[u8]) -> Result<MlDsaPublic> {
        let _ = (set, key);
        Err(Error::Internal("unfinished"))
    }
    /// The parameter set.
    pub fn set(&self) -> MlDsaSet {
        self.0
    }
    /// FIPS 204's encoding.
    pub fn bytes(&self) -> Vec<u8> {
        Vec::new()
    }
    /// Pure ML-DSA with a context of at most 255 bytes.
    pub fn verify(&self, message: &[u8], context: &[u8], signature: &[u8]) -> Result<()> {
        let _ = (message, context, signature);
        Err(Error::Internal("unfinished"))
    }
}

impl MlDsaPrivate {
    /// A random key, with its seed.
    pub fn generate(set: MlDsaSet) -> Result<MlDsaPrivate> {
        let _ = set;
        Err(Error::Internal("unfinished"))
    }
    /// From FIPS 204's 32-byte seed.
    pub fn from_seed(set: MlDsaSet, seed: &[u8]) -> Result<MlDsaPrivate> {
        let _ = (set, seed);
        Err(Error::Internal("unfinished"))
    }
    /// From FIPS 204's private key encoding.
    pub fn from_expanded(set: MlDsaSet, key: &[u8]) -> Result<MlDsaPrivate> {
        let _ = (set, key);
        Err(Error::Internal("unfinished"))
    }
    /// The parameter set.
    pub fn set(&self) -> MlDsaSet {
        self.0
    }
    /// The seed, if the key came with one.
    pub fn seed(&self) -> Option<SecretBytes> {
        None
    }
    /// FIPS 204's private key encoding.
    pub fn expanded(&self) -> Result<SecretBytes> {
        Err(Error::Internal("unfinished"))
    }
    /// The public half.
    pub fn public(&self) -> MlDsaPublic {
        MlDsaPublic(self.0)
    }
    /// Pure ML-DSA with a context of at most 255 bytes, into `out` of exactly `signature_len()` bytes.
    pub fn sign(&self, message: &[u8], context: &[u8], hedge: Hedge, out: &mut [u8]) -> Result<()> {
        let _ = (message, context, hedge, out);
        Err(Error::Internal("unfinished"))
    }
}
