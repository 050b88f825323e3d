//! Which mechanisms a slot has, and what each can do: what the service does, and what software does with public keys,
//! session keys and plain data.

use super::client::Service;
use crate::backend::held::{self, Offer};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::{self, Descriptor};
use crate::types::ck;

/// What the service itself does.
fn in_service(service: &Service, kind: ck::CK_MECHANISM_TYPE) -> ck::CK_FLAGS {
    service.offers.iter().filter(|offer| offer.mechanism == kind).fold(0, |flags, offer| flags | offer.flags)
}

/// What software does beside it: with public keys, and everything with secret keys and digests.
fn in_software(row: &Descriptor) -> ck::CK_FLAGS {
    let done = row.flags() & !row.extra_flags;
    match row.key_types.iter().all(|of| held::is_secret_type(*of)) {
        // Private keys are in the service only.
        true if row.derives_private_keys() => 0,
        true => done,
        false => done & (ck::CKF_VERIFY | ck::CKF_VERIFY_RECOVER | ck::CKF_ENCRYPT | ck::CKF_WRAP),
    }
}

/// The flags of CK_MECHANISM_INFO; `None` for a mechanism that this slot lacks.
pub fn flags(service: &Service, row: &Descriptor) -> Option<ck::CK_FLAGS> {
    let remote = in_service(service, row.kind);
    // A secret can be encapsulated here to the public half of what the service decapsulates with.
    let encapsulates = if remote & ck::CKF_DECAPSULATE == 0 { 0 } else { ck::CKF_ENCAPSULATE };
    let done = remote | encapsulates | in_software(row);
    // The service's part is done by its hardware or its software: who asks, learns it there.
    (done != 0).then_some(row.with_messages(done) | row.extra_flags)
}

/// Every mechanism of the slot, by provider, configuration and policy.
pub fn rows<'a>(offer: Offer<'a>, service: &'a Service) -> impl Iterator<Item = &'static Descriptor> + 'a {
    mechanism::all().filter(move |row| flags(service, row).is_some() && offer.allows(row))
}

/// The row of a mechanism that the slot has. CKR_MECHANISM_INVALID.
pub fn row(offer: &Offer<'_>, service: &Service, kind: ck::CK_MECHANISM_TYPE) -> Result<&'static Descriptor> {
    let row = offer.row(kind)?;
    match flags(service, row) {
        Some(_) => Ok(row),
        None => Err(Error::new(
            ErrorKind::MechanismInvalid,
            format!("{}: not with keys of {}", row.name, service.manufacturer),
        )),
    }
}

/// The same for one that can do this, in the service or here. CKR_MECHANISM_INVALID.
pub fn row_for(
    offer: &Offer<'_>,
    service: &Service,
    kind: ck::CK_MECHANISM_TYPE,
    flag: ck::CK_FLAGS,
) -> Result<&'static Descriptor> {
    let row = row(offer, service, kind)?;
    match flags(service, row).unwrap_or_default() & flag {
        0 => Err(not_done(service, row)),
        _ => Ok(row),
    }
}

fn not_done(service: &Service, row: &Descriptor) -> Error {
    let why = format!("{}: {} does not do that", row.name, service.manufacturer);
    Error::new(ErrorKind::MechanismInvalid, why)
}

/// The same for what the service itself has to do. CKR_MECHANISM_INVALID.
pub fn row_in_service(
    offer: &Offer<'_>,
    service: &Service,
    kind: ck::CK_MECHANISM_TYPE,
    flag: ck::CK_FLAGS,
) -> Result<&'static Descriptor> {
    let row = row(offer, service, kind)?;
    match in_service(service, kind) & flag {
        0 => Err(not_done(service, row)),
        _ => Ok(row),
    }
}
