//! The answers to searches, kept until something changes.
//!
//! What this process changes is known at once. What others change is not: an answer is good for `find_cache_ms`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::object::{RawAttribute, RawValue};
use crate::token::{Login, ObjectHandle};
use crate::types::ck;

/// More answers, or matches of one, than are worth keeping.
const MAX_ANSWERS: usize = 256;
const MAX_MATCHES: usize = 4096;

/// A search: who asked, and for what.
#[derive(PartialEq, Eq, Hash, Clone)]
pub struct Search {
    login: u8,
    template: Vec<(ck::CK_ATTRIBUTE_TYPE, Vec<u8>)>,
}

impl Search {
    /// `None` for a template that nests others, or holds a secret to compare with.
    pub fn new(login: Login, template: &[RawAttribute<'_>]) -> Option<Search> {
        let attribute = |attribute: &RawAttribute<'_>| match attribute.value {
            RawValue::Bytes(value) if attribute.kind != ck::CKA_VALUE => {
                Some((attribute.kind, value.to_vec()))
            }
            _ => None,
        };
        Some(Search { login: login as u8, template: template.iter().map(attribute).collect::<Option<_>>()? })
    }
}

/// The answers of one token.
pub struct Finds {
    lasts: Duration,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Counts the changes: an answer of before a change is not kept after it.
    changes: u64,
    answers: HashMap<Search, (Instant, Vec<ObjectHandle>)>,
}

impl Finds {
    pub fn new(lasts: Duration) -> Finds {
        Finds { lasts, kept: Mutex::default() }
    }

    /// The answer, if it is known; else the number of changes so far, for `keep`.
    pub fn get(&self, search: Option<&Search>) -> Result<Vec<ObjectHandle>, u64> {
        let kept = self.kept.lock();
        let fresh = |(since, matches): &(Instant, Vec<ObjectHandle>)| {
            (since.elapsed() < self.lasts).then(|| matches.clone())
        };
        search.and_then(|search| kept.answers.get(search)).and_then(fresh).ok_or(kept.changes)
    }

    /// Keeps an answer, unless something changed since `get`.
    pub fn keep(&self, search: Option<Search>, changes: u64, matches: &[ObjectHandle]) {
        let (Some(search), false) = (search, self.lasts.is_zero()) else { return };
        let mut kept = self.kept.lock();
        if kept.changes != changes || matches.len() > MAX_MATCHES {
            return;
        }
        if kept.answers.len() >= MAX_ANSWERS {
            kept.answers.clear();
        }
        kept.answers.insert(search, (Instant::now(), matches.to_vec()));
    }

    /// Something changed.
    pub fn forget(&self) {
        let mut kept = self.kept.lock();
        kept.changes += 1;
        kept.answers.clear();
    }
}
