//! Room for token.
