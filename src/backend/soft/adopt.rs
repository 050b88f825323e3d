//! Objects that move in from another token's store, with their past: what `keyward migrate` writes through.
//!
//! No C_ function leads here. C_CreateObject must call every key that it makes imported (CKA_LOCAL,
//! CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE: PKCS#11 v3.2, "Key objects"); a key that moves in keeps what its token
//! said of it. Whoever gets here has the user's PIN and the file.

use std::sync::Arc;

use super::token::{Opened, SoftToken};
use super::{clashes, in_file, is_serial, serials};
use crate::backend::held;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::object::{self, Attributes, Template};
use crate::token::{Access, Login, ObjectHandle, Token, User};

/// A token of this directory with its user logged in, open for objects that move in.
pub struct Adoption {
    token: SoftToken,
    open: Arc<Opened>,
}

const USER: Access = Access { read_write: true, login: Login::User };

impl Adoption {
    /// Opens the token of a serial number and logs its user in. CKR_PIN_INCORRECT, CKR_PIN_LOCKED.
    pub fn begin(config: &Config, serial: &str, user_pin: &[u8]) -> Result<Adoption> {
        let token = at(config, serial);
        token.login(User::User, Some(user_pin), None)?;
        let open = token.open()?;
        Ok(Adoption { token, open })
    }

    /// Every object that the token keeps.
    pub fn handles(&self) -> Result<Vec<ObjectHandle>> {
        self.open.find(USER, &Template::new())
    }

    /// An object as it lies in the file, its secrets included.
    pub fn object(&self, handle: ObjectHandle) -> Result<Attributes> {
        Ok(self.open.object(USER, handle)?.attributes.clone())
    }

    /// Adds objects that `object::adopt` and `material::complete_created` have made of a source's, in one durable
    /// transaction: all or none. One that brings no CKA_UNIQUE_ID gets one. Handles in the same order.
    pub fn add(&self, mut objects: Vec<Attributes>) -> Result<Vec<ObjectHandle>> {
        for attributes in &mut objects {
            object::may_write(attributes, &held::caller(USER), USER.read_write)?;
            if !object::is_token(attributes) {
                return Err(Error::new(ErrorKind::TemplateInconsistent, "only token objects move in"));
            }
            if attributes.bytes(crate::types::ck::CKA_UNIQUE_ID).is_none_or(<[u8]>::is_empty) {
                object::finish(attributes, &held::unique_id()?);
            }
        }
        self.open.add(objects)
    }

    /// Takes back what `add` added.
    pub fn withdraw(&self, handles: &[ObjectHandle]) -> Result<()> {
        handles.iter().try_for_each(|handle| self.open.destroy(*handle))
    }
}

impl Drop for Adoption {
    fn drop(&mut self) {
        self.token.logout();
    }
}

/// Makes a token with this serial number, and so with the slot ID that follows from it. False, and nothing made, for a
/// serial number that keyward's tokens can't have, or whose slot is some other token's.
pub fn create_as(
    config: &Config,
    serial: &str,
    label: [u8; 32],
    so_pin: &[u8],
    user_pin: &[u8],
) -> Result<bool> {
    let used = serials(&config.soft.dir)?;
    if !is_serial(serial) || clashes(serial, &used) {
        return Ok(false);
    }
    let token = at(config, serial);
    token.init_token(Some(so_pin), label)?;
    token.login(User::So, Some(so_pin), None)?;
    let set = token.init_pin(Some(user_pin));
    token.logout();
    set.map(|()| true)
}

fn at(config: &Config, serial: &str) -> SoftToken {
    in_file(Arc::new(config.clone()), serial.to_owned(), Arc::new([]))
}
