//! The calls that keyward itself makes to a library, in safe terms: slots, sessions, logins, searches, attributes.

use std::ffi::{CString, c_void};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{ReentrantMutex, ReentrantMutexGuard};
use zeroize::Zeroizing;

use super::build::Template;
use super::remote::Remote;
use crate::error::{Error, ErrorKind, Result};
use crate::object::RawAttribute;
use crate::token::ObjectHandle;
use crate::types::functions::Library;
use crate::types::{ck, length, ulong};

/// More slots, mechanisms, or bytes of one attribute than any library has: a larger answer is a lie.
const MAX_ANSWER: usize = 1 << 24;

/// A library that is initialised.
pub struct Api {
    pub(super) library: Arc<dyn Library>,
    /// The process that the library runs in, where that is not ours.
    remote: Option<Arc<Remote>>,
    /// Held during each call where the library is not made for several threads.
    one_at_a_time: Option<ReentrantMutex<()>>,
}

/// A session below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenedSession(pub ck::CK_SESSION_HANDLE);

/// The library's answer as ours.
pub(super) fn answer(rv: ck::CK_RV, function: &'static str) -> Result<()> {
    match rv {
        ck::CKR_OK => Ok(()),
        rv => Err(Error::from_below(rv, format!("{function} of the library below"))),
    }
}

/// A PIN, a name: null where it is absent.
fn pointer(bytes: Option<&[u8]>) -> (*mut u8, ck::CK_ULONG) {
    bytes.map_or((std::ptr::null_mut(), 0), |bytes| (bytes.as_ptr().cast_mut(), ulong(bytes.len())))
}

impl Api {
    /// A library in this process. Its calls go through here from now on.
    pub fn new(library: Arc<dyn Library>, serialize: bool) -> Api {
        Api { library, remote: None, one_at_a_time: serialize.then(ReentrantMutex::default) }
    }

    /// A library in a process of its own, which takes one call at a time.
    pub fn isolated(library: &Path, timeout: Duration) -> std::result::Result<Api, String> {
        let remote = Arc::new(Remote::start(library, timeout)?);
        Ok(Api { library: remote.clone(), remote: Some(remote), one_at_a_time: None })
    }

    /// False once the process of the library ended.
    pub fn is_alive(&self) -> bool {
        self.remote.as_ref().is_none_or(|remote| remote.is_alive())
    }

    /// In a forked child: lets go of what belongs to the parent.
    pub fn abandon(&self) {
        if let Some(remote) = &self.remote {
            remote.abandon();
        }
    }

    /// The library, for calls that are passed on.
    pub fn library(&self) -> &dyn Library {
        &*self.library
    }

    /// Holds other threads off, where the library needs it.
    pub fn alone(&self) -> Option<ReentrantMutexGuard<'_, ()>> {
        self.one_at_a_time.as_ref().map(ReentrantMutex::lock)
    }

    /// C_Initialize with the system's locks and `reserved` in pReserved.
    pub fn initialize(&self, reserved: Option<&str>) -> Result<()> {
        let _alone = self.alone();
        let reserved = reserved.map(CString::new).transpose();
        let reserved =
            reserved.map_err(|_| Error::new(ErrorKind::ArgumentsBad, "init_args: a zero byte within"))?;
        let mut arguments = ck::CK_C_INITIALIZE_ARGS {
            flags: ck::CKF_OS_LOCKING_OK,
            pReserved: reserved.as_ref().map_or(std::ptr::null_mut(), |text| text.as_ptr().cast_mut().cast()),
            ..Default::default()
        };
        // SAFETY: the structure and what it points to outlive the call.
        let rv = unsafe { self.library.C_Initialize((&raw mut arguments).cast::<c_void>()) };
        answer(rv, "C_Initialize")
    }

    /// C_Finalize.
    pub fn finalize(&self) -> Result<()> {
        let _alone = self.alone();
        // SAFETY: null is what the specification asks for.
        answer(unsafe { self.library.C_Finalize(std::ptr::null_mut()) }, "C_Finalize")
    }

    /// C_GetSlotList(CK_FALSE): a token may come or go between the question for the size and the list.
    pub fn slots(&self) -> Result<Vec<ck::CK_SLOT_ID>> {
        // SAFETY: `list` passes a pointer that is null or has room for the count that goes with it.
        self.list("C_GetSlotList", |list, count| unsafe {
            self.library.C_GetSlotList(ck::CK_FALSE, list, count)
        })
    }

    /// C_GetMechanismList.
    pub fn mechanisms(&self, slot: ck::CK_SLOT_ID) -> Result<Vec<ck::CK_MECHANISM_TYPE>> {
        // SAFETY: as in `slots`.
        self.list("C_GetMechanismList", |list, count| unsafe {
            self.library.C_GetMechanismList(slot, list, count)
        })
    }

    /// A list whose length is asked for first, and once more where it grew in between.
    fn list(
        &self,
        function: &'static str,
        call: impl Fn(*mut ck::CK_ULONG, *mut ck::CK_ULONG) -> ck::CK_RV,
    ) -> Result<Vec<ck::CK_ULONG>> {
        let _alone = self.alone();
        for _ in 0..3 {
            let mut count = 0;
            answer(call(std::ptr::null_mut(), &raw mut count), function)?;
            let mut list: Vec<ck::CK_ULONG> = zeroed(length(count))?;
            match call(list.as_mut_ptr(), &raw mut count) {
                ck::CKR_BUFFER_TOO_SMALL => continue,
                rv => answer(rv, function)?,
            }
            list.truncate(length(count));
            return Ok(list);
        }
        Err(Error::new(ErrorKind::DeviceError, "the library below tells another size each time"))
    }

    /// C_GetSlotInfo.
    pub fn slot_info(&self, slot: ck::CK_SLOT_ID) -> Result<ck::CK_SLOT_INFO> {
        let _alone = self.alone();
        let mut info = ck::CK_SLOT_INFO::default();
        // SAFETY: room for one structure.
        answer(unsafe { self.library.C_GetSlotInfo(slot, &raw mut info) }, "C_GetSlotInfo")?;
        Ok(info)
    }

    /// C_GetTokenInfo.
    pub fn token_info(&self, slot: ck::CK_SLOT_ID) -> Result<ck::CK_TOKEN_INFO> {
        let _alone = self.alone();
        let mut info = ck::CK_TOKEN_INFO::default();
        // SAFETY: room for one structure.
        answer(unsafe { self.library.C_GetTokenInfo(slot, &raw mut info) }, "C_GetTokenInfo")?;
        Ok(info)
    }

    /// C_GetMechanismInfo.
    pub fn mechanism_info(
        &self,
        slot: ck::CK_SLOT_ID,
        kind: ck::CK_MECHANISM_TYPE,
    ) -> Result<ck::CK_MECHANISM_INFO> {
        let _alone = self.alone();
        let mut info = ck::CK_MECHANISM_INFO::default();
        // SAFETY: room for one structure.
        answer(unsafe { self.library.C_GetMechanismInfo(slot, kind, &raw mut info) }, "C_GetMechanismInfo")?;
        Ok(info)
    }

    /// C_InitToken.
    pub fn init_token(&self, slot: ck::CK_SLOT_ID, pin: Option<&[u8]>, mut label: [u8; 32]) -> Result<()> {
        let _alone = self.alone();
        let (pin, len) = pointer(pin);
        // SAFETY: the PIN has its length, a label has 32 bytes.
        answer(unsafe { self.library.C_InitToken(slot, pin, len, label.as_mut_ptr()) }, "C_InitToken")
    }

    /// C_OpenSession.
    pub fn open(&self, slot: ck::CK_SLOT_ID, read_write: bool) -> Result<OpenedSession> {
        let _alone = self.alone();
        let flags = ck::CKF_SERIAL_SESSION | if read_write { ck::CKF_RW_SESSION } else { 0 };
        let mut session = 0;
        // SAFETY: room for one handle; no callback, so no application pointer.
        let rv =
            unsafe { self.library.C_OpenSession(slot, flags, std::ptr::null_mut(), None, &raw mut session) };
        answer(rv, "C_OpenSession")?;
        Ok(OpenedSession(session))
    }

    /// C_CloseSession.
    pub fn close(&self, session: OpenedSession) -> Result<()> {
        let _alone = self.alone();
        // SAFETY: numbers only.
        answer(unsafe { self.library.C_CloseSession(session.0) }, "C_CloseSession")
    }

    /// C_GetSessionInfo: whether the session is still there.
    pub fn is_open(&self, session: OpenedSession) -> bool {
        let _alone = self.alone();
        let mut info = ck::CK_SESSION_INFO::default();
        // SAFETY: room for one structure.
        unsafe { self.library.C_GetSessionInfo(session.0, &raw mut info) == ck::CKR_OK }
    }

    /// C_Login, or C_LoginUser where there is a name.
    pub fn login(
        &self,
        session: OpenedSession,
        user: ck::CK_USER_TYPE,
        pin: Option<&[u8]>,
        name: Option<&[u8]>,
    ) -> Result<()> {
        let _alone = self.alone();
        let (pin, len) = pointer(pin);
        match name {
            // SAFETY: the PIN has its length.
            None => answer(unsafe { self.library.C_Login(session.0, user, pin, len) }, "C_Login"),
            Some(_) => {
                let (name, name_len) = pointer(name);
                // SAFETY: PIN and name have their lengths.
                let rv = unsafe { self.library.C_LoginUser(session.0, user, pin, len, name, name_len) };
                answer(rv, "C_LoginUser")
            }
        }
    }

    /// C_Logout.
    pub fn logout(&self, session: OpenedSession) -> Result<()> {
        let _alone = self.alone();
        // SAFETY: numbers only.
        answer(unsafe { self.library.C_Logout(session.0) }, "C_Logout")
    }

    /// C_InitPIN.
    pub fn init_pin(&self, session: OpenedSession, pin: Option<&[u8]>) -> Result<()> {
        let _alone = self.alone();
        let (pin, len) = pointer(pin);
        // SAFETY: the PIN has its length.
        answer(unsafe { self.library.C_InitPIN(session.0, pin, len) }, "C_InitPIN")
    }

    /// C_SetPIN.
    pub fn set_pin(&self, session: OpenedSession, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<()> {
        let _alone = self.alone();
        let ((old, old_len), (new, new_len)) = (pointer(old), pointer(new));
        // SAFETY: both PINs have their lengths.
        answer(unsafe { self.library.C_SetPIN(session.0, old, old_len, new, new_len) }, "C_SetPIN")
    }

    /// C_SessionCancel.
    pub fn cancel(&self, session: OpenedSession, flags: ck::CK_FLAGS) -> Result<()> {
        let _alone = self.alone();
        // SAFETY: numbers only.
        answer(unsafe { self.library.C_SessionCancel(session.0, flags) }, "C_SessionCancel")
    }

    /// Every match of a search. The search is ended whatever happens in it.
    pub fn find(&self, session: OpenedSession, template: &[RawAttribute<'_>]) -> Result<Vec<ObjectHandle>> {
        let _alone = self.alone();
        let template = Template::new(template);
        // SAFETY: the array outlives the call.
        let rv = unsafe { self.library.C_FindObjectsInit(session.0, template.pointer(), template.count()) };
        answer(rv, "C_FindObjectsInit")?;
        let found = self.matches(session);
        // SAFETY: numbers only. What it answers changes nothing about what was found.
        unsafe { self.library.C_FindObjectsFinal(session.0) };
        found
    }

    fn matches(&self, session: OpenedSession) -> Result<Vec<ObjectHandle>> {
        let mut all = Vec::new();
        let mut room = [0; 256];
        loop {
            let mut count = 0;
            // SAFETY: room for 256 handles, as is said.
            let rv = unsafe {
                self.library.C_FindObjects(session.0, room.as_mut_ptr(), ulong(room.len()), &raw mut count)
            };
            answer(rv, "C_FindObjects")?;
            let found = room.get(..length(count)).ok_or_else(too_much)?;
            if found.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(found);
        }
    }

    /// The values of some attributes; `None` for one that the object does not have or show.
    pub fn attributes(
        &self,
        session: OpenedSession,
        object: ObjectHandle,
        wanted: &[ck::CK_ATTRIBUTE_TYPE],
    ) -> Result<Vec<Option<Zeroizing<Vec<u8>>>>> {
        let _alone = self.alone();
        let mut raw: Vec<_> = wanted
            .iter()
            .map(|&kind| ck::CK_ATTRIBUTE { type_: kind, pValue: std::ptr::null_mut(), ulValueLen: 0 })
            .collect();
        self.read_attributes(session, object, &mut raw)?;
        let available = |len: ck::CK_ULONG| len != ck::CK_UNAVAILABLE_INFORMATION;
        let mut values = Vec::new();
        for attribute in &mut raw {
            let len = if available(attribute.ulValueLen) { length(attribute.ulValueLen) } else { 0 };
            let mut value: Zeroizing<Vec<u8>> = Zeroizing::new(zeroed(len)?);
            attribute.pValue = value.as_mut_ptr().cast();
            attribute.ulValueLen = ulong(len);
            values.push(value);
        }
        // An attribute that is not there had its length told above; asking for its value would be an error again.
        self.read_attributes(session, object, &mut raw)?;
        let value = |(attribute, mut value): (&ck::CK_ATTRIBUTE, Zeroizing<Vec<u8>>)| {
            let len =
                Some(attribute.ulValueLen).filter(|&len| available(len) && length(len) <= value.len())?;
            value.truncate(length(len));
            Some(value)
        };
        Ok(raw.iter().zip(values).map(value).collect())
    }

    /// C_GetAttributeValue. That an attribute is missing or secret is told by its length, not by an error.
    fn read_attributes(
        &self,
        session: OpenedSession,
        object: ObjectHandle,
        attributes: &mut [ck::CK_ATTRIBUTE],
    ) -> Result<()> {
        // SAFETY: each attribute is null or has room for its length.
        let rv = unsafe {
            self.library.C_GetAttributeValue(
                session.0,
                object,
                attributes.as_mut_ptr(),
                ulong(attributes.len()),
            )
        };
        match rv {
            ck::CKR_ATTRIBUTE_SENSITIVE | ck::CKR_ATTRIBUTE_TYPE_INVALID | ck::CKR_BUFFER_TOO_SMALL => Ok(()),
            rv => answer(rv, "C_GetAttributeValue"),
        }
    }

    /// C_DestroyObject.
    pub fn destroy(&self, session: OpenedSession, object: ObjectHandle) -> Result<()> {
        let _alone = self.alone();
        // SAFETY: numbers only.
        answer(unsafe { self.library.C_DestroyObject(session.0, object) }, "C_DestroyObject")
    }
}

fn too_much() -> Error {
    Error::new(ErrorKind::DeviceError, "the library below tells a size that cannot be")
}

/// Zeros in a number that the library told: CKR_DEVICE_ERROR or CKR_HOST_MEMORY instead of an abort.
pub(super) fn zeroed<T: Default + Clone>(count: usize) -> Result<Vec<T>> {
    if count > MAX_ANSWER {
        return Err(too_much());
    }
    let mut list = Vec::new();
    list.try_reserve_exact(count).map_err(|_| ErrorKind::HostMemory)?;
    list.resize(count, T::default());
    Ok(list)
}
