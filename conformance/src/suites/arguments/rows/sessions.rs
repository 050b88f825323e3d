//! Sessions, logins and random numbers.

use cryptoki_sys::*;

use super::{Row, row};
use crate::Mech;
use crate::suites::arguments::call::Arg;
use crate::suites::arguments::faults::OUTPUT;
use crate::token::USER_PIN;

fn pin() -> Arg {
    Arg::In(USER_PIN.as_bytes().to_vec())
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = logins();
    rows.extend([
        row("C_CloseSession", |_, _| Ok(vec![Arg::Session])),
        row("C_GetSessionInfo", |_, _| Ok(vec![Arg::Session, Arg::Place(4)])),
        row("C_SessionCancel", |_, _| Ok(vec![Arg::Session, Arg::Value(CKF_SIGN)])),
        row("C_GetSessionValidationFlags", |_, _| Ok(vec![Arg::Session, Arg::Value(1), Arg::Place(1)])),
        row("C_GetOperationState", |_, _| Ok(vec![Arg::Session, Arg::Out(OUTPUT)]))
            .after(|_, s| Ok(s.digest_init(&Mech::new(CKM_SHA256))?)),
        row("C_SetOperationState", |scene, _| {
            let other = scene.token.session(crate::RW)?;
            other.digest_init(&Mech::new(CKM_SHA256))?;
            let state = other.operation_state()?;
            Ok(vec![Arg::Session, Arg::In(state), Arg::Value(0), Arg::Value(0)])
        }),
        row("C_SeedRandom", |_, _| Ok(vec![Arg::Session, Arg::In(vec![5; 16])])),
        row("C_GenerateRandom", |_, _| Ok(vec![Arg::Session, Arg::Fill(16)])),
    ]);
    rows
}

fn logins() -> Vec<Row> {
    vec![
        row("C_Login", |_, _| Ok(vec![Arg::Session, Arg::Value(CKU_USER), pin()]))
            .in_login(|scene, _| Ok(scene.owner.logout()?)),
        row("C_LoginUser", |_, _| Ok(vec![Arg::Session, Arg::Value(CKU_USER), pin(), Arg::In(Vec::new())]))
            .in_login(|scene, _| Ok(scene.owner.logout()?)),
        row("C_Logout", |_, _| Ok(vec![Arg::Session])),
        row("C_InitPIN", |_, _| Ok(vec![Arg::Session, pin()])).in_login(|scene, _| {
            scene.owner.logout()?;
            Ok(scene.owner.login(CKU_SO, scene.token.kind().so_pin())?)
        }),
        row("C_SetPIN", |_, _| Ok(vec![Arg::Session, pin(), pin()])),
    ]
}
