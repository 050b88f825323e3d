//! The suites.

mod calls;
mod fixture;
mod wycheproof;

use crate::runner::Suite;

/// Every suite, in the order in which they run.
pub fn all() -> Vec<Suite> {
    vec![calls::suite(), wycheproof::suite()]
}
