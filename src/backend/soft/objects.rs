//! A token's objects in memory: rows opened once and kept while they are used, session objects, search.
//!
//! A token object's handle is its row's number, the same in every process; session objects count from 2^31. Opened
//! rows and parsed keys are kept in a cache of bounded size, which loses its private part at logout.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::cache::Cache;
use super::index;
use super::token::Opened;
use crate::backend::held::{FIRST_SESSION_OBJECT, Object, SessionObjects, visible};
use crate::error::{Error, ErrorKind, Result};
use crate::object::{self, Attributes, Template};
use crate::store::{self, Generation, NewRow, Row, RowId, TokenKeys};
use crate::token::{Access, Login, ObjectHandle};
use crate::types::ck;

/// A search that the index answers whole is compared with the objects up to so many matches: the index is not
/// authenticated, and whoever finds a key by its ID is about to open it anyway.
const LOOKED_AT: usize = 16;

/// A search that must look into objects reads so many rows at once, and keeps them where there are no more: one that
/// walks a large token would drive out what is in use.
const BATCH: usize = 256;

/// What a process knows of a token's objects.
#[derive(Default)]
pub struct Objects {
    cache: Mutex<Cache>,
    session: RwLock<SessionObjects>,
}

impl Objects {
    /// Logout: private objects leave the memory, and private session objects are destroyed (section 5.6.11).
    pub fn forget_private(&self) {
        let is_public = |object: &Object| !object::is_private(&object.attributes);
        self.cache.lock().retain(is_public);
        self.session.write().remove_private();
    }

    /// Destroys a closed session's objects.
    pub fn remove_session_objects(&self, handles: &[ObjectHandle]) {
        if handles.is_empty() {
            return;
        }
        let mut session = self.session.write();
        for handle in handles {
            session.remove(*handle);
        }
    }
}

fn no_object() -> Error {
    ErrorKind::ObjectHandleInvalid.into()
}

impl Opened {
    /// The object of a handle, if the caller may see it. CKR_OBJECT_HANDLE_INVALID.
    pub fn object(&self, access: Access, handle: ObjectHandle) -> Result<Arc<Object>> {
        let object = if handle >= FIRST_SESSION_OBJECT {
            self.objects.session.read().get(handle).cloned().ok_or_else(no_object)?
        } else {
            self.row_object(handle)?.ok_or_else(no_object)?
        };
        match visible(&object.attributes, access) {
            true => Ok(object),
            false => Err(no_object()),
        }
    }

    /// A token object, from the cache or the file. `None` if it is gone, or private while its keys are locked.
    fn row_object(&self, id: RowId) -> Result<Option<Arc<Object>>> {
        let generation = self.store.generation()?;
        // One lock, because nearly every call on a token object comes by here.
        if let Some(object) = self.objects.cache.lock().get_at(generation, id) {
            return Ok(Some(object));
        }
        let generation = self.current_generation()?;
        let Some(row) = self.store.get(id)? else { return Ok(None) };
        let object = self.open_object(&row)?;
        if let Some(object) = &object {
            self.objects.cache.lock().put_at(generation, id, object.clone());
        }
        Ok(object)
    }

    /// The file's generation, which the cache then is at. CKR_DEVICE_REMOVED once another process made another token
    /// of it.
    fn current_generation(&self) -> store::Result<Generation> {
        let generation = self.store.generation()?;
        if !self.objects.cache.lock().is_at(generation) {
            self.expect_instance(&*self.store.header()?)?;
            self.objects.cache.lock().move_to(generation);
        }
        Ok(generation)
    }

    fn open_object(&self, row: &Row) -> Result<Option<Arc<Object>>> {
        Ok(self.open_row(row)?.map(|attributes| Arc::new(Object::new(row.id, attributes))))
    }

    /// A row's attributes. `None` for a private row while its keys are locked.
    fn open_row(&self, row: &Row) -> Result<Option<Attributes>> {
        if !row.private {
            return Attributes::decode(&self.public.open(row)?).map(Some);
        }
        match self.private() {
            Some(keys) => Attributes::decode(&keys.open(row)?).map(Some),
            None => Ok(None),
        }
    }

    /// Seals one object for its row: private ones under the private keys. CKR_USER_NOT_LOGGED_IN without those.
    fn seal(&self, id: RowId, attributes: &Attributes) -> Result<NewRow> {
        let seal = |keys: &TokenKeys| keys.row(id, &attributes.encode(), index::tags(keys, attributes));
        if !object::is_private(attributes) {
            return Ok(seal(&self.public)?);
        }
        Ok(seal(&*self.private().ok_or(ErrorKind::UserNotLoggedIn)?)?)
    }

    /// One durable change of `changed`, or of nothing that was there before. `write` calls what it is given inside its
    /// transaction: objects that it does not change stay cached.
    fn commit<T>(
        &self,
        changed: Option<RowId>,
        write: impl FnOnce(&mut dyn FnMut() -> store::Result<()>) -> store::Result<T>,
    ) -> Result<T> {
        let mut announced = None;
        let written = write(&mut || {
            // Sealed for another token, the rows would be lost without anybody's notice.
            let before = self.current_generation()?;
            self.objects.cache.lock().announce(before, changed);
            announced = Some(before);
            Ok(())
        });
        if let Some(before) = announced {
            let now = self.store.generation();
            let mut cache = self.objects.cache.lock();
            match (&written, now) {
                (Ok(_), Ok(now)) => cache.settle(before, now),
                // The next commit after `before` may be anybody's.
                _ => cache.clear(),
            }
        }
        Ok(written?)
    }

    /// Adds finished objects; token objects in one durable transaction. Handles in the same order.
    pub fn add(&self, objects: Vec<Attributes>) -> Result<Vec<ObjectHandle>> {
        let durable: Vec<&Attributes> = objects.iter().filter(|object| object::is_token(object)).collect();
        let mut rows = Vec::new();
        if !durable.is_empty() {
            rows = self.commit(None, |inside| {
                self.store.insert(durable.len(), &mut |ids| {
                    inside()?;
                    ids.iter().zip(&durable).map(|(id, attributes)| Ok(self.seal(*id, attributes)?)).collect()
                })
            })?;
        }
        let mut rows = rows.into_iter();
        let add_one = |attributes: Attributes| match object::is_token(&attributes) {
            true => rows.next().ok_or_else(|| ErrorKind::DeviceError.into()),
            false => Ok(self.objects.session.write().add(attributes)),
        };
        objects.into_iter().map(add_one).collect()
    }

    /// Replaces an object's attributes by what `change` makes of them; durable for a token object.
    pub fn change(
        &self,
        handle: ObjectHandle,
        change: &dyn Fn(&Attributes) -> Result<Attributes>,
    ) -> Result<()> {
        if handle >= FIRST_SESSION_OBJECT {
            let mut session = self.objects.session.write();
            let old = session.get(handle).ok_or_else(no_object)?;
            let new = change(&old.attributes)?;
            session.put(handle, new);
            return Ok(());
        }
        self.commit(Some(handle), |inside| {
            self.store.modify(handle, &mut |row| {
                inside()?;
                let old = self.open_row(&row)?.ok_or_else(no_object)?;
                Ok(self.seal(row.id, &change(&old)?)?)
            })
        })
    }

    /// Destroys an object.
    pub fn destroy(&self, handle: ObjectHandle) -> Result<()> {
        if handle >= FIRST_SESSION_OBJECT {
            return self.objects.session.write().remove(handle).map(drop).ok_or_else(no_object);
        }
        self.commit(Some(handle), |inside| self.store.delete(handle, inside))
    }

    /// The token and session objects that match and that the caller may see, in the order of their making.
    pub fn find(&self, access: Access, template: &Template) -> Result<Vec<ObjectHandle>> {
        let wanted = template.flag(ck::CKA_TOKEN);
        let mut found = Vec::new();
        if template.is_impossible() {
            return Ok(found);
        }
        if wanted != Some(false) {
            self.find_rows(access, template, &mut found)?;
        }
        if wanted != Some(true) {
            let session = self.objects.session.read();
            let seen = session.find(template).filter(|object| visible(&object.attributes, access));
            found.extend(seen.map(|object| object.handle));
        }
        Ok(found)
    }

    fn find_rows(&self, access: Access, template: &Template, found: &mut Vec<ObjectHandle>) -> Result<()> {
        let generation = self.current_generation()?;
        let private = self.private().filter(|_| access.login == Login::User);
        let mut keys: Vec<&TokenKeys> = std::iter::once(&self.public).chain(private.as_deref()).collect();
        if let Some(wanted) = template.flag(ck::CKA_PRIVATE) {
            keys.retain(|keys| keys.is_private() == wanted);
        }
        if keys.is_empty() {
            return Ok(());
        }
        let query = index::query(&keys, template);
        let mut batch = Batch::default();
        let (ids, rows) = self.store.find_and_get(&query.any_of, private.is_some(), &mut |ids| {
            let looked_at = if query.complete && ids.len() > LOOKED_AT { 0 } else { ids.len().min(BATCH) };
            batch = self.cached(generation, ids.get(..looked_at).unwrap_or_default());
            batch.missing()
        })?;
        if query.complete && ids.len() > LOOKED_AT {
            found.extend(ids);
            return Ok(());
        }
        let keep = (ids.len() <= BATCH).then_some(generation);
        self.compare(batch, rows, keep, template, query.complete, found)?;
        for ids in ids.chunks(BATCH).skip(1) {
            let batch = self.cached(generation, ids);
            let rows = self.store.get_all(&batch.missing())?;
            self.compare(batch, rows, keep, template, query.complete, found)?;
        }
        Ok(())
    }

    fn cached(&self, generation: Generation, ids: &[RowId]) -> Batch {
        let mut cache = self.objects.cache.lock();
        Batch(ids.iter().map(|id| (*id, cache.get_at(generation, *id))).collect())
    }

    /// Adds to `found` those of a batch that match; `rows` are the ones that were not cached, in their order. They are
    /// cached as of `keep`. `indexed`: the index says that all of them match.
    fn compare(
        &self,
        batch: Batch,
        rows: Vec<Row>,
        keep: Option<Generation>,
        template: &Template,
        indexed: bool,
        found: &mut Vec<ObjectHandle>,
    ) -> Result<()> {
        let mut rows = rows.into_iter().peekable();
        for (id, cached) in batch.0 {
            let object = match (cached, rows.next_if(|row| row.id == id)) {
                (Some(object), _) => Ok(Some(object)),
                (None, Some(row)) => self.open_object(&row).inspect(|object| {
                    if let (Some(generation), Some(object)) = (keep, object) {
                        self.objects.cache.lock().put_at(generation, id, object.clone());
                    }
                }),
                (None, None) => Ok(None),
            };
            match object {
                Ok(Some(object)) if object::matches(&object.attributes, template) => found.push(id),
                Ok(_) if indexed => {
                    tracing::warn!("object {id} is not what the index says: the file was edited")
                }
                Ok(_) => {}
                // One damaged row must not hide the others. Asked for by name, it is found: its use tells the error.
                Err(error) if error.kind() == ErrorKind::DeviceError && indexed => found.push(id),
                Err(error) if error.kind() == ErrorKind::DeviceError => {
                    tracing::warn!("object {id} can't be read and is left out of a search: {error}");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Rows that a search looks into, with the objects that were at hand.
#[derive(Default)]
struct Batch(Vec<(RowId, Option<Arc<Object>>)>);

impl Batch {
    fn missing(&self) -> Vec<RowId> {
        self.0.iter().filter(|(_, object)| object.is_none()).map(|(id, _)| *id).collect()
    }
}
