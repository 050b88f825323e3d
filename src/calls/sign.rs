//! Digests, signatures and MACs, verification (PKCS#11 v3.2, sections 5.12 to 5.15).

use crate::error::Result;
use crate::mechanism::Mechanism;
use crate::module::operation::{Answer, Output};
use crate::module::{Module, end_operation};
use crate::token::{ObjectHandle, Prepared};
use crate::types::ck;

/// C_DigestInit. Without a mechanism it ends the active operation.
pub fn digest_init(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    mechanism: Option<&Mechanism>,
) -> Result<()> {
    let session = module.session(session)?;
    let mut state = session.lock()?;
    let Some(mechanism) = mechanism else {
        return end_operation(&mut state.digest);
    };
    state.digest.expect_idle()?;
    let operation = state.backend.digest(mechanism)?;
    state.digest.start(Prepared { operation, authenticate: false });
    Ok(())
}

/// C_Digest.
pub fn digest(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    data: &[u8],
    output: Output<'_>,
) -> Result<Answer> {
    module.session(session)?.lock()?.digest.produce(data, output)
}

/// C_DigestUpdate.
pub fn digest_update(module: &Module, session: ck::CK_SESSION_HANDLE, part: &[u8]) -> Result<()> {
    module.session(session)?.lock()?.digest.update(part)
}

/// C_DigestFinal.
pub fn digest_final(module: &Module, session: ck::CK_SESSION_HANDLE, output: Output<'_>) -> Result<Answer> {
    module.session(session)?.lock()?.digest.finish(output)
}

/// C_SignInit. Without a mechanism it ends the active operation.
pub fn sign_init(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    mechanism: Option<&Mechanism>,
    key: ObjectHandle,
) -> Result<()> {
    let session = module.session(session)?;
    let mut state = session.lock()?;
    let Some(mechanism) = mechanism else {
        return end_operation(&mut state.sign);
    };
    state.sign.expect_idle()?;
    let prepared = state.backend.sign(session.access(), mechanism, key)?;
    state.sign.start(prepared);
    Ok(())
}

/// C_Sign.
pub fn sign(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    data: &[u8],
    output: Output<'_>,
) -> Result<Answer> {
    module.session(session)?.lock()?.sign.produce(data, output)
}

/// C_SignUpdate.
pub fn sign_update(module: &Module, session: ck::CK_SESSION_HANDLE, part: &[u8]) -> Result<()> {
    module.session(session)?.lock()?.sign.update(part)
}

/// C_SignFinal.
pub fn sign_final(module: &Module, session: ck::CK_SESSION_HANDLE, output: Output<'_>) -> Result<Answer> {
    module.session(session)?.lock()?.sign.finish(output)
}

/// C_VerifyInit. Without a mechanism it ends the active operation.
pub fn verify_init(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    mechanism: Option<&Mechanism>,
    key: ObjectHandle,
) -> Result<()> {
    let session = module.session(session)?;
    let mut state = session.lock()?;
    let Some(mechanism) = mechanism else {
        return end_operation(&mut state.verify);
    };
    state.verify.expect_idle()?;
    let prepared = state.backend.verify(session.access(), mechanism, key)?;
    state.verify.start(prepared);
    Ok(())
}

/// C_Verify.
pub fn verify(module: &Module, session: ck::CK_SESSION_HANDLE, data: &[u8], signature: &[u8]) -> Result<()> {
    module.session(session)?.lock()?.verify.verify(data, signature)
}

/// C_VerifyUpdate.
pub fn verify_update(module: &Module, session: ck::CK_SESSION_HANDLE, part: &[u8]) -> Result<()> {
    module.session(session)?.lock()?.verify.update(part)
}

/// C_VerifyFinal.
pub fn verify_final(module: &Module, session: ck::CK_SESSION_HANDLE, signature: &[u8]) -> Result<()> {
    module.session(session)?.lock()?.verify.finish(signature)
}
