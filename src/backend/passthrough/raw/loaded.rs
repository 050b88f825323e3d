//! A PKCS#11 library in this process.

use std::ffi::{CStr, CString, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use parking_lot::Mutex;

use crate::types::ck;
use crate::types::functions::{Effect, Library, Parameter, for_each_function, kind};

/// Its functions: one list in the shape of v3.2, entries absent where the library is older.
pub struct Loaded {
    list: ck::CK_FUNCTION_LIST_3_2,
}

/// Libraries that this process or an ancestor initialised, by their function list, with that process's ID. A library
/// that does not notice a fork says in the child that it is initialised already, with its parent's sessions.
static INITIALIZED: Mutex<Vec<(usize, u32)>> = Mutex::new(Vec::new());

/// A lock that is held longer belongs to a thread that a fork left behind.
const PATIENCE: Duration = Duration::from_millis(100);

type Entry = unsafe extern "C" fn(*mut *mut ck::CK_FUNCTION_LIST) -> ck::CK_RV;
type Interface = unsafe extern "C" fn(
    *mut ck::CK_UTF8CHAR,
    *mut ck::CK_VERSION,
    *mut *mut ck::CK_INTERFACE,
    ck::CK_FLAGS,
) -> ck::CK_RV;

impl Loaded {
    /// Loads the library for good: it may hold threads, thread-locals and exit handlers. Why not, otherwise.
    pub fn load(path: &Path) -> Result<Loaded, String> {
        let name =
            CString::new(path.as_os_str().as_bytes()).map_err(|_| "a path with a zero byte".to_owned())?;
        // SAFETY: a C string. The library's constructors run, which is what whoever configured it asked for.
        let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        if library.is_null() {
            return Err(load_error());
        }
        let entry = symbol(library, c"C_GetFunctionList")
            .ok_or("it is no PKCS#11 library: it has no C_GetFunctionList")?;
        // SAFETY: the specification fixes the type of the function of this name.
        let entry = unsafe { std::mem::transmute::<*mut c_void, Entry>(entry) };
        if file_of(entry as *const c_void) == file_of(load_error as *const c_void) {
            return Err("it is this very library; a copy of the file at another path would do".to_owned());
        }
        let mut base = std::ptr::null_mut();
        // SAFETY: the pointer outlives the call.
        let rv = unsafe { entry(&raw mut base) };
        if rv != ck::CKR_OK || base.is_null() {
            return Err(format!("C_GetFunctionList answers {rv:#x}"));
        }
        let mut list = ck::CK_FUNCTION_LIST_3_2::default();
        // SAFETY: the library answered CKR_OK, so this is a 2.40 list.
        unsafe { overlay(&mut list, base.cast_const()) };
        if let Some(interface) = symbol(library, c"C_GetInterface") {
            // SAFETY: the specification fixes the type of the function of this name.
            let interface = unsafe { std::mem::transmute::<*mut c_void, Interface>(interface) };
            newer(interface, &mut list);
        }
        Ok(Loaded { list })
    }

    /// Whether an ancestor of this process initialised the library before a fork.
    pub fn inherited(&self) -> bool {
        let Some(known) = INITIALIZED.try_lock_for(PATIENCE) else { return false };
        known.iter().any(|&(list, pid)| list == self.identity() && pid != std::process::id())
    }

    /// For remembering who initialised it.
    pub fn mark(&self) -> Mark {
        Mark(self.identity())
    }

    fn identity(&self) -> usize {
        self.list.C_Initialize.map_or(0, |function| function as usize)
    }
}

/// A library's identity, whatever became of the library.
pub struct Mark(usize);

impl Mark {
    /// This process initialised it.
    pub fn note(&self) {
        let Some(mut known) = INITIALIZED.try_lock_for(PATIENCE) else { return };
        known.retain(|(list, _)| *list != self.0);
        known.push((self.0, std::process::id()));
    }
}

/// The newest list that C_GetInterface has: 3.2, else 3.0.
fn newer(interface: Interface, list: &mut ck::CK_FUNCTION_LIST_3_2) {
    for minor in [2, 0] {
        let mut version = ck::CK_VERSION { major: 3, minor };
        let mut found = std::ptr::null_mut();
        let name = c"PKCS 11".as_ptr().cast_mut().cast();
        // SAFETY: all pointers outlive the call.
        let rv = unsafe { interface(name, &raw mut version, &raw mut found, 0) };
        if rv != ck::CKR_OK || found.is_null() {
            continue;
        }
        // SAFETY: the library answered CKR_OK, so `found` leads to an interface of that version.
        unsafe {
            let functions = (*found).pFunctionList;
            match (functions.is_null(), minor) {
                (true, _) => continue,
                (false, 2) => overlay(list, functions.cast::<ck::CK_FUNCTION_LIST_3_2>()),
                (false, _) => overlay(list, functions.cast::<ck::CK_FUNCTION_LIST_3_0>()),
            }
        }
        return;
    }
}

/// Copies a list of an earlier version over the start of `list`.
///
/// # Safety
/// `from` leads to a whole `T`, and `T` is a prefix of `CK_FUNCTION_LIST_3_2`: each version's list begins with the one
/// before it.
unsafe fn overlay<T: Copy>(list: &mut ck::CK_FUNCTION_LIST_3_2, from: *const T) {
    // SAFETY: by the contract above; both are plain C structures of a version and function pointers.
    unsafe { std::ptr::from_mut(list).cast::<T>().write(from.read_unaligned()) };
}

/// Where the file is mapped that this code is in.
fn file_of(code: *const c_void) -> usize {
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: room for the answer, of which zeros are a valid state.
    unsafe {
        libc::dladdr(code, info.as_mut_ptr());
        info.assume_init().dli_fbase.addr()
    }
}

fn symbol(library: *mut c_void, name: &CStr) -> Option<*mut c_void> {
    // SAFETY: a handle of dlopen's that is never closed, and a C string.
    let found = unsafe { libc::dlsym(library, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// Why dlopen failed.
fn load_error() -> String {
    // SAFETY: dlerror's string stays valid until the thread's next call of a dl function, and is copied at once.
    unsafe {
        let text = libc::dlerror();
        if text.is_null() {
            "no reason given".to_owned()
        } else {
            CStr::from_ptr(text).to_string_lossy().into_owned()
        }
    }
}

macro_rules! through_the_list {
    ($($group:ident { $($name:ident ( $($parameter:ident : $kind:ty),* $(,)? ) => $handler:ident $(:: $function:ident)? $(/ $effect:expr)?;)* })*) => {
        #[allow(non_snake_case, clippy::too_many_arguments)]
        impl Library for Loaded {
            $($(
                unsafe fn $name(&self, $($parameter: <$kind as Parameter>::C),*) -> ck::CK_RV {
                    match self.list.$name {
                        // SAFETY: the function of this name in the library's own list; the caller vouches for the rest.
                        Some(function) => unsafe { function($($parameter),*) },
                        None => ck::CKR_FUNCTION_NOT_SUPPORTED,
                    }
                }
            )*)*
        }

        $($( $( const _: Effect = $effect; )? )*)*
    };
}

for_each_function!(through_the_list);
