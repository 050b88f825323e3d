use std::path::Path;
use std::time::{Duration, Instant};

use super::super::{Launch, Remote};
use super::{NULL, number, pointer};
use crate::types::ck;

const SHORT: Duration = Duration::from_millis(300);

/// A helper that is a shell script.
fn script(text: &str, timeout: Duration) -> Launch {
    let command = vec!["sh".into(), "-c".into(), text.into()];
    Launch { command, environment: Vec::new(), timeout }
}

fn finalize(remote: &Remote) -> ck::CK_RV {
    // SAFETY: C_Finalize takes a null pointer.
    unsafe { remote.call("C_Finalize", &[NULL]) }
}

fn is_gone(pid: u32) -> bool {
    !Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn a_helper_that_hangs_is_killed_at_the_time_out() {
    let remote = script(r"printf '\000'; exec sleep 600", SHORT).start().unwrap();
    let pid = remote.pid().unwrap();
    assert!(remote.is_alive());
    assert_eq!(finalize(&remote), ck::CKR_DEVICE_ERROR);
    assert!(!remote.is_alive());
    assert!(is_gone(pid), "killed and reaped");
    assert_eq!(finalize(&remote), ck::CKR_DEVICE_REMOVED);
}

#[test]
fn a_helper_that_never_greets_is_killed_at_the_time_out() {
    let error = script("exec sleep 600", SHORT).start().err().unwrap();
    assert!(error.contains("did not answer in time"), "{error}");
}

#[test]
fn a_helper_that_takes_no_input_is_killed_at_the_time_out() {
    let remote = script(r"printf '\000'; exec sleep 600", SHORT).start().unwrap();
    let data = vec![0u8; 8 << 20];
    // SAFETY: the data has the length that is given.
    let value = unsafe {
        remote
            .call("C_DigestUpdate", &[number(1), super::constant(&data), number(data.len() as ck::CK_ULONG)])
    };
    assert_eq!(value, ck::CKR_DEVICE_ERROR);
    assert!(!remote.is_alive());
}

#[test]
fn a_helper_that_ends_is_noticed_before_the_next_call() {
    let remote = script(r"printf '\000'; exit 3", Duration::from_secs(10)).start().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while remote.is_alive() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!remote.is_alive());
    assert_eq!(finalize(&remote), ck::CKR_DEVICE_REMOVED);
}

#[test]
fn a_helper_that_ends_before_it_greets_is_an_error() {
    let error = script("exit 1", Duration::from_secs(10)).start().err().unwrap();
    assert!(error.contains("ended"), "{error}");
    let launch = Launch { command: vec!["/nonexistent/p11-kit".into()], ..script("", SHORT) };
    let error = launch.start().err().unwrap();
    assert!(error.contains("does not start"), "{error}");
}

#[test]
fn a_helper_that_only_knows_version_0_is_asked_again() {
    // Reads the first byte and ends unless it is 0, as servers did before versions were negotiated.
    let old = r#"v=$(dd bs=1 count=1 2>/dev/null | od -An -tu1 | tr -d ' '); [ "$v" = 0 ] || exit 1; printf '\000'; exec sleep 600"#;
    let remote = script(old, Duration::from_secs(10)).start().unwrap();
    assert!(remote.is_alive());
    assert_eq!(remote.version, 0);
}

#[test]
fn answers_that_break_the_protocol_end_the_helper() {
    let answers = [
        // Longer than anything that was asked for.
        r"\000\000\000\020\000\000\000\000\177\377\377\376",
        r"\000\000\000\020\177\377\377\376\000\000\000\000",
        // Another call's.
        r"\000\000\000\021\000\000\000\000\000\000\000\010",
        // Not a message.
        r"\000\000\000\020\000\000\000\000\000\000\000\003abc",
        // C_Initialize's answer.
        r"\000\000\000\020\000\000\000\000\000\000\000\010\000\000\000\001\000\000\000\000",
    ];
    for answer in answers {
        let text = format!(r"printf '\000'; printf '{answer}'; exec sleep 600");
        let remote = script(&text, Duration::from_secs(10)).start().unwrap();
        let pid = remote.pid().unwrap();
        assert_eq!(finalize(&remote), ck::CKR_DEVICE_ERROR, "{answer}");
        assert!(is_gone(pid), "{answer}");
        assert_eq!(finalize(&remote), ck::CKR_DEVICE_REMOVED, "{answer}");
    }
}

#[test]
fn dropping_ends_a_helper_that_ignores_its_input() {
    let remote = script(r"printf '\000'; exec sleep 600", Duration::from_secs(10)).start().unwrap();
    let pid = remote.pid().unwrap();
    drop(remote);
    assert!(is_gone(pid));
}

#[test]
fn an_abandoned_helper_is_left_alone() {
    let remote = script(r"printf '\000'; exec sleep 600", Duration::from_secs(10)).start().unwrap();
    let pid = remote.pid().unwrap();
    remote.abandon();
    assert!(!remote.is_alive());
    assert_eq!(finalize(&remote), ck::CKR_DEVICE_REMOVED);
    drop(remote);
    assert!(!is_gone(pid));
    let pid = libc::pid_t::try_from(pid).unwrap();
    // SAFETY: the process is a child of this one that nobody reaped, so the number is still its own.
    unsafe {
        libc::kill(pid, libc::SIGKILL);
        libc::waitpid(pid, std::ptr::null_mut(), 0);
    }
}

#[test]
fn a_forked_child_gets_no_answer_and_does_no_harm() {
    let remote = script(r"printf '\000'; exec sleep 600", Duration::from_secs(10)).start().unwrap();
    // SAFETY: the child calls nothing that takes a lock: it compares process numbers, drops, and leaves.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let refused = finalize(&remote) == ck::CKR_DEVICE_REMOVED && !remote.is_alive();
        drop(remote);
        // SAFETY: ends the child at once, without the handlers of the test's process.
        unsafe { libc::_exit(if refused { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: waits for the child made above.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(status, 0);
    assert!(remote.is_alive());
}

#[test]
fn the_helper_inherits_only_its_standard_descriptors() {
    let place = tempfile::tempdir().unwrap();
    let list = place.path().join("descriptors");
    // SAFETY: makes a descriptor that exec does not close, as hosts do.
    let leaked = unsafe { libc::dup(2) };
    let text = format!(r"ls -l /proc/$$/fd > '{}'; printf '\000'; exec sleep 600", list.display());
    let remote = script(&text, Duration::from_secs(10)).start().unwrap();
    let listed = std::fs::read_to_string(&list).unwrap();
    // SAFETY: closes what was made above.
    unsafe { libc::close(leaked) };
    drop(remote);
    assert!(!listed.contains(&format!(" {leaked} -> ")), "{listed}");
}

#[test]
fn a_call_that_the_protocol_lacks_is_not_supported() {
    let remote = script(r"printf '\000'; exec sleep 600", Duration::from_secs(10)).start().unwrap();
    let mut flags: ck::CK_ULONG = 0;
    // SAFETY: no argument is looked at.
    unsafe {
        let newer = remote.call("C_GetSessionValidationFlags", &[number(1), number(1), pointer(&mut flags)]);
        assert_eq!(newer, ck::CKR_FUNCTION_NOT_SUPPORTED);
        assert_eq!(remote.call("C_SessionCancel", &[number(1), number(1)]), ck::CKR_FUNCTION_NOT_SUPPORTED);
        assert_eq!(remote.call("C_GetFunctionStatus", &[number(1)]), ck::CKR_FUNCTION_NOT_PARALLEL);
    }
    assert!(remote.is_alive());
}
