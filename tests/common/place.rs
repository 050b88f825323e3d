//! The tool in a directory of its own, as scripts run it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const SO_PIN: &str = "so-pin-1";
const USER_PIN: &str = "user-pin-1";

/// A token directory and the tool over it.
pub struct Place {
    pub dir: TempDir,
    pub program: PathBuf,
}

/// What a run left behind.
pub struct Run {
    /// Exit code.
    pub code: i32,
    /// Stdout.
    pub out: String,
    /// Stderr.
    pub err: String,
}

impl Run {
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }

    /// Failed with this code, nothing on stdout, and one line on stderr that has these words.
    #[track_caller]
    pub fn refused(self, code: i32, words: &str) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{}", self.err);
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        assert!(self.err.contains(words), "{}", self.err);
    }

    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.ok().out).unwrap()
    }
}

impl Place {
    pub fn new() -> Self {
        Place { dir: tempfile::tempdir().unwrap(), program: env!("CARGO_BIN_EXE_keyward").into() }
    }

    pub fn with_token() -> Self {
        let place = Self::new();
        place.init("web").ok();
        place
    }

    /// The same place, with the tool under another name.
    pub fn called(self, name: &str) -> Self {
        let program = self.dir.path().join(name);
        symlink(&self.program, &program).unwrap();
        Place { program, ..self }
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn run_with(&self, arguments: &[&str], stdin: &str) -> Run {
        let home = self.dir.path();
        let mut child = Command::new(&self.program)
            .args(arguments)
            .env_clear()
            .env("HOME", home)
            .env("KEYWARD_DIR", home.join("tokens"))
            .env("KEYWARD_SOFT__KDF", "fast")
            .env("KEYWARD_SOFT__PIN_DELAY", "false")
            .env("PIN", USER_PIN)
            .env("SO", SO_PIN)
            .env("OTHER", "other-pin-2")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A run that fails before it reads closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Run {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub fn run(&self, line: &str) -> Run {
        self.run_with(&line.split(' ').collect::<Vec<_>>(), "")
    }

    pub fn init(&self, label: &str) -> Run {
        self.run(&format!("token init --label {label} --so-pin-env SO --pin-env PIN --json"))
    }
}

/// What openssl prints; `None` where it fails or is not there.
pub fn openssl(arguments: &[&str]) -> Option<String> {
    let output = Command::new("openssl").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
