//! The subscriber: events of our own crate, no spans.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock, TryLockError};
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber};

use super::line::Fields;
use super::sink::Sink;
use super::{Level, Target};

/// What all copies of the subscriber share: there is one log in a process.
static SINK: RwLock<Sink> = RwLock::new(Sink::Stderr);
static LEVEL: AtomicU8 = AtomicU8::new(Level::Warn as u8);
static INSTALLED: OnceLock<()> = OnceLock::new();
static OURS: AtomicBool = AtomicBool::new(false);

pub(super) fn install(level: Level, target: &Target) {
    replace_sink(Sink::open(target));
    LEVEL.store(level as u8, Ordering::Relaxed);
    INSTALLED.get_or_init(|| {
        // Fails where the program that links us as a crate has a subscriber of its own: it gets the events.
        let ours = tracing::dispatcher::set_global_default(Dispatch::new(Log)).is_ok();
        OURS.store(ours, Ordering::Relaxed);
    });
    if OURS.load(Ordering::Relaxed) {
        // Call sites remember whether they are on.
        tracing::callsite::rebuild_interest_cache();
    }
}

/// Waits for lines that are being written, but not for ever: in a forked child the thread that was writing one may not
/// exist. There the target that was inherited stays.
fn replace_sink(sink: Sink) {
    for _ in 0..100 {
        match SINK.try_write() {
            Ok(mut current) => return *current = sink,
            Err(TryLockError::Poisoned(current)) => return *current.into_inner() = sink,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

struct Log;

fn level_of(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}

fn is_on(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && level_of(metadata) as u8 <= LEVEL.load(Ordering::Relaxed)
}

impl Subscriber for Log {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        match is_on(metadata) {
            true => Interest::always(),
            false => Interest::never(),
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_on(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        const FILTERS: [LevelFilter; 5] = [
            LevelFilter::ERROR,
            LevelFilter::WARN,
            LevelFilter::INFO,
            LevelFilter::DEBUG,
            LevelFilter::TRACE,
        ];
        FILTERS.get(usize::from(LEVEL.load(Ordering::Relaxed))).copied()
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let sink = SINK.read().unwrap_or_else(PoisonError::into_inner);
        sink.write(level_of(event.metadata()), &fields.text());
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_reach_a_file_at_the_level_that_was_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        install(Level::Info, &Target::File(path.clone()));
        tracing::info!(function = "C_Sign", rv = "CKR_DEVICE_ERROR", slot = 3, "first\nline of {}", "ours");
        tracing::debug!("not this");
        install(Level::Debug, &Target::File(path.clone()));
        tracing::debug!("but this");
        install(Level::Warn, &Target::Stderr);
        let text = std::fs::read_to_string(&path).unwrap();
        let mine: Vec<_> = text.lines().filter(|l| l.contains("this") || l.contains("ours")).collect();
        assert_eq!(mine.len(), 2, "{text}");
        assert!(mine[0].contains("Z INFO keyward["), "{text}");
        assert!(mine[0].ends_with("] C_Sign CKR_DEVICE_ERROR: first\\nline of ours slot=3"), "{text}");
        assert!(mine[1].ends_with("] but this"), "{text}");
    }
}
