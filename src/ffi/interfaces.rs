//! The exported symbols, the function lists of 2.40, 3.0 and 3.2, and the interfaces that carry them.

use std::ffi::{CStr, c_void};

use super::handlers::{general, key, message, object, operation, operation_state, session, slot};
use super::passing::{self, Pass, Passing};
use super::{guard, memory, refusal};
use crate::error::{ErrorKind, Result};
use crate::module::is_foreign;
use crate::types::ck;
use crate::types::functions::{Effect, Parameter, for_each_function, kind};

/// Runs a row's handler, or answers for a function that is not there.
macro_rules! dispatch {
    (unsupported ($($parameter:ident),*)) => {{
        $( let _ = $parameter; )*
        Err(ErrorKind::FunctionNotSupported.into())
    }};
    ($family:ident :: $handler:ident ($($parameter:ident),*)) => {
        // SAFETY: the caller of the entry point vouches for its pointers, as PKCS#11 asks; the handler checks the
        // rest: null, alignment, lengths.
        unsafe { $family::$handler($($parameter),*) }
    };
}

/// Passes a call on if its session's token lies in another library. Out of line, so that a call that stays here pays for
/// no more than the question.
macro_rules! pass_on {
    (() $($rest:tt)*) => {};
    (($effect:expr) $name:ident ($session:ident: $of:ty $(, $parameter:ident: $kind:ty)*)) => {
        #[inline(never)]
        #[allow(clippy::too_many_arguments)]
        unsafe fn passed_on(
            $session: <$of as Parameter>::C
            $(, $parameter: <$kind as Parameter>::C)*
        ) -> ck::CK_RV {
            guard::call(stringify!($name), || {
                passing::run($session, $effect, &mut |below| {
                    let passing = Passing::new(below);
                    // Calls without such parameters leave it unused.
                    let _ = &passing;
                    // SAFETY: the caller of the entry point vouches for its pointers, as PKCS#11 asks, to us and to the
                    // library below alike.
                    unsafe {
                        let rv = below
                            .library()
                            .$name(below.session() $(, <$kind as Pass>::down($parameter, &passing)?)*);
                        if rv == ck::CKR_OK {
                            $( <$kind as Pass>::up($parameter, &passing)?; )*
                        }
                        Ok(rv)
                    }
                })
            })
        }
        if is_foreign($session) {
            // SAFETY: passed on.
            return unsafe { passed_on($session $(, $parameter)*) };
        }
    };
}

/// A row's effect; of a row that says nothing, none.
macro_rules! effect {
    () => {
        Effect::Use
    };
    ($effect:expr) => {
        $effect
    };
}

macro_rules! entry_points {
    ($($group:ident { $($name:ident ( $($parameter:ident : $kind:ty),* $(,)? ) => $handler:ident $(:: $function:ident)? $(/ $effect:expr)?;)* })*) => {
        /// One `extern "C"` function for each row.
        mod entry {
            use super::*;
            $($(
                #[allow(non_snake_case, clippy::too_many_arguments)]
                pub(super) unsafe extern "C" fn $name($($parameter: <$kind as Parameter>::C),*) -> ck::CK_RV {
                    pass_on!(($($effect)?) $name ($($parameter: $kind),*));
                    guard::call(stringify!($name), || {
                        dispatch!($handler $(:: $function)? ($($parameter),*)).map_err(|error| {
                            let session = None $( .or(<$kind as Parameter>::session($parameter)) )*;
                            refusal::judge(session, effect!($($effect)?), error)
                        })
                    })
                }
            )*)*
        }

        function_lists! { $($group { $($name)* })* }

        /// Functions that answer CKR_FUNCTION_NOT_SUPPORTED, for the documentation.
        pub fn unsupported() -> Vec<&'static str> {
            let mut names = Vec::new();
            $($( if stringify!($handler) == "unsupported" { names.push(stringify!($name)); } )*)*
            names
        }
    };
}

macro_rules! function_lists {
    (v2_40 { $($a:ident)* } v3_0 { $($b:ident)* } v3_2 { $($c:ident)* }) => {
        static LIST_2_40: ck::CK_FUNCTION_LIST =
            ck::CK_FUNCTION_LIST { version: VERSIONS[2], $($a: Some(entry::$a),)* };
        static LIST_3_0: ck::CK_FUNCTION_LIST_3_0 =
            ck::CK_FUNCTION_LIST_3_0 { version: VERSIONS[1], $($a: Some(entry::$a),)* $($b: Some(entry::$b),)* };
        static LIST_3_2: ck::CK_FUNCTION_LIST_3_2 = ck::CK_FUNCTION_LIST_3_2 {
            version: VERSIONS[0],
            $($a: Some(entry::$a),)* $($b: Some(entry::$b),)* $($c: Some(entry::$c),)*
        };
    };
}

/// Newest first: the order of C_GetInterfaceList, and the first is the default.
pub const VERSIONS: [ck::CK_VERSION; 3] = [
    ck::CK_VERSION { major: 3, minor: 2 },
    ck::CK_VERSION { major: 3, minor: 0 },
    ck::CK_VERSION { major: 2, minor: 40 },
];

/// The standard interface's name (PKCS#11 v3.2, section 5.4.5).
const NAME: &CStr = c"PKCS 11";

for_each_function!(entry_points);

/// `CK_INTERFACE` holds raw pointers to immutable statics.
#[repr(transparent)]
struct Interfaces([ck::CK_INTERFACE; 3]);

// SAFETY: every pointer inside leads to a static that nothing ever writes.
unsafe impl Sync for Interfaces {}

const fn interface_of<T>(list: &'static T) -> ck::CK_INTERFACE {
    ck::CK_INTERFACE {
        pInterfaceName: NAME.as_ptr().cast_mut().cast(),
        pFunctionList: std::ptr::from_ref(list).cast_mut().cast::<c_void>(),
        // Not CKF_INTERFACE_FORK_SAFE: that promises a child its parent's sessions and logins (general_data_types),
        // and a child of ours starts afresh.
        flags: 0,
    }
}

static INTERFACES: Interfaces =
    Interfaces([interface_of(&LIST_3_2), interface_of(&LIST_3_0), interface_of(&LIST_2_40)]);

/// C_GetFunctionList (PKCS#11 v3.2, section 5.4.4): always the 2.40 list, which old clients know.
///
/// # Safety
/// `function_list` is null or points to writable memory for one pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(function_list: *mut *mut ck::CK_FUNCTION_LIST) -> ck::CK_RV {
    // SAFETY: passed on under the same contract.
    unsafe { entry::C_GetFunctionList(function_list) }
}

/// C_GetInterfaceList (PKCS#11 v3.2, section 5.4.5).
///
/// # Safety
/// `count` is null or points to a writable `CK_ULONG`, `interface_list` is null or has room for `*count` interfaces.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInterfaceList(
    interface_list: *mut ck::CK_INTERFACE,
    count: *mut ck::CK_ULONG,
) -> ck::CK_RV {
    // SAFETY: passed on under the same contract.
    unsafe { entry::C_GetInterfaceList(interface_list, count) }
}

/// C_GetInterface (PKCS#11 v3.2, section 5.4.6).
///
/// # Safety
/// `interface_name` is null or a C string, `version` null or readable, `interface` null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInterface(
    interface_name: *mut ck::CK_UTF8CHAR,
    version: *mut ck::CK_VERSION,
    interface: *mut *mut ck::CK_INTERFACE,
    flags: ck::CK_FLAGS,
) -> ck::CK_RV {
    // SAFETY: passed on under the same contract.
    unsafe { entry::C_GetInterface(interface_name, version, interface, flags) }
}

/// The three handlers, under the name that the table gives their family.
mod lookup {
    use super::*;

    pub(super) unsafe fn function_list(out: *mut *mut ck::CK_FUNCTION_LIST) -> Result<()> {
        // SAFETY: the caller vouches for `out`; `write` checks null and alignment.
        unsafe { memory::write(out, std::ptr::from_ref(&LIST_2_40).cast_mut()) }
    }

    pub(super) unsafe fn interface_list(list: *mut ck::CK_INTERFACE, count: *mut ck::CK_ULONG) -> Result<()> {
        // SAFETY: the caller vouches for both pointers; `write_list` checks null, alignment and room.
        unsafe { memory::write_list(list, count, &INTERFACES.0) }
    }

    pub(super) unsafe fn interface(
        name: *mut ck::CK_UTF8CHAR,
        version: *mut ck::CK_VERSION,
        out: *mut *mut ck::CK_INTERFACE,
        flags: ck::CK_FLAGS,
    ) -> Result<()> {
        // SAFETY: the caller vouches for a C string; null means any name.
        let name_fits = name.is_null() || unsafe { CStr::from_ptr(name.cast()) } == NAME;
        // SAFETY: the caller vouches for a readable version; null means the newest.
        let wanted = unsafe { version.as_ref() };
        let position = VERSIONS.iter().position(|has| match wanted {
            None => true,
            Some(wanted) => (has.major, has.minor) == (wanted.major, wanted.minor),
        });
        match position.and_then(|at| INTERFACES.0.get(at)) {
            // SAFETY: the caller vouches for `out`; `write` checks null and alignment.
            Some(found) if name_fits && found.flags & flags == flags => unsafe {
                memory::write(out, std::ptr::from_ref(found).cast_mut())
            },
            // The arguments name an interface that is not here.
            _ => Err(ErrorKind::ArgumentsBad.into()),
        }
    }
}

/// How many functions the newest interface has; a sanity check of the table.
pub const FUNCTIONS: usize =
    (size_of::<ck::CK_FUNCTION_LIST_3_2>() - size_of::<usize>()) / size_of::<usize>();

const _: () = assert!(FUNCTIONS == 104);
