//! A lower library in a process of its own: `p11-kit remote LIBRARY`, spoken to in p11-kit's protocol over a socket
//! that is its input and output. Nothing of p11-kit is loaded here, and the library's crash, hang or trouble with
//! forks stays where it is.
//!
//! Protocol versions 0 (p11-kit 0.24, Debian 12) and 1 (p11-kit 0.25, Debian 13) are spoken; the helper chooses.
//!
//! What crosses:
//!
//! - The 65 calls of PKCS#11 2.40; from version 1 on C_LoginUser, C_SessionCancel, and the message functions as far as
//!   they are called without a parameter. Everything else is CKR_FUNCTION_NOT_SUPPORTED: all of 3.2, C_GetInterface
//!   (the helper asks the library for its functions itself); C_GetFunctionStatus and C_CancelFunction are
//!   CKR_FUNCTION_NOT_PARALLEL.
//! - Of C_Initialize a string in `pReserved`. The helper always initialises with CKF_OS_LOCKING_OK.
//! - Flags, handles, sessions and return values, unchanged. A return value has 32 bits.
//! - Mechanisms without a parameter, with one that has no pointers in it, PSS and OAEP; from version 1 on also GCM and
//!   ECDH1. A parameter of another shape, or of a vendor's, is CKR_MECHANISM_PARAM_INVALID, and a mechanism that is
//!   known to need one is left out of C_GetMechanismList.
//! - Attributes of all types, a vendor's as bytes; templates as values (CKA_WRAP_TEMPLATE …) from version 1 on,
//!   CKR_ATTRIBUTE_TYPE_INVALID before.
//!
//! What does not: the notification callback of C_OpenSession (the library gets none), mutex callbacks, what a
//! mechanism writes back into its parameter (a generated IV), and C_WaitForSlotEvent without CKF_DONT_BLOCK. Where a
//! null mechanism cancels an operation, version 0 answers CKR_ARGUMENTS_BAD.
//!
//! One call is on the wire at a time: a second thread waits, as it would for a library that is not thread-safe. A call
//! that is not answered in time ends the helper, since nothing else tells what it is doing. The call gets
//! CKR_DEVICE_ERROR, as does one during which the helper dies or breaks the protocol; every later one gets
//! CKR_DEVICE_REMOVED. A new [`Remote`] starts anew, without sessions.
//!
//! The helper is trusted with what its library is trusted with, and no further: lengths that it names are compared with
//! what was asked for before memory is taken. Messages are wiped, since they hold PINs and keys.

mod attribute;
mod calls;
mod info;
mod marshal;
mod mechanism;
mod memory;
mod process;
mod wire;

#[cfg(test)]
mod tests;

use std::ffi::{OsString, c_void};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::types::ck;

use calls::Call;
use marshal::{Outcome, Request};
use process::{Helper, Loss};
use wire::{HEADER, Reader, Stop};

/// The newest version of the protocol that is spoken here.
const NEWEST: u8 = 1;
/// Room for output that is asked for at first, beside as much as was sent.
const FIRST_GRANT: usize = 64 * 1024;
/// Options of an answer: the protocol has a place for them and no use.
const MOST_OPTIONS: usize = 4096;
/// How long a helper gets to finish by itself when it is no longer needed.
const GRACE: Duration = Duration::from_secs(1);
/// The first call's code, and the least one after the codes have run out.
const FIRST_CODE: u32 = 0x10;

const ALIVE: u8 = 0;
const DEAD: u8 = 1;
const ABANDONED: u8 = 2;

/// One C argument as it came.
#[derive(Clone, Copy, Debug)]
pub enum Argument {
    /// A number, a handle, a flag.
    Number(ck::CK_ULONG),
    /// Any pointer, also null.
    Pointer(*mut c_void),
}

/// How a helper is started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Program and arguments.
    pub command: Vec<OsString>,
    /// Variables added to the environment.
    pub environment: Vec<(OsString, OsString)>,
    /// The longest wait for one answer.
    pub timeout: Duration,
}

impl Launch {
    /// `p11-kit remote LIBRARY` in this process's environment.
    pub fn new(library: &Path, timeout: Duration) -> Launch {
        let command = vec!["p11-kit".into(), "remote".into(), library.as_os_str().to_owned()];
        Launch { command, environment: Vec::new(), timeout }
    }

    /// Starts it.
    pub fn start(&self) -> Result<Remote, String> {
        // A helper from before the negotiation takes another first byte than 0 for an attack, and ends.
        match self.greet(NEWEST) {
            Err((first, true)) => self.greet(0).map_err(|_| first),
            other => other.map_err(|(first, _)| first),
        }
    }

    /// Starts it and exchanges the versions. An error comes with whether an older version may help.
    fn greet(&self, version: u8) -> Result<Remote, (String, bool)> {
        let program = self.command.first().map(|program| program.to_string_lossy()).unwrap_or_default();
        let mut helper = Helper::start(&self.command, &self.environment)
            .map_err(|error| (format!("{program} does not start: {error}"), false))?;
        let deadline = Instant::now() + self.timeout;
        let mut chosen = [0];
        let greeted = helper.send(&[version], deadline).and_then(|()| helper.receive(&mut chosen, deadline));
        let [chosen] = chosen;
        let trouble = match greeted {
            Ok(()) if chosen <= version => None,
            Ok(()) => Some((format!("{program} chose version {chosen} of the protocol"), false)),
            Err(Loss::Closed) => Some((format!("{program} ended; does it have this library?"), true)),
            Err(loss) => Some((format!("{program}: {loss}"), false)),
        };
        if let Some(trouble) = trouble {
            helper.end(Duration::ZERO);
            return Err(trouble);
        }
        tracing::debug!("helper process {} speaks version {chosen} of the protocol", helper.pid());
        let wire = Wire { helper, code: FIRST_CODE };
        Ok(Remote {
            state: AtomicU8::new(ALIVE),
            process: std::process::id(),
            version: chosen,
            timeout: self.timeout,
            wire: ManuallyDrop::new(Mutex::new(wire)),
        })
    }
}

/// A library in a helper process.
pub struct Remote {
    state: AtomicU8,
    /// The process that started the helper: a forked child must leave it alone.
    process: u32,
    version: u8,
    timeout: Duration,
    wire: ManuallyDrop<Mutex<Wire>>,
}

/// What a call has for itself.
struct Wire {
    helper: Helper,
    code: u32,
}

impl Remote {
    /// Starts `p11-kit remote` for `library`. `timeout` is the longest wait for one answer.
    pub fn start(library: &Path, timeout: Duration) -> Result<Remote, String> {
        Launch::new(library, timeout).start()
    }

    /// Calls the function `name` ("C_Sign") of the library with its C arguments in order.
    ///
    /// # Safety
    /// Pointers and lengths are those of a valid call of that C function; `pReserved` of C_Initialize's arguments is
    /// null or a string that ends with a zero byte.
    pub unsafe fn call(&self, name: &'static str, arguments: &[Argument]) -> ck::CK_RV {
        if !self.is_usable() {
            return ck::CKR_DEVICE_REMOVED;
        }
        let Some(call) = calls::find(name, self.version) else {
            return match name {
                "C_GetFunctionStatus" | "C_CancelFunction" => ck::CKR_FUNCTION_NOT_PARALLEL,
                _ => ck::CKR_FUNCTION_NOT_SUPPORTED,
            };
        };
        // The server has no words for nothing, and would end the conversation.
        if name == "C_GenerateRandom" && matches!(arguments.last(), Some(Argument::Number(0))) {
            return ck::CKR_OK;
        }
        // SAFETY: the caller's promise.
        unsafe { self.run(call, arguments) }.unwrap_or_else(|stop| match stop {
            Stop::Answer(value) => value,
            Stop::Broken(_) => ck::CKR_DEVICE_ERROR,
        })
    }

    /// # Safety
    /// As [`Remote::call`].
    unsafe fn run(&self, call: &Call, arguments: &[Argument]) -> wire::Result<ck::CK_RV> {
        let mut grant = FIRST_GRANT;
        loop {
            // SAFETY: the caller's promise.
            let request = unsafe { marshal::request(call, arguments, self.version, grant) }?;
            let mut wire = self.wire.lock();
            if !self.is_usable() {
                return Ok(ck::CKR_DEVICE_REMOVED);
            }
            let room = request.room;
            let body = self.exchange(&mut wire, call, request)?;
            // SAFETY: the caller's promise, with the arguments of the request.
            let outcome = unsafe { marshal::answer(call, arguments, self.version, room, &body) };
            match outcome {
                Ok(Outcome::Done(value)) => return Ok(value),
                // Once only: a library that needs more each time is not followed.
                Ok(Outcome::Again(room)) if grant == FIRST_GRANT => grant = room,
                Ok(Outcome::Again(_)) => return Ok(ck::CKR_BUFFER_TOO_SMALL),
                Err(Stop::Broken(what)) => return Err(self.lose(&mut wire, call, &what)),
                Err(stop) => return Err(stop),
            }
        }
    }

    /// Sends a request and returns the answer's body.
    fn exchange(
        &self,
        wire: &mut Wire,
        call: &Call,
        mut request: Request,
    ) -> wire::Result<Zeroizing<Vec<u8>>> {
        let code = wire.code;
        wire.code = code.checked_add(1).unwrap_or(FIRST_CODE);
        request.message.frame(code)?;
        match converse(&wire.helper, &request, code, Instant::now() + self.timeout) {
            Ok(body) => Ok(body),
            Err(Trouble::Loss(loss)) => Err(self.lose(wire, call, &loss)),
            Err(Trouble::Stop(Stop::Broken(what))) => Err(self.lose(wire, call, &what)),
            // The answer was not read, so nothing after it can be.
            Err(Trouble::Stop(Stop::Answer(_))) => Err(self.lose(wire, call, &"there is no memory for it")),
        }
    }

    /// Ends a helper that nothing more is expected from.
    fn lose(&self, wire: &mut Wire, call: &Call, why: &dyn std::fmt::Display) -> Stop {
        tracing::warn!("{}: the helper process {} is given up: {why}", call.name, wire.helper.pid());
        self.state.store(DEAD, Ordering::Release);
        wire.helper.end(Duration::ZERO);
        Stop::Answer(ck::CKR_DEVICE_ERROR)
    }

    fn is_usable(&self) -> bool {
        self.state.load(Ordering::Acquire) == ALIVE && self.process == std::process::id()
    }

    /// False once the helper crashed, hung (and was killed) or closed its pipe.
    pub fn is_alive(&self) -> bool {
        if !self.is_usable() {
            return false;
        }
        // While a call runs, its own outcome tells.
        if let Some(mut wire) = self.wire.try_lock()
            && wire.helper.has_hung_up()
        {
            self.state.store(DEAD, Ordering::Release);
            wire.helper.end(Duration::ZERO);
        }
        self.state.load(Ordering::Acquire) == ALIVE
    }

    /// The helper's process number.
    #[cfg(test)]
    fn pid(&self) -> Option<u32> {
        self.is_usable().then(|| self.wire.lock().helper.pid())
    }

    /// In a forked child: forgets the helper without using or closing its descriptors, which the parent goes on using.
    pub fn abandon(&self) {
        self.state.store(ABANDONED, Ordering::Release);
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // A child's copy is not taken apart: its lock may be held by a thread that the child does not have.
        if self.state.load(Ordering::Acquire) == ABANDONED || self.process != std::process::id() {
            return;
        }
        // SAFETY: `wire` is not used again: this is the end of the value, and the only place that takes it.
        let mut wire = unsafe { ManuallyDrop::take(&mut self.wire) }.into_inner();
        wire.helper.end(GRACE);
    }
}

/// Why there is no answer.
enum Trouble {
    Loss(Loss),
    Stop(Stop),
}

impl From<Loss> for Trouble {
    fn from(loss: Loss) -> Self {
        Trouble::Loss(loss)
    }
}

impl From<Stop> for Trouble {
    fn from(stop: Stop) -> Self {
        Trouble::Stop(stop)
    }
}

/// Sends the framed request, and reads the frame that answers it.
fn converse(
    helper: &Helper,
    request: &Request,
    code: u32,
    deadline: Instant,
) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    helper.send(request.message.bytes(), deadline)?;
    let mut header = [0; HEADER];
    helper.receive(&mut header, deadline)?;
    let mut header = Reader::new(&header);
    let (answered, options, length) = (header.word()?, header.count()?, header.count()?);
    if answered != code {
        return Err(Stop::Broken("its answer has another call's code").into());
    }
    if options > MOST_OPTIONS || length > request.limit {
        return Err(Stop::Broken("its answer is longer than what was asked for").into());
    }
    helper.receive(&mut wire::space(options)?, deadline)?;
    let mut body = wire::space(length)?;
    helper.receive(&mut body, deadline)?;
    Ok(body)
}
