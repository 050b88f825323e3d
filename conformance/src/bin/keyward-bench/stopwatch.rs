//! How long something takes, on a machine that others use too.
//!
//! A measurement is cut into slices of a millisecond, and its value is the slices' median: a slice in which the
//! process had to wait for a core is an outlier and does not count.

use std::sync::Barrier;
use std::time::{Duration, Instant};

const SLICE: Duration = Duration::from_millis(1);
/// The clock is read once per batch, so that its cost disappears beside the work's.
const BATCH: Duration = Duration::from_micros(50);

/// Microseconds per call of `work`, which runs again and again for `duration`.
pub fn time<E>(duration: Duration, mut work: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let batch = batch(&mut work)?;
    let (start, mut slices) = (Instant::now(), Vec::new());
    while slices.is_empty() || start.elapsed() < duration {
        slices.push(slice(batch, &mut work)?);
    }
    Ok(median(slices))
}

/// How many calls take about [`BATCH`]. Also warms up.
fn batch<E>(work: &mut impl FnMut() -> Result<(), E>) -> Result<u32, E> {
    let mut batch = 1;
    loop {
        let start = Instant::now();
        for _ in 0..batch {
            work()?;
        }
        if start.elapsed() >= BATCH {
            return Ok(batch);
        }
        batch *= 2;
    }
}

/// Microseconds per call in one slice.
fn slice<E>(batch: u32, work: &mut impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let (start, mut calls) = (Instant::now(), 0.0);
    loop {
        for _ in 0..batch {
            work()?;
        }
        calls += f64::from(batch);
        let elapsed = start.elapsed();
        if elapsed >= SLICE {
            return Ok(elapsed.as_secs_f64() * 1e6 / calls);
        }
    }
}

/// The median of what `measure` gives, again and again for `duration` and at least once.
pub fn repeat<E>(duration: Duration, mut measure: impl FnMut() -> Result<f64, E>) -> Result<f64, E> {
    let (start, mut values) = (Instant::now(), Vec::new());
    while values.is_empty() || start.elapsed() < duration {
        values.push(measure()?);
    }
    Ok(median(values))
}

/// The microseconds that `work` takes, once, and its result.
pub fn once<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(f64, T), E> {
    let start = Instant::now();
    let done = work()?;
    Ok((start.elapsed().as_secs_f64() * 1e6, done))
}

/// The middle one; NaN of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Calls per second of two threads that run `first` and `second` at once, over those of `first` alone.
///
/// Both cores are seldom free at once on a machine in use, so slices of the two kinds alternate for `duration` and the
/// best of each kind counts: what the code does when nothing is in its way.
pub fn scaling<E: Send>(
    duration: Duration,
    mut first: impl FnMut() -> Result<(), E> + Send,
    mut second: impl FnMut() -> Result<(), E> + Send,
) -> Result<f64, E> {
    let batch = batch(&mut first)?;
    let (start, mut alone, mut together) = (Instant::now(), f64::INFINITY, f64::INFINITY);
    while start.elapsed() < duration {
        alone = alone.min(slice(batch, &mut first)?);
        let gate = Barrier::new(2);
        let costs = std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                gate.wait();
                slice(batch, &mut second)
            });
            gate.wait();
            let own = slice(batch, &mut first);
            (own, other.join())
        });
        let (Ok(own), Ok(Ok(other))) = costs else { continue };
        together = together.min(1.0 / (1.0 / own + 1.0 / other));
    }
    Ok(alone / together)
}
