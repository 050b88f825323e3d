//! Room for object.
