//! A session's running operations, and the one lifetime rule for all of them (PKCS#11 v3.2, section 5.2).
//!
//! A size query and CKR_BUFFER_TOO_SMALL keep the operation; success ends it where the call is the last of its kind;
//! every other error ends it. A result that did not fit waits in `pending`, so nothing is signed or decrypted twice:
//! it is for the same call with the same data, and any other call ends the operation.

mod digest;
mod dual;
mod judgement;

use std::hash::{BuildHasher, RandomState};

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::op::{Cipher, Producer, Verifier};
use crate::token::Prepared;

pub use digest::Saved;
pub use judgement::Judgement;

/// Where a call's output goes.
pub enum Output<'a> {
    /// A size query: the caller gave no buffer.
    Size,
    /// The caller's buffer.
    Buffer(&'a mut [u8]),
}

/// What became of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// So many bytes were written.
    Written(usize),
    /// The size query's answer in bytes; the operation goes on.
    Size(usize),
    /// CKR_BUFFER_TOO_SMALL, with the bytes needed; the operation goes on.
    TooSmall(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Ready,
    Streaming,
}

/// A running operation.
pub struct Active<T: ?Sized> {
    operation: Box<T>,
    stage: Stage,
    pending: Option<Pending>,
    authenticate: bool,
    /// Which of the session's operations it is, in the order of their beginning.
    number: u64,
}

/// A computed result, and which call it is the answer to.
struct Pending {
    result: Zeroizing<Vec<u8>>,
    call: Call,
    hasher: RandomState,
    digest: u64,
}

/// A call that may leave a result pending: the same again, with the same data, gets it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Once,
    Finish,
}

impl Pending {
    fn new(result: Zeroizing<Vec<u8>>, call: Call, data: &[u8]) -> Self {
        let hasher = RandomState::new();
        let digest = hasher.hash_one(data);
        Pending { result, call, hasher, digest }
    }

    fn answers(&self, call: Call, data: &[u8]) -> bool {
        self.call == call && self.hasher.hash_one(data) == self.digest
    }
}

/// The slot of one operation kind in a session: idle, or one active operation.
pub struct Slot<T: ?Sized>(Option<Active<T>>);

impl<T: ?Sized> Default for Slot<T> {
    fn default() -> Self {
        Slot(None)
    }
}

/// What the caller is told and whether the operation lives on.
type Step = Result<(Answer, bool)>;

impl<T: ?Sized> Slot<T> {
    /// True while an operation runs.
    pub fn is_active(&self) -> bool {
        self.0.is_some()
    }

    /// CKR_OPERATION_ACTIVE if one runs already: asked before an `*Init` does any work.
    pub fn expect_idle(&self) -> Result<()> {
        match self.0 {
            None => Ok(()),
            Some(_) => Err(ErrorKind::OperationActive.into()),
        }
    }

    /// CKR_OPERATION_NOT_INITIALIZED if none runs.
    pub fn expect_active(&self) -> Result<()> {
        match self.0 {
            Some(_) => Ok(()),
            None => Err(ErrorKind::OperationNotInitialized.into()),
        }
    }

    /// Starts an operation, the session's `number`th.
    pub fn start(&mut self, prepared: Prepared<T>, number: u64) {
        self.0 = Some(Active {
            operation: prepared.operation,
            stage: Stage::Ready,
            pending: None,
            authenticate: prepared.authenticate,
            number,
        });
    }

    /// Ends the operation, if there is one, without a result.
    pub fn cancel(&mut self) {
        self.0 = None;
    }

    /// The number of the operation, if it waits for C_Login(CKU_CONTEXT_SPECIFIC).
    pub fn wants_authentication(&self) -> Option<u64> {
        self.0.as_ref().filter(|active| active.authenticate).map(|active| active.number)
    }

    /// C_Login(CKU_CONTEXT_SPECIFIC) succeeded.
    pub fn authenticated(&mut self) {
        if let Some(active) = &mut self.0 {
            active.authenticate = false;
        }
    }

    /// The operation, which nothing keeps from going on. CKR_OPERATION_NOT_INITIALIZED, CKR_USER_NOT_LOGGED_IN.
    fn running(&self) -> Result<&Active<T>> {
        let active = self.0.as_ref().ok_or(ErrorKind::OperationNotInitialized)?;
        if active.authenticate { Err(waits_for_pin()) } else { Ok(active) }
    }

    /// The lifetime rule: `step` says whether the operation lives on; an error always ends it.
    fn run(&mut self, step: impl FnOnce(&mut Active<T>) -> Step) -> Result<Answer> {
        let active = self.0.as_mut().ok_or(ErrorKind::OperationNotInitialized)?;
        let outcome = if active.authenticate { Err(waits_for_pin()) } else { step(active) };
        match outcome {
            Ok((answer, true)) => Ok(answer),
            Ok((answer, false)) => {
                self.0 = None;
                Ok(answer)
            }
            Err(error) => {
                self.0 = None;
                Err(error)
            }
        }
    }
}

impl<T: ?Sized> Active<T> {
    /// A single-part call may not end a multi-part operation (PKCS#11 v3.2, section 5.2).
    fn expect_ready(&self) -> Result<()> {
        match self.stage {
            Stage::Ready => Ok(()),
            Stage::Streaming => Err(Error::new(
                ErrorKind::OperationNotInitialized,
                "a single-part call can't end a multi-part operation; it is ended now",
            )),
        }
    }

    /// The operation is spent once its result is pending: nothing can be fed to it any more.
    fn expect_nothing_pending(&self) -> Result<()> {
        match self.pending {
            None => Ok(()),
            Some(_) => Err(spent()),
        }
    }

    /// Hands out a result that is final: straight into the buffer where `bound` fits, else computed once and kept for
    /// the same `call` with the same `data`.
    fn deliver(
        &mut self,
        output: Output<'_>,
        bound: usize,
        (call, data): (Call, &[u8]),
        compute: impl FnOnce(&mut T, &mut [u8]) -> Result<usize>,
    ) -> Step {
        let buffer = match output {
            Output::Size => {
                let waiting = self.pending.as_ref().filter(|pending| pending.answers(call, data));
                return Ok((Answer::Size(waiting.map_or(bound, |pending| pending.result.len())), true));
            }
            Output::Buffer(buffer) => buffer,
        };
        if self.pending.as_ref().is_some_and(|pending| !pending.answers(call, data)) {
            return Err(spent());
        }
        if self.pending.is_none() && buffer.len() >= bound {
            return compute(&mut self.operation, buffer).map(|n| (Answer::Written(n), false));
        }
        let result = match self.pending.take() {
            Some(pending) => pending.result,
            None => {
                let mut result = zeroed(bound)?;
                let n = compute(&mut self.operation, &mut result)?;
                result.truncate(n);
                result
            }
        };
        match buffer.get_mut(..result.len()) {
            Some(target) => {
                target.copy_from_slice(&result);
                Ok((Answer::Written(result.len()), false))
            }
            None => {
                let needed = result.len();
                self.pending = Some(Pending::new(result, call, data));
                Ok((Answer::TooSmall(needed), true))
            }
        }
    }
}

fn waits_for_pin() -> Error {
    let why = "CKA_ALWAYS_AUTHENTICATE: C_Login(CKU_CONTEXT_SPECIFIC) comes first";
    Error::new(ErrorKind::UserNotLoggedIn, why)
}

fn spent() -> Error {
    Error::new(
        ErrorKind::OperationNotInitialized,
        "the result of an earlier call with other data waits for a buffer; the operation is ended now",
    )
}

/// A zeroed buffer of a size that a caller influenced: CKR_HOST_MEMORY instead of an abort.
pub(super) fn zeroed(len: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(len).map_err(|_| ErrorKind::HostMemory)?;
    buffer.resize(len, 0);
    Ok(Zeroizing::new(buffer))
}

/// For results whose size is known beforehand: a buffer that is too small costs no computation.
pub(super) fn exact(output: Output<'_>, len: usize) -> std::result::Result<&mut [u8], Answer> {
    match output {
        Output::Size => Err(Answer::Size(len)),
        Output::Buffer(buffer) => buffer.get_mut(..len).ok_or(Answer::TooSmall(len)),
    }
}

impl Slot<dyn Producer> {
    /// C_Digest, C_Sign.
    pub fn produce(&mut self, data: &[u8], output: Output<'_>) -> Result<Answer> {
        self.run(|active| {
            active.expect_ready()?;
            match exact(output, active.operation.output_len()) {
                Err(answer) => Ok((answer, true)),
                Ok(out) => {
                    active.operation.once(data, out)?;
                    Ok((Answer::Written(out.len()), false))
                }
            }
        })
    }

    /// C_DigestUpdate, C_SignUpdate.
    pub fn update(&mut self, part: &[u8]) -> Result<()> {
        self.run(|active| {
            active.stage = Stage::Streaming;
            active.operation.update(part)?;
            Ok((Answer::Written(0), true))
        })
        .map(drop)
    }

    /// C_DigestFinal, C_SignFinal.
    pub fn finish(&mut self, output: Output<'_>) -> Result<Answer> {
        self.run(|active| match exact(output, active.operation.output_len()) {
            Err(answer) => Ok((answer, true)),
            Ok(out) => {
                active.operation.finish(out)?;
                Ok((Answer::Written(out.len()), false))
            }
        })
    }
}

impl Slot<dyn Verifier> {
    /// C_Verify.
    pub fn verify(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.run(|active| {
            active.expect_ready()?;
            active.operation.once(data, signature)?;
            Ok((Answer::Written(0), false))
        })
        .map(drop)
    }

    /// C_VerifyUpdate.
    pub fn update(&mut self, part: &[u8]) -> Result<()> {
        self.run(|active| {
            active.stage = Stage::Streaming;
            active.operation.update(part)?;
            Ok((Answer::Written(0), true))
        })
        .map(drop)
    }

    /// C_VerifyFinal.
    pub fn finish(&mut self, signature: &[u8]) -> Result<()> {
        self.run(|active| {
            active.operation.finish(signature)?;
            Ok((Answer::Written(0), false))
        })
        .map(drop)
    }
}

impl Slot<dyn Cipher> {
    /// C_Encrypt, C_Decrypt.
    pub fn once(&mut self, data: &[u8], output: Output<'_>) -> Result<Answer> {
        self.run(|active| {
            active.expect_ready()?;
            let bound = active.operation.once_len(data.len());
            active.deliver(output, bound, (Call::Once, data), |operation, out| operation.once(data, out))
        })
    }

    /// C_EncryptUpdate, C_DecryptUpdate. Sizes are exact, so a short buffer is refused before anything is fed.
    pub fn update(&mut self, part: &[u8], output: Output<'_>) -> Result<Answer> {
        self.run(|active| {
            active.expect_nothing_pending()?;
            active.stage = Stage::Streaming;
            match exact(output, active.operation.update_len(part.len())) {
                Err(answer) => Ok((answer, true)),
                Ok(out) => Ok((Answer::Written(active.operation.update(part, out)?), true)),
            }
        })
    }

    /// C_EncryptFinal, C_DecryptFinal.
    pub fn finish(&mut self, output: Output<'_>) -> Result<Answer> {
        self.run(|active| {
            let bound = active.operation.finish_len();
            active.deliver(output, bound, (Call::Finish, &[]), |operation, out| operation.finish(out))
        })
    }
}
