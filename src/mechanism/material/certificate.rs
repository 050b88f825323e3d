//! Certificates: what follows from CKA_VALUE (PKCS#11 v3.2, section 4 "Certificate objects").
//!
//! The specification asks for no check of the certificate itself, and consumers store ones that no strict parser
//! takes: what does not parse simply yields no CKA_PUBLIC_KEY_INFO.

use der::{Decode, Encode};
use x509_cert::certificate::{CertificateInner, Raw};

use crate::error::Result;
use crate::object::Attributes;
use crate::types::ck;

use super::{fill, optional, secret};

pub(super) fn complete(attributes: &mut Attributes) -> Result<()> {
    let Some(value) = optional(attributes, ck::CKA_VALUE) else { return Ok(()) };
    let info = public_key_info(value);
    let checksum = secret::sha1_checksum(value)?;
    if let Some(info) = info {
        fill(attributes, ck::CKA_PUBLIC_KEY_INFO, info);
    }
    secret::check_value(attributes, checksum)
}

fn public_key_info(certificate: &[u8]) -> Option<Vec<u8>> {
    let certificate = CertificateInner::<Raw>::from_der(certificate).ok()?;
    certificate.tbs_certificate().subject_public_key_info().to_der().ok()
}
