//! The token that requests carry: got by one thread for all, and renewed before it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::cloud::{Deadline, Error, Kind, Result, SecretText};

/// After a renewal that failed, the next one is tried so much later.
const NEXT_TRY: Duration = Duration::from_secs(10);

/// A token, and until when it lasts.
#[derive(Debug)]
pub(super) struct Token {
    pub text: SecretText,
    lease: Option<Lease>,
}

#[derive(Debug, Clone, Copy)]
struct Lease {
    /// When it is time for another.
    due: Instant,
    ends: Instant,
    /// As it was granted.
    duration: Duration,
    renewable: bool,
}

impl Token {
    /// One whose end is not known, and none of our business.
    pub fn found(text: SecretText) -> Token {
        Token { text, lease: None }
    }

    /// One that a login that began `at` got. Without a duration it never ends, nor with one beyond what clocks count.
    pub fn granted(text: SecretText, at: Instant, duration: Duration, renewable: bool) -> Token {
        let lease = at.checked_add(duration).filter(|_| !duration.is_zero()).map(|ends| {
            let due = ends.checked_sub(duration / 5).unwrap_or(at);
            Lease { due, ends, duration, renewable }
        });
        Token { text, lease }
    }

    /// What it was granted for, if it can still be renewed.
    pub fn renewable(&self) -> Option<Duration> {
        self.lease.filter(|lease| lease.renewable && self.lasts()).map(|lease| lease.duration)
    }

    fn is_due(&self) -> bool {
        self.lease.is_some_and(|lease| lease.due <= Instant::now())
    }

    fn lasts(&self) -> bool {
        self.lease.is_none_or(|lease| lease.ends > Instant::now())
    }

    fn due_later(&self) -> Token {
        let later = |lease: Lease| Lease { due: Instant::now() + NEXT_TRY, ..lease };
        Token { text: self.text.clone(), lease: self.lease.map(later) }
    }
}

/// The one token of a server.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Arc<Token>>,
    /// A thread is getting one.
    getting: bool,
    /// Counts the threads that were done with it, and what the last one failed with.
    rounds: u64,
    failure: Option<Error>,
    /// Counts what was set from outside: what a thread gets meanwhile is for somebody who has gone.
    changes: u64,
}

impl Tokens {
    /// The token if it lasts and is not `refused`, or what `get` makes of it. `get` runs in one thread at a time and
    /// without the lock; the others wait for its result, or go on with a token that still lasts.
    pub fn get(
        &self,
        refused: Option<&Arc<Token>>,
        deadline: Deadline,
        get: impl FnOnce(Option<&Token>) -> Result<Token>,
    ) -> Result<Arc<Token>> {
        let is_refused = |token: &Arc<Token>| refused.is_some_and(|refused| Arc::ptr_eq(refused, token));
        let mut state = self.state.lock();
        let old = loop {
            let usable = state.token.clone().filter(|token| !is_refused(token) && token.lasts());
            match usable {
                Some(token) if state.getting || !token.is_due() => return Ok(token),
                usable if !state.getting => break usable,
                _ => {}
            }
            let round = state.rounds;
            if self.changed.wait_for(&mut state, deadline.left()).timed_out() {
                return Err(Error::new(Kind::Broken, "no time left to wait for a login"));
            }
            if state.rounds != round
                && let Some(failure) = &state.failure
            {
                return Err(failure.clone());
            }
        };
        state.getting = true;
        let mut turn = Turn { tokens: self, changes: state.changes, failure: None };
        drop(state);
        match (get(old.as_deref()), old) {
            (Ok(token), _) => turn.keep(token),
            (Err(error), Some(old)) => {
                tracing::warn!("the token was not renewed, and lasts a little longer: {error}");
                turn.keep(old.due_later())
            }
            (Err(error), None) => {
                turn.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    /// A token from outside.
    pub fn set(&self, token: Token) {
        let mut state = self.state.lock();
        state.token = Some(Arc::new(token));
        state.changes += 1;
    }

    /// None.
    pub fn forget(&self) {
        let mut state = self.state.lock();
        state.token = None;
        state.changes += 1;
    }
}

/// One thread's turn at getting a token; it ends however the thread leaves.
struct Turn<'a> {
    tokens: &'a Tokens,
    changes: u64,
    failure: Option<Error>,
}

impl Turn<'_> {
    fn keep(&self, token: Token) -> Result<Arc<Token>> {
        let token = Arc::new(token);
        let mut state = self.tokens.state.lock();
        match state.changes == self.changes {
            true => {
                state.token = Some(Arc::clone(&token));
                Ok(token)
            }
            false => Err(Error::new(Kind::Unauthenticated, "logged out meanwhile")),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.tokens.state.lock();
        state.getting = false;
        state.rounds += 1;
        state.failure = self.failure.take();
        self.tokens.changed.notify_all();
    }
}
