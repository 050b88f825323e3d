//! The same steps on a real token, through the C ABI.

use std::collections::BTreeSet;
use std::ptr::null_mut;

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Module, RO, RW, Rv, Session, call, size, ulen};
use tempfile::TempDir;

use crate::oracle;
use crate::state::{Model, Out, Outcome};
use crate::step::{Class, Filter, Kind, New, Room, S, Step, User};

/// A fresh token, its sessions and objects in the order of their making.
pub struct Real {
    module: Module,
    dir: TempDir,
    slot: CK_SLOT_ID,
    sessions: Vec<CK_SESSION_HANDLE>,
    objects: Vec<Known>,
}

/// An object: its handle, as far as it is known, and the CKA_UNIQUE_ID by which it is found again.
struct Known {
    handle: CK_OBJECT_HANDLE,
    unique: Vec<u8>,
}

const PINS: [[&str; 2]; 2] = [["user-pin-0", "user-pin-1"], ["so-pin-0", "so-pin-1"]];

fn class(class: Class) -> CK_OBJECT_CLASS {
    if class == Class::Data { CKO_DATA } else { CKO_SECRET_KEY }
}

fn label(label: u8) -> Attr {
    Attr::label(&format!("label {label}"))
}

fn user(user: User) -> CK_USER_TYPE {
    if user == User::So { CKU_SO } else { CKU_USER }
}

impl Real {
    /// A token of its own in a directory of its own.
    pub fn new(module: &Module) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut real =
            Real { module: module.clone(), dir, slot: 0, sessions: Vec::new(), objects: Vec::new() };
        real.initialize();
        real.slot = module.slots(false).unwrap()[0];
        module.init_token(real.slot, PINS[User::So as usize][0], "model").unwrap();
        let session = module.open_session(real.slot, RW).unwrap();
        session.login(CKU_SO, PINS[User::So as usize][0]).unwrap();
        session.init_pin(PINS[User::User as usize][0]).unwrap();
        drop(session);
        real
    }

    fn initialize(&self) {
        let dir = self.dir.path().display();
        let settings = format!("dir='{dir}' kdf=fast log=error soft.pin_delay=false soft.max_pin_failures=0");
        self.module.initialize(Some(&settings)).unwrap();
    }

    fn session(&self, model: &Model, s: S) -> Session {
        let handle = model.session(s).and_then(|index| self.sessions.get(index)).copied();
        Session::borrowed(self.module.clone(), handle.unwrap_or(CK_INVALID_HANDLE))
    }

    fn object(&self, model: &Model, o: u8) -> CK_OBJECT_HANDLE {
        self.handle(model.object(o))
    }

    fn handle(&self, object: Option<usize>) -> CK_OBJECT_HANDLE {
        object.map_or(CK_INVALID_HANDLE, |index| self.objects[index].handle)
    }

    /// Makes the call of a step.
    pub fn take(&mut self, step: &Step, model: &Model) -> Outcome {
        match self.step(step, model) {
            Ok(out) => Outcome { rv: CKR_OK, out },
            Err((rv, out)) => Outcome { rv: rv.0, out },
        }
    }

    fn step(&mut self, step: &Step, model: &Model) -> Result<Out, (Rv, Out)> {
        let plain = |rv| (rv, Out::Nothing);
        let done = match step {
            Step::Open { rw } => self.open(*rw),
            Step::Close(s) => self.session(model, *s).close(),
            Step::CloseAll => self.module.close_all_sessions(self.slot),
            Step::Restart => self.restart(),
            Step::Info(s) => {
                return self.session(model, *s).info().map(|info| Out::State(info.state)).map_err(plain);
            }
            Step::TokenInfo => return self.counts().map_err(plain),
            Step::Login { s, user: who, right } => {
                let pin =
                    if *right { PINS[*who as usize][usize::from(model.pin(*who))] } else { "wrong-pin" };
                self.session(model, *s).login(user(*who), pin)
            }
            Step::LoginForUse(s) => self.session(model, *s).login(CKU_CONTEXT_SPECIFIC, "wrong-pin"),
            Step::Logout(s) => self.session(model, *s).logout(),
            Step::InitPin { s, new } => {
                self.session(model, *s).init_pin(PINS[User::User as usize][usize::from(*new)])
            }
            Step::SetPin { s, right, new } => {
                let holder = model.pin_holder();
                let pins = PINS[holder as usize];
                let old = if *right { pins[usize::from(model.pin(holder))] } else { "wrong-pin" };
                self.session(model, *s).set_pin(old, pins[usize::from(*new)])
            }
            Step::FindFinal(s) => self.session(model, *s).find_final(),
            Step::FindInit { s, filter } => self.session(model, *s).find_init(&template(filter)),
            Step::Find { s, most } => {
                let found = self.session(model, *s).find_next(usize::from(*most)).map_err(plain)?;
                return Ok(self.named(found));
            }
            Step::Create { .. } | Step::Copy { .. } => self.make(step, model),
            Step::Relabel { s, o, label: new } => {
                self.session(model, *s).set(self.object(model, *o), &[label(*new)])
            }
            Step::Read { s, o } => {
                let session = self.session(model, *s);
                return read(&session, self.object(model, *o)).map_err(plain);
            }
            Step::Destroy { s, o } => self.session(model, *s).destroy(self.object(model, *o)),
            _ => return self.operate(step, model),
        };
        done.map(|()| Out::Nothing).map_err(plain)
    }

    fn open(&mut self, rw: bool) -> Result<(), Rv> {
        let session = self.module.open_session(self.slot, if rw { RW } else { RO })?;
        self.sessions.push(session.handle());
        // The step that closes it is another one.
        std::mem::forget(session);
        Ok(())
    }

    fn restart(&mut self) -> Result<(), Rv> {
        self.module.finalize()?;
        self.initialize();
        self.sessions.clear();
        self.objects.iter_mut().for_each(|object| object.handle = CK_INVALID_HANDLE);
        Ok(())
    }

    fn counts(&self) -> Result<Out, Rv> {
        let info = self.module.token_info(self.slot)?;
        Ok(Out::Counts(size(info.ulSessionCount), size(info.ulRwSessionCount)))
    }

    fn make(&mut self, step: &Step, model: &Model) -> Result<(), Rv> {
        let (session, handle) = match step {
            Step::Create { s, new } => {
                let session = self.session(model, *s);
                let handle = session.create(&created(new, self.objects.len()))?;
                (session, handle)
            }
            Step::Copy { s, o, token, private, label: new } => {
                let session = self.session(model, *s);
                let mut changes = vec![label(*new)];
                changes.extend(token.map(Attr::token));
                changes.extend(private.map(Attr::private));
                let handle = session.copy(self.object(model, *o), &changes)?;
                (session, handle)
            }
            _ => return Ok(()),
        };
        let unique = session.get(handle, CKA_UNIQUE_ID)?;
        self.objects.push(Known { handle, unique });
        Ok(())
    }

    /// The numbers of what a search found; handles that are new since the library was started are learned.
    fn named(&mut self, handles: Vec<CK_OBJECT_HANDLE>) -> Out {
        let (mut named, mut unnamed) = (BTreeSet::new(), 0);
        for handle in handles {
            let known = self.objects.iter().position(|known| known.handle == handle);
            match known.or_else(|| self.number(handle)) {
                Some(number) => {
                    self.objects[number].handle = handle;
                    named.insert(number);
                }
                None => unnamed += 1,
            }
        }
        Out::Found(named, unnamed)
    }

    fn number(&self, handle: CK_OBJECT_HANDLE) -> Option<usize> {
        let open = self.sessions.iter().map(|handle| Session::borrowed(self.module.clone(), *handle));
        let session = open.into_iter().find(|session| session.info().is_ok())?;
        let unique = session.get(handle, CKA_UNIQUE_ID).ok()?;
        self.objects.iter().position(|known| known.unique == unique)
    }
}

fn template(filter: &Filter) -> Vec<Attr> {
    let mut template = vec![Attr::class(class(filter.class))];
    match filter.class {
        Class::Data => {}
        Class::Secret => template.push(Attr::key_type(CKK_GENERIC_SECRET)),
        Class::Aes => template.push(Attr::key_type(CKK_AES)),
    }
    template.extend(filter.label.map(label));
    template.extend(filter.token.map(Attr::token));
    template.extend(filter.private.map(Attr::private));
    template
}

fn created(new: &New, number: usize) -> Vec<Attr> {
    let mut template = vec![
        Attr::class(class(new.class)),
        Attr::token(new.token),
        Attr::private(new.private),
        Attr::value(&oracle::value(number)),
        label(new.label),
    ];
    let free = [CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE].into_iter().zip(new.free);
    template.extend(free.map(|(kind, free)| Attr::bool(kind, free)));
    let (key_type, uses) = match new.class {
        Class::Data => return template,
        Class::Secret => (CKK_GENERIC_SECRET, &[CKA_SIGN, CKA_VERIFY]),
        Class::Aes => (CKK_AES, &[CKA_ENCRYPT, CKA_DECRYPT]),
    };
    template.extend([
        Attr::key_type(key_type),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
    ]);
    template.extend(uses.iter().map(|kind| Attr::bool(*kind, new.may)));
    template
}

fn read(session: &Session, object: CK_OBJECT_HANDLE) -> Result<Out, Rv> {
    let label = session.get(object, CKA_LABEL)?;
    let digit = label.last().map_or(u8::MAX, |digit| digit.wrapping_sub(b'0'));
    Ok(Out::Object(digit, session.get(object, CKA_VALUE)?))
}

// Operations.
impl Real {
    fn operate(&self, step: &Step, model: &Model) -> Result<Out, (Rv, Out)> {
        let plain = |rv| (rv, Out::Nothing);
        match step {
            Step::Init { s, kind, o } => {
                let session = self.session(model, *s);
                begin(&session, *kind, self.handle(model.key(*kind, *o)))
                    .map(|()| Out::Nothing)
                    .map_err(plain)
            }
            Step::Abort { s, kind } => {
                abort(&self.session(model, *s), *kind).map(|()| Out::Nothing).map_err(plain)
            }
            Step::Cancel { s, kinds, find } => {
                let flag = |kind: &Kind| [CKF_DIGEST, CKF_SIGN, CKF_VERIFY, CKF_ENCRYPT][*kind as usize];
                let flags = kinds.iter().map(flag).fold(0, |all, flag| all | flag);
                let flags = flags | if *find { CKF_FIND_OBJECTS } else { 0 };
                self.session(model, *s).cancel(flags).map(|()| Out::Nothing).map_err(plain)
            }
            Step::Once { s, kind, data, room } => {
                let data = oracle::input(*data);
                let whole = oracle::result(*kind, 0, &data).len();
                self.call(model, (*s, *kind, *room), Some(data), whole, false)
            }
            Step::Update { s, kind, data, room } => {
                let whole = model.update_length(*s, *data);
                self.update(model, (*s, *kind, *room), oracle::input(*data), whole)
            }
            Step::Final { s, kind, room } => {
                let whole = if *kind == Kind::Encrypt { oracle::CBC_BLOCK } else { 32 };
                self.call(model, (*s, *kind, *room), None, whole, true)
            }
            Step::BadPointer { s, kind } => self.bad_pointer(model, *s, *kind),
            _ => Ok(Out::Nothing),
        }
    }

    /// C_Digest, C_DigestFinal and their kin; C_Verify and C_VerifyFinal get the right signature, or for want of
    /// room a wrong one.
    fn call(
        &self,
        model: &Model,
        (s, kind, room): (S, Kind, Room),
        data: Option<Vec<u8>>,
        whole: usize,
        end: bool,
    ) -> Result<Out, (Rv, Out)> {
        let session = self.session(model, s);
        let (m, h) = (&self.module, session.handle());
        let mut data = data.unwrap_or_default();
        let (p, n) = (data.as_mut_ptr(), ulen(data.len()));
        if kind == Kind::Verify {
            let mut signature = model.signature(s, &data);
            signature[0] ^= u8::from(room == Room::Short);
            let (g, l) = (signature.as_mut_ptr(), ulen(signature.len()));
            let rv = if end { call!(m, C_VerifyFinal(h, g, l)) } else { call!(m, C_Verify(h, p, n, g, l)) };
            return Rv::check(rv.0).map(|()| Out::Nothing).map_err(|rv| (rv, Out::Nothing));
        }
        output(room, whole, |o, l| match (kind, end) {
            (Kind::Digest, false) => call!(m, C_Digest(h, p, n, o, l)),
            (Kind::Digest, true) => call!(m, C_DigestFinal(h, o, l)),
            (Kind::Encrypt, false) => call!(m, C_Encrypt(h, p, n, o, l)),
            (Kind::Encrypt, true) => call!(m, C_EncryptFinal(h, o, l)),
            (_, false) => call!(m, C_Sign(h, p, n, o, l)),
            (_, true) => call!(m, C_SignFinal(h, o, l)),
        })
    }

    fn update(
        &self,
        model: &Model,
        (s, kind, room): (S, Kind, Room),
        mut data: Vec<u8>,
        whole: usize,
    ) -> Result<Out, (Rv, Out)> {
        let session = self.session(model, s);
        let (m, h) = (&self.module, session.handle());
        let (p, n) = (data.as_mut_ptr(), ulen(data.len()));
        let rv = match kind {
            Kind::Encrypt => return output(room, whole, |o, l| call!(m, C_EncryptUpdate(h, p, n, o, l))),
            Kind::Digest => call!(m, C_DigestUpdate(h, p, n)),
            Kind::Sign => call!(m, C_SignUpdate(h, p, n)),
            Kind::Verify => call!(m, C_VerifyUpdate(h, p, n)),
        };
        Rv::check(rv.0).map(|()| Out::Nothing).map_err(|rv| (rv, Out::Nothing))
    }

    fn bad_pointer(&self, model: &Model, s: S, kind: Kind) -> Result<Out, (Rv, Out)> {
        let session = self.session(model, s);
        let (m, h) = (&self.module, session.handle());
        let (mut out, mut len) = ([0_u8; 64], 64);
        let rv = match kind {
            Kind::Encrypt => call!(m, C_EncryptUpdate(h, null_mut(), 8, out.as_mut_ptr(), &mut len)),
            Kind::Digest => call!(m, C_DigestUpdate(h, null_mut(), 8)),
            Kind::Sign => call!(m, C_SignUpdate(h, null_mut(), 8)),
            Kind::Verify => call!(m, C_VerifyUpdate(h, null_mut(), 8)),
        };
        Rv::check(rv.0).map(|()| Out::Nothing).map_err(|rv| (rv, Out::Nothing))
    }
}

fn begin(session: &Session, kind: Kind, key: CK_OBJECT_HANDLE) -> Result<(), Rv> {
    match kind {
        Kind::Digest => session.digest_init(&Mech::new(CKM_SHA256)),
        Kind::Sign => session.sign_init(&Mech::new(CKM_SHA256_HMAC), key),
        Kind::Verify => session.verify_init(&Mech::new(CKM_SHA256_HMAC), key),
        Kind::Encrypt => session.encrypt_init(&Mech::bytes(CKM_AES_CBC_PAD, &oracle::IV), key),
    }
}

fn abort(session: &Session, kind: Kind) -> Result<(), Rv> {
    let (m, h) = (session.module(), session.handle());
    Rv::check(match kind {
        Kind::Digest => call!(m, C_DigestInit(h, null_mut())).0,
        Kind::Sign => call!(m, C_SignInit(h, null_mut(), 0)).0,
        Kind::Verify => call!(m, C_VerifyInit(h, null_mut(), 0)).0,
        Kind::Encrypt => call!(m, C_EncryptInit(h, null_mut(), 0)).0,
    })
}

/// A call with as much room as is said; `whole` is what it takes.
fn output(
    room: Room,
    whole: usize,
    call: impl Fn(*mut CK_BYTE, *mut CK_ULONG) -> Rv,
) -> Result<Out, (Rv, Out)> {
    let mut buffer = vec![0_u8; if room == Room::Enough { 256 } else { whole.saturating_sub(1) }];
    let mut length = ulen(buffer.len());
    let pointer = if room == Room::Size { null_mut() } else { buffer.as_mut_ptr() };
    let rv = call(pointer, &mut length);
    match rv.0 {
        CKR_OK if room == Room::Size => Ok(Out::Length(size(length))),
        CKR_OK => {
            buffer.truncate(size(length));
            Ok(Out::Bytes(buffer))
        }
        CKR_BUFFER_TOO_SMALL => Err((rv, Out::Length(size(length)))),
        _ => Err((rv, Out::Nothing)),
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.module.finalize();
    }
}
