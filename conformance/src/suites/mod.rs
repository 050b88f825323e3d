//! The suites.

mod wycheproof;

use crate::runner::Suite;

/// Every suite, in the order in which they run.
pub fn all() -> Vec<Suite> {
    vec![wycheproof::suite()]
}
