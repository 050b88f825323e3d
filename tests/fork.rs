//! Fork: the child's handles are dead, it can start at once, and the parent never notices.

#![allow(clippy::unwrap_used)]

mod common;

use common::{ec_pair, sign, token, user_session};
use keyward_conformance::ck::*;
use keyward_conformance::{Attr, RW};

/// Runs `child` in a forked process and answers its exit status.
fn in_child(child: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child calls the library and `_exit`, nothing of the test harness.
    unsafe {
        let pid = libc::fork();
        assert!(pid >= 0);
        if pid == 0 {
            let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).unwrap_or(99);
            libc::_exit(code);
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(pid, &mut status, 0), pid);
        assert!(libc::WIFEXITED(status), "the child was killed: {status:#x}");
        libc::WEXITSTATUS(status)
    }
}

#[test]
fn a_child_starts_afresh_and_the_parent_goes_on() {
    let token = token();
    let session = token.user_session().unwrap();
    let (_, key) = ec_pair(&session, b"forked").unwrap();
    sign(&session, key).unwrap();
    let reserved = token.reserved().unwrap().to_owned();
    let code = in_child(|| {
        if session.info().unwrap_err() != CKR_CRYPTOKI_NOT_INITIALIZED {
            return 1;
        }
        token.module.initialize(Some(&reserved)).unwrap();
        if session.info().unwrap_err() != CKR_SESSION_HANDLE_INVALID {
            return 2;
        }
        let own = user_session(&token.module);
        let keys = own.find(&[Attr::id(b"forked"), Attr::class(CKO_PRIVATE_KEY)]).unwrap();
        sign(&own, keys[0]).unwrap();
        ec_pair(&own, b"the child's").unwrap();
        own.close().unwrap();
        token.module.finalize().unwrap();
        0
    });
    assert_eq!(code, 0);
    sign(&session, key).unwrap();
    // What the child made is there, and the parent's connection still works for writing.
    assert_eq!(session.find(&[Attr::id(b"the child's")]).unwrap().len(), 2);
    ec_pair(&session, b"the parent's").unwrap();
}

#[test]
fn a_child_that_only_exits_disturbs_nothing() {
    let token = token();
    let session = token.user_session().unwrap();
    let (_, key) = ec_pair(&session, b"k").unwrap();
    for _ in 0..5 {
        assert_eq!(in_child(|| 0), 0);
        sign(&session, key).unwrap();
        ec_pair(&session, b"more").unwrap();
    }
}

#[test]
fn a_grandchild_starts_afresh_too() {
    let token = token();
    let session = token.session(RW).unwrap();
    let reserved = token.reserved().unwrap().to_owned();
    let code = in_child(|| {
        token.module.initialize(Some(&reserved)).unwrap();
        in_child(|| {
            if token.module.info().unwrap_err() != CKR_CRYPTOKI_NOT_INITIALIZED {
                return 1;
            }
            token.module.initialize(Some(&reserved)).unwrap();
            drop(user_session(&token.module));
            0
        })
    });
    assert_eq!(code, 0);
    session.info().unwrap();
}

#[test]
fn forking_while_other_threads_work_leaves_a_usable_child() {
    let token = token();
    let session = token.user_session().unwrap();
    let (_, key) = ec_pair(&session, b"k").unwrap();
    let reserved = token.reserved().unwrap().to_owned();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let own = token.user_session().unwrap();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    sign(&own, key).unwrap();
                }
            });
        }
        for _ in 0..20 {
            let code = in_child(|| {
                token.module.initialize(Some(&reserved)).unwrap();
                let own = user_session(&token.module);
                let keys = own.find(&[Attr::id(b"k"), Attr::class(CKO_PRIVATE_KEY)]).unwrap();
                sign(&own, keys[0]).unwrap();
                0
            });
            assert_eq!(code, 0);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn what_a_child_stored_survives_its_parents_end() {
    let token = token();
    drop(token.user_session().unwrap());
    let reserved = token.reserved().unwrap().to_owned();
    let code = in_child(|| {
        // This process is the parent now: its child stores something while it closes its own connections.
        let session = user_session_here(&token, &reserved);
        ec_pair(&session, b"first").unwrap();
        let mut pipe = [0; 2];
        // SAFETY: plain system calls on this process's own descriptors and child.
        unsafe {
            assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
            let pid = libc::fork();
            if pid == 0 {
                let session = user_session_here(&token, &reserved);
                ec_pair(&session, b"before").unwrap();
                let mut byte = [0u8];
                libc::read(pipe[0], byte.as_mut_ptr().cast(), 1);
                ec_pair(&session, b"after").unwrap();
                drop(session);
                libc::_exit(i32::from(token.module.finalize().is_err()));
            }
            session.close().unwrap();
            token.module.finalize().unwrap();
            libc::write(pipe[1], b"x".as_ptr().cast(), 1);
            let mut status = 0;
            libc::waitpid(pid, &mut status, 0);
            libc::WEXITSTATUS(status)
        }
    });
    assert_eq!(code, 0);
    let session = token.user_session().unwrap();
    for id in [&b"first"[..], b"before", b"after"] {
        assert_eq!(session.find(&[Attr::id(id)]).unwrap().len(), 2, "{}", String::from_utf8_lossy(id));
    }
}

fn user_session_here(token: &keyward_conformance::TestToken, reserved: &str) -> keyward_conformance::Session {
    token.module.initialize(Some(reserved)).unwrap();
    user_session(&token.module)
}
