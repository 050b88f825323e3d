//! Requests over HTTP/1.1 (RFC 9112) on kept-alive connections, with the system's roots and proxies.
//!
//! A client of our own, since what it sends and gets is secret: a connection's memory is left out of core dumps and wiped
//! as it is used (`buffer`). `stream` and `tls` are the connection, `answer` reads what comes, `proxy` and `url` say where
//! to, `trust` whom to believe.

mod answer;
mod buffer;
mod proxy;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod trust;
mod url;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use zeroize::Zeroizing;

use self::answer::Failure;
use self::buffer::Buffer;
use self::proxy::{Proxies, Proxy};
use self::stream::Stream;
use self::url::Url;
use super::{Deadline, Error, Kind, Result};
use crate::config::is_privileged;
use crate::types::wiping;

/// Connections that are kept for later: one for each thread that called at the same time.
const MAX_IDLE: usize = 256;
/// Servers close idle connections after a minute or more.
const IDLE_LASTS: Duration = Duration::from_secs(45);
/// After so long it is looked whether a connection was closed meanwhile. Before that, a request that finds out has no
/// answer, and is made again where that does no harm.
const UNSEEN: Duration = Duration::from_millis(10);
/// A body up to this many bytes goes out with its head: two writes are two packets, and with TLS two records.
const TOGETHER: usize = 16 << 10;
const USER_AGENT: &str = concat!("user-agent: keyward/", env!("CARGO_PKG_VERSION"), "\r\n");

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
    head: Zeroizing<Vec<u8>>,
    /// Zeroized when dropped.
    pub body: Zeroizing<Vec<u8>>,
}

impl Response {
    /// A header's value; `name` in lower case. `None` for one that is not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.split(|byte| *byte == b'\n').skip(1);
        lines.find_map(|line| {
            let (named, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
            let value = named.eq_ignore_ascii_case(name.as_bytes()).then(|| value.get(1..))??;
            std::str::from_utf8(value.trim_ascii()).ok()
        })
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
    way: OnceLock<Way>,
    /// Connections that wait for a request, the one that was used last at the end.
    idle: Mutex<VecDeque<Box<Kept>>>,
}

/// How servers are reached.
struct Way {
    tls: Arc<rustls::ClientConfig>,
    proxies: Proxies,
}

/// A connection with where it leads.
struct Kept {
    origin: String,
    used: Instant,
    /// Who used it last.
    user: ThreadId,
    stream: Stream,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl Http {
    /// Nothing is read or connected before the first request.
    pub fn new(settings: HttpSettings) -> Http {
        Http { settings, way: OnceLock::new(), idle: Mutex::default() }
    }

    /// Sends a request and reads the answer whole, within `timeout`. Any status is an answer.
    /// [`Kind::Unreachable`] where nothing was sent, [`Kind::Broken`], [`Kind::Corrupt`]; [`Kind::Configuration`] for
    /// certificates that can't be read, and for what is no request.
    pub fn send(&self, request: &Request<'_>, timeout: Duration) -> Result<Response> {
        wiping(|| self.exchange(request, Deadline::after(timeout)))
    }

    fn exchange(&self, request: &Request<'_>, deadline: Deadline) -> Result<Response> {
        let url = Url::parse(request.url)?;
        let way = self.way()?;
        let proxy = way.proxies.of(&url);
        let mut kept = match self.kept(&url) {
            Some(kept) => kept,
            None => {
                let stream = self.open(way, &url, proxy, deadline.at_most(self.settings.connect_timeout))?;
                let (origin, user) = (url.origin.to_owned(), thread::current().id());
                Box::new(Kept { origin, used: Instant::now(), user, stream })
            }
        };
        let stream = &mut kept.stream;
        let together = request.body.len() <= TOGETHER;
        write_head(&mut stream.output, request, &url, proxy.filter(|_| !url.is_https))?;
        if together {
            stream.output.push(request.body);
        }
        stream
            .send(if together { &[] } else { request.body }, deadline)
            .map_err(|error| broken(&url, error.into()))?;
        let (head, body) = answer::head(stream, request.method, deadline)
            .and_then(|head| answer::body(stream, &head, deadline).map(|body| (head, body)))
            .map_err(|failure| broken(&url, failure))?;
        if head.keeps_alive && stream.is_drained() {
            self.keep(kept);
        }
        Ok(Response { status: head.status, head: head.text, body })
    }

    fn way(&self) -> Result<&Way> {
        match self.way.get() {
            Some(way) => Ok(way),
            None => {
                // Whoever starts a program with more rights than its own must not choose who reads its requests.
                let asks = self.settings.proxy && !is_privileged();
                let proxies =
                    if asks { Proxies::read(|name| std::env::var(name).ok())? } else { Proxies::default() };
                let way = Way { tls: trust::config(&self.settings)?, proxies };
                Ok(self.way.get_or_init(|| way))
            }
        }
    }

    /// A connection that leads there and was not closed meanwhile; rather the one that this thread used, since the
    /// server answers it on the same processor.
    fn kept(&self, url: &Url<'_>) -> Option<Box<Kept>> {
        let user = thread::current().id();
        loop {
            let mut idle = self.idle.lock();
            let own = idle.iter().rposition(|kept| kept.user == user && kept.origin == url.origin);
            let at = own.or_else(|| idle.iter().rposition(|kept| kept.origin == url.origin))?;
            let kept = idle.remove(at)?;
            drop(idle);
            let age = kept.used.elapsed();
            if age < UNSEEN || (age < IDLE_LASTS && kept.stream.is_idle()) {
                return Some(kept);
            }
        }
    }

    fn keep(&self, mut kept: Box<Kept>) {
        (kept.used, kept.user) = (Instant::now(), thread::current().id());
        let mut idle = self.idle.lock();
        idle.push_back(kept);
        let is_over = |idle: &VecDeque<Box<Kept>>| {
            idle.len() > MAX_IDLE || idle.front().is_some_and(|first| first.used.elapsed() >= IDLE_LASTS)
        };
        let mut over = Vec::new();
        while is_over(&idle) {
            over.extend(idle.pop_front());
        }
        // Closed without the lock.
        drop(idle);
    }

    /// A new connection, ready for a request.
    fn open(&self, way: &Way, url: &Url<'_>, proxy: Option<&Proxy>, deadline: Deadline) -> Result<Stream> {
        let connect = || -> std::result::Result<Stream, Failure> {
            let (host, port) = proxy.map_or((url.host, url.port), |proxy| (&proxy.host, proxy.port));
            let mut stream = Stream::connect(host, port, deadline)?;
            if url.is_https {
                if let Some(proxy) = proxy {
                    tunnel(&mut stream, url, proxy, deadline)?;
                }
                stream.secure(way.tls.clone(), url.host, deadline)?;
            }
            Ok(stream)
        };
        connect().map_err(|failure| {
            let is_untrusted = matches!(&failure, Failure::Io(error) if is_untrusted(error));
            let error = broken(url, failure).with_kind(Kind::Unreachable);
            if is_untrusted { error.lasting() } else { error }
        })
    }
}

/// Asks a proxy for a way to the server (RFC 9110, section 9.3.6).
fn tunnel(
    stream: &mut Stream,
    url: &Url<'_>,
    proxy: &Proxy,
    deadline: Deadline,
) -> std::result::Result<(), Failure> {
    let host = if url.host.contains(':') { format!("[{}]", url.host) } else { url.host.to_owned() };
    let place = format!("{host}:{}", url.port);
    for part in ["CONNECT ", &place, " HTTP/1.1\r\nhost: ", &place, "\r\n", USER_AGENT] {
        stream.output.push(part.as_bytes());
    }
    if let Some(value) = &proxy.authorization {
        write_header(&mut stream.output, "proxy-authorization", value);
    }
    stream.output.push(b"\r\n");
    stream.send(&[], deadline)?;
    let head = answer::head(stream, "CONNECT", deadline)?;
    match (head.status, stream.is_drained()) {
        (200..300, true) => Ok(()),
        (200..300, false) => Err(Failure::Damaged("the proxy talks before the server")),
        (status, _) => Err(io::Error::other(format!("the proxy refuses (HTTP {status})")).into()),
    }
}

/// A request's first line and headers. `proxy` is the one that passes it on, and has to be told where to.
fn write_head(out: &mut Buffer, request: &Request<'_>, url: &Url<'_>, proxy: Option<&Proxy>) -> Result<()> {
    let has = |name: &str| request.headers.iter().any(|(known, _)| *known == name);
    // What a header's value may be: everything else could end it.
    let is_plain = |text: &str| text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
    if let Some((name, _)) = request.headers.iter().find(|(_, value)| !is_plain(value)) {
        return Err(Error::new(
            Kind::Configuration,
            format!("the header {name} has a character that none may have"),
        ));
    }
    let [slash, rest] = url.target();
    let origin = if proxy.is_some() { url.origin } else { "" };
    for part in [request.method, " ", origin, slash, rest, " HTTP/1.1\r\n", USER_AGENT] {
        out.push(part.as_bytes());
    }
    if !has("host") {
        write_header(out, "host", url.authority);
    }
    if !has("accept") {
        write_header(out, "accept", "*/*");
    }
    if let Some(value) = proxy.and_then(|proxy| proxy.authorization.as_ref()) {
        write_header(out, "proxy-authorization", value);
    }
    for (name, value) in &request.headers {
        write_header(out, name, value);
    }
    if !request.body.is_empty() || matches!(request.method, "POST" | "PUT") {
        write_header(out, "content-length", &request.body.len().to_string());
    }
    out.push(b"\r\n");
    Ok(())
}

fn write_header(out: &mut Buffer, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        out.push(part.as_bytes());
    }
}

fn broken(url: &Url<'_>, failure: Failure) -> Error {
    match failure {
        Failure::Io(error) => Error::new(Kind::Broken, format!("{}: {error}", url.origin)),
        Failure::Damaged(why) => {
            Error::new(Kind::Corrupt, format!("{}: the answer is damaged: {why}", url.origin))
        }
    }
}

/// Whether TLS did not come about by our own judgement: the next try would end in the same way.
fn is_untrusted(error: &io::Error) -> bool {
    use rustls::Error as E;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<E>());
    matches!(inner, Some(E::InvalidCertificate(_) | E::NoCertificatesPresented | E::PeerIncompatible(_)))
}
