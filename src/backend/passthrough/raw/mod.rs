//! What needs raw pointers: the lower library's functions.

pub mod remote;
