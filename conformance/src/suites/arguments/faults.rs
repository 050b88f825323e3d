//! What can be wrong with a call, derived from its arguments, and what the specification says to each.

use std::ffi::c_void;

use cryptoki_sys::*;

use super::call::{Arg, KeyArg};
use super::rows::Row;
use crate::{Attr, Mech, names, ulen};

/// One thing that is wrong with a call that is right otherwise.
pub struct Fault {
    /// What it is, as a part of the verdict's name.
    pub what: String,
    /// How the call differs.
    pub edit: Edit,
    /// How the session differs.
    pub state: State,
    /// The answers that the specification names.
    pub expected: Vec<CK_RV>,
}

/// A change to the arguments.
pub enum Edit {
    /// None.
    Keep,
    /// A word gets another value: the index of the argument, the word within it, the value.
    Word(usize, usize, usize),
    /// An argument is another one.
    Argument(usize, Arg),
    /// The first value of a template is at a null pointer.
    NullValue(usize),
    /// The room of the output buffer.
    Room(CK_ULONG),
    /// Every word but the session is 0.
    Zero,
}

/// The state of session and token at the call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As the function needs it.
    Ready,
    /// Nothing was begun.
    Idle,
    /// The same was begun already.
    Begun,
    /// The session is closed.
    Closed,
    /// The session is read-only.
    ReadOnly,
    /// Nobody is logged in.
    Public,
}

const BAD: &[CK_RV] = &[CKR_ARGUMENTS_BAD];
const PARAMETER: &[CK_RV] = &[CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD];
/// A handle that no module gives.
const NO_HANDLE: CK_OBJECT_HANDLE = 0x7fff_ff00;

fn fault(what: impl Into<String>, edit: Edit, expected: &[CK_RV]) -> Fault {
    Fault { what: what.into(), edit, state: State::Ready, expected: expected.to_vec() }
}

fn in_state(what: &str, edit: Edit, state: State, expected: CK_RV) -> Fault {
    Fault { what: what.to_owned(), edit, state, expected: vec![expected] }
}

/// Everything that can be wrong with `row`'s call. `length` is that of the output, where there is one, and `data` an
/// object that is no key.
pub fn faults(row: &Row, arguments: &[Arg], length: CK_ULONG, data: CK_OBJECT_HANDLE) -> Vec<Fault> {
    let mut all = states(row);
    for (index, argument) in arguments.iter().enumerate() {
        match argument {
            Arg::Session | Arg::Value(_) | Arg::LastIn(_) => {}
            Arg::In(bytes) if bytes.is_empty() => {}
            Arg::In(_) => all.push(null(index, 0, "null_with_a_length")),
            Arg::Fill(_) => all.push(null(index, 0, "null")),
            Arg::Place(_) => all.push(null(index, 0, "null")),
            Arg::Out(_) => all.extend(outputs(index, length)),
            Arg::LastOut(_) => all.extend(rooms(index, length)),
            Arg::Message(_, other) => all.extend(mechanisms(row, index, *other)),
            Arg::Mechanism(mech, other) => {
                all.extend(mechanisms(row, index, *other));
                all.extend(mechanism_parameters(index, mech, *other));
            }
            Arg::Parameter(mech) => all.extend(parameters(index, mech)),
            Arg::Template(attributes) => all.extend(templates(row, index, attributes)),
            Arg::Search(attributes) => {
                all.push(null(index, 0, "null_with_a_count"));
                // A search for what nothing has may find nothing.
                if !row.begins {
                    all.push(unknown_attribute(index, attributes, &Arg::Search));
                }
            }
            Arg::Wanted(..) => all.push(null(index, 0, "null_with_a_count")),
            Arg::Object(_) => all.extend([0, NO_HANDLE].map(|handle| {
                fault(
                    at(index, &format!("object_{handle:x}")),
                    Edit::Argument(index, Arg::Object(handle)),
                    &[CKR_OBJECT_HANDLE_INVALID],
                )
            })),
            Arg::Key(key) => all.extend(keys(index, *key, data)),
        }
    }
    all
}

fn at(index: usize, what: &str) -> String {
    format!("argument_{index}_{what}")
}

fn null(index: usize, word: usize, what: &str) -> Fault {
    fault(at(index, what), Edit::Word(index, word, 0), BAD)
}

/// Sessions and operations that are not there. An invalid session comes before all other errors (section 5.1.7).
fn states(row: &Row) -> Vec<Fault> {
    let mut all = vec![in_state("closed_session", Edit::Zero, State::Closed, CKR_SESSION_HANDLE_INVALID)];
    if row.begin.is_some() && !row.optional {
        all.push(in_state("nothing_begun", Edit::Keep, State::Idle, CKR_OPERATION_NOT_INITIALIZED));
    }
    if row.begins {
        all.push(in_state("begun_already", Edit::Keep, State::Begun, CKR_OPERATION_ACTIVE));
    }
    all
}

fn outputs(index: usize, length: CK_ULONG) -> Vec<Fault> {
    let mut all = rooms(index, length);
    all.push(fault(at(index, "null_length"), Edit::Word(index, 1, 0), BAD));
    all
}

/// Section 5.2: a length alone, or too small a buffer, tells the length and changes nothing.
fn rooms(index: usize, length: CK_ULONG) -> Vec<Fault> {
    let mut all = Vec::new();
    if length > 0 {
        for (what, room) in [("no_room", 0), ("a_byte_too_small", length - 1)] {
            all.push(fault(at(index, what), Edit::Room(room), &[CKR_BUFFER_TOO_SMALL]));
        }
        all.push(fault(at(index, "size_query"), Edit::Word(index, 0, 0), &[CKR_OK]));
    }
    all
}

fn mechanisms(row: &Row, index: usize, other: CK_MECHANISM_TYPE) -> Vec<Fault> {
    let mut all = Vec::new();
    // A null mechanism ends the operation in every function that begins one.
    if !row.begins {
        all.push(null(index, 0, "null"));
    }
    for kind in [0x7fff_0000, other] {
        let wrong = Arg::Mechanism(Mech::new(kind), kind);
        let what = format!("mechanism_{}", names::name(names::CKM, kind));
        all.push(fault(at(index, &what), Edit::Argument(index, wrong), &[CKR_MECHANISM_INVALID]));
    }
    all
}

fn mechanism_parameters(index: usize, mech: &Mech, other: CK_MECHANISM_TYPE) -> Vec<Fault> {
    let mut all = Vec::new();
    let (pointer, whole) = mech.parameter();
    let claimed = |pointer: *mut c_void, len| {
        let wrong = Mech::new(mech.kind).claim_pointer(pointer).claim_len(len);
        Edit::Argument(index, Arg::Mechanism(wrong, other))
    };
    let null_pointer = std::ptr::null_mut();
    if whole > 0 {
        all.push(fault(at(index, "null_parameter_with_a_length"), claimed(null_pointer, whole), PARAMETER));
        all.push(fault(at(index, "no_parameter"), claimed(null_pointer, 0), PARAMETER));
        all.push(fault(at(index, "short_parameter"), claimed(pointer, whole - 1), PARAMETER));
    } else {
        let extra = Arg::Mechanism(Mech::bytes(mech.kind, &[1; 8]), other);
        all.push(fault(at(index, "parameter_of_none"), Edit::Argument(index, extra), PARAMETER));
    }
    all
}

fn parameters(index: usize, mech: &Mech) -> Vec<Fault> {
    let (_, whole) = mech.parameter();
    if whole == 0 {
        return Vec::new();
    }
    let short = crate::size(whole) - 1;
    vec![
        fault(at(index, "null_parameter"), Edit::Word(index, 0, 0), PARAMETER),
        fault(at(index, "short_parameter"), Edit::Word(index, 1, short), PARAMETER),
    ]
}

fn unknown_attribute(index: usize, base: &[Attr], make: &dyn Fn(Vec<Attr>) -> Arg) -> Fault {
    let unknown = with(base, &[Attr::bool(0x7fff_0000, true)]);
    fault(at(index, "unknown_attribute"), Edit::Argument(index, make(unknown)), &[CKR_ATTRIBUTE_TYPE_INVALID])
}

fn with(base: &[Attr], extra: &[Attr]) -> Vec<Attr> {
    base.iter().chain(extra).cloned().collect()
}

/// Section 4.1.1, for every function that makes an object.
fn templates(row: &Row, index: usize, base: &[Attr]) -> Vec<Fault> {
    let template = |what: &str, extra: &[Attr], expected: &[CK_RV]| {
        fault(at(index, what), Edit::Argument(index, Arg::Template(with(base, extra))), expected)
    };
    let without =
        |kind| -> Vec<Attr> { base.iter().filter(|attribute| attribute.kind() != kind).cloned().collect() };
    let mut all = vec![
        null(index, 0, "null_with_a_count"),
        unknown_attribute(index, base, &Arg::Template),
        template("two_labels", &[Attr::label("one"), Attr::label("two")], &[CKR_TEMPLATE_INCONSISTENT]),
        template("long_boolean", &[Attr::bytes(CKA_MODIFIABLE, &[1, 0])], &[CKR_ATTRIBUTE_VALUE_INVALID]),
        template("empty_boolean", &[Attr::bytes(CKA_MODIFIABLE, &[])], &[CKR_ATTRIBUTE_VALUE_INVALID]),
        template(
            "attribute_of_another_class",
            &[Attr::string(CKA_APPLICATION, "x")],
            &[CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID],
        ),
        fault(
            at(index, "null_value_with_a_length"),
            Edit::NullValue(index),
            &[CKR_ARGUMENTS_BAD, CKR_ATTRIBUTE_VALUE_INVALID],
        ),
    ];
    // A copy takes any attribute that it may change; the others make a key, which says itself where it is from.
    if row.function != "C_CopyObject" {
        let read_only = [CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID];
        all.push(template("local", &[Attr::bool(CKA_LOCAL, true)], &read_only));
        let wrong = with(&without(CKA_CLASS), &[Attr::class(CKO_CERTIFICATE)]);
        let refusals = [CKR_TEMPLATE_INCONSISTENT, CKR_TEMPLATE_INCOMPLETE];
        all.push(fault(at(index, "another_class"), Edit::Argument(index, Arg::Template(wrong)), &refusals));
        let odd = with(&without(CKA_KEY_TYPE), &[Attr::bytes(CKA_KEY_TYPE, &[0; 3])]);
        let refusals = [CKR_ATTRIBUTE_VALUE_INVALID];
        all.push(fault(at(index, "short_key_type"), Edit::Argument(index, Arg::Template(odd)), &refusals));
    }
    let token = with(&without(CKA_TOKEN), &[Attr::token(true)]);
    all.push(in_state(
        &at(index, "token_object_in_a_read_only_session"),
        Edit::Argument(index, Arg::Template(token)),
        State::ReadOnly,
        CKR_SESSION_READ_ONLY,
    ));
    let private = with(&without(CKA_PRIVATE), &[Attr::private(true)]);
    all.push(in_state(
        &at(index, "private_object_in_a_public_session"),
        Edit::Argument(index, Arg::Template(private)),
        State::Public,
        CKR_USER_NOT_LOGGED_IN,
    ));
    all
}

fn keys(index: usize, key: KeyArg, data: CK_OBJECT_HANDLE) -> Vec<Fault> {
    let replaced = |what: &str, handle, expected: &[CK_RV]| {
        fault(at(index, what), Edit::Argument(index, Arg::Key(KeyArg { key: handle, ..key })), expected)
    };
    let mut all = vec![
        replaced("key_0", 0, &[key.invalid]),
        replaced("key_unknown", NO_HANDLE, &[key.invalid]),
        replaced("key_that_is_data", data, &[key.invalid]),
    ];
    if let Some((other, expected)) = key.other {
        all.push(replaced("key_of_another_type", other, expected));
    }
    if let Some(denied) = key.denied {
        all.push(replaced("key_that_may_not", denied, &[CKR_KEY_FUNCTION_NOT_PERMITTED]));
    }
    all
}

/// How large an output may be that a module asks for.
pub const OUTPUT: usize = 4096;

/// Whether a length is one that a module may claim for an output of this suite.
pub fn plausible(length: CK_ULONG) -> bool {
    length <= ulen(OUTPUT)
}
