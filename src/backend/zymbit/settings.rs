//! The keys of a `[[slot]]` with `backend = "zymbit"`.

use std::path::PathBuf;
use std::time::Duration;

use super::raw::{KeyType, Slot};
use crate::backend::held::Gate;
use crate::config::{Result, SlotEntry, SlotReader};

/// What the configuration says of a device.
#[derive(Debug)]
pub struct Settings {
    /// `library`: the vendor's, where it is not in its usual place.
    pub library: Option<PathBuf>,
    /// `label`: the token's; the model's name where none is given.
    pub label: Option<String>,
    /// `tamper`, `tamper_interval_s`: how long an answer about the perimeter lasts; `None` where nobody asks.
    pub tamper: Option<Duration>,
    /// `pin`: what C_Login asks.
    pub gate: Option<Gate>,
    /// `[[slot.key]]`
    pub keys: Vec<KeySettings>,
}

/// What the configuration says of one key.
#[derive(Debug, PartialEq, Eq)]
pub struct KeySettings {
    /// `slot`
    pub slot: Slot,
    /// `foreign`: whether it is somebody else's public key.
    pub foreign: bool,
    /// `label`: CKA_LABEL.
    pub label: Option<String>,
    /// `id`: CKA_ID, in hexadecimal.
    pub id: Option<Vec<u8>>,
    /// `type`: what 32 bytes of public key are.
    pub key_type: Option<KeyType>,
    /// `certificate`: a file in PEM or DER.
    pub certificate: Option<PathBuf>,
}

/// The largest slot number that is believed.
const MAX_SLOT: u32 = 65_535;

impl Settings {
    /// Reads an entry. Unknown keys and impossible values are refused, with their place.
    pub fn read(entry: &SlotEntry) -> Result<Settings> {
        let mut reader = entry.reader();
        reader.know("via");
        let settings = Settings {
            library: reader.path("library")?,
            label: reader.text("label")?.map(str::to_owned),
            tamper: tamper(&mut reader)?,
            gate: gate(&mut reader)?,
            keys: reader.tables("key")?.into_iter().map(key).collect::<Result<_>>()?,
        };
        for (at, key) in settings.keys.iter().enumerate() {
            let same = |other: &&KeySettings| (other.slot, other.foreign) == (key.slot, key.foreign);
            if settings.keys.iter().skip(at + 1).any(|other| same(&other)) {
                return Err(reader.refuse(format!("two [[slot.key]] tables for slot {}", key.slot)));
            }
        }
        reader.finish()?;
        Ok(settings)
    }

    /// What is said of a key.
    pub fn key(&self, slot: Slot, foreign: bool) -> Option<&KeySettings> {
        self.keys.iter().find(|key| key.slot == slot && key.foreign == foreign)
    }
}

fn tamper(reader: &mut SlotReader<'_>) -> Result<Option<Duration>> {
    let interval = reader.number("tamper_interval_s", 0, 3600, 5)?;
    Ok(reader.flag("tamper", true)?.then(|| Duration::from_secs(interval.into())))
}

fn gate(reader: &mut SlotReader<'_>) -> Result<Option<Gate>> {
    let gated = reader.one_of("pin", &[("none", false), ("gate", true)])?.unwrap_or(false);
    Gate::read(reader, gated)
}

fn key(mut reader: SlotReader<'_>) -> Result<KeySettings> {
    let slot = reader.number("slot", 0, MAX_SLOT, u32::MAX)?;
    let slot = Slot::try_from(slot).map_err(|_| reader.refuse("lacks slot = N"))?;
    let id = reader.hex("id")?;
    let types = [("ed25519", KeyType::Ed25519), ("x25519", KeyType::X25519)];
    let key = KeySettings {
        slot,
        foreign: reader.flag("foreign", false)?,
        label: reader.text("label")?.map(str::to_owned),
        id,
        key_type: reader.one_of("type", &types)?,
        certificate: reader.path("certificate")?,
    };
    reader.finish()?;
    Ok(key)
}
