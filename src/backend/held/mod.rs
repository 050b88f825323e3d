//! What backends share whose keys or session objects are in this process: objects with their parsed keys, session
//! objects with their index, and the checks before a key is used. Nothing here knows a backend.

mod index;
mod object;
mod session_objects;

pub use index::indexed;
pub use object::{
    FIRST_SESSION_OBJECT, Object, allows, caller, check_strength, expect_no_pin_wanted, expect_usable,
    operation, row, shown_point, unique_id, visible, wrong_type_as,
};
pub use session_objects::SessionObjects;
