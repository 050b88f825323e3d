//! C_FindObjectsInit, C_FindObjects and C_FindObjectsFinal, for another object each time.

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Rv};

use crate::fault::Fault;
use crate::worker::{Worker, id, label};

/// Microseconds per search among so many numbers, each of which has to give `matches` objects.
fn find(
    worker: &mut Worker,
    count: usize,
    matches: usize,
    template: impl Fn(usize) -> Vec<Attr>,
) -> Result<f64, Fault> {
    // A prime: it meets all numbers, and neighbours in time are far apart on the disk.
    const STRIDE: usize = 7919;
    let mut number = 0;
    let micros = worker.time(|session| {
        number = (number + STRIDE) % count.max(1);
        session.find_init(&template(number))?;
        let found = session.find_next(4)?;
        session.find_final()?;
        if found.len() == matches { Ok(()) } else { Err(Rv(CKR_OBJECT_HANDLE_INVALID)) }
    })?;
    Ok(micros)
}

/// Both keys of a pair.
pub fn by_id(worker: &mut Worker) -> Result<f64, Fault> {
    find(worker, worker.pairs, 2, |number| vec![Attr::id(&id(number))])
}

/// Both keys of a pair.
pub fn by_label(worker: &mut Worker) -> Result<f64, Fault> {
    find(worker, worker.pairs, 2, |number| vec![Attr::label(&label(number))])
}

/// A private object.
pub fn private_by_id(worker: &mut Worker) -> Result<f64, Fault> {
    find(worker, worker.pairs, 1, |number| vec![Attr::class(CKO_PRIVATE_KEY), Attr::id(&id(number))])
}

/// A public object.
pub fn public_by_id(worker: &mut Worker) -> Result<f64, Fault> {
    find(worker, worker.pairs, 1, |number| vec![Attr::class(CKO_PUBLIC_KEY), Attr::id(&id(number))])
}

/// A CKA_ID that no object has.
pub fn nothing(worker: &mut Worker) -> Result<f64, Fault> {
    let pairs = worker.pairs;
    find(worker, pairs, 0, |number| vec![Attr::id(&id(pairs + number))])
}

/// An object of another session.
pub fn by_session_id(worker: &mut Worker) -> Result<f64, Fault> {
    find(worker, 2 * worker.pairs, 1, |number| vec![Attr::id(&id(number))])
}

/// An object of another session.
pub fn by_session_label(worker: &mut Worker) -> Result<f64, Fault> {
    find(worker, 2 * worker.pairs, 1, |number| vec![Attr::label(&label(number))])
}

/// An object of another session.
pub fn by_session_class_and_id(worker: &mut Worker) -> Result<f64, Fault> {
    find(worker, 2 * worker.pairs, 1, |number| vec![Attr::class(CKO_SECRET_KEY), Attr::id(&id(number))])
}
