//! The one open context of a device, shared by every session, and what happens when the device goes.

use std::sync::Arc;

use parking_lot::Mutex;

use super::raw::{self, Device, Library};
use crate::error::{Error, ErrorKind, Result};

/// Whether a call may be made a second time after the connection was lost in its midst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing.
    Yes,
    /// It may have been done: the caller has to look.
    No,
}

/// The way to one device, known by its serial number.
pub struct Link {
    library: Arc<Library>,
    serial: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    device: Option<Device>,
    /// The device did not come back when it was opened anew.
    lost: bool,
    /// It went or came since the last question.
    changed: bool,
}

impl Link {
    /// Over an open context of the device with this serial number.
    pub fn new(device: Device, serial: String) -> Self {
        let library = device.library().clone();
        Link { library, serial, state: Mutex::new(State { device: Some(device), ..State::default() }) }
    }

    /// Makes a call. A lost connection is opened anew once, for this device only. CKR_DEVICE_REMOVED where that does
    /// not succeed, CKR_DEVICE_ERROR for a device that is there and fails.
    pub fn call<T>(&self, repeat: Repeat, call: impl Fn(&Device) -> raw::Result<T>) -> Result<T> {
        self.try_call(repeat, call).map_err(device_error)
    }

    /// The same, with the library's own errors.
    pub fn try_call<T>(&self, repeat: Repeat, call: impl Fn(&Device) -> raw::Result<T>) -> raw::Result<T> {
        let mut state = self.state.lock();
        let first = match &state.device {
            Some(device) => call(device),
            None => {
                self.open(&mut state)?;
                let device = state.device.as_ref().ok_or_else(absent)?;
                return call(device);
            }
        };
        let error = match first {
            Err(error) if error.lost_connection() => error,
            answer => return answer,
        };
        tracing::warn!("Zymbit device {}: {error}; opening it anew", self.serial);
        state.device = None;
        self.open(&mut state)?;
        match (&state.device, repeat) {
            (Some(device), Repeat::Yes) => call(device),
            _ => Err(error),
        }
    }

    fn open(&self, state: &mut State) -> raw::Result<()> {
        match self.reopened() {
            Ok(device) => {
                if state.lost {
                    tracing::warn!("Zymbit device {} is back", self.serial);
                    (state.lost, state.changed) = (false, true);
                }
                state.device = Some(device);
                Ok(())
            }
            Err(error) => {
                if !state.lost {
                    tracing::error!("Zymbit device {} is gone: {error}", self.serial);
                    (state.lost, state.changed) = (true, true);
                }
                Err(absent())
            }
        }
    }

    fn reopened(&self) -> raw::Result<Device> {
        let device = Device::open(&self.library)?;
        match device.serial()? == self.serial {
            true => Ok(device),
            false => Err(raw::Error::Argument("another device is in its place")),
        }
    }

    /// Whether the device is there, as far as the last call knows; one that was lost is looked for.
    pub fn present(&self) -> bool {
        let mut state = self.state.lock();
        if state.lost {
            let _ = self.open(&mut state);
        }
        !state.lost
    }

    /// Whether the device went or came since the last question.
    pub fn changed(&self) -> bool {
        std::mem::take(&mut self.state.lock().changed)
    }

    /// In a forked child: the context is the parent's. Leaked, since closing it would speak on the parent's connection.
    pub fn abandon(&self) {
        if let Some(device) = self.state.try_lock().and_then(|mut state| state.device.take()) {
            std::mem::forget(device);
        }
    }
}

fn absent() -> raw::Error {
    raw::Error::Failed { function: "zkOpen", errno: libc::ENODEV }
}

/// What a failure of the device is to a caller.
pub fn device_error(error: raw::Error) -> Error {
    let kind = match error.is_absent() {
        true => ErrorKind::DeviceRemoved,
        false => ErrorKind::DeviceError,
    };
    Error::new(kind, format!("the Zymbit device: {error}"))
}
