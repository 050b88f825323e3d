//! Signatures: the code of a wrong one, and the parameter combinations that modules forget.

use cryptoki_sys::*;

use super::super::fixture;
use crate::runner::{Case, Check, Context, Failure, expect};
use crate::{Attr, Mech, Object, Rv, Session, TestToken, cases, der, ensure, mgf1, names, skip};

pub(super) fn cases() -> Vec<Case> {
    cases![
        bad_signature_has_another_code,
        pss_with_another_mgf_hash,
        hmac_keys_shorter_than_the_hash,
        edwards_point_raw_and_der,
        ml_dsa_seed_import,
        ml_kem_seed_import,
    ]
}

const HASHES: &[CK_MECHANISM_TYPE] = &[CKM_SHA_1, CKM_SHA224, CKM_SHA256, CKM_SHA384, CKM_SHA512];

fn edwards(session: &Session) -> Result<(Object, Object), Rv> {
    session.generate_pair(
        &Mech::new(CKM_EC_EDWARDS_KEY_PAIR_GEN),
        &[Attr::bytes(CKA_EC_PARAMS, der::curve_oid("ed25519")), Attr::bool(CKA_VERIFY, true)],
        &[Attr::bool(CKA_SIGN, true)],
    )
}

fn ml_dsa(session: &Session) -> Result<(Object, Object), Rv> {
    session.generate_pair(
        &Mech::new(CKM_ML_DSA_KEY_PAIR_GEN),
        &[Attr::ulong(CKA_PARAMETER_SET, CKP_ML_DSA_65), Attr::bool(CKA_VERIFY, true)],
        &[Attr::bool(CKA_SIGN, true)],
    )
}

/// Every kind of signature that the token makes: mechanism, verifying key, signing key.
fn signers(token: &TestToken, s: &Session) -> Result<Vec<(Mech, Object, Object)>, Rv> {
    let (rsa, ec) = (fixture::rsa(s, &[])?, fixture::ec(s, &[])?);
    let (secret, aes) = (fixture::secret(s, &[7; 32])?, fixture::aes(s, &[])?);
    let mut signers = vec![
        (Mech::new(CKM_RSA_PKCS), rsa.0, rsa.1),
        (Mech::new(CKM_SHA256_RSA_PKCS), rsa.0, rsa.1),
        (Mech::pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32), rsa.0, rsa.1),
        (Mech::pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32), rsa.0, rsa.1),
        (Mech::new(CKM_ECDSA), ec.0, ec.1),
        (Mech::new(CKM_ECDSA_SHA256), ec.0, ec.1),
        (Mech::new(CKM_SHA256_HMAC), secret, secret),
        (Mech::new(CKM_AES_CMAC), aes, aes),
    ];
    if token.offers(CKM_EC_EDWARDS_KEY_PAIR_GEN, 0) {
        let pair = edwards(s)?;
        signers.push((Mech::new(CKM_EDDSA), pair.0, pair.1));
    }
    if token.offers(CKM_ML_DSA_KEY_PAIR_GEN, 0) {
        let pair = ml_dsa(s)?;
        signers.push((Mech::new(CKM_ML_DSA), pair.0, pair.1));
    }
    signers.retain(|(mech, _, _)| token.offers(mech.kind, CKF_SIGN | CKF_VERIFY));
    Ok(signers)
}

fn bad_signature_has_another_code(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let message = [0x42; 32];
    for (mech, public, private) in signers(&token, &s)? {
        let name = names::name(names::CKM, mech.kind);
        let place = |failure: Failure| failure.at(&name);
        let good = s.sign(&mech, private, &message).map_err(|rv| place(rv.into()))?;
        s.verify(&mech, public, &message, &good).map_err(|rv| place(rv.into()))?;
        expect(s.verify(&mech, public, &[0x43; 32], &good), &[CKR_SIGNATURE_INVALID]).map_err(place)?;
        for index in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            if let Some(byte) = bad.get_mut(index) {
                *byte ^= 0x01;
            }
            expect(s.verify(&mech, public, &message, &bad), &[CKR_SIGNATURE_INVALID]).map_err(place)?;
        }
        for bad in [vec![0; good.len()], vec![0xff; good.len()]] {
            expect(s.verify(&mech, public, &message, &bad), &[CKR_SIGNATURE_INVALID]).map_err(place)?;
        }
        for length in [0, good.len() - 1, good.len() + 1] {
            let mut bad = good.clone();
            bad.resize(length, 0);
            expect(
                s.verify(&mech, public, &message, &bad),
                &[CKR_SIGNATURE_LEN_RANGE, CKR_SIGNATURE_INVALID],
            )
            .map_err(place)?;
        }
    }
    Ok(())
}

fn pss_with_another_mgf_hash(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_RSA_PKCS_PSS, CKF_SIGN | CKF_VERIFY)?;
    let s = token.user_session()?;
    let (public, private) = fixture::rsa(&s, &[])?;
    for hash in HASHES {
        let digest = s.digest(&Mech::new(*hash), b"message")?;
        for mgf_hash in HASHES {
            for salt in [0, 1, digest.len()] {
                let mech = Mech::pss(CKM_RSA_PKCS_PSS, *hash, mgf1(*mgf_hash), salt);
                let place = |rv: Rv| {
                    let (hash, mgf) = (names::name(names::CKM, *hash), names::name(names::CKM, *mgf_hash));
                    Failure::from(rv).at(&format!("{hash}, MGF1 with {mgf}, salt {salt}"))
                };
                let signature = s.sign(&mech, private, &digest).map_err(place)?;
                s.verify(&mech, public, &digest, &signature).map_err(place)?;
            }
        }
    }
    Ok(())
}

fn hmac_keys_shorter_than_the_hash(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    for kind in [CKM_SHA_1_HMAC, CKM_SHA224_HMAC, CKM_SHA256_HMAC, CKM_SHA384_HMAC, CKM_SHA512_HMAC] {
        for length in [1, 8, 16, 20, 200] {
            let key = fixture::secret(&s, &vec![0x0b; length])?;
            let mech = Mech::new(kind);
            let place = |rv: Rv| {
                Failure::from(rv).at(&format!("{} with {length} bytes", names::name(names::CKM, kind)))
            };
            let mac = s.sign(&mech, key, b"Hi There").map_err(place)?;
            s.verify(&mech, key, b"Hi There", &mac).map_err(place)?;
            // RFC 4231, test case 1, and RFC 2202, test case 1: 20 bytes of 0x0b.
            if (kind, length) == (CKM_SHA256_HMAC, 20) {
                ensure!(mac.starts_with(&[0xb0, 0x34, 0x4c, 0x61]), "HMAC-SHA256 differs from RFC 4231");
            }
        }
    }
    Ok(())
}

fn edwards_point_raw_and_der(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_EC_EDWARDS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR)?;
    let s = token.user_session()?;
    let (public, private) = edwards(&s)?;
    let point = s.get(public, CKA_EC_POINT)?;
    ensure!(point.len() == 32, "CKA_EC_POINT has {} bytes, a raw Ed25519 point has 32", point.len());
    let signature = s.sign(&Mech::new(CKM_EDDSA), private, b"message")?;
    ensure!(signature.len() == 64, "an Ed25519 signature has {} bytes", signature.len());
    for (form, value) in [("raw", point.clone()), ("in an OCTET STRING", der::octet_string(&point))] {
        let key = s
            .create(&[
                Attr::class(CKO_PUBLIC_KEY),
                Attr::key_type(CKK_EC_EDWARDS),
                Attr::bytes(CKA_EC_PARAMS, der::curve_oid("ed25519")),
                Attr::bytes(CKA_EC_POINT, &value),
                Attr::bool(CKA_VERIFY, true),
            ])
            .map_err(|rv| Failure::from(rv).at(form))?;
        s.verify(&Mech::new(CKM_EDDSA), key, b"message", &signature)
            .map_err(|rv| Failure::from(rv).at(form))?;
    }
    Ok(())
}

fn ml_dsa_seed_import(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_ML_DSA, CKF_SIGN)?;
    let s = token.user_session()?;
    for set in [CKP_ML_DSA_44, CKP_ML_DSA_65, CKP_ML_DSA_87] {
        let import = || {
            s.create(&[
                Attr::class(CKO_PRIVATE_KEY),
                Attr::key_type(CKK_ML_DSA),
                Attr::ulong(CKA_PARAMETER_SET, set),
                Attr::bytes(CKA_SEED, &[0x5e; 32]),
                Attr::bool(CKA_SIGN, true),
            ])
        };
        let mech = Mech::sign_context(CKM_ML_DSA, CKH_DETERMINISTIC_REQUIRED, b"");
        let first = s.sign(&mech, import()?, b"message")?;
        let second = s.sign(&mech, import()?, b"message")?;
        ensure!(first == second, "two imports of a seed sign differently");
    }
    Ok(())
}

fn ml_kem_seed_import(context: &Context) -> Check {
    let token = context.token()?;
    if !token.offers(CKM_ML_KEM, 0) {
        skip!("no CKM_ML_KEM");
    }
    let s = token.user_session()?;
    for set in [CKP_ML_KEM_512, CKP_ML_KEM_768, CKP_ML_KEM_1024] {
        s.create(&[
            Attr::class(CKO_PRIVATE_KEY),
            Attr::key_type(CKK_ML_KEM),
            Attr::ulong(CKA_PARAMETER_SET, set),
            Attr::bytes(CKA_SEED, &[0x5e; 64]),
            Attr::bool(CKA_DECAPSULATE, true),
        ])?;
    }
    Ok(())
}
