//! A device as a token.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::link::{Link, Repeat};
use super::model::Model;
use super::objects::Builder;
use super::offer;
use super::perimeter::Perimeter;
use super::raw;
use super::ring::{self, Ring};
use super::session::ZymbitSession;
use super::settings::Settings;
use crate::backend::held::{self, MAX_PIN_LEN, Offer, SessionObjects};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::token::{MechanismInfo, SlotInfo, Token, TokenInfo, TokenLimits, TokenSession, User};
use crate::types::{ck, padded};

const MANUFACTURER: &str = "Zymbit";

/// What a device says it is.
pub struct Identity {
    /// Serial number.
    pub serial: String,
    /// The model's name.
    pub model: String,
    /// The firmware's version, empty where it does not say.
    pub firmware: String,
}

/// A device.
pub struct ZymbitToken {
    pub(super) config: Arc<Config>,
    pub(super) settings: Arc<Settings>,
    identity: Identity,
    pub(super) model: &'static Model,
    pub(super) link: Link,
    perimeter: Perimeter,
    ring: Mutex<Ring>,
    pub(super) session_objects: RwLock<SessionObjects>,
}

impl ZymbitToken {
    /// What configuration and policy leave this token.
    pub(super) fn offer(&self) -> Result<Offer<'_>> {
        Offer::of(&self.config, || Ok([self.label().to_owned(), self.identity.serial.clone()]))
    }

    fn label(&self) -> &str {
        self.settings.label.as_deref().unwrap_or(&self.identity.model)
    }

    /// Over an open device.
    pub fn new(
        config: Arc<Config>,
        settings: Arc<Settings>,
        identity: Identity,
        device: raw::Device,
    ) -> Self {
        ZymbitToken {
            config,
            model: Model::of(&identity.model),
            link: Link::new(device, identity.serial.clone()),
            perimeter: Perimeter::new(settings.tamper),
            settings,
            identity,
            ring: Mutex::default(),
            session_objects: RwLock::default(),
        }
    }

    /// The keys, for this thread alone.
    pub(super) fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock()
    }

    /// Before private keys are used. CKR_DEVICE_ERROR after a breach of the perimeter.
    pub(super) fn expect_intact(&self) -> Result<()> {
        self.perimeter.check(&self.link)
    }

    /// What the ring asks of the device, to a function of the ring's.
    pub(super) fn with_ring<T>(
        &self,
        ask: impl FnOnce(&mut Ring, &ring::Device<'_>) -> Result<T>,
    ) -> Result<T> {
        let builder = Builder {
            model: self.model,
            serial: &self.identity.serial,
            private: self.settings.gate.is_some(),
        };
        let intact = || self.expect_intact();
        let device = ring::Device {
            link: &self.link,
            model: self.model,
            settings: &self.settings,
            builder,
            intact: &intact,
        };
        ask(&mut self.ring(), &device)
    }

    /// How the device is called in the log.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.identity.model, self.identity.serial)
    }

    fn refuse_pins(what: &str) -> Error {
        let why =
            format!("{what}: a Zymbit device has no PIN of its own; pin = \"gate\" in [[slot]] asks for one");
        Error::new(ErrorKind::TokenWriteProtected, why)
    }
}

/// The two numbers that a version begins with.
fn version(text: &str) -> ck::CK_VERSION {
    let mut numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .map(|digits| digits.parse().ok());
    let mut next = || numbers.next().flatten().unwrap_or_default();
    ck::CK_VERSION { major: next(), minor: next() }
}

impl Token for ZymbitToken {
    fn slot_id(&self) -> ck::CK_SLOT_ID {
        held::slot_id(&format!("zymbit {}", self.identity.serial))
    }

    fn slot_info(&self) -> SlotInfo {
        SlotInfo {
            description: padded(&format!("Zymbit {}", self.name())),
            manufacturer: padded(MANUFACTURER),
            flags: ck::CKF_HW_SLOT | ck::CKF_REMOVABLE_DEVICE,
            hardware_version: ck::CK_VERSION { major: 0, minor: 0 },
            firmware_version: version(&self.identity.firmware),
        }
    }

    fn present(&self) -> bool {
        self.link.present()
    }

    fn event(&self) -> bool {
        // What is wrong, the questions remember.
        let _ = match self.perimeter.is_watched() {
            true => self.expect_intact(),
            false => self.link.call(Repeat::Yes, |device| device.serial()).map(drop),
        };
        let (moved, breached) = (self.link.changed(), self.perimeter.event());
        if moved {
            self.ring().list_again();
        }
        moved || breached
    }

    fn initialized(&self) -> bool {
        true
    }

    fn info(&self) -> Result<TokenInfo> {
        let mut flags = ck::CKF_RNG | ck::CKF_TOKEN_INITIALIZED | held::OPERATION_FLAGS;
        if self.settings.gate.is_some() {
            flags |= ck::CKF_LOGIN_REQUIRED | ck::CKF_USER_PIN_INITIALIZED;
        }
        if !self.model.rich {
            flags |= ck::CKF_WRITE_PROTECTED;
        }
        Ok(TokenInfo {
            label: padded(self.label()),
            manufacturer: padded(MANUFACTURER),
            model: padded(&self.identity.model),
            serial: padded(&self.identity.serial),
            flags,
            min_pin_len: 0,
            max_pin_len: MAX_PIN_LEN,
            hardware_version: ck::CK_VERSION { major: 0, minor: 0 },
            firmware_version: version(&self.identity.firmware),
            limits: TokenLimits::default(),
        })
    }

    fn mechanisms(&self) -> Result<Vec<ck::CK_MECHANISM_TYPE>> {
        Ok(offer::rows(self.offer()?, self.model).map(|row| row.kind).collect())
    }

    fn mechanism_info(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<MechanismInfo> {
        let row = offer::row(&self.offer()?, self.model, kind)?;
        Ok(MechanismInfo {
            min_key_size: row.min_key_size,
            max_key_size: row.max_key_size,
            flags: offer::flags(self.model, row).unwrap_or_default(),
        })
    }

    fn init_token(&self, _so_pin: Option<&[u8]>, _label: [u8; 32]) -> Result<()> {
        Err(ZymbitToken::refuse_pins("C_InitToken"))
    }

    fn init_pin(&self, _pin: Option<&[u8]>) -> Result<()> {
        Err(ZymbitToken::refuse_pins("C_InitPIN"))
    }

    fn set_pin(&self, _user: User, _old: Option<&[u8]>, _new: Option<&[u8]>) -> Result<()> {
        Err(ZymbitToken::refuse_pins("C_SetPIN"))
    }

    fn login(&self, user: User, pin: Option<&[u8]>, name: Option<&[u8]>) -> Result<()> {
        if name.is_some() {
            return Err(Error::new(ErrorKind::ArgumentsBad, "a device has one user, without a name"));
        }
        self.authenticate_again(user, pin)?;
        // Trouble does not keep the user out: public keys and certificates are of use, and the log tells what is wrong.
        match self.perimeter.check_now(&self.link) {
            Err(error) if error.kind() == ErrorKind::DeviceRemoved => Err(error),
            _ => Ok(()),
        }
    }

    fn authenticate_again(&self, user: User, pin: Option<&[u8]>) -> Result<()> {
        match (user, &self.settings.gate) {
            (User::So, _) => Err(Error::new(ErrorKind::UserTypeInvalid, "a device has no security officer")),
            (User::User, Some(gate)) => gate.check(pin),
            (User::User, None) => Ok(()),
        }
    }

    fn logout(&self) {
        if self.settings.gate.is_some() {
            self.session_objects.write().remove_private();
        }
    }

    fn open_session(self: Arc<Self>, _read_write: bool) -> Result<Box<dyn TokenSession>> {
        Ok(Box::new(ZymbitSession::new(self)))
    }

    fn abandon(&self) {
        self.link.abandon();
    }
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_read_as_far_as_they_go() {
        let numbers = |text| (version(text).major, version(text).minor);
        assert_eq!(numbers("01.02.03-x"), (1, 2));
        assert_eq!(numbers("v7"), (7, 0));
        assert_eq!(numbers(""), (0, 0));
        assert_eq!(numbers("999.4"), (0, 4));
    }
}
