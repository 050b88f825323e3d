//! The way to cloud services: HTTPS, credentials, retries. Blocking, without a thread or a runtime.
//!
//! [`Http`] sends one request over kept-alive connections; [`Caller`] decides whether a failed one is tried again, and
//! keeps away from a service that is down. One folder per provider knows how its requests are authenticated and what its
//! errors mean. What a service is used for, keys or secrets, is said by the rooms above.
//!
//! Nothing here is shared with a forked child: the C ABI gives it a module of its own, and leaks this one's connections
//! untouched (`ffi::state`).
//!
//! Locks: each is held for a look or a change in memory, none while a request is on its way.

pub mod aws;
pub mod azure;
pub mod bearer;
mod caller;
mod connection;
mod environment;
mod error;
pub mod gcp;
pub mod http;
pub mod oauth;
mod secret_text;
pub mod text;
pub mod vault;

pub use caller::{Caller, Deadline, Limits, Repeat};
pub use connection::Connection;
pub use environment::Environment;
pub use error::{Error, Kind, Result};
pub use http::{Http, HttpSettings, Request, Response};
pub use secret_text::SecretText;
