//! C arguments to a request, and an answer to what the C arguments point to.

use std::ffi::{CStr, c_char, c_void};

use crate::types::{ck, length};

use super::calls::{Call, ERROR, ERROR_RESPONSE, Part};
use super::memory::{Arguments, element, input, load, load_length, output, store, store_length};
use super::wire::{HEADER, LARGEST, Reader, Result, Stop, Writer};
use super::{Argument, attribute, info, mechanism};

const BAD: Stop = Stop::Answer(ck::CKR_ARGUMENTS_BAD);

/// How the protocol names itself in C_Initialize.
const PROTOCOL: &[u8] = b"PRIVATE-GNOME-KEYRING-PKCS11-PROTOCOL-V-1";
/// From version 1 on: a buffer that is there and has no room.
const EMPTY_BUFFER: u32 = u32::MAX;
/// Numbers in one answer, at most: the server fills the room for them before it asks the library.
const MOST_NUMBERS: usize = 1 << 20;
/// An answer's bytes beyond what was asked for: structures, and values that are larger than their buffer.
const SLACK: usize = 1 << 20;
/// The length of a token's label.
const LABEL: ck::CK_ULONG = 32;

/// A request, and what is to be remembered until its answer.
pub(super) struct Request {
    /// The message.
    pub message: Writer,
    /// The room that was granted for the output of bytes.
    pub room: usize,
    /// The most bytes that an honest answer has.
    pub limit: usize,
}

/// Builds the request. `grant` bounds the room for output that is asked for: the server allocates and fills it, and
/// callers name rooms like "all memory".
///
/// # Safety
/// The arguments are those of a valid call of the C function.
pub(super) unsafe fn request(
    call: &Call,
    arguments: &[Argument],
    version: u8,
    grant: usize,
) -> Result<Request> {
    let mut request = Request { message: Writer::default(), room: 0, limit: SLACK };
    request.message.raw(&[0; HEADER])?;
    request.message.word(call.id)?;
    request.message.array(Some(call.request.as_bytes()))?;
    let mut arguments = Arguments::new(arguments);
    for part in call.parts {
        // SAFETY: the arguments are those of a valid call, and the row's parts name them in order.
        unsafe { request.part(*part, &mut arguments, version, grant) }?;
    }
    Ok(request)
}

impl Request {
    /// # Safety
    /// `arguments` begins with what `part` names.
    unsafe fn part(
        &mut self,
        part: Part,
        arguments: &mut Arguments<'_>,
        version: u8,
        grant: usize,
    ) -> Result<()> {
        let message = &mut self.message;
        // SAFETY: the caller's promise about the arguments that the part names, here and where they are passed on.
        unsafe {
            match part {
                Part::Start => start(arguments.pointer()?, message),
                Part::Number => message.number(arguments.number()?),
                Part::Byte => message.byte(u8::from(arguments.number()? != 0)),
                Part::EventFlags => event_flags(arguments.number()?, message),
                Part::Bytes => message.argument(input(arguments.pointer()?, arguments.number()?)?),
                Part::Parameter => parameter(arguments, message),
                Part::Template => {
                    attribute::write(arguments.pointer()?, arguments.number()?, version, message)
                }
                Part::Query => {
                    let (template, count) = (arguments.pointer()?, arguments.number()?);
                    let room = attribute::write_query(template, count, version, message)?;
                    self.limit = self.limit.saturating_add(room);
                    Ok(())
                }
                Part::Mechanism => mechanism::write(arguments.pointer()?, version, message),
                Part::LabelString | Part::LabelField => {
                    message.array(Some(input(arguments.pointer()?, LABEL)?.ok_or(BAD)?))
                }
                Part::Output | Part::LastOutput => self.output_room(part, arguments, version, grant),
                Part::Random => self.random_room(arguments),
                Part::List | Part::MechanismList => {
                    let (pointer, count) = (arguments.pointer()?, arguments.pointer()?);
                    self.number_room(pointer, load_length(count)?)
                }
                Part::Found => {
                    let (pointer, most) = (arguments.pointer()?, arguments.number()?);
                    present(arguments.pointer()?)?;
                    self.number_room(pointer, length(most))
                }
                Part::Ignored => arguments.skip(),
                Part::Result
                | Part::Info
                | Part::SlotInfo
                | Part::TokenInfo
                | Part::MechanismInfo
                | Part::SessionInfo => present(arguments.pointer()?),
            }
        }
    }

    /// Room for bytes of which the library tells how many there are.
    ///
    /// # Safety
    /// As [`Request::part`].
    unsafe fn output_room(
        &mut self,
        part: Part,
        arguments: &mut Arguments<'_>,
        version: u8,
        grant: usize,
    ) -> Result<()> {
        let (pointer, place) = (arguments.pointer()?, arguments.pointer()?);
        if part == Part::LastOutput {
            self.message.byte(u8::from(!place.is_null()))?;
            if place.is_null() {
                return self.message.count(0);
            }
        }
        // SAFETY: the length's place is the C call's.
        let capacity = unsafe { load_length(place) }?;
        self.room = capacity.min(grant.saturating_add(self.message.bytes().len())).min(LARGEST - SLACK);
        self.limit = self.limit.saturating_add(self.room);
        match (pointer.is_null(), self.room) {
            (true, _) => self.message.count(0),
            (false, 0) if version >= 1 => self.message.word(EMPTY_BUFFER),
            // An older server takes no room for a question about the size. One byte is the least that it gives.
            (false, 0) => self.message.count(1),
            (false, room) => self.message.count(room),
        }
    }

    /// Room for bytes of which the caller tells how many there are.
    fn random_room(&mut self, arguments: &mut Arguments<'_>) -> Result<()> {
        let (pointer, size) = (arguments.pointer()?, length(arguments.number()?));
        if (pointer.is_null() && size > 0) || size >= LARGEST - SLACK {
            return Err(BAD);
        }
        self.limit = self.limit.saturating_add(size);
        self.message.count(size)
    }

    /// Room for numbers.
    fn number_room(&mut self, pointer: *mut c_void, count: usize) -> Result<()> {
        let count = if pointer.is_null() { 0 } else { count.min(MOST_NUMBERS) };
        self.limit = self.limit.saturating_add(count * size_of::<u64>());
        self.message.count(count)
    }
}

/// Where an answer goes must be somewhere.
fn present(pointer: *mut c_void) -> Result<()> {
    if pointer.is_null() { Err(BAD) } else { Ok(()) }
}

/// # Safety
/// A pointer that is not null leads to a `CK_C_INITIALIZE_ARGS` whose `pReserved` is null or a string.
unsafe fn start(pointer: *const c_void, message: &mut Writer) -> Result<()> {
    let reserved = if pointer.is_null() {
        std::ptr::null_mut()
    } else {
        // SAFETY: the caller's promise.
        unsafe { load::<ck::CK_C_INITIALIZE_ARGS>(pointer) }?.pReserved
    };
    message.argument(Some(PROTOCOL))?;
    message.byte(u8::from(!reserved.is_null()))?;
    if reserved.is_null() {
        return message.argument(Some(&[0]));
    }
    // SAFETY: the caller's promise of a string.
    let text = unsafe { CStr::from_ptr(reserved.cast::<c_char>()) };
    message.argument(Some(text.to_bytes_with_nul()))
}

/// Waiting in the helper would hold the wire, and end in its death at the time-out.
fn event_flags(flags: ck::CK_FLAGS, message: &mut Writer) -> Result<()> {
    if flags & ck::CKF_DONT_BLOCK == 0 {
        return Err(Stop::Answer(ck::CKR_FUNCTION_NOT_SUPPORTED));
    }
    message.number(flags)
}

/// The parameters of the message functions hold pointers, some of them to output.
fn parameter(arguments: &mut Arguments<'_>, message: &mut Writer) -> Result<()> {
    let (pointer, size) = (arguments.pointer()?, arguments.number()?);
    if !pointer.is_null() || size > 0 {
        tracing::debug!("a message's parameter does not cross to the isolated library");
        return Err(Stop::Answer(ck::CKR_MECHANISM_PARAM_INVALID));
    }
    message.argument(None)
}

/// What came of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The call is over.
    Done(ck::CK_RV),
    /// The library needs this much room, which the caller has and was not granted.
    Again(usize),
}

/// Reads an answer into the arguments.
///
/// # Safety
/// As [`request`], with the same arguments.
pub(super) unsafe fn answer(
    call: &Call,
    arguments: &[Argument],
    version: u8,
    room: usize,
    body: &[u8],
) -> Result<Outcome> {
    let mut message = Reader::new(body);
    let id = message.word()?;
    let types = message.array()?.unwrap_or(&[]);
    if id == ERROR && types == ERROR_RESPONSE.as_bytes() {
        return match message.number()? {
            ck::CKR_OK => Err(Stop::Broken("it is an error without an error")),
            value => Ok(Outcome::Done(value)),
        };
    }
    if id != call.id || types != call.response.as_bytes() {
        return Err(Stop::Broken("it answers another call"));
    }
    let mut arguments = Arguments::new(arguments);
    let mut value = ck::CKR_OK;
    for part in call.parts {
        // SAFETY: the arguments are those of the request, and the row's parts name them in order.
        match unsafe { read_part(*part, &mut arguments, version, room, &mut message) }? {
            Outcome::Done(ck::CKR_OK) => {}
            Outcome::Done(other) => value = other,
            again @ Outcome::Again(_) => return Ok(again),
        }
    }
    Ok(Outcome::Done(value))
}

/// # Safety
/// As [`Request::part`], with writable outputs.
unsafe fn read_part(
    part: Part,
    arguments: &mut Arguments<'_>,
    version: u8,
    room: usize,
    message: &mut Reader<'_>,
) -> Result<Outcome> {
    // SAFETY: the caller's promise about the arguments that the part names.
    let value = unsafe {
        match part {
            Part::Start
            | Part::Number
            | Part::Byte
            | Part::EventFlags
            | Part::Mechanism
            | Part::LabelString
            | Part::LabelField
            | Part::Ignored => {
                arguments.skip()?;
                ck::CKR_OK
            }
            Part::Bytes | Part::Parameter | Part::Template => {
                arguments.skip()?;
                arguments.skip()?;
                ck::CKR_OK
            }
            Part::Query => {
                attribute::read_query(arguments.pointer()?, arguments.number()?, version, message)?
            }
            Part::Result => {
                store(arguments.pointer()?, message.number()?)?;
                ck::CKR_OK
            }
            Part::Output | Part::LastOutput => return read_output(arguments, room, message),
            Part::Random => read_random(arguments, message)?,
            Part::List | Part::MechanismList => read_list(part, arguments, version, message)?,
            Part::Found => read_found(arguments, message)?,
            Part::Info | Part::SlotInfo | Part::TokenInfo | Part::MechanismInfo | Part::SessionInfo => {
                info::read(part, arguments.pointer()?, message)?;
                ck::CKR_OK
            }
        }
    };
    Ok(Outcome::Done(value))
}

/// # Safety
/// As [`read_part`].
unsafe fn read_output(
    arguments: &mut Arguments<'_>,
    room: usize,
    message: &mut Reader<'_>,
) -> Result<Outcome> {
    let (pointer, place) = (arguments.pointer()?, arguments.pointer()?);
    // Without its bytes only the length comes: an answer about the size, or "too small".
    let bytes = match message.byte()? {
        0 => None,
        _ => Some(message.array()?.unwrap_or(&[])),
    };
    let size = match bytes {
        Some(bytes) => bytes.len(),
        None => message.count()?,
    };
    if place.is_null() {
        return Ok(Outcome::Done(ck::CKR_OK));
    }
    // SAFETY: the length's place is the C call's, and not null.
    let capacity = unsafe { load_length(place) }?;
    if !pointer.is_null() && bytes.is_none() && size > room && size <= capacity {
        return Ok(Outcome::Again(size));
    }
    // SAFETY: as above.
    unsafe { store_length(place, size) }?;
    match bytes {
        _ if pointer.is_null() => {}
        Some(bytes) if size <= capacity => {
            // SAFETY: the caller's buffer has `capacity` bytes, at least as many as these.
            unsafe { output(pointer, bytes) };
        }
        None if size == 0 => {}
        _ => return Ok(Outcome::Done(ck::CKR_BUFFER_TOO_SMALL)),
    }
    Ok(Outcome::Done(ck::CKR_OK))
}

/// # Safety
/// As [`read_part`].
unsafe fn read_random(arguments: &mut Arguments<'_>, message: &mut Reader<'_>) -> Result<ck::CK_RV> {
    let (pointer, size) = (arguments.pointer()?, length(arguments.number()?));
    if message.byte()? == 0 {
        return Err(Stop::Broken("there are no random bytes in it"));
    }
    let bytes = message.array()?.unwrap_or(&[]);
    if bytes.len() != size {
        return Err(Stop::Broken("it has another number of random bytes"));
    }
    if size > 0 {
        // SAFETY: the caller's buffer has `size` bytes, as many as these.
        unsafe { output(pointer, bytes) };
    }
    Ok(ck::CKR_OK)
}

/// The numbers of an answer, or how many there would be.
enum Numbers<'a> {
    Here(Reader<'a>, usize),
    Counted(usize),
}

fn numbers<'a>(message: &mut Reader<'a>) -> Result<Numbers<'a>> {
    let here = message.byte()? != 0;
    let count = message.count()?;
    if !here {
        return Ok(Numbers::Counted(count));
    }
    Ok(Numbers::Here(Reader::new(message.raw(count.saturating_mul(size_of::<u64>()))?), count))
}

/// # Safety
/// As [`read_part`].
unsafe fn read_list(
    part: Part,
    arguments: &mut Arguments<'_>,
    version: u8,
    message: &mut Reader<'_>,
) -> Result<ck::CK_RV> {
    let (pointer, place) = (arguments.pointer()?, arguments.pointer()?);
    // SAFETY: the count's place is the C call's; the request was refused if it was null.
    let capacity = unsafe { load_length(place) }?;
    let (mut list, count) = match numbers(message)? {
        Numbers::Here(list, count) if count <= capacity && !pointer.is_null() => (list, count),
        Numbers::Here(_, count) | Numbers::Counted(count) => {
            // SAFETY: as above.
            unsafe { store_length(place, count) }?;
            let fits = pointer.is_null() || count == 0;
            return Ok(if fits { ck::CKR_OK } else { ck::CKR_BUFFER_TOO_SMALL });
        }
    };
    let mut kept = 0;
    for _ in 0..count {
        let number = list.number()?;
        if part == Part::List || mechanism::can_cross(number, version) {
            // SAFETY: the caller's array has room for `capacity` numbers, and `kept` is below `count`.
            unsafe { store(element::<ck::CK_ULONG>(pointer, kept), number) }?;
            kept += 1;
        }
    }
    // SAFETY: as above.
    unsafe { store_length(place, kept) }?;
    Ok(ck::CKR_OK)
}

/// # Safety
/// As [`read_part`].
unsafe fn read_found(arguments: &mut Arguments<'_>, message: &mut Reader<'_>) -> Result<ck::CK_RV> {
    let (pointer, most) = (arguments.pointer()?, length(arguments.number()?));
    let place = arguments.pointer()?;
    let count = match numbers(message)? {
        Numbers::Counted(0) => 0,
        Numbers::Here(mut list, count) if count <= most && !pointer.is_null() => {
            for index in 0..count {
                // SAFETY: the caller's array has room for `most` handles, and `index` is below that.
                unsafe { store(element::<ck::CK_ULONG>(pointer, index), list.number()?) }?;
            }
            count
        }
        _ => return Err(Stop::Broken("it has more handles than asked for")),
    };
    // SAFETY: the count's place is the C call's.
    unsafe { store_length(place, count) }?;
    Ok(ck::CKR_OK)
}
