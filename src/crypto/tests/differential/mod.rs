//! Both providers, asked the same.

mod asymmetric;
