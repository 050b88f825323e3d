//! What goes wrong on the way, and at Azure.

use std::time::{Duration, Instant};

use keyward::backend::kms::azure;
use keyward::backend::kms::client::{Cipher, KeyVersion, Signing};
use keyward::cloud::Kind;
use serde_json::{Value, json};

use super::{client, entry, start};
use crate::support::direct::{self, only, soon};

const ECDSA: Signing<'static> = Signing::Ecdsa { digest: &[1; 32] };

fn error(code: &str) -> Value {
    json!({"error": {"code": code, "message": "planted"}})
}

#[test]
fn busy_and_broken_services_are_asked_again() {
    let mock = start();
    let client = client(&mock);
    let key = only(&*client, "ec-p-256");
    for (status, headers, body) in [
        (429, json!({"retry-after": "0"}), error("Throttled")),
        (429, json!({}), error("Throttled")),
        (503, json!({}), error("ServiceUnavailable")),
        (500, json!({}), json!([])),
    ] {
        mock.log();
        mock.fault("/sign", 2, status, &headers, &body);
        client.sign(&key, ECDSA, soon()).unwrap();
        assert_eq!(mock.count("/sign"), 3, "{status} {headers}");
    }
    mock.fault("/sign", 1, 429, &json!({"retry-after": "3600"}), &error("Throttled"));
    let failed = client.sign(&key, ECDSA, soon()).unwrap_err();
    assert_eq!((failed.kind(), failed.retry_after()), (Kind::Throttled, Some(Duration::from_secs(3600))));
}

#[test]
fn decryption_and_what_makes_or_destroys_are_not_repeated() {
    let mock = start();
    let client = client(&mock);
    let key = only(&*client, "aes");
    mock.fault("/decrypt|DELETE", 9, 503, &json!({}), &error("ServiceUnavailable"));
    mock.log();
    let failed = client.decrypt(&key, Cipher::AesCbc { iv: &[0; 16] }, &[0; 16], soon()).unwrap_err();
    assert_eq!(failed.kind(), Kind::Unavailable);
    assert_eq!(client.destroy(&key, soon()).unwrap_err().kind(), Kind::Unavailable);
    // One decryption, a look at the newest version, one deletion.
    assert_eq!(mock.log().len(), 3);
}

#[test]
fn errors_about_a_key_are_told_from_errors_about_who_asks() {
    let mock = start();
    let client = client(&mock);
    let known = only(&*client, "ec-p-256");
    let key = |name: &str| KeyVersion { name: name.to_owned(), ..known.clone() };
    let sign = |key: &KeyVersion| client.sign(key, ECDSA, soon()).unwrap_err().kind();
    for inner in ["KeyDisabled", "KeyExpired", "KeyNotYetValid"] {
        let body = json!({"error": {"code": "Forbidden", "message": "no", "innererror": {"code": inner}}});
        mock.fault("/sign", 1, 403, &json!({}), &body);
        assert_eq!(sign(&known), Kind::Disabled, "{inner}");
    }
    assert_eq!(sign(&key("forbidden")), Kind::Denied);
    assert_eq!(sign(&key("missing")), Kind::NotFound);
    let said = client.read("forbidden", soon()).unwrap_err().to_string();
    assert!(said.contains("ForbiddenByRbac") && !said.contains('\n'), "{said}");
}

#[test]
fn an_answer_that_is_about_another_key_is_corrupt() {
    let mock = start();
    let client = client(&mock);
    let key = only(&*client, "ec-p-256");
    let of = |kid: &str| json!({"kid": kid, "value": "AA"});
    for body in [of("https://x/keys/other/1"), of(&key.resource), json!({}), json!([])] {
        mock.fault("/sign", 1, 200, &json!({}), &body);
        assert_eq!(client.sign(&key, ECDSA, soon()).unwrap_err().kind(), Kind::Corrupt, "{body}");
    }
    let other = json!({"key": {"kid": "https://x/keys/other/1", "kty": "EC"}});
    mock.fault("GET /keys/ec-p-256/", 1, 200, &json!({}), &other);
    let name = format!("ec-p-256/{}", key.version);
    assert_eq!(client.read(&name, soon()).unwrap_err().kind(), Kind::Corrupt);
}

#[test]
fn one_bad_version_leaves_the_others() {
    let mock = start();
    let client = client(&mock);
    let versions = client.read("rotated", soon()).unwrap();
    let broken =
        json!({"key": {"kid": versions[0].resource, "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}});
    mock.fault(&format!("GET /keys/rotated/{}", versions[0].version), 1, 200, &json!({}), &broken);
    assert_eq!(client.read("rotated", soon()).unwrap(), versions[1..]);
}

#[test]
fn a_list_does_not_go_on_at_another_host() {
    let mock = start();
    let client = client(&mock);
    mock.set(&json!({"next_link_host": "https://127.0.0.1.example"}));
    let failed = client.list(soon()).unwrap_err();
    assert_eq!(failed.kind(), Kind::Corrupt);
    assert!(failed.to_string().contains("another host"), "{failed}");
}

#[test]
fn a_token_for_another_place_is_not_given_away() {
    let mock = start();
    let client = client(&mock);
    mock.set(&json!({"asks_for": "https://vault.azure.net.example"}));
    mock.fault(
        "GET /keys",
        1,
        401,
        &json!({"www-authenticate":
        "Bearer authorization=\"https://login.example/t\", resource=\"https://graph.microsoft.com\""}),
        &json!({}),
    );
    let failed = client.list(soon()).unwrap_err();
    assert_eq!(failed.kind(), Kind::Unauthenticated);
    assert!(failed.to_string().contains("https://graph.microsoft.com"), "{failed}");
    // The first token was for this place; no other was got.
    let log = mock.log();
    assert_eq!(log.iter().filter(|line| line.contains("oauth2")).count(), 1, "{log:?}");

    // A vault's token where a managed HSM is: it asks for its own, and does not get it.
    let keys = entry(&mock).replace("managedhsm", "vault");
    mock.set(&json!({"asks_for": "https://managedhsm.azure.net"}));
    let failed = direct::open(azure::open, &keys).list(soon()).unwrap_err();
    assert_eq!(failed.kind(), Kind::Unauthenticated, "{failed}");
    assert_eq!(mock.count("oauth2"), 1);
}

#[test]
fn a_server_without_the_configured_root_is_not_trusted() {
    let mock = start();
    let own_ca = mock.path("ca.pem");
    let foreign = start();
    let keys = entry(&mock).replace(own_ca.to_str().unwrap(), foreign.path("ca.pem").to_str().unwrap());
    let begin = Instant::now();
    let failed = direct::open(azure::open, &keys).list(soon()).unwrap_err();
    assert_eq!(failed.kind(), Kind::Unreachable, "{failed}");
    assert!(failed.is_lasting() && begin.elapsed() < Duration::from_secs(30), "it was tried again: {failed}");
    assert!(mock.log().is_empty());
}
