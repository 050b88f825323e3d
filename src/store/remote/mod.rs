//! A token in a secret store: documents of a service that many machines share.
//!
//! One document, the manifest, is the token's state: its header, the rows that changed last, and the names of documents
//! with all other rows. Documents of rows are written once, under a name of their own, and never changed. A commit
//! writes new ones, then the manifest by compare-and-set, then deletes those that are no longer named: whatever happens
//! in between, the token is as before or as after, and at worst documents are left that nothing names.
//!
//! The whole token is kept in memory and read from there. Whether somebody committed is asked by [`Store::generation`]
//! and [`Store::header`], at most once in [`Pace`]'s time, by one thread, while the others go on with what is known. A
//! service that is away stops writes only.
//!
//! Locks, in this order: `writer`, held for a transaction with its requests, so that threads of a process need not run
//! into each other's commits; `looking`, held for a request, and never waited for; `known`, held for a look or a change
//! in memory, and while a search's closure runs; `denied`, held for a look.

mod aws;
mod documents;
mod format;
mod pace;
mod state;
#[cfg(test)]
pub(super) mod tests;
mod vault;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};

pub use documents::{Document, Documents, Limits, Version};

use self::format::Manifest;
use self::pace::{Pace, pause};
use self::state::{Changes, Fetched, Plan, State, unreadable};
use super::error::{Error, Result};
use super::rows::bounded;
use super::{Generation, Header, NewRow, Row, RowId, Store, Tag};
use crate::cloud::{self, Connection, Deadline, Kind};
use crate::config::{self, SlotReader};

/// Reads a service's own keys of a `[[slot]]`. Nobody is asked anything.
type Open = fn(&mut SlotReader<'_>, Connection) -> config::Result<Arc<dyn Documents>>;

/// The services by their names in the configuration: `store = "vault"`.
const SERVICES: &[(&str, Open)] = &[("vault", vault::open), ("aws", aws::open)];

/// The documents that a `[[slot]]` names, by `store` and the service's own keys.
pub fn documents(reader: &mut SlotReader<'_>) -> config::Result<Arc<dyn Documents>> {
    let lacks = reader.refuse("lacks store = \"vault\" or \"aws\"");
    let open = reader.one_of("store", SERVICES)?.ok_or(lacks)?;
    let connection = Connection::read(reader)?;
    open(reader, connection)
}

/// The name of the document that changes.
const MANIFEST: &str = "manifest";
/// The longest that a read waits for the service, where there is something to answer without it.
const LOOK_LASTS: Duration = Duration::from_secs(3);
/// How long a service that did not permit a change is taken not to permit the next.
const DENIED_LASTS: Duration = Duration::from_secs(5);
/// How often a token that was there is looked for again.
const LOOKS_FOR_TOKEN: u32 = 2;
/// How often a document that the manifest names is looked for: it is deleted when the manifest changes, and a service
/// may show a new one late.
const LOOKS_FOR_CHUNK: u32 = 8;

/// A token in a service, open.
pub struct RemoteStore {
    documents: Arc<dyn Documents>,
    place: PathBuf,
    pace: Pace,
    writer: Mutex<()>,
    looking: Mutex<()>,
    known: RwLock<Known>,
    /// When the service did not permit the last change.
    denied: Mutex<Option<Instant>>,
    abandoned: AtomicBool,
}

struct Known {
    state: State,
    /// The last look found no token.
    gone: bool,
}

impl RemoteStore {
    /// Reads a token whole. [`Error::Missing`] where there is none, [`Error::Unreached`] where the service is away.
    /// `refresh`: how long it may be unknown that somebody committed.
    pub fn open(documents: Arc<dyn Documents>, refresh: Duration) -> Result<RemoteStore> {
        let place = PathBuf::from(documents.place());
        let deadline = documents.deadline();
        let fetched = fetch(&*documents, &place, None, deadline).map_err(|error| error.at_first(&place))?;
        let fetched = fetched.ok_or(Error::Missing { file: place })?;
        Self::new(documents, refresh, fetched)
    }

    fn new(documents: Arc<dyn Documents>, refresh: Duration, fetched: Fetched) -> Result<RemoteStore> {
        let place = PathBuf::from(documents.place());
        let state = State::new(fetched, &place)?;
        Ok(RemoteStore {
            documents,
            place,
            pace: Pace::new(refresh),
            writer: Mutex::new(()),
            looking: Mutex::new(()),
            known: RwLock::new(Known { state, gone: false }),
            denied: Mutex::new(None),
            abandoned: AtomicBool::new(false),
        })
    }

    /// Writes a new token and opens it. [`Error::Exists`] where there is one: of several that create, one wins.
    pub fn create(documents: Arc<dyn Documents>, refresh: Duration, header: &Header) -> Result<RemoteStore> {
        let place = PathBuf::from(documents.place());
        let deadline = documents.deadline();
        let (manifest, commit) = state::new_token(header)?;
        let written = put(&*documents, MANIFEST, &manifest.encode(), None, deadline);
        let store = match written {
            Ok(Written::As(version)) => {
                return Self::new(documents, refresh, Fetched { version, manifest, rows: BTreeMap::new() });
            }
            Ok(Written::Before { .. }) => Self::open(documents, refresh)?,
            Err(error) => return Err(Failure::Service(error).at_first(&place)),
        };
        let ours = store.known.read().state.recent.contains(&commit);
        if ours { Ok(store) } else { Err(Error::Exists { file: place }) }
    }

    fn usable(&self) -> Result<()> {
        match self.abandoned.load(Ordering::Acquire) {
            true => Err(Error::Abandoned),
            false => Ok(()),
        }
    }

    /// The token as it is known.
    fn known(&self) -> Result<RwLockReadGuard<'_, Known>> {
        self.usable()?;
        let known = self.known.read();
        match known.gone {
            true => Err(Error::Missing { file: self.place.clone() }),
            false => Ok(known),
        }
    }

    /// Asks the service, where it is time to and no other thread does. What is known stays where it does not answer.
    fn look(&self) -> Result<()> {
        if !self.pace.is_due() {
            return Ok(());
        }
        self.usable()?;
        let Some(_one) = self.looking.try_lock() else { return Ok(()) };
        if !self.pace.is_due() {
            return Ok(());
        }
        match self.reload(self.documents.deadline().at_most(LOOK_LASTS)) {
            Ok(()) | Err(Error::Missing { .. }) => self.pace.looked(),
            Err(error) => {
                if self.pace.failed() {
                    tracing::warn!("{error}; going on with what is known of the token");
                }
            }
        }
        Ok(())
    }

    /// Brings what is known to what the service has now, or later.
    fn reload(&self, deadline: Deadline) -> Result<()> {
        loop {
            let fetched = fetch(&*self.documents, &self.place, Some(&self.known), deadline)
                .map_err(|error| error.at(&self.place))?;
            let mut known = self.known.write();
            let Some(fetched) = fetched else {
                known.gone = true;
                return Err(Error::Missing { file: self.place.clone() });
            };
            known.gone = false;
            if !known.state.precedes(&fetched.manifest) {
                return Ok(());
            }
            // A commit of another thread may have dropped a document that was known when the manifest was read.
            if known.state.completes(&fetched) {
                return known.state.install(fetched, &self.place);
            }
        }
    }

    /// Runs one transaction. `f` sees what is stored now; it is run again where somebody else commits meanwhile.
    fn write<T>(&self, mut f: impl FnMut() -> Result<(Changes, T)>) -> Result<T> {
        self.usable()?;
        let (deadline, begun) = (self.documents.deadline(), Instant::now());
        let contended = || Error::Contended { place: self.place.clone(), waited: begun.elapsed() };
        let _writer = self.writer.try_lock_for(deadline.left()).ok_or_else(contended)?;
        for attempt in 0.. {
            self.reload(deadline)?;
            self.pace.looked();
            let base = self.known()?.state.version.clone();
            let (changes, value) = f()?;
            let known = self.known()?;
            let plan = known.state.plan(changes, self.documents.limits(), &self.place)?;
            drop(known);
            // Another thread's look may have brought a newer state while `f` ran.
            if plan.base == base && self.commit(plan, deadline)? {
                return Ok(value);
            }
            if deadline.left().is_zero() {
                break;
            }
            pause(attempt, deadline);
        }
        Err(contended())
    }

    /// Writes a plan's documents. False where somebody else committed first: nothing was changed then.
    fn commit(&self, plan: Plan, deadline: Deadline) -> Result<bool> {
        let names: Vec<_> = plan.written.iter().map(|new| format::chunk_name(new.id)).collect();
        for (name, new) in names.iter().zip(&plan.written) {
            // Where it is there already, an attempt of ours wrote it: the name was drawn for it.
            if let Err(error) = put(&*self.documents, name, &new.bytes, None, deadline) {
                self.discard(&names);
                return Err(self.not_written(error));
            }
        }
        let written = put(&*self.documents, MANIFEST, &plan.manifest, Some(&plan.base), deadline);
        let version = match written {
            Ok(Written::As(version)) => Some(version),
            Ok(Written::Before { ours }) => match self.is_committed(&plan, ours, deadline).map_err(unsure)? {
                true => None,
                false => {
                    self.discard(&names);
                    return Ok(false);
                }
            },
            Err(error) => {
                if !may_have_happened(&error) {
                    self.discard(&names);
                }
                return Err(self.not_written(error));
            }
        };
        let dropped: Vec<_> = plan.dropped.iter().map(|id| format::chunk_name(*id)).collect();
        if let Some(version) = version {
            let mut known = self.known.write();
            // A look may have brought this commit, or a later one, already.
            if known.state.version == plan.base {
                known.state.apply(plan, version);
            }
        }
        self.discard(&dropped);
        *self.denied.lock() = None;
        Ok(true)
    }

    /// Whether the plan is among what followed its base. A service may show it late; before it is known, nothing that the
    /// plan wrote may go. `ours`: an attempt of ours may have arrived.
    fn is_committed(&self, plan: &Plan, ours: bool, deadline: Deadline) -> Result<bool> {
        for attempt in 0.. {
            self.reload(deadline)?;
            let known = self.known()?;
            if known.state.version != plan.base {
                return match known.state.follows(plan) {
                    None if ours => Err(self.never_shown("others changed the token too often to tell")),
                    follows => Ok(follows.unwrap_or(false)),
                };
            }
            drop(known);
            if deadline.left().is_zero() {
                break;
            }
            pause(attempt, deadline);
        }
        Err(self.never_shown("the service does not show what was written last"))
    }

    fn never_shown(&self, why: &str) -> Error {
        Error::Io { file: self.place.clone(), why: why.to_owned() }
    }

    /// [`Error::ReadOnly`] where the service does not permit it.
    fn not_written(&self, error: cloud::Error) -> Error {
        if error.kind() != Kind::Denied {
            return Failure::Service(error).at(&self.place);
        }
        if self.denied.lock().replace(Instant::now()).is_none() {
            tracing::warn!("{}: {error}", self.place.display());
        }
        Error::ReadOnly { file: self.place.clone() }
    }

    /// Deletes documents that nothing names. One that stays does no harm.
    fn discard(&self, names: &[String]) {
        // Not the transaction's own, which may be over.
        let deadline = self.documents.deadline().at_most(LOOK_LASTS);
        for name in names {
            if let Err(error) = self.documents.delete(name, deadline) {
                tracing::warn!(
                    "{}: {name} is no longer needed and could not be deleted: {error}",
                    self.place.display()
                );
            }
        }
    }

    /// A row inside of a transaction.
    fn row(&self, id: RowId) -> Result<Row> {
        self.known()?.state.rows.get(id).ok_or(Error::NotFound)
    }
}

/// What came of writing a document.
enum Written {
    /// It is there, in this version.
    As(Version),
    /// Somebody wrote before; `ours`: it may have been an attempt of ours whose answer was lost.
    Before { ours: bool },
}

/// Writes a document by compare-and-set. Where the answer is lost, the same is sent again: whichever attempt arrives, it
/// is the same change.
fn put(
    documents: &dyn Documents,
    name: &str,
    bytes: &[u8],
    expected: Option<&Version>,
    deadline: Deadline,
) -> cloud::Result<Written> {
    for attempt in 0.. {
        match documents.write(name, bytes, expected, deadline) {
            Ok(version) => return Ok(Written::As(version)),
            Err(error) if error.kind() == Kind::Conflict => {
                return Ok(Written::Before { ours: attempt > 0 });
            }
            Err(error) if !may_have_happened(&error) && attempt == 0 => return Err(error),
            Err(error) if !error.is_temporary() || deadline.left().is_zero() => return Err(lost(&error)),
            Err(_) => pause(attempt, deadline),
        }
    }
    Err(cloud::Error::new(Kind::Broken, "no attempt was made"))
}

fn may_have_happened(error: &cloud::Error) -> bool {
    matches!(error.kind(), Kind::Broken | Kind::Unavailable | Kind::Corrupt)
}

/// What is said wherever a change that is not known to be made may be.
const ALL_THE_SAME: &str = "the change may have been made all the same";

fn lost(error: &cloud::Error) -> cloud::Error {
    cloud::Error::new(Kind::Broken, format!("{error}; {ALL_THE_SAME}"))
}

/// The same of what kept us from finding out.
fn unsure(error: Error) -> Error {
    match error {
        Error::Io { file, why } => Error::Io { file, why: format!("{why}; {ALL_THE_SAME}") },
        Error::Access { file, why } => Error::Access { file, why: format!("{why}; {ALL_THE_SAME}") },
        other => other,
    }
}

/// A service's error, or the store's own.
enum Failure {
    Service(cloud::Error),
    Own(Error),
}

impl Failure {
    fn at(self, place: &Path) -> Error {
        let file = place.to_owned();
        match self {
            Failure::Own(error) => error,
            Failure::Service(error) => {
                let why = error.to_string();
                match error.kind() {
                    Kind::Denied | Kind::Unauthenticated => Error::Access { file, why },
                    _ => Error::Io { file, why },
                }
            }
        }
    }

    /// The same before anything is known of the token.
    fn at_first(self, place: &Path) -> Error {
        match self {
            Failure::Service(error) if matches!(error.kind(), Kind::Unreachable | Kind::Sealed) => {
                Error::Unreached { place: place.to_owned(), why: error.to_string() }
            }
            other => other.at(place),
        }
    }
}

/// The manifest, with the documents that it names and that are not known. `None` where there is no token.
fn fetch(
    documents: &dyn Documents,
    place: &Path,
    known: Option<&RwLock<Known>>,
    deadline: Deadline,
) -> std::result::Result<Option<Fetched>, Failure> {
    let own = |fault| Failure::Own(unreadable(place, fault));
    for attempt in 0.. {
        let Some(found) = documents.read(MANIFEST, deadline).map_err(Failure::Service)? else {
            // A service may show late what was written: a token that was there a moment ago is looked for once more.
            if known.is_some_and(|known| !known.read().gone) && attempt < LOOKS_FOR_TOKEN {
                pause(attempt, deadline);
                continue;
            }
            return Ok(None);
        };
        let manifest = read_manifest(documents, &found.bytes).map_err(own)?;
        let mut fetched = Fetched { version: found.version, manifest, rows: BTreeMap::new() };
        match fetch_rows(documents, place, known, &mut fetched, deadline)? {
            None => return Ok(Some(fetched)),
            Some(missing) if attempt == LOOKS_FOR_CHUNK || deadline.left().is_zero() => {
                return Err(own(format::Fault::Damaged(format!("there is no {missing}"))));
            }
            Some(_) => pause(attempt, deadline),
        }
    }
    Ok(None)
}

/// No document is larger than what is written, or a service could fill the host's memory.
fn read_manifest(documents: &dyn Documents, bytes: &[u8]) -> std::result::Result<Manifest, format::Fault> {
    match bytes.len() > documents.limits().document {
        true => Err(format::Fault::Damaged("it is larger than it can be".into())),
        false => Manifest::decode(bytes),
    }
}

/// Reads the documents of rows that are not known; answers the name of one that is not there.
fn fetch_rows(
    documents: &dyn Documents,
    place: &Path,
    known: Option<&RwLock<Known>>,
    fetched: &mut Fetched,
    deadline: Deadline,
) -> std::result::Result<Option<String>, Failure> {
    for chunk in &fetched.manifest.chunks {
        if known.is_some_and(|known| known.read().state.holds(chunk)) {
            continue;
        }
        let name = format::chunk_name(chunk.id);
        let Some(found) = documents.read(&name, deadline).map_err(Failure::Service)? else {
            return Ok(Some(name));
        };
        let is_it = format::digest(&found.bytes) == chunk.digest;
        let rows = match is_it && found.bytes.len() <= documents.limits().document {
            true => format::decode_chunk(&found.bytes),
            false => Err(format::Fault::Damaged(format!("{name} is not what the manifest says"))),
        };
        fetched.rows.insert(chunk.id, rows.map_err(|fault| Failure::Own(unreadable(place, fault)))?);
    }
    Ok(None)
}

impl Store for RemoteStore {
    fn header(&self) -> Result<Arc<Header>> {
        self.look()?;
        Ok(self.known()?.state.header.clone())
    }

    fn update_header(&self, f: &mut dyn FnMut(&mut Header) -> Result<()>) -> Result<()> {
        self.write(|| {
            let mut header = Header::clone(&self.known()?.state.header);
            f(&mut header)?;
            Ok((Changes { header: Some(header), ..Changes::default() }, ()))
        })
    }

    fn generation(&self) -> Result<Generation> {
        self.look()?;
        Ok(self.known()?.state.generation())
    }

    fn insert(
        &self,
        count: usize,
        make: &mut dyn FnMut(&[RowId]) -> Result<Vec<NewRow>>,
    ) -> Result<Vec<RowId>> {
        self.write(|| {
            let first = self.known()?.state.next;
            let after = super::numbers_after(first, count)
                .ok_or_else(|| Error::Exhausted { file: self.place.clone() })?;
            let ids: Vec<RowId> = (first..after).collect();
            let put = make(&ids)?.into_iter().map(bounded).collect::<Result<Vec<_>>>()?;
            if put.iter().any(|row| !ids.contains(&row.id)) {
                return Err(Error::NotFound);
            }
            Ok((Changes { next: Some(after), put, ..Changes::default() }, ids))
        })
    }

    fn get(&self, id: RowId) -> Result<Option<Row>> {
        Ok(self.known()?.state.rows.get(id))
    }

    fn modify(&self, id: RowId, f: &mut dyn FnMut(Row) -> Result<NewRow>) -> Result<()> {
        self.write(|| {
            let row = bounded(NewRow { id, ..f(self.row(id)?)? })?;
            Ok((Changes { put: vec![row], ..Changes::default() }, ()))
        })
    }

    fn delete(&self, id: RowId, check: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        self.write(|| {
            self.row(id)?;
            check()?;
            Ok((Changes { removed: vec![id], ..Changes::default() }, ()))
        })
    }

    fn find_and_get(
        &self,
        any_of: &[Vec<Tag>],
        private: bool,
        wanted: &mut dyn FnMut(&[RowId]) -> Vec<RowId>,
    ) -> Result<(Vec<RowId>, Vec<Row>)> {
        let known = self.known()?;
        let found = known.state.rows.find(any_of, private);
        let rows = known.state.rows.get_all(&wanted(&found));
        Ok((found, rows))
    }

    fn get_all(&self, ids: &[RowId]) -> Result<Vec<Row>> {
        Ok(self.known()?.state.rows.get_all(ids))
    }

    fn count(&self) -> Result<u64> {
        Ok(self.known()?.state.rows.len() as u64)
    }

    fn reset(&self, header: &Header) -> Result<()> {
        self.write(|| Ok((Changes { header: Some(header.clone()), clear: true, ..Changes::default() }, ())))
    }

    fn rewrite(
        &self,
        header: &mut dyn FnMut(&mut Header) -> Result<()>,
        row: &mut dyn FnMut(Row) -> Result<NewRow>,
    ) -> Result<()> {
        self.write(|| {
            let mut new = Header::clone(&self.known()?.state.header);
            header(&mut new)?;
            let old = self.known()?.state.rows.all();
            let rewritten = old.into_iter().map(|old| {
                let id = old.id;
                bounded(NewRow { id, ..row(old)? })
            });
            let put = rewritten.collect::<Result<Vec<_>>>()?;
            Ok((Changes { header: Some(new), put, ..Changes::default() }, ()))
        })
    }

    /// As far as is known: nothing is refused here because of it. Permissions change, and one answer may have been wrong:
    /// after a while wrong PINs are counted again if that works.
    fn read_only(&self) -> bool {
        self.denied.lock().is_some_and(|when| when.elapsed() < DENIED_LASTS)
    }

    /// Connections belong to the documents' client, which the child never uses.
    fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
    }
}

impl std::fmt::Debug for RemoteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteStore").field("place", &self.place).finish()
    }
}
