//! Defects that were measured in widely used modules, one named case each.
//!
//! A case that the `calls` suite has already is listed again under the defect's name: the point of this
//! suite is that each known defect can be looked up and is caught in any module.

mod ciphers;
mod interfaces;
mod objects;
mod pins;
mod signatures;

use super::calls::{general, hostile, keys, login, operations, sessions, streams};
use crate::runner::{Case, Check, Context, Suite};

type Run = fn(&Context) -> Check;

/// Defects that the call-sequence suite catches, by the name of the defect.
const ALIASES: &[(&str, Run)] = &[
    ("ecdsa_with_hash_fails_in_parts", streams::ec_signatures_in_parts),
    ("one_shot_accepted_after_update", streams::one_shot_after_update),
    ("errors_leave_the_operation_active", operations::error_ends_the_operation),
    ("logout_of_nobody_succeeds", login::logout_without_login),
    ("finalize_accepts_a_pointer", general::finalize_with_reserved_pointer),
    ("session_without_serial_flag", sessions::open_without_serial_flag),
    ("bad_key_handle_has_another_code", operations::init_with_bad_key_handle),
    ("bad_iv_length_has_another_code", operations::init_with_wrong_parameters),
    ("listed_mechanism_without_information", general::every_listed_mechanism_has_information),
    ("key_unwrap_accepts_odd_lengths", keys::unwrap_errors),
    ("ecdsa_signature_of_wrong_length", operations::signature_length_errors),
    ("unsupported_curve_has_another_code", keys::generate_ec_errors),
    ("random_into_null_crashes", hostile::null_random),
    ("null_aad_with_length_crashes", hostile::null_pointers_inside_parameters),
    ("old_pbkdf2_layout_allocates_what_it_reads", hostile::pbkdf2_in_the_old_layout),
    ("requested_lengths_are_allocated_unchecked", hostile::huge_requested_lengths),
];

/// The suite.
pub fn suite() -> Suite {
    let mut cases: Vec<Case> = ALIASES.iter().map(|(name, run)| Case::single(name, *run)).collect();
    cases.extend(interfaces::cases());
    cases.extend(signatures::cases());
    cases.extend(ciphers::cases());
    cases.extend(objects::cases());
    cases.extend(pins::cases());
    Suite { name: "defects", cases }
}
