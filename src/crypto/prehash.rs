//! The hashes of the pre-hashed variants of ML-DSA (FIPS 204, section 5.4.1) and SLH-DSA (FIPS 205, section 10.2.2).

use super::{Digest, Hash};
use shake::{ExtendableOutput, Shake128, Shake256, Update, XofReader};

/// A hash that a pre-hashed signature names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say it
pub enum PreHash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512_224,
    Sha512_256,
    Sha3_224,
    Sha3_256,
    Sha3_384,
    Sha3_512,
    /// With an output of 256 bits.
    Shake128,
    /// With an output of 512 bits.
    Shake256,
}

impl PreHash {
    /// Every one.
    pub const ALL: [PreHash; 12] = [
        PreHash::Sha224,
        PreHash::Sha256,
        PreHash::Sha384,
        PreHash::Sha512,
        PreHash::Sha512_224,
        PreHash::Sha512_256,
        PreHash::Sha3_224,
        PreHash::Sha3_256,
        PreHash::Sha3_384,
        PreHash::Sha3_512,
        PreHash::Shake128,
        PreHash::Shake256,
    ];

    /// The last arc of its OID below 2.16.840.1.101.3.4.2, and the digest's bytes.
    const fn row(self) -> (u8, usize) {
        match self {
            PreHash::Sha224 => (4, 28),
            PreHash::Sha256 => (1, 32),
            PreHash::Sha384 => (2, 48),
            PreHash::Sha512 => (3, 64),
            PreHash::Sha512_224 => (5, 28),
            PreHash::Sha512_256 => (6, 32),
            PreHash::Sha3_224 => (7, 28),
            PreHash::Sha3_256 => (8, 32),
            PreHash::Sha3_384 => (9, 48),
            PreHash::Sha3_512 => (10, 64),
            PreHash::Shake128 => (11, 32),
            PreHash::Shake256 => (12, 64),
        }
    }

    /// Length of a digest in bytes.
    pub const fn digest_len(self) -> usize {
        self.row().1
    }

    /// The DER OBJECT IDENTIFIER, tag and length included.
    pub(super) const fn oid_der(self) -> [u8; 11] {
        [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, self.row().0]
    }
}

/// A pre-hash over a message in parts.
pub struct PreHashing(Box<dyn Running>);

trait Running: Send {
    fn update(&mut self, part: &[u8]);
    fn value(&mut self) -> Vec<u8>;
}

impl Running for Digest {
    fn update(&mut self, part: &[u8]) {
        Digest::update(self, part);
    }
    fn value(&mut self) -> Vec<u8> {
        Digest::value(self).to_vec()
    }
}

/// A function of any length, and the length that is taken.
struct Xof<X>(X, usize);

impl<X: Update + ExtendableOutput + Clone + Send> Running for Xof<X> {
    fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }
    fn value(&mut self) -> Vec<u8> {
        let mut value = vec![0; self.1];
        self.0.clone().finalize_xof().read(&mut value);
        value
    }
}

impl PreHashing {
    /// Over nothing yet.
    pub fn new(hash: PreHash) -> PreHashing {
        let len = hash.digest_len();
        PreHashing(match hash {
            PreHash::Sha224 => Box::new(Digest::new(Hash::Sha224)),
            PreHash::Sha256 => Box::new(Digest::new(Hash::Sha256)),
            PreHash::Sha384 => Box::new(Digest::new(Hash::Sha384)),
            PreHash::Sha512 => Box::new(Digest::new(Hash::Sha512)),
            PreHash::Sha512_224 => Box::new(Digest::new(Hash::Sha512_224)),
            PreHash::Sha512_256 => Box::new(Digest::new(Hash::Sha512_256)),
            PreHash::Sha3_224 => Box::new(Digest::new(Hash::Sha3_224)),
            PreHash::Sha3_256 => Box::new(Digest::new(Hash::Sha3_256)),
            PreHash::Sha3_384 => Box::new(Digest::new(Hash::Sha3_384)),
            PreHash::Sha3_512 => Box::new(Digest::new(Hash::Sha3_512)),
            PreHash::Shake128 => Box::new(Xof(Shake128::default(), len)),
            PreHash::Shake256 => Box::new(Xof(Shake256::default(), len)),
        })
    }

    /// A part of the message.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// The digest of all parts.
    pub fn value(&mut self) -> Vec<u8> {
        self.0.value()
    }
}
