//! Login, logout and PINs.

use cryptoki_sys::*;

use crate::runner::{Case, Check, Context, expect, expect_ok, expect_rv};
use crate::token::{SO_PIN, USER_PIN};
use crate::{Attr, Kind, RO, RW, call, cases, ensure, size, skip};

pub(super) fn cases() -> Vec<Case> {
    cases![
        login_twice,
        login_as_the_other_user,
        login_with_unknown_user_type,
        login_with_wrong_pin,
        login_with_null_pin,
        login_with_huge_pin,
        login_before_the_user_pin_is_set,
        context_login_without_operation,
        so_login_with_read_only_session,
        read_only_session_under_so_login,
        logout_without_login,
        init_pin_needs_the_so,
        init_pin_lengths,
        set_pin_of_the_user,
        set_pin_of_the_so,
        set_pin_errors,
        set_pin_without_login,
        always_authenticate,
    ]
}

fn login_twice(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    expect(session.login(CKU_USER, USER_PIN), &[CKR_USER_ALREADY_LOGGED_IN])?;
    expect(token.session(RO)?.login(CKU_USER, USER_PIN), &[CKR_USER_ALREADY_LOGGED_IN])
}

fn login_as_the_other_user(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    expect(session.login(CKU_SO, token.kind().so_pin()), &[CKR_USER_ANOTHER_ALREADY_LOGGED_IN])?;
    session.logout()?;
    session.login(CKU_SO, token.kind().so_pin())?;
    expect(session.login(CKU_USER, USER_PIN), &[CKR_USER_ANOTHER_ALREADY_LOGGED_IN])
}

fn login_with_unknown_user_type(context: &Context) -> Check {
    let token = context.token()?;
    expect(token.session(RW)?.login(77, USER_PIN), &[CKR_USER_TYPE_INVALID])
}

fn login_with_wrong_pin(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.session(RW)?;
    expect(session.login(CKU_USER, "not-the-pin"), &[CKR_PIN_INCORRECT])?;
    ensure!(session.info()?.state == CKS_RW_PUBLIC_SESSION, "a wrong PIN logs in");
    expect(session.login(CKU_SO, "not-the-pin"), &[CKR_PIN_INCORRECT])?;
    expect_ok(session.login(CKU_USER, USER_PIN))
}

fn login_with_null_pin(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.session(RW)?;
    let (module, null) = (&token.module, std::ptr::null_mut());
    let bad = &[CKR_ARGUMENTS_BAD, CKR_PIN_INCORRECT, CKR_PIN_LEN_RANGE];
    expect_rv(call!(module, C_Login(session.handle(), CKU_USER, null, 8)), bad)?;
    expect_rv(call!(module, C_Login(session.handle(), CKU_USER, null, 0)), bad)
}

fn login_with_huge_pin(context: &Context) -> Check {
    let token = context.token()?;
    let pin = "x".repeat(1 << 20);
    let bad = &[CKR_PIN_INCORRECT, CKR_PIN_LEN_RANGE];
    expect(token.session(RW)?.login(CKU_USER, &pin), bad)
}

fn login_before_the_user_pin_is_set(context: &Context) -> Check {
    let bench = context.bench()?;
    if bench.kind == Kind::Nss {
        skip!("NSS has no such state");
    }
    bench.initialize()?;
    bench.module.init_token(bench.free_slot()?, SO_PIN, "fresh")?;
    let Some(slot) = bench.module.slot_of("fresh")? else { crate::fail!("the new token is not listed") };
    let session = bench.module.open_session(slot, RW)?;
    expect(session.login(CKU_USER, USER_PIN), &[CKR_USER_PIN_NOT_INITIALIZED])
}

fn context_login_without_operation(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    expect(session.login(CKU_CONTEXT_SPECIFIC, USER_PIN), &[CKR_OPERATION_NOT_INITIALIZED])
}

fn so_login_with_read_only_session(context: &Context) -> Check {
    let token = context.token()?;
    let (_ro, rw) = (token.session(RO)?, token.session(RW)?);
    expect(rw.login(CKU_SO, token.kind().so_pin()), &[CKR_SESSION_READ_ONLY_EXISTS])
}

fn read_only_session_under_so_login(context: &Context) -> Check {
    let token = context.token()?;
    let _so = token.so_session()?;
    expect(token.session(RO), &[CKR_SESSION_READ_WRITE_SO_EXISTS])?;
    expect_ok(token.session(RW))
}

pub(in crate::suites) fn logout_without_login(context: &Context) -> Check {
    let token = context.token()?;
    expect(token.session(RW)?.logout(), &[CKR_USER_NOT_LOGGED_IN])
}

fn init_pin_needs_the_so(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.session(RW)?;
    expect(session.init_pin("another-pin"), &[CKR_USER_NOT_LOGGED_IN])?;
    session.login(CKU_USER, USER_PIN)?;
    expect(session.init_pin("another-pin"), &[CKR_USER_NOT_LOGGED_IN])
}

fn init_pin_lengths(context: &Context) -> Check {
    let token = context.token()?;
    let info = token.module.token_info(token.slot)?;
    let session = token.so_session()?;
    let bad = &[CKR_PIN_LEN_RANGE];
    if info.ulMinPinLen > 0 {
        expect(session.init_pin(&"1".repeat(size(info.ulMinPinLen) - 1)), bad)?;
    }
    if info.ulMaxPinLen < 1 << 16 {
        expect(session.init_pin(&"1".repeat(size(info.ulMaxPinLen) + 1)), bad)?;
    }
    session.init_pin("reset-by-the-so")?;
    session.logout()?;
    expect(session.login(CKU_USER, USER_PIN), &[CKR_PIN_INCORRECT])?;
    expect_ok(session.login(CKU_USER, "reset-by-the-so"))
}

fn set_pin_of_the_user(context: &Context) -> Check {
    let mut token = context.token()?;
    let session = token.user_session()?;
    super::super::fixture::aes(&session, &[Attr::token(true), Attr::label("kept")])?;
    session.set_pin(USER_PIN, "another-pin-1")?;
    session.logout()?;
    expect(session.login(CKU_USER, USER_PIN), &[CKR_PIN_INCORRECT])?;
    session.login(CKU_USER, "another-pin-1")?;
    drop(session);
    token.restart()?;
    let session = token.session(RW)?;
    session.login(CKU_USER, "another-pin-1")?;
    ensure!(session.find(&[Attr::label("kept")])?.len() == 1, "a PIN change loses objects");
    Ok(())
}

fn set_pin_of_the_so(context: &Context) -> Check {
    let token = context.token()?;
    if token.kind() == Kind::Nss {
        skip!("NSS has no SO PIN");
    }
    let session = token.so_session()?;
    session.set_pin(SO_PIN, "another-so-pin")?;
    session.logout()?;
    expect(session.login(CKU_SO, SO_PIN), &[CKR_PIN_INCORRECT])?;
    expect_ok(session.login(CKU_SO, "another-so-pin"))
}

fn set_pin_errors(context: &Context) -> Check {
    let token = context.token()?;
    let info = token.module.token_info(token.slot)?;
    let session = token.user_session()?;
    expect(session.set_pin("not-the-pin", "another-pin"), &[CKR_PIN_INCORRECT])?;
    if info.ulMaxPinLen < 1 << 16 {
        let long = "1".repeat(size(info.ulMaxPinLen) + 1);
        expect(session.set_pin(USER_PIN, &long), &[CKR_PIN_LEN_RANGE])?;
    }
    expect(token.session(RO)?.set_pin(USER_PIN, "another-pin"), &[CKR_SESSION_READ_ONLY])?;
    session.logout()?;
    expect_ok(session.login(CKU_USER, USER_PIN))
}

/// In the public state C_SetPIN changes the user's PIN.
fn set_pin_without_login(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.session(RW)?;
    session.set_pin(USER_PIN, "changed-in-public")?;
    ensure!(session.info()?.state == CKS_RW_PUBLIC_SESSION, "C_SetPIN logs in");
    expect_ok(session.login(CKU_USER, "changed-in-public"))
}

fn always_authenticate(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let extra = [Attr::bool(CKA_ALWAYS_AUTHENTICATE, true), Attr::private(true)];
    let (_, key) = super::super::fixture::ec(&session, &extra)?;
    let mech = crate::Mech::new(CKM_ECDSA);
    session.sign_init(&mech, key)?;
    expect(session.sign_once(&[7; 32]), &[CKR_USER_NOT_LOGGED_IN])?;
    session.sign_init(&mech, key)?;
    expect(session.login(CKU_CONTEXT_SPECIFIC, "not-the-pin"), &[CKR_PIN_INCORRECT])?;
    let _ = session.sign_once(&[7; 32]);
    let _ = session.sign_init(&mech, key);
    session.login(CKU_CONTEXT_SPECIFIC, USER_PIN)?;
    expect_ok(session.sign_once(&[7; 32]))?;
    session.sign_init(&mech, key)?;
    expect(session.sign_once(&[7; 32]), &[CKR_USER_NOT_LOGGED_IN])
}
