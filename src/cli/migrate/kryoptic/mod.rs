//! kryoptic's SQLite databases: a row for each attribute of each object, and a table of what the token is.
//!
//! The values of secret and private keys are sealed (`seal`); all else is in the clear.

mod seal;

use std::path::PathBuf;

use clap::Args;
use rusqlite::types::ValueRef;

use super::source::{Damage, Found, Source, each, wrong_pin};
use super::sqlite::Copy;
use crate::cli::error::Result;
use crate::cli::host::text;
use crate::object::attribute::{self, Kind};
use crate::object::{Attributes, Value};
use crate::types::{SecretBytes, ck};
use seal::{Role, TokenKey};

/// The version that is known.
const VERSION: &str = "v1";

/// `keyward migrate kryoptic`
#[derive(Args, Debug)]
pub struct From {
    /// kryoptic's database, the file that its configuration names as dbargs
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
}

/// A token of kryoptic's.
pub struct Kryoptic {
    copy: Copy,
    about: About,
}

/// What the database says of its token.
struct About {
    label: String,
    serial: String,
    /// The token key under the SO's PIN.
    so: Option<Vec<u8>>,
    /// The token key under the user's PIN.
    user: Option<Vec<u8>>,
}

type Answer<T> = std::result::Result<T, Damage>;

/// The token of a database.
pub fn find(args: &From) -> Result<Kryoptic> {
    let copy = Copy::of(&args.from)?;
    match about(&copy) {
        Ok(about) => Ok(Kryoptic { copy, about }),
        Err(why) => Err(copy.failure(why)),
    }
}

fn about(copy: &Copy) -> Answer<About> {
    copy.expect_tables(&["meta", "objects"])?;
    let version = "SELECT value FROM meta WHERE name = 'version'";
    let version: Option<String> = copy.connection().query_row(version, [], |row| row.get(0))?;
    if version.as_deref() != Some(VERSION) {
        return Err(Damage(format!("the database is not of version {VERSION}")));
    }
    let info = |value| meta(copy, "TOKEN INFO", value).map(|data| text(&data.unwrap_or_default()));
    let user = |role: Role| meta(copy, "USER DATA", role.name());
    Ok(About { label: info("label")?, serial: info("serial")?, so: user(Role::So)?, user: user(Role::User)? })
}

fn meta(copy: &Copy, name: &str, value: &str) -> Answer<Option<Vec<u8>>> {
    let mut statement = copy.connection().prepare("SELECT data FROM meta WHERE name = ?1 AND value = ?2")?;
    let mut rows = statement.query([name, value])?;
    match rows.next()? {
        Some(row) => Ok(row.get(0)?),
        None => Ok(None),
    }
}

impl Source for Kryoptic {
    fn kind(&self) -> &'static str {
        "kryoptic"
    }

    fn label(&self) -> &str {
        &self.about.label
    }

    fn serial(&self) -> &str {
        &self.about.serial
    }

    fn wants_pin(&self) -> bool {
        self.about.user.is_some()
    }

    fn is_so_pin(&self, pin: &[u8]) -> Result<Option<bool>> {
        let Some(sealed) = &self.about.so else { return Ok(None) };
        let opened = TokenKey::open(sealed, Role::So, pin).map_err(|why| self.copy.failure(why))?;
        Ok(Some(opened.is_some()))
    }

    fn read(&self, pin: Option<&[u8]>) -> Result<Vec<Found>> {
        let failure = |why| self.copy.failure(why);
        let key = match (&self.about.user, pin) {
            (Some(sealed), Some(pin)) => match TokenKey::open(sealed, Role::User, pin).map_err(failure)? {
                Some(key) => Some(key),
                None => return wrong_pin(self),
            },
            _ => None,
        };
        let ids = objects(&self.copy).map_err(failure)?;
        Ok(each(ids, |id| {
            Found::open(format!("object {id}"), object(&self.copy, id), |object| {
                seal::unseal(object, key.as_ref())
            })
        }))
    }
}

fn objects(copy: &Copy) -> Answer<Vec<i64>> {
    let mut statement = copy.connection().prepare("SELECT DISTINCT id FROM objects ORDER BY id")?;
    let ids = statement.query_map([], |row| row.get(0))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// An object's attributes, still sealed.
fn object(copy: &Copy, id: i64) -> Answer<Attributes> {
    let mut statement = copy.connection().prepare_cached("SELECT attr, val FROM objects WHERE id = ?1")?;
    let mut rows = statement.query([id])?;
    let mut object = Attributes::new();
    while let Some(row) = rows.next()? {
        let kind: ck::CK_ATTRIBUTE_TYPE = row.get::<_, u32>(0)?.into();
        let value = value(kind, row.get_ref(1)?);
        object.set(kind, value.map_err(|Damage(why)| Damage(format!("{}: {why}", attribute::name(kind))))?);
    }
    Ok(object)
}

fn value(id: ck::CK_ATTRIBUTE_TYPE, value: ValueRef<'_>) -> Answer<Value> {
    let wrong = || Damage::from("has a value of the wrong kind");
    Ok(match (attribute::kind(id), value) {
        (Some(Kind::Bool), ValueRef::Integer(flag)) => Value::Bool(flag != 0),
        (Some(Kind::Ulong), ValueRef::Integer(number)) => Value::Ulong(ulong(number).ok_or_else(wrong)?),
        (Some(Kind::Date), ValueRef::Text(date)) => {
            Value::from(date.iter().copied().filter(|byte| *byte != b'-').collect::<Vec<u8>>())
        }
        (Some(Kind::Ulongs), ValueRef::Blob(bytes)) => match bytes.as_chunks::<8>() {
            (numbers, []) => Value::Mechanisms(numbers.iter().map(|n| u64::from_le_bytes(*n)).collect()),
            _ => return Err(wrong()),
        },
        (Some(Kind::Ulongs), ValueRef::Null) => Value::Mechanisms(Vec::new()),
        (Some(Kind::Template), ValueRef::Blob(bytes)) => Value::Template(template(bytes).ok_or_else(wrong)?),
        (Some(Kind::Template), ValueRef::Null) => Value::Template(Attributes::new()),
        (Some(Kind::Bool | Kind::Ulong | Kind::Ulongs | Kind::Template), _) => return Err(wrong()),
        (_, ValueRef::Null) => Value::from(b""),
        (_, ValueRef::Blob(bytes) | ValueRef::Text(bytes)) => Value::Bytes(SecretBytes::from(bytes)),
        _ => return Err(wrong()),
    })
}

fn ulong(number: i64) -> Option<ck::CK_ULONG> {
    match number {
        -1 => Some(ck::CK_UNAVAILABLE_INFORMATION),
        _ => number.try_into().ok(),
    }
}

/// A list of attributes: `count:u32 { type:u64 length:u32 value }`, numbers in little-endian order, values as they
/// cross the C interface.
fn template(bytes: &[u8]) -> Option<Attributes> {
    let mut attributes = Attributes::new();
    if bytes.is_empty() {
        return Some(attributes);
    }
    let (count, mut rest) = bytes.split_first_chunk::<4>()?;
    for _ in 0..u32::from_le_bytes(*count) {
        let (id, after) = rest.split_first_chunk::<8>()?;
        let (len, after) = after.split_first_chunk::<4>()?;
        let (value, after) = after.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
        rest = after;
        let id: ck::CK_ATTRIBUTE_TYPE = u64::from_le_bytes(*id);
        let value = match attribute::kind(id) {
            Some(Kind::Bool) => Value::Bool(*value.first()? != 0),
            Some(Kind::Ulong) => Value::Ulong(u64::from_ne_bytes(value.try_into().ok()?)),
            Some(Kind::Ulongs | Kind::Template) => return None,
            _ => Value::Bytes(SecretBytes::from(value)),
        };
        attributes.set(id, value);
    }
    rest.is_empty().then_some(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_their_kind() {
        assert_eq!(value(ck::CKA_TOKEN, ValueRef::Integer(1)).unwrap(), Value::Bool(true));
        assert_eq!(value(ck::CKA_KEY_GEN_MECHANISM, ValueRef::Integer(-1)).unwrap(), Value::Ulong(u64::MAX));
        assert_eq!(
            value(ck::CKA_START_DATE, ValueRef::Text(b"2026-01-02")).unwrap(),
            Value::from(b"20260102")
        );
        assert_eq!(value(ck::CKA_LABEL, ValueRef::Text(b"x")).unwrap(), Value::from(b"x"));
        assert!(value(ck::CKA_TOKEN, ValueRef::Text(b"x")).is_err());
        assert!(value(ck::CKA_CLASS, ValueRef::Integer(-2)).is_err());
        assert!(value(ck::CKA_ALLOWED_MECHANISMS, ValueRef::Blob(&[1; 9])).is_err());
    }

    #[test]
    fn lists_of_attributes_are_read_and_cut_ones_refused() {
        let list = [
            &2u32.to_le_bytes()[..],
            &ck::CKA_SIGN.to_le_bytes(),
            &1u32.to_le_bytes(),
            &[1],
            &ck::CKA_LABEL.to_le_bytes(),
            &2u32.to_le_bytes(),
            b"hi",
        ]
        .concat();
        let expected = Attributes::new().with(ck::CKA_SIGN, true).with(ck::CKA_LABEL, "hi");
        assert_eq!(template(&list), Some(expected));
        for end in 1..list.len() {
            assert_eq!(template(&list[..end]), None, "cut at {end}");
        }
        assert_eq!(template(&u32::MAX.to_le_bytes()), None);
    }
}
