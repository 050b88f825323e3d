//! A private directory that goes when it is no longer needed.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::error::{Error, Result};
use super::output::hex;

/// A directory of our own, mode 0700, removed with its content when this is dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    /// `keyward-WHAT-RANDOM` among the system's temporary files.
    pub fn new(what: &str) -> Result<Scratch> {
        let mut unique = [0; 8];
        crate::crypto::random(&mut unique)?;
        let path = std::env::temp_dir().join(format!("keyward-{what}-{}", hex(&unique)));
        // Fails where something of that name is there already, a planted link included.
        let made = fs::DirBuilder::new().mode(0o700).create(&path);
        made.map(|()| Scratch(path.clone())).map_err(|error| Error::file(&path, &error))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing better can be done here than to try.
        let _ = fs::remove_dir_all(&self.0);
    }
}
