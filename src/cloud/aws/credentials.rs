//! A set of keys, kept until shortly before it expires, and got once for all threads.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use serde::Deserialize;

use super::clock::from_rfc3339;
use crate::cloud::{Deadline, Error, Kind, Result, SecretText};

/// New ones are got this many seconds before the old ones expire.
const MARGIN: i64 = 300;
/// Unless that was tried a moment ago: the old ones still work.
const PAUSE: Duration = Duration::from_secs(60);

/// What requests are signed with.
#[derive(Clone)]
pub(super) struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: SecretText,
    pub session_token: Option<SecretText>,
    /// Seconds since 1970.
    pub expires: Option<i64>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

impl Credentials {
    fn is_same(&self, other: &Credentials) -> bool {
        self.access_key_id == other.access_key_id
            && self.secret_access_key == other.secret_access_key
            && self.session_token == other.session_token
    }

    fn lasts(&self, now: i64, margin: i64) -> bool {
        self.expires.is_none_or(|expires| expires - margin > now)
    }
}

/// The JSON that metadata services and credential processes answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    access_key_id: String,
    secret_access_key: SecretText,
    #[serde(alias = "SessionToken")]
    token: Option<SecretText>,
    expiration: Option<String>,
}

impl Answer {
    /// [`Kind::Corrupt`] for an expiration that is no time.
    pub(super) fn credentials(self) -> Result<Credentials> {
        Ok(Credentials {
            access_key_id: self.access_key_id,
            secret_access_key: self.secret_access_key,
            session_token: self.token.filter(|token| !token.is_empty()),
            expires: self.expiration.as_deref().map(expiration).transpose()?,
        })
    }
}

/// When credentials expire. [`Kind::Corrupt`].
pub(super) fn expiration(text: &str) -> Result<i64> {
    let corrupt = || Error::new(Kind::Corrupt, format!("the credentials' expiration is no time: {text:?}"));
    from_rfc3339(text).ok_or_else(corrupt)
}

/// The current credentials.
#[derive(Debug, Default)]
pub(super) struct Cache {
    state: Mutex<State>,
    /// Somebody was getting new ones, and is done.
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Arc<Credentials>>,
    tried: Option<Instant>,
    /// One thread is getting new ones.
    busy: bool,
    /// Why the last try failed, and the number of tries.
    failure: Option<Error>,
    tries: u64,
}

impl Cache {
    /// The current ones, or new ones from `fetch`, which runs without a lock and in one thread at a time. Those that the
    /// service refused are not answered again.
    pub(super) fn current(
        &self,
        refused: Option<&Arc<Credentials>>,
        now: i64,
        deadline: Deadline,
        fetch: impl FnOnce() -> Result<Credentials>,
    ) -> Result<Arc<Credentials>> {
        let good = |state: &State, margin| {
            let current = state.current.as_ref()?;
            let refused = refused.is_some_and(|refused| refused.is_same(current));
            (!refused && current.lasts(now, margin)).then(|| current.clone())
        };
        let mut state = self.state.lock();
        loop {
            let paused = state.busy || state.tried.is_some_and(|tried| tried.elapsed() < PAUSE);
            if let Some(current) = good(&state, if paused { 0 } else { MARGIN }) {
                return Ok(current);
            }
            if !state.busy {
                break;
            }
            let tries = state.tries;
            if self.done.wait_for(&mut state, deadline.left()).timed_out() {
                return Err(Error::new(
                    Kind::Broken,
                    "no time left: AWS credentials are still being fetched",
                ));
            }
            // One failure is enough for all who waited for it.
            if state.tries > tries
                && let Some(failure) = state.failure.clone()
            {
                return Err(failure);
            }
        }
        state.busy = true;
        drop(state);
        let busy = Busy(self);
        let fetched = fetch();
        let mut state = self.state.lock();
        state.tried = Some(Instant::now());
        let answer = match fetched {
            Ok(new) if refused.is_some_and(|refused| refused.is_same(&new)) => Err(unauthenticated(
                "AWS refuses the credentials, and there are no newer ones where they came from",
            )),
            Ok(new) => {
                let new = Arc::new(new);
                state.current = Some(new.clone());
                Ok(new)
            }
            Err(error) => match good(&state, 0) {
                Some(current) => {
                    tracing::warn!("AWS credentials could not be renewed: {error}");
                    Ok(current)
                }
                None => Err(error),
            },
        };
        state.failure = answer.as_ref().err().cloned();
        drop(state);
        drop(busy);
        answer
    }
}

/// Somebody waits for this thread: told also where it panics.
struct Busy<'a>(&'a Cache);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.busy = false;
        state.tries += 1;
        self.0.done.notify_all();
    }
}

/// [`Kind::Unauthenticated`], with a reason.
pub(super) fn unauthenticated(why: impl Into<String>) -> Error {
    Error::new(Kind::Unauthenticated, why)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn keys(id: &str, expires: Option<i64>) -> Credentials {
        Credentials {
            access_key_id: id.to_owned(),
            secret_access_key: "secret".into(),
            session_token: None,
            expires,
        }
    }

    fn deadline() -> Deadline {
        Deadline::after(Duration::from_secs(20))
    }

    fn id(cache: &Cache, now: i64, fetch: impl FnOnce() -> Result<Credentials>) -> String {
        cache.current(None, now, deadline(), fetch).unwrap().access_key_id.clone()
    }

    fn never() -> Result<Credentials> {
        panic!("nobody should ask")
    }

    #[test]
    fn they_are_kept_until_shortly_before_they_expire() {
        let cache = Cache::default();
        assert_eq!(id(&cache, 0, || Ok(keys("first", Some(1000)))), "first");
        assert_eq!(id(&cache, 600, never), "first");
        cache.state.lock().tried = None;
        assert_eq!(id(&cache, 800, || Err(unauthenticated("away"))), "first", "they still work");
        assert_eq!(id(&cache, 999, never), "first", "asked a moment ago");
        assert_eq!(id(&cache, 1000, || Ok(keys("second", None))), "second");
        assert_eq!(id(&cache, i64::MAX, never), "second");
    }

    #[test]
    fn what_was_refused_is_replaced_once() {
        let cache = Cache::default();
        let first = cache.current(None, 0, deadline(), || Ok(keys("first", None))).unwrap();
        let same = cache.current(Some(&first), 0, deadline(), || Ok(keys("first", None)));
        assert_eq!(same.unwrap_err().kind(), Kind::Unauthenticated);
        let second = cache.current(Some(&first), 0, deadline(), || Ok(keys("second", None))).unwrap();
        assert_eq!(second.access_key_id, "second");
        // Another thread that still holds the first is given the second.
        assert_eq!(cache.current(Some(&first), 0, deadline(), never).unwrap().access_key_id, "second");
    }

    #[test]
    fn one_thread_asks_for_all() {
        for fails in [false, true] {
            let (cache, asked) = (Cache::default(), AtomicU32::new(0));
            let started = std::sync::Barrier::new(8);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        started.wait();
                        let answer = cache.current(None, 0, deadline(), || {
                            asked.fetch_add(1, Ordering::Relaxed);
                            std::thread::sleep(Duration::from_secs(1));
                            if fails { Err(unauthenticated("no")) } else { Ok(keys("one", None)) }
                        });
                        assert_eq!(answer.is_err(), fails);
                    });
                }
            });
            assert_eq!(asked.load(Ordering::Relaxed), 1);
        }
    }
}
