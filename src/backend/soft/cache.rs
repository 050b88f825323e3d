//! The token objects that were opened, with their parsed keys: bounded by bytes, right as of one generation of the
//! file.
//!
//! A commit by somebody else empties the cache, since nothing tells what it changed. Of a commit of our own we know:
//! the writer announces it from within its transaction, where it is certain that the next commit is this one or none.
//! Whoever then sees the file one commit on, the writer or another thread, drops the one object that was changed and
//! keeps the others.

use std::collections::HashMap;
use std::sync::Arc;

use crate::backend::held::Object;
use crate::object::{Attributes, Value};
use crate::store::{Generation, RowId};
use crate::types::ck;

/// Bytes of half of the cache, as [`weight`] counts them.
const HALF: usize = 6 << 20;

/// Two halves: what was used since the last turn, and what was used before it. A turn drops the older half.
#[derive(Default)]
pub struct Cache {
    generation: Generation,
    recent: Half,
    older: Half,
    own: Option<OwnCommit>,
}

#[derive(Default)]
struct Half {
    /// With the weight of each.
    objects: HashMap<RowId, (Arc<Object>, usize)>,
    weight: usize,
}

/// A commit that this process is about to make.
struct OwnCommit {
    /// The generation before it.
    before: Generation,
    /// The row that it changes or removes.
    changed: Option<RowId>,
}

impl Cache {
    /// Whether the objects here are those of generation `now`. A commit of our own brings them there.
    pub fn is_at(&mut self, now: Generation) -> bool {
        if self.generation == now {
            return true;
        }
        let own = self.own.take_if(|own| own.before == self.generation && now.follows(own.before));
        let Some(own) = own else { return false };
        if let Some(id) = own.changed {
            self.remove(id);
        }
        self.generation = now;
        true
    }

    /// Empties the cache unless it is at `now` already. `now` must be of the initialisation of the token that the
    /// process has open.
    pub fn move_to(&mut self, now: Generation) {
        if !self.is_at(now) {
            *self = Cache { generation: now, own: self.own.take(), ..Cache::default() };
        }
    }

    /// From within a transaction: `before` is the generation until it commits.
    pub fn announce(&mut self, before: Generation, changed: Option<RowId>) {
        // Another thread's commit may be the one before.
        self.is_at(before);
        self.own = Some(OwnCommit { before, changed });
    }

    /// After the commit that was announced with `before`.
    pub fn settle(&mut self, before: Generation, now: Generation) {
        self.is_at(now);
        self.own.take_if(|own| own.before == before);
    }

    /// The object, as of this generation of the file.
    pub fn get_at(&mut self, now: Generation, id: RowId) -> Option<Arc<Object>> {
        if self.is_at(now) { self.get(id) } else { None }
    }

    fn get(&mut self, id: RowId) -> Option<Arc<Object>> {
        if let Some((object, _)) = self.recent.objects.get(&id) {
            return Some(object.clone());
        }
        let (object, weight) = self.older.remove(id)?;
        self.insert(id, object.clone(), weight);
        Some(object)
    }

    /// Keeps an object that was read at `generation` or later, unless the cache has moved on.
    pub fn put_at(&mut self, generation: Generation, id: RowId, object: Arc<Object>) {
        if self.generation == generation {
            self.remove(id);
            let weight = weight(&object.attributes);
            self.insert(id, object, weight);
        }
    }

    /// An object that neither half has.
    fn insert(&mut self, id: RowId, object: Arc<Object>, weight: usize) {
        if self.recent.weight + weight > HALF {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.weight += weight;
        self.recent.objects.insert(id, (object, weight));
    }

    fn remove(&mut self, id: RowId) {
        self.recent.remove(id);
        self.older.remove(id);
    }

    /// Drops what is not to be kept.
    pub fn retain(&mut self, keep: impl Fn(&Object) -> bool) {
        self.recent.retain(&keep);
        self.older.retain(&keep);
    }

    /// Empties the cache.
    pub fn clear(&mut self) {
        *self = Cache::default();
    }
}

impl Half {
    fn remove(&mut self, id: RowId) -> Option<(Arc<Object>, usize)> {
        let entry = self.objects.remove(&id)?;
        self.weight -= entry.1;
        Some(entry)
    }

    fn retain(&mut self, keep: impl Fn(&Object) -> bool) {
        self.objects.retain(|_, (object, _)| keep(object));
        self.weight = self.objects.values().map(|(_, weight)| weight).sum();
    }
}

/// About what an object takes in memory, its parsed key included, whether it is parsed yet or not.
fn weight(attributes: &Attributes) -> usize {
    const OBJECT: usize = 192;
    const ATTRIBUTE: usize = 48;
    const EC_KEY: usize = 2048;
    /// What a parsed RSA key takes for each byte of its modulus: numbers, Montgomery contexts, blinding.
    const PER_MODULUS_BYTE: usize = 24;
    let bytes = |value: &Value| match value {
        Value::Bytes(bytes) => bytes.len() + 16,
        Value::Mechanisms(list) => size_of_val(&list[..]) + 16,
        Value::Template(nested) => weight(nested),
        Value::Bool(_) | Value::Ulong(_) => 0,
    };
    let key = match attributes.key_type() {
        Some(ck::CKK_RSA) => PER_MODULUS_BYTE * attributes.bytes(ck::CKA_MODULUS).map_or(0, <[u8]>::len),
        Some(_) => EC_KEY,
        None => 0,
    };
    OBJECT + key + attributes.iter().map(|(_, value)| ATTRIBUTE + bytes(value)).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Header, MemoryStore, PinRecord, Role, Store};
    use crate::types::{Kdf, LockedKey};

    /// Generations that follow each other.
    fn generations<const N: usize>() -> [Generation; N] {
        let (serial, key) = (Header::random_serial().unwrap(), LockedKey::from_slice(&[7; 32]));
        let so = PinRecord::new(b"so-pin", Kdf::new(8, 1, 1).unwrap(), &key, Role::So, &serial).unwrap();
        let store = MemoryStore::new(Header::new(serial, "", so).unwrap());
        std::array::from_fn(|_| {
            store.update_header(&mut |_| Ok(())).unwrap();
            store.generation().unwrap()
        })
    }

    fn object(id: RowId, len: usize) -> Arc<Object> {
        Arc::new(Object::new(id, Attributes::new().with(ck::CKA_VALUE, vec![0u8; len])))
    }

    fn filled(at: Generation) -> Cache {
        let mut cache = Cache::default();
        cache.move_to(at);
        for id in 1..=3 {
            cache.put_at(at, id, object(id, 10));
        }
        cache
    }

    fn kept(cache: &mut Cache, now: Generation) -> Vec<RowId> {
        (1..=3).filter(|id| cache.get_at(now, *id).is_some()).collect()
    }

    #[test]
    fn our_own_commit_costs_what_it_changed() {
        let [g0, g1, g2] = generations();
        let mut cache = filled(g0);
        cache.announce(g0, Some(2));
        // Another thread is faster than the writer.
        assert_eq!(kept(&mut cache, g1), [1, 3]);
        // What was read before the commit comes too late.
        cache.put_at(g0, 2, object(2, 10));
        cache.settle(g0, g1);
        assert_eq!(kept(&mut cache, g1), [1, 3]);
        cache.announce(g1, None);
        cache.settle(g1, g2);
        assert_eq!(kept(&mut cache, g2), [1, 3]);
    }

    #[test]
    fn anybody_elses_commit_costs_everything() {
        let [g0, g1, g2] = generations();
        let mut cache = filled(g0);
        assert!(kept(&mut cache, g1).is_empty());
        cache.move_to(g1);
        assert!(kept(&mut cache, g1).is_empty());
        // Somebody commits right after us.
        let mut cache = filled(g0);
        cache.announce(g0, None);
        cache.settle(g0, g2);
        assert!(kept(&mut cache, g2).is_empty());
        // Our commit is over: the next one is not ours.
        let mut cache = filled(g0);
        cache.announce(g0, None);
        cache.settle(g0, g0);
        assert!(kept(&mut cache, g1).is_empty());
        // Somebody committed before us, unseen.
        let mut cache = filled(g0);
        cache.announce(g1, None);
        assert!(kept(&mut cache, g2).is_empty());
    }

    #[test]
    fn two_writers_follow_each_other() {
        let [g0, g1, g2] = generations();
        let mut cache = filled(g0);
        cache.announce(g0, Some(1));
        cache.announce(g1, Some(2));
        cache.settle(g0, g2);
        assert_eq!(kept(&mut cache, g2), [3]);
    }

    #[test]
    fn memory_is_bounded_by_bytes() {
        let [g0] = generations();
        let mut cache = Cache::default();
        cache.move_to(g0);
        for id in 1..=200 {
            cache.put_at(g0, id, object(id, 1 << 18));
        }
        let held = cache.recent.objects.len() + cache.older.objects.len();
        assert!((20..=(2 * HALF) >> 18).contains(&held), "{held}");
        assert!(cache.recent.weight <= HALF && cache.older.weight <= HALF);
        cache.retain(|_| false);
        assert_eq!((cache.recent.weight, cache.older.weight), (0, 0));
    }

    #[test]
    fn what_is_used_stays() {
        let [g0] = generations();
        let mut cache = Cache::default();
        cache.move_to(g0);
        cache.put_at(g0, 1, object(1, 100));
        for id in 2..=200 {
            cache.put_at(g0, id, object(id, 1 << 18));
            assert!(cache.get_at(g0, 1).is_some());
        }
    }
}
