//! A key ring as a token, through the C ABI.

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Object, Session};

use super::{SHARED, entry};
use crate::support::desk::{Desk, one, private, public};
use crate::support::mock::Mock;

fn slot(mock: &Mock, more: &str) -> Desk {
    desk(&(entry(mock, "service_account") + more))
}

fn desk(keys: &str) -> Desk {
    Desk::start(&format!(
        "[[slot]]
backend = \"kms\"
provider = \"gcp\"
label = \"ring\"
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
    let session = slot.session("ring");
    let message = b"a message of the caller's";
    for (label, kind) in [
        ("rsa_sign_pkcs1_2048_sha256", CKM_SHA256_RSA_PKCS),
        ("rsa_sign_raw_pkcs1_2048", CKM_SHA1_RSA_PKCS),
        ("rsa_sign_raw_pkcs1_2048", CKM_SHA384_RSA_PKCS),
        ("rsa_sign_raw_pkcs1_2048", CKM_RSA_PKCS),
        ("ec_sign_p256_sha256", CKM_ECDSA_SHA256),
        ("ec_sign_p256_sha256", CKM_ECDSA_SHA1),
        ("ec_sign_p384_sha384", CKM_ECDSA_SHA512),
        ("ec_sign_p384_sha384", CKM_ECDSA),
        ("ec_sign_secp256k1_sha256", CKM_ECDSA_SHA256),
        ("ec_sign_ed25519", CKM_EDDSA),
        ("pq_sign_ml_dsa_65", CKM_ML_DSA),
        ("pq_sign_ml_dsa_87_external_mu", CKM_ML_DSA),
    ] {
        signs(&session, label, &Mech::new(kind), message);
    }
    let pss = |kind, hash, mgf, len| Mech::pss(kind, hash, mgf, len);
    let sha256 = pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
    signs(&session, "rsa_sign_pss_2048_sha256", &sha256, message);
    let sha512 = pss(CKM_RSA_PKCS_PSS, CKM_SHA512, CKG_MGF1_SHA512, 64);
    signs(&session, "rsa_sign_pss_4096_sha512", &sha512, &[5; 64]);
    // A message that is longer than a request may be, and one with a context.
    signs(&session, "pq_sign_ml_dsa_44_external_mu", &Mech::new(CKM_ML_DSA), &vec![9; 200_000]);
    let context = Mech::sign_context(CKM_ML_DSA, CKH_HEDGE_PREFERRED, b"context");
    signs(&session, "pq_sign_ml_dsa_65_external_mu", &context, message);
}

#[test]
fn secret_keys_mac_and_encrypt() {
    let slot = slot(&SHARED, "");
    let session = slot.session("ring");
    let (mech, key) = (Mech::new(CKM_SHA256_HMAC), secret(&session, "hmac_sha256"));
    let mac = session.sign(&mech, key, b"data").unwrap();
    session.verify(&mech, key, b"data", &mac).unwrap();
    assert!(session.verify(&mech, key, b"dada", &mac).is_err());
    assert!(!session.get_bool(key, CKA_EXTRACTABLE).unwrap());

    let key = secret(&session, "aes_256_cbc");
    let mech = Mech::bytes(CKM_AES_CBC, &[7; 16]);
    let ciphertext = session.encrypt(&mech, key, &[1; 32]).unwrap();
    assert_eq!(session.decrypt(&mech, key, &ciphertext).unwrap(), [1; 32]);
    let key = secret(&session, "aes_256_gcm");
    assert!(!session.get_bool(key, CKA_ENCRYPT).unwrap() && session.get_bool(key, CKA_DECRYPT).unwrap());
}

#[test]
fn what_was_encrypted_here_is_decrypted_there() {
    let slot = slot(&SHARED, "");
    let session = slot.session("ring");
    let label = "rsa_decrypt_oaep_2048_sha256";
    let oaep = Mech::oaep(CKM_SHA256, CKG_MGF1_SHA256, &[]);
    let ciphertext = session.encrypt(&oaep, public(&session, label), b"secret").unwrap();
    let key = private(&session, label);
    assert_eq!(session.decrypt(&oaep, key, &ciphertext).unwrap(), b"secret");
    assert!(!session.get_bool(key, CKA_SIGN).unwrap());
    let failed = session.decrypt(&oaep, key, &vec![1; ciphertext.len()]).unwrap_err();
    assert_eq!(failed, keyward_conformance::Rv(CKR_ENCRYPTED_DATA_INVALID));
}

#[test]
fn what_was_encapsulated_here_is_decapsulated_there() {
    let slot = slot(&SHARED, "");
    let session = slot.session("ring");
    crate::support::desk::decapsulates(
        &session,
        public(&session, "ml_kem_768"),
        private(&session, "ml_kem_768"),
    );
}

#[test]
fn versions_are_objects_and_one_bad_key_is_no_trouble() {
    let slot = slot(&SHARED, "");
    let session = slot.session("ring");
    let keys = |label: &str| session.find(&[Attr::class(CKO_PRIVATE_KEY), Attr::label(label)]).unwrap().len();
    assert_eq!([keys("rotated"), keys("many"), keys("disabled"), keys("forbidden")], [2, 12, 0, 0]);
    assert!(slot.log().contains("forbidden"), "the log says which key was left out");
}

#[test]
fn a_named_version_needs_no_list() {
    let mock = Mock::start("gcp_mock.py");
    let slot = slot(&mock, "[[slot.key]]\nname = \"rotated/3\"\nlabel = \"web\"\n");
    assert!(mock.log().is_empty(), "nobody is asked before somebody looks");
    let session = slot.session("ring");
    signs(&session, "web", &Mech::new(CKM_ECDSA_SHA256), b"data");
    let log = mock.log();
    let kms: Vec<_> = log.iter().filter(|line| line.contains("/v1/")).collect();
    assert_eq!(kms.len(), 2, "{kms:?}");
}

#[test]
fn keys_are_made_used_and_destroyed() {
    let mock = Mock::start("gcp_mock.py");
    let slot = slot(&mock, "destroy = true\n");
    let session = slot.session("ring");
    const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let common = [Attr::token(true), Attr::label("made-here")];
    let public = [&common[..], &[Attr::bytes(CKA_EC_PARAMS, &P256)]].concat();
    let private = [&common[..], &[Attr::bool(CKA_SIGN, true)]].concat();
    let (_, key) = session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &private).unwrap();
    signs(&session, "made-here", &Mech::new(CKM_ECDSA_SHA256), b"data");
    session.destroy(key).unwrap();
    assert_eq!(mock.count(":destroy"), 1);
    assert_eq!(session.random(300).unwrap().len(), 300);
    assert_eq!(mock.count("generateRandomBytes"), 1);
}

#[test]
fn no_secret_is_in_the_log() {
    let mock = Mock::start("gcp_mock.py");
    let slot = slot(&mock, "");
    let session = slot.session("ring");
    signs(&session, "rotated", &Mech::new(CKM_ECDSA_SHA256), b"data");
    mock.expire_tokens();
    signs(&session, "rotated", &Mech::new(CKM_ECDSA_SHA256), b"data");
    let log = slot.log();
    assert!(log.contains("rotated") || !log.is_empty());
    for header in mock.headers("authorization") {
        let token = header.strip_prefix("Bearer ").unwrap();
        assert!(!log.contains(token), "a token is in the log");
    }
    assert!(!log.contains("PRIVATE KEY") && !log.contains("assertion="));
}
