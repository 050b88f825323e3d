//! A network with bad days, between keyward and ministack.

use std::time::Duration;

use keyward::crypto::Curve;
use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech};
use serde_json::json;

use super::{MINISTACK, Region, desk, pair};
use crate::support::proxy::{Fault, Proxy};

fn oaep() -> Mech {
    Mech::oaep(CKM_SHA256, keyward_conformance::mech::mgf1(CKM_SHA256), &[])
}

#[test]
fn signing_goes_on_after_any_fault() {
    let region = Region::new();
    region.key("ECC_NIST_P256", "SIGN_VERIFY", "mine");
    let proxy = Proxy::start(MINISTACK.port);
    let desk = desk(&proxy.address(), &region.name, "attempt_timeout_ms = 4000\n");
    let session = desk.session("aws");
    let (public, private) = pair(&session, "mine");
    for fault in [
        Fault::Reset,
        Fault::HalfBody,
        Fault::Status(503, None),
        Fault::Status(429, Some(0)),
        Fault::Late(Duration::from_secs(10)),
    ] {
        proxy.asked();
        proxy.next([fault.clone()]);
        let signature = session.sign(&Mech::new(CKM_ECDSA), private, &[1; 32]).unwrap();
        session.verify(&Mech::new(CKM_ECDSA), public, &[1; 32], &signature).unwrap();
        assert_eq!((proxy.asked().len(), proxy.pending()), (2, 0), "{fault:?}");
    }
    proxy.next([Fault::Replaced("Signature\"", "Signatuer\"")]);
    let damaged = session.sign(&Mech::new(CKM_ECDSA), private, &[1; 32]).unwrap_err();
    assert_eq!(damaged, CKR_DEVICE_ERROR);
}

#[test]
fn decryption_is_repeated_only_where_no_answer_came() {
    let region = Region::new();
    region.key("RSA_2048", "ENCRYPT_DECRYPT", "mine");
    let proxy = Proxy::start(MINISTACK.port);
    let desk = desk(&proxy.address(), &region.name, "");
    let session = desk.session("aws");
    let (public, private) = pair(&session, "mine");
    let ciphertext = session.encrypt(&oaep(), public, b"plaintext").unwrap();
    proxy.asked();
    proxy.next([Fault::Reset]);
    assert_eq!(session.decrypt(&oaep(), private, &ciphertext).unwrap(), b"plaintext");
    assert_eq!(proxy.asked().len(), 2);
    proxy.next([Fault::Status(500, None)]);
    assert_eq!(session.decrypt(&oaep(), private, &ciphertext).unwrap_err(), CKR_DEVICE_ERROR);
    assert_eq!(proxy.asked().len(), 1);
}

#[test]
fn a_key_is_not_made_twice() {
    let region = Region::new();
    let proxy = Proxy::start(MINISTACK.port);
    let desk = desk(&proxy.address(), &region.name, "");
    let session = desk.session("aws");
    let public = [Attr::token(true), Attr::label("x"), Attr::bytes(CKA_EC_PARAMS, Curve::P256.oid_der())];
    let private = [Attr::token(true), Attr::label("x"), Attr::bool(CKA_SIGN, true)];
    // DescribeKey passes, CreateKey is done, and its answer is lost.
    proxy.next([Fault::Late(Duration::ZERO), Fault::HalfBody]);
    let lost = session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &private).unwrap_err();
    assert_eq!(lost, CKR_DEVICE_ERROR);
    assert_eq!(proxy.asked().len(), 2);
    assert_eq!(region.ask("ListKeys", json!({}))["Keys"].as_array().unwrap().len(), 1);
    session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &private).unwrap();
}
