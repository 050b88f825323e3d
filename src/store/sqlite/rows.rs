//! The statements. Everything read is checked: the file is input from outside.

use std::sync::LazyLock;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::super::error::Error;
use super::super::pin::PinRecord;
use super::super::{Failures, Header, MAX_SEALED, NewRow, Row, RowId, Tag, numbers_after};
use super::{Fault, Step};

/// How many tags of a search one query joins; more are intersected. Far below SQLite's 64 tables.
const TERMS: usize = 8;

/// The most alternatives that a search may have.
const ALTERNATIVES: usize = 64;

fn damaged(why: impl Into<String>) -> Fault {
    Fault::Damaged(why.into())
}

fn row_id(stored: i64) -> Step<RowId> {
    RowId::try_from(stored).map_err(|_| damaged(format!("row number {stored}")))
}

fn stored(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A copy of a blob of at most `most` bytes.
fn blob(value: ValueRef<'_>, most: usize, what: &str) -> Step<Vec<u8>> {
    match value {
        ValueRef::Blob(bytes) if bytes.len() <= most => Ok(bytes.to_vec()),
        ValueRef::Blob(bytes) => Err(damaged(format!("{what} of {} bytes", bytes.len()))),
        other => Err(damaged(format!("{what} is {}", other.data_type()))),
    }
}

/// The columns that [`write_header`] writes, in its order.
const HEADER: &str = "serial, label, so_pin, user_pin, so_failures, so_last_failure, user_failures, user_last_failure, \
     public_key, created, login_required, user_pin_to_be_changed";

pub(super) fn read_header(connection: &Connection) -> Step<Header> {
    let mut statement = connection.prepare_cached(&format!("SELECT {HEADER} FROM header WHERE id = 1"))?;
    let mut rows = statement.query([])?;
    let row = rows.next()?.ok_or(Fault::Missing)?;
    let pin = |column: usize, what: &str| -> Step<PinRecord> {
        let bytes = blob(row.get_ref(column)?, PinRecord::ENCODED_LEN, what)?;
        PinRecord::decode(&bytes).map_err(damaged)
    };
    let array = |column: usize, what: &str| -> Step<[u8; 32]> {
        let bytes = blob(row.get_ref(column)?, 32, what)?;
        <[u8; 32]>::try_from(bytes).map_err(|b| damaged(format!("{what} of {} bytes", b.len())))
    };
    let seconds = |column: usize| -> Step<u64> { Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0)) };
    let failures = |column: usize| -> Step<Failures> {
        // A count out of range is a hostile one: it shall lock, not wrap.
        let count = u32::try_from(row.get::<_, i64>(column)?).unwrap_or(u32::MAX);
        Ok(Failures { count, last: seconds(column + 1)? })
    };
    let serial: String = row.get(0)?;
    if serial.is_empty() || serial.len() > 16 || !serial.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(damaged("its serial is not 1 to 16 letters and digits"));
    }
    let user = match row.get_ref(3)? {
        ValueRef::Null => None,
        _ => Some(pin(3, "the user PIN record")?),
    };
    Ok(Header {
        serial,
        label: array(1, "the label")?,
        so: pin(2, "the SO PIN record")?,
        user,
        so_failures: failures(4)?,
        user_failures: failures(6)?,
        public_key: array(8, "the public key")?,
        created: seconds(9)?,
        login_required: row.get(10)?,
        user_pin_to_be_changed: row.get(11)?,
    })
}

/// Replaces the header; keeps the next row number. [`Fault::Missing`] where the token was deleted.
pub(super) fn write_header(connection: &Connection, header: &Header) -> Step<()> {
    let sql = format!(
        "UPDATE header SET ({HEADER}) = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) WHERE id = 1"
    );
    let changed = connection.prepare_cached(&sql)?.execute(params![
        header.serial,
        header.label,
        header.so.encode(),
        header.user.as_ref().map(PinRecord::encode),
        header.so_failures.count,
        stored(header.so_failures.last),
        header.user_failures.count,
        stored(header.user_failures.last),
        header.public_key,
        stored(header.created),
        header.login_required,
        header.user_pin_to_be_changed,
    ])?;
    match changed {
        1 => Ok(()),
        _ => Err(Fault::Missing),
    }
}

/// The header row of a new file, for [`write_header`] to fill.
pub(super) fn blank_header(connection: &Connection) -> Step<()> {
    let sql = format!(
        "INSERT INTO header (id, next_row, {HEADER}) VALUES (1, 1, '', x'', x'', NULL, 0, 0, 0, 0, x'', 0, 0, 0)"
    );
    connection.execute(&sql, [])?;
    Ok(())
}

/// Takes `count` fresh row numbers.
pub(super) fn reserve(connection: &Connection, count: usize) -> Step<Vec<RowId>> {
    let first: Option<i64> = connection
        .prepare_cached("SELECT next_row FROM header WHERE id = 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let first = row_id(first.ok_or(Fault::Missing)?)?;
    if first == 0 {
        return Err(damaged("next row number 0"));
    }
    let after = numbers_after(first, count).ok_or(Fault::Exhausted)?;
    connection.prepare_cached("UPDATE header SET next_row = ?1 WHERE id = 1")?.execute([stored(after)])?;
    Ok((first..after).collect())
}

pub(super) fn insert(connection: &Connection, row: &NewRow) -> Step<()> {
    if row.sealed.len() > MAX_SEALED {
        return Err(Error::TooLarge { size: row.sealed.len(), most: MAX_SEALED }.into());
    }
    let mut tags = row.tags.clone();
    tags.sort_unstable();
    tags.dedup();
    connection
        .prepare_cached("INSERT INTO object (id, private, sealed, tags) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![stored(row.id), row.private, row.sealed, tags.as_flattened()])?;
    let mut index = connection.prepare_cached("INSERT OR IGNORE INTO tag (tag, row) VALUES (?1, ?2)")?;
    for tag in &tags {
        index.execute(params![tag, stored(row.id)])?;
    }
    Ok(())
}

pub(super) fn get(connection: &Connection, id: RowId) -> Step<Option<Row>> {
    let mut statement = connection.prepare_cached("SELECT private, sealed FROM object WHERE id = ?1")?;
    let mut rows = statement.query([stored(id)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let sealed = blob(row.get_ref(1)?, MAX_SEALED, "an object")?;
    Ok(Some(Row { id, private: row.get(0)?, sealed }))
}

/// Removes a row and its tags; `false` where there is none.
pub(super) fn delete(connection: &Connection, id: RowId) -> Step<bool> {
    let mut statement = connection.prepare_cached("SELECT tags FROM object WHERE id = ?1")?;
    let mut rows = statement.query([stored(id)])?;
    let Some(row) = rows.next()? else { return Ok(false) };
    let tags = blob(row.get_ref(0)?, MAX_SEALED, "a list of tags")?;
    drop(rows);
    let (tags, rest) = tags.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(damaged(format!("the tags of row {id}")));
    }
    let mut index = connection.prepare_cached("DELETE FROM tag WHERE tag = ?1 AND row = ?2")?;
    for tag in tags {
        index.execute(params![tag, stored(id)])?;
    }
    connection.prepare_cached("DELETE FROM object WHERE id = ?1")?.execute([stored(id)])?;
    Ok(true)
}

pub(super) fn replace(connection: &Connection, row: &NewRow) -> Step<()> {
    delete(connection, row.id)?;
    insert(connection, row)
}

pub(super) fn count(connection: &Connection) -> Step<u64> {
    row_id(connection.prepare_cached("SELECT count(*) FROM object")?.query_row([], |row| row.get(0))?)
}

/// Several rows. A damaged one comes out empty, which no key opens: it must not hide the others.
pub(super) fn get_all(connection: &Connection, ids: &[RowId]) -> Step<Vec<Row>> {
    let get = |&id: &RowId| match get(connection, id) {
        Err(fault) if fault.is_damage() => Some(Ok(Row { id, private: false, sealed: Vec::new() })),
        other => other.transpose(),
    };
    ids.iter().filter_map(get).collect()
}

/// Several reads of one committed state, for which the file is locked and unlocked once.
pub(super) fn at_once<T>(connection: &Connection, reads: impl FnOnce() -> Step<T>) -> Step<T> {
    /// Ends the transaction on every way out: the next one could not begin.
    struct End<'a>(&'a Connection);
    impl Drop for End<'_> {
        fn drop(&mut self) {
            let _ = self.0.prepare_cached("COMMIT").and_then(|mut end| end.execute([]));
        }
    }
    connection.prepare_cached("BEGIN")?.execute([])?;
    let _end = End(connection);
    reads()
}

/// The rows with every tag of one element, in ascending order. One query for up to [`TERMS`] tags.
pub(super) fn find(connection: &Connection, any_of: &[Vec<Tag>], private: bool) -> Step<Vec<RowId>> {
    if any_of.len() > ALTERNATIVES {
        return Err(Error::TooLarge { size: any_of.len(), most: ALTERNATIVES }.into());
    }
    if any_of.iter().any(Vec::is_empty) || any_of.is_empty() {
        return query(connection, &[], private);
    }
    let mut found = Vec::new();
    for all_of in any_of {
        let mut parts = all_of.chunks(TERMS);
        let mut some = query(connection, parts.next().unwrap_or_default(), private)?;
        for part in parts {
            if some.is_empty() {
                break;
            }
            let others = query(connection, part, private)?;
            some.retain(|id| others.binary_search(id).is_ok());
        }
        found.append(&mut some);
    }
    if any_of.len() > 1 {
        found.sort_unstable();
        // Two alternatives may name the same row.
        found.dedup();
    }
    Ok(found)
}

/// In ascending order.
fn query(connection: &Connection, all_of: &[Tag], private: bool) -> Step<Vec<RowId>> {
    let mut statement = connection.prepare_cached(find_sql(all_of.len(), private))?;
    let mut rows = statement.query(params_from_iter(all_of))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(row_id(row.get(0)?)?);
    }
    found.sort_unstable();
    Ok(found)
}

/// The query for so many tags, at most [`TERMS`].
fn find_sql(tags: usize, private: bool) -> &'static str {
    static QUERIES: LazyLock<[[String; 2]; TERMS + 1]> = LazyLock::new(|| {
        std::array::from_fn(|tags| [false, true].map(|private| write_find_sql(tags, private)))
    });
    QUERIES.get(tags).and_then(|both| both.get(usize::from(private))).map_or("", String::as_str)
}

/// `CROSS JOIN` is SQLite's promise not to reorder: the first tag's rows are walked, the others are looked up.
fn write_find_sql(tags: usize, private: bool) -> String {
    let mut from = String::new();
    let mut conditions = String::from("1");
    for n in 0..tags {
        from += &match n {
            0 => "tag t0".to_owned(),
            n => format!(" CROSS JOIN tag t{n}"),
        };
        conditions += &format!(" AND t{n}.tag = ?");
        if n > 0 {
            conditions += &format!(" AND t{n}.row = t0.row");
        }
    }
    match (tags, private) {
        (0, true) => "SELECT id FROM object".to_owned(),
        (0, false) => "SELECT id FROM object WHERE private = 0".to_owned(),
        (_, true) => format!("SELECT t0.row FROM {from} WHERE {conditions}"),
        (_, false) => format!(
            "SELECT t0.row FROM {from} CROSS JOIN object o WHERE {conditions} AND o.id = t0.row AND o.private = 0"
        ),
    }
}
