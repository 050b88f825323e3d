//! Operations beside each other, and the functions around them.

use cryptoki_sys::*;

use super::super::fixture;
use super::operations::inits;
use crate::runner::{Case, Check, Context, expect, expect_ok};
use crate::{Attr, Mech, Object, Rv, Session, call, cases, ensure, size, skip, ulen};

pub(super) fn cases() -> Vec<Case> {
    cases![
        operations_do_not_disturb_each_other,
        digest_key,
        recover,
        dual_functions,
        operation_state,
        session_cancel,
        allowed_mechanisms,
    ]
}

/// A second kind of operation beside an active one: a token may allow one at a time.
pub(super) fn beside(begun: Result<(), Rv>) -> Check {
    match begun {
        Err(rv) if rv == CKR_OPERATION_ACTIVE => skip!("one operation at a time"),
        other => Ok(other?),
    }
}

fn operations_do_not_disturb_each_other(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (key, secret, cbc, hmac) = inits(&s)?;
    s.digest_init(&Mech::new(CKM_SHA256))?;
    beside(s.sign_init(&hmac, secret))?;
    s.digest_update(b"a")?;
    s.sign_update(b"x")?;
    s.encrypt(&cbc, key, &[0; 16])?;
    s.digest_update(b"bc")?;
    let mac = s.sign_final()?;
    ensure!(s.digest_final()?.starts_with(&[0xba, 0x78, 0x16, 0xbf]), "the digest is disturbed");
    expect_ok(s.verify(&hmac, secret, b"x", &mac))
}

fn digest_key(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let key = fixture::secret(&s, b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")?;
    s.digest_init(&Mech::new(CKM_SHA256))?;
    match s.digest_key(key) {
        Err(rv) if rv.is_one_of(&[CKR_KEY_INDIGESTIBLE, CKR_FUNCTION_NOT_SUPPORTED]) => {
            skip!("C_DigestKey answers {rv}")
        }
        other => other?,
    }
    ensure!(s.digest_final()?.starts_with(&[0x24, 0x8d, 0x6a, 0x61]), "C_DigestKey digests something else");
    expect(s.digest_key(key), &[CKR_OPERATION_NOT_INITIALIZED])?;
    s.digest_init(&Mech::new(CKM_SHA256))?;
    s.digest_update(b"a")?;
    expect(s.digest_key(0x0fff_ffff), &[CKR_KEY_HANDLE_INVALID])?;
    let (_, private) = fixture::ec(&s, &[])?;
    expect(s.digest_key(private), &[CKR_KEY_INDIGESTIBLE, CKR_KEY_HANDLE_INVALID])
}

fn recover(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_RSA_PKCS, CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER)?;
    let s = token.user_session()?;
    let template = [
        Attr::ulong(CKA_MODULUS_BITS, 2048),
        Attr::bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]),
        Attr::bool(CKA_VERIFY_RECOVER, true),
    ];
    let pair = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
    let (public, private) = s.generate_pair(&pair, &template, &[Attr::bool(CKA_SIGN_RECOVER, true)])?;
    let mech = Mech::new(CKM_RSA_PKCS);
    let signature = s.sign_recover(&mech, private, b"recovered")?;
    ensure!(
        s.verify_recover(&mech, public, &signature)? == b"recovered",
        "C_VerifyRecover gives something else"
    );
    expect(s.verify_recover(&mech, public, &[1; 256]), &[CKR_SIGNATURE_INVALID])?;
    expect(s.verify_recover(&mech, public, &[1; 255]), &[CKR_SIGNATURE_LEN_RANGE])?;
    recover_sequences(&s, &mech, public, private)
}

/// Who may, when, and what queries and small buffers leave.
fn recover_sequences(s: &Session, mech: &Mech, public: Object, private: Object) -> Check {
    let none = &[CKR_OPERATION_NOT_INITIALIZED];
    expect(s.sign_recover_once(b"x"), none)?;
    expect(s.verify_recover_once(b"x"), none)?;
    let (_, other) = fixture::rsa(s, &[Attr::bool(CKA_SIGN_RECOVER, false)])?;
    expect(s.sign_recover_init(mech, other), &[CKR_KEY_FUNCTION_NOT_PERMITTED])?;
    expect(s.sign_recover_init(mech, 0x0fff_ffff), &[CKR_KEY_HANDLE_INVALID])?;
    expect(s.sign_recover_init(&Mech::new(CKM_SHA256_RSA_PKCS), private), &[CKR_MECHANISM_INVALID])?;
    s.sign_recover_init(mech, private)?;
    expect(s.sign_recover_init(mech, private), &[CKR_OPERATION_ACTIVE])?;
    let ask = |call: &dyn Fn(*mut u8, *mut CK_ULONG) -> Rv, room: usize| {
        let (mut buffer, mut len) = (vec![0_u8; room], ulen(room));
        let pointer = if room == 0 { std::ptr::null_mut() } else { buffer.as_mut_ptr() };
        (call(pointer, &mut len), size(len))
    };
    let sign = |out: *mut u8, len: *mut CK_ULONG| {
        call!(s.module(), C_SignRecover(s.handle(), b"data".as_ptr().cast_mut(), 4, out, len))
    };
    ensure!(ask(&sign, 0) == (Rv(CKR_OK), 256), "the size query of C_SignRecover");
    ensure!(ask(&sign, 255) == (Rv(CKR_BUFFER_TOO_SMALL), 256), "C_SignRecover into a small buffer");
    let signature = s.sign_recover_once(b"data")?;
    expect(s.sign_recover_once(b"data"), none)?;
    s.verify_recover_init(mech, public)?;
    let (pointer, signature_len) = (signature.as_ptr().cast_mut(), ulen(signature.len()));
    let recover = |out: *mut u8, len: *mut CK_ULONG| {
        call!(s.module(), C_VerifyRecover(s.handle(), pointer, signature_len, out, len))
    };
    let (rv, len) = ask(&recover, 0);
    ensure!(rv == CKR_OK && (4..=256).contains(&len), "the size query of C_VerifyRecover");
    ensure!(ask(&recover, 3) == (Rv(CKR_BUFFER_TOO_SMALL), 4), "C_VerifyRecover into a small buffer");
    ensure!(s.verify_recover_once(&signature)? == b"data", "something else after a small buffer");
    // That the signature is none goes before that the buffer is too small.
    s.verify_recover_init(mech, public)?;
    let wrong = [1_u8; 256];
    let recover = |out: *mut u8, len: *mut CK_ULONG| {
        call!(s.module(), C_VerifyRecover(s.handle(), wrong.as_ptr().cast_mut(), 256, out, len))
    };
    ensure!(ask(&recover, 1).0 == CKR_SIGNATURE_INVALID, "a small buffer hides that the signature is wrong");
    s.sign_recover_init(mech, private)?;
    s.verify_recover_init(mech, public)?;
    s.cancel(CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER)?;
    expect(s.sign_recover_once(b"x"), none)?;
    expect(s.verify_recover_once(&signature), none)
}

fn dual_functions(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (key, _, cbc, _) = inits(&s)?;
    s.digest_init(&Mech::new(CKM_SHA256))?;
    beside(s.encrypt_init(&cbc, key))?;
    let mut sealed = match s.digest_encrypt_update(&[7; 32]) {
        Err(rv) if rv == CKR_FUNCTION_NOT_SUPPORTED => skip!("no dual functions"),
        other => other?,
    };
    sealed.extend(s.encrypt_final()?);
    let digest = s.digest_final()?;
    ensure!(
        digest == s.digest(&Mech::new(CKM_SHA256), &[7; 32])?,
        "C_DigestEncryptUpdate digests something else"
    );
    s.decrypt_init(&cbc, key)?;
    s.digest_init(&Mech::new(CKM_SHA256))?;
    let mut opened = s.decrypt_digest_update(&sealed)?;
    opened.extend(s.decrypt_final()?);
    ensure!(opened == [7; 32], "C_DecryptDigestUpdate decrypts something else");
    ensure!(s.digest_final()? == digest, "C_DecryptDigestUpdate digests something else");
    dual_queries(&s, &cbc, key, &digest)
}

/// Neither operation moves where no output is given, and neither is there alone.
fn dual_queries(s: &Session, cbc: &Mech, key: Object, digest: &[u8]) -> Check {
    let none = &[CKR_OPERATION_NOT_INITIALIZED];
    expect(s.digest_encrypt_update(b"x"), none)?;
    expect(s.sign_encrypt_update(b"x"), none)?;
    expect(s.decrypt_digest_update(b"x"), none)?;
    expect(s.decrypt_verify_update(b"x"), none)?;
    s.digest_init(&Mech::new(CKM_SHA256))?;
    expect(s.digest_encrypt_update(b"x"), none)?;
    s.encrypt_init(cbc, key)?;
    let (mut data, mut out, mut len) = ([7_u8; 32], [0_u8; 32], 0);
    let data = data.as_mut_ptr();
    let rv = call!(s.module(), C_DigestEncryptUpdate(s.handle(), data, 32, std::ptr::null_mut(), &mut len));
    ensure!((rv, len) == (Rv(CKR_OK), 32), "the size query answers {rv} {len}");
    len = 31;
    let rv = call!(s.module(), C_DigestEncryptUpdate(s.handle(), data, 32, out.as_mut_ptr(), &mut len));
    ensure!((rv, len) == (Rv(CKR_BUFFER_TOO_SMALL), 32), "a small buffer answers {rv} {len}");
    let sealed = s.digest_encrypt_update(&[7; 32])?;
    s.encrypt_final()?;
    ensure!(s.digest_final()? == digest, "a query or a small buffer moved the digest");
    ensure!(sealed == s.encrypt(cbc, key, &[7; 32])?, "a query or a small buffer moved the cipher");

    let (secret, hmac) = (fixture::secret(s, &[5; 32])?, Mech::new(CKM_SHA256_HMAC));
    s.sign_init(&hmac, secret)?;
    s.encrypt_init(cbc, key)?;
    ensure!(s.sign_encrypt_update(&[7; 32])? == sealed, "C_SignEncryptUpdate encrypts something else");
    s.encrypt_final()?;
    let mac = s.sign_final()?;
    ensure!(mac == s.sign(&hmac, secret, &[7; 32])?, "C_SignEncryptUpdate signs something else");
    s.decrypt_init(cbc, key)?;
    s.verify_init(&hmac, secret)?;
    ensure!(s.decrypt_verify_update(&sealed)? == [7; 32], "C_DecryptVerifyUpdate decrypts something else");
    s.decrypt_final()?;
    expect_ok(s.verify_final(&mac))
}

fn operation_state(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    expect(s.operation_state(), &[CKR_OPERATION_NOT_INITIALIZED, CKR_FUNCTION_NOT_SUPPORTED])?;
    s.digest_init(&Mech::new(CKM_SHA256))?;
    s.digest_update(b"ab")?;
    let state = match s.operation_state() {
        Err(rv) if rv.is_one_of(&[CKR_FUNCTION_NOT_SUPPORTED, CKR_STATE_UNSAVEABLE]) => skip!("answers {rv}"),
        other => other?,
    };
    let other = token.user_session()?;
    other.set_operation_state(&state, 0, 0)?;
    other.digest_update(b"c")?;
    s.digest_update(b"x")?;
    ensure!(other.digest_final()?.starts_with(&[0xba, 0x78, 0x16, 0xbf]), "the restored digest is another");
    expect(other.set_operation_state(b"rubbish", 0, 0), &[CKR_SAVED_STATE_INVALID])?;
    expect(other.set_operation_state(&state[..state.len() / 2], 0, 0), &[CKR_SAVED_STATE_INVALID])
}

fn session_cancel(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (key, _, cbc, _) = inits(&s)?;
    s.encrypt_init(&cbc, key)?;
    beside(s.digest_init(&Mech::new(CKM_SHA256)))?;
    match s.cancel(CKF_ENCRYPT) {
        Err(rv) if rv == CKR_FUNCTION_NOT_SUPPORTED => skip!("no C_SessionCancel"),
        other => other?,
    }
    expect(s.encrypt_once(&[0; 16]), &[CKR_OPERATION_NOT_INITIALIZED])?;
    expect_ok(s.digest_update(b"still there"))?;
    s.find_init(&[])?;
    s.cancel(CKF_FIND_OBJECTS | CKF_DIGEST)?;
    expect(s.find_next(1), &[CKR_OPERATION_NOT_INITIALIZED])?;
    expect(s.digest_final(), &[CKR_OPERATION_NOT_INITIALIZED])?;
    expect_ok(s.cancel(CKF_SIGN))
}

fn allowed_mechanisms(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let allowed = Attr::mechanisms(CKA_ALLOWED_MECHANISMS, &[CKM_AES_CBC]);
    let key = match fixture::aes(&s, &[allowed]) {
        Err(rv) if rv == CKR_ATTRIBUTE_TYPE_INVALID => skip!("no CKA_ALLOWED_MECHANISMS"),
        other => other?,
    };
    expect_ok(s.encrypt_init(&Mech::bytes(CKM_AES_CBC, &[0; 16]), key))?;
    let refused = &[CKR_MECHANISM_INVALID, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_ACTION_PROHIBITED];
    expect(token.user_session()?.decrypt_init(&Mech::new(CKM_AES_ECB), key), refused)
}
