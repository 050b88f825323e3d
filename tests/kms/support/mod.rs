//! What the tests of all providers use.

pub mod child;
pub mod desk;
pub mod direct;
pub mod judge;
pub mod mock;
pub mod openbao;
pub mod proxy;
pub mod python_server;
