//! AES modes and CMAC (PKCS#11 v3.2, section 6 "AES", "AES with Counter", "Additional AES Mechanisms", "AES CMAC").

use crate::crypto::aes::{AesCipher, Direction, Mode};
use crate::crypto::{self, Cmac};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{SecretBytes, ck, length};

use super::descriptor::{Descriptor, Ops};
use super::errors;
use super::key::Key;
use super::op::{Cipher, Producer};
use super::params::{ParamKind, Params};
use super::shapes::{MacCheck, put};

const BLOCK: usize = 16;

/// Rows of AES keys, whose sizes count in bytes.
macro_rules! row {
    ($kind:ident, $param:expr, { $($op:ident: $function:expr),* $(,)? }) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: &[ck::CKK_AES],
            min_key_size: 16,
            max_key_size: 32,
            param: $param,
            ops: Ops { $($op: Some($function),)* ..Ops::NONE },
            extra_flags: 0,
            legacy: false,
            fips: true,
        }
    };
}
pub(super) use row;

/// A mode: encryption, decryption, and wrapping by them. Zero-padded modes leave the key's length to the template.
macro_rules! mode {
    ($kind:ident, $param:expr, zero_padded: $zero_padded:expr) => {
        row!($kind, $param, {
            encrypt: |key, params| Ok(Box::new(Running::new(ck::$kind, Direction::Encrypt, key, params)?)),
            decrypt: |key, params| Ok(Box::new(Running::new(ck::$kind, Direction::Decrypt, key, params)?)),
            wrap: |key, params, encoding| {
                wrap(Running::new(ck::$kind, Direction::Encrypt, key, params), encoding, $zero_padded)
            },
            unwrap: |key, params, wrapped, wanted| {
                let cipher = Running::new(ck::$kind, Direction::Decrypt, key, params);
                unwrap(cipher, wrapped, wanted.filter(|_| $zero_padded))
            },
        })
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    mode!(CKM_AES_ECB, ParamKind::None, zero_padded: true),
    mode!(CKM_AES_CBC, ParamKind::Iv(BLOCK), zero_padded: true),
    mode!(CKM_AES_CBC_PAD, ParamKind::Iv(BLOCK), zero_padded: false),
    mode!(CKM_AES_CTR, ParamKind::Ctr, zero_padded: false),
    mode!(CKM_AES_GCM, ParamKind::Gcm, zero_padded: false),
    row!(CKM_AES_CMAC, ParamKind::None, {
        sign: |key, _| Ok(Box::new(Mac(Cmac::new(key.secret()?).map_err(errors::data)?))),
        verify: |key, _| Ok(Box::new(MacCheck(Mac(Cmac::new(key.secret()?).map_err(errors::data)?)))),
    }),
];

/// A running mode. Bounds, buffering of partial blocks and tags are the primitive's.
struct Running {
    cipher: AesCipher,
    direction: Direction,
    /// Bytes until the counter of CTR would overflow; no bound in the other modes.
    left: u128,
}

impl Running {
    fn new(kind: ck::CK_MECHANISM_TYPE, direction: Direction, key: &Key, params: &Params) -> Result<Self> {
        let (mode, left) = mode(kind, params)?;
        let cipher = AesCipher::new(mode, direction, key.secret()?).map_err(errors::data)?;
        Ok(Running { cipher, direction, left })
    }

    /// CKR_DATA_LEN_RANGE, in both directions, for data that would run the counter over.
    fn count(&mut self, input: usize) -> Result<()> {
        self.left = self.left.checked_sub(input as u128).ok_or_else(|| {
            Error::new(ErrorKind::DataLenRange, "the data overflows the counter bits of CK_AES_CTR_PARAMS")
        })?;
        Ok(())
    }

    fn error(&self, error: crypto::Error) -> Error {
        match self.direction {
            Direction::Encrypt => errors::data(error),
            Direction::Decrypt => errors::decrypt(error),
        }
    }
}

impl Cipher for Running {
    fn update_len(&self, input: usize) -> usize {
        self.cipher.update_len(input)
    }
    fn finish_len(&self) -> usize {
        self.cipher.finish_len()
    }
    fn once_len(&self, input: usize) -> usize {
        self.cipher.once_len(input)
    }
    fn update(&mut self, part: &[u8], out: &mut [u8]) -> Result<usize> {
        self.count(part.len())?;
        self.cipher.update(part, out).map_err(|e| self.error(e))
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        self.cipher.finish(out).map_err(|e| self.error(e))
    }
    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        self.count(data.len())?;
        self.cipher.once(data, out).map_err(|e| self.error(e))
    }
}

/// The primitive's mode for a mechanism and its parameter, and how many bytes it may process.
fn mode(kind: ck::CK_MECHANISM_TYPE, params: &Params) -> Result<(Mode<'_>, u128)> {
    let unbounded = u128::MAX;
    Ok(match (kind, params) {
        (ck::CKM_AES_ECB, _) => (Mode::Ecb, unbounded),
        (ck::CKM_AES_CBC, Params::Iv(iv)) => (Mode::Cbc { iv: block(iv)? }, unbounded),
        (ck::CKM_AES_CBC_PAD, Params::Iv(iv)) => (Mode::CbcPad { iv: block(iv)? }, unbounded),
        (ck::CKM_AES_CTR, Params::Ctr { counter_bits, block }) => {
            let bits = u32::try_from(*counter_bits).ok().filter(|bits| (1..=128).contains(bits));
            let counter_bits =
                bits.ok_or_else(|| Error::new(ErrorKind::MechanismParamInvalid, "ulCounterBits is not 1 to 128"))?;
            (Mode::Ctr { block, counter_bits }, counter_room(counter_bits, block))
        }
        (ck::CKM_AES_GCM, Params::Gcm { iv, aad, tag_bits }) => {
            let tag_len = match length(*tag_bits) {
                bits @ (32 | 64 | 96 | 104 | 112 | 120 | 128) => bits / 8,
                _ => return Err(Error::new(ErrorKind::MechanismParamInvalid, "ulTagBits is no tag length of SP 800-38D")),
            };
            if iv.is_empty() {
                return Err(Error::new(ErrorKind::MechanismParamInvalid, "ulIvLen is 0: GCM needs an IV"));
            }
            (Mode::Gcm { iv, aad, tag_len }, unbounded)
        }
        _ => return Err(errors::wrong_param()),
    })
}

fn block(iv: &[u8]) -> Result<&[u8; BLOCK]> {
    iv.try_into().map_err(|_| Error::new(ErrorKind::MechanismParamInvalid, "the IV is not 16 bytes long"))
}

/// How many bytes a counter can number before its bits overflow.
fn counter_room(bits: u32, block: &[u8; BLOCK]) -> u128 {
    let highest = u128::MAX >> (128 - bits);
    let blocks_after_first = highest - (u128::from_be_bytes(*block) & highest);
    blocks_after_first.saturating_add(1).saturating_mul(BLOCK as u128)
}

struct Mac(Cmac);

impl Producer for Mac {
    fn output_len(&self) -> usize {
        Cmac::LEN
    }
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.0.update(part).map_err(errors::data)
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        put(&self.0.finish().map_err(errors::data)?, out).map(|_| ())
    }
}

fn wrap(cipher: Result<Running>, encoding: &[u8], zero_padded: bool) -> Result<Vec<u8>> {
    let mut run = || {
        let mut cipher = cipher.clone_error()?;
        Ok(cipher)
    };
    let _ = (&mut run, encoding, zero_padded);
    todo!()
}

fn unwrap(cipher: Result<Running>, wrapped: &[u8], wanted: Option<usize>) -> Result<SecretBytes> {
    todo!()
}
