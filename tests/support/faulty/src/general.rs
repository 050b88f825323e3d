//! C_Initialize, C_Finalize, C_GetInfo, C_WaitForSlotEvent.

use std::ffi::c_void;
use std::time::Duration;

use cryptoki_sys::*;

use crate::control::{Control, log};
use crate::memory::{R, padded, put, read, text};
use crate::state::State;

pub fn initialize(state: &mut State, arguments: *mut c_void) -> R {
    if state.initialized {
        return Err(CKR_CRYPTOKI_ALREADY_INITIALIZED);
    }
    let control = Control::read();
    if !arguments.is_null() {
        let arguments = read(arguments.cast::<CK_C_INITIALIZE_ARGS>())?;
        if control.is_some() {
            log(&format!("ARGUMENTS flags={:#x} reserved={}", arguments.flags, text(arguments.pReserved)));
        }
        if control.as_ref().is_some_and(|control| control.value("threads").is_some()) {
            if arguments.flags & CKF_LIBRARY_CANT_CREATE_OS_THREADS != 0 {
                return Err(CKR_NEED_TO_CREATE_THREADS);
            }
            // It never ends, as those of some vendors: whoever unmaps the library crashes.
            std::thread::spawn(|| {
                loop {
                    std::thread::sleep(Duration::from_millis(1));
                    let _ = crate::state::lock().number();
                }
            });
        }
    }
    state.initialized = true;
    state.reported.clone_from(&state.slots);
    Ok(())
}

pub fn finalize(state: &mut State, reserved: *mut c_void) -> R {
    if !reserved.is_null() {
        return Err(CKR_ARGUMENTS_BAD);
    }
    state.reset();
    Ok(())
}

pub fn info(_: &mut State, info: *mut CK_INFO) -> R {
    put(
        info,
        CK_INFO {
            cryptokiVersion: CK_VERSION { major: 3, minor: 2 },
            manufacturerID: padded("faulty"),
            flags: 0,
            libraryDescription: padded("misbehaves as told"),
            libraryVersion: CK_VERSION { major: 4, minor: 5 },
        },
    )
}

pub fn wait_for_event(
    state: &mut State,
    flags: CK_FLAGS,
    slot: *mut CK_SLOT_ID,
    _reserved: *mut c_void,
) -> R {
    if flags & CKF_DONT_BLOCK == 0 {
        return Err(CKR_FUNCTION_NOT_SUPPORTED);
    }
    let is_news = |at: &usize| state.slots.get(*at) != state.reported.get(*at);
    let changed = (0..state.slots.len()).find(is_news).and_then(|at| state.slots.get(at)).map(|slot| slot.0);
    state.reported.clone_from(&state.slots);
    changed.map_or(Err(CKR_NO_EVENT), |id| put(slot, id))
}
