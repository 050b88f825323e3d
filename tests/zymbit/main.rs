//! The native Zymbit backend, through the C ABI, on simulated devices.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod configuration;
mod desk;
mod trouble;
mod wallets;

use desk::*;
use keyward::crypto::{Curve, EcPrivate, EcPublic, Hash, X25519Private, digest};
use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Module, RO};

#[test]
fn a_zymkey_is_a_token() {
    let desk = Desk::new("ZYMKEY4");
    let slot = desk.slot().unwrap();
    assert!((1..=0x7fff_ffff).contains(&slot));
    let serial = desk.simulator.serial().unwrap();
    let info = desk.module.token_info(slot).unwrap();
    let text = keyward_conformance::module::text;
    assert_eq!(text(&info.model), "ZYMKEY4");
    assert_eq!(text(&info.serialNumber), serial.trim());
    assert_eq!(text(&info.manufacturerID), "Zymbit");
    assert_eq!((info.firmwareVersion.major, info.firmwareVersion.minor), (1, 0));
    let operations = CKF_DUAL_CRYPTO_OPERATIONS | CKF_RESTORE_KEY_NOT_NEEDED;
    assert_eq!(info.flags, CKF_RNG | CKF_TOKEN_INITIALIZED | CKF_WRITE_PROTECTED | operations);
    let info = desk.module.slot_info(slot).unwrap();
    assert!(text(&info.slotDescription).contains(serial.trim()));

    let has = |kind, flags| desk.module.offers(slot, kind, flags);
    assert!(has(CKM_ECDSA, CKF_SIGN | CKF_VERIFY | CKF_HW) && has(CKM_ECDSA_SHA256, CKF_SIGN | CKF_HW));
    assert!(has(CKM_ECDSA_SHA384, CKF_VERIFY) && !has(CKM_ECDSA_SHA384, CKF_SIGN));
    assert!(has(CKM_SHA256, CKF_DIGEST) && has(CKM_AES_GCM, CKF_ENCRYPT));
    let mechanisms = desk.module.mechanisms(slot).unwrap();
    for absent in [CKM_RSA_PKCS, CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_EC_KEY_PAIR_GEN, CKM_ECDH1_DERIVE, CKM_ML_DSA]
    {
        assert!(!mechanisms.contains(&absent), "{absent:#x}");
    }
    assert!(!has(CKM_EDDSA, CKF_SIGN));

    // The slot is the same in another process.
    let again = Module::load_private(common::library()).unwrap();
    again.initialize(Some(&desk.configuration())).unwrap();
    assert_eq!(hardware_slot(&again), Some(slot));
    desk.harmless();
}

#[test]
fn key_slots_are_objects() {
    let desk = Desk::new("ZYMKEY4");
    let session = desk.session();
    assert_eq!(session.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap().len(), 3);
    let key = one(&session, &[Attr::label("zymbit-slot-1"), Attr::class(CKO_PRIVATE_KEY)]);
    assert_eq!(key, private(&session, 1));
    for (attribute, value) in [
        (CKA_TOKEN, true),
        (CKA_PRIVATE, false),
        (CKA_SENSITIVE, true),
        (CKA_ALWAYS_SENSITIVE, true),
        (CKA_EXTRACTABLE, false),
        (CKA_NEVER_EXTRACTABLE, true),
        (CKA_LOCAL, true),
        (CKA_SIGN, true),
        (CKA_DERIVE, false),
        (CKA_DECRYPT, false),
        (CKA_UNWRAP, false),
        (CKA_MODIFIABLE, false),
        (CKA_COPYABLE, false),
        (CKA_DESTROYABLE, false),
        (CKA_ALWAYS_AUTHENTICATE, false),
    ] {
        assert_eq!(session.get_bool(key, attribute).unwrap(), value, "{attribute:#x}");
    }
    assert_eq!(session.get(key, CKA_EC_PARAMS).unwrap(), P256);
    assert_eq!(session.get_ulong(key, CKA_KEY_TYPE).unwrap(), CKK_EC);
    assert_eq!(session.get_ulong(key, CKA_KEY_GEN_MECHANISM).unwrap(), CKM_EC_KEY_PAIR_GEN);
    assert_eq!(session.get(key, CKA_VALUE).unwrap_err(), CKR_ATTRIBUTE_SENSITIVE);
    assert!(!session.get(key, CKA_PUBLIC_KEY_INFO).unwrap().is_empty());
    assert_eq!(point(&session, key), point(&session, public(&session, 1)));
    EcPublic::from_point(Curve::P256, &point(&session, key)).unwrap();
    // The same in every process, another one for each object.
    let unique = session.get(key, CKA_UNIQUE_ID).unwrap();
    assert_ne!(unique, session.get(public(&session, 1), CKA_UNIQUE_ID).unwrap());
    assert_eq!(session.set(key, &[Attr::label("x")]).unwrap_err(), CKR_ACTION_PROHIBITED);
    assert_eq!(session.copy(key, &[]).unwrap_err(), CKR_ACTION_PROHIBITED);
    assert_eq!(session.destroy(key).unwrap_err(), CKR_ACTION_PROHIBITED);
    // A key that a template excludes by name is not read.
    assert!(session.find(&[Attr::label("nobody")]).unwrap().is_empty());
    desk.harmless();
}

#[test]
fn public_keys_are_read_once_and_late() {
    let desk = Desk::new("HSM6");
    let session = desk.session();
    assert_eq!(desk.simulator.count("zkExportPubKey").unwrap(), 0);
    for _ in 0..3 {
        private(&session, 7);
    }
    assert_eq!(desk.simulator.count("zkExportPubKey").unwrap(), 1);
    assert_eq!(desk.simulator.count("zkOpen").unwrap(), 1);
}

#[test]
fn signatures_hold() {
    let desk = Desk::new("ZYMKEY4");
    let session = desk.session();
    let key = private(&session, 0);
    let public = public(&session, 0);
    let outside = EcPublic::from_point(Curve::P256, &point(&session, public)).unwrap();
    let hash = digest(Hash::Sha256, b"message");
    let signature = session.sign(&Mech::new(CKM_ECDSA), key, &hash).unwrap();
    outside.verify(&hash, &signature).unwrap();
    session.verify(&Mech::new(CKM_ECDSA), public, &hash, &signature).unwrap();
    session.sign_init(&Mech::new(CKM_ECDSA_SHA256), key).unwrap();
    session.sign_update(b"mess").unwrap();
    session.sign_update(b"age").unwrap();
    outside.verify(&hash, &session.sign_final().unwrap()).unwrap();
    let whole = session.sign(&Mech::new(CKM_ECDSA_SHA256), key, b"message").unwrap();
    session.verify(&Mech::new(CKM_ECDSA_SHA256), public, b"message", &whole).unwrap();

    for wrong in [0, 20, 31, 33, 48, 64] {
        let refused = session.sign(&Mech::new(CKM_ECDSA), key, &vec![1; wrong]).unwrap_err();
        assert_eq!(refused, CKR_DATA_LEN_RANGE, "{wrong}");
    }
    assert_eq!(session.sign_init(&Mech::new(CKM_ECDSA_SHA384), key).unwrap_err(), CKR_MECHANISM_INVALID);
    assert_eq!(session.sign_init(&Mech::new(CKM_ECDSA), public).unwrap_err(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(session.sign_init(&Mech::new(CKM_ECDSA), 99_999).unwrap_err(), CKR_KEY_HANDLE_INVALID);
    desk.harmless();
}

#[test]
fn pairs_are_made_and_removed() {
    let desk = Desk::new("HSM6");
    let session = desk.session();
    for (mechanism, params, key_type) in [
        (CKM_EC_KEY_PAIR_GEN, &P256[..], CKK_EC),
        (CKM_EC_KEY_PAIR_GEN, &SECP256K1, CKK_EC),
        (CKM_EC_EDWARDS_KEY_PAIR_GEN, &ED25519, CKK_EC_EDWARDS),
        (CKM_EC_MONTGOMERY_KEY_PAIR_GEN, &X25519, CKK_EC_MONTGOMERY),
    ] {
        let (public, key) = pair(&session, mechanism, params, b"new").unwrap();
        assert_eq!(session.get_ulong(key, CKA_KEY_TYPE).unwrap(), key_type);
        assert_eq!(session.get(public, CKA_EC_PARAMS).unwrap(), params);
        assert_eq!(one(&session, &[Attr::class(CKO_PRIVATE_KEY), Attr::id(b"new")]), key);
        if key_type == CKK_EC {
            let signature = session.sign(&Mech::new(CKM_ECDSA), key, &[9; 32]).unwrap();
            session.verify(&Mech::new(CKM_ECDSA), public, &[9; 32], &signature).unwrap();
        } else {
            assert!(!session.get_bool(key, CKA_SIGN).unwrap_or(false));
        }
        // Another process finds out by itself what kind of key it is, and what it is called by its slot.
        let other = Module::load_private(common::library()).unwrap();
        other.initialize(Some(&desk.configuration())).unwrap();
        let there = other.open_session(hardware_slot(&other).unwrap(), RO).unwrap();
        let same = one(&there, &[Attr::class(CKO_PRIVATE_KEY), Attr::label("zymbit-slot-16")]);
        assert_eq!(there.get_ulong(same, CKA_KEY_TYPE).unwrap(), key_type);
        assert_eq!(there.destroy(same).unwrap_err(), CKR_SESSION_READ_ONLY);

        assert_eq!(session.destroy(public).unwrap_err(), CKR_ACTION_PROHIBITED);
        session.destroy(key).unwrap();
        assert_eq!(session.get(key, CKA_ID).unwrap_err(), CKR_OBJECT_HANDLE_INVALID);
        assert_eq!(session.get(public, CKA_ID).unwrap_err(), CKR_OBJECT_HANDLE_INVALID);
        assert!(session.find(&[Attr::id(b"new")]).unwrap().is_empty());
    }
    let refused = |public: &[Attr], private: &[Attr]| {
        session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), public, private).unwrap_err()
    };
    let curve = Attr::bytes(CKA_EC_PARAMS, &P256);
    let stays = [Attr::token(true), curve.clone()];
    assert_eq!(refused(&[curve], &[Attr::token(true)]), CKR_TEMPLATE_INCONSISTENT);
    assert_eq!(refused(&stays, &[]), CKR_TEMPLATE_INCONSISTENT);
    let open = [Attr::token(true), Attr::bool(CKA_EXTRACTABLE, true)];
    assert_eq!(refused(&stays, &open), CKR_TEMPLATE_INCONSISTENT);
    let p384 = [Attr::token(true), Attr::bytes(CKA_EC_PARAMS, &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22])];
    assert_eq!(refused(&p384, &[Attr::token(true)]), CKR_CURVE_NOT_SUPPORTED);
    assert_eq!(desk.simulator.count("zkGenKeyPair").unwrap(), 4);
    assert!(desk.log().contains("[[slot.key]] slot = 16"), "{}", desk.log());
    desk.harmless();
}

#[test]
fn a_zymkey_makes_no_keys() {
    let desk = Desk::new("HSM4");
    let session = desk.session();
    assert_eq!(pair(&session, CKM_EC_KEY_PAIR_GEN, &P256, b"x").unwrap_err(), CKR_MECHANISM_INVALID);
    let secret = [Attr::token(true), Attr::class(CKO_SECRET_KEY), Attr::value_len(16)];
    let refused = session.generate_key(&Mech::new(CKM_AES_KEY_GEN), &secret).unwrap_err();
    assert_eq!(refused, CKR_TOKEN_WRITE_PROTECTED);
    session.close().unwrap();
    assert_eq!(
        desk.module.init_token(desk.slot().unwrap(), "so", "x").unwrap_err(),
        CKR_TOKEN_WRITE_PROTECTED
    );
}

#[test]
fn a_secure_compute_module_says_what_it_forgets() {
    let desk = Desk::new("SCM");
    pair(&desk.session(), CKM_EC_KEY_PAIR_GEN, &P256, b"x").unwrap();
    assert!(desk.log().contains("loses the key at a reboot"), "{}", desk.log());
}

#[test]
fn agreements_with_a_software_key() {
    let desk = Desk::new("HSM6");
    let session = desk.session();
    let (public, key) = pair(&session, CKM_EC_KEY_PAIR_GEN, &P256, b"ecdh").unwrap();
    let peer = EcPrivate::generate(Curve::P256).unwrap();
    let secret = [
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_GENERIC_SECRET),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
    ];
    let derive = |mech: &Mech, base, template: &[Attr]| {
        session.derive(mech, base, template).and_then(|secret| session.get(secret, CKA_VALUE))
    };
    let mech = |point: &[u8]| Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, &[], point);
    let wanted = peer.ecdh(&point(&session, public)).unwrap();
    assert_eq!(derive(&mech(&peer.public().point()), key, &secret).unwrap(), *wanted);
    // A key derivation function over the device's secret.
    let kdf = Mech::ecdh(CKM_ECDH1_DERIVE, CKD_SHA256_KDF, b"info", &peer.public().point());
    let template: Vec<Attr> = secret.iter().cloned().chain([Attr::value_len(32)]).collect();
    let expected = digest(Hash::Sha256, &[&wanted[..], &[0, 0, 0, 1], b"info"].concat());
    assert_eq!(derive(&kdf, key, &template).unwrap(), *expected);
    // No point of the curve reaches the device.
    let before = desk.simulator.count("zkDoRawECDH").unwrap();
    let mut off = peer.public().point();
    off[40] ^= 1;
    assert_eq!(derive(&mech(&off), key, &secret).unwrap_err(), CKR_PUBLIC_KEY_INVALID);
    assert_eq!(desk.simulator.count("zkDoRawECDH").unwrap(), before);

    let (public, key) = pair(&session, CKM_EC_MONTGOMERY_KEY_PAIR_GEN, &X25519, b"x").unwrap();
    let peer = X25519Private::generate().unwrap();
    let wanted = peer.agree(&session.get(public, CKA_EC_POINT).unwrap()).unwrap();
    assert_eq!(derive(&mech(peer.public().bytes()), key, &secret).unwrap(), *wanted);
    desk.harmless();
}

#[test]
fn random_bytes_come_from_the_device() {
    let desk = Desk::new("ZYMKEY4");
    let session = desk.session();
    let bytes = session.random(10_000).unwrap();
    assert!(bytes.chunks(16).all(|chunk| chunk.iter().any(|byte| *byte != 0)));
    assert!(desk.simulator.count("zkGetRandBytes").unwrap() >= 20);
    assert!(session.random(0).unwrap().is_empty());
    assert_eq!(session.seed_random(b"seed").unwrap_err(), CKR_RANDOM_SEED_NOT_SUPPORTED);
    desk.simulator.fail("zkGetRandBytes", libc::EINVAL, 1).unwrap();
    assert_eq!(session.random(10).unwrap_err(), CKR_DEVICE_ERROR);
}

#[test]
fn session_objects_are_software() {
    let desk = Desk::new("ZYMKEY4");
    let session = desk.session();
    let aes = session.generate_key(&Mech::new(CKM_AES_KEY_GEN), &[Attr::value_len(32)]).unwrap();
    let gcm = Mech::gcm(&[1; 12], b"aad", 128);
    let sealed = session.encrypt(&gcm, aes, b"plain").unwrap();
    assert_eq!(session.decrypt(&gcm, aes, &sealed).unwrap(), b"plain");
    assert_eq!(*session.digest(&Mech::new(CKM_SHA256), b"x").unwrap(), *digest(Hash::Sha256, b"x"));
    // Somebody else's public key.
    let own = EcPrivate::generate(Curve::P256).unwrap();
    let mut signature = vec![0; 64];
    own.sign(&[3; 32], &mut signature).unwrap();
    let template = [
        Attr::class(CKO_PUBLIC_KEY),
        Attr::key_type(CKK_EC),
        Attr::bytes(CKA_EC_PARAMS, &P256),
        Attr::bytes(CKA_EC_POINT, &own.public().point()),
        Attr::bool(CKA_VERIFY, true),
        Attr::label("theirs"),
    ];
    let key = session.create(&template).unwrap();
    session.verify(&Mech::new(CKM_ECDSA), key, &[3; 32], &signature).unwrap();
    assert_eq!(one(&session, &[Attr::label("theirs")]), key);
    session.set(key, &[Attr::label("ours")]).unwrap();
    assert_eq!(one(&session, &[Attr::label("ours")]), key);
    let stored: Vec<Attr> = template.iter().cloned().chain([Attr::token(true)]).collect();
    assert_eq!(session.create(&stored).unwrap_err(), CKR_TOKEN_WRITE_PROTECTED);
    let private = [
        Attr::class(CKO_PRIVATE_KEY),
        Attr::key_type(CKK_EC),
        Attr::bytes(CKA_EC_PARAMS, &P256),
        Attr::value(&own.scalar()),
    ];
    assert_eq!(session.create(&private).unwrap_err(), CKR_TEMPLATE_INCONSISTENT);
    session.destroy(key).unwrap();
    session.close().unwrap();
    assert_eq!(desk.session().find(&[Attr::token(false)]).unwrap().len(), 0);
}

#[test]
fn foreign_public_keys_are_stored() {
    let keys =
        "tamper_interval_s = 0\n[[slot.key]]\nslot = 0\nforeign = true\nlabel = \"partner\"\nid = \"f00d\"\n";
    let desk = Desk::with("HSM6", keys);
    let session = desk.session();
    let own = EcPrivate::generate(Curve::Secp256k1).unwrap();
    let key = session
        .create(&[
            Attr::token(true),
            Attr::class(CKO_PUBLIC_KEY),
            Attr::key_type(CKK_EC),
            Attr::bytes(CKA_EC_PARAMS, &SECP256K1),
            Attr::bytes(CKA_EC_POINT, &own.public().point()),
        ])
        .unwrap();
    assert_eq!(one(&session, &[Attr::label("partner")]), key);
    assert_eq!(session.get(key, CKA_ID).unwrap(), [0xf0, 0x0d]);
    assert!(!session.get_bool(key, CKA_LOCAL).unwrap());
    assert_eq!(point(&session, key), own.public().point());
    let mut signature = vec![0; 64];
    own.sign(&[3; 32], &mut signature).unwrap();
    session.verify(&Mech::new(CKM_ECDSA), key, &[3; 32], &signature).unwrap();
    session.destroy(key).unwrap();
    assert!(session.find(&[Attr::label("partner")]).unwrap().is_empty());
    desk.harmless();
}

/// Many threads on one device: one context, every signature right.
#[test]
fn threads_share_the_device() {
    let desk = Desk::new("HSM6");
    let slot = desk.slot().unwrap();
    std::thread::scope(|scope| {
        for id in 0..4u8 {
            let module = &desk.module;
            scope.spawn(move || {
                let session = module.open_session(slot, RO).unwrap();
                let (key, public) = (private(&session, id), public(&session, id));
                for round in 0..5 {
                    let signature = session.sign(&Mech::new(CKM_ECDSA), key, &[round; 32]).unwrap();
                    session.verify(&Mech::new(CKM_ECDSA), public, &[round; 32], &signature).unwrap();
                }
            });
        }
    });
    assert_eq!(desk.simulator.count("zkOpen").unwrap(), 1);
}
