//! A small PKCS#11 library that misbehaves as told, for the tests of the passthrough backend.
//!
//! It has tokens that come and go, sessions, logins, objects and operations. What it calls a signature is no
//! cryptography: a mixture of key and data that is the same each time, so that tests can tell whether the right bytes
//! went down and came back. A text file beside the library controls it, another takes down every call: see README.md.
//!
//! It trusts its caller's pointers as any PKCS#11 library does.

mod control;
mod general;
mod key;
mod memory;
mod message;
mod mixing;
mod object;
mod operation;
mod session;
mod slot;
mod state;
mod table;

use cryptoki_sys::*;

/// C_GetFunctionList.
///
/// # Safety
/// As the specification says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    table::function_list(list)
}

/// C_GetInterfaceList.
///
/// # Safety
/// As the specification says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInterfaceList(list: *mut CK_INTERFACE, count: *mut CK_ULONG) -> CK_RV {
    table::interface_list(list, count)
}

/// C_GetInterface.
///
/// # Safety
/// As the specification says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInterface(
    name: *mut CK_UTF8CHAR,
    version: *mut CK_VERSION,
    interface: *mut *mut CK_INTERFACE,
    flags: CK_FLAGS,
) -> CK_RV {
    table::interface(name, version, interface, flags)
}
