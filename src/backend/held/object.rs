//! An object in memory, and the questions that every backend asks before it uses one.

use std::fmt::Display;
use std::sync::OnceLock;

use der::Encode;
use der::asn1::OctetStringRef;

use crate::config::Config;
use crate::crypto::{self, Hash};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::{Descriptor, Key, material};
use crate::object::{self, Attributes, Caller, Value};
use crate::token::{Access, Login, ObjectHandle, Revealed};
use crate::types::ck;

/// Session objects' handles start here; rows' and built-in objects' stay below.
pub const FIRST_SESSION_OBJECT: ObjectHandle = 0x8000_0000;

/// What C_GetTokenInfo says of operations: two go on at once, and a saved one needs no key to go on.
pub const OPERATION_FLAGS: ck::CK_FLAGS = ck::CKF_DUAL_CRYPTO_OPERATIONS | ck::CKF_RESTORE_KEY_NOT_NEEDED;

/// An object and, once it was used, its parsed key.
pub struct Object {
    /// Its handle.
    pub handle: ObjectHandle,
    /// All of its attributes, secret ones included.
    pub attributes: Attributes,
    key: OnceLock<Key>,
}

impl Object {
    /// An object whose key is parsed when first used.
    pub fn new(handle: ObjectHandle, attributes: Attributes) -> Self {
        Object { handle, attributes, key: OnceLock::new() }
    }

    /// The parsed key, for [`super::UsableKey`] alone. CKR_KEY_HANDLE_INVALID for an object that is none.
    pub(super) fn parsed(&self) -> Result<&Key> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let key = material::key(&self.attributes)?;
        Ok(self.key.get_or_init(|| key))
    }
}

/// Private objects show to the logged-in user alone.
pub fn visible(attributes: &Attributes, access: Access) -> bool {
    access.login == Login::User || !object::is_private(attributes)
}

/// Who asks, in the words of the object room.
pub fn caller(access: Access) -> Caller {
    Caller { so: access.login == Login::So, user: access.login == Login::User }
}

/// CKA_UNIQUE_ID: 32 random hexadecimal digits.
pub fn unique_id() -> Result<String> {
    let mut bytes = [0; 16];
    crate::crypto::random(&mut bytes).map_err(|_| ErrorKind::RandomNoRng)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// A name that follows from bytes: 32 hexadecimal digits.
pub fn hash_text(bytes: &[u8]) -> String {
    let digest = crypto::digest(Hash::Sha256, bytes);
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A slot's ID from what tells its token from all others: the same in every process, at most 2^31-1, never 0.
pub fn slot_id(identity: &str) -> ck::CK_SLOT_ID {
    let digest = crypto::digest(Hash::Sha256, identity.as_bytes());
    let number = digest.iter().take(4).fold(0, |number, byte| number << 8 | ck::CK_ULONG::from(*byte));
    (number & 0x7fff_ffff).max(1)
}

/// A row without the function of an operation: CKR_MECHANISM_INVALID (PKCS#11 v3.2, section 5.1.6).
pub fn operation<T>(row: &Descriptor, function: Option<T>, what: impl Display) -> Result<T> {
    function.ok_or_else(|| Error::new(ErrorKind::MechanismInvalid, format!("{} is not for {what}", row.name)))
}

/// A handle of a key that leads nowhere has a return value of its own, by what the key was for.
pub fn no_object_as(kind: ErrorKind) -> impl Fn(Error) -> Error {
    move |error| match error.kind() {
        ErrorKind::ObjectHandleInvalid => error.with_kind(kind),
        _ => error,
    }
}

/// Whether this is a type of secret key.
pub fn is_secret_type(key_type: ck::CK_KEY_TYPE) -> bool {
    let key = Attributes::new().with(ck::CKA_CLASS, ck::CKO_SECRET_KEY).with(ck::CKA_KEY_TYPE, key_type);
    object::has_class(&key)
}

/// What C_GetAttributeValue shows of an object: one answer per wanted type, in order.
pub fn revealed(config: &Config, object: &Object, wanted: &[ck::CK_ATTRIBUTE_TYPE]) -> Vec<Revealed> {
    let reveal = |&kind: &ck::CK_ATTRIBUTE_TYPE| {
        let value = object::reveal(&object.attributes, kind).map_err(|error| error.kind())?;
        Ok(match kind {
            ck::CKA_EC_POINT => shown_point(config, &object.attributes, value),
            _ => value.clone(),
        })
    };
    wanted.iter().map(reveal).collect()
}

/// Wrapping and unwrapping have return values of their own for a key of the wrong type.
pub fn wrong_type_as(kind: ErrorKind) -> impl Fn(Error) -> Error {
    move |error| match error.kind() {
        ErrorKind::KeyTypeInconsistent => error.with_kind(kind),
        _ => error,
    }
}

/// A key that wants the PIN for each use can't be used by a call that leaves no moment for it: C_UnwrapKey would be
/// a C_Decrypt, and C_DeriveKey an agreement, that nobody was asked for. CKR_USER_NOT_LOGGED_IN (section 4.11).
pub fn expect_no_pin_wanted(key: &Object, call: &str) -> Result<()> {
    match key.attributes.flag(ck::CKA_ALWAYS_AUTHENTICATE) {
        false => Ok(()),
        true => {
            let why = format!("CKA_ALWAYS_AUTHENTICATE of the key is CK_TRUE: {call} can't ask for the PIN");
            Err(Error::new(ErrorKind::UserNotLoggedIn, why))
        }
    }
}

/// CKA_EC_POINT as `soft.edwards_point` wants it shown. Kept bare, as PKCS#11 3.x has it.
fn shown_point(config: &Config, key: &Attributes, point: &Value) -> Value {
    let bare = matches!(key.key_type(), Some(ck::CKK_EC_EDWARDS | ck::CKK_EC_MONTGOMERY));
    match point {
        Value::Bytes(point) if bare && config.soft.edwards_point_der => {
            let encoded = OctetStringRef::new(point).and_then(|point| point.to_der());
            encoded.map_or_else(|_| Value::from(&point[..]), Value::from)
        }
        point => point.clone(),
    }
}
