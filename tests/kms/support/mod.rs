//! What the tests of all providers use.

pub mod desk;
pub mod python_server;
