//! What the tests of all providers use.

pub mod child;
pub mod direct;
pub mod mock;
pub mod python_server;
pub mod slot;
