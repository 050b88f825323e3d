//! In which order the sources are read: weakest first, each later one replaces.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::reserved::Reserved;
use super::settings::{self, SETTINGS};
use super::{Config, Environment, Error, Free, Log, Mechanisms, Origin, Policy, Result, Slots, Soft};
use super::{slot_variables, softhsm, table};
use crate::observe::{Level, Target};
use crate::types::Kdf;

/// Relative paths that do not come from a file are relative to the working directory.
const HERE: &str = "";

pub(super) fn load(environment: &Environment, reserved: Option<&str>) -> Result<Config> {
    let reserved = Reserved::parse(reserved.unwrap_or_default())?;
    let mut config = defaults();
    let softhsm = environment.var("SOFTHSM2_CONF").map(PathBuf::from);
    match (find_file(environment, reserved.file)?, softhsm) {
        (Some(file), softhsm) => {
            table::read(&mut config, &file)?;
            if let Some(softhsm) = softhsm {
                let note = format!("{} is ignored: {} is there", softhsm.display(), file.display());
                config.notes.push(note);
            }
            config.file = Some(file);
        }
        (None, Some(softhsm)) => {
            softhsm::read(&mut config, &softhsm)?;
            config.file = Some(softhsm);
        }
        (None, None) => {}
    }
    from_environment(&mut config, environment)?;
    for (key, value) in &reserved.settings {
        settings::set(&mut config, key, value, Origin::Reserved, Path::new(HERE))?;
    }
    if config.origin("soft.dir") == Origin::Default {
        config.soft.dir = default_dir(environment)?;
    }
    Ok(config)
}

fn defaults() -> Config {
    Config {
        log: Log { level: Level::Warn, target: Target::Stderr },
        soft: Soft {
            dir: PathBuf::new(),
            kdf: Kdf::DEFAULT,
            busy_timeout_ms: 10_000,
            synchronous: true,
            max_pin_failures: 10,
            pin_delay: true,
            min_pin_len: 4,
            file_mode: 0o600,
            edwards_point_der: false,
            login_required: true,
            pins: Vec::new(),
        },
        slots: Slots { free: Free::Auto, removable: false, mechanisms: Mechanisms::All },
        policy: Policy {
            legacy: true,
            dates: false,
            min_rsa_bits: 0,
            min_ec_bits: 0,
            min_dh_bits: 0,
            min_secret_bits: 0,
        },
        token: Vec::new(),
        slot: Vec::new(),
        file: None,
        notes: Vec::new(),
        origins: BTreeMap::new(),
    }
}

/// The one file that is read. One that was named must be there; the usual places may be empty.
fn find_file(environment: &Environment, reserved: Option<PathBuf>) -> Result<Option<PathBuf>> {
    if let Some(named) = reserved.or_else(|| environment.var("KEYWARD_CONF").map(PathBuf::from)) {
        return Ok(Some(named));
    }
    let personal = environment.xdg("XDG_CONFIG_HOME", ".config").map(|dir| dir.join("keyward/keyward.toml"));
    // Somebody else's home, as `sudo -u` leaves HOME, is nobody's configuration. A system file that cannot even be
    // looked at is no guess: it may hold the policy.
    if let Some(place) = personal.filter(|place| place.try_exists().unwrap_or(false)) {
        return Ok(Some(place));
    }
    let place = environment.system_file();
    match place.try_exists() {
        Ok(exists) => Ok(exists.then(|| place.to_owned())),
        Err(error) => Err(Error::new(place.display(), error)),
    }
}

fn from_environment(config: &mut Config, environment: &Environment) -> Result<()> {
    if let Some(dir) = environment.var("KEYWARD_DIR") {
        let origin = Origin::Env("KEYWARD_DIR".into());
        settings::set(config, "soft.dir", text(dir, &origin)?, origin.clone(), Path::new(HERE))?;
    }
    slot_variables::read(&mut config.slot, environment)?;
    for (name, value) in environment.overrides().filter(|(name, _)| !slot_variables::is_one(name)) {
        let name = name.to_string_lossy();
        let origin = Origin::Env(name.clone().into_owned());
        let Some(setting) = SETTINGS.iter().find(|s| settings::variable(s.key) == name) else {
            let key = name.trim_start_matches("KEYWARD_").replace("__", ".").to_lowercase();
            return Err(settings::unknown(&key, &origin));
        };
        settings::set(config, setting.key, text(value, &origin)?, origin.clone(), Path::new(HERE))?;
    }
    Ok(())
}

fn text<'a>(value: &'a std::ffi::OsStr, origin: &Origin) -> Result<&'a str> {
    value.to_str().ok_or_else(|| Error::at(origin, "not UTF-8"))
}

fn default_dir(environment: &Environment) -> Result<PathBuf> {
    let data = environment.xdg("XDG_DATA_HOME", ".local/share").ok_or_else(|| {
        Error::new(
            "soft.dir",
            "this user has no home directory: set KEYWARD_DIR, or soft.dir in keyward.toml",
        )
    })?;
    Ok(data.join("keyward"))
}
