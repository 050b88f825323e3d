//! keyward: one shared library that speaks PKCS#11 (v2.40, v3.0, v3.2) and maps slots to token backends.
//!
//! Data flows one way: `ffi → calls → module → token ← backend → {object, mechanism, crypto, store, cloud}`;
//! `error` and `types` lie beneath all. `docs/ARCHITECTURE.md` tells what each room is for.

pub mod backend;
pub mod calls;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "kms")]
pub mod cloud;
pub mod config;
pub mod crypto;
pub mod error;
pub mod ffi;
pub mod mechanism;
pub mod module;
pub mod object;
pub mod observe;
pub mod store;
pub mod token;
pub mod types;

/// This library's own: the host has another.
#[cfg(feature = "kms")]
#[global_allocator]
static ALLOCATOR: types::Wiping = types::Wiping;
