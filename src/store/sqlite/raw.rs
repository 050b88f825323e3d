//! What needs pointers: SQLite after a fork, which its safe interface cannot reach, and a look into its shared memory.
//!
//! A child that opens a token anew (it never uses its parent's connections) would still meet the parent in SQLite's
//! own process-wide state, and SQLite takes no notice of forks:
//!
//! - Its list of open inodes says which POSIX locks the process holds. `fork` copies the list, not the locks: a child
//!   would believe it holds what only its parent does. The list is keyed by the device and inode numbers that `fstat`
//!   reports, so the `fstat` we give SQLite mixes the PID into the device number, and a child finds none of its
//!   parent's entries.
//! - A static mutex that another thread holds at the moment of the fork stays locked in the child for ever. A fork
//!   handler takes them all first, our registry of open tokens before SQLite's, and gives them back on both sides.

use std::ffi::{c_char, c_int};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::lock_api::GuardNoSend;
use rusqlite::ffi;

use super::watch::REGISTRY;

/// Prepares this copy of SQLite; called before the first connection, cheap afterwards.
pub(super) fn survive_forks() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: SQLite is initialised by the call, which is allowed at any time and from any thread; no connection
        // of ours exists yet, so no inode was entered under its true device number.
        unsafe {
            ffi::sqlite3_initialize();
            replace_fstat();
            libc::pthread_atfork(
                Some(take_static_mutexes),
                Some(release_static_mutexes),
                Some(release_static_mutexes),
            );
        }
    });
}

/// Every static mutex that SQLite's core and its unix VFS use.
const STATIC_MUTEXES: [c_int; 7] = [
    ffi::SQLITE_MUTEX_STATIC_MAIN,
    ffi::SQLITE_MUTEX_STATIC_VFS1,
    ffi::SQLITE_MUTEX_STATIC_OPEN,
    ffi::SQLITE_MUTEX_STATIC_LRU,
    ffi::SQLITE_MUTEX_STATIC_PMEM,
    ffi::SQLITE_MUTEX_STATIC_PRNG,
    ffi::SQLITE_MUTEX_STATIC_MEM,
];

extern "C" fn take_static_mutexes() {
    std::mem::forget(REGISTRY.lock());
    for kind in STATIC_MUTEXES {
        // SAFETY: a static mutex lives for ever, and this thread holds none of them: it is in the host's `fork`.
        unsafe { ffi::sqlite3_mutex_enter(ffi::sqlite3_mutex_alloc(kind)) };
    }
}

extern "C" fn release_static_mutexes() {
    for kind in STATIC_MUTEXES.into_iter().rev() {
        // SAFETY: taken by this thread, or by the thread that this one is the copy of.
        unsafe { ffi::sqlite3_mutex_leave(ffi::sqlite3_mutex_alloc(kind)) };
        // SAFETY: locked by `take_static_mutexes`, whose guard was forgotten.
        unsafe { REGISTRY.force_unlock(GuardNoSend::new()) };
    }
}

/// Puts [`fstat`] in the place of the system's in the default VFS.
///
/// # Safety
/// SQLite is initialised and no file is open in it.
unsafe fn replace_fstat() {
    // SAFETY: null asks for the default VFS, which is a static of SQLite's.
    let Some(vfs) = (unsafe { ffi::sqlite3_vfs_find(std::ptr::null()).as_mut() }) else { return };
    if let Some(set) = vfs.xSetSystemCall {
        type SystemCall = unsafe extern "C" fn();
        // SAFETY: SQLite calls it back with the signature that its documentation gives for "fstat", which is ours.
        unsafe {
            let call = std::mem::transmute::<unsafe extern "C" fn(c_int, *mut libc::stat) -> c_int, SystemCall>(
                fstat,
            );
            set(vfs, c"fstat".as_ptr().cast::<c_char>(), Some(call));
        }
    }
}

/// `fstat` with a device number that differs from process to process.
///
/// # Safety
/// As the system's: `buffer` has room for a `stat`.
unsafe extern "C" fn fstat(file: c_int, buffer: *mut libc::stat) -> c_int {
    // SAFETY: passed on as it came.
    let result = unsafe { libc::fstat(file, buffer) };
    if result == 0 {
        // SAFETY: the system has just filled the buffer.
        unsafe { (*buffer).st_dev ^= u64::from(std::process::id()) << 32 };
    }
    result
}

/// The first words of a file that other processes write, mapped: reading them costs no system call.
///
/// Reading behind a file's end would raise SIGBUS. SQLite maps the same file, and shrinks it only while it is alone
/// with it; whoever else shrinks it hits SQLite's own mapping in the same way.
pub(super) struct MappedWords<const N: usize>(NonNull<[AtomicU32; N]>);

// SAFETY: the mapping belongs to this value alone, may be unmapped by any thread, and is read as atomics.
unsafe impl<const N: usize> Send for MappedWords<N> {}
// SAFETY: as above.
unsafe impl<const N: usize> Sync for MappedWords<N> {}

impl<const N: usize> MappedWords<N> {
    const LEN: usize = size_of::<[AtomicU32; N]>();

    /// Maps the start of a file; `None` where it is too short or cannot be mapped.
    pub(super) fn of(file: &File) -> Option<Self> {
        let long_enough = usize::try_from(file.metadata().ok()?.len()).is_ok_and(|len| len >= Self::LEN);
        if !long_enough {
            return None;
        }
        let (address, flags) = (std::ptr::null_mut(), libc::MAP_SHARED);
        // SAFETY: a fresh mapping, read-only and at an address of the kernel's choice, touches no memory of ours.
        let start = unsafe { libc::mmap(address, Self::LEN, libc::PROT_READ, flags, file.as_raw_fd(), 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        NonNull::new(start.cast()).map(MappedWords)
    }

    /// The words as they are now; each is whole, but another process may be between two of them.
    pub(super) fn read(&self) -> [u32; N] {
        // SAFETY: mapped at this length until drop, aligned to a page; writers are other processes and SQLite, which
        // store aligned words.
        let words = unsafe { self.0.as_ref() };
        words.each_ref().map(|word| word.load(Ordering::Acquire))
    }
}

impl<const N: usize> Drop for MappedWords<N> {
    fn drop(&mut self) {
        // SAFETY: mapped by `of` with this length, and no reference outlives `self`.
        unsafe { libc::munmap(self.0.as_ptr().cast(), Self::LEN) };
    }
}
