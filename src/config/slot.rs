//! The keys of one `[[slot]]`, read by the backend that it names.
//!
//! A backend asks for each key that it knows; [`SlotReader::finish`] refuses the rest, so that a misspelt key is an
//! error with its line and not a setting that silently does nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::{Path, PathBuf};

use toml::Value;

use super::{Error, Origin, Result, SlotEntry, settings};

/// Reads the keys of a `[[slot]]`, or of a table within it.
pub struct SlotReader<'a> {
    /// How the table is called in errors: `[[slot]]`, `[[slot.key]]`.
    name: String,
    table: &'a toml::Table,
    origin: &'a Origin,
    /// Keys that came from the environment, where everything is text.
    variables: &'a BTreeMap<String, Origin>,
    known: BTreeSet<&'static str>,
}

/// Tables within an entry come whole from one place.
static NO_VARIABLES: BTreeMap<String, Origin> = BTreeMap::new();

impl SlotEntry {
    /// An entry with all of its keys, found there.
    pub fn new(backend: String, table: toml::Table, origin: Origin) -> SlotEntry {
        SlotEntry { backend, table, origin, variables: BTreeMap::new() }
    }

    /// A reader that knows `backend` and nothing else yet.
    pub fn reader(&self) -> SlotReader<'_> {
        let known = BTreeSet::from(["backend"]);
        let (table, origin, variables) = (&self.table, &self.origin, &self.variables);
        SlotReader { name: "[[slot]]".to_owned(), table, origin, variables, known }
    }
}

impl<'a> SlotReader<'a> {
    /// A reader of another table than a `[[slot]]`, which errors call `name`.
    pub(super) fn of(name: &str, table: &'a toml::Table, origin: &'a Origin) -> SlotReader<'a> {
        SlotReader { name: name.to_owned(), table, origin, variables: &NO_VARIABLES, known: BTreeSet::new() }
    }

    /// Where the table is.
    pub fn origin(&self) -> &'a Origin {
        self.origin
    }

    /// An error about the whole table, with its place.
    pub fn refuse(&self, why: impl Display) -> Error {
        Error::at(self.origin, format!("{}: {why}", self.name))
    }

    /// The same about one key: where that was set.
    fn refuse_key(&self, key: &str, why: impl Display) -> Error {
        Error::at(self.origin_of(key), format!("{}: {why}", self.name))
    }

    fn origin_of(&self, key: &str) -> &'a Origin {
        self.variables.get(key).unwrap_or(self.origin)
    }

    /// A key that somebody else reads.
    pub fn know(&mut self, key: &'static str) {
        self.known.insert(key);
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.insert(key);
        self.table.get(key)
    }

    fn typed<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        match self.value(key) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(value)),
                None => Err(self.refuse_key(key, format!("{key} has to be {wanted}"))),
            },
        }
    }

    /// A string that is not empty.
    pub fn text(&mut self, key: &'static str) -> Result<Option<&'a str>> {
        self.typed(key, "a string that is not empty", |value| value.as_str().filter(|text| !text.is_empty()))
    }

    /// A string that is not empty, and has to be there.
    pub fn required_text(&mut self, key: &'static str) -> Result<&'a str> {
        self.text(key)?.ok_or_else(|| self.refuse(format!("lacks {key} = \"...\"")))
    }

    /// One of a few words; the first is the default.
    pub fn one_of<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Result<Option<T>> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                Err(self.refuse_key(key, format!("{key}: {text:?} is none of {}", words.join(", "))))
            }
        }
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str, default: bool) -> Result<bool> {
        let text = self.variables.contains_key(key);
        let read = |value: &Value| match value.as_str().filter(|_| text) {
            Some(text) => text.trim().parse().ok(),
            None => value.as_bool(),
        };
        Ok(self.typed(key, "true or false", read)?.unwrap_or(default))
    }

    /// A whole number within limits.
    pub fn number(&mut self, key: &'static str, low: u32, high: u32, default: u32) -> Result<u32> {
        let wanted = format!("a number from {low} to {high}");
        let text = self.variables.contains_key(key);
        let read = |value: &Value| {
            let number = match value.as_str().filter(|_| text) {
                Some(text) => text.trim().parse().ok(),
                None => value.as_integer().and_then(|n| u32::try_from(n).ok()),
            };
            number.filter(|n| (low..=high).contains(n))
        };
        Ok(self.typed(key, &wanted, read)?.unwrap_or(default))
    }

    /// A list of strings; one string counts as a list of one, in a variable as a list with commas. Empty where it is
    /// not there.
    pub fn texts(&mut self, key: &'static str) -> Result<Vec<String>> {
        let commas = self.variables.contains_key(key);
        let listed = |text: &str| text.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>();
        let read = |value: &'a Value| match value {
            Value::String(text) if commas => Some(listed(text)),
            Value::String(text) => Some(vec![text.clone()]),
            Value::Array(values) => values.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        Ok(self.typed(key, "a list of strings", read)?.unwrap_or_default())
    }

    /// Bytes in hexadecimal.
    pub fn hex(&mut self, key: &'static str) -> Result<Option<Vec<u8>>> {
        let bytes = |text: &str| -> Option<Vec<u8>> {
            let digits = text.chars().map(|c| c.to_digit(16)?.try_into().ok());
            let digits: Vec<u8> = digits.collect::<Option<_>>()?;
            let (pairs, []) = digits.as_chunks::<2>() else { return None };
            Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
        };
        self.typed(key, "an even number of hexadecimal digits", |value| bytes(value.as_str()?))
    }

    /// A path; a relative one is relative to the file that names it, else to the working directory.
    pub fn path(&mut self, key: &'static str) -> Result<Option<PathBuf>> {
        self.text(key)?.map(|text| self.placed(key, text)).transpose()
    }

    /// A list of paths, as [`SlotReader::path`] and [`SlotReader::texts`] have it.
    pub fn paths(&mut self, key: &'static str) -> Result<Vec<PathBuf>> {
        self.texts(key)?.iter().map(|text| self.placed(key, text)).collect()
    }

    fn placed(&self, key: &str, text: &str) -> Result<PathBuf> {
        let base = match self.origin_of(key) {
            Origin::File { path, .. } => path.parent().unwrap_or(Path::new("/")),
            _ => Path::new(""),
        };
        settings::path(Path::new(text), base).map_err(|why| self.refuse_key(key, format!("{key}: {why}")))
    }

    /// A table within the entry, `KEY = {...}`.
    pub fn table(&mut self, key: &'static str) -> Result<Option<SlotReader<'a>>> {
        let table = self.typed(key, "a table", Value::as_table)?;
        Ok(table.map(|table| SlotReader::of(&format!("{} {key}", self.name), table, self.origin_of(key))))
    }

    /// The tables of an array of tables, `[[slot.KEY]]`.
    pub fn tables(&mut self, key: &'static str) -> Result<Vec<SlotReader<'a>>> {
        let read = |value: &'a Value| -> Option<Vec<&'a toml::Table>> {
            value.as_array()?.iter().map(Value::as_table).collect()
        };
        let tables = self.typed(key, "an array of tables", read)?.unwrap_or_default();
        let (name, origin) = (format!("[[slot.{key}]]"), self.origin_of(key));
        Ok(tables.into_iter().map(|table| SlotReader::of(&name, table, origin)).collect())
    }

    /// Refuses a key that nobody asked for.
    pub fn finish(self) -> Result<()> {
        match self.table.keys().find(|key| !self.known.contains(key.as_str())) {
            None => Ok(()),
            Some(key) => {
                let known: Vec<_> = self.known.iter().copied().collect();
                Err(self.refuse_key(key, format!("unknown key {key}; known: {}", known.join(", "))))
            }
        }
    }
}
