//! What the tests of all providers use.

pub mod desk;
pub mod openbao;
pub mod proxy;
pub mod python_server;
