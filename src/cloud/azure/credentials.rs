//! Azure's usual chain: a client's secret or certificate, a workload identity's token, the machine's managed identity.

use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::cloud::bearer::{Bearer, Fetched};
use crate::cloud::oauth::{exchange, granted, jwt_rs256, pem_block, refusal, rsa_key};
use crate::cloud::text::{base64_url, hex, percent};
use crate::cloud::{
    Connection, Deadline, Environment, Error, Http, HttpSettings, Kind, Request, Response, Result, SecretText,
};
use crate::config::{self, SlotReader};
use crate::crypto::{self, Hash};
use crate::types::unix_now;

const IMDS: &str = "http://169.254.169.254";
/// The machine's own server answers at once, or is not there.
const MANAGED_LASTS: Duration = Duration::from_secs(3);
/// How long an assertion is good for.
const ASSERTION_LASTS: u64 = 600;

/// `auth`: which way, where the first that is there is not the right one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Auth {
    Auto,
    Secret,
    Certificate,
    Workload,
    Managed,
    Cli,
}

/// Where the client's secret is.
enum Secret {
    None,
    /// It is C_Login's PIN.
    Pin(Mutex<Option<SecretText>>),
    File(PathBuf),
    Variable(String),
}

/// Gets access tokens for one resource. Files are read anew for each, so that rotated ones are found.
pub(super) struct Credentials {
    auth: Auth,
    resource: String,
    authority: Option<String>,
    tenant: Option<String>,
    client: Option<String>,
    secret: Secret,
    certificate: Option<PathBuf>,
    federated: Option<PathBuf>,
    managed: Managed,
    bearer: Bearer,
    http: Http,
    direct: Http,
}

/// What gives the machine's own identity.
enum Managed {
    /// The instance metadata service of a virtual machine, and of AKS's nodes.
    Imds(String),
    /// App Service, Functions, Container Apps: where, and the header that shows who asks.
    AppService(String, SecretText),
    Arc,
}

impl Managed {
    fn new(variable: impl Fn(&str) -> Option<String>) -> Managed {
        match (variable("IDENTITY_ENDPOINT"), variable("IDENTITY_HEADER")) {
            (Some(endpoint), Some(header)) => Managed::AppService(endpoint, header.into()),
            (Some(_), None) if variable("IMDS_ENDPOINT").is_some() => Managed::Arc,
            _ => {
                let host = variable("AZURE_POD_IDENTITY_AUTHORITY_HOST").unwrap_or_else(|| IMDS.to_owned());
                Managed::Imds(host.trim_end_matches('/').to_owned())
            }
        }
    }
}

fn configuration(why: impl Into<String>) -> Error {
    Error::new(Kind::Configuration, why)
}

impl Credentials {
    /// Reads the entry's keys and the environment. `authority` is the cloud's own.
    pub(super) fn read(
        reader: &mut SlotReader<'_>,
        connection: &Connection,
        resource: &str,
        authority: Option<&str>,
    ) -> config::Result<Credentials> {
        let environment = Environment::Process;
        let variable = |name: &str| environment.var(name);
        let ways = [
            ("auto", Auth::Auto),
            ("secret", Auth::Secret),
            ("certificate", Auth::Certificate),
            ("workload", Auth::Workload),
            ("managed", Auth::Managed),
            ("cli", Auth::Cli),
        ];
        let auth = reader.one_of("auth", &ways)?.unwrap_or(Auth::Auto);
        let given = |text: Option<&str>, name: &str| text.map(str::to_owned).or_else(|| variable(name));
        let authority = given(reader.text("authority")?, "AZURE_AUTHORITY_HOST")
            .or_else(|| authority.map(str::to_owned))
            .map(|host| if host.contains("://") { host } else { format!("https://{host}") })
            .map(|host| host.trim_end_matches('/').to_owned());
        let secret = secret(reader, connection, variable("AZURE_CLIENT_SECRET").is_some())?;
        let why = match &secret {
            _ if auth == Auth::Cli => Some(
                "auth = \"cli\": a library does not run az; use a client's certificate, a workload or managed identity",
            ),
            Secret::Pin(_) if !matches!(auth, Auth::Auto | Auth::Secret) => {
                Some("pin = \"secret\" is a client's secret, and goes with no other auth")
            }
            _ if authority.as_ref().is_some_and(|host| !host.starts_with("https://")) => {
                Some("authority has to begin with https://")
            }
            _ => None,
        };
        if let Some(why) = why {
            return Err(reader.refuse(why));
        }
        let path = |entry: Option<PathBuf>, name: &str| entry.or_else(|| variable(name).map(PathBuf::from));
        let direct = HttpSettings {
            proxy: false,
            connect_timeout: connection.http.connect_timeout.min(MANAGED_LASTS),
            ..connection.http.clone()
        };
        Ok(Credentials {
            auth,
            resource: resource.to_owned(),
            authority,
            tenant: given(reader.text("tenant_id")?, "AZURE_TENANT_ID"),
            client: given(reader.text("client_id")?, "AZURE_CLIENT_ID"),
            secret,
            certificate: path(reader.path("client_certificate")?, "AZURE_CLIENT_CERTIFICATE_PATH"),
            federated: path(None, "AZURE_FEDERATED_TOKEN_FILE"),
            managed: Managed::new(variable),
            bearer: Bearer::default(),
            http: Http::new(connection.http.clone()),
            direct: Http::new(direct),
        })
    }

    /// A token that is good for a while.
    pub(super) fn token(&self, deadline: Deadline) -> Result<SecretText> {
        self.bearer.token(deadline, |deadline| self.fetch(deadline))
    }

    /// The service refused this token.
    pub(super) fn refused(&self, token: &SecretText) {
        self.bearer.refused(token);
    }

    /// Whether Entra gives a token for this secret; it is kept if so.
    pub(super) fn authenticate(&self, secret: &str, deadline: Deadline) -> Result<()> {
        let Secret::Pin(pin) = &self.secret else {
            return Err(configuration("the client's secret is no PIN here"));
        };
        let fetched = self.by_secret(secret, deadline)?;
        *pin.lock() = Some(secret.into());
        self.bearer.clear();
        self.bearer.token(deadline, |_| Ok(fetched)).map(|_| ())
    }

    pub(super) fn forget(&self) {
        if let Secret::Pin(pin) = &self.secret {
            *pin.lock() = None;
            self.bearer.clear();
        }
    }

    fn fetch(&self, deadline: Deadline) -> Result<Fetched> {
        match self.way() {
            Auth::Secret => self.by_secret(&self.client_secret()?, deadline),
            Auth::Certificate => self.by_certificate(deadline),
            Auth::Workload => self.by_workload(deadline),
            _ => self.by_managed_identity(deadline),
        }
    }

    /// The way that is named, or the first that there is something for.
    fn way(&self) -> Auth {
        match self.auth {
            Auth::Auto if !matches!(self.secret, Secret::None) => Auth::Secret,
            Auth::Auto if self.certificate.is_some() => Auth::Certificate,
            Auth::Auto if self.federated.is_some() => Auth::Workload,
            Auth::Auto => Auth::Managed,
            named => named,
        }
    }

    fn client_secret(&self) -> Result<SecretText> {
        match &self.secret {
            Secret::Pin(pin) => {
                let pin = pin.lock().clone();
                pin.ok_or_else(|| Error::new(Kind::Unauthenticated, "the client's secret is the PIN: log in"))
            }
            Secret::File(path) => Ok(text(path)?.trim_end_matches(['\r', '\n']).into()),
            Secret::Variable(name) => match Environment::Process.var(name) {
                Some(secret) => Ok(secret.into()),
                None => Err(configuration(format!("the variable {name} has no client secret"))),
            },
            Secret::None => {
                Err(configuration("auth = \"secret\" lacks client_secret_file or client_secret_env"))
            }
        }
    }

    fn by_secret(&self, secret: &str, deadline: Deadline) -> Result<Fetched> {
        self.ask_entra(&[("client_secret", secret)], deadline)
    }

    fn by_certificate(&self, deadline: Deadline) -> Result<Fetched> {
        let path =
            self.certificate.as_deref().ok_or_else(|| configuration("client_certificate is missing"))?;
        let assertion = assertion(path, &self.token_url()?, self.client_id()?)?;
        self.by_assertion(&assertion, deadline)
    }

    /// Kubernetes writes the file, and replaces it.
    fn by_workload(&self, deadline: Deadline) -> Result<Fetched> {
        let path = self.federated.as_deref();
        let path = path.ok_or_else(|| configuration("AZURE_FEDERATED_TOKEN_FILE is not set"))?;
        self.by_assertion(text(path)?.trim(), deadline)
    }

    fn by_assertion(&self, assertion: &str, deadline: Deadline) -> Result<Fetched> {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        self.ask_entra(&[("client_assertion_type", kind), ("client_assertion", assertion)], deadline)
    }

    fn ask_entra(&self, proof: &[(&str, &str)], deadline: Deadline) -> Result<Fetched> {
        let scope = format!("{}/.default", self.resource);
        let common =
            [("grant_type", "client_credentials"), ("client_id", self.client_id()?), ("scope", &*scope)];
        exchange(&self.http, &self.token_url()?, &[&common, proof].concat(), deadline)
    }

    fn client_id(&self) -> Result<&str> {
        self.client.as_deref().ok_or_else(|| configuration("client_id or AZURE_CLIENT_ID is missing"))
    }

    fn token_url(&self) -> Result<String> {
        let tenant = self.tenant.as_deref();
        let tenant = tenant.ok_or_else(|| configuration("tenant_id or AZURE_TENANT_ID is missing"))?;
        let authority = self.authority.as_deref();
        let authority = authority.ok_or_else(|| configuration("authority is missing: who gives tokens"))?;
        Ok(format!("{authority}/{}/oauth2/v2.0/token", percent(tenant)))
    }

    fn by_managed_identity(&self, deadline: Deadline) -> Result<Fetched> {
        let client =
            self.client.as_deref().map(|id| format!("&client_id={}", percent(id))).unwrap_or_default();
        let asks = format!("resource={}{client}", percent(&self.resource));
        match &self.managed {
            Managed::Arc => Err(configuration("Azure Arc's identity is not supported: use a certificate")),
            Managed::AppService(endpoint, header) => {
                let url = format!("{endpoint}?api-version=2019-08-01&{asks}");
                let request = Request::new("GET", &url, &[]).header("x-identity-header", &**header);
                granted("the identity endpoint", &self.ask_machine(&request, deadline)?)
            }
            Managed::Imds(host) => {
                let url = format!("{host}/metadata/identity/oauth2/token?api-version=2018-02-01&{asks}");
                let request = Request::new("GET", &url, &[]).header("metadata", "true");
                let answer = self.ask_machine(&request, deadline)?;
                match answer.status {
                    // It is being started or updated.
                    404 | 410 => Err(refusal("the metadata service", &answer).with_kind(Kind::Unavailable)),
                    _ => granted("the metadata service", &answer),
                }
            }
        }
    }

    fn ask_machine(&self, request: &Request<'_>, deadline: Deadline) -> Result<Response> {
        self.direct.send(request, deadline.at_most(MANAGED_LASTS).left()).map_err(|error| match error.kind() {
            Kind::Unreachable => {
                let why = "no Azure credentials: neither a secret, a certificate nor a workload identity is configured, \
                           and no managed identity is at hand";
                Error::new(Kind::Unauthenticated, format!("{why} ({error})"))
            }
            _ => error,
        })
    }
}

/// `client_secret_file`, `client_secret_env`, the usual variable, or the PIN.
fn secret(reader: &mut SlotReader<'_>, connection: &Connection, usual: bool) -> config::Result<Secret> {
    let file = reader.path("client_secret_file")?;
    let variable = reader.text("client_secret_env")?;
    match (file, variable) {
        (Some(_), Some(_)) => Err(reader.refuse("give one of client_secret_file and client_secret_env")),
        (Some(_), None) | (None, Some(_)) if connection.secret_pin => {
            Err(reader.refuse("pin = \"secret\" is the client's secret: a file or a variable has no use"))
        }
        (Some(path), None) => Ok(Secret::File(path)),
        (None, Some(name)) => Ok(Secret::Variable(name.to_owned())),
        (None, None) if connection.secret_pin => Ok(Secret::Pin(Mutex::new(None))),
        (None, None) if usual => Ok(Secret::Variable("AZURE_CLIENT_SECRET".to_owned())),
        (None, None) => Ok(Secret::None),
    }
}

fn text(path: &Path) -> Result<Zeroizing<String>> {
    let failed = |error: std::io::Error| configuration(format!("{}: {error}", path.display()));
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(failed)
}

/// What shows that the client has the certificate's key.
fn assertion(path: &Path, audience: &str, client: &str) -> Result<SecretText> {
    #[derive(Serialize)]
    struct Header {
        alg: &'static str,
        typ: &'static str,
        /// The certificate's SHA-1, by which Entra knows it.
        x5t: String,
    }
    #[derive(Serialize)]
    struct Claims<'a> {
        aud: &'a str,
        iss: &'a str,
        sub: &'a str,
        jti: String,
        nbf: u64,
        exp: u64,
    }
    let refused = |why: &str| configuration(format!("{}: {why}", path.display()));
    let pem = text(path)?;
    let certificate = pem_block(&pem, "CERTIFICATE").ok_or_else(|| refused("no certificate in PEM"))?;
    let key = rsa_key(&path.display().to_string(), &pem)?;
    let mut id = [0; 16];
    crypto::random(&mut id).map_err(|_| refused("no random numbers"))?;
    let now = unix_now();
    let claims = Claims {
        aud: audience,
        iss: client,
        sub: client,
        jti: hex(&id),
        nbf: now,
        exp: now + ASSERTION_LASTS,
    };
    let x5t = base64_url(&crypto::digest(Hash::Sha1, &certificate));
    jwt_rs256(&Header { alg: "RS256", typ: "JWT", x5t }, &claims, &key)
}
