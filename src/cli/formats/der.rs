//! DER: what kind of structure it is, told by its first two elements, and the item inside.

use der::asn1::AnyRef;
use der::{Decode, Tag, Tagged};

use super::{Fields, Item, Material, Passphrase, Result, ber, pkcs8, pkcs12};
use crate::crypto::{self, PrivateKey, PublicKey};

/// A structure that keys and certificates come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// PrivateKeyInfo (RFC 5958).
    Pkcs8,
    /// EncryptedPrivateKeyInfo (RFC 5958).
    EncryptedPkcs8,
    /// RSAPrivateKey (RFC 8017).
    Pkcs1,
    /// RSAPublicKey (RFC 8017).
    Pkcs1Public,
    /// ECPrivateKey (RFC 5915).
    Sec1,
    /// SubjectPublicKeyInfo (RFC 5280).
    Spki,
    /// Certificate (RFC 5280).
    Certificate,
    /// The same with OpenSSL's trust settings after it, which are left out.
    TrustedCertificate,
    /// PFX (RFC 7292).
    Pkcs12,
}

/// The first element of a SEQUENCE (and its value where it is a small INTEGER), its second, and what that is.
type ShapeRow = (Tag, Option<u8>, Tag, Shape);
const SHAPES: &[ShapeRow] = &[
    (Tag::Integer, Some(0), Tag::Sequence, Shape::Pkcs8),
    (Tag::Integer, Some(1), Tag::Sequence, Shape::Pkcs8),
    (Tag::Integer, Some(0), Tag::Integer, Shape::Pkcs1),
    (Tag::Integer, Some(1), Tag::OctetString, Shape::Sec1),
    (Tag::Integer, Some(3), Tag::Sequence, Shape::Pkcs12),
    (Tag::Integer, None, Tag::Integer, Shape::Pkcs1Public),
    (Tag::Sequence, None, Tag::Sequence, Shape::Certificate),
    (Tag::Sequence, None, Tag::BitString, Shape::Spki),
    (Tag::Sequence, None, Tag::OctetString, Shape::EncryptedPkcs8),
];

/// True for what begins as a SEQUENCE that is not text by chance: a zero is the octet 30 as well.
pub(super) fn looks_like_it(content: &[u8]) -> bool {
    match content {
        [0x30, 0x80..=0x84, ..] => true,
        [0x30, len, rest @ ..] => *len < 0x80 && rest.len() >= usize::from(*len),
        _ => false,
    }
}

/// What a file holds: one structure, or several certificates one after the other.
pub(super) fn read(content: &[u8], passphrase: &Passphrase<'_>) -> Result<Vec<Item>> {
    if ber::looks_like_it(content) {
        // Only PKCS#12 is written like that.
        return pkcs12::read(content, passphrase);
    }
    let mut items = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let Some((element, after)) = split(rest) else {
            return Err("DER that is cut off or damaged".into());
        };
        let Some(shape) = shape(element) else {
            return Err("DER, but no key, certificate or PKCS#12 file".into());
        };
        items.extend(parse(shape, element, passphrase)?);
        rest = after;
    }
    Ok(items)
}

/// The first element, tag and length included, and what follows it.
fn split(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, after) = AnyRef::from_der_partial(content).ok()?;
    content.split_at_checked(content.len() - after.len())
}

/// True for exactly one element.
pub(super) fn is_whole(content: &[u8]) -> bool {
    split(content).is_some_and(|(_, after)| after.is_empty())
}

fn shape(element: &[u8]) -> Option<Shape> {
    let outer = AnyRef::from_der(element).ok().filter(|outer| outer.tag() == Tag::Sequence)?;
    let (first, rest) = AnyRef::from_der_partial(outer.value()).ok()?;
    let (second, _) = AnyRef::from_der_partial(rest).ok()?;
    let row = SHAPES.iter().find(|(tag, version, then, _)| {
        first.tag() == *tag
            && second.tag() == *then
            && version.is_none_or(|version| first.value() == [version])
    });
    row.map(|(.., shape)| *shape)
}

/// The items in a structure of this shape.
pub(super) fn parse(shape: Shape, der: &[u8], passphrase: &Passphrase<'_>) -> Result<Vec<Item>> {
    let private = |key: crypto::Result<PrivateKey>| match key {
        Ok(key) => Ok(Material::Private(key)),
        Err(error) => Err(format!("the private key can't be read: {error}")),
    };
    let public = |key: crypto::Result<PublicKey>| match key {
        Ok(key) => Ok(Material::Public(key)),
        Err(error) => Err(format!("the public key can't be read: {error}")),
    };
    let material = match shape {
        Shape::Pkcs8 => private(PrivateKey::from_pkcs8(der))?,
        Shape::EncryptedPkcs8 => private(PrivateKey::from_pkcs8(&pkcs8::decrypt(der, passphrase)?))?,
        Shape::Pkcs1 => private(PrivateKey::from_pkcs1(der))?,
        Shape::Sec1 => private(PrivateKey::from_sec1(der))?,
        Shape::Spki => public(PublicKey::from_spki(der))?,
        Shape::Pkcs1Public => public(PublicKey::from_pkcs1(der))?,
        Shape::Certificate => certificate(der)?,
        Shape::TrustedCertificate => certificate(split(der).map_or(der, |(first, _)| first))?,
        Shape::Pkcs12 => return pkcs12::read(der, passphrase),
    };
    Ok(vec![material.into()])
}

/// A certificate whose fields can be read.
pub(super) fn certificate(der: &[u8]) -> Result<Material> {
    match Fields::of(der) {
        Ok(_) => Ok(Material::Certificate(der.to_vec())),
        Err(error) => Err(format!("the certificate can't be read: {error}").into()),
    }
}
