//! Slots, tokens, sessions and objects, brought up to what the control file says at every call.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use cryptoki_sys::*;

use crate::control::Control;
use crate::memory::{Lies, R};

/// The user's PIN of every token.
pub const USER_PIN: &str = "1234";
/// The security officer's PIN of every token.
pub const SO_PIN: &str = "5678";

/// A token; it lives on while it is in no slot.
pub struct Token {
    pub label: String,
    pub user_pin: Vec<u8>,
    pub so_pin: Vec<u8>,
    pub login: Option<CK_USER_TYPE>,
}

/// What a session has under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Digest,
    Sign,
    Verify,
    Encrypt,
    Decrypt,
    SignRecover,
    VerifyRecover,
    VerifySignature,
    MessageEncrypt,
    MessageDecrypt,
    MessageSign,
    MessageVerify,
}

/// An operation under way.
#[derive(Default, Clone)]
pub struct Op {
    pub mechanism: CK_MECHANISM_TYPE,
    pub seed: u64,
    /// What was fed so far, where it is needed at the end.
    pub data: Vec<u8>,
    /// How much went through.
    pub position: usize,
    pub signature: Vec<u8>,
}

/// A session.
pub struct Session {
    pub slot: CK_SLOT_ID,
    pub token: String,
    pub flags: CK_FLAGS,
    pub find: Option<Vec<CK_OBJECT_HANDLE>>,
    pub ops: HashMap<Kind, Op>,
}

/// An object.
#[derive(Clone)]
pub struct Object {
    pub token: String,
    /// The session that it goes with; none for token objects.
    pub session: Option<CK_SESSION_HANDLE>,
    pub attributes: Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>,
    pub seed: u64,
}

/// Everything.
#[derive(Default)]
pub struct State {
    pub initialized: bool,
    pid: u32,
    pub slots: Vec<(CK_SLOT_ID, Option<String>)>,
    pub reported: Vec<(CK_SLOT_ID, Option<String>)>,
    pub tokens: BTreeMap<String, Token>,
    pub sessions: BTreeMap<CK_SESSION_HANDLE, Session>,
    /// Sessions that were taken away, with their token.
    gone: BTreeMap<CK_SESSION_HANDLE, String>,
    pub objects: BTreeMap<CK_OBJECT_HANDLE, Object>,
    pub seeds: u64,
    next: CK_ULONG,
    pub lies: Lies,
}

/// The one state of this copy of the library.
pub fn lock() -> MutexGuard<'static, State> {
    static STATE: LazyLock<Mutex<State>> = LazyLock::new(Mutex::default);
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Functions that are called before C_Initialize.
const EARLY: &[&str] = &["C_Initialize", "C_GetFunctionList", "C_GetInterface", "C_GetInterfaceList"];
/// Where handles begin with `handles = 64bit`.
const HIGH: CK_ULONG = 0x7a11_0000_0000_0000;
/// The slot that there is when nothing else is said.
const SLOTS: &str = "7:first";

impl State {
    /// Does what the control file asks for before `name` begins.
    pub fn follow(&mut self, name: &str, control: Option<&Control>) -> R {
        let pid = std::process::id();
        if self.pid != pid {
            // A child of a fork starts afresh, but for what is on the token.
            self.pid = pid;
            self.reset();
        }
        if !self.initialized && !EARLY.contains(&name) {
            return Err(CKR_CRYPTOKI_NOT_INITIALIZED);
        }
        let Some(control) = control else {
            if self.slots.is_empty() {
                self.plug(SLOTS, false);
            }
            return Ok(());
        };
        self.lies = Lies {
            query: control.number("size-query"),
            reported: control.number("reported"),
            overrun: usize::try_from(control.number("overrun")).unwrap_or(0),
        };
        if control.value("handles") == Some("64bit") {
            self.next |= HIGH;
        }
        let renumber = control.value("renumber").is_some();
        let absent = control.value("present") == Some("no");
        let slots = control.value("slots").unwrap_or(SLOTS);
        if absent {
            let ids: Vec<_> = slots.split_whitespace().filter_map(|slot| slot.split(':').next()).collect();
            self.plug(&ids.iter().map(|id| format!("{id}:-")).collect::<Vec<_>>().join(" "), renumber);
        } else {
            self.plug(slots, renumber);
        }
        if control.once("sessions-lost") {
            self.lose(|_| true, renumber);
        }
        Ok(())
    }

    /// Forgets sessions and logins; what is on the tokens stays.
    pub fn reset(&mut self) {
        self.initialized = false;
        self.sessions.clear();
        self.gone.clear();
        self.objects.retain(|_, object| object.session.is_none());
        self.tokens.values_mut().for_each(|token| token.login = None);
    }

    /// Puts tokens into slots: `7:first 9:second 11:-`. Sessions of a token that left its slot are lost.
    fn plug(&mut self, text: &str, renumber: bool) {
        let slot = |word: &str| {
            let (id, token) = word.split_once(':').unwrap_or((word, "-"));
            Some((id.parse().ok()?, (token != "-").then(|| token.to_owned())))
        };
        let slots: Vec<(CK_SLOT_ID, Option<String>)> = text.split_whitespace().filter_map(slot).collect();
        if slots == self.slots {
            return;
        }
        for token in slots.iter().filter_map(|(_, token)| token.as_ref()) {
            self.tokens.entry(token.clone()).or_insert_with(|| Token {
                label: token.clone(),
                user_pin: USER_PIN.into(),
                so_pin: SO_PIN.into(),
                login: None,
            });
        }
        let stays = |session: &Session| slots.contains(&(session.slot, Some(session.token.clone())));
        self.lose(|session| !stays(session), renumber);
        self.slots = slots;
    }

    /// Takes sessions away, and the logins of their tokens.
    fn lose(&mut self, which: impl Fn(&Session) -> bool, renumber: bool) {
        let lost: Vec<_> =
            self.sessions.iter().filter(|(_, session)| which(session)).map(|(handle, _)| *handle).collect();
        for handle in lost {
            let Some(session) = self.sessions.remove(&handle) else { continue };
            self.objects.retain(|_, object| object.session != Some(handle));
            if let Some(token) = self.tokens.get_mut(&session.token) {
                token.login = None;
            }
            if renumber {
                self.renumber(&session.token);
            }
            self.gone.insert(handle, session.token);
        }
    }

    /// Gives the objects of a token other handles.
    fn renumber(&mut self, token: &str) {
        let old: Vec<_> = self
            .objects
            .iter()
            .filter(|(_, object)| object.token == token)
            .map(|(handle, _)| *handle)
            .collect();
        for handle in old {
            let new = self.number();
            if let Some(object) = self.objects.remove(&handle) {
                self.objects.insert(new, object);
            }
        }
    }

    /// A number that no handle had.
    pub fn number(&mut self) -> CK_ULONG {
        self.next += 1;
        self.next
    }

    /// The session with this handle.
    pub fn session(&mut self, handle: CK_SESSION_HANDLE) -> Result<&mut Session, CK_RV> {
        let away = |token: &String| !self.slots.iter().any(|(_, there)| there.as_ref() == Some(token));
        let missing = match self.gone.get(&handle) {
            Some(token) if away(token) => CKR_DEVICE_REMOVED,
            _ => CKR_SESSION_HANDLE_INVALID,
        };
        self.sessions.get_mut(&handle).ok_or(missing)
    }

    /// The token of a session.
    pub fn token_of(&mut self, handle: CK_SESSION_HANDLE) -> Result<&mut Token, CK_RV> {
        let name = self.session(handle)?.token.clone();
        self.tokens.get_mut(&name).ok_or(CKR_DEVICE_REMOVED)
    }

    /// The name of the token in a slot.
    pub fn in_slot(&self, id: CK_SLOT_ID) -> Result<String, CK_RV> {
        let slot = self.slots.iter().find(|(slot, _)| *slot == id).ok_or(CKR_SLOT_ID_INVALID)?;
        slot.1.clone().ok_or(CKR_TOKEN_NOT_PRESENT)
    }

    /// Closes a session; the last one of a token takes the login with it.
    pub fn close(&mut self, handle: CK_SESSION_HANDLE) -> R {
        self.session(handle)?;
        let Some(session) = self.sessions.remove(&handle) else { return Ok(()) };
        self.objects.retain(|_, object| object.session != Some(handle));
        if !self.sessions.values().any(|other| other.token == session.token)
            && let Some(token) = self.tokens.get_mut(&session.token)
        {
            token.login = None;
        }
        Ok(())
    }
}
