//! The log: one line per event on stderr, in syslog or in a file; never on stdout.
//!
//! The library's own copy of `tracing` carries events; [`init`] installs our subscriber in it once and later calls
//! only change its level and target. Where keyward is linked as a Rust crate into a program that installed a
//! subscriber of its own, that one gets the events. An event below the level costs one comparison.
//!
//! Locks: the target is behind a read-write lock that is written in [`init`] only. A line is one `write(2)`, without
//! the standard library's locks: a fork cannot leave them taken in the child.

mod level;
mod line;
mod sink;
mod subscriber;

use crate::error::{Error, ErrorKind};

pub use level::{Level, Target};

/// Sends events of `level` and worse to `target` from now on. Callable again, with other values.
///
/// Where the target cannot be opened the log goes to stderr, with a line that says so; start-up never fails for it.
pub fn init(level: Level, target: &Target) {
    subscriber::install(level, target);
}

/// Logs why a function returned an error, at the level its kind deserves.
pub fn failed(function: &'static str, error: &Error) {
    let (rv, detail) = (error.kind().name(), error.detail());
    match severity(error) {
        Level::Error => tracing::error!(function, rv, "{detail}"),
        Level::Warn => tracing::warn!(function, rv, "{detail}"),
        Level::Info => tracing::info!(function, rv, "{detail}"),
        Level::Debug | Level::Trace => tracing::debug!(function, rv, "{detail}"),
    }
}

/// Storage and device trouble is an error; a refusal with a reason is a warning, since somebody has to change
/// something; what applications provoke to learn what is there stays at debug.
fn severity(error: &Error) -> Level {
    use ErrorKind as K;
    match error.kind() {
        K::DeviceError | K::DeviceMemory | K::DeviceRemoved | K::HostMemory | K::GeneralError => Level::Error,
        K::TokenNotRecognized if error.detail().is_empty() => Level::Debug,
        K::FunctionFailed | K::TokenNotRecognized | K::RandomNoRng | K::FipsSelfTestFailed => Level::Error,
        K::PinIncorrect | K::PinLocked | K::TokenWriteProtected => Level::Warn,
        K::BufferTooSmall | K::AttributeTypeInvalid | K::AttributeSensitive | K::NoEvent => Level::Debug,
        K::SignatureInvalid | K::SignatureLenRange | K::FunctionNotSupported => Level::Debug,
        K::MechanismInvalid | K::OperationNotInitialized | K::UserAlreadyLoggedIn => Level::Debug,
        K::CryptokiNotInitialized | K::CryptokiAlreadyInitialized | K::SessionHandleInvalid => Level::Debug,
        _ if error.detail().is_empty() => Level::Debug,
        _ => Level::Warn,
    }
}
