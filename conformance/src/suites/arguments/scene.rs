//! A token with the keys that the calls of this suite need, and the way one call is made and judged.

use std::cell::OnceCell;

use cryptoki_sys::*;

use super::call::{Arg, KeyArg, Lowered};
use super::faults::{Edit, Fault, State, plausible};
use super::rows::Row;
use crate::runner::{Check, Context, expect_rv};
use crate::suites::fixture;
use crate::token::USER_PIN;
use crate::{Attr, Mech, Object, RO, RW, Rv, Session, TestToken, ensure};

/// What the calls of one case share.
pub struct Scene {
    /// The token.
    pub token: TestToken,
    /// The session that owns the objects; the user is logged in by it.
    pub owner: Session,
    /// An AES-256 key that may do everything.
    pub aes: Object,
    /// One that may do nothing.
    pub idle: Object,
    /// A generic secret that signs, verifies and derives.
    pub secret: Object,
    /// A generic secret that may do nothing.
    pub mute: Object,
    /// A data object.
    pub data: Object,
    rsa: OnceCell<(Object, Object)>,
}

const USES: &[CK_ATTRIBUTE_TYPE] =
    &[CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE];

impl Scene {
    /// A fresh token with its keys. All are public session objects, so that they outlive a logout.
    pub fn new(context: &Context) -> Check<Self> {
        let token = context.token()?;
        let owner = token.user_session()?;
        let public = [Attr::private(false)];
        let key = |may: bool| -> Result<Object, Rv> {
            let uses: Vec<Attr> = USES.iter().map(|usage| Attr::bool(*usage, may)).collect();
            owner.create(&fixture::with(fixture::with(fixture::aes_template(&[7; 32], &[]), &uses), &public))
        };
        let secret = |may: bool| -> Result<Object, Rv> {
            let uses = [CKA_SIGN, CKA_VERIFY, CKA_DERIVE].map(|usage| Attr::bool(usage, may));
            owner.create(&fixture::with(fixture::with(fixture::secret_template(&[8; 32]), &uses), &public))
        };
        let (aes, idle, secret, mute) = (key(true)?, key(false)?, secret(true)?, secret(false)?);
        let data = owner.create(&fixture::data_template("data", b"data"))?;
        Ok(Self { token, owner, aes, idle, secret, mute, data, rsa: OnceCell::new() })
    }

    /// An RSA pair: public, private.
    pub fn rsa(&self) -> Result<(Object, Object), Rv> {
        if let Some(pair) = self.rsa.get() {
            return Ok(*pair);
        }
        let recover = [Attr::bool(CKA_SIGN_RECOVER, true), Attr::private(false)];
        let pair = self.owner.generate_pair(
            &Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN),
            &[
                Attr::ulong(CKA_MODULUS_BITS, 2048),
                Attr::bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]),
                Attr::token(false),
                Attr::bool(CKA_VERIFY, true),
                Attr::bool(CKA_VERIFY_RECOVER, true),
            ],
            &fixture::with(vec![Attr::token(false), Attr::bool(CKA_SIGN, true)], &recover),
        )?;
        Ok(*self.rsa.get_or_init(|| pair))
    }

    /// An argument for an AES key; of another type is a generic secret.
    pub fn aes_key(&self, invalid: CK_RV, other: &'static [CK_RV]) -> Arg {
        Arg::Key(KeyArg { key: self.aes, other: Some((self.mute, other)), denied: Some(self.idle), invalid })
    }

    /// The same for the functions whose errors are KEY_HANDLE_INVALID and KEY_TYPE_INCONSISTENT.
    pub fn plain_key(&self) -> Arg {
        self.aes_key(CKR_KEY_HANDLE_INVALID, &[CKR_KEY_TYPE_INCONSISTENT])
    }

    /// Logs the user in again where a call logged him out.
    fn restore(&self) -> Check {
        if self.owner.info()?.state == CKS_RW_USER_FUNCTIONS {
            return Ok(());
        }
        let _ = self.owner.logout();
        Ok(self.owner.login(CKU_USER, USER_PIN)?)
    }

    /// Makes one call with `fault` in a session of its own: the answer, and the length that it left.
    fn attempt(&self, row: &Row, fault: &Fault) -> Check<(Rv, CK_ULONG, Session)> {
        self.restore()?;
        let session = self.token.session(if fault.state == State::ReadOnly { RO } else { RW })?;
        let mut arguments = (row.arguments)(self, &session)?;
        if fault.state != State::Idle {
            row.begin.map_or(Ok(()), |begin| begin(self, &session))?;
        }
        if fault.state == State::Begun {
            let whole = Lowered::new(&arguments, session.handle());
            expect_rv(whole.call(session.module(), row.function), &[CKR_OK])?;
        }
        if fault.state == State::Public {
            self.owner.logout()?;
        }
        let handle = session.handle();
        let session = if fault.state == State::Closed {
            session.close()?;
            Session::borrowed(self.token.module.clone(), handle)
        } else {
            session
        };
        let (rv, length) = edited(row, &mut arguments, fault, &session);
        Ok((rv, length, session))
    }

    /// The call as it should be: its output's length, 0 where it has none.
    pub fn whole(&self, row: &Row) -> Check<(Rv, CK_ULONG)> {
        let keep = Fault { what: String::new(), edit: Edit::Keep, state: State::Ready, expected: Vec::new() };
        self.attempt(row, &keep).map(|(rv, length, _)| (rv, length))
    }

    /// Judges one faulty call, and what it leaves behind.
    pub fn check(&self, row: &Row, fault: &Fault, length: CK_ULONG) -> Check {
        let (rv, said, session) = self.attempt(row, fault)?;
        expect_rv(rv, &fault.expected)?;
        if matches!(fault.edit, Edit::Room(_)) || fault.expected == [CKR_OK] {
            ensure!(plausible(said) && said >= length, "{} says {said} bytes, {length} are it", row.function);
        }
        let kept = rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL;
        let goes_on = row.begin.is_some() && fault.state == State::Ready;
        if !goes_on || !(kept || row.ends) {
            return Ok(());
        }
        // The same session with the call as it should be: still possible, or over.
        let arguments = (row.arguments)(self, &session)?;
        let again = Lowered::new(&arguments, session.handle()).call(&self.token.module, row.function);
        let wanted = if kept { CKR_OK } else { CKR_OPERATION_NOT_INITIALIZED };
        expect_rv(again, &[wanted]).map_err(|failure| failure.at(&format!("again, after {rv}")))
    }
}

/// Lowers, spoils and makes the call: the answer, and the length that it left.
fn edited(row: &Row, arguments: &mut [Arg], fault: &Fault, session: &Session) -> (Rv, CK_ULONG) {
    let mut replaced = None;
    if let Edit::Argument(index, other) = &fault.edit {
        replaced = Some((*index, other));
    }
    let mut lowered = Lowered::with(arguments, replaced, session.handle());
    match &fault.edit {
        Edit::Keep | Edit::Argument(..) => {}
        Edit::Word(index, word, value) => lowered.set(*index, *word, *value),
        Edit::NullValue(index) => lowered.null_value(*index),
        Edit::Room(room) => lowered.set_length(*room),
        Edit::Zero => lowered.zero(),
    }
    let rv = lowered.call(session.module(), row.function);
    (rv, lowered.length())
}
