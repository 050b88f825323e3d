//! One request over HTTP/1.1, with kept-alive connections and the system's roots.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ureq::http::Uri;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::time::Duration as UreqDuration;
use ureq::unversioned::transport::{Connector, DefaultConnector, NextTimeout};
use zeroize::Zeroizing;

use super::one_write::OneWriteConnector;
use super::{Error, Kind, Result};
use crate::config::is_privileged;
use crate::crypto;

/// The largest answer in bytes. The longest real ones are pages of key lists.
const MAX_BODY: u64 = 16 << 20;
/// Connections that are kept for later: one for each thread that called at the same time.
const MAX_IDLE: usize = 256;
/// Servers close idle connections after a minute or more.
const IDLE_LASTS: Duration = Duration::from_secs(45);
/// Bytes of each of a connection's two buffers.
const BUFFER: usize = 16 << 10;

/// How to connect.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Certificates in PEM to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The client's certificate chain and its private key, each in PEM.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// For a connection with its TLS handshake.
    pub connect_timeout: Duration,
    /// Whether the proxies of the environment are used; not for link-local metadata services.
    pub proxy: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        let connect_timeout = Duration::from_secs(3);
        HttpSettings { ca_file: None, client_certificate: None, connect_timeout, proxy: true }
    }
}

/// A request. Not printable: headers and body hold secrets.
pub struct Request<'a> {
    /// `GET`, `POST`, `PUT`, `LIST` ...
    pub method: &'static str,
    /// With its query.
    pub url: &'a str,
    /// Names in lower case.
    pub headers: Vec<(&'static str, Zeroizing<String>)>,
    /// Empty where there is none.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// A request without headers.
    pub fn new(method: &'static str, url: &'a str, body: &'a [u8]) -> Self {
        Request { method, url, headers: Vec::new(), body }
    }

    /// One more header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, Zeroizing::new(value.into())));
        self
    }
}

/// An answer, of any status. Not printable: the body may be a plaintext.
pub struct Response {
    /// 200 ...
    pub status: u16,
    headers: ureq::http::HeaderMap,
    /// Zeroized when dropped.
    pub body: Zeroizing<Vec<u8>>,
}

impl Response {
    /// A header's value; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The Retry-After header, in seconds. Zero, as servers say that cut off fractions, asks for nothing.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header("retry-after")?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds)).filter(|wait| !wait.is_zero())
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Sends requests to one service. Cheap to share, safe to use from any number of threads.
pub struct Http {
    settings: HttpSettings,
    /// Made for the first request: the system's certificates are many files.
    agent: OnceLock<ureq::Agent>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl Http {
    /// Nothing is read or connected before the first request.
    pub fn new(settings: HttpSettings) -> Http {
        Http { settings, agent: OnceLock::new() }
    }

    fn agent(&self) -> Result<&ureq::Agent> {
        match self.agent.get() {
            Some(agent) => Ok(agent),
            None => {
                let agent = agent(&self.settings)?;
                Ok(self.agent.get_or_init(|| agent))
            }
        }
    }

    /// Sends a request and reads the answer whole, within `timeout`. Any status is an answer.
    /// [`Kind::Unreachable`], [`Kind::Broken`], [`Kind::Corrupt`]; [`Kind::Configuration`] for certificates that can't be
    /// read.
    pub fn send(&self, request: &Request<'_>, timeout: Duration) -> Result<Response> {
        let agent = self.agent()?;
        let mut builder = ureq::http::Request::builder().method(request.method).uri(request.url);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value.as_str());
        }
        let bad = |error: ureq::http::Error| {
            Error::new(Kind::Configuration, format!("no possible request: {error}"))
        };
        let sent = match request.body {
            [] => run(agent, builder.body(()).map_err(bad)?, timeout),
            body => run(agent, builder.body(body).map_err(bad)?, timeout),
        };
        let (parts, body) = sent.map_err(|error| failure(request.url, &error))?.into_parts();
        let mut bytes = Zeroizing::new(Vec::with_capacity(known_len(&body)));
        let read = body.into_reader().take(MAX_BODY + 1).read_to_end(&mut bytes);
        read.map_err(|error| Error::new(Kind::Broken, format!("{}: {error}", host(request.url))))?;
        if u64::try_from(bytes.len()).is_ok_and(|len| len > MAX_BODY) {
            return Err(Error::new(Kind::Corrupt, format!("{}: an answer over 16 MiB", host(request.url))));
        }
        Ok(Response { status: parts.status.as_u16(), headers: parts.headers, body: bytes })
    }
}

fn run<S: ureq::AsSendBody>(
    agent: &ureq::Agent,
    request: ureq::http::Request<S>,
    timeout: Duration,
) -> std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error> {
    agent.run(agent.configure_request(request).timeout_global(Some(timeout)).build())
}

/// Reads the certificates. No connection is made yet. [`Kind::Configuration`].
fn agent(settings: &HttpSettings) -> Result<ureq::Agent> {
    let roots = match &settings.ca_file {
        Some(path) => certificates(path)?,
        None => system_roots(),
    };
    let client = settings.client_certificate.as_ref();
    let client = client.map(|(chain, key)| client_certificate(chain, key)).transpose()?;
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .client_cert(client)
        .unversioned_rustls_crypto_provider(crypto::tls_provider())
        .build();
    let mut config = ureq::Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(true)
        .user_agent(concat!("keyward/", env!("CARGO_PKG_VERSION")))
        .max_idle_connections(MAX_IDLE)
        .max_idle_connections_per_host(MAX_IDLE)
        .max_idle_age(IDLE_LASTS)
        .input_buffer_size(BUFFER)
        .output_buffer_size(BUFFER)
        .timeout_connect(Some(settings.connect_timeout));
    if !settings.proxy || is_privileged() {
        config = config.proxy(None);
    }
    let connector = DefaultConnector::default().chain(OneWriteConnector);
    Ok(ureq::Agent::with_parts(config.build(), connector, SameThread::default()))
}

/// The body's length, where it is said and not absurd: so that a secret's buffer does not grow and leave copies.
fn known_len(body: &ureq::Body) -> usize {
    body.content_length().filter(|len| *len <= MAX_BODY).and_then(|len| len.try_into().ok()).unwrap_or(BUFFER)
}

/// What a person needs to know where: scheme, host and port, without the path and query.
fn host(url: &str) -> &str {
    let after = url.find("://").map_or(0, |at| at + 3);
    let len = url.get(after..).and_then(|rest| rest.find(['/', '?'])).unwrap_or(url.len() - after);
    url.get(..after + len).unwrap_or(url)
}

fn failure(url: &str, error: &ureq::Error) -> Error {
    use ureq::{Error as E, Timeout as T};
    let kind = match error {
        E::HostNotFound | E::ConnectionFailed | E::Tls(_) | E::Rustls(_) | E::Pem(_) => Kind::Unreachable,
        E::Timeout(T::Resolve | T::Connect) | E::ConnectProxyFailed(_) => Kind::Unreachable,
        E::BadUri(_) | E::Http(_) | E::InvalidProxyUrl => Kind::Configuration,
        E::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Kind::Unreachable,
        E::Io(error) if is_handshake(error) => Kind::Unreachable,
        _ => Kind::Broken,
    };
    Error::new(kind, format!("{}: {error}", host(url)))
}

/// Whether TLS did not come about, by our own judgement: an alert may come after the request, too.
fn is_handshake(error: &std::io::Error) -> bool {
    use rustls::Error as E;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<E>());
    matches!(
        inner,
        Some(
            E::InvalidCertificate(_)
                | E::NoCertificatesPresented
                | E::PeerIncompatible(_)
                | E::UnsupportedNameType
        )
    )
}

/// The system's trusted roots; none where there are none, which every connection then says.
fn system_roots() -> Vec<Certificate<'static>> {
    let found = match is_privileged() {
        // Whoever starts a program with more rights than its own must not choose whom it trusts.
        true => rustls_native_certs::load_certs_from_paths(None, Some(Path::new("/etc/ssl/certs"))),
        false => rustls_native_certs::load_native_certs(),
    };
    for error in &found.errors {
        tracing::warn!("the system's trusted certificates: {error}");
    }
    found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
}

fn pem(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    std::fs::read(path)
        .map(Zeroizing::new)
        .map_err(|error| Error::new(Kind::Configuration, format!("{}: {error}", path.display())))
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let text = pem(path)?;
    let found: Vec<_> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    match found.is_empty() {
        true => Err(Error::new(Kind::Configuration, format!("{}: no certificate in PEM", path.display()))),
        false => Ok(found),
    }
}

fn client_certificate(chain: &Path, key: &Path) -> Result<ClientCert> {
    let private = PrivateKey::from_pem(&pem(key)?)
        .map_err(|_| Error::new(Kind::Configuration, format!("{}: no private key in PEM", key.display())))?;
    Ok(ClientCert::new_with_certs(&certificates(chain)?, private))
}

/// Looks names up in the caller's thread: the library never starts one. A slow name server is waited for, as by every
/// other program on the machine (`options timeout` in resolv.conf).
#[derive(Debug, Default)]
struct SameThread(DefaultResolver);

impl Resolver for SameThread {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> std::result::Result<ResolvedSocketAddrs, ureq::Error> {
        // The default resolver starts a thread only to keep a time limit.
        self.0.resolve(uri, config, NextTimeout { after: UreqDuration::NotHappening, ..timeout })
    }
}
