//! Sessions on tokens whose keys are outside of this process, in a device or a service: what those keys do is asked
//! there; session objects, public keys and plain data are worked with here.

mod session;

use std::sync::Arc;

use parking_lot::RwLock;

use super::object::Object;
use super::session_objects::SessionObjects;
use crate::config::Config;
use crate::error::Result;
use crate::mechanism::op::{Cipher, Producer, Verifier};
use crate::mechanism::{Descriptor, Mechanism};
use crate::object::{Attributes, Template};
use crate::token::{Access, Login, ObjectHandle, Prepared};
use crate::types::ck;

pub use session::OutsideSession;

/// What a handle leads to: an object, and the key outside that it is a half of.
pub struct Target<E> {
    /// The object.
    pub object: Arc<Object>,
    /// The key outside; `None` for certificates and session objects.
    pub entry: Option<Arc<E>>,
}

/// A half of a key that only the outside can use: the private one of a pair, or a secret key.
pub type Kept<'a, E> = (&'a Arc<E>, &'a Arc<Object>);

impl<E> Target<E> {
    /// An object that is here.
    pub fn here(object: Arc<Object>) -> Self {
        Target { object, entry: None }
    }

    /// A half of a key outside.
    pub fn half(entry: Arc<E>, object: Arc<Object>) -> Self {
        Target { object, entry: Some(entry) }
    }

    /// What only the outside can use.
    fn kept(&self) -> Option<Kept<'_, E>> {
        let entry = self.entry.as_ref().filter(|_| self.object.attributes.class() != ck::CKO_PUBLIC_KEY)?;
        Some((entry, &self.object))
    }
}

/// A token whose keys are outside, and what they do there. Where the outside does no such thing, an operation goes to
/// `held`'s function of that name, which refuses the key like any other that has no value or lacks the usage.
pub trait Outside: Send + Sync + Sized + 'static {
    /// A key outside.
    type Entry;

    /// Who has the keys, as messages say it.
    const OWNER: &'static str;
    /// Why an object is not destroyed.
    const NOT_DESTROYABLE: &'static str;

    /// The configuration in force.
    fn config(&self) -> &Config;
    /// The session objects of all sessions.
    fn session_objects(&self) -> &RwLock<SessionObjects>;
    /// Whether a PIN is wanted before private objects show.
    fn login_required(&self) -> bool;
    /// The caller, as this token sees him: who needs no PIN is the user.
    fn access(&self, access: Access) -> Access {
        match access.login {
            Login::Public if !self.login_required() => Access { login: Login::User, ..access },
            _ => access,
        }
    }
    /// The row of a mechanism that the token has. CKR_MECHANISM_INVALID.
    fn row(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<&'static Descriptor>;
    /// The same for one that can do this, outside or here. CKR_MECHANISM_INVALID.
    fn row_for(&self, kind: ck::CK_MECHANISM_TYPE, flag: ck::CK_FLAGS) -> Result<&'static Descriptor>;
    /// That a new object may be one of the session's. CKR_TEMPLATE_INCONSISTENT, CKR_TOKEN_WRITE_PROTECTED.
    fn expect_session_object(&self, object: &Attributes) -> Result<()>;

    /// The token object of a handle, if the caller may see it. CKR_OBJECT_HANDLE_INVALID.
    fn get(&self, access: Access, handle: ObjectHandle) -> Result<Target<Self::Entry>>;
    /// The token objects that match, of those that the caller may see.
    fn find(&self, access: Access, template: &Template) -> Result<Vec<ObjectHandle>>;
    /// Whether the outside keeps objects of callers like this one.
    fn stores(&self, object: &Attributes) -> bool;
    /// Takes in an object that it [stores](Outside::stores).
    fn store(&self, object: &Attributes) -> Result<ObjectHandle>;
    /// Destroys a key outside.
    fn destroy(&self, entry: &Self::Entry) -> Result<()>;
    /// C_GenerateRandom.
    fn random(&self, out: &mut [u8]) -> Result<()>;

    /// C_SignInit.
    fn sign(
        session: &OutsideSession<Self>,
        mechanism: &Mechanism,
        key: Kept<'_, Self::Entry>,
    ) -> Result<Prepared<dyn Producer>>;

    /// C_VerifyInit with a secret key.
    fn verify(
        session: &OutsideSession<Self>,
        access: Access,
        mechanism: &Mechanism,
        key: Kept<'_, Self::Entry>,
    ) -> Result<Prepared<dyn Verifier>>;

    /// C_EncryptInit with a secret key.
    fn encrypt(
        session: &OutsideSession<Self>,
        access: Access,
        mechanism: &Mechanism,
        key: Kept<'_, Self::Entry>,
    ) -> Result<Prepared<dyn Cipher>>;

    /// C_DecryptInit.
    fn decrypt(
        session: &OutsideSession<Self>,
        access: Access,
        mechanism: &Mechanism,
        key: Kept<'_, Self::Entry>,
    ) -> Result<Prepared<dyn Cipher>>;

    /// C_GenerateKey for a token object.
    fn generate_key(
        session: &mut OutsideSession<Self>,
        access: Access,
        mechanism: &Mechanism,
        template: Template,
    ) -> Result<ObjectHandle>;

    /// C_GenerateKeyPair.
    fn generate_key_pair(
        session: &mut OutsideSession<Self>,
        access: Access,
        mechanism: &Mechanism,
        public: Template,
        private: Template,
    ) -> Result<(ObjectHandle, ObjectHandle)>;

    /// C_UnwrapKey.
    fn unwrap(
        session: &mut OutsideSession<Self>,
        access: Access,
        mechanism: &Mechanism,
        key: Kept<'_, Self::Entry>,
        wrapped: &[u8],
        template: Template,
    ) -> Result<ObjectHandle>;

    /// C_DeriveKey.
    fn derive(
        session: &mut OutsideSession<Self>,
        access: Access,
        mechanism: &Mechanism,
        key: Kept<'_, Self::Entry>,
        template: Template,
    ) -> Result<ObjectHandle>;

    /// C_DecapsulateKey.
    fn decapsulate(
        session: &mut OutsideSession<Self>,
        access: Access,
        mechanism: &Mechanism,
        key: Kept<'_, Self::Entry>,
        ciphertext: &[u8],
        template: Template,
    ) -> Result<ObjectHandle>;
}
