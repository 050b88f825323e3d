//! What the tests of all providers use.

pub mod openbao;
pub mod python_server;
