//! The token's flags tell the truth about failed PINs.

use std::time::{Duration, Instant};

use cryptoki_sys::*;

use crate::runner::{Case, Check, Context, expect, expect_ok};
use crate::token::USER_PIN;
use crate::{RW, Rv, cases, ensure};

pub(super) fn cases() -> Vec<Case> {
    cases![pin_count_low_is_not_set, pin_is_never_locked]
}

const LOW: CK_FLAGS = CKF_USER_PIN_COUNT_LOW;
const LAST: CK_FLAGS = CKF_USER_PIN_FINAL_TRY;
const LOCKED: CK_FLAGS = CKF_USER_PIN_LOCKED;

fn pin_count_low_is_not_set(context: &Context) -> Check {
    let token = context.token()?;
    let flags = || token.module.token_info(token.slot).map(|info| info.flags);
    ensure!(flags()? & (LOW | LAST | LOCKED) == 0, "a fresh token has PIN flags {:#x}", flags()?);
    let session = token.session(RW)?;
    expect(session.login(CKU_USER, "not-the-pin"), &[CKR_PIN_INCORRECT])?;
    ensure!(flags()? & LOW != 0, "CKF_USER_PIN_COUNT_LOW is not set after a wrong PIN");
    session.login(CKU_USER, USER_PIN)?;
    ensure!(flags()? & (LOW | LAST | LOCKED) == 0, "a right PIN leaves PIN flags {:#x}", flags()?);
    Ok(())
}

/// Wrong PINs until the token locks; then the right one is refused, until the SO sets a new one.
fn pin_is_never_locked(context: &Context) -> Check {
    let token = context.token()?;
    let flags = || token.module.token_info(token.slot).map(|info| info.flags);
    let session = token.session(RW)?;
    let start = Instant::now();
    let mut final_try = false;
    for _ in 0..200 {
        final_try = flags()? & LAST != 0;
        let rv = Rv::of(&session.login(CKU_USER, "not-the-pin"));
        ensure!(rv.is_one_of(&[CKR_PIN_INCORRECT, CKR_PIN_LOCKED]), "a wrong PIN answers {rv}");
        if rv == CKR_PIN_LOCKED || flags()? & LOCKED != 0 || start.elapsed() > Duration::from_secs(120) {
            break;
        }
    }
    ensure!(flags()? & LOCKED != 0, "CKF_USER_PIN_LOCKED is never set");
    ensure!(final_try, "CKF_USER_PIN_FINAL_TRY was not set before the last try");
    expect(session.login(CKU_USER, USER_PIN), &[CKR_PIN_LOCKED])?;
    drop(session);
    let so = token.so_session()?;
    so.init_pin("unlocked-pin")?;
    so.logout()?;
    ensure!(flags()? & (LAST | LOCKED) == 0, "C_InitPIN leaves PIN flags {:#x}", flags()?);
    expect_ok(so.login(CKU_USER, "unlocked-pin"))
}
