//! An object's attributes as bytes at rest: versioned, compact, one encoding per object.
//!
//! ```text
//! record     = version:u8 attributes            version 1
//! attributes = count:varint { type:varint value } types strictly ascending
//! value      = 0 | 1                            false, true
//!            | 2 n:varint                       CK_ULONG
//!            | 3 length:varint bytes
//!            | 4 count:varint { n:varint }      array of CK_ULONG
//!            | 5 attributes                     template
//! ```
//! `varint` is little-endian base 128 without superfluous digits. The store seals records, so a damaged one
//! is not expected here; decoding nevertheless takes any bytes, allocates in proportion to them and never
//! panics.

use super::attribute::{self, Kind};
use super::template::MAX_DEPTH;
use super::{Attributes, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{SecretBytes, ck, length, ulong};

const VERSION: u8 = 1;

const FALSE: u8 = 0;
const TRUE: u8 = 1;
const ULONG: u8 = 2;
const BYTES: u8 = 3;
const ULONGS: u8 = 4;
const TEMPLATE: u8 = 5;

impl Attributes {
    /// The record to seal and store. It holds secrets in the clear.
    pub fn encode(&self) -> SecretBytes {
        // Sized first: growing would leave copies of secrets behind in freed memory.
        let mut out = Vec::with_capacity(1 + size(self));
        out.push(VERSION);
        put(&mut out, self);
        SecretBytes::from(out)
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// CKR_DEVICE_ERROR for bytes that `encode` of this or an earlier version did not write.
    pub fn decode(record: &[u8]) -> Result<Attributes> {
        let mut input = Input { rest: record };
        let version = input.byte()?;
        if version != VERSION {
            return Err(damaged(format!("has version {version}, this keyward reads version {VERSION}")));
        }
        let attributes = input.attributes(1)?;
        match input.rest.len() {
            0 => Ok(attributes),
            extra => Err(damaged(format!("has {extra} bytes too many"))),
        }
    }
}

fn damaged(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::DeviceError, format!("the stored object {why}"))
}

fn put(out: &mut Vec<u8>, attributes: &Attributes) {
    put_varint(out, ulong(attributes.len()));
    for (id, value) in attributes.iter() {
        put_varint(out, id);
        match value {
            Value::Bool(false) => out.push(FALSE),
            Value::Bool(true) => out.push(TRUE),
            Value::Ulong(n) => {
                out.push(ULONG);
                put_varint(out, *n);
            }
            Value::Bytes(bytes) => {
                out.push(BYTES);
                put_varint(out, ulong(bytes.len()));
                out.extend_from_slice(bytes);
            }
            Value::Mechanisms(list) => {
                out.push(ULONGS);
                put_varint(out, ulong(list.len()));
                list.iter().for_each(|n| put_varint(out, *n));
            }
            Value::Template(nested) => {
                out.push(TEMPLATE);
                put(out, nested);
            }
        }
    }
}

fn put_varint(out: &mut Vec<u8>, mut n: ck::CK_ULONG) {
    loop {
        let [low, ..] = n.to_le_bytes();
        n >>= 7;
        if n == 0 {
            return out.push(low & 0x7f);
        }
        out.push(low | 0x80);
    }
}

fn size(attributes: &Attributes) -> usize {
    let each = attributes.iter().map(|(id, value)| {
        let value = match value {
            Value::Bool(_) => 0,
            Value::Ulong(n) => varint_size(*n),
            Value::Bytes(bytes) => varint_size(ulong(bytes.len())) + bytes.len(),
            Value::Mechanisms(list) => {
                varint_size(ulong(list.len())) + list.iter().map(|n| varint_size(*n)).sum::<usize>()
            }
            Value::Template(nested) => size(nested),
        };
        varint_size(id) + 1 + value
    });
    varint_size(ulong(attributes.len())) + each.sum::<usize>()
}

fn varint_size(n: ck::CK_ULONG) -> usize {
    let bits = ck::CK_ULONG::BITS - n.leading_zeros();
    usize::max(1, bits.div_ceil(7) as usize)
}

struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn byte(&mut self) -> Result<u8> {
        let (first, rest) = self.rest.split_first().ok_or_else(|| damaged("ends too early"))?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| damaged("ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<ck::CK_ULONG> {
        let mut n: ck::CK_ULONG = 0;
        for shift in (0..ck::CK_ULONG::BITS).step_by(7) {
            let byte = self.byte()?;
            let digit = ck::CK_ULONG::from(byte & 0x7f);
            if (digit << shift) >> shift != digit {
                return Err(damaged("holds a number that is too large"));
            }
            n |= digit << shift;
            if byte & 0x80 == 0 {
                return match byte == 0 && shift > 0 {
                    true => Err(damaged("holds a number with superfluous digits")),
                    false => Ok(n),
                };
            }
        }
        Err(damaged("holds a number that is too long"))
    }

    /// A number of items of which each takes at least `each` bytes: bounds what is allocated for them.
    fn count(&mut self, each: usize) -> Result<usize> {
        let count = length(self.varint()?);
        match count <= self.rest.len() / each {
            true => Ok(count),
            false => Err(damaged("ends too early")),
        }
    }

    fn attributes(&mut self, depth: usize) -> Result<Attributes> {
        if depth > MAX_DEPTH {
            return Err(damaged(format!("nests templates deeper than {MAX_DEPTH}")));
        }
        let count = self.count(2)?;
        // Few objects have more; what a hostile count would reserve beyond must first be there.
        let mut attributes = Attributes::with_capacity(count.min(64));
        let mut last = None;
        for _ in 0..count {
            let id = self.varint()?;
            if last.is_some_and(|last| last >= id) {
                return Err(damaged(format!("has {} out of order", attribute::name(id))));
            }
            let value = self.value(depth)?;
            if attribute::kind(id).is_some_and(|kind| !fits(kind, &value)) {
                return Err(damaged(format!("has a value of the wrong type for {}", attribute::name(id))));
            }
            attributes.push_last(id, value);
            last = Some(id);
        }
        Ok(attributes)
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        Ok(match self.byte()? {
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            ULONG => Value::Ulong(self.varint()?),
            BYTES => {
                let count = self.count(1)?;
                Value::Bytes(SecretBytes::from(self.take(count)?.to_vec()))
            }
            ULONGS => {
                let count = self.count(1)?;
                Value::Mechanisms((0..count).map(|_| self.varint()).collect::<Result<_>>()?)
            }
            TEMPLATE => Value::Template(self.attributes(depth + 1)?),
            tag => return Err(damaged(format!("has a value of unknown type {tag}"))),
        })
    }
}

/// Keeps the promise that an attribute's value has the variant its kind says, on which `flag` and its like
/// rest.
pub(super) fn fits(kind: Kind, value: &Value) -> bool {
    match kind {
        Kind::Bool => matches!(value, Value::Bool(_)),
        Kind::Ulong => matches!(value, Value::Ulong(_)),
        Kind::Bytes | Kind::Text | Kind::BigInteger | Kind::Date | Kind::Version => {
            matches!(value, Value::Bytes(_))
        }
        Kind::Ulongs => matches!(value, Value::Mechanisms(_)),
        Kind::Template => matches!(value, Value::Template(_)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Attributes {
        Attributes::new()
            .with(ck::CKA_TOKEN, true)
            .with(ck::CKA_PRIVATE, false)
            .with(ck::CKA_KEY_GEN_MECHANISM, ck::CK_UNAVAILABLE_INFORMATION)
            .with(ck::CKA_CLASS, 0 as ck::CK_ULONG)
            .with(ck::CKA_LABEL, "label")
            .with(ck::CKA_VALUE, vec![5u8; 300])
            .with(ck::CKA_ALLOWED_MECHANISMS, vec![ck::CKM_AES_GCM, 127, 128])
            .with(ck::CKA_WRAP_TEMPLATE, Attributes::new().with(ck::CKA_ID, b"").with(ck::CKA_SIGN, true))
            .with(0x8000_0042, b"vendor")
    }

    #[test]
    fn records_come_back() {
        for object in [Attributes::new(), everything()] {
            let record = object.encode();
            assert_eq!(record.len(), 1 + size(&object));
            assert_eq!(Attributes::decode(&record).unwrap(), object);
        }
    }

    #[test]
    fn a_record_of_version_1_stays_readable() {
        let object = Attributes::new().with(ck::CKA_CLASS, ck::CKO_DATA).with(ck::CKA_LABEL, "hi");
        let record = [1, 2, 0, 2, 0, 3, 3, 2, b'h', b'i'];
        assert_eq!(*object.encode(), record);
        assert_eq!(Attributes::decode(&record).unwrap(), object);
    }

    #[test]
    fn damage_is_refused() {
        let damaged: [&[u8]; 12] = [
            &[],
            &[2, 0],
            &[1],
            &[1, 0, 0],
            &[1, 1, 0, 9],
            &[1, 1, 1, 2, 5],
            &[1, 2, 3, 3, 0, 3, 3, 0],
            &[1, 2, 3, 3, 0, 1, 1],
            &[1, 1, 0, 2, 0x80, 0],
            &[1, 1, 3, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            &[1, 1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
            &[1, 0xff, 0xff, 0xff, 0x7f],
        ];
        for record in damaged {
            let error = Attributes::decode(record).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::DeviceError, "{record:?} {error}");
        }
    }

    /// Any bytes are taken; what is taken has one encoding.
    fn probe(record: &[u8]) {
        if let Ok(object) = Attributes::decode(record) {
            assert_eq!(*object.encode(), *record);
        }
    }

    #[test]
    fn hostile_records_do_no_harm() {
        let record = everything().encode().to_vec();
        for end in 0..record.len() {
            assert!(Attributes::decode(&record[..end]).is_err());
        }
        for at in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            probe(&flipped);
        }
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        for _ in 0..20_000 {
            let mut bytes = record.clone();
            for _ in 0..=random()[0] % 8 {
                let r = random();
                let at = usize::from(u16::from_le_bytes([r[0], r[1]])) % bytes.len();
                bytes[at] = r[2];
            }
            let r = random();
            bytes.truncate(usize::from(u16::from_le_bytes([r[0], r[1]])) % (2 * bytes.len()));
            probe(&bytes);
            let noise: Vec<u8> = [1].into_iter().chain((0..8).flat_map(|_| random())).collect();
            probe(&noise);
        }
    }
}
