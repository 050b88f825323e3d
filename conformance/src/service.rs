//! Programs that a module needs beside it: started for one test, in its directory, and ended with it.

use std::ffi::CString;
use std::io::{Error, Read, Result};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program in the background; dropping it ends it.
pub struct Service(Child);

impl Service {
    /// Starts `command` and waits until it is `ready`.
    fn start(mut command: Command, ready: impl Fn() -> bool) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // SAFETY: prctl is async-signal-safe and touches no memory. It ends the program with a test that crashed
        // or was killed, which drops nothing.
        unsafe {
            command.pre_exec(|| match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
                0 => Ok(()),
                _ => Err(Error::last_os_error()),
            });
        }
        let name = command.get_program().to_string_lossy().into_owned();
        let failed = |error: &dyn std::fmt::Display| Error::other(format!("{name}: {error}"));
        let mut service = Self(command.spawn().map_err(|error| failed(&error))?);
        let start = Instant::now();
        while !ready() {
            if let Some(status) = service.0.try_wait()? {
                return Err(failed(&format!("ended at once with {status}")));
            }
            if start.elapsed() > Duration::from_secs(10) {
                return Err(failed(&"is not ready after 10 s"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(service)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // What it keeps vanishes with the test's directory or namespace, so it need not tidy up.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// swtpm, a TPM 2.0 with its state in `dir`, behind the socket `dir/tpm.sock`.
pub fn swtpm(dir: &Path) -> Result<Service> {
    let state = dir.join("tpm");
    std::fs::create_dir_all(&state)?;
    let socket = dir.join("tpm.sock");
    let mut command = Command::new("swtpm");
    command.args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear", "--tpmstate"]);
    command.arg(format!("dir={}", state.display()));
    command.arg("--server").arg(format!("type=unixio,path={}", socket.display()));
    command.arg("--ctrl").arg(format!("type=unixio,path={}.ctrl", socket.display()));
    Service::start(command, || UnixStream::connect(&socket).is_ok())
}

/// openCryptoki's places: compiled into it, the same for the whole machine.
const OPENCRYPTOKI: &[&str] = &["/run", "/var/lib/opencryptoki", "/dev/shm", "/etc/opencryptoki"];

/// openCryptoki's daemon with an empty soft token, in places that only this process and its children see.
///
/// Needs root: the process leaves the machine's mounts and System V memory for its own.
pub fn pkcsslotd() -> Result<Service> {
    // SAFETY: no pointers. Other threads keep what they have, which they do not use.
    if unsafe { libc::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWIPC) } != 0 {
        return Err(Error::last_os_error());
    }
    // What is mounted here shall not appear outside.
    mount(c"none", c"/", libc::MS_REC | libc::MS_PRIVATE)?;
    for place in OPENCRYPTOKI {
        mount(c"tmpfs", &CString::new(*place)?, 0)?;
    }
    std::fs::write(
        "/etc/opencryptoki/opencryptoki.conf",
        "version opencryptoki-3.1\nslot 0\n{\nstdll = libpkcs11_sw.so\n}\n",
    )?;
    std::fs::create_dir_all("/var/lib/opencryptoki/swtok/TOK_OBJ")?;
    std::fs::create_dir_all("/run/lock/opencryptoki/swtok")?;
    let status = Command::new("sh")
        .args(["-c", "for d; do chgrp -R pkcs11 $d && chmod -R 770 $d || exit; done", "sh"])
        .args(["/var/lib/opencryptoki", "/run/lock/opencryptoki"])
        .status()?;
    if !status.success() {
        return Err(Error::other("there is no group pkcs11"));
    }
    let mut command = Command::new("/usr/sbin/pkcsslotd");
    command.arg("-f");
    // It greets each client with its list of slots, and dies of a client that leaves before that.
    Service::start(command, || {
        let greeting = UnixStream::connect("/run/pkcsslotd.socket");
        greeting.is_ok_and(|mut socket| socket.read_to_end(&mut Vec::new()).is_ok_and(|size| size > 0))
    })
}

/// Mounts `kind` on `place`; with flags, changes the mount that is there.
fn mount(kind: &std::ffi::CStr, place: &std::ffi::CStr, flags: libc::c_ulong) -> Result<()> {
    // SAFETY: the strings end with NUL and outlive the call; a null pointer stands for no options.
    let done = unsafe { libc::mount(kind.as_ptr(), place.as_ptr(), kind.as_ptr(), flags, std::ptr::null()) };
    if done == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}
