//! What a service has to do for a [`RemoteStore`](super::RemoteStore): keep named documents, and change one only if
//! nobody else did.

use crate::cloud::{Deadline, Result};

/// What tells one state of a document from every other that it had or will have: the service's own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(pub String);

/// A document as it was read.
#[derive(Clone)]
pub struct Document {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Which state of it this is.
    pub version: Version,
}

/// What a service takes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest document in bytes.
    pub document: usize,
    /// The size that documents of rows are filled to, in bytes: what a change of one row has to send again.
    pub chunk: usize,
}

/// Named documents in one place of a service. Each method is one request, or a few.
pub trait Documents: Send + Sync {
    /// The service and the place in it, for people: `vault secret/keyward/fleet`.
    fn place(&self) -> String;
    /// What tells the place from every other, for the serial number: the same in every process. No network, no secret.
    fn identity(&self) -> String;
    /// What it takes.
    fn limits(&self) -> Limits;
    /// When a call that begins now has to be over.
    fn deadline(&self) -> Deadline;

    /// A document; `None` where there is none.
    fn read(&self, name: &str, deadline: Deadline) -> Result<Option<Document>>;

    /// Writes a document whole, if it is still at `expected`; `None`: if there is none. The service itself compares and
    /// writes in one step. [`crate::cloud::Kind::Conflict`] where it is not, and nothing was written.
    ///
    /// After [`Kind::Broken`](crate::cloud::Kind::Broken), [`Kind::Unavailable`](crate::cloud::Kind::Unavailable) and
    /// [`Kind::Corrupt`](crate::cloud::Kind::Corrupt) it is not known whether it was written; after every other error it
    /// was not.
    fn write(
        &self,
        name: &str,
        bytes: &[u8],
        expected: Option<&Version>,
        deadline: Deadline,
    ) -> Result<Version>;

    /// Removes a document with its history. One that is gone already is no error.
    fn delete(&self, name: &str, deadline: Deadline) -> Result<()>;
}
