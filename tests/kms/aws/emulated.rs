//! What consumers do with keys, on ministack.

use keyward::crypto::{Curve, Hash, digest};
use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Object, Session};
use serde_json::json;

use super::{Region, pair};
use crate::support::desk::one;

const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
const MESSAGE: &[u8] = b"what is signed";

fn generate_ec(session: &Session, curve: Curve, label: &str) -> (Object, Object) {
    let public = [Attr::token(true), Attr::label(label), Attr::bytes(CKA_EC_PARAMS, curve.oid_der())];
    let private = [Attr::token(true), Attr::label(label), Attr::bool(CKA_SIGN, true)];
    session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &private).unwrap()
}

fn generate_rsa(session: &Session, label: &str, usage: CK_ATTRIBUTE_TYPE) -> (Object, Object) {
    let public = [Attr::token(true), Attr::label(label), Attr::ulong(CKA_MODULUS_BITS, 2048)];
    let private = [Attr::token(true), Attr::label(label), Attr::bool(usage, true)];
    session.generate_pair(&Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &private).unwrap()
}

#[track_caller]
fn signs(session: &Session, (public, private): (Object, Object), mech: &Mech, data: &[u8]) {
    let signature = session.sign(mech, private, data).unwrap();
    session.verify(mech, public, data, &signature).unwrap();
    let mut wrong = data.to_vec();
    wrong[0] ^= 1;
    assert!(session.verify(mech, public, &wrong, &signature).is_err());
}

#[test]
fn a_slot_tells_what_it_is_without_asking() {
    // Nobody listens there.
    let desk = super::desk("http://127.0.0.1:9", "eu-test-1", "");
    let slot = desk.slot("aws");
    let info = desk.module.token_info(slot).unwrap();
    let text = keyward_conformance::module::text;
    assert_eq!(
        (text(&info.manufacturerID).as_str(), text(&info.model).as_str()),
        ("Amazon Web Services", "AWS KMS")
    );
    assert!(desk.module.offers(slot, CKM_ML_DSA, CKF_SIGN | CKF_VERIFY));
    assert!(desk.module.offers(slot, CKM_ECDH1_DERIVE, CKF_DERIVE));
    assert!(!desk.module.offers(slot, CKM_SHA1_RSA_PKCS, CKF_SIGN));
    let session = desk.session("aws");
    assert_eq!(session.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap_err(), CKR_TOKEN_NOT_PRESENT);
}

#[test]
fn rsa_signs() {
    let region = Region::new();
    let desk = region.desk("");
    let session = desk.session("aws");
    let keys = generate_rsa(&session, "rsa", CKA_SIGN);
    for kind in [CKM_SHA256_RSA_PKCS, CKM_SHA384_RSA_PKCS, CKM_SHA512_RSA_PKCS] {
        signs(&session, keys, &Mech::new(kind), MESSAGE);
    }
    for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
        let info = [hash.digest_info_prefix(), &digest(hash, MESSAGE)].concat();
        signs(&session, keys, &Mech::new(CKM_RSA_PKCS), &info);
    }
    for (kind, hash, salt) in [
        (CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, 32),
        (CKM_SHA384_RSA_PKCS_PSS, CKM_SHA384, 48),
        (CKM_SHA512_RSA_PKCS_PSS, CKM_SHA512, 64),
    ] {
        let mgf = keyward_conformance::mech::mgf1(hash);
        signs(&session, keys, &Mech::pss(kind, hash, mgf, salt), MESSAGE);
        signs(&session, keys, &Mech::pss(CKM_RSA_PKCS_PSS, hash, mgf, salt), &vec![7; salt]);
        let other_salt = Mech::pss(kind, hash, mgf, salt - 1);
        assert_eq!(session.sign(&other_salt, keys.1, MESSAGE).unwrap_err(), CKR_MECHANISM_PARAM_INVALID);
    }
    let sha1 = [Hash::Sha1.digest_info_prefix(), &[0; 20]].concat();
    assert_eq!(session.sign(&Mech::new(CKM_RSA_PKCS), keys.1, &sha1).unwrap_err(), CKR_DATA_INVALID);
    assert_eq!(session.sign(&Mech::new(CKM_RSA_PKCS), keys.1, b"raw").unwrap_err(), CKR_DATA_INVALID);
    assert_eq!(
        session.sign(&Mech::new(CKM_SHA1_RSA_PKCS), keys.1, MESSAGE).unwrap_err(),
        CKR_MECHANISM_INVALID
    );
    assert!(!session.get_bool(keys.1, CKA_DECRYPT).unwrap());
}

#[test]
fn every_curve_signs_digests_of_any_length() {
    let region = Region::new();
    let desk = region.desk("");
    let session = desk.session("aws");
    for curve in [Curve::P256, Curve::P384, Curve::P521, Curve::Secp256k1] {
        let keys = generate_ec(&session, curve, curve.name());
        for kind in [CKM_ECDSA_SHA1, CKM_ECDSA_SHA224, CKM_ECDSA_SHA256, CKM_ECDSA_SHA384, CKM_ECDSA_SHA512] {
            signs(&session, keys, &Mech::new(kind), MESSAGE);
        }
        for len in [20, 28, 32, 48, 64] {
            signs(&session, keys, &Mech::new(CKM_ECDSA), &vec![0x5a; len]);
        }
        assert_eq!(session.get(keys.1, CKA_EC_PARAMS).unwrap(), curve.oid_der());
    }
}

#[test]
fn every_signature_is_padded() {
    let region = Region::new();
    let desk = region.desk("");
    let session = desk.session("aws");
    for curve in [Curve::P256, Curve::P521] {
        let (public, private) = generate_ec(&session, curve, curve.name());
        for at in 0..100_u8 {
            let digest = digest(Hash::Sha256, &[at]);
            let signature = session.sign(&Mech::new(CKM_ECDSA), private, &digest).unwrap();
            assert_eq!(signature.len(), 2 * curve.order_len());
            session.verify(&Mech::new(CKM_ECDSA), public, &digest, &signature).unwrap();
        }
    }
}

#[test]
fn ed25519_signs_what_fits() {
    let region = Region::new();
    let desk = region.desk("");
    let session = desk.session("aws");
    let public = [Attr::token(true), Attr::label("ed"), Attr::bytes(CKA_EC_PARAMS, &ED25519)];
    let private = [Attr::token(true), Attr::label("ed"), Attr::bool(CKA_SIGN, true)];
    let keys = session.generate_pair(&Mech::new(CKM_EC_EDWARDS_KEY_PAIR_GEN), &public, &private).unwrap();
    signs(&session, keys, &Mech::new(CKM_EDDSA), MESSAGE);
    signs(&session, keys, &Mech::new(CKM_EDDSA), &[1; 4096]);
    assert_eq!(session.sign(&Mech::new(CKM_EDDSA), keys.1, &[1; 4097]).unwrap_err(), CKR_DATA_LEN_RANGE);
}

#[test]
fn hmac_keys_mac() {
    let region = Region::new();
    let desk = region.desk("");
    let session = desk.session("aws");
    for (kind, len) in
        [(CKM_SHA224_HMAC, 28), (CKM_SHA256_HMAC, 32), (CKM_SHA384_HMAC, 48), (CKM_SHA512_HMAC, 64)]
    {
        let label = format!("hmac-{len}");
        let template =
            [Attr::token(true), Attr::value_len(len), Attr::label(&label), Attr::bool(CKA_SIGN, true)];
        let key = session.generate_key(&Mech::new(CKM_GENERIC_SECRET_KEY_GEN), &template).unwrap();
        let mech = Mech::new(kind);
        let mac = session.sign(&mech, key, MESSAGE).unwrap();
        assert_eq!(mac.len(), len);
        session.verify(&mech, key, MESSAGE, &mac).unwrap();
        assert_eq!(session.verify(&mech, key, b"other", &mac).unwrap_err(), CKR_SIGNATURE_INVALID);
        // As the service itself sees it.
        let name = format!("alias/{label}");
        let algorithm = format!("HMAC_SHA_{}", len * 8);
        let judged = region.ask(
            "VerifyMac",
            json!({
                "KeyId": name, "MacAlgorithm": algorithm, "Mac": keyward::cloud::text::base64(&mac),
                "Message": keyward::cloud::text::base64(MESSAGE),
            }),
        );
        assert_eq!(judged["MacValid"], true);
        assert_eq!(session.sign(&mech, key, &[0; 4097]).unwrap_err(), CKR_DATA_LEN_RANGE);
    }
}

#[test]
fn rsa_decrypts_and_unwraps() {
    let region = Region::new();
    let desk = region.desk("");
    let session = desk.session("aws");
    let (public, private) = generate_rsa(&session, "oaep", CKA_DECRYPT);
    assert!(session.get_bool(private, CKA_UNWRAP).unwrap() && !session.get_bool(private, CKA_SIGN).unwrap());
    for hash in [CKM_SHA_1, CKM_SHA256] {
        let mech = Mech::oaep(hash, keyward_conformance::mech::mgf1(hash), &[]);
        let ciphertext = session.encrypt(&mech, public, b"plaintext").unwrap();
        assert_eq!(session.decrypt(&mech, private, &ciphertext).unwrap(), b"plaintext");
        let mut damaged = ciphertext;
        damaged[9] ^= 1;
        assert_eq!(session.decrypt(&mech, private, &damaged).unwrap_err(), CKR_ENCRYPTED_DATA_INVALID);
        let template =
            [Attr::class(CKO_SECRET_KEY), Attr::key_type(CKK_AES), Attr::bool(CKA_EXTRACTABLE, true)];
        let template =
            [template.as_slice(), &[Attr::bool(CKA_SENSITIVE, false), Attr::bool(CKA_ENCRYPT, true)]]
                .concat();
        let wrapped = session.encrypt(&mech, public, &[9; 32]).unwrap();
        let key = session.unwrap(&mech, private, &wrapped, &template).unwrap();
        assert_eq!(session.get(key, CKA_VALUE).unwrap(), [9; 32]);
    }
    let sha384 = Mech::oaep(CKM_SHA384, keyward_conformance::mech::mgf1(CKM_SHA384), &[]);
    let ciphertext = session.encrypt(&sha384, public, b"plaintext").unwrap();
    assert!(session.decrypt(&sha384, private, &ciphertext).is_err());
}

#[test]
fn keys_are_found_by_alias_and_by_id() {
    let region = Region::new();
    let named = region.key("ECC_NIST_P256", "SIGN_VERIFY", "team/signing_key");
    region.ask("CreateAlias", json!({ "AliasName": "alias/another-name", "TargetKeyId": named }));
    let nameless = region.key("ECC_NIST_P384", "SIGN_VERIFY", "");
    region.key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "blobs");
    region.key("HMAC_256", "GENERATE_VERIFY_MAC", "mac");
    let desk = region.desk("");
    let session = desk.session("aws");
    assert_eq!(session.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap().len(), 2);
    assert_eq!(session.find(&[Attr::class(CKO_PUBLIC_KEY)]).unwrap().len(), 2);
    assert_eq!(session.find(&[Attr::class(CKO_SECRET_KEY)]).unwrap().len(), 1);
    let (public, private) = pair(&session, "team/signing_key");
    signs(&session, (public, private), &Mech::new(CKM_ECDSA_SHA256), MESSAGE);
    assert_eq!(session.get(public, CKA_ID).unwrap(), session.get(private, CKA_ID).unwrap());
    signs(&session, pair(&session, &nameless), &Mech::new(CKM_ECDSA_SHA384), MESSAGE);
    assert_eq!(
        session
            .get_ulong(one(&session, &[Attr::class(CKO_SECRET_KEY), Attr::label("mac")]), CKA_VALUE_LEN)
            .unwrap(),
        32
    );
    assert!(session.find(&[Attr::label("blobs")]).unwrap().is_empty());
}

#[test]
fn keys_may_be_named_in_every_way() {
    let region = Region::new();
    let id = region.key("ECC_NIST_P256", "SIGN_VERIFY", "mine");
    let multi = region.ask(
        "CreateKey",
        json!({ "KeySpec": "ECC_NIST_P384", "KeyUsage": "SIGN_VERIFY", "MultiRegion": true }),
    );
    let multi = multi["KeyMetadata"]["KeyId"].as_str().unwrap();
    assert!(multi.starts_with("mrk-"));
    let arn = format!("arn:aws:kms:{}:000000000000:", region.name);
    for (at, name) in
        [&id, &format!("{arn}key/{id}"), "alias/mine", &format!("{arn}alias/mine"), "mine", multi]
            .iter()
            .enumerate()
    {
        let desk = region.desk(&format!("[[slot.key]]\nname = \"{name}\"\nlabel = \"key {at}\"\n"));
        let session = desk.session("aws");
        assert_eq!(session.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap().len(), 1, "{name}");
        signs(&session, pair(&session, &format!("key {at}")), &Mech::new(CKM_ECDSA_SHA256), MESSAGE);
    }
}

#[test]
fn keys_that_may_not_be_used_say_so() {
    let region = Region::new();
    let disabled = region.key("ECC_NIST_P256", "SIGN_VERIFY", "disabled");
    let pending = region.key("ECC_NIST_P256", "SIGN_VERIFY", "pending");
    let desk = region.desk("");
    let session = desk.session("aws");
    let before = [pair(&session, "disabled").1, pair(&session, "pending").1];
    region.ask("DisableKey", json!({ "KeyId": disabled }));
    region.ask("ScheduleKeyDeletion", json!({ "KeyId": pending, "PendingWindowInDays": 7 }));
    for key in before {
        let refused = session.sign(&Mech::new(CKM_ECDSA), key, &[1; 32]).unwrap_err();
        assert_eq!(refused, CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
}

#[test]
fn keys_are_made_once_and_destroyed_later() {
    let region = Region::new();
    let desk = region.desk("destroy = true\npending_days = 9\n");
    let session = desk.session("aws");
    let (_, private) = generate_ec(&session, Curve::P256, "short-lived");
    let template = [Attr::token(true), Attr::label("short-lived")];
    let public = [template.as_slice(), &[Attr::bytes(CKA_EC_PARAMS, Curve::P256.oid_der())]].concat();
    let again = session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &template).unwrap_err();
    assert_eq!(again, CKR_ATTRIBUTE_VALUE_INVALID);
    let bad =
        [Attr::token(true), Attr::label("no alias!"), Attr::bytes(CKA_EC_PARAMS, Curve::P256.oid_der())];
    assert!(session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &bad, &bad[..2]).is_err());
    let keys = |region: &Region| region.ask("ListKeys", json!({}))["Keys"].as_array().unwrap().len();
    assert_eq!(keys(&region), 1);
    session.destroy(private).unwrap();
    let described = region.ask("DescribeKey", json!({ "KeyId": "alias/short-lived" }));
    assert_eq!(described["KeyMetadata"]["KeyState"], "PendingDeletion");
    let days = described["KeyMetadata"]["DeletionDate"].as_f64().unwrap() - now();
    assert!((8.5..9.5).contains(&(days / 86_400.0)), "{days}");
}

fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}

#[test]
fn random_bytes_come_in_pieces() {
    let region = Region::new();
    let desk = region.desk("");
    let session = desk.session("aws");
    let (one, other) = (session.random(3000).unwrap(), session.random(3000).unwrap());
    assert_ne!(one, other);
    assert!(one.windows(64).all(|part| part.iter().any(|byte| *byte != 0)));
}

#[test]
fn many_threads_sign_at_once() {
    let region = Region::new();
    region.key("ECC_NIST_P256", "SIGN_VERIFY", "mine");
    let desk = region.desk("");
    std::thread::scope(|scope| {
        for thread in 0..32_u8 {
            let desk = &desk;
            scope.spawn(move || {
                let session = desk.session("aws");
                let keys = pair(&session, "mine");
                for round in 0..4 {
                    signs(&session, keys, &Mech::new(CKM_ECDSA_SHA256), &[thread, round]);
                }
            });
        }
    });
}
