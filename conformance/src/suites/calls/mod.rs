//! Call sequences and errors: what every function answers when it is called out of order, with wrong
//! handles, wrong templates or wrong pointers, as the specification's function chapters say.

mod combined;
mod encapsulation;
mod fork;
pub(super) mod general;
mod hashes;
pub(super) mod hostile;
pub(super) mod keys;
pub(super) mod login;
mod messages;
mod objects;
pub(super) mod operations;
mod prehash;
mod search;
pub(super) mod sessions;
pub(super) mod streams;
mod sweep;
mod symmetric;
mod threads;
mod validation;

use crate::runner::{Case, Suite};

/// The suite.
pub fn suite() -> Suite {
    let cases: Vec<Vec<Case>> = vec![
        sweep::cases(),
        general::cases(),
        sessions::cases(),
        login::cases(),
        objects::cases(),
        search::cases(),
        operations::cases(),
        combined::cases(),
        messages::cases(),
        streams::cases(),
        keys::cases(),
        encapsulation::cases(),
        hashes::cases(),
        prehash::cases(),
        hostile::cases(),
        fork::cases(),
        threads::cases(),
        symmetric::cases(),
        validation::cases(),
    ];
    Suite { name: "calls", cases: cases.into_iter().flatten().collect() }
}
