//! Where PINs come from: a file, the environment, stdin or a prompt. Never the command line, which other users see.

use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use zeroize::Zeroizing;

use super::error::{Error, Result, failed, usage};
use crate::types::SecretBytes;

/// A PIN file is small; anything larger is the wrong file.
const MAX_FILE: u64 = 4096;

/// The user's PIN, for a login.
#[derive(Args, Debug, Clone, Default)]
pub struct PinArgs {
    /// Read the user PIN from the first line of a file
    #[arg(long, value_name = "FILE", group = "user-pin")]
    pub pin_file: Option<PathBuf>,
    /// Read the user PIN from an environment variable
    #[arg(long, value_name = "VAR", group = "user-pin")]
    pub pin_env: Option<String>,
    /// Read the PIN from stdin
    #[arg(long, group = "user-pin")]
    pub pin_stdin: bool,
}

impl PinArgs {
    /// Whether any of them was given: without, the PIN is asked for.
    pub fn is_given(&self) -> bool {
        self.pin_file.is_some() || self.pin_env.is_some() || self.pin_stdin
    }

    /// Where the user's PIN comes from.
    pub fn source(&self) -> Source<'_> {
        Source::of(&self.pin_file, &self.pin_env, self.pin_stdin, "--pin-file, --pin-env or --pin-stdin")
    }
}

/// The SO's PIN.
#[derive(Args, Debug, Clone, Default)]
pub struct SoPinArgs {
    /// Read the SO PIN from the first line of a file
    #[arg(long, value_name = "FILE", group = "so-pin")]
    pub so_pin_file: Option<PathBuf>,
    /// Read the SO PIN from an environment variable
    #[arg(long, value_name = "VAR", group = "so-pin")]
    pub so_pin_env: Option<String>,
}

impl SoPinArgs {
    /// Where the SO's PIN comes from, `stdin` if that is where all come from.
    pub fn source(&self, stdin: bool) -> Source<'_> {
        Source::of(&self.so_pin_file, &self.so_pin_env, stdin, "--so-pin-file, --so-pin-env or --pin-stdin")
    }
}

/// The PIN to set.
#[derive(Args, Debug, Clone, Default)]
pub struct NewPinArgs {
    /// Read the new PIN from the first line of a file
    #[arg(long, value_name = "FILE", group = "new-pin")]
    pub new_pin_file: Option<PathBuf>,
    /// Read the new PIN from an environment variable
    #[arg(long, value_name = "VAR", group = "new-pin")]
    pub new_pin_env: Option<String>,
}

impl NewPinArgs {
    /// Where the new PIN comes from, `stdin` if that is where all come from.
    pub fn source(&self, stdin: bool) -> Source<'_> {
        Source::of(
            &self.new_pin_file,
            &self.new_pin_env,
            stdin,
            "--new-pin-file, --new-pin-env or --pin-stdin",
        )
    }
}

/// The PIN of a token that is read, beside the one that is written.
#[derive(Args, Debug, Clone, Default)]
pub struct SourcePinArgs {
    /// Read the source's user PIN from the first line of a file
    #[arg(long, value_name = "FILE", group = "source-pin")]
    pub source_pin_file: Option<PathBuf>,
    /// Read the source's user PIN from an environment variable
    #[arg(long, value_name = "VAR", group = "source-pin")]
    pub source_pin_env: Option<String>,
}

impl SourcePinArgs {
    /// Where the source's PIN comes from, `stdin` if that is where all come from.
    pub fn source(&self, stdin: bool) -> Source<'_> {
        let options = "--source-pin-file, --source-pin-env or --pin-stdin";
        Source::of(&self.source_pin_file, &self.source_pin_env, stdin, options)
    }
}

/// Where one PIN comes from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    from: From<'a>,
    /// The options that would have told.
    options: &'static str,
    /// What it is: a PIN or a passphrase.
    word: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum From<'a> {
    File(&'a PathBuf),
    Env(&'a str),
    Stdin,
    Prompt,
}

impl<'a> Source<'a> {
    /// A file or variable wins over stdin, so that one PIN may come from a file and the other from stdin.
    pub(super) fn of(
        file: &'a Option<PathBuf>,
        env: &'a Option<String>,
        stdin: bool,
        options: &'static str,
    ) -> Self {
        let from = match (file, env) {
            (Some(file), _) => From::File(file),
            (None, Some(name)) => From::Env(name),
            (None, None) if stdin => From::Stdin,
            (None, None) => From::Prompt,
        };
        Source { from, options, word: "PIN" }
    }

    /// The same for another secret than a PIN, as messages call it.
    pub(super) fn of_a(self, word: &'static str) -> Self {
        Source { word, ..self }
    }

    /// The prompt; `options` are what to name where there is no terminal.
    pub fn prompt_or(options: &'static str) -> Self {
        Source { from: From::Prompt, options, word: "PIN" }
    }

    /// The PIN that exists already. `what`: "user PIN of token X".
    pub fn read(self, what: &str) -> Result<SecretBytes> {
        match self.from {
            From::File(path) => {
                let size = std::fs::metadata(path).map_err(|error| Error::file(path, &error))?.len();
                if size > MAX_FILE {
                    return failed(format!("{}: too large for a file with a {}", path.display(), self.word));
                }
                let content = Zeroizing::new(std::fs::read(path).map_err(|error| Error::file(path, &error))?);
                first_line(&content, || format!("{}: no {} in the first line", path.display(), self.word))
            }
            From::Env(name) => match std::env::var(name) {
                Ok(value) => first_line(&Zeroizing::new(value.into_bytes()), || format!("{name} is empty")),
                Err(_) => failed(format!("the environment variable {name} for the {what} is not set")),
            },
            From::Stdin => {
                let mut line = Zeroizing::new(String::new());
                let read = io::stdin().lock().read_line(&mut line);
                read.map_err(|error| Error::Failed(format!("stdin: {error}")))?;
                first_line(line.as_bytes(), || format!("stdin: no line with the {what}"))
            }
            From::Prompt => self.prompt(&format!("{what}: ")),
        }
    }

    /// A PIN to be set: asked for twice at a prompt.
    pub fn read_new(self, what: &str) -> Result<SecretBytes> {
        let pin = self.read(what)?;
        if matches!(self.from, From::Prompt) && self.prompt(&format!("{what} again: "))? != pin {
            return failed(format!("the {what} was typed in two ways"));
        }
        Ok(pin)
    }

    fn prompt(self, text: &str) -> Result<SecretBytes> {
        if !io::stdin().is_terminal() {
            return usage(format!("no {}: give {}, or run on a terminal", self.word, self.options));
        }
        match rpassword::prompt_password(text) {
            Ok(pin) if pin.is_empty() => failed(format!("the {} is empty", self.word)),
            Ok(pin) => Ok(SecretBytes::from(pin.into_bytes())),
            Err(error) => failed(format!("no {}: {error}", self.word)),
        }
    }
}

fn first_line(content: &[u8], missing: impl FnOnce() -> String) -> Result<SecretBytes> {
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() { failed(missing()) } else { Ok(SecretBytes::from(line)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_the_first_line() {
        for text in ["1234", "1234\n", "1234\r\nrest\n"] {
            assert_eq!(&*first_line(text.as_bytes(), String::new).unwrap(), b"1234");
        }
        assert!(first_line(b"\n1234", || "none".to_owned()).is_err());
    }

    #[test]
    fn a_file_wins_over_stdin() {
        let file = Some(PathBuf::from("/x"));
        assert!(matches!(Source::of(&file, &None, true, "").from, From::File(_)));
        assert!(matches!(Source::of(&None, &None, true, "").from, From::Stdin));
        assert!(matches!(Source::of(&None, &None, false, "").from, From::Prompt));
    }
}
