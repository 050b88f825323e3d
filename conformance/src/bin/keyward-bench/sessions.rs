//! Sessions opened and closed, with few and with many open.

use keyward_conformance::ck::*;
use keyward_conformance::{Module, RW, Rv, call};

use crate::fault::Fault;
use crate::shown::float;
use crate::stopwatch::{once, repeat, time};
use crate::worker::Worker;

const MANY: usize = 1000;

fn open(module: &Module, slot: CK_SLOT_ID) -> Result<CK_SESSION_HANDLE, Rv> {
    let mut handle = CK_INVALID_HANDLE;
    Rv::check(call!(module, C_OpenSession(slot, RW, std::ptr::null_mut(), None, &mut handle)).0)?;
    Ok(handle)
}

fn close(module: &Module, handle: CK_SESSION_HANDLE) -> Result<(), Rv> {
    Rv::check(call!(module, C_CloseSession(handle)).0)
}

/// C_OpenSession and C_CloseSession, per second.
pub fn open_and_close(worker: &mut Worker) -> Result<f64, Fault> {
    let (module, slot) = (&worker.token.module, worker.token.slot);
    Ok(1e6 / time(worker.duration, || close(module, open(module, slot)?))?)
}

/// The same while [`MANY`] others are open.
pub fn open_and_close_among_others(worker: &mut Worker) -> Result<f64, Fault> {
    let (module, slot) = (&worker.token.module, worker.token.slot);
    let others = (0..MANY).map(|_| open(module, slot)).collect::<Result<Vec<_>, _>>()?;
    let rate = time(worker.duration, || close(module, open(module, slot)?)).map(|micros| 1e6 / micros);
    others.into_iter().try_for_each(|handle| close(module, handle))?;
    Ok(rate?)
}

/// [`MANY`] sessions opened, asked for 16 random bytes each, and closed: sessions per second.
pub fn open_use_close(worker: &mut Worker) -> Result<f64, Fault> {
    let (module, slot) = (&worker.token.module, worker.token.slot);
    let (mut sessions, mut bytes) = (Vec::with_capacity(MANY), [0; 16]);
    let micros = time(worker.duration, || {
        for _ in 0..MANY {
            sessions.push(open(module, slot)?);
        }
        for handle in &sessions {
            Rv::check(call!(module, C_GenerateRandom(*handle, bytes.as_mut_ptr(), 16)).0)?;
        }
        sessions.drain(..).try_for_each(|handle| close(module, handle))
    })?;
    Ok(1e6 * float(MANY) / micros)
}

/// C_CloseAllSessions with so many sessions open: sessions closed per second.
pub fn close_all(worker: &mut Worker, count: usize) -> Result<f64, Fault> {
    // It closes the worker's own too, and ends the login.
    worker.forget();
    let (module, slot) = (worker.token.module.clone(), worker.token.slot);
    let rate = repeat(worker.duration, || {
        for _ in 0..count {
            open(&module, slot)?;
        }
        once(|| module.close_all_sessions(slot)).map(|(micros, ())| 1e6 * float(count) / micros)
    })?;
    worker.reopen()?;
    Ok(rate)
}
