//! HKDF (RFC 5869; PKCS#11 v3.2, section 6 "HKDF Mechanisms").

use crate::crypto::{hkdf_expand_into, hkdf_extract};
use crate::error::{Error, ErrorKind, Result};
use crate::object::Inherit;
use crate::types::{SecretBytes, ck};

use super::{any_len, invalid, named, row, structure, zeroed};
use crate::mechanism::derivation::{Base, Derivation, Derive, Derived};
use crate::mechanism::descriptor::{Descriptor, Ops, Provider};
use crate::mechanism::digest::by_mechanism;
use crate::mechanism::errors;
use crate::mechanism::params::{Hkdf, KdfKind, ParamKind, Params, Salt};
use crate::mechanism::secret::{MAX_BYTES, random, value_len};

const KEYS: &[ck::CK_KEY_TYPE] = &[ck::CKK_HKDF, ck::CKK_GENERIC_SECRET];
const SIZES: (ck::CK_ULONG, ck::CK_ULONG) = (1, MAX_BYTES);
const PARAM: ParamKind = ParamKind::Kdf(KdfKind::Hkdf);

pub(in crate::mechanism) const ROWS: &[Descriptor] = &[
    row(
        named!(CKM_HKDF_DERIVE),
        KEYS,
        SIZES,
        PARAM,
        Derive::Objects(Base::KeyOrData, key),
        true,
        "Wycheproof, RFC 5869",
    ),
    row(named!(CKM_HKDF_DATA), KEYS, SIZES, PARAM, Derive::Objects(Base::KeyOrData, data), true, "RFC 5869"),
    Descriptor {
        kind: ck::CKM_HKDF_KEY_GEN,
        name: "CKM_HKDF_KEY_GEN",
        key_types: &[ck::CKK_HKDF],
        min_key_size: SIZES.0,
        max_key_size: SIZES.1,
        param: ParamKind::None,
        ops: Ops { generate: Some(|_, template| random(value_len(template, 1..=MAX_BYTES)?)), ..Ops::NONE },
        extra_flags: 0,
        legacy: false,
        fips: true,
        provider: Provider::OfBuild,
        vectors: "",
    },
];

fn key(derivation: &Derivation<'_>, params: &Params) -> Result<Vec<Derived>> {
    let params = structure!(params, Hkdf)?;
    derivation.secret(Inherit::Template, |_, wanted| hkdf(derivation, params, wanted))
}

fn data(derivation: &Derivation<'_>, params: &Params) -> Result<Vec<Derived>> {
    let params = structure!(params, Hkdf)?;
    derivation.data(|wanted| hkdf(derivation, params, wanted))
}

fn hkdf(derivation: &Derivation<'_>, params: &Hkdf, wanted: Option<usize>) -> Result<SecretBytes> {
    let hash = by_mechanism(params.hash)?;
    let secret = derivation.base.key.secret()?;
    if derivation.base.attributes.class() == ck::CKO_DATA {
        expect_salted_data(params, secret.len() == hash.len())?;
    }
    let salt: &[u8] = match &params.salt {
        Salt::Null => &[],
        Salt::Data(salt) => salt,
        Salt::Key(_) => derivation.other(0)?,
    };
    let extracted = match params.extract {
        true => Some(hkdf_extract(hash, secret, salt).map_err(errors::data)?),
        false => None,
    };
    match (params.expand, &extracted) {
        (false, None) => Err(invalid("HKDF: neither bExtract nor bExpand is set")),
        (false, Some(key)) if wanted.is_some_and(|wanted| wanted != key.len()) => {
            let why = "CKA_VALUE_LEN is not the length of the hash, which is what extraction gives";
            Err(Error::new(ErrorKind::KeySizeRange, why))
        }
        (false, Some(key)) => Ok(SecretBytes::from(&key[..])),
        (true, _) => {
            let wanted = any_len(wanted)?;
            if wanted == 0 || wanted > 255 * hash.len() {
                let why = "CKA_VALUE_LEN is outside what HKDF gives: 1 byte to 255 times the hash";
                return Err(Error::new(ErrorKind::KeySizeRange, why));
            }
            let mut out = zeroed(wanted)?;
            let key = extracted.as_deref().unwrap_or(secret);
            hkdf_expand_into(hash, key, &params.info, &mut out).map_err(errors::data)?;
            Ok(out)
        }
    }
}

/// A data object may stand in for a key where a salt makes the secret.
fn expect_salted_data(params: &Hkdf, of_the_hash: bool) -> Result<()> {
    if !params.extract || matches!(params.salt, Salt::Null) {
        return Err(invalid("HKDF from a data object: bExtract and a salt are needed"));
    }
    match of_the_hash {
        true => Ok(()),
        false => {
            let why = "HKDF from a data object: its value must be as long as the hash";
            Err(Error::new(ErrorKind::KeySizeRange, why))
        }
    }
}
