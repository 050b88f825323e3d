//! The keys of a `[[slot]]` with `backend = "passthrough"`.

use std::path::PathBuf;
use std::time::Duration;

use super::quirks::Quirks;
use crate::config::{Result, SlotEntry};

/// What the entry says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `library`: the file to load.
    pub library: PathBuf,
    /// `tokens`: labels or serial numbers of the tokens to show; all where there are none.
    pub tokens: Vec<String>,
    /// `init_args`: text for the library's pReserved.
    pub init_args: Option<String>,
    /// `find_cache_ms`: how long the answer to a search is good, if nothing is changed through keyward meanwhile.
    pub find_cache: Duration,
    /// `hold_pin`: whether the PIN stays in memory while somebody is logged in, to log in again after a loss.
    pub hold_pin: bool,
    /// `isolate`: whether the library runs in a process of its own.
    pub isolate: bool,
    /// `timeout_ms`: the longest wait for a call of an isolated library.
    pub timeout: Duration,
    /// `quirks`, and what is known of the library.
    pub quirks: Quirks,
}

impl Settings {
    /// Reads the entry, for a backend that comes here with the library that it found and with keys of its own.
    pub fn read(entry: &SlotEntry, found: Option<PathBuf>, others: &[&'static str]) -> Result<Settings> {
        let mut slot = entry.reader();
        others.iter().for_each(|key| slot.know(key));
        let library = slot.path("library")?.or(found);
        let name = library.as_ref().and_then(|library| library.file_name());
        let name = name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let settings = Settings {
            quirks: Quirks::read(&name, &mut slot)?,
            tokens: slot.texts("tokens")?,
            init_args: slot.text("init_args")?.map(str::to_owned),
            find_cache: Duration::from_millis(slot.number("find_cache_ms", 0, 3_600_000, 1000)?.into()),
            hold_pin: slot.flag("hold_pin", false)?,
            isolate: slot.flag("isolate", false)?,
            timeout: Duration::from_millis(slot.number("timeout_ms", 1, 3_600_000, 30_000)?.into()),
            library: library.clone().unwrap_or_default(),
        };
        let missing = slot.refuse("lacks library = \"...\", the PKCS#11 library to load");
        slot.finish()?;
        if library.is_none() { Err(missing) } else { Ok(settings) }
    }
}
