//! HashiCorp Vault and OpenBao: one server, a token for it, and what its errors mean.
//!
//! [`Vault::call`] is everything that the rooms above need: it logs in when that is due, sends the request, and logs in
//! once more where the server no longer knows the token. Variables and files are read at the first call, not before.

mod answer;
mod login;
mod settings;
mod token;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Caller, Connection, Deadline, Environment, Error, Http, HttpSettings, Kind, Repeat, Request, Response,
    Result, SecretText, text,
};
use crate::config::{self, SlotReader};
use settings::{Auth, Settings};
use token::{Token, Tokens};

/// Names of one page of a list. Servers that don't page answer all of them.
const PAGE: usize = 500;

/// A server, as one `[[slot]]` sees it.
pub struct Vault {
    settings: Settings,
    environment: Environment,
    caller: Caller,
    place: OnceLock<Place>,
    tokens: Tokens,
    /// The secret of `pin = "secret"`, while a user is logged in.
    pin: Mutex<Option<SecretText>>,
}

/// Where the server is.
struct Place {
    /// `https://host:port`
    address: String,
    namespace: Option<String>,
    http: Http,
}

impl Vault {
    /// Reads `address` (that is in `connection`), `namespace`, `auth` and what belongs to it. Nothing of the environment
    /// is read yet.
    pub fn read(reader: &mut SlotReader<'_>, connection: Connection) -> config::Result<Vault> {
        Ok(Vault::new(Settings::read(reader, connection)?, Environment::Process))
    }

    fn new(settings: Settings, environment: Environment) -> Vault {
        Vault {
            caller: Caller::new(settings.connection.limits),
            settings,
            environment,
            place: OnceLock::new(),
            tokens: Tokens::default(),
            pin: Mutex::new(None),
        }
    }

    /// What tells this server and namespace from others. No network; the environment's address is part of it.
    pub fn identity(&self) -> String {
        match self.place() {
            Ok(Place { address, namespace: Some(namespace), .. }) => format!("{address} {namespace}"),
            Ok(Place { address, .. }) => address.clone(),
            Err(_) => String::new(),
        }
    }

    /// One request with a token, and its successful answer. `path` is what follows `/v1/`, with its query, and
    /// percent-encoded where that is needed.
    ///
    /// 404 is [`Kind::NotFound`], 403 [`Kind::Denied`], 429 [`Kind::Throttled`], 503 [`Kind::Sealed`] or
    /// [`Kind::Unavailable`], a failed check-and-set [`Kind::Conflict`]; [`Kind::Unauthenticated`] where there is no token
    /// to be had, or the server no longer takes it and there is no other; [`Kind::Configuration`] without an address.
    pub fn call(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&[u8]>,
        repeat: Repeat,
        deadline: Deadline,
    ) -> Result<Response> {
        self.judged(method, path, body, repeat, deadline, answer::judge)
    }

    /// [`Vault::call`] for a document of a KV engine, version 2: `None` where the engine says that there is none. 404 from
    /// anything else is [`Kind::Unavailable`].
    pub fn document(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&[u8]>,
        repeat: Repeat,
        deadline: Deadline,
    ) -> Result<Option<Response>> {
        let answer = self.judged(method, path, body, repeat, deadline, answer::judge_document);
        let answer = answer.map_err(|error| match error.kind() {
            // Not tried again: an engine that is not there is mostly a name that is wrong.
            Kind::NotFound => error.with_kind(Kind::Unavailable),
            _ => error,
        })?;
        Ok(Some(answer).filter(|answer| answer.status != 404))
    }

    /// The names under a path, of all pages; none where the server says that there are none.
    pub fn list(&self, path: &str, deadline: Deadline) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Names {
            keys: Vec<String>,
        }
        let mut all: Vec<String> = Vec::new();
        loop {
            let mut page = format!("{path}?list=true&limit={PAGE}");
            if let Some(last) = all.last() {
                page = format!("{page}&after={}", text::percent(last));
            }
            let answer = self.judged("GET", &page, None, Repeat::Always, deadline, answer::judge_list)?;
            if answer.status == 404 {
                return Ok(all);
            }
            let names = data::<Names>(path, &answer)?.keys;
            // A server that does not page gives the same again, and gave all before.
            if names.first().is_none_or(|first| all.last().is_some_and(|last| first <= last)) {
                return Ok(all);
            }
            let was_full = names.len() == PAGE;
            all.extend(names);
            if !was_full {
                return Ok(all);
            }
        }
    }

    /// Takes the secret of `pin = "secret"`, a token or an AppRole's secret ID, and asks the server whether it is right.
    /// [`Kind::Unauthenticated`]; then an earlier one stays.
    pub fn authenticate(&self, secret: &[u8], deadline: Deadline) -> Result<()> {
        let secret = login::header_text(secret)
            .ok_or_else(|| Error::new(Kind::Unauthenticated, "the PIN is no token or secret ID"))?;
        let token = self.login_with_pin(&secret, deadline)?;
        *self.pin.lock() = Some(secret);
        self.tokens.set(token);
        Ok(())
    }

    /// Forgets that secret and its token.
    pub fn forget(&self) {
        *self.pin.lock() = None;
        self.tokens.forget();
    }

    fn judged(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&[u8]>,
        repeat: Repeat,
        deadline: Deadline,
        judge: fn(&str, Response) -> Result<Response>,
    ) -> Result<Response> {
        let send = |token: &Token| {
            self.caller.call(repeat, deadline, |limit| {
                judge(path, self.send(method, path, body, Some(token), limit)?)
            })
        };
        let token = self.token(None, deadline)?;
        match send(&token) {
            // Refused before it was looked at: whatever it is, it may be sent again.
            Err(error) if error.kind() == Kind::Unauthenticated => {
                tracing::debug!("the server no longer takes the token: {error}");
                let logs_in = !matches!(self.settings.auth, Auth::Token(_));
                send(&*self.token(Some(&token), deadline)?).map_err(|error| match error.kind() {
                    // A token that is new and refused is one that may not do this.
                    Kind::Unauthenticated if logs_in => error.with_kind(Kind::Denied),
                    _ => error,
                })
            }
            answer => answer,
        }
    }

    /// A token that is not `refused`: the one there is, or a new one. One thread gets it for all.
    fn token(&self, refused: Option<&Arc<Token>>, deadline: Deadline) -> Result<Arc<Token>> {
        self.tokens.get(refused, deadline, |old| self.obtain(old, refused, deadline))
    }

    /// One attempt at a request, with any answer.
    fn send(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&[u8]>,
        token: Option<&Token>,
        limit: Duration,
    ) -> Result<Response> {
        let place = self.place()?;
        let url = format!("{}/v1/{path}", place.address);
        // Agents and proxies of Vault can be set to let nothing through without it.
        let mut request =
            Request::new(method, &url, body.unwrap_or_default()).header("x-vault-request", "true");
        if let Some(token) = token {
            request = request.header("x-vault-token", &*token.text);
        }
        if let Some(namespace) = &place.namespace {
            request = request.header("x-vault-namespace", namespace.as_str());
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        place.http.send(&request, limit)
    }

    fn place(&self) -> Result<&Place> {
        match self.place.get() {
            Some(place) => Ok(place),
            None => {
                let place = self.find_place()?;
                Ok(self.place.get_or_init(|| place))
            }
        }
    }

    /// The configuration's address, or else the environment's: OpenBao's variables before Vault's, as OpenBao has it.
    fn find_place(&self) -> Result<Place> {
        let connection = &self.settings.connection;
        let lacking = |what: &str| Err(Error::new(Kind::Configuration, what.to_owned()));
        let Some(address) = connection.address.clone().or_else(|| self.variable("ADDR")) else {
            return lacking("no address: neither `address` nor BAO_ADDR nor VAULT_ADDR is set");
        };
        if !address.starts_with("https://") && !address.starts_with("http://") {
            return lacking("BAO_ADDR or VAULT_ADDR has to begin with https:// or http://");
        }
        let mut http: HttpSettings = connection.http.clone();
        http.ca_file = http.ca_file.or_else(|| self.variable("CACERT").map(Into::into));
        http.client_certificate =
            self.settings.client_certificate.clone().or_else(|| {
                Some((self.variable("CLIENT_CERT")?.into(), self.variable("CLIENT_KEY")?.into()))
            });
        Ok(Place {
            address: address.trim_end_matches('/').to_owned(),
            namespace: self.settings.namespace.clone().or_else(|| self.variable("NAMESPACE")),
            http: Http::new(http),
        })
    }

    /// A variable of OpenBao's or Vault's.
    fn variable(&self, name: &str) -> Option<String> {
        ["BAO", "VAULT"].iter().find_map(|prefix| self.environment.var(&format!("{prefix}_{name}")))
    }
}

/// The `data` of an answer. [`Kind::Corrupt`].
pub fn data<'a, T: Deserialize<'a>>(what: &str, answer: &'a Response) -> Result<T> {
    #[derive(Deserialize)]
    struct Answer<T> {
        data: T,
    }
    Ok(text::from_json::<Answer<T>>(what, &answer.body)?.data)
}

/// A mount's path as requests name it: without slashes at its ends, each part percent-encoded.
pub fn mount_path(text: &str) -> String {
    text.trim_matches('/').split('/').map(text::percent).collect::<Vec<_>>().join("/")
}

/// A request's body, in a buffer that is wiped; `size` is enough for it, so that it never grows.
pub fn body(value: &impl Serialize, size: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(size));
    serde_json::to_writer(&mut *bytes, value)
        .map_err(|_| Error::new(Kind::Configuration, "the request has no form in JSON"))?;
    Ok(bytes)
}
