//! Object management (PKCS#11 v3.2, section 5.7).

use crate::error::{ErrorKind, Result};
use crate::module::{FindCursor, Module};
use crate::object::Template;
use crate::token::{ObjectHandle, Revealed};
use crate::types::ck;

/// C_CreateObject.
pub fn create(module: &Module, session: ck::CK_SESSION_HANDLE, template: Template) -> Result<ObjectHandle> {
    let session = module.session(session)?;
    session.lock()?.backend.create_object(session.access(), template)
}

/// C_CopyObject.
pub fn copy(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    object: ObjectHandle,
    template: Template,
) -> Result<ObjectHandle> {
    let session = module.session(session)?;
    session.lock()?.backend.copy_object(session.access(), object, template)
}

/// C_DestroyObject.
pub fn destroy(module: &Module, session: ck::CK_SESSION_HANDLE, object: ObjectHandle) -> Result<()> {
    let session = module.session(session)?;
    session.lock()?.backend.destroy_object(session.access(), object)
}

/// C_GetObjectSize, in bytes.
pub fn size(module: &Module, session: ck::CK_SESSION_HANDLE, object: ObjectHandle) -> Result<usize> {
    let session = module.session(session)?;
    session.lock()?.backend.object_size(session.access(), object)
}

/// C_GetAttributeValue.
pub fn attributes(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    object: ObjectHandle,
    wanted: &[ck::CK_ATTRIBUTE_TYPE],
) -> Result<Vec<Revealed>> {
    let session = module.session(session)?;
    session.lock()?.backend.attributes(session.access(), object, wanted)
}

/// C_SetAttributeValue.
pub fn set_attributes(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    object: ObjectHandle,
    template: Template,
) -> Result<()> {
    let session = module.session(session)?;
    session.lock()?.backend.set_attributes(session.access(), object, template)
}

/// C_FindObjectsInit: all matches are determined here, so a search sees one moment of the token.
pub fn find_init(module: &Module, session: ck::CK_SESSION_HANDLE, template: &Template) -> Result<()> {
    let session = module.session(session)?;
    let mut state = session.lock()?;
    if state.find.is_some() {
        return Err(ErrorKind::OperationActive.into());
    }
    let matches = state.backend.find_objects(session.access(), template)?;
    state.find = Some(FindCursor::new(matches));
    Ok(())
}

/// C_FindObjects: fills `room` and answers how many.
pub fn find(module: &Module, session: ck::CK_SESSION_HANDLE, room: &mut [ObjectHandle]) -> Result<usize> {
    let session = module.session(session)?;
    let mut state = session.lock()?;
    let cursor = state.find.as_mut().ok_or(ErrorKind::OperationNotInitialized)?;
    Ok(cursor.next_into(room))
}

/// C_FindObjectsFinal.
pub fn find_final(module: &Module, session: ck::CK_SESSION_HANDLE) -> Result<()> {
    let session = module.session(session)?;
    let mut state = session.lock()?;
    state.find.take().map(drop).ok_or_else(|| ErrorKind::OperationNotInitialized.into())
}
