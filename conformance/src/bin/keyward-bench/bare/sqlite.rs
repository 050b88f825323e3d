//! Transactions that store what a P-256 pair is in keyward's token, on SQLite alone: durable ones, in WAL mode.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params};

use crate::fault::Fault;

/// A sealed public and a sealed private key.
const SEALED: [usize; 2] = [333, 383];
/// Tags of a key by which one finds many: class and key type. The same for all public, and for all private keys.
const SHARED_TAGS: u64 = 2;
/// Tags of a key by which one finds it alone: unique ID, ID, label, public key.
const OWN_TAGS: u64 = 4;

/// The schema that keyward's objects have, and its counter of rows.
const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS header (id INTEGER PRIMARY KEY, next_row INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS object (
        id INTEGER PRIMARY KEY, private INTEGER NOT NULL, sealed BLOB NOT NULL, tags BLOB NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS object_private ON object (private);
    CREATE TABLE IF NOT EXISTS tag (
        tag BLOB NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (tag, row)
    ) STRICT, WITHOUT ROWID;
    INSERT OR IGNORE INTO header VALUES (1, 1);
";

/// A file and a connection to it.
pub struct File(Connection);

impl File {
    /// Makes the tables where they are missing.
    pub fn create(path: &Path) -> Result<(), Fault> {
        Ok(Self::open(path)?.0.execute_batch(SCHEMA)?)
    }

    /// A connection that waits for other processes, and for the disk after each transaction.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(Self(connection))
    }

    /// One transaction: two rows with their tags, and the counter.
    pub fn insert_pair(&mut self) -> Result<(), Fault> {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let next: i64 = transaction
            .prepare_cached("SELECT next_row FROM header WHERE id = 1")?
            .query_row([], |row| row.get(0))?;
        transaction.prepare_cached("UPDATE header SET next_row = next_row + 2 WHERE id = 1")?.execute([])?;
        for (id, len) in (next..).zip(SEALED) {
            let tags = tags(u64::try_from(id)?);
            transaction
                .prepare_cached("INSERT INTO object (id, private, sealed, tags) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![id, id % 2, vec![0x5a_u8; len], tags.as_flattened()])?;
            let mut index = transaction.prepare_cached("INSERT INTO tag (tag, row) VALUES (?1, ?2)")?;
            for tag in &tags {
                index.execute(params![tag, id])?;
            }
        }
        Ok(transaction.commit()?)
    }
}

/// Tags that lie all over the index, as those of a keyed hash do.
fn tags(row: u64) -> Vec<[u8; 16]> {
    let shared = (0..SHARED_TAGS).map(|tag| scattered(tag * 2 + row % 2));
    let own = (1..=OWN_TAGS).map(|tag| scattered(row << 8 | tag << 4));
    shared.chain(own).collect()
}

/// SplitMix64 of a number: no two have the same.
fn scattered(number: u64) -> [u8; 16] {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (u128::from(z) << 64 | u128::from(number)).to_be_bytes()
}
