//! Directories and disks that don't let us: the exact CKR, nothing lost. Each test needs root to take rights away from
//! itself, and says so where it can't.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use common::{ec_pair, second_instance, sign, token, token_file, user_session};
use keyward_conformance::ck::*;
use keyward_conformance::token::{SO_PIN, USER_PIN};
use keyward_conformance::{Attr, Module, RW};

/// Runs `work` in a forked process that has given up root's rights; false where we have none to give up.
fn as_nobody(work: impl FnOnce() -> i32) -> bool {
    // SAFETY: the child changes its own identity, works and leaves without the test harness.
    unsafe {
        if libc::geteuid() != 0 {
            eprintln!("skipped: this test needs root");
            return false;
        }
        let pid = libc::fork();
        if pid == 0 {
            let dropped = libc::setgroups(0, std::ptr::null()) == 0
                && libc::setgid(65534) == 0
                && libc::setuid(65534) == 0;
            let code = match dropped {
                true => std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(99),
                false => 98,
            };
            libc::_exit(code);
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(pid, &mut status, 0), pid);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "{status:#x}");
        true
    }
}

/// A closed token with one pair, whose files show these modes.
fn closed_token(file_mode: u32, dir_mode: u32) -> keyward_conformance::TestToken {
    let token = token();
    let session = token.user_session().unwrap();
    ec_pair(&session, b"kept").unwrap();
    drop(session);
    token.module.finalize().unwrap();
    std::fs::set_permissions(token_file(token.dir()), Permissions::from_mode(file_mode)).unwrap();
    std::fs::set_permissions(token.dir(), Permissions::from_mode(dir_mode)).unwrap();
    token
}

#[test]
fn a_directory_without_permission_is_named() {
    let token = closed_token(0o600, 0o700);
    let dir = token.dir().to_owned();
    as_nobody(|| {
        let module = second_instance(&dir);
        assert_eq!(module.slots(true).unwrap_err(), CKR_FUNCTION_FAILED);
        0
    });
}

#[test]
fn a_read_only_token_signs_and_refuses_to_store() {
    let token = closed_token(0o444, 0o555);
    let dir = token.dir().to_owned();
    as_nobody(|| {
        let module = second_instance(&dir);
        let slot = module.slots(true).unwrap()[0];
        assert_ne!(module.token_info(slot).unwrap().flags & CKF_WRITE_PROTECTED, 0);
        let session = user_session(&module);
        let keys = session.find(&[Attr::id(b"kept"), Attr::class(CKO_PRIVATE_KEY)]).unwrap();
        sign(&session, keys[0]).unwrap();
        assert_eq!(ec_pair(&session, b"new").unwrap_err(), CKR_TOKEN_WRITE_PROTECTED);
        assert_eq!(session.destroy(keys[0]).unwrap_err(), CKR_TOKEN_WRITE_PROTECTED);
        // Session objects need no disk.
        session.create(&[Attr::class(CKO_DATA), Attr::value(b"x")]).unwrap();
        0
    });
    std::fs::set_permissions(token.dir(), Permissions::from_mode(0o700)).unwrap();
}

/// A small file system of its own, unmounted on drop.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"]).arg(dir.path()).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(SmallDisk(dir));
        }
        eprintln!("skipped: this test needs to mount a file system");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[test]
fn a_full_disk_loses_nothing() {
    let Some(disk) = SmallDisk::mount() else { return };
    let module = second_instance(disk.path());
    let slot = module.slots(true).unwrap()[0];
    module.init_token(slot, SO_PIN, "small").unwrap();
    let session = prepared(&module, slot);
    let mut stored = 0u32;
    let refused = loop {
        match ec_pair(&session, &stored.to_be_bytes()) {
            Ok(_) => stored += 1,
            Err(rv) => break rv,
        }
        assert!(stored < 10_000, "the disk never filled");
    };
    assert_eq!(refused, CKR_DEVICE_MEMORY);
    assert!(stored > 0);
    let pairs = |session: &keyward_conformance::Session| session.find(&[Attr::label("pair")]).unwrap().len();
    assert_eq!(pairs(&session), stored as usize * 2);
    // Still usable: keys sign, and room that is made can be used.
    let keys = session.find(&[Attr::id(&0u32.to_be_bytes()), Attr::class(CKO_PRIVATE_KEY)]).unwrap();
    sign(&session, keys[0]).unwrap();
    session.close().unwrap();
    module.finalize().unwrap();
    assert_eq!(pairs(&user_session(&second_instance(disk.path()))), stored as usize * 2);
}

fn prepared(module: &Module, slot: CK_SLOT_ID) -> keyward_conformance::Session {
    let session = module.open_session(slot, RW).unwrap();
    session.login(CKU_SO, SO_PIN).unwrap();
    session.init_pin(USER_PIN).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, USER_PIN).unwrap();
    session
}
