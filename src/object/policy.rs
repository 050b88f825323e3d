//! Access policy: what of an object leaves the token, what finds it, what it may be used for.
//!
//! PKCS#11 v3.2: footnote 7 of "Common attributes", C_GetAttributeValue, C_FindObjectsInit and C_WrapKey, and
//! the usage flags of "Key objects" and the sections after it.

use std::fmt;

use super::attribute::{self, Kind};
use super::class::{Class, F7};
use super::template::fault;
use super::{Attributes, Caller, Date, Template, Value};
use crate::error::{Error, ErrorKind, Result};
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

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&attribute::name(self.attribute()))
    }
}

impl Usage {
    /// The attribute that allows it.
    pub const fn attribute(self) -> ck::CK_ATTRIBUTE_TYPE {
        match self {
            Usage::Encrypt => ck::CKA_ENCRYPT,
            Usage::Decrypt => ck::CKA_DECRYPT,
            Usage::Sign => ck::CKA_SIGN,
            Usage::SignRecover => ck::CKA_SIGN_RECOVER,
            Usage::Verify => ck::CKA_VERIFY,
            Usage::VerifyRecover => ck::CKA_VERIFY_RECOVER,
            Usage::Wrap => ck::CKA_WRAP,
            Usage::Unwrap => ck::CKA_UNWRAP,
            Usage::Derive => ck::CKA_DERIVE,
            Usage::Encapsulate => ck::CKA_ENCAPSULATE,
            Usage::Decapsulate => ck::CKA_DECAPSULATE,
        }
    }

    /// What to answer when the object is no key at all.
    const fn no_key(self) -> ErrorKind {
        match self {
            Usage::Wrap => ErrorKind::WrappingKeyHandleInvalid,
            Usage::Unwrap | Usage::Decapsulate => ErrorKind::UnwrappingKeyHandleInvalid,
            _ => ErrorKind::KeyHandleInvalid,
        }
    }
}

/// CKA_TOKEN: the object stays until it is destroyed, rather than until its session ends.
pub fn is_token(attributes: &Attributes) -> bool {
    attributes.flag(ck::CKA_TOKEN)
}

/// CKA_PRIVATE: only the logged-in user sees the object.
pub fn is_private(attributes: &Attributes) -> bool {
    attributes.flag(ck::CKA_PRIVATE)
}

/// CKA_MODIFIABLE: C_SetAttributeValue works.
pub fn is_modifiable(attributes: &Attributes) -> bool {
    attributes.flag(ck::CKA_MODIFIABLE)
}

/// CKA_COPYABLE: C_CopyObject works.
pub fn is_copyable(attributes: &Attributes) -> bool {
    attributes.flag(ck::CKA_COPYABLE)
}

/// CKA_DESTROYABLE: C_DestroyObject works.
pub fn is_destroyable(attributes: &Attributes) -> bool {
    attributes.flag(ck::CKA_DESTROYABLE)
}

/// Whether an object with these attributes may be made, changed or destroyed by this caller in this session.
///
/// # Errors
/// CKR_SESSION_READ_ONLY for a token object in a read-only session, CKR_USER_NOT_LOGGED_IN for a private
/// object without the user.
pub fn may_write(attributes: &Attributes, caller: &Caller, read_write_session: bool) -> Result<()> {
    if is_token(attributes) && !read_write_session {
        let why = "a token object (CKA_TOKEN) needs a session opened with CKF_RW_SESSION";
        return Err(Error::new(ErrorKind::SessionReadOnly, why));
    }
    if is_private(attributes) && !caller.user {
        let why =
            "a private object (CKA_PRIVATE, the default for data, private and secret keys) needs C_Login";
        return Err(Error::new(ErrorKind::UserNotLoggedIn, why));
    }
    Ok(())
}

/// The one place where an attribute's value is released to a caller.
///
/// # Errors
/// CKR_ATTRIBUTE_SENSITIVE for the value of a key that is sensitive or not extractable, whether the key has
/// that attribute or not; CKR_ATTRIBUTE_TYPE_INVALID for what the object does not have.
pub fn reveal(attributes: &Attributes, id: ck::CK_ATTRIBUTE_TYPE) -> Result<&Value> {
    if is_guarded(attributes) && is_secret(attributes, id) {
        return Err(fault(
            ErrorKind::AttributeSensitive,
            id,
            "of a sensitive or unextractable key is not revealed",
        ));
    }
    attributes.get(id).ok_or_else(|| fault(ErrorKind::AttributeTypeInvalid, id, "is not among the object's"))
}

/// Whether the object is a key with something to hide. Flags that are missing count against revealing.
fn is_guarded(attributes: &Attributes) -> bool {
    let public = matches!(
        attributes.class(),
        ck::CKO_DATA
            | ck::CKO_CERTIFICATE
            | ck::CKO_TRUST
            | ck::CKO_PUBLIC_KEY
            | ck::CKO_DOMAIN_PARAMETERS
            | ck::CKO_HW_FEATURE
            | ck::CKO_MECHANISM
            | ck::CKO_PROFILE
            | ck::CKO_VALIDATION
    );
    let open = attributes.get(ck::CKA_SENSITIVE) == Some(&Value::Bool(false))
        && attributes.flag(ck::CKA_EXTRACTABLE);
    !(public || open)
}

/// Whether footnote 7 protects the attribute. What the table does not know is protected.
fn is_secret(attributes: &Attributes, id: ck::CK_ATTRIBUTE_TYPE) -> bool {
    match Class::of(attributes).and_then(|row| row.rule(id)) {
        Some(rule) => rule.has(F7),
        None => attributes.contains(id),
    }
}

/// Whether C_FindObjects finds the object: it has every attribute of the template with that value. Values
/// that `reveal` holds back match nothing, lest a search guess them.
pub fn matches(attributes: &Attributes, template: &Template) -> bool {
    !template.is_impossible() && template.iter().all(|(id, wanted)| has(attributes, id, wanted))
}

fn has(attributes: &Attributes, id: ck::CK_ATTRIBUTE_TYPE, wanted: &Value) -> bool {
    let Some(value) = attributes.get(id) else { return false };
    let same = match (value, wanted) {
        (Value::Bytes(value), Value::Bytes(wanted)) if attribute::kind(id) == Some(Kind::BigInteger) => {
            significant(value) == significant(wanted)
        }
        _ => value == wanted,
    };
    same && reveal(attributes, id).is_ok()
}

fn significant(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    integer.get(zeros..).unwrap_or_default()
}

/// Whether `key` has every attribute that `by`'s template attribute `id` prescribes, by the rules of a
/// search.
///
/// # Errors
/// CKR_KEY_HANDLE_INVALID, as the specification has it for CKA_WRAP_TEMPLATE and CKA_ENCAPSULATE_TEMPLATE.
pub(super) fn satisfies(key: &Attributes, by: &Attributes, id: ck::CK_ATTRIBUTE_TYPE) -> Result<()> {
    let prescribed = by.template(id).into_iter().flat_map(Attributes::iter);
    for (wanted, value) in prescribed {
        if !has(key, wanted, value) {
            let why = format!("of the key does not match the {} of the other key", attribute::name(id));
            return Err(fault(ErrorKind::KeyHandleInvalid, wanted, why));
        }
    }
    Ok(())
}

/// Whether `wrapping_key` may wrap `key`, apart from the wrapping key's own `permits`.
///
/// # Errors
/// CKR_KEY_NOT_WRAPPABLE for a key that is neither private nor secret, or wants a trusted wrapping key and gets
/// another; CKR_KEY_UNEXTRACTABLE; CKR_KEY_HANDLE_INVALID for an object that is no key, or where CKA_WRAP_TEMPLATE does
/// not match.
pub fn wrappable(key: &Attributes, wrapping_key: &Attributes) -> Result<()> {
    match key.class() {
        ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY => {}
        ck::CKO_PUBLIC_KEY | ck::CKO_OTP_KEY => {
            return Err(Error::new(ErrorKind::KeyNotWrappable, "only private and secret keys are wrapped"));
        }
        _ => return Err(Error::new(ErrorKind::KeyHandleInvalid, "the object is no key")),
    }
    if !key.flag(ck::CKA_EXTRACTABLE) {
        return Err(fault(
            ErrorKind::KeyUnextractable,
            ck::CKA_EXTRACTABLE,
            "of the key to wrap is CK_FALSE",
        ));
    }
    if key.flag(ck::CKA_WRAP_WITH_TRUSTED) && !wrapping_key.flag(ck::CKA_TRUSTED) {
        let why = "of the key is CK_TRUE and CKA_TRUSTED of the wrapping key is not; the SO sets it";
        return Err(fault(ErrorKind::KeyNotWrappable, ck::CKA_WRAP_WITH_TRUSTED, why));
    }
    satisfies(key, wrapping_key, ck::CKA_WRAP_TEMPLATE)
}

/// Whether a key may be used so. `today` is given only where a policy enforces CKA_START_DATE and
/// CKA_END_DATE: the specification leaves them to the application.
///
/// # Errors
/// CKR_KEY_FUNCTION_NOT_PERMITTED for a usage that the key's flags or dates exclude, CKR_MECHANISM_INVALID
/// for a mechanism that is not among CKA_ALLOWED_MECHANISMS, CKR_KEY_HANDLE_INVALID (or its kin for wrapping
/// and unwrapping) for an object that is no key.
pub fn permits(
    key: &Attributes,
    usage: Usage,
    mechanism: ck::CK_MECHANISM_TYPE,
    today: Option<Date>,
) -> Result<()> {
    if !key.flag(usage.attribute()) {
        return Err(refuse(key, usage));
    }
    expect_allowed(key, mechanism)?;
    expect_in_force(key, today)
}

/// Whether CKA_ALLOWED_MECHANISMS, where a key has it, lists the mechanism.
///
/// # Errors
/// CKR_MECHANISM_INVALID for one that it does not list.
pub fn expect_allowed(key: &Attributes, mechanism: ck::CK_MECHANISM_TYPE) -> Result<()> {
    match key.mechanisms(ck::CKA_ALLOWED_MECHANISMS) {
        Some(allowed) if !allowed.contains(&mechanism) => {
            let why = format!("of the key does not list mechanism {mechanism:#x}");
            Err(fault(ErrorKind::MechanismInvalid, ck::CKA_ALLOWED_MECHANISMS, why))
        }
        _ => Ok(()),
    }
}

fn refuse(key: &Attributes, usage: Usage) -> Error {
    match key.class() {
        ck::CKO_PUBLIC_KEY | ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY | ck::CKO_OTP_KEY => {
            fault(ErrorKind::KeyFunctionNotPermitted, usage.attribute(), "of the key is not CK_TRUE")
        }
        _ => Error::new(usage.no_key(), "the object is no key"),
    }
}

/// Whether a key's dates include the day, where one is given.
///
/// # Errors
/// CKR_KEY_FUNCTION_NOT_PERMITTED for a day before CKA_START_DATE or after CKA_END_DATE.
pub fn expect_in_force(key: &Attributes, today: Option<Date>) -> Result<()> {
    let Some(today) = today else { return Ok(()) };
    let date = |id| key.bytes(id).and_then(Date::parse);
    let refuse = |id, why| Err(fault(ErrorKind::KeyFunctionNotPermitted, id, why));
    if date(ck::CKA_START_DATE).is_some_and(|start| today < start) {
        return refuse(ck::CKA_START_DATE, "of the key is still to come");
    }
    if date(ck::CKA_END_DATE).is_some_and(|end| today > end) {
        return refuse(ck::CKA_END_DATE, "of the key has passed");
    }
    Ok(())
}
