//! One access token for all threads: kept until shortly before it expires, and got anew by one thread at a time.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::{Deadline, Error, Http, Kind, Request, Response, Result, SecretText};

/// A token is renewed so long before its end, or a quarter of its life if that is less.
const RENEWED_BEFORE: Duration = Duration::from_secs(225);

/// After a renewal that failed, the next one is tried so much later.
const NEXT_TRY: Duration = Duration::from_secs(10);
/// How long a renewal may take, while the old token is still good.
const RENEWAL_LASTS: Duration = Duration::from_secs(3);

/// What a server says beyond that is no time: clocks end.
const LASTS_AT_MOST: Duration = Duration::from_secs(24 * 3600);

/// A token that was just got.
pub struct Fetched {
    /// The token.
    pub token: SecretText,
    /// How long it is good for.
    pub lasts: Duration,
}

/// A place for one token. No lock is held while it is fetched.
#[derive(Default)]
pub struct Bearer {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// A thread is getting a token; the others wait for it, or go on with one that is still good.
    fetching: bool,
    /// Counts fetches that ended, so that those who waited for one share how it ended.
    round: u64,
    failure: Option<Error>,
    /// Counts [`Bearer::clear`]: a token that was asked for before is not kept.
    epoch: u64,
}

struct Held {
    token: SecretText,
    renew: Instant,
    end: Instant,
}

impl Bearer {
    /// The token, or a new one if there is none or it ends soon. [`Kind::Broken`] where another thread's fetch takes
    /// longer than there is time; else what `fetch` says.
    pub fn token(
        &self,
        deadline: Deadline,
        fetch: impl FnOnce(Deadline) -> Result<Fetched>,
    ) -> Result<SecretText> {
        let mut state = self.state.lock();
        loop {
            let now = Instant::now();
            if let Some(held) = &state.held
                && (now < held.renew || (state.fetching && now < held.end))
            {
                return Ok(held.token.clone());
            }
            if !state.fetching {
                break;
            }
            let round = state.round;
            if self.changed.wait_for(&mut state, deadline.left()).timed_out() {
                return Err(Error::new(Kind::Broken, "no time left to wait for an access token"));
            }
            if state.round != round
                && let Some(failure) = &state.failure
            {
                return Err(failure.clone());
            }
        }
        state.fetching = true;
        let good = state.held.as_ref().is_some_and(|held| Instant::now() < held.end);
        let deadline = if good { deadline.at_most(RENEWAL_LASTS) } else { deadline };
        let epoch = state.epoch;
        drop(state);
        let _fetching = Fetching(self);
        let fetched = fetch(deadline);
        self.keep(fetched, epoch)
    }

    fn keep(&self, fetched: Result<Fetched>, epoch: u64) -> Result<SecretText> {
        let mut state = self.state.lock();
        state.round += 1;
        state.failure = None;
        match fetched {
            Ok(Fetched { token, lasts }) => {
                if state.epoch == epoch {
                    let (now, lasts) = (Instant::now(), lasts.min(LASTS_AT_MOST));
                    let renew = now + lasts.saturating_sub(RENEWED_BEFORE.min(lasts / 4));
                    state.held = Some(Held { token: token.clone(), renew, end: now + lasts });
                }
                Ok(token)
            }
            Err(error) => {
                let now = Instant::now();
                if let Some(held) = state.held.as_mut().filter(|held| now < held.end) {
                    tracing::warn!("the access token is not renewed, and goes on until its end: {error}");
                    held.renew = now + NEXT_TRY;
                    return Ok(held.token.clone());
                }
                state.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    /// The service refused this token: it is not handed out again.
    pub fn refused(&self, token: &SecretText) {
        let mut state = self.state.lock();
        if state.held.as_ref().is_some_and(|held| held.token == *token) {
            state.held = None;
        }
    }

    /// Forgets whatever token there is or is on its way.
    pub fn clear(&self) {
        let mut state = self.state.lock();
        state.epoch += 1;
        state.held = None;
    }
}

/// Sends a request with an access token, and once more with another where the service does not take the first (401):
/// `refused` hears of it, and may see no reason for another.
pub fn send<'a>(
    http: &Http,
    attempt: Deadline,
    request: impl Fn() -> Request<'a>,
    token: impl Fn(Deadline) -> Result<SecretText>,
    refused: impl FnOnce(&SecretText, &Response) -> Result<()>,
) -> Result<Response> {
    let once = |token: &str| {
        let left = attempt.left();
        if left.is_zero() {
            return Err(Error::new(Kind::Broken, "no time left after the access token came"));
        }
        let mut request = request().header("authorization", ["Bearer ", token].concat());
        if !request.body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        http.send(&request, left)
    };
    let first = token(attempt)?;
    let answer = once(&first)?;
    if answer.status != 401 {
        return Ok(answer);
    }
    refused(&first, &answer)?;
    once(&token(attempt)?)
}

/// Ends a fetch, also one that panics: nobody would ever fetch again.
struct Fetching<'a>(&'a Bearer);

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        self.0.state.lock().fetching = false;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(10))
    }

    fn fetched(token: &str, lasts: u64) -> Result<Fetched> {
        Ok(Fetched { token: token.into(), lasts: Duration::from_secs(lasts) })
    }

    fn refused() -> Result<Fetched> {
        Err(Error::new(Kind::Unauthenticated, "no"))
    }

    #[test]
    fn a_token_is_fetched_once_and_again_when_it_was_refused() {
        let bearer = Bearer::default();
        assert_eq!(&*bearer.token(soon(), |_| fetched("one", 3600)).unwrap(), "one");
        assert_eq!(&*bearer.token(soon(), |_| fetched("two", 3600)).unwrap(), "one");
        bearer.refused(&"other".into());
        assert_eq!(&*bearer.token(soon(), |_| fetched("two", 3600)).unwrap(), "one");
        bearer.refused(&"one".into());
        assert_eq!(&*bearer.token(soon(), |_| fetched("two", 3600)).unwrap(), "two");
        bearer.clear();
        assert_eq!(bearer.token(soon(), |_| refused()).unwrap_err().kind(), Kind::Unauthenticated);
    }

    #[test]
    fn a_token_that_ends_soon_is_renewed_and_used_until_then() {
        let bearer = Bearer::default();
        bearer.token(soon(), |_| fetched("one", 3600)).unwrap();
        let due = || bearer.state.lock().held.as_mut().unwrap().renew = Instant::now();
        due();
        assert_eq!(&*bearer.token(soon(), |_| refused()).unwrap(), "one");
        // After a failure it is left alone for a while.
        assert_eq!(&*bearer.token(soon(), |_| fetched("two", 3600)).unwrap(), "one");
        due();
        assert_eq!(&*bearer.token(soon(), |_| fetched("two", 3600)).unwrap(), "two");
    }

    #[test]
    fn a_token_for_ever_is_one_for_a_day() {
        let bearer = Bearer::default();
        bearer.token(soon(), |_| fetched("one", u64::MAX)).unwrap();
        assert_eq!(&*bearer.token(soon(), |_| fetched("two", 3600)).unwrap(), "one");
    }

    #[test]
    fn what_was_asked_for_before_the_secret_was_forgotten_is_not_kept() {
        let bearer = Bearer::default();
        let token = bearer.token(soon(), |_| {
            bearer.clear();
            fetched("one", 3600)
        });
        assert_eq!(&*token.unwrap(), "one");
        assert_eq!(&*bearer.token(soon(), |_| fetched("two", 3600)).unwrap(), "two");
    }

    #[test]
    fn threads_share_one_fetch_and_its_failure() {
        for succeeds in [true, false] {
            let (bearer, fetches) = (Bearer::default(), AtomicU32::new(0));
            let waiting = AtomicU32::new(0);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        waiting.fetch_add(1, Ordering::SeqCst);
                        let token = bearer.token(soon(), |_| {
                            fetches.fetch_add(1, Ordering::SeqCst);
                            // Long enough for the others to come to the lock.
                            while waiting.load(Ordering::SeqCst) < 8 {
                                std::thread::yield_now();
                            }
                            std::thread::sleep(Duration::from_secs(1));
                            if succeeds { fetched("one", 3600) } else { refused() }
                        });
                        assert_eq!(token.is_ok(), succeeds);
                    });
                }
            });
            assert_eq!(fetches.load(Ordering::SeqCst), 1);
        }
    }

    #[test]
    fn a_fetch_that_panics_does_not_block_the_next() {
        let bearer = Bearer::default();
        let panics = std::panic::AssertUnwindSafe(|| bearer.token(soon(), |_| panic!("planted")));
        assert!(std::panic::catch_unwind(panics).is_err());
        assert!(bearer.token(soon(), |_| fetched("one", 3600)).is_ok());
    }
}
