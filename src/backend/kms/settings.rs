//! The keys of a `[[slot]]` with `backend = "kms"` that every provider has.

use std::path::PathBuf;
use std::time::Duration;

use crate::backend::held::Gate;
use crate::cloud::Connection;
use crate::config::{Result, SlotReader};

/// What the configuration says of a slot, beside its provider.
#[derive(Debug)]
pub struct Settings {
    /// `label`: the token's.
    pub label: String,
    /// `pin`: what C_Login asks.
    pub pin: Pin,
    /// `cache_s`: how long a list and what was read of a key is believed.
    pub cache: Duration,
    /// `list`: whether keys are listed, beside those that are named.
    pub list: bool,
    /// `create`: whether C_GenerateKey and C_GenerateKeyPair make keys in the service.
    pub create: bool,
    /// `destroy`: whether C_DestroyObject destroys them.
    pub destroy: bool,
    /// `random`: whether random bytes come from the service.
    pub service_random: bool,
    /// `[[slot.key]]`
    pub keys: Vec<KeySettings>,
    /// `certificates`: files in PEM or DER.
    pub certificates: Vec<PathBuf>,
}

/// What C_Login asks.
#[derive(Debug)]
pub enum Pin {
    /// Nothing: the credentials of the surroundings do.
    None,
    /// The provider's own secret.
    Secret,
    /// A PIN that is checked here.
    Gate(Gate),
}

/// What the configuration says of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    /// `name`: what the service knows it by.
    pub name: String,
    /// `label`: CKA_LABEL; the name where none is given.
    pub label: String,
    /// `id`: CKA_ID, in hexadecimal.
    pub id: Option<Vec<u8>>,
    /// `certificate`: a file in PEM or DER, whose first certificate is this key's.
    pub certificate: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    Nothing,
    Secret,
    Gate,
}

impl Settings {
    /// Reads them, and how the service is reached. The provider reads its own keys from the same reader after.
    pub fn read(reader: &mut SlotReader<'_>, provider: &str) -> Result<(Settings, Connection)> {
        let connection = Connection::read(reader)?;
        let words = [("none", Asks::Nothing), ("secret", Asks::Secret), ("gate", Asks::Gate)];
        let asks = reader.one_of("pin", &words)?.unwrap_or(Asks::Nothing);
        let gate = Gate::read(reader, asks == Asks::Gate)?;
        let keys: Vec<KeySettings> = reader.tables("key")?.into_iter().map(key).collect::<Result<_>>()?;
        let settings = Settings {
            label: reader.text("label")?.unwrap_or(provider).to_owned(),
            pin: match gate {
                Some(gate) => Pin::Gate(gate),
                None if asks == Asks::Secret => Pin::Secret,
                None => Pin::None,
            },
            cache: Duration::from_secs(reader.number("cache_s", 0, 86_400, 300)?.into()),
            list: reader.flag("list", keys.is_empty())?,
            create: reader.flag("create", true)?,
            destroy: reader.flag("destroy", false)?,
            service_random: reader.one_of("random", &[("service", true), ("local", false)])?.unwrap_or(true),
            keys,
            certificates: reader.paths("certificates")?,
        };
        for (at, key) in settings.keys.iter().enumerate() {
            if settings.keys.iter().skip(at + 1).any(|other| other.name == key.name) {
                return Err(reader.refuse(format!("two [[slot.key]] tables for {:?}", key.name)));
            }
        }
        Ok((settings, Connection { secret_pin: asks == Asks::Secret, ..connection }))
    }
}

fn key(mut reader: SlotReader<'_>) -> Result<KeySettings> {
    let name = reader.required_text("name")?.to_owned();
    let key = KeySettings {
        label: reader.text("label")?.unwrap_or(&name).to_owned(),
        id: reader.hex("id")?,
        certificate: reader.path("certificate")?,
        name,
    };
    reader.finish()?;
    Ok(key)
}
