//! What a program pays until its first signature, in one process and from the process's start.

use std::process::Command;

use keyward_conformance::ck::*;
use keyward_conformance::token::{LABEL, USER_PIN};
use keyward_conformance::{Attr, RW, Rv};

use crate::errand::{Errand, ask};
use crate::fault::Fault;
use crate::signatures::sign_once;
use crate::stopwatch::{once, repeat};
use crate::worker::{Worker, id};

/// Microseconds of each part.
struct Parts {
    initialize: f64,
    open: f64,
    login: f64,
    find: f64,
    sign: f64,
    finalize: f64,
}

/// C_Finalize on a used module, then everything up to the next signature.
fn restart(worker: &mut Worker) -> Result<Parts, Rv> {
    worker.forget();
    let token = &worker.token;
    let module = token.module.clone();
    let (finalize, ()) = once(|| module.finalize())?;
    let (initialize, ()) = once(|| module.initialize(token.reserved()))?;
    let (open, (slot, session)) = once(|| {
        let slot = module.slot_of(LABEL)?.ok_or(Rv(CKR_TOKEN_NOT_PRESENT))?;
        module.open_session(slot, RW).map(|session| (slot, session))
    })?;
    let (login, ()) = once(|| session.login(CKU_USER, USER_PIN))?;
    let wanted = [Attr::class(CKO_PRIVATE_KEY), Attr::id(&id(worker.pairs / 2))];
    let (find, found) = once(|| session.find(&wanted))?;
    let key = found.first().copied().ok_or(Rv(CKR_OBJECT_HANDLE_INVALID))?;
    let (sign, ()) = once(|| sign_once(&session, key))?;
    worker.token.slot = slot;
    worker.session = session;
    Ok(Parts { initialize, open, login, find, sign, finalize })
}

/// Milliseconds of what `part` picks: the median over restarts.
fn median_of(worker: &mut Worker, part: fn(Parts) -> f64) -> Result<f64, Fault> {
    Ok(repeat(worker.duration, || restart(worker).map(part))? / 1000.0)
}

/// C_Initialize.
pub fn initialize(worker: &mut Worker) -> Result<f64, Fault> {
    median_of(worker, |parts| parts.initialize)
}

/// C_GetSlotList, C_GetTokenInfo, C_OpenSession: the first calls that need the token's file.
pub fn open(worker: &mut Worker) -> Result<f64, Fault> {
    median_of(worker, |parts| parts.open)
}

/// C_Login.
pub fn login(worker: &mut Worker) -> Result<f64, Fault> {
    median_of(worker, |parts| parts.login)
}

/// The first search.
pub fn find(worker: &mut Worker) -> Result<f64, Fault> {
    median_of(worker, |parts| parts.find)
}

/// The first signature.
pub fn sign(worker: &mut Worker) -> Result<f64, Fault> {
    median_of(worker, |parts| parts.sign)
}

/// The whole.
pub fn all(worker: &mut Worker) -> Result<f64, Fault> {
    median_of(worker, |p| p.initialize + p.open + p.login + p.find + p.sign + p.finalize)
}

/// C_Login by a program that runs already, in milliseconds.
pub fn login_again(worker: &mut Worker) -> Result<f64, Fault> {
    worker.session.logout()?;
    let session = &worker.session;
    let millis = repeat(worker.duration, || {
        let (micros, ()) = once(|| session.login(CKU_USER, USER_PIN))?;
        session.logout().map(|()| micros / 1000.0)
    })?;
    worker.reopen()?;
    Ok(millis)
}

/// From a process's creation to its end, with a signature in between, in milliseconds.
pub fn cold(worker: &mut Worker) -> Result<f64, Fault> {
    repeat(worker.duration, || spawn(worker.errand(Errand::Sign, worker.pairs / 2)?))
}

/// Milliseconds from a process's creation to its end.
pub fn spawn(command: Command) -> Result<f64, Fault> {
    let (micros, _) = once(|| ask(command))?;
    Ok(micros / 1000.0)
}

/// MiB that a process has grown by when it has loaded the module, read all objects and signed with every private key.
pub fn memory(worker: &mut Worker) -> Result<f64, Fault> {
    ask(worker.errand(Errand::Touch, 0)?)
}
