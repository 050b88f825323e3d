//! The one static behind the C ABI, and how a fork is noticed.
//!
//! The static points to the state of *this* process. A child that inherits its parent's pointer sees a foreign
//! [`Birth`], and gets a state of its own, uninitialised, whatever locks some thread of the parent held at the time of
//! the fork.
//! States are leaked, one small allocation and a page per process generation: nothing is destroyed at exit or unload.
//! That is what makes a reference to the module good for ever: it is started and stopped in its place.

use std::sync::atomic::{AtomicPtr, Ordering};

use super::birth::Birth;
use crate::error::{ErrorKind, Result};
use crate::module::Module;

struct State {
    birth: Birth,
    module: Module,
}

static STATE: AtomicPtr<State> = AtomicPtr::new(std::ptr::null_mut());

/// This process's state.
fn state() -> &'static State {
    let current = STATE.load(Ordering::Acquire);
    // SAFETY: the pointer is null or came from `Box::leak` below; what it points to is never freed or moved.
    let known = unsafe { current.as_ref() };
    match known {
        Some(state) if state.birth.is_here() => state,
        inherited => replace(current, inherited),
    }
}

/// Puts a fresh state in the place of none, or of the parent's.
#[cold]
fn replace(current: *mut State, inherited: Option<&'static State>) -> &'static State {
    let fresh: &'static mut State =
        Box::leak(Box::new(State { birth: Birth::here(), module: Module::default() }));
    match STATE.compare_exchange(current, fresh, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            // Whoever won the exchange lets go of the parent's module; its memory is leaked, never dropped, since a
            // drop would close connections that belong to the parent.
            if let Some(state) = inherited {
                state.module.abandon();
            }
            state()
        }
        Err(_) => state(),
    }
}

/// The module between C_Initialize and C_Finalize. CKR_CRYPTOKI_NOT_INITIALIZED.
///
/// Nothing is counted: the module stays where it is, and a call that C_Finalize overtakes finds no session or slot.
pub(super) fn module() -> Result<&'static Module> {
    let module = module_in_any_state();
    if module.is_running() { Ok(module) } else { Err(ErrorKind::CryptokiNotInitialized.into()) }
}

/// The module, for C_Initialize and C_Finalize.
pub(super) fn module_in_any_state() -> &'static Module {
    &state().module
}
