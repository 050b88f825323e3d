//! A store in memory: the second implementation of [`Store`], for tests of whatever stands above it.
//!
//! Locks: `writer` serialises the closures and is taken first; `state` is held only to read or to put the result
//! in place, so that a closure may read from the store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};

use super::error::{Error, Result};
use super::{Header, MAX_SEALED, NewRow, Row, RowId, Store, Tag};

/// One token, gone with the value.
#[derive(Debug)]
pub struct MemoryStore {
    writer: Mutex<()>,
    state: RwLock<State>,
    abandoned: AtomicBool,
}

#[derive(Debug)]
struct State {
    header: Arc<Header>,
    rows: BTreeMap<RowId, NewRow>,
    index: BTreeSet<(Tag, RowId)>,
    next: RowId,
    generation: u64,
}

impl MemoryStore {
    /// An empty token.
    pub fn new(header: Header) -> MemoryStore {
        MemoryStore {
            writer: Mutex::new(()),
            state: RwLock::new(State {
                header: Arc::new(header),
                rows: BTreeMap::new(),
                index: BTreeSet::new(),
                next: 1,
                generation: 1,
            }),
            abandoned: AtomicBool::new(false),
        }
    }

    fn state(&self) -> Result<&RwLock<State>> {
        match self.abandoned.load(Ordering::Relaxed) {
            true => Err(Error::Abandoned),
            false => Ok(&self.state),
        }
    }
}

impl State {
    fn put(&mut self, row: NewRow) {
        self.remove(row.id);
        self.index.extend(row.tags.iter().map(|tag| (*tag, row.id)));
        self.rows.insert(row.id, row);
    }

    fn remove(&mut self, id: RowId) -> Option<NewRow> {
        let row = self.rows.remove(&id)?;
        for tag in &row.tags {
            self.index.remove(&(*tag, id));
        }
        Some(row)
    }

    fn having(&self, alternatives: &[Tag]) -> BTreeSet<RowId> {
        let rows_of = |tag: &Tag| self.index.range((*tag, 0)..=(*tag, RowId::MAX)).map(|(_, id)| *id);
        alternatives.iter().flat_map(rows_of).collect()
    }
}

fn row_of(row: &NewRow) -> Row {
    Row { id: row.id, private: row.private, sealed: row.sealed.clone() }
}

fn bounded(row: NewRow) -> Result<NewRow> {
    match row.sealed.len() {
        size if size > MAX_SEALED => Err(Error::TooLarge { size }),
        _ => Ok(row),
    }
}

impl Store for MemoryStore {
    fn header(&self) -> Result<Arc<Header>> {
        Ok(self.state()?.read().header.clone())
    }

    fn update_header(&self, f: &mut dyn FnMut(&mut Header) -> Result<()>) -> Result<()> {
        let state = self.state()?;
        let _writer = self.writer.lock();
        let mut header = Header::clone(&state.read().header);
        f(&mut header)?;
        let mut state = state.write();
        state.header = Arc::new(header);
        state.generation += 1;
        Ok(())
    }

    fn generation(&self) -> Result<u64> {
        Ok(self.state()?.read().generation)
    }

    fn insert(
        &self,
        count: usize,
        make: &mut dyn FnMut(&[RowId]) -> Result<Vec<NewRow>>,
    ) -> Result<Vec<RowId>> {
        let state = self.state()?;
        let _writer = self.writer.lock();
        let first = state.read().next;
        let after = super::numbers_after(first, count)
            .ok_or_else(|| Error::Exhausted { file: PathBuf::from("memory") })?;
        let ids: Vec<RowId> = (first..after).collect();
        let rows = make(&ids)?.into_iter().map(bounded).collect::<Result<Vec<_>>>()?;
        let mut state = state.write();
        state.next = after;
        state.generation += 1;
        rows.into_iter().for_each(|row| state.put(row));
        Ok(ids)
    }

    fn get(&self, id: RowId) -> Result<Option<Row>> {
        Ok(self.state()?.read().rows.get(&id).map(row_of))
    }

    fn modify(&self, id: RowId, f: &mut dyn FnMut(Row) -> Result<NewRow>) -> Result<()> {
        let state = self.state()?;
        let _writer = self.writer.lock();
        let old = state.read().rows.get(&id).map(row_of).ok_or(Error::NotFound)?;
        let new = bounded(NewRow { id, ..f(old)? })?;
        let mut state = state.write();
        state.generation += 1;
        state.put(new);
        Ok(())
    }

    fn delete(&self, id: RowId) -> Result<()> {
        let state = self.state()?;
        let _writer = self.writer.lock();
        let mut state = state.write();
        state.remove(id).ok_or(Error::NotFound)?;
        state.generation += 1;
        Ok(())
    }

    fn find(&self, all_of: &[Vec<Tag>], private: bool) -> Result<Vec<RowId>> {
        let state = self.state()?.read();
        let visible = |id: &RowId| state.rows.get(id).is_some_and(|row| private || !row.private);
        let Some((first, others)) = all_of.split_first() else {
            return Ok(state.rows.keys().copied().filter(visible).collect());
        };
        let has = |id: &RowId, any: &[Tag]| any.iter().any(|tag| state.index.contains(&(*tag, *id)));
        let matches = |id: &RowId| others.iter().all(|any| has(id, any)) && visible(id);
        Ok(state.having(first).into_iter().filter(matches).collect())
    }

    fn count(&self) -> Result<u64> {
        Ok(self.state()?.read().rows.len() as u64)
    }

    fn reset(&self, header: &Header) -> Result<()> {
        let state = self.state()?;
        let _writer = self.writer.lock();
        let mut state = state.write();
        state.header = Arc::new(header.clone());
        state.rows.clear();
        state.index.clear();
        state.generation += 1;
        Ok(())
    }

    fn rewrite(
        &self,
        header: &mut dyn FnMut(&mut Header) -> Result<()>,
        row: &mut dyn FnMut(Row) -> Result<NewRow>,
    ) -> Result<()> {
        let state = self.state()?;
        let _writer = self.writer.lock();
        let mut new_header = Header::clone(&state.read().header);
        header(&mut new_header)?;
        let old: Vec<Row> = state.read().rows.values().map(row_of).collect();
        let new = old
            .into_iter()
            .map(|old| {
                let id = old.id;
                bounded(NewRow { id, ..row(old)? })
            })
            .collect::<Result<Vec<_>>>()?;
        let mut state = state.write();
        state.header = Arc::new(new_header);
        state.generation += 1;
        new.into_iter().for_each(|row| state.put(row));
        Ok(())
    }

    fn read_only(&self) -> bool {
        false
    }

    fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }
}
