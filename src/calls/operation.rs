//! Encryption, decryption, digests, signatures and verification (PKCS#11 v3.2, sections 5.8 to 5.15).
//!
//! Each function picks the session's slot for its operation and lets `module::operation` apply the lifetime rule. The
//! functions of a shape are rows: name, slot, method.

use crate::error::{ErrorKind, Result};
use crate::mechanism::Mechanism;
use crate::module::operation::{Answer, Judgement, Output};
use crate::module::{Module, end_operation};
use crate::token::{ObjectHandle, Prepared};
use crate::types::ck;

/// `C_*Init` with a key. Without a mechanism it ends the active operation.
macro_rules! init {
    ($($name:ident: $slot:ident $(unless $other:ident)?;)*) => { $(
        #[doc = concat!("Starts the session's `", stringify!($slot), "` operation; without a mechanism, ends it.")]
        pub fn $name(
            module: &Module,
            session: ck::CK_SESSION_HANDLE,
            mechanism: Option<&Mechanism>,
            key: ObjectHandle,
        ) -> Result<()> {
            let session = module.session(session)?;
            let mut state = session.lock()?;
            let Some(mechanism) = mechanism else {
                return end_operation(&mut state.$slot);
            };
            $( state.$other.expect_idle()?; )?
            state.$slot.expect_idle()?;
            let prepared = state.backend.$slot(session.access(), mechanism, key)?;
            let number = state.next_operation();
            state.$slot.start(prepared, number);
            Ok(())
        }
    )* };
}

/// Input to output.
macro_rules! transform {
    ($($name:ident: $slot:ident, $method:ident;)*) => { $(
        #[doc = concat!("The session's `", stringify!($slot), "` operation: input to output.")]
        pub fn $name(
            module: &Module,
            session: ck::CK_SESSION_HANDLE,
            input: &[u8],
            output: Output<'_>,
        ) -> Result<Answer> {
            module.session(session)?.lock()?.$slot.$method(input, output)
        }
    )* };
}

/// Input alone.
macro_rules! feed {
    ($($name:ident: $slot:ident, $method:ident;)*) => { $(
        #[doc = concat!("The session's `", stringify!($slot), "` operation: input alone.")]
        pub fn $name(module: &Module, session: ck::CK_SESSION_HANDLE, input: &[u8]) -> Result<()> {
            module.session(session)?.lock()?.$slot.$method(input)
        }
    )* };
}

/// Output alone.
macro_rules! finish {
    ($($name:ident: $slot:ident;)*) => { $(
        #[doc = concat!("The end of the session's multi-part `", stringify!($slot), "` operation.")]
        pub fn $name(module: &Module, session: ck::CK_SESSION_HANDLE, output: Output<'_>) -> Result<Answer> {
            module.session(session)?.lock()?.$slot.finish(output)
        }
    )* };
}

init! {
    encrypt_init: encrypt;
    decrypt_init: decrypt;
    sign_init: sign;
    verify_init: verify unless verify_signature;
    sign_recover_init: sign_recover;
    verify_recover_init: verify_recover;
}

transform! {
    encrypt: encrypt, once;
    encrypt_update: encrypt, update;
    decrypt: decrypt, once;
    decrypt_update: decrypt, update;
    digest: digest, produce;
    sign: sign, produce;
    sign_recover: sign_recover, produce;
    verify_recover: verify_recover, once;
}

feed! {
    digest_update: digest, update;
    sign_update: sign, update;
    verify_update: verify, update;
    verify_final: verify, finish;
    verify_signature: verify_signature, once;
    verify_signature_update: verify_signature, update;
}

finish! {
    encrypt_final: encrypt;
    decrypt_final: decrypt;
    digest_final: digest;
    sign_final: sign;
}

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
    let number = state.next_operation();
    (state.digests_with, state.digests_key) = (mechanism.kind, false);
    state.digest.start(Prepared { operation, authenticate: false }, number);
    Ok(())
}

/// C_DigestKey. Nothing that is wrong with the key ends the digest: nothing was fed.
pub fn digest_key(module: &Module, session: ck::CK_SESSION_HANDLE, key: ObjectHandle) -> Result<()> {
    let session = module.session(session)?;
    let state = &mut *session.lock()?;
    state.digest.expect_active()?;
    let (digest, mechanism) = (&mut state.digest, state.digests_with);
    state.backend.digest_key(session.access(), mechanism, key, &mut |value| digest.feed_key(value))?;
    state.digests_key = true;
    Ok(())
}

/// Two operations at once: the cipher's slot, the other's, and which way the data goes.
macro_rules! dual {
    ($($name:ident: $cipher:ident, $sink:ident, $method:ident;)*) => { $(
        #[doc = concat!("The session's `", stringify!($cipher), "` and `", stringify!($sink), "` operations at once.")]
        pub fn $name(
            module: &Module,
            session: ck::CK_SESSION_HANDLE,
            input: &[u8],
            output: Output<'_>,
        ) -> Result<Answer> {
            let session = module.session(session)?;
            let state = &mut *session.lock()?;
            state.$cipher.$method(&mut state.$sink, input, output)
        }
    )* };
}

dual! {
    digest_encrypt_update: encrypt, digest, update_beside;
    sign_encrypt_update: encrypt, sign, update_beside;
    decrypt_digest_update: decrypt, digest, update_before;
    decrypt_verify_update: decrypt, verify, update_before;
}

/// C_VerifySignatureInit. Without a mechanism it ends the active operation.
pub fn verify_signature_init(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    mechanism: Option<&Mechanism>,
    key: ObjectHandle,
    signature: &[u8],
) -> Result<()> {
    let session = module.session(session)?;
    let mut state = session.lock()?;
    let Some(mechanism) = mechanism else {
        return end_operation(&mut state.verify_signature);
    };
    state.verify.expect_idle()?;
    state.verify_signature.expect_idle()?;
    let Prepared { operation, authenticate } = state.backend.verify(session.access(), mechanism, key)?;
    let mut own = Vec::new();
    own.try_reserve_exact(signature.len()).map_err(|_| ErrorKind::HostMemory)?;
    own.extend_from_slice(signature);
    let operation = Box::new(Judgement { verifier: operation, signature: own });
    let number = state.next_operation();
    state.verify_signature.start(Prepared { operation, authenticate }, number);
    Ok(())
}

/// C_VerifySignatureFinal.
pub fn verify_signature_final(module: &Module, session: ck::CK_SESSION_HANDLE) -> Result<()> {
    module.session(session)?.lock()?.verify_signature.finish()
}

/// C_Verify.
pub fn verify(module: &Module, session: ck::CK_SESSION_HANDLE, data: &[u8], signature: &[u8]) -> Result<()> {
    module.session(session)?.lock()?.verify.verify(data, signature)
}
