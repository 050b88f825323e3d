//! How a verb ends when it does not succeed: one line, and which exit code.

use std::fmt;
use std::io;
use std::path::Path;

use crate::error::{Error as CkError, ErrorKind};

/// What a verb answers.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a verb failed.
#[derive(Debug)]
pub enum Error {
    /// The command line asks for something it does not say how to do: exit code 2.
    Usage(String),
    /// Anything else: exit code 1.
    Failed(String),
}

impl Error {
    /// The tool's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Usage(_) => 2,
            Error::Failed(_) => 1,
        }
    }

    /// A failure about a file.
    pub fn file(path: &Path, error: &io::Error) -> Error {
        Error::Failed(format!("{}: {error}", path.display()))
    }
}

/// A failure that is not the command line's fault.
pub fn failed<T>(why: impl Into<String>) -> Result<T> {
    Err(Error::Failed(why.into()))
}

/// A command line that lacks or contradicts something.
pub fn usage<T>(why: impl Into<String>) -> Result<T> {
    Err(Error::Usage(why.into()))
}

impl fmt::Display for Error {
    /// One line, whatever was put into it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Error::Usage(why) | Error::Failed(why)) = self;
        f.write_str(&super::output::printable(why))
    }
}

/// What to say where the library's answer is a bare CKR.
const HINTS: &[(ErrorKind, &str)] = &[
    (ErrorKind::PinIncorrect, "the PIN is wrong"),
    (ErrorKind::PinLocked, "too many wrong PINs; `keyward pin unlock` sets a new user PIN with the SO's"),
    (ErrorKind::MechanismInvalid, "the token has no such mechanism: see `keyward mechanism list`"),
    (ErrorKind::SlotIdInvalid, "there is no such slot: see `keyward slot list`"),
    (ErrorKind::UserNotLoggedIn, "this needs a login"),
    (ErrorKind::TokenWriteProtected, "the token is read-only"),
    (ErrorKind::SignatureInvalid, "the signature is not valid"),
    (ErrorKind::SignatureLenRange, "the signature is not valid: it has the wrong length"),
];

impl From<CkError> for Error {
    fn from(error: CkError) -> Self {
        let hint = HINTS.iter().find(|(kind, _)| *kind == error.kind() && error.detail().is_empty());
        Error::Failed(match hint {
            Some((kind, hint)) => format!("{hint} ({})", kind.name()),
            None => error.to_string(),
        })
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        CkError::from(kind).into()
    }
}

impl From<crate::store::Error> for Error {
    fn from(error: crate::store::Error) -> Self {
        Error::Failed(error.to_string())
    }
}

impl From<crate::crypto::Error> for Error {
    fn from(error: crate::crypto::Error) -> Self {
        Error::Failed(error.to_string())
    }
}
