//! Libraries that lie, hang, crash, start threads, or want one call at a time; and forks of the host.

use std::process::Command;
use std::time::{Duration, Instant};

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Object, Rv, Session, call, size, ulen};

use crate::support::{Lower, USER, Upper, pair, sign};

const GUARD: u8 = 0xa5;

/// C_Sign into a buffer of so many bytes with a guard behind it: the answer, the length it told, and the buffer.
fn guarded(session: &Session, key: Object, room: usize) -> (Rv, usize, Vec<u8>) {
    session.sign_init(&Mech::new(CKM_ECDSA), key).unwrap();
    let (mut data, mut buffer, mut len) = ([7; 32], vec![GUARD; room + 64], ulen(room));
    let rv = call!(
        session.module(),
        C_Sign(session.handle(), data.as_mut_ptr(), 32, buffer.as_mut_ptr(), &mut len)
    );
    assert!(buffer[room..].iter().all(|byte| *byte == GUARD), "written behind a buffer of {room}");
    let _ = session.cancel(CKF_SIGN);
    (rv, size(len), buffer)
}

#[test]
fn lies_about_sizes_never_reach_beyond_the_callers_buffer() {
    let upper = Upper::new();
    let session = upper.user();
    let (_, private) = pair(&session, b"k").unwrap();
    let right = sign(&session, private).unwrap();
    for lie in ["size-query = +8", "size-query = -8", "reported = +8", "size-query = +8\nreported = +8"] {
        upper.lower.control(lie);
        for room in [0, 1, 56, 63, 64, 65, 72, 200] {
            let (rv, told, buffer) = guarded(&session, private, room);
            if rv == CKR_OK {
                assert!(told <= room, "{lie}: {told} bytes in a buffer of {room}");
                assert_eq!(buffer[..64], right, "{lie}, {room}");
            } else {
                assert!(
                    rv.is_one_of(&[CKR_BUFFER_TOO_SMALL, CKR_DEVICE_ERROR, CKR_FUNCTION_FAILED]),
                    "{lie}: {rv}"
                );
            }
        }
        upper.lower.control("");
        assert_eq!(sign(&session, private).unwrap(), right, "after {lie}");
    }
}

#[test]
fn lies_about_attributes_do_not_either() {
    let upper = Upper::new();
    let session = upper.user();
    let object = session.create(&[Attr::value(b"0123456789abcdef")]).unwrap();
    for lie in ["size-query = +8", "size-query = -8", "reported = +8"] {
        upper.lower.control(lie);
        let (rv, rows) = session.fetch(object, &[(CKA_VALUE, 16)]);
        if rv == CKR_OK {
            assert_eq!(rows[0].value, b"0123456789abcdef", "{lie}");
            assert!(rows[0].len <= 16, "{lie}: {}", rows[0].len);
        }
    }
}

/// Signs in four threads, each with its own session; how many of the calls failed.
fn in_threads(upper: &Upper) -> usize {
    let keeper = upper.user();
    let (_, private) = pair(&keeper, b"k").unwrap();
    upper.lower.control("reenter = refuse\nC_SignInit = slow 5\nC_Sign = slow 5");
    let slot = upper.slot();
    let one = |module: keyward_conformance::Module| {
        std::thread::spawn(move || {
            let session = module.open_session(slot, keyward_conformance::RW)?;
            (0..5).try_for_each(|_| sign(&session, private).map(|_| ()))
        })
    };
    let threads: Vec<_> = (0..4).map(|_| one(upper.module.clone())).collect();
    let failed = threads.into_iter().map(|thread| thread.join().unwrap()).filter(Result::is_err);
    let failed = failed.count();
    upper.lower.control("");
    failed
}

#[test]
fn a_library_that_is_not_thread_safe_gets_one_call_at_a_time() {
    let upper = Upper::with(Lower::new(), "quirks = ['serialize']");
    assert_eq!(in_threads(&upper), 0);
    assert_eq!(upper.lower.called("REENTERED"), 0);
}

#[test]
fn others_get_calls_at_once() {
    let upper = Upper::new();
    in_threads(&upper);
    assert_ne!(upper.lower.called("REENTERED"), 0);
}

#[test]
fn a_library_with_threads_is_never_unmapped() {
    let lower = Lower::new();
    lower.control("threads");
    let upper = Upper::with(lower, "");
    for _ in 0..3 {
        let session = upper.user();
        session.random(16).unwrap();
        drop(session);
        upper.module.finalize().unwrap();
        std::thread::sleep(Duration::from_millis(10));
        upper.module.initialize(Some(&upper.configuration())).unwrap();
    }
}

#[test]
fn quirks_keep_away_from_what_a_library_cannot_do() {
    let upper = Upper::with(Lower::new(), "quirks = ['no-finalize', 'no-pool']");
    let keeper = upper.user();
    let (_, private) = pair(&keeper, b"k").unwrap();
    upper.lower.forget();
    for _ in 0..3 {
        sign(&upper.session(), private).unwrap();
    }
    assert_eq!(upper.lower.called("C_OpenSession"), 3);
    assert_eq!(upper.lower.called("C_CloseSession"), 3);
    drop(keeper);
    upper.lower.control("C_Finalize = crash");
    upper.module.finalize().unwrap();
    // It is still initialised below, and taken as it is.
    upper.module.initialize(Some(&upper.configuration())).unwrap();
    let session = upper.user();
    assert_eq!(session.find(&[Attr::id(b"k"), Attr::class(CKO_PRIVATE_KEY)]).unwrap().len(), 1);
    assert_eq!(upper.lower.called("C_Finalize"), 0);
}

#[test]
fn what_a_hung_call_holds_up_is_its_session_and_no_more() {
    let upper = Upper::new();
    let (session, other) = (upper.user(), upper.session());
    let (_, private) = pair(&session, b"k").unwrap();
    upper.lower.control("C_SignInit = hang");
    let hung = std::thread::spawn(move || sign(&session, private).map(|_| ()));
    while upper.lower.called("C_SignInit") == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    other.random(16).unwrap();
    upper.slot();
    upper.session().random(16).unwrap();
    upper.lower.control("");
    hung.join().unwrap().unwrap();
}

/// Whether the program is there that runs a library in a process of its own.
fn isolation() -> bool {
    let there = Command::new("p11-kit").arg("--help").output().is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("SKIPPED: p11-kit is not installed");
    }
    there
}

#[test]
fn an_isolated_library_runs_in_another_process() {
    if !isolation() {
        return;
    }
    let upper = Upper::with(Lower::new(), "isolate = true");
    let session = upper.user();
    let (public, private) = pair(&session, b"k").unwrap();
    let signature = sign(&session, private).unwrap();
    session.verify(&Mech::new(CKM_ECDSA), public, &[7; 32], &signature).unwrap();
    let processes = upper.lower.processes();
    assert!(!processes.is_empty() && !processes.contains(&std::process::id()), "{processes:?}");
    upper.module.finalize().unwrap();
    // The helper ends with its module.
    let helper = libc::pid_t::try_from(processes[0]).unwrap();
    let ended = |_: &u32| {
        std::thread::sleep(Duration::from_millis(10));
        // SAFETY: asks whether the process is there.
        unsafe { libc::kill(helper, 0) != 0 }
    };
    assert!((0..500).any(|n| ended(&n)), "the helper is still there");
}

#[test]
fn a_hang_is_bounded_where_the_library_is_isolated() {
    if !isolation() {
        return;
    }
    let upper = Upper::with(Lower::new(), "isolate = true\ntimeout_ms = 300");
    let session = upper.user();
    let (_, private) = pair(&session, b"k").unwrap();
    upper.lower.control("C_SignInit = hang");
    let rv = sign(&session, private).unwrap_err();
    assert!(rv.is_one_of(&[CKR_DEVICE_ERROR, CKR_DEVICE_REMOVED, CKR_FUNCTION_FAILED]), "{rv}");
    upper.lower.control("");
    // Another process serves from now on; its tokens are new ones, as this library keeps nothing on disk.
    let slot = upper.slot();
    let session = upper.module.open_session(slot, keyward_conformance::RW).unwrap();
    if let Err(rv) = session.login(CKU_USER, USER) {
        assert_eq!(rv, CKR_USER_ALREADY_LOGGED_IN);
    }
    let (_, private) = pair(&session, b"k").unwrap();
    sign(&session, private).unwrap();
}

#[test]
fn a_crash_is_contained_where_the_library_is_isolated() {
    if !isolation() {
        return;
    }
    let upper = Upper::with(Lower::new(), "isolate = true");
    let session = upper.user();
    let (_, private) = pair(&session, b"k").unwrap();
    upper.lower.control("C_SignInit = crash");
    let rv = sign(&session, private).unwrap_err();
    assert!(rv.is_one_of(&[CKR_DEVICE_ERROR, CKR_DEVICE_REMOVED, CKR_FUNCTION_FAILED]), "{rv}");
    upper.lower.control("");
    let session = upper.session();
    session.random(16).unwrap();
    upper.lower.control("C_Finalize = crash");
    upper.module.finalize().unwrap();
}

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
        let (mut status, start) = (0, Instant::now());
        while libc::waitpid(pid, &mut status, libc::WNOHANG) == 0 {
            if start.elapsed() > Duration::from_secs(60) {
                libc::kill(pid, libc::SIGKILL);
                libc::waitpid(pid, &mut status, 0);
                panic!("the child hangs");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(libc::WIFEXITED(status), "the child was killed: {status:#x}");
        libc::WEXITSTATUS(status)
    }
}

fn forks(upper: &Upper) {
    let session = upper.user();
    let (_, private) = pair(&session, b"k").unwrap();
    let signature = sign(&session, private).unwrap();
    let code = in_child(|| {
        if session.info().map(|_| ()).unwrap_err() != CKR_CRYPTOKI_NOT_INITIALIZED {
            return 1;
        }
        upper.module.initialize(Some(&upper.configuration())).unwrap();
        if session.info().map(|_| ()).unwrap_err() != CKR_SESSION_HANDLE_INVALID {
            return 2;
        }
        let own = upper.user();
        own.random(16).unwrap();
        pair(&own, b"the child's").unwrap();
        drop(own);
        upper.module.finalize().unwrap();
        0
    });
    assert_eq!(code, 0);
    assert_eq!(sign(&session, private).unwrap(), signature);
    // A child that only leaves disturbs nothing.
    assert_eq!(in_child(|| 0), 0);
    assert_eq!(sign(&session, private).unwrap(), signature);
}

#[test]
fn a_child_starts_afresh_and_the_parent_goes_on() {
    forks(&Upper::new());
}

#[test]
fn a_child_has_a_helper_of_its_own() {
    if isolation() {
        forks(&Upper::with(Lower::new(), "isolate = true"));
    }
}
