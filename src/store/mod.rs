//! Room for store.
