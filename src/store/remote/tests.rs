//! What only a store in a service can get wrong. The suite that all stores pass is `store::tests`.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32};

use super::*;
use crate::cloud::Limits as Times;
use crate::store::{PinRecord, Role};
use crate::types::{Kdf, LockedKey};

/// A service in memory, with faults.
struct Service {
    documents: Mutex<BTreeMap<String, (Vec<u8>, u64)>>,
    limits: Limits,
    /// Time for a call.
    total: Duration,
    requests: Mutex<Vec<String>>,
    away: AtomicBool,
    /// Requests until the service goes away for good.
    left: AtomicU32,
    /// Reads of the manifest answer what was there before the last write, so many times.
    late: AtomicU32,
    before: Mutex<Option<Document>>,
    /// Of so many writes, one does its work and loses its answer, and another is lost itself.
    loses: AtomicU32,
    /// So many writes of the manifest are lost.
    breaks: AtomicU32,
    /// Writes are not permitted.
    denies: AtomicBool,
    /// Writes do their work, and are answered with what nobody understands.
    garbles: AtomicBool,
}

const LARGE: Limits = Limits { document: 1 << 24, chunk: 1 << 16 };
/// So that some rows of 100 bytes fill a document.
const SMALL: Limits = Limits { document: 40_000, chunk: 2_000 };

fn service(limits: Limits) -> Arc<Service> {
    Arc::new(Service {
        documents: Mutex::default(),
        limits,
        total: Duration::from_secs(20),
        requests: Mutex::default(),
        away: AtomicBool::new(false),
        left: AtomicU32::new(u32::MAX),
        late: AtomicU32::new(0),
        before: Mutex::default(),
        loses: AtomicU32::new(0),
        breaks: AtomicU32::new(0),
        denies: AtomicBool::new(false),
        garbles: AtomicBool::new(false),
    })
}

impl Service {
    fn enter(&self, what: &str, name: &str) -> cloud::Result<()> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if self.away.load(Ordering::SeqCst) || left.is_err() {
            return Err(cloud::Error::new(Kind::Unreachable, "connection refused"));
        }
        self.requests.lock().push(format!("{what} {}", name.split('-').next().unwrap()));
        Ok(())
    }

    fn draw(&self) -> u32 {
        let mut random = [0; 2];
        crate::crypto::random(&mut random).unwrap();
        match self.loses.load(Ordering::SeqCst) {
            0 => u32::MAX,
            one_of => u32::from(u16::from_be_bytes(random)) % one_of,
        }
    }

    fn names(&self) -> BTreeSet<String> {
        self.documents.lock().keys().cloned().collect()
    }

    fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock())
    }
}

impl Documents for Service {
    fn place(&self) -> String {
        "memory".into()
    }

    fn identity(&self) -> String {
        "memory".into()
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn deadline(&self) -> Deadline {
        cloud::Caller::new(Times { total: self.total, ..Times::default() }).deadline()
    }

    fn read(&self, name: &str, _: Deadline) -> cloud::Result<Option<Document>> {
        self.enter("read", name)?;
        let one_less = |late: u32| late.checked_sub(1);
        if name == MANIFEST && self.late.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            return Ok(self.before.lock().clone());
        }
        let found = self.documents.lock().get(name).cloned();
        Ok(found.map(|(bytes, version)| Document { bytes, version: Version(version.to_string()) }))
    }

    fn write(
        &self,
        name: &str,
        bytes: &[u8],
        expected: Option<&Version>,
        _: Deadline,
    ) -> cloud::Result<Version> {
        self.enter("write", name)?;
        assert!(bytes.len() <= self.limits.document);
        if self.denies.load(Ordering::SeqCst) {
            return Err(cloud::Error::new(Kind::Denied, "not for you"));
        }
        let lot = self.draw();
        let lost = || cloud::Error::new(Kind::Broken, "connection reset");
        let one_less = |breaks: u32| breaks.checked_sub(1);
        let breaks = || self.breaks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
        if lot == 0 || (name == MANIFEST && breaks()) {
            return Err(lost());
        }
        let mut documents = self.documents.lock();
        let now = documents.get(name).map(|(_, version)| *version);
        if now.map(|version| version.to_string()) != expected.map(|version| version.0.clone()) {
            return Err(cloud::Error::new(Kind::Conflict, "somebody was faster"));
        }
        if name == MANIFEST {
            let before = documents.get(name).cloned();
            *self.before.lock() =
                before.map(|(bytes, version)| Document { bytes, version: Version(version.to_string()) });
        }
        let version = now.unwrap_or(0) + 1;
        documents.insert(name.to_owned(), (bytes.to_vec(), version));
        if self.garbles.load(Ordering::SeqCst) {
            return Err(cloud::Error::new(Kind::Corrupt, "no JSON"));
        }
        if lot == 1 { Err(lost()) } else { Ok(Version(version.to_string())) }
    }

    fn delete(&self, name: &str, _: Deadline) -> cloud::Result<()> {
        self.enter("delete", name)?;
        self.documents.lock().remove(name);
        Ok(())
    }
}

const EVERY_TIME: Duration = Duration::ZERO;
const NEVER: Duration = Duration::from_secs(3600);

/// For the suite: looks every time, in documents that a few rows fill.
pub(in crate::store) fn new(header: &Header) -> RemoteStore {
    RemoteStore::create(service(LARGE), EVERY_TIME, header).unwrap()
}

fn header() -> Header {
    let (serial, key) = (Header::random_serial().unwrap(), LockedKey::from_slice(&[7; 32]));
    let so = PinRecord::new(b"so-pin", Kdf::new(8, 1, 1).unwrap(), &key, Role::So, &serial).unwrap();
    Header::new(serial, "a token", so).unwrap()
}

fn create(service: &Arc<Service>, refresh: Duration) -> RemoteStore {
    RemoteStore::create(service.clone(), refresh, &header()).unwrap()
}

fn open(service: &Arc<Service>, refresh: Duration) -> Result<RemoteStore> {
    RemoteStore::open(service.clone(), refresh)
}

fn row(id: RowId, len: usize) -> NewRow {
    let mut tag = [0; 16];
    tag[..8].copy_from_slice(&id.to_be_bytes());
    NewRow { id, private: id.is_multiple_of(2), sealed: vec![id.to_le_bytes()[0]; len], tags: vec![tag] }
}

fn add(store: &RemoteStore, len: usize) -> Result<RowId> {
    Ok(store.insert(1, &mut |ids| Ok(vec![row(ids[0], len)]))?[0])
}

fn add_many(store: &RemoteStore, count: usize) {
    for _ in 0..count {
        add(store, 100).unwrap();
    }
}

/// Everything that a token is.
fn content(store: &RemoteStore) -> (Vec<Row>, Vec<RowId>, u32) {
    let known = store.known().unwrap();
    let rows = known.state.rows.all();
    let found = rows.iter().map(|row| known.state.rows.find(&[row_tags(row.id)], true)).collect::<Vec<_>>();
    (rows, found.concat(), known.state.commits)
}

fn row_tags(id: RowId) -> Vec<Tag> {
    row(id, 0).tags
}

/// That the service holds what the token names and nothing else, and that whoever opens it reads the same.
fn agrees(service: &Arc<Service>, store: &RemoteStore) {
    store.reload(service.deadline()).unwrap();
    let fresh = open(service, NEVER).unwrap();
    assert_eq!(content(&fresh), content(store));
    let manifest = Manifest::decode(&service.documents.lock()[MANIFEST].0).unwrap();
    let named = manifest.chunks.iter().map(|chunk| format::chunk_name(chunk.id));
    let named: BTreeSet<_> = named.chain([MANIFEST.to_owned()]).collect();
    assert_eq!(service.names(), named);
}

#[test]
fn rows_lie_in_documents_that_are_filled_and_put_together() {
    let service = service(SMALL);
    let store = create(&service, NEVER);
    let ids: Vec<_> = (0..400).map(|_| add(&store, 100).unwrap()).collect();
    agrees(&service, &store);
    let most = service.names().len();
    assert!((20..60).contains(&most), "{most}");
    for id in ids.iter().filter(|id| **id % 3 != 0) {
        store.delete(*id, &mut || Ok(())).unwrap();
    }
    agrees(&service, &store);
    assert_eq!(store.count().unwrap(), 133);
    assert!(service.names().len() < most / 2, "{}", service.names().len());
    for id in ids.iter().filter(|id| **id % 3 == 0) {
        store.modify(*id, &mut |old| Ok(row(old.id, 120))).unwrap();
    }
    agrees(&service, &store);
    assert_eq!(store.get(3).unwrap().unwrap().sealed, vec![3; 120]);
    store.rewrite(&mut |_| Ok(()), &mut |old| Ok(row(old.id, 90))).unwrap();
    agrees(&service, &store);
    store.reset(&header()).unwrap();
    agrees(&service, &store);
    assert_eq!(service.names().len(), 1);
    assert_eq!(add(&store, 1).unwrap(), 401);
}

#[test]
fn reads_ask_nobody_and_a_small_change_is_two_requests() {
    let service = service(LARGE);
    let store = create(&service, NEVER);
    service.take_requests();
    let id = add(&store, 1000).unwrap();
    assert_eq!(service.take_requests(), ["read manifest", "write manifest"]);
    assert!(store.get(id).unwrap().is_some());
    store.generation().unwrap();
    store.header().unwrap();
    assert_eq!(store.find(&[row_tags(id)], true).unwrap(), [id]);
    assert!(service.take_requests().is_empty());
    // Another one reads no more than what it lacks.
    for _ in 0..40 {
        add(&store, 1000).unwrap();
    }
    let other = open(&service, EVERY_TIME).unwrap();
    service.take_requests();
    add(&store, 1000).unwrap();
    service.take_requests();
    other.generation().unwrap();
    assert_eq!(service.take_requests(), ["read manifest"]);
    assert_eq!(content(&other), content(&store));
}

#[test]
fn writers_everywhere_lose_nothing() {
    const EACH: usize = 20;
    let service = service(SMALL);
    create(&service, NEVER);
    let stores: Vec<_> = (0..3).map(|_| open(&service, EVERY_TIME).unwrap()).collect();
    let ids = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for store in stores.iter().chain(&stores) {
            let ids = &ids;
            scope.spawn(move || {
                for n in 0..EACH {
                    let id = add(store, 150).unwrap();
                    assert!(ids.lock().insert(id), "{id} twice");
                    store
                        .update_header(&mut |header| {
                            header.user_failures.count += 1;
                            Ok(())
                        })
                        .unwrap();
                    assert!(store.get(id).unwrap().is_some());
                    if n % 2 == 0 {
                        store.delete(id, &mut || Ok(())).unwrap();
                        ids.lock().remove(&id);
                    }
                }
            });
        }
    });
    let all: Vec<_> = ids.into_inner().into_iter().collect();
    for store in &stores {
        assert_eq!(store.header().unwrap().user_failures.count as usize, 6 * EACH);
        assert_eq!(store.find(&[], true).unwrap(), all);
        agrees(&service, store);
    }
}

#[test]
fn lost_answers_make_nothing_twice() {
    let service = service(SMALL);
    let store = create(&service, NEVER);
    let other = open(&service, NEVER).unwrap();
    service.loses.store(5, Ordering::SeqCst);
    for n in 0..150 {
        add(if n % 2 == 0 { &store } else { &other }, 150).unwrap();
    }
    service.loses.store(0, Ordering::SeqCst);
    let fresh = open(&service, NEVER).unwrap();
    assert_eq!(fresh.count().unwrap(), 150);
    agrees(&service, &store);
}

/// The worst case: the answer to a commit was lost, and the service shows the state before it for a while.
#[test]
fn what_a_service_shows_late_is_waited_for() {
    let (service, store, plan) = unanswered(Duration::from_secs(20));
    service.late.store(4, Ordering::SeqCst);
    assert!(store.commit(plan, service.deadline()).unwrap());
    assert_eq!(service.late.load(Ordering::SeqCst), 0);
    assert_eq!(store.get(3).unwrap().unwrap().sealed.len(), 200);
    agrees(&service, &store);
    // The same for whoever begins a change.
    add(&store, 10).unwrap();
    let other = open(&service, NEVER).unwrap();
    add(&other, 10).unwrap();
    service.late.store(3, Ordering::SeqCst);
    add(&store, 10).unwrap();
    agrees(&service, &store);
}

/// A token of many rows, and a change of it with new documents of rows: the service made it, and nobody heard of it.
fn unanswered(total: Duration) -> (Arc<Service>, RemoteStore, Plan) {
    let limits = Limits { document: 60_000, chunk: 20_000 };
    let mut service = service(limits);
    Arc::get_mut(&mut service).unwrap().total = total;
    let store = create(&service, NEVER);
    add_many(&store, 300);
    let changes = Changes { put: vec![row(3, 200)], ..Changes::default() };
    let plan = store.known().unwrap().state.plan(changes, limits, Path::new("memory")).unwrap();
    assert!(!plan.written.is_empty());
    for new in &plan.written {
        service.write(&format::chunk_name(new.id), &new.bytes, None, service.deadline()).unwrap();
    }
    service.write(MANIFEST, &plan.manifest, Some(&plan.base), service.deadline()).unwrap();
    (service, store, plan)
}

fn says_may_have_been_made(error: &Error) {
    assert!(matches!(error, Error::Io { why, .. } if why.contains("may have been made")), "{error}");
}

#[test]
fn nothing_is_thrown_away_before_it_is_known_whether_it_is_named() {
    // What was written is not shown as long as there is time.
    let (service, store, plan) = unanswered(Duration::from_millis(300));
    service.late.store(u32::MAX, Ordering::SeqCst);
    says_may_have_been_made(&store.commit(plan, service.deadline()).unwrap_err());
    service.late.store(0, Ordering::SeqCst);
    store.reload(service.deadline()).unwrap();
    assert_eq!(content(&open(&service, NEVER).unwrap()), content(&store));
    assert_eq!(store.get(3).unwrap().unwrap().sealed.len(), 200);
    // Others changed the token since, more often than it remembers.
    let (service, store, plan) = unanswered(Duration::from_secs(20));
    let other = open(&service, NEVER).unwrap();
    for _ in 0..=format::REMEMBERED {
        other.update_header(&mut |_| Ok(())).unwrap();
    }
    service.breaks.store(1, Ordering::SeqCst);
    says_may_have_been_made(&store.commit(plan, service.deadline()).unwrap_err());
    assert_eq!(content(&open(&service, NEVER).unwrap()), content(&store));
    assert_eq!(store.get(3).unwrap().unwrap().sealed.len(), 200);
}

#[test]
fn an_answer_that_nobody_understands_may_be_a_success() {
    let limits = Limits { document: 60_000, chunk: 20_000 };
    let service = service(limits);
    let store = create(&service, NEVER);
    add_many(&store, 300);
    service.garbles.store(true, Ordering::SeqCst);
    says_may_have_been_made(&add(&store, 10).unwrap_err());
    let changes = Changes { put: vec![row(3, 200)], ..Changes::default() };
    store.reload(service.deadline()).unwrap();
    let plan = store.known().unwrap().state.plan(changes, limits, Path::new("memory")).unwrap();
    service.garbles.store(false, Ordering::SeqCst);
    for new in &plan.written {
        service.write(&format::chunk_name(new.id), &new.bytes, None, service.deadline()).unwrap();
    }
    service.garbles.store(true, Ordering::SeqCst);
    let names: Vec<_> = plan.written.iter().map(|new| format::chunk_name(new.id)).collect();
    says_may_have_been_made(&store.commit(plan, service.deadline()).unwrap_err());
    service.garbles.store(false, Ordering::SeqCst);
    assert!(!names.is_empty() && names.iter().all(|name| service.names().contains(name)));
    assert_eq!(open(&service, NEVER).unwrap().get(3).unwrap().unwrap().sealed.len(), 200);
}

#[test]
fn a_death_at_any_request_leaves_the_token_before_or_after() {
    let make = || {
        let service = service(Limits { document: 60_000, chunk: 20_000 });
        let store = create(&service, NEVER);
        add_many(&store, 300);
        (service, store)
    };
    let change = |store: &RemoteStore| store.modify(2, &mut |old| Ok(row(old.id, 200)));
    let (service, store) = make();
    service.take_requests();
    let before = content(&store);
    change(&store).unwrap();
    let requests = service.take_requests();
    assert!(requests.contains(&"write rows".to_owned()) && requests.contains(&"delete rows".to_owned()));
    let after = content(&store);
    for dies_at in 0..requests.len() {
        let (service, store) = make();
        service.left.store(u32::try_from(dies_at).unwrap(), Ordering::SeqCst);
        let done = change(&store).is_ok();
        service.left.store(u32::MAX, Ordering::SeqCst);
        let fresh = open(&service, NEVER).unwrap();
        assert_eq!(content(&fresh), if done { after.clone() } else { before.clone() }, "{dies_at}");
        add(&fresh, 10).unwrap();
    }
}

#[test]
fn a_service_that_is_away_stops_writes_only() {
    let service = service(LARGE);
    let store = create(&service, EVERY_TIME);
    let id = add(&store, 10).unwrap();
    service.away.store(true, Ordering::SeqCst);
    let generation = store.generation().unwrap();
    assert!(store.get(id).unwrap().is_some());
    let refused = add(&store, 10).unwrap_err();
    assert!(matches!(&refused, Error::Io { why, .. } if why.contains("refused")), "{refused}");
    assert!(matches!(open(&service, NEVER).unwrap_err(), Error::Unreached { .. }));
    service.away.store(false, Ordering::SeqCst);
    assert_eq!(store.generation().unwrap(), generation);
    add(&store, 10).unwrap();
    agrees(&service, &store);
}

#[test]
fn wrong_pins_are_counted_again_once_it_is_permitted() {
    let service = service(LARGE);
    let store = create(&service, EVERY_TIME);
    let wrong = || {
        let tried = crate::store::pin::authenticate(&store, Default::default(), Role::So, b"wrong");
        assert_eq!(tried.unwrap_err(), Error::WrongPin);
        store.header().unwrap().so_failures.count
    };
    service.denies.store(true, Ordering::SeqCst);
    assert_eq!(wrong(), 0);
    assert!(store.read_only());
    service.denies.store(false, Ordering::SeqCst);
    // As if it had been a while ago.
    let earlier = Instant::now().checked_sub(DENIED_LASTS);
    store.denied.lock().clone_from(&earlier);
    assert!(earlier.is_some() && !store.read_only());
    assert_eq!(wrong(), 1);
}

#[test]
fn a_token_is_made_once_and_noticed_when_it_goes() {
    let service = service(LARGE);
    assert!(matches!(open(&service, NEVER).unwrap_err(), Error::Missing { .. }));
    let store = create(&service, EVERY_TIME);
    let second = RemoteStore::create(service.clone(), NEVER, &header());
    assert!(matches!(second.unwrap_err(), Error::Exists { .. }));
    let before = store.generation().unwrap();
    service.documents.lock().clear();
    assert!(matches!(store.generation().unwrap_err(), Error::Missing { .. }));
    assert!(matches!(store.get(1).unwrap_err(), Error::Missing { .. }));
    assert!(matches!(add(&store, 1).unwrap_err(), Error::Missing { .. }));
    // Another token in its place is another one, however often it was written.
    let other = create(&service, NEVER);
    assert_ne!(store.generation().unwrap(), before);
    assert!(*store.header().unwrap() == *other.header().unwrap());
    // Making one whose answer is lost is noticed too.
    service.loses.store(2, Ordering::SeqCst);
    for _ in 0..20 {
        service.documents.lock().clear();
        create(&service, NEVER);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let service = service(SMALL);
    let store = create(&service, NEVER);
    let Error::TooLarge { size: 40_000, most } = add(&store, 40_000).unwrap_err() else { panic!() };
    assert!(add(&store, most + 1).is_err());
    let id = add(&store, most).unwrap();
    assert_eq!(store.get(id).unwrap().unwrap().sealed.len(), most);
    // The manifest can name so many documents.
    let full = loop {
        match add(&store, most / 2) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(full, Error::Full { .. }), "{full}");
    agrees(&service, &store);
    store.delete(id, &mut || Ok(())).unwrap();
    add(&store, most).unwrap();
}

#[test]
fn damage_is_told() {
    let service = service(SMALL);
    let store = create(&service, NEVER);
    add_many(&store, 200);
    for name in service.names() {
        let (good, version) = service.documents.lock()[&name].clone();
        let put = |bytes: Vec<u8>| {
            service.documents.lock().insert(name.clone(), (bytes, version));
            let error = open(&service, NEVER).unwrap_err();
            // Whoever has read it already goes on.
            assert_eq!(store.count().unwrap(), 200);
            error
        };
        for at in [6, 40, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(matches!(put(bad), Error::Damaged { .. }), "{name} {at}");
        }
        for len in [0, 3, 8, good.len() - 1] {
            let error = put(good[..len].to_vec());
            assert!(matches!(error, Error::Damaged { .. } | Error::Foreign { .. }), "{name} {len}: {error}");
        }
        if name == MANIFEST {
            let mut newer = good.clone();
            newer[4] += 1;
            assert!(matches!(put(newer), Error::Newer { found: 2, known: 1, .. }));
            assert!(matches!(put(b"{}".to_vec()), Error::Foreign { .. }));
        } else {
            service.documents.lock().remove(&name);
            assert!(matches!(open(&service, NEVER).unwrap_err(), Error::Damaged { .. }));
        }
        service.documents.lock().insert(name, (good, version));
    }
    agrees(&service, &store);
}

#[test]
fn no_document_makes_a_reader_fall() {
    let service = service(SMALL);
    let store = create(&service, NEVER);
    add_many(&store, 20);
    let (good, version) = service.documents.lock()[MANIFEST].clone();
    let body = good.len() - 16;
    let mut opened = 0;
    for at in 6..body {
        for value in [0, 0xff, good[at] ^ 1] {
            let mut bad = good.clone();
            bad[at] = value;
            let sum = format::digest(&bad[..body]);
            bad[body..].copy_from_slice(&sum);
            service.documents.lock().insert(MANIFEST.to_owned(), (bad, version));
            opened += u32::from(open(&service, NEVER).is_ok());
        }
    }
    assert!(opened > 0);
}
