//! A slot: its token, who is logged in, and which sessions are open.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use parking_lot::Mutex;

use crate::error::{ErrorKind, Result};
use crate::token::{Login, Token, User};
use crate::types::ck;

/// A slot and the login state that its sessions share.
pub struct Slot {
    token: Arc<dyn Token>,
    login: LoginState,
    /// One login at a time: the KDF runs while this, and nothing that other calls need, is held.
    login_gate: Mutex<()>,
    sessions: Mutex<OpenSessions>,
    /// C_Logout was called since a session is open: the token does not log in by itself again.
    logged_out: AtomicBool,
}

/// Who is logged in: read by every `*Init` without a lock, changed by one thread at a time.
#[derive(Default)]
struct LoginState {
    /// An index of [`LOGINS`].
    current: AtomicU8,
    changing: Mutex<()>,
}

const LOGINS: [Login; 3] = [Login::Public, Login::User, Login::So];

impl LoginState {
    fn get(&self) -> Login {
        LOGINS.get(usize::from(self.current.load(Ordering::Acquire))).copied().unwrap_or_default()
    }

    /// Only while `changing` is held.
    fn set(&self, login: Login) {
        let index = (0..).zip(LOGINS).find(|(_, known)| *known == login).map_or(0, |(index, _)| index);
        self.current.store(index, Ordering::Release);
    }
}

#[derive(Default)]
struct OpenSessions {
    handles: HashSet<ck::CK_SESSION_HANDLE>,
    read_write: usize,
}

impl Slot {
    /// A slot with nobody logged in.
    pub fn new(token: Arc<dyn Token>) -> Self {
        Slot {
            token,
            login: LoginState::default(),
            login_gate: Mutex::default(),
            sessions: Mutex::default(),
            logged_out: AtomicBool::new(false),
        }
    }

    /// The slot's ID.
    pub fn id(&self) -> ck::CK_SLOT_ID {
        self.token.slot_id()
    }

    /// The token in the slot.
    pub fn token(&self) -> &Arc<dyn Token> {
        &self.token
    }

    /// Who is logged in.
    pub fn login_state(&self) -> Login {
        self.login.get()
    }

    /// Open sessions: all, and the read-write ones.
    pub fn session_counts(&self) -> (usize, usize) {
        let sessions = self.sessions.lock();
        (sessions.handles.len(), sessions.read_write)
    }

    pub(super) fn session_handles(&self) -> Vec<ck::CK_SESSION_HANDLE> {
        self.sessions.lock().handles.iter().copied().collect()
    }

    /// Counts a new session. CKR_SESSION_READ_WRITE_SO_EXISTS for a read-only one beside the SO's.
    pub(super) fn add_session(&self, handle: ck::CK_SESSION_HANDLE, read_write: bool) -> Result<()> {
        let mut sessions = self.sessions.lock();
        if !read_write && self.login.get() == Login::So {
            return Err(ErrorKind::SessionReadWriteSoExists.into());
        }
        sessions.handles.insert(handle);
        sessions.read_write += usize::from(read_write);
        Ok(())
    }

    pub(super) fn remove_session(&self, handle: ck::CK_SESSION_HANDLE, read_write: bool) {
        let mut sessions = self.sessions.lock();
        if sessions.handles.remove(&handle) {
            sessions.read_write -= usize::from(read_write);
        }
        if sessions.handles.is_empty() {
            self.log_out_quietly();
            self.logged_out.store(false, Ordering::Relaxed);
        }
    }

    /// C_Login for CKU_USER and CKU_SO (PKCS#11 v3.2, section 5.6.8).
    pub fn log_in(&self, user: User, pin: Option<&[u8]>, name: Option<&[u8]>) -> Result<()> {
        let wanted = match user {
            User::So => Login::So,
            User::User => Login::User,
        };
        let _one_at_a_time = self.login_gate.lock();
        self.may_log_in(wanted)?;
        self.token.login(user, pin, name)?;
        let sessions = self.sessions.lock();
        // The PIN took its time: what was so before it may not be so any more. A login without a session would be the
        // next session's, which gave no PIN.
        let refused = match () {
            () if sessions.handles.is_empty() => ErrorKind::SessionClosed,
            () if wanted == Login::So && sessions.has_read_only() => ErrorKind::SessionReadOnlyExists,
            () => {
                let _changing = self.login.changing.lock();
                self.login.set(wanted);
                return Ok(());
            }
        };
        drop(sessions);
        self.token.logout();
        Err(refused.into())
    }

    fn may_log_in(&self, wanted: Login) -> Result<()> {
        let sessions = self.sessions.lock();
        // A logout that has begun ends first, or it would take the keys that this login unseals.
        let _changing = self.login.changing.lock();
        match self.login.get() {
            Login::Public if wanted == Login::So && sessions.has_read_only() => {
                Err(ErrorKind::SessionReadOnlyExists.into())
            }
            Login::Public => Ok(()),
            current if current == wanted => Err(ErrorKind::UserAlreadyLoggedIn.into()),
            _ => Err(ErrorKind::UserAnotherAlreadyLoggedIn.into()),
        }
    }

    /// C_Logout. CKR_USER_NOT_LOGGED_IN.
    pub fn log_out(&self) -> Result<()> {
        let _changing = self.login.changing.lock();
        if self.login.get() == Login::Public {
            return Err(ErrorKind::UserNotLoggedIn.into());
        }
        self.login.set(Login::Public);
        self.logged_out.store(true, Ordering::Relaxed);
        self.token.logout();
        Ok(())
    }

    /// A session was opened: logs the user in where the token has the PIN and is to do so. Where that fails, the session
    /// is open all the same, and the next one tries again.
    pub(super) fn log_in_by_itself(&self) {
        let stays_out = || self.login_state() != Login::Public || self.logged_out.load(Ordering::Relaxed);
        if !self.token.logs_in_by_itself() || stays_out() {
            return;
        }
        match self.log_in(User::User, None, None) {
            Ok(()) => {}
            // Another thread was faster, or the token is not ready for it yet.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UserAlreadyLoggedIn
                        | ErrorKind::UserAnotherAlreadyLoggedIn
                        | ErrorKind::UserPinNotInitialized
                        | ErrorKind::SessionClosed
                ) => {}
            Err(error) => tracing::warn!("the token could not log in by itself: {error}"),
        }
    }

    /// After a logout, once no call that began before it still runs: what such a call left behind goes too. A login
    /// that was faster owns the token's keys now.
    pub(super) fn log_out_stragglers(&self) {
        if let Some(_no_login_meanwhile) = self.login_gate.try_lock()
            && self.login_state() == Login::Public
        {
            self.token.logout();
        }
    }

    /// The same as `log_out` where nobody need be logged in.
    pub(super) fn log_out_quietly(&self) {
        let _ = self.log_out();
    }
}

impl OpenSessions {
    fn has_read_only(&self) -> bool {
        self.read_write < self.handles.len()
    }
}
