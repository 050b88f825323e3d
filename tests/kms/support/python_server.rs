//! Servers in Python: emulators of services, and mocks under `tests/support/kms/`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a server may take until it listens, on a machine that is busy with other tests.
const START: Duration = Duration::from_secs(120);

/// A server on 127.0.0.1. It ends when this is dropped, and with this process: a static may hold one.
pub struct PythonServer {
    child: Child,
    /// Where it listens.
    pub port: u16,
    log: tempfile::NamedTempFile,
}

/// A program of the tests' Python environment.
pub fn venv(program: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin").join(program);
    assert!(path.exists(), "{} is missing: run scripts/setup", path.display());
    path
}

/// A file of `tests/support/kms/`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/kms").join(name)
}

/// A port that nobody listened on a moment ago.
///
/// No two calls answer the same: servers of several tests start at once, and the kernel may offer a port again before
/// the first of them listens.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if GIVEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}

impl PythonServer {
    /// Runs a script of `tests/support/kms/` with the port and these arguments.
    pub fn start(name: &str, arguments: &[&str]) -> PythonServer {
        PythonServer::run(|port| {
            let mut command = vec![venv("python").into(), script(name).into(), port.to_string().into()];
            command.extend(arguments.iter().map(OsString::from));
            (command, vec![])
        })
    }

    /// Runs a command, which is told the port, with these variables, and waits until it listens.
    pub fn run(
        command: impl FnOnce(u16) -> (Vec<OsString>, Vec<(&'static str, &'static str)>),
    ) -> PythonServer {
        let port = free_port();
        let (command, variables) = command(port);
        let log = tempfile::NamedTempFile::new().unwrap();
        let output = || Stdio::from(File::options().append(true).open(log.path()).unwrap());
        let child = Command::new(venv("python"))
            .arg(script("serve.py"))
            .args(command)
            .envs(variables)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(output())
            .stderr(output())
            .spawn()
            .unwrap();
        let mut server = PythonServer { child, port, log };
        server.wait();
        server
    }

    fn wait(&mut self) {
        let end = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < end, "the server did not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap_or_default()
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Runs a script of `tests/support/kms/` to its end and answers what it printed. Panics with its errors.
pub fn python(name: &str, arguments: &[&str]) -> String {
    let output = Command::new(venv("python"))
        .arg(script(name))
        .args(arguments)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
