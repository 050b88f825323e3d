//! Vectors from outside.
