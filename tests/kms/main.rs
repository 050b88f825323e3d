//! Cloud keys: each provider against a real server, an emulator, or a mock that the official client accepts.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod pin;
mod stores;
mod support;
mod vault;
