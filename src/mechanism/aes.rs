//! The common modes of AES, and CMAC (PKCS#11 v3.2, section 6 "AES", "AES with Counter", "Additional AES Mechanisms", "AES CMAC").

use crate::crypto::aes::{AesCipher, Direction, Mode};
use crate::crypto::{self, Cmac};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{ck, length, ulong};

use super::cipher::{self, Fill};
use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::key::Key;
use super::message::{Message, MessageForm, MessageKind};
use super::op::{Cipher, Producer};
use super::params::{ParamKind, Params};
use super::shapes::{MacCheck, copied, put};

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
            provider: Provider::OfBuild,
            vectors: "Wycheproof",
        }
    };
}
pub(super) use row;

/// What the parameters of a mode come to.
type ModeFn = for<'a> fn(&'a Params) -> Result<Mode<'a>>;

/// A mode: encryption, decryption, and wrapping by them.
macro_rules! mode {
    ($kind:ident, $param:expr, $mode:expr, $fill:expr) => {
        row!($kind, $param, {
            encrypt: |key, params| start($mode, Direction::Encrypt, key, params),
            decrypt: |key, params| start($mode, Direction::Decrypt, key, params),
            wrap: |key, params, encoding| {
                let encrypt: cipher::StartFn = |direction, key, params| start($mode, direction, key, params);
                cipher::wrap(encrypt, key, params, encoding, $fill)
            },
            unwrap: |key, params, wrapped, wanted| {
                let decrypt: cipher::StartFn = |direction, key, params| start($mode, direction, key, params);
                cipher::unwrap(decrypt, key, params, wrapped, wanted, $fill)
            },
        })
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    mode!(CKM_AES_ECB, ParamKind::None, |_| Ok(Mode::Ecb), Fill::Zeros(BLOCK)),
    mode!(CKM_AES_CBC, ParamKind::Iv(BLOCK), |params| Ok(Mode::Cbc { iv: iv(params)? }), Fill::Zeros(BLOCK)),
    mode!(CKM_AES_CBC_PAD, ParamKind::Iv(BLOCK), |params| Ok(Mode::CbcPad { iv: iv(params)? }), Fill::None),
    mode!(CKM_AES_CTR, ParamKind::Ctr, ctr, Fill::None),
    with_message(
        mode!(CKM_AES_GCM, ParamKind::Gcm, gcm, Fill::None),
        MessageForm { kind: MessageKind::Gcm, params: gcm_message },
    ),
    row!(CKM_AES_CMAC, ParamKind::None, {
        sign: |key, _| Ok(Box::new(Mac(Cmac::new(key.secret()?).map_err(errors::data)?))),
        verify: |key, _| Ok(Box::new(MacCheck(Mac(Cmac::new(key.secret()?).map_err(errors::data)?)))),
    }),
];

pub(super) const fn with_message(row: Descriptor, form: MessageForm) -> Descriptor {
    Descriptor { ops: Ops { message: Some(form), ..row.ops }, ..row }
}

fn start(mode: ModeFn, direction: Direction, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
    Ok(Box::new(Running::new(mode, direction, key, params)?))
}

/// A running mode. Bounds, buffering of partial blocks and tags are the primitive's.
struct Running {
    cipher: AesCipher,
    direction: Direction,
    /// Bytes until the counter of CTR would overflow; no bound in the other modes.
    left: u128,
}

impl Running {
    fn new(mode: ModeFn, direction: Direction, key: &Key, params: &Params) -> Result<Self> {
        let mode = mode(params)?;
        let left = match mode {
            Mode::Ctr { block, counter_bits } => counter_room(counter_bits, block),
            _ => u128::MAX,
        };
        let cipher = AesCipher::new(mode, direction, key.secret_key()?).map_err(errors::data)?;
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

pub(super) fn iv(params: &Params) -> Result<&[u8; BLOCK]> {
    let Params::Iv(iv) = params else { return Err(errors::wrong_param()) };
    iv.as_slice().try_into().map_err(|_| invalid("the IV is not 16 bytes long"))
}

fn ctr(params: &Params) -> Result<Mode<'_>> {
    let Params::Ctr { counter_bits, block } = params else { return Err(errors::wrong_param()) };
    let bits = u32::try_from(*counter_bits).ok().filter(|bits| (1..=128).contains(bits));
    Ok(Mode::Ctr { block, counter_bits: bits.ok_or_else(|| invalid("ulCounterBits is not 1 to 128"))? })
}

fn gcm(params: &Params) -> Result<Mode<'_>> {
    let Params::Gcm { iv, aad, tag_bits } = params else { return Err(errors::wrong_param()) };
    if iv.is_empty() {
        return Err(invalid("ulIvLen is 0: GCM needs an IV"));
    }
    match length(*tag_bits) {
        bits @ (32 | 64 | 96 | 104 | 112 | 120 | 128) => Ok(Mode::Gcm { iv, aad, tag_len: bits / 8 }),
        _ => Err(invalid("ulTagBits is no tag length of SP 800-38D: 128 is usual")),
    }
}

/// One message's parameter as that of a whole operation.
fn gcm_message(message: &Message, aad: &[u8]) -> Result<Params> {
    Ok(Params::Gcm { iv: message.iv.clone(), aad: copied(aad)?, tag_bits: ulong(message.tag_len * 8) })
}

/// Nonce, additional data and the tag's length in bytes.
pub(super) fn gcm_parts(params: &Params) -> Result<(&[u8], &[u8], usize)> {
    match gcm(params)? {
        Mode::Gcm { iv, aad, tag_len } => Ok((iv, aad, tag_len)),
        _ => Err(errors::wrong_param()),
    }
}

pub(super) fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::MechanismParamInvalid, why)
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
