//! What can go wrong with a token's storage, and the one place that turns it into a CKR.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::crypto;
use crate::error::{Error as CkError, ErrorKind};

/// What a store answers.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a store could not do it. Each displays as one line that names the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The file's structure is broken: truncated, overwritten, inconsistent.
    Damaged {
        /// The token's file.
        file: PathBuf,
        /// What was found.
        why: String,
    },
    /// A sealed row or PIN record does not open: it was damaged, edited, or moved here from elsewhere.
    Unsealed {
        /// The token's serial.
        serial: String,
        /// Which part: `object 7`, `the user PIN record`.
        what: String,
    },
    /// The file is no keyward token.
    Foreign {
        /// The file.
        file: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// The file was written by a newer keyward.
    Newer {
        /// The token's file.
        file: PathBuf,
        /// Its schema version.
        found: u32,
        /// The newest schema version that this build reads.
        known: u32,
    },
    /// A change to a token that can only be read.
    ReadOnly {
        /// The token's file.
        file: PathBuf,
    },
    /// The disk, or the quota, is full.
    Full {
        /// The token's file.
        file: PathBuf,
    },
    /// Another process kept the file locked for longer than the configured wait.
    Busy {
        /// The token's file.
        file: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// Others kept writing to the token for as long as a call may take.
    Contended {
        /// The service and the place in it.
        place: PathBuf,
        /// How long was tried.
        waited: Duration,
    },
    /// The operating system or the service denies access.
    Access {
        /// The file or directory.
        file: PathBuf,
        /// What it said.
        why: String,
    },
    /// The token's file is gone.
    Missing {
        /// The token's file.
        file: PathBuf,
    },
    /// A file of that name is already there.
    Exists {
        /// The token's file.
        file: PathBuf,
    },
    /// Every row number of the file has been used.
    Exhausted {
        /// The token's file.
        file: PathBuf,
    },
    /// The service that holds the token was never reached, or is closed.
    Unreached {
        /// The service and the place in it.
        place: PathBuf,
        /// Why.
        why: String,
    },
    /// Input or output failed otherwise.
    Io {
        /// The file or directory.
        file: PathBuf,
        /// What the operating system or SQLite said.
        why: String,
    },
    /// A row is larger than [`MAX_SEALED`](super::MAX_SEALED), or than this store takes.
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The largest there may be.
        most: usize,
    },
    /// Memory ran out.
    Memory,
    /// No such row.
    NotFound,
    /// The PIN is wrong.
    WrongPin,
    /// Too many wrong PINs in a row.
    Locked,
    /// The user's PIN has not been set.
    NoPin,
    /// The store was opened by the parent of this process.
    Abandoned,
    /// The random generator or a primitive failed.
    Crypto(String),
    /// Another layer's error, out of a closure: passed through.
    Caller(CkError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Damaged { file, why } => {
                write!(f, "{}: damaged: {why}; restore it from a copy", file.display())
            }
            Error::Unsealed { serial, what } => {
                write!(
                    f,
                    "token {serial}: {what} fails its integrity check: damaged, edited, or from another token"
                )
            }
            Error::Foreign { file, why } => write!(f, "{}: not a keyward token: {why}", file.display()),
            Error::Newer { file, found, known } => write!(
                f,
                "{}: written by a newer keyward (schema {found}; this one knows up to {known}); upgrade keyward",
                file.display()
            ),
            Error::ReadOnly { file } => {
                write!(f, "{}: can only be read; nothing was changed", file.display())
            }
            Error::Full { file } => {
                write!(f, "{}: the disk, the quota or the token is full; nothing was changed", file.display())
            }
            Error::Busy { file, waited } => write!(
                f,
                "{}: still locked by another process after {} ms; try again, or raise soft.busy_timeout_ms",
                file.display(),
                waited.as_millis()
            ),
            Error::Contended { place, waited } => write!(
                f,
                "{}: others kept writing to it for {} ms; nothing was changed; try again",
                place.display(),
                waited.as_millis()
            ),
            Error::Access { file, why } => write!(f, "{}: access denied: {why}", file.display()),
            Error::Missing { file } => write!(f, "{}: the token is gone", file.display()),
            Error::Exists { file } => write!(f, "{}: already exists", file.display()),
            Error::Exhausted { file } => {
                write!(
                    f,
                    "{}: every object number has been used; move the objects to a new token",
                    file.display()
                )
            }
            Error::Unreached { place: file, why } | Error::Io { file, why } => {
                write!(f, "{}: {why}", file.display())
            }
            Error::TooLarge { size, most } => {
                write!(f, "an object of {size} bytes is larger than this token takes ({most} bytes)")
            }
            Error::Memory => f.write_str("out of memory"),
            Error::NotFound => f.write_str("no such object"),
            Error::WrongPin => f.write_str("the PIN is wrong"),
            Error::Locked => f.write_str("the PIN is locked after too many wrong ones"),
            Error::NoPin => f.write_str("the user PIN has not been set: the SO sets it"),
            Error::Abandoned => {
                f.write_str("the token was opened before a fork: call C_Initialize in the child")
            }
            Error::Crypto(why) => f.write_str(why),
            Error::Caller(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// The specification's return value. CKR_FUNCTION_FAILED for a lock that others hold: it is the one value in
    /// every function's list that invites a retry and says nothing against the device.
    fn kind(&self) -> ErrorKind {
        match self {
            Error::Damaged { .. } | Error::Unsealed { .. } | Error::Io { .. } | Error::Access { .. } => {
                ErrorKind::DeviceError
            }
            Error::Foreign { .. } | Error::Newer { .. } => ErrorKind::TokenNotRecognized,
            Error::ReadOnly { .. } => ErrorKind::TokenWriteProtected,
            Error::Full { .. } | Error::Exhausted { .. } | Error::TooLarge { .. } => ErrorKind::DeviceMemory,
            Error::Busy { .. } | Error::Contended { .. } | Error::Exists { .. } | Error::Crypto(_) => {
                ErrorKind::FunctionFailed
            }
            Error::Missing { .. } => ErrorKind::DeviceRemoved,
            Error::Unreached { .. } => ErrorKind::TokenNotPresent,
            Error::Memory => ErrorKind::HostMemory,
            Error::NotFound => ErrorKind::ObjectHandleInvalid,
            Error::WrongPin => ErrorKind::PinIncorrect,
            Error::Locked => ErrorKind::PinLocked,
            Error::NoPin => ErrorKind::UserPinNotInitialized,
            Error::Abandoned => ErrorKind::CryptokiNotInitialized,
            Error::Caller(error) => error.kind(),
        }
    }
}

impl From<Error> for CkError {
    fn from(error: Error) -> Self {
        match error {
            Error::Caller(error) => error,
            error => CkError::new(error.kind(), error.to_string()),
        }
    }
}

impl From<CkError> for Error {
    fn from(error: CkError) -> Self {
        Error::Caller(error)
    }
}

impl From<crypto::Error> for Error {
    fn from(error: crypto::Error) -> Self {
        match error {
            crypto::Error::Memory => Error::Memory,
            other => Error::Crypto(other.to_string()),
        }
    }
}
