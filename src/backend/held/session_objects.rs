//! Session objects: in memory only, found by the same attributes as rows.
//!
//! The index keeps hashes of values, not the values: which of its candidates match is decided by comparing them with
//! the template, as for every search.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;

use super::index;
use super::object::{FIRST_SESSION_OBJECT, Object};
use crate::object::{self, Attributes, Template, Value};
use crate::token::ObjectHandle;
use crate::types::ck;

/// The session objects of a token, of all its sessions.
#[derive(Default)]
pub struct SessionObjects {
    made: u64,
    objects: BTreeMap<ObjectHandle, Arc<Object>>,
    /// The objects under each indexed attribute's type and value.
    index: HashMap<u64, BTreeSet<ObjectHandle>>,
    /// Keyed at random: nobody can choose values that collide.
    hasher: RandomState,
}

impl SessionObjects {
    /// The object of a handle.
    pub fn get(&self, handle: ObjectHandle) -> Option<&Arc<Object>> {
        self.objects.get(&handle)
    }

    /// A new object; its handle.
    pub fn add(&mut self, attributes: Attributes) -> ObjectHandle {
        let handle = FIRST_SESSION_OBJECT + self.made;
        self.made += 1;
        self.put(handle, attributes);
        handle
    }

    /// Puts an object in the place of none, or of an older state of itself.
    pub fn put(&mut self, handle: ObjectHandle, attributes: Attributes) {
        self.remove(handle);
        for key in self.keys(|kind| attributes.get(kind)) {
            self.index.entry(key).or_default().insert(handle);
        }
        self.objects.insert(handle, Arc::new(Object::new(handle, attributes)));
    }

    /// Takes an object out.
    pub fn remove(&mut self, handle: ObjectHandle) -> Option<Arc<Object>> {
        let object = self.objects.remove(&handle)?;
        for key in self.keys(|kind| object.attributes.get(kind)) {
            if let Some(handles) = self.index.get_mut(&key) {
                handles.remove(&handle);
                if handles.is_empty() {
                    self.index.remove(&key);
                }
            }
        }
        Some(object)
    }

    /// Takes every private object out.
    pub fn remove_private(&mut self) {
        let private = self.objects.values().filter(|object| object::is_private(&object.attributes));
        let private: Vec<ObjectHandle> = private.map(|object| object.handle).collect();
        for handle in private {
            self.remove(handle);
        }
    }

    /// The objects that match, in the order of their making.
    pub fn find<'a>(&'a self, template: &'a Template) -> Box<dyn Iterator<Item = &'a Arc<Object>> + 'a> {
        let sets: Option<Vec<_>> =
            self.keys(|kind| template.get(kind)).into_iter().map(|key| self.index.get(&key)).collect();
        let matches = |object: &&Arc<Object>| object::matches(&object.attributes, template);
        match sets.map(|sets| sets.into_iter().min_by_key(|set| set.len())) {
            // A value that no object has.
            None => Box::new(std::iter::empty()),
            // Nothing that is indexed.
            Some(None) => Box::new(self.objects.values().filter(matches)),
            Some(Some(fewest)) => {
                Box::new(fewest.iter().filter_map(|handle| self.get(*handle)).filter(matches))
            }
        }
    }

    /// The index's keys of an object or a template.
    fn keys<'a>(&self, get: impl Fn(ck::CK_ATTRIBUTE_TYPE) -> Option<&'a Value>) -> Vec<u64> {
        index::indexed(get).map(|(kind, value)| self.hasher.hash_one((kind, value))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(label: &str, id: &[u8], private: bool) -> Attributes {
        Attributes::new()
            .with(ck::CKA_CLASS, ck::CKO_DATA)
            .with(ck::CKA_LABEL, label)
            .with(ck::CKA_OBJECT_ID, id)
            .with(ck::CKA_PRIVATE, private)
    }

    fn found(objects: &SessionObjects, template: &Template) -> Vec<ObjectHandle> {
        objects.find(template).map(|object| object.handle).collect()
    }

    #[test]
    fn searches_follow_every_change() {
        let mut objects = SessionObjects::default();
        let one = objects.add(object("same", b"1", false));
        let two = objects.add(object("same", b"2", true));
        let same = Template::default().with(ck::CKA_LABEL, "same");
        let second = same.clone().with(ck::CKA_OBJECT_ID, b"2");
        assert_eq!(found(&objects, &same), [one, two]);
        assert_eq!(found(&objects, &second), [two]);
        assert_eq!(found(&objects, &Template::default()), [one, two]);
        assert!(found(&objects, &Template::default().with(ck::CKA_OBJECT_ID, b"3")).is_empty());
        objects.put(one, object("other", b"2", false));
        assert_eq!(found(&objects, &same), [two]);
        assert_eq!(found(&objects, &Template::default().with(ck::CKA_OBJECT_ID, b"2")), [one, two]);
        objects.remove_private();
        assert_eq!(found(&objects, &Template::default()), [one]);
        objects.remove(one);
        assert!(objects.index.is_empty());
    }
}
