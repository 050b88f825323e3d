//! The curves of the device's keys.

use ed25519_dalek::{Signer, Verifier};
use libc::{c_int, c_uint};

use crate::files::Answer;

/// ZK_EC_KEY_TYPE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    P256,
    Secp256k1,
    Ed25519,
    X25519,
}

const KINDS: [(c_uint, &str, Kind); 4] = [
    (0, "p256", Kind::P256),
    (1, "secp256k1", Kind::Secp256k1),
    (2, "ed25519", Kind::Ed25519),
    (3, "x25519", Kind::X25519),
];

impl Kind {
    pub fn from_number(number: c_uint) -> Answer<Kind> {
        KINDS.iter().find(|(of, _, _)| *of == number).map(|(_, _, kind)| *kind).ok_or(libc::EINVAL)
    }

    pub fn from_name(name: &str) -> Answer<Kind> {
        KINDS.iter().find(|(_, of, _)| *of == name).map(|(_, _, kind)| *kind).ok_or(libc::EIO)
    }

    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(_, _, kind)| *kind == self).map_or("", |(_, name, _)| name)
    }

    /// A public key as it comes from a host, in the form of [`public`].
    pub fn check_public(self, bytes: &[u8]) -> Answer<Vec<u8>> {
        let bytes = match (self, bytes) {
            (Kind::P256 | Kind::Secp256k1, [4, point @ ..]) if point.len() == 64 => point,
            (_, bytes) => bytes,
        };
        let valid = match self {
            Kind::P256 => p256::PublicKey::from_sec1_bytes(&uncompressed(bytes)).is_ok(),
            Kind::Secp256k1 => k256::PublicKey::from_sec1_bytes(&uncompressed(bytes)).is_ok(),
            Kind::Ed25519 => ed25519(bytes).is_ok(),
            Kind::X25519 => bytes.len() == 32,
        };
        if valid { Ok(bytes.to_vec()) } else { Err(libc::EINVAL) }
    }
}

/// The point with the byte that SEC 1 puts before it.
fn uncompressed(point: &[u8]) -> Vec<u8> {
    [&[4], point].concat()
}

fn p256_key(private: &[u8]) -> Answer<p256::ecdsa::SigningKey> {
    p256::ecdsa::SigningKey::from_slice(private).map_err(|_| libc::EINVAL)
}

fn k256_key(private: &[u8]) -> Answer<k256::ecdsa::SigningKey> {
    k256::ecdsa::SigningKey::from_slice(private).map_err(|_| libc::EINVAL)
}

fn thirty_two(bytes: &[u8]) -> Answer<[u8; 32]> {
    bytes.try_into().map_err(|_| libc::EINVAL)
}

fn ed25519(public: &[u8]) -> Answer<ed25519_dalek::VerifyingKey> {
    ed25519_dalek::VerifyingKey::from_bytes(&thirty_two(public)?).map_err(|_| libc::EINVAL)
}

/// A new private key: 32 bytes on every curve.
pub fn generate(kind: Kind) -> Answer<Vec<u8>> {
    loop {
        let mut private = vec![0; 32];
        getrandom::fill(&mut private).map_err(|_| libc::EIO)?;
        // Nearly every number is a key.
        if public(kind, &private).is_ok() {
            return Ok(private);
        }
    }
}

/// The public key: x ‖ y, or 32 bytes.
pub fn public(kind: Kind, private: &[u8]) -> Answer<Vec<u8>> {
    Ok(match kind {
        Kind::P256 => p256_key(private)?.verifying_key().to_sec1_point(false).as_bytes()[1..].to_vec(),
        Kind::Secp256k1 => k256_key(private)?.verifying_key().to_sec1_point(false).as_bytes()[1..].to_vec(),
        Kind::Ed25519 => {
            ed25519_dalek::SigningKey::from_bytes(&thirty_two(private)?).verifying_key().to_bytes().to_vec()
        }
        Kind::X25519 => {
            let secret = x25519_dalek::StaticSecret::from(thirty_two(private)?);
            x25519_dalek::PublicKey::from(&secret).to_bytes().to_vec()
        }
    })
}

/// The signature, r ‖ s, and the number that recovers the key from it. Ed25519 signs the digest as a message.
pub fn sign(kind: Kind, private: &[u8], digest: &[u8; 32]) -> Answer<(Vec<u8>, u8)> {
    match kind {
        Kind::P256 => {
            let (signature, id) = p256_key(private)?.sign_prehash_recoverable(digest);
            Ok((signature.to_bytes().to_vec(), id.to_byte()))
        }
        Kind::Secp256k1 => {
            let (signature, id) = k256_key(private)?.sign_prehash_recoverable(digest);
            Ok((signature.to_bytes().to_vec(), id.to_byte()))
        }
        Kind::Ed25519 => {
            let key = ed25519_dalek::SigningKey::from_bytes(&thirty_two(private)?);
            Ok((key.sign(digest).to_bytes().to_vec(), 0))
        }
        Kind::X25519 => Err(libc::EINVAL),
    }
}

/// 1: valid. 0: not.
pub fn verify(kind: Kind, public: &[u8], digest: &[u8; 32], signature: &[u8]) -> Answer<c_int> {
    use p256::ecdsa::signature::hazmat::PrehashVerifier;
    if signature.len() != 64 {
        return Err(libc::EINVAL);
    }
    let valid = match kind {
        Kind::P256 => {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&uncompressed(public));
            let key = key.map_err(|_| libc::EINVAL)?;
            p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|s| key.verify_prehash(digest, &s).is_ok())
        }
        Kind::Secp256k1 => {
            let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(&uncompressed(public));
            let key = key.map_err(|_| libc::EINVAL)?;
            // The crate takes the lower of the two values of s only.
            let signature = k256::ecdsa::Signature::from_slice(signature).map(|s| s.normalize_s());
            signature.is_ok_and(|s| key.verify_prehash(digest, &s).is_ok())
        }
        Kind::Ed25519 => {
            let key = ed25519(public)?;
            let signature = ed25519_dalek::Signature::from_slice(signature);
            signature.is_ok_and(|s| key.verify(digest, &s).is_ok())
        }
        Kind::X25519 => return Err(libc::EINVAL),
    };
    Ok(c_int::from(valid))
}

/// The raw shared secret: x, or X25519's result.
pub fn agree(kind: Kind, private: &[u8], peer: &[u8]) -> Answer<Vec<u8>> {
    let peer = kind.check_public(peer)?;
    Ok(match kind {
        Kind::P256 => {
            let peer = p256::PublicKey::from_sec1_bytes(&uncompressed(&peer)).map_err(|_| libc::EINVAL)?;
            let secret = p256::SecretKey::from_slice(private).map_err(|_| libc::EINVAL)?;
            let shared = p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), peer.as_affine());
            shared.raw_secret_bytes().to_vec()
        }
        Kind::Secp256k1 => {
            let peer = k256::PublicKey::from_sec1_bytes(&uncompressed(&peer)).map_err(|_| libc::EINVAL)?;
            let secret = k256::SecretKey::from_slice(private).map_err(|_| libc::EINVAL)?;
            let shared = k256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), peer.as_affine());
            shared.raw_secret_bytes().to_vec()
        }
        Kind::X25519 => {
            let secret = x25519_dalek::StaticSecret::from(thirty_two(private)?);
            let shared = secret.diffie_hellman(&x25519_dalek::PublicKey::from(thirty_two(&peer)?));
            if !shared.was_contributory() {
                return Err(libc::EINVAL);
            }
            shared.to_bytes().to_vec()
        }
        Kind::Ed25519 => return Err(libc::EINVAL),
    })
}
