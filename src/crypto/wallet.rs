//! Keys of hierarchical deterministic wallets: BIP-32 on secp256k1, SLIP-10 on Ed25519.
//!
//! A key and its chain code are a node; every node has 2^32 children. A hardened child follows from the private key,
//! another one from the public key, so that whoever knows such a child's private key, and its parent's public key and
//! chain code, knows the parent's private key.

use super::{Curve, EcPrivate, EcPublic, Ed25519Private, Error, Hash, Hmac, PrivateKey, Result};
use crate::types::SecretBytes;
use zeroize::Zeroizing;

/// Children from this number on are hardened.
const HARDENED: u32 = 1 << 31;

/// The curves that wallets have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalletCurve {
    /// BIP-32.
    Secp256k1,
    /// SLIP-10.
    Ed25519,
}

/// A private key of a wallet, with its chain code.
#[derive(Debug, Clone)]
pub struct WalletKey {
    key: PrivateKey,
    chain_code: SecretBytes,
}

impl WalletKey {
    /// Length of a chain code in bytes.
    pub const CHAIN_CODE_LEN: usize = 32;
    /// A seed's least length in bytes.
    pub const MIN_SEED_LEN: usize = 16;
    /// A seed's greatest length in bytes.
    pub const MAX_SEED_LEN: usize = 64;

    /// From its parts. [`Error::Key`] for a key on another curve, or a chain code of another length than 32 bytes.
    pub fn new(key: PrivateKey, chain_code: &[u8]) -> Result<WalletKey> {
        if chain_code.len() != WalletKey::CHAIN_CODE_LEN {
            return Err(Error::Key("a chain code has 32 bytes"));
        }
        match &key {
            PrivateKey::Ec(ec) if ec.curve() == Curve::Secp256k1 => {}
            PrivateKey::Ed25519(_) => {}
            _ => return Err(Error::Key("wallets have keys on secp256k1 and Ed25519")),
        }
        Ok(WalletKey { key, chain_code: SecretBytes::from(chain_code) })
    }

    /// The master key that follows from a seed of 16 to 64 bytes ([`Error::KeySize`] otherwise). One seed among 2^127
    /// has none on secp256k1: [`Error::Key`].
    pub fn master(curve: WalletCurve, seed: &[u8]) -> Result<WalletKey> {
        if !(WalletKey::MIN_SEED_LEN..=WalletKey::MAX_SEED_LEN).contains(&seed.len()) {
            return Err(Error::KeySize("a wallet's seed has 16 to 64 bytes"));
        }
        match curve {
            WalletCurve::Secp256k1 => Halves::new(b"Bitcoin seed", &[seed])?
                .node(|left| EcPrivate::from_scalar(Curve::Secp256k1, left).map(PrivateKey::Ec)),
            WalletCurve::Ed25519 => Halves::new(b"ed25519 seed", &[seed])?
                .node(|left| Ed25519Private::from_seed(left).map(PrivateKey::Ed25519)),
        }
    }

    /// The child of this number, below 2^31. [`Error::Param`] for a child of Ed25519 that is not hardened: there is
    /// none. One number among 2^127 has no child on secp256k1: [`Error::Key`]; the next one has.
    pub fn child(&self, index: u32, hardened: bool) -> Result<WalletKey> {
        if index >= HARDENED {
            return Err(Error::Param("the number of a child is below 2^31"));
        }
        let number = if hardened { index | HARDENED } else { index }.to_be_bytes();
        match (&self.key, hardened) {
            (PrivateKey::Ec(key), true) => self.halves(&[&[0], &key.scalar(), &number])?.added_to(key),
            (PrivateKey::Ec(key), false) => {
                self.halves(&[&compressed(&key.public())?, &number])?.added_to(key)
            }
            (PrivateKey::Ed25519(key), true) => self
                .halves(&[&[0], &key.seed(), &number])?
                .node(|left| Ed25519Private::from_seed(left).map(PrivateKey::Ed25519)),
            _ => Err(Error::Param("SLIP-10: Ed25519 has hardened children only")),
        }
    }

    /// The private key.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// The chain code, 32 bytes.
    pub fn chain_code(&self) -> &SecretBytes {
        &self.chain_code
    }

    fn halves(&self, parts: &[&[u8]]) -> Result<Halves> {
        Halves::new(&self.chain_code, parts)
    }
}

/// HMAC-SHA-512: the left half makes the key, the right one is the chain code.
struct Halves(Zeroizing<[u8; 64]>);

impl Halves {
    fn new(key: &[u8], parts: &[&[u8]]) -> Result<Halves> {
        let mut mac = Hmac::new(Hash::Sha512, key)?;
        for part in parts {
            mac.update(part)?;
        }
        let mut halves = Zeroizing::new([0; 64]);
        mac.finish(&mut *halves)?;
        Ok(Halves(halves))
    }

    fn node(&self, key: impl FnOnce(&[u8]) -> Result<PrivateKey>) -> Result<WalletKey> {
        let (left, right) = self.0.split_at(32);
        WalletKey::new(key(left)?, right)
    }

    /// BIP-32's child: the left half and the parent's scalar, added modulo the order.
    fn added_to(&self, parent: &EcPrivate) -> Result<WalletKey> {
        self.node(|left| parent.plus(left).map(PrivateKey::Ec))
    }
}

/// The compressed SEC 1 point.
fn compressed(key: &EcPublic) -> Result<Vec<u8>> {
    const SHORT: Error = Error::Internal("EC point");
    let point = key.point();
    let x = point.get(1..=key.curve().field_len()).ok_or(SHORT)?;
    let sign = 2 | (point.last().ok_or(SHORT)? & 1);
    Ok([&[sign], x].concat())
}
