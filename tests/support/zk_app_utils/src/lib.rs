//! A simulator of Zymbit's `libzk_app_utils.so`, for tests: no hardware is behind it.
//!
//! The shared library exports the vendor's C functions; what they do is written down in README.md beside this crate,
//! with every assumption that the vendor's page leaves open. As a Rust library it offers [`Simulator`], which makes
//! devices, injects faults and breaches into them, and reads what was called.

mod api;
mod arguments;
mod call;
mod control;
mod curve;
mod files;
mod lock;
mod model;
mod pem;
mod slots;
mod wallet;

pub use control::Simulator;
