//! Where access tokens come from.

use std::sync::Arc;

use keyward::backend::kms::client::{KmsClient, Signing};
use keyward::backend::kms::gcp;
use keyward::cloud::Kind;
use serde_json::{Value, json};

use super::{RING, SHARED, client, entry};
use crate::support::child::in_child;
use crate::support::direct::{self, only, soon};
use crate::support::mock::Mock;

const ECDSA: Signing<'static> = Signing::Ecdsa { digest: &[1; 32] };

#[test]
fn every_type_of_file_is_good() {
    let types = ["service_account", "authorized_user", "external_file", "external_url", "impersonated"];
    for name in types {
        let client = direct::open(gcp::open, &entry(&SHARED, name));
        assert!(!client.list(soon()).unwrap_or_else(|error| panic!("{name}: {error}")).is_empty());
    }
}

#[test]
fn files_that_are_of_no_use_are_refused_without_their_secrets() {
    let mock = Mock::start("gcp_mock.py");
    let account: Value =
        serde_json::from_slice(&std::fs::read(mock.path("service_account.json")).unwrap()).unwrap();
    let write = |name: &str, content: &str| std::fs::write(mock.path(name), content).unwrap();
    write("broken.json", &account.to_string().replace("\"type\"", "\"tape\""));
    write("unknown.json", &account.to_string().replace("service_account", "gdch_service_account"));
    write("no_key.json", &account.to_string().replace("private_key\"", "other\""));
    let key = account["private_key"].as_str().unwrap();
    for (name, kind, words) in [
        ("missing", Kind::Configuration, "missing.json"),
        ("broken", Kind::Configuration, "no Google credentials"),
        ("unknown", Kind::Configuration, "no type that is known"),
        ("no_key", Kind::Configuration, "lack private_key"),
        ("external_aws", Kind::Configuration, "AWS"),
        ("wrong_account", Kind::Unauthenticated, "invalid_grant"),
    ] {
        let failed = direct::open(gcp::open, &entry(&mock, name)).list(soon()).unwrap_err();
        assert_eq!(failed.kind(), kind, "{name}: {failed}");
        assert!(failed.to_string().contains(words), "{name}: {failed}");
        assert!(!failed.to_string().contains(&key[40..60]), "{name}");
    }
}

#[test]
fn a_rotated_subject_token_is_read_anew() {
    let mock = Mock::start("gcp_mock.py");
    let right = std::fs::read(mock.path("subject-token")).unwrap();
    std::fs::write(mock.path("subject-token"), "stale").unwrap();
    let client = direct::open(gcp::open, &entry(&mock, "external_file"));
    assert_eq!(client.list(soon()).unwrap_err().kind(), Kind::Unauthenticated);
    std::fs::write(mock.path("subject-token"), right).unwrap();
    assert!(client.list(soon()).is_ok());
}

#[test]
fn a_token_that_expires_in_the_middle_is_replaced_once() {
    let mock = Mock::start("gcp_mock.py");
    let client = client(&mock);
    let key = only(&*client, "rotated/3");
    assert_eq!(mock.count("POST /token"), 1);
    client.sign(&key, ECDSA, soon()).unwrap();
    assert_eq!(mock.count("POST /token"), 0);
    mock.expire_tokens();
    client.sign(&key, ECDSA, soon()).unwrap();
    assert_eq!(mock.count("POST /token"), 1);

    let refused = json!({"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "planted"}});
    mock.fault("asymmetricSign", 9, 401, &json!({}), &refused);
    assert_eq!(client.sign(&key, ECDSA, soon()).unwrap_err().kind(), Kind::Unauthenticated);
    assert_eq!(mock.count("asymmetricSign"), 2);
}

#[test]
fn a_token_is_renewed_before_it_ends() {
    let mock = Mock::start("gcp_mock.py");
    mock.set(&json!({"token_lasts": 4}));
    let client = client(&mock);
    let key = only(&*client, "rotated/3");
    std::thread::sleep(std::time::Duration::from_millis(3200));
    client.sign(&key, ECDSA, soon()).unwrap();
    assert_eq!(mock.count("POST /token"), 2);
}

#[test]
fn a_token_endpoint_that_is_busy_is_asked_again() {
    let mock = Mock::start("gcp_mock.py");
    mock.fault("POST /token", 2, 503, &json!({}), &json!({}));
    assert!(client(&mock).list(soon()).is_ok());
}

#[test]
fn threads_share_one_token() {
    let mock = Mock::start("gcp_mock.py");
    let client = client(&mock);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| client.list(soon()).unwrap());
        }
    });
    assert_eq!(mock.count("POST /token"), 1);
}

#[test]
fn quota_is_counted_for_the_project_that_is_named() {
    let mock = Mock::start("gcp_mock.py");
    let keys = entry(&mock, "service_account") + "quota_project = \"billed\"\n";
    direct::open(gcp::open, &keys).list(soon()).unwrap();
    let named = mock.headers("x-goog-user-project");
    assert!(!named.is_empty() && named.iter().all(|project| project == "billed"), "{named:?}");
}

/// Without `credentials`: what the environment says.
fn ambient(url: &str) -> Arc<dyn KmsClient> {
    direct::open(gcp::open, &format!("key_ring = {RING:?}\naddress = {url:?}\n"))
}

#[test]
fn the_metadata_server_is_asked_where_there_is_no_file() {
    let host = format!("127.0.0.1:{}", SHARED.server.port);
    // A proxy from the environment is not for the machine's own server.
    let variables = [
        ("GCE_METADATA_HOST", &*host),
        ("URL", &SHARED.url()),
        ("http_proxy", "http://127.0.0.1:9"),
        ("no_proxy", "none"),
    ];
    if !in_child("gcp::credentials::the_metadata_server_is_asked_where_there_is_no_file", &variables) {
        return;
    }
    let failed = ambient(&std::env::var("URL").unwrap()).list(soon()).unwrap_err();
    // The token came; the proxy that the service is reached by did not answer.
    assert_eq!(failed.kind(), Kind::Unreachable, "{failed}");
}

#[test]
fn the_metadata_servers_token_is_good() {
    let host = format!("127.0.0.1:{}", SHARED.server.port);
    let variables = [("GCE_METADATA_HOST", &*host), ("URL", &SHARED.url())];
    if in_child("gcp::credentials::the_metadata_servers_token_is_good", &variables) {
        assert!(ambient(&std::env::var("URL").unwrap()).list(soon()).is_ok());
    }
}

#[test]
fn the_usual_variable_names_the_file() {
    let file = SHARED.path("external_url.json");
    let variables = [("GOOGLE_APPLICATION_CREDENTIALS", file.to_str().unwrap()), ("URL", &SHARED.url())];
    if in_child("gcp::credentials::the_usual_variable_names_the_file", &variables) {
        assert!(ambient(&std::env::var("URL").unwrap()).list(soon()).is_ok());
    }
}

#[test]
fn gclouds_own_file_is_found() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join(".config/gcloud");
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("application_default_credentials.json");
    std::fs::copy(SHARED.path("authorized_user.json"), file).unwrap();
    let variables = [("HOME", home.path().to_str().unwrap()), ("URL", &SHARED.url())];
    if in_child("gcp::credentials::gclouds_own_file_is_found", &variables) {
        assert!(ambient(&std::env::var("URL").unwrap()).list(soon()).is_ok());
    }
}

#[test]
fn no_credentials_at_all_are_said_so() {
    let port = crate::support::python_server::free_port();
    let nobody = format!("127.0.0.1:{port}");
    if in_child("gcp::credentials::no_credentials_at_all_are_said_so", &[("GCE_METADATA_HOST", &nobody)]) {
        let failed = ambient("http://127.0.0.1:1").list(soon()).unwrap_err();
        assert_eq!(failed.kind(), Kind::Unauthenticated);
        assert!(failed.to_string().contains("no Google credentials"), "{failed}");
    }
}
