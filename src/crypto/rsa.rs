//! RSA's vocabulary: key components and padding parameters (RFC 8017).

use super::Hash;
use crate::types::SecretBytes;

/// An RSA private key as unsigned big-endian numbers.
///
/// As input, leading zeros are tolerated and whatever is absent is computed if the rest allows it. As output every
/// part is there, without leading zeros.
#[derive(Debug, Clone)]
pub struct RsaComponents {
    /// The modulus.
    pub n: Vec<u8>,
    /// The public exponent.
    pub e: Option<Vec<u8>>,
    /// The private exponent.
    pub d: SecretBytes,
    /// The first prime.
    pub p: Option<SecretBytes>,
    /// The second prime.
    pub q: Option<SecretBytes>,
    /// d mod (p-1).
    pub dp: Option<SecretBytes>,
    /// d mod (q-1).
    pub dq: Option<SecretBytes>,
    /// The inverse of q mod p.
    pub qi: Option<SecretBytes>,
}

/// RSASSA-PSS parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pss {
    /// The hash that made the digest.
    pub hash: Hash,
    /// The hash inside MGF1.
    pub mgf_hash: Hash,
    /// Salt length in bytes, from 0.
    pub salt_len: usize,
}

impl Pss {
    /// The longest salt in bytes that fits beside the hash into a modulus of `bits`; `None` if not even the hash does.
    pub fn max_salt_len(&self, bits: usize) -> Option<usize> {
        bits.checked_sub(1)?.div_ceil(8).checked_sub(self.hash.len() + 2)
    }
}

/// RSAES-OAEP parameters.
#[derive(Debug, Clone, Copy)]
pub struct Oaep<'a> {
    /// The hash of the label.
    pub hash: Hash,
    /// The hash inside MGF1.
    pub mgf_hash: Hash,
    /// The label, often empty.
    pub label: &'a [u8],
}
