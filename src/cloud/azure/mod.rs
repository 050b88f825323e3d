//! Azure Key Vault and Managed HSM: requests with an access token of Microsoft Entra, and what their errors mean.

mod challenge;
mod credentials;
mod error;

use serde::de::DeserializeOwned;

use self::credentials::Credentials;
use super::text::from_json;
use super::{Caller, Connection, Deadline, Error, Http, Kind, Repeat, Request, Result, bearer};
use crate::config::{self, SlotReader};

/// What the official clients of this time send.
const API_VERSION: &str = "2025-07-01";

/// Microsoft's clouds: what the hosts of vaults and of managed HSMs end with, and who gives tokens for them.
const CLOUDS: &[(&str, &str, &str)] = &[
    ("vault.azure.net", "managedhsm.azure.net", "https://login.microsoftonline.com"),
    ("vault.azure.cn", "managedhsm.azure.cn", "https://login.chinacloudapi.cn"),
    ("vault.usgovcloudapi.net", "managedhsm.usgovcloudapi.net", "https://login.microsoftonline.us"),
];

/// One vault or managed HSM.
pub struct Azure {
    /// Scheme, host and port.
    base: String,
    /// What tokens are for: the domain of all vaults, or of all managed HSMs.
    resource: String,
    http: Http,
    caller: Caller,
    credentials: Credentials,
}

impl Azure {
    /// Reads `vault` or takes the `address`, `resource` for an address that is not Microsoft's own, and the credentials'
    /// keys.
    pub fn read(reader: &mut SlotReader<'_>, connection: Connection) -> config::Result<Azure> {
        let vault = reader.text("vault")?;
        let base = match (vault, &connection.address) {
            (Some(_), Some(_)) => return Err(reader.refuse("give one of vault and address")),
            (None, None) => return Err(reader.refuse("lacks vault = \"NAME\", or an address")),
            (Some(name), None) if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
                format!("https://{}.vault.azure.net", name.to_ascii_lowercase())
            }
            (Some(_), None) => return Err(reader.refuse("vault has to be a name, without dots")),
            (None, Some(address)) => address.to_ascii_lowercase().trim_end_matches(":443").to_owned(),
        };
        // A token in the clear would be anybody's.
        let host = match base.strip_prefix("https://") {
            Some(host) if !host.contains(['/', '\\', '@', '?', '#']) => host,
            _ => return Err(reader.refuse("address has to be https://HOST, without a path")),
        };
        let own = cloud_of(host);
        let resource = match (reader.text("resource")?, own) {
            (Some(resource), _) if resource.starts_with("https://") => {
                resource.trim_end_matches('/').to_owned()
            }
            (Some(_), _) => return Err(reader.refuse("resource has to begin with https://")),
            (None, Some((domain, _))) => format!("https://{domain}"),
            (None, None) => {
                return Err(reader.refuse(
                    "address is none of Microsoft's: say what tokens are for, as resource = \"https://vault.azure.net\"",
                ));
            }
        };
        let authority = own.map(|(_, authority)| authority).or_else(|| {
            let domain = resource.trim_start_matches("https://");
            cloud_of(&format!("x.{domain}")).map(|(_, authority)| authority)
        });
        let credentials = Credentials::read(reader, &connection, &resource, authority)?;
        Ok(Azure {
            base,
            resource,
            caller: Caller::new(connection.limits),
            http: Http::new(connection.http),
            credentials,
        })
    }

    /// Scheme and host.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether it is a managed HSM, and not a vault.
    pub fn is_hsm(&self) -> bool {
        self.resource.starts_with("https://managedhsm.")
    }

    /// GET of a path.
    pub fn get<T: DeserializeOwned>(&self, path: &str, deadline: Deadline) -> Result<T> {
        self.ask("GET", &self.url(path), &[], Repeat::Always, deadline)
    }

    /// GET of a list's next page. [`Kind::Corrupt`] for one that is elsewhere: it would be given our token.
    pub fn get_page<T: DeserializeOwned>(&self, link: &str, deadline: Deadline) -> Result<T> {
        match own_path(&self.base, link) {
            Some(rest) => self.ask("GET", &format!("{}{rest}", self.base), &[], Repeat::Always, deadline),
            None => Err(Error::new(Kind::Corrupt, "a list goes on at another host, which is not asked")),
        }
    }

    /// POST of a JSON body.
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &[u8],
        repeat: Repeat,
        deadline: Deadline,
    ) -> Result<T> {
        self.ask("POST", &self.url(path), body, repeat, deadline)
    }

    /// DELETE of a path.
    pub fn delete<T: DeserializeOwned>(&self, path: &str, deadline: Deadline) -> Result<T> {
        self.ask("DELETE", &self.url(path), &[], Repeat::Unsent, deadline)
    }

    /// Whether this is the client's secret; if so, it is used from now on.
    pub fn authenticate(&self, secret: &str, deadline: Deadline) -> Result<()> {
        self.caller.call(Repeat::Always, deadline, |limit| {
            self.credentials.authenticate(secret, Deadline::after(limit))
        })
    }

    /// Forgets that secret.
    pub fn forget(&self) {
        self.credentials.forget();
    }

    fn url(&self, path: &str) -> String {
        let more = if path.contains('?') { '&' } else { '?' };
        format!("{}{path}{more}api-version={API_VERSION}", self.base)
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        url: &str,
        body: &[u8],
        repeat: Repeat,
        deadline: Deadline,
    ) -> Result<T> {
        let request = || Request::new(method, url, body);
        let token = |attempt| self.credentials.token(attempt);
        let answer = self.caller.call(repeat, deadline, |limit| {
            let answer =
                bearer::send(&self.http, Deadline::after(limit), request, token, |token, answer| {
                    // Expired, or not for this place: one new token, unless it is asked for by somebody else.
                    challenge::expect_own(answer, &self.resource)?;
                    self.credentials.refused(token);
                    Ok(())
                })?;
            if answer.is_success() { Ok(answer) } else { Err(error::of(&answer)) }
        })?;
        from_json("Azure", &answer.body)
    }
}

/// What of a link stands behind the place's own scheme and host. The service writes the port that need not be written.
fn own_path<'a>(base: &str, link: &'a str) -> Option<&'a str> {
    let (host, rest) = link.split_at_checked(base.len())?;
    let rest = rest.strip_prefix(":443").unwrap_or(rest);
    (host.eq_ignore_ascii_case(base) && rest.starts_with('/')).then_some(rest)
}

/// The domain that a host is of, and who gives tokens for it.
fn cloud_of(host: &str) -> Option<(&'static str, &'static str)> {
    let host = host.split(':').next().unwrap_or(host);
    let is_of = |domain: &str| host.strip_suffix(domain).is_some_and(|name| name.ends_with('.'));
    CLOUDS.iter().find_map(|(vaults, hsms, authority)| {
        [*vaults, *hsms].into_iter().find(|domain| is_of(domain)).map(|domain| (domain, *authority))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_says_what_tokens_are_for() {
        let domain = |host: &str| cloud_of(host).map(|(domain, _)| domain);
        assert_eq!(domain("v.vault.azure.net"), Some("vault.azure.net"));
        assert_eq!(domain("v.vault.azure.net:443"), Some("vault.azure.net"));
        assert_eq!(domain("h.managedhsm.azure.net"), Some("managedhsm.azure.net"));
        assert_eq!(cloud_of("v.vault.azure.cn").map(|cloud| cloud.1), Some("https://login.chinacloudapi.cn"));
        assert_eq!(domain("v.vault.usgovcloudapi.net"), Some("vault.usgovcloudapi.net"));
        for foreign in ["vault.azure.net", "vvault.azure.net", "v.vault.azure.net.example", "127.0.0.1:1"] {
            assert_eq!(domain(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_list_goes_on_at_its_own_host() {
        let own = |link| own_path("https://v.vault.azure.net", link);
        assert_eq!(own("https://v.vault.azure.net/keys?$skiptoken=x"), Some("/keys?$skiptoken=x"));
        assert_eq!(own("https://V.vault.azure.net:443/keys?a"), Some("/keys?a"));
        for foreign in [
            "https://w.vault.azure.net/keys",
            "http://v.vault.azure.net/keys",
            "https://v.vault.azure.net.example/keys",
            "https://v.vault.azure.net@example/keys",
            "https://v.vault.azure.net:8443/keys",
            "/keys",
            "",
        ] {
            assert_eq!(own(foreign), None, "{foreign}");
        }
    }
}
