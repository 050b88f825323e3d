//! Opening, creating and deleting token files; what SQLite's errors mean.
//!
//! Never opens a token's file other than through SQLite: POSIX drops all of a process's locks on a file as soon as
//! the process closes any descriptor of it.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::ErrorKind as IoKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, ffi};

use super::super::Header;
use super::super::error::{Error, Result};
use super::watch::Identity;
use super::{Options, Step, rows, schema};

/// How a file could be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    ReadWrite,
    /// Reads through the write-ahead log, sees what others commit.
    ReadOnly,
    /// In a directory where no log can be made and none is: the file is read as it stands, without locks.
    Immutable(Stamp),
}

/// What changes when somebody who can write replaces or changes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(meta: &fs::Metadata) -> Stamp {
        Stamp {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
        }
    }
}

impl Access {
    /// Whether an immutable file is no longer what was opened.
    pub(super) fn is_stale(&self, path: &Path) -> bool {
        match self {
            Access::Immutable(stamp) => {
                has_log(path) || fs::metadata(path).map_or(true, |meta| Stamp::of(&meta) != *stamp)
            }
            _ => false,
        }
    }
}

/// Device and inode: whether a path still leads to the file that was opened.
pub(super) fn identity(path: &Path) -> Result<Identity> {
    fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).map_err(|e| io_error(path, &e))
}

/// The connection for reads, and what it may do. Migrates an older file where it may.
pub(super) fn reader(path: &Path, options: &Options) -> Result<(Connection, Access)> {
    let meta = fs::metadata(path).map_err(|e| io_error(path, &e))?;
    if !meta.is_file() {
        return Err(Error::Foreign { file: path.to_owned(), why: "not a regular file".into() });
    }
    if meta.len() == 0 {
        return Err(Error::Damaged { file: path.to_owned(), why: "it is empty".into() });
    }
    let mode = match options.read_only {
        true => OpenFlags::SQLITE_OPEN_READ_ONLY,
        false => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    match connect(path, mode, options) {
        // The first refusal says more than a second one would.
        Err(error @ (Error::Access { .. } | Error::ReadOnly { .. })) if !has_log(path) => {
            immutable(path, options).map_err(|second| match second {
                Error::Access { .. } => error,
                other => other,
            })
        }
        other => other,
    }
}

fn connect(path: &Path, mode: OpenFlags, options: &Options) -> Result<(Connection, Access)> {
    let waited = Duration::from_millis(options.busy_ms.into());
    let fail = |e: rusqlite::Error| translate(&e, path, waited);
    let absolute = std::path::absolute(path).map_err(|e| io_error(path, &e))?;
    let mut connection =
        Connection::open_with_flags(absolute, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(fail)?;
    configure(&connection, options).map_err(fail)?;
    let version = schema::identify(&connection, path)?;
    let writable = !connection.is_readonly("main").map_err(fail)?;
    if !writable {
        return match version < schema::VERSION {
            true => Err(Error::ReadOnly { file: path.to_owned() }),
            false => Ok((connection, Access::ReadOnly)),
        };
    }
    if version < schema::VERSION {
        schema::migrate(&mut connection).map_err(|e| e.at(path, options))?;
    }
    let journal: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(fail)?;
    if journal != "wal" {
        let why = format!("its file system permits no write-ahead log (journal mode {journal})");
        return Err(Error::Io { file: path.to_owned(), why });
    }
    Ok((connection, Access::ReadWrite))
}

pub(super) fn immutable(path: &Path, options: &Options) -> Result<(Connection, Access)> {
    let meta = fs::metadata(path).map_err(|e| io_error(path, &e))?;
    let fail = |e: rusqlite::Error| translate(&e, path, Duration::ZERO);
    let absolute = std::path::absolute(path).map_err(|e| io_error(path, &e))?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(immutable_uri(&absolute), flags).map_err(fail)?;
    configure(&connection, options).map_err(fail)?;
    match schema::identify(&connection, path)? {
        version if version < schema::VERSION => Err(Error::ReadOnly { file: path.to_owned() }),
        _ => Ok((connection, Access::Immutable(Stamp::of(&meta)))),
    }
}

fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                uri.push(byte.into())
            }
            _ => uri += &format!("%{byte:02X}"),
        }
    }
    uri + "?immutable=1"
}

/// The connection for writes, to a file that [`reader`] found writable.
pub(super) fn writer(path: &Path, options: &Options) -> Result<Connection> {
    match connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, options)? {
        (connection, Access::ReadWrite) => Ok(connection),
        _ => Err(Error::ReadOnly { file: path.to_owned() }),
    }
}

/// How long SQLite itself waits for a lock. Longer waits are [`SqliteStore::write`](super::SqliteStore)'s, which
/// holds no lock of ours meanwhile.
const LONGEST_INNER_WAIT: Duration = Duration::from_millis(100);

/// Pages that a connection keeps, in KiB: the inner ones of a token with 100,000 objects, and then some.
const CACHE_KIB: u32 = 3072;

/// Takes nothing in the file on trust, keeps deleted content from lingering, and bounds memory and waits.
fn configure(connection: &Connection, options: &Options) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_millis(options.busy_ms.into()).min(LONGEST_INNER_WAIT))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    // Otherwise SQLite compiles a statement of several tags anew for each value that is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(48);
    let synchronous = if options.synchronous { "FULL" } else { "NORMAL" };
    connection.execute_batch(&format!(
        "PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA mmap_size = 0;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -{CACHE_KIB};
         PRAGMA secure_delete = ON;
         PRAGMA synchronous = {synchronous};"
    ))
}

/// A path with something appended to its last component, as SQLite names its side files.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn has_log(path: &Path) -> bool {
    fs::metadata(beside(path, "-wal")).is_ok_and(|meta| meta.len() > 0)
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Builds a token under a temporary name and links it into place: it appears whole or not at all, and of several
/// processes one wins.
pub(super) fn create(path: &Path, options: &Options, header: &Header) -> Result<()> {
    let dir = directory(path);
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| io_error(dir, &e))?;
    // A log left over from another file of this name would be replayed into ours.
    for taken in [path.to_owned(), beside(path, "-wal")] {
        if fs::symlink_metadata(&taken).is_ok() {
            return Err(Error::Exists { file: taken });
        }
    }
    let unfinished = Unfinished::new(path, options.file_mode)?;
    build(&unfinished.0, options, header).map_err(|e| e.at(path, options))?;
    File::open(&unfinished.0).and_then(|file| file.sync_all()).map_err(|e| io_error(path, &e))?;
    put_in_place(&unfinished.0, path).map_err(|e| io_error(path, &e))?;
    drop(unfinished);
    sync_directory(path)
}

/// A temporary file, removed with its side files when done or failed.
struct Unfinished(PathBuf);

impl Unfinished {
    fn new(path: &Path, mode: u32) -> Result<Unfinished> {
        let mut random = [0; 8];
        crate::crypto::random(&mut random)?;
        let name = format!(".{:016x}.{}.new", u64::from_be_bytes(random), std::process::id());
        let own = directory(path).join(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&own)
            .map_err(|e| io_error(directory(path), &e))?;
        let unfinished = Unfinished(own);
        // Whatever the umask: a mode that was asked for is the mode.
        file.set_permissions(Permissions::from_mode(mode)).map_err(|e| io_error(path, &e))?;
        Ok(unfinished)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for suffix in ["", "-journal", "-wal", "-shm"] {
            let _ = fs::remove_file(beside(&self.0, suffix));
        }
    }
}

fn build(path: &Path, options: &Options, header: &Header) -> Step<()> {
    let mut connection = Connection::open_with_flags(
        std::path::absolute(path).map_err(|e| io_error(path, &e))?,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    configure(&connection, options)?;
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.pragma_update(None, "application_id", schema::APPLICATION_ID)?;
    schema::apply(&tx)?;
    rows::blank_header(&tx)?;
    rows::write_header(&tx, header)?;
    tx.commit()?;
    // Marked in the file itself, so that no opener has to switch it.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    Ok(connection.close().map_err(|(_, e)| e)?)
}

/// A hard link never replaces what is there. Where the file system has none, an empty file takes the name first.
fn put_in_place(from: &Path, to: &Path) -> std::io::Result<()> {
    match fs::hard_link(from, to) {
        Err(e) if !matches!(e.kind(), IoKind::AlreadyExists | IoKind::NotFound | IoKind::StorageFull) => {
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
            fs::rename(from, to)
        }
        other => other,
    }
}

fn sync_directory(path: &Path) -> Result<()> {
    let dir = directory(path);
    File::open(dir).and_then(|d| d.sync_all()).map_err(|e| io_error(dir, &e))
}

/// Removes a token's file and what SQLite keeps beside it.
pub(super) fn unlink(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(|e| io_error(path, &e))?;
    for suffix in ["-wal", "-shm"] {
        match fs::remove_file(beside(path, suffix)) {
            Err(e) if e.kind() != IoKind::NotFound => return Err(io_error(path, &e)),
            _ => {}
        }
    }
    sync_directory(path)
}

fn io_error(file: &Path, error: &std::io::Error) -> Error {
    let file = file.to_owned();
    match error.kind() {
        IoKind::NotFound => Error::Missing { file },
        IoKind::AlreadyExists => Error::Exists { file },
        IoKind::PermissionDenied => Error::Access { file, why: error.to_string() },
        IoKind::ReadOnlyFilesystem => Error::ReadOnly { file },
        IoKind::StorageFull | IoKind::QuotaExceeded => Error::Full { file },
        _ => Error::Io { file, why: error.to_string() },
    }
}

/// What a SQLite error means for the token at `path`.
pub(super) fn translate(error: &rusqlite::Error, path: &Path, waited: Duration) -> Error {
    let file = path.to_owned();
    let why = error.to_string();
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        // A value of another type, a missing column: the schema is not what its version says.
        return Error::Damaged { file, why };
    };
    match (failure.code, failure.extended_code) {
        (_, ffi::SQLITE_READONLY_DBMOVED) => Error::Missing { file },
        (_, ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS) => Error::Damaged { file, why },
        (_, ffi::SQLITE_IOERR_SHMSIZE) => Error::Full { file },
        (_, ffi::SQLITE_IOERR_NOMEM) | (ErrorCode::OutOfMemory, _) => Error::Memory,
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed, _) => {
            Error::Busy { file, waited }
        }
        (ErrorCode::NotADatabase, _) => {
            Error::Foreign { file, why: "its first bytes are not SQLite's".into() }
        }
        (ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch, _) => {
            Error::Damaged { file, why }
        }
        // "No such table": SQLite has no code of its own for it.
        (ErrorCode::Unknown, _) => Error::Damaged { file, why },
        (ErrorCode::DiskFull, _) => Error::Full { file },
        (ErrorCode::ReadOnly, _) => Error::ReadOnly { file },
        (ErrorCode::CannotOpen, _) if !path.exists() => Error::Missing { file },
        (ErrorCode::CannotOpen | ErrorCode::PermissionDenied, _) => Error::Access {
            file,
            why: "no permission for it, its directory or its -wal and -shm files".into(),
        },
        _ => Error::Io { file, why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error as CkError, ErrorKind as K};

    #[test]
    fn sqlite_codes_have_their_own_ckr() {
        let dir = tempfile::tempdir().unwrap();
        for (code, wanted) in [
            (ffi::SQLITE_FULL, K::DeviceMemory),
            (ffi::SQLITE_IOERR_SHMSIZE, K::DeviceMemory),
            (ffi::SQLITE_IOERR_FSYNC, K::DeviceError),
            (ffi::SQLITE_IOERR_SHORT_READ, K::DeviceError),
            (ffi::SQLITE_CORRUPT, K::DeviceError),
            (ffi::SQLITE_NOTADB, K::TokenNotRecognized),
            (ffi::SQLITE_READONLY, K::TokenWriteProtected),
            (ffi::SQLITE_READONLY_DBMOVED, K::DeviceRemoved),
            (ffi::SQLITE_BUSY, K::FunctionFailed),
            (ffi::SQLITE_NOMEM, K::HostMemory),
            (ffi::SQLITE_CANTOPEN, K::DeviceError),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = translate(&error, dir.path(), Duration::ZERO);
            let line = error.to_string();
            assert!(wanted == K::HostMemory || line.starts_with(&dir.path().display().to_string()), "{line}");
            assert_eq!(CkError::from(error).kind(), wanted, "{line}");
        }
    }

    #[test]
    fn any_path_becomes_a_uri() {
        assert_eq!(immutable_uri(Path::new("/a b/é?#%")), "file:/a%20b/%C3%A9%3F%23%25?immutable=1");
    }
}
