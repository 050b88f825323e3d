//! Which mechanisms a device's token has, and what each can do: what the device does, and what software does with
//! public keys, session keys and plain data.

use super::model::Model;
use crate::backend::held::{self, Offer};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::{self, Descriptor};
use crate::types::ck;

/// Signatures of the device.
const SIGNS: [ck::CK_MECHANISM_TYPE; 2] = [ck::CKM_ECDSA, ck::CKM_ECDSA_SHA256];

/// Mechanisms of models that make keys, with what the device does.
const RICH: [(ck::CK_MECHANISM_TYPE, ck::CK_FLAGS); 7] = [
    (ck::CKM_EC_KEY_PAIR_GEN, ck::CKF_GENERATE_KEY_PAIR),
    (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKF_GENERATE_KEY_PAIR),
    (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, ck::CKF_GENERATE_KEY_PAIR),
    (ck::CKM_ECDH1_DERIVE, ck::CKF_DERIVE),
    (ck::CKM_KEYWARD_BIP32_MASTER_GEN, ck::CKF_GENERATE_KEY_PAIR),
    (ck::CKM_KEYWARD_BIP32_CHILD_DERIVE, ck::CKF_DERIVE),
    (ck::CKM_KEYWARD_ECDSA_RECOVERABLE, ck::CKF_SIGN),
];

/// Types of key whose private half is only in devices.
const PAIRS: [ck::CK_KEY_TYPE; 3] = [ck::CKK_EC, ck::CKK_EC_EDWARDS, ck::CKK_EC_MONTGOMERY];
/// What the device itself does.
fn in_device(model: &Model, kind: ck::CK_MECHANISM_TYPE) -> ck::CK_FLAGS {
    let rich = RICH.iter().find(|(of, _)| model.rich && *of == kind).map_or(0, |(_, flags)| *flags);
    if SIGNS.contains(&kind) { rich | ck::CKF_SIGN } else { rich }
}

/// What software does beside it: verification for the device's types of key, everything for secret keys and digests.
fn in_software(row: &Descriptor) -> ck::CK_FLAGS {
    let done = row.flags() & !row.extra_flags;
    match () {
        () if row.key_types.iter().any(|of| PAIRS.contains(of)) => done & ck::CKF_VERIFY,
        () if row.derives_private_keys() => 0,
        () if row.key_types.iter().all(|of| held::is_secret_type(*of)) => done,
        // Types of pair that no model has.
        () => 0,
    }
}

/// The flags of CK_MECHANISM_INFO; `None` for a mechanism that this model's token lacks.
pub fn flags(model: &Model, row: &Descriptor) -> Option<ck::CK_FLAGS> {
    let device = in_device(model, row.kind);
    let done = device | in_software(row);
    let hardware = if device == 0 { 0 } else { ck::CKF_HW };
    (done != 0).then_some(row.with_messages(done) | hardware | row.extra_flags)
}

/// Every mechanism of the token, by model, configuration and policy.
pub fn rows<'a>(offer: Offer<'a>, model: &'a Model) -> impl Iterator<Item = &'static Descriptor> + 'a {
    mechanism::all().filter(move |row| flags(model, row).is_some() && offer.allows(row))
}

/// The row of a mechanism that the token has. CKR_MECHANISM_INVALID.
pub fn row(offer: &Offer<'_>, model: &Model, kind: ck::CK_MECHANISM_TYPE) -> Result<&'static Descriptor> {
    let row = offer.row(kind)?;
    match flags(model, row) {
        Some(_) => Ok(row),
        None => Err(Error::new(ErrorKind::MechanismInvalid, format!("{}: not with this device", row.name))),
    }
}

/// The same for one that can do this. CKR_MECHANISM_INVALID.
pub fn row_for(
    offer: &Offer<'_>,
    model: &Model,
    kind: ck::CK_MECHANISM_TYPE,
    flag: ck::CK_FLAGS,
) -> Result<&'static Descriptor> {
    let row = row(offer, model, kind)?;
    match flags(model, row).unwrap_or_default() & flag {
        0 => Err(Error::new(
            ErrorKind::MechanismInvalid,
            format!("{}: this device does not do that", row.name),
        )),
        _ => Ok(row),
    }
}
