//! The life of an operation: begun once, kept by size queries and small buffers, ended by all else.

use std::ptr::null_mut;

use cryptoki_sys::*;

use super::super::fixture;
use crate::runner::{Case, Check, Context, expect, expect_ok, expect_rv};
use crate::{Attr, Mech, Object, Rv, Session, TestToken, call, cases, ensure, size, ulen};

pub(super) fn cases() -> Vec<Case> {
    cases![
        operations_without_init,
        init_twice,
        init_with_unknown_mechanism,
        init_with_a_mechanism_of_another_function,
        init_with_bad_key_handle,
        init_with_wrong_key_type,
        init_without_permission,
        init_with_wrong_parameters,
        init_with_null_mechanism,
        failed_init_leaves_nothing_active,
        size_query_keeps_the_operation,
        small_buffer_keeps_the_operation,
        success_ends_the_operation,
        error_ends_the_operation,
        failed_verification_ends_the_operation,
        data_length_errors,
        signature_length_errors,
    ]
}

fn operations_without_init(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let none = &[CKR_OPERATION_NOT_INITIALIZED];
    expect(s.encrypt_once(b"x"), none)?;
    expect(s.encrypt_update(b"x"), none)?;
    expect(s.encrypt_final(), none)?;
    expect(s.decrypt_once(b"x"), none)?;
    expect(s.decrypt_update(b"x"), none)?;
    expect(s.decrypt_final(), none)?;
    expect(s.digest_once(b"x"), none)?;
    expect(s.digest_update(b"x"), none)?;
    expect(s.digest_final(), none)?;
    expect(s.sign_once(b"x"), none)?;
    expect(s.sign_update(b"x"), none)?;
    expect(s.sign_final(), none)?;
    expect(s.verify_once(b"x", b"y"), none)?;
    expect(s.verify_update(b"x"), none)?;
    expect(s.verify_final(b"x"), none)
}

/// An AES key and a mechanism for each keyed function.
pub(super) fn inits(session: &Session) -> Result<(Object, Object, Mech, Mech), Rv> {
    let key = fixture::aes(session, &[])?;
    let secret = fixture::secret(session, &[5; 32])?;
    Ok((key, secret, Mech::bytes(CKM_AES_CBC, &[0; 16]), Mech::new(CKM_SHA256_HMAC)))
}

fn init_twice(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (key, secret, cbc, hmac) = inits(&s)?;
    let twice = |init: &dyn Fn(&Session) -> Result<(), Rv>| -> Check {
        let session = token.user_session()?;
        init(&session)?;
        expect(init(&session), &[CKR_OPERATION_ACTIVE])
    };
    twice(&|s| s.encrypt_init(&cbc, key))?;
    twice(&|s| s.decrypt_init(&cbc, key))?;
    twice(&|s| s.sign_init(&hmac, secret))?;
    twice(&|s| s.verify_init(&hmac, secret))?;
    twice(&|s| s.digest_init(&Mech::new(CKM_SHA256)))
}

fn init_with_unknown_mechanism(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (key, _, _, _) = inits(&s)?;
    let (unknown, bad) = (Mech::new(0x7fff_0000), &[CKR_MECHANISM_INVALID]);
    expect(s.encrypt_init(&unknown, key), bad)?;
    expect(s.decrypt_init(&unknown, key), bad)?;
    expect(s.sign_init(&unknown, key), bad)?;
    expect(s.verify_init(&unknown, key), bad)?;
    expect(s.digest_init(&unknown), bad)?;
    expect(s.generate_key(&unknown, &[]), bad)?;
    expect(s.generate_pair(&unknown, &[], &[]), bad)?;
    expect(s.wrap(&unknown, key, key), bad)?;
    expect(s.unwrap(&unknown, key, &[0; 24], &fixture::secret_template(&[])[..5]), bad)?;
    expect(s.derive(&unknown, key, &[]), bad)
}

fn init_with_a_mechanism_of_another_function(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (key, secret, cbc, hmac) = inits(&s)?;
    let bad = &[CKR_MECHANISM_INVALID];
    expect(s.sign_init(&cbc, key), bad)?;
    // The key is not for this use either: both codes are true.
    let either = &[CKR_MECHANISM_INVALID, CKR_KEY_FUNCTION_NOT_PERMITTED];
    expect(s.encrypt_init(&hmac, secret), either)?;
    expect(s.digest_init(&hmac), bad)?;
    expect(s.generate_key(&cbc, &[Attr::value_len(16)]), bad)?;
    expect(s.generate_pair(&Mech::new(CKM_AES_KEY_GEN), &[], &[]), bad)?;
    expect(s.derive(&hmac, secret, &[]), either)
}

pub(in crate::suites) fn init_with_bad_key_handle(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (_, _, cbc, hmac) = inits(&s)?;
    let data = s.create(&fixture::data_template("not a key", b"x"))?;
    for bad in [0, 0x0fff_ffff, data] {
        let wanted = &[CKR_KEY_HANDLE_INVALID];
        expect(s.encrypt_init(&cbc, bad), wanted)?;
        expect(s.decrypt_init(&cbc, bad), wanted)?;
        expect(s.sign_init(&hmac, bad), wanted)?;
        expect(s.verify_init(&hmac, bad), wanted)?;
        let ecdh = Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, &[], &[4; 65]);
        expect(s.derive(&ecdh, bad, &fixture::secret_template(&[])[..2]), wanted)?;
    }
    Ok(())
}

fn init_with_wrong_key_type(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (key, _, cbc, _) = inits(&s)?;
    let (public, private) = fixture::ec(&s, &[])?;
    let bad = &[CKR_KEY_TYPE_INCONSISTENT];
    expect(s.sign_init(&Mech::new(CKM_ECDSA), key), bad)?;
    expect(s.sign_init(&Mech::new(CKM_SHA256_RSA_PKCS), private), bad)?;
    // The right type, but the wrong half of the pair.
    let either = &[CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED];
    expect(s.sign_init(&Mech::new(CKM_ECDSA), public), either)?;
    expect(s.verify_init(&Mech::new(CKM_ECDSA), private), either)?;
    let secret = s.create(&fixture::with(
        fixture::secret_template(&[1; 16]),
        &[Attr::bool(CKA_ENCRYPT, true), Attr::bool(CKA_DECRYPT, true)],
    ));
    match secret {
        Ok(secret) => expect(s.encrypt_init(&cbc, secret), bad),
        Err(_) => Ok(()),
    }
}

fn init_without_permission(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let none =
        [CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP].map(|a| Attr::bool(a, false));
    let key = fixture::aes(&s, &none)?;
    let cbc = Mech::bytes(CKM_AES_CBC, &[0; 16]);
    let bad = &[CKR_KEY_FUNCTION_NOT_PERMITTED];
    expect(s.encrypt_init(&cbc, key), bad)?;
    expect(s.decrypt_init(&cbc, key), bad)?;
    if token.offers(CKM_AES_CMAC, CKF_SIGN) {
        expect(s.sign_init(&Mech::new(CKM_AES_CMAC), key), bad)?;
        expect(s.verify_init(&Mech::new(CKM_AES_CMAC), key), bad)?;
    }
    let (_, private) = fixture::ec(&s, &[Attr::bool(CKA_SIGN, false), Attr::bool(CKA_DERIVE, false)])?;
    expect(s.sign_init(&Mech::new(CKM_ECDSA), private), bad)
}

pub(in crate::suites) fn init_with_wrong_parameters(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (key, secret, _, _) = inits(&s)?;
    let bad = &[CKR_MECHANISM_PARAM_INVALID];
    for iv in [0_usize, 1, 15, 17, 32] {
        let mech = Mech::bytes(CKM_AES_CBC, &vec![0; iv]);
        expect(s.encrypt_init(&mech, key), bad)
            .map_err(|failure| failure.at(&format!("CBC IV of {iv} bytes")))?;
        expect(s.decrypt_init(&mech, key), bad)?;
    }
    expect(s.encrypt_init(&Mech::bytes(CKM_AES_ECB, &[0; 4]), key), bad)?;
    expect(s.sign_init(&Mech::bytes(CKM_SHA256_HMAC, &[0; 4]), secret), bad)?;
    expect(s.digest_init(&Mech::bytes(CKM_SHA256, &[0; 4])), bad)?;
    if token.offers(CKM_AES_GCM, CKF_ENCRYPT) {
        for tag in [7, 31, 129, 136, CK_ULONG::MAX] {
            expect(s.encrypt_init(&Mech::gcm(&[0; 12], &[], tag), key), bad)
                .map_err(|failure| failure.at(&format!("GCM tag of {tag} bits")))?;
        }
    }
    if token.offers(CKM_AES_CTR, CKF_ENCRYPT) {
        for bits in [0, 129, CK_ULONG::MAX] {
            expect(s.encrypt_init(&Mech::ctr(bits, [0; 16]), key), bad)
                .map_err(|failure| failure.at(&format!("CTR counter of {bits} bits")))?;
        }
    }
    Ok(())
}

/// In v3 a null mechanism cancels the operation; before, it was a bad argument. Nothing else.
fn init_with_null_mechanism(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (key, secret, cbc, hmac) = inits(&s)?;
    let (m, null) = (s.module(), null_mut());
    let fine = |rv| {
        let allowed = [CKR_OK, CKR_ARGUMENTS_BAD, CKR_OPERATION_NOT_INITIALIZED, CKR_OPERATION_CANCEL_FAILED];
        expect_rv(rv, &allowed)
    };
    s.encrypt_init(&cbc, key)?;
    fine(call!(m, C_EncryptInit(s.handle(), null, key)))?;
    fine(call!(m, C_DecryptInit(token.user_session()?.handle(), null, key)))?;
    let other = token.user_session()?;
    other.sign_init(&hmac, secret)?;
    fine(call!(m, C_SignInit(other.handle(), null, secret)))?;
    fine(call!(m, C_VerifyInit(token.user_session()?.handle(), null, secret)))?;
    fine(call!(m, C_DigestInit(token.user_session()?.handle(), null)))
}

fn failed_init_leaves_nothing_active(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (key, _, cbc, _) = inits(&s)?;
    expect(s.encrypt_init(&Mech::bytes(CKM_AES_CBC, &[0; 3]), key), &[CKR_MECHANISM_PARAM_INVALID])?;
    expect(s.encrypt_once(&[0; 16]), &[CKR_OPERATION_NOT_INITIALIZED])?;
    expect_ok(s.encrypt_init(&cbc, key))
}

type Step<'a> = dyn Fn(*mut CK_BYTE, *mut CK_ULONG) -> Rv + 'a;

/// Begins an operation with `init`, then checks that size queries and small buffers keep it.
fn keeps(name: &str, init: &dyn Fn() -> Result<(), Rv>, finish: &Step<'_>, small: bool) -> Check {
    init()?;
    let mut len = 0;
    expect_rv(finish(null_mut(), &mut len), &[CKR_OK]).map_err(|failure| failure.at(name))?;
    ensure!(len > 0, "{name}: the size query gives 0");
    let mut buffer = vec![0; size(len)];
    if small {
        let mut short = len - 1;
        // The size query may have been an upper bound: one byte less is too little only sometimes.
        let rv = finish(buffer.as_mut_ptr(), &mut short);
        if rv == CKR_OK {
            return Ok(());
        }
        expect_rv(rv, &[CKR_BUFFER_TOO_SMALL]).map_err(|failure| failure.at(name))?;
        ensure!(
            size(short) <= buffer.len() && short > 0,
            "{name}: CKR_BUFFER_TOO_SMALL asks for {short} bytes"
        );
        let mut none = 0;
        expect_rv(finish(buffer.as_mut_ptr(), &mut none), &[CKR_BUFFER_TOO_SMALL])
            .map_err(|failure| failure.at(name))?;
    }
    let mut room = ulen(buffer.len());
    expect_rv(finish(buffer.as_mut_ptr(), &mut room), &[CKR_OK]).map_err(|failure| failure.at(name))?;
    ensure!(room <= len, "{name}: {room} bytes written where {len} were announced");
    expect_rv(finish(buffer.as_mut_ptr(), &mut len), &[CKR_OPERATION_NOT_INITIALIZED])
        .map_err(|failure| failure.at(name))
}

fn keeps_all(token: &TestToken, small: bool) -> Check {
    let s = token.user_session()?;
    let (key, secret, _, hmac) = inits(&s)?;
    let (_, ec) = fixture::ec(&s, &[])?;
    let (m, h) = (s.module().clone(), s.handle());
    let (mut data, pad) = ([7_u8; 32], Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]));
    let sealed = s.encrypt(&pad, key, &data)?;
    let (p, c, clen) = (data.as_mut_ptr(), sealed.as_ptr().cast_mut(), ulen(sealed.len()));
    let digest = || s.digest_init(&Mech::new(CKM_SHA256));
    keeps("C_Digest", &digest, &|o, n| call!(m, C_Digest(h, p, 32, o, n)), small)?;
    keeps("C_DigestFinal", &digest, &|o, n| call!(m, C_DigestFinal(h, o, n)), small)?;
    let sign = || s.sign_init(&hmac, secret);
    keeps("C_Sign (HMAC)", &sign, &|o, n| call!(m, C_Sign(h, p, 32, o, n)), small)?;
    keeps("C_SignFinal (HMAC)", &sign, &|o, n| call!(m, C_SignFinal(h, o, n)), small)?;
    let ecdsa = || s.sign_init(&Mech::new(CKM_ECDSA), ec);
    keeps("C_Sign (ECDSA)", &ecdsa, &|o, n| call!(m, C_Sign(h, p, 32, o, n)), small)?;
    let encrypt = || s.encrypt_init(&pad, key);
    keeps("C_Encrypt (CBC-PAD)", &encrypt, &|o, n| call!(m, C_Encrypt(h, p, 32, o, n)), small)?;
    keeps("C_EncryptFinal (CBC-PAD)", &encrypt, &|o, n| call!(m, C_EncryptFinal(h, o, n)), small)?;
    let decrypt = || s.decrypt_init(&pad, key);
    keeps("C_Decrypt (CBC-PAD)", &decrypt, &|o, n| call!(m, C_Decrypt(h, c, clen, o, n)), small)?;
    if token.offers(CKM_AES_GCM, CKF_ENCRYPT) {
        let gcm = Mech::gcm(&[1; 12], b"aad", 128);
        let sealed = s.encrypt(&gcm, key, &data)?;
        let (c, clen) = (sealed.as_ptr().cast_mut(), ulen(sealed.len()));
        let encrypt = || s.encrypt_init(&gcm, key);
        keeps("C_Encrypt (GCM)", &encrypt, &|o, n| call!(m, C_Encrypt(h, p, 32, o, n)), small)?;
        let decrypt = || s.decrypt_init(&gcm, key);
        keeps("C_Decrypt (GCM)", &decrypt, &|o, n| call!(m, C_Decrypt(h, c, clen, o, n)), small)?;
    }
    Ok(())
}

fn size_query_keeps_the_operation(context: &Context) -> Check {
    keeps_all(&context.token()?, false)
}

fn small_buffer_keeps_the_operation(context: &Context) -> Check {
    keeps_all(&context.token()?, true)
}

fn success_ends_the_operation(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (key, secret, cbc, hmac) = inits(&s)?;
    let none = &[CKR_OPERATION_NOT_INITIALIZED];
    s.encrypt(&cbc, key, &[0; 16])?;
    expect(s.encrypt_once(&[0; 16]), none)?;
    let mac = s.sign(&hmac, secret, b"m")?;
    expect(s.sign_once(b"m"), none)?;
    s.verify(&hmac, secret, b"m", &mac)?;
    expect(s.verify_once(b"m", &mac), none)?;
    s.digest(&Mech::new(CKM_SHA256), b"m")?;
    expect(s.digest_final(), none)
}

pub(in crate::suites) fn error_ends_the_operation(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (key, _, cbc, _) = inits(&s)?;
    let none = &[CKR_OPERATION_NOT_INITIALIZED];
    s.encrypt_init(&cbc, key)?;
    expect(s.encrypt_once(&[0; 15]), &[CKR_DATA_LEN_RANGE])?;
    expect(s.encrypt_once(&[0; 16]), none)?;
    s.decrypt_init(&cbc, key)?;
    expect(s.decrypt_once(&[0; 15]), &[CKR_ENCRYPTED_DATA_LEN_RANGE])?;
    expect(s.decrypt_once(&[0; 16]), none)?;
    s.encrypt_init(&cbc, key)?;
    s.encrypt_update(&[0; 15])?;
    expect(s.encrypt_final(), &[CKR_DATA_LEN_RANGE])?;
    expect(s.encrypt_final(), none)?;
    s.decrypt_init(&cbc, key)?;
    s.decrypt_update(&[0; 15])?;
    expect(s.decrypt_final(), &[CKR_ENCRYPTED_DATA_LEN_RANGE])?;
    expect(s.decrypt_final(), none)
}

fn failed_verification_ends_the_operation(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (_, secret, _, hmac) = inits(&s)?;
    let none = &[CKR_OPERATION_NOT_INITIALIZED];
    s.verify_init(&hmac, secret)?;
    expect(s.verify_once(b"m", &[0; 32]), &[CKR_SIGNATURE_INVALID])?;
    expect(s.verify_once(b"m", &[0; 32]), none)?;
    s.verify_init(&hmac, secret)?;
    s.verify_update(b"m")?;
    expect(s.verify_final(&[0; 31]), &[CKR_SIGNATURE_LEN_RANGE])?;
    expect(s.verify_final(&[0; 32]), none)
}

fn data_length_errors(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    token.need(CKM_RSA_PKCS, CKF_SIGN | CKF_ENCRYPT | CKF_DECRYPT)?;
    let (public, private) = fixture::rsa(&s, &[])?;
    let pkcs = Mech::new(CKM_RSA_PKCS);
    expect(s.sign(&pkcs, private, &[1; 246]), &[CKR_DATA_LEN_RANGE])?;
    expect(s.encrypt(&pkcs, public, &[1; 246]), &[CKR_DATA_LEN_RANGE])?;
    expect(s.decrypt(&pkcs, private, &[1; 255]), &[CKR_ENCRYPTED_DATA_LEN_RANGE])?;
    expect(s.decrypt(&pkcs, private, &[1; 257]), &[CKR_ENCRYPTED_DATA_LEN_RANGE])?;
    if token.offers(CKM_RSA_X_509, CKF_SIGN) {
        expect(s.sign(&Mech::new(CKM_RSA_X_509), private, &[1; 257]), &[CKR_DATA_LEN_RANGE])?;
        let outside = s.sign(&Mech::new(CKM_RSA_X_509), private, &[0xff; 256]);
        expect(outside, &[CKR_DATA_INVALID, CKR_DATA_LEN_RANGE])?;
    }
    Ok(())
}

pub(in crate::suites) fn signature_length_errors(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (public, private) = fixture::ec(&s, &[])?;
    let ecdsa = Mech::new(CKM_ECDSA);
    let mut signature = s.sign(&ecdsa, private, &[1; 32])?;
    ensure!(signature.len() == 64, "a P-256 signature has {} bytes", signature.len());
    for length in [0, 1, 63, 65, 96] {
        signature.resize(length, 0);
        expect(s.verify(&ecdsa, public, &[1; 32], &signature), &[CKR_SIGNATURE_LEN_RANGE])
            .map_err(|failure| failure.at(&format!("ECDSA signature of {length} bytes")))?;
    }
    let (public, _) = fixture::rsa(&s, &[])?;
    for length in [0, 255, 257] {
        let verified = s.verify(&Mech::new(CKM_SHA256_RSA_PKCS), public, b"m", &vec![1; length]);
        expect(verified, &[CKR_SIGNATURE_LEN_RANGE])
            .map_err(|failure| failure.at(&format!("RSA signature of {length} bytes")))?;
    }
    Ok(())
}
