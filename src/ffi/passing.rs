//! Calls that are passed on to another library: what each kind of parameter means on the way down and up.

use std::cell::{Cell, RefCell};

use smallvec::SmallVec;

use super::templates::MAX_ATTRIBUTES;
use super::{memory, state};
use crate::calls;
use crate::error::{Error, ErrorKind, Result};
use crate::token::{Below, Call};
use crate::types::functions::{Effect, Parameter, kind};
use crate::types::{ck, length};

/// Passes a call on in its session.
pub(super) fn run(session: ck::CK_SESSION_HANDLE, effect: Effect, call: Call<'_>) -> Result<()> {
    calls::foreign::forward(state::module()?, session, effect, call)
}

/// One call on its way.
pub(super) struct Passing<'a> {
    below: &'a dyn Below,
    /// The room in the caller's buffer, where there is one.
    room: Cell<Option<ck::CK_ULONG>>,
    output: Cell<bool>,
    /// Whether only the size of an output is asked for.
    sizing: Cell<bool>,
    /// Whether the input whose length comes next is there.
    input: Cell<bool>,
    /// The attributes that are asked for, and the room for each.
    wanted: Cell<*mut ck::CK_ATTRIBUTE>,
    rooms: RefCell<SmallVec<[ck::CK_ULONG; 4]>>,
}

impl<'a> Passing<'a> {
    pub(super) fn new(below: &'a dyn Below) -> Self {
        Passing {
            below,
            room: Cell::new(None),
            output: Cell::new(false),
            sizing: Cell::new(false),
            input: Cell::new(false),
            wanted: Cell::new(std::ptr::null_mut()),
            rooms: RefCell::default(),
        }
    }
}

/// A parameter on its way. Most go down as they came, and what the library wrote through them stays.
pub(super) trait Pass: Parameter {
    /// What the library below is given.
    ///
    /// # Safety
    /// A pointer is one that the caller of the entry point vouches for.
    unsafe fn down(value: Self::C, _passing: &Passing<'_>) -> Result<Self::C> {
        Ok(value)
    }

    /// What the caller finds after the library answered CKR_OK.
    ///
    /// # Safety
    /// As `down`.
    unsafe fn up(_value: Self::C, _passing: &Passing<'_>) -> Result<()> {
        Ok(())
    }
}

impl<T> Pass for *mut T {}
impl Pass for ck::CK_ULONG {}

impl Pass for kind::Object {
    unsafe fn down(value: ck::CK_OBJECT_HANDLE, passing: &Passing<'_>) -> Result<ck::CK_OBJECT_HANDLE> {
        passing.below.object(value)
    }
}

impl Pass for kind::NewObject {
    unsafe fn down(value: *mut ck::CK_OBJECT_HANDLE, _: &Passing<'_>) -> Result<*mut ck::CK_OBJECT_HANDLE> {
        // Null is allowed: mechanisms that derive several keys at once put the handles into their parameter.
        if !value.is_null() {
            memory::check_target(value)?;
        }
        Ok(value)
    }

    unsafe fn up(value: *mut ck::CK_OBJECT_HANDLE, passing: &Passing<'_>) -> Result<()> {
        // The size of a ciphertext: there is no key yet.
        if value.is_null() || passing.sizing.get() {
            return Ok(());
        }
        // SAFETY: not null, aligned as `down` saw, and the caller vouches for the memory.
        unsafe {
            let below = value.read();
            memory::write(value, passing.below.adopt(below))
        }
    }
}

impl Pass for kind::Mechanism {
    unsafe fn down(value: *mut ck::CK_MECHANISM, passing: &Passing<'_>) -> Result<*mut ck::CK_MECHANISM> {
        if !value.is_null() {
            memory::check_target(value)?;
            // SAFETY: not null and aligned; the caller vouches for the memory.
            passing.below.permits(unsafe { (*value).mechanism })?;
        }
        Ok(value)
    }
}

/// What is null and has a length is nothing that a library must bear.
fn note_input<T>(value: *mut T, passing: &Passing<'_>) -> *mut T {
    passing.input.set(!value.is_null());
    value
}

impl Pass for kind::Input {
    unsafe fn down(value: *mut u8, passing: &Passing<'_>) -> Result<*mut u8> {
        Ok(note_input(value, passing))
    }
}

impl Pass for kind::Template {
    unsafe fn down(value: *mut ck::CK_ATTRIBUTE, passing: &Passing<'_>) -> Result<*mut ck::CK_ATTRIBUTE> {
        Ok(note_input(value, passing))
    }
}

impl Pass for kind::InputLen {
    unsafe fn down(value: ck::CK_ULONG, passing: &Passing<'_>) -> Result<ck::CK_ULONG> {
        match passing.input.get() || value == 0 {
            true => Ok(value),
            false => Err(Error::new(ErrorKind::ArgumentsBad, "a null pointer with a length")),
        }
    }
}

impl Pass for kind::Output {
    unsafe fn down(value: *mut u8, passing: &Passing<'_>) -> Result<*mut u8> {
        passing.output.set(!value.is_null());
        if value.is_null() {
            passing.sizing.set(true);
            passing.below.note_size_query();
        }
        Ok(value)
    }
}

impl Pass for kind::OutputLen {
    unsafe fn down(value: *mut ck::CK_ULONG, passing: &Passing<'_>) -> Result<*mut ck::CK_ULONG> {
        memory::check_target(value)?;
        // SAFETY: not null and aligned; the caller vouches for the memory.
        passing.room.set(passing.output.get().then(|| unsafe { value.read() }));
        Ok(value)
    }

    unsafe fn up(value: *mut ck::CK_ULONG, passing: &Passing<'_>) -> Result<()> {
        match passing.room.get() {
            // SAFETY: as `down` saw.
            Some(room) => unsafe { believe(value, room) },
            None => Ok(()),
        }
    }
}

impl Pass for kind::LastOutputLen {
    unsafe fn down(value: *mut ck::CK_ULONG, passing: &Passing<'_>) -> Result<*mut ck::CK_ULONG> {
        match value.is_null() {
            true => Ok(value),
            // SAFETY: as there.
            false => unsafe { kind::OutputLen::down(value, passing) },
        }
    }

    unsafe fn up(value: *mut ck::CK_ULONG, passing: &Passing<'_>) -> Result<()> {
        match value.is_null() {
            true => Ok(()),
            // SAFETY: as there.
            false => unsafe { kind::OutputLen::up(value, passing) },
        }
    }
}

impl Pass for kind::Wanted {
    unsafe fn down(value: *mut ck::CK_ATTRIBUTE, passing: &Passing<'_>) -> Result<*mut ck::CK_ATTRIBUTE> {
        if !value.is_null() {
            memory::check_target(value)?;
        }
        passing.wanted.set(value);
        Ok(value)
    }
}

impl Pass for kind::WantedCount {
    unsafe fn down(value: ck::CK_ULONG, passing: &Passing<'_>) -> Result<ck::CK_ULONG> {
        let first = passing.wanted.get();
        if value > MAX_ATTRIBUTES {
            return Err(Error::new(ErrorKind::ArgumentsBad, "more attributes than a template can have"));
        }
        if !first.is_null() {
            let mut rooms = passing.rooms.borrow_mut();
            for at in 0..length(value) {
                // SAFETY: aligned as `Wanted` saw; the caller vouches for `value` attributes.
                rooms.push(unsafe { (*first.add(at)).ulValueLen });
            }
        }
        Ok(value)
    }

    unsafe fn up(_value: ck::CK_ULONG, passing: &Passing<'_>) -> Result<()> {
        let first = passing.wanted.get();
        for (at, room) in passing.rooms.borrow().iter().enumerate() {
            // SAFETY: one of the attributes that `down` read.
            unsafe {
                let attribute = first.add(at);
                let unavailable = (*attribute).ulValueLen == ck::CK_UNAVAILABLE_INFORMATION;
                if !(*attribute).pValue.is_null() && !unavailable {
                    believe(&raw mut (*attribute).ulValueLen, *room)?;
                }
            }
        }
        Ok(())
    }
}

/// A length that the library below told. CKR_DEVICE_ERROR where it is more than there was room for: the caller would
/// read beyond the end of its buffer.
///
/// # Safety
/// `told` is aligned, and the caller of the entry point vouches for its memory.
unsafe fn believe(told: *mut ck::CK_ULONG, room: ck::CK_ULONG) -> Result<()> {
    // SAFETY: by the contract above.
    unsafe {
        if told.read() <= room {
            return Ok(());
        }
        told.write(room);
    }
    let why = "the library below says that it wrote more bytes than there was room for";
    Err(Error::new(ErrorKind::DeviceError, why))
}
