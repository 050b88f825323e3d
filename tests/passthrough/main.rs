//! The passthrough backend over a library that misbehaves as told (tests/support/faulty): what arrives there, what
//! comes back, and what becomes of its troubles.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod forwarding;
mod journey;
mod libraries;
mod objects;
mod recovery;
mod sessions;
mod slots;
mod support;
mod trouble;
