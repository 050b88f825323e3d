//! Handles of objects, here and below.
//!
//! They are the same numbers as long as the token below is the one that gave them out. Once its sessions were lost, the
//! numbers below may mean anything: from then on a handle is good only if its object was found again, and new ones come
//! from a range of their own.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use crate::token::ObjectHandle;
use crate::types::ck;

/// New handles after a loss: above what libraries begin with, and within 32 bits.
const FIRST_OWN: ObjectHandle = 0x6000_0000;

/// An attribute's type and value: what an object is found again by.
pub type Traits = Vec<(ck::CK_ATTRIBUTE_TYPE, Vec<u8>)>;

/// The handles of one token.
#[derive(Default)]
pub struct Handles {
    /// Whether the tables count; before a loss, nothing is looked up.
    translated: AtomicBool,
    tables: RwLock<Tables>,
}

#[derive(Default)]
struct Tables {
    below: HashMap<ObjectHandle, ObjectHandle>,
    here: HashMap<ObjectHandle, ObjectHandle>,
    given: u64,
    /// What keys that were used are found again by.
    traits: HashMap<ObjectHandle, Traits>,
    /// Keys that policy was asked about.
    judged: HashSet<ObjectHandle>,
}

impl Handles {
    /// The handle below; CK_INVALID_HANDLE for an object that was lost.
    pub fn below(&self, handle: ObjectHandle) -> ObjectHandle {
        if !self.translated.load(Ordering::Acquire) {
            return handle;
        }
        self.tables.read().below.get(&handle).copied().unwrap_or(ck::CK_INVALID_HANDLE)
    }

    /// The handle here.
    pub fn here(&self, below: ObjectHandle) -> ObjectHandle {
        if below == ck::CK_INVALID_HANDLE || !self.translated.load(Ordering::Acquire) {
            return below;
        }
        if let Some(handle) = self.tables.read().here.get(&below) {
            return *handle;
        }
        let mut tables = self.tables.write();
        if let Some(handle) = tables.here.get(&below) {
            return *handle;
        }
        let handle = FIRST_OWN + tables.given;
        tables.given += 1;
        tables.link(handle, below);
        handle
    }

    /// Whether it is known what the key is found again by.
    pub fn remembers(&self, handle: ObjectHandle) -> bool {
        self.tables.read().traits.contains_key(&handle)
    }

    /// Keeps what the key is found again by.
    pub fn remember(&self, handle: ObjectHandle, traits: Traits) {
        self.tables.write().traits.insert(handle, traits);
    }

    /// Whether policy was asked about the key and let it pass.
    pub fn judged(&self, handle: ObjectHandle) -> bool {
        self.tables.read().judged.contains(&handle)
    }

    /// Policy lets the key pass.
    pub fn note_judged(&self, handle: ObjectHandle) {
        self.tables.write().judged.insert(handle);
    }

    /// The object is gone: its number may be another's some day.
    pub fn forget(&self, handle: ObjectHandle) {
        let mut tables = self.tables.write();
        tables.traits.remove(&handle);
        tables.judged.remove(&handle);
        if let Some(below) = tables.below.remove(&handle) {
            tables.here.remove(&below);
        }
    }

    /// What was given out below is void: `find` looks for each key that was used.
    pub fn lost(&self, find: impl Fn(&Traits) -> Option<ObjectHandle>) {
        let traits = std::mem::take(&mut self.tables.write().traits);
        let found: Vec<_> = traits.iter().map(|(handle, traits)| (*handle, find(traits))).collect();
        let mut tables = self.tables.write();
        tables.below.clear();
        tables.here.clear();
        tables.judged.clear();
        for (handle, below) in found {
            if let Some(below) = below.filter(|below| !tables.here.contains_key(below)) {
                tables.link(handle, below);
            }
        }
        tables.traits = traits;
        self.translated.store(true, Ordering::Release);
    }
}

impl Tables {
    fn link(&mut self, here: ObjectHandle, below: ObjectHandle) {
        self.below.insert(here, below);
        self.here.insert(below, here);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_keeps_what_is_found_again() {
        let handles = Handles::default();
        assert_eq!((handles.below(5), handles.here(5)), (5, 5));
        handles.remember(5, vec![(ck::CKA_ID, vec![1])]);
        handles.remember(6, vec![(ck::CKA_ID, vec![2])]);
        handles.lost(|traits| (traits[0].1 == [1]).then_some(6));
        assert_eq!((handles.below(5), handles.here(6)), (6, 5));
        // Nobody may reach another object by a number of before.
        assert_eq!(handles.below(6), ck::CK_INVALID_HANDLE);
        let new = handles.here(9);
        assert_eq!((new, handles.below(new), handles.here(9)), (FIRST_OWN, 9, FIRST_OWN));
        handles.forget(new);
        assert_ne!(handles.here(9), new);
    }
}
