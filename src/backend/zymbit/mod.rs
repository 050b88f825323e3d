//! Zymbit's devices, natively: hardware keys served over the vendor's `libzk_app_utils.so`.
//!
//! `ZymbitProvider` loads the library when slots are first listed and finds the device of this host; `ZymbitToken` is
//! that device. `link` holds its one open context and opens it anew when it is lost, `ring` knows its keys, `objects`
//! makes PKCS#11's objects of them, `perimeter` asks about breaches, `offer` says which mechanisms
//! there are; `session` and `keys` serve a session's calls; `raw` holds what is unsafe.
//!
//! The device does what needs its private keys. Verification, digests, and whatever session objects are used for, is
//! done in software by the same rows as for soft tokens. Calls that lock the device, destroy keys or clear evidence are
//! not made here at all.
//!
//! Locks, all below the session's: the provider's → the ring → the perimeter → the link. The link's is held while the
//! device works: it does one thing at a time.

mod keys;
mod link;
mod model;
mod objects;
mod offer;
mod perimeter;
pub mod raw;
mod ring;
mod session;
mod settings;
mod token;
mod way;

use std::sync::Arc;

use parking_lot::Mutex;

use self::raw::{Device, Library};
use self::settings::Settings;
use self::token::{Identity, ZymbitToken};
pub use self::way::Way;
use crate::config::{Config, SlotEntry};
use crate::error::Result;
use crate::token::{Provider, Token};

/// The device that a `[[slot]]` names.
pub struct ZymbitProvider {
    config: Arc<Config>,
    settings: Arc<Settings>,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    /// `Some(None)` once it could not be loaded: it is not tried again.
    library: Option<Option<Arc<Library>>>,
    /// The device, from the first time it was there.
    token: Option<Arc<ZymbitToken>>,
    /// The last reason why there was none, told once.
    complaint: Option<String>,
}

impl ZymbitProvider {
    /// Reads the entry. Nothing is loaded before slots are listed.
    pub fn new(config: Arc<Config>, entry: &SlotEntry) -> Result<Self> {
        let settings = Arc::new(Settings::read(entry)?);
        Ok(ZymbitProvider { config, settings, found: Mutex::default() })
    }

    fn library(&self) -> Option<Arc<Library>> {
        let Some(path) = self.settings.library.clone().or_else(Library::installed) else {
            let places: Vec<_> = Library::default_paths().map(|path| path.display().to_string()).collect();
            tracing::warn!(
                "no Zymbit slot: there is no {}; install Zymbit's package, or set library in [[slot]]",
                places.join(", no ")
            );
            return None;
        };
        match Library::load(&path) {
            Ok(library) => Some(library),
            Err(error) => {
                tracing::warn!("no Zymbit slot: {error}");
                None
            }
        }
    }

    fn device(&self, library: &Arc<Library>) -> raw::Result<ZymbitToken> {
        let device = Device::open(library)?;
        let identity = Identity {
            serial: device.serial()?,
            model: device.model()?,
            firmware: device.firmware().unwrap_or_default(),
        };
        Ok(ZymbitToken::new(self.config.clone(), self.settings.clone(), identity, device))
    }
}

impl Provider for ZymbitProvider {
    fn has_events(&self) -> bool {
        true
    }

    fn tokens(&self) -> Result<Vec<Arc<dyn Token>>> {
        let mut found = self.found.lock();
        if let Some(token) = &found.token {
            return Ok(vec![token.clone()]);
        }
        let Some(library) = found.library.get_or_insert_with(|| self.library()).clone() else {
            return Ok(Vec::new());
        };
        match self.device(&library) {
            Ok(token) => {
                let token = Arc::new(token);
                found.token = Some(token.clone());
                Ok(vec![token])
            }
            Err(error) => {
                let complaint = error.to_string();
                if found.complaint.as_ref() != Some(&complaint) {
                    tracing::warn!("no Zymbit slot: {complaint}; is the device there, and does zkifc run?");
                    found.complaint = Some(complaint);
                }
                Ok(Vec::new())
            }
        }
    }
}
