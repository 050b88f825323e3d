//! The caller's memory: everything that is read or written through its pointers.

use std::ffi::{CStr, c_void};

use cryptoki_sys::*;

/// What a function answers.
pub type R = Result<(), CK_RV>;

/// A length as the C ABI wants it.
pub fn ulen(length: usize) -> CK_ULONG {
    CK_ULONG::try_from(length).unwrap_or(CK_ULONG::MAX)
}

/// A length as Rust wants it.
pub fn size(length: CK_ULONG) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// The caller's array; empty for a null pointer.
pub fn slice<'a, T>(pointer: *const T, count: CK_ULONG) -> &'a [T] {
    if pointer.is_null() {
        return &[];
    }
    // SAFETY: the caller of the C function says that there are so many.
    unsafe { std::slice::from_raw_parts(pointer, size(count)) }
}

/// The caller's array, to be written to; empty for a null pointer.
pub fn slice_mut<'a, T>(pointer: *mut T, count: CK_ULONG) -> &'a mut [T] {
    if pointer.is_null() {
        return &mut [];
    }
    // SAFETY: the caller of the C function says that there are so many, and lends them for the call.
    unsafe { std::slice::from_raw_parts_mut(pointer, size(count)) }
}

/// The value behind a pointer.
pub fn read<T: Copy>(pointer: *const T) -> Result<T, CK_RV> {
    // SAFETY: a pointer that is not null points to what the specification says.
    if pointer.is_null() { Err(CKR_ARGUMENTS_BAD) } else { Ok(unsafe { pointer.read_unaligned() }) }
}

/// Writes to where a pointer points.
pub fn put<T>(pointer: *mut T, value: T) -> R {
    if pointer.is_null() {
        return Err(CKR_ARGUMENTS_BAD);
    }
    // SAFETY: a pointer that is not null points to room for what the specification says.
    unsafe { pointer.write_unaligned(value) };
    Ok(())
}

/// Copies to where a pointer points.
pub fn copy<T: Copy>(from: &[T], to: *mut T) -> R {
    if to.is_null() && !from.is_empty() {
        return Err(CKR_ARGUMENTS_BAD);
    }
    slice_mut(to, ulen(from.len())).copy_from_slice(from);
    Ok(())
}

/// A NUL-terminated text; empty for a null pointer.
pub fn text(pointer: *const c_void) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: only for arguments that the tests pass as such.
    unsafe { CStr::from_ptr(pointer.cast()) }.to_string_lossy().into_owned()
}

/// Blank-padded text of a fixed length.
pub fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    for (to, from) in field.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    field
}

/// Two-step output of a list.
pub fn list<T: Copy>(elements: &[T], out: *mut T, count: *mut CK_ULONG) -> R {
    let room = read(count)?;
    put(count, ulen(elements.len()))?;
    if out.is_null() {
        return Ok(());
    }
    if size(room) < elements.len() {
        return Err(CKR_BUFFER_TOO_SMALL);
    }
    slice_mut(out, ulen(elements.len())).copy_from_slice(elements);
    Ok(())
}

/// How output lengths are lied about.
#[derive(Default, Clone, Copy)]
pub struct Lies {
    /// Added to the answer of a size query.
    pub query: i64,
    /// Added to the length that a successful call reports.
    pub reported: i64,
    /// So many bytes are written behind the caller's buffer.
    pub overrun: usize,
}

/// Output of bytes by the rules of section 5.2. True: they were written, and the operation is over.
pub fn answer(lies: Lies, bytes: &[u8], out: *mut CK_BYTE, len: *mut CK_ULONG) -> Result<bool, CK_RV> {
    let room = size(read(len)?);
    let off = |by: i64| ulen(bytes.len()).saturating_add_signed(by);
    if out.is_null() {
        put(len, off(lies.query))?;
        return Ok(false);
    }
    if room < bytes.len() {
        put(len, off(lies.query))?;
        return Err(CKR_BUFFER_TOO_SMALL);
    }
    slice_mut(out, ulen(bytes.len())).copy_from_slice(bytes);
    if lies.overrun > 0 {
        let end = room + lies.overrun;
        slice_mut(out, ulen(end)).iter_mut().skip(bytes.len()).for_each(|byte| *byte = 0xee);
    }
    put(len, off(lies.reported))?;
    Ok(true)
}
