//! Which process made something: noticed without asking the kernel, because every call asks.

use std::sync::atomic::{AtomicBool, Ordering};

/// Remembers the process that made it.
pub(super) enum Birth {
    /// A page that the kernel gives to forked children as zeros (MADV_WIPEONFORK, Linux 4.14): the mark is set in the
    /// process that made it and nowhere else. The page is never unmapped.
    Page(&'static AtomicBool),
    /// Where there is no such page: a system call for each question.
    Pid(u32),
}

impl Birth {
    /// A birth in this process.
    pub(super) fn here() -> Birth {
        match wiped_page() {
            Some(mark) => {
                mark.store(true, Ordering::Relaxed);
                Birth::Page(mark)
            }
            None => Birth::Pid(std::process::id()),
        }
    }

    /// False in a forked child of the process that made it.
    pub(super) fn is_here(&self) -> bool {
        match self {
            Birth::Page(mark) => mark.load(Ordering::Relaxed),
            Birth::Pid(pid) => *pid == std::process::id(),
        }
    }
}

/// An advice that no kernel knows.
const NONSENSE: libc::c_int = -1;

/// A zeroed page that forked children get zeroed again.
fn wiped_page() -> Option<&'static AtomicBool> {
    // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches no memory of ours.
    let page = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            size_of::<AtomicBool>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if page == libc::MAP_FAILED {
        return None;
    }
    // Emulators are known to answer "done" to any advice without following it: believed is only who refuses nonsense.
    // SAFETY: the page mapped above, whose content no advice that is given here changes in this process.
    let wipes = unsafe {
        libc::madvise(page, size_of::<AtomicBool>(), NONSENSE) != 0
            && libc::madvise(page, size_of::<AtomicBool>(), libc::MADV_WIPEONFORK) == 0
    };
    if !wipes {
        // SAFETY: the page mapped above, which nobody refers to.
        unsafe { libc::munmap(page, size_of::<AtomicBool>()) };
        return None;
    }
    // SAFETY: a page of zeros is a `false`, aligned, and stays mapped for the life of the process.
    unsafe { page.cast::<AtomicBool>().as_ref() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a forked child finds the birth to be its own.
    fn is_here_in_a_child(birth: &Birth) -> bool {
        // SAFETY: the child only reads one byte, or asks for its PID, and leaves without running anything else.
        unsafe {
            match libc::fork() {
                0 => libc::_exit(i32::from(birth.is_here())),
                child => {
                    let mut status = 0;
                    assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
                    assert!(libc::WIFEXITED(status));
                    libc::WEXITSTATUS(status) != 0
                }
            }
        }
    }

    #[test]
    fn a_child_is_another_process() {
        for birth in [Birth::here(), Birth::Pid(std::process::id())] {
            assert!(birth.is_here());
            assert!(!is_here_in_a_child(&birth));
            assert!(birth.is_here());
        }
    }
}
