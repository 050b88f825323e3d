//! The files that AWS's tools share: `~/.aws/config` and `~/.aws/credentials`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Machine;
use crate::cloud::{Error, Kind, Result, SecretText};

/// Every profile of both files.
#[derive(Default)]
pub(super) struct Profiles(BTreeMap<String, Profile>);

/// One profile's settings. What the credentials file says goes before what the config file says.
#[derive(Default)]
pub(super) struct Profile(BTreeMap<String, SecretText>);

impl Profile {
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| &**value)
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.value(key).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Whether a key begins so.
    pub(super) fn mentions(&self, prefix: &str) -> bool {
        self.0.keys().any(|key| key.starts_with(prefix))
    }
}

impl Profiles {
    /// Reads both files. One that is not there is empty, unless it was asked for: [`Kind::Configuration`].
    pub(super) fn read(machine: &Machine) -> Result<Profiles> {
        let mut profiles = Profiles::default();
        let places = [
            (&machine.settings.config_file, "AWS_CONFIG_FILE", ".aws/config", true),
            (&machine.settings.credentials_file, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", false),
        ];
        for (own, variable, usual, is_config) in places {
            let named = own.clone().or_else(|| machine.environment.var(variable).map(PathBuf::from));
            let path = match &named {
                Some(path) => path.clone(),
                None => match machine.environment.home() {
                    Some(home) => home.join(usual),
                    None => continue,
                },
            };
            match std::fs::read_to_string(&path).map(Zeroizing::new) {
                Ok(text) => profiles.parse(&text, is_config),
                Err(error) if error.kind() == ErrorKind::NotFound && own.is_none() => {}
                // Somebody else's home, as that of a daemon's caller.
                Err(error) if error.kind() == ErrorKind::PermissionDenied && named.is_none() => {
                    tracing::debug!("{}: {error}", path.display());
                }
                Err(error) => return Err(unreadable(&path, &error)),
            }
        }
        Ok(profiles)
    }

    pub(super) fn profile(&self, name: &str) -> Option<&Profile> {
        self.0.get(name)
    }

    fn parse(&mut self, text: &str, is_config: bool) {
        let mut section: Option<&mut Profile> = None;
        for line in text.lines() {
            let indented = line.starts_with([' ', '\t']);
            let line = without_comment(line).trim();
            if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = profile_name(header.trim(), is_config).map(|name| self.0.entry(name).or_default());
            } else if let (Some(section), false, Some((key, value))) =
                (&mut section, indented, line.split_once('='))
            {
                section.0.insert(key.trim().to_ascii_lowercase(), value.trim().into());
            }
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::Configuration, format!("{}: {error}", path.display()))
}

/// A comment takes a whole line, or begins after a blank.
fn without_comment(line: &str) -> &str {
    if line.starts_with(['#', ';']) {
        return "";
    }
    let end = [" #", " ;", "\t#", "\t;"].iter().filter_map(|mark| line.find(mark)).min();
    end.and_then(|end| line.get(..end)).unwrap_or(line)
}

/// In the config file `[profile NAME]` and `[default]`, in the credentials file `[NAME]`.
fn profile_name(header: &str, is_config: bool) -> Option<String> {
    let prefixed = header.strip_prefix("profile").filter(|rest| rest.starts_with([' ', '\t']));
    match (is_config, prefixed) {
        (true, Some(name)) => Some(name.trim().to_owned()),
        (true, None) => (header == "default").then(|| header.to_owned()),
        (false, _) => Some(header.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_understood() {
        let mut profiles = Profiles::default();
        let config = "# c\n[default]\nregion = eu-west-1 # here\ns3 =\n  max = 3\n[profile other]\nRegion=x\n\
                      aws_access_key_id = old\n[sso-session other]\nregion = wrong\n[services a]\nkms =\n  endpoint_url = b\n";
        profiles.parse(config, true);
        profiles
            .parse("[other]\naws_access_key_id=AKIA\naws_secret_access_key = a#b;c+/=\n[default]\n", false);
        let default = profiles.profile("default").unwrap();
        assert_eq!(default.value("region"), Some("eu-west-1"));
        assert_eq!(default.value("max"), None);
        let other = profiles.profile("other").unwrap();
        assert_eq!(other.value("region"), Some("x"));
        assert_eq!(other.value("aws_access_key_id"), Some("AKIA"));
        assert_eq!(other.value("aws_secret_access_key"), Some("a#b;c+/="));
        assert!(other.mentions("aws_") && !other.mentions("sso_"));
        assert!(profiles.profile("a").is_none() && profiles.profile("sso-session other").is_none());
    }
}
