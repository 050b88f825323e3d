//! The keys of IKEv1 (RFC 2409) and IKEv2 (RFC 7296; PKCS#11 v3.2, section 6 "IKE Mechanisms").

use crate::crypto::DigestValue;
use crate::error::{Error, ErrorKind, Result};
use crate::object::{Inherit, Value};
use crate::types::{SecretBytes, ck};

use super::prf::{Prf, PrfKind};
use super::{ANY_SECRET, any_len, named, row, structure, zeroed};
use crate::mechanism::derivation::{Base, Derivation, Derive, Derived};
use crate::mechanism::descriptor::Descriptor;
use crate::mechanism::key::{Key, wrong_type};
use crate::mechanism::params::{KdfKind, ParamKind, Params};
use crate::mechanism::secret::MAX_BYTES;

const fn ike(
    name: (ck::CK_MECHANISM_TYPE, &'static str),
    param: KdfKind,
    derive: fn(&Derivation<'_>, &Params) -> Result<Vec<Derived>>,
) -> Descriptor {
    let derive = Derive::Objects(Base::Key, derive);
    row(name, ANY_SECRET, (1, MAX_BYTES), ParamKind::Kdf(param), derive, false, "Python hmac")
}

pub(in crate::mechanism) const ROWS: &[Descriptor] = &[
    ike(named!(CKM_IKE_PRF_DERIVE), KdfKind::IkePrf, ike_prf),
    ike(named!(CKM_IKE1_PRF_DERIVE), KdfKind::Ike1Prf, ike1_prf),
    ike(named!(CKM_IKE1_EXTENDED_DERIVE), KdfKind::Ike1Extended, ike1_extended),
    ike(named!(CKM_IKE2_PRF_PLUS_DERIVE), KdfKind::Ike2PrfPlus, ike2_prf_plus),
];

/// A generic secret's value: what a shared secret has to be.
fn generic(key: &Key) -> Result<&SecretBytes> {
    match key {
        Key::Secret { key_type: ck::CKK_GENERIC_SECRET, value } => Ok(value.value()),
        _ => Err(wrong_type()),
    }
}

/// The n-th further key, which has to be a generic secret.
fn generic_other<'a>(derivation: &'a Derivation<'_>, n: usize) -> Result<&'a SecretBytes> {
    derivation.others.get(n).map_or_else(|| Err(wrong_type()), |other| generic(other.key))
}

/// SKEYSEED and SKEYID.
fn ike_prf(derivation: &Derivation<'_>, params: &Params) -> Result<Vec<Derived>> {
    let params = structure!(params, IkePrf)?;
    let kind = PrfKind::of(params.prf)?;
    let [ni, nr] = &params.nonces;
    let template = derivation.template_or(&[(ck::CKA_KEY_TYPE, Value::Ulong(kind.key_type()))]);
    let keys_in_message = params.data_as_key || params.new_key.is_some();
    let key = derivation.secret_by(&template, kind.inherit(keys_in_message, Inherit::Template), |_, _| {
        let made = if params.data_as_key {
            kind.with_bytes(&[&ni[..], nr].concat())?.of(&[generic(derivation.base.key)?])?
        } else {
            let mut prf = kind.with_key(derivation.base.key)?;
            match params.new_key {
                Some(_) => prf.of(&[generic_other(derivation, 0)?, ni, nr])?,
                None => prf.of(&[ni, nr])?,
            }
        };
        Ok(SecretBytes::from(&made[..]))
    })?;
    Ok(vec![key.into()])
}

/// SKEYID_d, SKEYID_a and SKEYID_e.
fn ike1_prf(derivation: &Derivation<'_>, params: &Params) -> Result<Vec<Derived>> {
    let params = structure!(params, Ike1Prf)?;
    let kind = PrfKind::of(params.prf)?;
    if derivation.template.ulong(ck::CKA_KEY_TYPE).is_none() {
        let why = "CKA_KEY_TYPE is missing: this derivation makes any type of key";
        return Err(Error::new(ErrorKind::TemplateIncomplete, why));
    }
    let shared = generic_other(derivation, 0)?;
    let previous: &[u8] = match params.previous {
        Some(_) => derivation.other(1)?,
        None => &[],
    };
    let [initiator, responder] = &params.cookies;
    derivation.secret(kind.inherit(true, Inherit::Template), |_, wanted| {
        let wanted = up_to(wanted.unwrap_or(kind.len()), kind.len())?;
        let mut prf = kind.with_key(derivation.base.key)?;
        let made = prf.of(&[previous, shared, initiator, responder, &[params.number]])?;
        Ok(made.iter().copied().take(wanted).collect::<Vec<u8>>().into())
    })
}

/// The keys of phase 2, and those that are longer than the PRF's output (RFC 2409, section 5.5 and appendix B).
fn ike1_extended(derivation: &Derivation<'_>, params: &Params) -> Result<Vec<Derived>> {
    let params = structure!(params, Ike1Extended)?;
    let kind = PrfKind::of(params.prf)?;
    let base = derivation.base.key.secret()?;
    let mut prf = kind.with_key(derivation.base.key)?;
    let shared: &[u8] = match params.shared {
        Some(_) => generic_other(derivation, 0)?,
        None => &[],
    };
    let wanted = any_len(derivation.template.ulong(ck::CKA_VALUE_LEN).map(crate::types::length))?;
    // A short key without a shared secret is the beginning of the base key, which must not lose its protection by it.
    let cut = params.shared.is_none() && wanted <= kind.len();
    let inherit = match cut {
        true => Inherit::Base,
        false => kind.inherit(params.shared.is_some(), Inherit::Template),
    };
    derivation.secret(inherit, |_, _| match cut {
        true => {
            let wanted = up_to(wanted, base.len())?;
            Ok(base.iter().copied().take(wanted).collect::<Vec<u8>>().into())
        }
        false => blocks(wanted, kind, |last| match (last, shared, &params.extra[..]) {
            (None, [], []) => prf.of(&[&[0]]),
            (last, shared, extra) => prf.of(&[last.map_or(&[], |last| &last[..]), shared, extra]),
        }),
    })
}

/// prf+ (RFC 7296, section 2.13).
fn ike2_prf_plus(derivation: &Derivation<'_>, params: &Params) -> Result<Vec<Derived>> {
    let params = structure!(params, Ike2PrfPlus)?;
    let kind = PrfKind::of(params.prf)?;
    let mut prf: Prf = kind.with_key(derivation.base.key)?;
    let seed_key: &[u8] = match params.seed_key {
        Some(_) => derivation.other(0)?,
        None => &[],
    };
    derivation.secret(kind.inherit(params.seed_key.is_some(), Inherit::Template), |_, wanted| {
        let mut number = 0u8;
        blocks(any_len(wanted)?, kind, |last| {
            number = number.wrapping_add(1);
            prf.of(&[last.map_or(&[], |last| &last[..]), seed_key, &params.seed, &[number]])
        })
    })
}

fn up_to(wanted: usize, most: usize) -> Result<usize> {
    match wanted <= most {
        true => Ok(wanted),
        false => Err(Error::new(ErrorKind::KeySizeRange, "CKA_VALUE_LEN is more than the derivation gives")),
    }
}

/// Blocks that follow from each other, at most 255 of them.
fn blocks(
    wanted: usize,
    kind: PrfKind,
    mut next: impl FnMut(Option<&DigestValue>) -> Result<DigestValue>,
) -> Result<SecretBytes> {
    let mut key = zeroed(up_to(wanted, 255 * kind.len())?)?;
    let mut last = None;
    for chunk in key.chunks_mut(kind.len()) {
        let block = next(last.as_ref())?;
        chunk.iter_mut().zip(block.iter()).for_each(|(to, from)| *to = *from);
        last = Some(block);
    }
    Ok(key)
}
