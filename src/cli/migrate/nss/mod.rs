//! NSS's databases: `cert9.db` with public objects, `key4.db` with keys and the password's check. SQLite, a row for
//! each object, a column for each attribute; `seal` opens what is sealed, `trust` turns NSS's own trust objects into
//! those of PKCS#11 v3.2.

mod seal;
mod trust;

use std::path::{Path, PathBuf};

use clap::Args;
use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::source::{Damage, Found, Source, each, wrong_pin};
use super::sqlite::Copy;
use crate::cli::error::{Result, failed};
use crate::object::attribute::{self, Kind};
use crate::object::{Attributes, Value};
use crate::types::{SecretBytes, ck};
use seal::{Password, Table};

const CERTIFICATES: &str = "cert9.db";
const KEYS: &str = "key4.db";

/// What NSS writes for an empty value: SQLite's NULL is an attribute that is not there.
const EMPTY: &[u8] = &[0xa5, 0x00, 0x5a];

/// `keyward migrate nss`
#[derive(Args, Debug)]
pub struct From {
    /// Directory of cert9.db and key4.db, with or without "sql:": ~/.pki/nssdb, or a Firefox profile
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
}

/// A pair of databases.
pub struct Nss {
    certificates: Option<Copy>,
    keys: Copy,
    password: Option<seal::Check>,
    /// The password that needs nobody: the empty one.
    open: Option<Password>,
}

/// The databases of a directory.
pub fn find(args: &From) -> Result<Nss> {
    let dir =
        args.from.to_str().and_then(|dir| dir.strip_prefix("sql:")).map_or(args.from.as_path(), Path::new);
    let (certificates, keys) = (dir.join(CERTIFICATES), dir.join(KEYS));
    if !keys.is_file() && dir.join("key3.db").is_file() {
        return failed(format!(
            "{}: databases of NSS before 2012 (cert8.db, key3.db): an NSS that still reads them converts them, \
             `certutil -K -X -d sql:DIR`",
            dir.display()
        ));
    }
    let certificates = if certificates.is_file() { Some(Copy::of(&certificates)?) } else { None };
    let keys = Copy::of(&keys)?;
    let check = seal::check(&keys).map_err(|why| keys.failure(why))?;
    let open = match &check {
        Some(check) => check.open(b"").map_err(|why| keys.failure(why))?,
        None => None,
    };
    Ok(Nss { certificates, keys, password: check, open })
}

impl Source for Nss {
    fn kind(&self) -> &'static str {
        "NSS"
    }

    fn label(&self) -> &str {
        "NSS Certificate DB"
    }

    fn serial(&self) -> &str {
        // Every database of NSS has the same: it tells nothing.
        ""
    }

    fn wants_pin(&self) -> bool {
        self.password.is_some() && self.open.is_none()
    }

    fn is_so_pin(&self, _pin: &[u8]) -> Result<Option<bool>> {
        Ok(None)
    }

    fn read(&self, pin: Option<&[u8]>) -> Result<Vec<Found>> {
        let password = match (&self.password, &self.open, pin) {
            (_, Some(open), _) => Some(open.clone()),
            (Some(check), None, Some(pin)) => match check.open(pin) {
                Ok(Some(password)) => Some(password),
                Ok(None) => return wrong_pin(self),
                Err(why) => return Err(self.keys.failure(why)),
            },
            _ => None,
        };
        let mut rows = Vec::new();
        for (copy, table) in
            [(self.certificates.as_ref(), Table::Certificates), (Some(&self.keys), Table::Keys)]
        {
            let Some(copy) = copy else { continue };
            rows.extend(objects(copy, table).map_err(|why| copy.failure(why))?);
        }
        Ok(each(rows, |(table, id, content)| {
            let open = |object| seal::unseal(object, table, id, &self.keys, password.as_ref());
            Found::open(format!("{} {id}", table.name()), content, |object| {
                open(object).and_then(trust::convert)
            })
        }))
    }
}

type Answer<T> = std::result::Result<T, Damage>;

/// Every row of a database: table, number, attributes still sealed.
fn objects(copy: &Copy, table: Table) -> Answer<Vec<(Table, u32, Answer<Attributes>)>> {
    copy.expect_tables(&[table.name()])?;
    // The name is a constant.
    let mut statement = copy.connection().prepare(&format!("SELECT * FROM {} ORDER BY id", table.name()))?;
    let columns: Vec<Option<ck::CK_ATTRIBUTE_TYPE>> =
        statement.column_names().map(attribute_of_column).collect();
    let mut rows = statement.query([])?;
    let mut objects = Vec::new();
    while let Some(row) = rows.next()? {
        objects.push((table, row.get("id")?, attributes(row, &columns)));
    }
    Ok(objects)
}

/// Columns are called "a", and the attribute's number in hexadecimal.
fn attribute_of_column(name: &str) -> Option<ck::CK_ATTRIBUTE_TYPE> {
    ck::CK_ATTRIBUTE_TYPE::from_str_radix(name.strip_prefix('a')?, 16).ok()
}

fn attributes(row: &Row<'_>, columns: &[Option<ck::CK_ATTRIBUTE_TYPE>]) -> Answer<Attributes> {
    let mut attributes = Attributes::new();
    for (at, id) in columns.iter().enumerate() {
        let Some(id) = *id else { continue };
        match row.get_ref(at)? {
            ValueRef::Null => {}
            ValueRef::Blob(bytes) => attributes.set(id, value(id, bytes)?),
            _ => return Err(Damage(format!("{} is no string of bytes", attribute::name(id)))),
        }
    }
    Ok(attributes)
}

fn value(id: ck::CK_ATTRIBUTE_TYPE, bytes: &[u8]) -> Answer<Value> {
    let bytes = if bytes == EMPTY { &[] } else { bytes };
    let wrong = || Damage(format!("{} has a value of the wrong size", attribute::name(id)));
    Ok(match attribute::kind(id) {
        Some(Kind::Bool) => match bytes {
            [flag] => Value::Bool(*flag != 0),
            _ => return Err(wrong()),
        },
        Some(Kind::Ulong) => Value::Ulong(number(id, bytes).ok_or_else(wrong)?),
        Some(Kind::Ulongs) => match bytes.as_chunks::<8>() {
            (numbers, []) => Value::Mechanisms(numbers.iter().map(|n| u64::from_ne_bytes(*n)).collect()),
            _ => return Err(wrong()),
        },
        Some(Kind::Template) if bytes.is_empty() => Value::Template(Attributes::new()),
        // NSS keeps pointers here: nothing of it can be read back, by NSS neither.
        Some(Kind::Template) => return Err(wrong()),
        _ => Value::Bytes(SecretBytes::from(bytes)),
    })
}

/// Four bytes, most significant first. CKA_PARAMETER_SET was written as the machine has it by some releases.
fn number(id: ck::CK_ATTRIBUTE_TYPE, bytes: &[u8]) -> Option<ck::CK_ULONG> {
    const LARGEST_SET: u64 = 0xff;
    let of_set = id == ck::CKA_PARAMETER_SET;
    match bytes.len() {
        4 => {
            let bytes = bytes.try_into().ok()?;
            let number = u32::from_be_bytes(bytes);
            Some(match number {
                u32::MAX => ck::CK_UNAVAILABLE_INFORMATION,
                _ if of_set && u64::from(number) > LARGEST_SET => u32::from_le_bytes(bytes).into(),
                _ => number.into(),
            })
        }
        8 if of_set => {
            let bytes = bytes.try_into().ok()?;
            Some(u64::from_le_bytes(bytes)).filter(|n| *n <= LARGEST_SET).or(Some(u64::from_be_bytes(bytes)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_values_are_read() {
        assert_eq!(attribute_of_column("a102"), Some(ck::CKA_ID));
        assert_eq!(attribute_of_column("id"), None);
        assert_eq!(value(ck::CKA_CLASS, &[0, 0, 0, 3]).unwrap(), Value::Ulong(3));
        assert_eq!(value(ck::CKA_KEY_GEN_MECHANISM, &[0xff; 4]).unwrap(), Value::Ulong(u64::MAX));
        assert_eq!(value(ck::CKA_TOKEN, &[1]).unwrap(), Value::Bool(true));
        assert_eq!(value(ck::CKA_LABEL, EMPTY).unwrap(), Value::from(b""));
        assert_eq!(value(ck::CKA_PARAMETER_SET, &[2, 0, 0, 0, 0, 0, 0, 0]).unwrap(), Value::Ulong(2));
        assert_eq!(value(ck::CKA_PARAMETER_SET, &[2, 0, 0, 0]).unwrap(), Value::Ulong(2));
        for (id, bytes) in [(ck::CKA_TOKEN, &[][..]), (ck::CKA_CLASS, &[1, 2]), (ck::CKA_WRAP_TEMPLATE, &[1])]
        {
            assert!(value(id, bytes).is_err());
        }
    }
}
