//! The tables, and how an older file becomes a newer one.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::super::error::{Error, Result};
use super::{Step, open};

/// In every token's file, so that no other SQLite file passes for one: "KWRD".
pub(super) const APPLICATION_ID: u32 = 0x4b57_5244;

/// Each entry brings a file from the schema version that is its index to the next one. Never edit an entry that was
/// released: append.
///
/// `object.tags` repeats a row's tags, so that its removal needs no second index over `tag`. `object_private` is what
/// a search for everything walks, rather than the rows themselves.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE header (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        next_row INTEGER NOT NULL,
        serial TEXT NOT NULL,
        label BLOB NOT NULL,
        so_pin BLOB NOT NULL,
        user_pin BLOB,
        so_failures INTEGER NOT NULL,
        so_last_failure INTEGER NOT NULL,
        user_failures INTEGER NOT NULL,
        user_last_failure INTEGER NOT NULL,
        public_key BLOB NOT NULL,
        created INTEGER NOT NULL,
        login_required INTEGER NOT NULL,
        user_pin_to_be_changed INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE object (
        id INTEGER PRIMARY KEY,
        private INTEGER NOT NULL,
        sealed BLOB NOT NULL,
        tags BLOB NOT NULL
    ) STRICT;
    CREATE INDEX object_private ON object (private);
    CREATE TABLE tag (
        tag BLOB NOT NULL,
        row INTEGER NOT NULL,
        PRIMARY KEY (tag, row)
    ) STRICT, WITHOUT ROWID;
"];

/// The newest schema version that this build reads, which is the one it writes.
#[allow(clippy::cast_possible_truncation)]
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Refuses a file that is no token or a newer one; returns its schema version.
pub(super) fn identify(connection: &Connection, path: &Path) -> Result<u32> {
    let number = |pragma: &str| {
        connection
            .query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, u32>(0))
            .map_err(|e| open::translate(&e, path, Duration::ZERO))
    };
    let file = || path.to_owned();
    if number("application_id")? != APPLICATION_ID {
        return Err(Error::Foreign { file: file(), why: "a SQLite file of another application".into() });
    }
    match number("user_version")? {
        0 => Err(Error::Damaged { file: file(), why: "it has no schema version".into() }),
        found if found > VERSION => Err(Error::Newer { file: file(), found, known: VERSION }),
        found => Ok(found),
    }
}

/// Brings an older file up to [`VERSION`] in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Step<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    apply(&tx)?;
    Ok(tx.commit()?)
}

/// Applies what is missing, from what the file says inside the transaction: another process may have been faster.
pub(super) fn apply(tx: &Transaction<'_>) -> Step<()> {
    let from: u32 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for migration in MIGRATIONS.iter().skip(from.try_into().unwrap_or(usize::MAX)) {
        tx.execute_batch(migration)?;
    }
    tx.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}
