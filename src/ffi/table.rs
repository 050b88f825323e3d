//! The 104 functions of PKCS#11 v3.2, once, in their version groups.
//!
//! From this one list come the entry points, the three function lists and interfaces, and the names in the log. A
//! function whose handler is `unsupported` answers CKR_FUNCTION_NOT_SUPPORTED; `docs/mechanisms.md` lists them.

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
            C_InitPIN(session: ck::CK_SESSION_HANDLE, pin: *mut ck::CK_UTF8CHAR, pin_len: ck::CK_ULONG) => slot::init_pin;
            C_SetPIN(session: ck::CK_SESSION_HANDLE, old_pin: *mut ck::CK_UTF8CHAR, old_len: ck::CK_ULONG, new_pin: *mut ck::CK_UTF8CHAR, new_len: ck::CK_ULONG) => slot::set_pin;
            C_OpenSession(slot_id: ck::CK_SLOT_ID, flags: ck::CK_FLAGS, application: *mut c_void, notify: ck::CK_NOTIFY, session: *mut ck::CK_SESSION_HANDLE) => session::open;
            C_CloseSession(session: ck::CK_SESSION_HANDLE) => session::close;
            C_CloseAllSessions(slot_id: ck::CK_SLOT_ID) => session::close_all;
            C_GetSessionInfo(session: ck::CK_SESSION_HANDLE, info: *mut ck::CK_SESSION_INFO) => session::info;
            C_GetOperationState(session: ck::CK_SESSION_HANDLE, operation_state: *mut ck::CK_BYTE, operation_state_len: *mut ck::CK_ULONG) => unsupported;
            C_SetOperationState(session: ck::CK_SESSION_HANDLE, operation_state: *mut ck::CK_BYTE, operation_state_len: ck::CK_ULONG, encryption_key: ck::CK_OBJECT_HANDLE, authentication_key: ck::CK_OBJECT_HANDLE) => unsupported;
            C_Login(session: ck::CK_SESSION_HANDLE, user_type: ck::CK_USER_TYPE, pin: *mut ck::CK_UTF8CHAR, pin_len: ck::CK_ULONG) => session::login;
            C_Logout(session: ck::CK_SESSION_HANDLE) => session::logout;
            C_CreateObject(session: ck::CK_SESSION_HANDLE, template: *mut ck::CK_ATTRIBUTE, count: ck::CK_ULONG, object: *mut ck::CK_OBJECT_HANDLE) => object::create;
            C_CopyObject(session: ck::CK_SESSION_HANDLE, object: ck::CK_OBJECT_HANDLE, template: *mut ck::CK_ATTRIBUTE, count: ck::CK_ULONG, new_object: *mut ck::CK_OBJECT_HANDLE) => object::copy;
            C_DestroyObject(session: ck::CK_SESSION_HANDLE, object: ck::CK_OBJECT_HANDLE) => object::destroy;
            C_GetObjectSize(session: ck::CK_SESSION_HANDLE, object: ck::CK_OBJECT_HANDLE, size: *mut ck::CK_ULONG) => object::size;
            C_GetAttributeValue(session: ck::CK_SESSION_HANDLE, object: ck::CK_OBJECT_HANDLE, template: *mut ck::CK_ATTRIBUTE, count: ck::CK_ULONG) => object::attributes;
            C_SetAttributeValue(session: ck::CK_SESSION_HANDLE, object: ck::CK_OBJECT_HANDLE, template: *mut ck::CK_ATTRIBUTE, count: ck::CK_ULONG) => object::set_attributes;
            C_FindObjectsInit(session: ck::CK_SESSION_HANDLE, template: *mut ck::CK_ATTRIBUTE, count: ck::CK_ULONG) => object::find_init;
            C_FindObjects(session: ck::CK_SESSION_HANDLE, object: *mut ck::CK_OBJECT_HANDLE, max_object_count: ck::CK_ULONG, object_count: *mut ck::CK_ULONG) => object::find;
            C_FindObjectsFinal(session: ck::CK_SESSION_HANDLE) => object::find_final;
            C_EncryptInit(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, key: ck::CK_OBJECT_HANDLE) => operation::encrypt_init;
            C_Encrypt(session: ck::CK_SESSION_HANDLE, data: *mut ck::CK_BYTE, data_len: ck::CK_ULONG, encrypted_data: *mut ck::CK_BYTE, encrypted_data_len: *mut ck::CK_ULONG) => operation::encrypt;
            C_EncryptUpdate(session: ck::CK_SESSION_HANDLE, part: *mut ck::CK_BYTE, part_len: ck::CK_ULONG, encrypted_part: *mut ck::CK_BYTE, encrypted_part_len: *mut ck::CK_ULONG) => operation::encrypt_update;
            C_EncryptFinal(session: ck::CK_SESSION_HANDLE, last_encrypted_part: *mut ck::CK_BYTE, last_encrypted_part_len: *mut ck::CK_ULONG) => operation::encrypt_final;
            C_DecryptInit(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, key: ck::CK_OBJECT_HANDLE) => operation::decrypt_init;
            C_Decrypt(session: ck::CK_SESSION_HANDLE, encrypted_data: *mut ck::CK_BYTE, encrypted_data_len: ck::CK_ULONG, data: *mut ck::CK_BYTE, data_len: *mut ck::CK_ULONG) => operation::decrypt;
            C_DecryptUpdate(session: ck::CK_SESSION_HANDLE, encrypted_part: *mut ck::CK_BYTE, encrypted_part_len: ck::CK_ULONG, part: *mut ck::CK_BYTE, part_len: *mut ck::CK_ULONG) => operation::decrypt_update;
            C_DecryptFinal(session: ck::CK_SESSION_HANDLE, last_part: *mut ck::CK_BYTE, last_part_len: *mut ck::CK_ULONG) => operation::decrypt_final;
            C_DigestInit(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM) => operation::digest_init;
            C_Digest(session: ck::CK_SESSION_HANDLE, data: *mut ck::CK_BYTE, data_len: ck::CK_ULONG, digest: *mut ck::CK_BYTE, digest_len: *mut ck::CK_ULONG) => operation::digest;
            C_DigestUpdate(session: ck::CK_SESSION_HANDLE, part: *mut ck::CK_BYTE, part_len: ck::CK_ULONG) => operation::digest_update;
            C_DigestKey(session: ck::CK_SESSION_HANDLE, key: ck::CK_OBJECT_HANDLE) => unsupported;
            C_DigestFinal(session: ck::CK_SESSION_HANDLE, digest: *mut ck::CK_BYTE, digest_len: *mut ck::CK_ULONG) => operation::digest_final;
            C_SignInit(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, key: ck::CK_OBJECT_HANDLE) => operation::sign_init;
            C_Sign(session: ck::CK_SESSION_HANDLE, data: *mut ck::CK_BYTE, data_len: ck::CK_ULONG, signature: *mut ck::CK_BYTE, signature_len: *mut ck::CK_ULONG) => operation::sign;
            C_SignUpdate(session: ck::CK_SESSION_HANDLE, part: *mut ck::CK_BYTE, part_len: ck::CK_ULONG) => operation::sign_update;
            C_SignFinal(session: ck::CK_SESSION_HANDLE, signature: *mut ck::CK_BYTE, signature_len: *mut ck::CK_ULONG) => operation::sign_final;
            C_SignRecoverInit(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, key: ck::CK_OBJECT_HANDLE) => unsupported;
            C_SignRecover(session: ck::CK_SESSION_HANDLE, data: *mut ck::CK_BYTE, data_len: ck::CK_ULONG, signature: *mut ck::CK_BYTE, signature_len: *mut ck::CK_ULONG) => unsupported;
            C_VerifyInit(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, key: ck::CK_OBJECT_HANDLE) => operation::verify_init;
            C_Verify(session: ck::CK_SESSION_HANDLE, data: *mut ck::CK_BYTE, data_len: ck::CK_ULONG, signature: *mut ck::CK_BYTE, signature_len: ck::CK_ULONG) => operation::verify;
            C_VerifyUpdate(session: ck::CK_SESSION_HANDLE, part: *mut ck::CK_BYTE, part_len: ck::CK_ULONG) => operation::verify_update;
            C_VerifyFinal(session: ck::CK_SESSION_HANDLE, signature: *mut ck::CK_BYTE, signature_len: ck::CK_ULONG) => operation::verify_final;
            C_VerifyRecoverInit(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, key: ck::CK_OBJECT_HANDLE) => unsupported;
            C_VerifyRecover(session: ck::CK_SESSION_HANDLE, signature: *mut ck::CK_BYTE, signature_len: ck::CK_ULONG, data: *mut ck::CK_BYTE, data_len: *mut ck::CK_ULONG) => unsupported;
            C_DigestEncryptUpdate(session: ck::CK_SESSION_HANDLE, part: *mut ck::CK_BYTE, part_len: ck::CK_ULONG, encrypted_part: *mut ck::CK_BYTE, encrypted_part_len: *mut ck::CK_ULONG) => unsupported;
            C_DecryptDigestUpdate(session: ck::CK_SESSION_HANDLE, encrypted_part: *mut ck::CK_BYTE, encrypted_part_len: ck::CK_ULONG, part: *mut ck::CK_BYTE, part_len: *mut ck::CK_ULONG) => unsupported;
            C_SignEncryptUpdate(session: ck::CK_SESSION_HANDLE, part: *mut ck::CK_BYTE, part_len: ck::CK_ULONG, encrypted_part: *mut ck::CK_BYTE, encrypted_part_len: *mut ck::CK_ULONG) => unsupported;
            C_DecryptVerifyUpdate(session: ck::CK_SESSION_HANDLE, encrypted_part: *mut ck::CK_BYTE, encrypted_part_len: ck::CK_ULONG, part: *mut ck::CK_BYTE, part_len: *mut ck::CK_ULONG) => unsupported;
            C_GenerateKey(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, template: *mut ck::CK_ATTRIBUTE, count: ck::CK_ULONG, key: *mut ck::CK_OBJECT_HANDLE) => key::generate;
            C_GenerateKeyPair(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, public_key_template: *mut ck::CK_ATTRIBUTE, public_key_attribute_count: ck::CK_ULONG, private_key_template: *mut ck::CK_ATTRIBUTE, private_key_attribute_count: ck::CK_ULONG, public_key: *mut ck::CK_OBJECT_HANDLE, private_key: *mut ck::CK_OBJECT_HANDLE) => key::generate_pair;
            C_WrapKey(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, wrapping_key: ck::CK_OBJECT_HANDLE, key: ck::CK_OBJECT_HANDLE, wrapped_key: *mut ck::CK_BYTE, wrapped_key_len: *mut ck::CK_ULONG) => key::wrap;
            C_UnwrapKey(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, unwrapping_key: ck::CK_OBJECT_HANDLE, wrapped_key: *mut ck::CK_BYTE, wrapped_key_len: ck::CK_ULONG, template: *mut ck::CK_ATTRIBUTE, attribute_count: ck::CK_ULONG, key: *mut ck::CK_OBJECT_HANDLE) => key::unwrap;
            C_DeriveKey(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, base_key: ck::CK_OBJECT_HANDLE, template: *mut ck::CK_ATTRIBUTE, attribute_count: ck::CK_ULONG, key: *mut ck::CK_OBJECT_HANDLE) => key::derive;
            C_SeedRandom(session: ck::CK_SESSION_HANDLE, seed: *mut ck::CK_BYTE, seed_len: ck::CK_ULONG) => key::seed_random;
            C_GenerateRandom(session: ck::CK_SESSION_HANDLE, random_data: *mut ck::CK_BYTE, random_len: ck::CK_ULONG) => key::random;
            C_GetFunctionStatus(session: ck::CK_SESSION_HANDLE) => session::not_parallel;
            C_CancelFunction(session: ck::CK_SESSION_HANDLE) => session::not_parallel;
            C_WaitForSlotEvent(flags: ck::CK_FLAGS, slot: *mut ck::CK_SLOT_ID, reserved: *mut c_void) => slot::wait_for_event;
        }
        v3_0 {
            C_GetInterfaceList(interface_list: *mut ck::CK_INTERFACE, count: *mut ck::CK_ULONG) => lookup::interface_list;
            C_GetInterface(interface_name: *mut ck::CK_UTF8CHAR, version: *mut ck::CK_VERSION, interface: *mut *mut ck::CK_INTERFACE, flags: ck::CK_FLAGS) => lookup::interface;
            C_LoginUser(session: ck::CK_SESSION_HANDLE, user_type: ck::CK_USER_TYPE, pin: *mut ck::CK_UTF8CHAR, pin_len: ck::CK_ULONG, username: *mut ck::CK_UTF8CHAR, username_len: ck::CK_ULONG) => session::login_user;
            C_SessionCancel(session: ck::CK_SESSION_HANDLE, flags: ck::CK_FLAGS) => session::cancel;
            C_MessageEncryptInit(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, key: ck::CK_OBJECT_HANDLE) => unsupported;
            C_EncryptMessage(session: ck::CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: ck::CK_ULONG, associated_data: *mut ck::CK_BYTE, associated_data_len: ck::CK_ULONG, plaintext: *mut ck::CK_BYTE, plaintext_len: ck::CK_ULONG, ciphertext: *mut ck::CK_BYTE, ciphertext_len: *mut ck::CK_ULONG) => unsupported;
            C_EncryptMessageBegin(session: ck::CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: ck::CK_ULONG, associated_data: *mut ck::CK_BYTE, associated_data_len: ck::CK_ULONG) => unsupported;
            C_EncryptMessageNext(session: ck::CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: ck::CK_ULONG, plaintext_part: *mut ck::CK_BYTE, plaintext_part_len: ck::CK_ULONG, ciphertext_part: *mut ck::CK_BYTE, ciphertext_part_len: *mut ck::CK_ULONG, flags: ck::CK_FLAGS) => unsupported;
            C_MessageEncryptFinal(session: ck::CK_SESSION_HANDLE) => unsupported;
            C_MessageDecryptInit(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, key: ck::CK_OBJECT_HANDLE) => unsupported;
            C_DecryptMessage(session: ck::CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: ck::CK_ULONG, associated_data: *mut ck::CK_BYTE, associated_data_len: ck::CK_ULONG, ciphertext: *mut ck::CK_BYTE, ciphertext_len: ck::CK_ULONG, plaintext: *mut ck::CK_BYTE, plaintext_len: *mut ck::CK_ULONG) => unsupported;
            C_DecryptMessageBegin(session: ck::CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: ck::CK_ULONG, associated_data: *mut ck::CK_BYTE, associated_data_len: ck::CK_ULONG) => unsupported;
            C_DecryptMessageNext(session: ck::CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: ck::CK_ULONG, ciphertext_part: *mut ck::CK_BYTE, ciphertext_part_len: ck::CK_ULONG, plaintext_part: *mut ck::CK_BYTE, plaintext_part_len: *mut ck::CK_ULONG, flags: ck::CK_FLAGS) => unsupported;
            C_MessageDecryptFinal(session: ck::CK_SESSION_HANDLE) => unsupported;
            C_MessageSignInit(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, key: ck::CK_OBJECT_HANDLE) => unsupported;
            C_SignMessage(session: ck::CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: ck::CK_ULONG, data: *mut ck::CK_BYTE, data_len: ck::CK_ULONG, signature: *mut ck::CK_BYTE, signature_len: *mut ck::CK_ULONG) => unsupported;
            C_SignMessageBegin(session: ck::CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: ck::CK_ULONG) => unsupported;
            C_SignMessageNext(session: ck::CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: ck::CK_ULONG, data_part: *mut ck::CK_BYTE, data_part_len: ck::CK_ULONG, signature: *mut ck::CK_BYTE, signature_len: *mut ck::CK_ULONG) => unsupported;
            C_MessageSignFinal(session: ck::CK_SESSION_HANDLE) => unsupported;
            C_MessageVerifyInit(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, key: ck::CK_OBJECT_HANDLE) => unsupported;
            C_VerifyMessage(session: ck::CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: ck::CK_ULONG, data: *mut ck::CK_BYTE, data_len: ck::CK_ULONG, signature: *mut ck::CK_BYTE, signature_len: ck::CK_ULONG) => unsupported;
            C_VerifyMessageBegin(session: ck::CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: ck::CK_ULONG) => unsupported;
            C_VerifyMessageNext(session: ck::CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: ck::CK_ULONG, data_part: *mut ck::CK_BYTE, data_part_len: ck::CK_ULONG, signature: *mut ck::CK_BYTE, signature_len: ck::CK_ULONG) => unsupported;
            C_MessageVerifyFinal(session: ck::CK_SESSION_HANDLE) => unsupported;
        }
        v3_2 {
            C_EncapsulateKey(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, public_key: ck::CK_OBJECT_HANDLE, template: *mut ck::CK_ATTRIBUTE, attribute_count: ck::CK_ULONG, ciphertext: *mut ck::CK_BYTE, ciphertext_len: *mut ck::CK_ULONG, key: *mut ck::CK_OBJECT_HANDLE) => unsupported;
            C_DecapsulateKey(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, private_key: ck::CK_OBJECT_HANDLE, template: *mut ck::CK_ATTRIBUTE, attribute_count: ck::CK_ULONG, ciphertext: *mut ck::CK_BYTE, ciphertext_len: ck::CK_ULONG, key: *mut ck::CK_OBJECT_HANDLE) => unsupported;
            C_VerifySignatureInit(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, key: ck::CK_OBJECT_HANDLE, signature: *mut ck::CK_BYTE, signature_len: ck::CK_ULONG) => unsupported;
            C_VerifySignature(session: ck::CK_SESSION_HANDLE, data: *mut ck::CK_BYTE, data_len: ck::CK_ULONG) => unsupported;
            C_VerifySignatureUpdate(session: ck::CK_SESSION_HANDLE, part: *mut ck::CK_BYTE, part_len: ck::CK_ULONG) => unsupported;
            C_VerifySignatureFinal(session: ck::CK_SESSION_HANDLE) => unsupported;
            C_GetSessionValidationFlags(session: ck::CK_SESSION_HANDLE, kind: ck::CK_SESSION_VALIDATION_FLAGS_TYPE, flags: *mut ck::CK_FLAGS) => unsupported;
            C_AsyncComplete(session: ck::CK_SESSION_HANDLE, function_name: *mut ck::CK_UTF8CHAR, result: *mut ck::CK_ASYNC_DATA) => unsupported;
            C_AsyncGetID(session: ck::CK_SESSION_HANDLE, function_name: *mut ck::CK_UTF8CHAR, id: *mut ck::CK_ULONG) => unsupported;
            C_AsyncJoin(session: ck::CK_SESSION_HANDLE, function_name: *mut ck::CK_UTF8CHAR, id: ck::CK_ULONG, data: *mut ck::CK_BYTE, data_len: ck::CK_ULONG) => unsupported;
            C_WrapKeyAuthenticated(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, wrapping_key: ck::CK_OBJECT_HANDLE, key: ck::CK_OBJECT_HANDLE, associated_data: *mut ck::CK_BYTE, associated_data_len: ck::CK_ULONG, wrapped_key: *mut ck::CK_BYTE, wrapped_key_len: *mut ck::CK_ULONG) => unsupported;
            C_UnwrapKeyAuthenticated(session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, unwrapping_key: ck::CK_OBJECT_HANDLE, wrapped_key: *mut ck::CK_BYTE, wrapped_key_len: ck::CK_ULONG, template: *mut ck::CK_ATTRIBUTE, attribute_count: ck::CK_ULONG, associated_data: *mut ck::CK_BYTE, associated_data_len: ck::CK_ULONG, key: *mut ck::CK_OBJECT_HANDLE) => unsupported;
        }
        }
    };
}

pub(crate) use for_each_function;
