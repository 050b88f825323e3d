//! Message-based functions (v3.0), signatures that come first and authenticated wrapping (v3.2).

use std::ptr::null_mut;

use cryptoki_sys::*;

use super::super::fixture;
use crate::runner::{Case, Check, Context, expect, expect_ok, expect_rv};
use crate::{Attr, Mech, Object, Rv, Session, TestToken, call, cases, ensure, size, ulen};

pub(super) fn cases() -> Vec<Case> {
    cases![
        messages_without_init,
        message_init_twice_and_without_mechanism,
        message_init_with_what_does_not_fit,
        messages_are_what_whole_operations_are,
        messages_in_parts,
        message_size_queries_and_small_buffers_move_nothing,
        message_iv_generators,
        message_with_another_tag,
        message_parameters,
        messages_one_at_a_time,
        messages_are_cancelled,
        signed_messages,
        signed_messages_in_parts,
        signed_messages_of_single_part_mechanisms,
        signature_given_first,
        authenticated_wrapping,
        authenticated_unwrapping_of_what_was_changed,
        wrapping_with_an_iv_of_the_token,
    ]
}

const NONE: &[CK_RV] = &[CKR_OPERATION_NOT_INITIALIZED];
const ACTIVE: &[CK_RV] = &[CKR_OPERATION_ACTIVE];

/// A message's parameter with a given IV, and room for a tag.
fn given(iv: &[u8]) -> Mech {
    Mech::gcm_message(iv, 0, CKG_NO_GENERATE, &[0; 16])
}

/// The same with the tag to check.
fn tagged(iv: &[u8], tag: &[u8]) -> Mech {
    Mech::gcm_message(iv, 0, CKG_NO_GENERATE, tag)
}

fn ciphers(token: &TestToken) -> Check<(Session, Object)> {
    token.need(CKM_AES_GCM, CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT)?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[])?;
    Ok((s, key))
}

fn signers(token: &TestToken) -> Check<(Session, Object, Mech)> {
    token.need(CKM_SHA256_HMAC, CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY)?;
    let s = token.user_session()?;
    let secret = fixture::secret(&s, &[5; 32])?;
    Ok((s, secret, Mech::new(CKM_SHA256_HMAC)))
}

fn messages_without_init(context: &Context) -> Check {
    let token = context.token()?;
    let (s, _) = ciphers(&token)?;
    let (mech, none) = (given(&[1; 12]), Mech::new(CKM_SHA256_HMAC));
    expect(s.encrypt_message(&mech, b"", b"x"), NONE)?;
    expect(s.encrypt_message_begin(&mech, b""), NONE)?;
    expect(s.encrypt_message_next(&mech, b"x", false), NONE)?;
    expect(s.encrypt_message_next(&mech, b"x", true), NONE)?;
    expect(s.message_encrypt_final(), NONE)?;
    expect(s.decrypt_message(&mech, b"", b"x"), NONE)?;
    expect(s.decrypt_message_begin(&mech, b""), NONE)?;
    expect(s.decrypt_message_next(&mech, b"x", true), NONE)?;
    expect(s.message_decrypt_final(), NONE)?;
    expect(s.sign_message(&none, b"x"), NONE)?;
    expect(s.message_sign_final(), NONE)?;
    expect(s.verify_message(&none, b"x", b"y"), NONE)?;
    expect(s.message_verify_final(), NONE)?;
    expect(s.verify_signature_once(b"x"), NONE)?;
    expect(s.verify_signature_update(b"x"), NONE)?;
    expect(s.verify_signature_final(), NONE)
}

fn message_init_twice_and_without_mechanism(context: &Context) -> Check {
    let token = context.token()?;
    let (s, key) = ciphers(&token)?;
    let gcm = Mech::new(CKM_AES_GCM);
    s.message_encrypt_init(&gcm, key)?;
    expect(s.message_encrypt_init(&gcm, key), ACTIVE)?;
    // The specification's example gives the message's parameter here already.
    s.message_decrypt_init(&given(&[1; 12]), key)?;
    expect(s.message_decrypt_init(&gcm, key), ACTIVE)?;
    expect_rv(call!(s.module(), C_MessageEncryptInit(s.handle(), null_mut(), key)), &[CKR_OK])?;
    expect(s.message_encrypt_final(), NONE)?;
    expect_ok(s.message_decrypt_final())?;
    let refused = &[CKR_ARGUMENTS_BAD, CKR_OPERATION_NOT_INITIALIZED, CKR_OK];
    expect_rv(call!(s.module(), C_MessageDecryptInit(s.handle(), null_mut(), key)), refused)
}

fn message_init_with_what_does_not_fit(context: &Context) -> Check {
    let token = context.token()?;
    let (s, key) = ciphers(&token)?;
    let gcm = Mech::new(CKM_AES_GCM);
    expect(s.message_encrypt_init(&gcm, 0x0fff_ffff), &[CKR_KEY_HANDLE_INVALID])?;
    expect(s.message_encrypt_init(&Mech::new(CKM_SHA256), key), &[CKR_MECHANISM_INVALID])?;
    expect(s.message_sign_init(&Mech::new(CKM_AES_ECB), key), &[CKR_MECHANISM_INVALID])?;
    let secret = fixture::secret(&s, &[5; 32])?;
    let wrong = &[CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED];
    expect(s.message_encrypt_init(&gcm, secret), wrong)?;
    let idle = fixture::aes(&s, &[Attr::bool(CKA_ENCRYPT, false), Attr::bool(CKA_DECRYPT, false)])?;
    expect(s.message_encrypt_init(&gcm, idle), &[CKR_KEY_FUNCTION_NOT_PERMITTED])?;
    expect(s.message_decrypt_init(&gcm, idle), &[CKR_KEY_FUNCTION_NOT_PERMITTED])?;
    expect(s.message_encrypt_final(), NONE)
}

fn messages_are_what_whole_operations_are(context: &Context) -> Check {
    let token = context.token()?;
    let (s, key) = ciphers(&token)?;
    s.message_encrypt_init(&Mech::new(CKM_AES_GCM), key)?;
    s.message_decrypt_init(&Mech::new(CKM_AES_GCM), key)?;
    for len in [0_usize, 1, 16, 1000] {
        let (iv, data) = (ulen(len).to_be_bytes().repeat(2)[..12].to_vec(), vec![3; len]);
        let message = given(&iv);
        let sealed = s.encrypt_message(&message, b"aad", &data)?;
        let whole = s.encrypt(&Mech::gcm(&iv, b"aad", 128), key, &data)?;
        ensure!(
            [&sealed[..], message.buffer(1)].concat() == whole,
            "C_EncryptMessage of {len} bytes differs"
        );
        ensure!(message.buffer(0) == iv, "the IV was changed");
        let opened = s.decrypt_message(&tagged(&iv, message.buffer(1)), b"aad", &sealed)?;
        ensure!(opened == data, "C_DecryptMessage of {len} bytes differs");
    }
    expect_ok(s.message_encrypt_final())?;
    expect_ok(s.message_decrypt_final())
}

fn messages_in_parts(context: &Context) -> Check {
    let token = context.token()?;
    let (s, key) = ciphers(&token)?;
    s.message_encrypt_init(&Mech::new(CKM_AES_GCM), key)?;
    s.message_decrypt_init(&Mech::new(CKM_AES_GCM), key)?;
    for iv in [[1; 12], [2; 12]] {
        let message = given(&iv);
        s.encrypt_message_begin(&message, b"aad")?;
        let mut sealed = s.encrypt_message_next(&message, &[7; 5], false)?;
        sealed.extend(s.encrypt_message_next(&message, &[7; 20], false)?);
        sealed.extend(s.encrypt_message_next(&message, &[7; 7], true)?);
        let whole = s.encrypt(&Mech::gcm(&iv, b"aad", 128), key, &[7; 32])?;
        ensure!([&sealed[..], message.buffer(1)].concat() == whole, "a message in parts differs");
        expect(s.encrypt_message_next(&message, b"x", true), NONE)?;
        let message = tagged(&iv, message.buffer(1));
        s.decrypt_message_begin(&message, b"aad")?;
        let mut opened = s.decrypt_message_next(&message, &sealed[..9], false)?;
        opened.extend(s.decrypt_message_next(&message, &sealed[9..], true)?);
        ensure!(opened == [7; 32], "a message decrypted in parts differs");
        expect(s.decrypt_message_next(&message, b"x", true), NONE)?;
    }
    expect_ok(s.message_encrypt_final())?;
    expect_ok(s.message_decrypt_final())
}

fn message_size_queries_and_small_buffers_move_nothing(context: &Context) -> Check {
    let token = context.token()?;
    let (s, key) = ciphers(&token)?;
    s.message_encrypt_init(&Mech::new(CKM_AES_GCM), key)?;
    let message = Mech::gcm_message(&[9; 12], 32, CKG_GENERATE_COUNTER, &[0; 16]);
    let (parameter, len) = message.parameter();
    let (mut data, mut out) = ([3_u8; 10], [0_u8; 64]);
    let mut ask = |pointer: *mut u8, room: CK_ULONG| {
        let mut out_len = room;
        let (data, data_len) = (data.as_mut_ptr(), ulen(10));
        let rv = call!(
            s.module(),
            C_EncryptMessage(
                s.handle(),
                parameter,
                len,
                null_mut(),
                0,
                data,
                data_len,
                pointer,
                &mut out_len
            )
        );
        (rv, size(out_len))
    };
    for _ in 0..2 {
        ensure!(ask(null_mut(), 0) == (Rv(CKR_OK), 10), "the size query answers something else");
        ensure!(ask(out.as_mut_ptr(), 9) == (Rv(CKR_BUFFER_TOO_SMALL), 10), "a small buffer is taken");
    }
    ensure!(message.buffer(0) == [9; 12] && message.buffer(1) == [0; 16], "something was written");
    ensure!(ask(out.as_mut_ptr(), 10) == (Rv(CKR_OK), 10), "a buffer of the right size is refused");
    ensure!(message.buffer(0) == [9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0], "an IV was used up by a query");
    let whole = s.encrypt(&Mech::gcm(message.buffer(0), b"", 128), key, &[3; 10])?;
    ensure!([&out[..10], message.buffer(1)].concat() == whole, "the message differs");

    s.encrypt_message_begin(&given(&[1; 12]), b"")?;
    let last = given(&[1; 12]);
    let (parameter, len) = last.parameter();
    let mut next = |pointer: *mut u8, room: CK_ULONG| {
        let mut out_len = room;
        let (data, end) = (data.as_mut_ptr(), CKF_END_OF_MESSAGE);
        let rv = call!(
            s.module(),
            C_EncryptMessageNext(s.handle(), parameter, len, data, 10, pointer, &mut out_len, end)
        );
        (rv, size(out_len))
    };
    ensure!(next(null_mut(), 0) == (Rv(CKR_OK), 10), "the size query of the last part");
    ensure!(next(out.as_mut_ptr(), 3) == (Rv(CKR_BUFFER_TOO_SMALL), 10), "a small buffer for the last part");
    ensure!(next(out.as_mut_ptr(), 64) == (Rv(CKR_OK), 10), "the last part");
    let whole = s.encrypt(&Mech::gcm(&[1; 12], b"", 128), key, &[3; 10])?;
    ensure!([&out[..10], last.buffer(1)].concat() == whole, "queries moved the message in parts");
    expect_ok(s.message_encrypt_final())
}

fn message_iv_generators(context: &Context) -> Check {
    let token = context.token()?;
    let (s, key) = ciphers(&token)?;
    s.message_encrypt_init(&Mech::new(CKM_AES_GCM), key)?;
    let same = std::cell::Cell::new(true);
    let make = |iv: &[u8], fixed, generator| -> Result<Vec<u8>, Rv> {
        let message = Mech::gcm_message(iv, fixed, generator, &[0; 16]);
        let sealed = s.encrypt_message(&message, b"", b"data")?;
        let whole = s.encrypt(&Mech::gcm(message.buffer(0), b"", 128), key, b"data")?;
        same.set(same.get() && [&sealed[..], message.buffer(1)].concat() == whole);
        Ok(message.buffer(0).to_vec())
    };
    let mut seen = Vec::new();
    for (fixed, generator) in
        [(0, CKG_GENERATE), (32, CKG_GENERATE), (0, CKG_GENERATE_RANDOM), (32, CKG_GENERATE_RANDOM)]
    {
        for _ in 0..8 {
            let iv = make(&[0xee; 12], fixed, generator)?;
            ensure!(fixed == 0 || iv.starts_with(&[0xee; 4]), "the fixed bits were changed");
            ensure!(!seen.contains(&iv), "an IV came twice");
            seen.push(iv);
        }
    }
    s.message_encrypt_final()?;
    s.message_encrypt_init(&Mech::new(CKM_AES_GCM), key)?;
    ensure!(make(&[0xee; 12], 0, CKG_GENERATE_COUNTER)? == [0; 12], "the counter does not start at zero");
    let mut one = [0; 12];
    one[11] = 1;
    ensure!(make(&[0xee; 12], 0, CKG_GENERATE_COUNTER)? == one, "the counter does not count");
    s.message_encrypt_final()?;
    s.message_encrypt_init(&Mech::new(CKM_AES_GCM), key)?;
    ensure!(make(&[0xee; 12], 0, CKG_GENERATE_COUNTER_XOR)? == [0xee; 12], "the first XOR changes something");
    let mut xored = [0xee; 12];
    xored[11] = 0xef;
    ensure!(make(&[0xee; 12], 0, CKG_GENERATE_COUNTER_XOR)? == xored, "the second XOR");
    ensure!(same.get(), "an IV that was given back is not the one in use");
    let bad = &[CKR_MECHANISM_PARAM_INVALID];
    expect(make(&[0xee; 12], 97, CKG_GENERATE), bad)?;
    expect(make(&[0xee; 12], 0, 0x77), bad)?;
    expect(make(&[], 0, CKG_NO_GENERATE), bad)?;
    expect_ok(s.message_encrypt_final())
}

fn message_with_another_tag(context: &Context) -> Check {
    let token = context.token()?;
    let (s, key) = ciphers(&token)?;
    s.message_encrypt_init(&Mech::new(CKM_AES_GCM), key)?;
    let message = given(&[1; 12]);
    let sealed = s.encrypt_message(&message, b"aad", &[7; 40])?;
    let mut wrong = message.buffer(1).to_vec();
    wrong[15] ^= 1;
    s.message_decrypt_init(&Mech::new(CKM_AES_GCM), key)?;
    let failed = &[CKR_AEAD_DECRYPT_FAILED];
    expect(s.decrypt_message(&tagged(&[1; 12], &wrong), b"aad", &sealed), failed)?;
    expect(s.decrypt_message(&tagged(&[1; 12], message.buffer(1)), b"AAD", &sealed), failed)?;
    expect(s.decrypt_message(&tagged(&[2; 12], message.buffer(1)), b"aad", &sealed), failed)?;
    expect(s.decrypt_message(&tagged(&[1; 12], message.buffer(1)), b"aad", &sealed[1..]), failed)?;
    s.decrypt_message_begin(&tagged(&[1; 12], &wrong), b"aad")?;
    s.decrypt_message_next(&tagged(&[1; 12], &wrong), &sealed[..8], false)?;
    expect(s.decrypt_message_next(&tagged(&[1; 12], &wrong), &sealed[8..], true), failed)?;
    // The error ended the message, not the process.
    expect(s.decrypt_message_next(&message, b"", true), NONE)?;
    let opened = s.decrypt_message(&tagged(&[1; 12], message.buffer(1)), b"aad", &sealed)?;
    ensure!(opened == [7; 40], "another plaintext");
    expect_ok(s.message_decrypt_final())
}

fn message_parameters(context: &Context) -> Check {
    let token = context.token()?;
    let (s, key) = ciphers(&token)?;
    s.message_encrypt_init(&Mech::new(CKM_AES_GCM), key)?;
    s.message_decrypt_init(&Mech::new(CKM_AES_GCM), key)?;
    let bad = &[CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD];
    expect(s.encrypt_message(&Mech::new(CKM_AES_GCM), b"", b"x"), bad)?;
    expect(s.encrypt_message(&given(&[1; 12]).claim_len(8), b"", b"x"), bad)?;
    expect(s.encrypt_message(&given(&[1; 12]).claim_len(CK_ULONG::MAX), b"", b"x"), bad)?;
    expect(s.encrypt_message(&given(&[1; 12]).claim_pointer(null_mut()), b"", b"x"), bad)?;
    expect(s.encrypt_message_begin(&Mech::new(CKM_AES_GCM), b""), bad)?;
    expect(s.decrypt_message(&Mech::new(CKM_AES_GCM), b"", b"x"), bad)?;
    let pointers = |iv: *mut u8, iv_len, tag: *mut u8, bits| CK_GCM_MESSAGE_PARAMS {
        pIv: iv,
        ulIvLen: iv_len,
        ulIvFixedBits: 0,
        ivGenerator: CKG_NO_GENERATE,
        pTag: tag,
        ulTagBits: bits,
    };
    let (mut iv, mut tag) = ([1_u8; 12], [0_u8; 16]);
    let (iv, tag) = (iv.as_mut_ptr(), tag.as_mut_ptr());
    for broken in [
        pointers(null_mut(), 12, tag, 128),
        pointers(iv, CK_ULONG::MAX, tag, 128),
        pointers(iv, 12, null_mut(), 128),
        pointers(iv, 12, tag, 256),
        pointers(iv, 12, tag, 127),
        pointers(iv, 12, tag, CK_ULONG::MAX),
    ] {
        let broken = Mech::with_struct(CKM_AES_GCM, &broken, Vec::new());
        expect(s.encrypt_message(&broken, b"", b"x"), bad)?;
        expect(s.decrypt_message(&broken, b"", b"x"), bad)?;
    }
    expect_ok(s.encrypt_message(&given(&[1; 12]), b"", b"still active"))?;
    let mut out_len = 4;
    let message = given(&[1; 12]);
    let (parameter, len) = message.parameter();
    let mut out = [0_u8; 4];
    let rv = call!(
        s.module(),
        C_EncryptMessageNext(s.handle(), parameter, len, null_mut(), 0, out.as_mut_ptr(), &mut out_len, 0x40)
    );
    expect_rv(rv, &[CKR_ARGUMENTS_BAD, CKR_OPERATION_NOT_INITIALIZED])?;
    expect_ok(s.message_encrypt_final())
}

fn messages_one_at_a_time(context: &Context) -> Check {
    let token = context.token()?;
    let (s, key) = ciphers(&token)?;
    s.message_encrypt_init(&Mech::new(CKM_AES_GCM), key)?;
    let message = given(&[1; 12]);
    s.encrypt_message_begin(&message, b"")?;
    expect(s.encrypt_message(&given(&[2; 12]), b"", b"x"), ACTIVE)?;
    expect(s.encrypt_message_begin(&given(&[2; 12]), b""), ACTIVE)?;
    expect(s.message_encrypt_final(), ACTIVE)?;
    expect_ok(s.encrypt_message_next(&message, b"x", true))?;
    expect_ok(s.message_encrypt_final())
}

fn messages_are_cancelled(context: &Context) -> Check {
    let token = context.token()?;
    let (s, key) = ciphers(&token)?;
    let (gcm, message) = (Mech::new(CKM_AES_GCM), given(&[1; 12]));
    s.message_encrypt_init(&gcm, key)?;
    s.message_decrypt_init(&gcm, key)?;
    s.encrypt_message_begin(&message, b"")?;
    s.cancel(CKF_MESSAGE_ENCRYPT)?;
    expect(s.encrypt_message_next(&message, b"x", true), NONE)?;
    expect(s.message_encrypt_final(), NONE)?;
    expect_ok(s.message_encrypt_init(&gcm, key))?;
    expect_ok(s.cancel(CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY))?;
    expect(s.message_decrypt_final(), NONE)?;
    s.message_encrypt_init(&gcm, key)?;
    s.destroy(key)?;
    let gone = &[CKR_OPERATION_NOT_INITIALIZED, CKR_KEY_HANDLE_INVALID, CKR_OK];
    expect_rv(s.encrypt_message(&message, b"", b"x").err().unwrap_or(Rv(CKR_OK)), gone)
}

fn signed_messages(context: &Context) -> Check {
    let token = context.token()?;
    let (s, key, mech) = signers(&token)?;
    let none = Mech::new(CKM_SHA256_HMAC);
    s.message_sign_init(&mech, key)?;
    expect(s.message_sign_init(&mech, key), ACTIVE)?;
    s.message_verify_init(&mech, key)?;
    for data in [&b"one"[..], b"", b"three"] {
        let (mut len, mut small) = (0, [0_u8; 4]);
        let (data_pointer, data_len) = (data.as_ptr().cast_mut(), ulen(data.len()));
        let rv = call!(
            s.module(),
            C_SignMessage(s.handle(), null_mut(), 0, data_pointer, data_len, null_mut(), &mut len)
        );
        ensure!((rv, len) == (Rv(CKR_OK), 32), "the size query answers {rv} {len}");
        len = 4;
        let small = small.as_mut_ptr();
        let rv = call!(
            s.module(),
            C_SignMessage(s.handle(), null_mut(), 0, data_pointer, data_len, small, &mut len)
        );
        ensure!((rv, len) == (Rv(CKR_BUFFER_TOO_SMALL), 32), "a small buffer answers {rv} {len}");
        let signature = s.sign_message(&none, data)?;
        ensure!(signature == s.sign(&mech, key, data)?, "C_SignMessage signs something else");
        expect_ok(s.verify_message(&none, data, &signature))?;
        expect(s.verify_message(&none, b"other", &signature), &[CKR_SIGNATURE_INVALID])?;
        expect(s.verify_message(&none, data, &signature[1..]), &[CKR_SIGNATURE_LEN_RANGE])?;
    }
    expect_ok(s.message_sign_final())?;
    expect(s.message_sign_final(), NONE)?;
    expect(s.sign_message(&none, b"x"), NONE)?;
    expect_ok(s.message_verify_final())
}

fn signed_messages_in_parts(context: &Context) -> Check {
    let token = context.token()?;
    let (s, key, mech) = signers(&token)?;
    let next = |part: &[u8], out: *mut u8, len: *mut CK_ULONG| {
        let (part, part_len) = (part.as_ptr().cast_mut(), ulen(part.len()));
        call!(s.module(), C_SignMessageNext(s.handle(), null_mut(), 0, part, part_len, out, len))
    };
    let judge = |part: &[u8], signature: &[u8]| {
        let (part, part_len) = (part.as_ptr().cast_mut(), ulen(part.len()));
        let pointer = if signature.is_empty() { null_mut() } else { signature.as_ptr().cast_mut() };
        let len = ulen(signature.len());
        call!(s.module(), C_VerifyMessageNext(s.handle(), null_mut(), 0, part, part_len, pointer, len))
    };
    s.message_sign_init(&mech, key)?;
    s.message_verify_init(&mech, key)?;
    let (mut signature, mut len) = ([0_u8; 32], 32);
    expect_rv(next(b"x", signature.as_mut_ptr(), &mut len), NONE)?;
    for _ in 0..2 {
        expect_rv(call!(s.module(), C_SignMessageBegin(s.handle(), null_mut(), 0)), &[CKR_OK])?;
        expect_rv(call!(s.module(), C_SignMessageBegin(s.handle(), null_mut(), 0)), ACTIVE)?;
        expect(s.message_sign_final(), ACTIVE)?;
        expect_rv(next(b"mes", null_mut(), null_mut()), &[CKR_OK])?;
        expect_rv(next(b"sage", null_mut(), &mut len), &[CKR_OK])?;
        ensure!(len == 32, "the size query answers {len}");
        len = 1;
        expect_rv(next(b"sage", signature.as_mut_ptr(), &mut len), &[CKR_BUFFER_TOO_SMALL])?;
        expect_rv(next(b"sage", signature.as_mut_ptr(), &mut len), &[CKR_OK])?;
        ensure!(signature[..] == s.sign(&mech, key, b"message")?[..], "queries moved the message");
        expect_rv(next(b"x", signature.as_mut_ptr(), &mut len), NONE)?;
        expect_rv(call!(s.module(), C_VerifyMessageBegin(s.handle(), null_mut(), 0)), &[CKR_OK])?;
        expect_rv(judge(b"mess", &[]), &[CKR_OK])?;
        expect_rv(judge(b"age", &signature), &[CKR_OK])?;
        expect_rv(judge(b"age", &signature), NONE)?;
        expect_rv(call!(s.module(), C_VerifyMessageBegin(s.handle(), null_mut(), 0)), &[CKR_OK])?;
        expect_rv(judge(b"other", &signature), &[CKR_SIGNATURE_INVALID])?;
    }
    expect_ok(s.message_sign_final())?;
    expect_ok(s.message_verify_final())
}

fn signed_messages_of_single_part_mechanisms(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_ECDSA, CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY)?;
    let s = token.user_session()?;
    let (public, private) = fixture::ec(&s, &[])?;
    let mech = Mech::new(CKM_ECDSA);
    s.message_sign_init(&mech, private)?;
    s.message_verify_init(&mech, public)?;
    for digest in [[1; 32], [2; 32]] {
        let signature = s.sign_message(&mech, &digest)?;
        expect_ok(s.verify_message(&mech, &digest, &signature))?;
        expect(s.verify_message(&mech, &[3; 32], &signature), &[CKR_SIGNATURE_INVALID])?;
    }
    let begun = call!(s.module(), C_SignMessageBegin(s.handle(), null_mut(), 0));
    ensure!(begun != CKR_OK, "a message in parts begins, which no part can be fed to");
    expect_ok(s.message_sign_final())?;
    expect_ok(s.message_verify_final())
}

fn signature_given_first(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (secret, hmac) = (fixture::secret(&s, &[5; 32])?, Mech::new(CKM_SHA256_HMAC));
    let signature = s.sign(&hmac, secret, b"message")?;
    match s.verify_signature_init(&hmac, secret, &signature) {
        Err(rv) if rv == CKR_FUNCTION_NOT_SUPPORTED => crate::skip!("no C_VerifySignatureInit"),
        other => other?,
    }
    expect(s.verify_signature_init(&hmac, secret, &signature), ACTIVE)?;
    expect_ok(s.verify_signature_once(b"message"))?;
    expect(s.verify_signature_once(b"message"), NONE)?;
    s.verify_signature_init(&hmac, secret, &signature)?;
    s.verify_signature_update(b"mess")?;
    s.verify_signature_update(b"age")?;
    expect_ok(s.verify_signature_final())?;
    expect(s.verify_signature_final(), NONE)?;
    s.verify_signature_init(&hmac, secret, &signature)?;
    s.verify_signature_update(b"mess")?;
    expect(s.verify_signature_once(b"age"), NONE)?;
    s.verify_signature_init(&hmac, secret, &signature)?;
    expect(s.verify_signature_once(b"other"), &[CKR_SIGNATURE_INVALID])?;
    expect(s.verify_signature_final(), NONE)?;
    let begun = s.verify_signature_init(&hmac, secret, &signature[1..]);
    let short = begun.and_then(|()| s.verify_signature_once(b"message"));
    expect(short, &[CKR_SIGNATURE_LEN_RANGE])?;
    s.verify_signature_init(&hmac, secret, &signature)?;
    s.cancel(CKF_VERIFY)?;
    expect(s.verify_signature_once(b"message"), NONE)?;
    expect(s.verify_signature_init(&hmac, 0x0fff_ffff, &signature), &[CKR_KEY_HANDLE_INVALID])?;
    expect(s.verify_signature_init(&Mech::new(CKM_SHA256), secret, &signature), &[CKR_MECHANISM_INVALID])
}

/// A wrapping key, and a readable key to be wrapped.
fn wrapping(token: &TestToken) -> Check<(Session, Object, Object)> {
    token.need(CKM_AES_GCM, CKF_WRAP | CKF_UNWRAP)?;
    let s = token.user_session()?;
    let wrapping = fixture::aes(&s, &[])?;
    let key = s.create(&fixture::aes_template(&[0x42; 32], &[]))?;
    match s.wrap_authenticated(&given(&[1; 12]), wrapping, key, b"") {
        Err(rv) if rv == CKR_FUNCTION_NOT_SUPPORTED => crate::skip!("no C_WrapKeyAuthenticated"),
        other => drop(other?),
    }
    Ok((s, wrapping, key))
}

fn template() -> Vec<Attr> {
    let mut template = fixture::aes_template(&[], &[]);
    template.retain(|attribute| attribute.kind() != CKA_VALUE);
    template
}

fn authenticated_wrapping(context: &Context) -> Check {
    let token = context.token()?;
    let (s, wrapping, key) = wrapping(&token)?;
    let mut seen = Vec::new();
    for (fixed, generator) in
        [(0, CKG_NO_GENERATE), (0, CKG_GENERATE), (32, CKG_GENERATE), (0, CKG_GENERATE_RANDOM)]
    {
        let message = Mech::gcm_message(&[8; 12], fixed, generator, &[0; 16]);
        let wrapped = s.wrap_authenticated(&message, wrapping, key, b"aad")?;
        ensure!(wrapped.len() == 32, "the wrapped key has {} bytes", wrapped.len());
        let (iv, tag) = (message.buffer(0), message.buffer(1));
        ensure!(!seen.contains(&iv.to_vec()), "an IV came twice");
        seen.push(iv.to_vec());
        // With the tag behind it, it is what C_UnwrapKey takes.
        let plain = Mech::gcm(iv, b"aad", 128);
        let one = s.unwrap(&plain, wrapping, &[&wrapped[..], tag].concat(), &template())?;
        let other = s.unwrap_authenticated(&tagged(iv, tag), wrapping, &wrapped, &template(), b"aad")?;
        for key in [one, other] {
            ensure!(s.get(key, CKA_VALUE)? == [0x42; 32], "another key comes back");
        }
    }
    let message = given(&[8; 12]);
    let (mut len, mut raw) = (0, message.raw());
    let rv = call!(
        s.module(),
        C_WrapKeyAuthenticated(s.handle(), &mut raw, wrapping, key, null_mut(), 0, null_mut(), &mut len)
    );
    ensure!((rv, len) == (Rv(CKR_OK), 32), "the size query answers {rv} {len}");
    let mut small = [0_u8; 31];
    len = 31;
    let out = small.as_mut_ptr();
    let rv = call!(
        s.module(),
        C_WrapKeyAuthenticated(s.handle(), &mut raw, wrapping, key, null_mut(), 0, out, &mut len)
    );
    ensure!((rv, len) == (Rv(CKR_BUFFER_TOO_SMALL), 32), "a small buffer answers {rv} {len}");
    ensure!(message.buffer(1) == [0; 16], "a tag was written");
    expect(s.wrap_authenticated(&given(&[8; 12]), wrapping, 0x0fff_ffff, b""), &[CKR_KEY_HANDLE_INVALID])?;
    expect(
        s.wrap_authenticated(&given(&[8; 12]), 0x0fff_ffff, key, b""),
        &[CKR_WRAPPING_KEY_HANDLE_INVALID],
    )?;
    let kept = fixture::aes(&s, &[Attr::bool(CKA_EXTRACTABLE, false)])?;
    expect(s.wrap_authenticated(&given(&[8; 12]), wrapping, kept, b""), &[CKR_KEY_UNEXTRACTABLE])?;
    expect(
        s.wrap_authenticated(&Mech::new(CKM_AES_GCM), wrapping, key, b""),
        &[CKR_MECHANISM_PARAM_INVALID],
    )?;
    expect(s.wrap_authenticated(&Mech::new(CKM_SHA256), wrapping, key, b""), &[CKR_MECHANISM_INVALID])
}

fn authenticated_unwrapping_of_what_was_changed(context: &Context) -> Check {
    let token = context.token()?;
    let (s, wrapping, key) = wrapping(&token)?;
    let message = given(&[8; 12]);
    let wrapped = s.wrap_authenticated(&message, wrapping, key, b"aad")?;
    let (iv, tag) = (message.buffer(0).to_vec(), message.buffer(1).to_vec());
    let bad = &[CKR_WRAPPED_KEY_INVALID, CKR_AEAD_DECRYPT_FAILED];
    let unwrap = |iv: &[u8], tag: &[u8], wrapped: &[u8], aad: &[u8]| {
        s.unwrap_authenticated(&tagged(iv, tag), wrapping, wrapped, &template(), aad)
    };
    expect_ok(unwrap(&iv, &tag, &wrapped, b"aad"))?;
    expect(unwrap(&iv, &tag, &wrapped, b"AAD"), bad)?;
    expect(unwrap(&[9; 12], &tag, &wrapped, b"aad"), bad)?;
    expect(unwrap(&iv, &[0; 16], &wrapped, b"aad"), bad)?;
    expect(unwrap(&iv, &tag, &[0; 32], b"aad"), bad)?;
    let nowhere = s.unwrap_authenticated(&tagged(&iv, &tag), 0x0fff_ffff, &wrapped, &template(), b"aad");
    expect(nowhere, &[CKR_UNWRAPPING_KEY_HANDLE_INVALID])
}

fn wrapping_with_an_iv_of_the_token(context: &Context) -> Check {
    let token = context.token()?;
    let (s, wrapping, key) = wrapping(&token)?;
    let mech = Mech::gcm_wrap(&[8; 12], 32, CKG_GENERATE, b"aad", 128);
    let wrapped = match s.wrap(&mech, wrapping, key) {
        Err(rv) if rv == CKR_MECHANISM_PARAM_INVALID => crate::skip!("no CK_GCM_WRAP_PARAMS"),
        other => other?,
    };
    let iv = mech.buffer(0).to_vec();
    ensure!(iv.starts_with(&[8; 4]) && iv != [8; 12], "the IV was not made");
    s.wrap(&mech, wrapping, key)?;
    ensure!(mech.buffer(0) != iv, "the same IV twice");
    let given = Mech::gcm_wrap(&iv, 0, CKG_NO_GENERATE, b"aad", 128);
    for mech in [&given, &Mech::gcm(&iv, b"aad", 128)] {
        let unwrapped = s.unwrap(mech, wrapping, &wrapped, &template())?;
        ensure!(s.get(unwrapped, CKA_VALUE)? == [0x42; 32], "another key comes back");
    }
    ensure!(s.wrap(&given, wrapping, key)? == wrapped, "with the same IV, another wrapped key");
    let other = Mech::gcm_wrap(&iv, 0, CKG_NO_GENERATE, b"AAD", 128);
    expect(s.unwrap(&other, wrapping, &wrapped, &template()), &[CKR_WRAPPED_KEY_INVALID])
}
