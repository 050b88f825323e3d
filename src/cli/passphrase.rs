//! The passphrase of an encrypted file. It comes from where PINs come from, and only if a file asks for it.

use std::cell::OnceCell;
use std::path::PathBuf;

use clap::Args;

use super::error::{Result, failed};
use super::pin::Source;
use crate::types::SecretBytes;

/// The passphrase of a file.
#[derive(Args, Debug, Clone, Default)]
pub struct PassphraseArgs {
    /// Read the file's passphrase from the first line of another file
    #[arg(long, value_name = "FILE", group = "passphrase")]
    pub passphrase_file: Option<PathBuf>,
    /// Read the file's passphrase from an environment variable
    #[arg(long, value_name = "VAR", group = "passphrase")]
    pub passphrase_env: Option<String>,
    /// Read the file's passphrase from stdin: a line before the one with the PIN
    #[arg(long, group = "passphrase")]
    pub passphrase_stdin: bool,
}

impl PassphraseArgs {
    /// Where the passphrase comes from.
    pub fn source(&self) -> Source<'_> {
        Source::of(
            &self.passphrase_file,
            &self.passphrase_env,
            self.passphrase_stdin,
            "--passphrase-file, --passphrase-env or --passphrase-stdin",
        )
        .of_a("passphrase")
    }
}

/// A passphrase that is asked for when it is first needed.
pub struct Passphrase<'a> {
    source: std::result::Result<Source<'a>, &'a str>,
    read: OnceCell<SecretBytes>,
}

impl<'a> Passphrase<'a> {
    /// From a file, the environment, stdin or a prompt.
    pub fn from_source(source: Source<'a>) -> Self {
        Passphrase { source: Ok(source), read: OnceCell::new() }
    }

    /// One that the caller has, or none at all; `option` is what would have given it.
    pub fn given(known: Option<&str>, option: &'a str) -> Self {
        let known = known.map(|known| SecretBytes::from(known.as_bytes()));
        Passphrase { source: Err(option), read: known.map(OnceCell::from).unwrap_or_default() }
    }

    /// The passphrase.
    pub fn get(&self) -> Result<&SecretBytes> {
        if let Some(read) = self.read.get() {
            return Ok(read);
        }
        let source = match self.source {
            Ok(source) => source,
            Err(option) => return failed(format!("the file is encrypted: {option} gives its passphrase")),
        };
        let read = source.read("passphrase of the file")?;
        Ok(self.read.get_or_init(|| read))
    }
}
