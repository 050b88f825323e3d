//! SoftHSM 2's stores: a directory per token, with a file per object or one SQLite database.
//!
//! Objects are lists of attributes. Every string of bytes of a private object (CKA_PRIVATE), its dates excepted, is
//! sealed by AES-256-CBC under the token key, which the token object holds twice: under a key made of the user's PIN
//! and under one made of the SO's. `seal` opens them; `file` and `database` know how attributes lie on disk.

mod database;
mod file;
mod seal;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use super::source::{Damage, Found, Snapshot, Source, each, wrong_pin};
use super::sqlite;
use crate::cli::error::{Error, Result, failed, usage};
use crate::object::Attributes;
use crate::types::ck;

/// The token object's own attributes, and what they are: label, serial number, and the token key under both PINs.
const VENDOR: ck::CK_ATTRIBUTE_TYPE = ck::CKA_VENDOR_DEFINED + 0x5348;
const TOKEN_LABEL: ck::CK_ATTRIBUTE_TYPE = VENDOR + 1;
const TOKEN_SERIAL: ck::CK_ATTRIBUTE_TYPE = VENDOR + 2;
const SO_PIN: ck::CK_ATTRIBUTE_TYPE = VENDOR + 4;
const USER_PIN: ck::CK_ATTRIBUTE_TYPE = VENDOR + 5;

/// The configuration that SoftHSM reads where nobody names one.
const DEFAULT_CONF: &str = "/etc/softhsm/softhsm2.conf";

/// `keyward migrate softhsm`
#[derive(Args, Debug)]
pub struct From {
    /// SoftHSM's token directory (directories.tokendir), or one token's directory in it
    #[arg(long, value_name = "DIR", conflicts_with = "conf")]
    pub from: Option<PathBuf>,
    /// softhsm2.conf, which names the token directory (default: $SOFTHSM2_CONF, else /etc/softhsm/softhsm2.conf)
    #[arg(long, value_name = "FILE")]
    pub conf: Option<PathBuf>,
    /// Label or serial number of the token to move; may be left out where there is only one
    #[arg(long, value_name = "LABEL|SERIAL")]
    pub source_token: Option<String>,
}

/// A token of SoftHSM's.
pub struct SoftHsm {
    place: Place,
    token: Attributes,
    label: String,
    serial: String,
}

/// Where its objects are.
enum Place {
    Files(PathBuf),
    Database(sqlite::Copy),
}

/// The token that was asked for, or the only one.
pub fn find(args: &From) -> Result<SoftHsm> {
    let dir = match &args.from {
        Some(dir) => dir.clone(),
        None => token_dir(&conf(args.conf.as_deref()))?,
    };
    let mut tokens = Vec::new();
    for dir in token_dirs(&dir)? {
        tokens.push(open(&dir)?);
    }
    if let Some(wanted) = &args.source_token {
        tokens.retain(|token| token.label == *wanted || token.serial == *wanted);
    }
    let known = tokens.iter().map(SoftHsm::name).collect::<Vec<_>>().join(", ");
    match (tokens.len(), tokens.pop(), &args.source_token) {
        (1, Some(token), _) => Ok(token),
        (0, _, None) => failed(format!("{}: no token of SoftHSM 2 in there", dir.display())),
        (0, _, Some(wanted)) => {
            failed(format!("{}: no token has the label or serial number {wanted}", dir.display()))
        }
        _ => usage(format!("say which with --source-token LABEL or SERIAL: {known}")),
    }
}

fn conf(named: Option<&Path>) -> PathBuf {
    let default = || std::env::var_os("SOFTHSM2_CONF").map_or_else(|| DEFAULT_CONF.into(), PathBuf::from);
    named.map_or_else(default, Path::to_owned)
}

/// `directories.tokendir` of a softhsm2.conf.
fn token_dir(conf: &Path) -> Result<PathBuf> {
    let text = fs::read_to_string(conf).map_err(|error| Error::file(conf, &error))?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let dir =
        lines.filter_map(|line| line.split_once('=')).find(|(name, _)| name.trim() == "directories.tokendir");
    match dir.map(|(_, dir)| dir.trim()).filter(|dir| !dir.is_empty()) {
        Some(dir) => Ok(dir.into()),
        None => failed(format!("{}: no line directories.tokendir = DIR", conf.display())),
    }
}

/// The directory itself if it is a token's, else those of the tokens in it. One that can't be entered is an error only
/// where there is no other: it may be anything.
fn token_dirs(dir: &Path) -> Result<Vec<PathBuf>> {
    if is_token(dir)? {
        return Ok(vec![dir.to_owned()]);
    }
    let unreadable = |error| Error::file(dir, &error);
    let (mut found, mut refused) = (Vec::new(), None);
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        match is_token(&path) {
            Ok(true) => found.push(path),
            Ok(false) => {}
            Err(error) => refused = Some(error),
        }
    }
    found.sort();
    match refused.filter(|_| found.is_empty()) {
        Some(error) => Err(error),
        None => Ok(found),
    }
}

fn is_token(dir: &Path) -> Result<bool> {
    for name in [file::TOKEN, database::NAME] {
        let path = dir.join(name);
        match fs::metadata(&path) {
            Ok(meta) if meta.is_file() => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(Error::file(&path, &error));
            }
            _ => {}
        }
    }
    Ok(false)
}

fn open(dir: &Path) -> Result<SoftHsm> {
    let damaged = |path: &Path, Damage(why)| Error::Failed(format!("{}: {why}", path.display()));
    let (place, token) = if dir.join(file::TOKEN).is_file() {
        let path = dir.join(file::TOKEN);
        let token = file::read(&path).map_err(|why| damaged(&path, why))?;
        (Place::Files(dir.to_owned()), token)
    } else {
        let path = dir.join(database::NAME);
        let copy = sqlite::Copy::of(&path)?;
        let token = database::token(&copy).map_err(|why| damaged(&path, why))?;
        (Place::Database(copy), token)
    };
    let text = |id| crate::cli::host::text(token.bytes(id).unwrap_or_default());
    Ok(SoftHsm { place, label: text(TOKEN_LABEL), serial: text(TOKEN_SERIAL), token })
}

impl Source for SoftHsm {
    fn kind(&self) -> &'static str {
        match self.place {
            Place::Files(_) => "SoftHSM",
            Place::Database(_) => "SoftHSM (SQLite)",
        }
    }

    fn label(&self) -> &str {
        &self.label
    }

    fn serial(&self) -> &str {
        &self.serial
    }

    fn wants_pin(&self) -> bool {
        self.token.contains(USER_PIN)
    }

    fn is_so_pin(&self, pin: &[u8]) -> Result<Option<bool>> {
        let Some(sealed) = self.token.bytes(SO_PIN) else { return Ok(None) };
        match seal::TokenKey::open(sealed, pin) {
            Ok(key) => Ok(Some(key.is_some())),
            Err(Damage(why)) => failed(format!("{}: {why}", self.name())),
        }
    }

    fn read(&self, pin: Option<&[u8]>) -> Result<Vec<Found>> {
        let key = match (self.token.bytes(USER_PIN), pin) {
            (Some(sealed), Some(pin)) => match seal::TokenKey::open(sealed, pin) {
                Ok(Some(key)) => Some(key),
                Ok(None) => return wrong_pin(self),
                Err(Damage(why)) => return failed(format!("{}: {why}", self.name())),
            },
            _ => None,
        };
        let opened = |place: String, content: std::result::Result<Attributes, Damage>| {
            Found::open(place, content, |object| seal::unseal(object, key.as_ref()).map(widened))
        };
        match &self.place {
            Place::Files(dir) => {
                let before = Snapshot::of(file::objects(dir)?)?;
                let found = each(file::objects(dir)?, |path| {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    opened(name, file::read(&path))
                });
                before.expect(&Snapshot::of(file::objects(dir)?)?)?;
                Ok(found)
            }
            Place::Database(copy) => {
                let ids = database::objects(copy)?;
                Ok(each(ids, |id| opened(format!("object {id}"), database::object(copy, id))))
            }
        }
    }
}

/// CK_UNAVAILABLE_INFORMATION of a machine whose CK_ULONG has 32 bits, as this one's.
fn widened(mut object: Attributes) -> Attributes {
    if object.ulong(ck::CKA_KEY_GEN_MECHANISM) == Some(u32::MAX.into()) {
        object.set(ck::CKA_KEY_GEN_MECHANISM, ck::CK_UNAVAILABLE_INFORMATION);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_directory_comes_from_the_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let conf = dir.path().join("softhsm2.conf");
        fs::write(&conf, "# x\nobjectstore.backend = file\ndirectories.tokendir = /a/b # here\n").unwrap();
        assert_eq!(token_dir(&conf).unwrap(), Path::new("/a/b"));
        fs::write(&conf, "directories.tokendir =\n").unwrap();
        assert!(token_dir(&conf).is_err());
        assert!(find(&From { from: Some(dir.path().into()), conf: None, source_token: None }).is_err());
    }
}
