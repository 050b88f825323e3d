//! Concatenation, XOR, extraction of bits, and the public key of a private key (PKCS#11 v3.2, section 6
//! "Miscellaneous simple key derivation mechanisms").

use crate::crypto::PrivateKey;
use crate::error::{Error, ErrorKind, Result};
use crate::object::{Attributes, Inherit};
use crate::types::{SecretBytes, ck, length};

use super::{ANY_SECRET, invalid, named, row, structure, zeroed};
use crate::mechanism::derivation::{Base, Derivation, Derive, Derived};
use crate::mechanism::descriptor::Descriptor;
use crate::mechanism::ec;
use crate::mechanism::key::{Key, wrong_type};
use crate::mechanism::material;
use crate::mechanism::params::{KdfKind, ParamKind, Params};
use crate::mechanism::secret::MAX_BYTES;

const SIZES: (ck::CK_ULONG, ck::CK_ULONG) = (1, MAX_BYTES);
const STRING: ParamKind = ParamKind::Kdf(KdfKind::StringData);
/// The examples in the text.
const EXAMPLES: &str = "PKCS#11 v3.2";

type DeriveFn = fn(&Derivation<'_>, &Params) -> Result<Vec<Derived>>;

const fn simple(
    name: (ck::CK_MECHANISM_TYPE, &'static str),
    param: ParamKind,
    derive: DeriveFn,
) -> Descriptor {
    row(name, ANY_SECRET, SIZES, param, Derive::Objects(Base::Key, derive), false, EXAMPLES)
}

pub(in crate::mechanism) const ROWS: &[Descriptor] = &[
    simple(named!(CKM_CONCATENATE_BASE_AND_KEY), ParamKind::Kdf(KdfKind::KeyHandle), |derivation, _| {
        joined(derivation, derivation.base.key.secret()?, derivation.other(0)?)
    }),
    simple(named!(CKM_CONCATENATE_BASE_AND_DATA), STRING, |derivation, params| {
        joined(derivation, derivation.base.key.secret()?, structure!(params, StringData)?)
    }),
    simple(named!(CKM_CONCATENATE_DATA_AND_BASE), STRING, |derivation, params| {
        joined(derivation, structure!(params, StringData)?, derivation.base.key.secret()?)
    }),
    simple(named!(CKM_XOR_BASE_AND_DATA), STRING, xor),
    simple(named!(CKM_EXTRACT_KEY_FROM_KEY), ParamKind::Kdf(KdfKind::ExtractBit), extract),
    Descriptor {
        extra_flags: ec::FLAGS,
        ..row(
            named!(CKM_PUB_KEY_FROM_PRIV_KEY),
            &material::PAIR_TYPES,
            // Bits, as the types of key that are named in bits have them.
            (255, 16384),
            ParamKind::None,
            Derive::Objects(Base::Private, |derivation, _| match derivation.base.key {
                Key::Private(key) => derivation.public(&PrivateKey::public(key)),
                _ => Err(wrong_type()),
            }),
            false,
            "the pairs that keyward generates",
        )
    },
];

fn joined(derivation: &Derivation<'_>, first: &[u8], second: &[u8]) -> Result<Vec<Derived>> {
    derivation.secret(Inherit::Base, |key, wanted| {
        let mut whole = zeroed(first.len() + second.len())?;
        whole.iter_mut().zip(first.iter().chain(second)).for_each(|(to, from)| *to = *from);
        leading(whole, key, wanted)
    })
}

fn xor(derivation: &Derivation<'_>, params: &Params) -> Result<Vec<Derived>> {
    let (base, data) = (derivation.base.key.secret()?, structure!(params, StringData)?);
    derivation.secret(Inherit::Base, |key, wanted| {
        let mut sum = zeroed(base.len().min(data.len()))?;
        sum.iter_mut().zip(base.iter().zip(data.iter())).for_each(|(to, (a, b))| *to = a ^ b);
        leading(sum, key, wanted)
    })
}

/// Bits from the n-th on, around the end of the base key where it is reached.
fn extract(derivation: &Derivation<'_>, params: &Params) -> Result<Vec<Derived>> {
    let (base, first) = (derivation.base.key.secret()?, length(*structure!(params, ExtractBit)?));
    if first / 8 >= base.len() {
        return Err(invalid("the first bit lies beyond the base key"));
    }
    derivation.secret(Inherit::Base, |_, wanted| {
        let wanted = wanted.ok_or_else(no_len)?;
        if wanted > base.len() {
            return Err(too_long());
        }
        let (byte, bit) = (first / 8, first % 8);
        let pairs = base.iter().zip(base.iter().cycle().skip(1)).cycle().skip(byte);
        let mut bits = zeroed(wanted)?;
        for (to, (high, low)) in bits.iter_mut().zip(pairs) {
            let [value, _] = (u16::from_be_bytes([*high, *low]) << bit).to_be_bytes();
            *to = value;
        }
        Ok(bits)
    })
}

/// As much as the template wants; a generic secret without a length gets all there is.
fn leading(mut value: SecretBytes, key: &Attributes, wanted: Option<usize>) -> Result<SecretBytes> {
    match wanted {
        Some(wanted) if wanted <= value.len() => {
            value.truncate(wanted);
            Ok(value)
        }
        Some(_) => Err(too_long()),
        None if key.key_type() == Some(ck::CKK_GENERIC_SECRET) => Ok(value),
        None => Err(no_len()),
    }
}

fn too_long() -> Error {
    Error::new(ErrorKind::KeySizeRange, "CKA_VALUE_LEN is more than the keys and data have")
}

fn no_len() -> Error {
    Error::new(ErrorKind::TemplateIncomplete, "CKA_VALUE_LEN is missing: the type of key has no one length")
}
