//! HKDF and PBKDF2.

use cryptoki_sys::*;

use super::{Bed, files, judge, judge_key, load, secret_key, vector};
use crate::runner::{Case, Check, Context, Tally};
use crate::{Attr, Mech, Object, Rv, rv, ulen};

/// File and hash.
const HKDF: &[(&str, CK_MECHANISM_TYPE)] = &[
    ("hkdf_sha1", CKM_SHA_1),
    ("hkdf_sha256", CKM_SHA256),
    ("hkdf_sha384", CKM_SHA384),
    ("hkdf_sha512", CKM_SHA512),
];

/// File and pseudo-random function.
const PBKDF2: &[(&str, CK_ULONG)] = &[
    ("pbkdf2_hmacsha1", CKP_PKCS5_PBKD2_HMAC_SHA1),
    ("pbkdf2_hmacsha224", CKP_PKCS5_PBKD2_HMAC_SHA224),
    ("pbkdf2_hmacsha256", CKP_PKCS5_PBKD2_HMAC_SHA256),
    ("pbkdf2_hmacsha384", CKP_PKCS5_PBKD2_HMAC_SHA384),
    ("pbkdf2_hmacsha512", CKP_PKCS5_PBKD2_HMAC_SHA512),
];

/// Refusals of a length that the function does not give.
const BAD_LENGTH: &[CK_RV] = &[
    CKR_KEY_SIZE_RANGE,
    CKR_ATTRIBUTE_VALUE_INVALID,
    CKR_TEMPLATE_INCONSISTENT,
    CKR_MECHANISM_PARAM_INVALID,
];

pub(super) fn cases() -> Vec<Case> {
    let hkdf = HKDF.iter().flat_map(|(name, _)| files(&[*name], self::hkdf));
    let pbkdf2 = PBKDF2.iter().flat_map(|(name, _)| files(&[*name], self::pbkdf2));
    hkdf.chain(pbkdf2).collect()
}

/// A generic secret of this length that may be read.
pub(in crate::suites) fn readable(len: usize) -> Vec<Attr> {
    vec![
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_GENERIC_SECRET),
        Attr::token(false),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
        Attr::value_len(len),
    ]
}

/// The value of a key that a call made.
fn value(bed: &Bed, call: &'static str, key: Result<Object, Rv>) -> Result<Vec<u8>, Rv> {
    let key = key?;
    let value = bed.session.get(key, CKA_VALUE);
    let _ = bed.session.destroy(key);
    rv::calling(call);
    value
}

fn hkdf(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let Some((_, hash)) = HKDF.iter().find(|(name, _)| *name == file) else { return Ok(()) };
    let bed = Bed::new(context)?;
    bed.token.need(CKM_HKDF_DERIVE, CKF_DERIVE)?;
    for test in load!(hkdf, file)?.test_groups.iter().flat_map(|group| &group.tests) {
        let base = secret_key(CKK_GENERIC_SECRET, &test.ikm, &[CKA_DERIVE]);
        let check = bed.with_key(&base, |base| match base {
            Err(refusal) => judge_key(test.result, refusal),
            Ok(base) => {
                let mech = Mech::hkdf(*hash, true, true, &test.salt, &test.info);
                let derived = bed.session.derive(&mech, base, &readable(test.size));
                let outcome = value(&bed, "C_DeriveKey", derived).map(|value| value == test.okm[..]);
                judge(test.result, outcome, BAD_LENGTH)
            }
        });
        tally.record(&vector(file, test.tc_id, &test.comment), check);
    }
    Ok(())
}

fn pbkdf2(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let Some((_, prf)) = PBKDF2.iter().find(|(name, _)| *name == file) else { return Ok(()) };
    let bed = Bed::new(context)?;
    bed.token.need(CKM_PKCS5_PBKD2, CKF_GENERATE)?;
    for test in load!(pbkdf2, file)?.test_groups.iter().flat_map(|group| &group.tests) {
        let mech = Mech::pbkdf2(*prf, &test.salt, ulen(test.iteration_count), &test.password);
        let made = bed.session.generate_key(&mech, &readable(test.dk_len));
        let outcome = value(&bed, "C_GenerateKey", made).map(|value| value == test.dk[..]);
        let check = judge(test.result, outcome, BAD_LENGTH);
        tally.record(&vector(file, test.tc_id, &test.comment), check);
    }
    Ok(())
}
