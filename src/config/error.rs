//! Why a configuration was refused.

use std::fmt;

use crate::error::{Error as CkError, ErrorKind};

use super::Origin;

/// What reading the configuration answers.
pub type Result<T> = std::result::Result<T, Error>;

/// A refused configuration: where, and what to do, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    place: String,
    why: String,
    reserved: bool,
}

impl Error {
    pub(super) fn new(place: impl fmt::Display, why: impl fmt::Display) -> Error {
        Error { place: place.to_string(), why: why.to_string(), reserved: false }
    }

    pub(super) fn at(origin: &Origin, why: impl fmt::Display) -> Error {
        Error { reserved: *origin == Origin::Reserved, ..Error::new(origin, why) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

impl std::error::Error for Error {}

impl From<Error> for CkError {
    /// C_Initialize's list has CKR_ARGUMENTS_BAD for a bad `pReserved` and CKR_FUNCTION_FAILED for the rest.
    fn from(error: Error) -> Self {
        let kind = match error.reserved {
            true => ErrorKind::ArgumentsBad,
            false => ErrorKind::FunctionFailed,
        };
        CkError::new(kind, error.to_string())
    }
}
