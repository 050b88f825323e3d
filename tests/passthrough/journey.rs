//! Every function that takes a session or a slot, called once and more, and what each answered.
//!
//! The lower library answers the same calls in the same way each time, so the journey through keyward has to end in
//! the same list as the one without it.

use std::fmt::Debug;

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Module, Object, RW, Rv, Session, call, ulen};

use crate::support::{P256, SO, USER};

/// What was answered, a line per call.
pub struct Seen(pub Vec<String>);

impl Seen {
    fn note<T: Debug>(&mut self, name: &str, answer: T) -> T {
        self.0.push(format!("{name}: {answer:?}"));
        answer
    }

    /// The same without a handle, which is another number above.
    fn done<T>(&mut self, name: &str, answer: Result<T, Rv>) -> T {
        match answer {
            Ok(value) => {
                self.0.push(format!("{name}: ok"));
                value
            }
            Err(rv) => panic!("{name} answers {rv} after:\n{}", self.0.join("\n")),
        }
    }
}

/// Fails at the first line that differs.
pub fn assert_same(seen: &[String], expected: &[String]) {
    for (seen, expected) in seen.iter().zip(expected) {
        assert_eq!(seen, expected);
    }
    assert_eq!(seen.len(), expected.len());
}

/// The whole journey.
pub fn travel(module: &Module, slot: CK_SLOT_ID) -> Seen {
    let mut seen = Seen(Vec::new());
    pins(&mut seen, module, slot);
    let session = seen.done("C_OpenSession", module.open_session(slot, RW));
    seen.done("C_LoginUser", session.login_user(CKU_USER, USER, "bob"));
    let state = |session: &Session| session.info().map(|info| (info.state, info.flags));
    seen.note("C_GetSessionInfo", state(&session)).unwrap();
    let (public, private, secret) = keys(&mut seen, &session);
    objects(&mut seen, &session, secret);
    signatures(&mut seen, &session, public, private);
    ciphers(&mut seen, &session, secret);
    dual(&mut seen, &session, secret);
    digests(&mut seen, &session, secret);
    messages(&mut seen, &session, secret);
    message_signatures(&mut seen, &session, public, private);
    wrapping(&mut seen, &session, public, private, secret);
    rest(&mut seen, module, &session);
    seen.done("C_Logout", session.logout());
    seen.done("C_CloseSession", session.close());
    seen.done("C_CloseAllSessions", module.close_all_sessions(slot));
    seen
}

fn pins(seen: &mut Seen, module: &Module, slot: CK_SLOT_ID) {
    assert_eq!(seen.note("C_GetSlotList", module.slots(true).map(|slots| slots.len())), Ok(1));
    let info = module.slot_info(slot).unwrap();
    seen.note("C_GetSlotInfo", (info.slotDescription, info.manufacturerID, info.hardwareVersion));
    let info = module.token_info(slot).unwrap();
    seen.note(
        "C_GetTokenInfo",
        (info.label, info.manufacturerID, info.model, info.serialNumber, info.ulMaxPinLen),
    );
    seen.note("C_GetTokenInfo", (info.ulMinPinLen, info.flags, info.hardwareVersion, info.firmwareVersion));
    seen.note("C_GetMechanismList", module.mechanisms(slot)).unwrap();
    let info = module.mechanism_info(slot, CKM_ECDSA).unwrap();
    seen.note("C_GetMechanismInfo", (info.ulMinKeySize, info.ulMaxKeySize, info.flags));
    seen.note("C_InitToken", module.init_token(slot, SO, "first")).unwrap();
    let session = seen.done("C_OpenSession", module.open_session(slot, RW));
    seen.note("C_Login", session.login(CKU_SO, "wrong")).unwrap_err();
    seen.note("C_Login", session.login(CKU_SO, SO)).unwrap();
    seen.note("C_InitPIN", session.init_pin("4321")).unwrap();
    seen.note("C_Logout", session.logout()).unwrap();
    seen.note("C_Login", session.login(CKU_USER, "4321")).unwrap();
    seen.note("C_SetPIN", session.set_pin("4321", USER)).unwrap();
    seen.note("C_Logout", session.logout()).unwrap();
}

fn keys(seen: &mut Seen, session: &Session) -> (Object, Object, Object) {
    let pair = session.generate_pair(
        &Mech::new(CKM_EC_KEY_PAIR_GEN),
        &[Attr::token(true), Attr::id(b"j"), Attr::bytes(CKA_EC_PARAMS, &P256)],
        &[Attr::token(true), Attr::id(b"j")],
    );
    let (public, private) = seen.done("C_GenerateKeyPair", pair);
    seen.note("C_GetAttributeValue", session.get(public, CKA_EC_POINT)).unwrap();
    let secret = session.generate_key(&Mech::new(CKM_AES_KEY_GEN), &[Attr::value_len(32)]);
    (public, private, seen.done("C_GenerateKey", secret))
}

fn objects(seen: &mut Seen, session: &Session, secret: Object) {
    let vendor = CKA_VENDOR_DEFINED | 0x4b57;
    let object = session.create(&[Attr::label("data"), Attr::value(b"v"), Attr::bytes(vendor, b"kept")]);
    let object = seen.done("C_CreateObject", object);
    seen.note("C_GetAttributeValue", session.get(object, vendor)).unwrap();
    seen.note(
        "C_GetAttributeValue",
        session.fetch(secret, &[(CKA_VALUE, 64), (0x4711, 8), (CKA_KEY_TYPE, 0)]),
    );
    seen.note("C_GetAttributeValue", session.fetch(object, &[(vendor, 2)]));
    seen.note("C_GetObjectSize", session.object_size(object).map(|_| ())).unwrap();
    seen.note("C_SetAttributeValue", session.set(object, &[Attr::label("other")])).unwrap();
    let copy = seen.done("C_CopyObject", session.copy(object, &[Attr::bytes(vendor, b"copied")]));
    seen.note("C_GetAttributeValue", session.get(copy, vendor)).unwrap();
    let found = session.find(&[Attr::label("other")]).unwrap();
    assert_eq!(found, [object, copy]);
    seen.done("C_DestroyObject", session.destroy(copy));
    assert_eq!(session.find(&[Attr::label("other")]).unwrap(), [object]);
    seen.note("C_GetAttributeValue", session.get(copy, vendor)).unwrap_err();
}

fn signatures(seen: &mut Seen, session: &Session, public: Object, private: Object) {
    let mech = Mech::new(CKM_ECDSA);
    let signature = seen.note("C_Sign", session.sign(&mech, private, b"message")).unwrap();
    seen.note("C_Verify", session.verify(&mech, public, b"message", &signature)).unwrap();
    seen.note("C_Verify", session.verify(&mech, public, b"massage", &signature)).unwrap_err();
    session.sign_init(&mech, private).unwrap();
    seen.note("C_SignInit", session.sign_init(&mech, private)).unwrap_err();
    seen.note("C_SignUpdate", session.sign_update(b"mess")).unwrap();
    session.sign_update(b"age").unwrap();
    assert_eq!(seen.note("C_SignFinal", session.sign_final()).unwrap(), signature);
    session.verify_init(&mech, public).unwrap();
    seen.note("C_VerifyUpdate", session.verify_update(b"message")).unwrap();
    seen.note("C_VerifyFinal", session.verify_final(&signature)).unwrap();
    session.verify_signature_init(&mech, public, &signature).unwrap();
    seen.note("C_VerifySignature", session.verify_signature_once(b"message")).unwrap();
    session.verify_signature_init(&mech, public, &signature).unwrap();
    seen.note("C_VerifySignatureUpdate", session.verify_signature_update(b"massage")).unwrap();
    seen.note("C_VerifySignatureFinal", session.verify_signature_final()).unwrap_err();
    let recoverable = session.sign_recover(&mech, private, b"recover");
    let recoverable = seen.note("C_SignRecover", recoverable).unwrap();
    assert_eq!(
        seen.note("C_VerifyRecover", session.verify_recover(&mech, public, &recoverable)).unwrap(),
        b"recover"
    );
}

fn ciphers(seen: &mut Seen, session: &Session, secret: Object) {
    let mech = Mech::bytes(CKM_AES_CBC, &[9; 16]);
    let sealed = seen.note("C_Encrypt", session.encrypt(&mech, secret, b"plaintext")).unwrap();
    assert_eq!(seen.note("C_Decrypt", session.decrypt(&mech, secret, &sealed)).unwrap(), b"plaintext");
    session.encrypt_init(&mech, secret).unwrap();
    let first = seen.note("C_EncryptUpdate", session.encrypt_update(b"plain")).unwrap();
    let second = session.encrypt_update(b"text").unwrap();
    seen.note("C_EncryptFinal", session.encrypt_final()).unwrap();
    assert_eq!([first, second].concat(), sealed);
    session.decrypt_init(&mech, secret).unwrap();
    seen.note("C_DecryptUpdate", session.decrypt_update(&sealed)).unwrap();
    seen.note("C_DecryptFinal", session.decrypt_final()).unwrap();
}

fn dual(seen: &mut Seen, session: &Session, secret: Object) {
    let mech = Mech::new(CKM_AES_CTR);
    session.encrypt_init(&mech, secret).unwrap();
    session.digest_init(&Mech::new(CKM_SHA256)).unwrap();
    let sealed = seen.note("C_DigestEncryptUpdate", session.digest_encrypt_update(b"part")).unwrap();
    session.encrypt_final().unwrap();
    let digest = seen.note("C_DigestFinal", session.digest_final()).unwrap();
    session.decrypt_init(&mech, secret).unwrap();
    session.digest_init(&Mech::new(CKM_SHA256)).unwrap();
    seen.note("C_DecryptDigestUpdate", session.decrypt_digest_update(&sealed)).unwrap();
    session.decrypt_final().unwrap();
    assert_eq!(session.digest_final().unwrap(), digest);
    session.encrypt_init(&mech, secret).unwrap();
    session.sign_init(&mech, secret).unwrap();
    let sealed = seen.note("C_SignEncryptUpdate", session.sign_encrypt_update(b"part")).unwrap();
    session.encrypt_final().unwrap();
    let signature = session.sign_final().unwrap();
    session.decrypt_init(&mech, secret).unwrap();
    session.verify_init(&mech, secret).unwrap();
    seen.note("C_DecryptVerifyUpdate", session.decrypt_verify_update(&sealed)).unwrap();
    session.decrypt_final().unwrap();
    session.verify_final(&signature).unwrap();
}

fn digests(seen: &mut Seen, session: &Session, secret: Object) {
    let mech = Mech::new(CKM_SHA256);
    seen.note("C_Digest", session.digest(&mech, b"message")).unwrap();
    session.digest_init(&mech).unwrap();
    seen.note("C_DigestUpdate", session.digest_update(b"mess")).unwrap();
    let saved = seen.note("C_GetOperationState", session.operation_state()).unwrap();
    seen.note("C_DigestKey", session.digest_key(secret)).unwrap();
    seen.note("C_DigestFinal", session.digest_final()).unwrap();
    seen.note("C_SetOperationState", session.set_operation_state(&saved, 0, 0)).unwrap();
    seen.note("C_DigestFinal", session.digest_final()).unwrap();
    session.digest_init(&mech).unwrap();
    seen.note("C_SessionCancel", session.cancel(CKF_DIGEST)).unwrap();
    seen.note("C_DigestFinal", session.digest_final()).unwrap_err();
}

fn messages(seen: &mut Seen, session: &Session, secret: Object) {
    let mech = Mech::new(CKM_AES_GCM);
    seen.note("C_MessageEncryptInit", session.message_encrypt_init(&mech, secret)).unwrap();
    let one = Mech::gcm_message(&[0; 12], 0, CKG_GENERATE_RANDOM, &[0; 16]);
    let sealed = seen.note("C_EncryptMessage", session.encrypt_message(&one, b"aad", b"plain")).unwrap();
    // Both were written through pointers in the parameter.
    seen.note("IV and tag", (one.buffer(0), one.buffer(1)));
    assert_ne!((one.buffer(0), one.buffer(1)), (&[0; 12][..], &[0; 16][..]));
    let parts = Mech::gcm_message(&[1; 12], 0, CKG_NO_GENERATE, &[0; 16]);
    seen.note("C_EncryptMessageBegin", session.encrypt_message_begin(&parts, b"aad")).unwrap();
    seen.note("C_EncryptMessageNext", session.encrypt_message_next(&parts, b"pl", false)).unwrap();
    seen.note("C_EncryptMessageNext", session.encrypt_message_next(&parts, b"ain", true)).unwrap();
    seen.note("tag", parts.buffer(1));
    seen.note("C_MessageEncryptFinal", session.message_encrypt_final()).unwrap();
    seen.note("C_MessageDecryptInit", session.message_decrypt_init(&mech, secret)).unwrap();
    let again = Mech::gcm_message(one.buffer(0), 0, CKG_NO_GENERATE, one.buffer(1));
    assert_eq!(
        seen.note("C_DecryptMessage", session.decrypt_message(&again, b"aad", &sealed)).unwrap(),
        b"plain"
    );
    seen.note("C_DecryptMessage", session.decrypt_message(&again, b"bad", &sealed)).unwrap_err();
    let again = Mech::gcm_message(&[1; 12], 0, CKG_NO_GENERATE, parts.buffer(1));
    seen.note("C_DecryptMessageBegin", session.decrypt_message_begin(&again, b"aad")).unwrap();
    let plain = session.decrypt_message_next(&again, &sealed, true);
    assert_eq!(seen.note("C_DecryptMessageNext", plain).unwrap(), b"plain");
    seen.note("C_MessageDecryptFinal", session.message_decrypt_final()).unwrap();
}

fn message_signatures(seen: &mut Seen, session: &Session, public: Object, private: Object) {
    let (module, handle) = (session.module(), session.handle());
    let (mech, nothing, none) =
        (Mech::new(CKM_ECDSA), Mech::new(0), std::ptr::null_mut::<std::ffi::c_void>());
    let mut message = *b"message";
    let (data, len) = (message.as_mut_ptr(), ulen(message.len()));
    seen.note("C_MessageSignInit", session.message_sign_init(&mech, private)).unwrap();
    let whole = seen.note("C_SignMessage", session.sign_message(&nothing, b"message")).unwrap();
    seen.note("C_SignMessageBegin", call!(module, C_SignMessageBegin(handle, none, 0)));
    let more = call!(
        module,
        C_SignMessageNext(handle, none, 0, data, len, std::ptr::null_mut(), std::ptr::null_mut())
    );
    seen.note("C_SignMessageNext", more);
    let (mut signature, mut signature_len) = ([0; 100], 100);
    let last = call!(
        module,
        C_SignMessageNext(handle, none, 0, data, 0, signature.as_mut_ptr(), &mut signature_len)
    );
    seen.note("C_SignMessageNext", last);
    assert_eq!(signature[..64], whole);
    seen.note("C_MessageSignFinal", session.message_sign_final()).unwrap();
    seen.note("C_MessageVerifyInit", session.message_verify_init(&mech, public)).unwrap();
    seen.note("C_VerifyMessage", session.verify_message(&nothing, b"message", &whole)).unwrap();
    seen.note("C_VerifyMessage", session.verify_message(&nothing, b"massage", &whole)).unwrap_err();
    seen.note("C_VerifyMessageBegin", call!(module, C_VerifyMessageBegin(handle, none, 0)));
    let last =
        call!(module, C_VerifyMessageNext(handle, none, 0, data, len, signature.as_mut_ptr(), signature_len));
    assert_eq!(seen.note("C_VerifyMessageNext", last), CKR_OK);
    seen.note("C_MessageVerifyFinal", session.message_verify_final()).unwrap();
}

fn wrapping(seen: &mut Seen, session: &Session, public: Object, private: Object, secret: Object) {
    let mech = Mech::new(CKM_AES_KEY_WRAP);
    let same = |one: Object, other: Object| {
        let seal = |key| session.encrypt(&Mech::new(CKM_AES_CTR), key, b"compare").unwrap();
        assert_eq!(seal(one), seal(other));
    };
    let other = session.generate_key(&Mech::new(CKM_AES_KEY_GEN), &[Attr::value_len(32)]).unwrap();
    let wrapped = seen.note("C_WrapKey", session.wrap(&mech, secret, other)).unwrap();
    same(other, seen.done("C_UnwrapKey", session.unwrap(&mech, secret, &wrapped, &[Attr::label("u")])));
    let wrapped = session.wrap_authenticated(&mech, secret, other, b"aad");
    let wrapped = seen.note("C_WrapKeyAuthenticated", wrapped).unwrap();
    let unwrapped = session.unwrap_authenticated(&mech, secret, &wrapped, &[Attr::label("u")], b"aad");
    same(other, seen.done("C_UnwrapKeyAuthenticated", unwrapped));
    let refused = session.unwrap_authenticated(&mech, secret, &wrapped, &[], b"bad");
    seen.note("C_UnwrapKeyAuthenticated", refused).unwrap_err();
    let derived =
        session.derive(&Mech::bytes(CKM_AES_ECB_ENCRYPT_DATA, b"seed"), secret, &[Attr::label("d")]);
    let derived = seen.done("C_DeriveKey", derived);
    seen.note("C_GetAttributeValue", session.get(derived, CKA_VALUE)).unwrap();
    let mech = Mech::new(CKM_ML_KEM);
    let capsule = session.encapsulate(&mech, public, &[Attr::label("e")]);
    let (capsule, sender) = seen.done("C_EncapsulateKey", capsule);
    let receiver = session.decapsulate(&mech, private, &capsule, &[Attr::label("e")]);
    same(sender, seen.done("C_DecapsulateKey", receiver));
}

fn rest(seen: &mut Seen, module: &Module, session: &Session) {
    let handle = session.handle();
    seen.note("C_SeedRandom", session.seed_random(b"seed")).unwrap();
    seen.note("C_GenerateRandom", session.random(16)).unwrap();
    seen.note("C_GetSessionValidationFlags", session.validation_flags(1)).unwrap();
    seen.note("C_GetFunctionStatus", call!(module, C_GetFunctionStatus(handle)));
    seen.note("C_CancelFunction", call!(module, C_CancelFunction(handle)));
    let name = c"C_Sign".as_ptr().cast_mut().cast();
    let mut id = 0;
    seen.note("C_AsyncGetID", call!(module, C_AsyncGetID(handle, name, &mut id)));
    seen.note("identifier", id);
    let mut data = CK_ASYNC_DATA::default();
    seen.note("C_AsyncComplete", call!(module, C_AsyncComplete(handle, name, &mut data)));
    let mut room = [0; 8];
    seen.note("C_AsyncJoin", call!(module, C_AsyncJoin(handle, name, id, room.as_mut_ptr(), 8)));
}
