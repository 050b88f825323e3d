//! What every backend implements, and the words they share with the module.
//!
//! A [`Provider`] lists the tokens of one backend; a [`Token`] is what sits in one slot; a [`TokenSession`] is one
//! session's way to it. The module above owns slots, sessions, login state and running operations; a backend owns
//! objects, keys and PINs. Nothing here has a default body that answers with an error: what a backend can't do, it
//! says itself, with the CKR that fits.

mod foreign;
mod pin;

use std::sync::Arc;

use crate::error::{ErrorKind, Result};
use crate::mechanism::Mechanism;
use crate::mechanism::op::{Cipher, Producer, Verifier};
use crate::object::{Template, Value};
use crate::types::ck;

pub use foreign::{Below, Call, Foreign};
pub use pin::{PinSource, UserPin};

/// An object's handle within its token: the same in every session, dead once the object is destroyed.
pub type ObjectHandle = ck::CK_OBJECT_HANDLE;

/// Lists the tokens of one configured backend.
pub trait Provider: Send + Sync {
    /// Whether tokens of this backend come and go, or have something else to tell C_WaitForSlotEvent.
    fn has_events(&self) -> bool;
    /// The tokens there are now, each always as the same `Arc`, in slot order. No network, no PIN, no KDF.
    fn tokens(&self) -> Result<Vec<Arc<dyn Token>>>;
}

/// Who a PIN belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// CKU_SO.
    So,
    /// CKU_USER.
    User,
}

/// Who is logged in on a token, for every session of this process alike (PKCS#11 v3.2, section 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Login {
    /// Nobody: public objects only.
    #[default]
    Public,
    /// The normal user.
    User,
    /// The security officer: public objects, the user's PIN, CKA_TRUSTED.
    So,
}

/// What a session may do at this moment: its own mode and the token's login state.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// True for a CKF_RW_SESSION session.
    pub read_write: bool,
    /// Who is logged in.
    pub login: Login,
}

/// The parts of CK_SLOT_INFO that a backend decides.
#[derive(Debug, Clone)]
pub struct SlotInfo {
    /// Blank-padded UTF-8.
    pub description: [u8; 64],
    /// Blank-padded UTF-8.
    pub manufacturer: [u8; 32],
    /// CKF_REMOVABLE_DEVICE, CKF_HW_SLOT; CKF_TOKEN_PRESENT is added while `Token::present`.
    pub flags: ck::CK_FLAGS,
    /// Of the reader; of keyward where there is none.
    pub hardware_version: ck::CK_VERSION,
    /// Of the reader's firmware; of keyward where there is none.
    pub firmware_version: ck::CK_VERSION,
}

/// The parts of CK_TOKEN_INFO that a backend decides. Session counts are the module's.
#[derive(Debug, Clone)]
pub struct TokenInfo {
    /// Blank-padded UTF-8.
    pub label: [u8; 32],
    /// Blank-padded UTF-8.
    pub manufacturer: [u8; 32],
    /// Blank-padded UTF-8.
    pub model: [u8; 16],
    /// Blank-padded.
    pub serial: [u8; 16],
    /// CKF_ bits of the token.
    pub flags: ck::CK_FLAGS,
    /// Bytes.
    pub min_pin_len: usize,
    /// Bytes.
    pub max_pin_len: usize,
    /// Of the device; of keyward where there is none.
    pub hardware_version: ck::CK_VERSION,
    /// Of the device's firmware; of keyward where there is none.
    pub firmware_version: ck::CK_VERSION,
    /// What the token knows of its limits.
    pub limits: TokenLimits,
}

/// What few tokens know of their limits; the default is "nobody knows".
#[derive(Debug, Clone, Copy)]
pub struct TokenLimits {
    /// Sessions, CK_EFFECTIVELY_INFINITE where only memory bounds them.
    pub sessions: ck::CK_ULONG,
    /// Read-write sessions, likewise.
    pub read_write_sessions: ck::CK_ULONG,
    /// Bytes for public objects: all, and free ones.
    pub public_memory: [ck::CK_ULONG; 2],
    /// Bytes for private objects: all, and free ones.
    pub private_memory: [ck::CK_ULONG; 2],
    /// Only with CKF_CLOCK_ON_TOKEN.
    pub utc_time: [u8; 16],
}

impl Default for TokenLimits {
    fn default() -> Self {
        TokenLimits {
            sessions: ck::CK_EFFECTIVELY_INFINITE,
            read_write_sessions: ck::CK_EFFECTIVELY_INFINITE,
            public_memory: [ck::CK_UNAVAILABLE_INFORMATION; 2],
            private_memory: [ck::CK_UNAVAILABLE_INFORMATION; 2],
            utc_time: [b' '; 16],
        }
    }
}

/// CK_MECHANISM_INFO.
#[derive(Debug, Clone, Copy)]
pub struct MechanismInfo {
    /// In the mechanism's own unit (bits or bytes).
    pub min_key_size: ck::CK_ULONG,
    /// In the mechanism's own unit (bits or bytes).
    pub max_key_size: ck::CK_ULONG,
    /// CKF_ bits.
    pub flags: ck::CK_FLAGS,
}

/// A token in its slot.
pub trait Token: Send + Sync {
    /// Stable for the life of the token, at most 2^31-1.
    fn slot_id(&self) -> ck::CK_SLOT_ID;
    /// What C_GetSlotInfo shows.
    fn slot_info(&self) -> SlotInfo;
    /// False for a slot whose token is away.
    fn present(&self) -> bool;
    /// Whether something happened in the slot since the last question: a token came or went, a device was opened.
    fn event(&self) -> bool;
    /// False for the free slot, before C_InitToken.
    fn initialized(&self) -> bool;
    /// What C_GetTokenInfo shows.
    fn info(&self) -> Result<TokenInfo>;
    /// Every mechanism that has its `mechanism_info`.
    fn mechanisms(&self) -> Result<Vec<ck::CK_MECHANISM_TYPE>>;
    /// CKR_MECHANISM_INVALID for one that isn't in the list.
    fn mechanism_info(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<MechanismInfo>;

    /// C_InitToken: the SO PIN is set on a new token and checked on an old one, whose objects are then destroyed.
    fn init_token(&self, so_pin: Option<&[u8]>, label: [u8; 32]) -> Result<()>;
    /// C_InitPIN, with the SO logged in.
    fn init_pin(&self, pin: Option<&[u8]>) -> Result<()>;
    /// C_SetPIN for `user`.
    fn set_pin(&self, user: User, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<()>;
    /// C_Login, and C_LoginUser with a name: checks the PIN and unseals what it protects.
    fn login(&self, user: User, pin: Option<&[u8]>, name: Option<&[u8]>) -> Result<()>;
    /// Whether [`Token::login`] knows the user's PIN itself, and a session is to be logged in without C_Login.
    fn logs_in_by_itself(&self) -> bool {
        false
    }
    /// The CKA_VALIDATION_FLAG that its operations meet; 0 where no validated module does the work.
    fn validation_flags(&self) -> ck::CK_FLAGS {
        0
    }
    /// C_Login with CKU_CONTEXT_SPECIFIC: checks the PIN of the one who is logged in once more.
    fn authenticate_again(&self, user: User, pin: Option<&[u8]>) -> Result<()>;
    /// Forgets every key and private session object.
    fn logout(&self);

    /// A session's way to the token.
    fn open_session(self: Arc<Self>, read_write: bool) -> Result<Box<dyn TokenSession>>;
    /// Called in a forked child: let go of connections and sockets without touching them.
    fn abandon(&self);
}

/// An operation ready to run, and whether its key wants the PIN again (CKA_ALWAYS_AUTHENTICATE) before it does.
pub struct Prepared<T: ?Sized> {
    /// The operation.
    pub operation: Box<T>,
    /// True where C_Login(CKU_CONTEXT_SPECIFIC) must come first.
    pub authenticate: bool,
}

/// What C_EncapsulateKey came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encapsulated {
    /// Nothing was made: the ciphertext wants room for so many bytes.
    Needs(usize),
    /// The new key, and how many bytes of ciphertext were written.
    Made {
        /// The key with the shared secret.
        key: ObjectHandle,
        /// Bytes.
        ciphertext_len: usize,
    },
}

/// What an attribute look-up found: the value, or why it is not shown (CKR_ATTRIBUTE_SENSITIVE,
/// CKR_ATTRIBUTE_TYPE_INVALID).
pub type Revealed = std::result::Result<Value, ErrorKind>;

/// One session's way to its token. Dropping it destroys the session's objects.
pub trait TokenSession: Send {
    /// The way for calls as the caller made them, where the token lies in another PKCS#11 library. The same for the
    /// session's whole life.
    fn foreign(&mut self) -> Option<&mut dyn Foreign>;

    /// C_CreateObject.
    fn create_object(&mut self, access: Access, template: Template) -> Result<ObjectHandle>;
    /// C_CopyObject.
    fn copy_object(
        &mut self,
        access: Access,
        object: ObjectHandle,
        template: Template,
    ) -> Result<ObjectHandle>;
    /// C_DestroyObject.
    fn destroy_object(&mut self, access: Access, object: ObjectHandle) -> Result<()>;
    /// C_GetObjectSize, in bytes.
    fn object_size(&mut self, access: Access, object: ObjectHandle) -> Result<usize>;
    /// C_GetAttributeValue: one answer per wanted type, in order.
    fn attributes(
        &mut self,
        access: Access,
        object: ObjectHandle,
        wanted: &[ck::CK_ATTRIBUTE_TYPE],
    ) -> Result<Vec<Revealed>>;
    /// C_SetAttributeValue: all or nothing.
    fn set_attributes(&mut self, access: Access, object: ObjectHandle, template: Template) -> Result<()>;
    /// C_FindObjectsInit: every match, in a stable order.
    fn find_objects(&mut self, access: Access, template: &Template) -> Result<Vec<ObjectHandle>>;

    /// C_DigestInit.
    fn digest(&mut self, mechanism: &Mechanism) -> Result<Box<dyn Producer>>;
    /// C_DigestKey: hands the value of a secret key to `digest`. CKR_KEY_INDIGESTIBLE for one that is not here.
    fn digest_key(
        &mut self,
        access: Access,
        mechanism: ck::CK_MECHANISM_TYPE,
        key: ObjectHandle,
        digest: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()>;
    /// C_SignInit.
    fn sign(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Producer>>;
    /// C_VerifyInit.
    fn verify(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Verifier>>;
    /// C_EncryptInit.
    fn encrypt(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Cipher>>;
    /// C_DecryptInit.
    fn decrypt(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Cipher>>;

    /// C_SignRecoverInit.
    fn sign_recover(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Producer>>;
    /// C_VerifyRecoverInit: the signature goes in, what was signed comes out.
    fn verify_recover(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Cipher>>;

    /// C_GenerateKey.
    fn generate_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        template: Template,
    ) -> Result<ObjectHandle>;
    /// C_GenerateKeyPair: both halves in one transaction, public first.
    fn generate_key_pair(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        public: Template,
        private: Template,
    ) -> Result<(ObjectHandle, ObjectHandle)>;
    /// C_WrapKey.
    fn wrap_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        wrapping_key: ObjectHandle,
        key: ObjectHandle,
    ) -> Result<Vec<u8>>;
    /// C_UnwrapKey.
    fn unwrap_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        unwrapping_key: ObjectHandle,
        wrapped: &[u8],
        template: Template,
    ) -> Result<ObjectHandle>;
    /// C_DeriveKey.
    fn derive_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        base_key: ObjectHandle,
        template: Template,
    ) -> Result<ObjectHandle>;
    /// C_EncapsulateKey. Without room for the ciphertext, or with too little, only its length is found out.
    fn encapsulate_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        public_key: ObjectHandle,
        template: Template,
        ciphertext: Option<&mut [u8]>,
    ) -> Result<Encapsulated>;
    /// C_DecapsulateKey.
    fn decapsulate_key(
        &mut self,
        access: Access,
        mechanism: &Mechanism,
        private_key: ObjectHandle,
        ciphertext: &[u8],
        template: Template,
    ) -> Result<ObjectHandle>;

    /// C_GenerateRandom.
    fn random(&mut self, out: &mut [u8]) -> Result<()>;
    /// C_SeedRandom.
    fn seed_random(&mut self, seed: &[u8]) -> Result<()>;
}
