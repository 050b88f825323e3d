//! Bad days: what a caller is told, and that it goes on afterwards.

use std::time::{Duration, Instant};

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Object, Rv, Session};
use serde_json::{Value, json};

use super::{Transit, server};
use crate::support::desk::{Desk, one, private, public};
use crate::support::openbao::OpenBao;
use crate::support::proxy::{Fault, Proxy};

fn sign(session: &Session, key: Object) -> Result<Vec<u8>, Rv> {
    session.sign(&Mech::new(CKM_EDDSA), key, b"message")
}

/// Until the service is tried again and answers: after several failures it is left alone for some seconds.
fn eventually(session: &Session, key: Object) -> Vec<u8> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        match sign(session, key) {
            Ok(signature) => return signature,
            Err(_) => assert!(Instant::now() < end, "it does not come back"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn sealed_and_restarted_in_the_middle() {
    let mut bao = OpenBao::start_tls();
    let (slot, mount);
    {
        let transit = Transit::new(&bao);
        transit.key("key", "ed25519");
        slot = transit.slot(&transit.root());
        mount = transit.mount;
    }
    let desk = Desk::start(&slot);
    let session = desk.session("vault");
    let (public, key) = (public(&session, "key"), private(&session, "key"));
    let signature = sign(&session, key).unwrap();
    let verifies = || session.verify(&Mech::new(CKM_EDDSA), public, b"message", &signature).unwrap();

    bao.seal();
    assert_eq!(sign(&session, key), Err(Rv(CKR_TOKEN_NOT_PRESENT)));
    assert!(desk.log().contains("Vault is sealed"));
    verifies();
    bao.unseal();
    assert_eq!(sign(&session, key).unwrap(), signature);

    // Kept connections end, and that is not the caller's trouble.
    bao.restart();
    assert_eq!(sign(&session, key).unwrap(), signature);

    bao.stop();
    assert_eq!(sign(&session, key), Err(Rv(CKR_DEVICE_ERROR)));
    verifies();
    bao.resume();
    assert_eq!(eventually(&session, key), signature);
    bao.read(&format!("{mount}/keys/key"));
}

#[test]
fn a_server_that_was_never_reached_is_a_token_that_is_not_there() {
    let transit = Transit::new(server());
    let port = crate::support::python_server::free_port();
    let desk = Desk::start(&transit.slot_at(&format!("http://127.0.0.1:{port}"), &transit.root()));
    let session = desk.session("vault");
    assert_eq!(session.find(&[]), Err(Rv(CKR_TOKEN_NOT_PRESENT)));
}

#[test]
fn a_quota_is_waited_for_or_said() {
    let bao = OpenBao::start();
    let transit = Transit::new(&bao);
    transit.key("key", "ed25519");
    let proxy = Proxy::start(bao.port());
    let desk = Desk::start(&transit.slot_at(&proxy.address(), &transit.root()));
    let session = desk.session("vault");
    let key = private(&session, "key");
    bao.write("sys/quotas/config", json!({ "enable_rate_limit_response_headers": true }));
    let quota = |interval: &str| {
        let path = format!("{}/", transit.mount);
        bao.write("sys/quotas/rate-limit/some", json!({ "path": path, "rate": 1, "interval": interval }));
    };
    quota("3s");
    proxy.asked();
    for _ in 0..3 {
        sign(&session, key).unwrap();
    }
    assert!(proxy.asked().len() > 3);
    assert!(desk.log().contains("rate limit quota exceeded"));

    quota("1h");
    let desk = Desk::start(&transit.slot_at(&proxy.address(), &transit.root()));
    let session = desk.session("vault");
    // The list is still allowed, reading the key no more.
    assert_eq!(session.find(&[]), Err(Rv(CKR_FUNCTION_FAILED)));
}

#[test]
fn what_a_policy_denies_is_denied_at_once() {
    let bao = OpenBao::start();
    let transit = Transit::new(&bao);
    for name in ["mine", "theirs"] {
        transit.key(name, "ed25519");
    }
    // The least that signs with one key: no list, not even the default policy.
    let paths = [(transit.path("keys/mine"), "read"), (transit.path("sign/mine"), "update")];
    bao.policy("least", &paths.each_ref().map(|(path, capabilities)| (&**path, *capabilities)));
    let file = bao.write_file("least", &bao.token(&["least"], "1h"));
    let proxy = Proxy::start(bao.port());
    let lines = format!(
        "token_file = {file:?}\nlist = false\ncreate = true\ndestroy = true\n[[slot.key]]\nname = \"mine\"\n\
         [[slot.key]]\nname = \"theirs\"\n",
    );
    let desk = Desk::start(&transit.slot_at(&proxy.address(), &lines));
    let session = desk.session("vault");
    let key = private(&session, "mine");
    sign(&session, key).unwrap();
    // A key that may not be read is left out, and said.
    assert_eq!(session.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap(), [key]);
    assert!(desk.log().contains("permission denied"));
    assert_eq!(session.random(8), Err(Rv(CKR_FUNCTION_FAILED)));
    assert_eq!(session.destroy(key), Err(Rv(CKR_ACTION_PROHIBITED)));
    const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
    let made = session.generate_pair(
        &Mech::new(CKM_EC_EDWARDS_KEY_PAIR_GEN),
        &[Attr::token(true), Attr::bytes(CKA_EC_PARAMS, &ED25519)],
        &[Attr::token(true), Attr::label("more")],
    );
    assert_eq!(made, Err(Rv(CKR_ACTION_PROHIBITED)));

    bao.policy("least", &[(&paths[0].0, "read")]);
    proxy.asked();
    assert_eq!(sign(&session, key), Err(Rv(CKR_KEY_FUNCTION_NOT_PERMITTED)));
    assert_eq!(proxy.asked().len(), 1, "neither a login nor another try helps");
}

/// What the documentation says that each act takes, is enough.
#[test]
fn the_documented_permissions_are_enough() {
    let transit = Transit::new(server());
    let path = |path: &str| transit.path(path);
    let rules = [
        (path("keys/*"), "read,update,delete"),
        (path("keys"), "list"),
        (path("sign/*"), "update"),
        (path("hmac/*"), "update"),
        (path("decrypt/*"), "update"),
        (path("random/*"), "update"),
    ];
    transit.bao.policy(&transit.mount, &rules.each_ref().map(|(path, rule)| (&**path, *rule)));
    let file = transit.bao.write_file(&transit.mount, &transit.bao.token(&[&transit.mount], "1h"));
    let desk = Desk::start(&transit.slot(&format!("token_file = {file:?}\ndestroy = true\n")));
    let session = desk.session("vault");
    session.random(8).unwrap();
    let pair = |label: &str| {
        session.generate_pair(
            &Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN),
            &[Attr::token(true), Attr::label(label), Attr::ulong(CKA_MODULUS_BITS, 2048)],
            &[Attr::token(true), Attr::label(label)],
        )
    };
    let (public, own) = pair("rsa").unwrap();
    session.sign(&Mech::new(CKM_SHA256_RSA_PKCS), own, b"message").unwrap();
    let oaep = Mech::oaep(CKM_SHA256, CKG_MGF1_SHA256, b"");
    let ciphertext = session.encrypt(&oaep, public, b"message").unwrap();
    session.decrypt(&oaep, own, &ciphertext).unwrap();
    let template = [Attr::token(true), Attr::label("mac"), Attr::value_len(32)];
    let mac = session.generate_key(&Mech::new(CKM_GENERIC_SECRET_KEY_GEN), &template).unwrap();
    session.sign(&Mech::new(CKM_SHA256_HMAC), mac, b"message").unwrap();
    session.destroy(own).unwrap();
}

#[test]
fn a_key_that_is_gone_is_said_and_forgotten() {
    let transit = Transit::new(server());
    transit.key("key", "ed25519");
    transit.key("other", "ed25519");
    let desk = transit.desk("");
    let session = desk.session("vault");
    let (key, other) = (private(&session, "key"), private(&session, "other"));
    transit.write("keys/key/config", json!({ "deletion_allowed": true }));
    transit.bao.delete(&transit.path("keys/key"));
    assert_eq!(sign(&session, key), Err(Rv(CKR_KEY_HANDLE_INVALID)));
    assert_eq!(session.find(&[Attr::label("key")]).unwrap(), [] as [Object; 0]);
    transit.bao.delete(&transit.path("keys/other/soft-delete"));
    assert_eq!(sign(&session, other), Err(Rv(CKR_KEY_FUNCTION_NOT_PERMITTED)));
}

#[test]
fn messages_go_up_to_what_the_server_takes() {
    const MOST: usize = (24 << 20) - 4096;
    let transit = Transit::new(server());
    transit.key("key", "ed25519");
    let desk = transit.desk("timeout_ms = 120000\nattempt_timeout_ms = 60000\n");
    let session = desk.session("vault");
    let message = vec![0x61; MOST + 1];
    let (key, public) = (private(&session, "key"), public(&session, "key"));
    let eddsa = Mech::new(CKM_EDDSA);
    assert_eq!(session.sign(&eddsa, key, &message), Err(Rv(CKR_DATA_LEN_RANGE)));
    let signature = session.sign(&eddsa, key, &message[..MOST]).unwrap();
    session.verify(&eddsa, public, &message[..MOST], &signature).unwrap();
}

#[test]
fn a_bad_ciphertext_is_tried_once() {
    let bao = OpenBao::start();
    let transit = Transit::new(&bao);
    transit.key("rsa", "rsa-2048");
    transit.key("aes", "aes256-gcm96");
    let proxy = Proxy::start(bao.port());
    let desk = Desk::start(&transit.slot_at(&proxy.address(), &transit.root()));
    let session = desk.session("vault");
    let rsa = private(&session, "rsa");
    let aes = one(&session, &[Attr::class(CKO_SECRET_KEY), Attr::label("aes")]);
    let oaep = Mech::oaep(CKM_SHA256, CKG_MGF1_SHA256, b"");
    let gcm = Mech::gcm(&[1; 12], b"", 128);
    proxy.asked();
    for (mech, key, ciphertext) in [(&oaep, rsa, &[1; 256][..]), (&gcm, aes, &[1; 40]), (&gcm, aes, &[1; 16])]
    {
        assert_eq!(session.decrypt(mech, key, ciphertext), Err(Rv(CKR_ENCRYPTED_DATA_INVALID)));
        assert_eq!(proxy.asked().len(), 1);
    }
    // Seven more leave the service as healthy as before.
    for _ in 0..7 {
        session.decrypt(&oaep, rsa, &[1; 256]).unwrap_err();
    }
    session.sign(&Mech::new(CKM_SHA256_RSA_PKCS), rsa, b"message").unwrap();
    // Where no answer came, it may be sent again.
    let ciphertext = session.encrypt(&oaep, public(&session, "rsa"), b"message").unwrap();
    proxy.next([Fault::Reset, Fault::HalfBody]);
    assert_eq!(session.decrypt(&oaep, rsa, &ciphertext), Ok(b"message".to_vec()));
}

#[test]
fn an_answer_of_another_version_is_none() {
    let bao = OpenBao::start();
    let transit = Transit::new(&bao);
    transit.key("key", "ed25519");
    let proxy = Proxy::start(bao.port());
    let desk = Desk::start(&transit.slot_at(&proxy.address(), &transit.root()));
    let session = desk.session("vault");
    let key = private(&session, "key");
    proxy.next([Fault::Replaced("vault:v1:", "vault:v2:")]);
    assert_eq!(sign(&session, key), Err(Rv(CKR_DEVICE_ERROR)));
    proxy.next([Fault::Replaced("\"signature\"", "\"something\"")]);
    assert_eq!(sign(&session, key), Err(Rv(CKR_DEVICE_ERROR)));
    proxy.next([Fault::Status(503, None), Fault::Reset, Fault::HalfBody, Fault::Status(429, Some(1))]);
    sign(&session, key).unwrap();
    assert_eq!(proxy.pending(), 0);
}

#[test]
fn nothing_is_made_twice() {
    let bao = OpenBao::start();
    let transit = Transit::new(&bao);
    let proxy = Proxy::start(bao.port());
    let desk = Desk::start(&transit.slot_at(&proxy.address(), &transit.root()));
    let session = desk.session("vault");
    let template = [Attr::token(true), Attr::label("aes"), Attr::value_len(32)];
    let make = || session.generate_key(&Mech::new(CKM_AES_KEY_GEN), &template);
    // The look whether the name is free, and the making, whose answer gets lost.
    proxy.next([Fault::Late(Duration::ZERO), Fault::HalfBody]);
    assert_eq!(make(), Err(Rv(CKR_DEVICE_ERROR)));
    let made = proxy.asked().into_iter().filter(|asked| asked.starts_with("POST")).count();
    assert_eq!(made, 1);
    assert_eq!(make(), Err(Rv(CKR_ATTRIBUTE_VALUE_INVALID)));
    let gone = bao.request("GET", &transit.path("keys/aes"), Value::Null).unwrap();
    assert_eq!(gone.1["data"]["latest_version"], json!(1));
}
