//! The shell around every entry point: nothing unwinds into the host, every error becomes its CKR and one log line.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, ErrorKind, Result};
use crate::observe;
use crate::types::ck;

/// Runs a handler for the function `name`.
pub(super) fn call(name: &'static str, handler: impl FnOnce() -> Result<()>) -> ck::CK_RV {
    // A panic is a defect of ours. Session state behind a lock stays usable: parking_lot's locks don't poison, and
    // every operation that panicked is dropped with its session at the latest.
    let outcome = catch_unwind(AssertUnwindSafe(handler)).unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::GeneralError, "a defect in keyward: please report this call"))
    });
    match outcome {
        Ok(()) => ck::CKR_OK,
        Err(error) => {
            observe::failed(name, &error);
            error.rv()
        }
    }
}
