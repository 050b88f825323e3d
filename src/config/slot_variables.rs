//! `KEYWARD_SLOT__<N>__<KEY>`: keys of the N-th `[[slot]]` in the environment, with or without a file.
//!
//! A variable is text. What type it has, the backend that asks for the key says ([`super::SlotReader`]), so that a
//! label may be `42` without quotation marks; only what begins as a list, a table or a quoted string is read as TOML.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use toml::Value;

use super::{Environment, Error, Origin, Result, SlotEntry};

const PREFIX: &str = "KEYWARD_SLOT__";
/// More entries than any configuration has.
const MAX_ENTRIES: usize = 1000;

/// Whether a variable is one of these.
pub(super) fn is_one(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with(PREFIX)
}

/// Puts every variable into its entry; a number after the last entry makes a new one.
pub(super) fn read(slots: &mut Vec<SlotEntry>, environment: &Environment) -> Result<()> {
    let mut entries: BTreeMap<usize, Vec<(String, Origin, Value)>> = BTreeMap::new();
    let variables = environment.overrides().filter(|(name, value)| is_one(name) && !value.is_empty());
    for (name, value) in variables {
        let name = name.to_string_lossy();
        let origin = Origin::Env(name.clone().into_owned());
        let (number, key) = place(&name)
            .ok_or_else(|| Error::at(&origin, "not of the form KEYWARD_SLOT__<N>__<KEY>, with N from 1"))?;
        let text = value.to_str().ok_or_else(|| Error::at(&origin, "not UTF-8"))?;
        let value = value_of(text).map_err(|why| Error::at(&origin, why))?;
        entries.entry(number).or_default().push((key, origin, value));
    }
    for (number, keys) in entries {
        merge(slots, number, keys)?;
    }
    Ok(())
}

/// The number of the entry and the key, from a variable's name.
fn place(name: &str) -> Option<(usize, String)> {
    let (number, key) = name.strip_prefix(PREFIX)?.split_once("__")?;
    let number = number.parse().ok().filter(|number| (1..=MAX_ENTRIES).contains(number))?;
    (!key.is_empty()).then(|| (number, key.to_lowercase()))
}

fn value_of(text: &str) -> std::result::Result<Value, String> {
    let trimmed = text.trim();
    if !trimmed.starts_with(['[', '{', '"', '\'']) {
        return Ok(Value::String(text.to_owned()));
    }
    let table: toml::Table =
        toml::from_str(&format!("value = {trimmed}")).map_err(|error| error.message().to_owned())?;
    let mut values = table.into_iter();
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Ok(value),
        _ => Err("more than one value".to_owned()),
    }
}

fn merge(slots: &mut Vec<SlotEntry>, number: usize, keys: Vec<(String, Origin, Value)>) -> Result<()> {
    let Some((_, first, _)) = keys.first() else { return Ok(()) };
    if number > slots.len() + 1 {
        let why = format!("there is no slot {} before it: entries are numbered from 1", slots.len() + 1);
        return Err(Error::at(first, why));
    }
    if number > slots.len() {
        let backend = keys.iter().find(|(key, _, _)| key == "backend");
        let origin = backend.map_or(first, |(_, origin, _)| origin).clone();
        let (table, variables) = (toml::Table::new(), BTreeMap::new());
        slots.push(SlotEntry { backend: String::new(), table, origin, variables });
    }
    let Some(entry) = slots.get_mut(number - 1) else { return Ok(()) };
    for (key, origin, value) in keys {
        entry.table.insert(key.clone(), value);
        entry.variables.insert(key, origin);
    }
    match entry.table.get("backend") {
        Some(Value::String(backend)) => entry.backend = backend.clone(),
        _ => return Err(Error::at(&entry.origin, format!("slot {number} lacks {PREFIX}{number}__BACKEND"))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn load(variables: &[(&str, &str)], file: Option<&str>) -> Result<Config> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        let mut variables = variables.to_vec();
        if let Some(text) = file {
            std::fs::write(&path, text).unwrap();
            variables.push(("KEYWARD_CONF", path.to_str().unwrap()));
        }
        Config::load(&Environment::fixed(&variables, Some(dir.path()), Path::new("/nonexistent")), None)
    }

    #[test]
    fn a_slot_without_a_file() {
        let config = load(
            &[
                ("KEYWARD_SLOT__1__BACKEND", "zymbit"),
                ("KEYWARD_SLOT__1__LABEL", "42"),
                ("KEYWARD_SLOT__1__LIBRARY", "/opt/lib.so"),
                ("KEYWARD_SLOT__1__INTERVAL", "5"),
                ("KEYWARD_SLOT__1__TAMPER", "false"),
                ("KEYWARD_SLOT__1__TOKENS", "a, b"),
                ("KEYWARD_SLOT__1__KEY", "[{ slot = 0, name = 'tls' }]"),
                ("KEYWARD_SLOT__1__PIN", ""),
                ("KEYWARD_SLOT__2__BACKEND", "passthrough"),
                ("KEYWARD_SLOT__2__LABEL", "'quoted'"),
                ("KEYWARD_SLOT__2__TOKENS", "['a, b']"),
            ],
            None,
        );
        let config = config.unwrap();
        let backends: Vec<_> = config.slot.iter().map(|slot| slot.backend.as_str()).collect();
        assert_eq!(backends, ["zymbit", "passthrough"]);
        let mut slot = config.slot[0].reader();
        assert_eq!(slot.text("label").unwrap(), Some("42"));
        assert_eq!(slot.path("library").unwrap().unwrap(), Path::new("/opt/lib.so"));
        assert_eq!(slot.number("interval", 1, 9, 2).unwrap(), 5);
        assert!(!slot.flag("tamper", true).unwrap());
        assert_eq!(slot.texts("tokens").unwrap(), ["a", "b"]);
        let mut keys = slot.tables("key").unwrap();
        assert_eq!(keys[0].number("slot", 0, 2, 9).unwrap(), 0);
        assert_eq!(keys[0].text("name").unwrap(), Some("tls"));
        slot.finish().unwrap();
        let mut slot = config.slot[1].reader();
        assert_eq!(slot.text("label").unwrap(), Some("quoted"));
        assert_eq!(slot.texts("tokens").unwrap(), ["a, b"]);
    }

    #[test]
    fn a_variable_wins_over_the_file() {
        let file = "[[slot]]\nbackend = 'zymbit'\nlabel = 'file'\nlibrary = 'kept.so'\ninterval = 3\n";
        let variables = [("KEYWARD_SLOT__1__LABEL", "ours"), ("KEYWARD_SLOT__2__BACKEND", "kms")];
        let config = load(&variables, Some(file)).unwrap();
        assert_eq!(config.slot.len(), 2);
        let mut slot = config.slot[0].reader();
        assert_eq!(slot.text("label").unwrap(), Some("ours"));
        assert!(slot.path("library").unwrap().unwrap().ends_with("kept.so"));
        assert_eq!(slot.number("interval", 1, 9, 2).unwrap(), 3);
    }

    /// A path in a variable belongs to the working directory, in a file to the file's.
    #[test]
    fn relative_paths() {
        let file = "[[slot]]\nbackend = 'zymbit'\n";
        let config = load(&[("KEYWARD_SLOT__1__LIBRARY", "x.so")], Some(file)).unwrap();
        let here = std::env::current_dir().unwrap();
        assert_eq!(config.slot[0].reader().path("library").unwrap(), Some(here.join("x.so")));
    }

    #[test]
    fn mistakes_name_their_variable() {
        for (variables, wanted) in [
            (vec![("KEYWARD_SLOT__0__BACKEND", "x")], "KEYWARD_SLOT__0__BACKEND: not of the form"),
            (vec![("KEYWARD_SLOT__X__BACKEND", "x")], "KEYWARD_SLOT__X__BACKEND: not of the form"),
            (vec![("KEYWARD_SLOT__1", "x")], "KEYWARD_SLOT__1: not of the form"),
            (
                vec![("KEYWARD_SLOT__2__BACKEND", "x")],
                "KEYWARD_SLOT__2__BACKEND: there is no slot 1 before it",
            ),
            (vec![("KEYWARD_SLOT__1__LABEL", "x")], "slot 1 lacks KEYWARD_SLOT__1__BACKEND"),
            (vec![("KEYWARD_SLOT__1__BACKEND", "['x'")], "KEYWARD_SLOT__1__BACKEND: "),
            (vec![("KEYWARD_SLOT__1__BACKEND", "['x']")], "slot 1 lacks KEYWARD_SLOT__1__BACKEND"),
        ] {
            let error = load(&variables, None).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
        let variables = [
            ("KEYWARD_SLOT__1__BACKEND", "x"),
            ("KEYWARD_SLOT__1__INTERVAL", "often"),
            ("KEYWARD_SLOT__1__SPELT", "wrong"),
        ];
        let config = load(&variables, None).unwrap();
        let mut slot = config.slot[0].reader();
        let error = slot.number("interval", 1, 9, 2).unwrap_err().to_string();
        assert!(error.contains("KEYWARD_SLOT__1__INTERVAL: ") && error.contains("from 1 to 9"), "{error}");
        let error = slot.finish().unwrap_err().to_string();
        assert!(error.contains("KEYWARD_SLOT__1__SPELT: [[slot]]: unknown key spelt"), "{error}");
    }
}
