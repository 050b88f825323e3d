//! The library below: started when first needed, started again where its process died.

use std::sync::Arc;

use parking_lot::RwLock;

use super::identity::Identity;
use super::raw::{Api, Loaded};
use super::settings::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::types::ck;

/// One library, for all of its tokens.
pub struct Lower {
    pub settings: Settings,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    started: Option<Started>,
    /// How often it was started.
    starts: u64,
}

struct Started {
    api: Arc<Api>,
    /// False where the library was initialised already: whoever did that ends it.
    ours: bool,
}

impl Lower {
    pub fn new(settings: Settings) -> Lower {
        Lower { settings, state: RwLock::default() }
    }

    /// By what a token is known again. `None` where it says nothing of the kind.
    pub fn identity(&self, info: &ck::CK_TOKEN_INFO) -> Option<Identity> {
        let mut identity = Identity::of(info);
        if self.settings.quirks.shared_serial {
            identity.serial.fill(b' ');
        }
        Some(identity).filter(Identity::is_known)
    }

    /// The library, started, and the how manieth start it is. CKR_DEVICE_REMOVED where it cannot be.
    pub fn api(&self) -> Result<(Arc<Api>, u64)> {
        if let Some(alive) = self.state.read().alive() {
            return Ok(alive);
        }
        let mut state = self.state.write();
        if let Some(alive) = state.alive() {
            return Ok(alive);
        }
        state.started = None;
        let started = self.start()?;
        state.starts += 1;
        Ok((state.started.insert(started).api.clone(), state.starts))
    }

    /// The library where it has been started and lives: for what is only worth doing then.
    pub fn running(&self) -> Option<Arc<Api>> {
        self.state.read().alive().map(|(api, _)| api)
    }

    /// In a forked child. A lock that some thread of the parent held is never let go here: what it guards is leaked.
    pub fn abandon(&self) {
        if let Some((api, _)) = self.state.try_read().and_then(|state| state.alive()) {
            api.abandon();
        }
    }

    fn start(&self) -> Result<Started> {
        let library = &self.settings.library;
        let failed = |why: &dyn std::fmt::Display| {
            Error::new(ErrorKind::DeviceRemoved, format!("{}: {why}", library.display()))
        };
        if self.settings.isolate {
            let api = Api::isolated(library, self.settings.timeout).map_err(|why| failed(&why))?;
            api.initialize(self.settings.init_args.as_deref()).map_err(|error| failed(&error))?;
            return Ok(Started { api: Arc::new(api), ours: true });
        }
        let loaded = Loaded::load(library).map_err(|why| failed(&why))?;
        let (inherited, mark) = (loaded.inherited(), loaded.mark());
        let api = Arc::new(Api::new(Arc::new(loaded), self.settings.quirks.serialize));
        let initialize = || api.initialize(self.settings.init_args.as_deref());
        let outcome = match initialize() {
            // It did not notice that this process is a child of the one that initialised it.
            Err(error) if error.kind() == ErrorKind::CryptokiAlreadyInitialized && inherited => {
                let _ = api.finalize();
                initialize()
            }
            outcome => outcome,
        };
        let ours = match outcome {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::CryptokiAlreadyInitialized => false,
            Err(error) => return Err(failed(&error)),
        };
        if ours {
            mark.note();
        }
        Ok(Started { api, ours })
    }
}

impl State {
    fn alive(&self) -> Option<(Arc<Api>, u64)> {
        let started = self.started.as_ref().filter(|started| started.api.is_alive())?;
        Some((started.api.clone(), self.starts))
    }
}

impl Drop for Lower {
    fn drop(&mut self) {
        if let Some(started) = self.state.get_mut().started.take()
            && started.ours
            && !self.settings.quirks.no_finalize
            && started.api.is_alive()
        {
            let _ = started.api.finalize();
        }
    }
}
