//! Message-based operations (PKCS#11 v3.2, sections 5.9, 5.11, 5.14 and 5.16): one Init, any number of messages.
//!
//! A process keeps mechanism and key; each message is an operation of its own that the session's way to the token
//! prepares, as C_SignInit or C_EncryptInit would. So every backend has messages, a key that wants the PIN for each use
//! is asked for each message, and a key that is destroyed or closed to the caller ends the process.
//!
//! An error ends the message, not the process. A size query and CKR_BUFFER_TOO_SMALL move nothing: no part is fed, no
//! IV is made. Of a message that is decrypted in parts, nothing comes out before its last part and tag were seen.

use super::operation::{Answer, Output, exact, zeroed};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::op::{Cipher, Producer, Verifier};
use crate::mechanism::{self, Iv, IvGenerator, Mechanism, Message, MessageForm, MessageKind};
use crate::token::{Access, ObjectHandle, Prepared, TokenSession};
use crate::types::ck;

/// How a backend begins the operation for one message.
type Begin<T> = fn(&mut dyn TokenSession, Access, &Mechanism, ObjectHandle) -> Result<Prepared<T>>;

/// The process of one kind in a session: none, or one.
pub struct Messages<T: ?Sized>(Option<Box<Process<T>>>);

struct Process<T: ?Sized> {
    begin: Begin<T>,
    mechanism: Mechanism,
    key: ObjectHandle,
    /// The multi-part message that runs.
    running: Option<Box<T>>,
    /// Whether the key wants the PIN before each message, and whether it does now.
    asks: bool,
    waits: bool,
    number: u64,
    ivs: IvGenerator,
    /// What went into the running message and did not come out yet, and the length of its tag, in bytes.
    held: usize,
    tag_len: usize,
}

impl<T: ?Sized> Default for Messages<T> {
    fn default() -> Self {
        Messages(None)
    }
}

/// What the messages of a process work in.
pub type Place<'a> = (&'a mut dyn TokenSession, Access);

impl<T: ?Sized> Messages<T> {
    /// True while a process is active.
    pub fn is_active(&self) -> bool {
        self.0.is_some()
    }

    /// CKR_OPERATION_ACTIVE if one is.
    pub fn expect_idle(&self) -> Result<()> {
        match self.0 {
            None => Ok(()),
            Some(_) => Err(ErrorKind::OperationActive.into()),
        }
    }

    /// CKR_OPERATION_NOT_INITIALIZED if none is.
    pub fn expect_active(&mut self) -> Result<()> {
        self.active().map(drop)
    }

    /// Ends the process and its running message, if there is one.
    pub fn cancel(&mut self) {
        self.0 = None;
    }

    /// Ends the running message, if there is one; the process goes on.
    pub fn abandon(&mut self) {
        if let Some(process) = &mut self.0 {
            process.running = None;
        }
    }

    /// `C_Message*Final`. CKR_OPERATION_NOT_INITIALIZED, CKR_OPERATION_ACTIVE in the middle of a message.
    pub fn finish(&mut self) -> Result<()> {
        self.between()?;
        self.0 = None;
        Ok(())
    }

    /// The number of the process, if its next message waits for C_Login(CKU_CONTEXT_SPECIFIC).
    pub fn wants_authentication(&self) -> Option<u64> {
        self.0.as_ref().filter(|process| process.waits).map(|process| process.number)
    }

    /// C_Login(CKU_CONTEXT_SPECIFIC) succeeded: for one message.
    pub fn authenticated(&mut self) {
        if let Some(process) = &mut self.0 {
            process.waits = false;
        }
    }

    fn start(&mut self, begin: Begin<T>, mechanism: Mechanism, key: ObjectHandle, asks: bool, number: u64) {
        self.0 = Some(Box::new(Process {
            begin,
            mechanism,
            key,
            running: None,
            asks,
            waits: asks,
            number,
            ivs: IvGenerator::default(),
            held: 0,
            tag_len: 0,
        }));
    }

    fn active(&mut self) -> Result<&mut Process<T>> {
        self.0.as_deref_mut().ok_or_else(|| ErrorKind::OperationNotInitialized.into())
    }

    /// The process, which no multi-part message is in the way of.
    fn between(&mut self) -> Result<&mut Process<T>> {
        let process = self.active()?;
        match process.running {
            None => Ok(process),
            Some(_) => Err(Error::new(ErrorKind::OperationActive, "a message in parts has not ended yet")),
        }
    }

    /// The process with its running multi-part message.
    fn within(&mut self) -> Result<(&mut Process<T>, Box<T>)> {
        let process = self.active()?;
        match process.running.take() {
            Some(operation) => Ok((process, operation)),
            None => Err(Error::new(ErrorKind::OperationNotInitialized, "no message in parts was begun")),
        }
    }

    /// The operation of a new message. Where the key does not lead to one any more, the process ends.
    fn new_message(&mut self, place: Place<'_>, mechanism: Option<&Mechanism>) -> Result<Box<T>> {
        let process = self.between()?;
        if process.waits {
            let why = "CKA_ALWAYS_AUTHENTICATE: C_Login(CKU_CONTEXT_SPECIFIC) comes before each message";
            return Err(Error::new(ErrorKind::UserNotLoggedIn, why));
        }
        let mechanism = mechanism.unwrap_or(&process.mechanism);
        match (process.begin)(place.0, place.1, mechanism, process.key) {
            Ok(prepared) => {
                process.waits = process.asks;
                Ok(prepared.operation)
            }
            Err(error) => {
                if matches!(error.kind(), ErrorKind::KeyHandleInvalid | ErrorKind::KeyFunctionNotPermitted) {
                    self.0 = None;
                    return Err(error.with_kind(ErrorKind::OperationNotInitialized));
                }
                Err(error)
            }
        }
    }
}

impl Messages<dyn Producer> {
    /// C_MessageSignInit.
    pub fn init(
        &mut self,
        place: Place<'_>,
        mechanism: &Mechanism,
        key: ObjectHandle,
        number: u64,
    ) -> Result<()> {
        let begin: Begin<dyn Producer> =
            |backend, access, mechanism, key| backend.sign(access, mechanism, key);
        let asks = begin(place.0, place.1, mechanism, key)?.authenticate;
        self.start(begin, mechanism.clone(), key, asks, number);
        Ok(())
    }

    /// C_SignMessage.
    pub fn whole(&mut self, place: Place<'_>, data: &[u8], output: Output<'_>) -> Result<Answer> {
        let mut operation = self.new_message(place, None)?;
        match exact(output, operation.output_len()) {
            Err(answer) => {
                // Nothing was signed: the PIN, if one was given, is for the call that follows.
                self.active()?.waits = false;
                Ok(answer)
            }
            Ok(out) => operation.once(data, out).map(|()| Answer::Written(out.len())),
        }
    }

    /// C_SignMessageBegin.
    pub fn begin(&mut self, place: Place<'_>) -> Result<()> {
        let mut operation = self.new_message(place, None)?;
        // A mechanism that takes the data in one call only says so now.
        operation.update(&[])?;
        self.active()?.running = Some(operation);
        Ok(())
    }

    /// C_SignMessageNext: the last part has an output.
    pub fn next(&mut self, part: &[u8], output: Option<Output<'_>>) -> Result<Answer> {
        let (process, mut operation) = self.within()?;
        let Some(output) = output else {
            operation.update(part)?;
            process.running = Some(operation);
            return Ok(Answer::Written(0));
        };
        match exact(output, operation.output_len()) {
            Err(answer) => {
                process.running = Some(operation);
                Ok(answer)
            }
            Ok(out) => {
                operation.update(part)?;
                operation.finish(out)?;
                Ok(Answer::Written(out.len()))
            }
        }
    }
}

impl Messages<dyn Verifier> {
    /// C_MessageVerifyInit.
    pub fn init(
        &mut self,
        place: Place<'_>,
        mechanism: &Mechanism,
        key: ObjectHandle,
        number: u64,
    ) -> Result<()> {
        let begin: Begin<dyn Verifier> =
            |backend, access, mechanism, key| backend.verify(access, mechanism, key);
        let asks = begin(place.0, place.1, mechanism, key)?.authenticate;
        self.start(begin, mechanism.clone(), key, asks, number);
        Ok(())
    }

    /// C_VerifyMessage.
    pub fn whole(&mut self, place: Place<'_>, data: &[u8], signature: &[u8]) -> Result<()> {
        self.new_message(place, None)?.once(data, signature)
    }

    /// C_VerifyMessageBegin.
    pub fn begin(&mut self, place: Place<'_>) -> Result<()> {
        let mut operation = self.new_message(place, None)?;
        operation.update(&[])?;
        self.active()?.running = Some(operation);
        Ok(())
    }

    /// C_VerifyMessageNext: the signature comes with the last part.
    pub fn next(&mut self, part: &[u8], signature: Option<&[u8]>) -> Result<()> {
        let (process, mut operation) = self.within()?;
        operation.update(part)?;
        match signature {
            Some(signature) => operation.finish(signature),
            None => {
                process.running = Some(operation);
                Ok(())
            }
        }
    }
}

/// Which way encrypted messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// C_MessageEncryptInit.
    Encrypt,
    /// C_MessageDecryptInit.
    Decrypt,
}

fn form_of(kind: ck::CK_MECHANISM_TYPE) -> Result<MessageForm> {
    mechanism::descriptor(kind).and_then(|row| row.ops.message).ok_or_else(|| {
        Error::new(ErrorKind::MechanismInvalid, "the mechanism is not for messages that are encrypted")
    })
}

/// A message's parameter as that of an ordinary operation. CKR_MECHANISM_INVALID.
pub fn ordinary(kind: ck::CK_MECHANISM_TYPE, message: &Message, aad: &[u8]) -> Result<Mechanism> {
    Ok(Mechanism { kind, params: (form_of(kind)?.params)(message, aad)? })
}

/// Of an AEAD, a wrong tag has a return value of its own in these functions.
fn wrong_tag(error: Error) -> Error {
    match error.kind() {
        ErrorKind::EncryptedDataInvalid => error.with_kind(ErrorKind::AeadDecryptFailed),
        _ => error,
    }
}

impl Messages<dyn Cipher> {
    /// C_MessageEncryptInit, C_MessageDecryptInit: the parameter comes with the messages.
    pub fn init(
        &mut self,
        place: Place<'_>,
        direction: Direction,
        kind: ck::CK_MECHANISM_TYPE,
        key: ObjectHandle,
        number: u64,
    ) -> Result<()> {
        let begin: Begin<dyn Cipher> = match direction {
            Direction::Encrypt => |backend, access, mechanism, key| backend.encrypt(access, mechanism, key),
            Direction::Decrypt => |backend, access, mechanism, key| backend.decrypt(access, mechanism, key),
        };
        let mechanism = ordinary(kind, &Message::probe(), &[])?;
        let asks = begin(place.0, place.1, &mechanism, key)?.authenticate;
        self.start(begin, mechanism, key, asks, number);
        Ok(())
    }

    /// The structure that comes with each message. CKR_OPERATION_NOT_INITIALIZED.
    pub fn kind(&mut self) -> Result<MessageKind> {
        Ok(form_of(self.active()?.mechanism.kind)?.kind)
    }

    /// The operation of a new message with this parameter.
    fn begin_with(&mut self, place: Place<'_>, message: &Message, aad: &[u8]) -> Result<Box<dyn Cipher>> {
        let kind = self.between()?.mechanism.kind;
        let mechanism = ordinary(kind, message, aad)?;
        self.new_message(place, Some(&mechanism))
    }

    /// C_EncryptMessage: leaves IV and tag in `message`.
    pub fn encrypt(
        &mut self,
        place: Place<'_>,
        message: &mut Message,
        aad: &[u8],
        data: &[u8],
        output: Output<'_>,
    ) -> Result<Answer> {
        let process = self.between()?;
        let out = match exact(output, data.len()) {
            Err(answer) => return Ok(answer),
            Ok(out) => out,
        };
        process.ivs.make(message)?;
        let mut operation = self.begin_with(place, message, aad)?;
        let written = operation.update(data, out)?;
        let rest = out.get_mut(written..).unwrap_or_default();
        Ok(Answer::Written(written + seal(&mut *operation, message, rest)?))
    }

    /// C_EncryptMessageBegin: leaves the IV in `message`.
    pub fn begin_encryption(&mut self, place: Place<'_>, message: &mut Message, aad: &[u8]) -> Result<()> {
        self.between()?.ivs.make(message)?;
        self.begin(place, message, aad)
    }

    /// C_DecryptMessageBegin.
    pub fn begin(&mut self, place: Place<'_>, message: &Message, aad: &[u8]) -> Result<()> {
        let operation = self.begin_with(place, message, aad)?;
        let process = self.active()?;
        (process.running, process.held, process.tag_len) = (Some(operation), 0, message.tag_len);
        Ok(())
    }

    /// C_EncryptMessageNext: the last part has the message's parameter, where it leaves the tag.
    pub fn encrypt_next(
        &mut self,
        part: &[u8],
        output: Output<'_>,
        last: Option<&mut Message>,
    ) -> Result<Answer> {
        let (process, mut operation) = self.within()?;
        let pending = process.held.saturating_add(part.len());
        let len = if last.is_some() { pending } else { operation.update_len(part.len()) };
        let out = match exact(output, len) {
            Err(answer) => {
                process.running = Some(operation);
                return Ok(answer);
            }
            Ok(out) => out,
        };
        let written = operation.update(part, out)?;
        match last {
            Some(message) => {
                process.expect_tag_len(message)?;
                let rest = out.get_mut(written..).unwrap_or_default();
                Ok(Answer::Written(written + seal(&mut *operation, message, rest)?))
            }
            None => {
                (process.running, process.held) = (Some(operation), pending.saturating_sub(written));
                Ok(Answer::Written(written))
            }
        }
    }

    /// C_DecryptMessage.
    pub fn decrypt(
        &mut self,
        place: Place<'_>,
        message: &Message,
        aad: &[u8],
        data: &[u8],
        output: Output<'_>,
    ) -> Result<Answer> {
        self.between()?;
        let out = match exact(output, data.len()) {
            Err(answer) => return Ok(answer),
            Ok(out) => out,
        };
        let mut operation = self.begin_with(place, message, aad)?;
        operation.update(data, &mut []).map_err(wrong_tag)?;
        open(&mut *operation, message, out).map(Answer::Written)
    }

    /// C_DecryptMessageNext: the last part has the message's parameter with the tag, and all of the plaintext comes out.
    pub fn decrypt_next(
        &mut self,
        part: &[u8],
        output: Output<'_>,
        last: Option<&Message>,
    ) -> Result<Answer> {
        let (process, mut operation) = self.within()?;
        let held = process.held.saturating_add(part.len());
        let out = match exact(output, if last.is_some() { held } else { 0 }) {
            Err(answer) => {
                process.running = Some(operation);
                return Ok(answer);
            }
            Ok(out) => out,
        };
        operation.update(part, &mut []).map_err(wrong_tag)?;
        match last {
            Some(message) => {
                process.expect_tag_len(message)?;
                open(&mut *operation, message, out).map(Answer::Written)
            }
            None => {
                (process.running, process.held) = (Some(operation), held);
                Ok(Answer::Written(0))
            }
        }
    }
}

impl Process<dyn Cipher> {
    fn expect_tag_len(&self, message: &Message) -> Result<()> {
        match message.tag_len == self.tag_len {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::MechanismParamInvalid,
                "the message was begun with another tag length",
            )),
        }
    }
}

/// Ends an encryption: what was held back of the ciphertext fills `out`, the tag goes into the message's parameter.
fn seal(operation: &mut dyn Cipher, message: &mut Message, out: &mut [u8]) -> Result<usize> {
    message.tag = smallvec::smallvec![0; message.tag_len];
    if out.is_empty() {
        let len = operation.finish(&mut message.tag)?;
        message.tag.truncate(len);
        return Ok(0);
    }
    let mut end = zeroed(out.len().saturating_add(message.tag_len))?;
    let len = operation.finish(&mut end)?;
    let unexpected =
        || Error::new(ErrorKind::FunctionFailed, "the ciphertext's end has another length than it said");
    let (ciphertext, tag) =
        end.get(..len).and_then(|end| end.split_at_checked(out.len())).ok_or_else(unexpected)?;
    out.copy_from_slice(ciphertext);
    message.tag = Iv::from_slice(tag);
    Ok(ciphertext.len())
}

/// Ends a decryption: the tag is checked, and the plaintext comes out.
fn open(operation: &mut dyn Cipher, message: &Message, out: &mut [u8]) -> Result<usize> {
    operation.update(&message.tag, &mut []).map_err(wrong_tag)?;
    operation.finish(out).map_err(wrong_tag)
}
