//! What needs no device; the rest is in tests/zymbit, on the simulator.

use std::path::Path;

use super::*;

#[test]
fn a_library_that_is_none() {
    let missing = Path::new("/nonexistent/libzk_app_utils.so");
    let error = Library::load(missing).unwrap_err();
    assert!(matches!(&error, Error::Load { path, .. } if path == missing), "{error}");
    // The C library is one, but not the vendor's.
    let error = Library::load(Path::new("libc.so.6")).unwrap_err();
    assert!(error.to_string().contains("zkOpen"), "{error}");
}

#[test]
fn errnos_are_told_apart() {
    let failed = |errno| Error::Failed { function: "zkOpen", errno };
    assert!(failed(libc::EIO).lost_connection() && !failed(libc::EIO).is_absent());
    assert!(failed(libc::ENODEV).lost_connection() && failed(libc::ENODEV).is_absent());
    assert!(!failed(libc::EINVAL).lost_connection());
    assert!(Error::Missing("zkGenKeyPair").is_unsupported() && failed(libc::ENOSYS).is_unsupported());
    assert_eq!(device::check("zkOpen", i32::MIN).unwrap_err().errno(), Some(i32::MAX));
}

/// No function that changes how a device reacts, and none that destroys, can be reached from Rust at all.
#[test]
fn what_must_not_be_called_is_not_there() {
    let symbols = include_str!("symbols.rs");
    for forbidden in ["zkSet", "zkDisable", "zkInvalidate", "SupervisedBoot", "zkRestore", "zkLockData"] {
        assert!(!symbols.contains(forbidden), "{forbidden}");
    }
}
