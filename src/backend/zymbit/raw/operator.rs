//! The calls that lock a device or clear evidence.

use super::device::{Device, call};
use super::error::Result;

/// What only an explicit command of a person may do to a device.
pub struct Operator<'a>(pub(super) &'a mut Device);

impl Operator<'_> {
    /// Forgets the perimeter breaches and arms the channels again: the evidence on the device is gone.
    pub fn clear_perimeter_events(&mut self) -> Result<()> {
        call!(self.0, clear_perimeter, "zkClearPerimeterDetectEvents").map(drop)
    }

    /// Locks the binding to this host. This can't be undone.
    pub fn lock_binding(&mut self) -> Result<()> {
        call!(self.0, lock_binding, "zkLockBinding").map(drop)
    }
}
