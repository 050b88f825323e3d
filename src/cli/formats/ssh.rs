//! OpenSSH's formats: private keys, encrypted or not, and public keys as lines of authorized_keys.

use ssh_key::authorized_keys::Entry;
use ssh_key::private::{
    EcdsaKeypair, EcdsaPrivateKey, Ed25519Keypair, Ed25519PrivateKey, KeypairData, RsaKeypair, RsaPrivateKey,
};
use ssh_key::public::{EcdsaPublicKey, Ed25519PublicKey, KeyData, RsaPublicKey};
use ssh_key::sec1::EncodedPoint;
use ssh_key::{Cipher, Kdf, LineEnding, Mpint};

use super::{Item, Material, Passphrase, Refused, Result};
use crate::crypto::{
    self, Curve, EcPrivate, EcPublic, Ed25519Private, Ed25519Public, PrivateKey, PublicKey, RsaComponents,
    RsaPrivate, RsaPublic,
};
use crate::types::SecretBytes;

/// bcrypt's rounds for what is written: four times ssh-keygen's own number.
const ROUNDS: u32 = 64;
/// What a file may cost to open; `ssh-keygen -a 1000` is taken.
const MAX_ROUNDS: u32 = 10_000;

/// How the type of a public key begins.
const TYPES: &[&str] = &["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"];

/// True for a text with a line that is a public key, or options and a public key.
pub(super) fn looks_like_a_line(content: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(content) else { return false };
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .any(|line| line.split_ascii_whitespace().any(|word| TYPES.iter().any(|kind| word.starts_with(kind))))
}

/// A private key, or the public keys of a file such as authorized_keys.
pub(super) fn read(content: &[u8], passphrase: &Passphrase<'_>) -> Result<Vec<Item>> {
    let Ok(text) = std::str::from_utf8(content) else {
        return Err("an SSH key is text, and this is none".into());
    };
    if text.trim_start().starts_with("-----BEGIN ") {
        return Ok(vec![read_private(text.trim(), passphrase)?]);
    }
    let mut items = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let key =
            line.parse::<Entry>().map_err(|error| format!("line {}: no SSH public key: {error}", at + 1))?;
        let key = key.public_key();
        let public = from_public(key.key_data()).map_err(|why| format!("line {}: {why}", at + 1))?;
        items.push(Item { material: Material::Public(public), label: label(key.comment()), id: None });
    }
    Ok(items)
}

fn label(comment: &ssh_key::Comment) -> Option<String> {
    let comment = comment.as_str_lossy().trim();
    (!comment.is_empty()).then(|| comment.to_owned())
}

/// A private key in its PEM block.
pub(super) fn read_private(block: &str, passphrase: &Passphrase<'_>) -> Result<Item> {
    let refused =
        |error: ssh_key::Error| Refused::Content(format!("an SSH private key that can't be read: {error}"));
    let mut key = ssh_key::PrivateKey::from_openssh(block).map_err(refused)?;
    if key.is_encrypted() {
        if matches!(key.kdf(), Kdf::Bcrypt { rounds, .. } if *rounds > MAX_ROUNDS) {
            return Err("its passphrase is stretched beyond all measure: not opened".into());
        }
        key = key.decrypt(&**passphrase.get()?).map_err(|error| match error {
            ssh_key::Error::Crypto => "wrong passphrase, or the file is damaged".into(),
            other => refused(other),
        })?;
    }
    let private = from_private(key.key_data())?;
    let public = from_public(key.public_key().key_data())?;
    if !super::same(&private.public(), &public) {
        return Err("the public key in it belongs to another private key".into());
    }
    Ok(Item { material: Material::Private(private), label: label(key.comment()), id: None })
}

const HARDWARE: &str = "the key is in a security key (FIDO): it can't leave that";
const OTHER: &str = "this type of SSH key is not supported";

fn from_private(data: &KeypairData) -> std::result::Result<PrivateKey, String> {
    let key = match data {
        KeypairData::Rsa(pair) => {
            let (public, private) = (pair.public(), pair.private());
            let part = |number: &Mpint| number.as_positive_bytes().map(SecretBytes::from);
            let components = RsaComponents {
                n: positive(public.n())?.to_vec(),
                e: Some(positive(public.e())?.to_vec()),
                d: SecretBytes::from(positive(private.d())?),
                p: part(private.p()),
                q: part(private.q()),
                dp: None,
                dq: None,
                qi: part(private.iqmp()),
            };
            RsaPrivate::from_components(&components).map(PrivateKey::Rsa)
        }
        KeypairData::Ecdsa(pair) => {
            let curve = curve(pair.curve());
            EcPrivate::from_scalar(curve, pair.private_key_bytes()).map(PrivateKey::Ec)
        }
        KeypairData::Ed25519(pair) => {
            let seed = zeroize::Zeroizing::new(pair.private.to_bytes());
            Ed25519Private::from_seed(&seed[..]).map(PrivateKey::Ed25519)
        }
        KeypairData::SkEcdsaSha2NistP256(_) | KeypairData::SkEd25519(_) => return Err(HARDWARE.to_owned()),
        _ => return Err(OTHER.to_owned()),
    };
    key.map_err(|error| format!("the private key can't be read: {error}"))
}

fn from_public(data: &KeyData) -> std::result::Result<PublicKey, String> {
    let key = match data {
        KeyData::Rsa(key) => RsaPublic::new(positive(key.n())?, positive(key.e())?).map(PublicKey::Rsa),
        KeyData::Ecdsa(key) => {
            EcPublic::from_point(curve(key.curve()), key.as_sec1_bytes()).map(PublicKey::Ec)
        }
        KeyData::Ed25519(key) => Ed25519Public::new(&key.0).map(PublicKey::Ed25519),
        KeyData::SkEcdsaSha2NistP256(_) | KeyData::SkEd25519(_) => return Err(HARDWARE.to_owned()),
        KeyData::Certificate(_) => {
            return Err("an SSH certificate, for which PKCS#11 has no object".to_owned());
        }
        _ => return Err(OTHER.to_owned()),
    };
    key.map_err(|error| format!("the public key can't be read: {error}"))
}

fn positive(number: &Mpint) -> std::result::Result<&[u8], String> {
    number.as_positive_bytes().ok_or_else(|| "a number of the key is negative".to_owned())
}

fn curve(curve: ssh_key::EcdsaCurve) -> Curve {
    match curve {
        ssh_key::EcdsaCurve::NistP256 => Curve::P256,
        ssh_key::EcdsaCurve::NistP384 => Curve::P384,
        ssh_key::EcdsaCurve::NistP521 => Curve::P521,
    }
}

type Written = std::result::Result<SecretBytes, String>;

fn failed(error: ssh_key::Error) -> String {
    format!("SSH: {error}")
}

/// A line for authorized_keys.
pub fn public(key: &PublicKey, comment: &str) -> Written {
    let line = ssh_key::PublicKey::new(to_public(key)?, one_line(comment)).to_openssh().map_err(failed)?;
    Ok(SecretBytes::from(format!("{}\n", line.trim_end()).into_bytes()))
}

/// A private key in OpenSSH's format, under a passphrase if there is one.
pub fn private(key: &PrivateKey, comment: &str, passphrase: Option<&[u8]>) -> Written {
    let mut file = ssh_key::PrivateKey::new(to_private(key)?, one_line(comment)).map_err(failed)?;
    if let Some(passphrase) = passphrase {
        let (mut salt, mut check) = (vec![0; 16], [0; 4]);
        crypto::random(&mut salt)
            .and_then(|()| crypto::random(&mut check))
            .map_err(|error| error.to_string())?;
        let kdf = Kdf::Bcrypt { salt, rounds: ROUNDS };
        file = file
            .encrypt_with(Cipher::Aes256Ctr, kdf, u32::from_ne_bytes(check), passphrase)
            .map_err(failed)?;
    }
    Ok(SecretBytes::from(file.to_openssh(LineEnding::LF).map_err(failed)?.as_bytes()))
}

/// A label as a comment: a line's end would start another key.
fn one_line(comment: &str) -> String {
    comment.chars().filter(|c| !c.is_control()).collect()
}

fn to_public(key: &PublicKey) -> std::result::Result<KeyData, String> {
    match key {
        PublicKey::Rsa(key) => rsa_public(&key.n(), &key.e()).map(KeyData::Rsa),
        PublicKey::Ec(key) if [Curve::P256, Curve::P384, Curve::P521].contains(&key.curve()) => {
            EcdsaPublicKey::from_sec1_bytes(&key.point()).map(KeyData::Ecdsa).map_err(failed)
        }
        PublicKey::Ed25519(key) => Ok(KeyData::Ed25519(Ed25519PublicKey(*key.bytes()))),
        _ => Err("SSH has no such type of key".to_owned()),
    }
}

fn rsa_public(n: &[u8], e: &[u8]) -> std::result::Result<RsaPublicKey, String> {
    RsaPublicKey::new(Mpint::from_positive_bytes(e), Mpint::from_positive_bytes(n)).map_err(failed)
}

fn to_private(key: &PrivateKey) -> std::result::Result<KeypairData, String> {
    match key {
        PrivateKey::Rsa(key) => {
            let parts = key.components().map_err(|error| error.to_string())?;
            let number = |part: &Option<SecretBytes>| match part {
                Some(part) => Ok(Mpint::from_positive_bytes(part)),
                None => Err("the key has lost its primes, which SSH's format needs".to_owned()),
            };
            let public = rsa_public(&parts.n, &key.public().e())?;
            let d = Mpint::from_positive_bytes(&parts.d);
            let private = RsaPrivateKey::new(d, number(&parts.qi)?, number(&parts.p)?, number(&parts.q)?);
            RsaKeypair::new(public, private.map_err(failed)?).map(KeypairData::Rsa).map_err(failed)
        }
        PrivateKey::Ec(key) => to_ecdsa(key).map(KeypairData::Ecdsa),
        PrivateKey::Ed25519(key) => {
            let seed: [u8; 32] =
                key.seed().as_ref().try_into().map_err(|_| "the key has the wrong length")?;
            let private = Ed25519PrivateKey::from_bytes(&zeroize::Zeroizing::new(seed));
            let public = Ed25519PublicKey(*key.public().bytes());
            Ok(KeypairData::Ed25519(Ed25519Keypair { public, private }))
        }
        _ => Err("SSH has no such type of key".to_owned()),
    }
}

fn to_ecdsa(key: &EcPrivate) -> std::result::Result<EcdsaKeypair, String> {
    const WRONG: &str = "the key has the wrong length";
    let (point, scalar) = (key.public().point(), key.scalar());
    macro_rules! pair {
        ($variant:ident, $len:literal) => {{
            let scalar: [u8; $len] = scalar.as_ref().try_into().map_err(|_| WRONG)?;
            let public = EncodedPoint::from_bytes(&point).map_err(|_| WRONG)?;
            Ok(EcdsaKeypair::$variant { public, private: EcdsaPrivateKey::from(scalar) })
        }};
    }
    match key.curve() {
        Curve::P256 => pair!(NistP256, 32),
        Curve::P384 => pair!(NistP384, 48),
        Curve::P521 => pair!(NistP521, 66),
        _ => Err("SSH has no such curve".to_owned()),
    }
}
