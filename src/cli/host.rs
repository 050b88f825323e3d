//! The library as the tool uses it: a `Module`, the choice of a token, and sessions that close themselves.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::error::{Error, Result, failed, usage};
use super::output::printable;
use super::pin::{PinArgs, SoPinArgs};
use crate::backend::soft;
use crate::calls;
use crate::config::Config;
use crate::error::ErrorKind;
use crate::module::Module;
use crate::object::{Attributes, Template};
use crate::store::{self, SqliteStore};
use crate::token::{ObjectHandle, User};
use crate::types::ck;

/// Which token a verb works on.
#[derive(Args, Debug, Clone, Default)]
pub struct TokenArg {
    /// Label or serial number of the token; may be left out where there is only one
    #[arg(long, short, value_name = "LABEL|SERIAL", env = "KEYWARD_TOKEN")]
    pub token: Option<String>,
}

/// The initialised library.
pub struct Host {
    /// For `calls`.
    pub module: Module,
    /// The configuration in force.
    pub config: Arc<Config>,
}

/// An initialised token.
#[derive(Debug, Clone)]
pub struct Known {
    /// Where it is.
    pub slot: ck::CK_SLOT_ID,
    /// Without its padding.
    pub label: String,
    /// Without its padding.
    pub serial: String,
    /// Without its padding.
    pub model: String,
    /// CKF_ bits.
    pub flags: ck::CK_FLAGS,
    /// Lengths of PINs in bytes.
    pub pin_len: (usize, usize),
}

impl Known {
    /// True if all of these CKF_ bits are set.
    pub fn has(&self, flags: ck::CK_FLAGS) -> bool {
        self.flags & flags == flags
    }

    /// What a person types to confirm that it is meant: the label, or the serial number where that can't be typed.
    pub fn word(&self) -> &str {
        let typeable = !self.label.is_empty() && self.label == printable(&self.label);
        if typeable { &self.label } else { &self.serial }
    }

    /// How messages name it.
    pub fn name(&self) -> String {
        format!("token \"{}\" (serial {})", printable(&self.label), printable(&self.serial))
    }
}

impl Host {
    /// C_Initialize with the configuration that files and environment give.
    pub fn start() -> Result<Host> {
        let module = Module::default();
        calls::general::initialize(&module, None)?;
        Ok(Host { config: module.config()?, module })
    }

    /// What is in a slot.
    pub fn token_in(&self, slot: ck::CK_SLOT_ID) -> Result<Known> {
        let info = calls::slot::token_info(&self.module, slot)?;
        Ok(Known {
            slot,
            label: text(&info.label),
            serial: text(&info.serialNumber),
            model: text(&info.model),
            flags: info.flags,
            pin_len: (crate::types::length(info.ulMinPinLen), crate::types::length(info.ulMaxPinLen)),
        })
    }

    /// Every slot, the free one included; a token that can't be read has its reason instead.
    pub fn slots(&self) -> Result<Vec<(ck::CK_SLOT_ID, Result<Known>)>> {
        let slots = self.module.refresh_slots()?;
        Ok(slots.iter().map(|slot| (slot.id(), self.token_in(slot.id()))).collect())
    }

    /// The initialised tokens that can be read.
    pub fn tokens(&self) -> Result<Vec<Known>> {
        let slots = self.slots()?.into_iter().filter_map(|(_, token)| token.ok());
        Ok(slots.filter(|token| token.has(ck::CKF_TOKEN_INITIALIZED)).collect())
    }

    /// The token that was asked for, or the only one.
    pub fn select(&self, wanted: &TokenArg) -> Result<Known> {
        let mut tokens = self.tokens()?;
        if let Some(wanted) = &wanted.token {
            tokens.retain(|token| token.serial == *wanted || token.label == *wanted);
        }
        match (tokens.len(), tokens.pop(), &wanted.token) {
            (1, Some(token), _) => Ok(token),
            (0, _, wanted) => failed(self.none(wanted.as_deref())?),
            (n, _, Some(label)) => {
                failed(format!("{n} tokens have the label {label}: give the serial number as --token"))
            }
            (n, _, None) => {
                usage(format!("there are {n} tokens: say which with --token LABEL or --token SERIAL"))
            }
        }
    }

    /// Why no token was found.
    fn none(&self, wanted: Option<&str>) -> Result<String> {
        let slots = self.slots()?;
        let unreadable = slots.iter().filter(|(_, token)| token.is_err()).count();
        let dir = self.config.soft.dir.display();
        Ok(match (wanted, unreadable) {
            (_, 1..) => format!("no such token, but {unreadable} that can't be read: see `keyward doctor`"),
            (Some(wanted), 0) => {
                format!("no token has the label or serial number {wanted}: see `keyward token list`")
            }
            (None, 0) => format!("there is no token in {dir}: `keyward token init --label NAME` makes one"),
        })
    }

    /// The free slot.
    pub fn free_slot(&self) -> Result<ck::CK_SLOT_ID> {
        let slots = self.module.refresh_slots()?;
        let free = slots.iter().find(|slot| !slot.token().initialized());
        free.map(|slot| slot.id()).ok_or_else(|| Error::Failed("there is no free slot".to_owned()))
    }

    /// The file of a soft token; `None` for a token of another backend.
    pub fn token_file(&self, serial: &str) -> Option<PathBuf> {
        Some(soft::token_path(&self.config.soft.dir, serial)).filter(|path| path.is_file())
    }

    /// How a soft token's file is opened under this configuration.
    pub fn store_options(&self, read_only: bool) -> store::Options {
        let soft = &self.config.soft;
        store::Options {
            busy_ms: soft.busy_timeout_ms,
            synchronous: soft.synchronous,
            file_mode: soft.file_mode,
            read_only,
        }
    }

    /// Deletes a soft token's file.
    pub fn delete_file(&self, token: &Known) -> Result<PathBuf> {
        let Some(path) = self.token_file(&token.serial) else {
            return failed(format!(
                "{} is not a file of this tool's: its own backend deletes it",
                token.name()
            ));
        };
        SqliteStore::delete_file(&path, &self.store_options(false))?;
        Ok(path)
    }

    /// C_OpenSession.
    pub fn open(&self, token: &Known, read_write: bool) -> Result<Session<'_>> {
        let flags = ck::CKF_SERIAL_SESSION | if read_write { ck::CKF_RW_SESSION } else { 0 };
        let handle = calls::session::open(&self.module, token.slot, flags)?;
        Ok(Session { module: &self.module, handle })
    }

    /// A session of the user's; without a login where the token asks for none.
    pub fn open_user(&self, token: &Known, read_write: bool, pin: &PinArgs) -> Result<Session<'_>> {
        let session = self.open(token, read_write)?;
        if token.has(ck::CKF_LOGIN_REQUIRED) {
            if token.has(ck::CKF_USER_PIN_LOCKED) {
                return Err(ErrorKind::PinLocked.into());
            }
            if token.has(ck::CKF_PROTECTED_AUTHENTICATION_PATH) && !pin.is_given() {
                calls::session::login(&self.module, session.handle, User::User, None, None)?;
                return Ok(session);
            }
            let pin = pin.source().read(&format!("user PIN of {}", token.name()))?;
            session.login(User::User, &pin)?;
        }
        Ok(session)
    }

    /// A read-write session of the SO's.
    pub fn open_so(&self, token: &Known, pin: &SoPinArgs, stdin: bool) -> Result<Session<'_>> {
        let session = self.open(token, true)?;
        // A token that logs its user in by itself has to be left first.
        let _ = calls::session::logout(&self.module, session.handle);
        let pin = pin.source(stdin).read(&format!("SO PIN of {}", token.name()))?;
        session.login(User::So, &pin)?;
        Ok(session)
    }
}

impl Drop for Host {
    /// C_Finalize: closes the files, so that what was written is in them and not beside them.
    fn drop(&mut self) {
        // It runs since `start`.
        let _ = self.module.stop();
    }
}

/// An open session.
pub struct Session<'a> {
    /// For `calls`.
    pub module: &'a Module,
    /// For `calls`.
    pub handle: ck::CK_SESSION_HANDLE,
}

impl Session<'_> {
    /// C_Login. The PIN is checked also where the token logged its user in by itself.
    pub fn login(&self, user: User, pin: &[u8]) -> Result<()> {
        let _ = calls::session::logout(self.module, self.handle);
        Ok(calls::session::login(self.module, self.handle, user, Some(pin), None)?)
    }

    /// Every object that matches.
    pub fn find(&self, template: &Template) -> Result<Vec<ObjectHandle>> {
        calls::object::find_init(self.module, self.handle, template)?;
        let mut found = Vec::new();
        let mut room = [0; 256];
        loop {
            let count = calls::object::find(self.module, self.handle, &mut room)?;
            found.extend(room.iter().take(count));
            if count < room.len() {
                break;
            }
        }
        calls::object::find_final(self.module, self.handle)?;
        Ok(found)
    }

    /// Those of the wanted attributes that the object has and shows.
    pub fn attributes(&self, object: ObjectHandle, wanted: &[ck::CK_ATTRIBUTE_TYPE]) -> Result<Attributes> {
        let values = calls::object::attributes(self.module, self.handle, object, wanted)?;
        let shown = wanted.iter().copied().zip(values);
        Ok(shown.filter_map(|(kind, value)| Some((kind, value.ok()?))).collect())
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // The last session's end logs out; a session that is gone already is closed.
        let _ = calls::session::close(self.module, self.handle);
    }
}

/// A blank-padded field.
pub fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim_end_matches([' ', '\0']).to_owned()
}
