//! Cloud keys: AWS KMS, Google Cloud KMS, Azure Key Vault, Vault and OpenBao transit.
//!
//! [`client`] says what every provider does, in words that fit all; `aws`, `gcp`, `azure` and `vault` do it. A
//! `KmsToken` is one configured place. `catalogue` knows its keys, `objects` makes PKCS#11's objects of them, `offer`
//! says which mechanisms there are; `session` serves a session's calls and `keys` those that need the service;
//! `template` reads what a new key shall be; `errors` has the CKRs; `group` makes one place of several.
//!
//! Nothing is asked of the service before somebody looks for objects, and public keys work here, also when it is away.
//! No lock is held while it is asked.

pub mod aws;
pub mod azure;
mod catalogue;
pub mod client;
mod errors;
pub mod gcp;
mod group;
mod keys;
mod objects;
mod offer;
mod session;
mod settings;
mod template;
mod token;
pub mod vault;

use std::sync::Arc;

use self::client::{KmsClient, Listed, Service};
use self::group::{Group, Member};
use self::settings::{Pin, Settings};
use self::token::KmsToken;
use crate::cloud::Connection;
use crate::config::{self, Config, SlotEntry, SlotReader};
use crate::error::Result;
use crate::token::{Provider, Token};

/// Reads a provider's own keys of a `[[slot]]`.
type Open = fn(&mut SlotReader<'_>, Connection) -> config::Result<Arc<dyn KmsClient>>;

/// The providers by their names in the configuration.
const PROVIDERS: &[(&str, Open)] =
    &[("aws", aws::open), ("gcp", gcp::open), ("azure", azure::open), ("vault", vault::open)];

/// What they are.
const SERVICES: &[&Service] = &[&aws::SERVICE, &gcp::SERVICE, &azure::SERVICE, &vault::SERVICE];

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

    /// Reads an entry with `backend = "group"`, and the entries of its members.
    pub fn group(config: Arc<Config>, entry: &SlotEntry) -> Result<Self> {
        let mut reader = entry.reader();
        let (settings, connection) = Settings::read(&mut reader, "group")?;
        let members = reader.texts("members")?;
        let refused = match (&settings.pin, &connection.address) {
            (Pin::Secret, _) => Some("pin: each member has its own secret; use none or gate"),
            (_, Some(_)) => Some("address: each member has its own"),
            _ if members.is_empty() => Some("lacks members = [\"label of a slot\", ...]"),
            _ => None,
        };
        if let Some(why) = refused {
            return Err(reader.refuse(why).into());
        }
        let member = |label: &String| {
            let found = config.slot.iter().find(|other| {
                other.backend == "kms" && other.reader().text("label").is_ok_and(|text| text == Some(label))
            });
            let found = found.ok_or_else(|| {
                reader.refuse(format!("members: no [[slot]] with backend = \"kms\" has label = {label:?}"))
            })?;
            Ok(Member { label: label.clone(), client: read(found)?.2 })
        };
        let members = members.iter().map(member).collect::<config::Result<Vec<_>>>()?;
        reader.finish()?;
        let group = Arc::new(Group::new(members));
        let token = KmsToken::new(config.clone(), settings, connection.limits, group);
        Ok(KmsProvider { token: Arc::new(token) })
    }
}

/// A slot's service, without the slot around it.
pub struct Opened {
    /// The way to it.
    pub client: Arc<dyn KmsClient>,
    /// How it is reached.
    pub connection: Connection,
    /// The keys that the configuration names.
    pub named: Vec<Listed>,
}

/// The service of the slot with this label, for the tool to ask it itself. `None` where there is no such slot.
pub fn open(config: &Config, label: &str) -> Result<Option<Opened>> {
    let labelled = |entry: &&SlotEntry| {
        let text = |key| entry.reader().text(key).ok().flatten().map(str::to_owned);
        entry.backend == "kms" && text("label").or_else(|| text("provider")).as_deref() == Some(label)
    };
    let Some(entry) = config.slot.iter().find(labelled) else { return Ok(None) };
    let (settings, connection, client) = read(entry)?;
    let named = settings.keys.into_iter().map(|key| Listed { name: key.name, label: key.label }).collect();
    Ok(Some(Opened { client, connection, named }))
}

/// What each provider is, in the order of the documentation.
pub fn services() -> impl Iterator<Item = &'static Service> {
    SERVICES.iter().copied()
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
