//! The soft token: sealed rows in one SQLite file per token, or in a secret store; keys in this process.
//!
//! `SoftProvider` lists the files of one directory, `RemoteProvider` is one place in a service; `SoftToken` is one
//! token, opened through its `source` when first needed; `objects` turns rows into objects and finds them, `cache` keeps them; `session` serves a session's calls.
//!
//! Locks, all below the session's: token keys → session objects → store → object cache. None is held across crypto.

mod adopt;
mod builtin;
mod cache;
mod index;
mod objects;
#[cfg(feature = "kms")]
mod remote;
mod session;
mod source;
#[cfg(test)]
mod tests;
mod token;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Header, Options};
use crate::token::{Provider, Token, UserPin};
use crate::types::ck;

use self::source::TokenFile;

pub use adopt::{Adoption, create_as};
#[cfg(feature = "kms")]
pub use remote::RemoteProvider;
pub use token::SoftToken;

/// The ending of a token's file.
const EXTENSION: &str = "token";
/// Holds the serial of the next token, so that the free slot has one ID in every process.
const FREE_SLOT_FILE: &str = "free-slot";

/// The soft tokens of one directory, and the free slot.
pub struct SoftProvider {
    config: Arc<Config>,
    pins: Arc<[UserPin]>,
    /// Every token ever listed, so that its slot keeps its state.
    known: Mutex<BTreeMap<String, Arc<SoftToken>>>,
}

impl SoftProvider {
    /// Lists `soft.dir`. `pins`: those of the tokens' users that nobody types.
    pub fn new(config: Arc<Config>, pins: Vec<UserPin>) -> Self {
        SoftProvider { config, pins: pins.into(), known: Mutex::default() }
    }

    /// The soft tokens, the free one last.
    pub fn soft_tokens(&self) -> Result<Vec<Arc<SoftToken>>> {
        let dir = &self.config.soft.dir;
        let mut serials = serials(dir)?;
        let free = free_serial(dir, &serials);
        let mut known = self.known.lock();
        // Where the serial can't be kept on disk, this process at least stays with the one it showed first.
        let free = match free {
            Some(serial) => Some(serial),
            None => known.values().find(|token| !token.initialized()).map(|token| token.serial().to_owned()),
        };
        serials.push(match free {
            Some(serial) => serial,
            None => Header::random_serial()?,
        });
        serials.dedup();
        known.retain(|serial, _| serials.contains(serial));
        Ok(serials
            .into_iter()
            .map(|serial| {
                let token = known.entry(serial).or_insert_with_key(|serial| {
                    Arc::new(in_file(self.config.clone(), serial.clone(), self.pins.clone()))
                });
                token.clone()
            })
            .collect())
    }
}

impl Provider for SoftProvider {
    fn has_events(&self) -> bool {
        false
    }

    fn tokens(&self) -> Result<Vec<Arc<dyn Token>>> {
        Ok(self.soft_tokens()?.into_iter().map(|token| token as Arc<dyn Token>).collect())
    }
}

/// The token of a serial in `soft.dir`.
fn in_file(config: Arc<Config>, serial: String, pins: Arc<[UserPin]>) -> SoftToken {
    let soft = &config.soft;
    let options = Options {
        busy_ms: soft.busy_timeout_ms,
        synchronous: soft.synchronous,
        file_mode: soft.file_mode,
        ..Options::default()
    };
    let source = TokenFile { path: token_path(&soft.dir, &serial), options };
    SoftToken::new(config, serial, Box::new(source), pins)
}

/// Where a token of this serial lives.
pub fn token_path(dir: &Path, serial: &str) -> PathBuf {
    dir.join(format!("{serial}.{EXTENSION}"))
}

/// The slot of a serial: its low 31 bits, never 0, so that Java's and Go's clients can hold it.
pub fn slot_id(serial: &str) -> ck::CK_SLOT_ID {
    let low = u64::from_str_radix(serial, 16).unwrap_or_default() & 0x7fff_ffff;
    low.max(1)
}

fn is_serial(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The serials of the token files in a directory, in order; none where there is no directory yet.
fn serials(dir: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(dir, &error)),
    };
    let mut serials = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(dir, &error))?.path();
        let serial = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if path.extension().is_some_and(|extension| extension == EXTENSION) && is_serial(serial) {
            serials.push(serial.to_owned());
        }
    }
    serials.sort();
    Ok(serials)
}

fn unreadable(dir: &Path, error: &io::Error) -> Error {
    Error::new(
        ErrorKind::FunctionFailed,
        format!("{}: {error}; set soft.dir or KEYWARD_DIR to a directory that can be read", dir.display()),
    )
}

/// The serial of the next token, the same in every process until it is used. `None` where it can't be kept.
fn free_serial(dir: &Path, used: &[String]) -> Option<String> {
    let file = dir.join(FREE_SLOT_FILE);
    // A second round for the process that lost the race to write it, a third for luck.
    for _ in 0..3 {
        match fs::read_to_string(&file) {
            Ok(serial) if is_serial(&serial) && !clashes(&serial, used) => return Some(serial),
            Ok(stale) => set_aside(dir, &file, &stale),
            Err(_) => {}
        }
        let serial = Header::random_serial().ok().filter(|serial| !clashes(serial, used))?;
        match write_new(dir, &file, &serial) {
            Ok(()) => return Some(serial),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                tracing::debug!("{}: {error}; the free slot's ID is this process's own", file.display());
                return None;
            }
        }
    }
    None
}

/// Takes a serial that is used up out of the way. Another process may have replaced it since it was read: then what
/// was taken away is the new one, and goes back.
fn set_aside(dir: &Path, file: &Path, stale: &str) {
    let Ok(name) = Header::random_serial() else { return };
    let aside = dir.join(format!(".{FREE_SLOT_FILE}.{name}"));
    if fs::rename(file, &aside).is_ok() {
        if fs::read_to_string(&aside).is_ok_and(|taken| taken != stale) {
            let _ = fs::hard_link(&aside, file);
        }
        let _ = fs::remove_file(&aside);
    }
}

/// True if the serial, or its slot, is some token's already.
fn clashes(serial: &str, used: &[String]) -> bool {
    used.iter().any(|other| slot_id(other) == slot_id(serial))
}

/// Writes the file whole or not at all, and never over another process's.
fn write_new(dir: &Path, file: &Path, serial: &str) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let temporary = dir.join(format!(".{FREE_SLOT_FILE}.{serial}"));
    let created = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
    let linked = created
        .and_then(|mut created| created.write_all(serial.as_bytes()))
        .and_then(|()| fs::hard_link(&temporary, file));
    // Whatever happened: on a full disk, each call would leave one behind.
    let _ = fs::remove_file(&temporary);
    linked
}
