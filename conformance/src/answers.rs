//! The return values that the specification lists for each function, and the calls that answered anything else.
//!
//! Every call of the harness is looked up here ([`note`]); the runner asks after each case ([`take_unlisted`]).

use std::collections::{BTreeSet, HashMap};
use std::sync::{LazyLock, Mutex};

use cryptoki_sys::*;

use crate::{Rv, names};

/// What one function may answer.
struct Listed {
    /// The section that lists it, such as 5.13.2.
    section: &'static str,
    /// The listed values; empty where the list is that of another function.
    values: Vec<CK_RV>,
}

/// Section 5.1.1: what any function can return; the last from section 5.1.6, as the stub of any function.
const ANY: &[CK_RV] = &[
    CKR_OK,
    CKR_GENERAL_ERROR,
    CKR_HOST_MEMORY,
    CKR_FUNCTION_FAILED,
    CKR_OPERATION_NOT_VALIDATED,
    CKR_FUNCTION_NOT_SUPPORTED,
];

/// Section 5.1.2: functions that take a session handle.
const SESSION: &[CK_RV] = &[CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_REMOVED, CKR_SESSION_CLOSED];

/// Section 5.1.3: functions that use a particular token.
const TOKEN: &[CK_RV] = &[
    CKR_DEVICE_MEMORY,
    CKR_DEVICE_ERROR,
    CKR_TOKEN_NOT_PRESENT,
    CKR_DEVICE_REMOVED,
    CKR_TOKEN_NOT_INITIALIZED,
];

/// Functions that take neither a session nor a token; each function outside takes a session or is in [`SLOTS`].
const LIBRARY: &[&str] = &[
    "C_Initialize",
    "C_Finalize",
    "C_GetInfo",
    "C_GetFunctionList",
    "C_GetInterfaceList",
    "C_GetInterface",
    "C_GetSlotList",
    "C_GetSlotInfo",
    "C_WaitForSlotEvent",
];

/// Functions that use a token but take no session.
const SLOTS: &[&str] = &[
    "C_GetTokenInfo",
    "C_GetMechanismList",
    "C_GetMechanismInfo",
    "C_InitToken",
    "C_OpenSession",
    "C_CloseAllSessions",
];

/// What the specification's lists lack although its text asks for it: functions, values, and why.
const BESIDE: &[(&[&str], &[CK_RV], &str)] = &[
    (&["C_Initialize"], &[CKR_LIBRARY_LOAD_FAILED], "no other function loads a library"),
    (
        &["C_Initialize", "C_GenerateRandom", "C_SeedRandom", "C_GenerateKeyPair"],
        &[CKR_FIPS_SELF_TEST_FAILED],
        "5.1.6 names these functions, their lists forget it",
    ),
    (
        &["C_GenerateKey", "C_GenerateKeyPair", "C_Sign", "C_SignFinal"],
        &[CKR_EXCEEDED_MAX_ITERATIONS],
        "5.1.6: parameters, key pairs and DSA signatures that are looked for by trial",
    ),
    (
        &["C_WrapKey", "C_UnwrapKey", "C_DeriveKey", "C_WrapKeyAuthenticated", "C_UnwrapKeyAuthenticated"],
        &[CKR_KEY_FUNCTION_NOT_PERMITTED],
        "5.1.6: a key used for a purpose that its attributes do not allow; the lists name no other value for it",
    ),
    (
        &["C_EncapsulateKey", "C_DecapsulateKey"],
        &[CKR_KEY_FUNCTION_NOT_PERMITTED],
        "5.1.6, as for the other key functions",
    ),
    (&["C_EncapsulateKey"], &[CKR_BUFFER_TOO_SMALL], "5.2: the ciphertext is an output of variable length"),
    (
        &["C_EncryptInit", "C_MessageEncryptInit", "C_EncryptMessageBegin", "C_GetSessionValidationFlags"],
        &[CKR_ARGUMENTS_BAD],
        "5.1.6: null pointers; the lists of their twins have it",
    ),
    (
        &["C_CreateObject", "C_VerifyInit", "C_VerifySignatureInit", "C_VerifyRecoverInit", "C_DeriveKey"],
        &[CKR_PUBLIC_KEY_INVALID],
        "5.1.6 names these functions, their lists forget it",
    ),
    (
        &[
            "C_CreateObject",
            "C_CopyObject",
            "C_GenerateKey",
            "C_GenerateKeyPair",
            "C_UnwrapKey",
            "C_DecapsulateKey",
            "C_UnwrapKeyAuthenticated",
        ],
        &[CKR_KEY_SIZE_RANGE],
        "a new key of a size that a policy or a validation leaves out; the lists name no other value for it",
    ),
    (
        &["C_InitToken"],
        &[CKR_PIN_LEN_RANGE, CKR_PIN_INVALID],
        "5.1.6: functions which attempt to set a PIN, as this one does with the SO's",
    ),
    (
        &["C_InitToken", "C_InitPIN", "C_SetPIN"],
        &[CKR_PIN_TOO_WEAK],
        "5.1.6: functions which attempt to set a PIN; no list has it",
    ),
    (
        &["C_DeriveKey"],
        &[CKR_DATA_LEN_RANGE],
        "Key derivation by data encryption: data too short for the key that is asked for",
    ),
    (
        &["C_Decrypt", "C_DecryptUpdate", "C_DecryptFinal"],
        &[CKR_DATA_LEN_RANGE],
        "AES with counter: a counter that would wrap, whatever the direction",
    ),
    (&["C_Sign", "C_SignFinal", "C_SignMessage"], &[CKR_KEY_EXHAUSTED], "HSS: no signatures left"),
    (
        &["C_EncryptMessage", "C_EncryptMessageBegin"],
        &[CKR_KEY_EXHAUSTED],
        "a counter that makes the IVs: none is left, as with signatures",
    ),
    (
        &["C_Verify", "C_VerifyFinal"],
        &[CKR_NEW_PIN_MODE, CKR_NEXT_OTP],
        "OTP mechanisms: what an accepted or refused one-time password asks for next",
    ),
];

static LISTS: LazyLock<HashMap<&'static str, Listed>> =
    LazyLock::new(|| parse(include_str!("../data/return-values.txt")));

/// The function and its answer, and how often that was seen is of no interest.
static UNLISTED: Mutex<BTreeSet<(&'static str, CK_RV)>> = Mutex::new(BTreeSet::new());

fn parse(text: &'static str) -> HashMap<&'static str, Listed> {
    let mut lists = HashMap::new();
    let mut current = None;
    let words = text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
    for word in words {
        if word.starts_with("C_") {
            current = Some(word);
            lists.insert(word, Listed { section: "", values: Vec::new() });
        } else if let Some(listed) = current.and_then(|name| lists.get_mut(name)) {
            match names::value(names::CKR, &format!("CKR_{word}")) {
                Some(value) => listed.values.push(value),
                None => listed.section = word,
            }
        }
    }
    lists
}

/// Whether `function` may answer `rv`. Values of a vendor's own are for the vendor to explain.
pub fn allows(function: &str, rv: Rv) -> bool {
    let Some(listed) = LISTS.get(function) else { return true };
    let uninitialized = rv == CKR_CRYPTOKI_NOT_INITIALIZED && !needs_no_library(function);
    let session = !LIBRARY.contains(&function) && !SLOTS.contains(&function);
    let token = !LIBRARY.contains(&function);
    listed.values.is_empty()
        || (CKR_VENDOR_DEFINED..=CK_RV::from(u32::MAX)).contains(&rv.0)
        || uninitialized
        || rv.is_one_of(ANY)
        || rv.is_one_of(&listed.values)
        || (session && rv.is_one_of(SESSION))
        // Section 5.1.7: with a session, a token that is gone is CKR_DEVICE_REMOVED.
        || (token && rv.is_one_of(TOKEN) && !(session && rv == CKR_TOKEN_NOT_PRESENT))
        || BESIDE.iter().any(|(functions, values, _)| functions.contains(&function) && rv.is_one_of(values))
}

/// Section 5.1.6 names the functions that work before C_Initialize.
fn needs_no_library(function: &str) -> bool {
    ["C_Initialize", "C_GetFunctionList", "C_GetInterfaceList", "C_GetInterface"].contains(&function)
}

/// Notes what `function` answered, and gives it back.
pub fn note(function: &'static str, rv: Rv) -> Rv {
    // Nearly every call succeeds, and measured ones shall not pay for the look-up.
    if rv != CKR_OK && !allows(function, rv) {
        // A set is whole whatever happened to a thread that held it.
        UNLISTED.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert((function, rv.0));
    }
    rv
}

/// What was answered against the lists since the last call, as one sentence; `None` where nothing was.
pub fn take_unlisted() -> Option<String> {
    let mut unlisted = UNLISTED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let all = std::mem::take(&mut *unlisted);
    let sentences: Vec<String> = all
        .iter()
        .map(|(function, rv)| {
            let section = LISTS.get(function).map_or("", |listed| listed.section);
            format!("{function} answers {}, which section {section} does not list", Rv(*rv))
        })
        .collect();
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

/// Every function of the lists, in no order.
pub fn functions() -> impl Iterator<Item = &'static str> {
    LISTS.keys().copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn lists_are_whole() {
        assert_eq!(LISTS.len(), 104);
        for (name, listed) in LISTS.iter() {
            assert!(listed.section.starts_with("5."), "{name} has section {:?}", listed.section);
            assert_eq!(listed.values.is_empty(), *name == "C_AsyncComplete", "{name}");
        }
        let words = include_str!("../data/return-values.txt").lines().filter(|line| !line.starts_with('#'));
        let unknown: Vec<&str> = words
            .flat_map(str::split_whitespace)
            .filter(|word| !word.starts_with("C_") && !word.starts_with("5."))
            .filter(|word| names::value(names::CKR, &format!("CKR_{word}")).is_none())
            .collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn exceptions_are_not_listed_already() {
        for (functions, values, reason) in BESIDE {
            assert!(!reason.is_empty());
            for function in *functions {
                let listed = &LISTS.get(function).unwrap().values;
                assert!(values.iter().all(|value| !listed.contains(value)), "{function}");
            }
        }
    }

    #[test]
    fn answers_are_judged() {
        assert!(allows("C_Sign", Rv(CKR_DATA_LEN_RANGE)));
        assert!(allows("C_Sign", Rv(CKR_DEVICE_MEMORY)));
        assert!(!allows("C_Sign", Rv(CKR_MECHANISM_INVALID)));
        assert!(!allows("C_GetSlotList", Rv(CKR_SESSION_HANDLE_INVALID)));
        assert!(!allows("C_Sign", Rv(CKR_TOKEN_NOT_PRESENT)));
        assert!(!allows("C_Sign", Rv(CK_RV::MAX)));
        assert!(!allows("C_Initialize", Rv(CKR_CRYPTOKI_NOT_INITIALIZED)));
        assert!(allows("C_GetInfo", Rv(CKR_CRYPTOKI_NOT_INITIALIZED)));
        assert!(allows("C_WrapKey", Rv(CKR_KEY_FUNCTION_NOT_PERMITTED)));
    }
}
