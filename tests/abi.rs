//! The exported interface: versions, function lists, initialisation.

#![allow(clippy::unwrap_used)]

mod common;

use std::ffi::CString;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use keyward_conformance::ck::*;
use keyward_conformance::{Module, RW, Session};

type GetInterface = unsafe extern "C" fn(*mut u8, *mut CK_VERSION, *mut *mut CK_INTERFACE, CK_FLAGS) -> CK_RV;
type GetInterfaceList = unsafe extern "C" fn(*mut CK_INTERFACE, *mut CK_ULONG) -> CK_RV;
type GetFunctionList = unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV;

fn symbol<T: Copy>(name: &str) -> T {
    // SAFETY: the library has no constructor that does anything; the symbol's type is the specification's.
    unsafe {
        let library = Box::leak(Box::new(libloading::Library::new(common::library()).unwrap()));
        *library.get::<T>(name).unwrap()
    }
}

#[test]
fn the_interfaces_come_newest_first_and_2_40_stays_2_40() {
    let list: GetInterfaceList = symbol("C_GetInterfaceList");
    let mut count = 0;
    // SAFETY: a size query, then room for as many as it said.
    unsafe {
        assert_eq!(list(ptr::null_mut(), &mut count), CKR_OK);
        assert_eq!(count, 3);
        let mut interfaces = vec![CK_INTERFACE::default(); 3];
        assert_eq!(list(interfaces.as_mut_ptr(), &mut count), CKR_OK);
        let versions: Vec<_> = interfaces
            .iter()
            .map(|interface| {
                let version = *interface.pFunctionList.cast::<CK_VERSION>();
                (version.major, version.minor)
            })
            .collect();
        assert_eq!(versions, [(3, 2), (3, 0), (2, 40)]);
        count = 2;
        assert_eq!(list(interfaces.as_mut_ptr(), &mut count), CKR_BUFFER_TOO_SMALL);

        let get: GetFunctionList = symbol("C_GetFunctionList");
        let mut functions = ptr::null_mut();
        assert_eq!(get(&mut functions), CKR_OK);
        assert_eq!(((*functions).version.major, (*functions).version.minor), (2, 40));
        assert_eq!(get(ptr::null_mut()), CKR_ARGUMENTS_BAD);
    }
}

#[test]
fn every_function_pointer_is_set() {
    let get: GetInterface = symbol("C_GetInterface");
    let mut version = CK_VERSION { major: 3, minor: 2 };
    let mut interface = ptr::null_mut();
    // SAFETY: the interface's list is a static of the library; it is read as an array of pointers after the version.
    unsafe {
        assert_eq!(get(ptr::null_mut(), &mut version, &mut interface, 0), CKR_OK);
        let list = (*interface).pFunctionList.cast::<usize>();
        let entries = size_of::<CK_FUNCTION_LIST_3_2>() / size_of::<usize>();
        assert!((1..entries).all(|at| *list.add(at) != 0));
    }
}

#[test]
fn an_interface_that_is_not_there_is_refused() {
    let get: GetInterface = symbol("C_GetInterface");
    let ask = |name: Option<&str>, version: Option<(u8, u8)>, flags| {
        let name = name.map(|name| CString::new(name).unwrap());
        let mut version = version.map(|(major, minor)| CK_VERSION { major, minor });
        let mut interface = ptr::null_mut();
        // SAFETY: null or valid pointers, as the function allows.
        unsafe {
            get(
                name.as_ref().map_or(ptr::null_mut(), |name| name.as_ptr().cast_mut().cast()),
                version.as_mut().map_or(ptr::null_mut(), ptr::from_mut),
                &mut interface,
                flags,
            )
        }
    };
    assert_eq!(ask(Some("PKCS 11"), None, 0), CKR_OK);
    assert_eq!(ask(Some("PKCS 11"), Some((3, 0)), 0), CKR_OK);
    assert_eq!(ask(Some("Vendor NSS Module Interface"), None, 0), CKR_ARGUMENTS_BAD);
    assert_eq!(ask(None, Some((3, 9)), 0), CKR_ARGUMENTS_BAD);
    // A child process starts afresh here, which is not what this flag promises.
    assert_eq!(ask(None, None, CKF_INTERFACE_FORK_SAFE), CKR_ARGUMENTS_BAD);
}

#[test]
fn initialisation_states_are_exact() {
    let dir = tempfile::tempdir().unwrap();
    let module = Module::load_private(common::library()).unwrap();
    let reserved = format!("dir='{}' kdf=fast", dir.path().display());
    assert_eq!(module.info().unwrap_err(), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_eq!(module.finalize().unwrap_err(), CKR_CRYPTOKI_NOT_INITIALIZED);
    module.initialize(Some(&reserved)).unwrap();
    assert_eq!(module.initialize(Some(&reserved)).unwrap_err(), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    let info = module.info().unwrap();
    assert_eq!((info.cryptokiVersion.major, info.cryptokiVersion.minor), (3, 2));
    module.finalize().unwrap();
    assert_eq!(module.slots(true).unwrap_err(), CKR_CRYPTOKI_NOT_INITIALIZED);
    module.initialize(Some(&reserved)).unwrap();
}

#[test]
fn restarts_beside_calls_leave_no_session_behind() {
    let mut token = common::token();
    let (done, slot) = (AtomicBool::new(false), token.slot);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let module = token.module.clone();
            let done = &done;
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    // Left open: C_Finalize has to find it, or the next C_Initialize inherits it.
                    if let Ok(session) = module.open_session(slot, RW) {
                        let _ = session.random(16);
                        std::mem::forget(session);
                    }
                }
            });
        }
        (0..100).for_each(|_| token.restart().unwrap());
        done.store(true, Ordering::Relaxed);
    });
    // Whatever the slot does not know of belongs to an earlier start.
    token.module.close_all_sessions(slot).unwrap();
    assert_eq!(token.module.token_info(slot).unwrap().ulSessionCount, 0);
    for handle in 1..100_000 {
        let forgotten = Session::borrowed(token.module.clone(), handle);
        assert_eq!(forgotten.random(16).unwrap_err(), CKR_SESSION_HANDLE_INVALID);
    }
}

#[test]
fn bad_parameters_are_told_apart_from_a_missing_configuration() {
    let module = Module::load_private(common::library()).unwrap();
    assert_eq!(module.initialize(Some("nonsense.key=1")).unwrap_err(), CKR_ARGUMENTS_BAD);
    assert_eq!(module.info().unwrap_err(), CKR_CRYPTOKI_NOT_INITIALIZED);
}
