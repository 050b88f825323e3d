//! Encryption and decryption (PKCS#11 v3.2, sections 5.8 and 5.10).

use crate::error::Result;
use crate::mechanism::Mechanism;
use crate::module::operation::{Answer, Output};
use crate::module::{Module, end_operation};
use crate::token::ObjectHandle;
use crate::types::ck;

/// C_EncryptInit. Without a mechanism it ends the active operation.
pub fn encrypt_init(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    mechanism: Option<&Mechanism>,
    key: ObjectHandle,
) -> Result<()> {
    let session = module.session(session)?;
    let mut state = session.lock()?;
    let Some(mechanism) = mechanism else {
        return end_operation(&mut state.encrypt);
    };
    state.encrypt.expect_idle()?;
    let prepared = state.backend.encrypt(session.access(), mechanism, key)?;
    state.encrypt.start(prepared);
    Ok(())
}

/// C_Encrypt.
pub fn encrypt(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    data: &[u8],
    output: Output<'_>,
) -> Result<Answer> {
    module.session(session)?.lock()?.encrypt.once(data, output)
}

/// C_EncryptUpdate.
pub fn encrypt_update(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    data: &[u8],
    output: Output<'_>,
) -> Result<Answer> {
    module.session(session)?.lock()?.encrypt.update(data, output)
}

/// C_EncryptFinal.
pub fn encrypt_final(module: &Module, session: ck::CK_SESSION_HANDLE, output: Output<'_>) -> Result<Answer> {
    module.session(session)?.lock()?.encrypt.finish(output)
}

/// C_DecryptInit. Without a mechanism it ends the active operation.
pub fn decrypt_init(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    mechanism: Option<&Mechanism>,
    key: ObjectHandle,
) -> Result<()> {
    let session = module.session(session)?;
    let mut state = session.lock()?;
    let Some(mechanism) = mechanism else {
        return end_operation(&mut state.decrypt);
    };
    state.decrypt.expect_idle()?;
    let prepared = state.backend.decrypt(session.access(), mechanism, key)?;
    state.decrypt.start(prepared);
    Ok(())
}

/// C_Decrypt.
pub fn decrypt(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    data: &[u8],
    output: Output<'_>,
) -> Result<Answer> {
    module.session(session)?.lock()?.decrypt.once(data, output)
}

/// C_DecryptUpdate.
pub fn decrypt_update(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    data: &[u8],
    output: Output<'_>,
) -> Result<Answer> {
    module.session(session)?.lock()?.decrypt.update(data, output)
}

/// C_DecryptFinal.
pub fn decrypt_final(module: &Module, session: ck::CK_SESSION_HANDLE, output: Output<'_>) -> Result<Answer> {
    module.session(session)?.lock()?.decrypt.finish(output)
}
