//! The provider of pure Rust, on the RustCrypto and dalek crates: what keyward is built on where AWS-LC can't be, and the
//! second opinion that differential tests ask where it is.
