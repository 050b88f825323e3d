//! A managed HSM as a token, through the C ABI.

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Object, Rv, Session};

use super::{SHARED, entry, known, start};
use crate::support::desk::{Desk, one, private, public};
use crate::support::mock::Mock;

fn slot(mock: &Mock, more: &str) -> Desk {
    desk(&(entry(mock) + more))
}

fn desk(keys: &str) -> Desk {
    Desk::start(&format!(
        "[[slot]]
backend = \"kms\"
provider = \"azure\"
label = \"vault\"
{keys}"
    ))
}

/// Signs with the private key of a label, and verifies with the public one.
#[track_caller]
fn signs(session: &Session, label: &str, mech: &Mech, data: &[u8]) {
    let signature = session.sign(mech, private(session, label), data).unwrap();
    session.verify(mech, public(session, label), data, &signature).unwrap();
    let other: Vec<u8> = data.iter().map(|byte| byte ^ 1).collect();
    assert!(session.verify(mech, public(session, label), &other, &signature).is_err());
}

/// The secret key of this label.
#[track_caller]
fn secret(session: &Session, label: &str) -> Object {
    one(session, &[Attr::class(CKO_SECRET_KEY), Attr::label(label)])
}

#[test]
fn keys_of_every_kind_are_objects_that_sign() {
    let slot = slot(&SHARED, "");
    let session = slot.session("vault");
    let message = b"a message of the caller's";
    for (label, kind) in [
        ("rsa", CKM_SHA256_RSA_PKCS),
        ("rsa-sign", CKM_SHA512_RSA_PKCS),
        ("ec-p-256", CKM_ECDSA_SHA256),
        ("ec-p-256", CKM_ECDSA_SHA512),
        ("ec-p-384", CKM_ECDSA_SHA1),
        ("ec-p-521", CKM_ECDSA_SHA512),
        ("ec-p-521", CKM_ECDSA),
        ("ec-p-256k", CKM_ECDSA_SHA256),
    ] {
        signs(&session, label, &Mech::new(kind), message);
    }
    let info = [keyward::crypto::Hash::Sha384.digest_info_prefix(), &[7; 48]].concat();
    signs(&session, "rsa", &Mech::new(CKM_RSA_PKCS), &info);
    let pss = Mech::pss(CKM_SHA384_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384, 48);
    signs(&session, "rsa", &pss, message);
    let short = Mech::pss(CKM_SHA384_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384, 20);
    let key = private(&session, "rsa");
    assert_eq!(session.sign(&short, key, message), Err(Rv(CKR_MECHANISM_PARAM_INVALID)));
    assert_eq!(session.sign(&Mech::new(CKM_RSA_PKCS), key, &[1; 20]), Err(Rv(CKR_DATA_INVALID)));
}

#[test]
fn what_was_encrypted_here_is_decrypted_there() {
    let slot = slot(&SHARED, "");
    let session = slot.session("vault");
    for label in ["rsa", "rsa-decrypt", "rsa-unwrap"] {
        let (public, private) = (public(&session, label), private(&session, label));
        for mech in [
            Mech::oaep(CKM_SHA256, CKG_MGF1_SHA256, &[]),
            Mech::oaep(CKM_SHA_1, CKG_MGF1_SHA1, &[]),
            Mech::new(CKM_RSA_PKCS),
        ] {
            let ciphertext = session.encrypt(&mech, public, b"secret").unwrap();
            assert_eq!(session.decrypt(&mech, private, &ciphertext).unwrap(), b"secret", "{label}");
        }
    }
    let key = secret(&session, "aes");
    let mech = Mech::bytes(CKM_AES_CBC, &[7; 16]);
    let ciphertext = session.encrypt(&mech, key, &[1; 32]).unwrap();
    assert_eq!(session.decrypt(&mech, key, &ciphertext).unwrap(), [1; 32]);
    assert_eq!(session.random(300).unwrap().len(), 300);
}

#[test]
fn versions_are_objects_and_one_bad_key_is_no_trouble() {
    let slot = slot(&SHARED, "");
    let session = slot.session("vault");
    let keys = |label: &str| session.find(&[Attr::class(CKO_PRIVATE_KEY), Attr::label(label)]).unwrap().len();
    assert_eq!([keys("rotated"), keys("many")], [2, 12]);
    for label in ["disabled", "future", "expired", "useless", "forbidden"] {
        assert_eq!(keys(label), 0, "{label}");
    }
    assert!(slot.log().contains("forbidden"), "the log says which key was left out");
}

#[test]
fn keys_are_made_used_and_destroyed() {
    let mock = start();
    let slot = slot(&mock, "destroy = true\n");
    let session = slot.session("vault");
    let common = [Attr::token(true), Attr::label("made-here")];
    let public = [&common[..], &[Attr::ulong(CKA_MODULUS_BITS, 2048)]].concat();
    let private = [&common[..], &[Attr::bool(CKA_SIGN, true), Attr::bool(CKA_DECRYPT, true)]].concat();
    let (_, key) = session.generate_pair(&Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &private).unwrap();
    signs(&session, "made-here", &Mech::new(CKM_SHA256_RSA_PKCS), b"data");
    session.destroy(key).unwrap();
    assert_eq!(mock.count("DELETE /keys/made-here"), 1);
}

#[test]
fn the_pin_is_the_clients_secret_and_nowhere_in_the_log() {
    let mock = start();
    let slot = desk(&(known(&mock) + "pin = \"secret\"\n"));
    let session = slot.session("vault");
    let secret = std::fs::read_to_string(mock.path("client-secret")).unwrap();
    assert_eq!(session.login(CKU_USER, "a-wrong-secret"), Err(Rv(CKR_PIN_INCORRECT)));
    session.login(CKU_USER, secret.trim()).unwrap();
    signs(&session, "ec-p-256", &Mech::new(CKM_ECDSA_SHA256), b"data");
    session.logout().unwrap();
    let log = slot.log();
    assert!(!log.contains(secret.trim()) && !log.contains("a-wrong-secret"));
    for header in mock.headers("authorization") {
        assert!(!log.contains(header.strip_prefix("Bearer ").unwrap()), "a token is in the log");
    }
}
