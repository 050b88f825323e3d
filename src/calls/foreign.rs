//! Calls that are passed on as they are, to the library in which the session's token lies.

use crate::error::{ErrorKind, Result};
use crate::module::{FindCursor, Module, SessionState};
use crate::object::RawAttribute;
use crate::token::{Access, Call, Foreign};
use crate::types::ck;
use crate::types::functions::Effect;

/// Works in a session of a foreign token. Where the token turns out to be lost, all its sessions end with the call, as
/// section 5.5.4 has it for a token that is removed. CKR_SESSION_HANDLE_INVALID.
fn with<T>(
    module: &Module,
    handle: ck::CK_SESSION_HANDLE,
    work: impl FnOnce(&mut dyn Foreign, Access) -> Result<T>,
) -> Result<T> {
    let session = module.session(handle)?;
    let mut state = session.lock()?;
    let foreign = state.backend.foreign().ok_or(ErrorKind::SessionHandleInvalid)?;
    let outcome = work(foreign, session.access());
    let lost = outcome.is_err() && foreign.lost();
    drop(state);
    if lost {
        module.close_all_sessions(session.slot());
    }
    outcome
}

/// Any function that works in a session.
pub fn forward(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    effect: Effect,
    call: Call<'_>,
) -> Result<()> {
    with(module, session, |foreign, access| foreign.forward(access, effect, call))
}

/// C_FindObjectsInit.
pub fn find_init(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    template: &[RawAttribute<'_>],
) -> Result<()> {
    let expect_no_search = |state: &SessionState| match state.find {
        None => Ok(()),
        Some(_) => Err(ErrorKind::OperationActive),
    };
    expect_no_search(&*module.session(session)?.lock()?)?;
    let matches = with(module, session, |foreign, access| foreign.find(access, template))?;
    let session = module.session(session)?;
    let mut state = session.lock()?;
    expect_no_search(&state)?;
    state.find = Some(FindCursor::new(matches));
    Ok(())
}
