//! General-purpose, slot and token functions.

use std::ptr::null_mut;

use cryptoki_sys::*;

use crate::runner::{Case, Check, Context, expect, expect_ok, expect_rv};
use crate::token::{LABEL, SO_PIN};
use crate::{Attr, Kind, RO, RW, call, cases, ensure, names, skip, text, ulen};

pub(super) fn cases() -> Vec<Case> {
    cases![
        initialize_null,
        initialize_twice,
        initialize_again_after_finalize,
        initialize_with_some_mutex_callbacks,
        initialize_without_own_threads,
        finalize_twice,
        finalize_with_reserved_pointer,
        info_fields_are_blank_padded,
        null_pointers_of_the_information_functions,
        slot_list_sizes,
        unknown_slot,
        token_info_after_initialization,
        mechanism_list_sizes,
        every_listed_mechanism_has_information,
        unknown_mechanism,
        init_token_with_open_session,
        init_token_with_wrong_pin,
        init_token_destroys_objects,
        slot_event_without_blocking,
        parallel_functions,
    ]
}

fn initialize_null(context: &Context) -> Check {
    let bench = context.bench()?;
    // Without its configuration a module may refuse to start; it must not crash.
    if bench.kind == Kind::Softhsm {
        expect_ok(bench.module.initialize_with(None))?;
        expect_ok(bench.module.finalize())?;
    }
    Ok(())
}

fn initialize_twice(context: &Context) -> Check {
    let bench = context.bench()?;
    bench.initialize()?;
    expect(bench.initialize(), &[CKR_CRYPTOKI_ALREADY_INITIALIZED])?;
    expect_ok(bench.module.finalize())
}

fn initialize_again_after_finalize(context: &Context) -> Check {
    let bench = context.bench()?;
    for _ in 0..3 {
        bench.initialize()?;
        bench.module.slots(false)?;
        bench.module.finalize()?;
    }
    Ok(())
}

unsafe extern "C" fn lock(_: *mut std::ffi::c_void) -> CK_RV {
    CKR_OK
}

fn initialize_with_some_mutex_callbacks(context: &Context) -> Check {
    let bench = context.bench()?;
    let mut arguments = CK_C_INITIALIZE_ARGS { LockMutex: Some(lock), ..Default::default() };
    expect(bench.module.initialize_with(Some(&mut arguments)), &[CKR_ARGUMENTS_BAD])
}

fn initialize_without_own_threads(context: &Context) -> Check {
    let bench = context.bench()?;
    let reserved = bench.reserved().and_then(|reserved| std::ffi::CString::new(reserved).ok());
    let mut arguments = CK_C_INITIALIZE_ARGS {
        flags: CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS,
        pReserved: reserved.as_ref().map_or(null_mut(), |text| text.as_ptr().cast_mut().cast()),
        ..Default::default()
    };
    expect(bench.module.initialize_with(Some(&mut arguments)), &[CKR_OK, CKR_NEED_TO_CREATE_THREADS])
}

fn finalize_twice(context: &Context) -> Check {
    let bench = context.bench()?;
    bench.initialize()?;
    bench.module.finalize()?;
    expect(bench.module.finalize(), &[CKR_CRYPTOKI_NOT_INITIALIZED])
}

pub(in crate::suites) fn finalize_with_reserved_pointer(context: &Context) -> Check {
    let bench = context.bench()?;
    bench.initialize()?;
    let mut byte = 0_u8;
    expect_rv(call!(bench.module, C_Finalize((&raw mut byte).cast())), &[CKR_ARGUMENTS_BAD])?;
    expect_ok(bench.module.finalize())
}

fn padded(name: &str, field: &[u8]) -> Check {
    ensure!(!field.contains(&0), "{name} contains NUL instead of blanks");
    ensure!(std::str::from_utf8(field).is_ok(), "{name} is not UTF-8");
    Ok(())
}

fn info_fields_are_blank_padded(context: &Context) -> Check {
    let token = context.token()?;
    let info = token.module.info()?;
    let version = (info.cryptokiVersion.major, info.cryptokiVersion.minor);
    ensure!([(2, 40), (3, 0), (3, 1), (3, 2)].contains(&version), "C_GetInfo says version {version:?}");
    ensure!(info.flags == 0, "C_GetInfo's flags are {:#x}, must be 0", info.flags);
    padded("CK_INFO.manufacturerID", &info.manufacturerID)?;
    padded("CK_INFO.libraryDescription", &info.libraryDescription)?;
    let slot = token.module.slot_info(token.slot)?;
    padded("CK_SLOT_INFO.slotDescription", &slot.slotDescription)?;
    padded("CK_SLOT_INFO.manufacturerID", &slot.manufacturerID)?;
    ensure!(slot.flags & CKF_TOKEN_PRESENT != 0, "the slot of a token lacks CKF_TOKEN_PRESENT");
    let info = token.module.token_info(token.slot)?;
    padded("CK_TOKEN_INFO.label", &info.label)?;
    padded("CK_TOKEN_INFO.manufacturerID", &info.manufacturerID)?;
    padded("CK_TOKEN_INFO.model", &info.model)?;
    padded("CK_TOKEN_INFO.serialNumber", &info.serialNumber)
}

fn null_pointers_of_the_information_functions(context: &Context) -> Check {
    let token = context.token()?;
    let (module, slot) = (&token.module, token.slot);
    let bad = &[CKR_ARGUMENTS_BAD];
    expect_rv(call!(module, C_GetInfo(null_mut())), bad)?;
    expect_rv(call!(module, C_GetSlotList(1, null_mut(), null_mut())), bad)?;
    expect_rv(call!(module, C_GetSlotInfo(slot, null_mut())), bad)?;
    expect_rv(call!(module, C_GetTokenInfo(slot, null_mut())), bad)?;
    expect_rv(call!(module, C_GetMechanismList(slot, null_mut(), null_mut())), bad)?;
    expect_rv(call!(module, C_GetMechanismInfo(slot, CKM_SHA256, null_mut())), bad)?;
    expect_rv(call!(module, C_OpenSession(slot, RW, null_mut(), None, null_mut())), bad)?;
    expect_rv(call!(module, C_GetFunctionList(null_mut())), bad)
}

fn slot_list_sizes(context: &Context) -> Check {
    let token = context.token()?;
    let all = token.module.slots(false)?;
    let present = token.module.slots(true)?;
    ensure!(present.contains(&token.slot), "the token's slot is not listed as present");
    ensure!(present.iter().all(|slot| all.contains(slot)), "a present slot is missing in the whole list");
    let (mut none, mut count) = ([0_u64; 1], 0);
    let rv = call!(token.module, C_GetSlotList(0, none.as_mut_ptr(), &mut count));
    expect_rv(rv, &[CKR_BUFFER_TOO_SMALL])?;
    ensure!(count == ulen(all.len()), "CKR_BUFFER_TOO_SMALL with count {count} for {} slots", all.len());
    Ok(())
}

fn unknown_slot(context: &Context) -> Check {
    let token = context.token()?;
    let (module, bad) = (&token.module, 0x7fff_fff0);
    expect(module.slot_info(bad), &[CKR_SLOT_ID_INVALID])?;
    expect(module.token_info(bad), &[CKR_SLOT_ID_INVALID])?;
    expect(module.mechanisms(bad), &[CKR_SLOT_ID_INVALID])?;
    expect(module.mechanism_info(bad, CKM_SHA256), &[CKR_SLOT_ID_INVALID])?;
    expect(module.open_session(bad, RO), &[CKR_SLOT_ID_INVALID])?;
    expect(module.close_all_sessions(bad), &[CKR_SLOT_ID_INVALID])?;
    expect(module.init_token(bad, SO_PIN, LABEL), &[CKR_SLOT_ID_INVALID])
}

fn token_info_after_initialization(context: &Context) -> Check {
    let token = context.token()?;
    let info = token.module.token_info(token.slot)?;
    let wanted = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED | CKF_LOGIN_REQUIRED | CKF_RNG;
    ensure!(info.flags & wanted == wanted, "token flags are {:#x}, wanted {wanted:#x}", info.flags);
    if token.kind() != Kind::Nss {
        ensure!(text(&info.label) == LABEL, "the label reads {:?}", text(&info.label));
    }
    ensure!(info.ulMinPinLen <= info.ulMaxPinLen, "PIN lengths {}..{}", info.ulMinPinLen, info.ulMaxPinLen);
    Ok(())
}

fn mechanism_list_sizes(context: &Context) -> Check {
    let token = context.token()?;
    let mechanisms = token.module.mechanisms(token.slot)?;
    let mut unique = mechanisms.clone();
    unique.sort_unstable();
    unique.dedup();
    ensure!(unique.len() == mechanisms.len(), "a mechanism is listed twice");
    let (mut one, mut count) = ([0_u64; 1], 1);
    let rv = call!(token.module, C_GetMechanismList(token.slot, one.as_mut_ptr(), &mut count));
    expect_rv(rv, &[CKR_BUFFER_TOO_SMALL])?;
    ensure!(count == ulen(mechanisms.len()), "CKR_BUFFER_TOO_SMALL with count {count}");
    Ok(())
}

pub(in crate::suites) fn every_listed_mechanism_has_information(context: &Context) -> Check {
    let token = context.token()?;
    for mechanism in token.module.mechanisms(token.slot)? {
        let name = names::name(names::CKM, mechanism);
        match token.module.mechanism_info(token.slot, mechanism) {
            Ok(info) => {
                ensure!(info.flags != 0, "{name} has no flags");
                ensure!(info.ulMinKeySize <= info.ulMaxKeySize, "{name}: key sizes are inverted");
            }
            Err(rv) => crate::fail!("C_GetMechanismInfo of the listed {name} answers {rv}"),
        }
    }
    Ok(())
}

fn unknown_mechanism(context: &Context) -> Check {
    let token = context.token()?;
    expect(token.module.mechanism_info(token.slot, 0x7fff_0000), &[CKR_MECHANISM_INVALID])
}

fn init_token_with_open_session(context: &Context) -> Check {
    let token = context.token()?;
    let _session = token.session(RO)?;
    expect(token.module.init_token(token.slot, SO_PIN, LABEL), &[CKR_SESSION_EXISTS])
}

fn init_token_with_wrong_pin(context: &Context) -> Check {
    let token = context.token()?;
    expect(token.module.init_token(token.slot, "wrong-so-pin", "stolen"), &[CKR_PIN_INCORRECT])?;
    let label = text(&token.module.token_info(token.slot)?.label);
    ensure!(label == LABEL, "a refused C_InitToken changed the label to {label:?}");
    Ok(())
}

fn init_token_destroys_objects(context: &Context) -> Check {
    let token = context.token()?;
    if token.kind() == Kind::Nss {
        skip!("NSS resets its database only");
    }
    let session = token.user_session()?;
    session.create(&super::super::fixture::with(
        super::super::fixture::data_template("before", b"x"),
        &[Attr::token(true)],
    ))?;
    drop(session);
    token.module.close_all_sessions(token.slot)?;
    token.module.init_token(token.slot, SO_PIN, LABEL)?;
    let session = token.session(RO)?;
    ensure!(session.find(&[Attr::label("before")])?.is_empty(), "C_InitToken keeps objects");
    let flags = token.module.token_info(token.slot)?.flags;
    ensure!(flags & CKF_USER_PIN_INITIALIZED == 0, "C_InitToken keeps the user PIN");
    expect(session.login(CKU_USER, crate::token::USER_PIN), &[CKR_USER_PIN_NOT_INITIALIZED])
}

fn slot_event_without_blocking(context: &Context) -> Check {
    let token = context.token()?;
    expect(token.module.poll_slot_event(), &[CKR_NO_EVENT, CKR_OK, CKR_FUNCTION_NOT_SUPPORTED])
}

fn parallel_functions(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.session(RO)?;
    let wanted = &[CKR_FUNCTION_NOT_PARALLEL];
    expect_rv(call!(token.module, C_GetFunctionStatus(session.handle())), wanted)?;
    expect_rv(call!(token.module, C_CancelFunction(session.handle())), wanted)?;
    Ok(())
}
