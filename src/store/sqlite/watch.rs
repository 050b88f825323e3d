//! Noticing that anyone has committed, by a look at 48 bytes of shared memory.
//!
//! SQLite keeps the head of the write-ahead log's index at the start of the `-shm` file (sqlite.org/walformat.html,
//! "WAL-index header"): a counter of commits, the log's end, salts and a checksum, written at each commit by whoever
//! makes it. `PRAGMA data_version` asks the same, through a read transaction that locks and unlocks the file.
//!
//! POSIX drops all of a process's locks on a file when any descriptor of it is closed, SQLite's own included. So
//! the `-shm` file of a token is opened once for all stores of the process and closed after the last of their
//! connections. The registry's mutex is held while a store opens and while it closes; it is taken before a store's
//! own locks.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::super::Generation;
use super::open::beside;
use super::raw::MappedWords;

pub(super) static REGISTRY: Mutex<Registry> = Mutex::new(Registry(Vec::new()));

/// The tokens that this process has open.
pub(super) struct Registry(Vec<Token>);

/// The device and inode of a token's file.
pub(super) type Identity = (u64, u64);

struct Token {
    identity: Identity,
    stores: usize,
    index: Option<Arc<Index>>,
}

/// Holds off other openings and closings.
pub(super) fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock()
}

impl Registry {
    /// Counts a store whose connection is open, and hands it the index to watch; `None` where that cannot be read.
    pub(super) fn register(&mut self, identity: Identity, path: &Path) -> Option<Arc<Index>> {
        let found = self.0.iter().position(|token| token.identity == identity);
        let at = found.unwrap_or_else(|| {
            self.0.push(Token { identity, stores: 0, index: None });
            self.0.len() - 1
        });
        let token = self.0.get_mut(at)?;
        token.stores += 1;
        let shm = beside(path, "-shm");
        // After a fork the parent may have closed and removed the one that is registered.
        if !token.index.as_ref().is_some_and(|index| is_at(&index.file, &shm)) {
            token.index = Index::open(&shm).map(Arc::new);
        }
        // Kept open even where it is not readable: closing it now would drop SQLite's locks.
        token.index.clone().filter(|index| index.read().is_some())
    }

    /// A store's connections are closed: the last one's index may close.
    pub(super) fn release(&mut self, identity: Identity) {
        if let Some(at) = self.0.iter().position(|token| token.identity == identity)
            && let Some(token) = self.0.get_mut(at)
        {
            token.stores -= 1;
            if token.stores == 0 {
                self.0.swap_remove(at);
            }
        }
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let identity = |meta: std::io::Result<fs::Metadata>| meta.map(|meta| (meta.dev(), meta.ino())).ok();
    identity(file.metadata()).is_some_and(|own| identity(fs::metadata(path)) == Some(own))
}

/// The head of a write-ahead log's index.
pub(super) struct Index {
    /// Mapped first in the struct, unmapped first.
    mapped: Option<MappedWords<WORDS>>,
    file: File,
}

/// Up to the end of the first copy of the header.
const WORDS: usize = 12;

impl Index {
    fn open(path: &Path) -> Option<Index> {
        let file = File::open(path).ok()?;
        Some(Index { mapped: MappedWords::of(&file), file })
    }

    /// Another one after each commit, and its number of commits is the next one: SQLite counts them at this place for
    /// its own use. A read in the middle of a write gives a third one, which costs its reader a needless look. `None`
    /// where the layout is not the one we know.
    pub(super) fn read(&self) -> Option<Generation> {
        const VERSION: u32 = 3_007_000;
        let words = match &self.mapped {
            Some(mapped) => mapped.read(),
            None => self.read_file()?,
        };
        let word = |n: usize| words.get(n).copied().unwrap_or_default();
        // The log's end, and the checksum over it, the counter and the rest.
        let (counter, end, checksum) = (word(2), word(4), word(10) ^ word(11).rotate_left(16));
        let state = u64::from(end) << 32 | u64::from(checksum);
        (word(0) == VERSION).then_some(Generation { commits: Some(counter), state })
    }

    /// The same by a system call, where the file cannot be mapped.
    fn read_file(&self) -> Option<[u32; WORDS]> {
        let mut head = [0; 4 * WORDS];
        self.file.read_exact_at(&mut head, 0).ok()?;
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(head.as_chunks::<4>().0) {
            *word = u32::from_ne_bytes(*bytes);
        }
        Some(words)
    }
}
