//! Soft tokens whose rows are kept in a secret store: `[[slot]]` with `backend = "soft"`.
//!
//! The service is first asked by what needs it: C_GetTokenInfo, C_OpenSession, C_InitToken. C_Initialize and
//! C_GetSlotList ask nobody; the slot is listed as one with an initialised token until the service says that there is
//! none. With `label` in the entry, C_GetTokenInfo answers without the service too, as long as it was not asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::source::Source;
use super::token::SoftToken;
use crate::backend::held;
use crate::config::{Config, PinEntry, SlotEntry};
use crate::error::Result;
use crate::store::remote::{self, Documents};
use crate::store::{Error, Header, RemoteStore, Result as StoreResult, Store};
use crate::token::{Provider, Token, UserPin};
use crate::types::padded;

/// The token that a `[[slot]]` names.
pub struct RemoteProvider {
    token: Arc<SoftToken>,
}

impl RemoteProvider {
    /// Reads the entry. Nobody is asked anything. `find_pin` finds what the entry's `pin` names.
    pub fn new(
        config: Arc<Config>,
        entry: &SlotEntry,
        find_pin: impl Fn(&PinEntry) -> Result<UserPin>,
    ) -> Result<Self> {
        let mut reader = entry.reader();
        let label = reader.text("label")?.map(padded);
        let refresh = Duration::from_millis(reader.number("refresh_ms", 0, 3_600_000, 2_000)?.into());
        let pin = reader.table("pin")?.map(|table| PinEntry::read(table, false)).transpose()?;
        let documents = remote::documents(&mut reader)?;
        reader.finish()?;
        let identity = format!("soft {}", documents.identity());
        let serial = held::hash_text(identity.as_bytes()).get(..16).unwrap_or_default().to_owned();
        let pins: Vec<UserPin> = pin.iter().map(find_pin).collect::<Result<_>>()?;
        let place = Place { documents, refresh, label, seen: Mutex::new(None) };
        Ok(RemoteProvider { token: Arc::new(SoftToken::new(config, serial, Box::new(place), pins.into())) })
    }
}

impl Provider for RemoteProvider {
    fn has_events(&self) -> bool {
        false
    }

    fn tokens(&self) -> Result<Vec<Arc<dyn Token>>> {
        Ok(vec![self.token.clone()])
    }
}

/// A place in a service.
struct Place {
    documents: Arc<dyn Documents>,
    refresh: Duration,
    label: Option<[u8; 32]>,
    /// Whether the service last said that there is a token, and when.
    seen: Mutex<Option<(bool, Instant)>>,
}

impl Place {
    /// Keeps what an answer says about the token's existence.
    fn note<T>(&self, answer: StoreResult<T>) -> StoreResult<T> {
        let exists = match &answer {
            Ok(_) | Err(Error::Exists { .. }) => Some(true),
            Err(Error::Missing { .. }) => Some(false),
            Err(_) => None,
        };
        if let Some(exists) = exists {
            *self.seen.lock() = Some((exists, Instant::now()));
        }
        answer
    }
}

impl Source for Place {
    fn description(&self) -> String {
        format!("soft token in {}", self.documents.place())
    }

    fn place(&self) -> String {
        self.documents.place()
    }

    fn known(&self) -> bool {
        self.seen.lock().is_none_or(|(exists, _)| exists)
    }

    fn assumed_label(&self) -> Option<[u8; 32]> {
        self.label.filter(|_| self.seen.lock().is_none())
    }

    fn open(&self) -> StoreResult<Box<dyn Store>> {
        // Programs ask a slot without a token again and again.
        if self.seen.lock().is_some_and(|(exists, when)| !exists && when.elapsed() < self.refresh) {
            return Err(Error::Missing { file: self.documents.place().into() });
        }
        let store = self.note(RemoteStore::open(self.documents.clone(), self.refresh))?;
        Ok(Box::new(store))
    }

    fn create(&self, header: &Header) -> StoreResult<Box<dyn Store>> {
        let store = self.note(RemoteStore::create(self.documents.clone(), self.refresh, header))?;
        Ok(Box::new(store))
    }

    fn patience(&self) -> Duration {
        self.documents.deadline().left()
    }

    /// The token's own identity tells it from another.
    fn identity(&self) -> Option<(u64, u64)> {
        None
    }
}
