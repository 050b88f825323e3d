//! Files that verbs read and write; `-` is stdin.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::error::{Error, Result, failed};

/// The most that is read into memory, in bytes: data to sign may be large, a mistake is larger.
const MAX: u64 = 1 << 30;

/// The content of a file or of stdin.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let mut content = Zeroizing::new(Vec::new());
    let read = match path.as_os_str() == "-" {
        true => io::stdin().lock().take(MAX + 1).read_to_end(&mut content),
        false => fs::File::open(path).and_then(|file| file.take(MAX + 1).read_to_end(&mut content)),
    };
    match read.map_err(|error| Error::file(path, &error))? as u64 > MAX {
        true => failed(format!("{}: larger than {} MiB", path.display(), MAX >> 20)),
        false => Ok(content),
    }
}

/// Writes a file that everybody may read, over one that is there.
pub fn write(path: &Path, content: &[u8]) -> Result<()> {
    fs::write(path, content).map_err(|error| Error::file(path, &error))
}

/// Writes a new file with mode 0600; never over one that is there.
pub fn write_secret(path: &Path, content: &[u8]) -> Result<()> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(content)).map_err(|error| Error::file(path, &error))
}
