//! A call of each function as it should be.

mod keys;
mod messages;
mod objects;
mod operations;
mod sessions;

use cryptoki_sys::{CK_FLAGS, CK_MECHANISM_TYPE};

use super::call::Arg;
use super::scene::Scene;
use crate::Session;
use crate::runner::Check;

type Begin = fn(&Scene, &Session) -> Check;
type Arguments = fn(&Scene, &Session) -> Check<Vec<Arg>>;

/// One function and its call.
pub struct Row {
    /// Its name.
    pub function: &'static str,
    /// What the token must offer.
    pub needs: &'static [(CK_MECHANISM_TYPE, CK_FLAGS)],
    /// Brings the session into the state that the function needs.
    pub begin: Option<Begin>,
    /// That state is not an operation of the session.
    pub optional: bool,
    /// It begins an operation, of which a session has one.
    pub begins: bool,
    /// Any error but CKR_BUFFER_TOO_SMALL ends the operation, says its section.
    pub ends: bool,
    /// Its arguments.
    pub arguments: Arguments,
}

/// A function that needs no state.
fn row(function: &'static str, arguments: Arguments) -> Row {
    Row { function, needs: &[], begin: None, optional: false, begins: false, ends: false, arguments }
}

impl Row {
    fn needs(mut self, needs: &'static [(CK_MECHANISM_TYPE, CK_FLAGS)]) -> Self {
        self.needs = needs;
        self
    }

    fn after(mut self, begin: Begin) -> Self {
        self.begin = Some(begin);
        self
    }

    fn in_login(mut self, begin: Begin) -> Self {
        (self.begin, self.optional) = (Some(begin), true);
        self
    }

    fn begins(mut self) -> Self {
        self.begins = true;
        self
    }

    fn ends(mut self) -> Self {
        self.ends = true;
        self
    }
}

/// Every row.
pub fn all() -> Vec<Row> {
    let families = [sessions::rows(), objects::rows(), operations::rows(), messages::rows(), keys::rows()];
    families.into_iter().flatten().collect()
}
