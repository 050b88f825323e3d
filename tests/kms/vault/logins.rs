//! How one gets in.

use std::process::Command;

use keyward::cloud::text::base64_url;
use keyward_conformance::ck::*;
use keyward_conformance::{Mech, Object, RW, Rv, Session};
use serde_json::{Value, json};

use super::{Transit, server};
use crate::support::desk::{Desk, private};
use crate::support::openbao::OpenBao;
use crate::support::proxy::Proxy;

/// What the policies of these tests allow: to read and to sign, on one mount, and nothing else.
fn policy(transit: &Transit) -> String {
    let rules = [("keys/*", "read"), ("keys", "list"), ("sign/*", "update")];
    let rules = rules.map(|(path, capabilities)| (transit.path(path), capabilities));
    let rules = rules.each_ref().map(|(path, capabilities)| (&**path, *capabilities));
    transit.bao.policy(&transit.mount, &rules);
    transit.mount.clone()
}

#[track_caller]
fn signs(session: &Session) {
    sign(session).unwrap();
}

fn sign(session: &Session) -> Result<Vec<u8>, Rv> {
    session.sign(&Mech::new(CKM_EDDSA), private(session, "key"), b"message")
}

/// An AppRole for a transit mount: its path in `auth/`, the role ID and a secret ID.
struct AppRole {
    mount: String,
    role_id: String,
    secret_id: String,
}

impl AppRole {
    fn new(transit: &Transit, role: Value) -> AppRole {
        let bao = transit.bao;
        let mount = format!("approle-{}", transit.mount);
        bao.write(&format!("sys/auth/{mount}"), json!({ "type": "approle" }));
        let mut role = role;
        role["token_policies"] = json!([policy(transit)]);
        role["token_no_default_policy"] = json!(true);
        bao.write(&format!("auth/{mount}/role/role"), role);
        let text = |answer: Value, key: &str| answer["data"][key].as_str().unwrap().to_owned();
        AppRole {
            role_id: text(bao.read(&format!("auth/{mount}/role/role/role-id")), "role_id"),
            secret_id: text(bao.write(&format!("auth/{mount}/role/role/secret-id"), json!({})), "secret_id"),
            mount,
        }
    }

    fn lines(&self, rest: &str) -> String {
        let (mount, role_id) = (&self.mount, &self.role_id);
        format!("auth = \"approle\"\nauth_mount = \"{mount}\"\nrole_id = \"{role_id}\"\n{rest}")
    }

    fn with_file(&self, bao: &OpenBao) -> String {
        let file = bao.write_file(&self.mount, &format!("{}\n", self.secret_id));
        self.lines(&format!("secret_id_file = {file:?}\n"))
    }
}

#[test]
fn a_token_file_and_a_certificate_authority_are_enough() {
    let transit = Transit::new(server());
    transit.key("key", "ed25519");
    let token = transit.bao.token(&[&policy(&transit)], "1h");
    let file = transit.bao.write_file(&transit.mount, &token);
    let desk = Desk::start(&transit.slot(&format!("token_file = {file:?}\n")));
    signs(&desk.session("vault"));
    assert!(!desk.log().contains(&token));

    // Another CA than the server's is another server.
    let other = OpenBao::start_tls();
    let lines = format!("ca_file = {:?}\ntoken_file = {file:?}\n", other.ca_file());
    let desk = Desk::start(&transit.slot_at(&transit.bao.address(), &lines));
    assert_eq!(desk.session("vault").find(&[]), Err(Rv(CKR_TOKEN_NOT_PRESENT)));
    assert!(desk.log().contains("invalid peer certificate"));
}

#[test]
fn the_environment_says_where_and_who() {
    let transit = Transit::new(server());
    transit.key("key", "ed25519");
    let bao = transit.bao;
    let conf = bao.write_file(
        &format!("{}.toml", transit.mount),
        &format!(
            "[[slot]]\nbackend = \"kms\"\nprovider = \"vault\"\nlabel = \"vault\"\nmount = \"{}\"\n",
            transit.mount
        ),
    );
    let home = tempfile::TempDir::new().unwrap();
    let list = |variables: &[(&str, &str)]| {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_keyward"));
        tool.args(["object", "list", "--token", "vault"]).env_clear();
        tool.env("HOME", home.path()).env("KEYWARD_CONF", &conf).envs(variables.iter().copied());
        let output = tool.output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let (address, ca_file) = (bao.address(), bao.ca_file());
    let ca_file = ca_file.to_str().unwrap();
    let there = [("VAULT_ADDR", &*address), ("VAULT_CACERT", ca_file)];
    let with = |more: &[(&str, &str)]| list(&[&there[..], more].concat());
    assert!(!list(&[("VAULT_TOKEN", bao.root_token())]).0);
    assert!(!with(&[]).0);
    assert!(!with(&[("VAULT_TOKEN", "s.wrong")]).0);
    let (done, shown) = with(&[("VAULT_TOKEN", bao.root_token())]);
    assert!(done && shown.contains("key"), "{shown}");
    // OpenBao's own variables come first, and the file of `vault login` last.
    assert!(with(&[("BAO_TOKEN", bao.root_token()), ("VAULT_TOKEN", "s.wrong")]).0);
    std::fs::write(home.path().join(".vault-token"), bao.root_token()).unwrap();
    assert!(with(&[]).0);
    assert!(list(&[("BAO_ADDR", &address), ("BAO_CACERT", ca_file), ("VAULT_ADDR", "http://127.0.0.1:1")]).0);
    assert!(!with(&[("VAULT_TOKEN", "s.wrong")]).0);
    // A namespace that is not there.
    assert!(!with(&[("VAULT_NAMESPACE", "nowhere")]).0);
}

#[test]
fn an_approle_logs_in_once_for_all_threads() {
    let bao = OpenBao::start();
    let transit = Transit::new(&bao);
    transit.key("key", "ed25519");
    let role = AppRole::new(&transit, json!({ "token_ttl": "1h" }));
    let proxy = Proxy::start(bao.port());
    let desk = Desk::start(&transit.slot_at(&proxy.address(), &role.with_file(&bao)));
    let slot = desk.slot("vault");
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| signs(&desk.module.open_session(slot, RW).unwrap()));
        }
    });
    let login = format!("POST /v1/auth/{}/login", role.mount);
    let logins = |asked: Vec<String>| asked.iter().filter(|asked| **asked == login).count();
    assert_eq!(logins(proxy.asked()), 1);

    // Its tokens are revoked in the middle: one more login, and nobody notices.
    let session = desk.session("vault");
    bao.write(&format!("sys/leases/revoke-prefix/auth/{}/login", role.mount), json!({}));
    signs(&session);
    signs(&session);
    assert_eq!(logins(proxy.asked()), 1);

    // The secret ID is withdrawn as well.
    let body = json!({ "secret_id": role.secret_id });
    bao.write(&format!("auth/{}/role/role/secret-id/destroy", role.mount), body);
    signs(&session);
    bao.write(&format!("sys/leases/revoke-prefix/auth/{}/login", role.mount), json!({}));
    assert_eq!(sign(&session), Err(Rv(CKR_DEVICE_ERROR)));
    let log = desk.log();
    assert!(log.contains("invalid role or secret ID"));
    assert!(!log.contains(&role.secret_id) && !shows_token(&log));
}

/// Whether there is something like one of the server's tokens.
fn shows_token(log: &str) -> bool {
    log.split("s.").skip(1).any(|rest| rest.bytes().take_while(u8::is_ascii_alphanumeric).count() >= 20)
}

#[test]
fn a_token_that_ends_is_replaced() {
    let bao = OpenBao::start();
    let transit = Transit::new(&bao);
    transit.key("key", "ed25519");
    // Not longer than this, whoever renews it.
    let role = AppRole::new(&transit, json!({ "token_ttl": "3s", "token_max_ttl": "3s" }));
    let proxy = Proxy::start(bao.port());
    let desk = Desk::start(&transit.slot_at(&proxy.address(), &role.with_file(&bao)));
    let session = desk.session("vault");
    for _ in 0..8 {
        signs(&session);
        std::thread::sleep(std::time::Duration::from_millis(700));
    }
    assert!(proxy.asked().iter().filter(|asked| asked.contains("/login")).count() > 1);
    assert!(!shows_token(&desk.log()));
    assert!(shows_token("token s.7UUaP7qDnonZajZpXamjNsHa"));
}

#[test]
fn a_revoked_static_token_is_read_anew() {
    let transit = Transit::new(server());
    transit.key("key", "ed25519");
    let bao = transit.bao;
    let token = || bao.token(&[&policy(&transit)], "1h");
    let first = token();
    let file = bao.write_file(&transit.mount, &first);
    let desk = Desk::start(&transit.slot(&format!("token_file = {file:?}\n")));
    let session = desk.session("vault");
    signs(&session);
    bao.write("auth/token/revoke", json!({ "token": first }));
    assert_eq!(sign(&session), Err(Rv(CKR_DEVICE_ERROR)));
    // An agent puts another there.
    bao.write_file(&transit.mount, &token());
    signs(&session);
}

#[test]
fn the_pin_can_be_a_token() {
    let transit = Transit::new(server());
    transit.key("key", "ed25519");
    let policy = policy(&transit);
    let desk = Desk::start(&transit.slot("pin = \"secret\"\n"));
    pin_is(&desk, &transit.bao.token(&[&policy, "default"], "1h"));
    // One that may not look at itself.
    pin_is(&desk, &transit.bao.token(&[&policy], "1h"));
}

#[test]
fn the_pin_can_be_a_secret_id() {
    let transit = Transit::new(server());
    transit.key("key", "ed25519");
    let role = AppRole::new(&transit, json!({ "token_ttl": "1h" }));
    let desk = Desk::start(&transit.slot(&role.lines("pin = \"secret\"\n")));
    pin_is(&desk, &role.secret_id);
    // A token that is revoked is got anew with the PIN.
    let session = desk.session("vault");
    session.login(CKU_USER, &role.secret_id).unwrap();
    signs(&session);
    transit.bao.write(&format!("sys/leases/revoke-prefix/auth/{}/login", role.mount), json!({}));
    signs(&session);
}

fn pin_is(desk: &Desk, pin: &str) {
    let session = desk.session("vault");
    assert_eq!(session.find(&[]).unwrap(), [] as [Object; 0]);
    for wrong in ["s.wrong", "wrong\n", "schlüssel"] {
        assert_eq!(session.login(CKU_USER, wrong), Err(Rv(CKR_PIN_INCORRECT)));
    }
    session.login(CKU_USER, pin).unwrap();
    signs(&session);
    let key = private(&session, "key");
    session.logout().unwrap();
    session.sign(&Mech::new(CKM_EDDSA), key, b"message").unwrap_err();
    assert_eq!(session.find(&[]).unwrap(), [] as [Object; 0]);
    session.login(CKU_USER, pin).unwrap();
    signs(&session);
    session.logout().unwrap();
    assert!(!desk.log().contains(pin));
}

#[test]
fn a_tls_certificate_logs_in() {
    let transit = Transit::new(server());
    transit.key("key", "ed25519");
    let bao = transit.bao;
    let mount = format!("cert-{}", transit.mount);
    bao.write(&format!("sys/auth/{mount}"), json!({ "type": "cert" }));
    let certificate = std::fs::read_to_string(bao.file("client.pem")).unwrap();
    let body = json!({ "certificate": certificate, "token_policies": [policy(&transit)] });
    bao.write(&format!("auth/{mount}/certs/web"), body);
    let lines = |name: &str| {
        let (chain, key) = (bao.file(&format!("{name}.pem")), bao.file(&format!("{name}.key")));
        format!(
            "auth = \"cert\"\nauth_mount = \"{mount}\"\nrole = \"web\"\nclient_cert = {chain:?}\nclient_key = {key:?}\n"
        )
    };
    signs(&Desk::start(&transit.slot(&lines("client"))).session("vault"));
    let desk = Desk::start(&transit.slot(&lines("server")));
    desk.session("vault").find(&[]).unwrap_err();
}

/// Kubernetes' login and the one of JWTs are the same to us: a role and a token in a file. Here the server checks the
/// token's signature itself; with Kubernetes it asks the cluster.
#[test]
fn a_service_accounts_token_logs_in() {
    let transit = Transit::new(server());
    transit.key("key", "ed25519");
    transit.key("cluster", "ecdsa-p256");
    let bao = transit.bao;
    let mount = format!("jwt-{}", transit.mount);
    bao.write(&format!("sys/auth/{mount}"), json!({ "type": "jwt" }));
    let public = transit.read("cluster")["keys"]["1"]["public_key"].clone();
    bao.write(&format!("auth/{mount}/config"), json!({ "jwt_validation_pubkeys": [public] }));
    let role = json!({
        "role_type": "jwt",
        "user_claim": "sub",
        "bound_audiences": ["vault"],
        "token_policies": [policy(&transit)],
    });
    bao.write(&format!("auth/{mount}/role/pod"), role);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({ "sub": "system:serviceaccount:web", "aud": "vault", "iat": now, "exp": now + 600 });
    let part = |value: Value| base64_url(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(json!({ "alg": "ES256", "typ": "JWT" })), part(claims));
    let body = json!({ "input": super::base64(signed.as_bytes()), "marshaling_algorithm": "jws" });
    let answer = transit.write("sign/cluster", body);
    let signature = answer["data"]["signature"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();

    let jwt = bao.write_file(&mount, &format!("{signed}.{signature}"));
    let lines = |role: &str| {
        format!("auth = \"kubernetes\"\nauth_mount = \"{mount}\"\nrole = \"{role}\"\njwt_file = {jwt:?}\n")
    };
    let desk = Desk::start(&transit.slot(&lines("pod")));
    signs(&desk.session("vault"));
    assert!(!desk.log().contains(&signature));
    let desk = Desk::start(&transit.slot(&lines("nobody")));
    desk.session("vault").find(&[]).unwrap_err();
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let transit = Transit::new(server());
    for (lines, reason) in [
        ("token = \"s.secret\"", "unknown key token"),
        ("auth = \"password\"", "is none of token"),
        ("auth = \"token\"\nrole_id = \"x\"", "unknown key role_id"),
        ("token_file = \"a\"\ntoken_env = \"A\"", "exclude each other"),
        ("auth = \"approle\"", "role_id"),
        ("auth = \"kubernetes\"", "role"),
        ("auth = \"kubernetes\"\nrole = \"x\"\npin = \"secret\"", "pin"),
        ("client_cert = \"a\"", "go together"),
    ] {
        let desk = Desk::idle(&transit.slot(lines));
        desk.initialize().unwrap_err();
        assert!(desk.log().contains(reason), "{lines}: {}", desk.log());
    }
}
