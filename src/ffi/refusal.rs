//! What the specification says of a refused call beside the refusal itself. Handlers look at a call's pointers before
//! its session, so that nothing is read twice; what should have come first is made up for here, where no good call pays.

use super::state;
use crate::calls;
use crate::error::{Error, ErrorKind};
use crate::types::ck;
use crate::types::functions::Effect;

/// What handlers say of arguments before they look at the session. Every other error is of the call itself, or is why the
/// session is gone.
const OF_ARGUMENTS: [ErrorKind; 6] = [
    ErrorKind::ArgumentsBad,
    ErrorKind::AttributeValueInvalid,
    ErrorKind::MechanismInvalid,
    ErrorKind::MechanismParamInvalid,
    ErrorKind::TemplateInconsistent,
    ErrorKind::UserTypeInvalid,
];

/// The error that is told: CKR_SESSION_HANDLE_INVALID comes before what else is wrong (PKCS#11 v3.2, section 5.1.7).
/// Arguments that no handler could use end the operation that they were for, as its other errors do; so does a lack of
/// memory for them.
#[cold]
#[inline(never)]
pub(super) fn judge(session: Option<ck::CK_SESSION_HANDLE>, effect: Effect, error: Error) -> Error {
    let (Some(session), Ok(module)) = (session, state::module()) else { return error };
    let lacks_memory = error.kind() == ErrorKind::HostMemory;
    if !lacks_memory && !OF_ARGUMENTS.contains(&error.kind()) {
        return error;
    }
    let unheard = lacks_memory || error.kind() == ErrorKind::ArgumentsBad;
    let ended = match effect {
        Effect::Step(operations) | Effect::End(operations) if unheard => operations,
        _ => 0,
    };
    let invalid = calls::session::refused(module, session, ended).err();
    invalid.filter(|_| !lacks_memory).unwrap_or(error)
}
