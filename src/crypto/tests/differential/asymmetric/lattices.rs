//! ML-DSA and ML-KEM.

use super::*;
use crate::crypto::{Hedge, MlDsaSet, MlKemSet, PreHash, random};
use crate::types::SecretBytes;

fn seed<const N: usize>() -> [u8; N] {
    let mut seed = [0; N];
    random(&mut seed).unwrap();
    seed
}

#[test]
fn ml_dsa_keys_and_signatures() {
    macro_rules! check {
        ($own:ident, $other:ident, $set:expr) => {
            let set: MlDsaSet = $set;
            let key = $own::MlDsaPrivate::generate(set).unwrap();
            let same = $other::MlDsaPrivate::from_seed(set, &key.seed().unwrap()).unwrap();
            assert_eq!(same.expanded(), key.expanded());
            let expanded = $other::MlDsaPrivate::from_expanded(set, &key.expanded().unwrap()).unwrap();
            assert!(expanded.seed().is_none() && expanded.expanded() == key.expanded());
            assert_eq!(expanded.public().bytes(), key.public().bytes());
            let public = $other::MlDsaPublic::new(set, &key.public().bytes()).unwrap();
            let len = set.signature_len();
            for context in [&b""[..], b"context", &[1; 255]] {
                for hedge in [Hedge::Preferred, Hedge::Required, Hedge::Deterministic] {
                    let made = written(len, |out| key.sign(b"message", context, hedge, out)).unwrap();
                    public.verify(b"message", context, &made).unwrap();
                    assert_eq!(public.verify(b"massage", context, &made), Err(Error::Signature));
                    let again = written(len, |out| expanded.sign(b"message", context, hedge, out)).unwrap();
                    assert_eq!(made == again, hedge == Hedge::Deterministic);
                    key.public().verify(b"message", context, &again).unwrap();
                    let digest = [3; 32];
                    let hash = PreHash::Sha256;
                    let made =
                        written(len, |out| key.sign_prehashed(hash, &digest, context, hedge, out)).unwrap();
                    public.verify_prehashed(hash, &digest, context, &made).unwrap();
                    assert_eq!(public.verify(&digest, context, &made), Err(Error::Signature));
                }
            }
            let made = written(len, |out| key.sign(b"", b"", Hedge::Preferred, out)).unwrap();
            // The challenge, the response and the hint with its counters.
            for at in (0..len).step_by(97).chain(len - 90..len) {
                let changed = turned(&made, at, 1);
                let verdict = key.public().verify(b"", b"", &changed);
                assert!(!alike_checks(&format!("{at}"), verdict, public.verify(b"", b"", &changed)));
            }
            for signature in [vec![0; len], vec![0xff; len], vec![0; len - 1], vec![]] {
                let verdict = key.public().verify(b"", b"", &signature);
                alike_checks("signature", verdict, public.verify(b"", b"", &signature));
            }
            let (a, b) = (key.public().verify(b"", &[0; 256], &made), public.verify(b"", &[0; 256], &made));
            alike_checks("context", a, b);
        };
    }
    for set in MlDsaSet::ALL {
        both_ways!(check, set);
    }
}

#[test]
fn hostile_ml_dsa_keys() {
    for set in MlDsaSet::ALL {
        let value = aws::MlDsaPrivate::generate(set).unwrap().expanded().unwrap();
        let both = |what: &str, key: &[u8]| {
            let made = aws::MlDsaPrivate::from_expanded(set, key).map(|key| key.public().bytes());
            let accepted = made.is_ok();
            alike(what, made, rust::MlDsaPrivate::from_expanded(set, key).map(|key| key.public().bytes()));
            accepted
        };
        // rho, the public key's hash and s1. A change of s2 by one may leave the rounded public key as it is: AWS-LC
        // finds it by t0, which the other one can't.
        let vectors = 128..value.len()
            - if set == MlDsaSet::MlDsa44 {
                1664
            } else if set == MlDsaSet::MlDsa65 {
                2496
            } else {
                3328
            };
        for at in [0, 31, 64, 127, vectors.start, vectors.start + 40] {
            assert!(!both(&format!("{} {at}", set.name()), &turned(&value, at, 1)));
        }
        assert!(both("K", &turned(&value, 33, 1)), "K belongs to nothing else");
        for at in vectors.clone().step_by(31) {
            let mut key = value.to_vec();
            key[at] = 0xff;
            assert!(!both(&format!("{} {at}", set.name()), &key));
        }
        let mut key = value.to_vec();
        key[vectors.end..].iter_mut().for_each(|byte| *byte ^= 0xff);
        assert!(!both(&format!("{}: t0", set.name()), &key));
        for key in [vec![], vec![0; 32], vec![0; value.len()], vec![0xff; value.len()], value[1..].to_vec()] {
            both("bytes", &key);
        }
        for len in [0, 31, 33, 64] {
            let (a, b) = (
                aws::MlDsaPrivate::from_seed(set, &vec![1; len]),
                rust::MlDsaPrivate::from_seed(set, &vec![1; len]),
            );
            alike_checks("seed", a, b);
        }
        for len in [0, 32, set.public_len() - 1, set.public_len(), set.public_len() + 1] {
            let (a, b) =
                (aws::MlDsaPublic::new(set, &vec![0xff; len]), rust::MlDsaPublic::new(set, &vec![0xff; len]));
            alike_checks("public", a, b);
        }
    }
}

#[test]
fn ml_kem_keys_and_secrets() {
    macro_rules! check {
        ($own:ident, $other:ident, $set:expr) => {
            let set: MlKemSet = $set;
            let key = $own::MlKemPrivate::generate(set).unwrap();
            let same = $other::MlKemPrivate::from_seed(set, &key.seed().unwrap()).unwrap();
            assert_eq!((same.expanded(), same.public().bytes()), (key.expanded(), key.public().bytes()));
            let expanded = $other::MlKemPrivate::from_expanded(set, &key.expanded().unwrap()).unwrap();
            assert_eq!(
                (expanded.expanded(), expanded.public().bytes()),
                (key.expanded(), key.public().bytes())
            );
            let public = $other::MlKemPublic::new(set, key.public().bytes()).unwrap();
            let len = set.ciphertext_len();
            let m = seed::<32>();
            let encapsulated = |run: &dyn Fn(&mut [u8]) -> Result<SecretBytes>| {
                let mut ciphertext = vec![0; len];
                run(&mut ciphertext).map(|secret| [&ciphertext[..], &secret].concat())
            };
            let made = encapsulated(&|out| key.public().encapsulate_with(&m, out));
            alike("encapsulation", made, encapsulated(&|out| public.encapsulate_with(&m, out)));
            let mut ciphertext = vec![0; len];
            let secret = public.encapsulate(&mut ciphertext).unwrap();
            assert_eq!(key.decapsulate(&ciphertext).unwrap(), secret);
            for at in (0..len).step_by(41) {
                let changed = turned(&ciphertext, at, 1);
                let rejected = key.decapsulate(&changed).unwrap();
                assert_ne!(rejected, secret);
                assert_eq!(rejected, same.decapsulate(&changed).unwrap());
                assert_eq!(rejected, expanded.decapsulate(&changed).unwrap());
            }
            for ciphertext in [vec![0; len], vec![0xff; len], vec![], vec![0; len - 1], vec![0; len + 1]] {
                alike("ciphertext", key.decapsulate(&ciphertext), same.decapsulate(&ciphertext));
            }
            let mut short = vec![0; len - 1];
            alike("output", key.public().encapsulate(&mut short.clone()), public.encapsulate(&mut short));
        };
    }
    for set in MlKemSet::ALL {
        both_ways!(check, set);
    }
}

#[test]
fn hostile_ml_kem_keys() {
    for set in MlKemSet::ALL {
        let key = aws::MlKemPrivate::generate(set).unwrap();
        let (value, public) = (key.expanded().unwrap(), key.public().bytes().to_vec());
        let both = |what: &str, key: &[u8]| {
            let made = aws::MlKemPrivate::from_expanded(set, key).and_then(|key| key.expanded());
            let accepted = made.is_ok();
            alike(what, made, rust::MlKemPrivate::from_expanded(set, key).and_then(|key| key.expanded()));
            accepted
        };
        let end = value.len();
        let public_at = end - 64 - public.len();
        for at in [0, public_at - 1, public_at, end - 65, end - 64, end - 33] {
            assert!(!both(&format!("{} {at}", set.name()), &turned(&value, at, 1)));
        }
        assert!(both("z", &turned(&value, end - 1, 1)), "z belongs to nothing else");
        for key in [vec![], seed::<64>().to_vec(), vec![0; end], vec![0xff; end], value[1..].to_vec()] {
            both("bytes", &key);
        }
        // A number of the secret vector with the modulus added, which is the same number in another form.
        let mut key = value.to_vec();
        let at = (0..public_at)
            .step_by(3)
            .find(|at| u16::from(key[*at]) + (u16::from(key[at + 1] & 15) << 8) < 4096 - 3329);
        if let Some(at) = at {
            let number = u16::from(key[at]) + (u16::from(key[at + 1] & 15) << 8) + 3329;
            key[at] = u8::try_from(number & 0xff).unwrap();
            key[at + 1] = key[at + 1] & 0xf0 | u8::try_from(number >> 8).unwrap();
            both("another form", &key);
        }
        let publics = [
            public.clone(),
            vec![0xff; public.len()],
            vec![0; public.len()],
            public[1..].to_vec(),
            vec![],
            [&[1, 0x0d], &public[2..]].concat(),
            [&[0, 0x0d], &public[2..]].concat(),
        ];
        for public in publics {
            let (a, b) = (aws::MlKemPublic::new(set, &public), rust::MlKemPublic::new(set, &public));
            alike("public", a.map(|key| key.bytes().to_vec()), b.map(|key| key.bytes().to_vec()));
        }
        for len in [0, 32, 63, 65] {
            let (a, b) = (
                aws::MlKemPrivate::from_seed(set, &vec![1; len]),
                rust::MlKemPrivate::from_seed(set, &vec![1; len]),
            );
            alike_checks("seed", a, b);
        }
    }
}
