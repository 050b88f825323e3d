//! The model: what a token, its sessions and its objects are by the specification, without any secret or any store.

mod objects;
mod operations;

use std::collections::BTreeSet;

use keyward_conformance::ck::*;

use crate::step::{ANY, Class, Kind, New, O, S, Step, User};

/// What one call gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub rv: CK_RV,
    pub out: Out,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Out {
    Nothing,
    Bytes(Vec<u8>),
    /// The answer to a size query, or what a buffer has to have.
    Length(usize),
    /// A session's state.
    State(CK_STATE),
    /// Sessions and read-write sessions of the token.
    Counts(usize, usize),
    /// A label and a value.
    Object(u8, Vec<u8>),
    /// Objects by their numbers; those whose number cannot be read any more are only counted.
    Found(BTreeSet<usize>, usize),
}

fn answer(rv: CK_RV) -> Outcome {
    Outcome { rv, out: Out::Nothing }
}

fn fine(out: Out) -> Outcome {
    Outcome { rv: CKR_OK, out }
}

#[derive(Debug, Clone)]
pub struct Object {
    pub is: New,
    /// The session whose end is the object's.
    owner: Option<usize>,
    alive: bool,
    /// Nobody knows its handle since the library was started again.
    pub unknown: bool,
    /// The number of the object whose value it has.
    pub value: usize,
}

#[derive(Debug, Clone, Default)]
struct Operation {
    value: usize,
    data: Vec<u8>,
    in_parts: bool,
    /// A result that did not fit: for the end of parts or a single part, and of what data.
    waiting: Option<(bool, Vec<u8>)>,
}

#[derive(Debug, Clone, Default)]
struct Session {
    rw: bool,
    find: Option<BTreeSet<usize>>,
    operations: [Option<Operation>; 4],
}

#[derive(Debug, Default)]
pub struct Model {
    sessions: Vec<Option<Session>>,
    pub objects: Vec<Object>,
    login: Option<User>,
    /// Which PIN the user and the SO have.
    pins: [u8; 2],
}

type Refusal<T = ()> = Result<T, Outcome>;

fn refuse<T>(rv: CK_RV) -> Refusal<T> {
    Err(answer(rv))
}

impl Model {
    /// Which of the sessions is meant; `None` where none was opened.
    pub fn session(&self, s: S) -> Option<usize> {
        let open = |index: &usize| self.sessions[*index].is_some();
        choose(self.sessions.len(), s, open)
    }

    /// Which of the objects is meant.
    pub fn object(&self, o: O) -> Option<usize> {
        choose(self.objects.len(), o, |index| self.sees(&self.objects[*index]))
    }

    /// Which of them for an operation.
    pub fn key(&self, kind: Kind, o: O) -> Option<usize> {
        let fits = |index: &usize| {
            let object = &self.objects[*index];
            self.sees(object) && object.is.may && object.is.class == key_class(kind)
        };
        choose(self.objects.len(), o, fits).or_else(|| self.object(o))
    }

    /// Which PIN a user has.
    pub fn pin(&self, user: User) -> u8 {
        self.pins[user as usize]
    }

    /// Who C_SetPIN changes the PIN of.
    pub fn pin_holder(&self) -> User {
        self.login.unwrap_or(User::User)
    }

    /// Takes the step, and says what the call must give. A search is told by what it `found`.
    pub fn take(&mut self, step: &Step, found: &Out) -> Outcome {
        self.step(step, found).unwrap_or_else(|refusal| refusal)
    }

    fn step(&mut self, step: &Step, found: &Out) -> Refusal<Outcome> {
        match step {
            Step::Open { rw } => self.open(*rw),
            Step::Close(s) => self.close(*s),
            Step::CloseAll => Ok(self.close_all()),
            Step::Restart => Ok(self.restart()),
            Step::Info(s) => self.info(*s),
            Step::TokenInfo => Ok(self.counts()),
            Step::Login { s, user, right } => self.login(*s, *user, *right),
            Step::LoginForUse(s) => self.live(*s).and_then(|_| refuse(CKR_OPERATION_NOT_INITIALIZED)),
            Step::Logout(s) => self.logout(*s),
            Step::InitPin { s, new } => self.init_pin(*s, *new),
            Step::SetPin { s, right, new } => self.set_pin(*s, *right, *new),
            Step::Create { s, new } => self.create(*s, *new),
            Step::Copy { s, o, token, private, label } => self.copy(*s, *o, (*token, *private), *label),
            Step::Relabel { s, o, label } => self.relabel(*s, *o, *label),
            Step::Read { s, o } => self.read(*s, *o),
            Step::Destroy { s, o } => self.destroy(*s, *o),
            Step::FindInit { s, filter } => self.find_init(*s, filter),
            Step::Find { s, most } => self.find(*s, usize::from(*most), found),
            Step::FindFinal(s) => self.find_final(*s),
            Step::Init { s, kind, o } => self.init(*s, *kind, *o),
            Step::Abort { s, kind } => self.abort(*s, *kind),
            Step::Once { s, kind, data, room } => self.once(*s, *kind, *data, *room),
            Step::Update { s, kind, data, room } => self.update(*s, *kind, *data, *room),
            Step::Final { s, kind, room } => self.finish(*s, *kind, *room),
            Step::Cancel { s, kinds, find } => self.cancel(*s, kinds, *find),
            Step::BadPointer { s, kind } => self.bad_pointer(*s, *kind),
        }
    }
}

/// The `which`th from the end of those of `len` that are `good`, or, from [`ANY`] on, of all.
fn choose(len: usize, which: u8, good: impl Fn(&usize) -> bool) -> Option<usize> {
    let from: Vec<usize> = (0..len).filter(|index| which >= ANY || good(index)).collect();
    (!from.is_empty()).then(|| from[from.len() - 1 - usize::from(which) % from.len()])
}

fn key_class(kind: Kind) -> Class {
    if kind == Kind::Encrypt { Class::Aes } else { Class::Secret }
}

// Sessions and logins.
impl Model {
    /// The session, if it is open.
    fn live(&self, s: S) -> Refusal<usize> {
        match self.session(s) {
            Some(index) if self.sessions[index].is_some() => Ok(index),
            _ => refuse(CKR_SESSION_HANDLE_INVALID),
        }
    }

    fn at(&mut self, index: usize) -> &mut Session {
        self.sessions[index].as_mut().unwrap()
    }

    fn is_rw(&self, index: usize) -> bool {
        self.sessions[index].as_ref().unwrap().rw
    }

    fn open(&mut self, rw: bool) -> Refusal<Outcome> {
        if !rw && self.login == Some(User::So) {
            return refuse(CKR_SESSION_READ_WRITE_SO_EXISTS);
        }
        self.sessions.push(Some(Session { rw, ..Session::default() }));
        Ok(answer(CKR_OK))
    }

    fn close(&mut self, s: S) -> Refusal<Outcome> {
        let index = self.live(s)?;
        self.end(index);
        Ok(answer(CKR_OK))
    }

    /// The session's objects go with it, and with the last session the login.
    fn end(&mut self, index: usize) {
        self.sessions[index] = None;
        self.objects
            .iter_mut()
            .filter(|object| object.owner == Some(index))
            .for_each(|object| object.alive = false);
        if self.sessions.iter().all(Option::is_none) {
            self.login = None;
        }
    }

    fn close_all(&mut self) -> Outcome {
        (0..self.sessions.len()).for_each(|index| self.end(index));
        answer(CKR_OK)
    }

    fn restart(&mut self) -> Outcome {
        self.close_all();
        self.sessions.clear();
        self.objects.iter_mut().for_each(|object| object.unknown = true);
        answer(CKR_OK)
    }

    fn info(&self, s: S) -> Refusal<Outcome> {
        let rw = self.is_rw(self.live(s)?);
        Ok(fine(Out::State(match (self.login, rw) {
            (None, false) => CKS_RO_PUBLIC_SESSION,
            (None, true) => CKS_RW_PUBLIC_SESSION,
            (Some(User::User), false) => CKS_RO_USER_FUNCTIONS,
            (Some(User::User), true) => CKS_RW_USER_FUNCTIONS,
            (Some(User::So), _) => CKS_RW_SO_FUNCTIONS,
        })))
    }

    fn counts(&self) -> Outcome {
        let open = self.sessions.iter().flatten();
        fine(Out::Counts(open.clone().count(), open.filter(|session| session.rw).count()))
    }

    fn login(&mut self, s: S, user: User, right: bool) -> Refusal<Outcome> {
        self.live(s)?;
        match self.login {
            Some(current) if current == user => return refuse(CKR_USER_ALREADY_LOGGED_IN),
            Some(_) => return refuse(CKR_USER_ANOTHER_ALREADY_LOGGED_IN),
            None => {}
        }
        if user == User::So && self.sessions.iter().flatten().any(|session| !session.rw) {
            return refuse(CKR_SESSION_READ_ONLY_EXISTS);
        }
        if !right {
            return refuse(CKR_PIN_INCORRECT);
        }
        self.login = Some(user);
        Ok(answer(CKR_OK))
    }

    /// Private session objects are destroyed, and what was begun with a key or found under the login ends. Handles of
    /// private token objects are good again after the next login, although section 5.6.10 lets them go for ever.
    fn logout(&mut self, s: S) -> Refusal<Outcome> {
        self.live(s)?;
        if self.login.is_none() {
            return refuse(CKR_USER_NOT_LOGGED_IN);
        }
        self.login = None;
        for object in &mut self.objects {
            object.alive &= object.is.token || !object.is.private;
        }
        for session in self.sessions.iter_mut().flatten() {
            session.find = None;
            for kind in [Kind::Sign, Kind::Verify, Kind::Encrypt] {
                session.operations[kind as usize] = None;
            }
        }
        Ok(answer(CKR_OK))
    }

    fn init_pin(&mut self, s: S, new: u8) -> Refusal<Outcome> {
        self.live(s)?;
        if self.login != Some(User::So) {
            return refuse(CKR_USER_NOT_LOGGED_IN);
        }
        self.pins[User::User as usize] = new;
        Ok(answer(CKR_OK))
    }

    fn set_pin(&mut self, s: S, right: bool, new: u8) -> Refusal<Outcome> {
        if !self.is_rw(self.live(s)?) {
            return refuse(CKR_SESSION_READ_ONLY);
        }
        if !right {
            return refuse(CKR_PIN_INCORRECT);
        }
        let holder = self.pin_holder();
        self.pins[holder as usize] = new;
        Ok(answer(CKR_OK))
    }
}
