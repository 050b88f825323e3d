//! Which keys there are: listed and read when somebody asks, believed for a while, and served stale when the service is
//! away.
//!
//! One thread at a time asks for the same thing; whoever comes meanwhile takes what was known before, or waits. The
//! lock is held to look and to put in place, never while the service is asked. Handles belong to versions of keys: a
//! version keeps its objects for as long as the service shows it.

use std::collections::{BTreeMap, HashMap};
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

/// What was got from the service at some time.
struct Cached<T> {
    value: Option<T>,
    /// Until when it is believed.
    until: Option<Instant>,
    /// Somebody is asking for it.
    busy: bool,
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Cached { value: None, until: None, busy: false }
    }
}

impl<T> Cached<T> {
    fn is_fresh(&self) -> bool {
        self.value.is_some() && self.until.is_some_and(|until| Instant::now() < until)
    }
}

/// A key, by the name that the service is asked with.
struct Key {
    name: Name,
    versions: Cached<Vec<Arc<Entry>>>,
}

#[derive(Default)]
struct State {
    /// Names in the order of the configuration and the list.
    order: Cached<Vec<String>>,
    keys: HashMap<String, Key>,
    handles: BTreeMap<ObjectHandle, Arc<Entry>>,
    made: ObjectHandle,
    /// Names that C_GenerateKeyPair gave and the service has no room for; they end with the process.
    given: HashMap<String, Name>,
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
    /// When the call has to be over.
    pub deadline: Deadline,
}

impl Catalogue {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Catalogue { state: Mutex::default(), changed: Condvar::new() }
    }

    /// The key's names, in a stable order: those of the configuration first.
    pub fn names(&self, place: &Place<'_>) -> cloud::Result<Vec<(String, Name)>> {
        let state = self.fresh(
            place,
            |state| &mut state.order,
            || place.list(),
            |state, listed| state.take_list(place.settings, listed),
        )?;
        let names = state.order.value.iter().flatten();
        Ok(names.filter_map(|name| Some((name.clone(), state.keys.get(name)?.name.clone()))).collect())
    }

    /// The versions of a key, the newest first. Empty for one that is gone.
    pub fn versions(&self, place: &Place<'_>, name: &str) -> cloud::Result<Vec<Arc<Entry>>> {
        let read = || match place.client.read(name, place.deadline) {
            Err(error) if error.kind() == Kind::NotFound => Ok(Vec::new()),
            answer => answer,
        };
        let take = |state: &mut State, read| state.take_versions(place, name, read);
        let state = self.fresh(place, |state| &mut state.key(name).versions, read, take)?;
        Ok(state.keys.get(name).and_then(|key| key.versions.value.clone()).unwrap_or_default())
    }

    /// The one way to ask: who finds nothing fresh, and nobody asking, asks; who has something older, takes that if
    /// others ask already or asking fails.
    fn fresh<'s, T, A>(
        &'s self,
        place: &Place<'_>,
        cell: impl Fn(&mut State) -> &mut Cached<T>,
        ask: impl FnOnce() -> cloud::Result<A>,
        take: impl FnOnce(&mut State, A) -> T,
    ) -> cloud::Result<MutexGuard<'s, State>> {
        let mut state = self.state.lock();
        loop {
            let cached = cell(&mut state);
            if cached.is_fresh() || (cached.busy && cached.value.is_some()) {
                return Ok(state);
            }
            if !cached.busy {
                cached.busy = true;
                break;
            }
            if self.changed.wait_for(&mut state, place.deadline.left()).timed_out() {
                return Err(cloud::Error::new(Kind::Broken, "another thread's look-up takes too long"));
            }
        }
        let answer = MutexGuard::unlocked(&mut state, ask);
        let outcome = match answer {
            Ok(answer) => {
                let value = take(&mut state, answer);
                let cached = cell(&mut state);
                cached.value = Some(value);
                let lasts = place.settings.cache;
                let lasts = if place.client.is_whole() { lasts } else { lasts.min(FAILURE_LASTS) };
                cached.until = Some(Instant::now() + lasts);
                Ok(())
            }
            Err(error) => {
                let cached = cell(&mut state);
                match cached.value.is_some() && is_general(error.kind()) {
                    true => {
                        tracing::warn!("what was known before is shown, it may be out of date: {error}");
                        cached.until = Some(Instant::now() + FAILURE_LASTS);
                        Ok(())
                    }
                    false => Err(error),
                }
            }
        };
        cell(&mut state).busy = false;
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
        for key in state.keys.values_mut() {
            if let Some(versions) = &mut key.versions.value {
                versions.retain(|other| other.version.resource != entry.version.resource);
            }
        }
    }

    /// A key that was just made: what it is called here.
    pub fn add(&self, listed: &Listed, name: Name) {
        let mut state = self.state.lock();
        state.given.insert(listed.name.clone(), name);
        state.key(&listed.name);
        if let Some(order) = &mut state.order.value {
            order.push(listed.name.clone());
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
    /// What the service lists; nothing where the configuration names the keys.
    fn list(&self) -> cloud::Result<Vec<Listed>> {
        match self.settings.list {
            true => self.client.list(self.deadline),
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

    fn take_list(&mut self, settings: &Settings, listed: Vec<Listed>) -> Vec<String> {
        let configured = settings
            .keys
            .iter()
            .map(|key| (key.name.clone(), Name { label: key.label.clone(), id: key.id.clone() }));
        let listed = listed.into_iter().map(|key| (key.name, Name { label: key.label, id: None }));
        let mut order: Vec<String> = Vec::new();
        for (name, called) in configured.chain(listed) {
            if order.contains(&name) {
                continue;
            }
            let called = self.given.get(&name).cloned().unwrap_or(called);
            let key = self.key(&name);
            if key.name != called {
                // Renamed: its objects are made anew, under new handles.
                key.name = called;
                key.versions = Cached { busy: key.versions.busy, ..Cached::default() };
            }
            order.push(name);
        }
        let gone: Vec<String> = self.keys.keys().filter(|name| !order.contains(name)).cloned().collect();
        for name in gone {
            let busy = self.keys.get(&name).is_some_and(|key| key.versions.busy);
            let versions = self.keys.get_mut(&name).and_then(|key| key.versions.value.take());
            versions.into_iter().flatten().for_each(|entry| self.forget(&entry));
            if !busy {
                self.keys.remove(&name);
            }
        }
        order
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
