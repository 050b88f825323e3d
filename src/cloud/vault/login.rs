//! Getting a token: from where it lies, or by a login.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::settings::{Auth, RoleId, Source};
use super::token::Token;
use super::{Vault, answer, body};
use crate::cloud::{Deadline, Error, Kind, Repeat, Response, Result, SecretText, text};

/// Enough for a login's body without its secret.
const BODY: usize = 512;

#[derive(Deserialize)]
struct Granted {
    auth: Grant,
}

#[derive(Deserialize)]
struct Grant {
    client_token: SecretText,
    lease_duration: u64,
    renewable: bool,
}

#[derive(Serialize)]
struct AppRole<'a> {
    role_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Kubernetes<'a> {
    role: &'a str,
    jwt: &'a str,
}

#[derive(Serialize)]
struct Cert<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

impl Vault {
    /// A token: `old` renewed if that can be, else a new one. [`Kind::Unauthenticated`].
    pub(super) fn obtain(
        &self,
        old: Option<&Token>,
        refused: Option<&Arc<Token>>,
        deadline: Deadline,
    ) -> Result<Token> {
        if let Some(old) = old
            && let Some(renewed) = self.renew(old, deadline)
        {
            return Ok(renewed);
        }
        let token = match (&self.settings.auth, self.settings.connection.secret_pin) {
            (Auth::Token(source), false) => self.find_token(source.as_ref()).map(Token::found)?,
            (_, false) => self.login(None, deadline)?,
            (auth, true) => {
                let pin = self.pin.lock().clone();
                let pin = pin.ok_or_else(|| Error::new(Kind::Unauthenticated, "nobody is logged in"))?;
                match auth {
                    Auth::Token(_) => Token::found(pin),
                    _ => self.login(Some(&pin), deadline)?,
                }
            }
        };
        // Its file may have got another since; the same one is refused again.
        match refused.is_some_and(|refused| refused.text == token.text) {
            true => Err(Error::new(
                Kind::Unauthenticated,
                "the server does not take the token: it is wrong, expired or revoked",
            )),
            false => Ok(token),
        }
    }

    /// The token that the secret of `pin = "secret"` is, or gets.
    pub(super) fn login_with_pin(&self, secret: &SecretText, deadline: Deadline) -> Result<Token> {
        if !matches!(self.settings.auth, Auth::Token(_)) {
            return self.login(Some(secret), deadline);
        }
        let token = Token::found(secret.clone());
        let path = "auth/token/lookup-self";
        let attempt = |limit| answer::judge(path, self.send("GET", path, None, Some(&token), limit)?);
        match self.caller.call(Repeat::Always, deadline, attempt) {
            Ok(_) => Ok(token),
            // Without the policy `default` a token may not look at itself: the server knows it.
            Err(error) if error.kind() == Kind::Denied => Ok(token),
            Err(error) => Err(error),
        }
    }

    /// Renews a token that lasts, for at least half of what it had: near its maximum a login gets more.
    fn renew(&self, old: &Token, deadline: Deadline) -> Option<Token> {
        let before = old.renewable()?;
        let begun = Instant::now();
        let answer = self.exchange("POST", "auth/token/renew-self", Some(b"{}"), Some(old), deadline);
        match answer.and_then(|answer| granted(&answer, begun)) {
            Ok((token, duration)) if duration >= before / 2 => Some(token),
            Ok(_) => None,
            Err(error) => {
                tracing::debug!("the token can't be renewed: {error}");
                None
            }
        }
    }

    fn login(&self, pin: Option<&SecretText>, deadline: Deadline) -> Result<Token> {
        let (mount, request) = match &self.settings.auth {
            Auth::Token(_) => return Err(Error::new(Kind::Configuration, "auth = \"token\" has no login")),
            Auth::AppRole { mount, role_id, secret_id } => {
                let role_id = match role_id {
                    RoleId::Text(text) => text.as_str().into(),
                    RoleId::File(path) => file(path)?,
                };
                let secret_id = match (pin, secret_id) {
                    (Some(pin), _) => Some(pin.clone()),
                    (None, Some(source)) => Some(self.secret(source)?),
                    (None, None) => None,
                };
                (mount, body(&AppRole { role_id: &role_id, secret_id: secret_id.as_deref() }, BODY)?)
            }
            Auth::Kubernetes { mount, role, jwt_file } => {
                let jwt = file(jwt_file)?;
                (mount, body(&Kubernetes { role, jwt: &jwt }, BODY + jwt.len())?)
            }
            Auth::Cert { mount, role } => (mount, body(&Cert { name: role.as_deref() }, BODY)?),
        };
        let begun = Instant::now();
        let path = format!("auth/{mount}/login");
        let answer = self.exchange("POST", &path, Some(&request), None, deadline)?;
        granted(&answer, begun).map(|(token, _)| token)
    }

    /// A request about credentials: whatever the server refuses in it are the credentials.
    fn exchange(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&[u8]>,
        token: Option<&Token>,
        deadline: Deadline,
    ) -> Result<Response> {
        let attempt = |limit| answer::judge(path, self.send(method, path, body, token, limit)?);
        self.caller.call(Repeat::Always, deadline, attempt).map_err(|error| match error.kind() {
            Kind::Denied | Kind::Refused => error.with_kind(Kind::Unauthenticated),
            _ => error,
        })
    }

    /// The configured place, or the usual ones.
    fn find_token(&self, source: Option<&Source>) -> Result<SecretText> {
        if let Some(source) = source {
            return self.secret(source);
        }
        if let Some(token) = self.variable("TOKEN").map(Zeroizing::new) {
            return header_text(token.as_bytes()).ok_or_else(|| unusable("BAO_TOKEN or VAULT_TOKEN"));
        }
        match self.environment.home().map(|home| home.join(".vault-token")) {
            Some(path) if path.exists() => file(&path),
            _ => Err(Error::new(
                Kind::Unauthenticated,
                "no token: neither token_file nor token_env is set, nor BAO_TOKEN, VAULT_TOKEN or ~/.vault-token",
            )),
        }
    }

    fn secret(&self, source: &Source) -> Result<SecretText> {
        match source {
            Source::File(path) => file(path),
            Source::Variable(name) => {
                let value = self.environment.var(name).map(Zeroizing::new);
                let value = value.ok_or_else(|| {
                    Error::new(Kind::Unauthenticated, format!("the environment variable {name} is not set"))
                })?;
                header_text(value.as_bytes()).ok_or_else(|| unusable(name))
            }
        }
    }
}

fn granted(answer: &Response, begun: Instant) -> Result<(Token, Duration)> {
    let grant = text::from_json::<Granted>("login", &answer.body)?.auth;
    let duration = Duration::from_secs(grant.lease_duration);
    Ok((Token::granted(grant.client_token, begun, duration, grant.renewable), duration))
}

/// A file that holds a secret and perhaps a line's end.
fn file(path: &Path) -> Result<SecretText> {
    let bytes = std::fs::read(path)
        .map(Zeroizing::new)
        .map_err(|error| Error::new(Kind::Unauthenticated, format!("{}: {error}", path.display())))?;
    header_text(bytes.trim_ascii()).ok_or_else(|| unusable(&path.display().to_string()))
}

/// What may stand in a header, as tokens do, or in a login.
pub(super) fn header_text(bytes: &[u8]) -> Option<SecretText> {
    let is_plain = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(bytes).ok().filter(|_| is_plain).map(SecretText::from)
}

fn unusable(place: &str) -> Error {
    Error::new(Kind::Unauthenticated, format!("{place}: holds no token or ID"))
}
