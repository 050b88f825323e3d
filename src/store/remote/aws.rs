//! Documents as secrets of AWS Secrets Manager.
//!
//! PutSecretValue has no condition, but a version's ID is the caller's choice, and a version never changes: a second one
//! of the same ID with another content is refused (ResourceExistsException). So the ID of what follows a version is
//! made from that version's: of two writers that follow the same one, the service takes the first. CreateSecret does the
//! same for the first version. A request that is repeated is the same request.
//!
//! A secret takes about a hundred versions a day. The manifest is therefore a chain of secrets: the [`LINK`]-th version
//! of one is its last, and what follows it is the first version of the next. The first secret of the chain in the end
//! names a later one; those between are deleted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};

use super::MANIFEST;
use super::documents::{Document, Documents, Limits, Version};
use crate::cloud::aws::{Aws, SECRETS_MANAGER};
use crate::cloud::{Connection, Deadline, Error, Kind, Repeat, Response, Result, text};
use crate::config::{self, SlotReader};
use crate::crypto::{self, Hash};

/// A secret has at most 65,536 bytes.
const LIMITS: Limits = Limits { document: 65_000, chunk: 60_000 };
/// Versions of one secret of the chain.
const LINK: u32 = 60;
/// Secrets of the chain that are looked at in a row, before it is said to change faster than it can be read.
const HOPS: usize = 24;

/// Writing a version that has its ID may be repeated. Who does it has to know, though, that an attempt before the one
/// that was refused may have arrived.
const WRITE: Repeat = Repeat::Unsent;

struct AwsDocuments {
    aws: Aws,
    prefix: String,
    kms_key: Option<String>,
    total: Duration,
    /// The secret of the chain where the manifest was last.
    link: AtomicU32,
}

/// Reads `prefix`, `kms_key` and AWS's own keys.
pub(super) fn open(
    reader: &mut SlotReader<'_>,
    connection: Connection,
) -> config::Result<Arc<dyn Documents>> {
    let total = connection.limits.total;
    let prefix = reader.required_text("prefix")?.to_owned();
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte);
    if !prefix.bytes().all(is_good) || prefix.len() > 400 {
        return Err(reader.refuse("prefix: names of secrets have letters, digits and /_+=.@-"));
    }
    let kms_key = reader.text("kms_key")?.map(str::to_owned);
    let aws = Aws::read(reader, connection)?;
    Ok(Arc::new(AwsDocuments { aws, prefix, kms_key, total, link: AtomicU32::new(0) }))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Create<'a> {
    name: &'a str,
    client_request_token: &'a str,
    secret_binary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Put<'a> {
    secret_id: &'a str,
    client_request_token: &'a str,
    secret_binary: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Get<'a> {
    secret_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Delete<'a> {
    secret_id: &'a str,
    force_delete_without_recovery: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    version_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Got {
    version_id: String,
    #[serde(default)]
    secret_binary: String,
}

/// What a secret of the chain says.
enum Link {
    /// The manifest, as the so-many-th version of this secret.
    Manifest(u32, Vec<u8>),
    /// That a later secret has it.
    Moved(u32),
}

/// Where a version of the manifest is: the secret of the chain, the number in it, the version's ID.
struct Position<'a> {
    link: u32,
    number: u32,
    id: &'a str,
}

impl Position<'_> {
    fn of(version: &Version) -> Option<Position<'_>> {
        let (link, rest) = version.0.split_once('/')?;
        let (number, id) = rest.split_once('/')?;
        Some(Position { link: link.parse().ok()?, number: number.parse().ok()?, id })
    }

    fn version(&self) -> Version {
        Version(format!("{}/{}/{}", self.link, self.number, self.id))
    }
}

impl Link {
    fn encode(&self) -> Vec<u8> {
        let (kind, number, content) = match self {
            Link::Manifest(number, content) => (b'm', number, content.as_slice()),
            Link::Moved(link) => (b'>', link, &[][..]),
        };
        [&[kind][..], &number.to_be_bytes(), content].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Link> {
        let foreign = || Error::new(Kind::Corrupt, "the secret is none of keyward's");
        let (kind, rest) = bytes.split_first().ok_or_else(foreign)?;
        let (number, content) = rest.split_first_chunk().ok_or_else(foreign)?;
        let number = u32::from_be_bytes(*number);
        match kind {
            b'm' => Ok(Link::Manifest(number, content.to_vec())),
            b'>' if number > 0 => Ok(Link::Moved(number)),
            _ => Err(foreign()),
        }
    }
}

/// The ID of the one version that may follow what these words name.
fn version_id(words: &[&[u8]]) -> String {
    let digest = crypto::digest(Hash::Sha256, &words.concat());
    text::hex(digest.get(..16).unwrap_or_default())
}

/// The ID of the version that follows this one.
fn after(id: &str) -> String {
    version_id(&[b"after ", id.as_bytes()])
}

/// The number of the secret that follows one in the chain. It comes out of a document.
fn next_of(link: u32) -> Result<u32> {
    link.checked_add(1).ok_or_else(|| Error::new(Kind::Corrupt, "the secret is none of keyward's"))
}

impl AwsDocuments {
    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A secret of the chain. The first has the manifest's own name.
    fn link_name(&self, link: u32) -> String {
        match link {
            0 => self.name(MANIFEST),
            link => self.name(&format!("{MANIFEST}-{link}")),
        }
    }

    fn call(
        &self,
        operation: &str,
        body: &impl Serialize,
        repeat: Repeat,
        deadline: Deadline,
    ) -> Result<Response> {
        let body = serde_json::to_vec(body)
            .map_err(|_| Error::new(Kind::Configuration, "the request has no form in JSON"))?;
        self.aws.call(&SECRETS_MANAGER, operation, &body, repeat, deadline)
    }

    fn get(&self, name: &str, deadline: Deadline) -> Result<Option<(Vec<u8>, String)>> {
        let answer = match self.call("GetSecretValue", &Get { secret_id: name }, Repeat::Always, deadline) {
            Ok(answer) => answer,
            Err(error) if error.kind() == Kind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let got: Got = text::from_json("GetSecretValue", &answer.body)?;
        let bytes = Base64::decode_vec(&got.secret_binary)
            .map_err(|_| Error::new(Kind::Corrupt, format!("{name}: the secret is not Base64")))?;
        Ok(Some((bytes, got.version_id)))
    }

    fn get_link(&self, link: u32, deadline: Deadline) -> Result<Option<(Link, String)>> {
        let got = self.get(&self.link_name(link), deadline)?;
        got.map(|(bytes, id)| Ok((Link::decode(&bytes)?, id))).transpose()
    }

    /// A secret's first version.
    fn create(&self, name: &str, bytes: &[u8], id: &str, deadline: Deadline) -> Result<String> {
        let secret_binary = Base64::encode_string(bytes);
        let kms_key_id = self.kms_key.as_deref();
        let body = Create { name, client_request_token: id, secret_binary: &secret_binary, kms_key_id };
        let answer = self.call("CreateSecret", &body, WRITE, deadline)?;
        Ok(text::from_json::<Written>("CreateSecret", &answer.body)?.version_id)
    }

    /// A further version.
    fn put(&self, name: &str, bytes: &[u8], id: &str, deadline: Deadline) -> Result<String> {
        let secret_binary = Base64::encode_string(bytes);
        let body = Put { secret_id: name, client_request_token: id, secret_binary: &secret_binary };
        let answer =
            self.call("PutSecretValue", &body, WRITE, deadline).map_err(|error| match error.kind() {
                // The secret was deleted since it was read.
                Kind::NotFound => error.with_kind(Kind::Conflict),
                _ => error,
            })?;
        Ok(text::from_json::<Written>("PutSecretValue", &answer.body)?.version_id)
    }

    fn remove(&self, name: &str, deadline: Deadline) -> Result<()> {
        let body = Delete { secret_id: name, force_delete_without_recovery: true };
        match self.call("DeleteSecret", &body, Repeat::Always, deadline) {
            Err(error) if error.kind() != Kind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn read_manifest(&self, deadline: Deadline) -> Result<Option<Document>> {
        let mut link = self.link.load(Ordering::Relaxed);
        for _ in 0..HOPS {
            let (found, id) = match self.get_link(link, deadline)? {
                Some(found) => found,
                None if link == 0 => return Ok(None),
                None => {
                    link = 0;
                    continue;
                }
            };
            let (number, bytes) = match found {
                Link::Manifest(number, bytes) => (number, bytes),
                Link::Moved(to) => {
                    link = to;
                    continue;
                }
            };
            if number >= LINK - 1 {
                let next = next_of(link)?;
                if self.get_link(next, deadline)?.is_some() {
                    link = next;
                    continue;
                }
            }
            self.link.store(link, Ordering::Relaxed);
            return Ok(Some(Document { bytes, version: Position { link, number, id: &id }.version() }));
        }
        Err(Error::new(Kind::Unavailable, "the manifest's secrets change faster than they can be read"))
    }

    fn write_manifest(
        &self,
        bytes: &[u8],
        expected: Option<&Version>,
        deadline: Deadline,
    ) -> Result<Version> {
        let content = |number| Link::Manifest(number, bytes.to_vec()).encode();
        let Some(expected) = expected else {
            let id = version_id(&[b"first ", bytes]);
            let id = self.create(&self.link_name(0), &content(0), &id, deadline)?;
            return Ok(Position { link: 0, number: 0, id: &id }.version());
        };
        let before = Position::of(expected).ok_or_else(|| Error::new(Kind::Conflict, "no version"))?;
        let id = after(before.id);
        let (link, number) = match before.number.checked_add(1) {
            Some(number) if number < LINK => (before.link, number),
            _ => (next_of(before.link)?, 0),
        };
        let name = self.link_name(link);
        let id = match number {
            0 => self.create(&name, &content(0), &id, deadline)?,
            number => self.put(&name, &content(number), &id, deadline)?,
        };
        if number == 0 {
            self.check_end(link, deadline)?;
            if let Err(error) = self.shorten(link, deadline) {
                let place = self.place();
                tracing::debug!("{place}: the chain of secrets stays longer than it need be: {error}");
            }
        }
        Ok(Position { link, number, id: &id }.version())
    }

    /// After a secret of the chain was made: whether it is the chain's end. Its name is free again once the chain has gone
    /// on beyond it; what is written there then is seen by nobody, and is removed.
    ///
    /// That may also happen to one that was the end when it was made. [`Kind::Corrupt`] says that nobody knows, and that
    /// to write it once more does not help.
    fn check_end(&self, link: u32, deadline: Deadline) -> Result<()> {
        let unknown = |error: Error| error.with_kind(Kind::Broken);
        match self.get_link(0, deadline).map_err(unknown)? {
            Some((Link::Moved(to), _)) if to > link => {
                self.remove(&self.link_name(link), deadline).map_err(unknown)?;
                Err(Error::new(Kind::Corrupt, "others wrote much more meanwhile"))
            }
            _ => Ok(()),
        }
    }

    /// Lets the first secret of the chain name this one, and deletes those between. It names ever later ones only, or a
    /// chain could lead to one that is gone.
    fn shorten(&self, link: u32, deadline: Deadline) -> Result<()> {
        let Some((first, id)) = self.get_link(0, deadline)? else { return Ok(()) };
        let from = match first {
            Link::Manifest(..) => 1,
            Link::Moved(to) => to,
        };
        if from < link || matches!(first, Link::Manifest(..)) {
            self.put(&self.link_name(0), &Link::Moved(link).encode(), &after(&id), deadline)?;
        }
        (from..link).try_for_each(|old| self.remove(&self.link_name(old), deadline))
    }
}

impl Documents for AwsDocuments {
    fn place(&self) -> String {
        format!("aws secrets {}", self.prefix)
    }

    fn identity(&self) -> String {
        format!("{} secrets {}", self.aws.identity(), self.prefix)
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(self.total)
    }

    fn read(&self, name: &str, deadline: Deadline) -> Result<Option<Document>> {
        if name == MANIFEST {
            return self.read_manifest(deadline);
        }
        let got = self.get(&self.name(name), deadline)?;
        Ok(got.map(|(bytes, id)| Document { bytes, version: Version(id) }))
    }

    fn write(
        &self,
        name: &str,
        bytes: &[u8],
        expected: Option<&Version>,
        deadline: Deadline,
    ) -> Result<Version> {
        if name == MANIFEST {
            return self.write_manifest(bytes, expected, deadline);
        }
        let name = self.name(name);
        match expected {
            None => self.create(&name, bytes, &version_id(&[b"first ", bytes]), deadline),
            Some(before) => self.put(&name, bytes, &after(&before.0), deadline),
        }
        .map(Version)
    }

    fn delete(&self, name: &str, deadline: Deadline) -> Result<()> {
        self.remove(&self.name(name), deadline)
    }
}
