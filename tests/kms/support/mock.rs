//! A mock under `tests/support/kms/`, and how it is steered (`mock.py`).

use std::path::PathBuf;
use std::time::Duration;

use keyward::cloud::{Http, HttpSettings, Request};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::python_server::PythonServer;

pub struct Mock {
    pub server: PythonServer,
    pub dir: TempDir,
    http: Http,
    scheme: &'static str,
}

impl Mock {
    /// `SCRIPT PORT DIRECTORY` over HTTP.
    pub fn start(script: &str) -> Mock {
        let dir = tempfile::tempdir().unwrap();
        let server = PythonServer::start(script, &[dir.path().to_str().unwrap()]);
        Mock { server, dir, http: Http::new(HttpSettings::default()), scheme: "http" }
    }

    /// The same over HTTPS, with the certificate that it writes to `ca.pem` in its directory.
    pub fn start_tls(script: &str) -> Mock {
        let mock = Mock::start(script);
        let ca_file = Some(mock.path("ca.pem"));
        Mock { http: Http::new(HttpSettings { ca_file, ..HttpSettings::default() }), scheme: "https", ..mock }
    }

    pub fn url(&self) -> String {
        self.server.url().replacen("http", self.scheme, 1)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn steer(&self, verb: &str, body: &Value) -> Value {
        let (url, body) = (format!("{}/_mock/{verb}", self.url()), body.to_string());
        let request = Request::new("POST", &url, body.as_bytes());
        let answer = self.http.send(&request, Duration::from_secs(60)).unwrap();
        assert_eq!(answer.status, 200);
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// The next requests that match get this answer.
    pub fn fault(&self, matching: &str, times: u32, status: u16, headers: &Value, body: &Value) {
        let fault =
            json!({"match": matching, "times": times, "status": status, "headers": headers, "body": body});
        self.steer("fault", &fault);
    }

    /// The next answers to requests that match have one bit of this field flipped.
    pub fn damage(&self, matching: &str, times: u32, field: &str) {
        self.steer("fault", &json!({"match": matching, "times": times, "damage": field}));
    }

    /// No access token is good any more.
    pub fn expire_tokens(&self) {
        self.steer("expire", &json!({}));
    }

    pub fn set(&self, settings: &Value) {
        self.steer("set", settings);
    }

    /// A secret key's value.
    pub fn secret(&self, name: &str) -> Vec<u8> {
        let text = self.steer("secret", &json!({"name": name}));
        keyward::cloud::text::from_base64("secret", text[0].as_str().unwrap()).unwrap().to_vec()
    }

    /// The requests since the last time, as "METHOD /path?query".
    pub fn log(&self) -> Vec<String> {
        serde_json::from_value(self.steer("log", &json!({}))).unwrap()
    }

    /// The values of a header so far.
    pub fn headers(&self, name: &str) -> Vec<String> {
        serde_json::from_value(self.steer("headers", &json!({"name": name}))).unwrap()
    }

    /// How many of them match a part.
    pub fn count(&self, part: &str) -> usize {
        self.log().iter().filter(|line| line.contains(part)).count()
    }
}
