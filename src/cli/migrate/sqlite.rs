//! SQLite databases of others. SQLite writes beside a database even to read it, so a copy is read.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::source::{Damage, Snapshot};
use crate::cli::error::{Error, Result, failed};
use crate::cli::scratch::Scratch;

/// The largest database in bytes, and so the largest value in it.
const MAX: u64 = 1 << 30;

/// A private copy of a database, with the changes that lie beside it.
pub struct Copy {
    /// The original.
    path: PathBuf,
    connection: Connection,
    /// Dropped after the connection.
    _scratch: Scratch,
}

impl Copy {
    /// Copies the database and opens the copy.
    pub fn of(path: &Path) -> Result<Copy> {
        let scratch = Scratch::new("migrate")?;
        let files = ["", "-wal", "-journal"].map(|ending| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        });
        let before = Snapshot::of(files.clone())?;
        for file in files.iter().filter(|file| file.is_file()) {
            if fs::metadata(file).map_err(|error| Error::file(file, &error))?.len() > MAX {
                return failed(format!("{}: larger than {} MiB", file.display(), MAX >> 20));
            }
            let copy = scratch.path().join(file.file_name().unwrap_or_default());
            // Read and written: fs::copy would take the original's mode along.
            let copied = fs::read(file).and_then(|content| fs::write(&copy, content));
            copied.map_err(|error| Error::file(file, &error))?;
        }
        before.expect(&Snapshot::of(files)?)?;
        let copy = scratch.path().join(path.file_name().unwrap_or_default());
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&copy, flags).and_then(|connection| {
            connection.pragma_update(None, "trusted_schema", false)?;
            Ok(connection)
        });
        match connection {
            Ok(connection) => Ok(Copy { path: path.to_owned(), connection, _scratch: scratch }),
            Err(error) => failed(format!("{}: {error}", path.display())),
        }
    }

    /// The copy.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether the database has a table of this name. A view is none: it could make a reading endless.
    pub fn has_table(&self, name: &str) -> std::result::Result<bool, Damage> {
        let sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1";
        let count: i64 = self.connection.query_row(sql, [name], |row| row.get(0))?;
        Ok(count == 1)
    }

    /// Fails unless all of these tables are there.
    pub fn expect_tables(&self, names: &[&str]) -> std::result::Result<(), Damage> {
        for name in names {
            if !self.has_table(name)? {
                return Err(Damage(format!("the database has no table {name}")));
            }
        }
        Ok(())
    }

    /// A failure of the whole database.
    pub fn failure(&self, Damage(why): Damage) -> Error {
        Error::Failed(format!("{}: {why}", self.path.display()))
    }
}

impl From<rusqlite::Error> for Damage {
    fn from(error: rusqlite::Error) -> Damage {
        Damage(format!("the database can't be read: {error}"))
    }
}
