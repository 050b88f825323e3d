//! Hash functions: one row each.

use zeroize::Zeroize;

/// Length in bytes of the longest digest that any [`enum@Hash`] makes.
pub const MAX_DIGEST_LEN: usize = 64;

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-1: only for what already relies on it.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SHA-512/224.
    Sha512_224,
    /// SHA-512/256.
    Sha512_256,
    /// SHA3-224.
    Sha3_224,
    /// SHA3-256.
    Sha3_256,
    /// SHA3-384.
    Sha3_384,
    /// SHA3-512.
    Sha3_512,
    /// MD5: only for what already relies on it.
    Md5,
    /// BLAKE2b with a digest of 160 bits.
    Blake2b160,
    /// BLAKE2b with a digest of 256 bits.
    Blake2b256,
    /// BLAKE2b with a digest of 384 bits.
    Blake2b384,
    /// BLAKE2b with a digest of 512 bits.
    Blake2b512,
    /// Keccak-256 as Ethereum has it: SHA3-256 with the padding from before FIPS 202.
    Keccak256,
    /// BLAKE3 with a digest of 256 bits.
    Blake3,
}

/// What is fixed about a hash function. `digest_info` is the DER of RFC 8017's DigestInfo up to the digest, empty for a
/// hash that PKCS#1 does not sign.
struct Row {
    name: &'static str,
    len: usize,
    block_len: usize,
    digest_info: &'static [u8],
}

const SHA1: Row = Row {
    name: "SHA-1",
    len: 20,
    block_len: 64,
    digest_info: &[0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14],
};
const SHA224: Row = Row { name: "SHA-224", len: 28, block_len: 64, digest_info: &nist_digest_info(4, 28) };
const SHA256: Row = Row { name: "SHA-256", len: 32, block_len: 64, digest_info: &nist_digest_info(1, 32) };
const SHA384: Row = Row { name: "SHA-384", len: 48, block_len: 128, digest_info: &nist_digest_info(2, 48) };
const SHA512: Row = Row { name: "SHA-512", len: 64, block_len: 128, digest_info: &nist_digest_info(3, 64) };
const SHA512_224: Row =
    Row { name: "SHA-512/224", len: 28, block_len: 128, digest_info: &nist_digest_info(5, 28) };
const SHA512_256: Row =
    Row { name: "SHA-512/256", len: 32, block_len: 128, digest_info: &nist_digest_info(6, 32) };
const SHA3_224: Row =
    Row { name: "SHA3-224", len: 28, block_len: 144, digest_info: &nist_digest_info(7, 28) };
const SHA3_256: Row =
    Row { name: "SHA3-256", len: 32, block_len: 136, digest_info: &nist_digest_info(8, 32) };
const SHA3_384: Row =
    Row { name: "SHA3-384", len: 48, block_len: 104, digest_info: &nist_digest_info(9, 48) };
const SHA3_512: Row =
    Row { name: "SHA3-512", len: 64, block_len: 72, digest_info: &nist_digest_info(10, 64) };
const MD5: Row = Row {
    name: "MD5",
    len: 16,
    block_len: 64,
    digest_info: &[
        0x30, 0x20, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05, 0x05, 0x00, 0x04,
        0x10,
    ],
};
const BLAKE2B_160: Row = Row { name: "BLAKE2b-160", len: 20, block_len: 128, digest_info: &[] };
const BLAKE2B_256: Row = Row { name: "BLAKE2b-256", len: 32, block_len: 128, digest_info: &[] };
const BLAKE2B_384: Row = Row { name: "BLAKE2b-384", len: 48, block_len: 128, digest_info: &[] };
const BLAKE2B_512: Row = Row { name: "BLAKE2b-512", len: 64, block_len: 128, digest_info: &[] };
const KECCAK_256: Row = Row { name: "Keccak-256", len: 32, block_len: 136, digest_info: &[] };
const BLAKE3: Row = Row { name: "BLAKE3", len: 32, block_len: 64, digest_info: &[] };

/// The DigestInfo prefix for 2.16.840.1.101.3.4.2.`arc` and a digest of `len` bytes.
const fn nist_digest_info(arc: u8, len: u8) -> [u8; 19] {
    [
        0x30,
        17 + len,
        0x30,
        0x0d,
        0x06,
        0x09,
        0x60,
        0x86,
        0x48,
        0x01,
        0x65,
        0x03,
        0x04,
        0x02,
        arc,
        0x05,
        0x00,
        0x04,
        len,
    ]
}

impl Hash {
    /// Every hash function.
    pub const ALL: [Hash; 18] = [
        Hash::Sha1,
        Hash::Sha224,
        Hash::Sha256,
        Hash::Sha384,
        Hash::Sha512,
        Hash::Sha512_224,
        Hash::Sha512_256,
        Hash::Sha3_224,
        Hash::Sha3_256,
        Hash::Sha3_384,
        Hash::Sha3_512,
        Hash::Md5,
        Hash::Blake2b160,
        Hash::Blake2b256,
        Hash::Blake2b384,
        Hash::Blake2b512,
        Hash::Keccak256,
        Hash::Blake3,
    ];

    const fn row(self) -> &'static Row {
        match self {
            Hash::Sha1 => &SHA1,
            Hash::Sha224 => &SHA224,
            Hash::Sha256 => &SHA256,
            Hash::Sha384 => &SHA384,
            Hash::Sha512 => &SHA512,
            Hash::Sha512_224 => &SHA512_224,
            Hash::Sha512_256 => &SHA512_256,
            Hash::Sha3_224 => &SHA3_224,
            Hash::Sha3_256 => &SHA3_256,
            Hash::Sha3_384 => &SHA3_384,
            Hash::Sha3_512 => &SHA3_512,
            Hash::Md5 => &MD5,
            Hash::Blake2b160 => &BLAKE2B_160,
            Hash::Blake2b256 => &BLAKE2B_256,
            Hash::Blake2b384 => &BLAKE2B_384,
            Hash::Blake2b512 => &BLAKE2B_512,
            Hash::Keccak256 => &KECCAK_256,
            Hash::Blake3 => &BLAKE3,
        }
    }

    /// The usual name, as "SHA-256".
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Length of a digest in bytes.
    #[allow(clippy::len_without_is_empty)]
    pub const fn len(self) -> usize {
        self.row().len
    }

    /// Length of an input block in bytes: where HMAC pads its key to.
    pub const fn block_len(self) -> usize {
        self.row().block_len
    }

    /// What precedes the digest in RFC 8017's DER DigestInfo, which PKCS#1 v1.5 signs. Empty for a hash that has no
    /// place there: BLAKE2b, BLAKE3 and Keccak.
    pub const fn digest_info_prefix(self) -> &'static [u8] {
        self.row().digest_info
    }
}

/// A digest or MAC, without a heap allocation: `Deref`s to as many bytes as the hash makes. Wiped when dropped,
/// because the digest of a secret is one.
#[derive(Clone)]
pub struct DigestValue {
    bytes: [u8; MAX_DIGEST_LEN],
    len: usize,
}

impl DigestValue {
    /// Copies a digest, cut at [`MAX_DIGEST_LEN`] bytes.
    pub fn new(digest: &[u8]) -> Self {
        let len = digest.len().min(MAX_DIGEST_LEN);
        let mut value = DigestValue { bytes: [0; MAX_DIGEST_LEN], len };
        if let (Some(to), Some(from)) = (value.bytes.get_mut(..len), digest.get(..len)) {
            to.copy_from_slice(from);
        }
        value
    }
}

impl std::ops::Deref for DigestValue {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl AsRef<[u8]> for DigestValue {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl std::fmt::Debug for DigestValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DigestValue({} bytes)", self.len)
    }
}

impl Drop for DigestValue {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}
