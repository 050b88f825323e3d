//! Buffers that the library allocated with malloc.

use std::ffi::CStr;
use std::ptr;

use libc::c_char;
use zeroize::Zeroize;

use super::error::{Error, Result};

/// A place for a pointer that a function fills in. What it points to is freed, whatever becomes of it here.
///
/// It is given to the function by [`Malloced::place`] and looked at only after that one answered "done": the vendor
/// doesn't say what a failed call leaves in the place, and freeing what the library has freed would be worse than
/// losing a few bytes. So a failed call goes by [`Malloced::disown`].
pub(super) struct Malloced<T: Copy> {
    pointer: *mut T,
    /// Elements that hold a secret.
    secret: usize,
}

impl<T: Copy> Malloced<T> {
    pub(super) fn new() -> Self {
        Malloced { pointer: ptr::null_mut(), secret: 0 }
    }

    /// What a function takes to answer with a buffer.
    pub(super) fn place(&mut self) -> *mut *mut T {
        &mut self.pointer
    }

    /// Forgets what a failed call left.
    pub(super) fn disown(&mut self) {
        self.pointer = ptr::null_mut();
    }

    /// The first `len` elements, copied. [`Error::Malformed`] for a null pointer.
    ///
    /// # Safety
    /// The function that filled the place in has answered "done" and promises at least `len` elements.
    pub(super) unsafe fn copy(&self, function: &'static str, len: usize) -> Result<Vec<T>> {
        if self.pointer.is_null() {
            return Err(Error::Malformed { function, why: "answered without a buffer" });
        }
        // SAFETY: not null, from malloc and so aligned for any type of C, and as long as the caller promises.
        Ok(unsafe { std::slice::from_raw_parts(self.pointer, len) }.to_vec())
    }
}

impl Malloced<u8> {
    /// `N` bytes. [`Error::Malformed`] where the function answered with another length.
    ///
    /// # Safety
    /// The function that filled the place in has answered "done" and wrote `len` bytes.
    pub(super) unsafe fn array<const N: usize>(
        &self,
        function: &'static str,
        len: libc::c_int,
    ) -> Result<[u8; N]> {
        if usize::try_from(len) != Ok(N) {
            return Err(Error::Malformed { function, why: "answered with another length than it should" });
        }
        // SAFETY: the caller's promise, and `len` is `N`.
        let bytes = unsafe { self.copy(function, N) }?;
        bytes.try_into().map_err(|_| Error::Malformed { function, why: "answered with another length" })
    }

    /// Wipes so many bytes before they are freed.
    pub(super) fn wipe(&mut self, len: usize) {
        self.secret = len;
    }
}

impl Malloced<c_char> {
    /// A text, without control characters, since it ends up in logs and on terminals.
    ///
    /// # Safety
    /// The function that filled the place in has answered "done" and promises a NUL-terminated string.
    pub(super) unsafe fn text(&self, function: &'static str) -> Result<String> {
        if self.pointer.is_null() {
            return Err(Error::Malformed { function, why: "answered without a string" });
        }
        // SAFETY: not null; the caller's promise.
        let text = unsafe { CStr::from_ptr(self.pointer) }.to_string_lossy();
        Ok(text.trim().chars().map(|c| if c.is_control() { '?' } else { c }).collect())
    }

    /// A secret text, wiped when it is freed.
    ///
    /// # Safety
    /// As [`Malloced::text`].
    pub(super) unsafe fn secret_text(&mut self, function: &'static str) -> Result<Vec<u8>> {
        if self.pointer.is_null() {
            return Err(Error::Malformed { function, why: "answered without a string" });
        }
        // SAFETY: not null; the caller's promise.
        let text = unsafe { CStr::from_ptr(self.pointer) }.to_bytes();
        self.secret = text.len();
        Ok(text.to_vec())
    }
}

impl<T: Copy> Drop for Malloced<T> {
    fn drop(&mut self) {
        if self.pointer.is_null() {
            return;
        }
        if self.secret > 0 {
            // SAFETY: `secret` elements were read from here; nothing else refers to the buffer.
            unsafe {
                std::slice::from_raw_parts_mut(self.pointer.cast::<u8>(), self.secret * size_of::<T>())
            }
            .zeroize();
        }
        // SAFETY: the library's documentation: allocated by it with malloc, to be freed by the caller, and only a
        // call that succeeded leaves a pointer here. Nothing uses it afterwards.
        unsafe { libc::free(self.pointer.cast()) };
    }
}
