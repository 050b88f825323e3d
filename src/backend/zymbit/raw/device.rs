//! An open device: what it is, how it is, and its perimeter.

use std::sync::Arc;

use libc::{c_char, c_int};

use super::error::{Error, Result};
use super::library::Library;
use super::memory::Malloced;
use super::operator::Operator;
use super::symbols::{Context, Symbols};

/// More channels than any model has.
const MAX_CHANNELS: c_int = 64;

/// An open context. Dropping it closes it.
#[derive(Debug)]
pub struct Device {
    library: Arc<Library>,
    context: Context,
}

// SAFETY: the context belongs to this value alone, and a value is used by one thread at a time. It is a handle of the
// daemon's client and bound to no thread.
unsafe impl Send for Device {}

/// zkGetCurrentBindingInfo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// The binding is locked: for good.
    pub locked: bool,
    /// The device is bound to this host.
    pub bound: bool,
}

/// Calls a function of the library and checks its answer; [`Error::Missing`] where there is none.
macro_rules! call {
    ($device:expr, $field:ident, $name:literal $(, $argument:expr)* $(,)?) => {{
        let function = $device.symbols().$field.ok_or($crate::backend::zymbit::raw::Error::Missing($name))?;
        // SAFETY: the row's signature is the vendor's; the context is open, since `Device` closes it only when it is
        // dropped; every pointer comes from a live reference of this frame and is not kept by the library.
        let answer = unsafe { function($device.context() $(, $argument)*) };
        $crate::backend::zymbit::raw::device::check($name, answer)
    }};
}
pub(super) use call;

/// The answer of a function where negative is an errno.
pub(super) fn check(function: &'static str, answer: c_int) -> Result<c_int> {
    match answer {
        0.. => Ok(answer),
        _ => Err(Error::Failed { function, errno: answer.saturating_neg() }),
    }
}

impl Device {
    /// Opens the device of this host.
    pub fn open(library: &Arc<Library>) -> Result<Device> {
        let open = library.symbols.open.ok_or(Error::Missing("zkOpen"))?;
        let mut context: Context = std::ptr::null_mut();
        // SAFETY: the signature is the vendor's; the place for the context outlives the call.
        check("zkOpen", unsafe { open(&mut context) })?;
        if context.is_null() {
            return Err(Error::Malformed { function: "zkOpen", why: "answered without a context" });
        }
        Ok(Device { library: library.clone(), context })
    }

    /// The library it was opened by.
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    pub(super) fn symbols(&self) -> &Symbols {
        &self.library.symbols
    }

    pub(super) fn context(&self) -> Context {
        self.context
    }

    /// The calls that lock the device or clear evidence. For an explicit command of a person only.
    pub fn operator(&mut self) -> Operator<'_> {
        Operator(self)
    }

    /// The model's name.
    pub fn model(&self) -> Result<String> {
        let mut text = Malloced::<c_char>::new();
        call!(self, model, "zkGetModelNumberString", text.place()).inspect_err(|_| text.disown())?;
        // SAFETY: done; the vendor promises a string.
        unsafe { text.text("zkGetModelNumberString") }
    }

    /// The firmware's version.
    pub fn firmware(&self) -> Result<String> {
        let mut text = Malloced::<c_char>::new();
        call!(self, firmware, "zkGetFirmwareVersionString", text.place()).inspect_err(|_| text.disown())?;
        // SAFETY: done; the vendor promises a string.
        unsafe { text.text("zkGetFirmwareVersionString") }
    }

    /// The serial number.
    pub fn serial(&self) -> Result<String> {
        let mut text = Malloced::<c_char>::new();
        call!(self, serial, "zkGetSerialNumberString", text.place()).inspect_err(|_| text.disown())?;
        // SAFETY: done; the vendor promises a string.
        unsafe { text.text("zkGetSerialNumberString") }
    }

    /// The HSM's CPU temperature in degrees Celsius.
    pub fn cpu_temp(&self) -> Result<f32> {
        let mut value = 0.0;
        call!(self, cpu_temp, "zkGetCPUTemp", &mut value)?;
        finite("zkGetCPUTemp", value)
    }

    /// The battery's voltage.
    pub fn battery_voltage(&self) -> Result<f32> {
        let mut value = 0.0;
        call!(self, battery_voltage, "zkGetBatteryVoltage", &mut value)?;
        finite("zkGetBatteryVoltage", value)
    }

    /// The real time clock's drift, in the vendor's unit, which the documentation doesn't name.
    pub fn rtc_drift(&self) -> Result<f32> {
        let mut value = 0.0;
        call!(self, rtc_drift, "zkGetRTCDrift", &mut value)?;
        finite("zkGetRTCDrift", value)
    }

    /// The device's clock, in seconds since 1970, at once.
    pub fn time(&self) -> Result<u32> {
        let mut seconds = 0;
        call!(self, time, "zkGetTime", &mut seconds, false)?;
        Ok(seconds)
    }

    /// Whether the device is bound to this host, and that for good.
    pub fn binding_info(&self) -> Result<Binding> {
        let (mut locked, mut bound) = (0, 0);
        call!(self, binding, "zkGetCurrentBindingInfo", &mut locked, &mut bound)?;
        Ok(Binding { locked: locked != 0, bound: bound != 0 })
    }

    /// For each perimeter channel the time of its first breach in seconds since 1970, or 0.
    pub fn perimeter_info(&self) -> Result<Vec<u32>> {
        const NAME: &str = "zkGetPerimeterDetectInfo";
        let (mut times, mut count) = (Malloced::<u32>::new(), 0);
        call!(self, perimeter, "zkGetPerimeterDetectInfo", times.place(), &mut count)
            .inspect_err(|_| times.disown())?;
        match usize::try_from(count) {
            // SAFETY: done, with so many timestamps.
            Ok(len @ 1..) if count <= MAX_CHANNELS => unsafe { times.copy(NAME, len) },
            _ => Err(Error::Malformed {
                function: NAME,
                why: "answered with an impossible number of channels",
            }),
        }
    }

    /// Waits for a breach, at most so long. False: none came. Zero asks and does not wait.
    ///
    /// Only channels that were set to notify the host report here; `perimeter_info` always tells.
    pub fn wait_for_perimeter_event(&self, timeout_ms: u32) -> Result<bool> {
        match call!(self, wait_for_perimeter, "zkWaitForPerimeterEvent", timeout_ms) {
            Ok(_) => Ok(true),
            Err(error) if error.errno() == Some(libc::ETIMEDOUT) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn finite(function: &'static str, value: f32) -> Result<f32> {
    match value.is_finite() {
        true => Ok(value),
        false => Err(Error::Malformed { function, why: "answered with no number" }),
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if let Some(close) = self.library.symbols.close {
            // SAFETY: opened by this library and closed once; nothing uses the context afterwards.
            unsafe { close(self.context) };
        }
    }
}
