//! Pre-hashed signatures of ML-DSA and SLH-DSA, and SLH-DSA itself (PKCS#11 v3.2, section 6 "ML-DSA" and "SLH-DSA").

use cryptoki_sys::*;

use crate::runner::{Case, Check, Context, expect};
use crate::{Attr, Mech, Object, Session, TestToken, cases, ensure};

pub(super) fn cases() -> Vec<Case> {
    cases![hash_ml_dsa, hash_slh_dsa, slh_dsa_context_and_hedging]
}

fn pair(
    token: &TestToken,
    s: &Session,
    generation: CK_MECHANISM_TYPE,
    set: CK_ULONG,
) -> Check<(Object, Object)> {
    token.need(generation, CKF_GENERATE_KEY_PAIR)?;
    Ok(s.generate_pair(
        &Mech::new(generation),
        &[Attr::token(false), Attr::ulong(CKA_PARAMETER_SET, set), Attr::bool(CKA_VERIFY, true)],
        &[Attr::token(false), Attr::bool(CKA_SIGN, true)],
    )?)
}

/// The mechanism over digests and the one that hashes, both with SHA-256, sign alike.
fn agree(
    token: &TestToken,
    s: &Session,
    (public, private): (Object, Object),
    (digests, whole): (CK_MECHANISM_TYPE, CK_MECHANISM_TYPE),
) -> Check {
    token.need(digests, CKF_SIGN)?;
    token.need(whole, CKF_SIGN)?;
    let digest = s.digest(&Mech::new(CKM_SHA256), b"message")?;
    let by_digest = |hedge| Mech::hash_sign_context(digests, hedge, b"context", CKM_SHA256);
    let by_message = |hedge| Mech::sign_context(whole, hedge, b"context");
    let signature = s.sign(&by_digest(CKH_HEDGE_PREFERRED), private, &digest)?;
    s.verify(&by_message(CKH_HEDGE_PREFERRED), public, b"message", &signature)?;
    let signature = s.sign(&by_message(CKH_HEDGE_REQUIRED), private, b"message")?;
    s.verify(&by_digest(CKH_HEDGE_PREFERRED), public, &digest, &signature)?;
    let other = s.sign(&by_message(CKH_HEDGE_REQUIRED), private, b"message")?;
    ensure!(signature != other, "hedged signatures are the same");
    let wrong = &[CKR_SIGNATURE_INVALID];
    expect(s.verify(&Mech::new(whole), public, b"message", &signature), wrong)?;
    expect(s.verify(&by_message(CKH_HEDGE_PREFERRED), public, b"messagf", &signature), wrong)?;
    let other_hash = Mech::hash_sign_context(digests, CKH_HEDGE_PREFERRED, b"context", CKM_SHA3_256);
    expect(
        s.verify(&other_hash, public, &digest, &signature),
        &[CKR_SIGNATURE_INVALID, CKR_MECHANISM_PARAM_INVALID],
    )?;
    expect(s.sign(&by_digest(CKH_HEDGE_PREFERRED), private, b"message"), &[CKR_DATA_LEN_RANGE])?;
    let bad = &[CKR_MECHANISM_PARAM_INVALID];
    expect(s.sign(&Mech::new(digests), private, &digest), bad)?;
    let no_hash = Mech::hash_sign_context(digests, CKH_HEDGE_PREFERRED, b"", CKM_AES_GCM);
    expect(s.sign(&no_hash, private, &digest), bad)?;
    let long = Mech::hash_sign_context(digests, CKH_HEDGE_PREFERRED, &[0; 256], CKM_SHA256);
    expect(s.sign(&long, private, &digest), bad)
}

fn hash_ml_dsa(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let keys = pair(&token, &s, CKM_ML_DSA_KEY_PAIR_GEN, CKP_ML_DSA_44)?;
    agree(&token, &s, keys, (CKM_HASH_ML_DSA, CKM_HASH_ML_DSA_SHA256))
}

fn hash_slh_dsa(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let keys = pair(&token, &s, CKM_SLH_DSA_KEY_PAIR_GEN, CKP_SLH_DSA_SHA2_128F)?;
    agree(&token, &s, keys, (CKM_HASH_SLH_DSA, CKM_HASH_SLH_DSA_SHA256))
}

fn slh_dsa_context_and_hedging(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (public, private) = pair(&token, &s, CKM_SLH_DSA_KEY_PAIR_GEN, CKP_SLH_DSA_SHAKE_128F)?;
    token.need(CKM_SLH_DSA, CKF_SIGN)?;
    let with = |hedge, context: &[u8]| Mech::sign_context(CKM_SLH_DSA, hedge, context);
    let fixed = || with(CKH_DETERMINISTIC_REQUIRED, b"context");
    let signature = s.sign(&fixed(), private, b"message")?;
    ensure!(signature.len() == 17088, "a signature of {} bytes", signature.len());
    ensure!(signature == s.sign(&fixed(), private, b"message")?, "deterministic signatures differ");
    ensure!(signature != s.sign(&with(CKH_HEDGE_REQUIRED, b"context"), private, b"message")?, "not hedged");
    s.verify(&with(CKH_HEDGE_PREFERRED, b"context"), public, b"message", &signature)?;
    expect(s.verify(&Mech::new(CKM_SLH_DSA), public, b"message", &signature), &[CKR_SIGNATURE_INVALID])?;
    expect(s.verify(&fixed(), public, b"message", &signature[1..]), &[CKR_SIGNATURE_LEN_RANGE])
}
