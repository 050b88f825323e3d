//! Room for ffi.
