//! The functions, once: their C entry points, the lists, and the interfaces.

use std::ffi::c_void;

use cryptoki_sys::*;

use crate::control::{Control, enter};
use crate::memory::{R, list, put, slice, text};
use crate::state::{Kind, State};
use crate::{general, key, message, object, operation, session, slot};

/// CK_ULONG and the handles, flags and types that are one.
type U = CK_ULONG;
type P = *mut CK_BYTE;
type L = *mut CK_ULONG;
type V = *mut c_void;
type M = *mut CK_MECHANISM;
type T = *mut CK_ATTRIBUTE;

macro_rules! functions {
    ($($name:ident($($argument:ident: $type:ty),*) => |$state:ident| $body:expr;)*) => {
        $(
            #[allow(non_snake_case, clippy::too_many_arguments)]
            unsafe extern "C" fn $name($($argument: $type),*) -> CK_RV {
                enter(stringify!($name), &[$(&$argument),*], |$state: &mut State| -> R { $body })
            }
        )*

        fn whole() -> CK_FUNCTION_LIST_3_2 {
            CK_FUNCTION_LIST_3_2 {
                version: CK_VERSION { major: 3, minor: 2 },
                C_GetFunctionList: Some(own_function_list),
                C_GetInterfaceList: Some(own_interface_list),
                C_GetInterface: Some(own_interface),
                $($name: Some($name),)*
            }
        }

        /// Takes the functions out that the control file says are missing.
        fn without(mut table: CK_FUNCTION_LIST_3_2, missing: &str) -> CK_FUNCTION_LIST_3_2 {
            for name in missing.split([',', ' ']) {
                match name {
                    $(stringify!($name) => table.$name = None,)*
                    _ => {}
                }
            }
            table
        }
    };
}

functions! {
    C_Initialize(a: V) => |s| general::initialize(s, a);
    C_Finalize(a: V) => |s| general::finalize(s, a);
    C_GetInfo(info: *mut CK_INFO) => |s| general::info(s, info);
    C_GetSlotList(p: CK_BBOOL, o: L, n: L) => |s| slot::slots(s, p, o, n);
    C_GetSlotInfo(id: U, info: *mut CK_SLOT_INFO) => |s| slot::slot_info(s, id, info);
    C_GetTokenInfo(id: U, info: *mut CK_TOKEN_INFO) => |s| slot::token_info(s, id, info);
    C_GetMechanismList(id: U, o: L, n: L) => |s| slot::mechanisms(s, id, o, n);
    C_GetMechanismInfo(id: U, m: U, info: *mut CK_MECHANISM_INFO) => |s| slot::mechanism_info(s, id, m, info);
    C_InitToken(id: U, p: P, n: U, label: P) => |s| slot::init_token(s, id, p, n, label);
    C_InitPIN(h: U, p: P, n: U) => |s| slot::init_pin(s, h, p, n);
    C_SetPIN(h: U, p: P, n: U, q: P, k: U) => |s| slot::set_pin(s, h, p, n, q, k);
    C_OpenSession(id: U, flags: U, a: V, notify: CK_NOTIFY, o: L) => |s| session::open(s, id, flags, a, notify, o);
    C_CloseSession(h: U) => |s| session::close(s, h);
    C_CloseAllSessions(id: U) => |s| session::close_all(s, id);
    C_GetSessionInfo(h: U, info: *mut CK_SESSION_INFO) => |s| session::info(s, h, info);
    C_GetOperationState(h: U, o: P, n: L) => |s| session::operation_state(s, h, o, n);
    C_SetOperationState(h: U, p: P, n: U, e: U, a: U) => |s| session::set_operation_state(s, h, p, n, e, a);
    C_Login(h: U, who: U, p: P, n: U) => |s| session::login(s, h, who, p, n);
    C_Logout(h: U) => |s| session::logout(s, h);
    C_CreateObject(h: U, t: T, n: U, o: L) => |s| object::create(s, h, t, n, o);
    C_CopyObject(h: U, k: U, t: T, n: U, o: L) => |s| object::copy(s, h, k, t, n, o);
    C_DestroyObject(h: U, k: U) => |s| object::destroy(s, h, k);
    C_GetObjectSize(h: U, k: U, o: L) => |s| object::object_size(s, h, k, o);
    C_GetAttributeValue(h: U, k: U, t: T, n: U) => |s| object::attributes(s, h, k, t, n);
    C_SetAttributeValue(h: U, k: U, t: T, n: U) => |s| object::set_attributes(s, h, k, t, n);
    C_FindObjectsInit(h: U, t: T, n: U) => |s| object::find_init(s, h, t, n);
    C_FindObjects(h: U, o: L, m: U, n: L) => |s| object::find(s, h, o, m, n);
    C_FindObjectsFinal(h: U) => |s| object::find_final(s, h);
    C_EncryptInit(h: U, m: M, k: U) => |s| operation::init(s, Kind::Encrypt, h, m, Some(k));
    C_Encrypt(h: U, p: P, n: U, o: P, l: L) => |s| operation::once(s, Kind::Encrypt, h, p, n, o, l);
    C_EncryptUpdate(h: U, p: P, n: U, o: P, l: L) => |s| operation::pass(s, Kind::Encrypt, h, p, n, o, l);
    C_EncryptFinal(h: U, o: P, l: L) => |s| operation::close(s, Kind::Encrypt, h, o, l);
    C_DecryptInit(h: U, m: M, k: U) => |s| operation::init(s, Kind::Decrypt, h, m, Some(k));
    C_Decrypt(h: U, p: P, n: U, o: P, l: L) => |s| operation::once(s, Kind::Decrypt, h, p, n, o, l);
    C_DecryptUpdate(h: U, p: P, n: U, o: P, l: L) => |s| operation::pass(s, Kind::Decrypt, h, p, n, o, l);
    C_DecryptFinal(h: U, o: P, l: L) => |s| operation::close(s, Kind::Decrypt, h, o, l);
    C_DigestInit(h: U, m: M) => |s| operation::init(s, Kind::Digest, h, m, None);
    C_Digest(h: U, p: P, n: U, o: P, l: L) => |s| operation::once(s, Kind::Digest, h, p, n, o, l);
    C_DigestUpdate(h: U, p: P, n: U) => |s| operation::feed(s, Kind::Digest, h, p, n);
    C_DigestKey(h: U, k: U) => |s| operation::digest_key(s, h, k);
    C_DigestFinal(h: U, o: P, l: L) => |s| operation::close(s, Kind::Digest, h, o, l);
    C_SignInit(h: U, m: M, k: U) => |s| operation::init(s, Kind::Sign, h, m, Some(k));
    C_Sign(h: U, p: P, n: U, o: P, l: L) => |s| operation::once(s, Kind::Sign, h, p, n, o, l);
    C_SignUpdate(h: U, p: P, n: U) => |s| operation::feed(s, Kind::Sign, h, p, n);
    C_SignFinal(h: U, o: P, l: L) => |s| operation::close(s, Kind::Sign, h, o, l);
    C_SignRecoverInit(h: U, m: M, k: U) => |s| operation::init(s, Kind::SignRecover, h, m, Some(k));
    C_SignRecover(h: U, p: P, n: U, o: P, l: L) => |s| operation::once(s, Kind::SignRecover, h, p, n, o, l);
    C_VerifyInit(h: U, m: M, k: U) => |s| operation::init(s, Kind::Verify, h, m, Some(k));
    C_Verify(h: U, p: P, n: U, q: P, k: U) => |s| operation::check(s, Kind::Verify, h, slice(p, n), Some(slice(q, k)));
    C_VerifyUpdate(h: U, p: P, n: U) => |s| operation::feed(s, Kind::Verify, h, p, n);
    C_VerifyFinal(h: U, q: P, k: U) => |s| operation::check(s, Kind::Verify, h, &[], Some(slice(q, k)));
    C_VerifyRecoverInit(h: U, m: M, k: U) => |s| operation::init(s, Kind::VerifyRecover, h, m, Some(k));
    C_VerifyRecover(h: U, p: P, n: U, o: P, l: L) => |s| operation::once(s, Kind::VerifyRecover, h, p, n, o, l);
    C_DigestEncryptUpdate(h: U, p: P, n: U, o: P, l: L) => |s| operation::dual(s, Kind::Digest, Kind::Encrypt, h, p, n, o, l);
    C_DecryptDigestUpdate(h: U, p: P, n: U, o: P, l: L) => |s| operation::dual(s, Kind::Digest, Kind::Decrypt, h, p, n, o, l);
    C_SignEncryptUpdate(h: U, p: P, n: U, o: P, l: L) => |s| operation::dual(s, Kind::Sign, Kind::Encrypt, h, p, n, o, l);
    C_DecryptVerifyUpdate(h: U, p: P, n: U, o: P, l: L) => |s| operation::dual(s, Kind::Verify, Kind::Decrypt, h, p, n, o, l);
    C_GenerateKey(h: U, m: M, t: T, n: U, o: L) => |s| key::generate(s, h, m, t, n, o);
    C_GenerateKeyPair(h: U, m: M, t: T, n: U, u: T, k: U, o: L, q: L) => |s| key::generate_pair(s, h, m, t, n, u, k, o, q);
    C_WrapKey(h: U, m: M, w: U, k: U, o: P, l: L) => |s| key::wrap(s, h, m, w, k, &[], (o, l));
    C_UnwrapKey(h: U, m: M, w: U, p: P, k: U, t: T, n: U, o: L) => |s| key::unwrap(s, h, m, w, slice(p, k), t, n, &[], o);
    C_DeriveKey(h: U, m: M, k: U, t: T, n: U, o: L) => |s| key::derive(s, h, m, k, t, n, o);
    C_SeedRandom(h: U, p: P, n: U) => |s| { let _ = slice(p, n); s.session(h).map(|_| ()) };
    C_GenerateRandom(h: U, o: P, n: U) => |s| message::random(s, h, o, n);
    C_GetFunctionStatus(h: U) => |s| session::not_parallel(s, h);
    C_CancelFunction(h: U) => |s| session::not_parallel(s, h);
    C_WaitForSlotEvent(flags: U, o: L, r: V) => |s| general::wait_for_event(s, flags, o, r);
    C_LoginUser(h: U, who: U, p: P, n: U, q: P, k: U) => |s| session::login_user(s, h, who, p, n, q, k);
    C_SessionCancel(h: U, flags: U) => |s| session::cancel(s, h, flags);
    C_MessageEncryptInit(h: U, m: M, k: U) => |s| operation::init(s, Kind::MessageEncrypt, h, m, Some(k));
    C_EncryptMessage(h: U, v: V, w: U, a: P, b: U, p: P, n: U, o: P, l: L) => |s| message::crypt(s, Kind::MessageEncrypt, h, v, w, a, b, p, n, o, l);
    C_EncryptMessageBegin(h: U, v: V, w: U, a: P, b: U) => |s| { let _ = (v, w); message::begin(s, Kind::MessageEncrypt, h, a, b) };
    C_EncryptMessageNext(h: U, v: V, w: U, p: P, n: U, o: P, l: L, flags: U) => |s| message::next(s, Kind::MessageEncrypt, h, v, w, p, n, o, l, flags);
    C_MessageEncryptFinal(h: U) => |s| message::end(s, Kind::MessageEncrypt, h);
    C_MessageDecryptInit(h: U, m: M, k: U) => |s| operation::init(s, Kind::MessageDecrypt, h, m, Some(k));
    C_DecryptMessage(h: U, v: V, w: U, a: P, b: U, p: P, n: U, o: P, l: L) => |s| message::crypt(s, Kind::MessageDecrypt, h, v, w, a, b, p, n, o, l);
    C_DecryptMessageBegin(h: U, v: V, w: U, a: P, b: U) => |s| { let _ = (v, w); message::begin(s, Kind::MessageDecrypt, h, a, b) };
    C_DecryptMessageNext(h: U, v: V, w: U, p: P, n: U, o: P, l: L, flags: U) => |s| message::next(s, Kind::MessageDecrypt, h, v, w, p, n, o, l, flags);
    C_MessageDecryptFinal(h: U) => |s| message::end(s, Kind::MessageDecrypt, h);
    C_MessageSignInit(h: U, m: M, k: U) => |s| operation::init(s, Kind::MessageSign, h, m, Some(k));
    C_SignMessage(h: U, v: V, w: U, p: P, n: U, o: P, l: L) => |s| { let _ = (v, w); message::sign(s, h, p, n, o, l) };
    C_SignMessageBegin(h: U, v: V, w: U) => |s| { let _ = (v, w); message::restart(s, Kind::MessageSign, h) };
    C_SignMessageNext(h: U, v: V, w: U, p: P, n: U, o: P, l: L) => |s| { let _ = (v, w); message::sign(s, h, p, n, o, l) };
    C_MessageSignFinal(h: U) => |s| message::end(s, Kind::MessageSign, h);
    C_MessageVerifyInit(h: U, m: M, k: U) => |s| operation::init(s, Kind::MessageVerify, h, m, Some(k));
    C_VerifyMessage(h: U, v: V, w: U, p: P, n: U, q: P, k: U) => |s| { let _ = (v, w); message::verify(s, h, p, n, q, k) };
    C_VerifyMessageBegin(h: U, v: V, w: U) => |s| { let _ = (v, w); message::restart(s, Kind::MessageVerify, h) };
    C_VerifyMessageNext(h: U, v: V, w: U, p: P, n: U, q: P, k: U) => |s| { let _ = (v, w); message::verify(s, h, p, n, q, k) };
    C_MessageVerifyFinal(h: U) => |s| message::end(s, Kind::MessageVerify, h);
    C_EncapsulateKey(h: U, m: M, k: U, t: T, n: U, o: P, l: L, x: L) => |s| key::encapsulate(s, h, m, k, t, n, o, l, x);
    C_DecapsulateKey(h: U, m: M, k: U, t: T, n: U, p: P, l: U, x: L) => |s| key::decapsulate(s, h, m, k, t, n, p, l, x);
    C_VerifySignatureInit(h: U, m: M, k: U, q: P, n: U) => |s| operation::verify_signature_init(s, h, m, k, q, n);
    C_VerifySignature(h: U, p: P, n: U) => |s| operation::check(s, Kind::VerifySignature, h, slice(p, n), None);
    C_VerifySignatureUpdate(h: U, p: P, n: U) => |s| operation::feed(s, Kind::VerifySignature, h, p, n);
    C_VerifySignatureFinal(h: U) => |s| operation::check(s, Kind::VerifySignature, h, &[], None);
    C_GetSessionValidationFlags(h: U, kind: U, o: L) => |s| session::validation_flags(s, h, kind, o);
    C_AsyncComplete(h: U, name: P, r: *mut CK_ASYNC_DATA) => |s| session::async_complete(s, h, name, r);
    C_AsyncGetID(h: U, name: P, o: L) => |s| session::async_id(s, h, name, o);
    C_AsyncJoin(h: U, name: P, id: U, p: P, n: U) => |s| session::async_join(s, h, name, id, p, n);
    C_WrapKeyAuthenticated(h: U, m: M, w: U, k: U, a: P, b: U, o: P, l: L) => |s| key::wrap(s, h, m, w, k, slice(a, b), (o, l));
    C_UnwrapKeyAuthenticated(h: U, m: M, w: U, p: P, k: U, t: T, n: U, a: P, b: U, o: L) => |s| key::unwrap(s, h, m, w, slice(p, k), t, n, slice(a, b), o);
}

// The entries of the lists: a copy whose exported names were changed by a test still finds these.

unsafe extern "C" fn own_function_list(out: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    function_list(out)
}

unsafe extern "C" fn own_interface_list(out: *mut CK_INTERFACE, count: L) -> CK_RV {
    interface_list(out, count)
}

unsafe extern "C" fn own_interface(
    name: P,
    version: *mut CK_VERSION,
    out: *mut *mut CK_INTERFACE,
    flags: U,
) -> CK_RV {
    interface(name, version, out, flags)
}

fn table() -> CK_FUNCTION_LIST_3_2 {
    let control = Control::read().unwrap_or_default();
    without(whole(), control.value("missing").unwrap_or_default())
}

/// The newest version that is offered: 2.40, 3.0 or 3.2.
fn newest() -> (u8, u8) {
    match Control::read().unwrap_or_default().value("version") {
        Some("2.40") => (2, 40),
        Some("3.0") => (3, 0),
        _ => (3, 2),
    }
}

/// A list that is never freed. All three versions begin alike, so each is the beginning of the newest.
fn leaked(major: u8, minor: u8) -> V {
    let mut table = table();
    table.version = CK_VERSION { major, minor };
    // The allocation is that of the newest list, so that a caller cannot read behind an older one; the rest says no.
    Box::into_raw(Box::new(table)).cast()
}

pub fn function_list(out: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    put(out, leaked(2, 40).cast()).err().unwrap_or(CKR_OK)
}

fn interfaces() -> Vec<CK_INTERFACE> {
    let all = [(3, 2), (3, 0), (2, 40)];
    let offered = all.into_iter().filter(|version| *version <= newest());
    offered
        .map(|(major, minor)| CK_INTERFACE {
            pInterfaceName: c"PKCS 11".as_ptr().cast_mut().cast(),
            pFunctionList: leaked(major, minor),
            flags: 0,
        })
        .collect()
}

pub fn interface_list(out: *mut CK_INTERFACE, count: *mut CK_ULONG) -> CK_RV {
    list(&interfaces(), out, count).err().unwrap_or(CKR_OK)
}

pub fn interface(name: *mut u8, version: *mut CK_VERSION, out: *mut *mut CK_INTERFACE, flags: U) -> CK_RV {
    if newest() == (2, 40) {
        return CKR_FUNCTION_NOT_SUPPORTED;
    }
    if flags != 0 || (!name.is_null() && text(name.cast()) != "PKCS 11") {
        return CKR_ARGUMENTS_BAD;
    }
    let wanted = slice(version, 1).first().map(|version| (version.major, version.minor));
    let fits = |interface: &CK_INTERFACE| {
        let own = slice(interface.pFunctionList.cast::<CK_VERSION>(), 1);
        wanted.is_none() || own.first().map(|version| (version.major, version.minor)) == wanted
    };
    match interfaces().into_iter().find(fits) {
        Some(found) => put(out, Box::into_raw(Box::new(found))).err().unwrap_or(CKR_OK),
        None => CKR_ARGUMENTS_BAD,
    }
}
