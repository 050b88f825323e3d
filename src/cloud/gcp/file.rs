//! Credential files: a service account's key, a user's refresh token, a foreign identity (workload identity
//! federation), an account that acts as another.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::cloud::bearer::Fetched;
use crate::cloud::oauth::{exchange, jwt_rs256, refusal, rsa_key};
use crate::cloud::text::from_json;
use crate::cloud::{Deadline, Error, Http, HttpSettings, Kind, Request, Result, SecretText};
use crate::types::unix_now;

const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
const STS_URL: &str = "https://sts.googleapis.com/v1/token";
/// What an identity needs that only asks for another's token.
const IAM_SCOPE: &str = "https://www.googleapis.com/auth/iam";
/// The longest time that an assertion and, by default, a token may be good for.
const HOUR: u64 = 3600;

/// A file of any type, as gcloud and the console write it. The types share few fields.
#[derive(Deserialize)]
pub(super) struct File {
    #[serde(rename = "type")]
    kind: String,
    client_email: Option<String>,
    private_key: Option<SecretText>,
    private_key_id: Option<String>,
    token_uri: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretText>,
    refresh_token: Option<SecretText>,
    audience: Option<String>,
    subject_token_type: Option<String>,
    token_url: Option<String>,
    credential_source: Option<Source>,
    service_account_impersonation_url: Option<String>,
    service_account_impersonation_options: Option<ImpersonationOptions>,
    #[serde(default)]
    delegates: Vec<String>,
    source_credentials: Option<Box<File>>,
}

/// Where a foreign identity's token is.
#[derive(Deserialize)]
struct Source {
    file: Option<String>,
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    format: Format,
}

#[derive(Deserialize, Default)]
struct Format {
    #[serde(default, rename = "type")]
    kind: String,
    subject_token_field_name: Option<String>,
}

#[derive(Deserialize)]
struct ImpersonationOptions {
    token_lifetime_seconds: Option<u64>,
}

impl File {
    /// [`Kind::Configuration`].
    pub(super) fn read(path: &Path) -> Result<File> {
        let refused = |why: String| Error::new(Kind::Configuration, format!("{}: {why}", path.display()));
        let text = std::fs::read(path).map(Zeroizing::new).map_err(|error| refused(error.to_string()))?;
        from_json("credentials", &text).map_err(|_| refused("no Google credentials in JSON".to_owned()))
    }

    fn need<'a, T: ?Sized>(&self, name: &str, field: Option<&'a T>) -> Result<&'a T> {
        field.ok_or_else(|| self.refused(&format!("lack {name}")))
    }

    fn refused(&self, why: &str) -> Error {
        Error::new(Kind::Configuration, format!("the Google credentials of type {} {why}", self.kind))
    }
}

/// A token for a scope.
pub(super) fn token(http: &Http, file: &File, scope: &str, deadline: Deadline) -> Result<Fetched> {
    match file.kind.as_str() {
        "service_account" => service_account(http, file, scope, deadline),
        "authorized_user" => authorized_user(http, file, deadline),
        "external_account" => external_account(http, file, scope, deadline),
        "impersonated_service_account" => impersonated(http, file, scope, deadline),
        _ => Err(file.refused("are of no type that is known here")),
    }
}

/// RFC 7523: an assertion signed with the account's key.
fn service_account(http: &Http, file: &File, scope: &str, deadline: Deadline) -> Result<Fetched> {
    #[derive(Serialize)]
    struct Header<'a> {
        alg: &'a str,
        typ: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        kid: Option<&'a str>,
    }
    #[derive(Serialize)]
    struct Claims<'a> {
        iss: &'a str,
        scope: &'a str,
        aud: &'a str,
        iat: u64,
        exp: u64,
    }
    let url = file.token_uri.as_deref().unwrap_or(TOKEN_URL);
    let pem = file.need("private_key", file.private_key.as_ref())?;
    let key = rsa_key("the service account's private_key", pem)?;
    let now = unix_now();
    let iss = file.need("client_email", file.client_email.as_deref())?;
    let claims = Claims { iss, scope, aud: url, iat: now, exp: now + HOUR };
    let header = Header { alg: "RS256", typ: "JWT", kid: file.private_key_id.as_deref() };
    let assertion = jwt_rs256(&header, &claims, &key)?;
    let fields = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &*assertion)];
    exchange(http, url, &fields, deadline)
}

fn authorized_user(http: &Http, file: &File, deadline: Deadline) -> Result<Fetched> {
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", file.need("client_id", file.client_id.as_deref())?),
        ("client_secret", file.need("client_secret", file.client_secret.as_ref())?),
        ("refresh_token", file.need("refresh_token", file.refresh_token.as_ref())?),
    ];
    exchange(http, file.token_uri.as_deref().unwrap_or(TOKEN_URL), &fields, deadline)
}

/// RFC 8693: a foreign identity's token for Google's, and that for a service account's if one is named.
fn external_account(http: &Http, file: &File, scope: &str, deadline: Deadline) -> Result<Fetched> {
    let subject = subject_token(http, file, deadline)?;
    let acts_as = file.service_account_impersonation_url.as_deref();
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("audience", file.need("audience", file.audience.as_deref())?),
        ("scope", if acts_as.is_some() { IAM_SCOPE } else { scope }),
        ("subject_token", &*subject),
        ("subject_token_type", file.need("subject_token_type", file.subject_token_type.as_deref())?),
    ];
    let own = exchange(http, file.token_url.as_deref().unwrap_or(STS_URL), &fields, deadline)?;
    match acts_as {
        Some(url) => act_as(http, file, url, &own.token, scope, deadline),
        None => Ok(own),
    }
}

fn subject_token(http: &Http, file: &File, deadline: Deadline) -> Result<SecretText> {
    let source = file.need("credential_source", file.credential_source.as_ref())?;
    let body = match (&source.file, &source.url) {
        (Some(path), _) => {
            let failed = |error: std::io::Error| file.refused(&format!("name {path}, where: {error}"));
            Zeroizing::new(std::fs::read(path).map_err(failed)?)
        }
        (None, Some(url)) => from_url(http, url, &source.headers, deadline)?,
        (None, None) => {
            return Err(file.refused(
                "take the identity from a program, a certificate or AWS: that is not supported, a file or a URL is",
            ));
        }
    };
    match source.format.kind.as_str() {
        "" | "text" => match std::str::from_utf8(&body) {
            Ok(text) if !text.trim().is_empty() => Ok(text.trim().into()),
            _ => Err(file.refused("have an empty token at their source")),
        },
        "json" => {
            let name = source.format.subject_token_field_name.as_deref();
            let name = file.need("subject_token_field_name", name)?;
            let mut fields: BTreeMap<String, Field> = from_json("the subject token's source", &body)?;
            match fields.remove(name) {
                Some(Field::Text(token)) => Ok(token),
                _ => Err(file.refused("have no token at their source, in the field that they name")),
            }
        }
        _ => Err(file.refused("have a credential_source of another format than text and json")),
    }
}

/// A JSON document's fields, of which one is the token.
#[derive(Deserialize)]
#[serde(untagged)]
enum Field {
    Text(SecretText),
    Other(serde::de::IgnoredAny),
}

fn from_url(
    http: &Http,
    url: &str,
    headers: &BTreeMap<String, String>,
    deadline: Deadline,
) -> Result<Zeroizing<Vec<u8>>> {
    // The names are the file's own, and requests have static ones: the few that identity providers ask for.
    const NAMES: &[&str] = &["authorization", "metadata", "metadata-flavor", "accept", "x-identity-header"];
    let mut request = Request::new("GET", url, &[]);
    for (name, value) in headers {
        let Some(known) = NAMES.iter().find(|known| known.eq_ignore_ascii_case(name)) else {
            let why = format!("credential_source: the header {name} is not supported");
            return Err(Error::new(Kind::Configuration, why));
        };
        request = request.header(known, value.as_str());
    }
    // What is not encrypted is this machine's own service: a proxy would get the token to read.
    let direct = Http::new(HttpSettings { proxy: false, ..HttpSettings::default() });
    let http = if url.starts_with("http://") { &direct } else { http };
    let answer = http.send(&request, deadline.left())?;
    match answer.is_success() {
        true => Ok(answer.body),
        false => Err(refusal("the subject token's URL", &answer)),
    }
}

/// One account, named by `source_credentials`, that acts as another.
fn impersonated(http: &Http, file: &File, scope: &str, deadline: Deadline) -> Result<Fetched> {
    let source = file.need("source_credentials", file.source_credentials.as_deref())?;
    let url = file.service_account_impersonation_url.as_deref();
    let url = file.need("service_account_impersonation_url", url)?;
    if source.kind == file.kind {
        return Err(file.refused("have source_credentials of the same type"));
    }
    let own = token(http, source, IAM_SCOPE, deadline)?;
    act_as(http, file, url, &own.token, scope, deadline)
}

/// IAM's generateAccessToken.
fn act_as(
    http: &Http,
    file: &File,
    url: &str,
    token: &str,
    scope: &str,
    deadline: Deadline,
) -> Result<Fetched> {
    #[derive(Serialize)]
    struct Wanted<'a> {
        delegates: &'a [String],
        scope: [&'a str; 1],
        lifetime: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Granted {
        access_token: SecretText,
    }
    let options = file.service_account_impersonation_options.as_ref();
    let lifetime = options.and_then(|options| options.token_lifetime_seconds).unwrap_or(HOUR);
    let wanted = Wanted { delegates: &file.delegates, scope: [scope], lifetime: format!("{lifetime}s") };
    let body = serde_json::to_vec(&wanted).map_err(|_| file.refused("make no request"))?;
    let request = Request::new("POST", url, &body)
        .header("authorization", ["Bearer ", token].concat())
        .header("content-type", "application/json");
    let answer = http.send(&request, deadline.left())?;
    if !answer.is_success() {
        // A missing role on the account, or no such account: nothing that the key's own error would say.
        let error = super::error::of(&answer);
        return Err(match error.is_temporary() {
            true => error,
            false => error.with_kind(Kind::Unauthenticated),
        });
    }
    let granted: Granted = from_json("IAM", &answer.body)?;
    Ok(Fetched { token: granted.access_token, lasts: Duration::from_secs(lifetime) })
}
