//! Keys' lives: sessions, threads, authentication, and what another login may see.

#![allow(clippy::unwrap_used)]

mod common;

use common::{ec_pair, sign, token};
use keyward_conformance::ck::*;
use keyward_conformance::token::USER_PIN;
use keyward_conformance::{Attr, Mech, RO, RW};

#[test]
fn a_key_that_always_asks_is_asked_for_each_signature() {
    let token = token();
    let session = token.user_session().unwrap();
    let (_, key) = session
        .generate_pair(
            &Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN),
            &[Attr::ulong(CKA_MODULUS_BITS, 2048)],
            &[Attr::bool(CKA_ALWAYS_AUTHENTICATE, true), Attr::bool(CKA_SIGN, true), Attr::private(true)],
        )
        .unwrap();
    let mechanism = Mech::new(CKM_SHA256_RSA_PKCS);
    assert_eq!(session.login(CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
    session.sign_init(&mechanism, key).unwrap();
    assert_eq!(session.sign_once(b"data").unwrap_err(), CKR_USER_NOT_LOGGED_IN);
    for _ in 0..2 {
        session.sign_init(&mechanism, key).unwrap();
        assert_eq!(session.login(CKU_CONTEXT_SPECIFIC, "wrong").unwrap_err(), CKR_PIN_INCORRECT);
        session.login(CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
        session.sign_once(b"data").unwrap();
    }
}

#[test]
fn a_key_that_always_asks_is_not_used_where_nobody_can_be_asked() {
    let token = token();
    let session = token.user_session().unwrap();
    let asks = [Attr::bool(CKA_ALWAYS_AUTHENTICATE, true), Attr::bool(CKA_DERIVE, true)];
    let (public, private) = session
        .generate_pair(
            &Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN),
            &[Attr::ulong(CKA_MODULUS_BITS, 2048)],
            &asks[..1],
        )
        .unwrap();
    let sealed = session.encrypt(&Mech::new(CKM_RSA_PKCS), public, b"for whoever has the PIN").unwrap();
    let open =
        [Attr::class(CKO_SECRET_KEY), Attr::key_type(CKK_GENERIC_SECRET), Attr::bool(CKA_SENSITIVE, false)];
    let unwrapped = session.unwrap(&Mech::new(CKM_RSA_PKCS), private, &sealed, &open);
    assert_eq!(unwrapped.unwrap_err(), CKR_USER_NOT_LOGGED_IN);

    const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let curve = [Attr::bytes(CKA_EC_PARAMS, &P256)];
    let (public, private) = session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &curve, &asks).unwrap();
    let point = session.get(public, CKA_EC_POINT).unwrap();
    let mech = Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, b"", &point);
    assert_eq!(session.derive(&mech, private, &open).unwrap_err(), CKR_USER_NOT_LOGGED_IN);
}

#[test]
fn a_pin_is_for_one_of_two_operations_that_wait() {
    let token = token();
    let session = token.user_session().unwrap();
    let (public, key) = session
        .generate_pair(
            &Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN),
            &[Attr::ulong(CKA_MODULUS_BITS, 2048)],
            &[Attr::bool(CKA_ALWAYS_AUTHENTICATE, true)],
        )
        .unwrap();
    let mechanism = Mech::new(CKM_RSA_PKCS);
    let sealed = session.encrypt(&mechanism, public, b"data").unwrap();
    session.sign_init(&mechanism, key).unwrap();
    session.decrypt_init(&mechanism, key).unwrap();
    session.login(CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
    assert_eq!(session.sign_once(b"data").unwrap_err(), CKR_USER_NOT_LOGGED_IN);
    assert_eq!(session.decrypt_once(&sealed).unwrap(), b"data");
}

#[test]
fn a_pin_that_locks_while_a_key_asks_for_it_logs_out() {
    let token = common::token_with("soft.max_pin_failures=2");
    let session = token.user_session().unwrap();
    let asks = [Attr::bool(CKA_ALWAYS_AUTHENTICATE, true), Attr::bool(CKA_SIGN, true)];
    let (_, key) = session
        .generate_pair(&Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), &[Attr::ulong(CKA_MODULUS_BITS, 2048)], &asks)
        .unwrap();
    session.sign_init(&Mech::new(CKM_SHA256_RSA_PKCS), key).unwrap();
    for _ in 0..2 {
        assert_eq!(session.login(CKU_CONTEXT_SPECIFIC, "wrong").unwrap_err(), CKR_PIN_INCORRECT);
    }
    assert_eq!(session.login(CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap_err(), CKR_PIN_LOCKED);
    assert_eq!(session.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
    assert_eq!(session.sign_once(b"data").unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
}

#[test]
fn session_objects_die_with_their_session() {
    let token = token();
    let (first, second) = (token.user_session().unwrap(), token.session(RW).unwrap());
    let key =
        first.generate_key(&Mech::new(CKM_AES_KEY_GEN), &[Attr::value_len(16), Attr::label("mine")]).unwrap();
    assert_eq!(second.find(&[Attr::label("mine")]).unwrap(), [key]);
    first.close().unwrap();
    assert!(second.find(&[Attr::label("mine")]).unwrap().is_empty());
    assert_eq!(second.get(key, CKA_LABEL).unwrap_err(), CKR_OBJECT_HANDLE_INVALID);
}

#[test]
fn private_objects_vanish_at_logout() {
    let token = token();
    let session = token.user_session().unwrap();
    let (public, private) = ec_pair(&session, b"k").unwrap();
    session.logout().unwrap();
    assert_eq!(session.find(&[Attr::id(b"k")]).unwrap(), [public]);
    assert_eq!(session.sign_init(&Mech::new(CKM_ECDSA), private).unwrap_err(), CKR_KEY_HANDLE_INVALID);
    session.login(CKU_USER, USER_PIN).unwrap();
    sign(&session, private).unwrap();
}

#[test]
fn one_key_signs_in_many_threads() {
    let token = token();
    let session = token.user_session().unwrap();
    let (public, private) = ec_pair(&session, b"shared").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let own = token.session(RO).unwrap();
                for _ in 0..200 {
                    let signature = sign(&own, private).unwrap();
                    own.verify(&Mech::new(CKM_ECDSA), public, &[7; 32], &signature).unwrap();
                }
            });
        }
    });
}

#[test]
fn threads_may_open_and_close_sessions_while_others_work() {
    let token = token();
    let session = token.user_session().unwrap();
    let (_, private) = ec_pair(&session, b"shared").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let own = token.session(RW).unwrap();
                    let key = own.generate_key(&Mech::new(CKM_AES_KEY_GEN), &[Attr::value_len(32)]).unwrap();
                    own.encrypt(&Mech::gcm(&[0; 12], b"", 128), key, b"text").unwrap();
                    sign(&own, private).unwrap();
                    own.close().unwrap();
                }
            });
        }
    });
}

#[test]
fn the_legacy_policy_switches_weak_keys_off() {
    let token = common::token_with("policy.legacy=deny");
    let session = token.user_session().unwrap();
    let weak = session.generate_pair(
        &Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN),
        &[Attr::ulong(CKA_MODULUS_BITS, 1024)],
        &[],
    );
    assert_eq!(weak.unwrap_err(), CKR_KEY_SIZE_RANGE);
    assert_eq!(
        token.module.mechanism_info(token.slot, CKM_SHA1_RSA_PKCS).unwrap_err(),
        CKR_MECHANISM_INVALID
    );
}

#[test]
fn profile_objects_show_when_asked_for() {
    let token = token();
    let session = token.session(RO).unwrap();
    let profiles = session.find(&[Attr::class(CKO_PROFILE)]).unwrap();
    let ids: Vec<_> =
        profiles.iter().map(|&object| session.get_ulong(object, CKA_PROFILE_ID).unwrap()).collect();
    assert!(ids.contains(&CKP_BASELINE_PROVIDER));
    assert_eq!(session.destroy(profiles[0]).unwrap_err(), CKR_ACTION_PROHIBITED);
    assert!(session.find(&[]).unwrap().is_empty(), "programs of old don't know these classes");
}

#[test]
fn an_edwards_point_is_shown_as_configured() {
    const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
    for (setting, len) in [("raw", 32), ("der", 34)] {
        let token = common::token_with(&format!("soft.edwards_point={setting}"));
        let session = token.user_session().unwrap();
        let (public, _) = session
            .generate_pair(
                &Mech::new(CKM_EC_EDWARDS_KEY_PAIR_GEN),
                &[Attr::bytes(CKA_EC_PARAMS, &ED25519)],
                &[Attr::bool(CKA_SIGN, true)],
            )
            .unwrap();
        assert_eq!(session.get(public, CKA_EC_POINT).unwrap().len(), len);
    }
}
