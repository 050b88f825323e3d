//! The objects a token brings along: CKO_PROFILE and CKO_MECHANISM (PKCS#11 v3.2, sections 4.13 and 4.14).
//!
//! A search finds them only if its template names their class or an attribute that only they have: programs written
//! before they existed stumble over classes they don't know.

use std::sync::Arc;

use super::token::SoftToken;
use crate::backend::held::{FIRST_SESSION_OBJECT, Object};
use crate::object::{self, Template, Value};
use crate::token::ObjectHandle;
use crate::types::ck;

/// Rows have smaller handles, session objects larger ones.
const FIRST_PROFILE: ObjectHandle = 0x7f00_0000;
const FIRST_MECHANISM: ObjectHandle = 0x7f80_0000;

/// The profiles that every soft token meets.
const PROFILES: [ck::CK_PROFILE_ID; 4] = [
    ck::CKP_BASELINE_PROVIDER,
    ck::CKP_EXTENDED_PROVIDER,
    ck::CKP_AUTHENTICATION_TOKEN,
    ck::CKP_PUBLIC_CERTIFICATES_TOKEN,
];

fn profile(at: usize) -> Option<Object> {
    let id = *PROFILES.get(at)?;
    let attributes = object::builtin(ck::CKO_PROFILE, [(ck::CKA_PROFILE_ID, Value::Ulong(id))]);
    Some(Object::new(FIRST_PROFILE + at as u64, attributes))
}

fn mechanism(token: &SoftToken, at: usize) -> Option<Object> {
    let row = token.offered().nth(at)?;
    let attributes = [(ck::CKA_MECHANISM_TYPE, Value::Ulong(row.kind))];
    Some(Object::new(FIRST_MECHANISM + at as u64, object::builtin(ck::CKO_MECHANISM, attributes)))
}

/// The built-in object of a handle.
pub fn get(token: &SoftToken, handle: ObjectHandle) -> Option<Arc<Object>> {
    if !is_builtin(handle) {
        return None;
    }
    let at = |first: ObjectHandle| usize::try_from(handle.checked_sub(first)?).ok();
    let found = at(FIRST_MECHANISM).and_then(|at| mechanism(token, at));
    found.or_else(|| at(FIRST_PROFILE).and_then(profile)).map(Arc::new)
}

/// The built-in objects that a search asks for.
pub fn find(token: &SoftToken, template: &Template) -> Vec<ObjectHandle> {
    let class = template.ulong(ck::CKA_CLASS);
    let mut objects: Vec<Object> = Vec::new();
    if class == Some(ck::CKO_PROFILE) || template.get(ck::CKA_PROFILE_ID).is_some() {
        objects.extend((0..).map_while(profile));
    }
    if class == Some(ck::CKO_MECHANISM) || template.get(ck::CKA_MECHANISM_TYPE).is_some() {
        objects.extend((0..).map_while(|at| mechanism(token, at)));
    }
    objects
        .iter()
        .filter(|found| object::matches(&found.attributes, template))
        .map(|found| found.handle)
        .collect()
}

/// True for a handle that rows never have.
pub fn is_builtin(handle: ObjectHandle) -> bool {
    (FIRST_PROFILE..FIRST_SESSION_OBJECT).contains(&handle)
}
