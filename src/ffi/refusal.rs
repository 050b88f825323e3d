//! What the specification says of a refused call beside the refusal itself. Handlers look at a call's pointers before
//! its session, so that nothing is read twice; what should have come first is made up for here, where no good call pays.

use super::state;
use crate::calls;
use crate::error::{Error, ErrorKind};
use crate::types::ck;
use crate::types::functions::Effect;

/// What an invalid session does not come before: failures of the module and of the token (sections 5.1.1 and 5.1.3),
/// which may be why the session is gone.
const COMES_FIRST: [ErrorKind; 7] = [
    ErrorKind::FunctionNotSupported,
    ErrorKind::GeneralError,
    ErrorKind::FunctionFailed,
    ErrorKind::DeviceError,
    ErrorKind::DeviceMemory,
    ErrorKind::DeviceRemoved,
    ErrorKind::TokenNotPresent,
];

/// The error that is told: CKR_SESSION_HANDLE_INVALID comes before what else is wrong (PKCS#11 v3.2, section 5.1.7).
/// Arguments that no handler could use end the operation that they were for, as its other errors do; so does a lack of
/// memory for them.
#[cold]
#[inline(never)]
pub(super) fn judge(session: Option<ck::CK_SESSION_HANDLE>, effect: Effect, error: Error) -> Error {
    let (Some(session), Ok(module)) = (session, state::module()) else { return error };
    if COMES_FIRST.contains(&error.kind()) {
        return error;
    }
    let unheard = matches!(error.kind(), ErrorKind::ArgumentsBad | ErrorKind::HostMemory);
    let ended = match effect {
        Effect::Step(operations) | Effect::End(operations) if unheard => operations,
        _ => 0,
    };
    calls::session::refused(module, session, ended).err().unwrap_or(error)
}
