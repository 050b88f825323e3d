//! Vault: a real OpenBao server.

use crate::support::openbao::OpenBao;
use serde_json::json;

#[test]
fn harness() {
    for mut bao in [OpenBao::start(), OpenBao::start_tls()] {
        bao.write("sys/mounts/transit", json!({ "type": "transit" }));
        bao.policy("p", &[("transit/*", "read,list")]);
        bao.token(&["p"], "1h");
        bao.write("transit/keys/k", json!({ "type": "ed25519" }));
        bao.restart();
        bao.seal();
        assert_eq!(bao.request("GET", "transit/keys/k", json!(null)).unwrap().0, 503);
        bao.unseal();
        bao.read("transit/keys/k");
    }
}
