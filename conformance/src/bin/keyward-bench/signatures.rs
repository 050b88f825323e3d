//! Signing and verifying through a module.

use keyward_conformance::{Mech, Object, RW, Rv, Session, call, ulen};

use crate::algorithm::{Message, SIGNATURE_ROOM, Signature};
use crate::fault::Fault;
use crate::rows::Sharing;
use crate::stopwatch::scaling;
use crate::worker::Worker;

/// Microseconds per signature.
pub fn sign(worker: &mut Worker, signature: Signature) -> Result<f64, Fault> {
    let (_, key) = worker.pair(signature, 0)?;
    let mut signer = Signer::new(signature, key);
    Ok(worker.time(|session| signer.sign(session))?)
}

/// Microseconds per verification of one signature.
pub fn verify(worker: &mut Worker, signature: Signature) -> Result<f64, Fault> {
    let (public, private) = worker.pair(signature, 0)?;
    let mut mechanism = signature.mechanism();
    let message = *Message::default().next();
    let bytes = worker.session.sign(&Mech::new(mechanism.mechanism), private, &message)?;
    let (data, data_len) = (message.as_ptr().cast_mut(), ulen(message.len()));
    let (signed, signed_len) = (bytes.as_ptr().cast_mut(), ulen(bytes.len()));
    let micros = worker.time(|session| {
        let (module, handle) = (session.module(), session.handle());
        Rv::check(call!(module, C_VerifyInit(handle, &mut mechanism, public)).0)?;
        Rv::check(call!(module, C_Verify(handle, data, data_len, signed, signed_len)).0)
    })?;
    Ok(micros)
}

/// The rate of two threads, each with a session of its own, over one's.
pub fn threads(worker: &mut Worker, signature: Signature, sharing: Sharing) -> Result<f64, Fault> {
    let second = if sharing == Sharing::OneKey { 0 } else { 1 };
    let keys = (worker.pair(signature, 0)?.1, worker.pair(signature, second)?.1);
    let (one, two) = (worker.token.session(RW)?, worker.token.session(RW)?);
    let (mut first, mut second) = (Signer::new(signature, keys.0), Signer::new(signature, keys.1));
    Ok(scaling(worker.duration, || first.sign(&one), || second.sign(&two))?)
}

/// C_SignInit and C_Sign with a P-256 key, once.
pub fn sign_once(session: &Session, key: Object) -> Result<(), Rv> {
    Signer::new(Signature::P256, key).sign(session)
}

/// C_SignInit and C_Sign into a buffer that is large enough: two calls, no size query.
struct Signer {
    signature: Signature,
    key: Object,
    message: Message,
    out: Vec<u8>,
}

impl Signer {
    fn new(signature: Signature, key: Object) -> Self {
        Self { signature, key, message: Message::default(), out: vec![0; SIGNATURE_ROOM] }
    }

    fn sign(&mut self, session: &Session) -> Result<(), Rv> {
        let (mut mechanism, mut length) = (self.signature.mechanism(), ulen(self.out.len()));
        let (module, handle, message) = (session.module(), session.handle(), self.message.next());
        let (data, data_len) = (message.as_ptr().cast_mut(), ulen(message.len()));
        Rv::check(call!(module, C_SignInit(handle, &mut mechanism, self.key)).0)?;
        Rv::check(call!(module, C_Sign(handle, data, data_len, self.out.as_mut_ptr(), &mut length)).0)
    }
}
