//! As much DER as keys need: splitting and building tag-length-value elements.
//!
//! Reading rests on the `der` crate, which refuses indefinite, overlong and truncated lengths; nothing here allocates
//! by a length it read. What is built may be secret, so every buffer is wiped and none ever grows.

use super::{Error, Result};
use der::Decode;
use zeroize::Zeroizing;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
/// `[0] IMPLICIT` over a primitive type.
pub(super) const CONTEXT_0: u8 = 0x80;
/// `[0] EXPLICIT`.
pub(super) const EXPLICIT_0: u8 = 0xa0;
/// `[1] EXPLICIT`.
pub(super) const EXPLICIT_1: u8 = 0xa1;

const MALFORMED: Error = Error::Key("the DER encoding is malformed");

/// Elements not read yet.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    /// The next element's tag.
    pub(super) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element, tag and length included, and its value.
    fn element(&mut self) -> Result<(&'a [u8], &'a [u8])> {
        let (any, rest) = der::asn1::AnyRef::from_der_partial(self.0).map_err(|_| MALFORMED)?;
        let whole = self.0.get(..self.0.len() - rest.len()).ok_or(MALFORMED)?;
        self.0 = rest;
        Ok((whole, any.value()))
    }

    /// The value of the next element, which must have `tag`.
    pub(super) fn take(&mut self, tag: u8) -> Result<&'a [u8]> {
        if self.peek() != Some(tag) {
            return Err(MALFORMED);
        }
        Ok(self.element()?.1)
    }

    /// The value of the next element if it has `tag`.
    pub(super) fn take_optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>> {
        if self.peek() == Some(tag) { self.take(tag).map(Some) } else { Ok(None) }
    }

    /// The next element whatever it is, tag and length included; empty at the end.
    pub(super) fn raw(&mut self) -> Result<&'a [u8]> {
        if self.0.is_empty() { Ok(&[]) } else { Ok(self.element()?.0) }
    }

    /// The elements inside the next one, which must have `tag`.
    pub(super) fn enter(&mut self, tag: u8) -> Result<Reader<'a>> {
        self.take(tag).map(Reader)
    }

    /// A non-negative INTEGER's magnitude, without leading zeros.
    pub(super) fn unsigned(&mut self) -> Result<&'a [u8]> {
        let value = self.take(INTEGER)?;
        match value {
            [] | [0x80..=0xff, ..] => Err(MALFORMED),
            [0, rest @ ..] if !rest.is_empty() => Ok(rest),
            _ => Ok(value),
        }
    }

    /// A BIT STRING of whole bytes.
    pub(super) fn bit_string(&mut self) -> Result<&'a [u8]> {
        match self.take(BIT_STRING)? {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(MALFORMED),
        }
    }

    /// Refuses anything left over.
    pub(super) fn end(&self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(MALFORMED) }
    }
}

/// Bytes that may be secret.
pub(super) type Buffer = Zeroizing<Vec<u8>>;

/// One element around the concatenation of `parts`.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Buffer {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let digits = len.to_be_bytes();
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = digits.get(zeros..).unwrap_or_default();
    let mut out = Zeroizing::new(Vec::with_capacity(2 + digits.len() + len));
    out.push(tag);
    match (len, u8::try_from(len)) {
        (..0x80, Ok(short)) => out.push(short),
        _ => {
            out.extend(u8::try_from(digits.len()).map(|count| 0x80 | count));
            out.extend_from_slice(digits);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// An INTEGER from an unsigned big-endian number.
pub(super) fn unsigned(number: &[u8]) -> Buffer {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    match number.get(zeros..).unwrap_or_default() {
        [] => element(INTEGER, &[&[0]]),
        digits @ [0x80..=0xff, ..] => element(INTEGER, &[&[0], digits]),
        digits => element(INTEGER, &[digits]),
    }
}

/// A BIT STRING of whole bytes.
pub(super) fn bit_string(bytes: &[u8]) -> Buffer {
    element(BIT_STRING, &[&[0], bytes])
}
