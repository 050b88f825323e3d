//! `keyward device`: the state of Zymbit devices, for the person who looks after them.
//!
//! It talks to the vendor's library itself and starts no token: what it shows must be there when the backend refuses
//! to work. It only reads, but for the two verbs that a person confirms twice (`device/destructive.rs`).

mod destructive;
mod report;
mod watch;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::error::{Error, Result, failed, usage};
use super::output::Answer;
use crate::backend::zymbit::Way;
use crate::backend::zymbit::raw::{self, Device, Library};
use crate::config::{Config, Environment};

pub const HELP: &str = "\
Devices are those of the [[slot]] entries with backend = \"zymbit\", or the one that --library reaches.

  keyward device status --json                 everything a device tells about itself
  keyward device watch --json                  one JSON object per perimeter event, as they come
  keyward device clear --yes --serial SERIAL   forget the perimeter events, in a script";

/// Look after Zymbit devices
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Show model, firmware, binding, health and perimeter
    Status(DeviceArg),
    /// List the perimeter events that the devices remember
    Events(DeviceArg),
    /// Print perimeter events as they come, the remembered ones first
    Watch(watch::Watch),
    /// Forget the perimeter events: destroys evidence, asks twice
    Clear(destructive::Confirmed),
    /// Lock the binding to this host, for good: asks twice
    LockBinding(destructive::Confirmed),
}

/// Which device.
#[derive(Args, Debug, Clone, Default)]
pub struct DeviceArg {
    /// The vendor's library, libzk_app_utils.so, instead of the configured ones
    #[arg(long, value_name = "PATH")]
    pub library: Option<PathBuf>,
}

/// A device that is open.
pub struct Opened {
    /// The vendor's library, through which it is reached.
    pub library: PathBuf,
    /// The device.
    pub device: Device,
}

/// Runs a verb; `json` for those that print before they end.
pub fn run(command: &Command, json: bool) -> Result<Answer> {
    match command {
        Command::Status(which) => report::status(which),
        Command::Events(which) => events(which),
        Command::Watch(args) => watch::run(args, json),
        Command::Clear(args) => destructive::clear(args),
        Command::LockBinding(args) => destructive::lock_binding(args),
    }
}

fn events(which: &DeviceArg) -> Result<Answer> {
    let mut events = Vec::new();
    for opened in which.open()? {
        events.extend(report::Event::remembered(&opened)?);
    }
    let lines: Vec<String> = events.iter().map(report::Event::text).collect();
    let text = if lines.is_empty() { "no perimeter events".to_owned() } else { lines.join("\n") };
    let events: Vec<_> = events.iter().map(report::Event::json).collect();
    Ok(Answer::new(text, json!({ "events": events })))
}

impl DeviceArg {
    /// Every device that is meant: at least one.
    pub fn open(&self) -> Result<Vec<Opened>> {
        self.libraries()?.into_iter().map(|library| open(&library)).collect()
    }

    /// The one device that is meant.
    pub fn open_one(&self) -> Result<Opened> {
        match self.libraries()?.as_slice() {
            [library] => open(library),
            several => usage(format!("there are {} devices: say which with --library PATH", several.len())),
        }
    }

    fn libraries(&self) -> Result<Vec<PathBuf>> {
        if let Some(library) = &self.library {
            return Ok(vec![library.clone()]);
        }
        let config = Config::load(&Environment::process(), None).map_err(crate::error::Error::from)?;
        let mut found: Vec<PathBuf> = Vec::new();
        let entries: Vec<_> = config.slot.iter().filter(|entry| entry.backend == "zymbit").collect();
        for entry in &entries {
            let named = match Way::of(entry).map_err(crate::error::Error::from)? {
                Way::Native => entry.reader().path("library").map_err(crate::error::Error::from)?,
                // Its library is another one, and tells nothing of the device.
                Way::Pkcs11(_) => None,
            };
            found.extend(named.or_else(Library::installed).filter(|library| !found.contains(library)));
        }
        if entries.is_empty() {
            found.extend(Library::installed());
        }
        match found.is_empty() {
            true => {
                failed("no libzk_app_utils.so is installed: name it with --library PATH, or in a [[slot]]")
            }
            false => Ok(found),
        }
    }
}

fn open(library: &Path) -> Result<Opened> {
    let loaded = Library::load(library)?;
    let device = Device::open(&loaded).map_err(|error| at(library, &error))?;
    Ok(Opened { library: library.to_owned(), device })
}

/// A failure of a device, with the library that it was reached by.
fn at(library: &Path, error: &raw::Error) -> Error {
    let help = match error.is_absent() || error.lost_connection() {
        true => ": is the device there, and does the daemon zkifc run?",
        false => "",
    };
    Error::Failed(format!("{}: {error}{help}", library.display()))
}

impl From<raw::Error> for Error {
    fn from(error: raw::Error) -> Self {
        Error::Failed(error.to_string())
    }
}
