//! `RemoteStore` on real services, against the store in memory.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use keyward::cloud::Kind;
use keyward::store::remote::Version;
use keyward::store::{Header, MemoryStore, NewRow, PinRecord, RemoteStore, Role, Row, RowId, Store, Tag};
use keyward::types::{Kdf, LockedKey};

use super::Service;
use crate::support::proxy::{Fault, Proxy};

const EVERY_TIME: Duration = Duration::ZERO;

fn header(label: &str) -> Header {
    let (serial, key) = (Header::random_serial().unwrap(), LockedKey::from_slice(&[7; 32]));
    let so = PinRecord::new(b"so-pin", Kdf::new(8, 1, 1).unwrap(), &key, Role::So, &serial).unwrap();
    Header::new(serial, label, so).unwrap()
}

fn tag(n: u64) -> Tag {
    let mut tag = [0; 16];
    tag[..8].copy_from_slice(&n.to_be_bytes());
    tag
}

fn row(id: RowId, len: usize) -> NewRow {
    NewRow {
        id,
        private: id.is_multiple_of(2),
        sealed: vec![id.to_le_bytes()[0]; len],
        tags: vec![tag(id % 5), tag(id)],
    }
}

fn add(store: &dyn Store, len: usize) -> RowId {
    store.insert(1, &mut |ids| Ok(vec![row(ids[0], len)])).unwrap()[0]
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// One change, the same on every store; what it answered.
fn change(store: &dyn Store, dice: &mut Dice) -> String {
    let len = usize::try_from(dice.roll(3000)).unwrap();
    let id = 1 + dice.roll(60);
    match dice.roll(20) {
        0..9 => {
            let count = usize::try_from(1 + dice.roll(12)).unwrap();
            let rows = |ids: &[RowId]| Ok(ids.iter().map(|id| row(*id, len)).collect());
            format!("{:?}", store.insert(count, &mut { rows }))
        }
        9..13 => format!("{:?}", store.modify(id, &mut |old| Ok(row(old.id, len)))),
        13..17 => format!("{:?}", store.delete(id, &mut || Ok(()))),
        17 => {
            let count = |header: &mut Header| {
                header.user_failures.count += 1;
                Ok(())
            };
            format!("{:?}", store.update_header(&mut { count }))
        }
        18 => format!("{:?}", store.rewrite(&mut |_| Ok(()), &mut |old: Row| Ok(row(old.id, len / 2)))),
        _ => match dice.roll(4) {
            0 => format!("{:?}", store.reset(&store.header().unwrap())),
            _ => String::new(),
        },
    }
}

fn same(store: &dyn Store, model: &dyn Store) {
    assert!(*store.header().unwrap() == *model.header().unwrap());
    for any_of in [vec![], vec![vec![tag(3)]], vec![vec![tag(2), tag(7)], vec![tag(4)]]] {
        for private in [true, false] {
            let mut all = |ids: &[RowId]| ids.to_vec();
            let found = store.find_and_get(&any_of, private, &mut all).unwrap();
            assert_eq!(found, model.find_and_get(&any_of, private, &mut all).unwrap());
        }
    }
    assert_eq!(store.count().unwrap(), model.count().unwrap());
}

/// Random changes by two instances in turn have the effect that they have in memory.
fn follows_the_model(service: &Service, changes: u64) {
    let header = header("model");
    let model = MemoryStore::new(header.clone());
    let first = RemoteStore::create(service.documents(), EVERY_TIME, &header).unwrap();
    let second = RemoteStore::open(service.documents(), EVERY_TIME).unwrap();
    let (mut dice, mut own) = (Dice(11), Dice(11));
    for n in 0..changes {
        let store = if n.is_multiple_of(3) { &second } else { &first };
        assert_eq!(change(store, &mut own), change(&model, &mut dice), "change {n}");
        if n.is_multiple_of(8) {
            same(&first, &model);
            same(&second, &model);
        }
    }
    same(&RemoteStore::open(service.documents(), EVERY_TIME).unwrap(), &model);
    let documents = service.dump().into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
    assert!(documents.len() > 2, "{documents:?}");
}

/// Several instances and threads at once lose nothing and number no row twice.
fn loses_nothing(service: &Service, each: usize) {
    let first = RemoteStore::create(service.documents(), EVERY_TIME, &header("many")).unwrap();
    let open = || RemoteStore::open(service.documents(), EVERY_TIME).unwrap();
    let stores = [first, open(), open()];
    let ids = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for store in stores.iter().chain(&stores[..1]) {
            let ids = &ids;
            scope.spawn(move || {
                for n in 0..each {
                    let id = add(store, 1500);
                    assert!(ids.lock().unwrap().insert(id), "{id} twice");
                    if n.is_multiple_of(4) {
                        store.delete(id, &mut || Ok(())).unwrap();
                        ids.lock().unwrap().remove(&id);
                    }
                }
            });
        }
    });
    let all: Vec<_> = ids.into_inner().unwrap().into_iter().collect();
    for store in &stores {
        store.generation().unwrap();
        assert_eq!(store.find(&[], true).unwrap(), all);
        assert!(all.iter().all(|id| store.get(*id).unwrap().unwrap().sealed.len() == 1500));
    }
}

#[test]
fn vault_follows_the_model() {
    follows_the_model(&Service::vault(), 200);
}

#[test]
fn aws_follows_the_model() {
    follows_the_model(&Service::moto(), 200);
}

#[test]
fn aws_by_one_writer() {
    // What ministack lacks, nobody needs who writes alone; its deletion and its paging are its own.
    let service = Service::ministack();
    let store = RemoteStore::create(service.documents(), EVERY_TIME, &header("one")).unwrap();
    let ids: Vec<_> = (0..80).map(|_| add(&store, 1200)).collect();
    store.delete(ids[3], &mut || Ok(())).unwrap();
    let other = RemoteStore::open(service.documents(), EVERY_TIME).unwrap();
    assert_eq!(other.count().unwrap(), 79);
    assert_eq!(other.get(ids[4]).unwrap(), store.get(ids[4]).unwrap());
}

#[test]
fn vault_loses_nothing() {
    loses_nothing(&Service::vault(), 15);
}

#[test]
fn aws_loses_nothing() {
    loses_nothing(&Service::moto(), 15);
}

#[test]
fn the_history_of_a_vault_token_is_cut() {
    let service = Service::vault();
    let store = RemoteStore::create(service.documents(), EVERY_TIME, &header("history")).unwrap();
    let planted = |ids: &[RowId]| Ok(vec![NewRow { sealed: b"planted row".repeat(3), ..row(ids[0], 0) }]);
    let id = store.insert(1, &mut { planted }).unwrap()[0];
    let holds = || service.dump().iter().any(|(_, content)| contains(content, b"planted row"));
    assert!(holds());
    store.delete(id, &mut || Ok(())).unwrap();
    assert!(!holds());
}

/// A secret of AWS takes about a hundred versions a day; the manifest goes from one secret to the next.
#[test]
fn an_aws_token_outlives_its_first_secret() {
    let service = Service::moto();
    let store = RemoteStore::create(service.documents(), EVERY_TIME, &header("chain")).unwrap();
    let idle = RemoteStore::open(service.documents(), EVERY_TIME).unwrap();
    let count = |store: &RemoteStore| {
        let add = |header: &mut Header| {
            header.so_failures.count += 1;
            Ok(())
        };
        store.update_header(&mut { add }).unwrap();
    };
    for n in 1..=200 {
        count(&store);
        if [59, 60, 61, 118, 125, 199].contains(&n) {
            let fresh = RemoteStore::open(service.documents(), EVERY_TIME).unwrap();
            assert_eq!(fresh.header().unwrap().so_failures.count, n);
            assert_eq!(fresh.generation().unwrap(), store.generation().unwrap());
        }
    }
    assert_eq!(idle.header().unwrap().so_failures.count, 200);
    count(&idle);
    assert_eq!(store.header().unwrap().so_failures.count, 201);
    let mut versions = std::collections::BTreeMap::<String, usize>::new();
    service.dump().into_iter().for_each(|(name, _)| *versions.entry(name).or_default() += 1);
    assert_eq!(versions.keys().collect::<Vec<_>>(), ["keyward/fleet/manifest", "keyward/fleet/manifest-3"]);
    assert!(versions.values().all(|count| *count < 70), "{versions:?}");
}

/// An attempt that was refused does not hide one before it that did its work.
#[test]
fn what_aws_may_have_written_is_not_called_refused() {
    let service = Service::moto();
    let proxy = Proxy::start(service.address().rsplit(':').next().unwrap().parse().unwrap());
    let documents = service.documents_at(&proxy.address());
    proxy.next([Fault::HalfBody, Fault::Status(400, None)]);
    let error = documents.write("rows-1", b"rows", None, documents.deadline()).unwrap_err();
    assert_eq!(error.kind(), Kind::Broken, "{error}");
    proxy.clear();
    assert_eq!(documents.read("rows-1", documents.deadline()).unwrap().unwrap().bytes, b"rows");
}

/// A writer that was asleep while the chain of secrets went on beyond the next one, whose name is free again.
#[test]
fn an_aws_writer_that_slept_makes_no_second_token() {
    let service = Service::moto();
    let documents = service.documents();
    let write = |bytes: &[u8], expected: Option<&Version>| {
        documents.write("manifest", bytes, expected, documents.deadline())
    };
    let mut version = write(b"0", None).unwrap();
    let mut slept = None;
    for n in 1..=121 {
        version = write(format!("{n}").as_bytes(), Some(&version)).unwrap();
        if n == 59 {
            slept = Some(version.clone());
        }
    }
    let names = || service.dump().into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
    let before = names();
    assert!(!before.contains("keyward/fleet/manifest-1"));
    // Not that nothing was written: it might have been the end of the chain when it was made.
    assert_eq!(write(b"slept", slept.as_ref()).unwrap_err().kind(), Kind::Corrupt);
    assert_eq!(names(), before);
    let found = service.documents().read("manifest", documents.deadline()).unwrap().unwrap();
    assert_eq!((found.bytes, found.version), (b"121".to_vec(), version));
    let last = Version(format!("{}/{}/x", u32::MAX, u32::MAX));
    assert_eq!(write(b"far", Some(&last)).unwrap_err().kind(), Kind::Corrupt);
}

pub fn contains(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}
