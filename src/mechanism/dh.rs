//! Diffie-Hellman in a prime field (PKCS#11 v3.2, section 6 "Diffie-Hellman"): PKCS #3.
//!
//! FIPS 140-3 approves of the groups of RFC 3526 and RFC 7919 only. Keys below 2048 bits are legacy, whatever the
//! mechanism (`held::expect_strong`). Parameters of a size for which RFC 7919 has a group are that group: nobody has to trust
//! a prime of unknown making, and nobody waits for one.

use crate::crypto::{self, DhGroup, DhPrivate, PrivateKey};
use crate::error::{Error, ErrorKind, Result};
use crate::object::{Attributes, Inherit};
use crate::types::{SecretBytes, ck, length};

use super::derivation::Derive;
use super::derive::cut;
use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::key::{Key, wrong_type};
use super::material;
use super::params::{ParamKind, Params};

macro_rules! row {
    ($kind:ident, $param:ident, { $($op:ident: $function:expr),* $(,)? }) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: &[ck::CKK_DH],
            min_key_size: 1024,
            max_key_size: 8192,
            param: ParamKind::$param,
            ops: Ops { $($op: Some($function),)* ..Ops::NONE },
            extra_flags: 0,
            legacy: false,
            fips: true,
            provider: Provider::OfBuild,
            vectors: "OpenSSL",
        }
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    row!(CKM_DH_PKCS_KEY_PAIR_GEN, None, {
        generate_pair: |_, public, private| {
            let bits = private.ulong(ck::CKA_VALUE_BITS).map(length);
            let key = DhPrivate::generate(&material::dh_group(public)?, bits);
            key.map(PrivateKey::Dh).map_err(errors::template)
        },
    }),
    row!(CKM_DH_PKCS_PARAMETER_GEN, None, {
        generate_parameters: |_, template| {
            let bits = template.ulong(ck::CKA_PRIME_BITS).map_or(0, length);
            let group = DhGroup::of_size(bits).map_err(errors::template)?;
            let number = |number: crypto::Result<Vec<u8>>| number.map_err(errors::data);
            Ok(Attributes::new().with(ck::CKA_PRIME, number(group.p())?).with(ck::CKA_BASE, number(group.g())?))
        },
    }),
    row!(CKM_DH_PKCS_DERIVE, PublicValue, { derive: Derive::Secret(Inherit::Template, derive) }),
];

fn derive(key: &Key, params: &Params, wanted: Option<usize>) -> Result<SecretBytes> {
    let Key::Private(PrivateKey::Dh(key)) = key else { return Err(wrong_type()) };
    let Params::PublicValue(peer) = params else { return Err(errors::wrong_param()) };
    let shared = key.agree(peer).map_err(|error| match error {
        // The parameter is the other party's key.
        crypto::Error::Key(why) => Error::new(ErrorKind::MechanismParamInvalid, why),
        other => errors::derive(other),
    })?;
    cut(&shared, wanted)
}
