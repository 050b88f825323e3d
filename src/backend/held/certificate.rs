//! Certificates that the configuration names: a token that stores none still shows them.

use std::path::Path;

use der::Document;

use super::hash_text;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::material::{self, CertificateFields};
use crate::object::{self, Attributes, Caller, Template};
use crate::types::ck;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The certificates of a file: any number in PEM, or one in DER. CKR_FUNCTION_FAILED.
pub fn certificates_in(path: &Path) -> Result<Vec<Vec<u8>>> {
    let failed =
        |why: &str| Error::new(ErrorKind::FunctionFailed, format!("certificate {}: {why}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| failed(&error.to_string()))?;
    let certificates = match std::str::from_utf8(&bytes) {
        Ok(text) => in_pem(text).ok_or_else(|| failed("damaged PEM"))?,
        Err(_) => vec![bytes],
    };
    match certificates.iter().any(|der| CertificateFields::of(der).is_err()) || certificates.is_empty() {
        true => Err(failed("no X.509 certificate in PEM or DER")),
        false => Ok(certificates),
    }
}

fn in_pem(mut text: &str) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    while let Some(start) = text.find(BEGIN) {
        let end = text.get(start..)?.find(END)? + start + END.len();
        let (_, document) = Document::from_pem(text.get(start..end)?).ok()?;
        found.push(document.as_bytes().to_vec());
        text = text.get(end..)?;
    }
    Some(found)
}

/// A certificate's object, which nobody changes or removes. `place` tells the token from others, for CKA_UNIQUE_ID.
pub fn certificate(value: &[u8], label: &str, id: &[u8], place: &str) -> Result<Attributes> {
    let fields = CertificateFields::of(value)
        .map_err(|_| Error::new(ErrorKind::AttributeValueInvalid, "CKA_VALUE is no X.509 certificate"))?;
    let template = Template::new()
        .with(ck::CKA_CLASS, ck::CKO_CERTIFICATE)
        .with(ck::CKA_CERTIFICATE_TYPE, ck::CKC_X_509)
        .with(ck::CKA_TOKEN, true)
        .with(ck::CKA_PRIVATE, false)
        .with(ck::CKA_MODIFIABLE, false)
        .with(ck::CKA_COPYABLE, false)
        .with(ck::CKA_DESTROYABLE, false)
        .with(ck::CKA_LABEL, label)
        .with(ck::CKA_ID, id)
        .with(ck::CKA_SUBJECT, fields.subject)
        .with(ck::CKA_ISSUER, fields.issuer)
        .with(ck::CKA_SERIAL_NUMBER, fields.serial)
        .with(ck::CKA_VALUE, value);
    let mut attributes = object::create(template, &Caller { so: true, user: true })?;
    material::complete_created(&mut attributes)?;
    object::finish(&mut attributes, &hash_text(&[place.as_bytes(), value].concat()));
    Ok(attributes)
}
