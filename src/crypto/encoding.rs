//! DER.
