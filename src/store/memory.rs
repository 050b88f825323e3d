//! A store in memory: the second implementation of [`Store`], for tests of whatever stands above it.
//!
//! Locks: `writer` serialises the closures and is taken first; `state` is held only to read or to put the result
//! in place, so that a closure may read from the store.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};

use super::error::{Error, Result};
use super::rows::{Rows, bounded};
use super::{Generation, Header, NewRow, Row, RowId, Store, Tag};

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
    rows: Rows,
    next: RowId,
    commits: u32,
}

impl MemoryStore {
    /// An empty token.
    pub fn new(header: Header) -> MemoryStore {
        MemoryStore {
            writer: Mutex::new(()),
            state: RwLock::new(State {
                header: Arc::new(header),
                rows: Rows::default(),
                next: 1,
                commits: 0,
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
        state.commits = state.commits.wrapping_add(1);
        Ok(())
    }

    fn generation(&self) -> Result<Generation> {
        Ok(Generation { commits: Some(self.state()?.read().commits), state: 0 })
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
        state.commits = state.commits.wrapping_add(1);
        rows.into_iter().for_each(|row| state.rows.put(row));
        Ok(ids)
    }

    fn get(&self, id: RowId) -> Result<Option<Row>> {
        Ok(self.state()?.read().rows.get(id))
    }

    fn modify(&self, id: RowId, f: &mut dyn FnMut(Row) -> Result<NewRow>) -> Result<()> {
        let state = self.state()?;
        let _writer = self.writer.lock();
        let old = state.read().rows.get(id).ok_or(Error::NotFound)?;
        let new = bounded(NewRow { id, ..f(old)? })?;
        let mut state = state.write();
        state.commits = state.commits.wrapping_add(1);
        state.rows.put(new);
        Ok(())
    }

    fn delete(&self, id: RowId, check: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        let state = self.state()?;
        let _writer = self.writer.lock();
        if state.read().rows.stored(id).is_none() {
            return Err(Error::NotFound);
        }
        check()?;
        let mut state = state.write();
        state.rows.remove(id);
        state.commits = state.commits.wrapping_add(1);
        Ok(())
    }

    fn find_and_get(
        &self,
        any_of: &[Vec<Tag>],
        private: bool,
        wanted: &mut dyn FnMut(&[RowId]) -> Vec<RowId>,
    ) -> Result<(Vec<RowId>, Vec<Row>)> {
        let state = self.state()?.read();
        let found = state.rows.find(any_of, private);
        let rows = state.rows.get_all(&wanted(&found));
        Ok((found, rows))
    }

    fn get_all(&self, ids: &[RowId]) -> Result<Vec<Row>> {
        Ok(self.state()?.read().rows.get_all(ids))
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
        state.commits = state.commits.wrapping_add(1);
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
        let old = state.read().rows.all();
        let new = old
            .into_iter()
            .map(|old| {
                let id = old.id;
                bounded(NewRow { id, ..row(old)? })
            })
            .collect::<Result<Vec<_>>>()?;
        let mut state = state.write();
        state.header = Arc::new(new_header);
        state.commits = state.commits.wrapping_add(1);
        new.into_iter().for_each(|row| state.rows.put(row));
        Ok(())
    }

    fn read_only(&self) -> bool {
        false
    }

    fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }
}
