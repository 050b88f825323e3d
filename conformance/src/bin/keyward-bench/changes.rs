//! What it costs to notice that another process has changed the token.

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Object, Rv, call};

use crate::errand::{Errand, ask};
use crate::fault::Fault;
use crate::stopwatch::{once, repeat, time};
use crate::worker::{Worker, id};

/// An AES key; a token object has to be looked after, a session object not.
fn key(worker: &Worker, token: bool) -> Result<Object, Rv> {
    let template = [Attr::token(token), Attr::value_len(32), Attr::label("read again and again")];
    worker.session.generate_key(&Mech::new(CKM_AES_KEY_GEN), &template)
}

/// Microseconds to read CKA_LABEL into a buffer that is large enough; for a `part` of a measurement.
fn read(worker: &Worker, object: Object, part: u32) -> Result<f64, Rv> {
    let (module, handle) = (worker.session.module(), worker.session.handle());
    let mut label = [0_u8; 64];
    time(worker.duration / part, || {
        let value = label.as_mut_ptr().cast();
        let mut attribute = CK_ATTRIBUTE { type_: CKA_LABEL, pValue: value, ulValueLen: 64 };
        Rv::check(call!(module, C_GetAttributeValue(handle, object, &mut attribute, 1)).0)
    })
}

fn with_key(worker: &Worker, token: bool) -> Result<f64, Fault> {
    let key = key(worker, token)?;
    let micros = read(worker, key, 1);
    worker.session.destroy(key)?;
    Ok(micros?)
}

/// C_GetAttributeValue of a session object, in microseconds.
pub fn session_object(worker: &mut Worker) -> Result<f64, Fault> {
    with_key(worker, false)
}

/// C_GetAttributeValue of a token object that is in the cache, in microseconds.
pub fn token_object(worker: &mut Worker) -> Result<f64, Fault> {
    with_key(worker, true)
}

/// The median of their differences, each between neighbours in time, in microseconds.
pub fn difference(worker: &mut Worker) -> Result<f64, Fault> {
    let (lasting, passing) = (key(worker, true)?, key(worker, false)?);
    let micros =
        repeat(worker.duration, || Ok::<_, Rv>(read(worker, lasting, 16)? - read(worker, passing, 16)?));
    worker.session.destroy(lasting)?;
    worker.session.destroy(passing)?;
    Ok(micros?)
}

/// Microseconds of the first search after another process has made a pair; a failure where the pair is not found.
pub fn find_foreign(worker: &mut Worker) -> Result<f64, Fault> {
    let (duration, mut number) = (worker.duration, worker.foreign);
    let micros = repeat(duration, || {
        number += 1;
        ask(worker.errand(Errand::Make, number)?)?;
        let (micros, found) = once(|| worker.session.find(&[Attr::id(&id(number))]))?;
        match found.len() {
            2 => Ok(micros),
            _ => Err(Fault("what another process made is not seen at the next call".to_owned())),
        }
    });
    worker.foreign = number;
    micros
}
