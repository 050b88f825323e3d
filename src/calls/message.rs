//! Message-based functions (PKCS#11 v3.2, sections 5.9, 5.11, 5.14 and 5.16). What a message is, `module::message` says.

use crate::error::Result;
use crate::mechanism::op::Cipher;
use crate::mechanism::{Mechanism, Message, MessageKind};
use crate::module::message::{Direction, Messages, Place};
use crate::module::operation::{Answer, Output};
use crate::module::{Module, SessionState, end_messages};
use crate::token::ObjectHandle;
use crate::types::ck;

/// `C_Message*Init` of signatures. Without a mechanism it ends the active process.
macro_rules! init {
    ($($name:ident: $slot:ident;)*) => { $(
        #[doc = concat!("Starts the session's `", stringify!($slot), "` process; without a mechanism, ends it.")]
        pub fn $name(
            module: &Module,
            session: ck::CK_SESSION_HANDLE,
            mechanism: Option<&Mechanism>,
            key: ObjectHandle,
        ) -> Result<()> {
            let session = module.session(session)?;
            let state = &mut *session.lock()?;
            let Some(mechanism) = mechanism else {
                return end_messages(&mut state.$slot);
            };
            state.$slot.expect_idle()?;
            let number = state.next_operation();
            state.$slot.init((&mut *state.backend, session.access()), mechanism, key, number)
        }
    )* };
}

/// `C_Message*Final`.
macro_rules! finish {
    ($($name:ident: $slot:ident;)*) => { $(
        #[doc = concat!("Ends the session's `", stringify!($slot), "` process.")]
        pub fn $name(module: &Module, session: ck::CK_SESSION_HANDLE) -> Result<()> {
            module.session(session)?.lock()?.$slot.finish()
        }
    )* };
}

/// The end of a running message, for an error that was found before its operation was asked.
macro_rules! abandon {
    ($($name:ident: $slot:ident;)*) => { $(
        #[doc = concat!("Ends the running message of the session's `", stringify!($slot), "` process, if there is one.")]
        pub fn $name(module: &Module, session: ck::CK_SESSION_HANDLE) -> Result<()> {
            module.session(session)?.lock()?.$slot.abandon();
            Ok(())
        }
    )* };
}

/// Whether a process is active. CKR_OPERATION_NOT_INITIALIZED.
macro_rules! expect {
    ($($name:ident: $slot:ident;)*) => { $(
        #[doc = concat!("CKR_OPERATION_NOT_INITIALIZED without a `", stringify!($slot), "` process.")]
        pub fn $name(module: &Module, session: ck::CK_SESSION_HANDLE) -> Result<()> {
            module.session(session)?.lock()?.$slot.expect_active()
        }
    )* };
}

init! {
    sign_init: message_sign;
    verify_init: message_verify;
}

finish! {
    encrypt_final: message_encrypt;
    decrypt_final: message_decrypt;
    sign_final: message_sign;
    verify_final: message_verify;
}

abandon! {
    abandon_encrypt: message_encrypt;
    abandon_decrypt: message_decrypt;
    abandon_sign: message_sign;
    abandon_verify: message_verify;
}

expect! {
    expect_signing: message_sign;
    expect_verifying: message_verify;
}

fn ciphers(state: &mut SessionState, direction: Direction) -> &mut Messages<dyn Cipher> {
    match direction {
        Direction::Encrypt => &mut state.message_encrypt,
        Direction::Decrypt => &mut state.message_decrypt,
    }
}

/// C_MessageEncryptInit, C_MessageDecryptInit. Without a mechanism it ends the active process.
pub fn cipher_init(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    direction: Direction,
    mechanism: Option<ck::CK_MECHANISM_TYPE>,
    key: ObjectHandle,
) -> Result<()> {
    let session = module.session(session)?;
    let state = &mut *session.lock()?;
    let Some(mechanism) = mechanism else {
        return end_messages(ciphers(state, direction));
    };
    ciphers(state, direction).expect_idle()?;
    let number = state.next_operation();
    let messages = match direction {
        Direction::Encrypt => &mut state.message_encrypt,
        Direction::Decrypt => &mut state.message_decrypt,
    };
    messages.init((&mut *state.backend, session.access()), direction, mechanism, key, number)
}

/// What the messages of the session's process have as parameter. CKR_OPERATION_NOT_INITIALIZED.
pub fn message_kind(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    direction: Direction,
) -> Result<MessageKind> {
    ciphers(&mut *module.session(session)?.lock()?, direction).kind()
}

/// C_EncryptMessage: leaves IV and tag in `message`.
pub fn encrypt(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    message: &mut Message,
    aad: &[u8],
    input: &[u8],
    output: Output<'_>,
) -> Result<Answer> {
    let session = module.session(session)?;
    let state = &mut *session.lock()?;
    let place: Place<'_> = (&mut *state.backend, session.access());
    state.message_encrypt.encrypt(place, message, aad, input, output)
}

/// C_EncryptMessageBegin: leaves the IV in `message`.
pub fn encrypt_begin(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    message: &mut Message,
    aad: &[u8],
) -> Result<()> {
    let session = module.session(session)?;
    let state = &mut *session.lock()?;
    let place: Place<'_> = (&mut *state.backend, session.access());
    state.message_encrypt.begin_encryption(place, message, aad)
}

/// C_EncryptMessageNext: `last` is there with CKF_END_OF_MESSAGE, and gets the tag.
pub fn encrypt_next(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    part: &[u8],
    output: Output<'_>,
    last: Option<&mut Message>,
) -> Result<Answer> {
    module.session(session)?.lock()?.message_encrypt.encrypt_next(part, output, last)
}

/// C_DecryptMessage.
pub fn decrypt(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    message: &Message,
    aad: &[u8],
    input: &[u8],
    output: Output<'_>,
) -> Result<Answer> {
    let session = module.session(session)?;
    let state = &mut *session.lock()?;
    let place: Place<'_> = (&mut *state.backend, session.access());
    state.message_decrypt.decrypt(place, message, aad, input, output)
}

/// C_DecryptMessageBegin.
pub fn decrypt_begin(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    message: &Message,
    aad: &[u8],
) -> Result<()> {
    let session = module.session(session)?;
    let state = &mut *session.lock()?;
    state.message_decrypt.begin((&mut *state.backend, session.access()), message, aad)
}

/// C_DecryptMessageNext: `last` is there with CKF_END_OF_MESSAGE, and has the tag.
pub fn decrypt_next(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    part: &[u8],
    output: Output<'_>,
    last: Option<&Message>,
) -> Result<Answer> {
    module.session(session)?.lock()?.message_decrypt.decrypt_next(part, output, last)
}

/// C_SignMessage.
pub fn sign(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    data: &[u8],
    output: Output<'_>,
) -> Result<Answer> {
    let session = module.session(session)?;
    let state = &mut *session.lock()?;
    state.message_sign.whole((&mut *state.backend, session.access()), data, output)
}

/// C_SignMessageBegin.
pub fn sign_begin(module: &Module, session: ck::CK_SESSION_HANDLE) -> Result<()> {
    let session = module.session(session)?;
    let state = &mut *session.lock()?;
    state.message_sign.begin((&mut *state.backend, session.access()))
}

/// C_SignMessageNext: the last part has an output.
pub fn sign_next(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    part: &[u8],
    output: Option<Output<'_>>,
) -> Result<Answer> {
    module.session(session)?.lock()?.message_sign.next(part, output)
}

/// C_VerifyMessage.
pub fn verify(module: &Module, session: ck::CK_SESSION_HANDLE, data: &[u8], signature: &[u8]) -> Result<()> {
    let session = module.session(session)?;
    let state = &mut *session.lock()?;
    state.message_verify.whole((&mut *state.backend, session.access()), data, signature)
}

/// C_VerifyMessageBegin.
pub fn verify_begin(module: &Module, session: ck::CK_SESSION_HANDLE) -> Result<()> {
    let session = module.session(session)?;
    let state = &mut *session.lock()?;
    state.message_verify.begin((&mut *state.backend, session.access()))
}

/// C_VerifyMessageNext: the signature comes with the last part.
pub fn verify_next(
    module: &Module,
    session: ck::CK_SESSION_HANDLE,
    part: &[u8],
    signature: Option<&[u8]>,
) -> Result<()> {
    module.session(session)?.lock()?.message_verify.next(part, signature)
}
