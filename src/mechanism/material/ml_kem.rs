//! CKK_ML_KEM (PKCS#11 v3.2, section 6 "ML-KEM"): CKA_PARAMETER_SET with the encodings of FIPS 203.
//!
//! A private key may be given as its seed, as its expanded form, or as both. What was not given is filled in where it
//! follows: the seed cannot be had from the expanded form.

use crate::crypto::{MlKemPrivate, MlKemPublic, MlKemSet, PrivateKey, PublicKey};
use crate::error::{Error, ErrorKind, Result};
use crate::object::Attributes;
use crate::types::ck;

use super::{Asymmetric, fill, incomplete, inconsistent, required, seeded};
use crate::mechanism::errors;
use crate::mechanism::key::wrong_type;

pub(super) const TYPE: Asymmetric =
    Asymmetric { key_type: ck::CKK_ML_KEM, public, private, write_public, write_private };

const SETS: &[(ck::CK_ULONG, MlKemSet)] = &[
    (ck::CKP_ML_KEM_512, MlKemSet::MlKem512),
    (ck::CKP_ML_KEM_768, MlKemSet::MlKem768),
    (ck::CKP_ML_KEM_1024, MlKemSet::MlKem1024),
];

/// CKA_PARAMETER_SET. CKR_TEMPLATE_INCOMPLETE, CKR_PARAMETER_SET_NOT_SUPPORTED.
pub fn ml_kem_set(attributes: &Attributes) -> Result<MlKemSet> {
    let number =
        attributes.ulong(ck::CKA_PARAMETER_SET).ok_or_else(|| incomplete("CKA_PARAMETER_SET is missing"))?;
    let known = SETS.iter().find(|(known, _)| *known == number);
    known.map(|(_, set)| *set).ok_or_else(|| {
        Error::new(
            ErrorKind::ParameterSetNotSupported,
            "CKA_PARAMETER_SET is not CKP_ML_KEM_512, _768 or _1024",
        )
    })
}

/// CKP_ of a parameter set.
pub fn ml_kem_set_number(set: MlKemSet) -> ck::CK_ULONG {
    SETS.iter().find(|(_, known)| *known == set).map_or(ck::CK_UNAVAILABLE_INFORMATION, |(number, _)| *number)
}

fn write_set(attributes: &mut Attributes, set: MlKemSet) -> Result<()> {
    if attributes.ulong(ck::CKA_PARAMETER_SET).is_some() {
        return match ml_kem_set(attributes)? == set {
            true => Ok(()),
            false => Err(inconsistent("CKA_PARAMETER_SET is another one than the key's")),
        };
    }
    attributes.set(ck::CKA_PARAMETER_SET, ml_kem_set_number(set));
    Ok(())
}

fn public(attributes: &Attributes) -> Result<PublicKey> {
    let set = ml_kem_set(attributes)?;
    let value = required(attributes, ck::CKA_VALUE, "CKA_VALUE is missing")?;
    MlKemPublic::new(set, value).map(PublicKey::MlKem).map_err(errors::template)
}

fn private(attributes: &Attributes) -> Result<PrivateKey> {
    let set = ml_kem_set(attributes)?;
    let key = seeded::key(
        attributes,
        |seed| MlKemPrivate::from_seed(set, seed),
        |value| MlKemPrivate::from_expanded(set, value),
        MlKemPrivate::expanded,
    )?;
    Ok(PrivateKey::MlKem(key))
}

fn write_public(attributes: &mut Attributes, key: &PublicKey) -> Result<()> {
    let PublicKey::MlKem(key) = key else { return Err(wrong_type()) };
    write_set(attributes, key.set())?;
    fill(attributes, ck::CKA_VALUE, key.bytes().to_vec());
    Ok(())
}

fn write_private(attributes: &mut Attributes, key: &PrivateKey) -> Result<()> {
    let PrivateKey::MlKem(key) = key else { return Err(wrong_type()) };
    write_set(attributes, key.set())?;
    if let Some(seed) = key.seed() {
        fill(attributes, ck::CKA_SEED, seed);
    }
    fill(attributes, ck::CKA_VALUE, key.expanded().map_err(errors::data)?);
    Ok(())
}
