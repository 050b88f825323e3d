//! Cloud keys: each provider against a real server, an emulator, or a mock that the official client accepts.

#![allow(clippy::unwrap_used)]

mod support;
mod vault;
