//! The backends: each implements the traits of `token`, none knows another.
