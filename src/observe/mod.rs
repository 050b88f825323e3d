//! Room for observe.
