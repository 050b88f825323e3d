//! A token's objects in memory: rows opened once and kept while they are used, session objects, search.
//!
//! A token object's handle is its row's number, the same in every process; session objects count from 2^31. Opened
//! rows and parsed keys are kept in a cache of bounded size, which is emptied when another process changed the file
//! and loses its private part at logout.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};

use super::index;
use super::session_objects::SessionObjects;
use super::token::Opened;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::{Key, material};
use crate::object::{self, Attributes, Template};
use crate::store::{NewRow, Row, RowId, TokenKeys};
use crate::token::{Access, Login, ObjectHandle};
use crate::types::ck;

/// Session objects' handles start here; rows' and built-in objects' stay below.
pub const FIRST_SESSION_OBJECT: ObjectHandle = 0x8000_0000;

/// A search that the index answers whole is compared with the objects up to so many matches: the index is not
/// authenticated, and whoever finds a key by its ID is about to open it anyway.
const LOOKED_AT: usize = 16;

/// Objects per half of the cache: some ten MiB of attributes and parsed keys at most.
const CACHE_HALF: usize = 2048;

/// An object and, once it was used, its parsed key.
pub struct Object {
    /// Its handle.
    pub handle: ObjectHandle,
    /// All of its attributes, secret ones included.
    pub attributes: Attributes,
    key: OnceLock<Key>,
}

impl Object {
    /// An object whose key is parsed when first used.
    pub fn new(handle: ObjectHandle, attributes: Attributes) -> Self {
        Object { handle, attributes, key: OnceLock::new() }
    }

    /// The parsed key. CKR_KEY_HANDLE_INVALID for an object that is none.
    pub fn key(&self) -> Result<&Key> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let key = material::key(&self.attributes)?;
        Ok(self.key.get_or_init(|| key))
    }
}

/// What a process knows of a token's objects.
#[derive(Default)]
pub struct Objects {
    cache: Mutex<Cache>,
    session: RwLock<SessionObjects>,
}

/// Two halves: what was used since the last turn, and what was used before it. A turn drops the older half.
#[derive(Default)]
struct Cache {
    generation: u64,
    recent: HashMap<RowId, Arc<Object>>,
    older: HashMap<RowId, Arc<Object>>,
}

impl Cache {
    /// The object, as of this generation of the file.
    fn get_at(&mut self, generation: u64, id: RowId) -> Option<Arc<Object>> {
        if self.generation == generation { self.get(id) } else { None }
    }

    /// Empties the cache if the file changed since it was filled.
    fn at(&mut self, generation: u64) -> &mut Self {
        if self.generation != generation {
            *self = Cache { generation, ..Cache::default() };
        }
        self
    }

    fn get(&mut self, id: RowId) -> Option<Arc<Object>> {
        if let Some(object) = self.recent.get(&id) {
            return Some(object.clone());
        }
        let object = self.older.remove(&id)?;
        self.put(id, object.clone());
        Some(object)
    }

    fn put(&mut self, id: RowId, object: Arc<Object>) {
        if self.recent.len() >= CACHE_HALF {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(id, object);
    }

    fn retain(&mut self, keep: impl Fn(&Object) -> bool) {
        self.recent.retain(|_, object| keep(object));
        self.older.retain(|_, object| keep(object));
    }
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
        let Some(attributes) = self.open_row(&row)? else { return Ok(None) };
        let object = Arc::new(Object::new(id, attributes));
        self.objects.cache.lock().at(generation).put(id, object.clone());
        Ok(Some(object))
    }

    /// The file's generation. CKR_DEVICE_REMOVED once another process made another token of it.
    fn current_generation(&self) -> Result<u64> {
        let generation = self.store.generation()?;
        if self.objects.cache.lock().generation != generation {
            self.expect_instance(&*self.store.header()?)?;
            self.objects.cache.lock().at(generation);
        }
        Ok(generation)
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

    /// Adds finished objects; token objects in one durable transaction. Handles in the same order.
    pub fn add(&self, objects: Vec<Attributes>) -> Result<Vec<ObjectHandle>> {
        let durable: Vec<&Attributes> = objects.iter().filter(|object| object::is_token(object)).collect();
        let mut rows = Vec::new();
        if !durable.is_empty() {
            rows = self.store.insert(durable.len(), &mut |ids| {
                // Sealed for another token, the rows would be lost without anybody's notice.
                self.expect_instance(&*self.store.header()?)?;
                ids.iter().zip(&durable).map(|(id, attributes)| Ok(self.seal(*id, attributes)?)).collect()
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
        self.store.modify(handle, &mut |row| {
            let old = self.open_row(&row)?.ok_or_else(no_object)?;
            Ok(self.seal(row.id, &change(&old)?)?)
        })?;
        Ok(())
    }

    /// Destroys an object.
    pub fn destroy(&self, handle: ObjectHandle) -> Result<()> {
        if handle >= FIRST_SESSION_OBJECT {
            return self.objects.session.write().remove(handle).map(drop).ok_or_else(no_object);
        }
        Ok(self.store.delete(handle)?)
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
        self.current_generation()?;
        let private = self.private().filter(|_| access.login == Login::User);
        let keys: Vec<&TokenKeys> = std::iter::once(&self.public).chain(private.as_deref()).collect();
        let query = index::query(&keys, template);
        let rows = self.store.find(&query.all_of, private.is_some())?;
        if query.complete && rows.len() > LOOKED_AT {
            found.extend(rows);
            return Ok(());
        }
        for id in rows {
            match self.row_object(id) {
                Ok(Some(object)) if object::matches(&object.attributes, template) => found.push(id),
                Ok(_) if query.complete => {
                    tracing::warn!("object {id} is not what the index says: the file was edited")
                }
                Ok(_) => {}
                // One damaged row must not hide the others. Asked for by name, it is found: its use tells the error.
                Err(error) if error.kind() == ErrorKind::DeviceError && query.complete => found.push(id),
                Err(error) if error.kind() == ErrorKind::DeviceError => {
                    tracing::warn!("object {id} can't be read and is left out of a search: {error}");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Private objects show to the logged-in user alone.
fn visible(attributes: &Attributes, access: Access) -> bool {
    access.login == Login::User || !object::is_private(attributes)
}
