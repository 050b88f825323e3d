//! RSA: keys, and operations whose result is determined or that the other provider undoes.

use super::*;
use crate::crypto::{Hash, Oaep, Pss, RsaComponents, digest};
use crypto_bigint::{BoxedUint, ConcatenatingMul, Gcd, NonZero, Resize};
use crypto_primes::{Flavor, random_prime};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;

/// Those that RSA's padding is made of.
pub(super) fn hashes() -> impl Iterator<Item = Hash> {
    Hash::ALL.into_iter().filter(|hash| !hash.digest_info_prefix().is_empty())
}

/// The same key twice.
pub(super) struct Twins {
    pub(super) aws: aws::RsaPrivate,
    pub(super) rust: rust::RsaPrivate,
}

impl Twins {
    pub(super) fn of(parts: &RsaComponents) -> Twins {
        Twins {
            aws: aws::RsaPrivate::from_components(parts).unwrap(),
            rust: rust::RsaPrivate::from_components(parts).unwrap(),
        }
    }

    pub(super) fn generate(bits: usize, e: &[u8]) -> Twins {
        Twins::of(&aws::RsaPrivate::generate(bits, e).unwrap().components().unwrap())
    }
}

fn listed(parts: &RsaComponents) -> Vec<Vec<u8>> {
    let optional = [&parts.p, &parts.q, &parts.dp, &parts.dq, &parts.qi];
    let optional = optional.map(|part| part.as_ref().unwrap().to_vec());
    [&[parts.n.clone(), parts.e.clone().unwrap(), parts.d.to_vec()], &optional[..]].concat()
}

/// A key of two primes, which need not be of one length.
fn made_of(p: &BoxedUint, q: &BoxedUint, e: &[u8]) -> RsaComponents {
    let one = BoxedUint::one();
    let n = p.concatenating_mul(q);
    let bits = n.bits_precision();
    let (p1, q1) = (p.wrapping_sub(&one).resize(bits), q.wrapping_sub(&one).resize(bits));
    let gcd = NonZero::new(p1.gcd(&q1)).unwrap();
    let multiple = NonZero::new(p1.div_rem(&gcd).0.wrapping_mul(&q1)).unwrap();
    let d = BoxedUint::from_be_slice_vartime(e).resize(bits).invert_mod(&multiple).unwrap();
    let bytes = |number: &BoxedUint| number.to_be_bytes_trimmed_vartime().to_vec();
    RsaComponents {
        n: bytes(&n),
        e: Some(e.to_vec()),
        d: bytes(&d).into(),
        p: Some(bytes(p).into()),
        q: Some(bytes(q).into()),
        dp: None,
        dq: None,
        qi: None,
    }
}

fn prime(bits: u32) -> BoxedUint {
    random_prime(&mut UnwrapErr(SysRng), Flavor::Any, bits)
}

/// Keys whose modulus has exactly so many bits, from primes of these lengths.
fn odd_sized(p_bits: u32, q_bits: u32, bits: u32) -> RsaComponents {
    loop {
        let (p, q) = (prime(p_bits), prime(q_bits));
        let is_coprime = |prime: &BoxedUint| {
            prime.rem_vartime(&NonZero::new(BoxedUint::from(65537u32)).unwrap()) != BoxedUint::one()
        };
        if p.concatenating_mul(&q).bit_width() == bits && is_coprime(&p) && is_coprime(&q) {
            return made_of(&p, &q, &[1, 0, 1]);
        }
    }
}

#[test]
fn keys_of_either() {
    for (bits, e) in [(512, &[3][..]), (640, &[1, 0, 1]), (1024, &[0xff, 0xff, 0xff, 0xfb])] {
        let from_aws = aws::RsaPrivate::generate(bits, e).unwrap().components().unwrap();
        let from_rust = rust::RsaPrivate::generate(bits, e).unwrap().components().unwrap();
        for parts in [from_aws, from_rust] {
            let twins = Twins::of(&parts);
            assert_eq!(listed(&twins.aws.components().unwrap()), listed(&parts));
            assert_eq!(listed(&twins.rust.components().unwrap()), listed(&parts));
            assert_eq!((twins.rust.bits(), twins.rust.len()), (bits, bits / 8));
            let bare =
                RsaComponents { e: None, p: None, q: None, dp: None, dq: None, qi: None, ..parts.clone() };
            for parts in [
                RsaComponents { e: parts.e.clone(), ..bare.clone() },
                RsaComponents { p: parts.p.clone(), ..bare.clone() },
                RsaComponents { q: parts.q.clone(), e: parts.e.clone(), ..bare.clone() },
                RsaComponents { p: parts.q.clone(), q: parts.p.clone(), ..bare.clone() },
            ] {
                let twins = Twins::of(&parts);
                assert_eq!(
                    listed(&twins.aws.components().unwrap()),
                    listed(&twins.rust.components().unwrap())
                );
            }
            let (ours, theirs) =
                (aws::RsaPrivate::from_components(&bare), rust::RsaPrivate::from_components(&bare));
            alike_checks("e by trial", ours, theirs);
        }
    }
}

/// Everything that has one result, and padding that the other one strips.
fn operations(twins: &Twins) {
    let (aws, rust) = (&twins.aws, &twins.rust);
    let (aws_public, rust_public) = (aws.public(), rust.public());
    assert_eq!((aws_public.n(), aws_public.e()), (rust_public.n(), rust_public.e()));
    assert_eq!((aws.bits(), aws.len()), (rust.bits(), rust.len()));
    let (len, n) = (aws.len(), aws_public.n());
    let less = plus(&n, &vec![0xff; len]);
    for data in
        [&b""[..], &[0], &[1], &[2], &less, &n, &plus(&n, &[1]), &vec![0xff; len], &vec![1; len + 1], b"text"]
    {
        let what = format!("{} bits: raw {data:02x?}", aws.bits());
        alike(&what, written(len, |out| aws.raw(data, out)), written(len, |out| rust.raw(data, out)));
        let (a, b) =
            (written(len, |out| aws_public.raw(data, out)), written(len, |out| rust_public.raw(data, out)));
        alike(&what, a, b);
        alike(&what, aws_public.raw_recover(data), rust_public.raw_recover(data));
        alike(&what, aws_public.pkcs1_recover(data), rust_public.pkcs1_recover(data));
    }
    for size in [0, 1, 20, len - 12, len - 11, len - 10, len] {
        let data = vec![0x42; size];
        let what = format!("{} bits: PKCS#1 {size}", aws.bits());
        let (a, b) =
            (written(len, |out| aws.pkcs1_sign(&data, out)), written(len, |out| rust.pkcs1_sign(&data, out)));
        alike(&what, a.clone(), b);
        if let Ok(signature) = a {
            rust_public.pkcs1_verify(&data, &signature).unwrap();
            assert_eq!(rust_public.pkcs1_recover(&signature).unwrap(), data);
            let encrypted = written(len, |out| aws_public.pkcs1_encrypt(&data, out)).unwrap();
            assert_eq!(rust.pkcs1_decrypt(&encrypted).unwrap()[..], data[..]);
            let encrypted = written(len, |out| rust_public.pkcs1_encrypt(&data, out)).unwrap();
            assert_eq!(aws.pkcs1_decrypt(&encrypted).unwrap()[..], data[..]);
        }
    }
    alike_checks(
        "output",
        aws.pkcs1_sign(b"", &mut vec![0; len + 1]),
        rust.pkcs1_sign(b"", &mut vec![0; len + 1]),
    );
}

#[test]
fn operations_of_generated_keys() {
    operations(&Twins::generate(512, &[3]));
    operations(&Twins::generate(1152, &[1, 0, 1]));
}

#[test]
fn operations_of_odd_sizes() {
    // Moduli of 8n + 1 bits, where PSS has a byte less than the modulus, and others of no whole bytes.
    for (p_bits, q_bits, bits) in [(513, 512, 1025), (513, 512, 1024), (520, 519, 1039), (511, 510, 1020)] {
        let twins = Twins::of(&odd_sized(p_bits, q_bits, bits));
        operations(&twins);
        pss(&twins, &[Hash::Sha256, Hash::Sha1]);
    }
}

#[test]
fn primes_of_unequal_length() {
    let parts = made_of(&prime(640), &prime(384), &[1, 0, 1]);
    operations(&Twins::of(&parts));
    let mut swapped = parts.clone();
    std::mem::swap(&mut swapped.p, &mut swapped.q);
    operations(&Twins::of(&swapped));
    operations(&Twins::of(&RsaComponents { p: None, q: None, ..parts }));
}

#[test]
fn large_public_exponents() {
    let whole = aws::RsaPrivate::generate(1024, &[1, 0, 1]).unwrap().components().unwrap();
    let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
    let (p, q) = (number(whole.p.as_ref().unwrap()), number(whole.q.as_ref().unwrap()));
    // The exponents swap their parts.
    let e = whole.d.to_vec();
    let parts =
        RsaComponents { e: Some(e.clone()), d: vec![1, 0, 1].into(), dp: None, dq: None, ..whole.clone() };
    operations(&Twins::of(&parts));
    assert!(p.concatenating_mul(&q) == number(&whole.n));
    let (ours, theirs) = (aws::RsaPublic::new(&whole.n, &e), rust::RsaPublic::new(&whole.n, &e));
    assert_eq!(ours.unwrap().e(), theirs.unwrap().e());
}

/// PSS of one is verified by the other, of every pair of hashes and several salts.
fn pss(twins: &Twins, hashes: &[Hash]) {
    let len = twins.aws.len();
    for &hash in hashes {
        for &mgf_hash in hashes {
            let value = digest(hash, b"message");
            let most = Pss { hash, mgf_hash, salt_len: 0 }.max_salt_len(twins.aws.bits());
            let lengths =
                [0, 1, hash.len(), most.unwrap_or(0), most.map_or(1, |most| most + 1), 4096, usize::MAX];
            for salt_len in lengths {
                let pss = Pss { hash, mgf_hash, salt_len };
                let what = format!("{} bits, {pss:?}", twins.aws.bits());
                let ours = written(len, |out| twins.aws.pss_sign(&pss, &value, out));
                let theirs = written(len, |out| twins.rust.pss_sign(&pss, &value, out));
                alike_checks(
                    &what,
                    ours.as_ref().map_err(|error| *error),
                    theirs.as_ref().map_err(|error| *error),
                );
                for signature in [ours, theirs].into_iter().flatten() {
                    twins.aws.public().pss_verify(&pss, &value, &signature).expect(&what);
                    twins.rust.public().pss_verify(&pss, &value, &signature).expect(&what);
                    for salt_len in lengths {
                        let other = Pss { salt_len, ..pss };
                        let a = twins.aws.public().pss_verify(&other, &value, &signature);
                        alike_checks(&what, a, twins.rust.public().pss_verify(&other, &value, &signature));
                    }
                }
            }
        }
    }
}

#[test]
fn pss_of_every_hash() {
    let twins = Twins::generate(1152, &[1, 0, 1]);
    pss(&twins, &hashes().step_by(2).collect::<Vec<_>>());
    pss(&Twins::generate(512, &[3]), &[Hash::Md5, Hash::Sha256, Hash::Sha512, Hash::Sha3_384]);
    // Others are refused alike.
    for (hash, mgf_hash) in
        [(Hash::Blake3, Hash::Sha1), (Hash::Sha1, Hash::Keccak256), (Hash::Blake2b256, Hash::Blake2b256)]
    {
        let (pss, value) = (Pss { hash, mgf_hash, salt_len: 20 }, vec![1; hash.len()]);
        let oaep = Oaep { hash, mgf_hash, label: b"" };
        let (a, b) = (&twins.aws, &twins.rust);
        let len = a.len();
        alike(
            "sign",
            written(len, |out| a.pss_sign(&pss, &value, out)),
            written(len, |out| b.pss_sign(&pss, &value, out)),
        );
        let signature = vec![0; len];
        let verdict = a.public().pss_verify(&pss, &value, &signature);
        alike_checks("verify", verdict, b.public().pss_verify(&pss, &value, &signature));
        let made = written(len, |out| a.public().oaep_encrypt(&oaep, b"x", out));
        alike("encrypt", made, written(len, |out| b.public().oaep_encrypt(&oaep, b"x", out)));
        alike("decrypt", a.oaep_decrypt(&oaep, &signature), b.oaep_decrypt(&oaep, &signature));
    }
}

#[test]
fn oaep_of_every_hash() {
    let twins = Twins::generate(1152, &[1, 0, 1]);
    let len = twins.aws.len();
    for hash in hashes() {
        for mgf_hash in hashes().step_by(3) {
            for label in [&b""[..], b"label"] {
                let oaep = Oaep { hash, mgf_hash, label };
                let room = (len - 2).checked_sub(2 * hash.len()).unwrap();
                for size in [0, 1, room, room + 1] {
                    let (data, what) = (vec![7; size], format!("{oaep:?} {size}"));
                    let ours = written(len, |out| twins.aws.public().oaep_encrypt(&oaep, &data, out));
                    let theirs = written(len, |out| twins.rust.public().oaep_encrypt(&oaep, &data, out));
                    alike_checks(
                        &what,
                        ours.as_ref().map_err(|error| *error),
                        theirs.as_ref().map_err(|error| *error),
                    );
                    let (Ok(ours), Ok(theirs)) = (ours, theirs) else { continue };
                    assert_eq!(twins.rust.oaep_decrypt(&oaep, &ours).unwrap()[..], data[..], "{what}");
                    assert_eq!(twins.aws.oaep_decrypt(&oaep, &theirs).unwrap()[..], data[..], "{what}");
                }
            }
        }
    }
}

#[test]
fn hostile_public_keys() {
    let odd = |len: usize| vec![0xff; len];
    let n = aws::RsaPrivate::generate(512, &[3]).unwrap().public().n();
    let even = turned(&n, 63, 1);
    let less_two = plus(&n, &[&vec![0xff; 63][..], &[0xfe]].concat());
    let moduli = [
        vec![],
        vec![0; 64],
        odd(63),
        [&[0x7f], &odd(63)[..]].concat(),
        odd(64),
        odd(2048),
        [&[1], &odd(2048)[..]].concat(),
        even,
        n.clone(),
        [&[0; 9], &n[..]].concat(),
    ];
    let long = [&[1], &n[..]].concat();
    let exponents = [
        &[][..],
        &[0],
        &[1],
        &[2],
        &[3],
        &[0, 0, 3],
        &[1, 0, 1],
        &[1, 0, 0],
        &[0xff; 4],
        &[1, 0, 0, 0, 1],
        &[3, 0xff, 0xff, 0xff, 0xff],
        &less_two,
        &n,
        &long,
        &[0xff; 64],
    ];
    for n in &moduli {
        for e in exponents {
            let what = format!("n {n:02x?}, e {e:02x?}");
            let number = |n: Vec<u8>, e: Vec<u8>| [n, e].concat();
            let ours = aws::RsaPublic::new(n, e).map(|key| number(key.n(), key.e()));
            alike(&what, ours, rust::RsaPublic::new(n, e).map(|key| number(key.n(), key.e())));
        }
    }
    for bits in [0, 384, 511, 513, 1000, 16385, usize::MAX] {
        let (a, b) = (aws::RsaPrivate::generate(bits, &[3]), rust::RsaPrivate::generate(bits, &[3]));
        assert!(!alike_checks("size", a, b));
    }
    for e in [&[][..], &[0], &[1], &[2], &[1, 0, 0, 0, 1], &[0xff; 5]] {
        assert!(!alike_checks("e", aws::RsaPrivate::generate(512, e), rust::RsaPrivate::generate(512, e)));
    }
}

#[test]
fn hostile_private_keys() {
    let whole = aws::RsaPrivate::generate(512, &[1, 0, 1]).unwrap().components().unwrap();
    let other = aws::RsaPrivate::generate(512, &[1, 0, 1]).unwrap().components().unwrap();
    let (p, q) = (whole.p.clone().unwrap(), whole.q.clone().unwrap());
    let some = |bytes: Vec<u8>| Some(bytes.into());
    let bare = RsaComponents { p: None, q: None, dp: None, dq: None, qi: None, ..whole.clone() };
    let primes = RsaComponents { p: whole.p.clone(), q: whole.q.clone(), ..bare.clone() };
    let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes).resize(576);
    // The least common multiple of both exponents, which d may be reduced by or not.
    let one = BoxedUint::one();
    let (p1, q1) = (number(&p).wrapping_sub(&one), number(&q).wrapping_sub(&one));
    let multiple = p1.div_rem(&NonZero::new(p1.gcd(&q1)).unwrap()).0.wrapping_mul(&q1);
    let larger = |times: u32| {
        let d = number(&whole.d).wrapping_add(multiple.wrapping_mul(BoxedUint::from(times)));
        d.to_be_bytes_trimmed_vartime().to_vec()
    };
    let qi = whole.qi.clone().unwrap();
    let wide_qi = [&[0; 33 - 32][..], &plus(&[&[0], &qi[..]].concat(), &p)].concat();
    let cases = [
        RsaComponents { n: other.n.clone(), ..whole.clone() },
        RsaComponents { e: other.d.to_vec().into(), ..whole.clone() },
        RsaComponents { e: Some(vec![2]), ..whole.clone() },
        RsaComponents { e: Some(vec![1]), d: vec![1].into(), ..primes.clone() },
        RsaComponents { d: other.d.clone(), ..whole.clone() },
        RsaComponents { d: vec![0].into(), ..whole.clone() },
        RsaComponents { d: plus(&whole.d, &[2]).into(), ..primes.clone() },
        RsaComponents { d: plus(&whole.d, &[2]).into(), ..bare.clone() },
        RsaComponents { d: larger(1).into(), ..primes.clone() },
        RsaComponents { d: larger(1).into(), ..bare.clone() },
        RsaComponents { d: larger(64).into(), ..primes.clone() },
        RsaComponents { d: larger(1).into(), ..whole.clone() },
        RsaComponents { p: some(vec![1]), q: some(whole.n.clone()), ..bare.clone() },
        RsaComponents { p: some(vec![3]), ..bare.clone() },
        RsaComponents { p: some(vec![1]), ..bare.clone() },
        RsaComponents { p: some(whole.n.clone()), ..bare.clone() },
        RsaComponents { p: Some(p.clone()), q: Some(p.clone()), ..bare.clone() },
        RsaComponents { p: other.p.clone(), q: other.q.clone(), ..bare.clone() },
        RsaComponents { dp: whole.dq.clone(), ..whole.clone() },
        RsaComponents { dp: some(plus(whole.dp.as_ref().unwrap(), &[1])), ..whole.clone() },
        RsaComponents { dq: other.dq.clone(), ..whole.clone() },
        RsaComponents { qi: other.qi.clone(), ..whole.clone() },
        RsaComponents { qi: some(wide_qi), ..whole.clone() },
        RsaComponents { dp: some([&[0; 5], &whole.dp.as_ref().unwrap()[..]].concat()), ..whole.clone() },
        RsaComponents { p: Some(q), q: Some(p), ..whole.clone() },
        RsaComponents { n: turned(&whole.n, 63, 1), ..whole.clone() },
    ];
    let mut refused = 0;
    for (at, parts) in cases.iter().enumerate() {
        let made = |parts: Result<RsaComponents>| parts.map(|parts| listed(&parts).concat());
        let ours = made(aws::RsaPrivate::from_components(parts).and_then(|key| key.components()));
        refused += usize::from(ours.is_err());
        let theirs = rust::RsaPrivate::from_components(parts).and_then(|key| key.components());
        alike(&format!("case {at}"), ours, made(theirs));
    }
    assert!((15..cases.len()).contains(&refused), "{refused}");
}
