//! Files that hold keys and certificates: which format one has, what is in it, and how to write one.
//!
//! Bytes in, [`Item`]s out, and back; no token, no file system. The format is told by the content alone. Every parser
//! takes hostile input, and a refusal says what the file is and what is wrong with it.

mod ber;
mod certificate;
mod der;
mod foreign;
mod jwk;
mod pem;
mod pkcs12;
mod pkcs8;
mod raw;
mod ssh;
#[cfg(test)]
mod tests;

pub use certificate::Fields;
pub use jwk::{private as jwk_private, public as jwk_public, secret as jwk_secret};
pub use pem::encode as pem;
pub use pkcs8::encrypt as encrypt_pkcs8;
pub use pkcs12::{Bundle, encode as pkcs12};
pub use raw::{SecretKind, base64, hex};
pub use ssh::{private as ssh_private, public as ssh_public};

use clap::ValueEnum;

use super::error::Error;
use super::passphrase::Passphrase;
use crate::crypto::{PrivateKey, PublicKey};
use crate::types::{SecretBytes, ck};

/// How keys and certificates lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// PEM: PKCS#8, SubjectPublicKeyInfo, X.509 (import: also PKCS#1, SEC 1 and OpenSSH private keys)
    #[value(alias = "pkcs8")]
    Pem,
    /// The same in DER
    Der,
    /// PKCS#12 (.p12, .pfx): keys with their certificates
    #[value(alias = "p12")]
    Pkcs12,
    /// OpenSSH: private keys, and public keys as lines of authorized_keys
    Ssh,
    /// JSON Web Key (import: also a JWK Set)
    Jwk,
    /// A secret key's bytes
    Raw,
    /// A secret key in hexadecimal digits
    Hex,
    /// A secret key in Base64
    Base64,
}

/// Something that a file holds.
#[derive(Debug)]
pub struct Item {
    /// The thing itself.
    pub material: Material,
    /// What the file calls it: PKCS#12's friendlyName, an SSH key's comment, a JWK's kid.
    pub label: Option<String>,
    /// PKCS#12's localKeyId.
    pub id: Option<Vec<u8>>,
}

/// What it is.
#[derive(Debug)]
pub enum Material {
    /// A private key.
    Private(PrivateKey),
    /// A public key.
    Public(PublicKey),
    /// An X.509 certificate in DER, whose [`Fields`] can be read.
    Certificate(Vec<u8>),
    /// The value of a secret key of a CKK_ type.
    Secret(ck::CK_KEY_TYPE, SecretBytes),
}

impl From<Material> for Item {
    fn from(material: Material) -> Self {
        Item { material, label: None, id: None }
    }
}

/// Why a file was not taken.
#[derive(Debug)]
pub enum Refused {
    /// Because of what is in it.
    Content(String),
    /// Because of something around it: its passphrase could not be had.
    Other(Error),
}

/// What the parsers answer.
type Result<T> = std::result::Result<T, Refused>;

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Refused::Content(why)
    }
}

impl From<&str> for Refused {
    fn from(why: &str) -> Self {
        Refused::Content(why.to_owned())
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Refused::Other(error)
    }
}

/// What a file is told to be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told {
    /// Its format; told by its content otherwise.
    pub format: Option<Format>,
    /// The type of the secret key in it.
    pub secret: Option<SecretKind>,
}

/// What a file holds: private keys first, so that what follows finds the key that it belongs to.
pub fn read(content: &[u8], told: Told, passphrase: &Passphrase<'_>) -> Result<Vec<Item>> {
    if content.is_empty() {
        return Err("the file is empty".into());
    }
    let format = match (told.format, told.secret) {
        (Some(format), _) => format,
        // A secret key is any bytes: what it looks like says nothing, unless it is a JWK.
        (None, Some(_)) if !jwk::looks_like_one(content) => Format::Raw,
        (None, _) => detect(content)?,
    };
    let mut items = match format {
        Format::Pem => pem::read(content, passphrase)?,
        Format::Der => der::read(content, passphrase)?,
        Format::Pkcs12 => pkcs12::read(content, passphrase)?,
        Format::Ssh => ssh::read(content, passphrase)?,
        Format::Jwk => jwk::read(content, told.secret)?,
        Format::Raw | Format::Hex | Format::Base64 => vec![raw::read(content, format, told.secret)?],
    };
    items.sort_by_key(|item| match item.material {
        Material::Private(_) => 0,
        Material::Secret(..) => 1,
        Material::Public(_) => 2,
        Material::Certificate(_) => 3,
    });
    if items.is_empty() {
        return Err("there is no key and no certificate in it".into());
    }
    Ok(items)
}

fn detect(content: &[u8]) -> Result<Format> {
    if let Some(why) = foreign::why(content) {
        return Err(why.into());
    }
    if pem::looks_like_it(content) {
        Ok(Format::Pem)
    } else if jwk::looks_like_one(content) {
        Ok(Format::Jwk)
    } else if ssh::looks_like_a_line(content) {
        Ok(Format::Ssh)
    } else if der::looks_like_it(content) {
        Ok(Format::Der)
    } else {
        Err("neither PEM, DER, PKCS#12, SSH nor JWK; --secret TYPE takes raw secret keys".into())
    }
}

/// True for the same public key.
fn same(one: &PublicKey, other: &PublicKey) -> bool {
    matches!((one.to_spki(), other.to_spki()), (Ok(one), Ok(other)) if one == other)
}
