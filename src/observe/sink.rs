//! Where lines go. Each is written by one system call, so that processes which share a file do not mix.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::time::SystemTime;

use super::line::timestamp;
use super::{Level, Target};

/// An open target.
pub(super) enum Sink {
    Stderr,
    Syslog(UnixDatagram),
    File(File),
}

impl Sink {
    /// Opens a target. Never fails: stderr stands in, and is told why.
    pub(super) fn open(target: &Target) -> Sink {
        let opened = match target {
            Target::Stderr => Ok(Sink::Stderr),
            Target::Syslog => syslog(),
            Target::File(path) => {
                OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(Sink::File)
            }
        };
        opened.unwrap_or_else(|error| {
            let text =
                format!("keyward[{}] log.target {target}: {error}; logging to stderr", std::process::id());
            Sink::Stderr.write(Level::Warn, &text);
            Sink::Stderr
        })
    }

    /// Writes one event. A target that fails loses the line, except where it is as bad as `warn`: stderr gets that.
    pub(super) fn write(&self, level: Level, text: &str) {
        let name = level.to_string().to_uppercase();
        let line = format!("{} {name} {text}\n", timestamp(SystemTime::now()));
        let written = match self {
            Sink::Stderr => stderr(&line),
            Sink::Syslog(socket) => socket.send(format!("<{}>{text}", priority(level)).as_bytes()).map(drop),
            Sink::File(file) => { file }.write_all(line.as_bytes()),
        };
        if written.is_err() && level <= Level::Warn && !matches!(self, Sink::Stderr) {
            let _ = stderr(&line);
        }
    }
}

/// A duplicate of descriptor 2 of this moment: a daemon may redirect it, and the standard library's own handle has a
/// lock that a fork could leave taken.
fn stderr(line: &str) -> io::Result<()> {
    File::from(io::stderr().as_fd().try_clone_to_owned()?).write_all(line.as_bytes())
}

fn syslog() -> io::Result<Sink> {
    let socket = UnixDatagram::unbound()?;
    socket.connect("/dev/log")?;
    // A syslog daemon that hangs must not hang a signature.
    socket.set_nonblocking(true)?;
    Ok(Sink::Syslog(socket))
}

/// RFC 3164: facility "user", severity by level.
fn priority(level: Level) -> u8 {
    const USER: u8 = 1 << 3;
    USER + match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}
