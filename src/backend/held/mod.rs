//! What backends share whose keys or session objects are in this process: objects with their parsed keys, session
//! objects with their index, the checks before a key is used, and the operations with it. Nothing here knows a backend.

mod index;
mod object;
mod operations;
mod session_objects;

pub use index::indexed;
pub use object::{
    FIRST_SESSION_OBJECT, MIN_RSA_BYTES, Object, allows, caller, check_strength, expect_no_pin_wanted,
    expect_usable, operation, row, shown_point, unique_id, visible,
};
pub use operations::{Keeper, add_one, derive, key_for, make_key, make_key_pair, prepare, unwrap, wrap};
pub use session_objects::SessionObjects;
