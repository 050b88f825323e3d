//! Validations by third parties: CKO_VALIDATION objects, and C_GetSessionValidationFlags, which speaks of them.

use cryptoki_sys::*;

use crate::runner::{Case, Check, Context, expect};
use crate::{Attr, RO, RW, cases, ensure, skip};

pub(super) fn cases() -> Vec<Case> {
    cases![validation_flags_name_the_validations, validations_are_the_token_s_own]
}

/// A flag is set in a session only where an object says whose it is; a module without validations has none.
fn validation_flags_name_the_validations(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.session(RO)?;
    let found = session.find(&[Attr::class(CKO_VALIDATION)])?;
    let flags = match session.validation_flags(CKS_LAST_VALIDATION_OK) {
        Err(rv) if rv == CKR_FUNCTION_NOT_SUPPORTED && found.is_empty() => {
            skip!("no C_GetSessionValidationFlags and no validations")
        }
        answer => answer?,
    };
    let mut named = 0;
    for object in found {
        let flag = session.get_ulong(object, CKA_VALIDATION_FLAG)?;
        ensure!(flag.count_ones() == 1, "CKA_VALIDATION_FLAG {flag:#x} is no single bit");
        ensure!(named & flag == 0, "two validations have the flag {flag:#x}");
        named |= flag;
        ensure!(
            session.get(object, CKA_VALIDATION_VERSION)?.len() == 2,
            "CKA_VALIDATION_VERSION is a CK_VERSION"
        );
        ensure!(session.get_ulong(object, CKA_VALIDATION_LEVEL)? > 0, "CKA_VALIDATION_LEVEL is 0");
        ensure!(
            !session.get(object, CKA_VALIDATION_MODULE_ID)?.is_empty(),
            "CKA_VALIDATION_MODULE_ID is empty"
        );
        for kind in [CKA_VALIDATION_TYPE, CKA_VALIDATION_AUTHORITY_TYPE] {
            session.get_ulong(object, kind)?;
        }
        for kind in [CKA_VALIDATION_COUNTRY, CKA_VALIDATION_CERTIFICATE_IDENTIFIER, CKA_VALIDATION_VENDOR_URI]
        {
            session.get(object, kind)?;
        }
    }
    ensure!(flags & !named == 0, "flags {flags:#x} of validations that no object describes: {named:#x}");
    // Nothing was done in this session that could have lost them.
    ensure!(flags == named, "flags {flags:#x} in a fresh session, the objects name {named:#x}");
    Ok(())
}

/// Nobody else makes, changes or removes one.
fn validations_are_the_token_s_own(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let made = session.create(&[Attr::class(CKO_VALIDATION), Attr::token(false)]);
    ensure!(made.is_err(), "C_CreateObject made a validation");
    for object in token.session(RW)?.find(&[Attr::class(CKO_VALIDATION)])? {
        expect(session.destroy(object), &[CKR_ACTION_PROHIBITED])?;
        let set = session.set(object, &[Attr::ulong(CKA_VALIDATION_LEVEL, 4)]);
        ensure!(set.is_err(), "C_SetAttributeValue raised the level");
    }
    Ok(())
}
