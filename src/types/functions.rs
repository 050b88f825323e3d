//! The 104 functions of PKCS#11 v3.2, once, in their version groups.
//!
//! From this one list come the entry points, the three function lists and interfaces, the names in the log, and
//! [`Library`], through which another PKCS#11 library is called. A function whose handler is `unsupported` answers
//! CKR_FUNCTION_NOT_SUPPORTED on tokens of our own; `docs/mechanisms.md` lists them. What follows a `/` is the
//! [`Effect`] of a call that is passed on as it is where the session's token lies in another library.

use std::ffi::c_void;

use super::ck;

/// What a call that is passed on does to the session below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Begins an operation: CKF_ as C_SessionCancel names it.
    Begin(ck::CK_FLAGS),
    /// Goes on with these.
    Step(ck::CK_FLAGS),
    /// Ends one, unless the answer is only a size.
    End(ck::CK_FLAGS),
    /// Brings back operations that were saved.
    Restore,
    /// Makes objects.
    Make,
    /// Changes or destroys an object.
    Change,
    /// None of these.
    Use,
}

/// A parameter's type in the list: a C type, or one of [`kind`], which says more than the C type does.
pub trait Parameter {
    /// The type that crosses the ABI.
    type C: Copy;

    /// The session, if this is where a call names it.
    fn session(_value: Self::C) -> Option<ck::CK_SESSION_HANDLE> {
        None
    }
}

impl<T> Parameter for *mut T {
    type C = *mut T;
}

impl Parameter for ck::CK_ULONG {
    type C = ck::CK_ULONG;
}

impl Parameter for ck::CK_BBOOL {
    type C = ck::CK_BBOOL;
}

impl Parameter for ck::CK_NOTIFY {
    type C = ck::CK_NOTIFY;
}

/// Parameters whose meaning matters to who passes a call on.
pub mod kind {
    use super::{Parameter, ck};

    macro_rules! kinds {
        ($($(#[$doc:meta])* $name:ident = $c:ty;)*) => { $(
            $(#[$doc])*
            pub struct $name;
            impl Parameter for $name {
                type C = $c;
            }
        )* };
    }

    /// The session that the call works in.
    pub struct Session;
    impl Parameter for Session {
        type C = ck::CK_SESSION_HANDLE;

        fn session(value: ck::CK_SESSION_HANDLE) -> Option<ck::CK_SESSION_HANDLE> {
            Some(value)
        }
    }

    kinds! {
        /// An object that the caller names.
        Object = ck::CK_OBJECT_HANDLE;
        /// Where the handle of a new object goes.
        NewObject = *mut ck::CK_OBJECT_HANDLE;
        /// A mechanism with its parameter.
        Mechanism = *mut ck::CK_MECHANISM;
        /// Bytes to read, or to fill with random ones. An [`InputLen`] follows.
        Input = *mut ck::CK_BYTE;
        /// Attributes to read. An [`InputLen`] follows.
        Template = *mut ck::CK_ATTRIBUTE;
        /// How many there are of what comes before.
        InputLen = ck::CK_ULONG;
        /// Where bytes go; null asks for their number. An [`OutputLen`] follows.
        Output = *mut ck::CK_BYTE;
        /// The room there, and then the number of bytes.
        OutputLen = *mut ck::CK_ULONG;
        /// The same, where null says that no output is wanted yet.
        LastOutputLen = *mut ck::CK_ULONG;
        /// Attributes that are asked for. A [`WantedCount`] follows.
        Wanted = *mut ck::CK_ATTRIBUTE;
        /// How many.
        WantedCount = ck::CK_ULONG;
    }
}

/// Calls `$callback!` with every function: name, parameters, and the handler that serves it.
macro_rules! for_each_function {
    ($callback:ident) => {
        $callback! {
        v2_40 {
            C_Initialize(reserved: *mut c_void) => general::initialize;
            C_Finalize(reserved: *mut c_void) => general::finalize;
            C_GetInfo(info: *mut ck::CK_INFO) => general::info;
            C_GetFunctionList(function_list: *mut *mut ck::CK_FUNCTION_LIST) => lookup::function_list;
            C_GetSlotList(token_present: ck::CK_BBOOL, slot_list: *mut ck::CK_SLOT_ID, count: *mut ck::CK_ULONG) => slot::list;
            C_GetSlotInfo(slot_id: ck::CK_SLOT_ID, info: *mut ck::CK_SLOT_INFO) => slot::slot_info;
            C_GetTokenInfo(slot_id: ck::CK_SLOT_ID, info: *mut ck::CK_TOKEN_INFO) => slot::token_info;
            C_GetMechanismList(slot_id: ck::CK_SLOT_ID, mechanism_list: *mut ck::CK_MECHANISM_TYPE, count: *mut ck::CK_ULONG) => slot::mechanism_list;
            C_GetMechanismInfo(slot_id: ck::CK_SLOT_ID, kind: ck::CK_MECHANISM_TYPE, info: *mut ck::CK_MECHANISM_INFO) => slot::mechanism_info;
            C_InitToken(slot_id: ck::CK_SLOT_ID, pin: *mut ck::CK_UTF8CHAR, pin_len: ck::CK_ULONG, label: *mut ck::CK_UTF8CHAR) => slot::init_token;
            C_InitPIN(session: kind::Session, pin: *mut ck::CK_UTF8CHAR, pin_len: ck::CK_ULONG) => slot::init_pin;
            C_SetPIN(session: kind::Session, old_pin: *mut ck::CK_UTF8CHAR, old_len: ck::CK_ULONG, new_pin: *mut ck::CK_UTF8CHAR, new_len: ck::CK_ULONG) => slot::set_pin;
            C_OpenSession(slot_id: ck::CK_SLOT_ID, flags: ck::CK_FLAGS, application: *mut c_void, notify: ck::CK_NOTIFY, session: *mut ck::CK_SESSION_HANDLE) => session::open;
            C_CloseSession(session: kind::Session) => session::close;
            C_CloseAllSessions(slot_id: ck::CK_SLOT_ID) => session::close_all;
            C_GetSessionInfo(session: kind::Session, info: *mut ck::CK_SESSION_INFO) => session::info;
            C_GetOperationState(session: kind::Session, operation_state: kind::Output, operation_state_len: kind::OutputLen) => operation_state::save / Effect::Use;
            C_SetOperationState(session: kind::Session, operation_state: kind::Input, operation_state_len: kind::InputLen, encryption_key: kind::Object, authentication_key: kind::Object) => operation_state::restore / Effect::Restore;
            C_Login(session: kind::Session, user_type: ck::CK_USER_TYPE, pin: *mut ck::CK_UTF8CHAR, pin_len: ck::CK_ULONG) => session::login;
            C_Logout(session: kind::Session) => session::logout;
            C_CreateObject(session: kind::Session, template: kind::Template, count: kind::InputLen, object: kind::NewObject) => object::create / Effect::Make;
            C_CopyObject(session: kind::Session, object: kind::Object, template: kind::Template, count: kind::InputLen, new_object: kind::NewObject) => object::copy / Effect::Make;
            C_DestroyObject(session: kind::Session, object: kind::Object) => object::destroy / Effect::Change;
            C_GetObjectSize(session: kind::Session, object: kind::Object, size: *mut ck::CK_ULONG) => object::size / Effect::Use;
            C_GetAttributeValue(session: kind::Session, object: kind::Object, template: kind::Wanted, count: kind::WantedCount) => object::attributes / Effect::Use;
            C_SetAttributeValue(session: kind::Session, object: kind::Object, template: kind::Template, count: kind::InputLen) => object::set_attributes / Effect::Change;
            C_FindObjectsInit(session: kind::Session, template: *mut ck::CK_ATTRIBUTE, count: ck::CK_ULONG) => object::find_init;
            C_FindObjects(session: kind::Session, object: *mut ck::CK_OBJECT_HANDLE, max_object_count: ck::CK_ULONG, object_count: *mut ck::CK_ULONG) => object::find;
            C_FindObjectsFinal(session: kind::Session) => object::find_final;
            C_EncryptInit(session: kind::Session, mechanism: kind::Mechanism, key: kind::Object) => operation::encrypt_init / Effect::Begin(ck::CKF_ENCRYPT);
            C_Encrypt(session: kind::Session, data: kind::Input, data_len: kind::InputLen, encrypted_data: kind::Output, encrypted_data_len: kind::OutputLen) => operation::encrypt / Effect::End(ck::CKF_ENCRYPT);
            C_EncryptUpdate(session: kind::Session, part: kind::Input, part_len: kind::InputLen, encrypted_part: kind::Output, encrypted_part_len: kind::OutputLen) => operation::encrypt_update / Effect::Step(ck::CKF_ENCRYPT);
            C_EncryptFinal(session: kind::Session, last_encrypted_part: kind::Output, last_encrypted_part_len: kind::OutputLen) => operation::encrypt_final / Effect::End(ck::CKF_ENCRYPT);
            C_DecryptInit(session: kind::Session, mechanism: kind::Mechanism, key: kind::Object) => operation::decrypt_init / Effect::Begin(ck::CKF_DECRYPT);
            C_Decrypt(session: kind::Session, encrypted_data: kind::Input, encrypted_data_len: kind::InputLen, data: kind::Output, data_len: kind::OutputLen) => operation::decrypt / Effect::End(ck::CKF_DECRYPT);
            C_DecryptUpdate(session: kind::Session, encrypted_part: kind::Input, encrypted_part_len: kind::InputLen, part: kind::Output, part_len: kind::OutputLen) => operation::decrypt_update / Effect::Step(ck::CKF_DECRYPT);
            C_DecryptFinal(session: kind::Session, last_part: kind::Output, last_part_len: kind::OutputLen) => operation::decrypt_final / Effect::End(ck::CKF_DECRYPT);
            C_DigestInit(session: kind::Session, mechanism: kind::Mechanism) => operation::digest_init / Effect::Begin(ck::CKF_DIGEST);
            C_Digest(session: kind::Session, data: kind::Input, data_len: kind::InputLen, digest: kind::Output, digest_len: kind::OutputLen) => operation::digest / Effect::End(ck::CKF_DIGEST);
            C_DigestUpdate(session: kind::Session, part: kind::Input, part_len: kind::InputLen) => operation::digest_update / Effect::Step(ck::CKF_DIGEST);
            C_DigestKey(session: kind::Session, key: kind::Object) => operation::digest_key / Effect::Step(ck::CKF_DIGEST);
            C_DigestFinal(session: kind::Session, digest: kind::Output, digest_len: kind::OutputLen) => operation::digest_final / Effect::End(ck::CKF_DIGEST);
            C_SignInit(session: kind::Session, mechanism: kind::Mechanism, key: kind::Object) => operation::sign_init / Effect::Begin(ck::CKF_SIGN);
            C_Sign(session: kind::Session, data: kind::Input, data_len: kind::InputLen, signature: kind::Output, signature_len: kind::OutputLen) => operation::sign / Effect::End(ck::CKF_SIGN);
            C_SignUpdate(session: kind::Session, part: kind::Input, part_len: kind::InputLen) => operation::sign_update / Effect::Step(ck::CKF_SIGN);
            C_SignFinal(session: kind::Session, signature: kind::Output, signature_len: kind::OutputLen) => operation::sign_final / Effect::End(ck::CKF_SIGN);
            C_SignRecoverInit(session: kind::Session, mechanism: kind::Mechanism, key: kind::Object) => operation::sign_recover_init / Effect::Begin(ck::CKF_SIGN_RECOVER);
            C_SignRecover(session: kind::Session, data: kind::Input, data_len: kind::InputLen, signature: kind::Output, signature_len: kind::OutputLen) => operation::sign_recover / Effect::End(ck::CKF_SIGN_RECOVER);
            C_VerifyInit(session: kind::Session, mechanism: kind::Mechanism, key: kind::Object) => operation::verify_init / Effect::Begin(ck::CKF_VERIFY);
            C_Verify(session: kind::Session, data: kind::Input, data_len: kind::InputLen, signature: kind::Input, signature_len: kind::InputLen) => operation::verify / Effect::End(ck::CKF_VERIFY);
            C_VerifyUpdate(session: kind::Session, part: kind::Input, part_len: kind::InputLen) => operation::verify_update / Effect::Step(ck::CKF_VERIFY);
            C_VerifyFinal(session: kind::Session, signature: kind::Input, signature_len: kind::InputLen) => operation::verify_final / Effect::End(ck::CKF_VERIFY);
            C_VerifyRecoverInit(session: kind::Session, mechanism: kind::Mechanism, key: kind::Object) => operation::verify_recover_init / Effect::Begin(ck::CKF_VERIFY_RECOVER);
            C_VerifyRecover(session: kind::Session, signature: kind::Input, signature_len: kind::InputLen, data: kind::Output, data_len: kind::OutputLen) => operation::verify_recover / Effect::End(ck::CKF_VERIFY_RECOVER);
            C_DigestEncryptUpdate(session: kind::Session, part: kind::Input, part_len: kind::InputLen, encrypted_part: kind::Output, encrypted_part_len: kind::OutputLen) => operation::digest_encrypt_update / Effect::Step(ck::CKF_DIGEST | ck::CKF_ENCRYPT);
            C_DecryptDigestUpdate(session: kind::Session, encrypted_part: kind::Input, encrypted_part_len: kind::InputLen, part: kind::Output, part_len: kind::OutputLen) => operation::decrypt_digest_update / Effect::Step(ck::CKF_DECRYPT | ck::CKF_DIGEST);
            C_SignEncryptUpdate(session: kind::Session, part: kind::Input, part_len: kind::InputLen, encrypted_part: kind::Output, encrypted_part_len: kind::OutputLen) => operation::sign_encrypt_update / Effect::Step(ck::CKF_SIGN | ck::CKF_ENCRYPT);
            C_DecryptVerifyUpdate(session: kind::Session, encrypted_part: kind::Input, encrypted_part_len: kind::InputLen, part: kind::Output, part_len: kind::OutputLen) => operation::decrypt_verify_update / Effect::Step(ck::CKF_DECRYPT | ck::CKF_VERIFY);
            C_GenerateKey(session: kind::Session, mechanism: kind::Mechanism, template: kind::Template, count: kind::InputLen, key: kind::NewObject) => key::generate / Effect::Make;
            C_GenerateKeyPair(session: kind::Session, mechanism: kind::Mechanism, public_key_template: kind::Template, public_key_attribute_count: kind::InputLen, private_key_template: kind::Template, private_key_attribute_count: kind::InputLen, public_key: kind::NewObject, private_key: kind::NewObject) => key::generate_pair / Effect::Make;
            C_WrapKey(session: kind::Session, mechanism: kind::Mechanism, wrapping_key: kind::Object, key: kind::Object, wrapped_key: kind::Output, wrapped_key_len: kind::OutputLen) => key::wrap / Effect::Use;
            C_UnwrapKey(session: kind::Session, mechanism: kind::Mechanism, unwrapping_key: kind::Object, wrapped_key: kind::Input, wrapped_key_len: kind::InputLen, template: kind::Template, attribute_count: kind::InputLen, key: kind::NewObject) => key::unwrap / Effect::Make;
            C_DeriveKey(session: kind::Session, mechanism: kind::Mechanism, base_key: kind::Object, template: kind::Template, attribute_count: kind::InputLen, key: kind::NewObject) => key::derive / Effect::Make;
            C_SeedRandom(session: kind::Session, seed: kind::Input, seed_len: kind::InputLen) => key::seed_random / Effect::Use;
            C_GenerateRandom(session: kind::Session, random_data: kind::Input, random_len: kind::InputLen) => key::random / Effect::Use;
            C_GetFunctionStatus(session: kind::Session) => session::not_parallel;
            C_CancelFunction(session: kind::Session) => session::not_parallel;
            C_WaitForSlotEvent(flags: ck::CK_FLAGS, slot: *mut ck::CK_SLOT_ID, reserved: *mut c_void) => slot::wait_for_event;
        }
        v3_0 {
            C_GetInterfaceList(interface_list: *mut ck::CK_INTERFACE, count: *mut ck::CK_ULONG) => lookup::interface_list;
            C_GetInterface(interface_name: *mut ck::CK_UTF8CHAR, version: *mut ck::CK_VERSION, interface: *mut *mut ck::CK_INTERFACE, flags: ck::CK_FLAGS) => lookup::interface;
            C_LoginUser(session: kind::Session, user_type: ck::CK_USER_TYPE, pin: *mut ck::CK_UTF8CHAR, pin_len: ck::CK_ULONG, username: *mut ck::CK_UTF8CHAR, username_len: ck::CK_ULONG) => session::login_user;
            C_SessionCancel(session: kind::Session, flags: ck::CK_FLAGS) => session::cancel;
            C_MessageEncryptInit(session: kind::Session, mechanism: kind::Mechanism, key: kind::Object) => message::encrypt_init / Effect::Begin(ck::CKF_MESSAGE_ENCRYPT);
            C_EncryptMessage(session: kind::Session, parameter: *mut c_void, parameter_len: ck::CK_ULONG, associated_data: kind::Input, associated_data_len: kind::InputLen, plaintext: kind::Input, plaintext_len: kind::InputLen, ciphertext: kind::Output, ciphertext_len: kind::OutputLen) => message::encrypt / Effect::Step(ck::CKF_MESSAGE_ENCRYPT);
            C_EncryptMessageBegin(session: kind::Session, parameter: *mut c_void, parameter_len: ck::CK_ULONG, associated_data: kind::Input, associated_data_len: kind::InputLen) => message::encrypt_begin / Effect::Step(ck::CKF_MESSAGE_ENCRYPT);
            C_EncryptMessageNext(session: kind::Session, parameter: *mut c_void, parameter_len: ck::CK_ULONG, plaintext_part: kind::Input, plaintext_part_len: kind::InputLen, ciphertext_part: kind::Output, ciphertext_part_len: kind::OutputLen, flags: ck::CK_FLAGS) => message::encrypt_next / Effect::Step(ck::CKF_MESSAGE_ENCRYPT);
            C_MessageEncryptFinal(session: kind::Session) => message::encrypt_final / Effect::End(ck::CKF_MESSAGE_ENCRYPT);
            C_MessageDecryptInit(session: kind::Session, mechanism: kind::Mechanism, key: kind::Object) => message::decrypt_init / Effect::Begin(ck::CKF_MESSAGE_DECRYPT);
            C_DecryptMessage(session: kind::Session, parameter: *mut c_void, parameter_len: ck::CK_ULONG, associated_data: kind::Input, associated_data_len: kind::InputLen, ciphertext: kind::Input, ciphertext_len: kind::InputLen, plaintext: kind::Output, plaintext_len: kind::OutputLen) => message::decrypt / Effect::Step(ck::CKF_MESSAGE_DECRYPT);
            C_DecryptMessageBegin(session: kind::Session, parameter: *mut c_void, parameter_len: ck::CK_ULONG, associated_data: kind::Input, associated_data_len: kind::InputLen) => message::decrypt_begin / Effect::Step(ck::CKF_MESSAGE_DECRYPT);
            C_DecryptMessageNext(session: kind::Session, parameter: *mut c_void, parameter_len: ck::CK_ULONG, ciphertext_part: kind::Input, ciphertext_part_len: kind::InputLen, plaintext_part: kind::Output, plaintext_part_len: kind::OutputLen, flags: ck::CK_FLAGS) => message::decrypt_next / Effect::Step(ck::CKF_MESSAGE_DECRYPT);
            C_MessageDecryptFinal(session: kind::Session) => message::decrypt_final / Effect::End(ck::CKF_MESSAGE_DECRYPT);
            C_MessageSignInit(session: kind::Session, mechanism: kind::Mechanism, key: kind::Object) => message::sign_init / Effect::Begin(ck::CKF_MESSAGE_SIGN);
            C_SignMessage(session: kind::Session, parameter: *mut c_void, parameter_len: ck::CK_ULONG, data: kind::Input, data_len: kind::InputLen, signature: kind::Output, signature_len: kind::OutputLen) => message::sign / Effect::Step(ck::CKF_MESSAGE_SIGN);
            C_SignMessageBegin(session: kind::Session, parameter: *mut c_void, parameter_len: ck::CK_ULONG) => message::sign_begin / Effect::Step(ck::CKF_MESSAGE_SIGN);
            C_SignMessageNext(session: kind::Session, parameter: *mut c_void, parameter_len: ck::CK_ULONG, data_part: kind::Input, data_part_len: kind::InputLen, signature: kind::Output, signature_len: kind::LastOutputLen) => message::sign_next / Effect::Step(ck::CKF_MESSAGE_SIGN);
            C_MessageSignFinal(session: kind::Session) => message::sign_final / Effect::End(ck::CKF_MESSAGE_SIGN);
            C_MessageVerifyInit(session: kind::Session, mechanism: kind::Mechanism, key: kind::Object) => message::verify_init / Effect::Begin(ck::CKF_MESSAGE_VERIFY);
            C_VerifyMessage(session: kind::Session, parameter: *mut c_void, parameter_len: ck::CK_ULONG, data: kind::Input, data_len: kind::InputLen, signature: kind::Input, signature_len: kind::InputLen) => message::verify / Effect::Step(ck::CKF_MESSAGE_VERIFY);
            C_VerifyMessageBegin(session: kind::Session, parameter: *mut c_void, parameter_len: ck::CK_ULONG) => message::verify_begin / Effect::Step(ck::CKF_MESSAGE_VERIFY);
            C_VerifyMessageNext(session: kind::Session, parameter: *mut c_void, parameter_len: ck::CK_ULONG, data_part: kind::Input, data_part_len: kind::InputLen, signature: kind::Input, signature_len: kind::InputLen) => message::verify_next / Effect::Step(ck::CKF_MESSAGE_VERIFY);
            C_MessageVerifyFinal(session: kind::Session) => message::verify_final / Effect::End(ck::CKF_MESSAGE_VERIFY);
        }
        v3_2 {
            C_EncapsulateKey(session: kind::Session, mechanism: kind::Mechanism, public_key: kind::Object, template: kind::Template, attribute_count: kind::InputLen, ciphertext: kind::Output, ciphertext_len: kind::OutputLen, key: kind::NewObject) => key::encapsulate / Effect::Make;
            C_DecapsulateKey(session: kind::Session, mechanism: kind::Mechanism, private_key: kind::Object, template: kind::Template, attribute_count: kind::InputLen, ciphertext: kind::Input, ciphertext_len: kind::InputLen, key: kind::NewObject) => key::decapsulate / Effect::Make;
            C_VerifySignatureInit(session: kind::Session, mechanism: kind::Mechanism, key: kind::Object, signature: kind::Input, signature_len: kind::InputLen) => operation::verify_signature_init / Effect::Begin(ck::CKF_VERIFY);
            C_VerifySignature(session: kind::Session, data: kind::Input, data_len: kind::InputLen) => operation::verify_signature / Effect::End(ck::CKF_VERIFY);
            C_VerifySignatureUpdate(session: kind::Session, part: kind::Input, part_len: kind::InputLen) => operation::verify_signature_update / Effect::Step(ck::CKF_VERIFY);
            C_VerifySignatureFinal(session: kind::Session) => operation::verify_signature_final / Effect::End(ck::CKF_VERIFY);
            C_GetSessionValidationFlags(session: kind::Session, kind: ck::CK_SESSION_VALIDATION_FLAGS_TYPE, flags: *mut ck::CK_FLAGS) => session::validation_flags / Effect::Use;
            C_AsyncComplete(session: kind::Session, function_name: *mut ck::CK_UTF8CHAR, result: *mut ck::CK_ASYNC_DATA) => session::async_complete / Effect::Use;
            C_AsyncGetID(session: kind::Session, function_name: *mut ck::CK_UTF8CHAR, id: *mut ck::CK_ULONG) => session::async_id / Effect::Use;
            C_AsyncJoin(session: kind::Session, function_name: *mut ck::CK_UTF8CHAR, id: ck::CK_ULONG, data: kind::Input, data_len: kind::InputLen) => session::async_join / Effect::Use;
            C_WrapKeyAuthenticated(session: kind::Session, mechanism: kind::Mechanism, wrapping_key: kind::Object, key: kind::Object, associated_data: kind::Input, associated_data_len: kind::InputLen, wrapped_key: kind::Output, wrapped_key_len: kind::OutputLen) => key::wrap_authenticated / Effect::Use;
            C_UnwrapKeyAuthenticated(session: kind::Session, mechanism: kind::Mechanism, unwrapping_key: kind::Object, wrapped_key: kind::Input, wrapped_key_len: kind::InputLen, template: kind::Template, attribute_count: kind::InputLen, associated_data: kind::Input, associated_data_len: kind::InputLen, key: kind::NewObject) => key::unwrap_authenticated / Effect::Make;
        }
        }
    };
}

pub(crate) use for_each_function;

macro_rules! library {
    ($($group:ident { $($name:ident ( $($parameter:ident : $kind:ty),* $(,)? ) => $handler:ident $(:: $function:ident)? $(/ $effect:expr)?;)* })*) => {
        /// Another PKCS#11 library: its C functions, whatever way leads to them.
        #[allow(non_snake_case, clippy::too_many_arguments)]
        pub trait Library: Send + Sync {
            $($(
                #[doc = concat!("`", stringify!($name), "`; CKR_FUNCTION_NOT_SUPPORTED where the library lacks it.")]
                ///
                /// # Safety
                /// Pointers and lengths are those of a valid call of this function.
                unsafe fn $name(&self, $($parameter: <$kind as Parameter>::C),*) -> ck::CK_RV;
            )*)*
        }
    };
}

for_each_function!(library);
