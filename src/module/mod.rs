//! Room for module.
