//! Room for crypto.
