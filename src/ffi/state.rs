//! The one static behind the C ABI, and how a fork is noticed.
//!
//! The static points to the state of *this* process. A child that inherits its parent's pointer sees a foreign
//! [`Birth`], and gets a state of its own, uninitialised, whatever locks some thread of the parent held at the time of
//! the fork.
//! States are leaked, one small allocation and a page per process generation: nothing is destroyed at exit or unload.

use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use parking_lot::RwLock;

use super::birth::Birth;
use crate::error::{ErrorKind, Result};
use crate::module::Module;

struct State {
    birth: Birth,
    module: RwLock<Option<Arc<Module>>>,
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
        Box::leak(Box::new(State { birth: Birth::here(), module: RwLock::new(None) }));
    match STATE.compare_exchange(current, fresh, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            // Whoever won the exchange lets go of the parent's module; its memory is leaked, never dropped, since a
            // drop would close connections that belong to the parent.
            if let Some(module) = inherited.and_then(|state| state.module.try_read()?.clone()) {
                module.abandon();
                std::mem::forget(module);
            }
            state()
        }
        Err(_) => state(),
    }
}

/// The module between C_Initialize and C_Finalize. CKR_CRYPTOKI_NOT_INITIALIZED.
pub(super) fn module() -> Result<Arc<Module>> {
    state().module.read().clone().ok_or_else(|| ErrorKind::CryptokiNotInitialized.into())
}

/// C_Initialize. CKR_CRYPTOKI_ALREADY_INITIALIZED.
pub(super) fn initialize(build: impl FnOnce() -> Result<Module>) -> Result<()> {
    let mut module = state().module.write();
    if module.is_some() {
        return Err(ErrorKind::CryptokiAlreadyInitialized.into());
    }
    *module = Some(Arc::new(build()?));
    Ok(())
}

/// C_Finalize. Calls still running in other threads end with the `Arc` they hold.
pub(super) fn finalize() -> Result<()> {
    let module = state().module.write().take().ok_or(ErrorKind::CryptokiNotInitialized)?;
    module.shut_down();
    Ok(())
}
