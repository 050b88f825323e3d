//! A token in one SQLite file that several processes and threads use at once.
//!
//! Two connections: `reader` answers every read, `writer` is opened at the first write. Readers thus never wait for
//! another thread's fsync, and notice our own commits like everyone else's.
//!
//! Locks, in this order: the registry of open tokens (`watch`), `writer`, `reader`; all held for one
//! call at most. Other processes are kept out by SQLite's own locks; the wait for them is bounded by
//! [`Options::busy_ms`] and happens outside of all locks.

mod open;
mod raw;
mod rows;
mod schema;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::{Error, Result};
use super::{Generation, Header, NewRow, Row, RowId, Store, Tag};
use open::Access;
use watch::{Identity, Index};

/// How a token's file is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The longest wait for other processes, in milliseconds.
    pub busy_ms: u32,
    /// Whether a commit waits for the disk: without, a power failure (not a crash) may lose the last commits.
    pub synchronous: bool,
    /// The permission bits of a new file. SQLite gives its side files the same.
    pub file_mode: u32,
    /// Whether to open for reading even where writing is permitted.
    pub read_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { busy_ms: 10_000, synchronous: true, file_mode: 0o600, read_only: false }
    }
}

/// An open token file.
pub struct SqliteStore {
    path: PathBuf,
    options: Options,
    /// `None` only while dropping.
    reader: Option<Mutex<Reader>>,
    /// `None` inside the mutex until the first write.
    writer: Option<Mutex<Option<Connection>>>,
    read_only: bool,
    identity: Identity,
    /// What tells of commits; `None` where the reader has to be asked.
    index: Option<Arc<Index>>,
    abandoned: AtomicBool,
}

struct Reader {
    /// `None` once abandoned.
    connection: Option<Connection>,
    access: Access,
    /// Counts re-openings of an immutable file, whose `data_version` starts anew.
    reopened: u64,
    header: Option<(Generation, Arc<Header>)>,
}

impl SqliteStore {
    /// Opens a token's file: for reading and writing where the file and its directory permit, else for reading.
    pub fn open(path: &Path, options: &Options) -> Result<SqliteStore> {
        Self::open_by(path, options, open::reader)
    }

    /// As if the directory permitted no log.
    #[cfg(test)]
    pub(super) fn open_immutable(path: &Path, options: &Options) -> Result<SqliteStore> {
        Self::open_by(path, options, open::immutable)
    }

    fn open_by(path: &Path, options: &Options, by: Opener) -> Result<SqliteStore> {
        until(options, || {
            raw::survive_forks();
            let mut registry = watch::registry();
            let (connection, access) = by(path, options)?;
            let identity = open::identity(path)?;
            let index = registry.register(identity, path);
            drop(registry);
            let store = SqliteStore {
                path: path.to_owned(),
                options: options.clone(),
                read_only: access != Access::ReadWrite,
                reader: Some(Mutex::new(Reader::new(connection, access))),
                writer: Some(Mutex::new(None)),
                identity,
                index: index.filter(|_| !matches!(access, Access::Immutable(_))),
                abandoned: AtomicBool::new(false),
            };
            store.header()?;
            Ok(store)
        })
    }

    /// Writes a new token to `path` and opens it. [`Error::Exists`] where a file is there already: of several
    /// processes that create the same, one wins. Missing directories are made with mode 0700.
    pub fn create(path: &Path, options: &Options, header: &Header) -> Result<SqliteStore> {
        raw::survive_forks();
        open::create(path, options, header)?;
        Self::open(path, options)
    }

    /// Deletes a token and its file. Processes that have it open get [`Error::Missing`] from then on.
    pub fn delete_file(path: &Path, options: &Options) -> Result<()> {
        let store = Self::open(path, options)?;
        store.write(|tx| Ok(tx.execute_batch("DELETE FROM header; DELETE FROM tag; DELETE FROM object")?))?;
        drop(store);
        open::unlink(path)
    }

    /// Reads the whole file and lists what is wrong with its structure; empty: nothing. Takes time with its size.
    pub fn check(&self) -> Result<Vec<String>> {
        self.read(|connection| {
            let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
            let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
            let lines = lines.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(lines.into_iter().filter(|line| line != "ok").collect())
        })
    }

    /// The token's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn usable(&self) -> Result<(&Mutex<Reader>, &Mutex<Option<Connection>>)> {
        match (&self.reader, &self.writer) {
            (Some(reader), Some(writer)) if !self.abandoned.load(Ordering::Acquire) => Ok((reader, writer)),
            _ => Err(Error::Abandoned),
        }
    }

    fn reader(&self) -> Result<MutexGuard<'_, Reader>> {
        let mut reader = self.usable()?.0.lock();
        if reader.access.is_stale(&self.path) {
            let (connection, access) =
                open::reader(&self.path, &Options { read_only: true, ..self.options.clone() })?;
            let reopened = reader.reopened + 1;
            *reader = Reader { reopened, ..Reader::new(connection, access) };
        }
        Ok(reader)
    }

    /// Runs one or more reads. Each statement sees one committed state.
    fn read<T>(&self, f: impl FnOnce(&Connection) -> Step<T>) -> Result<T> {
        let reader = self.reader()?;
        let connection = reader.connection.as_ref().ok_or(Error::Abandoned)?;
        f(connection).map_err(|e| e.at(&self.path, &self.options))
    }

    /// Runs one transaction that keeps other writers out. Nothing of it stays unless it returns `Ok`.
    fn write<T>(&self, mut f: impl FnMut(&Transaction<'_>) -> Step<T>) -> Result<T> {
        if self.read_only {
            return Err(Error::ReadOnly { file: self.path.clone() });
        }
        until(&self.options, || self.try_write(&mut f))
    }

    /// Busy only before `f` has run: whoever holds the write lock can commit.
    fn try_write<T>(&self, f: &mut impl FnMut(&Transaction<'_>) -> Step<T>) -> Result<T> {
        let mut writer = self.usable()?.1.lock();
        // A commit into a file that was removed or replaced under its name would be lost.
        if open::identity(&self.path)? != self.identity {
            return Err(Error::Missing { file: self.path.clone() });
        }
        let connection = match &mut *writer {
            Some(connection) => connection,
            none => none.insert(open::writer(&self.path, &self.options)?),
        };
        let mut run = || -> Step<T> {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = f(&tx)?;
            tx.commit()?;
            Ok(value)
        };
        run().map_err(|e| e.at(&self.path, &self.options))
    }
}

type Opener = fn(&Path, &Options) -> Result<(Connection, Access)>;

/// Tries again while other processes hold the file, for [`Options::busy_ms`].
fn until<T>(options: &Options, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
    const PAUSE: Duration = Duration::from_millis(1);
    let deadline = Instant::now() + Duration::from_millis(options.busy_ms.into());
    loop {
        match attempt() {
            Err(Error::Busy { .. }) if Instant::now() < deadline => std::thread::sleep(PAUSE),
            other => return other,
        }
    }
}

/// An error on the way out of a statement or a closure: SQLite's, which still lacks the file's name, or our own.
enum Fault {
    Sqlite(rusqlite::Error),
    Own(Error),
    /// The structure is not what the schema promises.
    Damaged(String),
    /// The header row is gone: the token was deleted.
    Missing,
    Exhausted,
}

type Step<T> = std::result::Result<T, Fault>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::Sqlite(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Own(error)
    }
}

impl Fault {
    /// Whether the file holds something that it should not.
    fn is_damage(&self) -> bool {
        match self {
            Fault::Damaged(_) => true,
            Fault::Sqlite(error) => {
                matches!(open::translate(error, Path::new(""), Duration::ZERO), Error::Damaged { .. })
            }
            _ => false,
        }
    }

    fn at(self, path: &Path, options: &Options) -> Error {
        let file = path.to_owned();
        match self {
            Fault::Sqlite(error) => {
                open::translate(&error, path, Duration::from_millis(options.busy_ms.into()))
            }
            Fault::Own(error) => error,
            Fault::Damaged(why) => Error::Damaged { file, why },
            Fault::Missing => Error::Missing { file },
            Fault::Exhausted => Error::Exhausted { file },
        }
    }
}

impl Reader {
    fn new(connection: Connection, access: Access) -> Reader {
        Reader { connection: Some(connection), access, reopened: 0, header: None }
    }

    fn generation(&self, index: Option<&Index>) -> Step<Generation> {
        if let Some(generation) = index.and_then(Index::read) {
            return Ok(generation);
        }
        let connection = self.connection.as_ref().ok_or(Error::Abandoned)?;
        let mut statement = connection.prepare_cached("PRAGMA data_version")?;
        let version: u32 = statement.query_row([], |row| row.get(0))?;
        Ok(Generation { commits: None, state: self.reopened << 32 | u64::from(version) })
    }

    fn header(&mut self, index: Option<&Index>) -> Step<Arc<Header>> {
        let generation = self.generation(index)?;
        if let Some((of, header)) = &self.header
            && *of == generation
        {
            return Ok(header.clone());
        }
        // Read after the generation: a commit in between makes the copy newer than its number, never older.
        let connection = self.connection.as_ref().ok_or(Error::Abandoned)?;
        let header = Arc::new(rows::read_header(connection)?);
        self.header = Some((generation, header.clone()));
        Ok(header)
    }
}

impl Store for SqliteStore {
    fn header(&self) -> Result<Arc<Header>> {
        self.reader()?.header(self.index.as_deref()).map_err(|e| e.at(&self.path, &self.options))
    }

    fn update_header(&self, f: &mut dyn FnMut(&mut Header) -> Result<()>) -> Result<()> {
        self.write(|tx| {
            let mut header = rows::read_header(tx)?;
            f(&mut header)?;
            rows::write_header(tx, &header)
        })
    }

    fn generation(&self) -> Result<Generation> {
        // No lock: this is asked on nearly every call.
        if let Some(index) = &self.index
            && !self.abandoned.load(Ordering::Acquire)
            && let Some(generation) = index.read()
        {
            return Ok(generation);
        }
        self.reader()?.generation(None).map_err(|e| e.at(&self.path, &self.options))
    }

    fn insert(
        &self,
        count: usize,
        make: &mut dyn FnMut(&[RowId]) -> Result<Vec<NewRow>>,
    ) -> Result<Vec<RowId>> {
        self.write(|tx| {
            let ids = rows::reserve(tx, count)?;
            for row in make(&ids)? {
                if !ids.contains(&row.id) {
                    return Err(Error::NotFound.into());
                }
                rows::insert(tx, &row)?;
            }
            Ok(ids)
        })
    }

    fn get(&self, id: RowId) -> Result<Option<Row>> {
        self.read(|connection| rows::get(connection, id))
    }

    fn modify(&self, id: RowId, f: &mut dyn FnMut(Row) -> Result<NewRow>) -> Result<()> {
        self.write(|tx| {
            let old = rows::get(tx, id)?.ok_or(Error::NotFound)?;
            let new = NewRow { id, ..f(old)? };
            rows::replace(tx, &new)
        })
    }

    fn delete(&self, id: RowId, check: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        self.write(|tx| match rows::delete(tx, id)? {
            true => Ok(check()?),
            false => Err(Error::NotFound.into()),
        })
    }

    fn find_and_get(
        &self,
        any_of: &[Vec<Tag>],
        private: bool,
        wanted: &mut dyn FnMut(&[RowId]) -> Vec<RowId>,
    ) -> Result<(Vec<RowId>, Vec<Row>)> {
        self.read(|connection| {
            rows::at_once(connection, || {
                let found = rows::find(connection, any_of, private)?;
                let rows = rows::get_all(connection, &wanted(&found))?;
                Ok((found, rows))
            })
        })
    }

    fn get_all(&self, ids: &[RowId]) -> Result<Vec<Row>> {
        self.read(|connection| rows::at_once(connection, || rows::get_all(connection, ids)))
    }

    fn count(&self) -> Result<u64> {
        self.read(rows::count)
    }

    fn reset(&self, header: &Header) -> Result<()> {
        self.write(|tx| {
            tx.execute_batch("DELETE FROM tag; DELETE FROM object")?;
            rows::write_header(tx, header)
        })
    }

    fn rewrite(
        &self,
        header: &mut dyn FnMut(&mut Header) -> Result<()>,
        row: &mut dyn FnMut(Row) -> Result<NewRow>,
    ) -> Result<()> {
        self.write(|tx| {
            let mut new = rows::read_header(tx)?;
            header(&mut new)?;
            rows::write_header(tx, &new)?;
            for id in rows::find(tx, &[], true)? {
                let old = rows::get(tx, id)?.ok_or(Error::NotFound)?;
                let new = NewRow { id, ..row(old)? };
                rows::replace(tx, &new)?;
            }
            Ok(())
        })
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    /// The connections are leaked with their descriptors: closing them would need locks that only the parent's threads
    /// can release. `raw` keeps what the child opens anew apart from them.
    fn abandon(&self) {
        if self.abandoned.swap(true, Ordering::AcqRel) {
            return;
        }
        let writer = self.writer.as_ref().and_then(Mutex::try_lock).and_then(|mut w| w.take());
        let reader = self.reader.as_ref().and_then(Mutex::try_lock).and_then(|mut r| r.connection.take());
        std::mem::forget((writer, reader));
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if self.abandoned.load(Ordering::Acquire) {
            // What abandon could not take was in use by a thread that this process does not have. The index's
            // descriptor stays too: this process may hold locks on the same file by a store opened since.
            std::mem::forget((self.reader.take(), self.writer.take(), self.index.take()));
            return;
        }
        let mut registry = watch::registry();
        self.index = None;
        // The reader closes last and, read-write, folds the log into the file: one file moves the token.
        drop(self.writer.take());
        drop(self.reader.take());
        registry.release(self.identity);
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).field("read_only", &self.read_only).finish()
    }
}
