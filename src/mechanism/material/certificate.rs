//! Certificates: what follows from CKA_VALUE (PKCS#11 v3.2, section 4 "Certificate objects").
//!
//! The specification asks for no check of the certificate itself, and consumers store ones that no strict parser
//! takes: the public key is found by its place alone, and what cannot be read yields no CKA_PUBLIC_KEY_INFO.

use der::asn1::AnyRef;
use der::{Class, Decode, Encode, SliceReader, Tagged};

use crate::error::Result;
use crate::object::Attributes;
use crate::types::ck;

use super::{fill, optional, secret};

pub(super) fn complete(attributes: &mut Attributes) -> Result<()> {
    let Some(value) = optional(attributes, ck::CKA_VALUE) else { return Ok(()) };
    let info = public_key_info(value).ok();
    let checksum = secret::sha1_checksum(value);
    if let Some(info) = info {
        fill(attributes, ck::CKA_PUBLIC_KEY_INFO, info);
    }
    secret::check_value(attributes, checksum)
}

/// The SubjectPublicKeyInfo of an X.509 certificate, in DER.
fn public_key_info(certificate: &[u8]) -> der::Result<Vec<u8>> {
    let certificate = AnyRef::decode(&mut SliceReader::new(certificate)?)?;
    let tbs = AnyRef::decode(&mut SliceReader::new(certificate.value())?)?;
    let mut fields = SliceReader::new(tbs.value())?;
    // Version (optional, tagged), serial number, signature algorithm, issuer, validity, subject.
    let first = AnyRef::decode(&mut fields)?;
    let skipped = if first.tag().class() == Class::ContextSpecific { 5 } else { 4 };
    for _ in 0..skipped {
        AnyRef::decode(&mut fields)?;
    }
    AnyRef::decode(&mut fields)?.to_der()
}
