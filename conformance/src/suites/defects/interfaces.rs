//! Function lists, initialization, hosts.

use std::ffi::{CStr, CString};
use std::ptr::null_mut;

use cryptoki_sys::*;

use super::super::fixture;
use crate::runner::{Case, Check, Context, expect_rv};
use crate::{Attr, Rv, call, cases, ensure, size, skip};

pub(super) fn cases() -> Vec<Case> {
    cases![
        function_list_claims_another_version,
        version_three_without_interfaces,
        interface_lists_have_holes,
        interface_lookup,
        interface_list_sizes,
        info_before_initialize,
        reserved_rubbish_crashes,
        exit_without_finalize_crashes,
        exit_after_finalize_crashes,
        shares_libraries_with_its_host,
    ]
}

fn function_list_claims_another_version(context: &Context) -> Check {
    let bench = context.bench()?;
    let version = bench.module.tables().base_version;
    ensure!(
        (version.major, version.minor) == (2, 40),
        "C_GetFunctionList gives a list of version {}.{}, must be 2.40",
        version.major,
        version.minor
    );
    Ok(())
}

fn version_three_without_interfaces(context: &Context) -> Check {
    let bench = context.bench()?;
    bench.initialize()?;
    let version = bench.module.info()?.cryptokiVersion;
    let interfaces = bench.module.tables().has_interfaces;
    ensure!(
        version.major < 3 || interfaces,
        "C_GetInfo says {}.{} but there is no C_GetInterface",
        version.major,
        version.minor
    );
    Ok(())
}

fn need_interfaces(context: &Context) -> Check<crate::token::Bench> {
    let bench = context.bench()?;
    if !bench.module.tables().has_interfaces {
        skip!("no C_GetInterface");
    }
    Ok(bench)
}

fn interfaces(module: &crate::Module) -> Check<Vec<CK_INTERFACE>> {
    let mut count = 0;
    Rv::check(call!(module, C_GetInterfaceList(null_mut(), &mut count)).0)?;
    let mut list = vec![CK_INTERFACE::default(); size(count)];
    Rv::check(call!(module, C_GetInterfaceList(list.as_mut_ptr(), &mut count)).0)?;
    Ok(list)
}

/// How many function pointers a list of this version has.
fn functions_of(version: CK_VERSION) -> Option<usize> {
    let bytes = match (version.major, version.minor) {
        (2, 40) => size_of::<CK_FUNCTION_LIST>(),
        (3, 0 | 1) => size_of::<CK_FUNCTION_LIST_3_0>(),
        (3, 2) => size_of::<CK_FUNCTION_LIST_3_2>(),
        _ => return None,
    };
    Some(bytes / size_of::<usize>() - 1)
}

fn interface_lists_have_holes(context: &Context) -> Check {
    let bench = need_interfaces(context)?;
    for interface in interfaces(&bench.module)? {
        ensure!(!interface.pInterfaceName.is_null(), "an interface has no name");
        ensure!(!interface.pFunctionList.is_null(), "an interface has no functions");
        // SAFETY: the module's interfaces have names that end in NUL and live as long as the module.
        let name = unsafe { CStr::from_ptr(interface.pInterfaceName.cast()) };
        if name != c"PKCS 11" {
            continue;
        }
        // SAFETY: every list of the interface "PKCS 11" starts with its version.
        let version = unsafe { interface.pFunctionList.cast::<CK_VERSION>().read_unaligned() };
        let Some(count) = functions_of(version) else {
            crate::fail!("an interface of version {}.{}", version.major, version.minor);
        };
        let pointers = interface.pFunctionList.cast::<usize>();
        // SAFETY: a list of this version has `count` pointers behind the version, which fills one word.
        let holes = (1..=count).filter(|index| unsafe { pointers.add(*index).read_unaligned() } == 0).count();
        ensure!(
            holes == 0,
            "{holes} of {count} functions of version {}.{} are null",
            version.major,
            version.minor
        );
    }
    Ok(())
}

fn interface_lookup(context: &Context) -> Check {
    let bench = need_interfaces(context)?;
    let (m, mut found) = (&bench.module, null_mut());
    let name = CString::new("PKCS 11").map_err(|error| error.to_string())?;
    let named = name.as_ptr().cast_mut().cast::<CK_UTF8CHAR>();
    expect_rv(call!(m, C_GetInterface(null_mut(), null_mut(), &mut found, 0)), &[CKR_OK])?;
    ensure!(!found.is_null(), "no default interface");
    expect_rv(call!(m, C_GetInterface(named, null_mut(), &mut found, 0)), &[CKR_OK])?;
    let mut version = CK_VERSION { major: 3, minor: 0 };
    expect_rv(call!(m, C_GetInterface(named, &mut version, &mut found, 0)), &[CKR_OK])?;
    // SAFETY: the module answered CKR_OK, so `found` points to an interface whose list starts with a version.
    let got = unsafe { (*found).pFunctionList.cast::<CK_VERSION>().read_unaligned() };
    ensure!((got.major, got.minor) == (3, 0), "asked for 3.0, got {}.{}", got.major, got.minor);
    version = CK_VERSION { major: 9, minor: 9 };
    expect_rv(call!(m, C_GetInterface(named, &mut version, &mut found, 0)), &[CKR_ARGUMENTS_BAD])?;
    let other = CString::new("Vendor nobody knows").map_err(|error| error.to_string())?;
    let other = other.as_ptr().cast_mut().cast::<CK_UTF8CHAR>();
    expect_rv(call!(m, C_GetInterface(other, null_mut(), &mut found, 0)), &[CKR_ARGUMENTS_BAD])?;
    expect_rv(call!(m, C_GetInterface(named, null_mut(), null_mut(), 0)), &[CKR_ARGUMENTS_BAD])?;
    expect_rv(call!(m, C_GetInterface(named, null_mut(), &mut found, 1 << 40)), &[CKR_ARGUMENTS_BAD])
}

fn interface_list_sizes(context: &Context) -> Check {
    let bench = need_interfaces(context)?;
    let all = interfaces(&bench.module)?;
    let (mut one, mut count) = ([CK_INTERFACE::default()], 0);
    let rv = call!(bench.module, C_GetInterfaceList(one.as_mut_ptr(), &mut count));
    expect_rv(rv, &[CKR_BUFFER_TOO_SMALL])?;
    ensure!(size(count) == all.len(), "CKR_BUFFER_TOO_SMALL with count {count} of {}", all.len());
    expect_rv(call!(bench.module, C_GetInterfaceList(null_mut(), null_mut())), &[CKR_ARGUMENTS_BAD])
}

fn info_before_initialize(context: &Context) -> Check {
    let bench = context.bench()?;
    expect_rv(Rv::of(&bench.module.info()), &[CKR_CRYPTOKI_NOT_INITIALIZED])
}

/// A string in pReserved that means nothing is refused or ignored.
fn reserved_rubbish_crashes(context: &Context) -> Check {
    let bench = context.bench()?;
    for rubbish in ["%%% rubbish %%%", "", "=", "'", "dir", "/nowhere/at/all"] {
        if bench.module.initialize(Some(rubbish)).is_ok() {
            bench.module.finalize()?;
        }
    }
    Ok(())
}

fn busy(context: &Context) -> Check<(crate::TestToken, crate::Session)> {
    let token = context.token()?;
    let session = token.user_session()?;
    let key = fixture::aes(&session, &[Attr::token(true)])?;
    session.encrypt_init(&crate::Mech::bytes(CKM_AES_CBC, &[0; 16]), key)?;
    session.encrypt_update(&[0; 8])?;
    Ok((token, session))
}

/// The process ends with a session open and an operation under way; its exit code tells.
fn exit_without_finalize_crashes(context: &Context) -> Check {
    std::mem::forget(busy(context)?);
    Ok(())
}

fn exit_after_finalize_crashes(context: &Context) -> Check {
    let (token, session) = busy(context)?;
    let _ = token.module.finalize();
    std::mem::forget(session);
    Ok(())
}

/// A host with libraries of its own (Firefox has its own SQLite) must not meet those of the module.
fn shares_libraries_with_its_host(context: &Context) -> Check {
    let mapped = || std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let before = mapped();
    let _token = context.token()?;
    let after = mapped();
    for library in ["libsqlite3", "libcrypto", "libssl", "libstdc++"] {
        ensure!(before.contains(library) || !after.contains(library), "loads the shared {library}");
    }
    Ok(())
}
