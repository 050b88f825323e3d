//! ChaCha20 and ChaCha20-Poly1305 (PKCS#11 v3.2, section 6 "ChaCha20" and "Chacha20/Poly1305 and Salsa20/Poly1305
//! Authenticated Encryption / Decryption").
//!
//! Of the AEAD the variants with nonces of 96 and 192 bits are here. How the original nonce of 64 bits would go into it
//! neither the specification nor its references say.

use crate::crypto::aes::Direction;
use crate::crypto::{ChaCha20, ChaChaOpen, ChaChaSeal};
use crate::error::Result;
use crate::types::ck;

use super::aes::invalid;
use super::cipher::{self, Fill};
use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::key::Key;
use super::message::{Message, MessageForm, MessageKind};
use super::op::Cipher;
use super::params::{ParamKind, Params};
use super::secret::{fixed_len, random};
use super::shapes::copied;

macro_rules! row {
    ($kind:ident, $size:literal, $param:ident, $ops:expr, $vectors:literal) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: &[ck::CKK_CHACHA20],
            min_key_size: $size,
            max_key_size: $size,
            param: ParamKind::$param,
            ops: $ops,
            extra_flags: 0,
            legacy: false,
            fips: false,
            provider: Provider::OfBuild,
            vectors: $vectors,
        }
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    // Bytes for the generation, bits for the rest, as the specification has it.
    row!(
        CKM_CHACHA20_KEY_GEN,
        32,
        None,
        Ops { generate: Some(|_, template| random(fixed_len(template, 32)?)), ..Ops::NONE },
        ""
    ),
    row!(CKM_CHACHA20, 256, ChaCha20, cipher::ops!(chacha20, Fill::None), "RFC 8439"),
    row!(
        CKM_CHACHA20_POLY1305,
        256,
        ChaCha20Poly1305,
        Ops {
            encrypt: Some(|key, params| sealed(Direction::Encrypt, key, params)),
            decrypt: Some(|key, params| sealed(Direction::Decrypt, key, params)),
            message: Some(MessageForm { kind: MessageKind::ChaCha20Poly1305, params: message }),
            ..Ops::NONE
        },
        "Wycheproof"
    ),
];

/// The three variants of the specification's table, by the lengths of nonce and counter in bytes.
const VARIANTS: &[(usize, ck::CK_ULONG)] = &[(8, 64), (12, 32), (24, 64)];

fn chacha20(direction: Direction, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
    let Params::ChaCha20 { counter, counter_bits, nonce } = params else { return Err(errors::wrong_param()) };
    if !VARIANTS.contains(&(nonce.len(), *counter_bits)) {
        return Err(invalid("the bits of nonce and block counter are 96 and 32, 64 and 64, or 192 and 64"));
    }
    cipher::run(direction, ChaCha20::new(key.secret()?, nonce, *counter))
}

/// One message's parameter as that of a whole operation.
fn message(message: &Message, aad: &[u8]) -> Result<Params> {
    Ok(Params::ChaCha20Poly1305 { nonce: message.iv.clone(), aad: copied(aad)? })
}

fn sealed(direction: Direction, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
    let Params::ChaCha20Poly1305 { nonce, aad } = params else { return Err(errors::wrong_param()) };
    let key = key.secret()?;
    match direction {
        Direction::Encrypt => cipher::run(direction, ChaChaSeal::new(key, nonce, aad)),
        Direction::Decrypt => cipher::run(direction, ChaChaOpen::new(key, nonce, aad)),
    }
}
