//! Google Cloud KMS, against a mock that Google's own client takes for it.

mod credentials;
mod keys;
mod objects;
mod trouble;

use std::sync::{Arc, LazyLock};

use keyward::backend::kms::client::KmsClient;
use keyward::backend::kms::gcp;

use crate::support::direct;
use crate::support::mock::Mock;
use crate::support::python_server::python;

const RING: &str = "projects/p/locations/europe-west3/keyRings/r";

/// For tests that don't spoil it for others.
static SHARED: LazyLock<Mock> = LazyLock::new(|| Mock::start("gcp_mock.py"));

/// The keys of an entry for a mock and a credential file of its.
fn entry(mock: &Mock, credentials: &str) -> String {
    let file = mock.path(&format!("{credentials}.json"));
    format!("key_ring = {RING:?}\naddress = {:?}\ncredentials = {file:?}\n", mock.url())
}

fn client(mock: &Mock) -> Arc<dyn KmsClient> {
    direct::open(gcp::open, &entry(mock, "service_account"))
}

#[test]
fn googles_own_client_takes_the_mock_for_it() {
    let mock = Mock::start("gcp_mock.py");
    let said = python("gcp_official.py", &[&mock.server.port.to_string(), mock.dir.path().to_str().unwrap()]);
    assert_eq!(said.trim(), "every call was understood");
}

#[test]
fn an_entry_has_to_name_a_key_ring() {
    let refused = |keys: &str| direct::try_open(gcp::open, keys, false).err().unwrap();
    assert!(refused("").contains("lacks key_ring"));
    for wrong in ["r", "projects/p/locations/l/keyRings", "projects//locations/l/keyRings/r"] {
        assert!(refused(&format!("key_ring = {wrong:?}")).contains("key_ring"), "{wrong}");
    }
    let with = |more: &str| refused(&format!("key_ring = {RING:?}\n{more}"));
    assert!(with("protection_level = \"hsm\"").contains("protection_level"));
    assert!(with("address = \"http://kms.example\"").contains("this machine only"));
    assert!(with("rsa_padding = \"pss\"").contains("rsa_padding"));
    assert!(with("tenant_id = \"x\"").contains("unknown key tenant_id"));
}
