//! A session on a token of another library.
//!
//! Calls that applications make are passed on (`Foreign`). The methods of `TokenSession` are for keyward's own tool, which
//! calls no C function.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::finds::Search;
use super::raw::{Api, OpenedSession};
use super::token::{PassToken, Recovery};
use crate::backend::held;
use crate::error::{Error, ErrorKind, Result};
use crate::object::{RawAttribute, Value};
use crate::token::{Access, Below, Call, Foreign, ObjectHandle};
use crate::types::ck;
use crate::types::functions::{Effect, Library};

/// By what a key is found again once its handle is void.
const TRAITS: [ck::CK_ATTRIBUTE_TYPE; 5] =
    [ck::CKA_CLASS, ck::CKA_KEY_TYPE, ck::CKA_TOKEN, ck::CKA_ID, ck::CKA_LABEL];

/// What the size of a key follows from. None of them is secret.
const SIZES: [ck::CK_ATTRIBUTE_TYPE; 7] = [
    ck::CKA_CLASS,
    ck::CKA_KEY_TYPE,
    ck::CKA_MODULUS,
    ck::CKA_EC_PARAMS,
    ck::CKA_EC_POINT,
    ck::CKA_PRIME,
    ck::CKA_VALUE_LEN,
];

fn is_number(kind: ck::CK_ATTRIBUTE_TYPE) -> bool {
    matches!(kind, ck::CKA_CLASS | ck::CKA_KEY_TYPE | ck::CKA_VALUE_LEN)
}

/// One session.
pub struct PassSession {
    pub(super) token: Arc<PassToken>,
    read_write: bool,
    /// The session below, and the token's generation that it is of.
    below: Option<(u64, OpenedSession)>,
    /// The operations that may be running below, as CKF_ bits.
    operations: ck::CK_FLAGS,
    /// Whether objects were made here that may end with the session.
    made: bool,
    lost: bool,
}

/// What a call sees of the session.
struct View<'a> {
    token: &'a PassToken,
    api: &'a Api,
    session: OpenedSession,
    used: Cell<ObjectHandle>,
    made: RefCell<Vec<ObjectHandle>>,
    size_query: Cell<bool>,
}

impl<'a> View<'a> {
    fn new(token: &'a PassToken, api: &'a Api, session: OpenedSession) -> Self {
        let (used, size_query) = (Cell::new(ck::CK_INVALID_HANDLE), Cell::new(false));
        View { token, api, session, used, made: RefCell::default(), size_query }
    }

    /// What the configuration says of keys' sizes. CKR_KEY_SIZE_RANGE.
    fn judge(&self, below: ObjectHandle) -> Result<()> {
        // A handle that leads nowhere gets its CKR from the call itself.
        let Ok(values) = self.api.attributes(self.session, below, &SIZES) else { return Ok(()) };
        let known = SIZES.into_iter().zip(values).filter_map(|(kind, value)| {
            let value = value?;
            Some(match <[u8; size_of::<ck::CK_ULONG>()]>::try_from(&value[..]) {
                Ok(native) if is_number(kind) => (kind, Value::Ulong(ck::CK_ULONG::from_ne_bytes(native))),
                _ => (kind, Value::from(&value[..])),
            })
        });
        held::expect_strong(self.token.config(), &known.collect())
    }

    /// Keys that a call made against policy are destroyed again.
    fn judge_made(&self) -> Result<()> {
        let made = self.made.borrow();
        let outcome = made.iter().try_for_each(|below| self.judge(*below));
        if outcome.is_err() {
            for below in made.iter() {
                let _ = self.api.destroy(self.session, *below);
            }
        }
        outcome
    }

    /// Notes what the key is found again by, once for each key.
    fn remember(&self) {
        let handle = self.used.get();
        if handle == ck::CK_INVALID_HANDLE || self.token.handles.remembers(handle) {
            return;
        }
        let below = self.token.handles.below(handle);
        if let Ok(values) = self.api.attributes(self.session, below, &TRAITS) {
            let known =
                TRAITS.into_iter().zip(values).filter_map(|(kind, value)| Some((kind, value?.to_vec())));
            self.token.handles.remember(handle, known.collect());
        }
    }
}

impl Below for View<'_> {
    fn library(&self) -> &dyn Library {
        self.api.library()
    }

    fn session(&self) -> ck::CK_SESSION_HANDLE {
        self.session.0
    }

    fn object(&self, handle: ObjectHandle) -> Result<ObjectHandle> {
        let below = self.token.handles.below(handle);
        if self.token.is_strict() && handle != ck::CK_INVALID_HANDLE && !self.token.handles.judged(handle) {
            self.judge(below)?;
            self.token.handles.note_judged(handle);
        }
        self.used.set(handle);
        Ok(below)
    }

    fn adopt(&self, below: ObjectHandle) -> ObjectHandle {
        self.made.borrow_mut().push(below);
        self.token.handles.here(below)
    }

    fn permits(&self, mechanism: ck::CK_MECHANISM_TYPE) -> Result<()> {
        self.token.permits(mechanism)
    }

    fn note_size_query(&self) {
        self.size_query.set(true);
    }
}

/// What a return value says about the session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// The session, or more, is gone below.
    Session,
    /// The device failed: a new session may do better.
    Device,
}

fn loss(rv: ck::CK_RV) -> Option<Loss> {
    match rv {
        ck::CKR_SESSION_HANDLE_INVALID
        | ck::CKR_SESSION_CLOSED
        | ck::CKR_DEVICE_REMOVED
        | ck::CKR_TOKEN_NOT_PRESENT
        | ck::CKR_CRYPTOKI_NOT_INITIALIZED => Some(Loss::Session),
        ck::CKR_DEVICE_ERROR => Some(Loss::Device),
        _ => None,
    }
}

/// Whether a call may be made again after a loss. What goes on with an operation cannot: it went with the session. What
/// the device may have done half is not repeated either.
fn may_repeat(effect: Effect, loss: Loss) -> bool {
    match effect {
        Effect::Begin(_) | Effect::Use => true,
        Effect::Make | Effect::Change => loss == Loss::Session,
        Effect::Step(_) | Effect::End(_) | Effect::Restore => false,
    }
}

impl PassSession {
    /// Opens the session below at once: that it cannot be is C_OpenSession's to tell.
    pub(super) fn open(token: Arc<PassToken>, read_write: bool) -> Result<Self> {
        let below = Some(token.session(read_write)?);
        Ok(PassSession { token, read_write, below, operations: 0, made: false, lost: false })
    }

    /// The session below, or a new one where that of before went with its generation.
    pub(super) fn connect(&mut self) -> Result<(Arc<Api>, OpenedSession)> {
        if self.lost {
            return Err(ErrorKind::SessionHandleInvalid.into());
        }
        let (api, _) = self.token.place()?;
        match self.below {
            Some((generation, session)) if generation == self.token.generation() => Ok((api, session)),
            _ => {
                let fresh = self.token.session(self.read_write).inspect_err(|_| self.lost = true)?;
                (self.below, self.operations, self.made) = (Some(fresh), 0, false);
                Ok((self.token.place()?.0, fresh.1))
            }
        }
    }

    /// After a loss: whether a new session below will do. The one of before is let go.
    fn recover(&mut self, loss: Loss) -> bool {
        let Some((seen, session)) = self.below else { return false };
        let running = self.token.lower.running();
        if let (Loss::Device, Some(api)) = (loss, &running) {
            if self.made {
                // Its objects would go with the session: the same one once more.
                return true;
            }
            // Where the device lost more than this call, its sessions are gone too.
            if api.close(session).is_ok() {
                self.below = None;
                return true;
            }
        }
        self.below = None;
        match self.token.recover(seen) {
            Recovery::Again => true,
            Recovery::Lost => {
                self.lost = true;
                false
            }
        }
    }

    /// Works below, once more where a loss could be made good.
    pub(super) fn below<T>(
        &mut self,
        effect: Effect,
        mut work: impl FnMut(&mut Self, &Arc<Api>, OpenedSession) -> Result<T>,
    ) -> Result<T> {
        let mut repeated = false;
        loop {
            let (api, session) = self.connect()?;
            let error = match work(self, &api, session) {
                Err(error) => error,
                done => return done,
            };
            let Some(loss) = loss(error.rv()) else { return Err(error) };
            if repeated || !self.recover(loss) || !may_repeat(effect, loss) {
                return Err(error);
            }
            repeated = true;
        }
    }

    /// Objects were made that may end with the session.
    pub(super) fn note_made(&mut self) {
        self.made = true;
        self.token.finds.forget();
    }

    /// An operation runs below whose end is not told.
    pub(super) fn note_begun(&mut self, operation: ck::CK_FLAGS) {
        self.operations |= operation;
    }

    /// What a call that succeeded leaves behind.
    fn note(&mut self, effect: Effect, view: &View<'_>) -> Result<()> {
        match effect {
            Effect::Begin(operation) => {
                self.operations |= operation;
                view.remember();
            }
            Effect::End(operation) if !view.size_query.get() => self.operations &= !operation,
            Effect::Restore => self.operations = ck::CK_FLAGS::MAX,
            // The size of a ciphertext: no key was made.
            Effect::Make if view.size_query.get() => {}
            Effect::Make => {
                self.note_made();
                if self.token.is_strict() {
                    view.judge_made()?;
                }
            }
            Effect::Change => {
                self.token.finds.forget();
                self.token.handles.forget(view.used.get());
            }
            Effect::End(_) | Effect::Step(_) | Effect::Use => {}
        }
        Ok(())
    }
}

impl Foreign for PassSession {
    fn forward(&mut self, _access: Access, effect: Effect, call: Call<'_>) -> Result<()> {
        let token = self.token.clone();
        self.below(effect, |own, api, session| {
            let view = View::new(&token, api, session);
            let rv = {
                let _alone = api.alone();
                call(&view)?
            };
            match rv {
                ck::CKR_OK => own.note(effect, &view),
                rv => Err(Error::from_below(rv, "")),
            }
        })
    }

    fn find(&mut self, access: Access, template: &[RawAttribute<'_>]) -> Result<Vec<ObjectHandle>> {
        let token = self.token.clone();
        let search = Search::new(access.login, template);
        let changes = match token.finds.get(search.as_ref()) {
            Ok(matches) => return Ok(matches),
            Err(changes) => changes,
        };
        let found = self.below(Effect::Use, |_, api, session| api.find(session, template))?;
        let matches: Vec<_> = found.into_iter().map(|below| token.handles.here(below)).collect();
        token.finds.keep(search, changes, &matches);
        Ok(matches)
    }

    fn authenticate_again(&mut self, _access: Access, pin: Option<&[u8]>) -> Result<()> {
        let (api, session) = self.connect()?;
        api.login(session, ck::CKU_CONTEXT_SPECIFIC, pin, None)
    }

    fn cancel(&mut self, _access: Access, flags: ck::CK_FLAGS) -> Result<()> {
        let running = self.operations & flags;
        if running == 0 {
            return Ok(());
        }
        let (api, session) = self.connect()?;
        match api.cancel(session, flags & !ck::CKF_FIND_OBJECTS) {
            // A library of v2.40: operations end with their session, if nothing else does.
            Err(error) if error.kind() == ErrorKind::FunctionNotSupported => {
                if self.made || self.operations != running {
                    return Err(error.with_kind(ErrorKind::OperationCancelFailed));
                }
                api.close(session)?;
                self.below = None;
            }
            outcome => outcome?,
        }
        self.operations &= !running;
        Ok(())
    }

    fn lost(&self) -> bool {
        self.lost
    }
}

impl Drop for PassSession {
    fn drop(&mut self) {
        if self.made {
            self.token.finds.forget();
        }
        let Some((generation, session)) = self.below.take() else { return };
        let Some(api) = self.token.lower.running().filter(|_| generation == self.token.generation()) else {
            return;
        };
        if self.operations == 0 && !self.made && !self.token.lower.settings.quirks.no_pool {
            self.token.pool.give(&api, session, self.read_write);
        } else {
            let _ = api.close(session);
        }
    }
}
