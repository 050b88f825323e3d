//! Room for calls.
