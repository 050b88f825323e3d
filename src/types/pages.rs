//! Memory for secrets, in pages of its own: left out of core dumps, empty in a forked child, wiped when it is given back.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use zeroize::Zeroize;

/// So many bytes, zero at first. What the kernel does for them is best effort (a low RLIMIT_MEMLOCK, an old kernel);
/// where no page can be mapped they are on the heap.
pub struct Pages {
    place: Place,
    len: usize,
}

enum Place {
    /// A private anonymous mapping of `len` bytes.
    Mapped(NonNull<u8>),
    Heap(Box<[u8]>),
}

impl Pages {
    /// Bytes that may be swapped out: for what is soon over.
    pub fn new(len: usize) -> Pages {
        Pages::map(len).unwrap_or_else(|| Pages { place: Place::Heap(vec![0; len].into()), len })
    }

    /// Bytes that are locked in memory: for the few secrets that live as long as a login.
    pub fn locked(len: usize) -> Pages {
        let pages = Pages::new(len);
        if let Place::Mapped(start) = &pages.place {
            // SAFETY: the range is the mapping that `map` made; locking it changes no content.
            unsafe { libc::mlock(start.as_ptr().cast(), len) };
        }
        pages
    }

    fn map(len: usize) -> Option<Pages> {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches no memory of ours. A length of
        // zero fails.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), len, access, kind, -1, 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        let place = Place::Mapped(NonNull::new(start.cast::<u8>())?);
        // SAFETY: the range is the mapping made above; neither call changes its content here.
        unsafe {
            libc::madvise(start, len, libc::MADV_DONTDUMP);
            libc::madvise(start, len, libc::MADV_WIPEONFORK);
        }
        Some(Pages { place, len })
    }
}

impl Deref for Pages {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match &self.place {
            // SAFETY: the mapping is `len` bytes, initialised by the kernel, and lives until drop; `&self` rules out a
            // writer.
            Place::Mapped(start) => unsafe { std::slice::from_raw_parts(start.as_ptr(), self.len) },
            Place::Heap(bytes) => bytes,
        }
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.place {
            // SAFETY: as in `deref`; `&mut self` rules out any other reference.
            Place::Mapped(start) => unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), self.len) },
            Place::Heap(bytes) => bytes,
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.zeroize();
        if let Place::Mapped(start) = &self.place {
            // SAFETY: the mapping was made by `map` with this length, and no reference outlives `self`.
            unsafe { libc::munmap(start.as_ptr().cast(), self.len) };
        }
    }
}

// SAFETY: the mapping is owned by this value alone and is plain bytes: it may move to another thread and be read
// from several, as a Box may.
unsafe impl Send for Pages {}
// SAFETY: as above; `&Pages` only ever reads.
unsafe impl Sync for Pages {}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pages({} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What /proc/self/smaps says of the mapping that this address is in.
    fn flags(at: *const u8) -> String {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let (mut inside, at) = (false, at as usize);
        for line in maps.lines() {
            let range = line.split(' ').next().unwrap().split_once('-');
            let ends = range.and_then(|(from, to)| {
                Some(usize::from_str_radix(from, 16).ok()?..usize::from_str_radix(to, 16).ok()?)
            });
            match ends {
                Some(ends) => inside = ends.contains(&at),
                None if inside && line.starts_with("VmFlags:") => return line.to_owned(),
                None => {}
            }
        }
        panic!("no such mapping")
    }

    #[test]
    fn pages_are_not_dumped_and_not_inherited() {
        for pages in [Pages::new(10_000), Pages::locked(32)] {
            let flags = flags(pages.as_ptr());
            assert!(flags.contains(" dd") && flags.contains(" wf"), "{flags}");
        }
        assert!(flags(Pages::locked(32).as_ptr()).contains(" lo"));
    }

    #[test]
    fn bytes_are_zero_and_keep_what_is_written() {
        let mut pages = Pages::new(5000);
        assert!(pages.len() == 5000 && pages.iter().all(|byte| *byte == 0));
        pages[4999] = 7;
        assert_eq!(pages[4999], 7);
        assert!(Pages::new(0).is_empty() && Pages::locked(0).is_empty());
    }
}
