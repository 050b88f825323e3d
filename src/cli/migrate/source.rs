//! What a source is to the rest: a label, and objects in the clear.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::cli::error::{Error, Result, failed};
use crate::cli::progress::Bar;
use crate::object::Attributes;
use crate::types::ck;

/// A token's store that was found, its PIN not yet known. Nothing is ever written to it.
pub trait Source {
    /// What kind of store it is.
    fn kind(&self) -> &'static str;
    /// The token's label, empty where it has none.
    fn label(&self) -> &str;
    /// The token's serial number, empty where it has none.
    fn serial(&self) -> &str;
    /// Whether objects are sealed under a PIN.
    fn wants_pin(&self) -> bool;
    /// Whether this is the SO's PIN; `None` for a source whose SO has none.
    fn is_so_pin(&self, pin: &[u8]) -> Result<Option<bool>>;
    /// Every object, the sealed ones opened with the user's PIN.
    fn read(&self, pin: Option<&[u8]>) -> Result<Vec<Found>>;

    /// How messages name it.
    fn name(&self) -> String {
        let serial = match self.serial() {
            "" => String::new(),
            serial => format!(" (serial {serial})"),
        };
        format!("{} token \"{}\"{serial}", self.kind(), self.label())
    }
}

/// An object of a source.
#[derive(Debug)]
pub struct Found {
    /// Where it is: a file's name, a row's number.
    pub place: String,
    /// Its attributes in the clear, or why they can't be read.
    pub content: std::result::Result<Attributes, Damage>,
    /// What a source keeps in the clear, for an object that can't be opened.
    pub seen: Attributes,
}

impl Found {
    /// What was read at a place, opened.
    pub fn open(
        place: impl Into<String>,
        read: std::result::Result<Attributes, Damage>,
        open: impl FnOnce(Attributes) -> std::result::Result<Attributes, Damage>,
    ) -> Found {
        let kinds = [ck::CKA_CLASS, ck::CKA_KEY_TYPE, ck::CKA_CERTIFICATE_TYPE];
        let seen = read.iter().flat_map(Attributes::iter).filter(|(id, _)| kinds.contains(id));
        let seen = seen.map(|(id, value)| (id, value.clone())).collect();
        Found { place: place.into(), content: read.and_then(open), seen }
    }
}

/// Why an object can't be read. For people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage(pub String);

impl From<&str> for Damage {
    fn from(why: &str) -> Damage {
        Damage(why.to_owned())
    }
}

impl From<crate::crypto::Error> for Damage {
    fn from(error: crate::crypto::Error) -> Damage {
        Damage(error.to_string())
    }
}

/// The error of a PIN that opens nothing.
pub fn wrong_pin<T>(source: &dyn Source) -> Result<T> {
    failed(format!("the PIN is wrong: it does not open the {}", source.name()))
}

/// Files as they were when a source was found. A source that changes while it is read would be moved by halves.
#[derive(Debug, PartialEq, Eq)]
pub struct Snapshot(Vec<(PathBuf, u64, i64, i64, u64)>);

impl Snapshot {
    /// Size, time of change and inode of files; one that is not there counts as that.
    pub fn of(paths: impl IntoIterator<Item = PathBuf>) -> Result<Snapshot> {
        let mut seen = Vec::new();
        for path in paths {
            match fs::metadata(&path) {
                Ok(meta) => seen.push((path, meta.size(), meta.mtime(), meta.mtime_nsec(), meta.ino())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::file(&path, &error)),
            }
        }
        seen.sort();
        Ok(Snapshot(seen))
    }

    /// Fails where the files are not what they were.
    pub fn expect(&self, now: &Snapshot) -> Result<()> {
        match self == now {
            true => Ok(()),
            false => failed("the source changed while it was read: stop what uses it, and try again"),
        }
    }
}

/// The content of a file, which may hold sealed secrets only, up to `max` bytes.
pub fn read_file(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    fs::File::open(path)?.take(max.saturating_add(1)).read_to_end(&mut content)?;
    match content.len() as u64 > max {
        true => Err(io::Error::new(io::ErrorKind::InvalidData, format!("larger than {max} bytes"))),
        false => Ok(content),
    }
}

/// Opens each of `items`, with a bar on the terminal.
pub fn each<T>(items: Vec<T>, mut open: impl FnMut(T) -> Found) -> Vec<Found> {
    let bar = Bar::new("Reading", items.len());
    let step = |item| {
        let found = open(item);
        bar.step();
        found
    };
    items.into_iter().map(step).collect()
}
