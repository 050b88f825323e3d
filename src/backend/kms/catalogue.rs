//! Which keys there are: listed and read when somebody asks, believed for a while, and served stale when the service is
//! away.
//!
//! One thread at a time asks for the same thing; whoever comes meanwhile takes what was known before, or waits. The
//! lock is held to look and to put in place, never while the service is asked. Handles belong to versions of keys: a
//! version keeps its objects for as long as the service shows it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::client::{KeyVersion, KmsClient, Listed};
use super::errors::is_general;
use super::objects::{Builder, Entry, Name};
use super::settings::Settings;
use crate::backend::held::Object;
use crate::cloud::{self, Deadline, Kind};
use crate::token::ObjectHandle;

/// How long a look-up that failed, or lacks something, is not repeated, while there is something to show.
const FAILURE_LASTS: Duration = Duration::from_secs(5);
/// How long a key that may not be read is left alone.
const REFUSAL_LASTS: Duration = Duration::from_secs(60);

/// What was got from the service at some time.
struct Cached<T> {
    value: Option<T>,
    /// What came instead: a key that may not be read.
    error: Option<cloud::Error>,
    /// Until when either is believed.
    until: Option<Instant>,
    /// Somebody is asking for it.
    busy: bool,
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Cached { value: None, error: None, until: None, busy: false }
    }
}

impl<T> Cached<T> {
    /// What is believed at this moment.
    fn believed(&self) -> Option<cloud::Result<()>> {
        self.until.filter(|until| Instant::now() < *until)?;
        match (&self.value, &self.error) {
            (Some(_), _) => Some(Ok(())),
            (None, Some(error)) => Some(Err(error.clone())),
            (None, None) => None,
        }
    }

    /// Takes an answer in; an error if there is nothing to show.
    fn settle(&mut self, place: &Place<'_>, answer: cloud::Result<T>) -> cloud::Result<()> {
        let lasts = place.settings.cache;
        let (lasts, outcome) = match answer {
            Ok(value) => {
                (self.value, self.error) = (Some(value), None);
                (if place.client.is_whole() { lasts } else { lasts.min(FAILURE_LASTS) }, Ok(()))
            }
            Err(error) => {
                let stays = is_general(error.kind()) || error.kind() == Kind::Corrupt;
                if self.value.is_some() && stays {
                    tracing::warn!("what was known before is shown, it may be out of date: {error}");
                    (FAILURE_LASTS, Ok(()))
                } else {
                    self.value = None;
                    // The service's own trouble is asked about again; a key's stays for a while.
                    self.error = (!is_general(error.kind())).then(|| error.clone());
                    (lasts.min(REFUSAL_LASTS), Err(error))
                }
            }
        };
        self.until = Some(Instant::now() + lasts);
        outcome
    }
}

/// One thread's turn at asking; it ends however the thread leaves.
struct Turn<'a, F: Fn(&mut State)> {
    catalogue: &'a Catalogue,
    end: F,
    /// Ended already, under the lock.
    over: bool,
}

impl<F: Fn(&mut State)> Drop for Turn<'_, F> {
    fn drop(&mut self) {
        if !self.over {
            (self.end)(&mut self.catalogue.state.lock());
            self.catalogue.changed.notify_all();
        }
    }
}

/// A key, by the name that the service is asked with.
struct Key {
    name: Name,
    versions: Cached<Vec<Arc<Entry>>>,
}

/// Keys by the names that the service is asked with.
type Names = Arc<Vec<(String, Name)>>;

#[derive(Default)]
struct State {
    /// What the keys are called, in the order of the configuration and the list.
    order: Cached<Names>,
    keys: HashMap<String, Key>,
    handles: BTreeMap<ObjectHandle, Arc<Entry>>,
    made: ObjectHandle,
    /// Names that C_GenerateKeyPair gave and the service has no room for; they end with the process.
    given: HashMap<String, Name>,
    /// Keys that were made here and that no list showed yet: one that is on its way may be older.
    unlisted: HashSet<String>,
}

/// The keys of a token.
pub struct Catalogue {
    state: Mutex<State>,
    changed: Condvar,
}

/// What the catalogue asks of its token.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The service.
    pub client: &'a dyn KmsClient,
    /// The configuration.
    pub settings: &'a Settings,
    /// What every object has.
    pub builder: Builder<'a>,
    /// How long one request may take with its repetitions.
    pub limit: Duration,
}

impl Catalogue {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Catalogue { state: Mutex::default(), changed: Condvar::new() }
    }

    /// The keys' names, in a stable order: those of the configuration first.
    pub fn names(&self, place: &Place<'_>) -> cloud::Result<Names> {
        let take = |state: &mut State, listed| state.take_list(place.settings, listed);
        let state = self.fresh(place, |state| &mut state.order, || place.list(), take)?;
        Ok(state.order.value.clone().unwrap_or_default())
    }

    /// The versions of a key, the newest first. Empty for one that is gone.
    pub fn versions(&self, place: &Place<'_>, name: &str) -> cloud::Result<Vec<Arc<Entry>>> {
        let read = || match place.client.read(name, place.deadline()) {
            Err(error) if error.kind() == Kind::NotFound => Ok(Vec::new()),
            answer => answer,
        };
        let take = |state: &mut State, read| state.take_versions(place, name, read);
        let state = self.fresh(place, |state| &mut state.key(name).versions, read, take)?;
        Ok(state.keys.get(name).and_then(|key| key.versions.value.clone()).unwrap_or_default())
    }

    /// The one way to ask: who finds nothing to believe, and nobody asking, asks; who has something older, takes that if
    /// others ask already or asking fails.
    fn fresh<'s, T, A>(
        &'s self,
        place: &Place<'_>,
        cell: impl Fn(&mut State) -> &mut Cached<T>,
        ask: impl FnOnce() -> cloud::Result<A>,
        take: impl FnOnce(&mut State, A) -> T,
    ) -> cloud::Result<MutexGuard<'s, State>> {
        let deadline = place.deadline();
        let mut state = self.state.lock();
        loop {
            let cached = cell(&mut state);
            if let Some(believed) = cached.believed() {
                return believed.map(|()| state);
            }
            if cached.busy && cached.value.is_some() {
                return Ok(state);
            }
            if !cached.busy {
                cached.busy = true;
                break;
            }
            if self.changed.wait_for(&mut state, deadline.left()).timed_out() {
                return Err(cloud::Error::new(Kind::Broken, "another thread's look-up takes too long"));
            }
        }
        drop(state);
        let end = |state: &mut State| cell(state).busy = false;
        let mut turn = Turn { catalogue: self, end, over: false };
        let answer = ask();
        let mut state = self.state.lock();
        let taken = answer.map(|answer| take(&mut state, answer));
        let outcome = cell(&mut state).settle(place, taken);
        (turn.end)(&mut state);
        turn.over = true;
        self.changed.notify_all();
        outcome.map(|()| state)
    }

    /// What a handle leads to.
    pub fn get(&self, handle: ObjectHandle) -> Option<(Arc<Entry>, Arc<Object>)> {
        let entry = self.state.lock().handles.get(&handle)?.clone();
        let public = entry.public.as_ref().map(|(_, object)| object).filter(|object| object.handle == handle);
        let object = public.unwrap_or(&entry.own).clone();
        Some((entry, object))
    }

    /// A handle for an object that the configuration brings along.
    pub fn handle(&self) -> ObjectHandle {
        self.state.lock().next_handle()
    }

    /// Forgets a key whose use showed that it is gone, or may not be used any more.
    pub fn evict(&self, entry: &Entry) {
        let mut state = self.state.lock();
        state.forget(entry);
        state.unlisted.remove(&entry.version.name);
        for key in state.keys.values_mut() {
            if let Some(versions) = &mut key.versions.value {
                versions.retain(|other| other.version.resource != entry.version.resource);
            }
        }
    }

    /// A key that was just made: what it is called here.
    pub fn add(&self, listed: &Listed, name: Name) {
        let mut state = self.state.lock();
        state.given.insert(listed.name.clone(), name.clone());
        state.unlisted.insert(listed.name.clone());
        let key = state.key(&listed.name);
        // It may be known that there was no such key.
        key.name = name.clone();
        key.versions.until = None;
        if let Some(order) = &mut state.order.value {
            Arc::make_mut(order).push((listed.name.clone(), name));
        }
    }

    /// Lists and reads everything anew when it is asked for next.
    pub fn refresh(&self) {
        let mut state = self.state.lock();
        state.order.until = None;
        state.keys.values_mut().for_each(|key| key.versions.until = None);
    }
}

impl Place<'_> {
    /// When a request that begins now has to be over.
    pub fn deadline(&self) -> Deadline {
        Deadline::after(self.limit)
    }

    /// What the service lists; nothing where the configuration names the keys.
    fn list(&self) -> cloud::Result<Vec<Listed>> {
        match self.settings.list {
            true => self.client.list(self.deadline()),
            false => Ok(Vec::new()),
        }
    }
}

impl State {
    fn next_handle(&mut self) -> ObjectHandle {
        self.made += 1;
        self.made
    }

    /// A key by its name, known from now on.
    fn key(&mut self, name: &str) -> &mut Key {
        let given = self.given.get(name);
        self.keys.entry(name.to_owned()).or_insert_with(|| Key {
            name: given.cloned().unwrap_or_else(|| Name { label: name.to_owned(), id: None }),
            versions: Cached::default(),
        })
    }

    fn take_list(&mut self, settings: &Settings, listed: Vec<Listed>) -> Names {
        let configured = settings
            .keys
            .iter()
            .map(|key| (key.name.clone(), Name { label: key.label.clone(), id: key.id.clone() }));
        let listed: Vec<(String, Name)> =
            listed.into_iter().map(|key| (key.name, Name { label: key.label, id: None })).collect();
        for (name, _) in &listed {
            self.unlisted.remove(name);
        }
        let made =
            self.unlisted.iter().filter_map(|name| Some((name.clone(), self.given.get(name)?.clone())));
        let made: Vec<(String, Name)> = made.collect();
        let (mut order, mut seen) = (Vec::new(), HashSet::new());
        for (name, called) in configured.chain(listed).chain(made) {
            if !seen.insert(name.clone()) {
                continue;
            }
            let called = self.given.get(&name).cloned().unwrap_or(called);
            let key = self.key(&name);
            if key.name != called {
                // Renamed: its objects are made anew, under new handles.
                key.name = called.clone();
                key.versions = Cached { busy: key.versions.busy, ..Cached::default() };
            }
            order.push((name, called));
        }
        let gone: Vec<String> = self.keys.keys().filter(|name| !seen.contains(*name)).cloned().collect();
        for name in gone {
            let busy = self.keys.get(&name).is_some_and(|key| key.versions.busy);
            let versions = self.keys.get_mut(&name).and_then(|key| key.versions.value.take());
            versions.into_iter().flatten().for_each(|entry| self.forget(&entry));
            if !busy {
                self.keys.remove(&name);
            }
        }
        Arc::new(order)
    }

    /// Keeps the objects of versions that are as they were, makes those of new ones, forgets those that went.
    fn take_versions(&mut self, place: &Place<'_>, name: &str, read: Vec<KeyVersion>) -> Vec<Arc<Entry>> {
        let called = self.key(name).name.clone();
        let before = self.key(name).versions.value.take().unwrap_or_default();
        let mut now = Vec::new();
        for version in read {
            if let Some(same) = before.iter().find(|entry| entry.version == version) {
                now.push(same.clone());
                continue;
            }
            let resource = version.resource.clone();
            let (public, own) = (self.next_handle(), self.next_handle());
            match place.builder.entry(version, &called, public, own) {
                Ok(entry) => {
                    let entry = Arc::new(entry);
                    if let Some((_, object)) = &entry.public {
                        self.handles.insert(object.handle, entry.clone());
                    }
                    self.handles.insert(own, entry.clone());
                    now.push(entry);
                }
                Err(error) => tracing::warn!("{resource} is left out: {error}"),
            }
        }
        for entry in before {
            if !now.iter().any(|kept| Arc::ptr_eq(kept, &entry)) {
                self.forget(&entry);
            }
        }
        now
    }

    fn forget(&mut self, entry: &Entry) {
        self.handles.remove(&entry.own.handle);
        if let Some((_, object)) = &entry.public {
            self.handles.remove(&object.handle);
        }
    }
}
