//! A place in a cloud as a token.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use super::catalogue::{Catalogue, Place};
use super::client::{KmsClient, Service};
use super::errors::{Asked, error};
use super::objects::{Builder, derived_id};
use super::offer;
use super::session::KmsSession;
use super::settings::{Pin, Settings};
use crate::backend::held::{self, MAX_PIN_LEN, Object, Offer, SessionObjects};
use crate::cloud::{self, Deadline, Kind, Limits};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::material::CertificateFields;
use crate::token::{MechanismInfo, SlotInfo, Token, TokenInfo, TokenLimits, TokenSession, User};
use crate::types::{VERSION, ck, padded};

/// A configured place with keys.
pub struct KmsToken {
    pub(super) config: Arc<Config>,
    pub(super) settings: Settings,
    pub(super) client: Arc<dyn KmsClient>,
    limits: Limits,
    /// What tells the place from others: provider and identity.
    place: String,
    pub(super) catalogue: Catalogue,
    certificates: OnceLock<Vec<Arc<Object>>>,
    pub(super) session_objects: RwLock<SessionObjects>,
    /// Whether the service ever answered.
    reached: AtomicBool,
}

impl KmsToken {
    /// What configuration and policy leave this slot.
    pub(super) fn offer(&self) -> Result<Offer<'_>> {
        Offer::of(&self.config, || Ok([self.settings.label.clone(), self.serial()]))
    }

    /// 16 digits that follow from where the keys are.
    fn serial(&self) -> String {
        held::hash_text(self.entry().as_bytes()).chars().take(16).collect()
    }

    /// Nobody is asked anything yet.
    pub fn new(config: Arc<Config>, settings: Settings, limits: Limits, client: Arc<dyn KmsClient>) -> Self {
        KmsToken {
            config,
            place: format!("{} {}", client.service().provider, client.identity()),
            settings,
            client,
            limits,
            catalogue: Catalogue::new(),
            certificates: OnceLock::new(),
            session_objects: RwLock::default(),
            reached: AtomicBool::new(false),
        }
    }

    /// What tells the entry from others: two may show different keys of one place.
    fn entry(&self) -> String {
        format!("{} {}", self.place, self.settings.label)
    }

    pub(super) fn service(&self) -> &'static Service {
        self.client.service()
    }

    /// When a call that begins now has to be over.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.limits.total)
    }

    /// What the catalogue asks of its token, for a call that begins now.
    pub(super) fn place(&self) -> Place<'_> {
        let builder = Builder {
            place: &self.place,
            private: !matches!(self.settings.pin, Pin::None),
            destroyable: self.settings.destroy,
        };
        Place { client: &*self.client, settings: &self.settings, builder, limit: self.limits.total }
    }

    /// An answer of the service, with its trouble as a CKR.
    pub(super) fn answer<T>(&self, asked: Asked, answer: cloud::Result<T>) -> Result<T> {
        let trouble = match answer {
            Ok(answer) => {
                self.reached.store(true, Ordering::Relaxed);
                return Ok(answer);
            }
            Err(trouble) => trouble,
        };
        let kind = trouble.kind();
        if !matches!(kind, Kind::Unreachable | Kind::Configuration) {
            self.reached.store(true, Ordering::Relaxed);
        }
        if kind == Kind::Unauthenticated && matches!(self.settings.pin, Pin::Secret) && asked != Asked::Login
        {
            // The PIN was the credential, and it is needed anew.
            return Err(Error::new(ErrorKind::UserNotLoggedIn, trouble.to_string()));
        }
        Err(error(&trouble, asked, self.reached.load(Ordering::Relaxed)))
    }

    /// The certificates of the configuration. One that can't be read is left out.
    pub(super) fn certificates(&self) -> &[Arc<Object>] {
        self.certificates.get_or_init(|| {
            let of_keys = self.settings.keys.iter().filter_map(|key| {
                let path = key.certificate.as_ref()?;
                Some((path, Some(key)))
            });
            let others = self.settings.certificates.iter().map(|path| (path, None));
            let mut objects = Vec::new();
            for (path, key) in of_keys.chain(others) {
                let found = held::certificates_in(path).unwrap_or_else(|error| {
                    tracing::warn!("{error}; it is left out");
                    Vec::new()
                });
                let wanted = if key.is_some() { 1 } else { found.len() };
                for value in found.iter().take(wanted) {
                    let Ok(fields) = CertificateFields::of(value) else { continue };
                    let id =
                        key.and_then(|key| key.id.clone()).unwrap_or_else(|| derived_id(&fields.public_key));
                    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
                    let label = key.map(|key| key.label.clone()).or_else(|| fields.common_name()).or(stem);
                    let label = label.unwrap_or_default();
                    match held::certificate(value, &label, &id, &self.place) {
                        Ok(attributes) => {
                            objects.push(Arc::new(Object::new(self.catalogue.handle(), attributes)));
                        }
                        Err(error) => tracing::warn!("{}: {error}; it is left out", path.display()),
                    }
                }
            }
            objects
        })
    }

    fn refuse_pins(what: &str) -> Error {
        let why = format!("{what}: the keys are a cloud service's; pin in [[slot]] says what C_Login asks");
        Error::new(ErrorKind::TokenWriteProtected, why)
    }
}

impl Token for KmsToken {
    fn slot_id(&self) -> ck::CK_SLOT_ID {
        held::slot_id(&format!("kms {}", self.entry()))
    }

    fn slot_info(&self) -> SlotInfo {
        SlotInfo {
            description: padded(&self.place),
            manufacturer: padded(self.service().manufacturer),
            flags: 0,
            hardware_version: ck::CK_VERSION { major: 0, minor: 0 },
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
        true
    }

    fn info(&self) -> Result<TokenInfo> {
        let mut flags = ck::CKF_TOKEN_INITIALIZED | ck::CKF_RNG | held::OPERATION_FLAGS;
        if !matches!(self.settings.pin, Pin::None) {
            flags |= ck::CKF_LOGIN_REQUIRED | ck::CKF_USER_PIN_INITIALIZED;
        }
        if !self.settings.create && !self.settings.destroy {
            flags |= ck::CKF_WRITE_PROTECTED;
        }
        Ok(TokenInfo {
            label: padded(&self.settings.label),
            manufacturer: padded(self.service().manufacturer),
            model: padded(self.service().model),
            serial: padded(&self.serial()),
            flags,
            min_pin_len: 0,
            max_pin_len: MAX_PIN_LEN,
            hardware_version: ck::CK_VERSION { major: 0, minor: 0 },
            firmware_version: VERSION,
            limits: TokenLimits::default(),
        })
    }

    fn mechanisms(&self) -> Result<Vec<ck::CK_MECHANISM_TYPE>> {
        Ok(offer::rows(self.offer()?, self.service()).map(|row| row.kind).collect())
    }

    fn mechanism_info(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<MechanismInfo> {
        let row = offer::row(&self.offer()?, self.service(), kind)?;
        Ok(MechanismInfo {
            min_key_size: row.min_key_size,
            max_key_size: row.max_key_size,
            flags: offer::flags(self.service(), row).unwrap_or_default(),
        })
    }

    fn init_token(&self, _so_pin: Option<&[u8]>, _label: [u8; 32]) -> Result<()> {
        Err(KmsToken::refuse_pins("C_InitToken"))
    }

    fn init_pin(&self, _pin: Option<&[u8]>) -> Result<()> {
        Err(KmsToken::refuse_pins("C_InitPIN"))
    }

    fn set_pin(&self, _user: User, _old: Option<&[u8]>, _new: Option<&[u8]>) -> Result<()> {
        Err(KmsToken::refuse_pins("C_SetPIN"))
    }

    fn login(&self, user: User, pin: Option<&[u8]>, name: Option<&[u8]>) -> Result<()> {
        if name.is_some() {
            return Err(Error::new(ErrorKind::ArgumentsBad, "the slot has one user, without a name"));
        }
        self.authenticate_again(user, pin)
    }

    fn authenticate_again(&self, user: User, pin: Option<&[u8]>) -> Result<()> {
        if user == User::So {
            return Err(Error::new(ErrorKind::UserTypeInvalid, "a cloud service has no security officer"));
        }
        match &self.settings.pin {
            Pin::None => Ok(()),
            Pin::Gate(gate) => gate.check(pin),
            Pin::Secret => {
                let secret = pin.filter(|pin| !pin.is_empty()).ok_or_else(|| {
                    Error::new(ErrorKind::ArgumentsBad, "no PIN: this slot's is the provider's own secret")
                })?;
                self.answer(Asked::Login, self.client.authenticate(secret, self.deadline()))
            }
        }
    }

    fn logout(&self) {
        if !matches!(self.settings.pin, Pin::None) {
            self.session_objects.write().remove_private();
        }
        if matches!(self.settings.pin, Pin::Secret) {
            self.client.forget();
        }
    }

    fn open_session(self: Arc<Self>, _read_write: bool) -> Result<Box<dyn TokenSession>> {
        Ok(Box::new(KmsSession::new(self)))
    }

    /// Nothing to do: the child has a module of its own, and never drops this one's connections.
    fn abandon(&self) {}
}
