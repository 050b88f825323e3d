//! SoftHSM's SQLite databases (`objectstore.backend = db`): a table of objects, and one of attributes for each kind.
//!
//! Lists are encoded in the machine's own byte order: mechanisms one after the other, attributes as
//! `type:u64 kind:u32 value`, where a value is a byte, a number, or a length in bytes and what it counts.

use rusqlite::types::ValueRef;

use crate::cli::error::Result;
use crate::cli::migrate::source::Damage;
use crate::cli::migrate::sqlite::Copy;
use crate::object::attribute::{self, Kind};
use crate::object::{Attributes, Value};
use crate::types::{SecretBytes, ck};

/// The database's name in its token's directory.
pub const NAME: &str = "sqlite3.db";

/// The object that holds the token's own attributes.
const TOKEN: i64 = 1;

type Answer<T> = std::result::Result<T, Damage>;

/// Reads an attribute's value out of its column.
type ReadValue = fn(ck::CK_ATTRIBUTE_TYPE, ValueRef<'_>) -> Answer<Value>;

/// The tables of attributes that are in use, and how a value of each is read.
const TABLES: [(&str, ReadValue); 4] = [
    ("attribute_boolean", |_, value| integer(value).map(|n| Value::Bool(n != 0))),
    // SQLite has no unsigned integers: what SoftHSM stored, it reads back by its bits.
    ("attribute_integer", |_, value| integer(value).map(|n| Value::Ulong(n.cast_unsigned()))),
    ("attribute_binary", |id, value| match attribute::kind(id) {
        Some(Kind::Ulongs) => Ok(Value::Mechanisms(numbers(blob(value)?)?)),
        _ => Ok(Value::Bytes(SecretBytes::from(blob(value)?))),
    }),
    ("attribute_array", |_, value| attributes(blob(value)?).map(Value::Template)),
];

/// The token's own attributes.
pub fn token(copy: &Copy) -> Answer<Attributes> {
    copy.expect_tables(&["object"])?;
    copy.expect_tables(&TABLES.map(|(name, _)| name))?;
    object(copy, TOKEN)
}

/// The numbers of all other objects, in order.
pub fn objects(copy: &Copy) -> Result<Vec<i64>> {
    let read = || -> Answer<Vec<i64>> {
        let mut rows = copy.connection().prepare("SELECT id FROM object WHERE id <> ?1 ORDER BY id")?;
        let ids = rows.query_map([TOKEN], |row| row.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    };
    read().map_err(|why| copy.failure(why))
}

/// An object's attributes, still sealed.
pub fn object(copy: &Copy, id: i64) -> Answer<Attributes> {
    let mut object = Attributes::new();
    for (table, read) in TABLES {
        // The names are constants above.
        let sql = format!("SELECT type, value FROM {table} WHERE object_id = ?1 ORDER BY id");
        let mut rows = copy.connection().prepare_cached(&sql)?;
        let mut rows = rows.query([id])?;
        while let Some(row) = rows.next()? {
            let kind: ck::CK_ATTRIBUTE_TYPE = row.get::<_, i64>(0)?.cast_unsigned();
            object.set(kind, read(kind, row.get_ref(1)?)?);
        }
    }
    match object.is_empty() {
        true => Err("it has no attributes".into()),
        false => Ok(object),
    }
}

fn integer(value: ValueRef<'_>) -> Answer<i64> {
    value.as_i64().map_err(|_| "a number is none".into())
}

fn blob(value: ValueRef<'_>) -> Answer<&[u8]> {
    match value {
        // What an empty string becomes.
        ValueRef::Null => Ok(&[]),
        ValueRef::Blob(bytes) => Ok(bytes),
        _ => Err("a string of bytes is none".into()),
    }
}

fn numbers(bytes: &[u8]) -> Answer<Vec<u64>> {
    match bytes.as_chunks::<8>() {
        (numbers, []) => Ok(numbers.iter().map(|number| u64::from_ne_bytes(*number)).collect()),
        _ => Err("a list of mechanisms is cut off".into()),
    }
}

fn attributes(mut rest: &[u8]) -> Answer<Attributes> {
    let mut attributes = Attributes::new();
    while !rest.is_empty() {
        let id = number(&mut rest)?;
        let kind = take(&mut rest, 4)?.first_chunk().map(|kind| u32::from_ne_bytes(*kind));
        let value = match kind {
            Some(1) => Value::Bool(take(&mut rest, 1)? != [0]),
            Some(2) => Value::Ulong(number(&mut rest)?),
            Some(3) => Value::Bytes(SecretBytes::from(string(&mut rest)?)),
            Some(5) => Value::Mechanisms(numbers(string(&mut rest)?)?),
            _ => return Err("a list of attributes has a value of unknown kind".into()),
        };
        attributes.set(id, value);
    }
    Ok(attributes)
}

fn take<'a>(rest: &mut &'a [u8], len: u64) -> Answer<&'a [u8]> {
    let split = usize::try_from(len).ok().and_then(|len| rest.split_at_checked(len));
    let (taken, left) = split.ok_or("a list of attributes is cut off")?;
    *rest = left;
    Ok(taken)
}

fn number(rest: &mut &[u8]) -> Answer<u64> {
    take(rest, 8)?.try_into().map(u64::from_ne_bytes).map_err(|_| "a number is cut off".into())
}

fn string<'a>(rest: &mut &'a [u8]) -> Answer<&'a [u8]> {
    let len = number(rest)?;
    take(rest, len)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database with SoftHSM's tables, a token object, and what `fill` adds.
    fn database(dir: &std::path::Path, fill: &str) -> Copy {
        let path = dir.join(NAME);
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE object (id INTEGER PRIMARY KEY AUTOINCREMENT)").unwrap();
        for (table, _) in TABLES {
            let columns = "(value, type INTEGER, object_id INTEGER, id INTEGER PRIMARY KEY AUTOINCREMENT)";
            connection.execute_batch(&format!("CREATE TABLE {table} {columns}")).unwrap();
        }
        connection
            .execute_batch(
                "INSERT INTO object VALUES (1); INSERT INTO attribute_binary (value, type, object_id)
                 VALUES (x'6c6162656c', 0x80005349, 1);",
            )
            .unwrap();
        connection.execute_batch(fill).unwrap();
        drop(connection);
        Copy::of(&path).unwrap()
    }

    #[test]
    fn objects_are_put_together_from_all_tables() {
        let dir = tempfile::tempdir().unwrap();
        let copy = database(
            dir.path(),
            "INSERT INTO object VALUES (7);
             INSERT INTO attribute_boolean (value, type, object_id) VALUES (1, 1, 7), (0, 2, 7);
             INSERT INTO attribute_integer (value, type, object_id) VALUES (4, 0, 7), (-1, 0x166, 7);
             INSERT INTO attribute_binary (value, type, object_id)
             VALUES (x'6869', 3, 7), (NULL, 0x102, 7), (x'0100000000000000', 0x40000600, 7);
             INSERT INTO attribute_array (value, type, object_id) VALUES (x'', 0x40000211, 7);",
        );
        assert_eq!(token(&copy).unwrap().bytes(ck::CKA_VENDOR_DEFINED + 0x5349), Some(&b"label"[..]));
        assert_eq!(objects(&copy).unwrap(), [7]);
        let expected = Attributes::new()
            .with(ck::CKA_CLASS, ck::CKO_SECRET_KEY)
            .with(ck::CKA_TOKEN, true)
            .with(ck::CKA_PRIVATE, false)
            .with(ck::CKA_LABEL, "hi")
            .with(ck::CKA_ID, b"")
            .with(ck::CKA_KEY_GEN_MECHANISM, ck::CK_UNAVAILABLE_INFORMATION)
            .with(ck::CKA_ALLOWED_MECHANISMS, vec![u64::from_ne_bytes([1, 0, 0, 0, 0, 0, 0, 0])])
            .with(ck::CKA_WRAP_TEMPLATE, Attributes::new());
        assert_eq!(object(&copy, 7).unwrap(), expected);
        assert!(object(&copy, 8).is_err());
    }

    #[test]
    fn what_is_no_database_of_softhsm_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        // A view could make a reading endless.
        let view = "DROP TABLE object; CREATE VIEW object AS SELECT 1 AS id;";
        assert!(token(&database(dir.path(), view)).is_err());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        std::fs::write(&path, [b'x'; 5000]).unwrap();
        assert!(Copy::of(&path).map_err(|_| ()).and_then(|copy| token(&copy).map_err(|_| ())).is_err());
        let dir = tempfile::tempdir().unwrap();
        let wrong = "INSERT INTO attribute_integer (value, type, object_id) VALUES ('x', 0, 1);";
        assert!(token(&database(dir.path(), wrong)).is_err());
    }

    #[test]
    fn lists_of_attributes_are_read_and_cut_ones_refused() {
        let list = [
            &ck::CKA_SIGN.to_ne_bytes()[..],
            &1u32.to_ne_bytes(),
            &[1],
            &ck::CKA_CLASS.to_ne_bytes(),
            &2u32.to_ne_bytes(),
            &4u64.to_ne_bytes(),
            &ck::CKA_LABEL.to_ne_bytes(),
            &3u32.to_ne_bytes(),
            &2u64.to_ne_bytes(),
            b"hi",
        ]
        .concat();
        let expected =
            Attributes::new().with(ck::CKA_SIGN, true).with(ck::CKA_CLASS, 4u64).with(ck::CKA_LABEL, "hi");
        assert_eq!(attributes(&list).unwrap(), expected);
        for end in 0..list.len() {
            assert_eq!(attributes(&list[..end]).is_ok(), [0, 13, 33].contains(&end), "cut at {end}");
        }
    }
}
