//! What the tests of all providers use.

#![allow(dead_code)]

pub mod desk;
pub mod judge;
pub mod openbao;
pub mod proxy;
pub mod python_server;
