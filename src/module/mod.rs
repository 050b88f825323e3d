//! The library's state: slots, sessions, login, running operations. A plain value: the ABI keeps the one static.
//!
//! A module is started and stopped in place (C_Initialize, C_Finalize). What a start brings (configuration, backends,
//! slots) is counted, and ends with the last call that uses it; the session table stays. So a call that names a
//! session needs no hold on the module, which would cost as much as the rest of its way there: it finds the session or
//! it does not.
//!
//! Lock order, written down once: what is running → slot table → session table → session → login → (backend) store. A
//! call clones the `Arc`s of its session and slot and lets the tables go; during crypto, disk or network work only
//! that session's own mutex is held.

pub mod message;
pub mod operation;
mod session;
mod slot;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock};

use crate::config::{Config, Free};
use crate::crypto::{self, SealKey};
use crate::error::{Error, ErrorKind, Result};
use crate::token::Provider;
use crate::types::{LockedKey, ck, length};

pub use session::{FindCursor, Session, SessionState};
pub use slot::Slot;

/// Sessions are numbered from 1; Java and Go clients keep handles in 32 bits. The handle's lowest bit says whether calls
/// are passed on to another library, so that an entry point knows without a look at the session.
const FIRST_SESSION: u64 = 1;
const FOREIGN: ck::CK_SESSION_HANDLE = 1;

/// Whether a handle, if it is one at all, is that of a session whose token lies in another library.
pub fn is_foreign(session: ck::CK_SESSION_HANDLE) -> bool {
    session & FOREIGN != 0
}

/// The state behind the C ABI, started or not.
#[derive(Default)]
pub struct Module {
    running: RwLock<Option<Arc<Running>>>,
    /// Whether `running` holds something, for calls that want to know no more.
    is_running: AtomicBool,
    /// Empty while nothing runs.
    sessions: [Shard; SHARDS],
    next_session: AtomicU64,
    /// Seals what C_GetOperationState gives out; made when first asked for, and gone with the process.
    state_key: OnceLock<SealKey>,
    /// Wakes whoever waits for an event in a slot, when C_Finalize ends the wait.
    stopped: (Mutex<()>, Condvar),
}

/// What lasts from C_Initialize to C_Finalize.
struct Running {
    config: Arc<Config>,
    providers: Vec<Box<dyn Provider>>,
    slots: RwLock<BTreeMap<ck::CK_SLOT_ID, Arc<Slot>>>,
}

/// A part of the session table, on a cache line of its own. Neighbouring handles lie in different ones, so that threads
/// with a session each seldom meet.
#[derive(Default)]
#[repr(align(128))]
struct Shard(RwLock<Sessions>);

type Sessions = BTreeMap<ck::CK_SESSION_HANDLE, Arc<Session>>;

const SHARDS: usize = 16;

impl Running {
    fn owns(&self, slot: &Arc<Slot>) -> bool {
        self.slots.read().get(&slot.id()).is_some_and(|own| Arc::ptr_eq(own, slot))
    }
}

impl Module {
    /// C_Initialize: starts over the configuration and backends that `build` makes. Touches no token yet.
    /// CKR_CRYPTOKI_ALREADY_INITIALIZED.
    pub fn start(&self, build: impl FnOnce() -> Result<(Arc<Config>, Vec<Box<dyn Provider>>)>) -> Result<()> {
        let mut running = self.running.write();
        if running.is_some() {
            return Err(ErrorKind::CryptokiAlreadyInitialized.into());
        }
        let (config, providers) = build()?;
        self.next_session.store(FIRST_SESSION, Ordering::Relaxed);
        *running = Some(Arc::new(Running { config, providers, slots: RwLock::default() }));
        self.is_running.store(true, Ordering::Release);
        Ok(())
    }

    /// C_Finalize: every session closed, every login forgotten. Waits for the calls that still run in a session.
    /// CKR_CRYPTOKI_NOT_INITIALIZED.
    pub fn stop(&self) -> Result<()> {
        let mut running = self.running.write();
        let stopped = running.take().ok_or(ErrorKind::CryptokiNotInitialized)?;
        self.is_running.store(false, Ordering::Release);
        // Under the lock, so that none of the sessions is one of the next start's.
        let sessions: Vec<_> =
            self.sessions.iter().flat_map(|shard| std::mem::take(&mut *shard.0.write())).collect();
        drop(running);
        let waits = self.stopped.0.lock();
        self.stopped.1.notify_all();
        drop(waits);
        for (handle, session) in sessions {
            end_session(handle, &session);
        }
        stopped.slots.read().values().for_each(|slot| slot.log_out_quietly());
        Ok(())
    }

    /// Whether the module is between C_Initialize and C_Finalize.
    pub fn is_running(&self) -> bool {
        self.is_running.load(Ordering::Acquire)
    }

    /// What is running. CKR_CRYPTOKI_NOT_INITIALIZED.
    fn running(&self) -> Result<Arc<Running>> {
        self.running.read().clone().ok_or_else(|| ErrorKind::CryptokiNotInitialized.into())
    }

    /// The configuration in force. CKR_CRYPTOKI_NOT_INITIALIZED.
    pub fn config(&self) -> Result<Arc<Config>> {
        Ok(self.running()?.config.clone())
    }

    /// Asks the backends anew and answers every slot there is, in slot-ID order, the free one included.
    pub fn refresh_slots(&self) -> Result<Vec<Arc<Slot>>> {
        let running = self.running()?;
        let mut tokens = Vec::new();
        for provider in &running.providers {
            tokens.extend(provider.tokens()?);
        }
        let mut slots = running.slots.write();
        // A slot whose token went away stays while sessions are open on it.
        slots.retain(|id, slot| {
            slot.session_counts().0 > 0 || tokens.iter().any(|token| token.slot_id() == *id)
        });
        let mut seen = BTreeSet::new();
        for token in tokens {
            let id = token.slot_id();
            if !seen.insert(id) {
                tracing::warn!(
                    "two [[slot]] entries are slot {id}, the second is not shown: give it another label"
                );
            }
            slots.entry(id).or_insert_with(|| Arc::new(Slot::new(token)));
        }
        let all: Vec<Arc<Slot>> = slots.values().cloned().collect();
        drop(slots);
        // Section 5.5.4: sessions end when their token is removed.
        for slot in all.iter().filter(|slot| slot.session_counts().0 > 0 && !slot.token().present()) {
            self.close_all_sessions(slot);
        }
        Ok(all)
    }

    /// What C_WaitForSlotEvent looks at, until C_Finalize. CKR_CRYPTOKI_NOT_INITIALIZED.
    pub fn events(&self) -> Result<Events<'_>> {
        Ok(Events { module: self, running: Arc::downgrade(&self.running()?) })
    }

    /// C_GetSlotList's answer: with `present_only`, the free slot shows as `slots.free` says (`auto`: while no token
    /// is initialised).
    pub fn listed_slots(&self, present_only: bool) -> Result<Vec<Arc<Slot>>> {
        let all = self.refresh_slots()?;
        let any_initialized = all.iter().any(|slot| slot.token().initialized());
        let show_free = match self.config()?.slots.free {
            Free::Always => true,
            Free::Never => false,
            Free::Auto => !present_only || !any_initialized,
        };
        // The free slot comes last: programs that take the first slot want a token.
        let (mut listed, free): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|slot| slot.token().initialized());
        if show_free {
            listed.extend(free);
        }
        listed.retain(|slot| !present_only || slot.token().present());
        Ok(listed)
    }

    /// The slot of an ID; looks once at the backends for one that is not known yet. CKR_SLOT_ID_INVALID.
    pub fn slot(&self, id: ck::CK_SLOT_ID) -> Result<Arc<Slot>> {
        if let Some(slot) = self.running()?.slots.read().get(&id) {
            return Ok(slot.clone());
        }
        self.refresh_slots()?
            .into_iter()
            .find(|slot| slot.id() == id)
            .ok_or_else(|| ErrorKind::SlotIdInvalid.into())
    }

    /// The slot of an ID, with a token in it. CKR_TOKEN_NOT_PRESENT.
    pub fn slot_with_token(&self, id: ck::CK_SLOT_ID) -> Result<Arc<Slot>> {
        let slot = self.slot(id)?;
        if slot.token().present() { Ok(slot) } else { Err(ErrorKind::TokenNotPresent.into()) }
    }

    /// C_OpenSession.
    pub fn open_session(&self, slot: &Arc<Slot>, read_write: bool) -> Result<ck::CK_SESSION_HANDLE> {
        let mut backend = slot.token().clone().open_session(read_write)?;
        let foreign = if backend.foreign().is_some() { FOREIGN } else { 0 };
        // Held until the session is in the table, so that C_Finalize finds it there.
        let running = self.running.read();
        if !running.as_ref().is_some_and(|running| running.owns(slot)) {
            return Err(ErrorKind::CryptokiNotInitialized.into());
        }
        let handle = self.next_session.fetch_add(1, Ordering::Relaxed) << 1 | foreign;
        let session = Arc::new(Session::new(slot.clone(), read_write, backend));
        // Both at once, so that C_CloseAllSessions in another thread never counts a session that it cannot close.
        let mut sessions = self.shard(handle).write();
        slot.add_session(handle, read_write)?;
        sessions.insert(handle, session);
        drop((sessions, running));
        slot.log_in_by_itself();
        Ok(handle)
    }

    fn shard(&self, handle: ck::CK_SESSION_HANDLE) -> &RwLock<Sessions> {
        &self.sessions[(length(handle) >> 1) % SHARDS].0
    }

    /// The session of a handle. CKR_SESSION_HANDLE_INVALID.
    pub fn session(&self, handle: ck::CK_SESSION_HANDLE) -> Result<Arc<Session>> {
        self.shard(handle).read().get(&handle).cloned().ok_or_else(|| ErrorKind::SessionHandleInvalid.into())
    }

    /// C_CloseSession. A call still running in the session ends first; the last session's end logs out.
    pub fn close_session(&self, handle: ck::CK_SESSION_HANDLE) -> Result<()> {
        let session = self.shard(handle).write().remove(&handle).ok_or(ErrorKind::SessionHandleInvalid)?;
        end_session(handle, &session);
        Ok(())
    }

    /// C_CloseAllSessions: those of one slot, at a cost that depends on their number alone.
    pub fn close_all_sessions(&self, slot: &Slot) {
        for handle in slot.session_handles() {
            // Another thread may have closed it in between: then there is nothing left to do.
            let _ = self.close_session(handle);
        }
    }

    /// C_Logout. Operations of all the token's sessions end: they hold keys that may be private (section 5.6.11 leaves
    /// open whether they go on). Calls that still run are waited for. CKR_USER_NOT_LOGGED_IN.
    pub fn log_out(&self, slot: &Slot) -> Result<()> {
        slot.log_out()?;
        for handle in slot.session_handles() {
            // Another thread may have closed it in between, and its operations with it.
            if let Ok(session) = self.session(handle) {
                session.end_operations();
            }
        }
        slot.log_out_stragglers();
        Ok(())
    }

    /// What seals saved states in this process. CKR_RANDOM_NO_RNG, CKR_HOST_MEMORY.
    pub fn state_key(&self) -> Result<&SealKey> {
        if let Some(key) = self.state_key.get() {
            return Ok(key);
        }
        let random = LockedKey::random(crypto::random).map_err(|_| ErrorKind::RandomNoRng)?;
        let key = SealKey::new(&random).map_err(|_| ErrorKind::HostMemory)?;
        Ok(self.state_key.get_or_init(|| key))
    }

    /// In a forked child: let go of what must not be touched there.
    pub fn abandon(&self) {
        // Locks may have been held by a thread that does not exist here: then their content is leaked with the rest.
        let Some(running) = self.running.try_read() else { return };
        if let Some(slots) = running.as_ref().and_then(|running| running.slots.try_read()) {
            slots.values().for_each(|slot| slot.token().abandon());
        }
    }
}

/// How long a wait for an event sleeps between two looks at the devices: there is no thread that could wake it.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What happens in the slots between one C_Initialize and its C_Finalize.
pub struct Events<'a> {
    module: &'a Module,
    /// No hold on it: C_Finalize ends what is running while somebody waits.
    running: Weak<Running>,
}

impl Events<'_> {
    /// Whether anything can happen at all with the backends that are configured.
    pub fn can_happen(&self) -> bool {
        let running = self.running.upgrade();
        running.is_some_and(|running| running.providers.iter().any(|provider| provider.has_events()))
    }

    /// Sleeps until it is time to look again, or C_Finalize was called. Where nothing can happen there is nothing to look
    /// for.
    pub fn wait(&self) {
        let mut stopped = self.module.stopped.0.lock();
        // Under the lock, which C_Finalize takes once nothing runs any more: it can't be missed.
        if self.expect_running().is_err() {
            return;
        }
        match self.can_happen() {
            true => drop(self.module.stopped.1.wait_for(&mut stopped, LOOK_EVERY)),
            false => self.module.stopped.1.wait(&mut stopped),
        }
    }

    /// CKR_CRYPTOKI_NOT_INITIALIZED after C_Finalize, whatever was started since.
    fn expect_running(&self) -> Result<()> {
        match Weak::ptr_eq(&Arc::downgrade(&self.module.running()?), &self.running) {
            true => Ok(()),
            false => Err(ErrorKind::CryptokiNotInitialized.into()),
        }
    }

    /// A slot in which something happened since it was last told. CKR_CRYPTOKI_NOT_INITIALIZED after C_Finalize.
    pub fn next(&self) -> Result<Option<Arc<Slot>>> {
        self.expect_running()?;
        let slots = if self.can_happen() { self.module.refresh_slots()? } else { Vec::new() };
        Ok(slots.into_iter().find(|slot| slot.token().event()))
    }
}

/// Ends a session that is no longer in the table.
fn end_session(handle: ck::CK_SESSION_HANDLE, session: &Session) {
    session.close();
    session.slot().remove_session(handle, session.read_write());
}

/// CKR_SESSION_READ_ONLY for what needs a read-write session.
pub(crate) fn need_read_write(read_write: bool, what: &'static str) -> Result<()> {
    if read_write { Ok(()) } else { Err(Error::new(ErrorKind::SessionReadOnly, what)) }
}

/// An `*Init` without a mechanism: ends the active operation (PKCS#11 v3.0 and later). CKR_ARGUMENTS_BAD without one,
/// as v2.40 has it for the missing mechanism.
pub(crate) fn end_operation<T: ?Sized>(slot: &mut operation::Slot<T>) -> Result<()> {
    expect_to_end(slot.is_active())?;
    slot.cancel();
    Ok(())
}

/// The same for a message-based process.
pub(crate) fn end_messages<T: ?Sized>(messages: &mut message::Messages<T>) -> Result<()> {
    expect_to_end(messages.is_active())?;
    messages.cancel();
    Ok(())
}

fn expect_to_end(active: bool) -> Result<()> {
    match active {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::ArgumentsBad, "no mechanism, and no operation to end")),
    }
}
