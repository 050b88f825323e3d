//! Session management.

use std::ptr::null_mut;

use cryptoki_sys::*;

use super::super::fixture;
use crate::runner::{Case, Check, Context, expect, expect_ok, expect_rv};
use crate::token::USER_PIN;
use crate::{Attr, RO, RW, call, cases, ensure};

pub(super) fn cases() -> Vec<Case> {
    cases![
        open_without_serial_flag,
        close_twice,
        close_all,
        states_follow_login,
        closing_the_last_session_logs_out,
        another_session_keeps_the_login,
        session_objects_die_with_their_session,
        logout_removes_private_session_objects,
        many_sessions,
        token_counts_sessions,
        session_info_null,
        random_numbers,
    ]
}

pub(in crate::suites) fn open_without_serial_flag(context: &Context) -> Check {
    let token = context.token()?;
    expect(token.session(CKF_RW_SESSION), &[CKR_SESSION_PARALLEL_NOT_SUPPORTED])
}

fn close_twice(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.session(RO)?;
    let handle = session.handle();
    session.close()?;
    expect_rv(call!(token.module, C_CloseSession(handle)), &[CKR_SESSION_HANDLE_INVALID])
}

fn close_all(context: &Context) -> Check {
    let token = context.token()?;
    let (first, second) = (token.session(RO)?, token.session(RW)?);
    token.module.close_all_sessions(token.slot)?;
    expect(first.info(), &[CKR_SESSION_HANDLE_INVALID])?;
    expect(second.info(), &[CKR_SESSION_HANDLE_INVALID])?;
    expect_ok(token.module.close_all_sessions(token.slot))
}

fn states_follow_login(context: &Context) -> Check {
    let token = context.token()?;
    let (ro, rw) = (token.session(RO)?, token.session(RW)?);
    let states = || -> Check<(CK_STATE, CK_STATE)> { Ok((ro.info()?.state, rw.info()?.state)) };
    ensure!(states()? == (CKS_RO_PUBLIC_SESSION, CKS_RW_PUBLIC_SESSION), "before login: {:?}", states()?);
    let info = rw.info()?;
    ensure!(info.slotID == token.slot, "C_GetSessionInfo gives slot {}", info.slotID);
    ensure!(info.flags == RW, "C_GetSessionInfo gives flags {:#x}", info.flags);
    ro.login(CKU_USER, USER_PIN)?;
    ensure!(states()? == (CKS_RO_USER_FUNCTIONS, CKS_RW_USER_FUNCTIONS), "after login: {:?}", states()?);
    rw.logout()?;
    ensure!(states()? == (CKS_RO_PUBLIC_SESSION, CKS_RW_PUBLIC_SESSION), "after logout: {:?}", states()?);
    drop((ro, rw));
    let so = token.so_session()?;
    ensure!(so.info()?.state == CKS_RW_SO_FUNCTIONS, "SO: {}", so.info()?.state);
    Ok(())
}

fn closing_the_last_session_logs_out(context: &Context) -> Check {
    let token = context.token()?;
    token.user_session()?.close()?;
    let session = token.session(RO)?;
    ensure!(session.info()?.state == CKS_RO_PUBLIC_SESSION, "the login survives the last session");
    Ok(())
}

fn another_session_keeps_the_login(context: &Context) -> Check {
    let token = context.token()?;
    let other = token.session(RO)?;
    token.user_session()?.close()?;
    ensure!(other.info()?.state == CKS_RO_USER_FUNCTIONS, "the login ends although a session is open");
    let fresh = token.session(RW)?;
    ensure!(fresh.info()?.state == CKS_RW_USER_FUNCTIONS, "a new session does not share the login");
    Ok(())
}

fn session_objects_die_with_their_session(context: &Context) -> Check {
    let token = context.token()?;
    let (maker, other) = (token.user_session()?, token.session(RW)?);
    let object = maker.create(&fixture::data_template("mayfly", b"x"))?;
    ensure!(other.find(&[Attr::label("mayfly")])? == [object], "another session does not see the object");
    maker.close()?;
    ensure!(other.find(&[Attr::label("mayfly")])?.is_empty(), "a session object survives its session");
    expect(other.get(object, CKA_VALUE), &[CKR_OBJECT_HANDLE_INVALID])
}

fn logout_removes_private_session_objects(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let private =
        session.create(&fixture::with(fixture::data_template("mine", b"x"), &[Attr::private(true)]))?;
    let public = session.create(&fixture::data_template("ours", b"x"))?;
    session.logout()?;
    expect(session.get(private, CKA_VALUE), &[CKR_OBJECT_HANDLE_INVALID])?;
    session.login(CKU_USER, USER_PIN)?;
    expect(session.get(private, CKA_VALUE), &[CKR_OBJECT_HANDLE_INVALID])?;
    ensure!(session.find(&[Attr::label("mine")])?.is_empty(), "a private session object survives C_Logout");
    expect_ok(session.get(public, CKA_VALUE))
}

fn many_sessions(context: &Context) -> Check {
    let token = context.token()?;
    let limit = token.module.token_info(token.slot)?.ulMaxRwSessionCount;
    let mut sessions = Vec::new();
    for number in 0..1024_u64 {
        match token.session(RW) {
            Ok(session) => sessions.push(session),
            Err(rv) if rv == CKR_SESSION_COUNT && limit != CK_EFFECTIVELY_INFINITE && number >= limit => {
                break;
            }
            Err(rv) => crate::fail!("session {number} answers {rv}; the token says at most {limit}"),
        }
    }
    let handles: std::collections::HashSet<_> = sessions.iter().map(crate::Session::handle).collect();
    ensure!(handles.len() == sessions.len(), "two sessions share a handle");
    ensure!(!handles.contains(&0), "a session has the handle 0");
    Ok(())
}

fn token_counts_sessions(context: &Context) -> Check {
    let token = context.token()?;
    let _sessions = (token.session(RW)?, token.session(RO)?);
    let info = token.module.token_info(token.slot)?;
    let counts = (info.ulSessionCount, info.ulRwSessionCount);
    ensure!(
        counts == (2, 1) || counts == (crate::UNAVAILABLE, crate::UNAVAILABLE),
        "2 sessions, 1 read-write: the token counts {counts:?}"
    );
    Ok(())
}

fn session_info_null(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.session(RO)?;
    expect_rv(call!(token.module, C_GetSessionInfo(session.handle(), null_mut())), &[CKR_ARGUMENTS_BAD])
}

fn random_numbers(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.session(RO)?;
    let (first, second) = (session.random(64)?, session.random(64)?);
    ensure!(first != second && first != [0; 64], "C_GenerateRandom repeats itself");
    expect(session.seed_random(b"some seed"), &[CKR_OK, CKR_RANDOM_SEED_NOT_SUPPORTED])?;
    expect(session.random(1 << 20), &[CKR_OK])
}
