//! DSA.

use cryptoki_sys::*;

use super::{BAD_SIGNATURE, Bed, HASHES, files, hash_row, judge, judge_key, load, vector, verify_hashed};
use crate::runner::{Case, Check, Context, Failure, Tally};
use crate::{Attr, der};

const DSA: &[&str] = &[
    "dsa_2048_224_sha224",
    "dsa_2048_224_sha224_p1363",
    "dsa_2048_224_sha256",
    "dsa_2048_224_sha256_p1363",
    "dsa_2048_256_sha256",
    "dsa_2048_256_sha256_p1363",
    "dsa_3072_256_sha256",
    "dsa_3072_256_sha256_p1363",
];

pub(super) fn cases() -> Vec<Case> {
    files(DSA, dsa)
}

/// The mechanism that hashes with what a digest mechanism does.
fn combined(digest: CK_MECHANISM_TYPE) -> CK_MECHANISM_TYPE {
    const ROWS: &[(CK_MECHANISM_TYPE, CK_MECHANISM_TYPE)] = &[
        (CKM_SHA_1, CKM_DSA_SHA1),
        (CKM_SHA224, CKM_DSA_SHA224),
        (CKM_SHA256, CKM_DSA_SHA256),
        (CKM_SHA384, CKM_DSA_SHA384),
        (CKM_SHA512, CKM_DSA_SHA512),
    ];
    debug_assert!(ROWS.iter().all(|(hash, _)| HASHES.iter().any(|row| row.digest == *hash)));
    ROWS.iter().find(|(of, _)| *of == digest).map_or(CK_MECHANISM_TYPE::MAX, |(_, kind)| *kind)
}

fn dsa(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    bed.token.need(CKM_DSA, CKF_VERIFY)?;
    for group in load!(dsa, file)?.test_groups {
        let row = hash_row(group.hash)?;
        let public = &group.key;
        let template = vec![
            Attr::class(CKO_PUBLIC_KEY),
            Attr::key_type(CKK_DSA),
            Attr::token(false),
            Attr::bool(CKA_VERIFY, true),
            Attr::bytes(CKA_PRIME, &public.p),
            Attr::bytes(CKA_SUBPRIME, &public.q),
            Attr::bytes(CKA_BASE, &public.g),
            Attr::value(&public.y),
        ];
        let zeros = public.q.iter().take_while(|byte| **byte == 0).count();
        let order_len = public.q.len() - zeros;
        bed.with_key(&template, |key| {
            for test in &group.tests {
                let signature = match file.ends_with("_p1363") {
                    true => Some(test.sig.to_vec()),
                    false => der::ecdsa_to_fixed(&test.sig, order_len),
                };
                let check = match (key, signature) {
                    (_, None) => Err(Failure::Skipped("the DER encoding is what is wrong".into())),
                    (Err(refusal), _) => judge_key(test.result, refusal),
                    (Ok(key), Some(signature)) => {
                        let mechs = (combined(row.digest), CKM_DSA, row.digest);
                        verify_hashed(&bed, mechs, key, (&test.msg, &signature))
                            .and_then(|outcome| judge(test.result, outcome, BAD_SIGNATURE))
                    }
                };
                tally.record(&vector(file, test.tc_id, &test.comment), check);
            }
        });
    }
    Ok(())
}
