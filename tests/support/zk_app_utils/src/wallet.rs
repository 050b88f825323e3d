//! Wallets: BIP-32 over secp256k1, and its form for the other curves (SLIP-10); recovery sentences of BIP-39.

use bip0039::{English, Mnemonic};
use hmac::{Hmac, KeyInit, Mac};
use k256::elliptic_curve::ops::Add;
use libc::c_int;
use sha2::Sha512;

use crate::call::Call;
use crate::curve::Kind;
use crate::files::Answer;
use crate::slots::{self, Key, Node};

const HARDENED: u32 = 1 << 31;

/// A new wallet's name and curve.
pub struct Naming {
    pub kind: Kind,
    pub variant: String,
    pub wallet: String,
    pub generator: Vec<u8>,
}

impl Naming {
    fn check(&self, call: &Call) -> Answer<()> {
        call.needs_rich()?;
        // Cardano's derivation is not simulated.
        if !self.variant.is_empty() || self.kind == Kind::X25519 {
            return Err(if self.variant == "cardano" { libc::ENOSYS } else { libc::EINVAL });
        }
        if self.wallet.is_empty() || self.wallet.len() > 128 || !self.wallet.is_ascii() {
            return Err(libc::EINVAL);
        }
        match find(call, "m", |node| node.wallet == self.wallet) {
            Ok(_) => Err(libc::EEXIST),
            Err(_) => Ok(()),
        }
    }
}

/// A wallet from fresh entropy; with the recovery sentence of BIP-39 if one is wanted.
pub fn generate(
    call: &Call,
    naming: &Naming,
    passphrase: &str,
    sentence: bool,
) -> Answer<(c_int, Option<String>)> {
    naming.check(call)?;
    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy).map_err(|_| libc::EIO)?;
    if !sentence {
        return Ok((plant(call, naming, &entropy)?, None));
    }
    let mnemonic = Mnemonic::<English>::from_entropy(entropy).map_err(|_| libc::EIO)?;
    let slot = plant(call, naming, &mnemonic.to_seed(passphrase))?;
    Ok((slot, Some(mnemonic.phrase().to_owned())))
}

/// The wallet of a recovery sentence.
pub fn restore(call: &Call, naming: &Naming, passphrase: &str, sentence: &str) -> Answer {
    naming.check(call)?;
    let mnemonic = Mnemonic::<English>::from_phrase(sentence).map_err(|_| libc::EINVAL)?;
    plant(call, naming, &mnemonic.to_seed(passphrase))
}

fn plant(call: &Call, naming: &Naming, seed: &[u8]) -> Answer {
    // What a device makes of its "master generator key" is not published.
    let mixed = hmac(&naming.generator, &[seed]);
    let seed = if naming.generator.is_empty() { seed } else { &mixed[..] };
    let (private, chain_code) = master(naming.kind, seed)?;
    let mut key = Key::pair(naming.kind, private)?;
    let slot = slots::free(call, false)?;
    let (wallet, address) = (naming.wallet.clone(), "m".to_owned());
    key.wallet = Some(Node { wallet, address, master: slot, chain_code });
    slots::put(call, slot, false, &key)?;
    Ok(slot)
}

/// A child of a wallet's key; its slot and chain code.
pub fn child(call: &Call, parent: c_int, index: u32, hardened: bool) -> Answer<(c_int, Vec<u8>)> {
    call.needs_rich()?;
    let key = slots::get(call, parent, false)?;
    let node = key.wallet.as_ref().ok_or(libc::EINVAL)?;
    if index >= HARDENED {
        return Err(libc::EINVAL);
    }
    let number = if hardened { index | HARDENED } else { index };
    let (private, chain_code) = derive(key.kind, &key.private, &node.chain_code, number)?;
    let address = format!("{}/{index}{}", node.address, if hardened { "'" } else { "" });
    if find(call, &address, |other| other.master == node.master).is_ok() {
        return Err(libc::EEXIST);
    }
    let mut child = Key::pair(key.kind, private)?;
    child.wallet = Some(Node { address, chain_code: chain_code.clone(), ..node.clone() });
    Ok((slots::add(call, false, &child)?, chain_code))
}

/// The slot at an address of the wallet that fits; -ENOENT where there is none.
pub fn find(call: &Call, address: &str, fits: impl Fn(&Node) -> bool) -> Answer {
    // Both ways to write a hardened index.
    let address = address.replace(['h', 'H'], "'");
    let at = |slot: &c_int| {
        let node = slots::get(call, *slot, false).ok().and_then(|key| key.wallet);
        node.is_some_and(|node| node.address == address && fits(&node))
    };
    slots::list(call, false).into_iter().find(at).ok_or(libc::ENOENT)
}

/// The master key and chain code of a seed.
fn master(kind: Kind, seed: &[u8]) -> Answer<(Vec<u8>, Vec<u8>)> {
    let label: &[u8] = match kind {
        Kind::Secp256k1 => b"Bitcoin seed",
        Kind::P256 => b"Nist256p1 seed",
        Kind::Ed25519 => b"ed25519 seed",
        Kind::X25519 => return Err(libc::EINVAL),
    };
    let mut image = hmac(label, &[seed]);
    // No key, one time in 2^127: SLIP-10 hashes again, BIP-32 gives up.
    while kind != Kind::Ed25519 && Key::pair(kind, image[..32].to_vec()).is_err() {
        image = hmac(label, &[&image]);
    }
    Ok((image[..32].to_vec(), image[32..].to_vec()))
}

/// CKDpriv of BIP-32.
fn derive(kind: Kind, private: &[u8], chain_code: &[u8], number: u32) -> Answer<(Vec<u8>, Vec<u8>)> {
    let index = number.to_be_bytes();
    let image = if number >= HARDENED {
        hmac(chain_code, &[&[0], private, &index])
    } else if kind == Kind::Ed25519 {
        return Err(libc::EINVAL);
    } else {
        let public = crate::curve::public(kind, private)?;
        hmac(chain_code, &[&compressed(&public), &index])
    };
    let (left, right) = image.split_at(32);
    let child = match kind {
        Kind::Secp256k1 => {
            let scalar = |bytes: &[u8]| k256::SecretKey::from_slice(bytes).map_err(|_| libc::EIO);
            let sum = (*scalar(left)?.to_nonzero_scalar()).add(*scalar(private)?.to_nonzero_scalar());
            sum.to_bytes().to_vec()
        }
        Kind::P256 => {
            let scalar = |bytes: &[u8]| p256::SecretKey::from_slice(bytes).map_err(|_| libc::EIO);
            let sum = (*scalar(left)?.to_nonzero_scalar()).add(*scalar(private)?.to_nonzero_scalar());
            sum.to_bytes().to_vec()
        }
        Kind::Ed25519 => left.to_vec(),
        Kind::X25519 => return Err(libc::EINVAL),
    };
    Ok((child, right.to_vec()))
}

/// x, after the byte that tells y's parity.
fn compressed(point: &[u8]) -> Vec<u8> {
    let parity = 2 + (point.last().copied().unwrap_or(0) & 1);
    [&[parity], &point[..32]].concat()
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha512>::new_from_slice(key) else { return Vec::new() };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{hex, unhex};

    /// BIP-32's first test vector: m, m/0', m/0'/1.
    #[test]
    fn bip32() {
        let (key, chain) = master(Kind::Secp256k1, &unhex("000102030405060708090a0b0c0d0e0f")).unwrap();
        assert_eq!(hex(&key), "e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35");
        assert_eq!(hex(&chain), "873dff81c02f525623fd1fe5167eac3a55a049de3d314bb42ee227ffed37d508");
        let (key, chain) = derive(Kind::Secp256k1, &key, &chain, HARDENED).unwrap();
        assert_eq!(hex(&key), "edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea");
        let (key, _) = derive(Kind::Secp256k1, &key, &chain, 1).unwrap();
        assert_eq!(hex(&key), "3c6cb8d0f6a264c91ea8b5030fadaa8e538b020f0a387421a12de9319dc93368");
    }

    /// SLIP-10's first vectors for P-256 and Ed25519: m/0'.
    #[test]
    fn slip10() {
        let seed = unhex("000102030405060708090a0b0c0d0e0f");
        for (kind, child) in [
            (Kind::P256, "6939694369114c67917a182c59ddb8cafc3004e63ca5d3b84403ba8613debc0c"),
            (Kind::Ed25519, "68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3"),
        ] {
            let (key, chain) = master(kind, &seed).unwrap();
            assert_eq!(hex(&derive(kind, &key, &chain, HARDENED).unwrap().0), child);
        }
    }
}
