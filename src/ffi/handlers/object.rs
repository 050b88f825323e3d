//! Objects (PKCS#11 v3.2, section 5.7).

use crate::calls;
use crate::error::Result;
use crate::ffi::{memory, state, templates};
use crate::module::is_foreign;
use crate::types::{ck, length, ulong};

pub(in crate::ffi) unsafe fn create(
    session: ck::CK_SESSION_HANDLE,
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
    object: *mut ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    memory::check_target(object)?;
    // SAFETY: the host vouches for template and target.
    unsafe {
        let template = templates::template(template, count)?;
        memory::write(object, calls::object::create(module, session, template)?)
    }
}

pub(in crate::ffi) unsafe fn copy(
    session: ck::CK_SESSION_HANDLE,
    object: ck::CK_OBJECT_HANDLE,
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
    new_object: *mut ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    let module = state::module()?;
    memory::check_target(new_object)?;
    // SAFETY: the host vouches for template and target.
    unsafe {
        let template = templates::template(template, count)?;
        memory::write(new_object, calls::object::copy(module, session, object, template)?)
    }
}

pub(in crate::ffi) unsafe fn destroy(
    session: ck::CK_SESSION_HANDLE,
    object: ck::CK_OBJECT_HANDLE,
) -> Result<()> {
    calls::object::destroy(state::module()?, session, object)
}

pub(in crate::ffi) unsafe fn size(
    session: ck::CK_SESSION_HANDLE,
    object: ck::CK_OBJECT_HANDLE,
    size: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    memory::check_target(size)?;
    // SAFETY: the host vouches for the target.
    unsafe { memory::write(size, ulong(calls::object::size(module, session, object)?)) }
}

pub(in crate::ffi) unsafe fn attributes(
    session: ck::CK_SESSION_HANDLE,
    object: ck::CK_OBJECT_HANDLE,
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the template and the room in it.
    unsafe {
        let slots = templates::slots(template, count)?;
        let wanted: Vec<_> = slots.iter().map(|slot| slot.type_).collect();
        let answers = calls::object::attributes(module, session, object, &wanted)?;
        templates::write(slots, &answers)
    }
}

pub(in crate::ffi) unsafe fn set_attributes(
    session: ck::CK_SESSION_HANDLE,
    object: ck::CK_OBJECT_HANDLE,
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    // SAFETY: the host vouches for the template.
    let template = unsafe { templates::template(template, count) }?;
    calls::object::set_attributes(module, session, object, template)
}

pub(in crate::ffi) unsafe fn find_init(
    session: ck::CK_SESSION_HANDLE,
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    if is_foreign(session) {
        // SAFETY: the host vouches for the template.
        let template = unsafe { templates::unparsed(template, count) }?;
        return calls::foreign::find_init(module, session, &template);
    }
    // SAFETY: the host vouches for the template.
    let template = unsafe { templates::search(template, count) }?;
    calls::object::find_init(module, session, &template)
}

pub(in crate::ffi) unsafe fn find(
    session: ck::CK_SESSION_HANDLE,
    object: *mut ck::CK_OBJECT_HANDLE,
    max_count: ck::CK_ULONG,
    count: *mut ck::CK_ULONG,
) -> Result<()> {
    let module = state::module()?;
    memory::check_target(count)?;
    // SAFETY: the host vouches for both targets.
    unsafe {
        let room = memory::output_array(object, max_count)?;
        let found = calls::object::find(module, session, room)?;
        debug_assert!(found <= length(max_count));
        memory::write(count, ulong(found))
    }
}

pub(in crate::ffi) unsafe fn find_final(session: ck::CK_SESSION_HANDLE) -> Result<()> {
    calls::object::find_final(state::module()?, session)
}
