//! What ciphers have in common: running one, and wrapping keys by it.

use zeroize::Zeroizing;

use crate::crypto::aes::Direction;
use crate::crypto::{self, Crypter};
use crate::error::{Error, ErrorKind, Result};
use crate::types::SecretBytes;

use super::errors;
use super::key::Key;
use super::op::Cipher;
use super::params::Params;
use super::shapes::zeroed;

/// Starts a cipher in either direction.
pub(super) type StartFn = fn(Direction, &Key, &Params) -> Result<Box<dyn Cipher>>;

/// A running cipher of `crypto`.
struct Running<C> {
    cipher: C,
    direction: Direction,
}

/// The operation around a cipher that was started, or the reason why it was not.
pub(super) fn run<C: Crypter + 'static>(
    direction: Direction,
    started: crypto::Result<C>,
) -> Result<Box<dyn Cipher>> {
    Ok(Box::new(Running { cipher: started.map_err(errors::data)?, direction }))
}

impl<C> Running<C> {
    fn error(&self, error: crypto::Error) -> Error {
        match self.direction {
            Direction::Encrypt => errors::data(error),
            Direction::Decrypt => errors::decrypt(error),
        }
    }
}

impl<C: Crypter> Cipher for Running<C> {
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
        self.cipher.update(part, out).map_err(|e| self.error(e))
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        self.cipher.finish(out).map_err(|e| self.error(e))
    }
    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        self.cipher.once(data, out).map_err(|e| self.error(e))
    }
}

/// How a mechanism wraps keys whose length does not suit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    /// As they are.
    None,
    /// Zeros up to whole blocks of so many bytes; the template brings the length back.
    Zeros(usize),
}

/// Wraps an encoding by encryption.
pub(super) fn wrap(
    start: StartFn,
    key: &Key,
    params: &Params,
    encoding: &[u8],
    fill: Fill,
) -> Result<Vec<u8>> {
    let encrypt = || {
        let mut cipher = start(Direction::Encrypt, key, params)?;
        let padded = match fill {
            Fill::None => encoding.len(),
            Fill::Zeros(block) => encoding.len().next_multiple_of(block),
        };
        let mut plain = Zeroizing::new(Vec::with_capacity(padded));
        plain.extend_from_slice(encoding);
        plain.resize(padded, 0);
        let mut wrapped = vec![0; cipher.once_len(plain.len())];
        let len = cipher.once(&plain, &mut wrapped)?;
        wrapped.truncate(len);
        Ok(wrapped)
    };
    encrypt().map_err(errors::wrap)
}

/// The reverse. `wanted` is the template's length, which counts where the mechanism fills up with zeros.
pub(super) fn unwrap(
    start: StartFn,
    key: &Key,
    params: &Params,
    wrapped: &[u8],
    wanted: Option<usize>,
    fill: Fill,
) -> Result<SecretBytes> {
    let wanted = wanted.filter(|_| fill != Fill::None);
    let decrypt = || {
        let mut cipher = start(Direction::Decrypt, key, params)?;
        let mut key = zeroed(cipher.once_len(wrapped.len()))?;
        let len = cipher.once(wrapped, &mut key)?;
        key.truncate(wanted.unwrap_or(len).min(len));
        Ok(key)
    };
    let key = decrypt().map_err(errors::unwrap)?;
    match wanted.is_some_and(|wanted| wanted > key.len()) {
        true => {
            Err(Error::new(ErrorKind::WrappedKeyLenRange, "CKA_VALUE_LEN is more than the wrapped key holds"))
        }
        false => Ok(key),
    }
}

/// The operations of a cipher that also wraps: `$start` is a [`StartFn`].
macro_rules! ops {
    ($start:expr, $fill:expr) => {
        Ops {
            encrypt: Some(|key, params| $start(Direction::Encrypt, key, params)),
            decrypt: Some(|key, params| $start(Direction::Decrypt, key, params)),
            wrap: Some(|key, params, encoding| cipher::wrap($start, key, params, encoding, $fill)),
            unwrap: Some(|key, params, wrapped, wanted| {
                cipher::unwrap($start, key, params, wrapped, wanted, $fill)
            }),
            ..Ops::NONE
        }
    };
}
pub(super) use ops;
