//! The configuration: keyward.toml, environment, `pReserved`, softhsm2.conf, in one value.
//!
//! Nothing here is global: [`Config::load`] reads an [`Environment`] (the process's, or a test's) and returns a value
//! that the module owns. Every scalar key is a row of `settings::SETTINGS`; from that row come the parser, the
//! environment variable `KEYWARD_<SECTION>__<KEY>`, the error texts and `doctor`'s listing.
//!
//! Strongest first: `pReserved`, `KEYWARD_<SECTION>__<KEY>` and `KEYWARD_SLOT__<N>__<KEY>`, `KEYWARD_DIR`, the file,
//! softhsm2.conf, the default.

mod environment;
mod error;
mod load;
mod pin;
mod reserved;
mod settings;
mod slot;
mod slot_variables;
mod softhsm;
mod table;
mod token;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

pub use environment::{Environment, is_privileged};
pub use error::{Error, Result};
pub use pin::{OAEP_HASHES, PinEntry};
pub use slot::SlotReader;
pub use token::TokenEntry;

use crate::observe::{Level, Target};
use crate::types::Kdf;

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[log]`
    pub log: Log,
    /// `[soft]`
    pub soft: Soft,
    /// `[slots]`
    pub slots: Slots,
    /// `[policy]`
    pub policy: Policy,
    /// `[[token]]`, in the file's order.
    pub token: Vec<TokenEntry>,
    /// `[[slot]]`, in the file's order, then those of the environment.
    pub slot: Vec<SlotEntry>,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    /// What is worth telling: a softhsm2.conf that was not read because a keyward.toml was.
    pub notes: Vec<String>,
    origins: BTreeMap<&'static str, Origin>,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// `level`: error | warn | info | debug | trace
    pub level: Level,
    /// `target`: stderr | syslog | file:PATH
    pub target: Target,
}

/// `[soft]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soft {
    /// `dir`: absolute; one `<serial>.token` file for each token.
    pub dir: PathBuf,
    /// `kdf`: the cost of a new PIN.
    pub kdf: Kdf,
    /// `busy_timeout_ms`: the longest wait for other processes.
    pub busy_timeout_ms: u32,
    /// `synchronous`: "full" (true) waits for the disk at each commit, "normal" (false) leaves it to the system.
    pub synchronous: bool,
    /// `max_pin_failures`: wrong PINs until the lock; 0: never.
    pub max_pin_failures: u32,
    /// `pin_delay`: whether a try after wrong PINs waits.
    pub pin_delay: bool,
    /// `min_pin_len` in bytes.
    pub min_pin_len: usize,
    /// `file_mode`: permission bits of new token files, octal text such as "0600".
    pub file_mode: u32,
    /// `edwards_point`: whether CKA_EC_POINT of an Edwards or Montgomery key is shown as a DER OCTET STRING ("der"),
    /// as GnuTLS before 3.8 expects it, or bare ("raw"), as PKCS#11 3.x has it. Both are taken.
    pub edwards_point_der: bool,
    /// `login_required`: whether new tokens ask for a login.
    pub login_required: bool,
    /// `[[soft.pin]]`: user PINs that cloud slots decrypt.
    pub pins: Vec<PinEntry>,
}

/// `[slots]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// `free`: when an uninitialised slot is listed.
    pub free: Free,
    /// `removable`: whether slots carry CKF_REMOVABLE_DEVICE.
    pub removable: bool,
    /// `mechanisms`: which are offered.
    pub mechanisms: Mechanisms,
}

/// When an uninitialised slot is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Free {
    /// By C_GetSlotList(CK_FALSE), and by CK_TRUE while no token is initialised.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Which mechanisms are offered, by name (`CKM_...`); the names are not checked here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mechanisms {
    /// `ALL`
    All,
    /// `CKM_A,CKM_B`: these only.
    Only(Vec<String>),
    /// `-CKM_A,CKM_B`: all but these.
    Except(Vec<String>),
}

impl Mechanisms {
    /// Whether the mechanism of that name is offered.
    pub fn allows(&self, name: &str) -> bool {
        match self {
            Mechanisms::All => true,
            Mechanisms::Only(names) => names.iter().any(|n| n == name),
            Mechanisms::Except(names) => names.iter().all(|n| n != name),
        }
    }
}

/// `[policy]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// `legacy`: "allow" (true) or "deny" (false): mechanisms marked legacy (SHA-1 signatures), RSA keys and
    /// primes of DH and DSA below 2048 bits.
    pub legacy: bool,
    /// `dates`: "enforce" (true) holds CKA_START_DATE and CKA_END_DATE of keys against the day in UTC, "ignore" (false)
    /// leaves them to the application.
    pub dates: bool,
    /// `min_rsa_bits`: the least RSA modulus; 0: any.
    pub min_rsa_bits: usize,
    /// `min_ec_bits`: the least field of an elliptic curve; 0: any.
    pub min_ec_bits: usize,
    /// `min_dh_bits`: the least prime of Diffie-Hellman and DSA; 0: any.
    pub min_dh_bits: usize,
    /// `min_secret_bits`: the least secret key; 0: any.
    pub min_secret_bits: usize,
}

/// One `[[slot]]`: its backend, and the rest of its table for that backend to read.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotEntry {
    /// `backend`
    pub backend: String,
    /// All keys, `backend` included.
    pub table: toml::Table,
    /// Where the entry is.
    pub origin: Origin,
    /// Keys that a variable `KEYWARD_SLOT__<N>__<KEY>` set.
    variables: BTreeMap<String, Origin>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// keyward.toml.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Env(String),
    /// `CK_C_INITIALIZE_ARGS.pReserved`.
    Reserved,
    /// softhsm2.conf.
    SoftHsm {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } | Origin::SoftHsm { path, line } => {
                write!(f, "{}:{line}", path.display())
            }
            Origin::Env(name) => write!(f, "environment variable {name}"),
            Origin::Reserved => f.write_str("pReserved"),
        }
    }
}

/// One setting as `doctor` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// `section.key`
    pub key: &'static str,
    /// The value as it would be written.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

impl Config {
    /// Reads everything. `reserved` is the text of `pReserved`: a path to a TOML file, or `key=value` parameters.
    ///
    /// An unknown key, a bad value or an unreadable file is an error that names the file, the line and the key.
    pub fn load(environment: &Environment, reserved: Option<&str>) -> Result<Config> {
        load::load(environment, reserved)
    }

    /// Where a setting (`soft.dir`) came from.
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }

    /// Every scalar setting with its value and origin, in the documentation's order.
    pub fn show(&self) -> Vec<Shown> {
        let shown =
            |s: &settings::Setting| Shown { key: s.key, value: (s.show)(self), origin: self.origin(s.key) };
        settings::SETTINGS.iter().map(shown).collect()
    }
}
