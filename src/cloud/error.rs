//! What went wrong with a service, in the words that every provider's errors are put into.

use std::fmt;
use std::time::Duration;

/// What a call to a service answers.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of trouble it is: decides whether to try again, and which CKR it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The service was never reached: no name, no connection, no TLS. Nothing was sent.
    Unreachable,
    /// The connection broke or took too long after something may have been sent.
    Broken,
    /// The service says that it can't serve now: 5xx.
    Unavailable,
    /// The service is there, and closed: a sealed vault.
    Sealed,
    /// Too many requests.
    Throttled,
    /// No credentials, or ones that are wrong or expired.
    Unauthenticated,
    /// The credentials don't allow it.
    Denied,
    /// There is no such key, secret or place.
    NotFound,
    /// The key is there, and may not be used: disabled, or to be destroyed.
    Disabled,
    /// The service refuses the request as such.
    Refused,
    /// A ciphertext that the key did not make.
    BadCiphertext,
    /// Somebody else was faster: a check-and-set failed, or the name is taken.
    Conflict,
    /// The answer is damaged, or not what the service is known to answer.
    Corrupt,
    /// The machine's or the entry's configuration lacks something.
    Configuration,
}

/// A service's trouble. The text names the service's own code and message, never a secret, a body or a header.
#[derive(Debug, Clone)]
pub struct Error {
    kind: Kind,
    what: String,
    retry_after: Option<Duration>,
    lasts: bool,
}

impl Error {
    /// An error with a reason.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Error { kind, what: what.into(), retry_after: None, lasts: false }
    }

    /// The same with the time that the service asked to wait.
    pub fn after(self, retry_after: Option<Duration>) -> Self {
        Error { retry_after, ..self }
    }

    /// The same as another kind.
    pub fn with_kind(self, kind: Kind) -> Self {
        Error { kind, ..self }
    }

    /// The same, but of a sort that stays: trying again soon is of no use.
    pub fn lasting(self) -> Self {
        Error { lasts: true, ..self }
    }

    /// Which kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How long the service asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether it stays as it is for long, though another of its kind would not.
    pub fn is_lasting(&self) -> bool {
        self.lasts
    }

    /// Whether the same request may fare better later.
    pub fn is_temporary(&self) -> bool {
        matches!(self.kind, Kind::Unreachable | Kind::Broken | Kind::Unavailable | Kind::Throttled)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {}
