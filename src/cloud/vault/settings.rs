//! The keys of a `[[slot]]` that say how one logs in. None of them holds a secret.

use std::path::PathBuf;

use super::mount_path;
use crate::cloud::Connection;
use crate::config::{Result, SlotReader};

/// Where Kubernetes puts a pod's token.
const POD_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// What the configuration says.
#[derive(Debug)]
pub(super) struct Settings {
    pub connection: Connection,
    pub namespace: Option<String>,
    pub auth: Auth,
    /// The certificate chain and its key, for TLS.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
}

/// How a token is got.
#[derive(Debug)]
pub(super) enum Auth {
    /// It is there: in this place, or the usual ones.
    Token(Option<Source>),
    AppRole {
        mount: String,
        role_id: RoleId,
        secret_id: Option<Source>,
    },
    Kubernetes {
        mount: String,
        role: String,
        jwt_file: PathBuf,
    },
    Cert {
        mount: String,
        role: Option<String>,
    },
}

/// Where a secret is.
#[derive(Debug)]
pub(super) enum Source {
    File(PathBuf),
    Variable(String),
}

/// A role ID is no secret, but is often put beside one.
#[derive(Debug)]
pub(super) enum RoleId {
    Text(String),
    File(PathBuf),
}

#[derive(Clone, Copy)]
enum Way {
    Token,
    AppRole,
    Kubernetes,
    Cert,
}

impl Settings {
    /// Keys of another `auth` than the one that is set are unknown ones.
    pub fn read(reader: &mut SlotReader<'_>, connection: Connection) -> Result<Settings> {
        let namespace = reader.text("namespace")?.map(str::to_owned);
        let ways = [
            ("token", Way::Token),
            ("approle", Way::AppRole),
            ("kubernetes", Way::Kubernetes),
            ("cert", Way::Cert),
        ];
        let way = reader.one_of("auth", &ways)?.unwrap_or(Way::Token);
        if connection.secret_pin && matches!(way, Way::Kubernetes | Way::Cert) {
            return Err(reader
                .refuse("pin = \"secret\" is for auth = \"token\" (a token) and \"approle\" (a secret ID)"));
        }
        let client_certificate = match (reader.path("client_cert")?, reader.path("client_key")?) {
            (Some(chain), Some(key)) => Some((chain, key)),
            (None, None) => None,
            _ => return Err(reader.refuse("client_cert and client_key go together")),
        };
        let auth = match way {
            Way::Token => Auth::Token(source(reader, "token_file", "token_env")?),
            Way::AppRole => Auth::AppRole {
                mount: mount(reader, "approle")?,
                role_id: role_id(reader)?,
                secret_id: source(reader, "secret_id_file", "secret_id_env")?,
            },
            Way::Kubernetes => Auth::Kubernetes {
                mount: mount(reader, "kubernetes")?,
                role: reader.required_text("role")?.to_owned(),
                jwt_file: reader.path("jwt_file")?.unwrap_or_else(|| POD_TOKEN.into()),
            },
            Way::Cert => {
                Auth::Cert { mount: mount(reader, "cert")?, role: reader.text("role")?.map(str::to_owned) }
            }
        };
        Ok(Settings { connection, namespace, auth, client_certificate })
    }
}

fn mount(reader: &mut SlotReader<'_>, default: &str) -> Result<String> {
    Ok(mount_path(reader.text("auth_mount")?.unwrap_or(default)))
}

fn role_id(reader: &mut SlotReader<'_>) -> Result<RoleId> {
    match (reader.text("role_id")?, reader.path("role_id_file")?) {
        (Some(text), None) => Ok(RoleId::Text(text.to_owned())),
        (None, Some(path)) => Ok(RoleId::File(path)),
        _ => Err(reader.refuse("auth = \"approle\" needs either role_id or role_id_file")),
    }
}

fn source(reader: &mut SlotReader<'_>, file: &'static str, variable: &'static str) -> Result<Option<Source>> {
    match (reader.path(file)?, reader.text(variable)?) {
        (Some(path), None) => Ok(Some(Source::File(path))),
        (None, Some(name)) => Ok(Some(Source::Variable(name.to_owned()))),
        (None, None) => Ok(None),
        _ => Err(reader.refuse(format!("{file} and {variable} exclude each other"))),
    }
}
