//! One token of another library: where it is, who is logged in there, and how it is found again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::finds::Finds;
use super::handles::{Handles, Traits};
use super::identity::Identity;
use super::lower::Lower;
use super::pool::Pool;
use super::raw::{Api, OpenedSession};
use super::session::PassSession;
use crate::backend::held::{self, Offer};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::object::{RawAttribute, RawValue};
use crate::token::{
    MechanismInfo, ObjectHandle, SlotInfo, Token, TokenInfo, TokenLimits, TokenSession, User,
};
use crate::types::{MANUFACTURER, SecretBytes, VERSION, ck, length, padded};

/// A token below.
pub struct PassToken {
    id: ck::CK_SLOT_ID,
    config: Arc<Config>,
    pub(super) lower: Arc<Lower>,
    place: RwLock<Place>,
    happened: AtomicBool,
    /// Counts the losses: sessions below of an earlier generation are gone.
    generation: AtomicU64,
    login: Mutex<Login>,
    pub(super) pool: Pool,
    pub(super) finds: Finds,
    pub(super) handles: Handles,
}

/// Where the token is.
#[derive(Default)]
struct Place {
    identity: Option<Identity>,
    /// The slot below; kept while the token is away, since it may come back there.
    slot: Option<ck::CK_SLOT_ID>,
    present: bool,
    /// The library process that the sessions below belong to.
    start: u64,
}

/// Who is logged in below.
#[derive(Default)]
struct Login {
    /// Of the token, when this was so: void in a later one.
    generation: u64,
    user: Option<Who>,
    /// The session that keeps the login alive, whatever sessions of ours come and go.
    control: Option<OpenedSession>,
}

/// Enough to log in again, where the PIN may be kept.
struct Who {
    kind: ck::CK_USER_TYPE,
    name: Option<Vec<u8>>,
    pin: Option<SecretBytes>,
}

/// What became of a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// The token is there, and logged in as it was: a new session will do.
    Again,
    /// The token, or its login, is gone.
    Lost,
}

fn user_type(user: User) -> ck::CK_USER_TYPE {
    match user {
        User::So => ck::CKU_SO,
        User::User => ck::CKU_USER,
    }
}

impl PassToken {
    pub(super) fn new(id: ck::CK_SLOT_ID, config: Arc<Config>, lower: Arc<Lower>) -> Self {
        PassToken {
            id,
            config,
            place: RwLock::default(),
            happened: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            login: Mutex::default(),
            pool: Pool::default(),
            finds: Finds::new(lower.settings.find_cache),
            handles: Handles::default(),
            lower,
        }
    }

    /// Whether it is this token.
    pub(super) fn is(&self, identity: &Identity) -> bool {
        self.place.read().identity.is_some_and(|known| known.is(identity))
    }

    /// Whether nothing more is known of it than that it was seen in this slot below.
    pub(super) fn was_blank_in(&self, slot: ck::CK_SLOT_ID) -> bool {
        let place = self.place.read();
        place.identity.is_none() && place.slot == Some(slot)
    }

    /// It is in this slot below; or only the slot is, where there is no token. Told as an event if it is news.
    ///
    /// `start`: the library process that says so.
    pub(super) fn arrived(
        &self,
        slot: ck::CK_SLOT_ID,
        info: Option<&ck::CK_TOKEN_INFO>,
        start: u64,
        news: bool,
    ) {
        let mut place = self.place.write();
        let came = info.is_some() && !place.present;
        let went = info.is_none() && place.present;
        place.slot = Some(slot);
        if came {
            place.start = start;
        }
        place.present = info.is_some();
        if let Some(identity) = info.and_then(|info| self.lower.identity(info)) {
            place.identity = Some(identity);
        }
        drop(place);
        if went {
            self.forget_sessions();
        }
        if (came || went) && news {
            self.happened.store(true, Ordering::Release);
        }
    }

    /// It is nowhere below.
    pub(super) fn gone(&self) {
        let was_present = std::mem::replace(&mut self.place.write().present, false);
        if was_present {
            self.forget_sessions();
            self.happened.store(true, Ordering::Release);
        }
    }

    /// Sessions below ended with the token's presence.
    fn forget_sessions(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.pool.forget();
        self.finds.forget();
        self.handles.lost(|_| None);
    }

    /// Who is logged in, for this thread alone.
    fn login_state(&self) -> MutexGuard<'_, Login> {
        let mut login = self.login.lock();
        let generation = self.generation();
        if login.generation != generation {
            *login = Login { generation, ..Login::default() };
        }
        login
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The library, and the slot there. CKR_TOKEN_NOT_PRESENT.
    pub(super) fn place(&self) -> Result<(Arc<Api>, ck::CK_SLOT_ID)> {
        let (api, start) = self.lower.api()?;
        let known = {
            let place = self.place.read();
            place.slot.filter(|_| place.start == start)
        };
        match known.or_else(|| self.locate(&api)) {
            Some(slot) => Ok((api, slot)),
            None => Err(ErrorKind::TokenNotPresent.into()),
        }
    }

    /// Whether the library runs in another process than when the token was last looked for: sessions went with it.
    fn is_restarted(&self) -> bool {
        self.lower.api().is_ok_and(|(_, start)| self.place.read().start != start)
    }

    /// The slot below that the token sits in now.
    fn locate(&self, api: &Api) -> Option<ck::CK_SLOT_ID> {
        let (identity, last) = {
            let place = self.place.read();
            (place.identity, place.slot)
        };
        let Some(identity) = identity else { return last };
        let is_same = |info: &_| self.lower.identity(info).is_some_and(|now| now.is(&identity));
        let sits_in = |slot: &ck::CK_SLOT_ID| api.token_info(*slot).is_ok_and(|info| is_same(&info));
        last.filter(sits_in).or_else(|| api.slots().ok()?.into_iter().find(sits_in))
    }

    /// Looks once more for a token whose slot below changed, and does it there.
    fn there<T>(&self, work: impl Fn(&Api, ck::CK_SLOT_ID) -> Result<T>) -> Result<T> {
        let (api, slot) = self.place()?;
        let error = match work(&api, slot) {
            Err(error) if moved(error.kind()) => error,
            outcome => return outcome,
        };
        match self.locate(&api) {
            Some(now) if now != slot => {
                self.place.write().slot = Some(now);
                work(&api, now)
            }
            Some(_) => Err(error),
            None => {
                self.gone();
                Err(error)
            }
        }
    }

    /// A session below, of this generation.
    pub(super) fn session(&self, read_write: bool) -> Result<(u64, OpenedSession)> {
        if self.is_restarted() && self.recover(self.generation()) == Recovery::Lost {
            return Err(Error::new(ErrorKind::DeviceRemoved, "the process of the library below ended"));
        }
        let generation = self.generation();
        if let Some(session) = self.pool.take(read_write) {
            return Ok((generation, session));
        }
        let session = self.there(|api, slot| self.pool.open(api, slot, read_write))?;
        if self.login_is_there(generation) || self.recover(generation) == Recovery::Again {
            // After a recovery, the session is one of the new generation.
            return Ok((self.generation(), session));
        }
        if let Some(api) = self.lower.running() {
            let _ = api.close(session);
        }
        Err(Error::new(ErrorKind::DeviceRemoved, "the token below lost its login"))
    }

    /// Whether whoever is logged in is so below too. A new session would not tell that the old ones are gone.
    fn login_is_there(&self, generation: u64) -> bool {
        let login = self.login.lock();
        login.generation != generation
            || login.user.is_none()
            || login
                .control
                .is_none_or(|control| self.lower.running().is_some_and(|api| api.is_open(control)))
    }

    /// The session that keeps the login; read-write, since the SO's has to be, where the token lets.
    fn control(&self, login: &mut Login) -> Result<(Arc<Api>, OpenedSession)> {
        let (api, _) = self.place()?;
        if let Some(control) = login.control.filter(|control| api.is_open(*control)) {
            return Ok((api, control));
        }
        let control = self.there(|api, slot| match api.open(slot, true) {
            Err(error) if error.kind() == ErrorKind::TokenWriteProtected => api.open(slot, false),
            outcome => outcome,
        })?;
        login.control = Some(control);
        Ok((api, control))
    }

    /// A session of generation `seen` was lost below: finds out whether more was, and puts right what can be.
    pub(super) fn recover(&self, seen: u64) -> Recovery {
        let mut login = self.login_state();
        if self.generation() != seen {
            // Another session's loss was this one's.
            return if self.place.read().present { Recovery::Again } else { Recovery::Lost };
        }
        let Ok((api, start)) = self.lower.api() else {
            self.gone();
            return Recovery::Lost;
        };
        if login.control.is_some_and(|control| api.is_open(control)) {
            return Recovery::Again;
        }
        let Some(slot) = self.locate(&api) else {
            self.gone();
            return Recovery::Lost;
        };
        {
            let mut place = self.place.write();
            (place.slot, place.start) = (Some(slot), start);
        }
        login.generation = self.generation.fetch_add(1, Ordering::AcqRel) + 1;
        self.pool.forget();
        self.finds.forget();
        login.control = None;
        let outcome = self.log_in_again(&mut login);
        if let Err(error) = &outcome {
            tracing::warn!("a token was lost below, and its login with it: {error}");
            login.user = None;
        }
        let session = login.control;
        self.handles.lost(|traits| session.and_then(|session| find_again(&api, session, traits)));
        if outcome.is_ok() { Recovery::Again } else { Recovery::Lost }
    }

    fn log_in_again(&self, login: &mut Login) -> Result<()> {
        let (api, control) = self.control(login)?;
        let Some(who) = &login.user else { return Ok(()) };
        match &who.pin {
            Some(pin) => api.login(control, who.kind, Some(pin), who.name.as_deref()),
            None => Err(Error::new(ErrorKind::UserNotLoggedIn, "the PIN is not kept: hold_pin is false")),
        }
    }

    /// CKR_MECHANISM_INVALID for a mechanism that configuration or policy switches off.
    pub(super) fn permits(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<()> {
        let offer = Offer::of(&self.config, || {
            Ok(self.place.read().identity.map(|known| known.names()).unwrap_or_default())
        });
        offer?.expect_elsewhere(kind)
    }

    /// Whether policy wants to know keys before they are used.
    pub(super) fn is_strict(&self) -> bool {
        held::judges_sizes(&self.config)
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }
}

/// Return values that may mean no more than that the token is in another slot below now.
fn moved(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::SlotIdInvalid
            | ErrorKind::TokenNotPresent
            | ErrorKind::TokenNotRecognized
            | ErrorKind::DeviceRemoved
            | ErrorKind::SessionHandleInvalid
    )
}

/// How many of so many sessions are left for callers, since one keeps the login.
fn but_one(limit: ck::CK_ULONG) -> ck::CK_ULONG {
    match limit {
        ck::CK_EFFECTIVELY_INFINITE | ck::CK_UNAVAILABLE_INFORMATION => limit,
        limit => limit.saturating_sub(1).max(1),
    }
}

/// The one object with these traits.
fn find_again(api: &Api, session: OpenedSession, traits: &Traits) -> Option<ObjectHandle> {
    let attribute = |(kind, value): &'_ (_, Vec<u8>)| (*kind, value.clone());
    let traits: Vec<_> = traits.iter().map(attribute).collect();
    let template: Vec<_> = traits
        .iter()
        .map(|(kind, value)| RawAttribute { kind: *kind, value: RawValue::Bytes(value) })
        .collect();
    match api.find(session, &template).ok()?[..] {
        [only] => Some(only),
        _ => None,
    }
}

impl Token for PassToken {
    fn slot_id(&self) -> ck::CK_SLOT_ID {
        self.id
    }

    fn slot_info(&self) -> SlotInfo {
        let info = self.place().and_then(|(api, slot)| api.slot_info(slot));
        match info {
            Ok(info) => {
                if info.flags & ck::CKF_TOKEN_PRESENT == 0 {
                    self.gone();
                }
                SlotInfo {
                    description: info.slotDescription,
                    manufacturer: info.manufacturerID,
                    flags: info.flags & !ck::CKF_TOKEN_PRESENT,
                    hardware_version: info.hardwareVersion,
                    firmware_version: info.firmwareVersion,
                }
            }
            Err(_) => {
                self.gone();
                SlotInfo {
                    description: padded("a slot that went away"),
                    manufacturer: padded(MANUFACTURER),
                    flags: ck::CKF_REMOVABLE_DEVICE,
                    hardware_version: VERSION,
                    firmware_version: VERSION,
                }
            }
        }
    }

    fn present(&self) -> bool {
        self.place.read().present || self.is_back()
    }

    fn event(&self) -> bool {
        self.happened.swap(false, Ordering::AcqRel)
    }

    fn initialized(&self) -> bool {
        // The library's slots are shown as it shows them: none of them is our free slot.
        true
    }

    fn info(&self) -> Result<TokenInfo> {
        let info = self.there(|api, slot| api.token_info(slot))?;
        Ok(TokenInfo {
            label: info.label,
            manufacturer: info.manufacturerID,
            model: info.model,
            serial: info.serialNumber,
            flags: info.flags,
            min_pin_len: length(info.ulMinPinLen),
            max_pin_len: length(info.ulMaxPinLen),
            hardware_version: info.hardwareVersion,
            firmware_version: info.firmwareVersion,
            limits: TokenLimits {
                sessions: but_one(info.ulMaxSessionCount),
                read_write_sessions: but_one(info.ulMaxRwSessionCount),
                public_memory: [info.ulTotalPublicMemory, info.ulFreePublicMemory],
                private_memory: [info.ulTotalPrivateMemory, info.ulFreePrivateMemory],
                utc_time: info.utcTime,
            },
        })
    }

    fn mechanisms(&self) -> Result<Vec<ck::CK_MECHANISM_TYPE>> {
        let mut kinds = self.there(|api, slot| api.mechanisms(slot))?;
        kinds.retain(|kind| self.permits(*kind).is_ok());
        Ok(kinds)
    }

    fn mechanism_info(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<MechanismInfo> {
        self.permits(kind)?;
        let info = self.there(|api, slot| api.mechanism_info(slot, kind))?;
        Ok(MechanismInfo {
            min_key_size: info.ulMinKeySize,
            max_key_size: info.ulMaxKeySize,
            flags: info.flags,
        })
    }

    fn init_token(&self, so_pin: Option<&[u8]>, label: [u8; 32]) -> Result<()> {
        let mut login = self.login_state();
        let (api, slot) = self.place()?;
        // To the library, sessions that wait are sessions.
        self.pool.drain(&api, false);
        if let Some(control) = login.control.take() {
            let _ = api.close(control);
        }
        self.finds.forget();
        api.init_token(slot, so_pin, label)?;
        // The library may give the new token another serial number: it stays the token of this slot.
        if let Ok(info) = api.token_info(slot)
            && info.label == label
        {
            self.place.write().identity = self.lower.identity(&info);
        }
        Ok(())
    }

    fn init_pin(&self, pin: Option<&[u8]>) -> Result<()> {
        let mut login = self.login_state();
        let (api, control) = self.control(&mut login)?;
        api.init_pin(control, pin)
    }

    fn set_pin(&self, _user: User, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<()> {
        let mut login = self.login_state();
        let (api, control) = self.control(&mut login)?;
        api.set_pin(control, old, new)?;
        if let (Some(who), Some(new)) = (&mut login.user, new)
            && let Some(kept) = &mut who.pin
        {
            *kept = SecretBytes::copied(new).map_err(|_| ErrorKind::HostMemory)?;
        }
        Ok(())
    }

    fn login(&self, user: User, pin: Option<&[u8]>, name: Option<&[u8]>) -> Result<()> {
        let mut login = self.login_state();
        let (api, control) = self.control(&mut login)?;
        if user == User::So {
            // To the library, read-only sessions that wait are read-only sessions.
            self.pool.drain(&api, true);
        }
        let kind = user_type(user);
        match api.login(control, kind, pin, name) {
            // The host did so itself, through the same library.
            Err(error) if error.kind() == ErrorKind::UserAlreadyLoggedIn => {
                tracing::debug!("the library below is logged in already");
            }
            outcome => outcome?,
        }
        let keep = |pin: &[u8]| SecretBytes::copied(pin).map_err(|_| ErrorKind::HostMemory);
        let pin = pin.filter(|_| self.lower.settings.hold_pin).map(keep).transpose()?;
        login.user = Some(Who { kind, name: name.map(<[u8]>::to_vec), pin });
        self.finds.forget();
        Ok(())
    }

    fn authenticate_again(&self, _user: User, _pin: Option<&[u8]>) -> Result<()> {
        // The PIN belongs to one session's operation below: `Foreign::authenticate_again`.
        Err(ErrorKind::OperationNotInitialized.into())
    }

    fn logout(&self) {
        let mut login = self.login_state();
        if login.user.take().is_some()
            && let (Some(control), Some(api)) = (login.control, self.lower.running())
        {
            let _ = api.logout(control);
        }
        self.finds.forget();
    }

    fn open_session(self: Arc<Self>, read_write: bool) -> Result<Box<dyn TokenSession>> {
        Ok(Box::new(PassSession::open(self, read_write)?))
    }

    fn abandon(&self) {
        self.lower.abandon();
    }
}

impl PassToken {
    /// Whether a token that was away is in its place again.
    fn is_back(&self) -> bool {
        let Ok((api, start)) = self.lower.api() else { return false };
        let Some(slot) = self.locate(&api) else { return false };
        let Ok(info) = api.token_info(slot) else { return false };
        self.arrived(slot, Some(&info), start, true);
        true
    }
}

impl Drop for PassToken {
    /// Nothing is left open in a library that goes on for somebody else.
    fn drop(&mut self) {
        if let Some(api) = self.lower.running() {
            self.pool.drain(&api, false);
            if let Some(control) = self.login.get_mut().control.take() {
                let _ = api.close(control);
            }
        }
    }
}
