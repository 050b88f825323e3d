//! What begins and ends the library, and what needs no session.

use std::ffi::c_void;
use std::ptr::null_mut;

use cryptoki_sys::*;

use crate::runner::{Case, Check, Context, expect, expect_ok, expect_rv};
use crate::token::{LABEL, SO_PIN, USER_PIN};
use crate::{Kind, RO, RW, call, cases, ensure, size, skip, ulen};

pub(super) fn cases() -> Vec<Case> {
    cases![
        some_of_the_mutex_functions,
        arguments_of_initialize,
        interfaces_that_are_not_there,
        interface_list_sizes,
        event_with_reserved_pointer,
        open_session_flags,
        null_arguments_before_initialize,
        user_types,
        pins_of_other_lengths,
        labels_and_slots_of_init_token,
        cancel_nothing,
        operation_states_that_are_none,
        find_objects_without_room,
        attributes_that_stay,
    ]
}

const BAD: &[CK_RV] = &[CKR_ARGUMENTS_BAD];

unsafe extern "C" fn create(mutex: *mut *mut c_void) -> CK_RV {
    // SAFETY: the library passes the address of a pointer of its own.
    unsafe { *mutex = 8 as *mut c_void };
    CKR_OK
}

unsafe extern "C" fn touch(_: *mut c_void) -> CK_RV {
    CKR_OK
}

/// All four functions or none, says section 5.4.1.
fn some_of_the_mutex_functions(context: &Context) -> Check {
    let bench = context.bench()?;
    for given in 1..15_u8 {
        for flags in [0, CKF_OS_LOCKING_OK] {
            let touch = |bit: u8| (given & bit != 0).then_some(touch as unsafe extern "C" fn(_) -> _);
            let mut arguments = CK_C_INITIALIZE_ARGS {
                CreateMutex: (given & 1 != 0).then_some(create),
                DestroyMutex: touch(2),
                LockMutex: touch(4),
                UnlockMutex: touch(8),
                flags,
                pReserved: null_mut(),
            };
            let answer = bench.module.initialize_with(Some(&mut arguments));
            expect(answer, BAD).map_err(|failure| failure.at(&format!("functions {given:#06b}")))?;
        }
    }
    expect_ok(bench.initialize())
}

/// A module that takes nothing in pReserved must refuse it; others refuse what they cannot read.
fn arguments_of_initialize(context: &Context) -> Check {
    let bench = context.bench()?;
    if bench.reserved().is_none() && bench.kind != Kind::Nss {
        let mut text = *b"reserved\0";
        let mut arguments = CK_C_INITIALIZE_ARGS {
            flags: CKF_OS_LOCKING_OK,
            pReserved: text.as_mut_ptr().cast(),
            ..Default::default()
        };
        expect(bench.module.initialize_with(Some(&mut arguments)), BAD)?;
    }
    expect_ok(bench.initialize())?;
    expect(bench.module.initialize_with(None), &[CKR_CRYPTOKI_ALREADY_INITIALIZED])
}

fn interfaces_that_are_not_there(context: &Context) -> Check {
    let module = context.bench()?.module;
    if !module.tables().has_interfaces {
        skip!("no C_GetInterface");
    }
    let (mut name, mut other) = (*b"PKCS 11\0", *b"Vendor no-such\0");
    let (name, other) = (name.as_mut_ptr(), other.as_mut_ptr());
    let mut version = CK_VERSION { major: 9, minor: 9 };
    let mut found = null_mut();
    let refusals = &[CKR_ARGUMENTS_BAD, CKR_FUNCTION_FAILED];
    let wrong = [
        (other, null_mut(), 0),
        (name, &raw mut version, 0),
        (null_mut(), &raw mut version, 0),
        (name, null_mut(), 1 << 40),
    ];
    for (name, version, flags) in wrong {
        expect_rv(call!(module, C_GetInterface(name, version, &mut found, flags)), refusals)?;
    }
    expect_rv(call!(module, C_GetInterface(name, null_mut(), null_mut(), 0)), BAD)?;
    expect_rv(call!(module, C_GetInterface(null_mut(), null_mut(), &mut found, 0)), &[CKR_OK])?;
    expect_rv(call!(module, C_GetInterface(name, null_mut(), &mut found, 0)), &[CKR_OK])
}

fn interface_list_sizes(context: &Context) -> Check {
    let module = context.bench()?.module;
    if !module.tables().has_interfaces {
        skip!("no C_GetInterfaceList");
    }
    expect_rv(call!(module, C_GetInterfaceList(null_mut(), null_mut())), BAD)?;
    let mut count = 0;
    expect_rv(call!(module, C_GetInterfaceList(null_mut(), &mut count)), &[CKR_OK])?;
    let all = count;
    let mut list = vec![CK_INTERFACE::default(); size(all)];
    count = all - 1;
    let rv = call!(module, C_GetInterfaceList(list.as_mut_ptr(), &mut count));
    expect_rv(rv, &[CKR_BUFFER_TOO_SMALL])?;
    ensure!(count == all, "{count} interfaces are asked for, {all} there are");
    expect_rv(call!(module, C_GetInterfaceList(list.as_mut_ptr(), &mut count)), &[CKR_OK])
}

fn event_with_reserved_pointer(context: &Context) -> Check {
    let token = context.token()?;
    let (mut slot, mut byte) = (0, 0_u8);
    let reserved = (&raw mut byte).cast::<c_void>();
    let bad = &[CKR_ARGUMENTS_BAD, CKR_FUNCTION_NOT_SUPPORTED];
    expect_rv(call!(token.module, C_WaitForSlotEvent(CKF_DONT_BLOCK, &mut slot, reserved)), bad)?;
    expect_rv(call!(token.module, C_WaitForSlotEvent(CKF_DONT_BLOCK, null_mut(), null_mut())), bad)
}

fn open_session_flags(context: &Context) -> Check {
    let token = context.token()?;
    for flags in [0, CKF_RW_SESSION] {
        expect(token.session(flags), &[CKR_SESSION_PARALLEL_NOT_SUPPORTED])?;
    }
    expect(token.session(RW | CKF_ASYNC_SESSION), &[CKR_OK, CKR_SESSION_ASYNC_NOT_SUPPORTED])?;
    expect(token.session(RW | 1 << 40), &[CKR_OK, CKR_ARGUMENTS_BAD])
}

/// Whatever else is wrong: the library is not there.
fn null_arguments_before_initialize(context: &Context) -> Check {
    let module = context.bench()?.module;
    let wanted = &[CKR_CRYPTOKI_NOT_INITIALIZED, CKR_ARGUMENTS_BAD];
    expect_rv(call!(module, C_GetInfo(null_mut())), wanted)?;
    expect_rv(call!(module, C_GetSlotList(1, null_mut(), null_mut())), wanted)?;
    expect_rv(call!(module, C_OpenSession(0, 0, null_mut(), None, null_mut())), wanted)?;
    expect_rv(call!(module, C_Encrypt(1, null_mut(), 8, null_mut(), null_mut())), wanted)?;
    expect_rv(call!(module, C_GetAttributeValue(1, 1, null_mut(), 1)), wanted)?;
    expect_rv(call!(module, C_Login(1, 9, null_mut(), 4)), wanted)
}

fn user_types(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.session(RW)?;
    for user in [3, 77, CK_ULONG::MAX] {
        expect(session.login(user, USER_PIN), &[CKR_USER_TYPE_INVALID])?;
        let answer = session.login_user(user, USER_PIN, "");
        expect(answer, &[CKR_USER_TYPE_INVALID, CKR_FUNCTION_NOT_SUPPORTED])?;
    }
    let state = session.info()?.state;
    ensure!(state == CKS_RW_PUBLIC_SESSION, "an unknown user is logged in");
    Ok(())
}

/// C_Login has no CKR_PIN_LEN_RANGE: a PIN of a length that none has is a wrong one.
fn pins_of_other_lengths(context: &Context) -> Check {
    let token = context.token()?;
    let info = token.module.token_info(token.slot)?;
    let session = token.session(RW)?;
    for length in [0, 1, size(info.ulMaxPinLen).min(4096) + 1, 1 << 20] {
        let pin = "7".repeat(length);
        let refusals = &[CKR_PIN_INCORRECT, CKR_ARGUMENTS_BAD];
        expect(session.login(CKU_USER, &pin), refusals)?;
    }
    session.login(CKU_USER, USER_PIN)?;
    if info.ulMinPinLen > 1 {
        expect(session.set_pin(USER_PIN, "1"), &[CKR_PIN_LEN_RANGE, CKR_PIN_INVALID])?;
    }
    session.logout()?;
    expect_ok(session.login(CKU_USER, USER_PIN))
}

fn labels_and_slots_of_init_token(context: &Context) -> Check {
    let token = context.token()?;
    if token.kind() == Kind::Nss {
        skip!("NSS resets its database only");
    }
    let mut label = [b' '; 32];
    let (mut pin, module) = (SO_PIN.as_bytes().to_vec(), &token.module);
    let (pin, len, label) = (pin.as_mut_ptr(), ulen(SO_PIN.len()), label.as_mut_ptr());
    module.close_all_sessions(token.slot)?;
    expect_rv(call!(module, C_InitToken(CK_ULONG::MAX, pin, len, label)), &[CKR_SLOT_ID_INVALID])?;
    expect_rv(
        call!(module, C_InitToken(token.slot, null_mut(), len, label)),
        &[CKR_ARGUMENTS_BAD, CKR_PIN_INCORRECT],
    )?;
    expect_rv(call!(module, C_InitToken(token.slot, pin, len, null_mut())), BAD)?;
    ensure!(module.slot_of(LABEL)? == Some(token.slot), "a refused C_InitToken changes the token");
    Ok(())
}

fn cancel_nothing(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let none = &[CKR_OK, CKR_FUNCTION_NOT_SUPPORTED];
    expect(session.cancel(CKF_ENCRYPT | CKF_SIGN | CKF_FIND_OBJECTS), none)?;
    expect(session.cancel(0), none)
}

fn operation_states_that_are_none(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let refusals = &[CKR_SAVED_STATE_INVALID, CKR_FUNCTION_NOT_SUPPORTED];
    for state in [&b"x"[..], &[0; 64], &[0xff; 4096]] {
        expect(session.set_operation_state(state, 0, 0), refusals)?;
    }
    Ok(())
}

fn find_objects_without_room(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    session.create(&crate::suites::fixture::data_template("one", b"x"))?;
    session.find_init(&[crate::Attr::label("one")])?;
    let mut count = 7;
    let mut handle = 0;
    let rv = call!(session.module(), C_FindObjects(session.handle(), &mut handle, 0, &mut count));
    expect_rv(rv, &[CKR_OK, CKR_ARGUMENTS_BAD])?;
    ensure!(rv != CKR_OK || count == 0, "{count} objects where there is room for none");
    Ok(())
}

/// What C_SetAttributeValue and C_CopyObject may not change.
fn attributes_that_stay(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let key = crate::suites::fixture::secret(&session, &[5; 16])?;
    let stays = [
        crate::Attr::class(CKO_PRIVATE_KEY),
        crate::Attr::key_type(CKK_AES),
        crate::Attr::bool(CKA_LOCAL, true),
        crate::Attr::value(&[6; 16]),
        crate::Attr::value_len(17),
        crate::Attr::bool(CKA_ALWAYS_SENSITIVE, true),
    ];
    let refusals = &[CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT];
    for attribute in stays {
        let one = std::slice::from_ref(&attribute);
        expect(session.set(key, one), refusals).map_err(|failure| failure.at(&format!("{attribute:?}")))?;
        expect(session.copy(key, one), refusals).map_err(|failure| failure.at(&format!("{attribute:?}")))?;
    }
    let data = session.create(&crate::suites::fixture::data_template("x", b"x"))?;
    let unknown = crate::Attr::bool(0x7fff_0000, true);
    let refusals = &[CKR_ATTRIBUTE_TYPE_INVALID, CKR_TEMPLATE_INCONSISTENT];
    expect(session.set(data, std::slice::from_ref(&unknown)), refusals)?;
    let ro = token.session(RO)?;
    let kept = session.create(&crate::suites::fixture::with(
        crate::suites::fixture::data_template("kept", b"x"),
        &[crate::Attr::token(true)],
    ))?;
    expect(ro.set(kept, &[crate::Attr::label("new")]), &[CKR_SESSION_READ_ONLY])?;
    expect(ro.destroy(kept), &[CKR_SESSION_READ_ONLY])
}
