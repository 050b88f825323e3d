//! What is logged and where to.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// How much is logged: everything as bad as this or worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The token, the disk or the library is in trouble.
    Error,
    /// A call was refused for a reason that somebody should know.
    Warn,
    /// The same as `Warn` so far: SoftHSM's configuration files name it.
    Info,
    /// Every call that returned an error.
    Debug,
    /// The same as `Debug` so far.
    Trace,
}

impl Level {
    const NAMES: [(&str, Level); 5] = [
        ("error", Level::Error),
        ("warn", Level::Warn),
        ("info", Level::Info),
        ("debug", Level::Debug),
        ("trace", Level::Trace),
    ];
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Level, String> {
        let lower = text.to_ascii_lowercase();
        let lower = if lower == "warning" { "warn" } else { &lower };
        Self::NAMES
            .iter()
            .find_map(|(name, level)| (*name == lower).then_some(*level))
            .ok_or_else(|| format!("{text:?} is none of error, warn, info, debug, trace"))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find_map(|(name, level)| (level == self).then_some(*name));
        f.write_str(name.unwrap_or_default())
    }
}

/// Where the log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// File descriptor 2.
    Stderr,
    /// `/dev/log`.
    Syslog,
    /// Appended to a file, which is created with mode 0600.
    File(PathBuf),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Target, String> {
        match (text, text.strip_prefix("file:")) {
            ("stderr", _) => Ok(Target::Stderr),
            ("syslog", _) => Ok(Target::Syslog),
            (_, Some(path)) if !path.is_empty() => Ok(Target::File(path.into())),
            _ => Err(format!("{text:?} is none of stderr, syslog, file:PATH")),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Stderr => f.write_str("stderr"),
            Target::Syslog => f.write_str("syslog"),
            Target::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}
