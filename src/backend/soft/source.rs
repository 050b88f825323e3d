//! Where a soft token's rows are: a file, or a place in a service.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::store::{Error, Header, Options, Result, SqliteStore, Store};

/// The longest that opening a file takes, beside waiting for others that write it.
const OPENING_LASTS: Duration = Duration::from_secs(10);

/// Opens a token's store, and makes it.
pub trait Source: Send + Sync {
    /// For C_GetSlotInfo.
    fn description(&self) -> String;
    /// How messages name it.
    fn place(&self) -> String;
    /// Whether there is a token, as far as that is known without asking anybody.
    fn known(&self) -> bool;
    /// The label that is shown as long as nobody was asked. `None` where that costs nothing.
    fn assumed_label(&self) -> Option<[u8; 32]>;
    /// [`Error::Missing`] where there is no token.
    fn open(&self) -> Result<Box<dyn Store>>;
    /// [`Error::Exists`] where there is one: of several that make it, one wins.
    fn create(&self, header: &Header) -> Result<Box<dyn Store>>;
    /// How long a thread waits for another that opens the store.
    fn patience(&self) -> Duration;
    /// Tells what was opened from another that was put in its place, such as a copy from before.
    fn identity(&self) -> Option<(u64, u64)>;
}

/// A token's file.
pub struct TokenFile {
    pub path: PathBuf,
    pub options: Options,
}

impl Source for TokenFile {
    fn description(&self) -> String {
        let stem = self.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        format!("keyward soft token {}", stem.unwrap_or_default())
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn known(&self) -> bool {
        self.path.exists()
    }

    fn assumed_label(&self) -> Option<[u8; 32]> {
        None
    }

    fn open(&self) -> Result<Box<dyn Store>> {
        match self.known() {
            true => Ok(Box::new(SqliteStore::open(&self.path, &self.options)?)),
            false => Err(Error::Missing { file: self.path.clone() }),
        }
    }

    fn create(&self, header: &Header) -> Result<Box<dyn Store>> {
        Ok(Box::new(SqliteStore::create(&self.path, &self.options, header)?))
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(u64::from(self.options.busy_ms)) + OPENING_LASTS
    }

    fn identity(&self) -> Option<(u64, u64)> {
        identity(&self.path)
    }
}

/// Device and inode; `None` where there is no such file.
fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}
