//! Sessions whose tokens lie in another PKCS#11 library: calls go there as the caller made them.
//!
//! What the trait [`TokenSession`](super::TokenSession) says in parsed templates and mechanisms would lose what only the
//! library below knows: its own mechanisms, parameters and attributes. So the C ABI passes the call on, and the session
//! says what it means below: which library, which session, which handles.

use super::{Access, ObjectHandle};
use crate::error::Result;
use crate::object::RawAttribute;
use crate::types::ck;
use crate::types::functions::{Effect, Library};

/// One call's view of the library below.
pub trait Below {
    /// The library.
    fn library(&self) -> &dyn Library;
    /// The session there.
    fn session(&self) -> ck::CK_SESSION_HANDLE;
    /// The handle there of an object that the caller names. An object that was lost is CK_INVALID_HANDLE, for which
    /// the library has the CKR that fits the call. CKR_KEY_SIZE_RANGE where policy forbids the key.
    fn object(&self, handle: ObjectHandle) -> Result<ObjectHandle>;
    /// The handle here of an object that the call made.
    fn adopt(&self, below: ObjectHandle) -> ObjectHandle;
    /// CKR_MECHANISM_INVALID for a mechanism that configuration or policy switches off.
    fn permits(&self, mechanism: ck::CK_MECHANISM_TYPE) -> Result<()>;
    /// The caller asks for a size only: the operation goes on.
    fn note_size_query(&self);
}

/// A call on its way: makes it once, and may be asked to make it again. Answers what the library answered.
pub type Call<'a> = &'a mut dyn FnMut(&dyn Below) -> Result<ck::CK_RV>;

/// A session of a token that lies in another library.
pub trait Foreign {
    /// Makes a call below. Its answer is passed on exactly, except that a session or token that was lost below is
    /// looked for first.
    fn forward(&mut self, access: Access, effect: Effect, call: Call<'_>) -> Result<()>;
    /// C_FindObjectsInit to C_FindObjectsFinal: every match.
    fn find(&mut self, access: Access, template: &[RawAttribute<'_>]) -> Result<Vec<ObjectHandle>>;
    /// C_Login for CKU_CONTEXT_SPECIFIC.
    fn authenticate_again(&mut self, access: Access, pin: Option<&[u8]>) -> Result<()>;
    /// C_SessionCancel.
    fn cancel(&mut self, access: Access, flags: ck::CK_FLAGS) -> Result<()>;
    /// True once the session cannot go on: its token, or the login that it worked under, was lost below.
    fn lost(&self) -> bool;
}
