//! Encryption, decryption, digests, signatures and verification (PKCS#11 v3.2, sections 5.8 to 5.15).
//!
//! Each function picks the session's slot for its operation and lets `module::operation` apply the lifetime rule. The
//! functions of a shape are rows: name, slot, method.

use crate::error::Result;
use crate::mechanism::Mechanism;
use crate::module::operation::{Answer, Output};
use crate::module::{Module, end_operation};
use crate::token::{ObjectHandle, Prepared};
use crate::types::ck;

/// `C_*Init` with a key. Without a mechanism it ends the active operation.
macro_rules! init {
    ($($name:ident: $slot:ident;)*) => { $(
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
    verify_init: verify;
}

transform! {
    encrypt: encrypt, once;
    encrypt_update: encrypt, update;
    decrypt: decrypt, once;
    decrypt_update: decrypt, update;
    digest: digest, produce;
    sign: sign, produce;
}

feed! {
    digest_update: digest, update;
    sign_update: sign, update;
    verify_update: verify, update;
    verify_final: verify, finish;
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
    state.digest.start(Prepared { operation, authenticate: false }, number);
    Ok(())
}

/// C_Verify.
pub fn verify(module: &Module, session: ck::CK_SESSION_HANDLE, data: &[u8], signature: &[u8]) -> Result<()> {
    module.session(session)?.lock()?.verify.verify(data, signature)
}
