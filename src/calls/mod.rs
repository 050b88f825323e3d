//! One safe function per C_ function, one file per family of the specification. No pointers, no crypto.

pub mod foreign;
pub mod general;
pub mod key;
pub mod message;
pub mod object;
pub mod operation;
pub mod operation_state;
pub mod session;
pub mod slot;
