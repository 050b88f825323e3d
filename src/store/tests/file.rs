//! What only a file can do: be shared, damaged, replaced, moved, deleted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::*;
use crate::error::ErrorKind;

fn reopen(path: &Path) -> Result<SqliteStore> {
    SqliteStore::open(path, &Options::default())
}

/// Opens and reads everything.
fn walk(path: &Path) -> Result<()> {
    let store = reopen(path)?;
    for id in store.find(&[], true)? {
        store.get(id)?;
        store.find(&[vec![tag(7)]], true)?;
    }
    Ok(())
}

fn sql(path: &Path, statements: &str) {
    Connection::open(path).unwrap().execute_batch(statements).unwrap();
}

fn rv(error: Error) -> ErrorKind {
    crate::error::Error::from(error).kind()
}

#[test]
fn another_process_sees_a_change_at_its_next_call() {
    let file = TokenFile::new();
    let (one, two) = (file.open(), file.open());
    let before = two.generation().unwrap();
    assert_eq!(two.header().unwrap().label_text(), "a token");
    let id = add(&one, false, &[1]);
    assert_ne!(two.generation().unwrap(), before);
    assert_eq!(two.find(&[vec![tag(1)]], false).unwrap(), [id]);
    one.update_header(&mut |h| {
        h.label = padded("renamed");
        Ok(())
    })
    .unwrap();
    assert_eq!(two.header().unwrap().label_text(), "renamed");
    two.delete(id, &mut || Ok(())).unwrap();
    assert_eq!(one.get(id).unwrap(), None);
}

#[test]
fn writers_in_parallel_lose_nothing() {
    let file = TokenFile::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let store = file.open();
                for n in 0..10 {
                    add(&store, false, &[n]);
                }
            });
        }
    });
    let store = file.open();
    assert_eq!(store.find(&[], true).unwrap(), (1..=40).collect::<Vec<_>>());
    assert_eq!(store.find(&[vec![tag(3)]], true).unwrap().len(), 4);
    assert!(store.check().unwrap().is_empty());
}

#[test]
fn a_wait_for_another_writer_is_bounded() {
    let file = TokenFile::new();
    let store = SqliteStore::open(&file.path, &Options { busy_ms: 50, ..Options::default() }).unwrap();
    let other = Connection::open(&file.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    let error = store.delete(1, &mut || Ok(())).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(rv(error), ErrorKind::FunctionFailed);
    store.header().unwrap();
}

#[test]
fn modes_are_private_whatever_the_umask() {
    let dir = tempfile::tempdir().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let path = dir.path().join("a/b/t.token");
    let store = SqliteStore::create(&path, &Options::default(), &header()).unwrap();
    add(&store, false, &[]);
    assert_eq!(mode(&dir.path().join("a")), 0o700);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&path.with_extension("token-wal")), 0o600);
    let shared = dir.path().join("shared.token");
    drop(
        SqliteStore::create(&shared, &Options { file_mode: 0o660, ..Options::default() }, &header()).unwrap(),
    );
    assert_eq!(mode(&shared), 0o660);
}

#[test]
fn of_two_creators_one_wins_and_nothing_is_left_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.token");
    let create = || SqliteStore::create(&path, &Options::default(), &header());
    let won = std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| create().map(drop))).collect();
        all.into_iter().map(|t| t.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(won.iter().filter(|r| r.is_ok()).count(), 1, "{won:?}");
    assert!(
        won.iter().filter_map(|r| r.as_ref().err()).all(|e| matches!(e, Error::Exists { .. })),
        "{won:?}"
    );
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["t.token"]);
}

#[test]
fn a_log_left_over_is_not_replayed_into_a_new_token() {
    let file = TokenFile::new();
    let store = file.open();
    add(&store, false, &[]);
    fs::remove_file(&file.path).unwrap();
    let error = SqliteStore::create(&file.path, &Options::default(), &header()).unwrap_err();
    assert!(matches!(&error, Error::Exists { file } if file.ends_with("t.token-wal")), "{error}");
}

#[test]
fn the_closed_file_alone_moves_the_token() {
    let file = TokenFile::new();
    let store = file.open();
    let id = add(&store, true, &[1]);
    drop(store);
    assert!(!file.path.with_extension("token-wal").exists());
    let copy = file.path.with_file_name("copy.token");
    fs::copy(&file.path, &copy).unwrap();
    assert_eq!(reopen(&copy).unwrap().find(&[vec![tag(1)]], true).unwrap(), [id]);
}

#[test]
fn what_is_no_token_is_told_apart() {
    let file = TokenFile::new();
    let open = |content: &[u8]| {
        let path = file.path.with_file_name("other.token");
        fs::write(&path, content).unwrap();
        let error = reopen(&path).unwrap_err();
        assert!(error.to_string().contains("other.token"), "{error}");
        error
    };
    let good = fs::read(&file.path).unwrap();
    assert!(matches!(open(b""), Error::Damaged { .. }));
    assert!(matches!(open(b"hello"), Error::Foreign { .. }));
    assert!(matches!(open(&[0x55; 8192]), Error::Foreign { .. }));
    assert!(matches!(open(&good[..good.len() / 2]), Error::Damaged { .. }));
    assert_eq!(rv(open(&good[..4096])), ErrorKind::DeviceError);

    let missing = reopen(&file.path.with_file_name("none.token")).unwrap_err();
    assert!(matches!(missing, Error::Missing { .. }));
    let directory = reopen(file.path.parent().unwrap()).unwrap_err();
    assert_eq!(rv(directory), ErrorKind::TokenNotRecognized);

    let other = file.path.with_file_name("sqlite.token");
    sql(&other, "CREATE TABLE x (y)");
    assert!(matches!(reopen(&other).unwrap_err(), Error::Foreign { .. }));
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let file = TokenFile::new();
    sql(&file.path, "PRAGMA user_version = 99");
    let error = reopen(&file.path).unwrap_err();
    assert!(matches!(error, Error::Newer { found: 99, known: 1, .. }), "{error}");
    assert_eq!(rv(error), ErrorKind::TokenNotRecognized);
}

#[test]
fn a_hostile_header_is_damage() {
    for change in [
        "serial = '../../etc/x'",
        "serial = ''",
        "label = x'00'",
        "so_pin = x'0102'",
        "user_pin = zeroblob(90)",
        "public_key = zeroblob(100000)",
    ] {
        let file = TokenFile::new();
        sql(&file.path, &format!("UPDATE header SET {change}"));
        let error = reopen(&file.path).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{change}: {error}");
    }
    let file = TokenFile::new();
    sql(&file.path, "DROP TABLE tag");
    let store = file.open();
    assert!(matches!(store.find(&[vec![tag(1)]], true).unwrap_err(), Error::Damaged { .. }));
}

#[test]
fn a_counter_set_back_cannot_overwrite_a_row() {
    let file = TokenFile::new();
    add(&file.open(), false, &[1]);
    sql(&file.path, "UPDATE header SET next_row = 1");
    let store = file.open();
    let error = store.insert(1, &mut |ids| Ok(vec![row(ids[0], true, &[])])).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    assert!(!store.get(1).unwrap().unwrap().private);
}

#[test]
fn row_numbers_end_with_an_error() {
    let file = TokenFile::new();
    sql(&file.path, "UPDATE header SET next_row = 2130706431");
    let store = file.open();
    assert_eq!(add(&store, false, &[]), super::super::LAST_ROW);
    let error = store.insert(1, &mut |_| unreachable!()).unwrap_err();
    assert_eq!(rv(error), ErrorKind::DeviceMemory);
}

/// Whatever a bit flip does, it neither panics nor goes on for ever; SQLite's structures have no checksums, so not
/// each can be noticed here: those in rows are, by their seal.
#[test]
fn flipped_bits_never_panic() {
    let file = TokenFile::new();
    let store = file.open();
    for n in 0..20 {
        add(&store, n % 2 == 0, &[n, n + 1, 7]);
    }
    drop(store);
    let good = fs::read(&file.path).unwrap();
    let path = file.path.with_file_name("flipped.token");
    for at in (0..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[at] ^= 0x81;
        fs::write(&path, &bad).unwrap();
        let _ = walk(&path);
        for side in ["token-wal", "token-shm"] {
            let _ = fs::remove_file(path.with_extension(side));
        }
    }
}

#[test]
fn reading_alone_reads_and_refuses_to_write() {
    let file = TokenFile::new();
    let writer = file.open();
    let reader = SqliteStore::open(&file.path, &Options { read_only: true, ..Options::default() }).unwrap();
    assert!(reader.read_only());
    let id = add(&writer, false, &[1]);
    assert_eq!(reader.find(&[vec![tag(1)]], false).unwrap(), [id]);
    let error = reader.delete(id, &mut || Ok(())).unwrap_err();
    assert_eq!(rv(error), ErrorKind::TokenWriteProtected);
}

#[test]
fn a_removed_or_replaced_file_takes_no_more_writes() {
    let file = TokenFile::new();
    let store = file.open();
    fs::remove_file(&file.path).unwrap();
    let gone = store.insert(1, &mut |_| unreachable!()).unwrap_err();
    assert!(matches!(gone, Error::Missing { .. }), "{gone}");
    fs::copy(TokenFile::new().path, &file.path).unwrap();
    let replaced = store.insert(1, &mut |_| unreachable!()).unwrap_err();
    assert!(matches!(replaced, Error::Missing { .. }), "{replaced}");
}

#[test]
fn a_deleted_token_is_gone_for_those_who_have_it_open() {
    let file = TokenFile::new();
    let store = file.open();
    add(&store, false, &[1]);
    SqliteStore::delete_file(&file.path, &Options::default()).unwrap();
    assert!(!file.path.exists());
    assert_eq!(rv(store.header().unwrap_err()), ErrorKind::DeviceRemoved);
    assert_eq!(store.count().unwrap(), 0);
}

/// Runs as root too, where no permission is ever missing: the directory is only claimed to be read-only.
#[test]
fn an_immutable_file_is_read_and_its_replacement_noticed() {
    let file = TokenFile::new();
    let id = add(&file.open(), false, &[1]);
    let store = SqliteStore::open_immutable(&file.path, &Options::default()).unwrap();
    let before = store.generation().unwrap();
    assert_eq!(store.find(&[vec![tag(1)]], false).unwrap(), [id]);
    assert_eq!(rv(store.delete(id, &mut || Ok(())).unwrap_err()), ErrorKind::TokenWriteProtected);
    std::thread::sleep(Duration::from_millis(20));
    file.open().delete(id, &mut || Ok(())).unwrap();
    assert_ne!(store.generation().unwrap(), before);
    assert!(store.find(&[vec![tag(1)]], false).unwrap().is_empty());
}

#[test]
fn a_connection_given_up_and_opened_anew_still_locks() {
    let file = TokenFile::new();
    let store = file.open();
    add(&store, false, &[1]);
    store.abandon();
    drop(store);
    // As a child does: the log is still there, and is read.
    assert!(file.path.with_extension("token-wal").exists());
    assert_eq!(file.open().find(&[], true).unwrap(), [1]);
}
