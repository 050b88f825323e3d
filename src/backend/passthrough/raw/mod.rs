//! The unsafe part of passthrough: loading a library, calling it, and the C structures that calls take.
//!
//! [`loaded`] is a library in this process, [`remote`] one in a process of its own; [`api`] holds the calls that keyward
//! itself makes, in safe terms, [`build`] the C structures that they take. What applications call is passed on by `ffi` straight to [`Library`].
//!
//! [`Library`]: crate::types::functions::Library

mod api;
mod build;
mod loaded;
mod plain;
mod remote;
mod through_remote;

pub use api::{Api, OpenedSession};
pub use loaded::Loaded;
