//! Loading `libzk_app_utils.so`.

use std::ffi::{CStr, CString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{Error, Result};
use super::symbols::Symbols;

const NAME: &str = "libzk_app_utils.so";

/// Where the vendor's packages have put it, newest first.
const DIRECTORIES: [&str; 5] = [
    "/usr/lib",
    "/usr/local/lib",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/arm-linux-gnueabihf",
    "/usr/lib/x86_64-linux-gnu",
];

/// The vendor's library. It stays loaded: it may have started threads, and a host that unloads keyward must not take
/// their code away.
pub struct Library {
    path: PathBuf,
    pub(super) symbols: Symbols,
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Library {
    /// Where the library is looked for when the configuration names none.
    pub fn default_paths() -> impl Iterator<Item = PathBuf> {
        Library::default_places(NAME)
    }

    /// Where a library of the vendor's of this file name would be.
    pub fn default_places(name: &str) -> impl Iterator<Item = PathBuf> {
        DIRECTORIES.iter().map(move |directory| Path::new(directory).join(name))
    }

    /// The first of [`Library::default_paths`] that is there.
    pub fn installed() -> Option<PathBuf> {
        Library::default_paths().find(|path| path.exists())
    }

    /// Loads the library of this path. Its symbols stay its own (RTLD_LOCAL). [`Error::Load`] also for a library that
    /// can't open and close a device.
    pub fn load(path: &Path) -> Result<Arc<Library>> {
        let fail = |why: String| Error::Load { path: path.to_owned(), why };
        let name =
            CString::new(path.as_os_str().as_bytes()).map_err(|_| fail("a NUL in the path".to_owned()))?;
        // SAFETY: a NUL-terminated path. Running the library's constructors is what loading it means; whoever may
        // write the configuration chose it.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        if handle.is_null() {
            // The loader begins with the path as well.
            let why = loader_error();
            let bare = why.strip_prefix(&format!("{}: ", path.display())).map(str::to_owned);
            return Err(fail(bare.unwrap_or(why)));
        }
        // SAFETY: `handle` is the library just loaded, which is never unloaded; the names are the vendor's.
        let symbols = unsafe { Symbols::resolve(|symbol| libc::dlsym(handle, symbol.as_ptr())) };
        if symbols.open.is_none() || symbols.close.is_none() {
            // SAFETY: nothing of the library is kept: it is not the vendor's.
            unsafe { libc::dlclose(handle) };
            return Err(fail("has no zkOpen and zkClose: not Zymbit's library".to_owned()));
        }
        Ok(Arc::new(Library { path: path.to_owned(), symbols }))
    }

    /// Where it was loaded from.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What the loader says about the last failure of this thread.
fn loader_error() -> String {
    // SAFETY: dlerror answers null or a text of its own, valid until this thread's next call of the loader.
    let text = unsafe {
        let text = libc::dlerror();
        (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
    };
    text.unwrap_or_else(|| "can't be loaded".to_owned())
}
