//! What goes wrong on the way, and at Google.

use std::time::{Duration, Instant};

use keyward::backend::kms::client::{Cipher, Signing};
use keyward::backend::kms::gcp;
use keyward::cloud::{Deadline, Kind};
use keyward::crypto::Hash;
use serde_json::{Value, json};

use super::{client, entry};
use crate::support::direct::{self, MESSAGE, only, soon};
use crate::support::mock::Mock;

const ECDSA: Signing<'static> = Signing::Ecdsa { digest: &[1; 32] };

fn error(code: u16, status: &str) -> Value {
    json!({"error": {"code": code, "status": status, "message": "planted"}})
}

#[test]
fn what_comes_damaged_is_asked_for_once_more() {
    let mock = Mock::start("gcp_mock.py");
    let client = client(&mock);
    let ec = only(&*client, "rotated/3");
    let mac = only(&*client, "hmac_sha256/1");
    let rsa = only(&*client, "rsa_decrypt_oaep_2048_sha256/1");
    let cbc = only(&*client, "aes_128_cbc/1");
    let oaep = Cipher::RsaOaep { hash: Hash::Sha256 };
    let by_iv = Cipher::AesCbc { iv: &[1; 16] };
    let ciphertext = {
        let keyward::crypto::PublicKey::Rsa(rsa) = direct::public(&rsa) else { panic!() };
        let mut out = vec![0; rsa.len()];
        let params = keyward::crypto::Oaep { hash: Hash::Sha256, mgf_hash: Hash::Sha256, label: &[] };
        rsa.oaep_encrypt(&params, MESSAGE, &mut out).unwrap();
        out
    };
    let hmac = Signing::Hmac { hash: Hash::Sha256, message: MESSAGE };
    type Call<'a> = &'a dyn Fn() -> keyward::cloud::Result<()>;
    let kem = only(&*client, "ml_kem_768/1");
    let calls: [(&str, &str, Call<'_>); 9] = [
        ("asymmetricSign", "signature", &|| client.sign(&ec, ECDSA, soon()).map(drop)),
        ("macSign", "mac", &|| client.sign(&mac, hmac, soon()).map(drop)),
        ("asymmetricDecrypt", "plaintext", &|| client.decrypt(&rsa, oaep, &ciphertext, soon()).map(drop)),
        ("rawEncrypt", "ciphertext", &|| client.encrypt(&cbc, by_iv, &[0; 16], soon()).map(drop)),
        ("rawDecrypt", "plaintext", &|| client.decrypt(&cbc, by_iv, &[0; 16], soon()).map(drop)),
        ("decapsulate", "sharedSecret", &|| client.decapsulate(&kem, &[1; 1088], soon()).map(drop)),
        ("generateRandomBytes", "data", &|| client.random(&mut [0; 16], soon())),
        ("publicKey", "pem", &|| client.read("rotated/3", soon()).map(drop)),
        ("publicKey", "data", &|| {
            client.read("pq_sign_ml_dsa_44", soon()).and_then(|found| {
                // A list goes on without what is damaged.
                if found.is_empty() {
                    Err(keyward::cloud::Error::new(Kind::Corrupt, "left out"))
                } else {
                    Ok(())
                }
            })
        }),
    ];
    for (verb, field, call) in calls {
        mock.damage(verb, 1, field);
        mock.log();
        call().unwrap_or_else(|error| panic!("{verb}: {error}"));
        assert_eq!(mock.count(verb), 2, "{verb}");
        mock.damage(verb, 2, field);
        assert_eq!(call().unwrap_err().kind(), Kind::Corrupt, "{verb}");
    }
}

#[test]
fn busy_and_broken_services_are_asked_again() {
    let mock = Mock::start("gcp_mock.py");
    let client = client(&mock);
    let key = only(&*client, "rotated/3");
    let busy = error(429, "RESOURCE_EXHAUSTED");
    for (status, headers, body) in [
        (429, json!({"retry-after": "0"}), busy.clone()),
        (429, json!({}), busy),
        (503, json!({}), error(503, "UNAVAILABLE")),
        (500, json!({}), error(500, "INTERNAL")),
        (502, json!({}), json!({})),
    ] {
        mock.log();
        mock.fault("asymmetricSign", 2, status, &headers, &body);
        client.sign(&key, ECDSA, soon()).unwrap();
        assert_eq!(mock.count("asymmetricSign"), 3, "{status} {headers}");
    }
}

#[test]
fn a_time_to_wait_that_is_too_long_ends_the_call() {
    let mock = Mock::start("gcp_mock.py");
    let client = client(&mock);
    let key = only(&*client, "rotated/3");
    let mut busy = error(429, "RESOURCE_EXHAUSTED");
    busy["error"]["details"] =
        json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3600s"}]);
    mock.fault("asymmetricSign", 1, 429, &json!({}), &busy);
    let failed = client.sign(&key, ECDSA, soon()).unwrap_err();
    assert_eq!((failed.kind(), failed.retry_after()), (Kind::Throttled, Some(Duration::from_secs(3600))));
    mock.fault("asymmetricSign", 1, 429, &json!({"retry-after": "7200"}), &error(429, "RESOURCE_EXHAUSTED"));
    let failed = client.sign(&key, ECDSA, soon()).unwrap_err();
    assert_eq!(failed.retry_after(), Some(Duration::from_secs(7200)));
}

#[test]
fn decryption_and_what_makes_or_destroys_are_not_repeated() {
    let mock = Mock::start("gcp_mock.py");
    let client = client(&mock);
    let key = only(&*client, "aes_128_cbc/1");
    mock.fault("rawDecrypt|destroy", 9, 503, &json!({}), &error(503, "UNAVAILABLE"));
    mock.log();
    let failed = client.decrypt(&key, Cipher::AesCbc { iv: &[0; 16] }, &[0; 16], soon()).unwrap_err();
    assert_eq!(failed.kind(), Kind::Unavailable);
    assert_eq!(client.destroy(&key, soon()).unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(mock.log().len(), 2);
}

#[test]
fn an_answer_that_is_about_another_key_is_corrupt() {
    let mock = Mock::start("gcp_mock.py");
    let client = client(&mock);
    let key = only(&*client, "rotated/3");
    let other =
        json!({"signature": "", "signatureCrc32c": "0", "verifiedDigestCrc32c": true, "name": "other"});
    mock.fault("asymmetricSign", 2, 200, &json!({}), &other);
    assert_eq!(client.sign(&key, ECDSA, soon()).unwrap_err().kind(), Kind::Corrupt);
    let unchecked = json!({"signature": "", "signatureCrc32c": "0", "name": key.resource});
    mock.fault("asymmetricSign", 2, 200, &json!({}), &unchecked);
    assert_eq!(client.sign(&key, ECDSA, soon()).unwrap_err().kind(), Kind::Corrupt);
    mock.fault("asymmetricSign", 2, 200, &json!({}), &json!([]));
    assert_eq!(client.sign(&key, ECDSA, soon()).unwrap_err().kind(), Kind::Corrupt);
}

#[test]
fn a_key_that_is_generated_too_long_is_an_error_within_the_deadline() {
    let mock = Mock::start("gcp_mock.py");
    let client = client(&mock);
    let key = keyward::backend::kms::client::NewKey {
        label: "slow".to_owned(),
        spec: keyward::backend::kms::client::KeySpec::Ed25519,
        signs: true,
        decrypts: false,
        derives: false,
    };
    let pending = json!({"cryptoKeyVersions": [{"name": "n", "state": "PENDING_GENERATION"}]});
    mock.fault("GET .*/slow/cryptoKeyVersions", 1000, 200, &json!({}), &pending);
    let begin = Instant::now();
    let failed = client.create(&key, Deadline::after(Duration::from_secs(4))).unwrap_err();
    assert_eq!(failed.kind(), Kind::Unavailable);
    assert!(begin.elapsed() >= Duration::from_millis(300), "it looked once");
}

#[test]
fn nobody_there_is_unreachable() {
    let port = crate::support::python_server::free_port();
    let mock = Mock::start("gcp_mock.py");
    let keys = entry(&mock, "service_account").replace(&mock.url(), &format!("http://127.0.0.1:{port}"));
    // It ends with the tries that a service gets, long before the time.
    let failed = direct::open(gcp::open, &keys).list(soon()).unwrap_err();
    assert_eq!(failed.kind(), Kind::Unreachable, "{failed}");
}
