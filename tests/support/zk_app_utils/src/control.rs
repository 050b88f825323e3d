//! What tests do to a device behind the library's back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use libc::c_int;

use crate::files::Files;

/// A simulated device: a directory. Every process that is shown it sees the same device.
#[derive(Debug, Clone)]
pub struct Simulator {
    dir: PathBuf,
}

/// The vendor's name of the library.
const NAME: &str = "libzk_app_utils.so";

impl Simulator {
    /// A new device of this model (`ZYMKEY4`, `HSM4`, `HSM6`, `HSM60`, `HSM64`, `SCM`) in this directory.
    pub fn new(dir: &Path, model: &str) -> io::Result<Simulator> {
        fs::create_dir_all(dir)?;
        let simulator = Simulator { dir: dir.to_owned() };
        simulator.set("model", model)?;
        Ok(simulator)
    }

    /// The shared library that cargo built beside the test that runs.
    pub fn built() -> io::Result<PathBuf> {
        let test = std::env::current_exe()?;
        let folder = test.parent().ok_or(io::ErrorKind::NotFound)?;
        let places = [folder.to_owned(), folder.join("deps")];
        let found =
            places.iter().map(|folder| folder.join("libzk_app_utils_simulator.so")).find(|so| so.exists());
        found.ok_or(io::ErrorKind::NotFound.into())
    }

    /// A copy of the library for this device alone, whatever the environment says: its path.
    pub fn install(&self) -> io::Result<PathBuf> {
        let place = self.dir.join(NAME);
        fs::copy(Simulator::built()?, &place)?;
        self.set("zk-simulator.dir", ".")?;
        Ok(place)
    }

    /// The device's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes a control file whole.
    pub fn set(&self, name: &str, text: &str) -> io::Result<()> {
        self.files()?.write(name, text).map_err(io::Error::from_raw_os_error)
    }

    /// A control file's text.
    pub fn get(&self, name: &str) -> io::Result<String> {
        Ok(self.files()?.read(name))
    }

    /// A breach of a perimeter channel at this time, in seconds since 1970. The first one of a channel stays.
    pub fn breach(&self, channel: usize, time: u32) -> io::Result<()> {
        let files = self.files()?;
        let mut times = files.channels("perimeter");
        match times.get_mut(channel) {
            None => return Err(io::ErrorKind::InvalidInput.into()),
            Some(at @ 0) => *at = time,
            Some(_) => return Ok(()),
        }
        files.write_channels("perimeter", &times).map_err(io::Error::from_raw_os_error)
    }

    /// The function (`*`: any) answers its next `times` calls with this negative errno.
    pub fn fail(&self, function: &str, errno: c_int, times: u32) -> io::Result<()> {
        self.add_line("faults", &format!("{function} {errno} {times}"))
    }

    /// The results of the function's next `times` calls are other bytes than they should be.
    pub fn garble(&self, function: &str, times: u32) -> io::Result<()> {
        self.add_line("faults", &format!("{function} garble {times}"))
    }

    /// The results of the function's next `times` calls are one byte short.
    pub fn shorten(&self, function: &str, times: u32) -> io::Result<()> {
        self.add_line("faults", &format!("{function} short {times}"))
    }

    /// The function (`*`: any) takes so long.
    pub fn delay(&self, function: &str, milliseconds: u32) -> io::Result<()> {
        self.add_line("latency", &format!("{function} {milliseconds}"))
    }

    /// Takes the device away.
    pub fn unplug(&self) -> io::Result<()> {
        self.set("absent", "")
    }

    /// Brings it back.
    pub fn plug(&self) -> io::Result<()> {
        self.files()?.remove("absent");
        Ok(())
    }

    /// What a reboot loses is gone at the next call.
    pub fn reboot(&self) -> io::Result<()> {
        self.set("reboot", "")
    }

    /// The serial number; a device has one after it was opened once.
    pub fn serial(&self) -> io::Result<String> {
        self.get("serial")
    }

    /// The names of the functions that were called so far, in order.
    pub fn calls(&self) -> io::Result<Vec<String>> {
        let text = self.get("calls.log")?;
        let names = text.lines().filter_map(|line| Some(line.split_once(" = ")?.0.to_owned()));
        Ok(names.collect())
    }

    /// How often a function was called.
    pub fn count(&self, function: &str) -> io::Result<usize> {
        Ok(self.calls()?.iter().filter(|name| *name == function).count())
    }

    fn add_line(&self, name: &str, line: &str) -> io::Result<()> {
        let files = self.files()?;
        files.append(name, line);
        Ok(())
    }

    fn files(&self) -> io::Result<Files> {
        Files::open(&self.dir)
    }
}
