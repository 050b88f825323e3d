//! What backends share whose keys or session objects are in this process: objects with their parsed keys, session
//! objects with their index, the checks before a key is used, and the operations with it; PINs and certificates from the
//! configuration. Nothing here knows a backend.

mod certificate;
mod gate;
mod index;
mod object;
mod operations;
mod session_objects;

pub use certificate::{certificate, certificates_in};
pub use gate::{Gate, MAX_PIN_LEN};
pub use index::indexed;
pub use object::{
    FIRST_SESSION_OBJECT, MIN_RSA_BYTES, OPERATION_FLAGS, Object, allows, caller, check_strength,
    expect_no_pin_wanted, expect_usable, hash_text, is_secret_type, no_object_as, operation, revealed, row,
    slot_id, unique_id, visible, wrong_type_as,
};
pub use operations::{
    Keeper, add_one, derive, digest_key, key_for, make_key, make_key_pair, prepare, unwrap, wrap,
};
pub use session_objects::SessionObjects;
