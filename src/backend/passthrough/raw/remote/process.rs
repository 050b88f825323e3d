//! The helper process: started with a socket as its input and output, spoken to within a deadline, and ended for
//! certain.
//!
//! It runs in a process group of its own, so that a Ctrl-C meant for the host does not reach it, and inherits no
//! descriptor of the host but the three standard ones. It is signalled through a descriptor of the process where the
//! kernel has such: a number could be another process by then, if the host reaps all children itself.

use std::ffi::OsString;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a process that was killed gets to be gone.
const BURIAL: Duration = Duration::from_secs(2);

/// Why nothing more comes.
#[derive(Debug)]
pub(super) enum Loss {
    /// The helper closed its end, or is gone.
    Closed,
    /// No answer within the deadline.
    TimedOut,
    /// The system refused.
    System(io::Error),
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Loss::Closed => f.write_str("it ended or closed its pipe"),
            Loss::TimedOut => f.write_str("it did not answer in time"),
            Loss::System(error) => write!(f, "its socket failed: {error}"),
        }
    }
}

/// A running helper.
pub(super) struct Helper {
    socket: UnixStream,
    child: Child,
    handle: Option<OwnedFd>,
    ended: bool,
}

impl Helper {
    /// Starts `command` (program and arguments) with `environment` added to the host's.
    pub(super) fn start(command: &[OsString], environment: &[(OsString, OsString)]) -> io::Result<Helper> {
        let (program, arguments) = command.split_first().ok_or_else(|| io::Error::other("no command"))?;
        let (socket, theirs) = UnixStream::pair()?;
        let input = OwnedFd::from(theirs);
        let output = input.try_clone()?;
        let mut command = Command::new(program);
        command.args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::from(input)).stdout(Stdio::from(output)).stderr(Stdio::null());
        command.process_group(0);
        // SAFETY: the closure runs between fork and exec, where only async-signal-safe functions may be called: it
        // makes one system call and touches no memory.
        unsafe {
            command.pre_exec(|| {
                close_others_on_exec();
                Ok(())
            });
        }
        let child = command.spawn()?;
        let handle = handle_of(&child);
        Ok(Helper { socket, child, handle, ended: false })
    }

    /// The process's number.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends all of `bytes`.
    pub(super) fn send(&self, mut bytes: &[u8], deadline: Instant) -> Result<(), Loss> {
        while !bytes.is_empty() {
            // SAFETY: the pointer and length are those of a live slice, which `send` only reads. MSG_NOSIGNAL keeps
            // a dead helper from raising SIGPIPE in the host.
            let sent = unsafe {
                libc::send(
                    self.socket.as_raw_fd(),
                    bytes.as_ptr().cast(),
                    bytes.len(),
                    libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT,
                )
            };
            match usize::try_from(sent) {
                Ok(sent) => bytes = bytes.get(sent..).unwrap_or(&[]),
                Err(_) => self.after_failure(libc::POLLOUT, deadline)?,
            }
        }
        Ok(())
    }

    /// Fills `buffer`.
    pub(super) fn receive(&self, buffer: &mut [u8], deadline: Instant) -> Result<(), Loss> {
        let mut filled = 0;
        while let Some(place) = buffer.get_mut(filled..).filter(|place| !place.is_empty()) {
            // SAFETY: the pointer and length are those of a live slice that nobody else uses.
            let got = unsafe {
                libc::recv(
                    self.socket.as_raw_fd(),
                    place.as_mut_ptr().cast(),
                    place.len(),
                    libc::MSG_DONTWAIT,
                )
            };
            match usize::try_from(got) {
                Ok(0) => return Err(Loss::Closed),
                Ok(got) => filled += got,
                Err(_) => self.after_failure(libc::POLLIN, deadline)?,
            }
        }
        Ok(())
    }

    /// True if the helper has closed its end while nobody asked it anything.
    pub(super) fn has_hung_up(&self) -> bool {
        self.poll(libc::POLLRDHUP, Duration::ZERO).is_ok_and(|ready| ready)
    }

    /// What to do after `send` or `recv` returned -1: wait for the socket, try again, or give up.
    fn after_failure(&self, events: libc::c_short, deadline: Instant) -> Result<(), Loss> {
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::Interrupted => Ok(()),
            io::ErrorKind::WouldBlock => self.wait_for(events, deadline),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Err(Loss::Closed),
            _ => Err(Loss::System(error)),
        }
    }

    fn wait_for(&self, events: libc::c_short, deadline: Instant) -> Result<(), Loss> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Loss::TimedOut);
            }
            match self.poll(events, left) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Loss::System(error)),
            }
        }
    }

    /// True once the socket is ready, false if it was not within `wait`.
    fn poll(&self, events: libc::c_short, wait: Duration) -> io::Result<bool> {
        let mut watched = libc::pollfd { fd: self.socket.as_raw_fd(), events, revents: 0 };
        // Rounded up: a wait cut to 0 ms would spin.
        let wait = wait.as_millis() + u128::from(!wait.is_zero());
        let wait = libc::c_int::try_from(wait).unwrap_or(libc::c_int::MAX);
        // SAFETY: one live pollfd, and the count says one.
        match unsafe { libc::poll(&raw mut watched, 1, wait) } {
            -1 => Err(io::Error::last_os_error()),
            ready => Ok(ready > 0),
        }
    }

    /// Ends the helper: its input closes, it gets `grace` to finish, then it is killed, and it is reaped.
    pub(super) fn end(&mut self, grace: Duration) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        // Not only closed: a forked child of the host may still hold the descriptor.
        let _ = self.socket.shutdown(Shutdown::Both);
        if self.gone_within(grace) {
            return;
        }
        self.kill();
        if !self.gone_within(BURIAL) {
            tracing::warn!("the helper process {} does not end, though it was killed", self.child.id());
        }
    }

    fn gone_within(&mut self, wait: Duration) -> bool {
        let deadline = Instant::now() + wait;
        let mut nap = Duration::from_millis(1);
        loop {
            // An error means that the host reaped it, or that children are not waited for at all.
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(nap);
            nap = (nap * 2).min(Duration::from_millis(20));
        }
    }

    fn kill(&mut self) {
        let Some(handle) = &self.handle else {
            let _ = self.child.kill();
            return;
        };
        // SAFETY: the descriptor is ours and open; without signal information the call reads no memory.
        unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                handle.as_raw_fd(),
                libc::SIGKILL,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            );
        }
    }
}

/// A descriptor of the process, where the kernel has such (Linux 5.3).
fn handle_of(child: &Child) -> Option<OwnedFd> {
    let pid = libc::pid_t::try_from(child.id()).ok()?;
    // SAFETY: the call takes two numbers and touches no memory.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let descriptor = libc::c_int::try_from(descriptor).ok().filter(|descriptor| *descriptor >= 0)?;
    // SAFETY: the kernel has just made this descriptor for us; it closes on exec, and nobody else knows of it.
    Some(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Marks all but the standard descriptors to be closed by exec (Linux 5.11). Older kernels refuse, and the helper
/// inherits what the host left inheritable.
fn close_others_on_exec() {
    // SAFETY: the call takes three numbers and touches no memory.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            libc::STDERR_FILENO + 1,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        );
    }
}
