//! Certificates: what follows from CKA_VALUE (PKCS#11 v3.2, section 4 "Certificate objects").
//!
//! The specification asks for no check of the certificate itself, and consumers store ones that no strict parser
//! takes: the public key is found by its place alone, and what cannot be read yields no CKA_PUBLIC_KEY_INFO.

use der::asn1::AnyRef;
use der::{Class, Decode, Encode, SliceReader, Tagged};

use crate::error::Result;
use crate::object::Attributes;
use crate::types::ck;

use super::{fill, invalid, optional, secret};

pub(super) fn complete(attributes: &mut Attributes) -> Result<()> {
    let Some(value) = optional(attributes, ck::CKA_VALUE) else { return Ok(()) };
    let info = public_key_info(value).ok();
    let checksum = secret::sha1_checksum(value);
    if let Some(info) = info {
        fill(attributes, ck::CKA_PUBLIC_KEY_INFO, info);
    }
    secret::check_value(attributes, checksum)
}

/// What a certificate object keeps beside an X.509 certificate, each in DER.
#[derive(Debug)]
pub struct CertificateNames {
    /// CKA_SUBJECT.
    pub subject: Vec<u8>,
    /// CKA_ISSUER.
    pub issuer: Vec<u8>,
    /// CKA_SERIAL_NUMBER.
    pub serial: Vec<u8>,
}

/// The names in an X.509 certificate in DER. CKR_ATTRIBUTE_VALUE_INVALID for what is none.
pub fn certificate_names(certificate: &[u8]) -> Result<CertificateNames> {
    let names = || -> der::Result<CertificateNames> {
        let fields = fields(certificate)?;
        Ok(CertificateNames {
            serial: fields.serial.to_der()?,
            issuer: fields.issuer.to_der()?,
            subject: fields.subject.to_der()?,
        })
    };
    names().map_err(|_| invalid("no X.509 certificate in DER"))
}

/// The SubjectPublicKeyInfo of an X.509 certificate, in DER.
fn public_key_info(certificate: &[u8]) -> der::Result<Vec<u8>> {
    fields(certificate)?.public_key.to_der()
}

struct Fields<'a> {
    serial: AnyRef<'a>,
    issuer: AnyRef<'a>,
    subject: AnyRef<'a>,
    public_key: AnyRef<'a>,
}

fn fields(certificate: &[u8]) -> der::Result<Fields<'_>> {
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
    Ok(Fields { serial, issuer, subject, public_key })
}
