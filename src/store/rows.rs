//! Rows in memory, and the index that finds them: for the stores that keep all of a token there.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Error, Result};
use super::{MAX_SEALED, NewRow, Row, RowId, Tag};

/// A token's rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: BTreeMap<RowId, NewRow>,
    index: BTreeSet<(Tag, RowId)>,
}

impl Rows {
    /// Adds or replaces a row.
    pub(super) fn put(&mut self, row: NewRow) {
        self.remove(row.id);
        self.index.extend(row.tags.iter().map(|tag| (*tag, row.id)));
        self.rows.insert(row.id, row);
    }

    /// Takes a row out with its tags.
    pub(super) fn remove(&mut self, id: RowId) -> Option<NewRow> {
        let row = self.rows.remove(&id)?;
        for tag in &row.tags {
            self.index.remove(&(*tag, id));
        }
        Some(row)
    }

    pub(super) fn clear(&mut self) {
        *self = Rows::default();
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// As it was put.
    pub(super) fn stored(&self, id: RowId) -> Option<&NewRow> {
        self.rows.get(&id)
    }

    pub(super) fn get(&self, id: RowId) -> Option<Row> {
        self.rows.get(&id).map(row_of)
    }

    /// Every row, in ascending order.
    pub(super) fn all(&self) -> Vec<Row> {
        self.rows.values().map(row_of).collect()
    }

    /// Those that are there, in the order asked for.
    pub(super) fn get_all(&self, ids: &[RowId]) -> Vec<Row> {
        ids.iter().filter_map(|id| self.get(*id)).collect()
    }

    /// [`Store::find`](super::Store::find).
    pub(super) fn find(&self, any_of: &[Vec<Tag>], private: bool) -> Vec<RowId> {
        let found: BTreeSet<RowId> = match any_of {
            [] => self.rows.keys().copied().collect(),
            any_of => any_of.iter().flat_map(|tags| self.having(tags)).collect(),
        };
        let visible = |id: &RowId| self.rows.get(id).is_some_and(|row| private || !row.private);
        found.into_iter().filter(visible).collect()
    }

    /// The rows that have every tag.
    fn having(&self, tags: &[Tag]) -> Vec<RowId> {
        let Some((first, others)) = tags.split_first() else { return self.rows.keys().copied().collect() };
        let has = |id: &RowId| others.iter().all(|tag| self.index.contains(&(*tag, *id)));
        self.index.range((*first, 0)..=(*first, RowId::MAX)).map(|(_, id)| *id).filter(has).collect()
    }
}

fn row_of(row: &NewRow) -> Row {
    Row { id: row.id, private: row.private, sealed: row.sealed.clone() }
}

/// The row, if it is not larger than any may be. [`Error::TooLarge`].
pub(super) fn bounded(row: NewRow) -> Result<NewRow> {
    match row.sealed.len() {
        size if size > MAX_SEALED => Err(Error::TooLarge { size, most: MAX_SEALED }),
        _ => Ok(row),
    }
}
