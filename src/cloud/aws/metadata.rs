//! The services that a machine in AWS has beside it: instance metadata (version 2 only), and the credential endpoints of
//! ECS and of EKS Pod Identity.

use serde::Deserialize;
use zeroize::Zeroizing;

use super::Machine;
use super::credentials::{Answer, Credentials, unauthenticated};
use crate::cloud::{Deadline, Error, Kind, Repeat, Request, Response, Result, text};

const INSTANCE: &str = "http://169.254.169.254";
const INSTANCE_IPV6: &str = "http://[fd00:ec2::254]";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const TASK: &str = "http://169.254.170.2";
/// Where a plain HTTP endpoint may be: the machine itself, ECS, EKS.
const PLAIN_HOSTS: [&str; 7] = [
    "127.0.0.1",
    "localhost",
    "[::1]",
    "169.254.170.2",
    "169.254.170.23",
    "[fd00:ec2::23]",
    "[fd00:ec2::254]",
];

/// The region that the instance is in.
pub(super) fn region(machine: &Machine, deadline: Deadline) -> Result<String> {
    let instance = Instance::open(machine, deadline)?;
    let answer = instance.read("/latest/meta-data/placement/region")?;
    text_of(&answer).map(str::to_owned)
}

/// The credentials of the instance's role.
pub(super) fn instance_credentials(machine: &Machine, deadline: Deadline) -> Result<Credentials> {
    let instance = Instance::open(machine, deadline)?;
    let roles = match instance.read(ROLES) {
        Err(error) if error.kind() == Kind::NotFound => {
            return Err(unauthenticated("the instance has no role"));
        }
        other => other?,
    };
    let role = text_of(&roles)?.lines().next().unwrap_or_default();
    let answer = instance.read(&format!("{ROLES}{role}"))?;
    #[derive(Deserialize)]
    struct State<'a> {
        #[serde(rename = "Code", borrow)]
        code: Option<&'a str>,
    }
    // An instance whose role can't be taken on answers 200, and says so.
    let state: State<'_> = text::from_json("instance metadata", &answer.body)?;
    if state.code.is_some_and(|code| code != "Success") {
        return Err(unauthenticated("the instance's role can't be used"));
    }
    text::from_json::<Answer>("instance metadata", &answer.body)?.credentials()
}

/// The endpoint that a container was given, if it was.
pub(super) fn container_endpoint(machine: &Machine) -> Result<Option<String>> {
    let environment = &machine.environment;
    if let Some(path) = environment.var("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        let slash = if path.starts_with('/') { "" } else { "/" };
        return Ok(Some(format!("{TASK}{slash}{path}")));
    }
    let Some(url) = environment.var("AWS_CONTAINER_CREDENTIALS_FULL_URI") else { return Ok(None) };
    match may_be_plain(&url) || url.starts_with("https://") {
        true => Ok(Some(url)),
        false => Err(Error::new(
            Kind::Configuration,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI has to be HTTPS, or an address of this machine, ECS or EKS",
        )),
    }
}

fn may_be_plain(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    PLAIN_HOSTS.iter().any(|host| match authority.strip_prefix(host) {
        Some("") => true,
        Some(port) => {
            port.strip_prefix(':').is_some_and(|port| port.bytes().all(|digit| digit.is_ascii_digit()))
        }
        None => false,
    })
}

/// The credentials of the container's role.
pub(super) fn container_credentials(machine: &Machine, url: &str, deadline: Deadline) -> Result<Credentials> {
    let token = container_token(machine)?;
    let answer = send(machine, deadline, || {
        let request = Request::new("GET", url, &[]).header("accept", "application/json");
        match &token {
            Some(token) => request.header("authorization", token.as_str()),
            None => request,
        }
    })?;
    text::from_json::<Answer>("container credentials", &answer.body)?.credentials()
}

/// Read each time: EKS replaces the file.
fn container_token(machine: &Machine) -> Result<Option<Zeroizing<String>>> {
    match machine.environment.var("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        None => Ok(machine.environment.var("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Zeroizing::new)),
        Some(path) => match std::fs::read_to_string(&path).map(Zeroizing::new) {
            Ok(token) => Ok(Some(Zeroizing::new(token.trim().to_owned()))),
            Err(error) => Err(Error::new(Kind::Configuration, format!("{path}: {error}"))),
        },
    }
}

/// Instance metadata, with the token of version 2.
struct Instance<'a> {
    machine: &'a Machine,
    address: String,
    token: Zeroizing<String>,
    deadline: Deadline,
}

impl Instance<'_> {
    fn open(machine: &Machine, deadline: Deadline) -> Result<Instance<'_>> {
        let environment = &machine.environment;
        if environment.flag("AWS_EC2_METADATA_DISABLED") {
            return Err(unauthenticated("instance metadata is switched off by AWS_EC2_METADATA_DISABLED"));
        }
        let ipv6 = environment.var("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
        let usual = match ipv6.is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6")) {
            true => INSTANCE_IPV6,
            false => INSTANCE,
        };
        let address =
            environment.var("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| usual.to_owned());
        let address = address.trim_end_matches('/').to_owned();
        let url = format!("{address}/latest/api/token");
        let answer = send(machine, deadline, || {
            Request::new("PUT", &url, &[]).header("x-aws-ec2-metadata-token-ttl-seconds", "600")
        })?;
        let token = Zeroizing::new(text_of(&answer)?.to_owned());
        Ok(Instance { machine, address, token, deadline })
    }

    fn read(&self, path: &str) -> Result<Response> {
        let url = format!("{}{path}", self.address);
        send(self.machine, self.deadline, || {
            Request::new("GET", &url, &[]).header("x-aws-ec2-metadata-token", self.token.as_str())
        })
    }
}

/// Sends a request without a proxy, a few times within seconds.
fn send<'a>(machine: &Machine, deadline: Deadline, request: impl Fn() -> Request<'a>) -> Result<Response> {
    let caller = &machine.metadata_caller;
    let deadline = deadline.at_most(caller.deadline().left());
    caller.call(Repeat::Always, deadline, |limit| {
        let request = request();
        let response = machine.metadata.send(&request, limit)?;
        let kind = match response.status {
            200 => return Ok(response),
            404 => Kind::NotFound,
            429 => Kind::Throttled,
            500.. => Kind::Unavailable,
            _ => Kind::Unauthenticated,
        };
        let place = request.url.split('/').nth(2).unwrap_or_default();
        Err(Error::new(kind, format!("{place} answered status {}", response.status))
            .after(response.retry_after()))
    })
}

/// One line. [`Kind::Corrupt`].
fn text_of(response: &Response) -> Result<&str> {
    let text = std::str::from_utf8(&response.body).map(str::trim).unwrap_or_default();
    match text.is_empty() || text.starts_with('<') {
        true => Err(Error::new(Kind::Corrupt, "instance metadata did not answer with text")),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_endpoints_are_near() {
        for near in [
            "http://127.0.0.1:99/x",
            "http://169.254.170.23/v1/credentials",
            "http://[::1]/",
            "http://localhost",
        ] {
            assert!(may_be_plain(near), "{near}");
        }
        for far in [
            "http://example.com/",
            "http://127.0.0.1.example.com/",
            "http://127.0.0.1:80@example.com/",
            "https://x/",
        ] {
            assert!(!may_be_plain(far), "{far}");
        }
    }
}
