//! What every call goes through: whose context, which device, the log, and the faults that tests ask for.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{CStr, OsStr, c_void};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use libc::c_int;

use crate::files::{Answer, Files, errno, hex};
use crate::model::{self, CHANNELS, Model};
use crate::slots;

/// What a fault makes of an answer that succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoil {
    No,
    /// Bytes of the result are other ones.
    Garbled,
    /// The result is one byte short.
    Short,
}

/// A call in progress.
pub struct Call {
    pub files: Files,
    pub model: &'static Model,
    pub spoil: Spoil,
}

impl Call {
    /// -ENOSYS where the model has no such function.
    pub fn needs(&self, has: impl Fn(&Model) -> bool) -> Answer<()> {
        if has(self.model) { Ok(()) } else { Err(libc::ENOSYS) }
    }

    pub fn needs_rich(&self) -> Answer<()> {
        self.needs(|model| model.rich)
    }

    /// A reading that a test may set.
    pub fn reading(&self, name: &str, default: f32) -> Answer<f32> {
        match self.files.read(name).as_str() {
            "" => Ok(default),
            text => text.parse().map_err(|_| libc::EIO),
        }
    }

    /// What a fault makes of a result.
    pub fn spoiled(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        match self.spoil {
            Spoil::No => {}
            Spoil::Garbled => bytes.iter_mut().for_each(|byte| *byte ^= 0x55),
            Spoil::Short => drop(bytes.pop()),
        }
        bytes
    }

    /// Waits until `done` says so, asking every few milliseconds, without keeping others out. False: time is up.
    pub fn wait(&mut self, timeout_ms: u32, done: impl Fn(&Call) -> Answer<bool>) -> Answer<bool> {
        const STEP: u32 = 5;
        let mut left = timeout_ms;
        loop {
            if self.files.exists("absent") {
                return Err(libc::ENODEV);
            }
            if done(self)? {
                return Ok(true);
            }
            if left == 0 {
                return Ok(false);
            }
            self.files.unlock();
            thread::sleep(Duration::from_millis(u64::from(STEP.min(left))));
            left = left.saturating_sub(STEP);
            self.files.lock().map_err(errno)?;
        }
    }
}

struct Open {
    dir: PathBuf,
    process: u32,
}

/// The open contexts: numbers, so that one that was closed is never mistaken for another.
static CONTEXTS: Mutex<BTreeMap<usize, Open>> = Mutex::new(BTreeMap::new());
static NEXT: Mutex<usize> = Mutex::new(0x1000);

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the body of a function on the device of its context.
pub fn run(name: &str, context: *mut c_void, body: impl FnOnce(&mut Call) -> Answer) -> c_int {
    let found = guard(&CONTEXTS).get(&(context as usize)).map(|open| (open.dir.clone(), open.process));
    let Some((dir, process)) = found else { return -libc::EBADF };
    let here = std::process::id();
    answer(name, &dir, |call| if process == here { body(call) } else { Err(libc::ENOTCONN) })
}

/// zkOpen.
pub fn open() -> Result<*mut c_void, c_int> {
    let Some(dir) = directory() else { return Err(-libc::ENODEV) };
    let mut context = std::ptr::null_mut();
    let opened = answer("zkOpen", &dir, |call| {
        slots::make_factory_keys(call)?;
        let number = {
            let mut next = guard(&NEXT);
            *next += 0x10;
            *next
        };
        guard(&CONTEXTS).insert(number, Open { dir: dir.clone(), process: std::process::id() });
        context = number as *mut c_void;
        Ok(0)
    });
    if opened < 0 { Err(opened) } else { Ok(context) }
}

/// zkClose: it works whatever the device does.
pub fn close(context: *mut c_void) -> c_int {
    let Some(open) = guard(&CONTEXTS).remove(&(context as usize)) else { return -libc::EBADF };
    if let Ok(files) = Files::open(&open.dir) {
        log(&files, "zkClose", 0);
    }
    0
}

fn answer(name: &str, dir: &Path, body: impl FnOnce(&mut Call) -> Answer) -> c_int {
    let attempt = || -> Answer<(Files, Answer)> {
        let files = Files::open(dir).map_err(errno)?;
        thread::sleep(latency(&files, name));
        let model = model::find(&files.read_or("model", "ZYMKEY4")).ok_or(libc::ENODEV)?;
        let fault = fault(&files, name);
        let absent = files.exists("absent");
        let mut call = Call { files, model, spoil: Spoil::No };
        let answer = match fault {
            Err(errno) => Err(errno),
            Ok(_) if absent => Err(libc::ENODEV),
            Ok(spoil) => {
                call.spoil = spoil;
                slots::reboot(&mut call)
                    .and_then(|()| slots::self_destruct(&call))
                    .and_then(|()| body(&mut call))
            }
        };
        Ok((call.files, answer))
    };
    let number = |answer: Answer| answer.unwrap_or_else(|errno| -errno);
    match attempt() {
        Err(errno) => -errno,
        Ok((files, answer)) => {
            let answer = number(answer);
            log(&files, name, answer);
            answer
        }
    }
}

fn log(files: &Files, name: &str, answer: c_int) {
    if !files.exists("calls.log") {
        files.append("calls.log", "# simulator of libzk_app_utils: no hardware is behind these calls");
    }
    files.append("calls.log", &format!("{name} = {answer} (process {})", std::process::id()));
}

/// `latency`: lines `NAME MILLISECONDS`, `*` for every function.
fn latency(files: &Files, name: &str) -> Duration {
    let text = files.read("latency");
    let line = |line: &str| {
        let (of, ms) = line.trim().split_once(' ')?;
        let ms: Option<u64> = ms.trim().parse().ok();
        ms.filter(|_| of == name || of == "*")
    };
    Duration::from_millis(text.lines().filter_map(line).sum())
}

/// `faults`: lines `NAME WHAT TIMES`; the first that fits is used up.
fn fault(files: &Files, name: &str) -> Answer<Spoil> {
    let text = files.read("faults");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let fits = |line: &String| line.split_whitespace().next().is_some_and(|of| of == name || of == "*");
    let Some(at) = lines.iter().position(fits) else { return Ok(Spoil::No) };
    let words: Vec<String> = lines[at].split_whitespace().map(str::to_owned).collect();
    let what = words.get(1).map_or("EIO", String::as_str).to_owned();
    let times: u64 = words.get(2).map_or(Ok(1), |times| times.parse()).unwrap_or(1);
    match times {
        0 | 1 => drop(lines.remove(at)),
        more => lines[at] = format!("{} {what} {}", words[0], more - 1),
    }
    files.write("faults", &lines.join("\n"))?;
    match what.as_str() {
        "garble" => Ok(Spoil::Garbled),
        "short" => Ok(Spoil::Short),
        errno => Err(error_number(errno)),
    }
}

fn error_number(name: &str) -> c_int {
    const NAMES: &[(&str, c_int)] = &[
        ("EIO", libc::EIO),
        ("ENODEV", libc::ENODEV),
        ("ENXIO", libc::ENXIO),
        ("EBUSY", libc::EBUSY),
        ("ETIMEDOUT", libc::ETIMEDOUT),
        ("ENOTCONN", libc::ENOTCONN),
        ("ECONNREFUSED", libc::ECONNREFUSED),
        ("ENOSYS", libc::ENOSYS),
        ("EINVAL", libc::EINVAL),
        ("ENOMEM", libc::ENOMEM),
        ("EACCES", libc::EACCES),
        ("ENOSPC", libc::ENOSPC),
    ];
    let named = NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
    named.or_else(|| name.parse().ok()).unwrap_or(libc::EIO)
}

/// The device's directory: what `zk-simulator.dir` beside this library says, else `KEYWARD_ZK_SIMULATOR`.
fn directory() -> Option<PathBuf> {
    let beside = own_path().and_then(|library| {
        let folder = library.parent()?.to_owned();
        let text = fs::read_to_string(folder.join("zk-simulator.dir")).ok()?;
        Some(folder.join(text.trim()))
    });
    let dir = beside.or_else(|| Some(PathBuf::from(env::var_os("KEYWARD_ZK_SIMULATOR")?)))?;
    fs::create_dir_all(&dir).ok()?;
    Some(dir)
}

fn own_path() -> Option<PathBuf> {
    let here = own_path as *const c_void;
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: an address of this library, and a place of the right type.
    if unsafe { libc::dladdr(here, info.as_mut_ptr()) } == 0 {
        return None;
    }
    // SAFETY: zeroed, which is a valid value of its pointers and numbers, and filled in by dladdr.
    let info = unsafe { info.assume_init() };
    if info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: the loader's name of this library, which stays while it is loaded.
    let name = unsafe { CStr::from_ptr(info.dli_fname) };
    std::path::absolute(OsStr::from_bytes(name.to_bytes())).ok()
}

/// A serial number that nobody takes for a real one.
pub fn new_serial() -> Answer<String> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|_| libc::EIO)?;
    Ok(format!("SIM{}", hex(&bytes)))
}

/// Whether a channel may tell the host, and was breached since it last did.
pub fn unreported(call: &Call) -> Answer<bool> {
    let (times, seen) = (call.files.channels("perimeter"), call.files.channels("perimeter_seen"));
    let actions = call.files.channels("perimeter_action");
    let new = (0..CHANNELS).any(|c| times[c] != 0 && times[c] != seen[c] && actions[c] & 1 != 0);
    if new {
        call.files.write_channels("perimeter_seen", &times)?;
    }
    Ok(new)
}
