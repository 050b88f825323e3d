//! What the configuration reads from the process: a value, so that tests need no process of their own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The environment variables that matter, the home directory, and where the system's file is.
#[derive(Debug, Clone)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    home: Option<PathBuf>,
    system_file: PathBuf,
}

impl Environment {
    /// The process's. In a privileged program (set-user-ID, file capabilities) it is empty: whoever starts such a
    /// program must not choose its keys.
    pub fn process() -> Environment {
        let system_file = PathBuf::from("/etc/keyward/keyward.toml");
        if is_privileged() {
            return Environment { variables: BTreeMap::new(), home: None, system_file };
        }
        let ours = |name: &OsString| {
            let name = name.to_string_lossy();
            name.starts_with("KEYWARD_") || name.starts_with("XDG_") || name == "SOFTHSM2_CONF"
        };
        Environment {
            variables: std::env::vars_os().filter(|(name, _)| ours(name)).collect(),
            // $HOME, else the entry in the user database: daemons often have no $HOME.
            home: std::env::home_dir(),
            system_file,
        }
    }

    /// One for tests: these variables, this home, this instead of `/etc/keyward/keyward.toml`.
    pub fn fixed(variables: &[(&str, &str)], home: Option<&Path>, system_file: &Path) -> Environment {
        Environment {
            variables: variables.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            home: home.map(Path::to_owned),
            system_file: system_file.to_owned(),
        }
    }

    /// A variable; an empty one counts as unset.
    pub(super) fn var(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// Every variable named `KEYWARD_<SECTION>__<KEY>`.
    pub(super) fn overrides(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        let is_override = |name: &OsStr| {
            let name = name.to_string_lossy();
            name.strip_prefix("KEYWARD_").is_some_and(|rest| rest.contains("__"))
        };
        self.variables
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
            .filter(move |(name, _)| is_override(name))
    }

    /// A base directory of the XDG specification, which tells to ignore relative ones; else below home.
    pub(super) fn xdg(&self, name: &str, below_home: &str) -> Option<PathBuf> {
        let set = self.var(name).map(PathBuf::from).filter(|path| path.is_absolute());
        set.or_else(|| Some(self.home.as_ref().filter(|h| h.is_absolute())?.join(below_home)))
    }

    pub(super) fn system_file(&self) -> &Path {
        &self.system_file
    }
}

/// Whether the kernel started this process with more rights than its caller has (AT_SECURE, as `secure_getenv`).
pub fn is_privileged() -> bool {
    const AT_SECURE: usize = 23;
    const WORD: usize = size_of::<usize>();
    let Ok(vector) = std::fs::read("/proc/self/auxv") else { return false };
    let (words, _) = vector.as_chunks::<WORD>();
    let (entries, _) = words.as_chunks::<2>();
    entries
        .iter()
        .any(|[kind, value]| usize::from_ne_bytes(*kind) == AT_SECURE && usize::from_ne_bytes(*value) != 0)
}
