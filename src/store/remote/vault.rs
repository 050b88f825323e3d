//! Documents in a KV engine, version 2, of HashiCorp Vault or OpenBao.
//!
//! Compare-and-set is the engine's own. Only the manifest is ever written twice; its history is cut to one version.

use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};

use super::documents::{Document, Documents, Limits, Version};
use crate::cloud::vault::{self, Vault};
use crate::cloud::{Connection, Deadline, Error, Kind, Repeat, Result, text};
use crate::config::{self, SlotReader};

/// In Base64 and JSON it is below the 512 KiB that every storage of the servers takes.
const LIMITS: Limits = Limits { document: 384 << 10, chunk: 96 << 10 };

struct VaultDocuments {
    vault: Vault,
    /// Of the engine, without slashes around it.
    mount: String,
    /// Percent-encoded.
    path: String,
    total: Duration,
}

/// Reads `mount`, `path` and the server's own keys.
pub(super) fn open(
    reader: &mut SlotReader<'_>,
    connection: Connection,
) -> config::Result<Arc<dyn Documents>> {
    let total = connection.limits.total;
    let mount = reader.text("mount")?.unwrap_or("secret").trim_matches('/').to_owned();
    let path = reader.required_text("path")?.trim_matches('/');
    if mount.is_empty() || path.is_empty() || path.split('/').any(str::is_empty) {
        return Err(reader.refuse("mount and path are names with single slashes between them"));
    }
    let path = path.split('/').map(text::percent).collect::<Vec<_>>().join("/");
    Ok(Arc::new(VaultDocuments { vault: Vault::read(reader, connection)?, mount, path, total }))
}

#[derive(Serialize, Deserialize)]
struct Content {
    document: String,
}

#[derive(Deserialize)]
struct Read {
    data: Option<Content>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
}

#[derive(Serialize)]
struct Write<'a> {
    options: Options,
    data: &'a Content,
}

#[derive(Serialize)]
struct Options {
    cas: u64,
}

impl VaultDocuments {
    fn at(&self, kind: &str, name: &str) -> String {
        format!("{}/{kind}/{}/{name}", self.mount, self.path)
    }

    /// What a change replaces would stay readable: deleted keys, PINs that were changed.
    fn keep_no_history(&self, name: &str, deadline: Deadline) {
        let settings = br#"{"max_versions":1,"cas_required":true}"#;
        let path = self.at("metadata", name);
        let answer = self.vault.call("POST", &path, Some(settings), Repeat::Always, deadline);
        if let Err(error) = answer {
            tracing::warn!("the history of {} stays in the server: {error}", self.place());
        }
    }
}

impl Documents for VaultDocuments {
    fn place(&self) -> String {
        format!("vault {}/{}", self.mount, self.path)
    }

    fn identity(&self) -> String {
        format!("vault {} {}/{}", self.vault.identity(), self.mount, self.path)
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(self.total)
    }

    fn read(&self, name: &str, deadline: Deadline) -> Result<Option<Document>> {
        let path = self.at("data", name);
        let found = self.vault.document("GET", &path, None, Repeat::Always, deadline)?;
        let Some(answer) = found else { return Ok(None) };
        let Read { data, metadata } = vault::data(&path, &answer)?;
        let Some(Content { document }) = data else { return Ok(None) };
        let bytes = Base64::decode_vec(&document)
            .map_err(|_| Error::new(Kind::Corrupt, format!("{path}: the document is not Base64")))?;
        Ok(Some(Document { bytes, version: Version(metadata.version.to_string()) }))
    }

    fn write(
        &self,
        name: &str,
        bytes: &[u8],
        expected: Option<&Version>,
        deadline: Deadline,
    ) -> Result<Version> {
        let cas = match expected {
            Some(version) => version.0.parse().map_err(|_| Error::new(Kind::Conflict, "no version"))?,
            None => 0,
        };
        let data = Content { document: Base64::encode_string(bytes) };
        let body = vault::body(&Write { options: Options { cas }, data: &data }, data.document.len() + 128)?;
        if expected.is_none() && name == super::MANIFEST {
            self.keep_no_history(name, deadline);
        }
        let path = self.at("data", name);
        let written = self.vault.document("POST", &path, Some(&body), Repeat::Unsent, deadline)?;
        let answer = written.ok_or_else(|| Error::new(Kind::Unavailable, format!("{path}: HTTP 404")))?;
        if answer.status == 204 {
            // Version 1 stores what it gets, and compares nothing.
            let why = format!("{} is not a KV engine of version 2", self.mount);
            return Err(Error::new(Kind::Configuration, why));
        }
        let Metadata { version } = vault::data(&path, &answer)?;
        Ok(Version(version.to_string()))
    }

    fn delete(&self, name: &str, deadline: Deadline) -> Result<()> {
        let path = self.at("metadata", name);
        match self.vault.call("DELETE", &path, None, Repeat::Always, deadline) {
            Err(error) if error.kind() != Kind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
