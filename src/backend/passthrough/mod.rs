//! Slots of another PKCS#11 library.

pub mod raw;
