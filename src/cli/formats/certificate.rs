//! What CKO_CERTIFICATE keeps beside an X.509 certificate.
//!
//! By their places alone: certificates that a strict parser refuses are in use.

use std::ops::Deref;

use der::asn1::AnyRef;
use der::{Decode, Tag, Tagged};

use crate::mechanism::material::CertificateFields;

/// The fields of a certificate, and what the tool makes of them.
#[derive(Debug, Clone)]
pub struct Fields(CertificateFields);

impl Deref for Fields {
    type Target = CertificateFields;

    fn deref(&self) -> &CertificateFields {
        &self.0
    }
}

impl Fields {
    /// The fields of a certificate in DER, with nothing after it.
    pub fn of(certificate: &[u8]) -> der::Result<Fields> {
        AnyRef::from_der(certificate)?;
        CertificateFields::of(certificate).map(Fields)
    }

    /// True if the certificate names itself as its issuer.
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// The subject's common name, else its organizational unit, else its organization.
    pub fn name(&self) -> Option<String> {
        const TYPES: [&[u8]; 3] = [&[0x55, 4, 3], &[0x55, 4, 11], &[0x55, 4, 10]];
        let attributes = attributes(&self.subject);
        TYPES.iter().find_map(|wanted| {
            let (_, value) = attributes.iter().find(|(kind, _)| kind == wanted)?;
            text(value).filter(|text| !text.is_empty())
        })
    }
}

/// The attribute types and values of a Name, as far as they can be read.
fn attributes(name: &[u8]) -> Vec<(&[u8], AnyRef<'_>)> {
    let Ok(name) = AnyRef::from_der(name) else { return Vec::new() };
    let sets = elements(name.value()).flat_map(|set| elements(set.value()));
    let pairs = sets.filter_map(|attribute| {
        let mut parts = elements(attribute.value());
        Some((parts.next()?.value(), parts.next()?))
    });
    pairs.collect()
}

fn elements(mut rest: &[u8]) -> impl Iterator<Item = AnyRef<'_>> {
    std::iter::from_fn(move || {
        let (element, after) = AnyRef::from_der_partial(rest).ok()?;
        rest = after;
        Some(element)
    })
}

/// A DirectoryString.
fn text(value: &AnyRef<'_>) -> Option<String> {
    match value.tag() {
        Tag::BmpString => {
            let (units, _) = value.value().as_chunks::<2>();
            String::from_utf16(&units.iter().map(|unit| u16::from_be_bytes(*unit)).collect::<Vec<_>>()).ok()
        }
        _ => String::from_utf8(value.value().to_vec()).ok(),
    }
}
