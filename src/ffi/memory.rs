//! The caller's memory: inputs as slices, outputs as buffers, each pointer checked for null, alignment and a length
//! that can exist.

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::module::operation::{Answer, Output};
use crate::types::{ck, length, ulong};

fn bad(what: &'static str) -> Error {
    Error::new(ErrorKind::ArgumentsBad, what)
}

/// True if no object of this size can lie there: a wrapped or impossible length would be undefined behaviour as a
/// slice, whatever it points to.
fn impossible<T>(pointer: *const T, count: usize) -> bool {
    match count.checked_mul(size_of::<T>()) {
        Some(bytes) => isize::try_from(bytes).is_err() || pointer.addr().checked_add(bytes).is_none(),
        None => true,
    }
}

/// An input of `len` bytes. Null is an empty input if `len` is 0, CKR_ARGUMENTS_BAD otherwise.
///
/// # Safety
/// A pointer that is not null leads to `len` readable bytes that nobody writes during the call.
pub(super) unsafe fn input<'a>(pointer: *const u8, len: ck::CK_ULONG) -> Result<&'a [u8]> {
    // SAFETY: the caller's promise, for a slice of bytes.
    unsafe { input_array(pointer, len) }
}

/// An input of `count` values, aligned.
///
/// # Safety
/// A pointer that is not null leads to `count` readable values that nobody writes during the call.
pub(super) unsafe fn input_array<'a, T: Copy>(pointer: *const T, count: ck::CK_ULONG) -> Result<&'a [T]> {
    let count = length(count);
    if count == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(bad("a null pointer with a length"));
    }
    if !pointer.is_aligned() {
        return Err(bad("a misaligned pointer"));
    }
    if impossible(pointer, count) {
        return Err(bad("a length that no memory can have"));
    }
    // SAFETY: not null, aligned, at most isize::MAX bytes without wrapping; the caller vouches for the content.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// A PIN or another input where null means "absent".
///
/// # Safety
/// As [`input`].
pub(super) unsafe fn optional_input<'a>(pointer: *const u8, len: ck::CK_ULONG) -> Result<Option<&'a [u8]>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe { input(pointer, len) }.map(Some)
}

/// Room for `count` values, aligned. A count beyond what memory can have says "more than enough", and is cut.
///
/// # Safety
/// A pointer that is not null leads to `count` writable values that nobody else touches during the call.
pub(super) unsafe fn output_array<'a, T: Copy>(pointer: *mut T, count: ck::CK_ULONG) -> Result<&'a mut [T]> {
    let count = length(count);
    if count == 0 {
        return Ok(&mut []);
    }
    if pointer.is_null() {
        return Err(bad("a null pointer for the result"));
    }
    if !pointer.is_aligned() {
        return Err(bad("a misaligned pointer for the result"));
    }
    // SAFETY: not null, aligned, at most isize::MAX bytes without wrapping; the caller vouches for exclusive use.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, count.min(most(pointer))) })
}

/// How many values can lie from there on at all.
fn most<T>(pointer: *const T) -> usize {
    let bytes = (usize::MAX - pointer.addr()).min(isize::MAX.unsigned_abs());
    bytes / size_of::<T>().max(1)
}

/// Writes one value.
///
/// # Safety
/// A pointer that is not null leads to writable memory for one `T`.
pub(super) unsafe fn write<T>(pointer: *mut T, value: T) -> Result<()> {
    check_target(pointer)?;
    // SAFETY: not null and aligned; the caller vouches for the memory.
    unsafe { pointer.write(value) };
    Ok(())
}

/// CKR_ARGUMENTS_BAD for a null or misaligned pointer, before any work is done for its sake.
pub(super) fn check_target<T>(pointer: *const T) -> Result<()> {
    if pointer.is_null() || !pointer.is_aligned() {
        return Err(bad("a null or misaligned pointer for the result"));
    }
    Ok(())
}

/// Writes a list under the size-query convention (PKCS#11 v3.2, section 5.2).
///
/// # Safety
/// `count` is null or a readable and writable `CK_ULONG`; `list` is null or has room for `*count` values.
pub(super) unsafe fn write_list<T: Copy>(list: *mut T, count: *mut ck::CK_ULONG, values: &[T]) -> Result<()> {
    check_target(count)?;
    // SAFETY: checked above; the caller vouches for the memory.
    let room = unsafe { count.replace(ulong(values.len())) };
    if list.is_null() {
        return Ok(());
    }
    if length(room) < values.len() {
        return Err(ErrorKind::BufferTooSmall.into());
    }
    // SAFETY: the caller vouches for `room` values, and there are at most as many.
    let target = unsafe { output_array(list, ulong(values.len())) }?;
    target.copy_from_slice(values);
    Ok(())
}

/// An output buffer under the size-query convention: where the bytes go, and where their number does.
pub(super) struct Buffer {
    pointer: *mut u8,
    len: *mut ck::CK_ULONG,
    capacity: usize,
}

impl Buffer {
    /// Reads the capacity, cut to what memory can have. CKR_ARGUMENTS_BAD for a bad length pointer.
    ///
    /// # Safety
    /// `len` is null or a readable and writable `CK_ULONG`; `pointer` is null or leads to `*len` writable bytes; both
    /// stay so while the buffer is used.
    pub(super) unsafe fn new(pointer: *mut u8, len: *mut ck::CK_ULONG) -> Result<Self> {
        check_target(len)?;
        // SAFETY: checked above; the caller vouches for the memory.
        let capacity = length(unsafe { len.read() }).min(most(pointer));
        Ok(Buffer { pointer, len, capacity })
    }

    /// Lets `produce` fill the buffer and tells the caller how much there is. CKR_BUFFER_TOO_SMALL.
    pub(super) fn fill(self, produce: impl FnOnce(Output<'_>) -> Result<Answer>) -> Result<()> {
        let output = if self.pointer.is_null() {
            Output::Size
        } else {
            // SAFETY: `new` checked the range, its caller vouches for the memory; an overlapping input was copied
            // by `apart_from`.
            Output::Buffer(unsafe { std::slice::from_raw_parts_mut(self.pointer, self.capacity) })
        };
        let (size, outcome) = match produce(output)? {
            Answer::Written(n) | Answer::Size(n) => (n, Ok(())),
            Answer::TooSmall(n) => (n, Err(ErrorKind::BufferTooSmall.into())),
        };
        // SAFETY: `new` checked the pointer, its caller vouches for the memory.
        unsafe { self.len.write(ulong(size)) };
        outcome
    }

    /// The input, copied if it shares memory with this buffer: PKCS#11 allows work in place, Rust's slices don't.
    pub(super) fn apart_from<'a>(&self, data: &'a [u8]) -> Result<Input<'a>> {
        let (from, to) = (data.as_ptr().addr(), self.pointer.addr());
        let apart = self.pointer.is_null() || from + data.len() <= to || to + self.capacity <= from;
        if apart || data.is_empty() {
            return Ok(Input::Borrowed(data));
        }
        let mut copy = Vec::new();
        copy.try_reserve_exact(data.len()).map_err(|_| ErrorKind::HostMemory)?;
        copy.extend_from_slice(data);
        Ok(Input::Copied(Zeroizing::new(copy)))
    }
}

/// An input that is safe to read while the output is written.
pub(super) enum Input<'a> {
    /// The caller's memory.
    Borrowed(&'a [u8]),
    /// A copy of it.
    Copied(Zeroizing<Vec<u8>>),
}

impl std::ops::Deref for Input<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Input::Borrowed(data) => data,
            Input::Copied(data) => data,
        }
    }
}
/// A number at an address that may be none: the kernel reads it, so that a wrong address is no fault. `None` where there is
/// nothing to read, or the kernel won't.
pub(super) fn peek(address: ck::CK_ULONG) -> Option<ck::CK_ULONG> {
    let mut number: ck::CK_ULONG = 0;
    let len = size_of::<ck::CK_ULONG>();
    let to = libc::iovec { iov_base: (&raw mut number).cast(), iov_len: len };
    let from = libc::iovec { iov_base: std::ptr::without_provenance_mut(length(address)), iov_len: len };
    // SAFETY: the kernel writes at most `len` bytes into `number`, and answers EFAULT for an address that can't be read.
    let read = unsafe { libc::process_vm_readv(libc::getpid(), &to, 1, &from, 1, 0) };
    usize::try_from(read).is_ok_and(|read| read == len).then_some(number)
}
