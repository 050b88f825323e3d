//! C_CopyObject and C_SetAttributeValue: what of an existing object may change.

use super::{Attributes, Caller, Template};
use crate::error::{ErrorKind, Result};

/// The attributes of a copy of `source`, changed by `template`; CKA_UNIQUE_ID is left out, see `finish`.
pub fn copy(source: &Attributes, template: Template, caller: &Caller) -> Result<Attributes> {
    let _ = (source, template, caller);
    Err(ErrorKind::FunctionNotSupported.into())
}

/// The attributes of `source` after C_SetAttributeValue with `template`.
pub fn modify(source: &Attributes, template: Template, caller: &Caller) -> Result<Attributes> {
    let _ = (source, template, caller);
    Err(ErrorKind::FunctionNotSupported.into())
}
