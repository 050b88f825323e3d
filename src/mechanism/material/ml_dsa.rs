//! CKK_ML_DSA (PKCS#11 v3.2, section 6 "ML-DSA"): CKA_PARAMETER_SET with the encodings of FIPS 204.
//!
//! A private key may be given as its seed, as its expanded form, or as both. What was not given is filled in where it
//! follows: the seed cannot be had from the expanded form.

use crate::crypto::{MlDsaPrivate, MlDsaPublic, MlDsaSet, PrivateKey, PublicKey};
use crate::error::{Error, ErrorKind, Result};
use crate::object::Attributes;
use crate::types::ck;

use super::{Asymmetric, fill, incomplete, inconsistent, required, seeded};
use crate::mechanism::errors;
use crate::mechanism::key::wrong_type;

pub(super) const TYPE: Asymmetric =
    Asymmetric { key_type: ck::CKK_ML_DSA, public, private, write_public, write_private };

const SETS: &[(ck::CK_ULONG, MlDsaSet)] = &[
    (ck::CKP_ML_DSA_44, MlDsaSet::MlDsa44),
    (ck::CKP_ML_DSA_65, MlDsaSet::MlDsa65),
    (ck::CKP_ML_DSA_87, MlDsaSet::MlDsa87),
];

/// CKA_PARAMETER_SET. CKR_TEMPLATE_INCOMPLETE, CKR_PARAMETER_SET_NOT_SUPPORTED.
pub fn parameter_set(attributes: &Attributes) -> Result<MlDsaSet> {
    let number =
        attributes.ulong(ck::CKA_PARAMETER_SET).ok_or_else(|| incomplete("CKA_PARAMETER_SET is missing"))?;
    let known = SETS.iter().find(|(known, _)| *known == number);
    known.map(|(_, set)| *set).ok_or_else(|| {
        Error::new(ErrorKind::ParameterSetNotSupported, "CKA_PARAMETER_SET is not CKP_ML_DSA_44, _65 or _87")
    })
}

/// CKP_ of a parameter set.
pub fn parameter_set_number(set: MlDsaSet) -> ck::CK_ULONG {
    SETS.iter().find(|(_, known)| *known == set).map_or(ck::CK_UNAVAILABLE_INFORMATION, |(number, _)| *number)
}

fn write_set(attributes: &mut Attributes, set: MlDsaSet) -> Result<()> {
    if attributes.ulong(ck::CKA_PARAMETER_SET).is_some() {
        return match parameter_set(attributes)? == set {
            true => Ok(()),
            false => Err(inconsistent("CKA_PARAMETER_SET is another one than the key's")),
        };
    }
    attributes.set(ck::CKA_PARAMETER_SET, parameter_set_number(set));
    Ok(())
}

fn public(attributes: &Attributes) -> Result<PublicKey> {
    let set = parameter_set(attributes)?;
    let value = required(attributes, ck::CKA_VALUE, "CKA_VALUE is missing")?;
    MlDsaPublic::new(set, value).map(PublicKey::MlDsa).map_err(errors::template)
}

fn private(attributes: &Attributes) -> Result<PrivateKey> {
    let set = parameter_set(attributes)?;
    let key = seeded::key(
        attributes,
        |seed| MlDsaPrivate::from_seed(set, seed),
        |value| MlDsaPrivate::from_expanded(set, value),
        MlDsaPrivate::expanded,
    )?;
    Ok(PrivateKey::MlDsa(key))
}

fn write_public(attributes: &mut Attributes, key: &PublicKey) -> Result<()> {
    let PublicKey::MlDsa(key) = key else { return Err(wrong_type()) };
    write_set(attributes, key.set())?;
    fill(attributes, ck::CKA_VALUE, key.bytes());
    Ok(())
}

fn write_private(attributes: &mut Attributes, key: &PrivateKey) -> Result<()> {
    let PrivateKey::MlDsa(key) = key else { return Err(wrong_type()) };
    write_set(attributes, key.set())?;
    if let Some(seed) = key.seed() {
        fill(attributes, ck::CKA_SEED, seed);
    }
    fill(attributes, ck::CKA_VALUE, key.expanded().map_err(errors::data)?);
    Ok(())
}
