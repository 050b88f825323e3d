//! SoftHSM's object files.
//!
//! ```text
//! file       = generation:u64 { attribute }
//! attribute  = type:u64 kind:u64 value                  numbers are big-endian, whatever the machine
//! value      = flag:u8                                  kind 1
//!            | number:u64                               kind 2
//!            | length:u64 bytes                         kind 3
//!            | length:u64 { attribute }                 kind 4, length in bytes
//!            | count:u64 { number:u64 }                 kind 5
//! ```
//! The files come from outside: a length is held against what is there before anything is done with it.

use std::path::{Path, PathBuf};

use crate::cli::error::{Error, Result};
use crate::cli::migrate::source::{Damage, read_file};
use crate::object::{Attributes, Value};
use crate::types::{SecretBytes, ck};

/// The file of the token's own attributes.
pub const TOKEN: &str = "token.object";

/// What every other object's file ends in.
const ENDING: &str = "object";

/// The largest file in bytes: as large as an object of keyward's may be.
const MAX: u64 = 8 << 20;

/// How deep lists of attributes lie in each other: SoftHSM itself writes one level.
const MAX_DEPTH: usize = 2;

/// The files of a token's objects, in order.
pub fn objects(dir: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |error| Error::file(dir, &error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) && !path.ends_with(TOKEN) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The attributes in a file, still sealed.
pub fn read(path: &Path) -> std::result::Result<Attributes, Damage> {
    parse(&read_file(path, MAX).map_err(|error| Damage(error.to_string()))?)
}

fn parse(content: &[u8]) -> std::result::Result<Attributes, Damage> {
    let mut input = Input(content);
    input.number()?;
    input.attributes(1)
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: u64) -> std::result::Result<&'a [u8], Damage> {
        let split = usize::try_from(len).ok().and_then(|len| self.0.split_at_checked(len));
        let (taken, rest) = split.ok_or(Damage::from("the file ends in the middle of an attribute"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> std::result::Result<u64, Damage> {
        let bytes = self.take(8)?;
        bytes.try_into().map(u64::from_be_bytes).map_err(|_| "a number is cut off".into())
    }

    /// All attributes up to the end.
    fn attributes(&mut self, depth: usize) -> std::result::Result<Attributes, Damage> {
        let mut attributes = Attributes::new();
        while !self.0.is_empty() {
            let id: ck::CK_ATTRIBUTE_TYPE = self.number()?;
            let value = self.value(depth)?;
            attributes.set(id, value);
        }
        Ok(attributes)
    }

    fn value(&mut self, depth: usize) -> std::result::Result<Value, Damage> {
        Ok(match self.number()? {
            1 => Value::Bool(self.take(1)? != [0]),
            2 => Value::Ulong(self.number()?),
            3 => {
                let len = self.number()?;
                Value::Bytes(SecretBytes::from(self.take(len)?))
            }
            4 if depth < MAX_DEPTH => {
                let len = self.number()?;
                Value::Template(Input(self.take(len)?).attributes(depth + 1)?)
            }
            5 => {
                let count = self.number()?;
                let len = count.checked_mul(8).ok_or(Damage::from("a list has an impossible length"))?;
                let (numbers, _) = self.take(len)?.as_chunks::<8>();
                Value::Mechanisms(numbers.iter().map(|number| u64::from_be_bytes(*number)).collect())
            }
            kind => return Err(Damage(format!("an attribute has a value of unknown kind {kind}"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(n: u64) -> Vec<u8> {
        n.to_be_bytes().to_vec()
    }

    /// A file with one attribute of each kind.
    fn sample() -> Vec<u8> {
        let inner = [number(ck::CKA_SIGN), number(1), vec![0xff]].concat();
        [
            number(7),
            [number(ck::CKA_CLASS), number(2), number(ck::CKO_DATA)].concat(),
            [number(ck::CKA_TOKEN), number(1), vec![0xff]].concat(),
            [number(ck::CKA_LABEL), number(3), number(5), b"label".to_vec()].concat(),
            [number(ck::CKA_WRAP_TEMPLATE), number(4), number(inner.len() as u64), inner].concat(),
            [number(ck::CKA_ALLOWED_MECHANISMS), number(5), number(2), number(1), number(2)].concat(),
        ]
        .concat()
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let expected = Attributes::new()
            .with(ck::CKA_CLASS, ck::CKO_DATA)
            .with(ck::CKA_TOKEN, true)
            .with(ck::CKA_LABEL, "label")
            .with(ck::CKA_WRAP_TEMPLATE, Attributes::new().with(ck::CKA_SIGN, true))
            .with(ck::CKA_ALLOWED_MECHANISMS, vec![1u64, 2]);
        assert_eq!(parse(&sample()).unwrap(), expected);
        assert_eq!(parse(&number(1)).unwrap(), Attributes::new());
    }

    #[test]
    fn truncated_and_changed_files_do_no_harm() {
        let sample = sample();
        let whole = [8, 32, 49, 78, 119];
        for end in 0..sample.len() {
            assert_eq!(parse(&sample[..end]).is_ok(), whole.contains(&end), "cut at {end}");
        }
        for at in 0..sample.len() * 8 {
            let mut flipped = sample.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            let _ = parse(&flipped);
        }
    }

    #[test]
    fn impossible_lengths_are_refused() {
        let long = [number(1), number(ck::CKA_VALUE), number(3), number(u64::MAX)].concat();
        assert!(parse(&long).is_err());
        let list = [number(1), number(ck::CKA_VALUE), number(5), number(u64::MAX / 4)].concat();
        assert!(parse(&list).is_err());
        let nested = |inner: Vec<u8>| [number(0), number(4), number(inner.len() as u64), inner].concat();
        assert!(parse(&[number(1), nested(nested(nested(Vec::new())))].concat()).is_err());
    }
}
