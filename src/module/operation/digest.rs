//! What digests do beyond taking parts: they take keys, and their state is saved and put back.

use super::{Slot, Stage};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::op::Producer;
use crate::token::Prepared;
use crate::types::SecretBytes;

/// A running operation, taken out.
pub struct Saved {
    /// Whether it is in the middle of parts.
    pub streaming: bool,
    /// Whether a key is among them.
    pub keyed: bool,
    /// What the mechanism saved.
    pub state: SecretBytes,
}

impl Slot<dyn Producer> {
    /// C_DigestKey: the value of a key as a part. CKR_KEY_INDIGESTIBLE where the digest could show it; the operation
    /// goes on then.
    pub fn feed_key(&mut self, value: &[u8]) -> Result<()> {
        let active = self.0.as_ref().ok_or(ErrorKind::OperationNotInitialized)?;
        match active.operation.takes_keys() {
            true => self.update(value),
            false => Err(Error::new(ErrorKind::KeyIndigestible, "this digest does not hide what goes in")),
        }
    }

    /// C_GetOperationState: the running digest, which has taken a key or not. CKR_STATE_UNSAVEABLE,
    /// CKR_OPERATION_NOT_INITIALIZED.
    pub fn save(&self, keyed: bool) -> Result<Saved> {
        let active = self.0.as_ref().ok_or(ErrorKind::OperationNotInitialized)?;
        let state = active.operation.save().ok_or_else(|| {
            Error::new(ErrorKind::StateUnsaveable, "the state of this mechanism can't be taken out")
        })?;
        Ok(Saved { streaming: active.stage == Stage::Streaming, keyed, state })
    }

    /// C_SetOperationState, in the place of whatever runs. CKR_SAVED_STATE_INVALID.
    pub fn restore(&mut self, mut operation: Box<dyn Producer>, saved: &Saved, number: u64) -> Result<()> {
        operation.restore(&saved.state)?;
        self.start(Prepared { operation, authenticate: false }, number);
        if let (Some(active), true) = (&mut self.0, saved.streaming) {
            active.stage = Stage::Streaming;
        }
        Ok(())
    }
}
