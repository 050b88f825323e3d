//! A device's state: a directory of small text files, one process at a time.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use libc::c_int;

/// The answer of a function: a number from 0, or a positive errno.
pub type Answer<T = c_int> = Result<T, c_int>;

/// The directory, locked against every other user of it while `guard` is there.
pub struct Files {
    dir: PathBuf,
    guard: Option<File>,
}

impl Files {
    /// Opens and locks it.
    pub fn open(dir: &Path) -> io::Result<Files> {
        let mut files = Files { dir: dir.to_owned(), guard: None };
        files.lock()?;
        Ok(files)
    }

    pub fn lock(&mut self) -> io::Result<()> {
        if self.guard.is_some() {
            return Ok(());
        }
        let file = File::options().create(true).append(true).open(self.dir.join("lock"))?;
        // SAFETY: a descriptor that is open; flock takes no pointer.
        while unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) } != 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        self.guard = Some(file);
        Ok(())
    }

    /// Lets others in, while a call waits for something.
    pub fn unlock(&mut self) {
        self.guard = None;
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A file's text without surrounding blanks; empty where there is none.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default().trim().to_owned()
    }

    /// The same, or this where it is empty.
    pub fn read_or(&self, name: &str, default: &str) -> String {
        let text = self.read(name);
        if text.is_empty() { default.to_owned() } else { text }
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Replaces a file whole.
    pub fn write(&self, name: &str, text: &str) -> Answer<()> {
        let place = self.path(name);
        let mut new = place.clone().into_os_string();
        new.push(".new");
        let write = || {
            fs::create_dir_all(place.parent().unwrap_or(&self.dir))?;
            fs::write(&new, format!("{text}\n"))?;
            fs::rename(&new, &place)
        };
        write().map_err(errno)
    }

    pub fn append(&self, name: &str, line: &str) {
        let file = File::options().create(true).append(true).open(self.path(name));
        let _ = file.and_then(|mut file| writeln!(file, "{line}"));
    }

    pub fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.path(name));
    }

    /// The numbers that name the files of a folder, ascending.
    pub fn numbers(&self, folder: &str) -> Vec<c_int> {
        let entries = fs::read_dir(self.path(folder)).into_iter().flatten().flatten();
        let mut numbers: Vec<c_int> =
            entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        numbers.sort_unstable();
        numbers
    }

    /// One number for each perimeter channel, from a file of lines.
    pub fn channels(&self, name: &str) -> Vec<u32> {
        let mut numbers: Vec<u32> = self.read(name).lines().map(|l| l.trim().parse().unwrap_or(0)).collect();
        numbers.resize(crate::model::CHANNELS.max(numbers.len()), 0);
        numbers
    }

    pub fn write_channels(&self, name: &str, numbers: &[u32]) -> Answer<()> {
        let lines: Vec<String> = numbers.iter().map(u32::to_string).collect();
        self.write(name, &lines.join("\n"))
    }
}

/// The number of a failed file operation.
pub fn errno(error: io::Error) -> c_int {
    error.raw_os_error().unwrap_or(libc::EIO)
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).filter_map(|pair| u8::try_from(pair.iter().fold(0, |n, d| n * 16 + d)).ok()).collect()
}
