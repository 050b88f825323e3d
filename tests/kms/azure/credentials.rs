//! Where access tokens come from.

use std::sync::Arc;

use keyward::backend::kms::azure;
use keyward::backend::kms::client::{KmsClient, Signing};
use keyward::cloud::Kind;
use serde_json::json;

use super::{CLIENT, SHARED, TENANT, client, entry, known, place, start};
use crate::support::child::in_child;
use crate::support::direct::{self, only, soon};
use crate::support::mock::Mock;

const ECDSA: Signing<'static> = Signing::Ecdsa { digest: &[1; 32] };

fn with(mock: &Mock, more: &str) -> Arc<dyn KmsClient> {
    direct::open(azure::open, &(known(mock) + more))
}

#[test]
fn a_certificate_shows_who_asks() {
    let certificate = format!("client_certificate = {:?}\n", SHARED.path("client.pem"));
    assert!(!with(&SHARED, &certificate).list(soon()).unwrap().is_empty());
    // The certificate is named, and a secret is there as well.
    let secret = format!("client_secret_file = {:?}\nauth = \"certificate\"\n", SHARED.path("missing"));
    assert!(with(&SHARED, &(certificate + &secret)).list(soon()).is_ok());
}

#[test]
fn what_is_missing_or_wrong_is_said_without_secrets() {
    let mock = start();
    std::fs::write(mock.path("wrong-secret"), "planted-secret-1").unwrap();
    std::fs::write(mock.path("no-key.pem"), std::fs::read(mock.path("ca.pem")).unwrap()).unwrap();
    let file = |name: &str, key: &str| format!("{key} = {:?}\n", mock.path(name));
    for (keys, kind, words) in [
        (known(&mock) + &file("wrong-secret", "client_secret_file"), Kind::Unauthenticated, "AADSTS7000215"),
        (known(&mock) + &file("missing", "client_secret_file"), Kind::Configuration, "missing"),
        (
            known(&mock) + "client_secret_env = \"NOT_SET_ANYWHERE\"\n",
            Kind::Configuration,
            "NOT_SET_ANYWHERE",
        ),
        (known(&mock) + &file("no-key.pem", "client_certificate"), Kind::Configuration, "no private key"),
        (place(&mock) + &file("client-secret", "client_secret_file"), Kind::Configuration, "client_id"),
        (known(&mock) + "auth = \"secret\"\n", Kind::Configuration, "client_secret_file"),
        (known(&mock) + "auth = \"workload\"\n", Kind::Configuration, "AZURE_FEDERATED_TOKEN_FILE"),
    ] {
        let failed = direct::open(azure::open, &keys).list(soon()).unwrap_err();
        let text = failed.to_string();
        assert_eq!(failed.kind(), kind, "{text}");
        assert!(text.contains(words) && !text.contains("planted-secret-1"), "{text}");
        assert!(!text.contains("Trace ID"), "the first line only: {text}");
    }
    let other = entry(&mock).replace(TENANT, "00000000-0000-0000-0000-000000000000");
    let failed = direct::open(azure::open, &other).list(soon()).unwrap_err();
    assert!(failed.to_string().contains("AADSTS90002"), "{failed}");
}

#[test]
fn a_token_that_expires_in_the_middle_is_replaced_once() {
    let mock = start();
    let client = client(&mock);
    let key = only(&*client, "ec-p-256");
    assert_eq!(mock.count("oauth2"), 1);
    mock.expire_tokens();
    client.sign(&key, ECDSA, soon()).unwrap();
    let log = mock.log();
    let count = |part: &str| log.iter().filter(|line| line.contains(part)).count();
    assert_eq!((count("oauth2"), count("/sign")), (1, 2));
    mock.fault("/sign", 9, 401, &json!({}), &json!({}));
    assert_eq!(client.sign(&key, ECDSA, soon()).unwrap_err().kind(), Kind::Unauthenticated);
    assert_eq!(mock.count("/sign"), 2);
}

#[test]
fn the_pin_can_be_the_clients_secret() {
    let mock = start();
    let secret = std::fs::read_to_string(mock.path("client-secret")).unwrap();
    let client = direct::try_open(azure::open, &known(&mock), true).unwrap();
    assert!(client.traits().secret_pin);
    assert_eq!(client.list(soon()).unwrap_err().kind(), Kind::Unauthenticated);
    assert_eq!(client.authenticate(b"wrong", soon()).unwrap_err().kind(), Kind::Unauthenticated);
    assert_eq!(client.list(soon()).unwrap_err().kind(), Kind::Unauthenticated);
    client.authenticate(secret.trim().as_bytes(), soon()).unwrap();
    mock.log();
    assert!(client.list(soon()).is_ok());
    assert_eq!(mock.count("oauth2"), 0, "the token of the login is used");
    mock.expire_tokens();
    assert!(client.list(soon()).is_ok(), "the secret is kept for the next token");
    client.forget();
    assert_eq!(client.list(soon()).unwrap_err().kind(), Kind::Unauthenticated);
}

#[test]
fn entra_that_is_busy_is_asked_again() {
    let mock = start();
    mock.fault("oauth2", 1, 429, &json!({"retry-after": "0"}), &json!({}));
    mock.fault("oauth2", 1, 503, &json!({}), &json!({}));
    assert!(client(&mock).list(soon()).is_ok());
}

/// What the test's parent knows of the mock: the entry's keys without any of credentials.
fn handed_over() -> String {
    std::env::var("ENTRY").unwrap()
}

/// Runs a test in a process with these variables, and the entry of a place without credentials.
fn child(test: &str, variables: &[(&str, &str)]) -> bool {
    let entry = place(&SHARED);
    let more = [("ENTRY", entry.as_str())];
    in_child(&format!("azure::credentials::{test}"), &[variables, &more].concat())
}

fn lists() -> keyward::cloud::Result<()> {
    direct::open(azure::open, &handed_over()).list(soon()).map(drop)
}

#[test]
fn a_workload_identity_is_in_the_environment() {
    let token = SHARED.path("federated-token");
    let variables = [
        ("AZURE_TENANT_ID", TENANT),
        ("AZURE_CLIENT_ID", CLIENT),
        ("AZURE_FEDERATED_TOKEN_FILE", token.to_str().unwrap()),
    ];
    if child("a_workload_identity_is_in_the_environment", &variables) {
        lists().unwrap();
    }
}

#[test]
fn a_secret_is_in_the_environment() {
    let secret = std::fs::read_to_string(SHARED.path("client-secret")).unwrap();
    let variables =
        [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", secret.trim())];
    if child("a_secret_is_in_the_environment", &variables) {
        lists().unwrap();
    }
}

#[test]
fn a_certificate_and_an_authority_are_in_the_environment() {
    let (pem, url) = (SHARED.path("client.pem"), SHARED.url());
    let variables = [
        ("AZURE_TENANT_ID", TENANT),
        ("AZURE_CLIENT_ID", CLIENT),
        ("AZURE_CLIENT_CERTIFICATE_PATH", pem.to_str().unwrap()),
        ("AZURE_AUTHORITY_HOST", url.trim_start_matches("https://")),
    ];
    if child("a_certificate_and_an_authority_are_in_the_environment", &variables) {
        let without: Vec<_> = handed_over().lines().map(str::to_owned).collect();
        let without = without.into_iter().filter(|line| !line.starts_with("authority"));
        let keys = without.collect::<Vec<_>>().join("\n");
        direct::open(azure::open, &keys).list(soon()).unwrap();
    }
}

#[test]
fn a_virtual_machine_has_an_identity() {
    // A proxy from the environment is not for the machine's own service.
    let variables = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", &*SHARED.url())];
    if child("a_virtual_machine_has_an_identity", &variables) {
        lists().unwrap();
        let named = format!("{}client_id = {CLIENT:?}\n", handed_over());
        direct::open(azure::open, &named).list(soon()).unwrap();
        let other = format!("{}client_id = \"other\"\n", handed_over());
        let failed = direct::open(azure::open, &other).list(soon()).unwrap_err();
        assert_eq!(failed.kind(), Kind::Unauthenticated);
        assert!(failed.to_string().contains("Identity not found"), "{failed}");
    }
}

#[test]
fn a_metadata_service_that_starts_is_asked_again() {
    let mock = start();
    mock.fault("/metadata/", 1, 410, &json!({}), &json!({}));
    mock.fault("/metadata/", 1, 404, &json!({}), &json!({}));
    let (url, entry) = (mock.url(), place(&mock));
    let variables = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", &*url), ("ENTRY", &*entry)];
    if in_child("azure::credentials::a_metadata_service_that_starts_is_asked_again", &variables) {
        lists().unwrap();
    }
}

#[test]
fn app_service_has_an_endpoint_of_its_own() {
    let endpoint = format!("{}/msi", SHARED.url());
    let header = std::fs::read_to_string(SHARED.path("identity-header")).unwrap();
    let variables = [("IDENTITY_ENDPOINT", &*endpoint), ("IDENTITY_HEADER", &*header)];
    if child("app_service_has_an_endpoint_of_its_own", &variables) {
        lists().unwrap();
    }
}

#[test]
fn no_credentials_at_all_are_said_so() {
    let nobody = format!("http://127.0.0.1:{}", crate::support::python_server::free_port());
    if child("no_credentials_at_all_are_said_so", &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &nobody)]) {
        let failed = lists().unwrap_err();
        assert_eq!(failed.kind(), Kind::Unauthenticated);
        assert!(failed.to_string().contains("no Azure credentials"), "{failed}");
    }
    let arc = [("IDENTITY_ENDPOINT", "http://127.0.0.1:1"), ("IMDS_ENDPOINT", "http://127.0.0.1:1")];
    if std::env::var("ENTRY").is_err() {
        child("arc_is_refused", &arc);
    }
}

#[test]
fn arc_is_refused() {
    if std::env::var("ENTRY").is_ok() {
        let failed = lists().unwrap_err();
        assert_eq!(failed.kind(), Kind::Configuration);
        assert!(failed.to_string().contains("Arc"), "{failed}");
    }
}
