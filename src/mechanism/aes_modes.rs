//! The rarer modes of AES (PKCS#11 v3.2, section 6 "AES", "Additional AES Mechanisms", "AES CBC with CipherText
//! Stealing CTS" and "AES XTS").
//!
//! The specification leaves the variant of ciphertext stealing to the addendum of SP 800-38A, which has three: this is
//! CS1, the one that OpenSSL's pkcs11-provider expects.

use crate::crypto::aes::Direction;
use crate::crypto::{Ccm, Cts, Feedback, Segment, Xts};
use crate::error::Result;
use crate::object::Attributes;
use crate::types::{SecretBytes, ck, length, ulong};

use super::aes::{invalid, iv, with_message};
use super::cipher::{self, Fill};
use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::key::Key;
use super::message::{Message, MessageForm, MessageKind};
use super::op::Cipher;
use super::params::{ParamKind, Params};
use super::secret::{bad_len, random, value_len};
use super::shapes::copied;

const BLOCK: usize = 16;

/// Rows whose sizes count in bytes.
macro_rules! row {
    ($kind:ident, $key_type:ident $min:literal..=$max:literal, $param:expr, $ops:expr, fips: $fips:literal, $vectors:literal) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: &[ck::$key_type],
            min_key_size: $min,
            max_key_size: $max,
            param: $param,
            ops: $ops,
            extra_flags: 0,
            legacy: false,
            fips: $fips,
            provider: Provider::OfBuild,
            vectors: $vectors,
        }
    };
}

macro_rules! feedback {
    ($kind:ident, $segment:ident, $vectors:literal) => {
        row!($kind, CKK_AES 16..=32, ParamKind::Iv(BLOCK), cipher::ops!(
            (|direction, key, params| feedback(Segment::$segment, direction, key, params)),
            Fill::None
        ), fips: false, $vectors)
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    feedback!(CKM_AES_OFB, Output, "SP 800-38A"),
    feedback!(CKM_AES_CFB1, Bit, "SP 800-38A"),
    feedback!(CKM_AES_CFB8, Byte, "SP 800-38A"),
    feedback!(CKM_AES_CFB64, Half, "PyCryptodome"),
    feedback!(CKM_AES_CFB128, Block, "SP 800-38A"),
    row!(CKM_AES_CTS, CKK_AES 16..=32, ParamKind::Iv(BLOCK), cipher::ops!(cts, Fill::None), fips: false, "RFC 3962"),
    // AWS-LC's FIPS module does not count it among its services.
    with_message(
        row!(CKM_AES_CCM, CKK_AES 16..=32, ParamKind::Ccm, Ops {
        encrypt: Some(|key, params| ccm(Direction::Encrypt, key, params)),
        decrypt: Some(|key, params| ccm(Direction::Decrypt, key, params)),
        wrap: Some(|key, params, encoding| cipher::wrap(ccm_of_any_length, key, params, encoding, Fill::None)),
        unwrap: Some(|key, params, wrapped, wanted| {
            cipher::unwrap(ccm_of_any_length, key, params, wrapped, wanted, Fill::None)
        }),
        ..Ops::NONE
    }, fips: false, "Wycheproof"),
        MessageForm { kind: MessageKind::Ccm, params: ccm_message },
    ),
    row!(CKM_AES_XTS, CKK_AES_XTS 32..=64, ParamKind::Iv(BLOCK), cipher::ops!(xts, Fill::None), fips: false, "Wycheproof"),
    row!(CKM_AES_XTS_KEY_GEN, CKK_AES_XTS 32..=64, ParamKind::None, Ops {
        generate: Some(generate_xts),
        ..Ops::NONE
    }, fips: false, ""),
];

fn feedback(segment: Segment, direction: Direction, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
    cipher::run(direction, Feedback::new(segment, direction, key.secret()?, iv(params)?))
}

fn cts(direction: Direction, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
    cipher::run(direction, Cts::new(direction, key.secret()?, iv(params)?))
}

fn xts(direction: Direction, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
    cipher::run(direction, Xts::new(direction, key.secret()?, iv(params)?))
}

/// The data has the length that the parameter says.
fn ccm(direction: Direction, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
    start_ccm(direction, key, params, true)
}

/// "Tokens SHALL ignore any value provided" in ulDataLen when they wrap ("AES-CCM Authenticated Wrap / Unwrap").
fn ccm_of_any_length(direction: Direction, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
    start_ccm(direction, key, params, false)
}

/// One message's parameter as that of a whole operation.
fn ccm_message(message: &Message, aad: &[u8]) -> Result<Params> {
    Ok(Params::Ccm {
        data_len: ulong(message.data_len),
        nonce: message.iv.clone(),
        aad: copied(aad)?,
        mac_len: ulong(message.tag_len),
    })
}

fn start_ccm(direction: Direction, key: &Key, params: &Params, fixed: bool) -> Result<Box<dyn Cipher>> {
    let Params::Ccm { data_len, nonce, aad, mac_len } = params else { return Err(errors::wrong_param()) };
    if !(7..=13).contains(&nonce.len()) {
        return Err(invalid("ulNonceLen is not 7 to 13"));
    }
    let tag_len = match length(*mac_len) {
        len @ (4 | 6 | 8 | 10 | 12 | 14 | 16) => len,
        _ => return Err(invalid("ulMACLen is not 4, 6, 8, 10, 12, 14 or 16")),
    };
    let data_len = fixed.then_some(length(*data_len));
    cipher::run(direction, Ccm::new(direction, key.secret_key()?, nonce, aad, tag_len, data_len))
}

fn generate_xts(_: &Params, template: &Attributes) -> Result<SecretBytes> {
    match value_len(template, 32..=64)? {
        len @ (32 | 64) => random(len),
        _ => Err(bad_len("CKA_VALUE_LEN of an AES-XTS key is 32 or 64")),
    }
}
