//! Certificates: what follows from CKA_VALUE (PKCS#11 v3.2, section 4 "Certificate objects").
//!
//! The specification asks for no check of the certificate itself, and consumers store ones that no strict parser
//! takes: the public key is found by its place alone, and what cannot be read yields no CKA_PUBLIC_KEY_INFO.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Class, Decode, Encode, SliceReader, Tagged};

use crate::error::Result;
use crate::object::Attributes;
use crate::types::ck;

use super::{fill, optional, secret};

pub(super) fn complete(attributes: &mut Attributes) -> Result<()> {
    let Some(value) = optional(attributes, ck::CKA_VALUE) else { return Ok(()) };
    let info = CertificateFields::of(value).ok().map(|fields| fields.public_key);
    let checksum = secret::sha1_checksum(value);
    if let Some(info) = info {
        fill(attributes, ck::CKA_PUBLIC_KEY_INFO, info);
    }
    secret::check_value(attributes, checksum)
}

/// Fields of an X.509 certificate, each in DER.
#[derive(Debug, Clone)]
pub struct CertificateFields {
    /// The serial number, an INTEGER.
    pub serial: Vec<u8>,
    /// The issuer's Name.
    pub issuer: Vec<u8>,
    /// The subject's Name.
    pub subject: Vec<u8>,
    /// The SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
}

impl CertificateFields {
    /// The fields of a certificate in DER, whatever comes after it.
    pub fn of(certificate: &[u8]) -> der::Result<CertificateFields> {
        let certificate = AnyRef::decode(&mut SliceReader::new(certificate)?)?;
        let tbs = AnyRef::decode(&mut SliceReader::new(certificate.value())?)?;
        let mut fields = SliceReader::new(tbs.value())?;
        let mut serial = AnyRef::decode(&mut fields)?;
        if serial.tag().class() == Class::ContextSpecific {
            // It was the version, which may be left out.
            serial = AnyRef::decode(&mut fields)?;
        }
        let _signature_algorithm = AnyRef::decode(&mut fields)?;
        let issuer = AnyRef::decode(&mut fields)?;
        let _validity = AnyRef::decode(&mut fields)?;
        let subject = AnyRef::decode(&mut fields)?;
        let public_key = AnyRef::decode(&mut fields)?;
        Ok(CertificateFields {
            serial: serial.to_der()?,
            issuer: issuer.to_der()?,
            subject: subject.to_der()?,
            public_key: public_key.to_der()?,
        })
    }

    /// The subject's common name, where it has one that is text.
    pub fn common_name(&self) -> Option<String> {
        const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
        let name = x509_cert::name::Name::from_der(&self.subject).ok()?;
        let found = name.iter().find(|part| part.oid == COMMON_NAME)?;
        std::str::from_utf8(found.value.value()).ok().map(str::to_owned)
    }
}
