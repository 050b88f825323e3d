//! Arguments of the C functions, as values that can be read and written without `unsafe`.
//!
//! They are made only by C callers, who by the vendor's page pass valid pointers or, where it allows, NULL.

use std::ffi::{CStr, CString};
use std::path::PathBuf;
use std::ptr;

use libc::{c_char, c_int};

use crate::files::Answer;

/// A place for one value.
#[repr(transparent)]
pub struct Out<T>(*mut T);

impl<T> Out<T> {
    pub fn is_null(&self) -> bool {
        self.0.is_null()
    }

    pub fn set(&self, value: T) -> Answer<()> {
        if self.0.is_null() {
            return Err(libc::EINVAL);
        }
        // SAFETY: not null; the caller passes a valid place. Nothing there needs a drop: the types are plain.
        unsafe { ptr::write(self.0, value) };
        Ok(())
    }
}

/// A place for a pointer to what malloc gives.
impl<T: Copy> Out<*mut T> {
    pub fn give(&self, values: &[T]) -> Answer<()> {
        if self.0.is_null() {
            return Err(libc::EINVAL);
        }
        // An empty list is a pointer that can be freed, too.
        let size = size_of_val(values).max(1);
        // SAFETY: malloc may be called with any size above 0.
        let buffer = unsafe { libc::malloc(size) }.cast::<T>();
        if buffer.is_null() {
            return Err(libc::ENOMEM);
        }
        // SAFETY: `buffer` is new, aligned for any type of C, and as large as `values`.
        unsafe { ptr::copy_nonoverlapping(values.as_ptr(), buffer, values.len()) };
        self.set(buffer)
    }

    /// With its number of elements.
    pub fn give_sized(&self, values: &[T], len: &Out<c_int>) -> Answer<()> {
        if self.0.is_null() || len.is_null() {
            return Err(libc::EINVAL);
        }
        self.give(values)?;
        len.set(c_int::try_from(values.len()).map_err(|_| libc::EMSGSIZE)?)
    }
}

impl Out<*mut c_char> {
    pub fn text(&self, text: &str) -> Answer<()> {
        let text = CString::new(text).map_err(|_| libc::EINVAL)?;
        let characters: Vec<c_char> = text.as_bytes_with_nul().iter().map(|byte| *byte as c_char).collect();
        self.give(&characters)
    }
}

/// Bytes to read.
#[repr(transparent)]
pub struct In(*const u8);

impl In {
    pub fn bytes(&self, len: c_int) -> Answer<Vec<u8>> {
        let len = usize::try_from(len).map_err(|_| libc::EINVAL)?;
        match (self.0.is_null(), len) {
            (_, 0) => Ok(Vec::new()),
            (true, _) => Err(libc::EINVAL),
            // SAFETY: not null; the caller passes so many bytes.
            (false, _) => Ok(unsafe { std::slice::from_raw_parts(self.0, len) }.to_vec()),
        }
    }

    /// A digest: 32 bytes.
    pub fn digest(&self) -> Answer<[u8; 32]> {
        self.bytes(32)?.try_into().map_err(|_| libc::EINVAL)
    }
}

/// A text to read.
#[repr(transparent)]
pub struct Text(*const c_char);

impl Text {
    /// Empty where it is NULL.
    pub fn or_empty(&self) -> Answer<String> {
        if self.0.is_null() {
            return Ok(String::new());
        }
        // SAFETY: not null; the caller passes a NUL-terminated string.
        let text = unsafe { CStr::from_ptr(self.0) }.to_str();
        Ok(text.map_err(|_| libc::EINVAL)?.to_owned())
    }

    pub fn get(&self) -> Answer<String> {
        match self.or_empty()? {
            text if text.is_empty() => Err(libc::EINVAL),
            text => Ok(text),
        }
    }

    pub fn path(&self) -> Answer<PathBuf> {
        let path = PathBuf::from(self.get()?);
        if path.is_absolute() { Ok(path) } else { Err(libc::EINVAL) }
    }
}
