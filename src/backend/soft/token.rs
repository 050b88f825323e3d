//! One soft token: where it is kept, its PINs, and the keys that a login unseals.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};

use super::objects::Objects;
use super::session::SoftSession;
use super::source::Source;
use crate::backend::held::{self, Offer};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::{self, Descriptor};
use crate::store::pin::{PinPolicy, authenticate};
use crate::store::{self, Failures, Header, PinRecord, Role, Store, TokenKeys, unix_now};
use crate::token::{MechanismInfo, SlotInfo, Token, TokenInfo, TokenLimits, TokenSession, User, UserPin};
use crate::types::{LockedKey, MANUFACTURER, VERSION, ck, padded, utc_time};

/// The longest PIN in bytes: what the field `ulMaxPinLen` of the peers says, and far above what people type.
pub const MAX_PIN_LEN: usize = 255;

/// How long C_OpenSession relies on an earlier look at the token's file. What a session does first looks again.
const LOOK_LASTS: Duration = Duration::from_millis(1);

/// A soft token, initialised or free.
pub struct SoftToken {
    config: Arc<Config>,
    serial: String,
    source: Box<dyn Source>,
    /// PINs that nobody types; one of them may be this token's.
    pins: Arc<[UserPin]>,
    /// One thread opens the token for all. How the last attempt failed, and when.
    opening: Mutex<Option<(Error, Instant)>>,
    opened: Mutex<Option<Current>>,
}

/// The open token, and when it was last seen in its place.
struct Current {
    open: Arc<Opened>,
    seen: Instant,
}

impl Current {
    fn new(open: Arc<Opened>) -> Self {
        Current { open, seen: Instant::now() }
    }

    fn is(&self, open: &Arc<Opened>) -> bool {
        Arc::ptr_eq(&self.open, open)
    }
}

/// A token that is open.
pub struct Opened {
    /// The sealed rows.
    pub store: Box<dyn Store>,
    /// What this process knows of them.
    pub objects: Objects,
    /// Opens and finds public rows.
    pub public: TokenKeys,
    /// Tells one initialisation of the token from the next: its public sealing key is drawn anew.
    instance: [u8; 32],
    /// [`Source::identity`], as it was opened.
    identity: Option<(u64, u64)>,
    unlocked: RwLock<Option<Unlocked>>,
    /// Wrong PINs in a row that could not be written down: they delay the next one all the same, in this process.
    uncounted: Mutex<HashMap<Role, Failures>>,
}

/// What a login leaves in memory until logout.
struct Unlocked {
    token_key: LockedKey,
    /// `None` for the SO, who sees no private object.
    private: Option<Arc<TokenKeys>>,
}

impl Opened {
    pub(super) fn new(store: Box<dyn Store>, source: &dyn Source) -> Result<Self> {
        let header = store.header()?;
        Ok(Opened {
            identity: source.identity(),
            public: TokenKeys::public(&header)?,
            instance: header.public_key,
            objects: Objects::default(),
            unlocked: RwLock::default(),
            uncounted: Mutex::default(),
            store,
        })
    }

    /// The keys of private rows, while the user is logged in.
    pub fn private(&self) -> Option<Arc<TokenKeys>> {
        self.unlocked.read().as_ref()?.private.clone()
    }

    /// False once there is another initialisation of the token in its place, or none.
    fn is_same_token(&self, source: &dyn Source) -> Result<bool> {
        if self.identity != source.identity() {
            return Ok(false);
        }
        match self.store.header() {
            Ok(header) => Ok(header.public_key == self.instance),
            Err(store::Error::Missing { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// CKR_DEVICE_REMOVED for the header of another initialisation of the token.
    pub fn expect_instance(&self, header: &Header) -> Result<()> {
        match header.public_key == self.instance {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::DeviceRemoved, "another process initialised the token anew")),
        }
    }

    /// Changes the header of this initialisation of the token: what belongs to it must not reach another's.
    fn update_header(&self, change: impl Fn(&mut Header)) -> Result<()> {
        self.store.update_header(&mut |header| {
            self.expect_instance(header)?;
            change(header);
            Ok(())
        })?;
        Ok(())
    }

    /// How long the next try of a PIN waits.
    pub(super) fn delay(&self, policy: PinPolicy, role: Role) -> Result<Duration> {
        let counted = policy.state_of(&*self.store.header()?, role).delay;
        let uncounted = self.uncounted.lock().get(&role).copied().unwrap_or_default();
        Ok(counted.max(policy.state(uncounted, unix_now()).delay))
    }

    /// Remembers what a try came to, where the store could not.
    pub(super) fn tried<T>(&self, role: Role, answer: &store::Result<T>) {
        match answer {
            Ok(_) => drop(self.uncounted.lock().remove(&role)),
            Err(store::Error::WrongPin) if self.store.read_only() => {
                let mut uncounted = self.uncounted.lock();
                let failures = uncounted.entry(role).or_default();
                *failures = Failures { count: failures.count.saturating_add(1), last: unix_now() };
            }
            Err(_) => {}
        }
    }

    /// Forgets what the login unsealed.
    fn lock(&self) {
        *self.unlocked.write() = None;
        self.objects.forget_private();
    }
}

impl SoftToken {
    pub(super) fn new(
        config: Arc<Config>,
        serial: String,
        source: Box<dyn Source>,
        pins: Arc<[UserPin]>,
    ) -> Self {
        SoftToken { config, serial, source, pins, opening: Mutex::default(), opened: Mutex::default() }
    }

    /// 16 hexadecimal digits.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The open token. CKR_TOKEN_NOT_RECOGNIZED before C_InitToken, and for a file that is none of ours.
    ///
    /// A token that another process initialised anew, or whose file it replaced, is taken up anew: old keys open
    /// nothing in it, or what they write would be lost. The lock is not held for a look: where the token is in a service,
    /// it may take long.
    pub fn open(&self) -> Result<Arc<Opened>> {
        self.open_unless(|_| false)
    }

    /// [`SoftToken::open`], which ends at once if what is open will do.
    fn open_unless(&self, will_do: impl FnOnce(&Current) -> bool) -> Result<Arc<Opened>> {
        // Without a word: NSS and Java open a session on every slot to see what is in it.
        self.find(will_do)?.ok_or_else(|| ErrorKind::TokenNotRecognized.into())
    }

    /// The same; `None` before C_InitToken.
    fn find(&self, will_do: impl FnOnce(&Current) -> bool) -> Result<Option<Arc<Opened>>> {
        let current = match self.opened.lock().as_ref() {
            Some(current) if will_do(current) => return Ok(Some(current.open.clone())),
            current => current.map(|current| current.open.clone()),
        };
        if let Some(open) = current {
            // Before the look: what happens after it counts as later.
            let now = Instant::now();
            let same = open.is_same_token(&*self.source)?;
            let mut opened = self.opened.lock();
            let current = opened.as_mut().filter(|current| current.is(&open));
            if same {
                current.into_iter().for_each(|current| current.seen = now);
                return Ok(Some(open));
            }
            if current.is_some() {
                let place = self.source.place();
                tracing::warn!("{place}: replaced or initialised anew by another process; its logins end");
                *opened = None;
            }
            drop(opened);
            // Sessions may hold on to it; C_Logout reaches only what is open now.
            open.lock();
        }
        self.open_anew()
    }

    fn open_anew(&self) -> Result<Option<Arc<Opened>>> {
        let begun = Instant::now();
        let mut failed = self.opening.try_lock_for(self.source.patience()).ok_or_else(|| {
            let what = format!("{}: another thread still opens it", self.source.place());
            Error::new(ErrorKind::TokenNotPresent, what)
        })?;
        if let Some(current) = self.opened.lock().as_ref() {
            return Ok(Some(current.open.clone()));
        }
        // Who waited has waited for this answer: where a service hangs, the next attempt would take as long.
        if let Some((error, when)) = &*failed
            && *when >= begun
        {
            return Err(error.clone());
        }
        match self.source.open() {
            Ok(store) => self.keep(store).map(Some),
            Err(store::Error::Missing { .. }) => Ok(None),
            Err(error) => {
                let error = Error::from(error);
                *failed = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }

    /// Takes a store that was opened as the token's.
    fn keep(&self, store: Box<dyn Store>) -> Result<Arc<Opened>> {
        let open = Arc::new(Opened::new(store, &*self.source)?);
        *self.opened.lock() = Some(Current::new(open.clone()));
        Ok(open)
    }

    /// A PIN that nobody types is not to be asked for; where sessions log in by themselves, no login is.
    fn show_user_pin(&self, info: &mut TokenInfo) {
        let label = String::from_utf8_lossy(&info.label);
        if let Some(pin) = self.user_pin(label.trim_end_matches(' ')) {
            info.flags |= ck::CKF_PROTECTED_AUTHENTICATION_PATH;
            info.flags &= if pin.by_itself { !ck::CKF_LOGIN_REQUIRED } else { ck::CK_FLAGS::MAX };
        }
    }

    /// The user's PIN that nobody types, if there is one.
    fn user_pin(&self, label: &str) -> Option<&UserPin> {
        self.pins.iter().find(|pin| pin.is_of(label, &self.serial))
    }

    /// [`SoftToken::authenticate`] with the PIN that was given, or with the user's own where none was.
    fn authenticate_with(&self, open: &Opened, role: Role, pin: Option<&[u8]>) -> Result<LockedKey> {
        let header = open.store.header()?;
        let own = match (role, pin) {
            (Role::User, None | Some([])) => self.user_pin(&header.label_text()).zip(header.user.as_ref()),
            _ => None,
        };
        match own {
            Some((own, lock)) => own.with(&lock.encode(), |pin| self.authenticate(open, role, pin)),
            None => self.authenticate(open, role, present(pin)?),
        }
    }

    fn pin_policy(&self) -> PinPolicy {
        PinPolicy { max_failures: self.config.soft.max_pin_failures, delay: self.config.soft.pin_delay }
    }

    /// Waits as earlier failures demand, then tries the PIN. Holds no lock meanwhile.
    fn authenticate(&self, open: &Opened, role: Role, pin: &[u8]) -> Result<LockedKey> {
        let delay = open.delay(self.pin_policy(), role)?;
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        let answer = authenticate(&*open.store, self.pin_policy(), role, pin);
        open.tried(role, &answer);
        Ok(answer?)
    }

    /// `serial` is the header's, which a file that was given another name keeps.
    fn pin_record(&self, pin: &[u8], token_key: &LockedKey, role: Role, serial: &str) -> Result<PinRecord> {
        Ok(PinRecord::new(pin, self.config.soft.kdf, token_key, role, serial)?)
    }

    /// A new PIN within the limits. CKR_PIN_LEN_RANGE.
    fn check_new_pin<'a>(&self, pin: Option<&'a [u8]>) -> Result<&'a [u8]> {
        let pin = present(pin)?;
        let min = self.config.soft.min_pin_len;
        if (min..=MAX_PIN_LEN).contains(&pin.len()) {
            return Ok(pin);
        }
        Err(Error::new(ErrorKind::PinLenRange, format!("a PIN has {min} to {MAX_PIN_LEN} bytes here")))
    }

    /// A fresh header with a fresh token key under the SO's PIN.
    fn new_header(&self, so_pin: &[u8], label: [u8; 32]) -> Result<Header> {
        let token_key = LockedKey::random(crate::crypto::random).map_err(store::Error::from)?;
        let so = self.pin_record(so_pin, &token_key, Role::So, &self.serial)?;
        let mut header = Header::new(self.serial.clone(), "", so)?;
        header.label = label;
        header.login_required = self.config.soft.login_required;
        Ok(header)
    }

    /// C_InitToken on a token that exists: the SO PIN is checked, every object goes.
    fn init_again(&self, so_pin: &[u8], label: [u8; 32]) -> Result<()> {
        let open = self.open()?;
        self.authenticate(&open, Role::So, so_pin)?;
        open.store.reset(&self.new_header(so_pin, label)?)?;
        open.lock();
        *self.opened.lock() = None;
        Ok(())
    }

    /// What configuration and policy leave this token.
    fn offer(&self) -> Result<Offer<'_>> {
        Offer::of(&self.config, || {
            let label = match self.source.assumed_label() {
                Some(label) => String::from_utf8_lossy(&label).trim_end_matches(' ').to_owned(),
                None => match self.find(|_| true)? {
                    Some(open) => open.store.header()?.label_text(),
                    None => String::new(),
                },
            };
            Ok([label, self.serial.clone()])
        })
    }

    /// The rows of the table that this token offers, by configuration and policy.
    pub(super) fn offered(&self) -> Result<impl Iterator<Item = &'static Descriptor>> {
        let offer = self.offer()?;
        Ok(mechanism::all().filter(move |row| offer.allows(row)))
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// The row of a mechanism that this token offers. CKR_MECHANISM_INVALID.
    pub(super) fn row(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<&'static Descriptor> {
        self.offer()?.row(kind)
    }
}

/// A PIN that must be given: there is no protected authentication path. CKR_ARGUMENTS_BAD.
fn present(pin: Option<&[u8]>) -> Result<&[u8]> {
    pin.ok_or_else(|| Error::new(ErrorKind::ArgumentsBad, "no PIN: this token has no PIN pad"))
}

fn role(user: User) -> Role {
    match user {
        User::So => Role::So,
        User::User => Role::User,
    }
}

/// CKF_ bits of a token that nobody was asked about: one that is ready to use.
const ASSUMED_FLAGS: ck::CK_FLAGS =
    ck::CKF_TOKEN_INITIALIZED | ck::CKF_LOGIN_REQUIRED | ck::CKF_USER_PIN_INITIALIZED | held::OPERATION_FLAGS;

/// CKF_ bits of a role's PIN: count low, final try, locked.
const PIN_FLAGS: [(Role, [ck::CK_FLAGS; 3]); 2] = [
    (Role::User, [ck::CKF_USER_PIN_COUNT_LOW, ck::CKF_USER_PIN_FINAL_TRY, ck::CKF_USER_PIN_LOCKED]),
    (Role::So, [ck::CKF_SO_PIN_COUNT_LOW, ck::CKF_SO_PIN_FINAL_TRY, ck::CKF_SO_PIN_LOCKED]),
];

impl Token for SoftToken {
    fn slot_id(&self) -> ck::CK_SLOT_ID {
        super::slot_id(&self.serial)
    }

    fn slot_info(&self) -> SlotInfo {
        let flags = if self.config.slots.removable { ck::CKF_REMOVABLE_DEVICE } else { 0 };
        SlotInfo {
            description: padded(&self.source.description()),
            manufacturer: padded(MANUFACTURER),
            flags,
            hardware_version: VERSION,
            firmware_version: VERSION,
        }
    }

    fn present(&self) -> bool {
        true
    }

    fn event(&self) -> bool {
        false
    }

    fn initialized(&self) -> bool {
        self.source.known()
    }

    fn validation_flags(&self) -> ck::CK_FLAGS {
        held::VALIDATION_FLAG
    }

    fn info(&self) -> Result<TokenInfo> {
        let mut info = TokenInfo {
            label: [b' '; 32],
            manufacturer: padded(MANUFACTURER),
            model: padded("keyward soft"),
            serial: padded(&self.serial),
            flags: ck::CKF_RNG | ck::CKF_CLOCK_ON_TOKEN,
            min_pin_len: self.config.soft.min_pin_len,
            max_pin_len: MAX_PIN_LEN,
            hardware_version: VERSION,
            firmware_version: VERSION,
            limits: TokenLimits { utc_time: utc_time(unix_now()), ..TokenLimits::default() },
        };
        if let Some(label) = self.source.assumed_label() {
            info.label = label;
            info.flags |= ASSUMED_FLAGS;
            self.show_user_pin(&mut info);
            return Ok(info);
        }
        let Some(open) = self.find(|_| false)? else {
            info.flags |= ck::CKF_LOGIN_REQUIRED;
            return Ok(info);
        };
        let header = open.store.header()?;
        info.label = header.label;
        info.flags |= ck::CKF_TOKEN_INITIALIZED | held::OPERATION_FLAGS;
        let conditions = [
            (header.login_required, ck::CKF_LOGIN_REQUIRED),
            (header.user.is_some(), ck::CKF_USER_PIN_INITIALIZED),
            (header.user_pin_to_be_changed, ck::CKF_USER_PIN_TO_BE_CHANGED),
            (open.store.read_only(), ck::CKF_WRITE_PROTECTED),
        ];
        for (is_so, flag) in conditions {
            info.flags |= if is_so { flag } else { 0 };
        }
        self.show_user_pin(&mut info);
        for (role, [low, last, locked]) in PIN_FLAGS {
            let state = self.pin_policy().state_of(&header, role);
            for (is_so, flag) in [(state.count_low, low), (state.final_try, last), (state.locked, locked)] {
                info.flags |= if is_so { flag } else { 0 };
            }
        }
        Ok(info)
    }

    fn mechanisms(&self) -> Result<Vec<ck::CK_MECHANISM_TYPE>> {
        Ok(self.offered()?.map(|row| row.kind).collect())
    }

    fn mechanism_info(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<MechanismInfo> {
        let row = self.row(kind)?;
        Ok(MechanismInfo {
            min_key_size: row.min_key_size,
            max_key_size: row.max_key_size,
            flags: row.flags(),
        })
    }

    fn init_token(&self, so_pin: Option<&[u8]>, label: [u8; 32]) -> Result<()> {
        if self.find(|_| false)?.is_some() {
            return self.init_again(present(so_pin)?, label);
        }
        // C_InitToken's list of return values has no CKR_PIN_LEN_RANGE.
        let so_pin = self.check_new_pin(so_pin).map_err(|error| match error.kind() {
            ErrorKind::PinLenRange => error.with_kind(ErrorKind::PinIncorrect),
            _ => error,
        })?;
        let header = self.new_header(so_pin, label)?;
        match self.source.create(&header) {
            Ok(store) => self.keep(store).map(drop),
            // Another process was first: to this one the token exists.
            Err(store::Error::Exists { .. }) => self.init_again(so_pin, label),
            Err(error) => Err(error.into()),
        }
    }

    fn init_pin(&self, pin: Option<&[u8]>) -> Result<()> {
        let pin = self.check_new_pin(pin)?;
        let open = self.open()?;
        let serial = &open.store.header()?.serial;
        let record = match open.unlocked.read().as_ref() {
            Some(unlocked) => self.pin_record(pin, &unlocked.token_key, Role::User, serial)?,
            None => return Err(ErrorKind::UserNotLoggedIn.into()),
        };
        open.update_header(|header| {
            header.user = Some(record.clone());
            header.user_failures = Default::default();
        })
    }

    fn set_pin(&self, user: User, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<()> {
        let (old, new) = (present(old)?, self.check_new_pin(new)?);
        let open = self.open()?;
        let role = role(user);
        let token_key = self.authenticate(&open, role, old)?;
        let record = self.pin_record(new, &token_key, role, &open.store.header()?.serial)?;
        open.update_header(|header| match role {
            Role::So => header.so = record.clone(),
            Role::User => {
                header.user = Some(record.clone());
                header.user_pin_to_be_changed = false;
            }
        })
    }

    fn login(&self, user: User, pin: Option<&[u8]>, name: Option<&[u8]>) -> Result<()> {
        if name.is_some() {
            return Err(Error::new(ErrorKind::ArgumentsBad, "a soft token has one user, without a name"));
        }
        let open = self.open()?;
        let role = role(user);
        let header = open.store.header()?;
        if header.pin(role).is_none() {
            return Err(Error::new(
                ErrorKind::UserPinNotInitialized,
                "the SO has not set the user's PIN: C_InitPIN first",
            ));
        }
        let token_key = self.authenticate_with(&open, role, pin)?;
        let private = match role {
            Role::So => None,
            Role::User => Some(Arc::new(TokenKeys::private(&header, &token_key)?)),
        };
        *open.unlocked.write() = Some(Unlocked { token_key, private });
        Ok(())
    }

    fn authenticate_again(&self, user: User, pin: Option<&[u8]>) -> Result<()> {
        let open = self.open()?;
        self.authenticate_with(&open, role(user), pin).map(drop)
    }

    fn logs_in_by_itself(&self) -> bool {
        // Nearly every token's way.
        if !self.pins.iter().any(|pin| pin.by_itself) {
            return false;
        }
        let header = self.open().and_then(|open| Ok(open.store.header()?));
        header.is_ok_and(|header| self.user_pin(&header.label_text()).is_some_and(|pin| pin.by_itself))
    }

    fn logout(&self) {
        if let Some(current) = self.opened.lock().as_ref() {
            current.open.lock();
        }
    }

    /// Says whether there is a token to open. Which file the session works on is settled by what it does first: a
    /// look at the file costs more than all the rest of C_OpenSession, and many sessions are closed unused.
    fn open_session(self: Arc<Self>, _read_write: bool) -> Result<Box<dyn TokenSession>> {
        self.open_unless(|current| current.seen.elapsed() < LOOK_LASTS)?;
        Ok(Box::new(SoftSession::new(self)))
    }

    fn abandon(&self) {
        if let Some(current) = self.opened.try_lock().and_then(|mut opened| opened.take()) {
            current.open.store.abandon();
            std::mem::forget(current);
        }
    }
}
