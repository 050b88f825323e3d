//! The function table of a module, found by C_GetFunctionList and C_GetInterface.

use std::ffi::CString;

use cryptoki_sys::*;
use libloading::Library;

use crate::Rv;

/// Calls one C_ function of a [`crate::Module`] and gives its [`Rv`], CKR_OK included.
///
/// A function that the module lacks answers CKR_FUNCTION_NOT_SUPPORTED. The arguments are passed as they
/// are: hostile ones are the point of many tests, so a module may crash on them.
#[macro_export]
macro_rules! call {
    ($module:expr, $function:ident($($argument:expr),* $(,)?)) => {{
        $crate::rv::calling(stringify!($function));
        match $module.functions().$function {
            Some(function) => {
                // SAFETY: the pointer came from the module's own table; what the callee makes of the
                // arguments is what the test is about.
                #[allow(unused_unsafe, clippy::macro_metavars_in_unsafe)]
                let answer = unsafe { $crate::Rv(function($($argument),*)) };
                $crate::answers::note(stringify!($function), answer)
            }
            None => $crate::Rv(cryptoki_sys::CKR_FUNCTION_NOT_SUPPORTED),
        }
    }};
}

/// Everything a module offers: one table in the shape of v3.2, entries absent where it is older.
pub struct Functions {
    /// The richest table: 3.2, else 3.0, else 2.40.
    pub table: CK_FUNCTION_LIST_3_2,
    /// The version that C_GetFunctionList's own table carries.
    pub base_version: CK_VERSION,
    /// Whether the module exports C_GetInterface.
    pub has_interfaces: bool,
}

impl Functions {
    /// Reads the tables of a loaded library; the reason where it has none.
    pub fn read(library: &Library) -> Result<Self, String> {
        // SAFETY: the symbol's type is fixed by the specification.
        let list: libloading::Symbol<'_, unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV> =
            unsafe { library.get(b"C_GetFunctionList\0") }.map_err(|error| error.to_string())?;
        let mut base = std::ptr::null_mut();
        // SAFETY: `base` outlives the call.
        let rv = Rv(unsafe { list(&mut base) });
        if rv != CKR_OK || base.is_null() {
            return Err(format!("C_GetFunctionList answers {rv}"));
        }
        let mut table = CK_FUNCTION_LIST_3_2::default();
        // SAFETY: every later list starts with the fields of the earlier ones, and `base` is a 2.40 list.
        unsafe { overlay(&mut table, base.cast_const()) };
        let base_version = table.version;
        let has_interfaces = table_from_interfaces(library, &mut table);
        Ok(Self { table, base_version, has_interfaces })
    }
}

/// Looks for the 3.2 list, then the 3.0 list. Returns whether C_GetInterface is exported.
fn table_from_interfaces(library: &Library, table: &mut CK_FUNCTION_LIST_3_2) -> bool {
    // SAFETY: the symbol's type is fixed by the specification.
    let Ok(get) = (unsafe {
        library.get::<unsafe extern "C" fn(
            *mut CK_UTF8CHAR,
            *mut CK_VERSION,
            *mut *mut CK_INTERFACE,
            CK_FLAGS,
        ) -> CK_RV>(b"C_GetInterface\0")
    }) else {
        return false;
    };
    let Ok(name) = CString::new("PKCS 11") else { return true };
    for (major, minor) in [(3, 2), (3, 0)] {
        let mut version = CK_VERSION { major, minor };
        let mut interface = std::ptr::null_mut();
        // SAFETY: all pointers outlive the call.
        let rv = unsafe { get(name.as_ptr().cast_mut().cast(), &mut version, &mut interface, 0) };
        if rv != CKR_OK || interface.is_null() {
            continue;
        }
        // SAFETY: the module answered CKR_OK, so `interface` points to a CK_INTERFACE of that version.
        unsafe {
            let list = (*interface).pFunctionList;
            if minor == 2 {
                overlay(table, list.cast::<CK_FUNCTION_LIST_3_2>());
            } else {
                overlay(table, list.cast::<CK_FUNCTION_LIST_3_0>());
            }
        }
        break;
    }
    true
}

/// Copies a list of an earlier version over the start of `table`.
///
/// # Safety
/// `list` points to a whole `T`, and `T` is a prefix of `CK_FUNCTION_LIST_3_2`.
unsafe fn overlay<T: Copy>(table: &mut CK_FUNCTION_LIST_3_2, list: *const T) {
    // SAFETY: by the contract above; both are plain C structs of a version and function pointers.
    unsafe { std::ptr::from_mut(table).cast::<T>().write(list.read_unaligned()) };
}
