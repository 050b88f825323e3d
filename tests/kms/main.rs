//! Cloud keys: each provider against a real server, an emulator, or a mock that the official client accepts.

#![allow(clippy::unwrap_used, clippy::panic)]

mod aws;
mod azure;
#[path = "../common/mod.rs"]
mod common;
mod gcp;
mod group;
mod pin;
mod promises;
mod stores;
mod support;
mod vault;
