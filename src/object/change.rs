//! C_CopyObject and C_SetAttributeValue: what of an existing object may change.
//!
//! Sections 4.1.2 and 4.1.3 and "Object management functions" of PKCS#11 v3.2.

use super::class::{Class, F8, F10, F11, F12, ON_COPY, Rule, TO_EMPTY};
use super::create::{check_form, check_related};
use super::template::fault;
use super::{Attributes, Caller, Template, Value, policy};
use crate::error::{Error, ErrorKind, Result};
use crate::types::ck;

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Copying,
    Modifying,
}

/// The attributes of a copy of `source`, changed by `template`, which may be empty. CKA_UNIQUE_ID is left
/// out: the copy gets its own from `finish`. CKA_LOCAL, CKA_ALWAYS_SENSITIVE and their like are the
/// original's.
///
/// # Errors
/// CKR_ACTION_PROHIBITED for an object that is not CKA_COPYABLE, CKR_TEMPLATE_INCONSISTENT for a public copy
/// of a private object, otherwise as `modify`.
pub fn copy(source: &Attributes, template: Template, caller: &Caller) -> Result<Attributes> {
    if !policy::is_copyable(source) {
        return Err(Error::new(ErrorKind::ActionProhibited, "the object's CKA_COPYABLE is CK_FALSE"));
    }
    if source.class() == ck::CKO_OTP_KEY {
        let why = "two keys that count by themselves would give the same passwords";
        return Err(Error::new(ErrorKind::ActionProhibited, why));
    }
    let mut copied = change(source, template, caller, How::Copying)?;
    copied.remove(ck::CKA_UNIQUE_ID);
    Ok(copied)
}

/// The attributes of `source` after C_SetAttributeValue with `template`.
///
/// # Errors
/// CKR_ACTION_PROHIBITED for an object that is not CKA_MODIFIABLE or is a trusted certificate,
/// CKR_ATTRIBUTE_TYPE_INVALID for an attribute the object cannot have, CKR_ATTRIBUTE_READ_ONLY for one that
/// cannot be changed, or not in this direction, CKR_ATTRIBUTE_VALUE_INVALID for a CKA_PUBLIC_KEY_INFO of
/// another key, CKR_TEMPLATE_INCONSISTENT where the result would contradict itself.
pub fn modify(source: &Attributes, template: Template, caller: &Caller) -> Result<Attributes> {
    if !policy::is_modifiable(source) {
        return Err(Error::new(ErrorKind::ActionProhibited, "the object's CKA_MODIFIABLE is CK_FALSE"));
    }
    let trusted = source.class() == ck::CKO_CERTIFICATE && source.flag(ck::CKA_TRUSTED);
    if trusted && !caller.so {
        return Err(Error::new(
            ErrorKind::ActionProhibited,
            "a trusted certificate is changed by the SO only",
        ));
    }
    change(source, template, caller, How::Modifying)
}

fn change(source: &Attributes, template: Template, caller: &Caller, how: How) -> Result<Attributes> {
    let row = Class::of(source).ok_or_else(|| {
        Error::new(ErrorKind::ActionProhibited, "objects of this type are not changed by keyward")
    })?;
    let mut changed = source.clone();
    for (id, value) in template {
        let rule = row.rule(id).ok_or_else(|| {
            fault(ErrorKind::AttributeTypeInvalid, id, format_args!("is no attribute of {}", row.name))
        })?;
        check_form(rule, &value)?;
        // Repeating what the original has does no harm in a copy. A value that may not be seen is not
        // compared: the answer would tell.
        if how == How::Copying && policy::reveal(source, id).is_ok_and(|current| *current == value) {
            continue;
        }
        check_change(rule, source, &value, caller, how)?;
        changed.set(id, value);
    }
    check_related(&changed)?;
    Ok(changed)
}

fn check_change(rule: &Rule, source: &Attributes, value: &Value, caller: &Caller, how: How) -> Result<()> {
    let read_only = |why| Err(fault(ErrorKind::AttributeReadOnly, rule.id, why));
    let (set, current) = (*value == Value::Bool(true), source.flag(rule.id));
    if rule.has(TO_EMPTY) && value.is_empty() {
        return Ok(());
    }
    if rule.has(ON_COPY) && how == How::Modifying {
        return read_only("cannot be changed, except in a copy");
    }
    if !rule.has(F8 | F10 | F11 | F12 | ON_COPY) {
        return read_only("cannot be changed");
    }
    if rule.has(F10) && !caller.so {
        return read_only("is set by the SO only");
    }
    if rule.has(F11) && current && !set {
        return read_only("stays CK_TRUE once it is");
    }
    if rule.has(F12) && !current && set {
        return read_only("stays CK_FALSE once it is");
    }
    if rule.id == ck::CKA_PRIVATE && current && !set {
        return Err(fault(
            ErrorKind::TemplateInconsistent,
            rule.id,
            "of a private object's copy must be CK_TRUE",
        ));
    }
    if rule.id == ck::CKA_PUBLIC_KEY_INFO && source.get(rule.id) != Some(value) {
        return Err(fault(ErrorKind::AttributeValueInvalid, rule.id, "is not that of this private key"));
    }
    Ok(())
}
