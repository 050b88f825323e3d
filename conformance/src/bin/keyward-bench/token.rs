//! What only a token does: sessions, searches, durable keys, a program's start.

use std::time::{Duration, Instant};

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Kind, Object, RW, Rv, call, ulen};

use crate::algorithm::Signature;
use crate::stopwatch::time;
use crate::worker::{MESSAGE, Worker, default_token, id, label};

/// C_OpenSession and C_CloseSession, per second.
pub fn sessions(worker: &mut Worker) -> Result<f64, Rv> {
    let (module, slot) = (&worker.token.module, worker.token.slot);
    let micros = time(worker.duration, || {
        let mut handle = 0;
        Rv::check(call!(module, C_OpenSession(slot, RW, std::ptr::null_mut(), None, &mut handle)).0)?;
        Rv::check(call!(module, C_CloseSession(handle)).0)
    })?;
    Ok(1e6 / micros)
}

/// C_FindObjectsInit, C_FindObjects, C_FindObjectsFinal with a class and one more attribute, another object each time.
fn find(
    worker: &Worker,
    count: usize,
    class: CK_OBJECT_CLASS,
    wanted: impl Fn(usize) -> Attr,
) -> Result<f64, Rv> {
    let mut number = 0;
    worker.time(|session| {
        number = (number + 7) % count.max(1);
        session.find_init(&[Attr::class(class), wanted(number)])?;
        let found = session.find_next(2)?;
        session.find_final()?;
        if found.len() == 1 { Ok(()) } else { Err(Rv(CKR_OBJECT_HANDLE_INVALID)) }
    })
}

/// Microseconds per search by class and CKA_ID among so many durable pairs.
pub fn find_by_id(worker: &mut Worker, pairs: usize) -> Result<f64, Rv> {
    worker.store_pairs(pairs)?;
    find(worker, pairs, CKO_PRIVATE_KEY, |number| Attr::id(&id(number)))
}

/// Microseconds per search by class and CKA_LABEL among so many durable pairs.
pub fn find_by_label(worker: &mut Worker, pairs: usize) -> Result<f64, Rv> {
    worker.store_pairs(pairs)?;
    find(worker, pairs, CKO_PRIVATE_KEY, |number| Attr::label(&label(number)))
}

/// Microseconds per search by class and CKA_LABEL among twice so many session objects of another session, which are
/// destroyed at the end.
pub fn find_in_session(worker: &mut Worker, pairs: usize) -> Result<f64, Rv> {
    let holder = worker.token.user_session()?;
    let name = |number: usize| Attr::label(&format!("session {number}"));
    for number in 0..2 * pairs {
        holder.create(&[Attr::class(CKO_DATA), Attr::private(false), name(number)])?;
    }
    find(worker, 2 * pairs, CKO_DATA, name)
}

/// Durable P-256 pairs made, per second.
pub fn durable(worker: &mut Worker) -> Result<f64, Rv> {
    let before = worker.stored();
    let (start, duration) = (Instant::now(), worker.duration.max(Duration::from_millis(500)));
    while start.elapsed() < duration {
        worker.store_pair()?;
    }
    let made = u32::try_from(worker.stored() - before).unwrap_or(u32::MAX);
    Ok(f64::from(made) / start.elapsed().as_secs_f64())
}

/// What a short-lived program pays, in milliseconds: from C_Finalize on a used module to its next signature.
pub fn open(worker: &mut Worker, pairs: usize) -> Result<f64, Rv> {
    worker.store_pairs(pairs)?;
    let wanted = id(pairs / 2);
    let mut signature = [0; 64];
    let cost = time(worker.duration, || {
        worker.reopen()?;
        let found = worker.session.find(&[Attr::class(CKO_PRIVATE_KEY), Attr::id(&wanted)])?;
        let key = found.first().copied().ok_or(Rv(CKR_OBJECT_HANDLE_INVALID))?;
        sign_once(worker, key, &mut signature)
    })?;
    Ok(cost / 1000.0)
}

fn sign_once(worker: &Worker, key: Object, out: &mut [u8]) -> Result<(), Rv> {
    let (module, handle) = (worker.session.module(), worker.session.handle());
    let (mut mechanism, mut length) = (Signature::P256.mechanism(), ulen(out.len()));
    Rv::check(call!(module, C_SignInit(handle, &mut mechanism, key)).0)?;
    let (data, data_len) = (MESSAGE.as_ptr().cast_mut(), ulen(MESSAGE.len()));
    Rv::check(call!(module, C_Sign(handle, data, data_len, out.as_mut_ptr(), &mut length)).0)
}

/// C_Login alone, in milliseconds. Tokens here are made with keyward's cheapest PIN derivation; this row makes one
/// with its default.
pub fn default_login(worker: &mut Worker) -> Result<f64, Rv> {
    if worker.token.kind() == Kind::Keyward {
        let (module, slot, _dir) = default_token(&worker.path).map_err(|_| Rv(CKR_DEVICE_ERROR))?;
        let session = module.open_session(slot, RW)?;
        let cost = time(worker.duration, || {
            session.login(CKU_USER, "user-pin")?;
            session.logout()
        })?;
        drop(session);
        module.finalize()?;
        return Ok(cost / 1000.0);
    }
    worker.reopen()?;
    let cost = worker.time(|session| {
        session.logout()?;
        session.login(CKU_USER, keyward_conformance::token::USER_PIN)
    })?;
    Ok(cost / 1000.0)
}
