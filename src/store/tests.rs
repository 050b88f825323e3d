//! One suite for all stores, and what only a file can do.

mod file;
mod pins;
mod sealing;

use std::path::PathBuf;

use super::*;
use crate::types::{Kdf, LockedKey};

fn kdf() -> Kdf {
    Kdf::new(8, 1, 1).unwrap()
}

fn token_key() -> LockedKey {
    LockedKey::from_slice(&[7; 32])
}

fn header() -> Header {
    let serial = Header::random_serial().unwrap();
    let so = PinRecord::new(b"so-pin", kdf(), &token_key(), Role::So, &serial).unwrap();
    let mut header = Header::new(serial, "a token", so).unwrap();
    let user = PinRecord::new(b"user-pin", kdf(), &token_key(), Role::User, &header.serial).unwrap();
    header.user = Some(user);
    header
}

/// A token file in a directory of its own.
struct TokenFile {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl TokenFile {
    fn new() -> TokenFile {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.token");
        SqliteStore::create(&path, &Options::default(), &header()).unwrap();
        TokenFile { _dir: dir, path }
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path, &Options::default()).unwrap()
    }
}

fn tag(n: u32) -> Tag {
    let mut tag = [0; 16];
    tag[..4].copy_from_slice(&n.to_le_bytes());
    tag
}

fn row(id: RowId, private: bool, tags: &[u32]) -> NewRow {
    NewRow {
        id,
        private,
        sealed: vec![id.to_le_bytes()[0]; 100],
        tags: tags.iter().map(|n| tag(*n)).collect(),
    }
}

fn add(store: &dyn Store, private: bool, tags: &[u32]) -> RowId {
    store.insert(1, &mut |ids| Ok(vec![row(ids[0], private, tags)])).unwrap()[0]
}

/// Runs a test on each implementation.
fn each(test: impl Fn(&dyn Store)) {
    test(&MemoryStore::new(header()));
    test(&TokenFile::new().open());
    #[cfg(feature = "kms")]
    test(&super::remote::tests::new(&header()));
}

#[test]
fn rows_come_back_as_they_were_stored() {
    each(|store| {
        let ids = store
            .insert(2, &mut |ids| Ok(vec![row(ids[0], false, &[1]), row(ids[1], true, &[1, 2, 2])]))
            .unwrap();
        assert_eq!(ids, [1, 2]);
        let got = store.get(2).unwrap().unwrap();
        assert_eq!((got.id, got.private, got.sealed), (2, true, vec![2; 100]));
        assert_eq!(store.get(3).unwrap(), None);
        assert_eq!(store.count().unwrap(), 2);
    });
}

#[test]
fn rows_are_found_by_every_combination() {
    each(|store| {
        let a = add(store, false, &[1, 10]);
        let b = add(store, true, &[1, 20]);
        let c = add(store, true, &[2, 10, 20]);
        let find = |any: &[&[u32]], private| {
            let any: Vec<Vec<Tag>> = any.iter().map(|all| all.iter().map(|n| tag(*n)).collect()).collect();
            store.find(&any, private).unwrap()
        };
        assert_eq!(find(&[], true), [a, b, c]);
        assert_eq!(find(&[&[]], true), [a, b, c]);
        assert_eq!(find(&[], false), [a]);
        assert_eq!(find(&[&[1]], true), [a, b]);
        assert_eq!(find(&[&[1]], false), [a]);
        assert_eq!(find(&[&[10, 2]], true), [c]);
        assert_eq!(find(&[&[10], &[20]], true), [a, b, c]);
        assert_eq!(find(&[&[20], &[2, 10]], true), [b, c]);
        assert!(find(&[&[1, 2]], true).is_empty());
        assert_eq!(find(&[&[20; 30]], true), [b, c]);
        assert!(find(&[&[3], &[1, 2]], true).is_empty());
    });
}

#[test]
fn rows_are_found_and_read_at_once() {
    each(|store| {
        let ids = [add(store, false, &[1]), add(store, true, &[1]), add(store, false, &[2])];
        let mut seen = Vec::new();
        let (found, rows) = store
            .find_and_get(&[vec![tag(1)]], true, &mut |found| {
                seen.extend_from_slice(found);
                vec![ids[1], 99]
            })
            .unwrap();
        assert_eq!((&found[..], &seen), (&ids[..2], &found));
        assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [ids[1]]);
        let rows = store.get_all(&[ids[2], 99, ids[0]]).unwrap();
        assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [ids[2], ids[0]]);
        // Nothing of it is left open: a commit is seen.
        store.delete(ids[0], &mut || Ok(())).unwrap();
        assert_eq!(store.find(&[vec![tag(1)]], true).unwrap(), [ids[1]]);
    });
}

#[test]
fn a_commit_is_told_from_two() {
    each(|store| {
        let mut inside = None;
        let make = |ids: &[RowId]| {
            inside = Some(store.generation()?);
            Ok(vec![row(ids[0], false, &[])])
        };
        let before = store.generation().unwrap();
        store.insert(1, &mut { make }).unwrap();
        let after = store.generation().unwrap();
        assert_eq!(inside, Some(before));
        assert!(after.follows(before) && !before.follows(after) && !after.follows(after));
        add(store, false, &[]);
        let later = store.generation().unwrap();
        assert!(later.follows(after) && !later.follows(before));
    });
}

#[test]
fn a_row_is_modified_and_its_tags_follow() {
    each(|store| {
        let id = add(store, false, &[1]);
        let change = |old: Row| Ok(NewRow { sealed: [old.sealed, vec![9]].concat(), ..row(0, true, &[2]) });
        store.modify(id, &mut { change }).unwrap();
        assert!(store.find(&[vec![tag(1)]], true).unwrap().is_empty());
        assert_eq!(store.find(&[vec![tag(2)]], true).unwrap(), [id]);
        assert_eq!(store.get(id).unwrap().unwrap().sealed.len(), 101);
        assert_eq!(store.modify(99, &mut |_| unreachable!()).unwrap_err(), Error::NotFound);
    });
}

#[test]
fn a_deleted_row_is_gone_with_its_tags_and_its_number() {
    each(|store| {
        let id = add(store, false, &[1]);
        let refused = store.delete(id, &mut || Err(Error::WrongPin));
        assert_eq!(refused.unwrap_err(), Error::WrongPin);
        assert!(store.get(id).unwrap().is_some());
        store.delete(id, &mut || Ok(())).unwrap();
        assert_eq!(store.delete(id, &mut || Ok(())).unwrap_err(), Error::NotFound);
        assert_eq!(store.get(id).unwrap(), None);
        assert!(store.find(&[vec![tag(1)]], true).unwrap().is_empty());
        assert!(add(store, false, &[1]) > id);
        store.reset(&header()).unwrap();
        assert_eq!(store.count().unwrap(), 0);
        assert_eq!(add(store, false, &[]), 3);
    });
}

#[test]
fn a_closure_that_fails_changes_nothing() {
    each(|store| {
        let id = add(store, false, &[1]);
        let before = store.generation().unwrap();
        let own = crate::error::Error::new(crate::error::ErrorKind::TemplateInconsistent, "because");
        let fail = || Error::from(own.clone());
        let insert = store.insert(1, &mut |_| Err(fail())).unwrap_err();
        assert_eq!(crate::error::Error::from(insert), own);
        assert!(store.modify(id, &mut |_| Err(fail())).is_err());
        assert!(
            store
                .update_header(&mut |h| {
                    h.label = [b'x'; 32];
                    Err(fail())
                })
                .is_err()
        );
        let large =
            |ids: &[RowId]| Ok(vec![NewRow { sealed: vec![0; MAX_SEALED + 1], ..row(ids[0], false, &[]) }]);
        assert_eq!(
            store.insert(1, &mut { large }).unwrap_err(),
            Error::TooLarge { size: MAX_SEALED + 1, most: MAX_SEALED }
        );
        assert_eq!(store.count().unwrap(), 1);
        assert_eq!(store.header().unwrap().label_text(), "a token");
        assert_eq!(store.generation().unwrap(), before);
    });
}

#[test]
fn a_closure_may_read_from_the_same_store() {
    each(|store| {
        add(store, false, &[1]);
        let make = |ids: &[RowId]| {
            assert_eq!(store.header()?.label_text(), "a token");
            assert_eq!(store.find(&[], true)?, [1]);
            Ok(vec![row(ids[0], false, &[])])
        };
        store.insert(1, &mut { make }).unwrap();
    });
}

#[test]
fn every_commit_changes_the_generation_and_nothing_else_does() {
    each(|store| {
        let mut last = store.generation().unwrap();
        assert_eq!(store.generation().unwrap(), last);
        let mut changed = |what: &str| {
            let now = store.generation().unwrap();
            assert_ne!(now, last, "{what}");
            last = now;
            assert_eq!(store.generation().unwrap(), last);
        };
        add(store, false, &[]);
        changed("insert");
        store
            .update_header(&mut |h| {
                h.login_required = false;
                Ok(())
            })
            .unwrap();
        changed("header");
        assert!(!store.header().unwrap().login_required);
        store.modify(1, &mut |_| Ok(row(1, true, &[]))).unwrap();
        changed("modify");
        store.delete(1, &mut || Ok(())).unwrap();
        changed("delete");
        store.reset(&header()).unwrap();
        changed("reset");
    });
}

#[test]
fn a_header_comes_back_as_it_was_stored() {
    each(|store| {
        let mut wanted = Header::clone(&*store.header().unwrap());
        wanted.user_failures = Failures { count: 3, last: 1_700_000_000 };
        wanted.so_failures = Failures { count: 1, last: 5 };
        wanted.user = None;
        wanted.user_pin_to_be_changed = true;
        store
            .update_header(&mut |h| {
                *h = wanted.clone();
                Ok(())
            })
            .unwrap();
        assert!(*store.header().unwrap() == wanted);
    });
}

#[test]
fn rewriting_touches_every_row_and_the_header() {
    each(|store| {
        add(store, false, &[1]);
        add(store, true, &[2]);
        let rewrite = |old: Row| Ok(NewRow { sealed: vec![1], ..row(old.id, old.private, &[3]) });
        store
            .rewrite(
                &mut |h| {
                    h.label = padded("new");
                    Ok(())
                },
                &mut { rewrite },
            )
            .unwrap();
        assert_eq!(store.find(&[vec![tag(3)]], true).unwrap(), [1, 2]);
        assert!(store.find(&[vec![tag(1)]], true).unwrap().is_empty());
        assert_eq!(store.header().unwrap().label_text(), "new");
    });
}

#[test]
fn an_abandoned_store_answers_nothing() {
    each(|store| {
        store.abandon();
        assert_eq!(store.header().unwrap_err(), Error::Abandoned);
        assert_eq!(store.insert(1, &mut |_| unreachable!()).unwrap_err(), Error::Abandoned);
        store.abandon();
    });
}

#[test]
fn labels_are_cut_at_a_character() {
    assert_eq!(&padded::<32>("x"), b"x                               ");
    let cut = padded::<32>(&"é".repeat(20));
    assert_eq!(std::str::from_utf8(&cut).unwrap(), "é".repeat(16));
    assert_eq!(padded::<32>(&format!("x{}", "é".repeat(20)))[31], b' ');
}
