//! The same work without a module, in a process of its own: what a module's calls can at best come to.
//!
//! Cryptography is AWS-LC's, called as a program without PKCS#11 does with a key at hand. Keys live until the process
//! ends. Where only a token does the work, the row says what stands here in its place.

use std::ffi::c_int;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

mod bulk;
mod signatures;
pub mod sqlite;

use crate::durable::LEAST_MILLIS;
use crate::errand::{Errand, together};
use crate::fault::Fault;
use crate::rows::{self, Work};
use crate::start::spawn;
use crate::stopwatch::{repeat, time};

/// The work of the bare column.
pub struct Bare {
    duration: Duration,
    /// Where SQLite's file is: it grows from round to round, as a token does.
    dir: TempDir,
}

impl Bare {
    /// Measurements of this length.
    pub fn new(duration: Duration) -> Result<Self, Fault> {
        let dir = tempfile::Builder::new().prefix("bare-").tempdir()?;
        Ok(Self { duration, dir })
    }

    /// One measurement in the row's unit.
    pub fn measure(&self, work: Work) -> Result<f64, Fault> {
        let duration = self.duration;
        match work {
            Work::Sign(signature) => signatures::sign(signature, duration),
            Work::Verify(signature) => signatures::verify(signature, duration),
            Work::Threads(signature, sharing) => signatures::threads(signature, sharing, duration),
            Work::Bulk(bulk, len, parts) => bulk::run(bulk, len, parts, duration),
            Work::Token(_, rows::Bare::Nothing) => Err("nothing but a token does this".into()),
            Work::Token(_, rows::Bare::Argon2id) => Ok(argon2id(duration)? / 1000.0),
            Work::Token(_, rows::Bare::Process) => {
                repeat(duration, || spawn(Errand::Nothing.command(Path::new(""), None, 0)?))
            }
            Work::Token(_, rows::Bare::Sqlite(processes)) => self.sqlite(processes),
        }
    }

    fn sqlite(&self, processes: usize) -> Result<f64, Fault> {
        let file = self.dir.path().join("pairs");
        sqlite::File::create(&file)?;
        let millis = usize::try_from(self.duration.as_millis().max(LEAST_MILLIS))?;
        let commands = (0..processes).map(|_| Errand::Sqlite.command(&file, None, millis));
        together(commands.collect::<Result<_, _>>()?)
    }
}

/// Microseconds per derivation with the parameters of keyward's default: 19 MiB, two passes, one lane.
fn argon2id(duration: Duration) -> Result<f64, Fault> {
    let parameters = argon2::Params::new(19_456, 2, 1, Some(32))?;
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, parameters);
    let mut key = [0; 32];
    time(duration, || Ok(argon2.hash_password_into(b"user-pin-0815", &[7; 16], &mut key)?))
}

/// 1 is AWS-LC's success.
fn check(status: c_int) -> Result<(), Fault> {
    if status == 1 { Ok(()) } else { Err("AWS-LC failed".into()) }
}
