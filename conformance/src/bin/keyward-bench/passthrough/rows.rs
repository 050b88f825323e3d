//! What is called. Buffers are large enough, so there are no size queries.

use std::time::Duration;

use keyward_conformance::ck::*;
use keyward_conformance::{RW, Rv, call, ulen};

use super::side::{ID, Side};
use crate::algorithm::Message;
use crate::fault::Fault;
use crate::stopwatch::time;

/// One row of the table.
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// C_ functions called each time.
    pub calls: usize,
    /// Microseconds for all of them.
    pub work: fn(&Side, Duration) -> Result<f64, Fault>,
}

/// The table.
pub const ROWS: &[Row] = &[
    Row { name: "C_GetSessionInfo", calls: 1, work: session_info },
    Row { name: "C_GenerateRandom, 16 bytes", calls: 1, work: random },
    Row { name: "C_DigestInit, C_Digest: SHA-256 of 32 bytes", calls: 2, work: digest },
    Row { name: "C_SignInit, C_Sign: P-256", calls: 2, work: sign },
    Row { name: "C_GetAttributeValue: CKA_LABEL", calls: 1, work: attribute },
    Row {
        name: "C_FindObjectsInit, C_FindObjects, C_FindObjectsFinal: class and CKA_ID",
        calls: 3,
        work: find,
    },
    Row { name: "C_OpenSession, C_CloseSession", calls: 2, work: sessions },
];

fn check(rv: Rv) -> Result<(), Rv> {
    Rv::check(rv.0)
}

fn session_info(side: &Side, duration: Duration) -> Result<f64, Fault> {
    let (handle, mut info) = (side.session.handle(), CK_SESSION_INFO::default());
    Ok(time(duration, || check(call!(side.module, C_GetSessionInfo(handle, &mut info))))?)
}

fn random(side: &Side, duration: Duration) -> Result<f64, Fault> {
    let (handle, mut bytes) = (side.session.handle(), [0; 16]);
    Ok(time(duration, || check(call!(side.module, C_GenerateRandom(handle, bytes.as_mut_ptr(), 16))))?)
}

fn mechanism(mechanism: CK_MECHANISM_TYPE) -> CK_MECHANISM {
    CK_MECHANISM { mechanism, pParameter: std::ptr::null_mut(), ulParameterLen: 0 }
}

fn digest(side: &Side, duration: Duration) -> Result<f64, Fault> {
    let (handle, mut mechanism, mut message) =
        (side.session.handle(), mechanism(CKM_SHA256), Message::default());
    let mut out = [0; 64];
    Ok(time(duration, || {
        check(call!(side.module, C_DigestInit(handle, &mut mechanism)))?;
        let (data, mut len) = (message.next().as_ptr().cast_mut(), ulen(out.len()));
        check(call!(side.module, C_Digest(handle, data, 32, out.as_mut_ptr(), &mut len)))
    })?)
}

fn sign(side: &Side, duration: Duration) -> Result<f64, Fault> {
    let (handle, mut mechanism, mut message) =
        (side.session.handle(), mechanism(CKM_ECDSA), Message::default());
    let mut out = [0; 128];
    Ok(time(duration, || {
        check(call!(side.module, C_SignInit(handle, &mut mechanism, side.private)))?;
        let (data, mut len) = (message.next().as_ptr().cast_mut(), ulen(out.len()));
        check(call!(side.module, C_Sign(handle, data, 32, out.as_mut_ptr(), &mut len)))
    })?)
}

fn attribute(side: &Side, duration: Duration) -> Result<f64, Fault> {
    let (handle, mut value) = (side.session.handle(), [0_u8; 64]);
    Ok(time(duration, || {
        let mut wanted = CK_ATTRIBUTE {
            type_: CKA_LABEL,
            pValue: value.as_mut_ptr().cast(),
            ulValueLen: ulen(value.len()),
        };
        check(call!(side.module, C_GetAttributeValue(handle, side.private, &mut wanted, 1)))
    })?)
}

fn find(side: &Side, duration: Duration) -> Result<f64, Fault> {
    let handle = side.session.handle();
    let (class, id) = (CKO_PRIVATE_KEY, ID);
    let mut template = [
        CK_ATTRIBUTE {
            type_: CKA_CLASS,
            pValue: std::ptr::from_ref(&class).cast_mut().cast(),
            ulValueLen: ulen(size_of_val(&class)),
        },
        CK_ATTRIBUTE { type_: CKA_ID, pValue: id.as_ptr().cast_mut().cast(), ulValueLen: ulen(id.len()) },
    ];
    let (mut found, mut count) = ([CK_INVALID_HANDLE; 8], 0);
    Ok(time(duration, || {
        check(call!(side.module, C_FindObjectsInit(handle, template.as_mut_ptr(), 2)))?;
        check(call!(side.module, C_FindObjects(handle, found.as_mut_ptr(), 8, &mut count)))?;
        check(call!(side.module, C_FindObjectsFinal(handle)))?;
        if count == 1 { Ok(()) } else { Err(Rv(CKR_OBJECT_HANDLE_INVALID)) }
    })?)
}

fn sessions(side: &Side, duration: Duration) -> Result<f64, Fault> {
    let mut handle = CK_INVALID_HANDLE;
    Ok(time(duration, || {
        check(call!(side.module, C_OpenSession(side.slot, RW, std::ptr::null_mut(), None, &mut handle)))?;
        check(call!(side.module, C_CloseSession(handle)))
    })?)
}
