//! The return value of a PKCS#11 call, as an error type that prints its CKR_ name.

use std::cell::Cell;
use std::fmt;

use cryptoki_sys::{CK_RV, CKR_OK};

use crate::names;

thread_local! {
    /// The function this thread called last: lets a report say which call answered what.
    static LAST_CALL: Cell<&'static str> = const { Cell::new("") };
}

/// A return value; `Display` and `Debug` print its CKR_ name.
///
/// Compares with a `CK_RV`, so that `assert_eq!(error, CKR_PIN_INCORRECT)` reads well.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rv(pub CK_RV);

impl Rv {
    /// Turns a return value into a result: CKR_OK is `Ok`.
    pub fn check(value: CK_RV) -> Result<(), Rv> {
        if value == CKR_OK { Ok(()) } else { Err(Rv(value)) }
    }

    /// Whether it is one of `values`.
    pub fn is_one_of(self, values: &[CK_RV]) -> bool {
        values.contains(&self.0)
    }

    /// The return value that `result` carries, CKR_OK included.
    pub fn of<T>(result: &Result<T, Rv>) -> Rv {
        match result {
            Ok(_) => Rv(CKR_OK),
            Err(rv) => *rv,
        }
    }
}

impl fmt::Display for Rv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&names::name(names::CKR, self.0))
    }
}

impl fmt::Debug for Rv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Rv {}

impl PartialEq<CK_RV> for Rv {
    fn eq(&self, other: &CK_RV) -> bool {
        self.0 == *other
    }
}

/// Notes that this thread is about to call `function`.
pub fn calling(function: &'static str) {
    LAST_CALL.set(function);
}

/// The function that this thread called last; empty before the first.
pub fn last_call() -> &'static str {
    LAST_CALL.get()
}
