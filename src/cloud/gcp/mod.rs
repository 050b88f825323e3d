//! Google Cloud: requests with an access token, and what its errors mean.

pub mod checksum;
mod credentials;
mod error;
mod file;

use serde::de::DeserializeOwned;

use self::credentials::{Credentials, Places};
use super::text::from_json;
use super::{Caller, Connection, Deadline, Environment, Http, Repeat, Request, Response, Result, bearer};
use crate::config::{self, SlotReader};

/// One of Google's services at one endpoint.
pub struct Google {
    /// Scheme and host.
    base: String,
    http: Http,
    caller: Caller,
    credentials: Credentials,
    /// The project that the quota is counted for, where it is not the keys' own.
    quota_project: Option<String>,
}

impl Google {
    /// Reads `credentials` and `quota_project`. `host` is the service's own, for slots without an `address`.
    pub fn read(reader: &mut SlotReader<'_>, connection: Connection, host: &str) -> config::Result<Google> {
        let places = Places::new(reader.path("credentials")?, &Environment::Process);
        let quota_project = reader.text("quota_project")?.map(str::to_owned);
        if connection.address.as_deref().is_some_and(|address| !is_private(address)) {
            return Err(reader.refuse("address: http:// is for this machine only, tokens would be anybody's"));
        }
        let quota_project = quota_project.or_else(|| places.quota_project.clone());
        Ok(Google {
            base: connection.address.unwrap_or_else(|| format!("https://{host}")),
            caller: Caller::new(connection.limits),
            credentials: Credentials::new(places, &connection.http),
            http: Http::new(connection.http),
            quota_project,
        })
    }

    /// GET of a path behind the host, with its query.
    pub fn get<T: DeserializeOwned>(&self, path: &str, deadline: Deadline) -> Result<T> {
        from_json("Google", &self.send("GET", path, &[], Repeat::Always, deadline)?.body)
    }

    /// POST of a JSON body.
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &[u8],
        repeat: Repeat,
        deadline: Deadline,
    ) -> Result<T> {
        from_json("Google", &self.send("POST", path, body, repeat, deadline)?.body)
    }

    fn send(
        &self,
        method: &'static str,
        path: &str,
        body: &[u8],
        repeat: Repeat,
        deadline: Deadline,
    ) -> Result<Response> {
        let url = format!("{}{path}", self.base);
        let request = || {
            let request = Request::new(method, &url, body);
            match &self.quota_project {
                Some(project) => request.header("x-goog-user-project", project.as_str()),
                None => request,
            }
        };
        let token = |attempt| self.credentials.token(attempt);
        self.caller.call(repeat, deadline, |limit| {
            let answer = bearer::send(&self.http, Deadline::after(limit), request, token, |token, _| {
                // Revoked, or the clocks differ: one new token, then the answer stands.
                self.credentials.refused(token);
                Ok(())
            })?;
            if answer.is_success() { Ok(answer) } else { Err(error::of(&answer)) }
        })
    }
}

/// Whether a token that is sent there is seen by nobody else.
fn is_private(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("http://") else { return true };
    let host = rest.split('/').next().unwrap_or(rest);
    !host.contains('@')
        && ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .any(|own| host.strip_prefix(own).is_some_and(|port| port.is_empty() || port.starts_with(':')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_over_tls_or_stay_here() {
        for good in ["https://x", "http://127.0.0.1:80", "http://localhost", "http://[::1]:1/v1"] {
            assert!(is_private(good), "{good}");
        }
        for bad in
            ["http://x", "http://127.0.0.1.example", "http://localhost.example:80", "http://127.0.0.1:1@x"]
        {
            assert!(!is_private(bad), "{bad}");
        }
    }
}
