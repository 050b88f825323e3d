//! Tokens of another PKCS#11 library, beside ours.
//!
//! `PassProvider` follows the library's tokens; `PassToken` is one of them with its login; `PassSession` passes calls on.
//! `lower` starts the library; `pool` keeps sessions below for reuse, `finds` the answers to searches, `handles` what is
//! known of objects; `raw` holds what is unsafe.
//!
//! Locks, all below the session's: a token's login → where the token is → pool, handles, searches → the library's own.
//! The login is held while the library checks a PIN and while a lost session is looked for; no lock of ours is held
//! while a call is passed on, but for libraries that take one call at a time.

mod finds;
mod handles;
mod identity;
mod lower;
mod plain;
mod pool;
mod quirks;
mod raw;
mod session;
mod settings;
mod token;

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

use self::lower::Lower;
use self::raw::Api;
use self::settings::Settings;
use self::token::PassToken;
use crate::config::{Config, SlotEntry};
use crate::error::Result;
use crate::token::{Provider, Token};
use crate::types::ck;

/// The tokens of one library.
pub struct PassProvider {
    config: Arc<Config>,
    lower: Arc<Lower>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Every token and empty slot ever seen, so that its slot keeps its ID and state.
    tokens: Vec<Arc<PassToken>>,
    listed: bool,
    /// The last reason why there were none, told once.
    complaint: Option<String>,
}

impl PassProvider {
    /// Reads the entry; the library is loaded when its slots are first asked for.
    pub fn new(config: Arc<Config>, entry: &SlotEntry) -> Result<Self> {
        Ok(PassProvider::over(config, Settings::read(entry, None, &[])?))
    }

    /// The same for an entry of another backend, which found the library itself and has keys of its own.
    pub fn for_backend(
        config: Arc<Config>,
        entry: &SlotEntry,
        found: Option<PathBuf>,
        others: &[&'static str],
    ) -> Result<Self> {
        Ok(PassProvider::over(config, Settings::read(entry, found, others)?))
    }

    fn over(config: Arc<Config>, settings: Settings) -> Self {
        PassProvider { config, lower: Arc::new(Lower::new(settings)), known: Mutex::default() }
    }

    /// Looks at each slot of the library.
    fn look(&self, known: &mut Known, api: &Api, start: u64) -> Result<()> {
        let mut there = Vec::new();
        for slot in api.slots()? {
            // A slot that went between list and question is not there.
            let Ok(info) = api.slot_info(slot) else { continue };
            let present = info.flags & ck::CKF_TOKEN_PRESENT != 0;
            let token = if present { api.token_info(slot).ok() } else { None };
            if let Some(found) = self.follow(known, slot, token.as_ref(), &there) {
                found.arrived(slot, token.as_ref(), start, known.listed);
                there.push(found);
            }
        }
        for token in &known.tokens {
            if !there.iter().any(|found| Arc::ptr_eq(found, token)) {
                token.gone();
            }
        }
        known.listed = true;
        Ok(())
    }

    /// The token of ours that sits in a slot below, and none of those found `there` already. `None` for one that the
    /// configuration does not mean.
    fn follow(
        &self,
        known: &mut Known,
        slot: ck::CK_SLOT_ID,
        info: Option<&ck::CK_TOKEN_INFO>,
        there: &[Arc<PassToken>],
    ) -> Option<Arc<PassToken>> {
        let identity = info.and_then(|info| self.lower.identity(info));
        // Of two that look alike the second is another.
        let is_taken = |token: &Arc<PassToken>| there.iter().any(|found| Arc::ptr_eq(found, token));
        let by_identity = |token: &&Arc<PassToken>| {
            identity.is_some_and(|identity| token.is(&identity)) && !is_taken(token)
        };
        if let Some(found) = known.tokens.iter().find(by_identity) {
            return Some(found.clone());
        }
        // An empty slot or blank token that was seen there before; a known token that is elsewhere now was another.
        let here = |token: &&Arc<PassToken>| token.was_blank_in(slot);
        let here = known.tokens.iter().find(here).cloned();
        let names = &self.lower.settings.tokens;
        let meant = |identity: identity::Identity| names.iter().any(|name| identity.is_called(name));
        if !names.is_empty() && !identity.is_some_and(meant) {
            return None;
        }
        if here.is_some() {
            return here;
        }
        let library = self.lower.settings.library.as_os_str().as_encoded_bytes();
        let blank = || identity::slot_id(&[library, &slot.to_be_bytes()]);
        let mut id = identity.map_or_else(blank, |identity| identity.slot_id());
        while known.tokens.iter().any(|token| token.slot_id() == id) {
            id = id % 0x7fff_ffff + 1;
        }
        let token = Arc::new(PassToken::new(id, self.config.clone(), self.lower.clone()));
        known.tokens.push(token.clone());
        Some(token)
    }
}

impl Provider for PassProvider {
    fn has_events(&self) -> bool {
        true
    }

    fn tokens(&self) -> Result<Vec<Arc<dyn Token>>> {
        let mut known = self.known.lock();
        let outcome = self.lower.api().and_then(|(api, start)| self.look(&mut known, &api, start));
        let complaint = outcome.err().map(|error| error.detail().to_owned());
        if let Some(why) = &complaint {
            known.tokens.iter().for_each(|token| token.gone());
            if known.complaint != complaint {
                tracing::warn!("a passthrough slot has no token: {why}");
            }
        }
        known.complaint = complaint;
        Ok(known.tokens.iter().map(|token| token.clone() as Arc<dyn Token>).collect())
    }
}
