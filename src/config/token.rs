//! `[[token]]`: what holds for one token, whatever backend it is of.

use super::{Mechanisms, Result, SlotReader, settings};

/// One `[[token]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenEntry {
    /// `label`: the token's.
    label: Option<String>,
    /// `serial`: the token's serial number.
    serial: Option<String>,
    /// `mechanisms`: which it offers, beside what `slots.mechanisms` says for all.
    mechanisms: Mechanisms,
}

impl TokenEntry {
    pub(super) fn read(mut reader: SlotReader<'_>) -> Result<TokenEntry> {
        let label = reader.text("label")?.map(str::to_owned);
        let serial = reader.text("serial")?.map(str::to_owned);
        if label.is_none() && serial.is_none() {
            return Err(reader.refuse("lacks label = \"...\" or serial = \"...\""));
        }
        let mechanisms = settings::mechanisms(&reader.texts("mechanisms")?.join(","))
            .map_err(|why| reader.refuse(format!("mechanisms: {why}")))?;
        reader.finish()?;
        Ok(TokenEntry { label, serial, mechanisms })
    }

    /// Whether it is about the token with this label and serial number.
    pub fn is_of(&self, label: &str, serial: &str) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        fits(&self.label, label) && fits(&self.serial, serial)
    }

    /// `mechanisms`
    pub fn mechanisms(&self) -> &Mechanisms {
        &self.mechanisms
    }
}
