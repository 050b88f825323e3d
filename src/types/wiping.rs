//! An allocator that wipes what is freed while secrets pass through other people's code: TLS, JSON.
//!
//! Our own secrets are in containers that wipe themselves. What libraries make of them on their way, nobody else can reach.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

/// The system's allocator, which wipes inside of [`wiping`] and costs a load and a branch elsewhere.
pub struct Wiping;

/// Whether [`wiping`] was ever called: a thread's own variable takes longer to look at.
static IS_USED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static WIPES: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; all memory that this thread frees meanwhile is wiped first.
pub fn wiping<T>(work: impl FnOnce() -> T) -> T {
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            WIPES.set(self.0);
        }
    }
    IS_USED.store(true, Ordering::Relaxed);
    let _before = Before(WIPES.replace(true));
    work()
}

fn wipes() -> bool {
    IS_USED.load(Ordering::Relaxed) && WIPES.try_with(Cell::get).unwrap_or_default()
}

// SAFETY: every block comes from and goes back to `System` with its own layout. Neither the static nor the thread's
// variable, which has no destructor, allocates.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if wipes() {
            // SAFETY: the block has the layout's size and is the caller's to give up. The compiler does not leave this
            // call out, as it may a write before a free.
            unsafe { libc::explicit_bzero(block.cast(), layout.size()) };
        }
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !wipes() {
            // SAFETY: as above.
            return unsafe { System.realloc(block, layout, size) };
        }
        // SAFETY: the caller promises that `size` is not zero and, rounded up to the alignment, no overflow. Both blocks
        // are as long as what is copied, and the new one is another.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                std::ptr::copy_nonoverlapping(block, new, layout.size().min(size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a block that is freed by `free`, seen by the allocator's own next block of that size.
    fn left_by(free: impl FnOnce(Vec<u8>)) -> bool {
        let text = vec![0x5a; 600];
        let at = text.as_ptr();
        free(text);
        let next = std::hint::black_box(Vec::<u8>::with_capacity(600));
        assert_eq!(next.as_ptr(), at, "the block is not used again at once: nothing to look at");
        // The first words are the allocator's.
        // SAFETY: the block has 600 bytes; each was written once, and the compiler is told nothing of what they are now.
        (32..600).any(|byte| unsafe { next.as_ptr().add(byte).read_volatile() } == 0x5a)
    }

    #[test]
    fn what_is_freed_is_wiped_inside_only() {
        assert!(left_by(drop));
        assert!(!left_by(|text| wiping(|| drop(text))));
        assert!(left_by(drop));
        assert!(!left_by(|mut text| {
            wiping(|| text.reserve_exact(100_000));
            assert!(text.iter().all(|byte| *byte == 0x5a));
        }));
    }

    #[test]
    fn it_ends_with_a_panic_and_may_be_nested() {
        let _ = std::panic::catch_unwind(|| wiping(|| panic!("planted")));
        assert!(!wipes());
        wiping(|| {
            wiping(|| ());
            assert!(wipes());
        });
    }
}
