//! What keys are, and do.

use keyward::crypto::{Hash, Hmac, PublicKey, digest};
use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Object, Rv, Session, mgf1};
use serde_json::{Value, json};

use super::{Transit, base64, from_base64, server, spki};
use crate::support::desk::{Desk, one, private, public};
use crate::support::judge::Judge;
use crate::support::proxy::Proxy;

const HASHES: [(&str, Hash, CK_MECHANISM_TYPE); 5] = [
    ("sha1", Hash::Sha1, CKM_SHA_1),
    ("sha224", Hash::Sha224, CKM_SHA224),
    ("sha256", Hash::Sha256, CKM_SHA256),
    ("sha384", Hash::Sha384, CKM_SHA384),
    ("sha512", Hash::Sha512, CKM_SHA512),
];

/// A signature that C_Verify takes, and takes for no other message.
#[track_caller]
fn signature(session: &Session, label: &str, mech: &Mech, data: &[u8]) -> Vec<u8> {
    let signature = session.sign(mech, private(session, label), data).unwrap();
    let key = public(session, label);
    session.verify(mech, key, data, &signature).unwrap();
    let mut other = data.to_vec();
    other[0] ^= 1;
    assert_eq!(session.verify(mech, key, &other, &signature), Err(Rv(CKR_SIGNATURE_INVALID)));
    signature
}

#[test]
fn rsa_keys_sign_by_every_mechanism() {
    let transit = Transit::new(server());
    let desk = transit.desk("");
    let session = desk.session("vault");
    let mut judge = Judge::default();
    const PKCS1: [CK_MECHANISM_TYPE; 5] = [
        CKM_SHA1_RSA_PKCS,
        CKM_SHA224_RSA_PKCS,
        CKM_SHA256_RSA_PKCS,
        CKM_SHA384_RSA_PKCS,
        CKM_SHA512_RSA_PKCS,
    ];
    const PSS: [CK_MECHANISM_TYPE; 5] = [
        CKM_SHA1_RSA_PKCS_PSS,
        CKM_SHA224_RSA_PKCS_PSS,
        CKM_SHA256_RSA_PKCS_PSS,
        CKM_SHA384_RSA_PKCS_PSS,
        CKM_SHA512_RSA_PKCS_PSS,
    ];
    for label in ["rsa-2048", "rsa-3072", "rsa-4096"] {
        transit.key(label, label);
    }
    for label in ["rsa-2048", "rsa-3072", "rsa-4096"] {
        let key = spki(&session, public(&session, label));
        let mut add = |mech: &Mech, terms: Value, data: &[u8]| {
            let made = signature(&session, label, mech, data);
            judge.add(&format!("{label} {terms}"), terms, &key, data, &made);
        };
        for (at, (name, hash, kind)) in HASHES.into_iter().enumerate() {
            add(&Mech::new(PKCS1[at]), json!({ "scheme": "pkcs1", "hash": name }), b"message");
            for salt in [1, 11, hash.len()] {
                let terms = json!({ "scheme": "pss", "hash": name, "salt": salt });
                add(&Mech::pss(PSS[at], kind, mgf1(kind), salt), terms, b"message");
                let mut terms = json!({ "scheme": "pss", "hash": name, "salt": salt });
                terms["prehashed"] = json!(true);
                let digested = digest(hash, b"message");
                add(&Mech::pss(CKM_RSA_PKCS_PSS, kind, mgf1(kind), salt), terms, &digested);
            }
            let info = [hash.digest_info_prefix(), &digest(hash, b"message")].concat();
            add(&Mech::new(CKM_RSA_PKCS), json!({ "scheme": "raw" }), &info);
        }
        add(&Mech::new(CKM_RSA_PKCS), json!({ "scheme": "raw" }), b"no DigestInfo");
        let most = PublicKey::from_spki(&key).map(|key| match key {
            PublicKey::Rsa(key) => key.len() - 11,
            _ => 0,
        });
        let most = vec![7; most.unwrap()];
        add(&Mech::new(CKM_RSA_PKCS), json!({ "scheme": "raw" }), &most);
        let sign = |data: &[u8]| session.sign(&Mech::new(CKM_RSA_PKCS), private(&session, label), data);
        assert_eq!(sign(&[&most[..], &[7]].concat()), Err(Rv(CKR_DATA_LEN_RANGE)));
        // The server takes no salt for as much as fits.
        let unsalted = Mech::pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 0);
        let refused = session.sign(&unsalted, private(&session, label), b"message");
        assert_eq!(refused, Err(Rv(CKR_MECHANISM_PARAM_INVALID)));
    }
    judge.verify();
}

#[test]
fn curves_sign_digests_of_any_length() {
    let transit = Transit::new(server());
    for label in ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521"] {
        transit.key(label, label);
    }
    let desk = transit.desk("");
    let session = desk.session("vault");
    let mut judge = Judge::default();
    let combined = [CKM_ECDSA_SHA1, CKM_ECDSA_SHA224, CKM_ECDSA_SHA256, CKM_ECDSA_SHA384, CKM_ECDSA_SHA512];
    for label in ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521"] {
        let key = spki(&session, public(&session, label));
        for (at, (name, hash, _)) in HASHES.into_iter().enumerate() {
            let made = signature(&session, label, &Mech::new(combined[at]), b"message");
            judge.add(label, json!({ "scheme": "ecdsa", "hash": name }), &key, b"message", &made);
            let digested = digest(hash, b"message");
            let made = signature(&session, label, &Mech::new(CKM_ECDSA), &digested);
            let terms = json!({ "scheme": "ecdsa", "hash": name, "prehashed": true });
            judge.add(label, terms, &key, &digested, &made);
        }
        // Leading zeros of r and s are not lost: some of these have them.
        for at in 0..300_u32 {
            let data = at.to_be_bytes();
            let made = session.sign(&Mech::new(CKM_ECDSA_SHA256), private(&session, label), &data).unwrap();
            judge.add(label, json!({ "scheme": "ecdsa", "hash": "sha256" }), &key, &data, &made);
        }
    }
    judge.verify();
}

#[test]
fn ed25519_signs_messages_of_any_length() {
    let transit = Transit::new(server());
    transit.key("ed", "ed25519");
    let desk = transit.desk("");
    let session = desk.session("vault");
    let mut judge = Judge::default();
    let key = spki(&session, public(&session, "ed"));
    for len in [1, 64, 5000] {
        let data = vec![0x61; len];
        let made = signature(&session, "ed", &Mech::new(CKM_EDDSA), &data);
        judge.add("ed25519", json!({ "scheme": "ed25519" }), &key, &data, &made);
    }
    let made = session.sign(&Mech::new(CKM_EDDSA), private(&session, "ed"), b"").unwrap();
    judge.add("empty", json!({ "scheme": "ed25519" }), &key, b"", &made);
    judge.verify();
    let context = Mech::eddsa(false, b"context");
    let refused = session.sign(&context, private(&session, "ed"), b"message");
    assert_eq!(refused, Err(Rv(CKR_MECHANISM_PARAM_INVALID)));
}

#[test]
fn hmac_keys_compute_and_check() {
    let transit = Transit::new(server());
    transit.write("keys/mac", json!({ "type": "hmac", "key_size": 48, "exportable": true }));
    let exported = transit.bao.read(&transit.path("export/hmac-key/mac/1"));
    let value = from_base64(&exported["data"]["keys"]["1"]);
    let desk = transit.desk("");
    let session = desk.session("vault");
    let key = one(&session, &[Attr::class(CKO_SECRET_KEY), Attr::label("mac")]);
    assert_eq!(session.get_ulong(key, CKA_VALUE_LEN), Ok(48));
    assert_eq!(session.get_ulong(key, CKA_KEY_TYPE), Ok(CKK_GENERIC_SECRET));
    assert_eq!(session.get(key, CKA_VALUE), Err(Rv(CKR_ATTRIBUTE_SENSITIVE)));
    let mechanisms = [CKM_SHA_1_HMAC, CKM_SHA224_HMAC, CKM_SHA256_HMAC, CKM_SHA384_HMAC, CKM_SHA512_HMAC];
    for (kind, (_, hash, _)) in mechanisms.into_iter().zip(HASHES) {
        let mech = Mech::new(kind);
        let made = session.sign(&mech, key, b"message").unwrap();
        let mut expected = Hmac::new(hash, &value).unwrap();
        expected.update(b"message").unwrap();
        let mut mac = vec![0; hash.len()];
        expected.finish(&mut mac).unwrap();
        assert_eq!(made, mac);
        session.verify(&mech, key, b"message", &made).unwrap();
        assert_eq!(session.verify(&mech, key, b"another", &made), Err(Rv(CKR_SIGNATURE_INVALID)));
    }
}

/// The three parts of what the server encrypted: IV, and ciphertext with its tag.
fn sealed(transit: &Transit, name: &str, plaintext: &[u8], aad: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let body = json!({ "plaintext": base64(plaintext), "associated_data": base64(aad) });
    let answer = transit.write(&format!("encrypt/{name}"), body);
    let text = answer["data"]["ciphertext"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    let all = from_base64(&json!(text));
    (all[..12].to_vec(), all[12..].to_vec())
}

#[test]
fn aes_keys_decrypt_gcm() {
    let transit = Transit::new(server());
    for name in ["aes128-gcm96", "aes256-gcm96"] {
        transit.write(&format!("keys/{name}"), json!({ "type": name, "exportable": true }));
    }
    let desk = transit.desk("");
    let session = desk.session("vault");
    for (name, len) in [("aes128-gcm96", 16), ("aes256-gcm96", 32)] {
        let key = one(&session, &[Attr::class(CKO_SECRET_KEY), Attr::label(name)]);
        assert_eq!(session.get_ulong(key, CKA_VALUE_LEN), Ok(len));
        assert_eq!(session.get_bool(key, CKA_ENCRYPT), Ok(false));
        for (plaintext, aad) in [(&b"plaintext"[..], &b"header"[..]), (b"plaintext", b""), (b"", b"header")] {
            let (iv, ciphertext) = sealed(&transit, name, plaintext, aad);
            let mech = Mech::gcm(&iv, aad, 128);
            assert_eq!(session.decrypt(&mech, key, &ciphertext), Ok(plaintext.to_vec()));
        }
        // And what somebody else encrypted with the same key.
        let exported = transit.bao.read(&transit.path(&format!("export/encryption-key/{name}/1")));
        let value = from_base64(&exported["data"]["keys"]["1"]);
        let template = [
            Attr::class(CKO_SECRET_KEY),
            Attr::key_type(CKK_AES),
            Attr::token(false),
            Attr::value(&value),
            Attr::bool(CKA_ENCRYPT, true),
        ];
        let own = session.create(&template).unwrap();
        let mech = Mech::gcm(&[9; 12], b"header", 128);
        let ciphertext = session.encrypt(&mech, own, b"message").unwrap();
        assert_eq!(session.decrypt(&mech, key, &ciphertext), Ok(b"message".to_vec()));
        assert_eq!(
            session.decrypt(&Mech::gcm(&[9; 12], b"other", 128), key, &ciphertext),
            Err(Rv(CKR_ENCRYPTED_DATA_INVALID))
        );
        // Its IV would not be the caller's.
        assert_eq!(session.encrypt(&mech, key, b"message"), Err(Rv(CKR_MECHANISM_INVALID)));
        for mech in [Mech::gcm(&[9; 16], b"", 128), Mech::gcm(&[9; 12], b"", 96)] {
            session.decrypt(&mech, key, &ciphertext).unwrap_err();
        }
    }
}

#[test]
fn rsa_keys_decrypt_and_unwrap_oaep_with_sha256() {
    let transit = Transit::new(server());
    transit.key("rsa", "rsa-2048");
    let desk = transit.desk("");
    let session = desk.session("vault");
    let (public, private) = (public(&session, "rsa"), private(&session, "rsa"));
    let oaep = Mech::oaep(CKM_SHA256, CKG_MGF1_SHA256, b"");
    let ciphertext = session.encrypt(&oaep, public, b"message").unwrap();
    assert_eq!(session.decrypt(&oaep, private, &ciphertext), Ok(b"message".to_vec()));

    let aes = session.generate_key(
        &Mech::new(CKM_AES_KEY_GEN),
        &[Attr::token(false), Attr::value_len(32), Attr::bool(CKA_EXTRACTABLE, true)],
    );
    let wrapped = session.wrap(&oaep, public, aes.unwrap()).unwrap();
    let template = [
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_AES),
        Attr::token(false),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
    ];
    let unwrapped = session.unwrap(&oaep, private, &wrapped, &template).unwrap();
    assert_eq!(session.get(unwrapped, CKA_VALUE), session.get(aes.unwrap(), CKA_VALUE));

    // PKCS #1 v1.5 is refused early, another hash before the ciphertext is sent.
    assert_eq!(
        session.decrypt(&Mech::new(CKM_RSA_PKCS), private, &ciphertext),
        Err(Rv(CKR_MECHANISM_INVALID))
    );
    session.decrypt(&Mech::oaep(CKM_SHA_1, CKG_MGF1_SHA1, b""), private, &ciphertext).unwrap_err();
}

#[test]
fn versions_are_objects_and_the_newest_is_first() {
    let transit = Transit::new(server());
    for (name, r#type) in [("ec", "ecdsa-p256"), ("rsa", "rsa-2048"), ("ed", "ed25519")] {
        transit.key(name, r#type);
    }
    transit.write("keys/mac", json!({ "type": "hmac", "key_size": 32 }));
    let desk = transit.desk("cache_s = 0\n");
    let session = desk.session("vault");
    let of = |class, label: &str| session.find(&[Attr::class(class), Attr::label(label)]).unwrap();
    let ecdsa = Mech::new(CKM_ECDSA_SHA256);
    let first = of(CKO_PUBLIC_KEY, "ec")[0];
    let by_first = session.sign(&ecdsa, of(CKO_PRIVATE_KEY, "ec")[0], b"message").unwrap();
    let mac = Mech::new(CKM_SHA256_HMAC);
    let mac_of_first = session.sign(&mac, of(CKO_SECRET_KEY, "mac")[0], b"message").unwrap();
    for name in ["ec", "rsa", "ed", "mac"] {
        transit.write(&format!("keys/{name}/rotate"), json!({}));
    }

    for label in ["ec", "rsa", "ed"] {
        let told = &transit.read(label)["keys"];
        let publics = of(CKO_PUBLIC_KEY, label);
        assert_eq!(publics.len(), 2);
        for (key, version) in publics.into_iter().zip(["2", "1"]) {
            let expected = told[version]["public_key"].as_str().unwrap();
            let shown = base64(&spki(&session, key));
            let in_one = expected.replace(['\n'], "");
            match label {
                "ed" => {
                    let raw = from_base64(&json!(expected));
                    assert_eq!(spki(&session, key)[12..], raw);
                }
                _ => assert!(in_one.contains(&shown), "{label} {version}"),
            }
        }
    }
    // The old one still verifies and signs, under the same handle.
    let [second_own, first_own] = of(CKO_PRIVATE_KEY, "ec")[..] else { panic!() };
    assert_eq!(of(CKO_PUBLIC_KEY, "ec")[1], first);
    session.verify(&ecdsa, first, b"message", &by_first).unwrap();
    let again = session.sign(&ecdsa, first_own, b"message").unwrap();
    session.verify(&ecdsa, first, b"message", &again).unwrap();
    let by_second = session.sign(&ecdsa, second_own, b"message").unwrap();
    assert_eq!(session.verify(&ecdsa, first, b"message", &by_second), Err(Rv(CKR_SIGNATURE_INVALID)));
    let macs = of(CKO_SECRET_KEY, "mac");
    assert_eq!(session.sign(&mac, macs[1], b"message").unwrap(), mac_of_first);
    assert_ne!(session.sign(&mac, macs[0], b"message").unwrap(), mac_of_first);

    // Versions that may only undo what was done don't sign; versions that may nothing are gone.
    for name in ["ec", "rsa", "mac"] {
        transit.write(&format!("keys/{name}/config"), json!({ "min_encryption_version": 2 }));
    }
    assert_eq!(of(CKO_PRIVATE_KEY, "ec").len(), 1);
    assert_eq!(of(CKO_SECRET_KEY, "mac").len(), 1);
    let (rsa, old) = (of(CKO_PUBLIC_KEY, "rsa")[1], of(CKO_PRIVATE_KEY, "rsa")[1]);
    let sign = session.sign(&Mech::new(CKM_SHA256_RSA_PKCS), old, b"message");
    assert_eq!(sign, Err(Rv(CKR_KEY_FUNCTION_NOT_PERMITTED)));
    let oaep = Mech::oaep(CKM_SHA256, CKG_MGF1_SHA256, b"");
    let ciphertext = session.encrypt(&oaep, rsa, b"message").unwrap();
    assert_eq!(session.decrypt(&oaep, old, &ciphertext), Ok(b"message".to_vec()));
    transit.write("keys/rsa/config", json!({ "min_decryption_version": 2 }));
    assert_eq!(of(CKO_PRIVATE_KEY, "rsa").len(), 1);
}

#[test]
fn keys_that_pkcs11_has_no_use_for_are_left_out() {
    let transit = Transit::new(server());
    transit.key("good", "ed25519");
    transit.key("chacha", "chacha20-poly1305");
    transit.write("keys/derived", json!({ "type": "aes256-gcm96", "derived": true }));
    transit.key("deleted", "ed25519");
    transit.bao.delete(&transit.path("keys/deleted/soft-delete"));
    let desk = transit.desk("");
    let session = desk.session("vault");
    let found = session.find(&[]).unwrap();
    let mut labels: Vec<_> = found.iter().map(|key| session.get(*key, CKA_LABEL).unwrap()).collect();
    labels.dedup();
    assert_eq!(labels, [b"good"]);
}

#[test]
fn a_list_comes_in_pages() {
    let bao = crate::support::openbao::OpenBao::start();
    let transit = Transit::new(&bao);
    for at in 0..1001 {
        transit.key(&format!("key-{at:04}"), "ed25519");
    }
    let proxy = Proxy::start(bao.port());
    let desk = Desk::start(&transit.slot_at(&proxy.address(), &transit.root()));
    let session = desk.session("vault");
    session.sign(&Mech::new(CKM_EDDSA), private(&session, "key-1000"), b"message").unwrap();
    let mount = &transit.mount;
    let page = |after: &str| format!("GET /v1/{mount}/keys?list=true&limit=500{after}");
    let expected = [
        page(""),
        page("&after=key-0499"),
        page("&after=key-0999"),
        format!("GET /v1/{mount}/keys/key-1000"),
        format!("POST /v1/{mount}/sign/key-1000"),
    ];
    assert_eq!(proxy.asked(), expected);
    for first in ["key-0000", "key-0499", "key-0500", "key-0999"] {
        private(&session, first);
    }
}

#[test]
fn an_empty_mount_has_no_keys() {
    let transit = Transit::new(server());
    assert_eq!(transit.desk("").session("vault").find(&[]).unwrap(), [] as [Object; 0]);
}

#[test]
fn standard_templates_make_keys() {
    let transit = Transit::new(server());
    let desk = transit.desk("destroy = true\n");
    let session = desk.session("vault");
    const P384: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
    const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
    const SECP256K1: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a];
    let pair = |kind, label: &str, what: Attr| {
        let own = [Attr::token(true), Attr::label(label), Attr::bool(CKA_SIGN, true)];
        session.generate_pair(&Mech::new(kind), &[Attr::token(true), Attr::label(label), what], &own)
    };
    let curve = |oid: &[u8]| Attr::bytes(CKA_EC_PARAMS, oid);
    let (public, own) = pair(CKM_EC_KEY_PAIR_GEN, "ec", curve(&P384)).unwrap();
    let made = session.sign(&Mech::new(CKM_ECDSA_SHA384), own, b"message").unwrap();
    session.verify(&Mech::new(CKM_ECDSA_SHA384), public, b"message", &made).unwrap();
    pair(CKM_EC_EDWARDS_KEY_PAIR_GEN, "ed", curve(&ED25519)).unwrap();
    pair(CKM_RSA_PKCS_KEY_PAIR_GEN, "rsa", Attr::ulong(CKA_MODULUS_BITS, 3072)).unwrap();
    let key = |kind, label: &str, len| {
        let template = [Attr::token(true), Attr::label(label), Attr::value_len(len)];
        session.generate_key(&Mech::new(kind), &template)
    };
    key(CKM_AES_KEY_GEN, "aes", 32).unwrap();
    key(CKM_GENERIC_SECRET_KEY_GEN, "mac", 64).unwrap();
    for (name, expected) in [
        ("ec", "ecdsa-p384"),
        ("ed", "ed25519"),
        ("rsa", "rsa-3072"),
        ("aes", "aes256-gcm96"),
        ("mac", "hmac"),
    ] {
        let told = transit.read(name);
        assert_eq!((&told["type"], &told["exportable"]), (&json!(expected), &json!(false)));
    }
    assert_eq!(transit.read("mac")["key_size"], json!(64));

    // A name that is taken, a name that the server has no room for, types that it does not make.
    assert_eq!(pair(CKM_EC_KEY_PAIR_GEN, "ec", curve(&P384)), Err(Rv(CKR_ATTRIBUTE_VALUE_INVALID)));
    assert_eq!(transit.read("ec")["latest_version"], json!(1));
    for name in ["two words", "-minus", "dot.", "a/b", "é"] {
        pair(CKM_EC_KEY_PAIR_GEN, name, curve(&P384)).unwrap_err();
    }
    pair(CKM_EC_KEY_PAIR_GEN, "bitcoin", curve(&SECP256K1)).unwrap_err();
    key(CKM_AES_KEY_GEN, "aes-192", 24).unwrap_err();
    assert_eq!(
        transit.bao.read(&transit.path("keys?list=true"))["data"]["keys"].as_array().unwrap().len(),
        5
    );

    // Destroyed with all versions, and by the newest object only.
    transit.write("keys/ec/rotate", json!({}));
    let desk = transit.desk("destroy = true\n");
    let session = desk.session("vault");
    let versions = session.find(&[Attr::class(CKO_PRIVATE_KEY), Attr::label("ec")]).unwrap();
    assert_eq!(session.destroy(versions[1]), Err(Rv(CKR_ACTION_PROHIBITED)));
    session.destroy(versions[0]).unwrap();
    assert_eq!(session.find(&[Attr::label("ec")]).unwrap(), [] as [Object; 0]);
    let gone = transit.bao.request("GET", &transit.path("keys/ec"), Value::Null).unwrap();
    assert_eq!(gone.0, 404);
    let kept = transit.desk("").session("vault");
    assert_eq!(kept.destroy(private(&kept, "ed")), Err(Rv(CKR_ACTION_PROHIBITED)));
}

#[test]
fn random_bytes_come_from_the_server() {
    let bao = crate::support::openbao::OpenBao::start();
    let transit = Transit::new(&bao);
    let proxy = Proxy::start(bao.port());
    let desk = Desk::start(&transit.slot_at(&proxy.address(), &transit.root()));
    let bytes = desk.session("vault").random(100_000).unwrap();
    assert!((1..=255).all(|value: u8| bytes.contains(&value)));
    let mount = &transit.mount;
    let expected = [format!("POST /v1/{mount}/random/65536"), format!("POST /v1/{mount}/random/34464")];
    assert_eq!(proxy.asked(), expected);
}
