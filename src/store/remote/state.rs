//! A token's rows as a process knows them, in which documents they lie, and what a change makes of those.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::documents::{Limits, Version};
use super::format::{self, ChunkRef, DocumentDigest, FORMAT, Fault, Manifest, REMEMBERED};
use crate::store::error::{Error, Result};
use crate::store::rows::Rows;
use crate::store::{Generation, Header, LAST_ROW, NewRow, RowId};

/// Rows of so many bytes stay in the manifest: most changes are then one document, and a small token is one.
const TAIL: usize = 16 << 10;
/// The most documents of rows. Times [`Limits::chunk`], half of it at worst, this is the largest token.
const MAX_CHUNKS: usize = 1024;

/// The token as of one version of its manifest.
pub(super) struct State {
    pub(super) version: Version,
    pub(super) lineage: u64,
    pub(super) commits: u32,
    pub(super) recent: Vec<u64>,
    pub(super) next: RowId,
    pub(super) header: Arc<Header>,
    pub(super) rows: Rows,
    /// By ID: which rows each document holds. The others are in the manifest.
    chunks: BTreeMap<u64, Chunk>,
    tail: BTreeSet<RowId>,
}

struct Chunk {
    digest: DocumentDigest,
    /// The bytes of its rows.
    size: usize,
    rows: BTreeSet<RowId>,
}

/// A manifest with the rows that were not known yet, by their document.
pub(super) struct Fetched {
    pub(super) version: Version,
    pub(super) manifest: Manifest,
    pub(super) rows: BTreeMap<u64, Vec<NewRow>>,
}

/// What a transaction does.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) header: Option<Header>,
    pub(super) next: Option<RowId>,
    /// Drops every row first.
    pub(super) clear: bool,
    /// Adds and replaces.
    pub(super) put: Vec<NewRow>,
    pub(super) removed: Vec<RowId>,
}

/// A transaction as documents.
pub(super) struct Plan {
    /// The version of the manifest that it starts from.
    pub(super) base: Version,
    /// What the commit is recognised by, among those that a manifest remembers.
    pub(super) commit: u64,
    /// Of the token, and its commits before this one.
    lineage: u64,
    before: u32,
    /// To write first.
    pub(super) written: Vec<NewChunk>,
    /// To write then, all or nothing.
    pub(super) manifest: Vec<u8>,
    /// To delete at last.
    pub(super) dropped: Vec<u64>,
    next: RowId,
    header: Arc<Header>,
    recent: Vec<u64>,
    put: Vec<NewRow>,
    removed: BTreeSet<RowId>,
    tail: BTreeSet<RowId>,
}

pub(super) struct NewChunk {
    pub(super) id: u64,
    pub(super) bytes: Vec<u8>,
    chunk: Chunk,
}

/// What a document that can't be read means for the token in this place.
pub(super) fn unreadable(place: &Path, fault: Fault) -> Error {
    let file = place.to_owned();
    match fault {
        Fault::Foreign => Error::Foreign { file, why: "its first bytes are not ours".into() },
        Fault::Newer(found) => Error::Newer { file, found: found.into(), known: FORMAT.into() },
        Fault::Damaged(why) => Error::Damaged { file, why },
    }
}

fn random() -> Result<u64> {
    let mut bytes = [0; 8];
    crate::crypto::random(&mut bytes)?;
    Ok(u64::from_be_bytes(bytes))
}

fn size_of<'a>(rows: impl IntoIterator<Item = &'a NewRow>) -> usize {
    rows.into_iter().map(format::row_size).sum()
}

/// The manifest of a new token, and its commit's number.
pub(super) fn new_token(header: &Header) -> Result<(Manifest, u64)> {
    let commit = random()?;
    let manifest = Manifest {
        lineage: random()?,
        commits: 0,
        recent: vec![commit],
        next: 1,
        header: header.clone(),
        chunks: Vec::new(),
        tail: Vec::new(),
    };
    Ok((manifest, commit))
}

impl State {
    /// The state of a token that was not known.
    pub(super) fn new(fetched: Fetched, place: &Path) -> Result<State> {
        let manifest = &fetched.manifest;
        let mut state = State {
            version: fetched.version.clone(),
            lineage: manifest.lineage,
            commits: manifest.commits,
            recent: Vec::new(),
            next: manifest.next,
            header: Arc::new(manifest.header.clone()),
            rows: Rows::default(),
            chunks: BTreeMap::new(),
            tail: BTreeSet::new(),
        };
        state.install(fetched, place)?;
        Ok(state)
    }

    pub(super) fn generation(&self) -> Generation {
        Generation { commits: Some(self.commits), state: self.lineage }
    }

    /// Whether this document is known, with this content.
    pub(super) fn holds(&self, chunk: &ChunkRef) -> bool {
        self.chunks.get(&chunk.id).is_some_and(|known| known.digest == chunk.digest)
    }

    /// Whether a manifest is a later state than this one. What was read before somebody's commit may come after it.
    pub(super) fn precedes(&self, manifest: &Manifest) -> bool {
        let ahead = manifest.commits.wrapping_sub(self.commits);
        self.lineage != manifest.lineage || (ahead != 0 && ahead < u32::MAX / 2)
    }

    /// Whether a plan became part of this state, which is later than the plan's base. `None`: so much later that it would
    /// be forgotten.
    pub(super) fn follows(&self, plan: &Plan) -> Option<bool> {
        let later = usize::try_from(self.commits.wrapping_sub(plan.before)).unwrap_or(usize::MAX);
        match self.recent.contains(&plan.commit) {
            true => Some(true),
            false if later <= REMEMBERED || self.lineage != plan.lineage => Some(false),
            false => None,
        }
    }

    /// Whether everything is known that the manifest names.
    pub(super) fn completes(&self, fetched: &Fetched) -> bool {
        fetched.manifest.chunks.iter().all(|chunk| fetched.rows.contains_key(&chunk.id) || self.holds(chunk))
    }

    /// Becomes what was fetched. [`Error::Damaged`] where that can't be a token; nothing is changed then.
    pub(super) fn install(&mut self, fetched: Fetched, place: &Path) -> Result<()> {
        let Fetched { version, manifest, mut rows } = fetched;
        self.check(&manifest, &rows).map_err(|why| unreadable(place, Fault::Damaged(why)))?;
        let named: BTreeMap<u64, DocumentDigest> =
            manifest.chunks.iter().map(|chunk| (chunk.id, chunk.digest)).collect();
        let gone: Vec<u64> = self.chunks.keys().filter(|id| !named.contains_key(id)).copied().collect();
        for id in std::mem::take(&mut self.tail) {
            self.rows.remove(id);
        }
        for chunk in gone.iter().filter_map(|id| self.chunks.remove(id)) {
            chunk.rows.iter().for_each(|id| drop(self.rows.remove(*id)));
        }
        for (id, digest) in named {
            if let Some(rows) = rows.remove(&id) {
                let chunk =
                    Chunk { digest, size: size_of(&rows), rows: rows.iter().map(|row| row.id).collect() };
                self.chunks.insert(id, chunk);
                rows.into_iter().for_each(|row| self.rows.put(row));
            }
        }
        self.tail = manifest.tail.iter().map(|row| row.id).collect();
        manifest.tail.into_iter().for_each(|row| self.rows.put(row));
        self.header = Arc::new(manifest.header);
        (self.version, self.lineage, self.commits) = (version, manifest.lineage, manifest.commits);
        (self.recent, self.next) = (manifest.recent, manifest.next);
        Ok(())
    }

    /// Whether every row is in one place only, with a number that was given out.
    fn check(
        &self,
        manifest: &Manifest,
        fetched: &BTreeMap<u64, Vec<NewRow>>,
    ) -> std::result::Result<(), String> {
        let mut seen = BTreeSet::new();
        let mut add = |id: RowId| match id > 0 && id < manifest.next && id <= LAST_ROW && seen.insert(id) {
            true => Ok(()),
            false => Err(format!("row number {id}")),
        };
        if manifest.chunks.len() > MAX_CHUNKS {
            return Err(format!("{} documents of rows", manifest.chunks.len()));
        }
        for chunk in &manifest.chunks {
            match fetched.get(&chunk.id) {
                Some(rows) => rows.iter().try_for_each(|row| add(row.id))?,
                None => match self.chunks.get(&chunk.id) {
                    Some(known) => known.rows.iter().try_for_each(|id| add(*id))?,
                    None => return Err(format!("no {}", format::chunk_name(chunk.id))),
                },
            }
        }
        manifest.tail.iter().try_for_each(|row| add(row.id))
    }

    /// Lays a change out. [`Error::TooLarge`], [`Error::Full`].
    pub(super) fn plan(&self, changes: Changes, limits: Limits, place: &Path) -> Result<Plan> {
        let layout = Layout::of(self, &changes, limits)?;
        let full = || Error::Full { file: PathBuf::from(place) };
        let mut written = Vec::new();
        for rows in &layout.bins {
            let bytes = format::encode_chunk(rows.iter().copied());
            let digest = format::digest(&bytes);
            let ids = rows.iter().map(|row| row.id).collect();
            let chunk = Chunk { digest, size: size_of(rows.iter().copied()), rows: ids };
            written.push(NewChunk { id: random()?, bytes, chunk });
        }
        let commit = random()?;
        let mut recent = self.recent.clone();
        recent.push(commit);
        recent.drain(..recent.len().saturating_sub(REMEMBERED));
        let kept = self.chunks.iter().filter(|(id, _)| !layout.dropped.contains(id));
        let kept = kept.map(|(id, chunk)| ChunkRef { id: *id, digest: chunk.digest });
        let new = written.iter().map(|new| ChunkRef { id: new.id, digest: new.chunk.digest });
        let manifest = Manifest {
            lineage: self.lineage,
            commits: self.commits.wrapping_add(1),
            recent,
            next: changes.next.unwrap_or(self.next),
            header: changes.header.clone().unwrap_or_else(|| Header::clone(&self.header)),
            chunks: kept.chain(new).collect(),
            tail: layout.tail.iter().copied().cloned().collect(),
        };
        let bytes = manifest.encode();
        if manifest.chunks.len() > MAX_CHUNKS || bytes.len() > limits.document {
            return Err(full());
        }
        Ok(Plan {
            base: self.version.clone(),
            commit,
            lineage: self.lineage,
            before: self.commits,
            written,
            manifest: bytes,
            dropped: layout.dropped.iter().copied().collect(),
            next: manifest.next,
            recent: manifest.recent,
            header: Arc::new(manifest.header),
            tail: layout.tail.iter().map(|row| row.id).collect(),
            removed: layout.removed,
            put: changes.put,
        })
    }

    /// Becomes what a plan that was committed says.
    pub(super) fn apply(&mut self, plan: Plan, version: Version) {
        plan.removed.iter().for_each(|id| drop(self.rows.remove(*id)));
        plan.put.into_iter().for_each(|row| self.rows.put(row));
        plan.dropped.iter().for_each(|id| drop(self.chunks.remove(id)));
        self.chunks.extend(plan.written.into_iter().map(|new| (new.id, new.chunk)));
        (self.tail, self.header, self.next) = (plan.tail, plan.header, plan.next);
        (self.version, self.recent, self.commits) = (version, plan.recent, self.commits.wrapping_add(1));
    }
}

/// Where the rows lie after a change: what stays as it is, is not mentioned.
struct Layout<'a> {
    /// In the manifest.
    tail: Vec<&'a NewRow>,
    /// In new documents.
    bins: Vec<Vec<&'a NewRow>>,
    /// Documents that are no longer needed.
    dropped: BTreeSet<u64>,
    removed: BTreeSet<RowId>,
}

impl<'a> Layout<'a> {
    fn of(state: &'a State, changes: &'a Changes, limits: Limits) -> Result<Layout<'a>> {
        let put: BTreeMap<RowId, &NewRow> = changes.put.iter().map(|row| (row.id, row)).collect();
        let removed: BTreeSet<RowId> = match changes.clear {
            true => state.rows.find(&[], true).into_iter().collect(),
            false => changes.removed.iter().copied().collect(),
        };
        let is_changed = |id: &RowId| put.contains_key(id) || removed.contains(id);
        let row_of = |id: &RowId| match put.get(id) {
            Some(row) => Some(*row),
            None => state.rows.stored(*id).filter(|_| !removed.contains(id)),
        };
        let touched = |chunk: &Chunk| chunk.rows.iter().any(is_changed);
        let mut dropped: BTreeSet<u64> =
            state.chunks.iter().filter(|(_, chunk)| touched(chunk)).map(|(id, _)| *id).collect();
        let mut loose: BTreeSet<RowId> = dropped
            .iter()
            .filter_map(|id| state.chunks.get(id))
            .flat_map(|chunk| &chunk.rows)
            .copied()
            .collect();
        let mut tail: BTreeSet<RowId> =
            state.tail.iter().chain(put.keys()).filter(|id| !loose.contains(id)).copied().collect();
        let size = |ids: &BTreeSet<RowId>| size_of(ids.iter().filter_map(row_of));
        if size(&tail) + size(&loose) <= TAIL {
            tail.append(&mut loose);
        } else if size(&tail) > TAIL {
            loose.append(&mut tail);
        }
        // Documents that a change left small are put together, or their number would grow for ever.
        let left = size(&loose);
        if left > 0 && left < limits.chunk / 2 {
            let others = state.chunks.iter().filter(|(id, _)| !dropped.contains(id));
            let smallest = others.min_by_key(|(_, chunk)| chunk.size);
            if let Some((id, chunk)) = smallest.filter(|(_, chunk)| chunk.size + left <= limits.chunk) {
                dropped.insert(*id);
                loose.extend(&chunk.rows);
            }
        }
        let bins = pack(loose.iter().filter_map(row_of), limits)?;
        Ok(Layout { tail: tail.iter().filter_map(row_of).collect(), bins, dropped, removed })
    }
}

/// Fills documents in the rows' order. [`Error::TooLarge`] for a row that fits into none.
fn pack<'a>(rows: impl Iterator<Item = &'a NewRow>, limits: Limits) -> Result<Vec<Vec<&'a NewRow>>> {
    let mut bins: Vec<Vec<&NewRow>> = Vec::new();
    let mut filled = 0;
    for row in rows {
        let size = format::row_size(row);
        if format::chunk_size(size) > limits.document {
            let around = size - row.sealed.len();
            let most = limits.document.saturating_sub(format::chunk_size(around));
            return Err(Error::TooLarge { size: row.sealed.len(), most });
        }
        match bins.last_mut() {
            Some(bin) if filled + size <= limits.chunk => bin.push(row),
            _ => {
                bins.push(vec![row]);
                filled = 0;
            }
        }
        filled += size;
    }
    Ok(bins)
}
