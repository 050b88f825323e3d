//! What the tests of all providers use.

pub mod python_server;
