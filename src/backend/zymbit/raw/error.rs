//! What can go wrong between keyward and the vendor's library.

use std::fmt;
use std::path::PathBuf;

use libc::c_int;

/// The answer of a call.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The library can't be loaded, or is another one.
    Load {
        /// Its path.
        path: PathBuf,
        /// What the loader says.
        why: String,
    },
    /// The library has no such function: it is older, or the model has no such thing.
    Missing(&'static str),
    /// The function answered with a negative errno.
    Failed {
        /// Its name.
        function: &'static str,
        /// The errno, positive.
        errno: c_int,
    },
    /// The function answered "done" with something that can't be.
    Malformed {
        /// Its name.
        function: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// What was to be passed on is nothing that the library takes.
    Argument(&'static str),
}

impl Error {
    /// The errno that the library answered with.
    pub fn errno(&self) -> Option<c_int> {
        match self {
            Error::Failed { errno, .. } => Some(*errno),
            _ => None,
        }
    }

    /// True where the connection to the device is what failed: opening it anew may help.
    pub fn lost_connection(&self) -> bool {
        const LOST: [c_int; 10] = [
            libc::EIO,
            libc::ENODEV,
            libc::ENXIO,
            libc::EREMOTEIO,
            libc::ENOTCONN,
            libc::ECONNREFUSED,
            libc::ECONNRESET,
            libc::EPIPE,
            libc::EBADF,
            libc::ETIMEDOUT,
        ];
        self.errno().is_some_and(|errno| LOST.contains(&errno))
    }

    /// True where the device is not there, as opposed to there and in trouble.
    pub fn is_absent(&self) -> bool {
        matches!(self.errno(), Some(libc::ENODEV | libc::ENXIO))
    }

    /// True where this library or this model has no such thing.
    pub fn is_unsupported(&self) -> bool {
        const UNSUPPORTED: [c_int; 3] = [libc::ENOSYS, libc::EOPNOTSUPP, libc::ENOTTY];
        match self {
            Error::Missing(_) => true,
            Error::Failed { errno, .. } => UNSUPPORTED.contains(errno),
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Load { path, why } => write!(f, "{}: {why}", path.display()),
            Error::Missing(function) => write!(f, "{function}: not in this version of libzk_app_utils"),
            Error::Failed { function, errno } => {
                write!(f, "{function}: {}", std::io::Error::from_raw_os_error(*errno))
            }
            Error::Malformed { function, why } => write!(f, "{function}: {why}"),
            Error::Argument(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}
