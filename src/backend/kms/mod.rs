//! Cloud keys: AWS KMS, Google Cloud KMS, Azure Key Vault, Vault and OpenBao transit.
//!
//! [`client`] says what every provider does, in words that fit all; `aws`, `gcp`, `azure` and `vault` do it. A
//! `KmsToken` is one configured place. `catalogue` knows its keys, `objects` makes PKCS#11's objects of them, `offer`
//! says which mechanisms there are; `session` serves a session's calls and `keys` those that need the service;
//! `template` reads what a new key shall be; `errors` has the CKRs.
//!
//! Nothing is asked of the service before somebody looks for objects, and public keys work here, also when it is away.
//! No lock is held while it is asked.

pub mod aws;
pub mod client;

mod catalogue;
mod errors;
mod keys;
mod objects;
mod offer;
mod session;
mod settings;
mod template;
mod token;

use std::sync::Arc;

use self::client::KmsClient;
use self::settings::{Pin, Settings};
use self::token::KmsToken;
use crate::cloud::Connection;
use crate::config::{self, Config, SlotEntry, SlotReader};
use crate::error::Result;
use crate::token::{Provider, Token};

/// Reads a provider's own keys of a `[[slot]]`.
type Open = fn(&mut SlotReader<'_>, Connection) -> config::Result<Arc<dyn KmsClient>>;

/// The providers by their names in the configuration.
const PROVIDERS: &[(&str, Open)] = &[("aws", aws::open)];

/// The place that a `[[slot]]` names.
pub struct KmsProvider {
    token: Arc<KmsToken>,
}

impl KmsProvider {
    /// Reads the entry. Nobody is asked anything.
    pub fn new(config: Arc<Config>, entry: &SlotEntry) -> Result<Self> {
        let (settings, connection, client) = read(entry)?;
        let token = KmsToken::new(config, settings, connection.limits, client);
        Ok(KmsProvider { token: Arc::new(token) })
    }
}

/// An entry with its client.
fn read(entry: &SlotEntry) -> config::Result<(Settings, Connection, Arc<dyn KmsClient>)> {
    let mut reader = entry.reader();
    let name = reader.required_text("provider")?;
    let Some((_, open)) = PROVIDERS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = PROVIDERS.iter().map(|(known, _)| *known).collect();
        return Err(reader.refuse(format!("provider: {name:?} is none of {}", known.join(", "))));
    };
    let (settings, connection) = Settings::read(&mut reader, name)?;
    let client = open(&mut reader, connection.clone())?;
    if matches!(settings.pin, Pin::Secret) && !client.traits().secret_pin {
        return Err(reader.refuse(format!("pin: {name} has no secret that a PIN could be; use none or gate")));
    }
    reader.finish()?;
    Ok((settings, connection, client))
}

impl Provider for KmsProvider {
    fn has_events(&self) -> bool {
        false
    }

    fn tokens(&self) -> Result<Vec<Arc<dyn Token>>> {
        Ok(vec![self.token.clone()])
    }
}
