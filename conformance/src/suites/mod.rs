//! The suites.

mod arguments;
mod calls;
mod defects;
mod fixture;
mod nist;
mod oasis;
mod wycheproof;

use crate::runner::Suite;

/// Every suite, in the order in which they run.
pub fn all() -> Vec<Suite> {
    vec![
        oasis::suite(),
        calls::suite(),
        arguments::suite(),
        defects::suite(),
        wycheproof::suite(),
        nist::suite(),
    ]
}
