//! How each known module is told where to keep its tokens.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::service::{self, Service};

/// A family of modules that are configured alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Parameters in pReserved.
    Keyward,
    /// A file named by SOFTHSM2_CONF.
    Softhsm,
    /// A file named by KRYOPTIC_CONF.
    Kryoptic,
    /// NSS softokn: parameters in pReserved, the key slot is the second one.
    Nss,
    /// tpm2-pkcs11: a database named by TPM2_PKCS11_STORE, a TPM named by TPM2_PKCS11_TCTI.
    Tpm2,
    /// openCryptoki's soft token: places compiled into it, and a daemon.
    Opencryptoki,
}

/// What a prepared directory needs for C_Initialize.
#[derive(Default)]
pub struct Setup {
    /// pReserved.
    pub reserved: Option<String>,
    /// Environment variables that must be set before C_Initialize.
    pub environment: Vec<(&'static str, OsString)>,
    /// What has to run meanwhile.
    _service: Option<Service>,
}

/// A library that keyward shall serve in a slot of its own.
#[derive(Debug, Clone)]
pub struct Lower {
    /// Its path.
    pub path: PathBuf,
    /// How it is configured.
    pub kind: Kind,
    /// Further lines of its `[[slot]]`.
    pub lines: String,
}

const NAMES: &[(&str, Kind)] = &[
    ("keyward", Kind::Keyward),
    ("softhsm", Kind::Softhsm),
    ("kryoptic", Kind::Kryoptic),
    ("nss", Kind::Nss),
    ("softokn", Kind::Nss),
    ("tpm2", Kind::Tpm2),
    ("opencryptoki", Kind::Opencryptoki),
];

impl Kind {
    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// The kind that a file name suggests; keyward where it suggests none.
    pub fn guess(path: &Path) -> Self {
        let file = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        NAMES.iter().find(|(known, _)| file.contains(known)).map_or(Kind::Keyward, |(_, kind)| *kind)
    }

    /// Writes what the module wants to find in `dir` and says how to point it there.
    ///
    /// `extra` are further pReserved parameters (keyward and NSS only).
    pub fn prepare(self, dir: &Path, extra: &str) -> std::io::Result<Setup> {
        let shown = dir.display();
        match self {
            Kind::Keyward => {
                Ok(Setup::reserved(format!("dir='{shown}' kdf=fast soft.pin_delay=false {extra}")))
            }
            Kind::Nss => Ok(Setup::reserved(format!("configdir='sql:{shown}' {extra}"))),
            Kind::Softhsm => {
                let tokens = dir.join("tokens");
                std::fs::create_dir_all(&tokens)?;
                let text = format!(
                    "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
                    tokens.display()
                );
                Setup::file("SOFTHSM2_CONF", dir.join("softhsm2.conf"), &text)
            }
            Kind::Kryoptic => {
                let text =
                    format!("[[slots]]\nslot = 1\ndbtype = \"sqlite\"\ndbargs = \"{shown}/kryoptic.sql\"\n");
                Setup::file("KRYOPTIC_CONF", dir.join("kryoptic.conf"), &text)
            }
            Kind::Tpm2 => {
                let service = Some(service::swtpm(dir)?);
                let tcti = format!("swtpm:path={shown}/tpm.sock");
                let environment = vec![
                    ("TPM2_PKCS11_STORE", dir.into()),
                    ("TPM2_PKCS11_TCTI", tcti.into()),
                    ("TPM2_PKCS11_LOG_LEVEL", "0".into()),
                ];
                Ok(Setup { environment, _service: service, ..Setup::default() })
            }
            Kind::Opencryptoki => Ok(Setup { _service: Some(service::pkcsslotd()?), ..Setup::default() }),
        }
    }

    /// The SO PIN that a fresh token has or takes.
    pub fn so_pin(self) -> &'static str {
        if self == Kind::Nss { "" } else { crate::token::SO_PIN }
    }
}

impl Lower {
    /// Prepares the library in `dir/lower` and a configuration of keyward that serves nothing else.
    ///
    /// `extra` are further pReserved parameters of the library (keyward and NSS only).
    pub fn prepare(&self, dir: &Path, extra: &str) -> std::io::Result<Setup> {
        let place = dir.join("lower");
        std::fs::create_dir_all(&place)?;
        let mut setup = self.kind.prepare(&place, extra)?;
        let arguments = setup.reserved.take().map_or(String::new(), |text| format!("init_args = {text:?}\n"));
        let text = format!(
            "[soft]\ndir = {:?}\nkdf = \"fast\"\n[slots]\nfree = \"never\"\n\
             [[slot]]\nbackend = \"passthrough\"\nlibrary = {:?}\n{arguments}{}\n",
            dir.join("soft"),
            self.path,
            self.lines
        );
        let file = dir.join("keyward.toml");
        std::fs::write(&file, text)?;
        setup.reserved = Some(file.to_string_lossy().into_owned());
        Ok(setup)
    }
}

impl Setup {
    fn reserved(text: String) -> Self {
        Self { reserved: Some(text), ..Self::default() }
    }

    fn file(variable: &'static str, path: PathBuf, text: &str) -> std::io::Result<Self> {
        std::fs::write(&path, text)?;
        Ok(Self { environment: vec![(variable, path.into_os_string())], ..Self::default() })
    }

    /// Sets the environment variables in this process. Call it while no other thread reads the environment.
    pub fn export(&self) {
        for (name, value) in &self.environment {
            // SAFETY: the caller keeps other threads away from the environment; modules that want none of
            // this (keyward) never get here.
            unsafe { std::env::set_var(name, value) };
        }
    }
}
