//! Every function arrives below, unchanged, and what is missing there is said as the specification wants it.

use std::ffi::c_void;

use keyward_conformance::ck::*;
use keyward_conformance::{Mech, Rv, Session, call, ulen};

use crate::journey::{assert_same, travel};
use crate::support::{Lower, USER, Upper, VENDOR, pair, sign};

/// Functions that keyward answers itself, or that it calls in its own way: everything else arrives by its name.
const OWN: &[&str] = &[
    "C_Initialize",
    "C_Finalize",
    "C_GetInfo",
    "C_GetFunctionList",
    "C_GetInterface",
    "C_GetInterfaceList",
    "C_WaitForSlotEvent",
    // Lower sessions go back to the pool.
    "C_CloseSession",
    "C_CloseAllSessions",
    // Neither does anything since v2.0: CKR_FUNCTION_NOT_PARALLEL.
    "C_GetFunctionStatus",
    "C_CancelFunction",
];

/// The names of all functions, from the source that has them once.
fn names() -> Vec<String> {
    let table = include_str!("../../src/types/functions.rs");
    let names: Vec<_> = table
        .lines()
        .filter(|line| line.contains(" => "))
        .filter_map(|line| line.trim().split_once('('))
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.starts_with("C_"))
        .collect();
    assert_eq!(names.len(), 104);
    names
}

#[test]
fn everything_answers_as_it_does_without_keyward() {
    let lower = Lower::new();
    let direct = lower.direct();
    let expected = travel(&direct, 7).0;
    let arrived_directly = lower.calls();
    let upper = Upper::new();
    let seen = travel(&upper.module, upper.slot()).0;
    assert_same(&seen, &expected);
    let missing = |calls: &[String]| -> Vec<String> {
        let arrived = |name: &String| calls.iter().any(|call| call.split(' ').next() == Some(name));
        names().into_iter().filter(|name| !OWN.contains(&name.as_str()) && !arrived(name)).collect()
    };
    assert_eq!(missing(&arrived_directly), Vec::<String>::new(), "the journey itself");
    assert_eq!(missing(&upper.lower.calls()), Vec::<String>::new());
}

#[test]
fn the_journey_is_the_same_each_time() {
    let travelled = || travel(&Lower::new().direct(), 7).0;
    assert_eq!(travelled(), travelled());
}

#[test]
fn everything_answers_alike_with_64_bit_handles_below() {
    let lower = Lower::new();
    let direct = lower.direct();
    let expected = travel(&direct, 7).0;
    let lower = Lower::new();
    lower.control("handles = 64bit");
    let upper = Upper::with(lower, "");
    assert_same(&travel(&upper.module, upper.slot()).0, &expected);
}

/// The vendor mechanism's parameter (tests/support/faulty/README.md).
#[repr(C)]
#[derive(Clone, Copy)]
struct Vendor {
    input: *const CK_BYTE,
    input_len: CK_ULONG,
    echo: *mut CK_BYTE,
    seen: *mut *mut c_void,
}

#[test]
fn vendor_mechanisms_and_their_parameters_arrive_unchanged() {
    let upper = Upper::new();
    assert!(upper.module.mechanisms(upper.slot()).unwrap().contains(&VENDOR));
    let session = upper.user();
    let (public, private) = pair(&session, b"v").unwrap();
    let (input, mut echo, mut seen) = (*b"vendor input", vec![0; 12], std::ptr::null_mut());
    let parameter = Vendor { input: input.as_ptr(), input_len: 12, echo: echo.as_mut_ptr(), seen: &mut seen };
    let mech = Mech::with_struct(VENDOR, &parameter, Vec::new());
    let signature = session.sign(&mech, private, b"message").unwrap();
    assert_eq!(seen, mech.parameter().0, "the structure was copied");
    assert_eq!(echo.iter().map(|byte| byte ^ 0x5a).collect::<Vec<u8>>(), input);
    session.verify(&mech, public, b"message", &signature).unwrap();
    let short = Mech::with_struct(VENDOR, &parameter, Vec::new()).claim_len(3);
    assert_eq!(session.sign_init(&short, private).unwrap_err(), CKR_MECHANISM_PARAM_INVALID);
}

fn v3_functions(session: &Session) -> Vec<(&'static str, Rv)> {
    let mech = Mech::new(CKM_AES_GCM);
    let of = |result: Result<(), Rv>| Rv::of(&result);
    vec![
        ("C_LoginUser", of(session.login_user(CKU_USER, USER, "bob"))),
        ("C_MessageEncryptInit", of(session.message_encrypt_init(&mech, 1))),
        ("C_EncryptMessage", of(session.encrypt_message(&mech, b"", b"data").map(|_| ()))),
        ("C_MessageSignInit", of(session.message_sign_init(&mech, 1))),
        ("C_VerifySignatureInit", of(session.verify_signature_init(&mech, 1, b"signature"))),
        ("C_EncapsulateKey", of(session.encapsulate(&mech, 1, &[]).map(|_| ()))),
        ("C_GetSessionValidationFlags", of(session.validation_flags(1).map(|_| ()))),
    ]
}

#[test]
fn what_an_older_library_lacks_is_not_supported() {
    let no_interfaces = Lower::without_interfaces();
    let refused = Lower::new();
    refused.control("version = 2.40");
    for lower in [no_interfaces, refused] {
        let upper = Upper::with(lower, "");
        let session = upper.session();
        for (name, rv) in v3_functions(&session) {
            assert_eq!(rv, CKR_FUNCTION_NOT_SUPPORTED, "{name}");
            assert_eq!(upper.lower.called(name), 0, "{name}");
        }
        session.login(CKU_USER, USER).unwrap();
        let (_, private) = pair(&session, b"old").unwrap();
        sign(&session, private).unwrap();
    }
}

#[test]
fn a_library_of_version_3_0_has_messages_but_no_capsules() {
    let lower = Lower::new();
    lower.control("version = 3.0");
    let upper = Upper::with(lower, "");
    let session = upper.session();
    session.login_user(CKU_USER, USER, "bob").unwrap();
    assert_eq!(session.encapsulate(&Mech::new(CKM_ML_KEM), 1, &[]).unwrap_err(), CKR_FUNCTION_NOT_SUPPORTED);
    assert_eq!(session.validation_flags(1).unwrap_err(), CKR_FUNCTION_NOT_SUPPORTED);
}

#[test]
fn null_entries_in_the_lower_list_are_not_supported() {
    let lower = Lower::new();
    lower
        .control("missing = C_SignRecoverInit,C_DigestKey,C_GenerateRandom,C_GetObjectSize,C_EncapsulateKey");
    let upper = Upper::with(lower, "");
    let session = upper.user();
    let (public, private) = pair(&session, b"n").unwrap();
    let mech = Mech::new(CKM_ECDSA);
    assert_eq!(session.sign_recover_init(&mech, private).unwrap_err(), CKR_FUNCTION_NOT_SUPPORTED);
    session.digest_init(&Mech::new(CKM_SHA256)).unwrap();
    assert_eq!(session.digest_key(private).unwrap_err(), CKR_FUNCTION_NOT_SUPPORTED);
    assert_eq!(session.random(16).unwrap_err(), CKR_FUNCTION_NOT_SUPPORTED);
    assert_eq!(session.object_size(public).unwrap_err(), CKR_FUNCTION_NOT_SUPPORTED);
    assert_eq!(session.encapsulate(&mech, public, &[]).unwrap_err(), CKR_FUNCTION_NOT_SUPPORTED);
}

#[test]
fn every_answer_from_below_is_the_exact_one() {
    let upper = Upper::new();
    let session = upper.user();
    let (_, private) = pair(&session, b"e").unwrap();
    let vendor = CKR_VENDOR_DEFINED | 0x99;
    for rv in [CKR_FUNCTION_FAILED, CKR_GENERAL_ERROR, CKR_DEVICE_MEMORY, CKR_PIN_EXPIRED, vendor] {
        upper.lower.control(&format!("C_SignInit = {rv:#x}"));
        assert_eq!(sign(&session, private).unwrap_err(), rv);
        assert_eq!(session.info().map(|_| ()), Ok(()));
    }
    upper.lower.control("");
    sign(&session, private).unwrap();
}

#[test]
fn what_the_caller_gives_is_checked_before_it_goes_down() {
    let upper = Upper::new();
    let session = upper.user();
    let (_, private) = pair(&session, b"h").unwrap();
    let (module, handle) = (&upper.module, session.handle());
    assert_eq!(
        call!(module, C_SignInit(handle, std::ptr::null_mut(), private)),
        CKR_OPERATION_NOT_INITIALIZED
    );
    session.sign_init(&Mech::new(CKM_ECDSA), private).unwrap();
    let null = std::ptr::null_mut();
    assert_eq!(call!(module, C_Sign(handle, null, 5, null, std::ptr::null_mut())), CKR_ARGUMENTS_BAD);
    let mut data = [0; 4];
    let rv = call!(module, C_GenerateRandom(handle, null, ulen(data.len())));
    assert!(rv == CKR_ARGUMENTS_BAD || rv == CKR_OK, "{rv}");
    assert_eq!(call!(module, C_GenerateRandom(handle, data.as_mut_ptr(), 4)), CKR_OK);
    assert_eq!(
        call!(module, C_GenerateRandom(handle + 77, data.as_mut_ptr(), 4)),
        CKR_SESSION_HANDLE_INVALID
    );
}

const LEGACY: &[CK_MECHANISM_TYPE] =
    &[CKM_SHA1_RSA_PKCS, CKM_MD5_RSA_PKCS, CKM_ECDSA_SHA1, CKM_MD5, CKM_DES3_CBC];

#[test]
fn legacy_mechanisms_are_denied_where_the_policy_says_so() {
    let lower = Lower::new();
    let slot = format!(
        "[policy]\nlegacy = 'deny'\n[[slot]]\nbackend = 'passthrough'\nlibrary = '{}'\n",
        lower.library().display()
    );
    let upper = Upper::configured(lower, &slot);
    let listed = upper.module.mechanisms(upper.slot()).unwrap();
    assert!(listed.contains(&CKM_ECDSA) && listed.contains(&VENDOR), "{listed:x?}");
    let session = upper.user();
    let (_, private) = pair(&session, b"p").unwrap();
    for mechanism in LEGACY {
        assert!(!listed.contains(mechanism), "{mechanism:#x} is listed");
        let info = upper.module.mechanism_info(upper.slot(), *mechanism);
        assert_eq!(info.unwrap_err(), CKR_MECHANISM_INVALID, "{mechanism:#x}");
    }
    upper.lower.forget();
    for mechanism in [CKM_SHA1_RSA_PKCS, CKM_MD5_RSA_PKCS, CKM_ECDSA_SHA1] {
        let rv = session.sign_init(&Mech::new(mechanism), private).unwrap_err();
        assert_eq!(rv, CKR_MECHANISM_INVALID, "{mechanism:#x}");
    }
    assert_eq!(session.digest_init(&Mech::new(CKM_MD5)).unwrap_err(), CKR_MECHANISM_INVALID);
    assert_eq!(session.encrypt_init(&Mech::new(CKM_DES3_CBC), private).unwrap_err(), CKR_MECHANISM_INVALID);
    assert_eq!(upper.lower.called("C_SignInit") + upper.lower.called("C_DigestInit"), 0);
    sign(&session, private).unwrap();
}

#[test]
fn legacy_mechanisms_are_allowed_otherwise() {
    let upper = Upper::new();
    let listed = upper.module.mechanisms(upper.slot()).unwrap();
    assert!(LEGACY.iter().all(|mechanism| listed.contains(mechanism)));
    let session = upper.user();
    let (_, private) = pair(&session, b"p").unwrap();
    session.sign(&Mech::new(CKM_SHA1_RSA_PKCS), private, b"old").unwrap();
}
