//! CKK_DH and CKK_DSA: big integers, most significant byte first, and the domain parameters of both.
//!
//! A private key's public value follows from it and is not kept; a template that repeats the prime and the base with
//! leading zeros is taken as it is.

use crate::crypto::{
    self, DhGroup, DhPrivate, DhPublic, DsaGroup, DsaPrivate, DsaPublic, PrivateKey, PublicKey,
};
use crate::error::Result;
use crate::object::Attributes;
use crate::types::{ck, ulong};

use super::{Asymmetric, fill, inconsistent, required};
use crate::mechanism::errors;
use crate::mechanism::key::wrong_type;

pub(super) const DH: Asymmetric = Asymmetric {
    key_type: ck::CKK_DH,
    public: |attributes| {
        DhPublic::new(&dh_group(attributes)?, value(attributes)?).map(PublicKey::Dh).map_err(errors::template)
    },
    private: |attributes| {
        let key = DhPrivate::from_value(&dh_group(attributes)?, value(attributes)?);
        key.map(PrivateKey::Dh).map_err(errors::template)
    },
    write_public: |attributes, key| {
        let PublicKey::Dh(key) = key else { return Err(wrong_type()) };
        write_dh_group(attributes, key.group())?;
        fill(attributes, ck::CKA_VALUE, key.y().map_err(errors::data)?);
        Ok(())
    },
    write_private: |attributes, key| {
        let PrivateKey::Dh(key) = key else { return Err(wrong_type()) };
        write_dh_group(attributes, key.public().group())?;
        // What generation was asked for stays as the template has it.
        if attributes.ulong(ck::CKA_VALUE_BITS).is_none() {
            attributes.set(ck::CKA_VALUE_BITS, ulong(key.value_bits()));
        }
        fill(attributes, ck::CKA_VALUE, key.value());
        Ok(())
    },
};

pub(super) const DSA: Asymmetric = Asymmetric {
    key_type: ck::CKK_DSA,
    public: |attributes| {
        let key = DsaPublic::new(&dsa_group(attributes)?, value(attributes)?);
        key.map(PublicKey::Dsa).map_err(errors::template)
    },
    private: |attributes| {
        let key = DsaPrivate::from_value(&dsa_group(attributes)?, value(attributes)?);
        key.map(PrivateKey::Dsa).map_err(errors::template)
    },
    write_public: |attributes, key| {
        let PublicKey::Dsa(key) = key else { return Err(wrong_type()) };
        write_dsa_group(attributes, key.group())?;
        fill(attributes, ck::CKA_VALUE, key.y());
        Ok(())
    },
    write_private: |attributes, key| {
        let PrivateKey::Dsa(key) = key else { return Err(wrong_type()) };
        write_dsa_group(attributes, key.public().group())?;
        fill(attributes, ck::CKA_VALUE, key.value());
        Ok(())
    },
};

fn value(attributes: &Attributes) -> Result<&[u8]> {
    required(attributes, ck::CKA_VALUE, "CKA_VALUE is missing: the public or the private value")
}

/// Prime and base of a template or key. CKR_TEMPLATE_INCOMPLETE, CKR_ATTRIBUTE_VALUE_INVALID.
pub(in crate::mechanism) fn dh_group(attributes: &Attributes) -> Result<DhGroup> {
    let p = required(attributes, ck::CKA_PRIME, "CKA_PRIME is missing")?;
    let g = required(attributes, ck::CKA_BASE, "CKA_BASE is missing")?;
    DhGroup::new(p, g).map_err(errors::template)
}

/// Prime, subprime and base of a template or key. Errors as [`dh_group`].
pub(in crate::mechanism) fn dsa_group(attributes: &Attributes) -> Result<DsaGroup> {
    let p = required(attributes, ck::CKA_PRIME, "CKA_PRIME is missing")?;
    let q = required(attributes, ck::CKA_SUBPRIME, "CKA_SUBPRIME is missing")?;
    let g = required(attributes, ck::CKA_BASE, "CKA_BASE is missing")?;
    DsaGroup::new(p, q, g).map_err(errors::template)
}

/// Checks domain parameters and fills in their sizes.
pub(super) fn complete_parameters(attributes: &mut Attributes) -> Result<()> {
    let size = |number: crypto::Result<Vec<u8>>| number.map(|number| bits(&number)).map_err(errors::data);
    let p = match attributes.key_type() {
        Some(ck::CKK_DH) => size(dh_group(attributes)?.p())?,
        Some(ck::CKK_DSA) => {
            let group = dsa_group(attributes)?;
            attributes.set(ck::CKA_SUBPRIME_BITS, size(group.q())?);
            size(group.p())?
        }
        _ => return Err(wrong_type()),
    };
    attributes.set(ck::CKA_PRIME_BITS, p);
    Ok(())
}

/// The size in bits of a number without leading zeros.
fn bits(number: &[u8]) -> ck::CK_ULONG {
    let first = number.first().map_or(0, |byte| byte.leading_zeros());
    ulong((number.len() * 8).saturating_sub(first as usize))
}

fn write_dh_group(attributes: &mut Attributes, group: &DhGroup) -> Result<()> {
    write_number(attributes, ck::CKA_PRIME, group.p().map_err(errors::data)?)?;
    write_number(attributes, ck::CKA_BASE, group.g().map_err(errors::data)?)
}

fn write_dsa_group(attributes: &mut Attributes, group: &DsaGroup) -> Result<()> {
    write_number(attributes, ck::CKA_PRIME, group.p().map_err(errors::data)?)?;
    write_number(attributes, ck::CKA_SUBPRIME, group.q().map_err(errors::data)?)?;
    write_number(attributes, ck::CKA_BASE, group.g().map_err(errors::data)?)
}

/// Fills a number, or holds a given one against it.
fn write_number(attributes: &mut Attributes, kind: ck::CK_ATTRIBUTE_TYPE, number: Vec<u8>) -> Result<()> {
    let same = |given: &[u8]| {
        let zeros = given.iter().take_while(|byte| **byte == 0).count();
        given.get(zeros..) == Some(&number[..])
    };
    match attributes.bytes(kind) {
        Some(given) if !given.is_empty() && !same(given) => {
            Err(inconsistent("CKA_PRIME, CKA_SUBPRIME or CKA_BASE is another one than the key's"))
        }
        _ => {
            fill(attributes, kind, number);
            Ok(())
        }
    }
}
