//! keyward.toml.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Config, Error, Origin, PinEntry, Result, SlotEntry, SlotReader, TokenEntry, settings};

/// The largest configuration file, in bytes.
const MAX_LEN: u64 = 1 << 20;

/// The file's text, of at most [`MAX_LEN`] bytes of UTF-8.
pub(super) fn read_text(path: &Path) -> Result<String> {
    let fail = |e: std::io::Error| Error::new(path.display(), e);
    let mut text = String::new();
    File::open(path).map_err(fail)?.take(MAX_LEN + 1).read_to_string(&mut text).map_err(fail)?;
    match text.len() as u64 > MAX_LEN {
        true => Err(Error::new(path.display(), "larger than a configuration can be")),
        false => Ok(text),
    }
}

pub(super) fn read(config: &mut Config, path: &Path) -> Result<()> {
    let text = read_text(path)?;
    let source = Source { path: std::path::absolute(path).unwrap_or(path.to_owned()), text: &text };
    let table = DeTable::parse(&text).map_err(|e| source.error(e.span().unwrap_or(0..0), e.message()))?;
    for (name, value) in table.get_ref() {
        match (name.get_ref().as_ref(), value.get_ref()) {
            ("slot", DeValue::Array(entries)) => {
                let lines = entries.iter().map(|entry| source.line(entry.span())).collect();
                config.slot = source.slots(lines)?;
            }
            ("token", DeValue::Array(entries)) => {
                config.token = source.tokens(entries.iter().map(|entry| source.line(entry.span())))?;
            }
            (section, DeValue::Table(keys)) if settings::is_section(section) => {
                source.section(config, section, keys)?;
            }
            (key, _) if settings::is_section(key) || ["slot", "token"].contains(&key) => {
                return Err(source.error(name.span(), format!("{key} has to be a table")));
            }
            (key, _) => return Err(settings::unknown(key, &source.origin(name.span()))),
        }
    }
    Ok(())
}

struct Source<'a> {
    path: PathBuf,
    text: &'a str,
}

impl Source<'_> {
    fn line(&self, span: Range<usize>) -> usize {
        self.text.bytes().take(span.start).filter(|&b| b == b'\n').count() + 1
    }

    fn origin(&self, span: Range<usize>) -> Origin {
        Origin::File { path: self.path.clone(), line: self.line(span) }
    }

    fn error(&self, span: Range<usize>, why: impl std::fmt::Display) -> Error {
        Error::at(&self.origin(span), why)
    }

    fn section(&self, config: &mut Config, section: &str, keys: &DeTable<'_>) -> Result<()> {
        let base = self.path.parent().unwrap_or(Path::new("/"));
        for (name, value) in keys {
            let key = format!("{section}.{}", name.get_ref());
            if let ("soft.pin", DeValue::Array(entries)) = (key.as_str(), value.get_ref()) {
                config.soft.pins = self.pins(entries.iter().map(|entry| self.line(entry.span())))?;
                continue;
            }
            let origin = self.origin(name.span());
            let text = scalar(value)
                .ok_or_else(|| self.error(value.span(), format!("{key} has to be one value, not a table")))?;
            settings::set(config, &key, &text, origin, base)?;
        }
        Ok(())
    }

    fn table(&self) -> Result<toml::Table> {
        toml::from_str(self.text).map_err(|e| self.error(e.span().unwrap_or(0..0), e.message()))
    }

    /// `[[soft.pin]]`
    fn pins(&self, lines: impl Iterator<Item = usize>) -> Result<Vec<PinEntry>> {
        let table = self.table()?;
        let entries = table.get("soft").and_then(|soft| soft.get("pin")).and_then(toml::Value::as_array);
        let entry = |(entry, line): (&toml::Value, usize)| {
            let origin = Origin::File { path: self.path.clone(), line };
            match entry.as_table() {
                Some(table) => PinEntry::read(SlotReader::of("[[soft.pin]]", table, &origin), true),
                None => Err(Error::at(&origin, "[[soft.pin]] has to be a table")),
            }
        };
        entries.into_iter().flatten().zip(lines).map(entry).collect()
    }

    /// `[[token]]`
    fn tokens(&self, lines: impl Iterator<Item = usize>) -> Result<Vec<TokenEntry>> {
        let table = self.table()?;
        let entries = table.get("token").and_then(toml::Value::as_array);
        let entry = |(entry, line): (&toml::Value, usize)| {
            let origin = Origin::File { path: self.path.clone(), line };
            match entry.as_table() {
                Some(table) => TokenEntry::read(SlotReader::of("[[token]]", table, &origin)),
                None => Err(Error::at(&origin, "[[token]] has to be a table")),
            }
        };
        entries.into_iter().flatten().zip(lines).map(entry).collect()
    }

    fn slots(&self, lines: Vec<usize>) -> Result<Vec<SlotEntry>> {
        let mut table = self.table()?;
        let Some(toml::Value::Array(entries)) = table.remove("slot") else { return Ok(Vec::new()) };
        let entry = |(entry, line): (toml::Value, usize)| {
            let origin = Origin::File { path: self.path.clone(), line };
            let at = |why: &str| Error::at(&origin, why);
            let toml::Value::Table(table) = entry else { return Err(at("[[slot]] has to be a table")) };
            let Some(toml::Value::String(backend)) = table.get("backend") else {
                return Err(at("[[slot]] lacks backend = \"...\""));
            };
            Ok(SlotEntry::new(backend.clone(), table, origin))
        };
        entries.into_iter().zip(lines).map(entry).collect()
    }
}

/// A scalar as text, the one form that all sources share; a list of scalars joined by commas.
fn scalar(value: &Spanned<DeValue<'_>>) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Boolean(b) => Some(b.to_string()),
        // With its prefix, if it has one: 0o600.
        DeValue::Integer(n) => Some(n.to_string()),
        DeValue::Array(values) => Some(values.iter().map(scalar).collect::<Option<Vec<_>>>()?.join(",")),
        _ => None,
    }
}
