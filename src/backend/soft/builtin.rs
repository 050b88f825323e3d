//! The objects a token brings along: CKO_PROFILE, CKO_MECHANISM, CKO_HW_FEATURE and CKO_VALIDATION (PKCS#11 v3.2,
//! "Objects").
//!
//! A search finds them only if its template names their class or an attribute that only they have: programs written
//! before they existed stumble over classes they don't know, and the specification asks it of hardware features
//! (C_FindObjectsInit).

use std::sync::Arc;

use super::token::SoftToken;
use crate::backend::held::{self, FIRST_SESSION_OBJECT, Object};
use crate::object::{self, Attributes, Template, Value};
use crate::token::ObjectHandle;
use crate::types::{ck, length, unix_now, utc_time};

/// Rows have smaller handles, session objects larger ones.
const FIRST: ObjectHandle = 0x7f00_0000;
/// How many handles each kind has.
const EACH: ObjectHandle = 0x10_0000;

/// The profiles that every soft token meets, as `pkcs11-profiles-v3.2` defines them. The Complete Provider would have
/// every mechanism and function of the specification, the HKDF TLS Token CKM_HKDF_DATA.
const PROFILES: [ck::CK_PROFILE_ID; 4] = [
    ck::CKP_BASELINE_PROVIDER,
    ck::CKP_EXTENDED_PROVIDER,
    ck::CKP_AUTHENTICATION_TOKEN,
    ck::CKP_PUBLIC_CERTIFICATES_TOKEN,
];

/// A kind of built-in objects.
struct Kind {
    class: ck::CK_OBJECT_CLASS,
    /// The attribute that only they have.
    own: ck::CK_ATTRIBUTE_TYPE,
    /// The object of a number, from 0 on.
    object: fn(&SoftToken, usize) -> Option<Attributes>,
}

/// In the order of their handles.
const KINDS: [Kind; 4] = [
    Kind { class: ck::CKO_PROFILE, own: ck::CKA_PROFILE_ID, object: profile },
    Kind { class: ck::CKO_MECHANISM, own: ck::CKA_MECHANISM_TYPE, object: mechanism },
    Kind { class: ck::CKO_HW_FEATURE, own: ck::CKA_HW_FEATURE_TYPE, object: feature },
    Kind { class: ck::CKO_VALIDATION, own: ck::CKA_VALIDATION_TYPE, object: validation },
];

fn profile(_: &SoftToken, at: usize) -> Option<Attributes> {
    let id = *PROFILES.get(at)?;
    Some(object::builtin(ck::CKO_PROFILE, [(ck::CKA_PROFILE_ID, Value::Ulong(id))]))
}

fn mechanism(token: &SoftToken, at: usize) -> Option<Attributes> {
    let row = token.offered().ok()?.nth(at)?;
    Some(object::builtin(ck::CKO_MECHANISM, [(ck::CKA_MECHANISM_TYPE, Value::Ulong(row.kind))]))
}

/// The system's clock, which is that of CK_TOKEN_INFO. Hardware features are no storage objects: they have none of
/// CKA_TOKEN and its like.
fn feature(_: &SoftToken, at: usize) -> Option<Attributes> {
    let clock = || {
        Attributes::new()
            .with(ck::CKA_CLASS, ck::CKO_HW_FEATURE)
            .with(ck::CKA_HW_FEATURE_TYPE, ck::CKH_CLOCK)
            .with(ck::CKA_VALUE, &utc_time(unix_now()))
    };
    (at == 0).then(clock)
}

fn validation(_: &SoftToken, at: usize) -> Option<Attributes> {
    held::validations().into_iter().nth(at)
}

impl Kind {
    /// The object, with its CKA_UNIQUE_ID: the same in every process, another in every token.
    fn make(&self, token: &SoftToken, number: usize, handle: ObjectHandle) -> Option<Object> {
        let mut attributes = (self.object)(token, number)?;
        // Mechanisms come and go with the configuration: what they are counts, not their number.
        let what = attributes.get(self.own).map(Value::to_bytes).unwrap_or_default();
        let unique = [token.serial().as_bytes(), &self.class.to_ne_bytes(), &what].concat();
        object::finish(&mut attributes, &held::hash_text(&unique));
        Some(Object::new(handle, attributes))
    }

    fn is_asked_for(&self, template: &Template) -> bool {
        template.ulong(ck::CKA_CLASS) == Some(self.class) || template.get(self.own).is_some()
    }
}

/// The built-in object of a handle.
pub fn get(token: &SoftToken, handle: ObjectHandle) -> Option<Arc<Object>> {
    let place = handle.checked_sub(FIRST).filter(|_| is_builtin(handle))?;
    let kind = KINDS.get(usize::try_from(place / EACH).ok()?)?;
    kind.make(token, usize::try_from(place % EACH).ok()?, handle).map(Arc::new)
}

/// The built-in objects that a search asks for.
pub fn find(token: &SoftToken, template: &Template) -> Vec<ObjectHandle> {
    let mut found = Vec::new();
    for (kind, first) in KINDS.iter().zip((FIRST..).step_by(length(EACH))) {
        if kind.is_asked_for(template) {
            let objects = (first..).zip(0..).map_while(|(handle, number)| kind.make(token, number, handle));
            found.extend(
                objects.filter(|made| object::matches(&made.attributes, template)).map(|made| made.handle),
            );
        }
    }
    found
}

/// True for a handle that rows never have.
pub fn is_builtin(handle: ObjectHandle) -> bool {
    (FIRST..FIRST_SESSION_OBJECT).contains(&handle)
}
