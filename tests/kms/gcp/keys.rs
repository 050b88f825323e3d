//! Keys and what they do, by the client alone.

use keyward::backend::kms::client::{Cipher, KeySpec, Material, NewKey, Signing};
use keyward::cloud::Kind;
use keyward::crypto::{Curve, Hash, Hmac, MlDsaSet, MlKemSet, PublicKey, aes};
use keyward_conformance::ck::*;

use super::{RING, SHARED, client, entry};
use crate::support::direct::{MESSAGE, decrypts, digest_of, encrypted, mu_of, only, public, signs, soon};
use crate::support::mock::Mock;

const HASHES: [Hash; 5] = [Hash::Sha1, Hash::Sha224, Hash::Sha256, Hash::Sha384, Hash::Sha512];

#[test]
fn the_list_has_every_page_and_no_key_that_is_of_no_use() {
    let listed = client(&SHARED).list(soon()).unwrap();
    let has = |label: &str| listed.iter().any(|key| key.label == label);
    assert!(has("rotated") && has("many") && has("hmac_sha1") && has("aes_256_cbc") && has("forbidden"));
    assert!(!has("google_symmetric_encryption") && has("ml_kem_768"));
    let rotated = listed.iter().find(|key| key.label == "rotated").unwrap();
    assert_eq!(rotated.name, format!("{RING}/cryptoKeys/rotated"));
}

#[test]
fn versions_are_read_that_are_enabled_the_newest_first() {
    let mock = Mock::start("gcp_mock.py");
    let client = client(&mock);
    let versions = |name: &str| -> Vec<String> {
        client.read(name, soon()).unwrap().into_iter().map(|version| version.version).collect()
    };
    assert_eq!(versions("rotated"), ["3", "1"]);
    assert_eq!(versions(&format!("{RING}/cryptoKeys/rotated")), ["3", "1"]);
    let many: Vec<String> = (1..=12).rev().map(|at: u32| at.to_string()).collect();
    assert_eq!(versions("many"), many);
    assert!(versions("disabled").is_empty() && versions("kem_xwing").is_empty());
    assert!(versions("rotated/2").is_empty());
    let version = only(&*client, "rotated/3");
    assert_eq!(version.resource, format!("{RING}/cryptoKeys/rotated/cryptoKeyVersions/3"));
    assert_eq!(version.name, format!("{RING}/cryptoKeys/rotated"));
    assert_eq!(version.algorithm, "EC_SIGN_P256_SHA256");
    assert_eq!(client.read("rotated", soon()).unwrap()[0].created, Some(1_709_210_096));
    for (name, kind) in
        [("missing", Kind::NotFound), ("rotated/9", Kind::NotFound), ("forbidden", Kind::Denied)]
    {
        assert_eq!(client.read(name, soon()).unwrap_err().kind(), kind, "{name}");
    }
    let disabled = only(&*client, "many/1");
    let disabled = keyward::backend::kms::client::KeyVersion {
        resource: disabled.resource.replace("many", "disabled"),
        ..disabled
    };
    let signing = Signing::Ecdsa { digest: &[1; 32] };
    assert_eq!(client.sign(&disabled, signing, soon()).unwrap_err().kind(), Kind::Disabled);
}

#[test]
fn a_version_that_is_named_takes_one_request() {
    let mock = Mock::start("gcp_mock.py");
    let client = client(&mock);
    only(&*client, "rotated/3");
    mock.log();
    only(&*client, "rotated/3");
    assert_eq!(mock.log(), [format!("GET /v1/{RING}/cryptoKeys/rotated/cryptoKeyVersions/3/publicKey")]);
}

#[test]
fn every_algorithm_signs() {
    let client = client(&SHARED);
    let client = &*client;
    let of = |name: &str| only(client, &format!("{name}/1"));
    for (name, hash) in
        [("rsa_sign_pkcs1_2048_sha256", Hash::Sha256), ("rsa_sign_pkcs1_4096_sha512", Hash::Sha512)]
    {
        signs(client, &of(name), Signing::RsaPkcs1 { hash, digest: &digest_of(hash) });
    }
    for hash in HASHES {
        let raw = of("rsa_sign_raw_pkcs1_2048");
        signs(client, &raw, Signing::RsaPkcs1 { hash, digest: &digest_of(hash) });
        signs(client, &raw, Signing::RsaPkcs1Raw { data: &[7; 36] });
    }
    for (name, hash) in
        [("rsa_sign_pss_2048_sha256", Hash::Sha256), ("rsa_sign_pss_4096_sha512", Hash::Sha512)]
    {
        let signing = Signing::RsaPss { hash, digest: &digest_of(hash), salt_len: hash.len() };
        signs(client, &of(name), signing);
    }
    for (name, len) in
        [("ec_sign_p256_sha256", 32), ("ec_sign_p384_sha384", 48), ("ec_sign_secp256k1_sha256", 32)]
    {
        // Often enough for numbers with leading zeros.
        for round in 0..40 {
            signs(client, &of(name), Signing::Ecdsa { digest: &vec![round; len] });
        }
    }
    signs(client, &of("ec_sign_ed25519"), Signing::Ed25519 { message: MESSAGE });
    signs(client, &of("ec_sign_ed25519"), Signing::Ed25519 { message: &[] });
    for set in ["44", "65", "87"] {
        signs(client, &of(&format!("pq_sign_ml_dsa_{set}")), Signing::MlDsa { message: MESSAGE });
        let by_mu = of(&format!("pq_sign_ml_dsa_{set}_external_mu"));
        assert!(by_mu.mu);
        let PublicKey::MlDsa(key) = public(&by_mu) else { panic!() };
        signs(client, &by_mu, Signing::MlDsaMu { mu: &mu_of(&key.bytes()) });
    }
}

#[test]
fn what_a_key_does_not_sign_is_refused_here() {
    let mock = Mock::start("gcp_mock.py");
    let client = client(&mock);
    let pkcs1 = only(&*client, "rsa_sign_pkcs1_2048_sha256/1");
    let pss = only(&*client, "rsa_sign_pss_2048_sha256/1");
    let p256 = only(&*client, "ec_sign_p256_sha256/1");
    mock.log();
    let (hash, digest) = (Hash::Sha384, &[0; 48]);
    for (key, signing) in [
        (&pkcs1, Signing::RsaPkcs1 { hash, digest }),
        (&pkcs1, Signing::RsaPkcs1Raw { data: &[1; 20] }),
        (&pss, Signing::RsaPss { hash, digest, salt_len: 48 }),
        (&pss, Signing::RsaPss { hash: Hash::Sha256, digest: &[0; 32], salt_len: 20 }),
        (&p256, Signing::Ecdsa { digest }),
        (&p256, Signing::Ed25519 { message: MESSAGE }),
    ] {
        assert_eq!(client.sign(key, signing, soon()).unwrap_err().kind(), Kind::Refused, "{signing:?}");
    }
    assert!(mock.log().is_empty());
}

#[test]
fn macs_are_those_of_the_key() {
    let client = client(&SHARED);
    for hash in HASHES {
        let name = format!("hmac_{}", hash.name().replace('-', "").to_lowercase());
        let key = only(&*client, &name);
        assert!(matches!(key.material, Material::Secret(_, len) if len == hash.len()), "{key:?}");
        let mac = client.sign(&key, Signing::Hmac { hash, message: MESSAGE }, soon()).unwrap();
        let mut expected = vec![0; hash.len()];
        let mut own = Hmac::new(hash, &SHARED.secret(&name)).unwrap();
        own.update(MESSAGE).unwrap();
        own.finish(&mut expected).unwrap();
        assert_eq!(mac, expected, "{name}");
    }
}

#[test]
fn rsa_keys_decrypt() {
    let client = client(&SHARED);
    for (name, hash) in [
        ("rsa_decrypt_oaep_2048_sha1", Hash::Sha1),
        ("rsa_decrypt_oaep_2048_sha256", Hash::Sha256),
        ("rsa_decrypt_oaep_4096_sha512", Hash::Sha512),
    ] {
        decrypts(&*client, &only(&*client, name), Cipher::RsaOaep { hash });
    }
    let key = only(&*client, "rsa_decrypt_oaep_2048_sha256");
    let PublicKey::Rsa(rsa) = public(&key) else { panic!() };
    let oaep = keyward::crypto::Oaep { hash: Hash::Sha256, mgf_hash: Hash::Sha256, label: &[] };
    let mut empty = vec![0; rsa.len()];
    rsa.oaep_encrypt(&oaep, &[], &mut empty).unwrap();
    let decrypt = |cipher| client.decrypt(&key, cipher, &empty, soon());
    assert!(decrypt(Cipher::RsaOaep { hash: Hash::Sha256 }).unwrap().is_empty());
    assert_eq!(decrypt(Cipher::RsaOaep { hash: Hash::Sha1 }).unwrap_err().kind(), Kind::Refused);
    assert_eq!(decrypt(Cipher::RsaPkcs1).unwrap_err().kind(), Kind::Refused);
}

#[test]
fn aes_keys_encrypt_with_a_chosen_iv_where_google_lets_one() {
    let client = client(&SHARED);
    let (iv, plaintext) = ([3; 16], [9; 48]);
    for (name, cipher) in [
        ("aes_128_cbc", Cipher::AesCbc { iv: &iv }),
        ("aes_256_cbc", Cipher::AesCbc { iv: &iv }),
        ("aes_128_ctr", Cipher::AesCtr { iv: &iv }),
        ("aes_256_ctr", Cipher::AesCtr { iv: &iv }),
    ] {
        let key = only(&*client, name);
        let ciphertext = client.encrypt(&key, cipher, &plaintext, soon()).unwrap();
        let mode = match cipher {
            Cipher::AesCbc { iv } => aes::Mode::Cbc { iv: iv.try_into().unwrap() },
            _ => aes::Mode::Ctr { block: &iv, counter_bits: 128 },
        };
        assert_eq!(ciphertext, encrypted(&SHARED.secret(name), mode, &plaintext), "{name}");
        assert_eq!(&*client.decrypt(&key, cipher, &ciphertext, soon()).unwrap(), plaintext, "{name}");
    }
    for name in ["aes_128_gcm", "aes_256_gcm"] {
        let key = only(&*client, name);
        let (iv, aad) = ([5; 12], b"beside it");
        let cipher = Cipher::AesGcm { iv: &iv, aad, tag_len: 16 };
        assert_eq!(client.encrypt(&key, cipher, &plaintext, soon()).unwrap_err().kind(), Kind::Refused);
        let mode = aes::Mode::Gcm { iv: &iv, aad, tag_len: 16 };
        let sealed = encrypted(&SHARED.secret(name), mode, &plaintext);
        assert_eq!(&*client.decrypt(&key, cipher, &sealed, soon()).unwrap(), plaintext);
        let other = Cipher::AesGcm { iv: &iv, aad: b"other", tag_len: 16 };
        assert_eq!(client.decrypt(&key, other, &sealed, soon()).unwrap_err().kind(), Kind::BadCiphertext);
    }
}

#[test]
fn secrets_are_decapsulated() {
    let client = client(&SHARED);
    for name in ["ml_kem_768", "ml_kem_1024"] {
        let key = only(&*client, name);
        let Material::Pair(info) = &key.material else { panic!("{name}: no pair") };
        let Ok(PublicKey::MlKem(public)) = PublicKey::from_spki(info) else {
            panic!("{name}: no ML-KEM key")
        };
        let mut ciphertext = vec![0; public.set().ciphertext_len()];
        let secret = public.encapsulate(&mut ciphertext).unwrap();
        assert_eq!(client.decapsulate(&key, &ciphertext, soon()).unwrap(), secret);
        ciphertext[0] ^= 1;
        assert_ne!(client.decapsulate(&key, &ciphertext, soon()).unwrap(), secret, "implicit rejection");
    }
    let other = only(&*client, "ec_sign_p256_sha256");
    assert_eq!(client.decapsulate(&other, &[1; 1088], soon()).unwrap_err().kind(), Kind::Refused);
}

#[test]
fn random_bytes_of_any_length_come() {
    let client = client(&SHARED);
    for len in [1, 7, 8, 33, 1024] {
        let mut bytes = vec![0; len];
        client.random(&mut bytes, soon()).unwrap();
        assert!(len < 8 || bytes.iter().any(|byte| *byte != 0));
    }
}

#[test]
fn keys_are_made_and_destroyed() {
    let mock = Mock::start("gcp_mock.py");
    let client = client(&mock);
    let wanted = |label: &str, spec, signs| NewKey {
        label: label.to_owned(),
        spec,
        signs,
        decrypts: !signs,
        derives: false,
    };
    let made = |label: &str, spec, signs| {
        let listed = client.create(&wanted(label, spec, signs), soon()).unwrap();
        assert_eq!((listed.label.as_str(), listed.name), (label, format!("{RING}/cryptoKeys/{label}")));
        only(&*client, label).algorithm
    };
    assert_eq!(made("rsa-sign", KeySpec::Rsa(2048), true), "RSA_SIGN_PKCS1_2048_SHA256");
    assert_eq!(made("rsa-decrypt", KeySpec::Rsa(2048), false), "RSA_DECRYPT_OAEP_2048_SHA256");
    assert_eq!(made("p384", KeySpec::Ec(Curve::P384), true), "EC_SIGN_P384_SHA384");
    assert_eq!(made("k1", KeySpec::Ec(Curve::Secp256k1), true), "EC_SIGN_SECP256K1_SHA256");
    assert_eq!(made("ed", KeySpec::Ed25519, true), "EC_SIGN_ED25519");
    let set = KeySpec::MlDsa(MlDsaSet::MlDsa65);
    assert_eq!(made("pq", set, true), "PQ_SIGN_ML_DSA_65_EXTERNAL_MU");
    assert_eq!(made("kem", KeySpec::MlKem(MlKemSet::MlKem1024), false), "ML_KEM_1024");
    assert_eq!(made("mac", KeySpec::Hmac(Hash::Sha512, 64), true), "HMAC_SHA512");
    for (word, algorithm) in [("RAW_PKCS1", "RSA_SIGN_RAW_PKCS1_2048"), ("PSS", "RSA_SIGN_PSS_2048_SHA256")] {
        let keys = format!("{}rsa_padding = {word:?}\n", entry(&mock, "service_account"));
        let client = crate::support::direct::open(keyward::backend::kms::gcp::open, &keys);
        client.create(&wanted(&word.to_lowercase(), KeySpec::Rsa(2048), true), soon()).unwrap();
        assert_eq!(only(&*client, &word.to_lowercase()).algorithm, algorithm);
    }
    let refused = |label: &str, spec, kind| {
        let error = client.create(&wanted(label, spec, true), soon()).unwrap_err();
        assert_eq!(error.kind(), kind, "{label}: {error}");
    };
    refused("ed", KeySpec::Ed25519, Kind::Conflict);
    for name in ["", "a/b", "ümlaut", "with space", &"x".repeat(64)] {
        refused(name, KeySpec::Ed25519, Kind::Refused);
    }
    refused("p521", KeySpec::Ec(Curve::P521), Kind::Refused);
    refused("kem512", KeySpec::MlKem(MlKemSet::MlKem512), Kind::Refused);
    refused("small", KeySpec::Rsa(1024), Kind::Refused);
    refused("aes", KeySpec::Aes(32), Kind::Refused);

    let key = only(&*client, "p384");
    client.destroy(&key, soon()).unwrap();
    assert!(client.read("p384", soon()).unwrap().is_empty());
    let signing = Signing::Ecdsa { digest: &[1; 48] };
    assert_eq!(client.sign(&key, signing, soon()).unwrap_err().kind(), Kind::Disabled);
    assert_eq!(client.destroy(&key, soon()).unwrap_err().kind(), Kind::Disabled);
}

#[test]
fn the_place_is_known_without_a_request() {
    let mock = Mock::start("gcp_mock.py");
    let client = client(&mock);
    assert_eq!(client.identity(), format!("gcp:{RING}"));
    assert_eq!(client.service().provider, "gcp");
    assert!(!client.traits().secret_pin);
    assert!(client.service().offers.iter().any(|offer| offer.mechanism == CKM_ML_DSA));
    assert!(mock.log().is_empty());
}
