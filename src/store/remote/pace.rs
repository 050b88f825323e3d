//! When the service is asked again, and how long to wait before another attempt.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::cloud::Deadline;

/// The first wait after a look that failed; it doubles.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// Doublings of it.
const DOUBLINGS: u32 = 4;

/// When the next look is due. Read on nearly every call.
pub(super) struct Pace {
    refresh: Duration,
    begun: Instant,
    /// Milliseconds after `begun`.
    due: AtomicU64,
    /// Looks that failed in a row.
    failures: AtomicU32,
}

impl Pace {
    /// The token was just read.
    pub(super) fn new(refresh: Duration) -> Pace {
        let pace =
            Pace { refresh, begun: Instant::now(), due: AtomicU64::new(0), failures: AtomicU32::new(0) };
        pace.looked();
        pace
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn wait(&self, time: Duration) {
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.due.store(self.now().saturating_add(time), Ordering::Relaxed);
    }

    pub(super) fn is_due(&self) -> bool {
        self.now() >= self.due.load(Ordering::Relaxed)
    }

    /// The service answered.
    pub(super) fn looked(&self) {
        self.failures.store(0, Ordering::Relaxed);
        self.wait(self.refresh);
    }

    /// It did not. True for the first time in a row.
    pub(super) fn failed(&self) -> bool {
        let before = self.failures.fetch_add(1, Ordering::Relaxed);
        self.wait(self.refresh.max(AFTER_FAILURE * (1 << before.min(DOUBLINGS))));
        before == 0
    }
}

/// Waits before the next attempt: a random time that doubles, so that writers that met don't meet again.
pub(super) fn pause(attempt: u32, deadline: Deadline) {
    let most = Duration::from_millis(10 << attempt.min(6));
    let mut random = [0; 4];
    // Without random numbers it is the whole time.
    let part = match crate::crypto::random(&mut random) {
        Ok(()) => f64::from(u32::from_be_bytes(random)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    };
    std::thread::sleep(most.mul_f64(part).min(deadline.left()));
}
