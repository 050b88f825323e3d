//! What is measured on the modules and on the bare library alike: signatures and bulk work.

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Object, Rv, Session};

use crate::shown::float;

/// A key type with the mechanism that signs a message of 32 bytes: a digest for ECDSA, the message itself elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Signature {
    P256,
    P384,
    P521,
    Rsa2048,
    Rsa3072,
    Rsa4096,
    Ed25519,
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

impl Signature {
    /// The mechanism, which takes no parameter.
    pub fn mechanism(self) -> CK_MECHANISM {
        let mechanism = match self {
            Self::P256 | Self::P384 | Self::P521 => CKM_ECDSA,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => CKM_SHA256_RSA_PKCS,
            Self::Ed25519 => CKM_EDDSA,
            Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => CKM_ML_DSA,
        };
        CK_MECHANISM { mechanism, pParameter: std::ptr::null_mut(), ulParameterLen: 0 }
    }

    /// A durable pair of this type: the public key, the private key.
    pub fn pair(self, session: &Session) -> Result<(Object, Object), Rv> {
        let rsa =
            |bits| vec![Attr::ulong(CKA_MODULUS_BITS, bits), Attr::bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1])];
        let curve = |der: &[u8]| vec![Attr::bytes(CKA_EC_PARAMS, der)];
        let set = |number| vec![Attr::ulong(CKA_PARAMETER_SET, number)];
        let (generation, public) = match self {
            Self::P256 => (CKM_EC_KEY_PAIR_GEN, curve(P256)),
            Self::P384 => (CKM_EC_KEY_PAIR_GEN, curve(b"\x06\x05\x2b\x81\x04\x00\x22")),
            Self::P521 => (CKM_EC_KEY_PAIR_GEN, curve(b"\x06\x05\x2b\x81\x04\x00\x23")),
            Self::Rsa2048 => (CKM_RSA_PKCS_KEY_PAIR_GEN, rsa(2048)),
            Self::Rsa3072 => (CKM_RSA_PKCS_KEY_PAIR_GEN, rsa(3072)),
            Self::Rsa4096 => (CKM_RSA_PKCS_KEY_PAIR_GEN, rsa(4096)),
            Self::Ed25519 => (CKM_EC_EDWARDS_KEY_PAIR_GEN, curve(b"\x13\x0cedwards25519")),
            Self::MlDsa44 => (CKM_ML_DSA_KEY_PAIR_GEN, set(CKP_ML_DSA_44)),
            Self::MlDsa65 => (CKM_ML_DSA_KEY_PAIR_GEN, set(CKP_ML_DSA_65)),
            Self::MlDsa87 => (CKM_ML_DSA_KEY_PAIR_GEN, set(CKP_ML_DSA_87)),
        };
        pair(session, generation, public, &[Attr::token(true)])
    }
}

/// Room for every signature here.
pub const SIGNATURE_ROOM: usize = 8192;

/// What is signed: 32 bytes, other ones each time. How often an ML-DSA signature is begun anew depends on the message;
/// over many messages every key costs the same.
#[derive(Clone, Default)]
pub struct Message {
    bytes: [u8; 32],
    number: u64,
}

impl Message {
    /// The next message.
    pub fn next(&mut self) -> &[u8; 32] {
        self.number += 1;
        let (head, _) = self.bytes.split_at_mut(8);
        head.copy_from_slice(&self.number.to_le_bytes());
        &self.bytes
    }
}

/// P-256's CKA_EC_PARAMS.
pub const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// A key pair that signs and verifies, `common` in both halves.
pub fn pair(
    session: &Session,
    generation: CK_MECHANISM_TYPE,
    mut public: Vec<Attr>,
    common: &[Attr],
) -> Result<(Object, Object), Rv> {
    public.extend_from_slice(common);
    public.push(Attr::bool(CKA_VERIFY, true));
    let mut private = common.to_vec();
    private.extend([Attr::private(true), Attr::bool(CKA_SIGN, true)]);
    session.generate_pair(&Mech::new(generation), &public, &private)
}

/// Work on many bytes, with the key set up for each message, as C_*Init does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Bulk {
    AesGcm,
    AesCbc,
    Sha256,
    HmacSha256,
}

impl Bulk {
    /// The mechanism, with a nonce or IV where it takes one.
    pub fn mechanism(self) -> Mech {
        match self {
            Self::AesGcm => Mech::gcm(&[7; 12], b"", 128),
            Self::AesCbc => Mech::bytes(CKM_AES_CBC, &[7; 16]),
            Self::Sha256 => Mech::new(CKM_SHA256),
            Self::HmacSha256 => Mech::new(CKM_SHA256_HMAC),
        }
    }

    /// A session key of 32 bytes for it; none where it takes none.
    pub fn key(self, session: &Session) -> Result<Option<Object>, Rv> {
        let make = |generation, usage| {
            let template = [Attr::value_len(32), Attr::bool(usage, true)];
            session.generate_key(&Mech::new(generation), &template).map(Some)
        };
        match self {
            Self::AesGcm | Self::AesCbc => make(CKM_AES_KEY_GEN, CKA_ENCRYPT),
            Self::HmacSha256 => make(CKM_GENERIC_SECRET_KEY_GEN, CKA_SIGN),
            Self::Sha256 => Ok(None),
        }
    }

    /// The most bytes that the result has for `len` bytes of input.
    pub const fn room(self, len: usize) -> usize {
        match self {
            Self::AesGcm => len + 16,
            Self::AesCbc => len,
            Self::Sha256 | Self::HmacSha256 => 32,
        }
    }
}

/// Megabytes per second, from the microseconds that `len` bytes take.
pub fn throughput(len: usize, micros: f64) -> f64 {
    float(len) / micros
}
