//! PKCS#12 (RFC 7292): keys, their certificates, and the names of both.
//!
//! Read: PBES2, and what older programs wrote (3DES and RC2-40 with SHA-1); a MAC is verified where there is one.
//! NSS writes BER, which is made DER first. Written: PBES2 with AES-256, an HMAC-SHA-256.

use p12_keystore::error::Error as P12Error;
use p12_keystore::secret::SecretKeyType;
use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, Pkcs12Archive, PrivateKeyChain,
};

use super::{Item, Material, Passphrase, Refused, Result, ber, pkcs8};
use crate::crypto::PrivateKey;
use crate::types::{SecretBytes, ck};

/// What the file holds.
pub(super) fn read(content: &[u8], passphrase: &Passphrase<'_>) -> Result<Vec<Item>> {
    let archive = open(content, passphrase)?;
    let mut items = Vec::new();
    for bag in archive.keys {
        let key = PrivateKey::from_pkcs8(bag.key.as_der())
            .map_err(|error| format!("a private key can't be read: {error}"))?;
        let id = bag.local_key_id.map(|id| id.0).filter(|id| !id.is_empty());
        items.push(Item { material: Material::Private(key), label: name(bag.friendly_name), id });
    }
    for bag in archive.certs {
        let material = super::der::certificate(bag.cert.as_der())?;
        let id = bag.local_key_id.filter(|id| !id.is_empty());
        items.push(Item { material, label: name(bag.friendly_name), id });
    }
    for bag in archive.secrets {
        use SecretKeyType::{Aes, Aes128Cbc, Aes192Cbc, Aes256Cbc};
        let kind = match bag.key.key_type() {
            Aes | Aes128Cbc | Aes192Cbc | Aes256Cbc => ck::CKK_AES,
            _ => ck::CKK_GENERIC_SECRET,
        };
        let value = SecretBytes::from(bag.key.key());
        items.push(Item {
            material: Material::Secret(kind, value),
            label: name(bag.friendly_name),
            id: None,
        });
    }
    Ok(items)
}

/// A name that says something.
fn name(friendly: Option<String>) -> Option<String> {
    friendly.filter(|name| !name.trim().is_empty())
}

/// Decrypts. The empty passphrase, which is in use, is tried before anybody is asked.
fn open(content: &[u8], passphrase: &Passphrase<'_>) -> Result<Pkcs12Archive> {
    const DAMAGED: &str = "a PKCS#12 file that is cut off or damaged";
    let der = match ber::looks_like_it(content) {
        true => Some(ber::pfx(content).ok_or(DAMAGED)?),
        false => None,
    };
    let decrypt = |passphrase: &str| match &der {
        None => Pkcs12Archive::from_pkcs12(content, passphrase),
        // The MAC is over the BER inside: where that alone is in the way, the MAC was right. What this lets through
        // without a right one could as well have come without any, which is taken.
        Some((with_mac, without)) => match Pkcs12Archive::from_pkcs12(with_mac, passphrase) {
            Err(P12Error::DerError(_)) => Pkcs12Archive::from_pkcs12(without, passphrase),
            other => other,
        },
    };
    if let Ok(archive) = decrypt("") {
        return Ok(archive);
    }
    if der.is_none() && !super::der::is_whole(content) {
        return Err(DAMAGED.into());
    }
    let passphrase = passphrase.get()?;
    let Ok(passphrase) = std::str::from_utf8(passphrase) else {
        return Err("the passphrase of a PKCS#12 file is text, and this one is not UTF-8".into());
    };
    decrypt(passphrase).map_err(|error| refusal(&error))
}

fn refusal(error: &P12Error) -> Refused {
    match error {
        P12Error::UnsupportedEncryptionScheme | P12Error::UnsupportedMacAlgorithm => {
            "a PKCS#12 file under an algorithm that is not supported: `openssl pkcs12 -in FILE -nodes | openssl pkcs12 -export -out NEW` converts it".into()
        }
        P12Error::UnsupportedContentType => "a PKCS#12 file signed or encrypted with a public key, which is not supported".into(),
        P12Error::InvalidVersion => "a PKCS#12 file of an unknown version".into(),
        P12Error::InvalidParameters => "a PKCS#12 file with parameters that make no sense, or stretch its passphrase beyond all measure".into(),
        P12Error::MacError(_) | P12Error::Pkcs5Error(_) | P12Error::UnpadError => {
            "a PKCS#12 file: wrong passphrase, or the file is damaged".into()
        }
        other => format!("a PKCS#12 file that can't be read: {other}").into(),
    }
}

/// A private key with its certificates.
pub struct Bundle<'a> {
    /// The private key.
    pub key: &'a PrivateKey,
    /// Its friendlyName.
    pub label: &'a str,
    /// Its localKeyId.
    pub id: &'a [u8],
    /// The key's certificate, that of its issuer, and so on, in DER.
    pub chain: &'a [Vec<u8>],
}

/// A PKCS#12 file with one key.
pub fn encode(bundle: &Bundle<'_>, passphrase: &[u8]) -> std::result::Result<SecretBytes, String> {
    let failed = |error: P12Error| format!("PKCS#12: {error}");
    let passphrase =
        std::str::from_utf8(passphrase).map_err(|_| "the passphrase of a PKCS#12 file has to be UTF-8")?;
    let key = p12_keystore::PrivateKey::from_der(&bundle.key.to_pkcs8().map_err(|error| error.to_string())?);
    let chain: std::result::Result<Vec<Certificate>, P12Error> =
        bundle.chain.iter().map(|certificate| Certificate::from_der(certificate)).collect();
    let entry = PrivateKeyChain::new(bundle.id, key.map_err(failed)?, chain.map_err(failed)?);
    let mut store = KeyStore::new();
    store.add_entry(bundle.label, KeyStoreEntry::PrivateKeyChain(entry));
    let file = store
        .writer(passphrase)
        .encryption_algorithm(EncryptionAlgorithm::PbeWithHmacSha256AndAes256)
        .encryption_iterations(pkcs8::ITERATIONS)
        .mac_algorithm(MacAlgorithm::HmacSha256)
        .mac_iterations(pkcs8::ITERATIONS)
        .write();
    file.map(SecretBytes::from).map_err(failed)
}
