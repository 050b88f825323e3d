//! By what a token is known again, and the slot ID that it gets.

use crate::crypto::{self, Hash};
use crate::types::ck;

/// What a token says of itself, blank-padded as it said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    pub label: [u8; 32],
    pub manufacturer: [u8; 32],
    pub model: [u8; 16],
    pub serial: [u8; 16],
}

fn text(field: &[u8]) -> &[u8] {
    field.trim_ascii_end()
}

impl Identity {
    /// Label and serial number, as the configuration names tokens.
    pub fn names(&self) -> [String; 2] {
        [text(&self.label), text(&self.serial)].map(|field| String::from_utf8_lossy(field).into_owned())
    }

    pub fn of(info: &ck::CK_TOKEN_INFO) -> Identity {
        Identity {
            label: info.label,
            manufacturer: info.manufacturerID,
            model: info.model,
            serial: info.serialNumber,
        }
    }

    /// Whether this is the same token: by its serial number, and by its label where it has none.
    pub fn is(&self, other: &Identity) -> bool {
        let same_make = self.manufacturer == other.manufacturer && self.model == other.model;
        let (serial, label) = (text(&self.serial), text(&self.label));
        same_make
            && match serial.is_empty() && text(&other.serial).is_empty() {
                false => serial == text(&other.serial),
                true => !label.is_empty() && label == text(&other.label),
            }
    }

    /// Whether the configuration means this token.
    pub fn is_called(&self, name: &str) -> bool {
        text(&self.label) == name.as_bytes() || text(&self.serial) == name.as_bytes()
    }

    /// Whether it says anything by which it can be told from others.
    pub fn is_known(&self) -> bool {
        !text(&self.serial).is_empty() || !text(&self.label).is_empty()
    }

    /// The slot ID: the same in every process.
    pub fn slot_id(&self) -> ck::CK_SLOT_ID {
        let name = if text(&self.serial).is_empty() { text(&self.label) } else { text(&self.serial) };
        slot_id(&[text(&self.manufacturer), text(&self.model), name])
    }
}

/// A slot ID from names: 31 bits, never 0, so that Java's and Go's clients can hold it.
pub fn slot_id(names: &[&[u8]]) -> ck::CK_SLOT_ID {
    let mut digest = crypto::Digest::new(Hash::Sha256);
    digest.update(b"keyward/slot");
    for name in names {
        digest.update(&[0]);
        digest.update(name);
    }
    let value = digest.value();
    let low = value.iter().take(4).fold(0u32, |id, byte| id << 8 | u32::from(*byte)) & 0x7fff_ffff;
    ck::CK_SLOT_ID::from(low.max(1))
}
