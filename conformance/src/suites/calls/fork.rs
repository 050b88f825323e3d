//! A process that forks after C_Initialize: the child starts over, the parent is not disturbed.

use cryptoki_sys::*;

use super::super::fixture;
use crate::runner::{Case, Check, Context, expect_ok};
use crate::token::USER_PIN;
use crate::{Attr, Mech, RW, Rv, TestToken, cases, ensure};

pub(super) fn cases() -> Vec<Case> {
    cases![
        handles_are_dead_in_the_child,
        child_initializes_and_signs,
        child_finalize_leaves_the_parent_alone,
        child_that_only_exits,
        random_numbers_differ_after_fork,
    ]
}

/// Runs `work` in a forked child and gives its exit code; the child never returns into this program.
fn in_child(work: impl FnOnce() -> u8) -> Check<i32> {
    // SAFETY: an isolated case has one thread; the child leaves by _exit.
    let pid = unsafe { libc::fork() };
    ensure!(pid >= 0, "fork fails");
    if pid == 0 {
        let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(99);
        // SAFETY: ends the child without running handlers that belong to the parent.
        unsafe { libc::_exit(i32::from(code)) };
    }
    let mut status = 0;
    // SAFETY: `pid` is this process's child and `status` outlives the call.
    let waited = unsafe { libc::waitpid(pid, &mut status, 0) };
    ensure!(waited == pid, "waitpid fails");
    ensure!(libc::WIFEXITED(status), "the child is killed by signal {}", libc::WTERMSIG(status));
    Ok(libc::WEXITSTATUS(status))
}

/// Turns the child's steps into an exit code: 0, or the number of the step that went wrong.
fn steps(results: impl IntoIterator<Item = bool>) -> u8 {
    results.into_iter().zip(1..).find(|(good, _)| !good).map_or(0, |(_, step)| step)
}

fn key_signs(session: &crate::Session) -> Result<(), Rv> {
    let key = session.find(&[Attr::label("forked")])?.first().copied().ok_or(Rv(CKR_KEY_HANDLE_INVALID))?;
    session.sign(&Mech::new(CKM_ECDSA), key, &[1; 32]).map(drop)
}

fn prepared(context: &Context) -> Check<TestToken> {
    let token = context.token()?;
    let session = token.user_session()?;
    fixture::ec(&session, &[Attr::token(true), Attr::label("forked")])?;
    Ok(token)
}

fn handles_are_dead_in_the_child(context: &Context) -> Check {
    let token = prepared(context)?;
    let session = token.user_session()?;
    let dead = [CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SESSION_HANDLE_INVALID];
    let code = in_child(|| {
        steps([
            session.info().is_err_and(|rv| rv.is_one_of(&dead)),
            session.random(8).is_err_and(|rv| rv.is_one_of(&dead)),
            token.module.info().is_err_and(|rv| rv == CKR_CRYPTOKI_NOT_INITIALIZED),
        ])
    })?;
    ensure!(
        code == 0,
        "in the child, step {code} (C_GetSessionInfo, C_GenerateRandom, C_GetInfo) still answers"
    );
    expect_ok(key_signs(&session))
}

fn child_initializes_and_signs(context: &Context) -> Check {
    let token = prepared(context)?;
    let session = token.user_session()?;
    let code = in_child(|| {
        let initialized = token.module.initialize(token.reserved());
        let Ok(session) = token.module.open_session(token.slot, RW) else { return 2 };
        steps([
            initialized.is_ok(),
            true,
            session.info().is_ok_and(|info| info.state == CKS_RW_PUBLIC_SESSION),
            session.login(CKU_USER, USER_PIN).is_ok(),
            key_signs(&session).is_ok(),
            token.module.finalize().is_ok(),
        ])
    })?;
    ensure!(
        code == 0,
        "step {code} of C_Initialize, C_OpenSession, public state, C_Login, C_Sign, C_Finalize fails in the child"
    );
    expect_ok(key_signs(&session))
}

fn child_finalize_leaves_the_parent_alone(context: &Context) -> Check {
    let token = prepared(context)?;
    let session = token.user_session()?;
    in_child(|| {
        let _ = token.module.finalize();
        0
    })?;
    expect_ok(session.info())?;
    expect_ok(key_signs(&session))
}

fn child_that_only_exits(context: &Context) -> Check {
    let token = prepared(context)?;
    let session = token.user_session()?;
    // SAFETY: exit runs the child's exit handlers on purpose: the module must survive them.
    let code = in_child(|| unsafe { libc::exit(7) })?;
    ensure!(code == 7, "exit(7) in the child gives {code}");
    expect_ok(key_signs(&session))
}

fn random_numbers_differ_after_fork(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.session(RW)?;
    let (mut reader, mut writer) = std::io::pipe().map_err(|error| error.to_string())?;
    in_child(|| {
        let _ = token.module.finalize();
        let drawn = token
            .module
            .initialize(token.reserved())
            .and_then(|()| token.module.open_session(token.slot, RW))
            .and_then(|session| session.random(32))
            .unwrap_or_default();
        u8::from(std::io::Write::write_all(&mut writer, &drawn).is_err())
    })?;
    drop(writer);
    let mut theirs = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut theirs).map_err(|error| error.to_string())?;
    let ours = session.random(32)?;
    ensure!(!theirs.is_empty(), "the child draws no random numbers");
    ensure!(theirs != ours, "parent and child draw the same random numbers");
    Ok(())
}
