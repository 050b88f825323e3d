//! Keys and what they do, by the client alone.

use keyward::backend::kms::client::{Cipher, KeySpec, KeyVersion, Material, NewKey, Signing};
use keyward::cloud::Kind;
use keyward::crypto::{Curve, Hash, MlDsaSet, aes};
use keyward_conformance::ck::*;

use super::{SHARED, client, start};
use crate::support::direct::{MESSAGE, decrypts, digest_of, encrypted, only, signs, soon};

const HASHES: [Hash; 3] = [Hash::Sha256, Hash::Sha384, Hash::Sha512];

#[test]
fn the_list_has_every_page() {
    let listed = client(&SHARED).list(soon()).unwrap();
    let has = |label: &str| listed.iter().any(|key| key.label == label && key.name == label);
    assert!(has("rsa") && has("ec-p-256k") && has("aes-128") && has("rotated") && has("disabled"));
}

#[test]
fn versions_are_read_that_may_be_used_the_newest_first() {
    let mock = start();
    let client = client(&mock);
    let read = |name: &str| client.read(name, soon()).unwrap();
    let created = |name: &str| -> Vec<u64> {
        read(name).iter().map(|version| version.created.unwrap() - 1_700_000_000).collect()
    };
    assert_eq!(created("rotated"), [2, 0]);
    assert_eq!(created("many"), (0..12).rev().collect::<Vec<_>>());
    for name in ["disabled", "future", "expired", "useless"] {
        assert!(read(name).is_empty(), "{name}");
    }
    let newest = read("rotated").remove(0);
    assert!(newest.resource.ends_with(&format!("/keys/rotated/{}", newest.version)));
    mock.log();
    let again = only(&*client, &format!("rotated/{}", newest.version));
    assert_eq!(again, newest);
    assert_eq!(mock.log().len(), 1);
    for (name, kind) in [
        ("missing", Kind::NotFound),
        ("missing/0", Kind::NotFound),
        ("rsa/0", Kind::NotFound),
        ("forbidden", Kind::Denied),
    ] {
        assert_eq!(client.read(name, soon()).unwrap_err().kind(), kind, "{name}");
    }
}

#[test]
fn key_operations_are_usages() {
    let client = client(&SHARED);
    let usage = |name: &str| only(&*client, name).usage;
    assert_eq!(usage("rsa"), CKF_SIGN | CKF_DECRYPT | CKF_UNWRAP);
    assert_eq!(usage("rsa-sign"), CKF_SIGN);
    assert_eq!(usage("rsa-decrypt"), CKF_DECRYPT | CKF_UNWRAP);
    assert_eq!(usage("rsa-unwrap"), CKF_DECRYPT | CKF_UNWRAP);
    assert_eq!(usage("ec-p-521"), CKF_SIGN);
    assert_eq!(usage("aes"), CKF_ENCRYPT | CKF_DECRYPT);
    let signs_only = only(&*client, "rsa-sign").mechanisms;
    assert!(signs_only.contains(&CKM_RSA_PKCS) && !signs_only.contains(&CKM_RSA_PKCS_OAEP));
}

#[test]
fn every_algorithm_signs() {
    let client = client(&SHARED);
    let client = &*client;
    for name in ["rsa", "rsa-sign"] {
        let key = only(client, name);
        for hash in HASHES {
            signs(client, &key, Signing::RsaPkcs1 { hash, digest: &digest_of(hash) });
            signs(client, &key, Signing::RsaPss { hash, digest: &digest_of(hash), salt_len: hash.len() });
        }
    }
    for (name, len) in [("p-256", 32), ("p-384", 48), ("p-521", 64), ("p-256k", 32)] {
        let key = only(client, &format!("ec-{name}"));
        for round in 0..40 {
            signs(client, &key, Signing::Ecdsa { digest: &vec![round; len] });
        }
    }
}

#[test]
fn what_a_key_does_not_do_is_refused_here() {
    let mock = start();
    let client = client(&mock);
    let (rsa, ec) = (only(&*client, "rsa"), only(&*client, "ec-p-256"));
    let (signs_only, aes) = (only(&*client, "rsa-sign"), only(&*client, "aes"));
    mock.log();
    for (key, signing) in [
        (&rsa, Signing::RsaPkcs1 { hash: Hash::Sha1, digest: &[0; 20] }),
        (&rsa, Signing::RsaPkcs1Raw { data: &[0; 20] }),
        (&rsa, Signing::RsaPss { hash: Hash::Sha256, digest: &[0; 32], salt_len: 20 }),
        (&rsa, Signing::Ecdsa { digest: &[0; 32] }),
        (&ec, Signing::Ecdsa { digest: &[0; 48] }),
        (&ec, Signing::Ed25519 { message: MESSAGE }),
        (&aes, Signing::Hmac { hash: Hash::Sha256, message: MESSAGE }),
    ] {
        assert_eq!(client.sign(key, signing, soon()).unwrap_err().kind(), Kind::Refused, "{signing:?}");
    }
    let gcm = Cipher::AesGcm { iv: &[0; 12], aad: &[], tag_len: 12 };
    for (key, cipher) in [
        (&signs_only, Cipher::RsaOaep { hash: Hash::Sha1 }),
        (&rsa, Cipher::RsaOaep { hash: Hash::Sha512 }),
        (&ec, Cipher::RsaPkcs1),
        (&aes, gcm),
        (&aes, Cipher::AesCtr { iv: &[0; 16] }),
    ] {
        let failed = client.decrypt(key, cipher, &[0; 256], soon()).unwrap_err();
        assert_eq!(failed.kind(), Kind::Refused, "{cipher:?}");
    }
    assert_eq!(client.encrypt(&aes, gcm, &[0; 16], soon()).unwrap_err().kind(), Kind::Refused);
    assert!(mock.log().is_empty());
}

#[test]
fn rsa_keys_decrypt_or_unwrap() {
    let mock = start();
    let client = client(&mock);
    for (name, operation) in [("rsa", "/decrypt"), ("rsa-decrypt", "/decrypt"), ("rsa-unwrap", "/unwrapkey")]
    {
        let key = only(&*client, name);
        mock.log();
        for cipher in [Cipher::RsaOaep { hash: Hash::Sha1 }, Cipher::RsaOaep { hash: Hash::Sha256 }] {
            decrypts(&*client, &key, cipher);
        }
        assert_eq!(mock.count(operation), 4, "{name}");
    }
    let key = only(&*client, "rsa");
    let keyward::crypto::PublicKey::Rsa(rsa) = crate::support::direct::public(&key) else { panic!() };
    let mut ciphertext = vec![0; rsa.len()];
    rsa.pkcs1_encrypt(MESSAGE, &mut ciphertext).unwrap();
    assert_eq!(&*client.decrypt(&key, Cipher::RsaPkcs1, &ciphertext, soon()).unwrap(), MESSAGE);
}

#[test]
fn aes_keys_of_a_managed_hsm_encrypt() {
    let client = client(&SHARED);
    for (name, len) in [("aes", 32), ("aes-128", 16)] {
        let key = only(&*client, name);
        assert_eq!(key.material, Material::Secret(CKK_AES, len));
        let secret = SHARED.secret(name);
        let (iv, plaintext) = ([3; 16], [9; 48]);
        let cbc = Cipher::AesCbc { iv: &iv };
        let ciphertext = client.encrypt(&key, cbc, &plaintext, soon()).unwrap();
        assert_eq!(ciphertext, encrypted(&secret, aes::Mode::Cbc { iv: &iv }, &plaintext));
        assert_eq!(&*client.decrypt(&key, cbc, &ciphertext, soon()).unwrap(), plaintext);
        for aad in [&b"beside it"[..], &[]] {
            let nonce = [5; 12];
            let sealed = encrypted(&secret, aes::Mode::Gcm { iv: &nonce, aad, tag_len: 16 }, &plaintext);
            let gcm = Cipher::AesGcm { iv: &nonce, aad, tag_len: 16 };
            assert_eq!(&*client.decrypt(&key, gcm, &sealed, soon()).unwrap(), plaintext);
            let other = Cipher::AesGcm { iv: &nonce, aad: b"other", tag_len: 16 };
            assert_eq!(client.decrypt(&key, other, &sealed, soon()).unwrap_err().kind(), Kind::BadCiphertext);
        }
    }
    let mut bytes = [0; 128];
    client.random(&mut bytes, soon()).unwrap();
    assert!(bytes.iter().any(|byte| *byte != 0));
}

#[test]
fn keys_are_made_and_destroyed() {
    let mock = start();
    let client = client(&mock);
    let wanted = |label: &str, spec, signs, decrypts| NewKey {
        label: label.to_owned(),
        spec,
        signs,
        decrypts,
        derives: false,
    };
    let made = |label: &str, spec, signs, decrypts| -> KeyVersion {
        let listed = client.create(&wanted(label, spec, signs, decrypts), soon()).unwrap();
        assert_eq!((listed.label.as_str(), listed.name.as_str()), (label, label));
        only(&*client, label)
    };
    let both = CKF_SIGN | CKF_DECRYPT | CKF_UNWRAP;
    assert_eq!(made("made-rsa", KeySpec::Rsa(2048), true, true).usage, both);
    assert_eq!(made("made-decrypt", KeySpec::Rsa(2048), false, true).usage, CKF_DECRYPT | CKF_UNWRAP);
    let curves = [Curve::P256, Curve::P384, Curve::P521, Curve::Secp256k1];
    for (at, curve) in curves.into_iter().enumerate() {
        let key = made(&format!("made-ec-{at}"), KeySpec::Ec(curve), true, false);
        assert!(key.algorithm.starts_with("EC P-"), "{key:?}");
    }
    made("made-aes", KeySpec::Aes(32), false, true);
    let refused = |label: &str, spec, kind| {
        let failed = client.create(&wanted(label, spec, true, false), soon()).unwrap_err();
        assert_eq!(failed.kind(), kind, "{label}: {failed}");
    };
    refused("rotated", KeySpec::Rsa(2048), Kind::Conflict);
    for name in ["", "under_score", "a/b", "ümlaut", "with space", &"x".repeat(128)] {
        refused(name, KeySpec::Rsa(2048), Kind::Refused);
    }
    refused("x1", KeySpec::Rsa(1024), Kind::Refused);
    refused("x2", KeySpec::Ed25519, Kind::Refused);
    refused("x3", KeySpec::MlDsa(MlDsaSet::MlDsa65), Kind::Refused);
    refused("x4", KeySpec::Aes(16), Kind::Refused);

    let key = only(&*client, "made-rsa");
    client.destroy(&key, soon()).unwrap();
    assert_eq!(client.read("made-rsa", soon()).unwrap_err().kind(), Kind::NotFound);
    let signing = Signing::RsaPkcs1 { hash: Hash::Sha256, digest: &[0; 32] };
    assert_eq!(client.sign(&key, signing, soon()).unwrap_err().kind(), Kind::NotFound);
    // It can be recovered for some days, and its name is not free until then.
    refused("made-rsa", KeySpec::Rsa(2048), Kind::Conflict);
}
