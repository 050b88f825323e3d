//! The memory of the C call: the arguments as they came, read and written with the checks that cost nothing.

use std::ffi::c_void;

use crate::types::{ck, length, ulong};

use super::Argument;
use super::wire::{Result, Stop};

const BAD: Stop = Stop::Answer(ck::CKR_ARGUMENTS_BAD);

/// The arguments of a call, taken one after the other.
pub(super) struct Arguments<'a> {
    rest: std::slice::Iter<'a, Argument>,
}

impl<'a> Arguments<'a> {
    /// Starts at the first.
    pub(super) fn new(arguments: &'a [Argument]) -> Self {
        Arguments { rest: arguments.iter() }
    }

    /// The next one, whatever it is.
    pub(super) fn skip(&mut self) -> Result<()> {
        self.rest.next().map(|_| ()).ok_or(BAD)
    }

    /// The next one, a number.
    pub(super) fn number(&mut self) -> Result<ck::CK_ULONG> {
        match self.rest.next() {
            Some(Argument::Number(value)) => Ok(*value),
            _ => Err(BAD),
        }
    }

    /// The next one, a pointer.
    pub(super) fn pointer(&mut self) -> Result<*mut c_void> {
        match self.rest.next() {
            Some(Argument::Pointer(pointer)) => Ok(*pointer),
            _ => Err(BAD),
        }
    }
}

/// Bytes of the caller. Null without a length is no bytes; null with one is refused.
///
/// # Safety
/// A pointer that is not null leads to `size` readable bytes that outlive their use.
pub(super) unsafe fn input<'a>(pointer: *const c_void, size: ck::CK_ULONG) -> Result<Option<&'a [u8]>> {
    if pointer.is_null() {
        return if size == 0 { Ok(None) } else { Err(BAD) };
    }
    let size = isize::try_from(size).map_err(|_| BAD)?;
    // SAFETY: the caller's promise, for a size that a slice can have.
    Ok(Some(unsafe { std::slice::from_raw_parts(pointer.cast(), size.unsigned_abs()) }))
}

/// Copies `bytes` to the caller.
///
/// # Safety
/// The pointer leads to at least as many writable bytes.
pub(super) unsafe fn output(pointer: *mut c_void, bytes: &[u8]) {
    // SAFETY: the caller's promise; the message's memory is not the caller's, so they do not overlap.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), pointer.cast(), bytes.len()) }
}

/// The value behind a pointer. Null is CKR_ARGUMENTS_BAD.
///
/// # Safety
/// A pointer that is not null leads to a `T`.
pub(super) unsafe fn load<T: Copy>(pointer: *const c_void) -> Result<T> {
    if pointer.is_null() {
        return Err(BAD);
    }
    // SAFETY: the caller's promise; read without asking for alignment.
    Ok(unsafe { pointer.cast::<T>().read_unaligned() })
}

/// Puts a value behind a pointer. Null is CKR_ARGUMENTS_BAD.
///
/// # Safety
/// A pointer that is not null leads to memory for a `T`.
pub(super) unsafe fn store<T: Copy>(pointer: *mut c_void, value: T) -> Result<()> {
    if pointer.is_null() {
        return Err(BAD);
    }
    // SAFETY: the caller's promise; written without asking for alignment.
    unsafe { pointer.cast::<T>().write_unaligned(value) };
    Ok(())
}

/// The address of element `index` of an array of `T`.
pub(super) fn element<T>(array: *mut c_void, index: usize) -> *mut c_void {
    array.cast::<T>().wrapping_add(index).cast()
}

/// The length behind a pointer.
///
/// # Safety
/// As [`load`].
pub(super) unsafe fn load_length(pointer: *const c_void) -> Result<usize> {
    // SAFETY: passed on.
    unsafe { load::<ck::CK_ULONG>(pointer) }.map(length)
}

/// Puts a length behind a pointer.
///
/// # Safety
/// As [`store`].
pub(super) unsafe fn store_length(pointer: *mut c_void, value: usize) -> Result<()> {
    // SAFETY: passed on.
    unsafe { store(pointer, ulong(value)) }
}
