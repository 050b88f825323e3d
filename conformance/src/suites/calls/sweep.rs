//! Every function, called in a state or with a handle that does not allow it.

use std::ptr::null_mut;

use cryptoki_sys::*;

use crate::runner::{Case, Check, Context};
use crate::{Module, RW, Rv, call, cases, ensure, ulen};

pub(super) fn cases() -> Vec<Case> {
    cases![
        every_function_before_initialize,
        every_function_after_finalize,
        every_function_with_a_dead_session
    ]
}

/// Calls every function that takes a session, with otherwise plausible arguments.
fn session_functions(module: &Module, s: CK_SESSION_HANDLE) -> Vec<(&'static str, Rv)> {
    let mut results = Vec::new();
    let mut bytes = [0_u8; 64];
    let mut len = ulen(bytes.len());
    let (p, n) = (bytes.as_mut_ptr(), &raw mut len);
    let mut info = CK_SESSION_INFO::default();
    let (mut first, mut second) = (0, 0);
    let mut mechanism = CK_MECHANISM { mechanism: CKM_SHA256, pParameter: null_mut(), ulParameterLen: 0 };
    let (m, v) = (&raw mut mechanism, p.cast::<std::ffi::c_void>());
    let mut class = CKO_DATA;
    let mut attribute = CK_ATTRIBUTE { type_: CKA_CLASS, pValue: (&raw mut class).cast(), ulValueLen: 8 };
    let t = &raw mut attribute;
    let (o1, o2) = (&raw mut first, &raw mut second);
    macro_rules! sweep {
        ($($function:ident($($argument:expr),*))*) => {
            $( len_reset(n); results.push((stringify!($function), call!(module, $function(s $(, $argument)*)))); )*
        };
    }
    sweep! {
        C_GetSessionInfo(&mut info) C_GetOperationState(p, n) C_SetOperationState(p, 8, 0, 0)
        C_Login(CKU_USER, p, 8) C_Logout() C_InitPIN(p, 8) C_SetPIN(p, 8, p, 8)
        C_CreateObject(t, 1, o1) C_CopyObject(1, t, 1, o1) C_DestroyObject(1) C_GetObjectSize(1, n)
        C_GetAttributeValue(1, t, 1) C_SetAttributeValue(1, t, 1)
        C_FindObjectsInit(t, 1) C_FindObjects(o1, 1, n) C_FindObjectsFinal()
        C_EncryptInit(m, 1) C_Encrypt(p, 8, p, n) C_EncryptUpdate(p, 8, p, n) C_EncryptFinal(p, n)
        C_DecryptInit(m, 1) C_Decrypt(p, 8, p, n) C_DecryptUpdate(p, 8, p, n) C_DecryptFinal(p, n)
        C_DigestInit(m) C_Digest(p, 8, p, n) C_DigestUpdate(p, 8) C_DigestKey(1) C_DigestFinal(p, n)
        C_SignInit(m, 1) C_Sign(p, 8, p, n) C_SignUpdate(p, 8) C_SignFinal(p, n)
        C_SignRecoverInit(m, 1) C_SignRecover(p, 8, p, n)
        C_VerifyInit(m, 1) C_Verify(p, 8, p, 8) C_VerifyUpdate(p, 8) C_VerifyFinal(p, 8)
        C_VerifyRecoverInit(m, 1) C_VerifyRecover(p, 8, p, n)
        C_DigestEncryptUpdate(p, 8, p, n) C_DecryptDigestUpdate(p, 8, p, n)
        C_SignEncryptUpdate(p, 8, p, n) C_DecryptVerifyUpdate(p, 8, p, n)
        C_GenerateKey(m, t, 1, o1) C_GenerateKeyPair(m, t, 1, t, 1, o1, o2)
        C_WrapKey(m, 1, 1, p, n) C_UnwrapKey(m, 1, p, 8, t, 1, o1) C_DeriveKey(m, 1, t, 1, o1)
        C_SeedRandom(p, 8) C_GenerateRandom(p, 8)
        C_LoginUser(CKU_USER, p, 8, p, 8) C_SessionCancel(CKF_SIGN)
        C_MessageEncryptInit(m, 1) C_EncryptMessage(v, 8, p, 8, p, 8, p, n)
        C_EncryptMessageBegin(v, 8, p, 8) C_EncryptMessageNext(v, 8, p, 8, p, n, 0) C_MessageEncryptFinal()
        C_MessageDecryptInit(m, 1) C_DecryptMessage(v, 8, p, 8, p, 8, p, n)
        C_DecryptMessageBegin(v, 8, p, 8) C_DecryptMessageNext(v, 8, p, 8, p, n, 0) C_MessageDecryptFinal()
        C_MessageSignInit(m, 1) C_SignMessage(v, 8, p, 8, p, n) C_SignMessageBegin(v, 8)
        C_SignMessageNext(v, 8, p, 8, p, n) C_MessageSignFinal()
        C_MessageVerifyInit(m, 1) C_VerifyMessage(v, 8, p, 8, p, 8) C_VerifyMessageBegin(v, 8)
        C_VerifyMessageNext(v, 8, p, 8, p, 8) C_MessageVerifyFinal()
        C_EncapsulateKey(m, 1, t, 1, p, n, o1) C_DecapsulateKey(m, 1, t, 1, p, 8, o1)
        C_VerifySignatureInit(m, 1, p, 8) C_VerifySignature(p, 8) C_VerifySignatureUpdate(p, 8)
        C_VerifySignatureFinal() C_GetSessionValidationFlags(1, n)
        C_WrapKeyAuthenticated(m, 1, 1, p, 8, p, n)
        C_UnwrapKeyAuthenticated(m, 1, p, 8, t, 1, p, 8, o1)
        C_CloseSession()
    }
    results
}

/// Gives an output length back its value, which an earlier call may have changed.
fn len_reset(len: *mut CK_ULONG) {
    // SAFETY: `session_functions` passes the address of its own variable.
    unsafe { *len = 64 };
}

/// Calls every function that takes no session but needs C_Initialize.
fn slot_functions(module: &Module) -> Vec<(&'static str, Rv)> {
    let (mut info, mut slot_info) = (CK_INFO::default(), CK_SLOT_INFO::default());
    let (mut token, mut mechanism) = (CK_TOKEN_INFO::default(), CK_MECHANISM_INFO::default());
    let (mut count, mut handle, mut label) = (0, 0, [b' '; 32]);
    vec![
        ("C_GetInfo", call!(module, C_GetInfo(&mut info))),
        ("C_GetSlotList", call!(module, C_GetSlotList(1, null_mut(), &mut count))),
        ("C_GetSlotInfo", call!(module, C_GetSlotInfo(0, &mut slot_info))),
        ("C_GetTokenInfo", call!(module, C_GetTokenInfo(0, &mut token))),
        ("C_GetMechanismList", call!(module, C_GetMechanismList(0, null_mut(), &mut count))),
        ("C_GetMechanismInfo", call!(module, C_GetMechanismInfo(0, CKM_SHA256, &mut mechanism))),
        ("C_InitToken", call!(module, C_InitToken(0, label.as_mut_ptr(), 8, label.as_mut_ptr()))),
        ("C_OpenSession", call!(module, C_OpenSession(0, RW, null_mut(), None, &mut handle))),
        ("C_CloseAllSessions", call!(module, C_CloseAllSessions(0))),
        ("C_WaitForSlotEvent", call!(module, C_WaitForSlotEvent(CKF_DONT_BLOCK, &mut count, null_mut()))),
        ("C_Finalize", call!(module, C_Finalize(null_mut()))),
    ]
}

/// Checks that every result is `wanted`; functions that the module does not have are passed over.
fn all_answer(results: &[(&'static str, Rv)], wanted: CK_RV) -> Check {
    let wrong: Vec<String> = results
        .iter()
        .filter(|(_, rv)| !rv.is_one_of(&[wanted, CKR_FUNCTION_NOT_SUPPORTED]))
        .map(|(name, rv)| format!("{name} {rv}"))
        .collect();
    ensure!(wrong.is_empty(), "expected {} of {}", Rv(wanted), wrong.join(", "));
    Ok(())
}

fn every_function_before_initialize(context: &Context) -> Check {
    let module = context.bench()?.module;
    all_answer(&session_functions(&module, 1), CKR_CRYPTOKI_NOT_INITIALIZED)?;
    all_answer(&slot_functions(&module), CKR_CRYPTOKI_NOT_INITIALIZED)
}

fn every_function_after_finalize(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let (module, handle) = (token.module.clone(), session.handle());
    module.finalize()?;
    all_answer(&session_functions(&module, handle), CKR_CRYPTOKI_NOT_INITIALIZED)?;
    all_answer(&slot_functions(&module), CKR_CRYPTOKI_NOT_INITIALIZED)
}

fn every_function_with_a_dead_session(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let handle = session.handle();
    session.close()?;
    for dead in [handle, 0, CK_ULONG::MAX] {
        all_answer(&session_functions(&token.module, dead), CKR_SESSION_HANDLE_INVALID)?;
    }
    Ok(())
}
