//! The file that controls the library, the file that takes the calls down, and the way into every call.

use std::collections::HashSet;
use std::ffi::{CStr, c_void};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use cryptoki_sys::*;

use crate::memory::R;
use crate::state::State;

/// The lines of the control file.
#[derive(Default)]
pub struct Control(Vec<(String, String)>);

impl Control {
    /// Reads the file as it is now; none where there is none.
    pub fn read() -> Option<Self> {
        let text = std::fs::read_to_string(beside("control")?).ok()?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let pair = |line: &str| {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            (key.trim().to_owned(), value.trim().to_owned())
        };
        Some(Self(lines.map(pair).collect()))
    }

    /// The value of a key.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// A number with or without sign; 0 where there is none.
    pub fn number(&self, key: &str) -> i64 {
        self.value(key).and_then(|value| value.trim_start_matches('+').parse().ok()).unwrap_or(0)
    }

    /// Whether this line is new since the last call: what it asks for is done once.
    pub fn once(&self, key: &str) -> bool {
        self.value(key).is_some_and(|value| first_time(&format!("{key} = {value}")))
    }

    /// What is to happen to this function: the action and its argument.
    fn fault(&self, name: &str) -> Option<(&str, &str)> {
        let any = !matches!(name, "C_Initialize" | "C_Finalize") && !name.contains("Interface");
        let find = |wanted: &str| self.0.iter().find(|(key, _)| key == wanted);
        let (key, value) = find(name).or_else(|| find("*").filter(|_| any))?;
        let (action, argument) = value.split_once(' ').unwrap_or((value, ""));
        (argument != "once" || first_time(&format!("{key} = {value}"))).then_some((action, argument))
    }

    /// Lines that are gone may be done again when they come back.
    fn forget_gone(&self) {
        let lines: Vec<_> = self.0.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        done().retain(|line| lines.contains(line));
    }
}

fn done() -> MutexGuard<'static, HashSet<String>> {
    static DONE: OnceLock<Mutex<HashSet<String>>> = OnceLock::new();
    DONE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

fn first_time(line: &str) -> bool {
    done().insert(line.to_owned())
}

/// The library's own path with another extension.
fn beside(extension: &str) -> Option<PathBuf> {
    static PATH: OnceLock<Option<PathBuf>> = OnceLock::new();
    let own = PATH.get_or_init(|| {
        let mut info = libc::Dl_info {
            dli_fname: std::ptr::null(),
            dli_fbase: std::ptr::null_mut(),
            dli_sname: std::ptr::null(),
            dli_saddr: std::ptr::null_mut(),
        };
        // SAFETY: the address is one of this library, `info` outlives the call, and the name that it gives is
        // NUL-terminated and lives as long as the library is loaded.
        unsafe {
            if libc::dladdr(beside as *const c_void, &mut info) == 0 || info.dli_fname.is_null() {
                return None;
            }
            Some(PathBuf::from(std::ffi::OsStr::from_bytes(CStr::from_ptr(info.dli_fname).to_bytes())))
        }
    });
    own.as_ref().map(|path| path.with_extension(extension))
}

/// Appends a line to the log.
pub fn log(line: &str) {
    let Some(path) = beside("log") else { return };
    if let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(path) {
        // One write per line: several threads and processes share the file.
        let _ = file.write_all(format!("{} {line}\n", std::process::id()).as_bytes());
    }
}

/// An argument as the log shows it.
pub trait Shown {
    /// Its text.
    fn shown(&self) -> String;
}

impl Shown for CK_ULONG {
    fn shown(&self) -> String {
        format!("{self:#x}")
    }
}

impl Shown for CK_BBOOL {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl<T> Shown for *mut T {
    fn shown(&self) -> String {
        if self.is_null() { "null" } else { "*" }.to_owned()
    }
}

impl Shown for CK_NOTIFY {
    fn shown(&self) -> String {
        if self.is_none() { "null" } else { "*" }.to_owned()
    }
}

const UNKNOWN: u8 = 0;
const OBSERVED: u8 = 1;
const UNOBSERVED: u8 = 2;

/// Without a control file when the library is first called, there is neither control nor log: nothing but the work.
fn observed() -> bool {
    static MODE: AtomicU8 = AtomicU8::new(UNKNOWN);
    match MODE.load(Ordering::Relaxed) {
        UNKNOWN => {
            let there = beside("control").is_some_and(|path| path.exists());
            MODE.store(if there { OBSERVED } else { UNOBSERVED }, Ordering::Relaxed);
            there
        }
        mode => mode == OBSERVED,
    }
}

/// Counts the calls that are inside.
struct Inside(usize);

impl Inside {
    fn enter() -> Self {
        Self(COUNT.fetch_add(1, Ordering::SeqCst))
    }
}

static COUNT: AtomicUsize = AtomicUsize::new(0);

impl Drop for Inside {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The way into every call: log, faults, and the state, brought up to what the control file says.
pub fn enter(name: &str, arguments: &[&dyn Shown], body: impl FnOnce(&mut State) -> R) -> CK_RV {
    let inside = Inside::enter();
    let control = if observed() { Control::read() } else { None };
    if let Some(control) = &control {
        let arguments: Vec<_> = arguments.iter().map(|argument| argument.shown()).collect();
        log(format!("{name} {}", arguments.join(" ")).trim_end());
        control.forget_gone();
        if inside.0 > 0 && control.value("reenter").is_some() {
            log(&format!("REENTERED {name}"));
            return CKR_FUNCTION_FAILED;
        }
        if let Some(rv) = suffer(control, name) {
            return rv;
        }
    }
    let mut state = crate::state::lock();
    let result = state.follow(name, control.as_ref()).and_then(|()| body(&mut state));
    result.err().unwrap_or(CKR_OK)
}

/// Does to a call what the control file asks for; the return value where that is all.
fn suffer(control: &Control, name: &str) -> Option<CK_RV> {
    let (action, argument) = control.fault(name)?;
    match action {
        "hang" => {
            while Control::read().is_some_and(|control| control.value(name) == Some("hang")) {
                std::thread::sleep(Duration::from_millis(10));
            }
            None
        }
        "slow" => {
            std::thread::sleep(Duration::from_millis(argument.parse().unwrap_or(1)));
            None
        }
        "crash" => std::process::abort(),
        _ => Some(code(action)),
    }
}

/// The return value with that name or number.
fn code(name: &str) -> CK_RV {
    const NAMES: &[(&str, CK_RV)] = &[
        ("CKR_ARGUMENTS_BAD", CKR_ARGUMENTS_BAD),
        ("CKR_BUFFER_TOO_SMALL", CKR_BUFFER_TOO_SMALL),
        ("CKR_CRYPTOKI_NOT_INITIALIZED", CKR_CRYPTOKI_NOT_INITIALIZED),
        ("CKR_DEVICE_ERROR", CKR_DEVICE_ERROR),
        ("CKR_DEVICE_MEMORY", CKR_DEVICE_MEMORY),
        ("CKR_DEVICE_REMOVED", CKR_DEVICE_REMOVED),
        ("CKR_FUNCTION_FAILED", CKR_FUNCTION_FAILED),
        ("CKR_FUNCTION_NOT_SUPPORTED", CKR_FUNCTION_NOT_SUPPORTED),
        ("CKR_GENERAL_ERROR", CKR_GENERAL_ERROR),
        ("CKR_HOST_MEMORY", CKR_HOST_MEMORY),
        ("CKR_KEY_HANDLE_INVALID", CKR_KEY_HANDLE_INVALID),
        ("CKR_OBJECT_HANDLE_INVALID", CKR_OBJECT_HANDLE_INVALID),
        ("CKR_PIN_EXPIRED", CKR_PIN_EXPIRED),
        ("CKR_PIN_LOCKED", CKR_PIN_LOCKED),
        ("CKR_SESSION_COUNT", CKR_SESSION_COUNT),
        ("CKR_SESSION_HANDLE_INVALID", CKR_SESSION_HANDLE_INVALID),
        ("CKR_TOKEN_NOT_PRESENT", CKR_TOKEN_NOT_PRESENT),
        ("CKR_TOKEN_NOT_RECOGNIZED", CKR_TOKEN_NOT_RECOGNIZED),
        ("CKR_USER_NOT_LOGGED_IN", CKR_USER_NOT_LOGGED_IN),
    ];
    let number = || CK_RV::from_str_radix(name.trim_start_matches("0x"), 16).unwrap_or(CKR_GENERAL_ERROR);
    NAMES.iter().find(|(known, _)| *known == name).map_or_else(number, |(_, value)| *value)
}
