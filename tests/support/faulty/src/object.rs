//! Objects, their attributes, and the search.

use cryptoki_sys::*;

use crate::memory::{R, put, size, slice, slice_mut, ulen};
use crate::state::{Object, State};

type Attributes = Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>;

impl Object {
    /// The value of an attribute.
    pub fn value(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
        self.attributes.iter().find(|(known, _)| *known == kind).map(|(_, value)| value.as_slice())
    }

    fn flag(&self, kind: CK_ATTRIBUTE_TYPE) -> bool {
        self.value(kind).is_some_and(|value| value.first().is_some_and(|byte| *byte != 0))
    }

    fn set(&mut self, kind: CK_ATTRIBUTE_TYPE, value: Vec<u8>) {
        match self.attributes.iter_mut().find(|(known, _)| *known == kind) {
            Some(row) => row.1 = value,
            None => self.attributes.push((kind, value)),
        }
    }
}

/// A template as owned values.
pub fn template(pointer: *mut CK_ATTRIBUTE, count: CK_ULONG) -> Attributes {
    let value = |row: &CK_ATTRIBUTE| slice(row.pValue.cast::<u8>(), row.ulValueLen).to_vec();
    slice(pointer, count).iter().map(|row| (row.type_, value(row))).collect()
}

/// Adds an object: `defaults` where the template says nothing.
pub fn add(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    given: Attributes,
    defaults: &[(CK_ATTRIBUTE_TYPE, &[u8])],
    seed: u64,
) -> Result<CK_OBJECT_HANDLE, CK_RV> {
    let login = state.token_of(session)?.login;
    let (token, flags) = {
        let session = state.session(session)?;
        (session.token.clone(), session.flags)
    };
    let mut object = Object { token, session: None, attributes: given, seed };
    for (kind, value) in defaults {
        if object.value(*kind).is_none() {
            object.set(*kind, value.to_vec());
        }
    }
    if object.value(CKA_TOKEN).is_none() {
        object.set(CKA_TOKEN, vec![0]);
    }
    if object.flag(CKA_PRIVATE) && login != Some(CKU_USER) {
        return Err(CKR_USER_NOT_LOGGED_IN);
    }
    if !object.flag(CKA_TOKEN) {
        object.session = Some(session);
    } else if flags & CKF_RW_SESSION == 0 {
        return Err(CKR_SESSION_READ_ONLY);
    }
    let handle = state.number();
    object.set(CKA_UNIQUE_ID, format!("U{seed}-{handle}").into_bytes());
    state.objects.insert(handle, object);
    Ok(handle)
}

/// A number for a key that is like no other's.
pub fn new_seed(state: &mut State) -> u64 {
    state.seeds += 1;
    state.seeds
}

/// An object that the session may see.
pub fn visible(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    handle: CK_OBJECT_HANDLE,
) -> Result<&mut Object, CK_RV> {
    let user = state.token_of(session)?.login == Some(CKU_USER);
    let token = state.session(session)?.token.clone();
    let object = state.objects.get_mut(&handle).ok_or(CKR_OBJECT_HANDLE_INVALID)?;
    if object.token != token || (object.flag(CKA_PRIVATE) && !user) {
        return Err(CKR_OBJECT_HANDLE_INVALID);
    }
    Ok(object)
}

pub fn create(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    given: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    object: *mut CK_OBJECT_HANDLE,
) -> R {
    let given = template(given, count);
    // A key of this value is always the same key.
    let value = given.iter().find(|(kind, _)| *kind == CKA_VALUE).map(|(_, value)| value.clone());
    let seed = value.map_or(0, |value| {
        value.iter().fold(7_u64, |seed, byte| seed.wrapping_mul(31) ^ u64::from(*byte)) | 1 << 60
    });
    let handle = add(state, session, given, &[(CKA_CLASS, &CKO_DATA.to_ne_bytes())], seed)?;
    put(object, handle)
}

pub fn copy(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    given: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    copy: *mut CK_OBJECT_HANDLE,
) -> R {
    let mut new = visible(state, session, object)?.clone();
    for (kind, value) in template(given, count) {
        new.set(kind, value);
    }
    let handle = add(state, session, new.attributes, &[], new.seed)?;
    put(copy, handle)
}

pub fn destroy(state: &mut State, session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> R {
    visible(state, session, object)?;
    state.objects.remove(&object);
    Ok(())
}

pub fn object_size(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    out: *mut CK_ULONG,
) -> R {
    let bytes = visible(state, session, object)?.attributes.iter().map(|(_, value)| value.len()).sum();
    put(out, ulen(bytes))
}

pub fn attributes(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    wanted: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> R {
    let lies = state.lies;
    let object = visible(state, session, object)?;
    let mut result = Ok(());
    for row in slice_mut(wanted, count) {
        let kind = row.type_;
        let hidden = kind == CKA_VALUE && object.flag(CKA_SENSITIVE);
        let Some(value) = object.value(kind).filter(|_| !hidden) else {
            row.ulValueLen = CK_ULONG::MAX;
            result = Err(if hidden { CKR_ATTRIBUTE_SENSITIVE } else { CKR_ATTRIBUTE_TYPE_INVALID });
            continue;
        };
        if row.pValue.is_null() {
            row.ulValueLen = ulen(value.len()).saturating_add_signed(lies.query);
        } else if size(row.ulValueLen) < value.len() {
            row.ulValueLen = CK_ULONG::MAX;
            result = Err(CKR_BUFFER_TOO_SMALL);
        } else {
            slice_mut(row.pValue.cast::<u8>(), ulen(value.len())).copy_from_slice(value);
            row.ulValueLen = ulen(value.len()).saturating_add_signed(lies.reported);
        }
    }
    result
}

pub fn set_attributes(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    given: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> R {
    let object = visible(state, session, object)?;
    for (kind, value) in template(given, count) {
        object.set(kind, value);
    }
    Ok(())
}

pub fn find_init(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    given: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> R {
    if state.session(session)?.find.is_some() {
        return Err(CKR_OPERATION_ACTIVE);
    }
    let user = state.token_of(session)?.login == Some(CKU_USER);
    let (token, given) = (state.session(session)?.token.clone(), template(given, count));
    let matches = |object: &Object| {
        object.token == token
            && (user || !object.flag(CKA_PRIVATE))
            && given.iter().all(|(kind, value)| object.value(*kind) == Some(value))
    };
    let found =
        state.objects.iter().filter(|(_, object)| matches(object)).map(|(handle, _)| *handle).collect();
    state.session(session)?.find = Some(found);
    Ok(())
}

pub fn find(
    state: &mut State,
    session: CK_SESSION_HANDLE,
    out: *mut CK_OBJECT_HANDLE,
    max: CK_ULONG,
    count: *mut CK_ULONG,
) -> R {
    let left = state.session(session)?.find.as_mut().ok_or(CKR_OPERATION_NOT_INITIALIZED)?;
    let page: Vec<_> = left.drain(..left.len().min(size(max))).collect();
    crate::memory::copy(&page, out)?;
    put(count, ulen(page.len()))
}

pub fn find_final(state: &mut State, session: CK_SESSION_HANDLE) -> R {
    state.session(session)?.find.take().map(|_| ()).ok_or(CKR_OPERATION_NOT_INITIALIZED)
}
