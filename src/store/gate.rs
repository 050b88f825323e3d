//! The fork gate: no thread is inside SQLite while the process forks.
//!
//! A child inherits SQLite's mutexes and its table of file locks as they are at the fork, without the threads that
//! would put them in order again. Every store enters the gate for the time of one SQLite call; [`before_fork`] waits
//! until all have left, and [`after_fork_in_parent`] and [`after_fork_in_child`] open it again. Whoever may register
//! `pthread_atfork` handlers (the ABI layer) calls the three. Without them a fork at a bad moment leaves the child's
//! copy of a busy store unusable, as [`Store::abandon`](super::Store::abandon) tells.
//!
//! Own atomics rather than a lock: a child can reset them whatever other threads did.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How many threads are inside; the highest bit: a fork waits or happens.
static STATE: AtomicU32 = AtomicU32::new(0);
const FORKING: u32 = 1 << 31;

const PAUSE: Duration = Duration::from_micros(50);
/// A fork waits no longer than this: a host that stands still is worse than a child that starts over.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

thread_local! {
    /// How often this thread has entered: a closure of a write may read.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Being inside; leaves on drop. Stays on its thread.
pub(super) struct Inside(std::marker::PhantomData<*const ()>);

/// Enters, once no fork is going on.
pub(super) fn enter() -> Inside {
    let depth = DEPTH.replace(DEPTH.get() + 1);
    if depth == 0 {
        while !try_enter() {
            std::thread::sleep(PAUSE);
        }
    }
    Inside(std::marker::PhantomData)
}

/// `false` while a fork waits or happens.
fn try_enter() -> bool {
    let count = |state: u32| (state & FORKING == 0).then_some(state + 1);
    STATE.fetch_update(Ordering::Acquire, Ordering::Relaxed, count).is_ok()
}

impl Drop for Inside {
    fn drop(&mut self) {
        let depth = DEPTH.get() - 1;
        DEPTH.set(depth);
        if depth == 0 {
            STATE.fetch_sub(1, Ordering::Release);
        }
    }
}

/// Waits until no thread is inside SQLite, and keeps all out; for at most two seconds.
pub fn before_fork() {
    let deadline = Instant::now() + LONGEST_WAIT;
    let waiting = || {
        std::thread::sleep(PAUSE);
        Instant::now() < deadline
    };
    // Another thread's fork first, then whoever is inside.
    while STATE.fetch_or(FORKING, Ordering::Acquire) & FORKING != 0 && waiting() {}
    while STATE.load(Ordering::Acquire) != FORKING && waiting() {}
}

/// Lets the parent's threads in again.
pub fn after_fork_in_parent() {
    STATE.fetch_and(!FORKING, Ordering::Release);
}

/// In the child, whose only thread is this one.
pub fn after_fork_in_child() {
    STATE.store(DEPTH.get().min(1), Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_fork_waits_for_those_inside_and_keeps_others_out() {
        let outer = enter();
        drop(enter());
        let forked = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                before_fork();
                forked.store(true, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(20));
                forked.store(false, Ordering::SeqCst);
                after_fork_in_parent();
            });
            std::thread::sleep(Duration::from_millis(20));
            assert!(!forked.load(Ordering::SeqCst));
            drop(outer);
            std::thread::sleep(Duration::from_millis(5));
            let _inside = enter();
            assert!(!forked.load(Ordering::SeqCst));
        });
    }
}
