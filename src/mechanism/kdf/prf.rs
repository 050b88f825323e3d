//! The pseudo-random functions that key derivations run on: HMAC and AES-CMAC.

use crate::crypto::{Cmac, DigestValue, Hash, Hmac};
use crate::error::{Error, ErrorKind, Result};
use crate::object::Inherit;
use crate::types::ck;

use super::invalid;
use crate::mechanism::digest::by_mechanism;
use crate::mechanism::errors;
use crate::mechanism::key::{Key, wrong_type};

/// An HMAC and how it is named: its mechanism, its hash's mechanism, its type of key, PBKDF2's number for it.
type Names = (
    ck::CK_MECHANISM_TYPE,
    ck::CK_MECHANISM_TYPE,
    ck::CK_KEY_TYPE,
    Option<ck::CK_PKCS5_PBKD2_PSEUDO_RANDOM_FUNCTION_TYPE>,
);

/// What the specification names; that there is such a hash here is `by_mechanism`'s to say.
const HMACS: &[Names] = &[
    (ck::CKM_SHA_1_HMAC, ck::CKM_SHA_1, ck::CKK_SHA_1_HMAC, Some(ck::CKP_PKCS5_PBKD2_HMAC_SHA1)),
    (ck::CKM_SHA224_HMAC, ck::CKM_SHA224, ck::CKK_SHA224_HMAC, Some(ck::CKP_PKCS5_PBKD2_HMAC_SHA224)),
    (ck::CKM_SHA256_HMAC, ck::CKM_SHA256, ck::CKK_SHA256_HMAC, Some(ck::CKP_PKCS5_PBKD2_HMAC_SHA256)),
    (ck::CKM_SHA384_HMAC, ck::CKM_SHA384, ck::CKK_SHA384_HMAC, Some(ck::CKP_PKCS5_PBKD2_HMAC_SHA384)),
    (ck::CKM_SHA512_HMAC, ck::CKM_SHA512, ck::CKK_SHA512_HMAC, Some(ck::CKP_PKCS5_PBKD2_HMAC_SHA512)),
    (
        ck::CKM_SHA512_224_HMAC,
        ck::CKM_SHA512_224,
        ck::CKK_SHA512_224_HMAC,
        Some(ck::CKP_PKCS5_PBKD2_HMAC_SHA512_224),
    ),
    (
        ck::CKM_SHA512_256_HMAC,
        ck::CKM_SHA512_256,
        ck::CKK_SHA512_256_HMAC,
        Some(ck::CKP_PKCS5_PBKD2_HMAC_SHA512_256),
    ),
    (ck::CKM_SHA3_224_HMAC, ck::CKM_SHA3_224, ck::CKK_SHA3_224_HMAC, None),
    (ck::CKM_SHA3_256_HMAC, ck::CKM_SHA3_256, ck::CKK_SHA3_256_HMAC, None),
    (ck::CKM_SHA3_384_HMAC, ck::CKM_SHA3_384, ck::CKK_SHA3_384_HMAC, None),
    (ck::CKM_SHA3_512_HMAC, ck::CKM_SHA3_512, ck::CKK_SHA3_512_HMAC, None),
];

/// The hash under one of PBKDF2's pseudo-random functions.
pub(super) fn pbkdf2_hash(prf: ck::CK_PKCS5_PBKD2_PSEUDO_RANDOM_FUNCTION_TYPE) -> Result<Hash> {
    match HMACS.iter().find(|names| names.3 == Some(prf)) {
        Some(names) => by_mechanism(names.1),
        None => Err(invalid("PBKDF2: prf names no pseudo-random function of this token")),
    }
}

/// A pseudo-random function by the mechanism of its MAC.
#[derive(Clone, Copy)]
pub(super) enum PrfKind {
    Hmac(Hash, ck::CK_KEY_TYPE),
    AesCmac,
}

impl PrfKind {
    /// CKR_MECHANISM_PARAM_INVALID for a mechanism that is no such function here.
    pub(super) fn of(mechanism: ck::CK_MECHANISM_TYPE) -> Result<PrfKind> {
        if mechanism == ck::CKM_AES_CMAC {
            return Ok(PrfKind::AesCmac);
        }
        match HMACS.iter().find(|names| names.0 == mechanism) {
            Some(names) => Ok(PrfKind::Hmac(by_mechanism(names.1)?, names.2)),
            None => Err(invalid("the parameter names no pseudo-random function of this token")),
        }
    }

    /// How a derived key's protection follows where `keys_in_message` says whether keys went into the function as its
    /// message. CMAC is a block cipher at heart: who knows its key computes the last block of the message from the
    /// output. Of an HMAC's message nothing comes back.
    pub(super) fn inherit(self, keys_in_message: bool, otherwise: Inherit) -> Inherit {
        match self {
            PrfKind::AesCmac if keys_in_message => Inherit::Base,
            _ => otherwise,
        }
    }

    /// The type of its keys.
    pub(super) fn key_type(self) -> ck::CK_KEY_TYPE {
        match self {
            PrfKind::Hmac(_, key_type) => key_type,
            PrfKind::AesCmac => ck::CKK_AES,
        }
    }

    /// Length of its output in bytes.
    pub(super) fn len(self) -> usize {
        match self {
            PrfKind::Hmac(hash, _) => hash.len(),
            PrfKind::AesCmac => Cmac::LEN,
        }
    }

    /// Under a key of its type; HMAC takes generic secrets too. CKR_KEY_TYPE_INCONSISTENT for others.
    pub(super) fn with_key(self, key: &Key) -> Result<Prf> {
        let Key::Secret { key_type, value } = key else { return Err(wrong_type()) };
        let generic = matches!(self, PrfKind::Hmac(..)) && *key_type == ck::CKK_GENERIC_SECRET;
        if !generic && *key_type != self.key_type() {
            let why = "the base key is of another type than the pseudo-random function's";
            return Err(Error::new(ErrorKind::KeyTypeInconsistent, why));
        }
        self.with_bytes(value.value())
    }

    /// Under these bytes. CKR_KEY_SIZE_RANGE for a length that an AES key does not have.
    pub(super) fn with_bytes(self, key: &[u8]) -> Result<Prf> {
        match self {
            PrfKind::Hmac(hash, _) => Hmac::new(hash, key).map(Prf::Hmac),
            PrfKind::AesCmac => Cmac::new(key).map(Prf::Cmac),
        }
        .map_err(errors::data)
    }
}

/// A pseudo-random function with its key.
pub(super) enum Prf {
    Hmac(Hmac),
    Cmac(Cmac),
}

impl Prf {
    /// Its output for the concatenation of `parts`.
    pub(super) fn of(&mut self, parts: &[&[u8]]) -> Result<DigestValue> {
        match self {
            Prf::Hmac(hmac) => {
                let mut out = zeroize::Zeroizing::new([0; crate::crypto::MAX_DIGEST_LEN]);
                let out = out.get_mut(..hmac.len()).unwrap_or_default();
                parts
                    .iter()
                    .try_for_each(|part| hmac.update(part))
                    .and_then(|()| hmac.finish(out))
                    .map(|()| DigestValue::new(out))
            }
            Prf::Cmac(cmac) => parts
                .iter()
                .try_for_each(|part| cmac.update(part))
                .and_then(|()| cmac.finish())
                .map(|mac| DigestValue::new(&mac)),
        }
        .map_err(errors::data)
    }
}
