//! Wallets: BIP-32, SLIP-10, BIP-39.

use super::super::*;
use super::hex;
use crate::types::SecretBytes;

/// The test vectors 1 to 4 of BIP-32, by line: the seed, a path, the extended private key of that path.
const BIP_32: &str = include_str!("data/bip32.txt");
/// The test vectors 1 and 2 of SLIP-10 for Ed25519, by line: the seed, a path, the chain code, the private key.
const SLIP_10: &str = include_str!("data/slip10_ed25519.txt");
/// Trezor's test vectors of BIP-39 with the passphrase "TREZOR", by line: the entropy, the seed, the extended private
/// key that BIP-32 makes of it, the sentence.
const BIP_39: &str = include_str!("data/bip39.txt");

/// The private key and the chain code of an extended private key, whose checksum must be right.
fn extended(text: &str) -> (Vec<u8>, Vec<u8>) {
    const DIGITS: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0u8; 82];
    for digit in text.chars() {
        let mut carry = DIGITS.find(digit).unwrap();
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = (carry & 0xff).try_into().unwrap();
            carry >>= 8;
        }
        assert_eq!(carry, 0);
    }
    let (body, checksum) = bytes.split_at(78);
    assert_eq!(digest(Hash::Sha256, &digest(Hash::Sha256, body))[..4], *checksum);
    assert_eq!(body[45], 0, "a private key");
    (body[46..].to_vec(), body[13..45].to_vec())
}

fn at(curve: WalletCurve, seed: &str, path: &str) -> Result<WalletKey> {
    let mut steps = path.split('/');
    assert_eq!(steps.next(), Some("m"));
    steps.try_fold(WalletKey::master(curve, &hex(seed))?, |parent, step| {
        let index = step.trim_end_matches('\'');
        parent.child(index.parse().unwrap(), index != step)
    })
}

fn parts(key: &WalletKey) -> (Vec<u8>, Vec<u8>) {
    let value = match key.key() {
        PrivateKey::Ec(key) => key.scalar(),
        PrivateKey::Ed25519(key) => key.seed(),
        other => panic!("{other:?}"),
    };
    (value.to_vec(), key.chain_code().to_vec())
}

#[test]
fn bip_32_vectors() {
    assert_eq!(BIP_32.lines().count(), 17);
    for line in BIP_32.lines() {
        let [seed, path, key] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(parts(&at(WalletCurve::Secp256k1, seed, path).unwrap()), extended(key), "{path}");
    }
}

#[test]
fn slip_10_vectors() {
    assert_eq!(SLIP_10.lines().count(), 12);
    for line in SLIP_10.lines() {
        let [seed, path, chain_code, key] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(
            parts(&at(WalletCurve::Ed25519, seed, path).unwrap()),
            (hex(key), hex(chain_code)),
            "{path}"
        );
    }
}

#[test]
fn bip_39_vectors() {
    assert_eq!(BIP_39.lines().count(), 24);
    for line in BIP_39.lines() {
        let [entropy, seed, key, sentence] = line.splitn(4, ' ').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(recovery_sentence(&hex(entropy)).unwrap()[..], *sentence.as_bytes());
        assert_eq!(wallet_seed(sentence.as_bytes(), b"TREZOR").unwrap()[..], hex(seed));
        assert_eq!(parts(&at(WalletCurve::Secp256k1, seed, "m").unwrap()), extended(key));
    }
}

const SENTENCE: &str =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

/// Against Python's unicodedata and hashlib.
#[test]
fn a_passphrase_is_normalized() {
    let expected = hex(
        "ba553eedefe76e67e2602dc20184c564010859faada929a090dd2c57aacb204ceefd15404ab50ef3e8dbeae5195aeae64b0def4d2eead1cdc728a33ced520ffd",
    );
    let seed = |sentence: &str| wallet_seed(sentence.as_bytes(), "㍍ガバヴァぱばぐゞちぢ十人十色".as_bytes());
    assert_eq!(seed(SENTENCE).unwrap()[..], expected);
    assert_eq!(seed(&format!(" {}\n", SENTENCE.replace(' ', " \t"))).unwrap()[..], expected, "white space");
}

#[test]
fn sentences_and_entropies_that_are_none() {
    let refused = |sentence: &[u8], passphrase: &[u8]| match wallet_seed(sentence, passphrase) {
        Err(Error::Param(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(refused(SENTENCE.replace("about", "abandon").as_bytes(), b"").contains("checksum"));
    assert!(refused(SENTENCE.replace("about", "abouts").as_bytes(), b"").contains("not in the English list"));
    assert!(refused(SENTENCE.replace("about", "ABOUT").as_bytes(), b"").contains("not in the English list"));
    assert!(refused(SENTENCE.replace(" about", "").as_bytes(), b"").contains("12, 15, 18"));
    assert!(refused(b"", b"").contains("12, 15, 18"));
    assert!(refused(&[0xff; 20], b"").contains("English"));
    assert!(refused("aperçu ".repeat(12).as_bytes(), b"").contains("English"));
    assert!(refused(SENTENCE.as_bytes(), &[0xff]).contains("UTF-8"));
    for len in [0, 15, 17, 33, 64] {
        assert!(matches!(recovery_sentence(&vec![1; len]), Err(Error::Param(_))), "{len}");
    }
}

#[test]
fn nodes_that_are_none() {
    for len in [0, 15, 65] {
        for curve in [WalletCurve::Secp256k1, WalletCurve::Ed25519] {
            assert!(matches!(WalletKey::master(curve, &vec![1; len]), Err(Error::KeySize(_))), "{len}");
        }
    }
    let seed = "00".repeat(16);
    assert!(matches!(at(WalletCurve::Ed25519, &seed, "m/0"), Err(Error::Param(_))), "not hardened");
    assert!(matches!(at(WalletCurve::Secp256k1, &seed, "m/2147483648"), Err(Error::Param(_))));
    let p256 = PrivateKey::Ec(EcPrivate::generate(Curve::P256).unwrap());
    assert!(matches!(WalletKey::new(p256, &[0; 32]), Err(Error::Key(_))));
    let ed25519 = PrivateKey::Ed25519(Ed25519Private::generate().unwrap());
    assert!(matches!(WalletKey::new(ed25519, &[0; 31]), Err(Error::Key(_))));
}

/// Scalars around the order of secp256k1.
#[test]
fn addition_modulo_the_order() {
    let order = hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    let number = |n: u8| [&[0; 31][..], &[n]].concat();
    let below = |n: u8| [&order[..31], &[order[31] - n]].concat();
    let key = |scalar: &[u8]| EcPrivate::from_scalar(Curve::Secp256k1, scalar).unwrap();
    let sum = |scalar: &[u8], number: &[u8]| key(scalar).plus(number).map(|key| key.scalar());
    assert_eq!(sum(&number(2), &number(3)).unwrap(), SecretBytes::from(number(5)));
    assert_eq!(sum(&number(2), &number(0)).unwrap(), SecretBytes::from(number(2)));
    assert_eq!(sum(&below(1), &number(3)).unwrap(), SecretBytes::from(number(2)));
    assert_eq!(sum(&below(1), &below(1)).unwrap(), SecretBytes::from(below(2)));
    assert!(matches!(sum(&below(3), &number(3)), Err(Error::Key(_))), "0");
    assert!(matches!(sum(&number(1), &order), Err(Error::Key(_))));
    assert!(matches!(sum(&number(1), &[0xff; 32]), Err(Error::Key(_))));
}
