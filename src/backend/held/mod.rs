//! What backends share whose keys or session objects are in this process: objects with their parsed keys, session
//! objects with their index, the policy that decides on mechanisms, keys and new objects, and the operations with keys;
//! PINs and certificates from the configuration; and the session of tokens whose keys are elsewhere. Nothing here knows a
//! backend.

mod certificate;
mod gate;
mod index;
mod object;
mod operations;
mod outside;
mod policy;
mod session_objects;
mod validation;

pub use certificate::{certificate, certificates_in};
pub use gate::{Gate, MAX_PIN_LEN};
pub use index::indexed;
pub use object::{
    FIRST_SESSION_OBJECT, OPERATION_FLAGS, Object, caller, expect_no_pin_wanted, hash_text, is_secret_type,
    no_object_as, operation, revealed, slot_id, unique_id, visible, wrong_type_as,
};
pub use operations::{
    Keeper, add_one, decapsulate, derive, digest_key, encapsulate, key_for, make_key, make_key_pair, prepare,
    prepare_signature, unwrap, wrap,
};
pub use outside::{Kept, Outside, OutsideSession, Target};
pub use policy::{Admitted, Offer, UsableKey, expect_strong, expect_usable, judges_sizes};
pub use session_objects::SessionObjects;
pub use validation::{VALIDATION_FLAG, validations};
