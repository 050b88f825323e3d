//! Azure Key Vault and Managed HSM, against a mock that Microsoft's own clients take for them.

mod credentials;
mod keys;
mod objects;
mod trouble;

use std::sync::{Arc, LazyLock};

use keyward::backend::kms::azure;
use keyward::backend::kms::client::KmsClient;

use crate::support::direct;
use crate::support::mock::Mock;
use crate::support::python_server::python;

const TENANT: &str = "11111111-2222-3333-4444-555555555555";
const CLIENT: &str = "66666666-7777-8888-9999-000000000000";

/// For tests that don't spoil it for others.
static SHARED: LazyLock<Mock> = LazyLock::new(start);

fn start() -> Mock {
    Mock::start_tls("azure_mock.py")
}

/// The keys of an entry for a mock, without credentials.
fn place(mock: &Mock) -> String {
    let (url, ca) = (mock.url(), mock.path("ca.pem"));
    format!(
        "address = {url:?}\nauthority = {url:?}\nca_file = {ca:?}\nresource = \"https://managedhsm.azure.net\"\n"
    )
}

/// The same with the client that the mock knows.
fn known(mock: &Mock) -> String {
    format!("{}tenant_id = {TENANT:?}\nclient_id = {CLIENT:?}\n", place(mock))
}

/// And with its secret.
fn entry(mock: &Mock) -> String {
    format!("{}client_secret_file = {:?}\n", known(mock), mock.path("client-secret"))
}

fn client(mock: &Mock) -> Arc<dyn KmsClient> {
    direct::open(azure::open, &entry(mock))
}

#[test]
fn microsofts_own_clients_take_the_mock_for_azure() {
    let mock = start();
    let said =
        python("azure_official.py", &[&mock.server.port.to_string(), mock.dir.path().to_str().unwrap()]);
    assert_eq!(said.trim(), "every call was understood");
}

#[test]
fn an_entry_has_to_name_a_vault() {
    let refused = |keys: &str| direct::try_open(azure::open, keys, false).err().unwrap();
    assert!(refused("").contains("lacks vault"));
    assert!(refused("vault = \"v\"\naddress = \"https://v.vault.azure.net\"").contains("one of"));
    assert!(refused("vault = \"v.example\"").contains("without dots"));
    assert!(refused("address = \"http://v.vault.azure.net\"").contains("https://HOST"));
    assert!(refused("address = \"https://v.vault.azure.net/keys\"").contains("https://HOST"));
    assert!(refused("address = \"https://user@v.vault.azure.net\"").contains("https://HOST"));
    assert!(refused("address = \"https://vault.example\"").contains("resource"));
    assert!(refused("vault = \"v\"\nresource = \"vault.azure.net\"").contains("resource"));
    assert!(refused("vault = \"v\"\nauth = \"cli\"").contains("does not run az"));
    assert!(refused("vault = \"v\"\nauthority = \"http://login\"").contains("authority"));
    assert!(refused("vault = \"v\"\nkey_ring = \"r\"").contains("unknown key key_ring"));
    assert!(refused("address = \"https://h.managedhsm.azure.net\"\nhsm = false").contains("hsm"));
    let both = "vault = \"v\"\nclient_secret_file = \"/x\"\nclient_secret_env = \"X\"";
    assert!(refused(both).contains("one of client_secret"));
    let pin = |keys: &str| direct::try_open(azure::open, keys, true).err().unwrap();
    assert!(pin("vault = \"v\"\nclient_secret_file = \"/x\"").contains("no use"));
    assert!(pin("vault = \"v\"\nauth = \"managed\"").contains("goes with no other auth"));
}

#[test]
fn a_place_is_known_without_a_request() {
    let vault = direct::open(azure::open, "vault = \"Web-Keys\"");
    assert_eq!(vault.identity(), "azure:https://web-keys.vault.azure.net");
    assert_eq!(vault.traits().max_random, 0);
    let hsm = direct::open(azure::open, "address = \"https://H.managedhsm.azure.net:443/\"");
    assert_eq!(hsm.identity(), "azure:https://h.managedhsm.azure.net");
    assert_eq!(hsm.traits().max_random, 128);
    assert_eq!((hsm.service().provider, hsm.service().model), ("azure", "Managed HSM"));
    assert_eq!((vault.service().provider, vault.service().model), ("azure", "Azure Key Vault"));
}
