//! Whether to try again, how long to wait, and when to leave a service alone.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::{Error, Kind, Result};
use crate::crypto;
use crate::types::wiping;

/// The first wait is drawn from zero to this; each further one from twice as much.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait of ours. A service's own Retry-After may be longer.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Retries that may be made in a row of failures, for all threads together.
const FULL_BUDGET: u32 = 100;
/// What a retry costs of it, and what a success gives back.
const RETRY_COSTS: u32 = 5;
const SUCCESS_GIVES: u32 = 1;
/// Failures in a row that open the breaker.
const BREAKS_AFTER: u32 = 5;
/// How long it stays open before one call tries again.
const OPEN_LASTS: Duration = Duration::from_secs(5);

/// When a call has to be over.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// So much from now.
    pub fn after(limit: Duration) -> Self {
        Deadline(Instant::now() + limit)
    }

    /// What is left; zero where it is over.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// This one, or so much from now if that is earlier.
    pub fn at_most(self, limit: Duration) -> Self {
        Deadline(self.0.min(Instant::now() + limit))
    }
}

/// What may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// The same answer or an equally good one: reading, signing.
    Always,
    /// Only where the service did not answer: decryption, whose failures are answers.
    Unanswered,
    /// Only where nothing was sent: what makes or destroys.
    Unsent,
}

impl Repeat {
    fn allows(self, error: &Error) -> bool {
        match (self, error.kind()) {
            _ if error.is_lasting() => false,
            // Refused before it was looked at, whatever it is.
            (_, Kind::Unreachable | Kind::Throttled) => true,
            (Repeat::Always, _) => error.is_temporary(),
            (Repeat::Unanswered, kind) => kind == Kind::Broken,
            (Repeat::Unsent, _) => false,
        }
    }
}

/// The time limits of a slot.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For one attempt.
    pub attempt: Duration,
    /// For a call with all its attempts and waits.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { attempt: Duration::from_secs(10), total: Duration::from_secs(30) }
    }
}

/// Makes calls to one service for all threads.
#[derive(Debug)]
pub struct Caller {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    budget: u32,
    /// Failures in a row.
    failures: u32,
    /// The breaker is open until then.
    open_until: Option<Instant>,
}

impl Caller {
    /// A caller that trusts the service.
    pub fn new(limits: Limits) -> Self {
        Caller { limits, state: Mutex::new(State { budget: FULL_BUDGET, failures: 0, open_until: None }) }
    }

    /// A deadline for a whole call.
    pub fn deadline(&self) -> Deadline {
        Deadline::after(self.limits.total)
    }

    /// Makes attempts until one succeeds, fails for good, or the time or the budget is used up: then it answers the last
    /// failure. An attempt gets the time that it may take; what it frees is wiped.
    pub fn call<T>(
        &self,
        repeat: Repeat,
        deadline: Deadline,
        mut attempt: impl FnMut(Duration) -> Result<T>,
    ) -> Result<T> {
        let mut wait = FIRST_WAIT;
        let mut last = None;
        loop {
            if let Err(closed) = self.enter() {
                return Err(last.unwrap_or(closed));
            }
            let limit = self.limits.attempt.min(deadline.left());
            if limit.is_zero() {
                return Err(Error::new(Kind::Broken, "no time left for the call"));
            }
            let error = match wiping(|| attempt(limit)) {
                Ok(answer) => {
                    self.succeeded();
                    return Ok(answer);
                }
                Err(error) => error,
            };
            self.failed(&error);
            let pause = error.retry_after().unwrap_or_else(|| jitter(wait));
            if !repeat.allows(&error) || pause >= deadline.left() || !self.spend() {
                return Err(error);
            }
            tracing::debug!(?pause, "trying again: {error}");
            last = Some(error);
            std::thread::sleep(pause);
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Whether the breaker lets a call through. While it is open, one call each time tries whether the service is back.
    fn enter(&self) -> Result<()> {
        let mut state = self.state.lock();
        match state.open_until {
            Some(until) if Instant::now() < until => Err(Error::new(
                Kind::Unreachable,
                "the service failed several times in a row and is left alone for seconds",
            )),
            Some(_) => {
                state.open_until = Some(Instant::now() + OPEN_LASTS);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn succeeded(&self) {
        let mut state = self.state.lock();
        state.budget = (state.budget + SUCCESS_GIVES).min(FULL_BUDGET);
        (state.failures, state.open_until) = (0, None);
    }

    fn failed(&self, error: &Error) {
        let mut state = self.state.lock();
        match error.kind() {
            Kind::Unreachable | Kind::Broken | Kind::Unavailable => {
                state.failures += 1;
                if state.failures >= BREAKS_AFTER {
                    state.open_until = Some(Instant::now() + OPEN_LASTS);
                }
            }
            // Throttled is alive: its own time says when.
            Kind::Throttled => {}
            _ => (state.failures, state.open_until) = (0, None),
        }
    }

    fn spend(&self) -> bool {
        let mut state = self.state.lock();
        match state.budget.checked_sub(RETRY_COSTS) {
            Some(left) => {
                state.budget = left;
                true
            }
            None => false,
        }
    }
}

/// A wait drawn evenly from zero to `most`: so that callers that failed together don't come back together.
fn jitter(most: Duration) -> Duration {
    let mut random = [0; 4];
    match crypto::random(&mut random) {
        Ok(()) => most.mul_f64(f64::from(u32::from_be_bytes(random)) / f64::from(u32::MAX)),
        Err(_) => most,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller() -> Caller {
        Caller::new(Limits { attempt: Duration::from_secs(1), total: Duration::from_secs(5) })
    }

    fn attempts(caller: &Caller, repeat: Repeat, kind: Kind) -> u32 {
        let mut made = 0;
        let after = Some(Duration::ZERO);
        let answer: Result<()> = caller.call(repeat, caller.deadline(), |_| {
            made += 1;
            if made == 3 { Ok(()) } else { Err(Error::new(kind, "no").after(after)) }
        });
        assert_eq!(answer.is_ok(), made == 3);
        made
    }

    #[test]
    fn what_may_be_repeated_is() {
        for (repeat, kind, expected) in [
            (Repeat::Always, Kind::Unavailable, 3),
            (Repeat::Always, Kind::Broken, 3),
            (Repeat::Always, Kind::Denied, 1),
            (Repeat::Unanswered, Kind::Broken, 3),
            (Repeat::Unanswered, Kind::Unavailable, 1),
            (Repeat::Unanswered, Kind::Throttled, 3),
            (Repeat::Unsent, Kind::Broken, 1),
            (Repeat::Unsent, Kind::Unreachable, 3),
        ] {
            assert_eq!(attempts(&caller(), repeat, kind), expected, "{repeat:?} {kind:?}");
        }
    }

    #[test]
    fn trouble_that_stays_is_not_met_again() {
        let (caller, mut made) = (caller(), 0);
        let answer: Result<()> = caller.call(Repeat::Always, caller.deadline(), |_| {
            made += 1;
            Err(Error::new(Kind::Unreachable, "not trusted").lasting())
        });
        assert_eq!((answer.unwrap_err().kind(), made), (Kind::Unreachable, 1));
    }

    #[test]
    fn a_service_that_is_down_is_left_alone() {
        let caller = caller();
        for _ in 0..BREAKS_AFTER {
            assert_eq!(attempts(&caller, Repeat::Unsent, Kind::Broken), 1);
        }
        assert_eq!(attempts(&caller, Repeat::Always, Kind::Broken), 0);
        caller.state.lock().open_until = Some(Instant::now());
        assert_eq!(attempts(&caller, Repeat::Unsent, Kind::Denied), 1);
        assert_eq!(attempts(&caller, Repeat::Always, Kind::Broken), 3);
    }

    #[test]
    fn retries_are_paid_for() {
        let caller = caller();
        let rounds = (0..100).take_while(|_| attempts(&caller, Repeat::Always, Kind::Throttled) == 3).count();
        assert!((5..20).contains(&rounds), "{rounds}");
    }
}
