//! Call sequences and errors: what every function answers when it is called out of order, with wrong
//! handles, wrong templates or wrong pointers, as the specification's function chapters say.

mod fork;
mod general;
mod hostile;
mod keys;
mod login;
mod objects;
mod operations;
mod search;
mod sessions;
mod streams;
mod sweep;
mod threads;

use crate::runner::{Case, Suite};

/// The suite.
pub fn suite() -> Suite {
    let cases: [Vec<Case>; 12] = [
        sweep::cases(),
        general::cases(),
        sessions::cases(),
        login::cases(),
        objects::cases(),
        search::cases(),
        operations::cases(),
        streams::cases(),
        keys::cases(),
        hostile::cases(),
        fork::cases(),
        threads::cases(),
    ];
    Suite { name: "calls", cases: cases.into_iter().flatten().collect() }
}
