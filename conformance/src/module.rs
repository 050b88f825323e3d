//! A loaded PKCS#11 module.
//!
//! [`Module`] is a cheap handle (clone it into threads); the shared library behind it is never unloaded,
//! since a module may hold threads, thread-locals and exit handlers.

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cryptoki_sys::*;
use libloading::Library;

use crate::functions::Functions;
use crate::session::Session;
use crate::{Rv, call, size, ulen};

/// A PKCS#11 module, loaded but not necessarily initialized.
#[derive(Clone)]
pub struct Module(Arc<Inner>);

struct Inner {
    path: PathBuf,
    functions: Functions,
}

/// C_OpenSession flags of a read-write session.
pub const RW: CK_FLAGS = CKF_SERIAL_SESSION | CKF_RW_SESSION;
/// C_OpenSession flags of a read-only session.
pub const RO: CK_FLAGS = CKF_SERIAL_SESSION;

impl Module {
    /// Loads the module at `path`. A second load of the same file shares its static state.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, String> {
        let path = path.as_ref().to_path_buf();
        // SAFETY: loading runs the library's constructors, which is what the caller asked for.
        let library =
            unsafe { Library::new(&path) }.map_err(|error| format!("{}: {error}", path.display()))?;
        let functions = Functions::read(&library).map_err(|error| format!("{}: {error}", path.display()))?;
        std::mem::forget(library);
        Ok(Self(Arc::new(Inner { path, functions })))
    }

    /// Loads a private copy of the module, with static state of its own.
    ///
    /// The copy is unlinked at once. Modules that load companions beside themselves, or that are written
    /// in C++ with unique symbols, may not take it well: they want a process of their own.
    pub fn load_private(path: impl AsRef<Path>) -> Result<Self, String> {
        let path = path.as_ref();
        let copy = tempfile::Builder::new()
            .prefix("module-")
            .suffix(".so")
            .tempfile()
            .map_err(|error| error.to_string())?;
        std::fs::copy(path, copy.path()).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::load(copy.path())
    }

    /// Where the module was loaded from.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The raw function table in the shape of v3.2; entries that the module lacks are `None`.
    pub fn functions(&self) -> &CK_FUNCTION_LIST_3_2 {
        &self.0.functions.table
    }

    /// What the tables say about the module itself.
    pub fn tables(&self) -> &Functions {
        &self.0.functions
    }

    /// C_Initialize with CKF_OS_LOCKING_OK and, where given, `reserved` in pReserved (NUL-terminated).
    pub fn initialize(&self, reserved: Option<&str>) -> Result<(), Rv> {
        let reserved = reserved.and_then(|text| CString::new(text).ok());
        let mut arguments = CK_C_INITIALIZE_ARGS {
            flags: CKF_OS_LOCKING_OK,
            pReserved: reserved.as_ref().map_or(std::ptr::null_mut(), |text| text.as_ptr().cast_mut().cast()),
            ..Default::default()
        };
        self.initialize_with(Some(&mut arguments))
    }

    /// C_Initialize with these arguments, or with a null pointer.
    pub fn initialize_with(&self, arguments: Option<&mut CK_C_INITIALIZE_ARGS>) -> Result<(), Rv> {
        let pointer = arguments.map_or(std::ptr::null_mut(), std::ptr::from_mut);
        Rv::check(call!(self, C_Initialize(pointer.cast())).0)
    }

    /// C_Finalize(NULL).
    pub fn finalize(&self) -> Result<(), Rv> {
        Rv::check(call!(self, C_Finalize(std::ptr::null_mut())).0)
    }

    /// C_GetInfo.
    pub fn info(&self) -> Result<CK_INFO, Rv> {
        let mut info = CK_INFO::default();
        Rv::check(call!(self, C_GetInfo(&mut info)).0).map(|()| info)
    }

    /// C_GetSlotList.
    pub fn slots(&self, token_present: bool) -> Result<Vec<CK_SLOT_ID>, Rv> {
        list(|slots, count| call!(self, C_GetSlotList(u8::from(token_present), slots, count)))
    }

    /// C_GetSlotInfo.
    pub fn slot_info(&self, slot: CK_SLOT_ID) -> Result<CK_SLOT_INFO, Rv> {
        let mut info = CK_SLOT_INFO::default();
        Rv::check(call!(self, C_GetSlotInfo(slot, &mut info)).0).map(|()| info)
    }

    /// C_GetTokenInfo.
    pub fn token_info(&self, slot: CK_SLOT_ID) -> Result<CK_TOKEN_INFO, Rv> {
        let mut info = CK_TOKEN_INFO::default();
        Rv::check(call!(self, C_GetTokenInfo(slot, &mut info)).0).map(|()| info)
    }

    /// C_GetMechanismList.
    pub fn mechanisms(&self, slot: CK_SLOT_ID) -> Result<Vec<CK_MECHANISM_TYPE>, Rv> {
        list(|mechanisms, count| call!(self, C_GetMechanismList(slot, mechanisms, count)))
    }

    /// C_GetMechanismInfo.
    pub fn mechanism_info(
        &self,
        slot: CK_SLOT_ID,
        mechanism: CK_MECHANISM_TYPE,
    ) -> Result<CK_MECHANISM_INFO, Rv> {
        let mut info = CK_MECHANISM_INFO::default();
        Rv::check(call!(self, C_GetMechanismInfo(slot, mechanism, &mut info)).0).map(|()| info)
    }

    /// Whether the slot's token offers `mechanism` with all of `flags` (CKF_SIGN and so on; 0 for any use).
    pub fn offers(&self, slot: CK_SLOT_ID, mechanism: CK_MECHANISM_TYPE, flags: CK_FLAGS) -> bool {
        self.mechanism_info(slot, mechanism).is_ok_and(|info| info.flags & flags == flags)
    }

    /// C_InitToken; the label is padded to its 32 bytes.
    pub fn init_token(&self, slot: CK_SLOT_ID, so_pin: &str, label: &str) -> Result<(), Rv> {
        let mut padded = [b' '; 32];
        for (target, byte) in padded.iter_mut().zip(label.bytes()) {
            *target = byte;
        }
        let (pin, len) = (so_pin.as_ptr().cast_mut(), ulen(so_pin.len()));
        Rv::check(call!(self, C_InitToken(slot, pin, len, padded.as_mut_ptr())).0)
    }

    /// C_OpenSession; see [`RW`] and [`RO`] for the usual flags.
    pub fn open_session(&self, slot: CK_SLOT_ID, flags: CK_FLAGS) -> Result<Session, Rv> {
        let mut handle = CK_INVALID_HANDLE;
        Rv::check(call!(self, C_OpenSession(slot, flags, std::ptr::null_mut(), None, &mut handle)).0)?;
        Ok(Session::from_handle(self.clone(), handle))
    }

    /// C_CloseAllSessions.
    pub fn close_all_sessions(&self, slot: CK_SLOT_ID) -> Result<(), Rv> {
        Rv::check(call!(self, C_CloseAllSessions(slot)).0)
    }

    /// C_WaitForSlotEvent with CKF_DONT_BLOCK.
    pub fn poll_slot_event(&self) -> Result<CK_SLOT_ID, Rv> {
        let mut slot = 0;
        let rv = call!(self, C_WaitForSlotEvent(CKF_DONT_BLOCK, &mut slot, std::ptr::null_mut()));
        Rv::check(rv.0).map(|()| slot)
    }

    /// The slot whose token is called `label`.
    pub fn slot_of(&self, label: &str) -> Result<Option<CK_SLOT_ID>, Rv> {
        for slot in self.slots(true)? {
            if self.token_info(slot).is_ok_and(|info| text(&info.label) == label) {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }
}

/// Two-step list retrieval: the count first, then the elements.
fn list<T: Copy + Default>(get: impl Fn(*mut T, *mut CK_ULONG) -> Rv) -> Result<Vec<T>, Rv> {
    let mut count = 0;
    Rv::check(get(std::ptr::null_mut(), &mut count).0)?;
    let mut elements = vec![T::default(); size(count)];
    Rv::check(get(elements.as_mut_ptr(), &mut count).0)?;
    elements.truncate(size(count));
    Ok(elements)
}

/// The text of a blank-padded field.
pub fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim_end_matches([' ', '\0']).to_owned()
}
