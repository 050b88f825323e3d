//! CKK_SLH_DSA (PKCS#11 v3.2, section 6 "SLH-DSA"): CKA_PARAMETER_SET with the encodings of FIPS 205.
//!
//! A private key holds its public one, whose root has to follow from the rest.

use crate::crypto::{PrivateKey, PublicKey, SlhDsaPrivate, SlhDsaPublic, SlhDsaSet};
use crate::error::{Error, ErrorKind, Result};
use crate::object::Attributes;
use crate::types::ck;

use super::{Asymmetric, fill, incomplete, inconsistent, required};
use crate::mechanism::errors;
use crate::mechanism::key::wrong_type;

pub(super) const TYPE: Asymmetric =
    Asymmetric { key_type: ck::CKK_SLH_DSA, public, private, write_public, write_private };

const SETS: &[(ck::CK_ULONG, SlhDsaSet)] = &[
    (ck::CKP_SLH_DSA_SHA2_128S, SlhDsaSet::Sha2_128s),
    (ck::CKP_SLH_DSA_SHAKE_128S, SlhDsaSet::Shake128s),
    (ck::CKP_SLH_DSA_SHA2_128F, SlhDsaSet::Sha2_128f),
    (ck::CKP_SLH_DSA_SHAKE_128F, SlhDsaSet::Shake128f),
    (ck::CKP_SLH_DSA_SHA2_192S, SlhDsaSet::Sha2_192s),
    (ck::CKP_SLH_DSA_SHAKE_192S, SlhDsaSet::Shake192s),
    (ck::CKP_SLH_DSA_SHA2_192F, SlhDsaSet::Sha2_192f),
    (ck::CKP_SLH_DSA_SHAKE_192F, SlhDsaSet::Shake192f),
    (ck::CKP_SLH_DSA_SHA2_256S, SlhDsaSet::Sha2_256s),
    (ck::CKP_SLH_DSA_SHAKE_256S, SlhDsaSet::Shake256s),
    (ck::CKP_SLH_DSA_SHA2_256F, SlhDsaSet::Sha2_256f),
    (ck::CKP_SLH_DSA_SHAKE_256F, SlhDsaSet::Shake256f),
];

/// CKA_PARAMETER_SET. CKR_TEMPLATE_INCOMPLETE, CKR_PARAMETER_SET_NOT_SUPPORTED.
pub fn slh_dsa_set(attributes: &Attributes) -> Result<SlhDsaSet> {
    let number =
        attributes.ulong(ck::CKA_PARAMETER_SET).ok_or_else(|| incomplete("CKA_PARAMETER_SET is missing"))?;
    let known = SETS.iter().find(|(known, _)| *known == number);
    known.map(|(_, set)| *set).ok_or_else(|| {
        Error::new(ErrorKind::ParameterSetNotSupported, "CKA_PARAMETER_SET is none of CKP_SLH_DSA_...")
    })
}

/// CKP_ of a parameter set.
pub fn slh_dsa_set_number(set: SlhDsaSet) -> ck::CK_ULONG {
    SETS.iter().find(|(_, known)| *known == set).map_or(ck::CK_UNAVAILABLE_INFORMATION, |(number, _)| *number)
}

fn write_set(attributes: &mut Attributes, set: SlhDsaSet) -> Result<()> {
    if attributes.ulong(ck::CKA_PARAMETER_SET).is_some() {
        return match slh_dsa_set(attributes)? == set {
            true => Ok(()),
            false => Err(inconsistent("CKA_PARAMETER_SET is another one than the key's")),
        };
    }
    attributes.set(ck::CKA_PARAMETER_SET, slh_dsa_set_number(set));
    Ok(())
}

fn public(attributes: &Attributes) -> Result<PublicKey> {
    let set = slh_dsa_set(attributes)?;
    let value = required(attributes, ck::CKA_VALUE, "CKA_VALUE is missing")?;
    SlhDsaPublic::new(set, value).map(PublicKey::SlhDsa).map_err(errors::template)
}

fn private(attributes: &Attributes) -> Result<PrivateKey> {
    let set = slh_dsa_set(attributes)?;
    let value = required(attributes, ck::CKA_VALUE, "CKA_VALUE is missing")?;
    SlhDsaPrivate::from_bytes(set, value).map(PrivateKey::SlhDsa).map_err(errors::template)
}

fn write_public(attributes: &mut Attributes, key: &PublicKey) -> Result<()> {
    let PublicKey::SlhDsa(key) = key else { return Err(wrong_type()) };
    write_set(attributes, key.set())?;
    fill(attributes, ck::CKA_VALUE, key.bytes().to_vec());
    Ok(())
}

fn write_private(attributes: &mut Attributes, key: &PrivateKey) -> Result<()> {
    let PrivateKey::SlhDsa(key) = key else { return Err(wrong_type()) };
    write_set(attributes, key.set())?;
    fill(attributes, ck::CKA_VALUE, key.bytes());
    Ok(())
}
