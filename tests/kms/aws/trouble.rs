//! What only the mock does: post-quantum keys, agreement, pages, and a service that has trouble.

use keyward::crypto::{Curve, EcPrivate, PublicKey};
use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech};
use serde_json::json;

use super::{Mock, pair};

#[test]
fn ml_dsa_signs_messages_of_any_length() {
    let mock = Mock::start();
    let desk = mock.desk("");
    let session = desk.session("aws");
    for (set, name) in [(CKP_ML_DSA_44, "44"), (CKP_ML_DSA_65, "65"), (CKP_ML_DSA_87, "87")] {
        let public = [Attr::token(true), Attr::label(name), Attr::ulong(CKA_PARAMETER_SET, set)];
        let private = [Attr::token(true), Attr::label(name), Attr::bool(CKA_SIGN, true)];
        let (public, private) =
            session.generate_pair(&Mech::new(CKM_ML_DSA_KEY_PAIR_GEN), &public, &private).unwrap();
        let context = Mech::sign_context(CKM_ML_DSA, CKH_HEDGE_PREFERRED, b"context");
        for (mech, len) in [(Mech::new(CKM_ML_DSA), 5), (Mech::new(CKM_ML_DSA), 100_000), (context, 5)] {
            let message = vec![3; len];
            let signature = session.sign(&mech, private, &message).unwrap();
            session.verify(&mech, public, &message, &signature).unwrap();
            assert_eq!(
                session.verify(&mech, public, b"other", &signature).unwrap_err(),
                CKR_SIGNATURE_INVALID
            );
        }
    }
}

#[test]
fn ml_kem_keys_decapsulate() {
    let mock = Mock::start();
    let desk = mock.desk("");
    let session = desk.session("aws");
    for (set, name) in [(CKP_ML_KEM_768, "kem-768"), (CKP_ML_KEM_1024, "kem-1024")] {
        let public = [Attr::token(true), Attr::label(name), Attr::ulong(CKA_PARAMETER_SET, set)];
        let private = [Attr::token(true), Attr::label(name)];
        let (public, private) =
            session.generate_pair(&Mech::new(CKM_ML_KEM_KEY_PAIR_GEN), &public, &private).unwrap();
        crate::support::desk::decapsulates(&session, public, private);
    }
}

#[test]
fn keys_agree_on_secrets() {
    let mock = Mock::start();
    let desk = mock.desk("");
    let session = desk.session("aws");
    for curve in [Curve::P256, Curve::P384, Curve::P521] {
        let label = format!("agree-{}", curve.bits());
        let public = [Attr::token(true), Attr::label(&label), Attr::bytes(CKA_EC_PARAMS, curve.oid_der())];
        let private = [Attr::token(true), Attr::label(&label), Attr::bool(CKA_DERIVE, true)];
        let (public, private) =
            session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &private).unwrap();
        assert!(
            session.get_bool(private, CKA_DERIVE).unwrap() && !session.get_bool(private, CKA_SIGN).unwrap()
        );
        let peer = EcPrivate::generate(curve).unwrap();
        let template = [
            Attr::class(CKO_SECRET_KEY),
            Attr::key_type(CKK_GENERIC_SECRET),
            Attr::bool(CKA_EXTRACTABLE, true),
            Attr::bool(CKA_SENSITIVE, false),
        ];
        let mech = Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, &[], &peer.public().point());
        let secret = session.derive(&mech, private, &template).unwrap();
        let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
        let Ok(PublicKey::Ec(theirs)) = PublicKey::from_spki(&info) else { panic!("no EC key") };
        let expected = peer.ecdh(&theirs.point()).unwrap();
        assert_eq!(session.get(secret, CKA_VALUE).unwrap(), &expected[..]);
    }
}

#[test]
fn lists_have_pages() {
    let mock = Mock::start();
    for at in 0..20 {
        mock.key(
            "ECC_NIST_P256",
            "SIGN_VERIFY",
            &if at % 2 == 0 { format!("key-{at}") } else { String::new() },
        );
    }
    mock.control(json!({ "page": 3 }));
    let desk = mock.desk("");
    let session = desk.session("aws");
    assert_eq!(session.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap().len(), 20);
    assert_eq!((mock.asked("ListAliases"), mock.asked("ListKeys")), (4, 7));
    assert_eq!((mock.asked("GetPublicKey"), mock.asked("DescribeKey")), (20, 0));
    pair(&session, "key-18");
}

#[test]
fn a_named_key_signs_in_two_round_trips() {
    let mock = Mock::start();
    mock.key("ECC_NIST_P256", "SIGN_VERIFY", "mine");
    let desk = mock.desk("[[slot.key]]\nname = \"alias/mine\"\n");
    let session = desk.session("aws");
    let (_, private) = pair(&session, "alias/mine");
    session.sign(&Mech::new(CKM_ECDSA), private, &[1; 32]).unwrap();
    let asked =
        ["ListAliases", "ListKeys", "DescribeKey", "GetPublicKey", "Sign"].map(|name| mock.asked(name));
    assert_eq!(asked, [0, 0, 0, 1, 1]);
}

#[test]
fn a_throttled_call_is_repeated() {
    let mock = Mock::start();
    mock.key("ECC_NIST_P256", "SIGN_VERIFY", "mine");
    let desk = mock.desk("timeout_ms = 10000\n");
    let session = desk.session("aws");
    let (public, private) = pair(&session, "mine");
    let fail = |code, status, times| {
        mock.control(
            json!({ "fail": [{ "operation": "Sign", "code": code, "status": status, "times": times }] }),
        );
    };
    for (code, status) in
        [("ThrottlingException", 400), ("KMSInternalException", 500), ("DependencyTimeoutException", 500)]
    {
        fail(code, status, 2);
        let before = mock.asked("Sign");
        let signature = session.sign(&Mech::new(CKM_ECDSA), private, &[1; 32]).unwrap();
        session.verify(&Mech::new(CKM_ECDSA), public, &[1; 32], &signature).unwrap();
        assert_eq!(mock.asked("Sign") - before, 3);
    }
    fail("ThrottlingException", 400, 1000);
    assert_eq!(session.sign(&Mech::new(CKM_ECDSA), private, &[1; 32]).unwrap_err(), CKR_FUNCTION_FAILED);
    fail("AccessDeniedException", 400, 1);
    let before = mock.asked("Sign");
    let denied = session.sign(&Mech::new(CKM_ECDSA), private, &[1; 32]).unwrap_err();
    assert_eq!((denied == CKR_KEY_FUNCTION_NOT_PERMITTED, mock.asked("Sign") - before), (true, 1));
    // A session that met trouble goes on.
    session.sign(&Mech::new(CKM_ECDSA), private, &[1; 32]).unwrap();
}

#[test]
fn a_key_without_an_alias_is_not_left_behind() {
    let mock = Mock::start();
    mock.control(json!({ "fail": [{ "operation": "CreateAlias", "code": "LimitExceeded", "times": 1000 }] }));
    let desk = mock.desk("");
    let session = desk.session("aws");
    mock.control(
        json!({ "fail": [{ "operation": "CreateAlias", "code": "AccessDeniedException", "times": 1 }] }),
    );
    let public = [Attr::token(true), Attr::label("x"), Attr::bytes(CKA_EC_PARAMS, Curve::P256.oid_der())];
    let private = [Attr::token(true), Attr::label("x")];
    let refused = session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &private).unwrap_err();
    assert_eq!(refused, CKR_ACTION_PROHIBITED);
    assert_eq!((mock.asked("CreateKey"), mock.asked("ScheduleKeyDeletion")), (1, 1));
}

#[test]
fn the_machines_clock_may_be_wrong() {
    let mock = Mock::start();
    mock.key("ECC_NIST_P256", "SIGN_VERIFY", "mine");
    mock.control(json!({ "clock": -7200 }));
    let desk = mock.desk("");
    let session = desk.session("aws");
    let (_, private) = pair(&session, "mine");
    let before = mock.asked("Sign");
    for _ in 0..3 {
        session.sign(&Mech::new(CKM_ECDSA), private, &[1; 32]).unwrap();
    }
    assert_eq!(mock.asked("Sign") - before, 3, "corrected once, by the first call");
    mock.control(json!({ "clock": 0 }));
    session.sign(&Mech::new(CKM_ECDSA), private, &[1; 32]).unwrap();
}

#[test]
fn wrong_keys_are_told_without_showing_them() {
    let mock = Mock::start();
    let desk = mock.desk("");
    std::fs::write(
        desk.path("credentials"),
        "[test]\naws_access_key_id = AKIDSTATIC\naws_secret_access_key = PLANTED\n",
    )
    .unwrap();
    let session = desk.session("aws");
    assert_eq!(session.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap_err(), CKR_DEVICE_ERROR);
    let log = desk.log();
    assert!(log.contains("refuses the credentials"), "{log}");
    assert!(!log.contains("PLANTED") && !log.contains("Canonical"), "{log}");
    // Files are read again: what was wrong may be put right.
    let right =
        format!("[test]\naws_access_key_id = {}\naws_secret_access_key = {}\n", super::KEY, super::SECRET);
    std::fs::write(desk.path("credentials"), right).unwrap();
    assert!(session.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap().is_empty());
    assert!(!desk.log().contains("PLANTED"));
}

#[test]
fn credentials_may_expire_in_the_middle() {
    let mock = Mock::start();
    mock.key("ECC_NIST_P256", "SIGN_VERIFY", "mine");
    let desk = mock.desk("config_file = \"config\"\n");
    let role = "arn:aws:iam::111122223333:role/keyward";
    let config =
        format!("[profile test]\nrole_arn = {role}\nsource_profile = base\nendpoint_url = {}\n", mock.url());
    std::fs::write(desk.path("config"), &config).unwrap();
    let keys =
        format!("[base]\naws_access_key_id = {}\naws_secret_access_key = {}\n", super::KEY, super::SECRET);
    std::fs::write(desk.path("credentials"), keys).unwrap();
    let session = desk.session("aws");
    let (public, private) = pair(&session, "mine");
    let sign = || session.sign(&Mech::new(CKM_ECDSA), private, &[1; 32]);
    for round in 1..=3 {
        let signature = sign().unwrap();
        session.verify(&Mech::new(CKM_ECDSA), public, &[1; 32], &signature).unwrap();
        assert_eq!(mock.asked("AssumeRole"), round);
        mock.control(json!({ "expire": true }));
    }
    std::fs::write(desk.path("config"), config.replace("role/keyward", "role/another")).unwrap();
    assert_eq!(sign().unwrap_err(), CKR_DEVICE_ERROR);
    std::fs::write(desk.path("config"), config).unwrap();
    sign().unwrap();
    let log = desk.log();
    assert!(log.contains("AccessDenied"), "the log says why: {log}");
    assert!(!log.contains("PLANTED") && !log.contains("AWS4-HMAC"), "{log}");
}
