//! One row for each scalar key: its name, its parser, how it is shown. Everything else about keys is derived.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{Config, Error, Free, Mechanisms, Origin, Result};
use crate::observe::Target;

/// A scalar key.
pub(super) struct Setting {
    /// `section.key`; the environment variable follows from it.
    pub(super) key: &'static str,
    /// Puts a text in place; relative paths are relative to the directory. `Err` says what is wrong with the text.
    set: fn(&mut Config, &str, &Path) -> std::result::Result<(), String>,
    pub(super) show: fn(&Config) -> String,
}

/// Every scalar key.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "log.level",
        set: |c, text, _| put(&mut c.log.level, parse(text)),
        show: |c| c.log.level.to_string(),
    },
    Setting {
        key: "log.target",
        set: |c, text, base| {
            c.log.target = match text.parse()? {
                Target::File(file) => Target::File(path(&file, base)?),
                other => other,
            };
            Ok(())
        },
        show: |c| c.log.target.to_string(),
    },
    Setting {
        key: "soft.dir",
        set: |c, text, base| put(&mut c.soft.dir, path(Path::new(text), base)),
        show: |c| c.soft.dir.display().to_string(),
    },
    Setting {
        key: "soft.kdf",
        set: |c, text, _| put(&mut c.soft.kdf, parse(text)),
        show: |c| c.soft.kdf.to_string(),
    },
    Setting {
        key: "soft.busy_timeout_ms",
        set: |c, text, _| put(&mut c.soft.busy_timeout_ms, number(text, 0, 600_000)),
        show: |c| c.soft.busy_timeout_ms.to_string(),
    },
    Setting {
        key: "soft.synchronous",
        set: |c, text, _| put(&mut c.soft.synchronous, one_of(text, &[("full", true), ("normal", false)])),
        show: |c| if c.soft.synchronous { "full" } else { "normal" }.into(),
    },
    Setting {
        key: "soft.max_pin_failures",
        set: |c, text, _| put(&mut c.soft.max_pin_failures, number(text, 0, 1_000_000)),
        show: |c| c.soft.max_pin_failures.to_string(),
    },
    Setting {
        key: "soft.pin_delay",
        set: |c, text, _| put(&mut c.soft.pin_delay, boolean(text)),
        show: |c| c.soft.pin_delay.to_string(),
    },
    Setting {
        key: "soft.min_pin_len",
        set: |c, text, _| put(&mut c.soft.min_pin_len, number(text, 1, 255)),
        show: |c| c.soft.min_pin_len.to_string(),
    },
    Setting {
        key: "soft.file_mode",
        set: |c, text, _| put(&mut c.soft.file_mode, file_mode(text)),
        show: |c| format!("{:04o}", c.soft.file_mode),
    },
    Setting {
        key: "soft.edwards_point",
        set: |c, text, _| put(&mut c.soft.edwards_point_der, one_of(text, &[("raw", false), ("der", true)])),
        show: |c| if c.soft.edwards_point_der { "der" } else { "raw" }.into(),
    },
    Setting {
        key: "soft.login_required",
        set: |c, text, _| put(&mut c.soft.login_required, boolean(text)),
        show: |c| c.soft.login_required.to_string(),
    },
    Setting {
        key: "slots.free",
        set: |c, text, _| put(&mut c.slots.free, one_of(text, FREE)),
        show: |c| FREE.iter().find(|(_, free)| *free == c.slots.free).map_or("", |(name, _)| name).into(),
    },
    Setting {
        key: "slots.removable",
        set: |c, text, _| put(&mut c.slots.removable, boolean(text)),
        show: |c| c.slots.removable.to_string(),
    },
    Setting {
        key: "slots.mechanisms",
        set: |c, text, _| put(&mut c.slots.mechanisms, mechanisms(text)),
        show: |c| match &c.slots.mechanisms {
            Mechanisms::All => "ALL".into(),
            Mechanisms::Only(names) => names.join(","),
            Mechanisms::Except(names) => format!("-{}", names.join(",")),
        },
    },
    Setting {
        key: "policy.legacy",
        set: |c, text, _| put(&mut c.policy.legacy, one_of(text, &[("allow", true), ("deny", false)])),
        show: |c| if c.policy.legacy { "allow" } else { "deny" }.into(),
    },
    Setting {
        key: "policy.dates",
        set: |c, text, _| put(&mut c.policy.dates, one_of(text, &[("ignore", false), ("enforce", true)])),
        show: |c| if c.policy.dates { "enforce" } else { "ignore" }.into(),
    },
    Setting {
        key: "policy.min_rsa_bits",
        set: |c, text, _| put(&mut c.policy.min_rsa_bits, number(text, 0, 16_384)),
        show: |c| c.policy.min_rsa_bits.to_string(),
    },
    Setting {
        key: "policy.min_ec_bits",
        set: |c, text, _| put(&mut c.policy.min_ec_bits, number(text, 0, 1024)),
        show: |c| c.policy.min_ec_bits.to_string(),
    },
    Setting {
        key: "policy.min_dh_bits",
        set: |c, text, _| put(&mut c.policy.min_dh_bits, number(text, 0, 16_384)),
        show: |c| c.policy.min_dh_bits.to_string(),
    },
    Setting {
        key: "policy.min_secret_bits",
        set: |c, text, _| put(&mut c.policy.min_secret_bits, number(text, 0, 4096)),
        show: |c| c.policy.min_secret_bits.to_string(),
    },
];

const FREE: &[(&str, Free)] = &[("auto", Free::Auto), ("always", Free::Always), ("never", Free::Never)];

/// The environment variable that overrides a key: `soft.dir` is `KEYWARD_SOFT__DIR`.
pub(super) fn variable(key: &str) -> String {
    format!("KEYWARD_{}", key.to_uppercase().replace('.', "__"))
}

/// Whether any key is in this section.
pub(super) fn is_section(name: &str) -> bool {
    SETTINGS.iter().any(|s| s.key.split_once('.').is_some_and(|(section, _)| section == name))
}

/// Sets a key from a text, whatever its origin. `base`: what relative paths are relative to.
pub(super) fn set(config: &mut Config, key: &str, text: &str, origin: Origin, base: &Path) -> Result<()> {
    let setting = SETTINGS.iter().find(|s| s.key == key).ok_or_else(|| unknown(key, &origin))?;
    (setting.set)(config, text, base).map_err(|why| Error::at(&origin, format!("{key}: {why}")))?;
    config.origins.insert(setting.key, origin);
    Ok(())
}

/// A key that is no row, with those that are.
pub(super) fn unknown(key: &str, origin: &Origin) -> Error {
    let section = key.split_once('.').map(|(section, _)| section);
    let near = |s: &&Setting| s.key.split_once('.').map(|(of, _)| of) == section;
    let mut known: Vec<_> = SETTINGS.iter().filter(near).map(|s| s.key).collect();
    if known.is_empty() {
        known = vec!["[log]", "[soft]", "[slots]", "[policy]", "[[token]]", "[[slot]]"];
    }
    Error::at(origin, format!("unknown key {key}; known: {}", known.join(", ")))
}

fn put<T>(place: &mut T, parsed: std::result::Result<T, String>) -> std::result::Result<(), String> {
    *place = parsed?;
    Ok(())
}

fn parse<T: FromStr<Err: Display>>(text: &str) -> std::result::Result<T, String> {
    text.trim().parse().map_err(|e: T::Err| e.to_string())
}

fn number<T: FromStr + PartialOrd + Display>(text: &str, low: T, high: T) -> std::result::Result<T, String> {
    match text.trim().parse() {
        Ok(n) if (&low..=&high).contains(&&n) => Ok(n),
        _ => Err(format!("{text:?} is no number from {low} to {high}")),
    }
}

fn boolean(text: &str) -> std::result::Result<bool, String> {
    one_of(text, &[("true", true), ("false", false)])
}

fn one_of<T: Copy>(text: &str, names: &[(&str, T)]) -> std::result::Result<T, String> {
    names.iter().find(|(name, _)| *name == text.trim()).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
        format!("{text:?} is none of {}", names.join(", "))
    })
}

fn file_mode(text: &str) -> std::result::Result<u32, String> {
    let digits = text.trim().trim_start_matches("0o");
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if mode & !0o666 == 0 && mode & 0o600 == 0o600 => Ok(mode),
        _ => Err(format!("{text:?} is no octal mode such as \"0600\" or \"0660\"")),
    }
}

pub(super) fn mechanisms(text: &str) -> std::result::Result<Mechanisms, String> {
    let text = text.trim();
    let names =
        |list: &str| list.split(',').map(|name| name.trim().to_owned()).filter(|n| !n.is_empty()).collect();
    match text.strip_prefix('-') {
        _ if text.eq_ignore_ascii_case("all") => Ok(Mechanisms::All),
        Some(list) => Ok(Mechanisms::Except(names(list))),
        None if text.is_empty() => Err("an empty list would offer no mechanism; ALL is the default".into()),
        None => Ok(Mechanisms::Only(names(text))),
    }
}

/// An absolute path. A leading `~` is refused: the shell expands it, a daemon's configuration has no shell.
pub(super) fn path(given: &Path, base: &Path) -> std::result::Result<PathBuf, String> {
    if given.as_os_str().is_empty() {
        return Err("an empty path".into());
    }
    if given.starts_with("~") {
        return Err(format!("{}: \"~\" is not expanded; write the whole path", given.display()));
    }
    std::path::absolute(base.join(given)).map_err(|e| format!("{}: {e}", given.display()))
}
