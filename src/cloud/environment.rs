//! Where providers' usual variables come from: a value, so that tests need no process of their own.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Environment variables. Asked when they are needed, since some of them are secrets: no copy is kept.
#[derive(Clone, Default)]
pub enum Environment {
    /// The process's. Empty in a privileged program (set-user-ID, file capabilities): whoever starts such a program must
    /// not choose whose keys it uses.
    #[default]
    Process,
    /// These, for tests.
    Fixed(BTreeMap<String, String>),
}

impl Environment {
    /// These variables and no other.
    pub fn fixed(variables: &[(&str, &str)]) -> Environment {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Environment::Fixed(variables.iter().map(owned).collect())
    }

    /// A variable; an empty one counts as unset.
    pub fn var(&self, name: &str) -> Option<String> {
        let value = match self {
            Environment::Process if crate::config::is_privileged() => None,
            Environment::Process => std::env::var(name).ok(),
            Environment::Fixed(variables) => variables.get(name).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// A variable that says yes: `true` in any case, or `1`.
    pub fn flag(&self, name: &str) -> bool {
        self.var(name).is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
    }

    /// The home directory; that of fixed variables is their `HOME`.
    pub fn home(&self) -> Option<PathBuf> {
        match self {
            Environment::Process if crate::config::is_privileged() => None,
            Environment::Process => std::env::home_dir(),
            Environment::Fixed(_) => self.var("HOME").map(PathBuf::from),
        }
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Environment")
    }
}
