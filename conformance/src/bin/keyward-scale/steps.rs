//! The steps of the measurement. Each runs in a process of its own and prints names with numbers.

use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use keyward_conformance::ck::*;
use keyward_conformance::{Mech, Object, RW, Rv, Session};

use crate::token::{Place, UNSYNCHRONIZED, by_id, by_label, create, find, login, signer};

/// What a step found out.
pub type Numbers = Vec<(&'static str, f64)>;

/// What a step works on.
pub struct Task<'a> {
    /// The module's file.
    pub module: &'a Path,
    /// Where the token is.
    pub directory: &'a Path,
    /// The number of objects that there are, or from which on they are made.
    pub from: u32,
    /// The number of objects, or of threads, that there shall be.
    pub to: u32,
}

/// A step's name and what it does.
pub type Step = (&'static str, fn(&Task<'_>) -> Result<Numbers, String>);

/// Every step.
pub const STEPS: &[Step] = &[
    ("create", token),
    ("fill", fill),
    ("durable", durable),
    ("start", start),
    ("use", work),
    ("threads", threads),
];

/// Searches and signatures are repeated so often, for at most [`PATIENCE`] of each kind.
const REPETITIONS: u32 = 2000;
const PATIENCE: Duration = Duration::from_secs(4);
/// Long enough for a hundred signatures, short enough to be left alone.
const WINDOW: Duration = Duration::from_millis(5);
/// Objects beyond which a walk through all of them is left out.
const TOUCHED: u32 = 100_000;
/// A rate of fewer objects would be that of the first change, which opens the file for writing.
const FEW: f64 = 100.0;
const MESSAGE: [u8; 32] = [0x5a; 32];

fn failed(rv: Rv) -> String {
    format!("{} answers {rv}", keyward_conformance::rv::last_call())
}

fn place(task: &Task<'_>, extra: &str) -> Result<Place, String> {
    Place::new(task.module, task.directory, extra)
}

fn token(task: &Task<'_>) -> Result<Numbers, String> {
    let place = place(task, "")?;
    place.create().and_then(|()| place.module.finalize()).map_err(failed)?;
    Ok(Vec::new())
}

/// Keys `from..to` in one session.
fn fill(task: &Task<'_>) -> Result<Numbers, String> {
    let place = place(task, UNSYNCHRONIZED)?;
    let run = || {
        let session = place.user_session()?;
        let start = Instant::now();
        for number in task.from..task.to {
            create(&session, number)?;
        }
        let (made, elapsed) = (f64::from(task.to - task.from), start.elapsed().as_secs_f64());
        drop(session);
        place.module.finalize()?;
        Ok(if made < FEW { Vec::new() } else { vec![("created_per_second", made / elapsed)] })
    };
    run().map_err(failed)
}

/// Keys beyond `from` for two seconds, destroyed at the end.
fn durable(task: &Task<'_>) -> Result<Numbers, String> {
    let place = place(task, "")?;
    let run = || {
        let session = place.user_session()?;
        let (start, mut made) = (Instant::now(), Vec::new());
        for number in task.from..task.from.saturating_add(REPETITIONS) {
            made.push(create(&session, number)?);
            if start.elapsed() > Duration::from_secs(2) {
                break;
            }
        }
        let elapsed = start.elapsed().as_secs_f64();
        let count = u32::try_from(made.len()).unwrap_or(u32::MAX);
        made.into_iter().try_for_each(|object| session.destroy(object))?;
        drop(session);
        place.module.finalize()?;
        Ok(vec![("durable_per_second", f64::from(count) / elapsed)])
    };
    run().map_err(failed)
}

/// What a program waits for before its first object.
fn start(task: &Task<'_>) -> Result<Numbers, String> {
    let place = place(task, "")?;
    let run = || {
        let start = Instant::now();
        place.initialize()?;
        let initialized = start.elapsed();
        let session = place.module.open_session(place.slot()?, RW)?;
        let opened = start.elapsed();
        login(&session)?;
        let ready = start.elapsed();
        let found = find(&session, by_id(task.to / 2))?;
        drop(session);
        place.module.finalize()?;
        Ok(vec![
            ("initialize_ms", millis(initialized)),
            ("open_ms", millis(opened - initialized)),
            ("login_ms", millis(ready - opened)),
            ("first_find_ms", millis(found)),
        ])
    };
    run().map_err(failed)
}

/// Searches, signatures, every handle, every object.
fn work(task: &Task<'_>) -> Result<Numbers, String> {
    let empty = resident()?;
    let place = place(task, "")?;
    let run = || -> Result<(Session, f64, f64, f64), Rv> {
        let session = place.user_session()?;
        let key = signer(&session)?;
        let by_id = repeated(|turn| find(&session, by_id(scattered(turn, task.to))))?;
        let by_label = repeated(|turn| find(&session, by_label(scattered(turn, task.to))))?;
        let signing = repeated(|_| {
            let start = Instant::now();
            sign(&session, key)?;
            Ok(start.elapsed())
        })?;
        Ok((session, by_id, by_label, signing))
    };
    let (session, by_id, by_label, signing) = run().map_err(failed)?;
    let mut numbers = vec![("find_id_us", by_id), ("find_label_us", by_label), ("sign_us", signing)];
    numbers.push(("memory_kib", resident()? - empty));

    let start = Instant::now();
    let objects = all(&session).map_err(failed)?;
    numbers.push(("find_all_ms", millis(start.elapsed())));
    if objects.len() < usize::try_from(task.to).unwrap_or(usize::MAX) {
        return Err(format!("a search finds {} of {} objects", objects.len(), task.to));
    }
    if task.to <= TOUCHED {
        let start = Instant::now();
        for object in &objects {
            Rv::check(session.fetch(*object, &[(CKA_LABEL, 64)]).0.0).map_err(failed)?;
        }
        let count = u32::try_from(objects.len()).unwrap_or(u32::MAX);
        numbers.push(("touch_us", start.elapsed().as_secs_f64() * 1e6 / f64::from(count)));
        numbers.push(("touched_memory_kib", resident()? - empty));
    }
    drop(session);
    place.module.finalize().map_err(failed)?;
    Ok(numbers)
}

/// Signatures per second of `to` threads together, in the best window of [`WINDOW`]: other programs seldom leave all
/// cores alone for longer.
fn threads(task: &Task<'_>) -> Result<Numbers, String> {
    let place = place(task, "")?;
    let run = || {
        let main = place.user_session()?;
        let (key, slot) = (signer(&main)?, place.slot()?);
        let sessions =
            (0..task.to).map(|_| place.module.open_session(slot, RW)).collect::<Result<Vec<_>, _>>()?;
        let mut moments = together(&sessions, key)?;
        drop((sessions, main));
        place.module.finalize()?;
        moments.sort();
        let most = moments.iter().enumerate().map(|(first, moment)| {
            let end = *moment + WINDOW;
            moments[first..].partition_point(|later| *later < end)
        });
        let most = u32::try_from(most.max().unwrap_or(0)).unwrap_or(u32::MAX);
        Ok(vec![("signed_per_second", f64::from(most) / WINDOW.as_secs_f64())])
    };
    run().map_err(failed)
}

/// A thread per session signs for some seconds; when each signature was done.
fn together(sessions: &[Session], key: Object) -> Result<Vec<Instant>, Rv> {
    let gate = Barrier::new(sessions.len());
    std::thread::scope(|scope| {
        let work = |session| {
            let gate = &gate;
            scope.spawn(move || {
                let mut moments = Vec::with_capacity(1 << 20);
                gate.wait();
                let start = Instant::now();
                while start.elapsed() < PATIENCE {
                    sign(session, key)?;
                    moments.push(Instant::now());
                }
                Ok(moments)
            })
        };
        let workers: Vec<_> = sessions.iter().map(work).collect();
        let lists = workers.into_iter().map(|worker| worker.join().unwrap_or(Err(Rv(CKR_FUNCTION_FAILED))));
        Ok(lists.collect::<Result<Vec<_>, _>>()?.concat())
    })
}

fn sign(session: &Session, key: Object) -> Result<(), Rv> {
    session.sign(&Mech::new(CKM_ECDSA), key, &MESSAGE).map(drop)
}

/// Every key's handle.
fn all(session: &Session) -> Result<Vec<Object>, Rv> {
    session.find_init(&[keyward_conformance::Attr::class(CKO_SECRET_KEY)])?;
    let mut found = Vec::new();
    loop {
        let page = session.find_next(1000)?;
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    session.find_final()?;
    Ok(found)
}

/// The median of what `work` took, in microseconds.
fn repeated(mut work: impl FnMut(u32) -> Result<Duration, Rv>) -> Result<f64, Rv> {
    let (start, mut costs) = (Instant::now(), Vec::new());
    for turn in 0..REPETITIONS {
        costs.push(work(turn)?);
        if start.elapsed() > PATIENCE {
            break;
        }
    }
    costs.sort();
    Ok(costs.get(costs.len() / 2).map_or(f64::NAN, |cost| cost.as_secs_f64() * 1e6))
}

/// Numbers below `count` in no order that a cache would like.
fn scattered(turn: u32, count: u32) -> u32 {
    turn.wrapping_mul(2_654_435_761) % count.max(1)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// VmRSS of this process in KiB.
fn resident() -> Result<f64, String> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let value = line.and_then(|line| line.split_whitespace().next()).and_then(|value| value.parse().ok());
    value.ok_or_else(|| "/proc/self/status has no VmRSS".to_owned())
}
