//! A real OpenBao server with its own storage, which survives a restart.
//!
//! `OpenBao::start()` speaks HTTP, `OpenBao::start_tls()` HTTPS with a certificate of `ca_file()`. Both are initialised
//! and unsealed, with nothing mounted. Requests of the tests themselves carry the root token.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keyward::cloud::{Http, HttpSettings, Request};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::python_server::{free_port, python, script, venv};

/// How long the server may take until it answers, on a machine that is busy with other tests.
const START: Duration = Duration::from_secs(120);
const REQUEST: Duration = Duration::from_secs(60);

/// The server. It ends when this is dropped, and with this process: a static may hold one.
pub struct OpenBao {
    dir: TempDir,
    port: u16,
    tls: bool,
    child: Option<Child>,
    http: Http,
    root: String,
    unseal_key: String,
}

impl OpenBao {
    /// A server over HTTP.
    pub fn start() -> OpenBao {
        OpenBao::new(false)
    }

    /// A server over HTTPS.
    pub fn start_tls() -> OpenBao {
        OpenBao::new(true)
    }

    fn new(tls: bool) -> OpenBao {
        let dir = TempDir::new().unwrap();
        let port = free_port();
        let mut listener = json!({ "address": format!("127.0.0.1:{port}") });
        if tls {
            python("certificates.py", &[dir.path().to_str().unwrap()]);
            listener["tls_cert_file"] = json!(dir.path().join("server.pem"));
            listener["tls_key_file"] = json!(dir.path().join("server.key"));
        } else {
            listener["tls_disable"] = json!(true);
        }
        let storage = dir.path().join("storage");
        std::fs::create_dir(&storage).unwrap();
        let scheme = if tls { "https" } else { "http" };
        let configuration = json!({
            // Elections of the only one need no patience.
            "storage": { "raft": { "path": storage, "node_id": "only", "performance_multiplier": "1" } },
            "api_addr": format!("{scheme}://127.0.0.1:{port}"),
            "cluster_addr": format!("{scheme}://127.0.0.1:{}", free_port()),
            "listener": { "tcp": listener },
        });
        std::fs::write(dir.path().join("bao.json"), configuration.to_string()).unwrap();
        let ca_file = tls.then(|| dir.path().join("ca.pem"));
        let http = Http::new(HttpSettings { ca_file, proxy: false, ..HttpSettings::default() });
        let (root, unseal_key) = (String::new(), String::new());
        let mut server = OpenBao { dir, port, tls, child: None, http, root, unseal_key };
        server.launch();
        let made = server.ok("PUT", "sys/init", json!({ "secret_shares": 1, "secret_threshold": 1 }));
        server.root = made["root_token"].as_str().unwrap().to_owned();
        server.unseal_key = made["keys"][0].as_str().unwrap().to_owned();
        server.unseal();
        server
    }

    /// `http://127.0.0.1:PORT` or `https://...`
    pub fn address(&self) -> String {
        format!("{}://127.0.0.1:{}", if self.tls { "https" } else { "http" }, self.port)
    }

    /// For a proxy in front of it.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A file of its directory: with TLS `ca.pem`, `client.pem` and `client.key` (a client that the CA knows); a test
    /// may write others.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file there; other tests of this process, which may write the same, read it whole meanwhile.
    pub fn write_file(&self, name: &str, text: &str) -> PathBuf {
        let new = tempfile::NamedTempFile::new_in(self.dir.path()).unwrap();
        std::fs::write(new.path(), text).unwrap();
        new.persist(self.file(name)).unwrap();
        self.file(name)
    }

    /// What the server's own certificate is checked with; with TLS only.
    pub fn ca_file(&self) -> PathBuf {
        self.file("ca.pem")
    }

    /// The token that may do everything.
    pub fn root_token(&self) -> &str {
        &self.root
    }

    /// A token with these policies and no other, for so long ("1h").
    pub fn token(&self, policies: &[&str], ttl: &str) -> String {
        let body = json!({ "policies": policies, "ttl": ttl, "no_parent": true });
        self.write("auth/token/create", body)["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    /// A policy: pairs of a path and its capabilities, as `"create,update"`.
    pub fn policy(&self, name: &str, rules: &[(&str, &str)]) {
        let rules = rules.iter().map(|(path, capabilities)| {
            let capabilities: Vec<_> = capabilities.split(',').collect();
            ((*path).to_owned(), json!({ "capabilities": capabilities }))
        });
        let policy = json!({ "path": rules.collect::<serde_json::Map<_, _>>() });
        self.write(&format!("sys/policies/acl/{name}"), json!({ "policy": policy.to_string() }));
    }

    /// POST with a JSON body. Panics unless it succeeds; answers the JSON, or null.
    pub fn write(&self, path: &str, body: Value) -> Value {
        self.ok("POST", path, body)
    }

    /// GET. Panics unless it succeeds.
    pub fn read(&self, path: &str) -> Value {
        self.ok("GET", path, Value::Null)
    }

    /// DELETE. Panics unless it succeeds.
    pub fn delete(&self, path: &str) {
        self.ok("DELETE", path, Value::Null);
    }

    fn ok(&self, method: &'static str, path: &str, body: Value) -> Value {
        let (status, answer) = self.request(method, path, body).unwrap();
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Any request, and any answer to it.
    pub fn request(
        &self,
        method: &'static str,
        path: &str,
        body: Value,
    ) -> keyward::cloud::Result<(u16, Value)> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let url = format!("{}/v1/{path}", self.address());
        let request = Request::new(method, &url, body.as_bytes()).header("x-vault-token", &*self.root);
        let answer = self.http.send(&request, REQUEST)?;
        Ok((answer.status, serde_json::from_slice(&answer.body).unwrap_or_default()))
    }

    /// Seals it: every request answers 503.
    pub fn seal(&self) {
        self.ok("PUT", "sys/seal", json!({}));
    }

    /// Unseals it, and waits until it serves: until it elected itself.
    pub fn unseal(&self) {
        self.ok("PUT", "sys/unseal", json!({ "key": self.unseal_key }));
        let end = Instant::now() + START;
        while self.health() != Some(200) {
            assert!(Instant::now() < end, "OpenBao does not serve: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the process.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            child.wait().unwrap();
        }
    }

    /// Starts it again after [`OpenBao::stop`], at the same address; unsealed.
    pub fn resume(&mut self) {
        self.launch();
        self.unseal();
    }

    /// [`OpenBao::stop`] and [`OpenBao::resume`].
    pub fn restart(&mut self) {
        self.stop();
        self.resume();
    }

    /// What the server printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    fn launch(&mut self) {
        let output = || File::options().create(true).append(true).open(self.file("log")).unwrap();
        let child = Command::new(venv("python"))
            .args([script("serve.py"), venv("bao")])
            .arg("server")
            .arg(format!("-config={}", self.file("bao.json").display()))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(output())
            .stderr(output())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let end = Instant::now() + START;
        while self.health().is_none() {
            let ended = self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_some());
            assert!(!ended && Instant::now() < end, "OpenBao did not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The status of sys/health, which has no body that matters; none while nobody listens.
    fn health(&self) -> Option<u16> {
        self.request("GET", "sys/health", Value::Null).ok().map(|(status, _)| status)
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}
