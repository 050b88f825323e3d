//! Access policy: what of an object leaves the token, what finds it, what it may be used for.

use super::template::fault;
use super::{Attributes, Caller, Date, Template, Value};
use crate::error::{ErrorKind, Result};
use crate::types::ck;

/// What a key is about to be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Usage {
    Encrypt,
    Decrypt,
    Sign,
    SignRecover,
    Verify,
    VerifyRecover,
    Wrap,
    Unwrap,
    Derive,
    Encapsulate,
    Decapsulate,
}

/// CKA_TOKEN: kept until destroyed, not until its session ends.
pub fn is_token(attributes: &Attributes) -> bool {
    attributes.flag(ck::CKA_TOKEN)
}

/// CKA_PRIVATE: seen by the logged-in user only.
pub fn is_private(attributes: &Attributes) -> bool {
    attributes.flag(ck::CKA_PRIVATE)
}

/// CKA_MODIFIABLE.
pub fn is_modifiable(attributes: &Attributes) -> bool {
    attributes.flag(ck::CKA_MODIFIABLE)
}

/// CKA_COPYABLE.
pub fn is_copyable(attributes: &Attributes) -> bool {
    attributes.flag(ck::CKA_COPYABLE)
}

/// CKA_DESTROYABLE.
pub fn is_destroyable(attributes: &Attributes) -> bool {
    attributes.flag(ck::CKA_DESTROYABLE)
}

/// Whether an object may be made, changed or destroyed by this caller in this session.
pub fn may_write(attributes: &Attributes, caller: &Caller, read_write_session: bool) -> Result<()> {
    let _ = (attributes, caller, read_write_session);
    Err(ErrorKind::FunctionNotSupported.into())
}

/// The one place where an attribute's value is released to a caller.
pub fn reveal(attributes: &Attributes, id: ck::CK_ATTRIBUTE_TYPE) -> Result<&Value> {
    attributes.get(id).ok_or_else(|| fault(ErrorKind::AttributeTypeInvalid, id, "is not among the object's"))
}

/// Whether C_FindObjects finds the object.
pub fn matches(attributes: &Attributes, template: &Template) -> bool {
    let _ = (attributes, template);
    false
}

/// Whether `wrapping_key` may wrap `key`.
pub fn wrappable(key: &Attributes, wrapping_key: &Attributes) -> Result<()> {
    let _ = (key, wrapping_key);
    Err(ErrorKind::FunctionNotSupported.into())
}

/// Whether a key may be used so.
pub fn permits(
    key: &Attributes,
    usage: Usage,
    mechanism: ck::CK_MECHANISM_TYPE,
    today: Option<Date>,
) -> Result<()> {
    let _ = (key, usage, mechanism, today);
    Err(ErrorKind::FunctionNotSupported.into())
}
