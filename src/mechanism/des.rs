//! Triple DES, for keys of the past (PKCS#11 v3.2, section 6 "Double and Triple-length DES"). Its MACs are in
//! `block_mac`, its derivations in `encrypt_data`.

use crate::crypto::aes::Direction;
use crate::crypto::{Des3, Des3Mode};
use crate::error::Result;
use crate::types::ck;

use super::aes::invalid;
use super::cipher::{self, Fill};
use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::key::Key;
use super::op::Cipher;
use super::params::{ParamKind, Params};
use super::secret::{fixed_len, random};

const BLOCK: usize = 8;

/// The specification leaves the key sizes unused; here they are those of the keys, in bytes.
macro_rules! row {
    ($kind:ident, $keys:expr, $min:literal..=$max:literal, $param:expr, $ops:expr, $vectors:literal) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: $keys,
            min_key_size: $min,
            max_key_size: $max,
            param: $param,
            ops: $ops,
            extra_flags: 0,
            legacy: true,
            fips: false,
            provider: Provider::OfBuild,
            vectors: $vectors,
        }
    };
}

macro_rules! generation {
    ($kind:ident, $key_type:ident, $len:literal) => {
        row!(
            $kind,
            &[ck::$key_type],
            $len..=$len,
            ParamKind::None,
            // The parity bits are set where the value is written into the object.
            Ops { generate: Some(|_, template| random(fixed_len(template, $len)?)), ..Ops::NONE },
            ""
        )
    };
}

macro_rules! mode {
    ($kind:ident, $param:expr, $start:expr, $fill:expr, $vectors:literal) => {
        row!($kind, &[ck::CKK_DES2, ck::CKK_DES3], 16..=24, $param, cipher::ops!($start, $fill), $vectors)
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    generation!(CKM_DES2_KEY_GEN, CKK_DES2, 16),
    generation!(CKM_DES3_KEY_GEN, CKK_DES3, 24),
    mode!(CKM_DES3_ECB, ParamKind::None, ecb, Fill::Zeros(BLOCK), "NIST SP 800-67"),
    mode!(CKM_DES3_CBC, ParamKind::Iv(BLOCK), cbc, Fill::Zeros(BLOCK), "OpenSSL"),
    mode!(CKM_DES3_CBC_PAD, ParamKind::Iv(BLOCK), cbc_pad, Fill::None, "OpenSSL"),
];

fn iv(params: &Params) -> Result<&[u8; BLOCK]> {
    let Params::Iv(iv) = params else { return Err(errors::wrong_param()) };
    iv.as_slice().try_into().map_err(|_| invalid("the IV is not 8 bytes long"))
}

fn ecb(direction: Direction, key: &Key, _: &Params) -> Result<Box<dyn Cipher>> {
    cipher::run(direction, Des3::new(Des3Mode::Ecb, direction, key.secret()?))
}

fn cbc(direction: Direction, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
    cipher::run(direction, Des3::new(Des3Mode::Cbc(iv(params)?), direction, key.secret()?))
}

fn cbc_pad(direction: Direction, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
    cipher::run(direction, Des3::new(Des3Mode::CbcPad(iv(params)?), direction, key.secret()?))
}
