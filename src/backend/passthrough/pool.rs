//! Sessions below that nobody uses at the moment.

use parking_lot::Mutex;

use super::raw::{Api, OpenedSession};
use crate::error::{ErrorKind, Result};
use crate::types::ck;

/// The most that wait, of each mode: programs that open sessions in great numbers give most of them back at once.
const MAX_IDLE: usize = 32;

/// Waiting sessions of one token.
#[derive(Default)]
pub struct Pool(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    read_only: Vec<OpenedSession>,
    read_write: Vec<OpenedSession>,
}

impl Idle {
    fn of(&mut self, read_write: bool) -> &mut Vec<OpenedSession> {
        if read_write { &mut self.read_write } else { &mut self.read_only }
    }
}

impl Pool {
    /// A waiting session.
    pub fn take(&self, read_write: bool) -> Option<OpenedSession> {
        self.0.lock().of(read_write).pop()
    }

    /// A new session. Where the token takes no more, one that waits in the other mode makes room.
    pub fn open(&self, api: &Api, slot: ck::CK_SLOT_ID, read_write: bool) -> Result<OpenedSession> {
        match api.open(slot, read_write) {
            Err(error) if error.kind() == ErrorKind::SessionCount => {
                let other = self.0.lock().of(!read_write).pop().ok_or(error)?;
                api.close(other)?;
                api.open(slot, read_write)
            }
            outcome => outcome,
        }
    }

    /// Takes a session back in which nothing runs and to which nothing belongs.
    pub fn give(&self, api: &Api, session: OpenedSession, read_write: bool) {
        let mut idle = self.0.lock();
        let waiting = idle.of(read_write);
        if waiting.len() < MAX_IDLE {
            waiting.push(session);
            return;
        }
        drop(idle);
        let _ = api.close(session);
    }

    /// Closes those that wait; only the read-only ones before the SO logs in.
    pub fn drain(&self, api: &Api, read_only_alone: bool) {
        let mut idle = std::mem::take(&mut *self.0.lock());
        if read_only_alone {
            self.0.lock().read_write.append(&mut idle.read_write);
        }
        for session in idle.read_only.into_iter().chain(idle.read_write) {
            let _ = api.close(session);
        }
    }

    /// Forgets sessions that are gone below.
    pub fn forget(&self) {
        *self.0.lock() = Idle::default();
    }
}
